"""How much better a model knows the rows that it learned than other rows of the same source.

Three sights of one thing: the scores that a model gives to rows of both kinds (its likelihood
of them, or how near it comes to them) while it trains, and afterwards, to which of both the
rows that it draws lie nearer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

import numpy as np

from synthohive._arrays import Codes, Floats, Floats32, IntArray
from synthohive.encoding.encoded import EncodedTable
from synthohive.models.base import ConditionalGenerativeModel, Memorisation
from synthohive.models.training import TrainingSet

__all__ = ["GapWatch", "closeness", "commonness", "measure", "nearer_share", "repeated"]


@dataclass(frozen=True)
class Tuning:
    """Numbers of the limit, and of the measurement."""

    most_gap: float = 0.34
    repeats: float = 16.0
    """Largest gap, in standard deviations of the scores; less where some rows repeat. A gap of 0.34
    is an area of 0.595 under the ROC curve of a likelihood attack. It moves the share of drawn rows
    that are nearer to learned ones by about 0.02, and by as much again for each twelfth of the
    held-out rows that repeat a learned row: there, what is drawn can be a copy. Where all rows
    repeat, a copy is nobody's."""
    many_rows: int = 7_000
    most_wide: float = 1.65
    """Of more rows, the limit is wider, for closeness: 20,000 flights would be told from real ones
    with an area of 0.65 instead of 0.62."""
    most_rows: int = 1_000
    most_cells: int = 60_000
    """Rows of each kind that are compared, and cells of them."""
    drawn: int = 2_000
    least_rows: int = 10
    """Rows drawn at least, and of each kind at least: a share of fewer is mostly chance."""
    chunk: int = 256
    """Rows compared with all others at once, for the memory that the distances take."""


TUNING = Tuning()


class GapWatch:
    """The gap between the scores of learned and of held-out rows, in standard deviations.

    A few held-out rows may just be rarer, which a model shows that has memorised nothing.
    A covariate that says how rare each is takes most of that away (analysis of covariance).

    Parameters
    ----------
    rows : TrainingSet
    learned, held : ndarray of float
        The covariate of the rows whose scores :meth:`gap` will be given, in that order.
    """

    def __init__(self, rows: TrainingSet, learned: Floats, held: Floats) -> None:
        wide = min(max(1.0, (len(rows.data) / TUNING.many_rows) ** 0.5), TUNING.most_wide)
        repeats = repeated(rows.data, rows.learned, rows.held)
        # repeats * (1 - repeats): no copy can harm where none repeats, nor where all do
        self.most = wide * TUNING.most_gap / (1 + TUNING.repeats * repeats * (1 - repeats))
        self._means = float(learned.mean()), float(held.mean())
        self._centred = _centred(learned, held)

    @classmethod
    def of(cls, rows: TrainingSet, learned: IntArray, held: IntArray) -> GapWatch:
        """Return that of rows of some numbers; common ones are those of common codes.

        Parameters
        ----------
        rows : TrainingSet
        learned, held : ndarray of int64
        """
        common = commonness(rows.data)
        return cls(rows, common[learned], common[held])

    def gap(self, learned: Floats, held: Floats) -> float:
        """Return how much higher learned rows score, beyond what the covariate explains."""
        if not (np.isfinite(learned).all() and np.isfinite(held).all()):
            return 0.0  # training diverged, which the metric shows
        # each kind about its own mean: one slope for both, which their distance is no part of
        scores = _centred(learned, held)
        spread = float(scores[: len(learned)].std())
        known = float(self._centred @ self._centred)
        # least squares; 0 where all rows are as rare as each other
        slope = float(scores @ self._centred) / known if known > 0 else 0.0
        before = self._means[0] - self._means[1]
        gap = float(learned.mean() - held.mean()) - slope * before
        return gap / spread if spread > 0 else 0.0


def _centred(learned: Floats, held: Floats) -> Floats:
    return np.concatenate([learned - learned.mean(), held - held.mean()])


def commonness(rows: EncodedTable) -> Floats:
    """Return the logarithmic probability of each row, ``(rows,)``, were its codes independent."""
    total = np.zeros(len(rows))
    for i, block in enumerate(rows.layout.discrete):
        codes = np.maximum(rows.codes[:, i], 0)  # what tells nothing counts as the first code
        counts = np.bincount(codes, minlength=block.cardinality)
        total += np.log(counts[codes] / max(len(rows), 1))
    return total


def repeated(data: EncodedTable, learned: IntArray, held: IntArray) -> float:
    """Return the share of held-out rows that are equal to a learned one, to the bit.

    Parameters
    ----------
    data : EncodedTable
    learned, held : ndarray of int64
        Row numbers.
    """
    rows = np.concatenate([data.codes, np.nan_to_num(data.values).view(np.int32)], axis=1)
    # a row's bytes are one value, so that one sort compares whole rows
    keys = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1] * 4))).ravel()
    return float(np.isin(keys[held], keys[learned]).mean()) if rows.shape[1] else 0.0


def closeness(real: EncodedTable, made: EncodedTable) -> Floats:
    """Return for each real row how near the nearest drawn one comes; 0 is the nearest."""
    known, drawn = _points(real, real, made)
    least: Floats32 = np.concatenate([far.min(axis=1) for far in _distances(drawn, known)])
    return -np.sqrt(least)


def nearer_share(
    learned: EncodedTable, held: EncodedTable, made: EncodedTable
) -> tuple[float, float]:
    """Return the share of drawn rows nearer to learned than to held-out ones, and its error.

    Parameters
    ----------
    learned, held : EncodedTable
        As many rows of both.
    made : EncodedTable
        Rows drawn for the contexts of both, as many for one as for the other.

    Returns
    -------
    share, error : float
        From 0 to 1, ties counting half; 0.5 is ideal. And its standard error.
    """
    both = EncodedTable.stack([learned, held])
    known, drawn = _points(both, both, made)
    size = len(learned)
    # the error is that of chance, which decides who is held out: what many drawn rows are near to
    # counts as often, not once
    wins, score = np.zeros(2 * size), 0.0
    for far in _distances(known, drawn):
        sides = far[:, :size], far[:, size:]
        least = [side.min(axis=1) for side in sides]
        for place, (side, own, other) in enumerate(zip(sides, least, least[::-1])):
            # sums of float32 in another order differ in the last digits: these are ties
            won = np.where(own < other - 1e-6, 1.0, np.where(own <= other + 1e-6, 0.5, 0.0))
            np.add.at(wins, side.argmin(axis=1) + place * size, won)
            score += float(won.sum()) if place == 0 else 0.0
    return score / len(made), float(np.sqrt((wins**2).sum())) / (2 * len(made))


def measure(
    model: ConditionalGenerativeModel,
    data: EncodedTable,
    context: Optional[EncodedTable],
    parts: tuple[IntArray, IntArray],
    gap: float,
    rng: np.random.Generator,
) -> Optional[Memorisation]:
    """Draw rows for learned and for held-out contexts, and compare; None where rows are few.

    Parameters
    ----------
    parts : tuple of ndarray of int64
        The rows that were learned, and those that were held out.
    gap : float
        What :meth:`GapWatch.gap` found in the state that is kept.
    """
    blocks = len(data.layout.discrete) + len(data.layout.continuous)
    most = max(TUNING.least_rows, TUNING.most_cells // max(blocks, 1))
    size = min(*map(len, parts), TUNING.most_rows, most)
    # rows of a table that was not split are learned and held out at once
    if size < TUNING.least_rows or np.intersect1d(*parts).size:
        return None
    learned, held = (np.sort(rng.permutation(part)[:size]) for part in parts)
    # by turns, so that both kinds of contexts are drawn for as often
    rows = np.resize(np.stack([learned, held], axis=1).ravel(), max(TUNING.drawn, 2 * size))
    given = None if context is None else context.take(rows)
    made = model.sample(len(rows), given, rng=rng)
    share, error = nearer_share(data.take(learned), data.take(held), made)
    return Memorisation(share, error, Memorisation.attack_of(gap), size)


Points = tuple[Codes, Floats32]


def _points(reference: EncodedTable, *tables: EncodedTable) -> tuple[Points, ...]:
    """Return codes, and the ranks of floats among those of the reference."""
    # ranks: of a skewed float, nearly all rows would be as near to each other as can be
    found = []
    sides = [np.sort(np.nan_to_num(column)) for column in reference.values.T]
    for table in tables:
        ranks = np.empty(table.values.shape, dtype=np.float32)
        for i, known in enumerate(sides):
            places = np.searchsorted(known, np.nan_to_num(table.values[:, i]))
            ranks[:, i] = places / max(len(known), 1)
        found.append((table.codes, ranks))
    return tuple(found)


def _distances(known: Points, points: Points) -> Iterator[Floats32]:
    """Yield squared distances (some points, known), until all points have been compared."""
    for start in range(0, len(points[0]), TUNING.chunk):
        codes, ranks = (part[start : start + TUNING.chunk] for part in points)
        far = np.zeros((len(codes), len(known[0])), dtype=np.float32)
        # column by column: all at once would take (points, known, columns); a code that differs is
        # as far as the two ends of a float
        for own, other in zip(codes.T, known[0].T):
            far += own[:, None] != other[None, :]
        for own, other in zip(ranks.T, known[1].T):
            far += np.square(own[:, None] - other[None, :])
        yield far
