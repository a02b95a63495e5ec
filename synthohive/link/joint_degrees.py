"""How the numbers of children of one parent go together, and with what the parent is.

What a model gives is used by ranks, which calibrates each number of children alone. Here the
linear part of its dependence on the parent's columns, and on the numbers of other children, is
calibrated, too. Roots of counts are used (Anscombe, 1948): their spread does not grow with the
count, so that the few parents with most children are not moved apart.

How long something lasted (from the debut to the last game, from the hire to the day one left) tells
more of a number of children than when it began or ended: each two times of a parent make a span.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats, IntArray
from synthohive.derive.years import are_years, years_of
from synthohive.link.association import Bins, flag
from synthohive.privacy.entities import Entities
from synthohive.tables.degrees import FanOutModel
from synthohive.tables.numbers import as_numbers, is_number, is_time

__all__ = ["JointCounts", "Term"]


LEAST_ROWS = 100
MOST_TERMS = 16
MOST_COLUMNS = 60
MOST_TIMES = 8
"""Columns whose spans are looked at: there are 28 of so many."""
SPANS = ("span", "years")
YEAR = 365.2425 * 86_400.0
"""Seconds, so that a date and a year make a span, too."""
LEAST_CORRELATION = 0.05
LEAST_EXPLAINED = 0.02
RIDGE = 1e-3
ROUNDS = 5
MOST_STEP = 2.0
"""How many times wider or narrower what the terms leave is made in one round, at most."""
CHANCE = 1.5
"""How many times further than by chance numbers of children are left alone."""
MOST_PARTS, PART_ROWS = 8, 25
"""What is left is told apart for so many parts of the rows, of at least so many rows."""


@dataclass(frozen=True)
class Term:
    """What a number of children depends on, and how much.

    Attributes
    ----------
    kind : str
        "number" (a column, by ranks), "text" (a value of a column), "span" (from the time in a
        column to that in another, whose name is the value), "years" (the same from year to year: a
        winter touches two) or "count" (of children over another key, by label).
    """

    kind: str
    name: str
    value: str
    weight: float


@dataclass(frozen=True)
class CountModel:
    """The number of children over one key.

    Attributes
    ----------
    label : str
        The key's.
    terms : tuple of Term
    left : tuple of (float, float)
        Mean and spread of what the terms leave, from where they tell least to most.
    """

    label: str
    terms: tuple[Term, ...]
    left: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class JointCounts:
    """All keys to one table, in order."""

    models: tuple[CountModel, ...] = ()

    @classmethod
    def fit(
        cls,
        rows: pa.Table,
        counts: Mapping[str, IntArray],
        entities: Entities,
        k: int,
    ) -> JointCounts:
        """Learn from the parents' columns and their numbers of children, by the key's label.

        Parameters
        ----------
        rows : pyarrow.Table
            The parents' columns; fewer than `LEAST_ROWS` rows tell nothing.
        counts : mapping of str to ndarray of int64, shape (parents,)
            Children of each parent, by the key's label; a number may depend on those before it.
        entities : Entities
            Those behind the parents.
        k : int
            Texts that fewer entities share are no terms.
        """
        if len(rows) < LEAST_ROWS:
            return cls()
        candidates: list[Term] = []
        for name in rows.column_names[:MOST_COLUMNS]:
            array = rows.column(name)
            if is_number(array.type):
                candidates.append(Term("number", name, "", 0.0))
            else:
                bins = Bins.of(name, array, entities, 2, k)
                candidates += [Term("text", name, v, 0.0) for v in (bins.values if bins else ())]
        candidates += _spans(rows)
        found: list[CountModel] = []
        scores: dict[str, Floats] = {}
        for label, numbers in counts.items():
            own = _score(numbers)
            model = _fitted(label, own, candidates, rows, scores)
            scores[label] = own
            candidates.append(Term("count", label, "", 0.0))
            if model is not None:
                found.append(model)
        return cls(tuple(found))

    def adjust(
        self,
        rows: pa.Table,
        preferences: Mapping[str, Floats],
        fan_outs: Mapping[str, FanOutModel],
        rng: np.random.Generator,
    ) -> dict[str, Floats]:
        """Return preferences whose ranks give numbers of children that go together.

        Parameters
        ----------
        rows : pyarrow.Table
            The parents, with :attr:`columns`.
        preferences : mapping of str to ndarray of float, shape (parents,)
            By the key's label, in the order of `fit`; only ranks count.
        fan_outs : mapping of str to FanOutModel
            What the ranks are turned into, for each of these labels.
        rng : numpy.random.Generator
            Breaks ties.
        """
        models = {model.label: model for model in self.models}
        adjusted = dict(preferences)
        scores: dict[str, Floats] = {}
        for label, preference in preferences.items():
            counts = fan_outs[label].counts(len(rows), None, preference, rng)
            model = models.get(label)
            wanted = None
            if model is not None and counts.any():
                wanted = _adjusted(model, _score(counts), rows, scores, fan_outs[label], rng)
            if wanted is not None:
                counts = fan_outs[label].counts(len(rows), None, wanted, rng)
                adjusted[label] = wanted
            scores[label] = _score(counts)
        return adjusted

    @property
    def columns(self) -> list[str]:
        """The columns that numbers of children depend on."""
        terms = (term for model in self.models for term in model.terms)
        names = (
            name
            for term in terms
            if term.kind != "count"
            for name in (term.name, *([term.value] if term.kind in SPANS else []))
        )
        return list(dict.fromkeys(names))


def _score(counts: IntArray) -> Floats:
    """Return roots: of a Poisson number, their variance is a quarter, whatever its mean."""
    return np.asarray(np.sqrt(counts + 0.375))


def _spans(rows: pa.Table) -> list[Term]:
    """Return the spans between each two times, or years, that some rows have both of."""
    names = rows.column_names[:MOST_COLUMNS]
    times = [n for n in names if is_time(rows.column(n).type) or are_years(rows.column(n))]
    found = []
    for one, other in combinations(times[:MOST_TIMES], 2):
        gaps = _in_years(rows.column(other)) - _in_years(rows.column(one))
        gaps = gaps[~np.isnan(gaps)]
        if len(gaps):
            start, end = (one, other) if np.median(gaps) >= 0 else (other, one)
            found += [Term(kind, start, end, 0.0) for kind in SPANS]
    return found


def _in_years(array: pa.ChunkedArray) -> Floats:
    """Return times in years."""
    numbers = as_numbers(array)
    return 1970.0 + numbers / YEAR if is_time(array.type) else numbers


def _lasting(rows: pa.Table, term: Term) -> Floats:
    """Return how long a span is in each row; what has begun and not ended, lasts to the last."""
    start, end = _in_years(rows.column(term.name)), _in_years(rows.column(term.value))
    if term.kind == "years":
        start, end = _year(rows.column(term.name)), _year(rows.column(term.value))
    known = end[~np.isnan(end)]
    last = known.max() if len(known) else np.nan
    return np.where(np.isnan(end), last, end) - start


def _year(array: pa.ChunkedArray) -> Floats:
    """Return the calendar year of each time."""
    numbers = as_numbers(array)
    return years_of(numbers) if is_time(array.type) else numbers


def _values(
    terms: Sequence[Term], own: Floats, rows: pa.Table, scores: Mapping[str, Floats]
) -> Floats:
    """Return shape (rows, terms), centred; a number by the count of its rank among `own`."""
    ascending = np.sort(own)
    found = []
    for term in terms:
        if term.kind == "count":
            values = scores[term.name]
        elif term.kind == "text":
            values = flag(rows.column(term.name), term.value)
        elif term.kind in SPANS:
            values = _by_rank(_lasting(rows, term), ascending)
        else:
            values = _by_rank(as_numbers(rows.column(term.name)), ascending)
        found.append(values - values.mean())
    return np.stack(found, axis=1) if found else np.zeros((len(rows), 0))


def _by_rank(numbers: Floats, ascending: Floats) -> Floats:
    present = np.flatnonzero(~np.isnan(numbers))
    # NULL tells nothing: it gets the mean.
    values = np.full(len(numbers), ascending.mean())
    _, rank, counts = np.unique(numbers[present], return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    sums = np.r_[0.0, np.cumsum(ascending)]
    at = np.r_[0, ends] / max(len(present), 1) * len(ascending)
    # The running sum, read at any rank: its slope between two is the mean of what lies there.
    below = np.interp(at, np.arange(len(sums)), sums)
    means = np.diff(below) / np.maximum(np.diff(at), 1e-12)  # equal numbers share a mean
    values[present] = means[rank.reshape(-1)]
    return values


def _weights(values: Floats, own: Floats) -> Floats:
    gram = np.einsum("ni,nj->ij", values, values)  # the same on any number of threads
    # Ridge: two columns that say the same would get huge weights of opposite signs.
    gram[np.diag_indices_from(gram)] *= 1.0 + RIDGE
    gram[np.diag_indices_from(gram)] += 1e-9
    moments = np.einsum("ni,n->i", values, own - own.mean())
    return np.asarray(np.linalg.solve(gram, moments))


def _fitted(
    label: str,
    own: Floats,
    candidates: Sequence[Term],
    rows: pa.Table,
    scores: Mapping[str, Floats],
) -> Optional[CountModel]:
    centred = own - own.mean()
    if not candidates or not centred.any():
        return None
    values = _values(candidates, own, rows, scores)
    chosen = _chosen(values, own)
    if not chosen:
        return None
    weights = _weights(values[:, chosen], own)
    left = centred - values[:, chosen] @ weights
    if 1.0 - left.var() / centred.var() < LEAST_EXPLAINED:
        return None
    terms = tuple(
        Term(candidates[i].kind, candidates[i].name, candidates[i].value, float(w))
        for i, w in zip(chosen, weights)
    )
    explained = values[:, chosen] @ weights
    parts = _parts(explained, min(MOST_PARTS, len(own) // PART_ROWS))
    return CountModel(label, terms, tuple(_moments(left, parts)))


def _chosen(values: Floats, own: Floats) -> list[int]:
    """Return the terms that tell something beyond those before them, the strongest first.

    What says the same as a stronger one is none: of made parents it may say something else, and the
    number of children would follow half of one and half of the other.
    """
    least = max(LEAST_CORRELATION, 3.0 / np.sqrt(len(own)))  # standard errors of a correlation of 0
    lengths = np.sqrt((values**2).sum(axis=0))
    left = own - own.mean()
    chosen: list[int] = []

    def tied() -> Floats:
        size = np.sqrt((left**2).sum()) * lengths
        return np.asarray(np.abs(np.einsum("ni,n->i", values, left)) / np.maximum(size, 1e-12))

    telling = tied() >= least  # what tells something beside others only, is left to the model
    while len(chosen) < MOST_TERMS:
        strength = np.where(telling, tied(), 0.0)
        strength[chosen] = 0.0
        best = int(strength.argmax())
        if strength[best] < least:
            break
        chosen.append(best)
        left = own - own.mean() - values[:, chosen] @ _weights(values[:, chosen], own)
    return chosen


def _parts(told: Floats, number: int) -> IntArray:
    """Cut rows into equally large parts, from where the terms tell least to most."""
    order = np.argsort(told, kind="stable")
    parts = np.empty(len(told), dtype=np.int64)
    parts[order] = np.arange(len(told)) * number // max(len(told), 1)
    return parts


def _moments(left: Floats, parts: IntArray) -> list[tuple[float, float]]:
    """Return mean and spread of each part that has rows."""
    cut = [left[parts == part] for part in np.unique(parts)]
    return [(float(part.mean()), float(part.std())) for part in cut]


def _standard(left: Floats, parts: IntArray, number: int, rng: np.random.Generator) -> Floats:
    """Return normal numbers in the order of what is left, in each part of the rows."""
    from scipy.special import ndtri  # a third of a second of each process that never needs it

    found = np.empty(len(left))
    for part in range(number):
        here = np.flatnonzero(parts == part)  # ranks are enough: what knew nothing is skewed
        order = here[np.lexsort((rng.random(len(here)), left[here]))]
        found[order] = ndtri((np.arange(len(here)) + 0.5) / max(len(here), 1))
    return found


def _spread(left: Floats, parts: IntArray, number: int) -> Floats:
    """Return how widely the rows of each part are spread; 0 where there are none."""
    rows = np.maximum(np.bincount(parts, minlength=number), 1)
    means = np.bincount(parts, left, number) / rows
    return np.asarray(np.sqrt(np.bincount(parts, (left - means[parts]) ** 2, number) / rows))


def _is_near(model: CountModel, own: Floats, gap: Floats, left: Floats, parts: IntArray) -> bool:
    """Whether weights, and what they leave, are as far from the real ones as chance goes."""
    # What is left: its mean and spread in each part, against that of the real rows. Fewer rows
    # than parts leave some of these empty.
    real = np.asarray(model.left)[np.unique(parts)]
    moments = np.abs(real - np.asarray(_moments(left, parts))).mean(axis=0).sum()
    chance = np.sqrt(len(model.terms)) + 1.7 * np.sqrt(len(model.left))
    spread = np.asarray(model.left)[:, 1].mean() * chance / np.sqrt(len(own))
    return bool(np.abs(gap).mean() + moments <= CHANCE * spread)


def _adjusted(
    model: CountModel,
    own: Floats,
    rows: pa.Table,
    scores: Mapping[str, Floats],
    fan_out: FanOutModel,
    rng: np.random.Generator,
) -> Optional[Floats]:
    """Return ranks that give numbers of children with the weights of the real ones.

    None where they have them: a model may know more of them than the terms do.
    """
    values = _values(model.terms, own, rows, scores)
    goal = np.array([term.weight for term in model.terms])
    reached = _weights(values, own)
    left = own - own.mean() - values @ reached
    parts = _parts(values @ goal, len(model.left))
    if _is_near(model, own, values @ (goal - reached), left, parts):
        return None
    means, spreads = np.asarray(model.left).T
    noise = _standard(left, parts, len(means), rng)
    weights, shares, best, least = goal, np.ones(len(means)), own, np.inf
    # Ranks, whole numbers and roots bend what is wished for. What each weight lacks is added; and
    # what the terms leave is made narrower where it came out too wide, as it does if these differ
    # less from row to row than in real rows: all that they say would else be drawn apart with it.
    for _ in range(ROUNDS):
        wish = values @ weights + means[parts] + (shares * spreads)[parts] * noise
        found = _score(fan_out.counts(len(own), None, wish, rng))
        reached = _weights(values, found)
        gap = goal - reached
        spread = _spread(found - found.mean() - values @ reached, parts, len(means))
        off = float(np.abs(values @ gap).mean() + np.abs(spread - spreads)[parts].mean())
        if off < least:
            best, least = wish, off
        weights = (
            weights + gap
        )  # a fixed-point step: what was lost on the way is asked for once more
        shares = shares * np.clip(spreads / np.maximum(spread, 1e-9), 1 / MOST_STEP, MOST_STEP)
    # Only ranks are used later; whole numbers keep them free of ties.
    ranks = np.empty(len(own))
    ranks[np.argsort(best, kind="stable")] = np.arange(len(own), dtype=np.float64)
    return ranks
