"""Fitting the copula of few rows: which pairs count, and for how much, cross-validation says.

The rows held out are few, and needed to judge the network. What is tried: all correlations, shrunk
(Ledoit & Wolf, 2004), and a few for each variable, chosen one by one, which know less by heart. A
copula that tells its own rows much better than one of other rows does is not taken.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.models.autoregressive.copula import (
    FAR,
    LEAST_INDEPENDENCE,
    FittedCopula,
    known_to,
    regression,
)

__all__ = ["Cells", "Fit", "fitted"]


@dataclass(frozen=True)
class Tuning:
    """Numbers of the cross-validation."""

    folds: int = 5
    shrinkages: tuple[float, ...] = (0.003, 0.01, 0.02, 0.04, 0.1, 0.3)
    gains: tuple[float, ...] = (0.0, 5.0, 10.0)
    loose: tuple[float, ...] = (0.003, 0.03, 0.1, 0.3)
    """What is tried. Gains: see :func:`_sparse`; 0 is all pairs."""
    sure: float = 2.0
    """Standard errors by which others must tell of a variable: of 30 that nothing tells of, one by
    chance."""
    most_parents: int = 8
    first: float = 0.1
    """Shrinkage with which the places of codes are found."""
    worth: float = 2.0
    """Nats by which another order must tell other folds better."""
    rare: float = 5.0
    """Rows that the mean of a code counts as if it had of the mean of all."""


TUNING = Tuning()
MOST_OPTIMISM = 0.34
"""Optimism (Efron, 1983): how many standard deviations more probable rows may be under a copula of
them than under one of four fifths of them without these, which tell less. Only what may pass the
limit of the whole model (:class:`~synthohive.models.memorisation.GapWatch`) need be tried. Of 660
rows of 100 columns, of which each depends on nine, a copula of all pairs shrunk by 0.03 tells rows
never seen from its own by 0.76, one of chosen pairs by 0.15, and tells the former better."""


@dataclass(frozen=True)
class _Scale:
    """One variable's codes on its normal variable."""

    low: Floats
    high: Floats
    score: Floats

    @classmethod
    def of(cls, counts: Floats, order: IntArray) -> _Scale:
        """Put the coarse codes one after the other, in an order; counts are (K, W)."""
        from scipy.special import ndtri  # a third of a second of each process that never needs it

        ends = np.cumsum(counts[order].ravel()) / counts.sum()
        shape = counts.shape
        ends[-1] = 1.0
        high = np.clip(ndtri(np.clip(ends, 0, 1)), -FAR, FAR)
        low = np.r_[-FAR, high[:-1]]
        share = np.diff(ends, prepend=0.0)
        density = [np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi) for x in (low, high)]
        middle = (density[0] - density[1]) / np.where(share > 0, share, 1)
        score = np.where(share > 0, middle, low.clip(-3, 3))
        found = []
        for part in (low, high, score):
            placed = np.empty(shape)
            placed[order] = part.reshape(shape)
            found.append(placed.ravel())
        return cls(*found)


@dataclass(frozen=True)
class Cells:
    """The codes of some rows, as cells.

    Attributes
    ----------
    cells : ndarray of int64, shape (rows, J)
        Of each variable by itself; -1 where there is nothing to tell.
    sizes : list of (int, int)
        Coarse and fine codes of each variable.
    bins : list of int
        How many of the coarse ones are places on a scale.
    given : ndarray of float64, shape (rows, G)
        Scores of the rows' own places in series.
    """

    cells: IntArray
    sizes: list[tuple[int, int]]
    bins: list[int]
    given: Floats

    def take(self, rows: Bools) -> Cells:
        """Return some of the rows."""
        return Cells(self.cells[rows], self.sizes, self.bins, self.given[rows])

    def counts(self, j: int) -> Floats:
        """Return the rows of each pair of codes, (K, W)."""
        own = self.cells[:, j]
        size, width = self.sizes[j]
        found = np.bincount(own[own >= 0], minlength=size * width).reshape(size, width)
        counts: Floats = found.astype(np.float64)
        return counts if len(own[own >= 0]) else counts + 1

    def shares(self) -> Floats:
        """Return the logarithmic probability of each row by the shares of its codes, (rows,)."""
        total = np.zeros(len(self.cells))
        for j, own in enumerate(self.cells.T):
            counts = self.counts(j).ravel()
            total += np.log(np.where(own >= 0, counts[own] / counts.sum(), 1.0))
        return total


Orders = Sequence[IntArray]


@dataclass(frozen=True)
class _Gauss:
    """A copula of some rows, without shrinkage."""

    scales: list[_Scale]
    covariance: Floats
    rows: int

    @classmethod
    def of(cls, columns: Cells, orders: Orders) -> _Gauss:
        scales = [_Scale.of(columns.counts(j), order) for j, order in enumerate(orders)]
        scores = _scores(columns, scales)
        covariance = scores.T @ scores / max(len(scores), 1)
        np.fill_diagonal(covariance, np.clip(np.diag(covariance), 0.05, 1.0))
        return cls(scales, covariance, len(scores))

    def shrunk(self, by: float, gain: float = 0.0) -> Floats:
        """Return the covariance, shrunk by a share; of chosen pairs, where these have to gain."""
        found: Floats = self.covariance * (1 - by)
        np.fill_diagonal(found, np.diag(self.covariance))
        # scores were clipped and rows that tell nothing left out: still positive definite
        least = float(np.linalg.eigvalsh(found)[0])
        if least < 1e-4:
            found = found + (1e-4 - min(least, 0.0)) * np.eye(len(found))
        return _sparse(found, self.rows, gain) if gain else found

    def ratios(self, columns: Cells, covariance: Floats, beside: bool = False) -> Floats:
        """Return how much more probable each row's codes are than their shares, (2, rows, J).

        By normal variables as wide as regressions leave, and by wider ones; see
        :class:`~.copula.FittedCopula`.

        Parameters
        ----------
        columns : Cells
        covariance : ndarray of float64, shape (J, J)
        beside : bool, default False
            Given all other variables, not only those before.
        """
        from scipy.special import ndtr

        count, given = len(self.scales), columns.given.shape[1]
        mask = torch.eye(count) == 0 if beside else torch.ones(count, count).triu(1) > 0
        known = known_to(mask, given)
        weights, spread = (t.numpy() for t in regression(torch.from_numpy(covariance), known))
        mean, spread = _scores(columns, self.scales) @ weights[:, given:], spread[given:]
        found: Floats = np.ones((2, *mean.shape))
        for j, scale in enumerate(self.scales):
            own = columns.cells[:, j]
            low, high = scale.low[own], scale.high[own]
            share = ndtr(high) - ndtr(low)
            told = (own >= 0) & (share > 1e-7)
            for ratios, wide in zip(found, (spread[j], np.sqrt(spread[j]))):
                within = ndtr((high - mean[:, j]) / wide) - ndtr((low - mean[:, j]) / wide)
                ratios[told, j] = within[told] / share[told]
        return found


def _scores(columns: Cells, scales: Sequence[_Scale]) -> Floats:
    """Return the scores of places and variables, (rows, G + J)."""
    parts = [
        np.where(own >= 0, scale.score[own], 0.0) for own, scale in zip(columns.cells.T, scales)
    ]
    found: Floats = np.column_stack([columns.given, *parts])
    return found


def _natural(columns: Cells) -> list[IntArray]:
    return [np.arange(size) for size, _ in columns.sizes]


def _before(columns: Cells) -> list[IntArray]:
    """Return orders in which what is no bin of a number comes before its bins: zeros, mostly."""
    return [
        np.roll(np.arange(size), size - bins if bins > 1 else 0)
        for (size, _), bins in zip(columns.sizes, columns.bins)
    ]


def _canonical(columns: Cells) -> list[IntArray]:
    """Return the orders of coarse codes in which other variables tell most of them.

    Bins keep their order; what is no bin (NULL, values of their own) comes where other variables
    are as beside the bins there.
    """
    natural = _natural(columns)
    gauss = _Gauss.of(columns, natural)
    scores = _scores(columns, gauss.scales)
    inverse = np.linalg.inv(gauss.shrunk(TUNING.first))
    found = []
    for number, (size, width) in enumerate(columns.sizes):
        if size <= 2 or columns.bins[number] == size:
            found.append(natural[number])
            continue
        own, j = columns.cells[:, number], columns.given.shape[1] + number
        told = own >= 0
        sums, rows = np.zeros((size, len(inverse))), np.zeros(size)
        np.add.at(sums, own[told] // width, scores[told])
        np.add.at(rows, own[told] // width, 1)
        means = np.delete(sums / (rows + TUNING.rare)[:, None], j, axis=1)
        rest = np.delete(np.delete(inverse, j, 0), j, 1)
        beside = np.delete(inverse[j], j)
        rest = rest - np.outer(beside, beside) / inverse[j, j]
        weighed = means * np.sqrt(rows)[:, None]
        _, vectors = np.linalg.eigh(weighed @ rest @ weighed.T)
        place = vectors[:, -1] / np.sqrt(np.maximum(rows, 1))
        found.append(_inserted(place, rows, columns.bins[number]))
    return found


def _inserted(place: Floats, rows: Floats, bins: int) -> IntArray:
    """Return the codes by place, but bins in their order."""
    if bins < 2:
        return np.argsort(place, kind="stable")
    at = np.arange(bins)
    slope, start = np.polyfit(at, place[:bins], 1, w=np.sqrt(rows[:bins] + 1e-3))
    among = np.r_[at, np.clip((place[bins:] - start) / (slope or 1.0), -1, bins)]
    # bins before others at the same place
    return np.argsort(among, kind="stable")


def _sparse(covariance: Floats, rows: int, gain: float) -> Floats:
    """Return the covariance in which each variable depends on a few of those before it alone.

    Chosen one by one, the one that tells most first, as long as the log-likelihood of all rows
    grows by half of `gain` at least. A number for each pair knows more by heart than few rows tell.

    Parameters
    ----------
    covariance : ndarray of float64, shape (J, J)
    rows : int
    gain : float
    """
    count = len(covariance)
    weights, left = np.zeros((count, count)), np.diag(covariance).copy()
    for j in range(count):
        parents: list[int] = []
        shared, alone = covariance[:j, j], np.diag(covariance)[:j]
        while len(parents) < min(j, TUNING.most_parents):
            told = shared**2 / np.maximum(alone, 1e-3)
            told[parents] = 0.0
            best = int(np.argmax(told))
            if rows * np.log(left[j] / max(left[j] - told[best], 1e-6)) < gain:
                break
            parents.append(best)
            known = covariance[np.ix_(parents, range(j))]
            solved = np.linalg.solve(covariance[np.ix_(parents, parents)], known)
            own = covariance[parents, j]
            # what is left, given the parents, of what others share with it, and of themselves
            shared = covariance[:j, j] - own @ solved
            alone = np.diag(covariance)[:j] - (known * solved).sum(axis=0)
            weights[j, parents] = np.linalg.solve(covariance[np.ix_(parents, parents)], own)
            left[j] = max(covariance[j, j] - own @ weights[j, parents], 1e-4)
    mixing = np.linalg.inv(np.eye(count) - weights)
    found: Floats = (mixing * left) @ mixing.T
    return found


def _told(ratios: Floats, loose: float) -> Floats:
    """Return the logarithms of mixtures of ratios (2, rows, J), as :class:`~.Copula` has them."""
    near, far = ratios
    mixed = near * (1 - loose) + far * loose
    told: Floats = np.log(mixed * (1 - LEAST_INDEPENDENCE) + LEAST_INDEPENDENCE)
    return told


def _surely(told: Floats) -> Bools:
    """Return of which variables rows (rows, J) are told better than by their shares, (J,)."""
    doubt = TUNING.sure * told.std(axis=0) / np.sqrt(len(told))
    # what hangs on nothing has gains of 0, but for the last digits
    found: Bools = told.mean(axis=0) > doubt + 1e-6
    return found


@dataclass(frozen=True)
class _Choice:
    """What is tried, of numbers of :class:`Tuning`; and which variables it serves, if known."""

    gain: float
    by: float
    loose: float
    used: Bools

    def sums(self, ratios: Floats) -> Floats:
        """Return by how much rows are more probable, logarithmic, (rows,)."""
        total: Floats = _told(ratios[:, :, self.used], self.loose).sum(axis=1)
        return total


@dataclass(frozen=True)
class Fit:
    """What cross-validation makes of some rows.

    Attributes
    ----------
    copula : FittedCopula
    learned, others : ndarray of float64, shape (rows,)
        How much more probable each row is, logarithmic, than by the shares of its codes, under
        copulas of learned rows without it; and so rows that are only told of.
    optimism : float
        How many standard deviations more probable learned rows are under the copula of them all.
    shrinkage : (float, float), optional
        What was chosen, a gain and a shrinkage; None where nothing tells of any variable.
    """

    copula: FittedCopula
    learned: Floats
    others: Floats
    optimism: float
    shrinkage: Optional[tuple[float, float]]


def fitted(
    columns: Cells,
    others: Cells,
    rng: np.random.Generator,
    most_optimism: float = MOST_OPTIMISM,
    known: Optional[tuple[float, float]] = None,
) -> Fit:
    """Fit a copula by cross-validation.

    Parameters
    ----------
    columns, others : Cells
        Of the rows that are learned, and of those that are held out and only told of.
    rng : Generator
    most_optimism : float
        How much better it may tell its own rows than others; 0 leaves columns independent.
    known : (float, float), optional
        The shrinkage of most of these rows: others are tried only where it tells too much.
    """
    # sums in another order would differ in their last digits
    with threadpool_limits(1, user_api="blas"):
        fold = rng.permutation(len(columns.cells)) % TUNING.folds
        parts = [columns.take(fold != number) for number in range(TUNING.folds)]
        order = _better_order(parts, columns, fold)
        folds = [_Gauss.of(part, order(part)) for part in parts]
        whole = _Gauss.of(columns, order(columns))
        every = list(itertools.product(TUNING.gains, TUNING.shrinkages))
        tried = every if known is None else [known]
        chosen = _chosen(whole, folds, columns, fold, most_optimism, tried)
        if known is not None and not chosen.used.any():
            chosen = _chosen(whole, folds, columns, fold, most_optimism, every)
        covariance = whole.shrunk(chosen.by, chosen.gain)
        crossed = chosen.sums(_crossed(folds, columns, fold, chosen.by, chosen.gain))
        own = chosen.sums(whole.ratios(columns, covariance))
        beside = [
            chosen.sums(part.ratios(others, part.shrunk(chosen.by, chosen.gain))) for part in folds
        ]
    low, high, score = (
        np.concatenate([getattr(scale, name) for scale in whole.scales])
        for name in ("low", "high", "score")
    )
    found = FittedCopula(covariance, low, high, score, chosen.used, chosen.loose)
    optimism = _optimism(columns.shares(), own, crossed)
    shrinkage = (chosen.gain, chosen.by) if chosen.used.any() else None
    return Fit(found, crossed, np.mean(beside, axis=0), optimism, shrinkage)


def _optimism(shares: Floats, known: Floats, crossed: Floats) -> float:
    """Return how many standard deviations more probable rows are under a copula of them.

    Parameters
    ----------
    shares : ndarray of float64, shape (rows,)
        Their logarithmic probability by the shares of their codes.
    known, crossed : ndarray of float64, shape (rows,)
        What a copula of them, and one of other rows, adds to it.
    """
    spread = float((shares + known).std())
    return float((known - crossed).mean()) / spread if spread > 0 else 0.0


def _better_order(
    parts: Sequence[Cells], columns: Cells, fold: IntArray
) -> Callable[[Cells], list[IntArray]]:
    """Return what orders the codes of each variable: as they are, or by what others tell of them.

    A few zeros at the wrong end would hide half of what a number hangs on.

    Parameters
    ----------
    parts : sequence of Cells
        All rows but those of each fold.
    columns : Cells
    fold : ndarray of int64, shape (rows,)
    """
    most = TUNING.loose[-1]

    def gains(order: Callable[[Cells], list[IntArray]]) -> Floats:
        folds = [_Gauss.of(part, order(part)) for part in parts]
        ratios = _crossed(folds, columns, fold, TUNING.first, beside=True)
        total: Floats = _told(ratios, most).sum(axis=0)
        return total

    # all at one end: zeros mostly stand together, and each tells of the others wherever it is
    plain, before = gains(_natural), gains(_before)
    simple = _before if before.sum() > plain.sum() else _natural
    others = gains(_canonical) > np.maximum(plain, before) + TUNING.worth

    def mixed(part: Cells) -> list[IntArray]:
        return [b if own else a for a, b, own in zip(simple(part), _canonical(part), others)]

    return mixed if others.any() else simple


def _chosen(
    whole: _Gauss,
    folds: Sequence[_Gauss],
    columns: Cells,
    fold: IntArray,
    most_optimism: float,
    shrinkages: Sequence[tuple[float, float]],
) -> _Choice:
    """Return what tells rows of other folds best, and its own not much better.

    Parameters
    ----------
    whole, folds : _Gauss and a sequence of it
        Of all rows, and of all but those of each fold.
    columns : Cells
    fold : ndarray of int64, shape (rows,)
    most_optimism : float
    shrinkages : sequence of (float, float)
        Gains and shrinkages that are tried.
    """
    shares, most = columns.shares(), TUNING.loose[-1]
    # what only those behind it tell of hangs on them where these are given
    by_all = _surely(_told(_crossed(folds, columns, fold, TUNING.first, beside=True), most))
    best, chosen = 0.0, _Choice(0.0, 1.0, 1.0, np.zeros(len(columns.sizes), np.bool_))
    for gain, by in shrinkages if most_optimism > 0 else ():
        crossed = _crossed(folds, columns, fold, by, gain)
        known = whole.ratios(columns, whole.shrunk(by, gain))
        for loose in TUNING.loose:
            told = _told(crossed, loose)
            tried = _Choice(gain, by, loose, _surely(told) | by_all)
            beside = tried.sums(crossed)
            total, optimism = float(beside.sum()), _optimism(shares, tried.sums(known), beside)
            if total > best and optimism <= most_optimism:
                best, chosen = total, tried
    return chosen


def _crossed(
    folds: Sequence[_Gauss],
    columns: Cells,
    fold: IntArray,
    by: float,
    gain: float = 0.0,
    beside: bool = False,
) -> Floats:
    """Return what copulas say of rows that were not among theirs, as :meth:`_Gauss.ratios` does.

    Parameters
    ----------
    folds : sequence of _Gauss
        Each of all rows but those of one fold.
    columns : Cells
    fold : ndarray of int64, shape (rows,)
    by, gain : float
    beside : bool, default False
    """
    found = np.empty((2, *columns.cells.shape))
    for number, gauss in enumerate(folds):
        own = columns.take(fold == number)
        found[:, fold == number] = gauss.ratios(own, gauss.shrunk(by, gain), beside)
    return found
