"""Numbers whose size goes with a category: prices of bikes and of helmets.

A model that has seen a hundred rows, and may know none of them by heart, has learned little of
that. The middle of each category is told beforehand; what is modelled is how far a row is from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats
from synthohive._display import listed
from synthohive.derive.base import Derivation, Rng, Values
from synthohive.derive.columns import Chosen, Columns
from synthohive.derive.pattern_search import HEAVY
from synthohive.derive.presence import Groups, Value, categories
from synthohive.privacy.entities import on_grid
from synthohive.tables.numbers import as_numbers, from_numbers, is_time, multiple_of

__all__ = ["Level", "find_levels"]

MOST_ROWS = 500
"""Of more rows, the model learns it by itself."""
LEAST_GROUP = 10
"""Rows of a category: their middle half is of five."""
LEAST_DISTINCT = 20
EXPLAINED = 0.6
"""Share of the variance that categories explain, beyond what as many random ones would."""
DIGITS = 3
SHOWN = 3


@dataclass(frozen=True)
class Level(Derivation):
    """A number by what it is of its category's middle.

    Attributes
    ----------
    source : str
    values : tuple
        The categories.
    middles : tuple of float
        Of each; the mean of the middle half of its rows, to three digits.
    usual : float
        The same of all rows.
    ratio : bool
        What is modelled is the ratio to the middle; else the distance from it.
    step : float
        The number's grid; 0 for none.
    low, high : float
        Its protected bounds.
    """

    source: str
    values: tuple[Value, ...]
    middles: tuple[float, ...]
    usual: float
    ratio: bool
    step: float
    low: float
    high: float

    whole = strict = False  # the rest is modelled; beside no category, that from the usual middle

    def _middle(self, rows: pa.Table) -> Floats:
        known = dict(zip(self.values, self.middles))
        found = [known.get(value, self.usual) for value in rows.column(self.source).to_pylist()]
        return np.array(found, dtype=np.float64)

    def encode(self, rows: pa.Table) -> pa.Array:
        """Return the ratio to the category's middle, or the distance from it."""
        numbers, middle = as_numbers(rows.column(self.target)), self._middle(rows)
        return from_numbers(numbers / middle if self.ratio else numbers - middle, pa.float64())

    def decode(self, rows: pa.Table, rng: Rng = None) -> Values:
        """Put the category's middle back, inside the number's own bounds."""
        rest, middle = as_numbers(rows.column(self.target)), self._middle(rows)
        numbers = rest * middle if self.ratio else rest + middle
        return on_grid(np.clip(numbers, self.low, self.high), self.step)

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
    middles = tuple(_middle_of(own[group == code], ratio) for code in order)
    usual = _middle_of(own, ratio)
    if ratio and min(middles) <= 0:
        return None
    names = tuple(values[code] for code in order)
    level = Level(target, by.source, names, middles, usual, ratio, step, *ends)
    return explained, level


def _middle_of(numbers: Floats, ratio: bool) -> float:
    """Return the mean of the middle half, to a few digits: no single row's number."""
    ordered = np.sort(np.log(numbers) if ratio else numbers)
    cut = len(ordered) // 4
    mean = float(ordered[cut : len(ordered) - cut].mean())
    return float(f"{np.exp(mean) if ratio else mean:.{DIGITS}g}")
