"""Numbers around a level: that of their category, as prices of bikes and of helmets.

A model that has seen a hundred rows, and may know none of them by heart, has learned little of
that. The middle of each category is told beforehand; what is modelled is how far a row is from it.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats, IntArray
from synthohive._display import listed
from synthohive.derive.base import Derivation, Rng, Values
from synthohive.derive.columns import Chosen, Columns
from synthohive.derive.pattern_search import HEAVY
from synthohive.derive.presence import Groups, Value, categories
from synthohive.privacy.entities import on_grid
from synthohive.tables.numbers import as_numbers, from_numbers, is_time, multiple_of

__all__ = ["AroundLevel", "Level", "find_levels", "levels_of"]

MOST_ROWS = 500
"""Of more rows, the model learns it by itself."""
LEAST_GROUP = 10
"""Rows of a category: their middle half is of five."""
LEAST_DISTINCT = 20
EXPLAINED = 0.6
"""Share of the variance that categories explain, beyond what as many random ones would."""
DIGITS = 3
SHOWN = 3


def levels_of(numbers: Floats, codes: IntArray) -> Floats:
    """Return the level of each series: the mean of the middle half of its numbers.

    Parameters
    ----------
    numbers : ndarray of float, shape (rows,)
        NaN tells nothing.
    codes : ndarray of int64, shape (rows,)
        The series, from 0; -1 for none.

    Returns
    -------
    ndarray of float, shape (series,)
        Of series without any number, the middle of all others'.

    Examples
    --------
    >>> levels_of(np.array([1.0, 3.0, 500.0, 2.0, 7.0]), np.array([0, 0, 0, 0, 1])).tolist()
    [2.5, 7.0]
    """
    count = int(codes.max(initial=-1)) + 1
    known = np.flatnonzero((codes >= 0) & ~np.isnan(numbers))
    order = known[np.lexsort((numbers[known], codes[known]))]
    sizes = np.bincount(codes[order], minlength=count)
    place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    own, cut = sizes[codes[order]], sizes[codes[order]] // 4
    middle = order[(place >= cut) & (place < own - cut)]
    sums = np.bincount(codes[middle], numbers[middle], count)
    found = sums / np.maximum(np.bincount(codes[middle], minlength=count), 1)
    if (sizes == 0).any():
        found[sizes == 0] = np.median(found[sizes > 0]) if sizes.any() else 0.0
    return np.asarray(found, dtype=np.float64)


@dataclass(frozen=True)
class AroundLevel(Derivation):
    """A number by what it is of a level, which each kind has from elsewhere.

    Attributes
    ----------
    ratio : bool
        What is modelled is the ratio to the level; else the distance from it.
    step : float
        The number's grid; 0 for none.
    low, high : float
        Its protected bounds.
    """

    ratio: bool
    step: float
    low: float
    high: float

    whole = strict = False  # the rest is modelled, also where a level is not known

    @abstractmethod
    def level(self, rows: pa.Table) -> Floats:
        """Return the level of each row; never NaN, and of ratios never 0."""

    def encode(self, rows: pa.Table) -> pa.Array:
        """Return the ratio to the level, or the distance from it."""
        numbers, level = as_numbers(rows.column(self.target)), self.level(rows)
        return from_numbers(numbers / level if self.ratio else numbers - level, pa.float64())

    def decode(self, rows: pa.Table, rng: Rng = None) -> Values:
        """Put the level back, inside the number's own bounds."""
        rest, level = as_numbers(rows.column(self.target)), self.level(rows)
        numbers = rest * level if self.ratio else rest + level
        return on_grid(np.clip(numbers, self.low, self.high), self.step)


@dataclass(frozen=True)
class Level(AroundLevel):
    """A number by what it is of its category's middle.

    Attributes
    ----------
    source : str
    values : tuple
        The categories.
    middles : tuple of float
        Of each; the mean of the middle half of its rows, to three digits.
    usual : float
        The same of all rows, for rows of no such category.
    """

    source: str
    values: tuple[Value, ...]
    middles: tuple[float, ...]
    usual: float

    def level(self, rows: pa.Table) -> Floats:
        """Return the middle of each row's category."""
        known = dict(zip(self.values, self.middles))
        found = [known.get(value, self.usual) for value in rows.column(self.source).to_pylist()]
        return np.array(found, dtype=np.float64)

    def __str__(self) -> str:
        pairs = [f"{middle:g} for {value!r}" for value, middle in zip(self.values, self.middles)]
        return f"{self.target} goes with {self.source}: {listed(pairs, SHOWN)}"


def find_levels(columns: Columns, chosen: Chosen) -> None:
    """Find numbers that categories explain for the most part, in a table of few rows."""
    if len(columns.rows) > MOST_ROWS:
        return
    names = [name for name in columns.rows.column_names if name not in columns.made_up]
    groups = [group for name in names for group in categories(columns, name)]
    for target in chosen.free():
        number = target in columns.numeric and not is_time(columns.type(target))
        if not number or columns.distinct(target) < LEAST_DISTINCT or columns.points(target):
            continue
        tried = (
            _level(columns, target, group)
            for group in groups
            if group.source != target and group.shown.all() and not columns.missing[target].all()
        )
        for _, level in sorted((p for p in tried if p is not None), key=lambda p: -p[0]):
            if chosen.add(level):
                break


def _level(columns: Columns, target: str, by: Groups) -> Optional[tuple[float, Level]]:
    numbers, values = columns.numbers(target), by.values
    known = np.flatnonzero(~np.isnan(numbers))
    own, group = numbers[known], by.codes[known]
    sizes = np.bincount(group, minlength=len(values))
    if sizes.min() < LEAST_GROUP:
        return None
    if np.unique(own, return_counts=True)[1].max() > HEAVY * len(own):
        return None
    ratio = bool(own.min() > 0)
    scaled = np.log(own) if ratio else own
    means = np.bincount(group, scaled, len(values)) / sizes
    # One degree of freedom for each category, or many small ones would explain anything.
    left = float(((scaled - means[group]) ** 2).sum()) / max(len(own) - len(values), 1)
    explained = 1.0 - left / max(float(scaled.var(ddof=1)), 1e-300)
    step = multiple_of(columns.rows.column(target))  # prices of a numeric(19, 4) may be cents
    ends = columns.entities.ends(numbers, columns.k, step)
    if explained < EXPLAINED or ends is None:
        return None
    order = sorted(range(len(values)), key=lambda code: str(values[code]))  # tells nothing of rows
    of_each, of_all = levels_of(scaled, group), levels_of(scaled, np.zeros_like(group))
    middles, (usual,) = _rounded(of_each[order], ratio), _rounded(of_all, ratio)
    if ratio and min(middles) <= 0:
        return None
    names = tuple(values[code] for code in order)
    level = Level(
        target, ratio, step, *ends, source=by.source, values=names, middles=middles, usual=usual
    )
    return explained, level


def _rounded(levels: Floats, ratio: bool) -> tuple[float, ...]:
    """Return levels, of logarithms if `ratio`, to a few digits: no single row's number."""
    return tuple(float(f"{v:.{DIGITS}g}") for v in (np.exp(levels) if ratio else levels))
