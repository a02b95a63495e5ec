"""Numbers that mostly follow another one: modelled by what is left.

Where a column lies near a multiple of another, as an arrival's delay near the departure's, the
difference is what a model sees. So the two stay together in the tails, too, where rows are few
and bins are wide.

Only where the difference is easier to tell, given all other columns, than the column itself: hits
are near a multiple of the times at bat, but by how much grows with these, and whatever else tells
of the hits tells little of the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, Floats
from synthohive.derive.base import Derivation, Rng
from synthohive.derive.columns import Columns, spaced
from synthohive.derive.hours import DAY, told_by_the_clock
from synthohive.derive.pattern_search import on_a_list
from synthohive.derive.points import heaviest, middle_fifth
from synthohive.privacy.entities import on_grid
from synthohive.schema.arrow_types import parse_type
from synthohive.tables.numbers import as_numbers, from_numbers, is_time, multiple_of

__all__ = ["Residual", "find_residuals", "spread"]


LEAST_ROWS = 200
LEAST_DISTINCT = 50
MOST_LEFT = 0.5
"""Spread that may be left, relative to the column's own: three quarters are explained."""
MOST_HEAVY = 0.05
"""A value more frequent than that must not be lost in the differences."""
FEW, WORTH = 2_000, 0.7
"""Rows of a first look, and the correlation in them that makes a trial worth while."""
TRIM = 0.001
SLOPES = 3
"""Digits of a slope."""
WIDTHS = 100
"""Parts of a column's spread in which values count as the same, when it is measured what tells."""
SHRINKAGE = 0.02
CLOSEST = 0.01
"""Of correlations; and the share of a variance that a model leaves at least, whatever tells of a
column: bins end somewhere."""


@dataclass(frozen=True)
class Residual(Derivation):
    """A column near ``slope * source``: the difference is modelled.

    Attributes
    ----------
    source : str
    slope : float
    arrow : str
        The column's type.
    step : float
        Its grid; 0 for none.
    missing : float
        What the source counts as where it is NULL.
    low, high : float
        Protected bounds: what the column's values lie between, but for those of the `k`
        most extreme entities.
    """

    source: str
    slope: float
    arrow: str
    step: float
    missing: float
    low: float
    high: float

    whole = strict = False

    def base(self, source: Floats) -> Floats:
        """Return what is taken off, on the column's grid."""
        near = self.slope * np.where(np.isnan(source), self.missing, source)
        return np.rint(near / self.step) * self.step if self.step else near

    def encode(self, rows: pa.Table) -> pa.Array:
        """Return the difference, in steps where there are any."""
        left = as_numbers(rows.column(self.target)) - self.base(
            as_numbers(rows.column(self.source))
        )
        if self.step:
            return from_numbers(left / self.step, pa.int64())
        return pa.array(left, mask=np.isnan(left))

    def decode(self, rows: pa.Table, rng: Rng = None) -> pa.Array:
        """Add the difference, inside the column's own bounds."""
        left = as_numbers(rows.column(self.target)) * (self.step or 1.0)
        values = left + self.base(as_numbers(rows.column(self.source)))
        values = on_grid(np.clip(values, self.low, self.high), self.step)
        return from_numbers(values, parse_type(self.arrow))

    def __str__(self) -> str:
        return f"{self.target} is near {self.slope:g} * {self.source}"


def find_residuals(columns: Columns) -> list[Residual]:
    """Return the targets that lie near a multiple of one before them."""
    numbers = {  # between point masses and others, there is no difference
        name: columns.numbers(name)
        for name in columns.numeric
        if name in columns.targets
        and columns.distinct(name) > LEAST_DISTINCT
        and not columns.points(name)
    }
    found: list[Residual] = []
    order, close = list(numbers), _correlated(list(numbers.values()))
    known = _Known(columns) if np.tril(close, -1).any() else None
    for i, (name, own) in enumerate(numbers.items()):
        before = [order[j] for j in np.flatnonzero(close[i, :i])]
        if not before:
            continue
        array = columns.rows.column(name)
        kind = str(array.type), multiple_of(array)
        ends = columns.entities.ends(own, columns.k, kind[1])
        if ends is None:
            continue
        trials = [_trial((name, source), own, numbers[source], kind, ends) for source in before]
        best = min((t for t in trials if t is not None), default=None, key=lambda t: t[0])
        if best is None or known is None:
            continue
        if known.prefers(best[1], own, numbers[best[1].source]):
            found.append(best[1])
    return found


class _Known:
    """What all numbers of a table tell of one, by a Gaussian copula of some rows."""

    def __init__(self, columns: Columns) -> None:
        self.rows = spaced(len(columns.rows), FEW)
        self.names = columns.numeric
        # 0, which is the mean, where one is NULL: shape (rows, columns)
        self.scores = np.stack([_scores(columns.numbers(n)[self.rows]) for n in self.names], axis=1)
        covariance = self.scores.T @ self.scores / max(len(self.rows), 1)
        self.precision = np.linalg.inv(covariance + SHRINKAGE * np.eye(len(self.names)))

    def prefers(self, near: Residual, own: Floats, source: Floats) -> bool:
        """Return whether a difference is told better than the column, given all other columns.

        The two are as probable as each other in the rows, since the source is known either way: so
        what is left to tell of them compares.
        """
        y, left = own[self.rows], (own - near.base(source))[self.rows]
        there = ~np.isnan(y) & ~np.isnan(source[self.rows])
        width = max(near.step, spread(y[there]) / WIDTHS) or 1.0
        both = [np.where(there, values, np.nan) for values in (y, left)]
        scores = np.stack([_scores(values) for values in both], axis=1)
        shared, own_place = self.scores.T @ scores, self.names.index(near.target)
        shared[own_place] = 0.0
        given = self.precision @ shared / len(y)
        # the inverse without the column itself, from that with it
        beside = self.precision[:, own_place] / self.precision[own_place, own_place]
        given -= np.outer(beside, given[own_place])
        told = (shared * given).sum(axis=0) / np.maximum((scores**2).sum(axis=0), 1e-12)
        lengths = np.array([_entropy(values[there], width) for values in both])
        lengths += 0.5 * np.log(np.maximum(1.0 - told, CLOSEST))
        return bool(lengths[1] < lengths[0])


def _entropy(values: Floats, width: float) -> float:
    """Return how many nats tell values, each within a stretch of some width."""
    counts = np.unique(np.floor(values / width), return_counts=True)[1]
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def _scores(values: Floats) -> Floats:
    """Return normal scores; of values that are the same, those of the middle of their ranks."""
    from scipy.special import ndtri  # a third of a second of each process that never needs it

    found, there = np.zeros(len(values)), ~np.isnan(values)
    _, codes, counts = np.unique(values[there], return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - 0.5 * counts
    found[there] = ndtri(middle / max(int(there.sum()), 1))[codes]
    return found


def _correlated(columns: Sequence[Floats]) -> Bools:
    """Return which pairs of columns are worth a trial, by the correlation in a few rows."""
    if not columns:
        return np.zeros((0, 0), dtype=np.bool_)
    few = spaced(len(columns[0]), FEW)
    values = np.stack([column[few] for column in columns])
    values[np.isnan(values).all(axis=1)] = 0.0  # mostly NULL: nothing to see
    low, high = np.nanquantile(values, [TRIM, 1 - TRIM], axis=1, keepdims=True)
    values = np.clip(values, low, high)
    centred = values - np.nanmean(values, axis=1, keepdims=True)
    centred = np.where(np.isnan(centred), 0.0, centred)
    length = np.sqrt((centred**2).sum(axis=1))
    # Cosines of centred columns, shape (columns, columns).
    shares = np.abs(centred @ centred.T) / np.maximum(np.outer(length, length), 1e-12)
    return np.asarray(shares > WORTH, dtype=np.bool_)


def _trial(
    names: tuple[str, str],
    own: Floats,
    other: Floats,
    kind: tuple[str, float],
    ends: tuple[float, float],
) -> Optional[tuple[float, Residual]]:
    """Return the spread that is left beside a source, if it is small enough."""
    known = np.flatnonzero(~np.isnan(own) & ~np.isnan(other))
    if len(known) < LEAST_ROWS:
        return None
    y, x = own[known], other[known]
    heavy, timed = heaviest(y), is_time(parse_type(kind[0])) and kind[1] != DAY
    best: Optional[tuple[float, Residual]] = None
    for slope in dict.fromkeys((1.0, _slope(x, y))):
        if slope == 0.0:
            continue
        one = Residual(*names, slope, *kind, middle_fifth(x), *ends)
        left = y - one.base(x)
        share = spread(left) / max(spread(y), 1e-12)
        if on_a_list(y, left) or (timed and told_by_the_clock(y, one.base(x))):
            continue
        closer = _middle(left) <= _middle(y) and (heavy < MOST_HEAVY or heaviest(left) > heavy / 2)
        # A slope of 1 comes first, and stays unless the other leaves clearly less.
        if share <= MOST_LEFT and closer and (best is None or share < best[0] - 0.02):
            best = share, one
    return best


def _slope(x: Floats, y: Floats) -> float:
    low, high = np.quantile(x, [TRIM, 1 - TRIM])
    inside = (x >= low) & (x <= high)
    # Least squares inside the quantiles: a few extremes would decide on it else.
    spread = float(x[inside].var())
    if spread <= 0:
        return 0.0
    slope = float(((x[inside] - x[inside].mean()) * (y[inside] - y[inside].mean())).mean() / spread)
    return float(f"{slope:.{SLOPES}g}")


def spread(values: Floats) -> float:
    """Return the standard deviation of values, but for what lies beyond nearly all of them."""
    low, high = np.quantile(values, [TRIM, 1 - TRIM])
    return float(np.clip(values, low, high).std())


def _middle(values: Floats) -> float:
    return float(np.subtract(*np.quantile(values, [0.75, 0.25])))
