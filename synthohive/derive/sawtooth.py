"""Numbers that go one way in small steps and seldom jump back: fuel, stock, a balance, a counter.

Bins of values are wider than such steps, so that a model of values fills a tank in every second
row. What is modelled instead is whether a row jumps, where its tooth began (that of the row before
unless it jumps), and how far it goes on from the row before. How far the row before has come
(:mod:`.elapsed`) tells when a tank is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, Floats, IntArray
from synthohive._readable import Readable
from synthohive.derive.columns import Columns
from synthohive.derive.monotone import LEAST_RISES, LEAST_STEPS
from synthohive.derive.residuals import spread
from synthohive.privacy.entities import on_grid
from synthohive.tables.numbers import as_numbers, from_numbers, is_number, is_time
from synthohive.tables.siblings import previous_siblings

__all__ = ["Sawtooth", "find_sawteeth"]


LEAST_DISTINCT = 50
"""Fewer values have a code each: a model sees their steps as they are."""
LEAST_JUMPS = 10
"""Rows that tell when, and to what."""
MOST_JUMPS = 0.2
"""Jumps beside steps. What falls as often as it rises is no tooth."""
LEAST_JUMP = 3.0
"""Mean size of jumps, in mean steps: others are steps with an error."""
MOST_LEFT = 0.25
"""Spread of the steps, relative to that of the values, up to which they tell more."""


@dataclass(frozen=True)
class Sawtooth(Readable):
    """A column that goes one way inside a group, but for seldom jumps back.

    Attributes
    ----------
    column : str
    step : float
        The grid of the values; 0 for none.
    low, high : float
        Protected bounds: what the column's values lie between, but for those of the `k`
        most extreme entities.
    falls : bool
        Its steps lead down, and its jumps up.
    """

    column: str
    step: float
    low: float
    high: float
    falls: bool

    by_gap = True
    spacing = 0.0
    grows = False

    @property
    def flag(self) -> str:
        """Name of what tells whether a row jumps."""
        return f"{self.column} jumps"

    @property
    def gap(self) -> str:
        """Name of the modelled step."""
        return f"{self.column} after the row before"

    @property
    def names(self) -> tuple[str, ...]:
        """All that is modelled of it."""
        return self.flag, self.column, self.gap

    def __str__(self) -> str:
        way, back = ("falls", "rises") if self.falls else ("rises", "falls")
        return f"{self.column} {way} in small steps, and seldom {back}"

    def room(self, rooms: Mapping[str, Floats]) -> Optional[Floats]:
        """Return None: all rows have the same bounds."""
        return None

    def begun(self, first: Floats, sizes: IntArray, ends: Floats) -> Floats:
        """Return the values of rows that begin a tooth from what is modelled of them."""
        return first

    def following(self, before: Floats, gaps: Floats) -> Floats:
        """Return the values of rows from those of the rows before, and their own steps."""
        steps = np.maximum(np.nan_to_num(gaps), 0.0) * (self.step or 1.0)
        return np.clip(before - steps if self.falls else before + steps, self.low, self.high)

    def jumps(self, rows: pa.Table) -> Bools:
        """Return which drawn rows begin a tooth."""
        return np.asarray(rows.column(self.flag).to_numpy(zero_copy_only=False), dtype=np.bool_)

    def encode(
        self,
        rows: pa.Table,
        groups: tuple[IntArray, IntArray],
        rng: np.random.Generator,
        origins: Optional[dict[str, IntArray]] = None,
    ) -> dict[str, pa.Array]:
        """Return whether rows jump, where their teeth began, and the steps.

        Rows that begin a tooth have no step: theirs are those of rows drawn at random.

        Parameters
        ----------
        groups : (ndarray, ndarray)
            Each row's parent and its place among its siblings.
        rng : numpy.random.Generator
        origins : dict, optional
            Gets, for column and step, the row that each value is of.
        """
        array, before = rows.column(self.column), previous_siblings(*groups)[0]
        values = as_numbers(array)
        steps = (values - values[before]) * (-1.0 if self.falls else 1.0)
        jumps = (before >= 0) & (steps < 0)
        # behind a lost cell, where a tooth began is not known
        begins = jumps | (before < 0) | (np.isnan(values[before]) & ~np.isnan(values))
        start, going = _starts(begins, groups), np.flatnonzero(~begins & ~np.isnan(steps))
        step_of = np.arange(len(values))
        if len(going):
            step_of = np.where(begins, rng.choice(going, len(values)), step_of)
        if origins is not None:
            given = origins.get(self.column, np.arange(len(rows), dtype=np.int64))
            origins[self.column], origins[self.gap] = given[start], given[step_of]
        type_ = pa.int64() if self.step else pa.float64()
        return {
            self.flag: pa.array(jumps),
            self.column: array.take(pa.array(start)).combine_chunks(),
            self.gap: from_numbers(steps[step_of] / (self.step or 1.0), type_),
        }

    def decode(self, rows: pa.Table, groups: tuple[IntArray, IntArray]) -> pa.Array:
        """Return the values of whole groups, from where teeth begin and their steps.

        Parameters
        ----------
        rows : pyarrow.Table
        groups : (ndarray, ndarray)
            Each row's parent and its place among its siblings.
        """
        array, start = rows.column(self.column), _starts(self.jumps(rows), groups)
        gaps = np.maximum(np.nan_to_num(as_numbers(rows.column(self.gap))), 0.0)
        begins = start == np.arange(len(start))
        # one sum over all rows, in order of groups; what it was at a tooth's start is taken off
        order = np.lexsort(groups[::-1])
        total = np.empty(len(order))
        total[order] = np.cumsum(np.where(begins, 0.0, gaps)[order])
        first = as_numbers(array)[start]
        values = self.following(first, total - total[start])
        # what begins beyond the bounds may stay there
        values = np.where(begins, first, values)
        return from_numbers(on_grid(values, self.step), array.type)


def _starts(begins: Bools, groups: tuple[IntArray, IntArray]) -> IntArray:
    """Return the row that each row's tooth begins with, the first one of its group at the latest.

    Parameters
    ----------
    begins : ndarray of bool
    groups : (ndarray, ndarray)
    """
    parents, positions = groups
    order = np.lexsort((positions, parents))
    known = (begins | (positions == 0))[order]
    last = np.maximum.accumulate(np.where(known, np.arange(len(order)), 0))
    start = np.empty(len(order), dtype=np.int64)
    start[order] = order[last]
    return start


def find_sawteeth(columns: Columns, parents: IntArray, positions: IntArray) -> list[Sawtooth]:
    """Return the targets that go one way from sibling to sibling, but for seldom, wide jumps back.

    Parameters
    ----------
    columns : Columns
        Of whole groups.
    parents, positions : ndarray of int64, shape (rows,)
        Of each row.
    """
    before, _ = previous_siblings(parents, positions)
    later = np.flatnonzero(before >= 0)
    found = []
    for name in columns.targets if len(later) >= LEAST_STEPS else ():
        type_ = columns.type(name)
        if not is_number(type_) or is_time(type_) or columns.missing[name].any():
            continue
        values = columns.numbers(name)
        steps = values[later] - values[before[later]]
        falls = bool((steps < 0).sum() > (steps > 0).sum())
        steps = -steps if falls else steps
        if not _jumps_back(values, steps) or columns.distinct(name) <= LEAST_DISTINCT:
            continue
        step = columns.step(name)
        ends = columns.entities.ends(values, columns.k, step)
        told = columns.entities.take(later[steps < 0]).passed(columns.k)
        if ends is not None and told is not None:
            found.append(Sawtooth(name, step, *ends, falls))
    return found


def _jumps_back(values: Floats, steps: Floats) -> bool:
    """Return whether steps are small and lead one way, up, but for seldom, wide ones."""
    back, on = steps < 0, steps > 0
    if on.mean() < LEAST_RISES or not LEAST_JUMPS <= back.sum() <= MOST_JUMPS * on.sum():
        return False
    wide = -steps[back].mean() >= LEAST_JUMP * steps[on].mean()
    return bool(wide and spread(steps[~back]) <= MOST_LEFT * spread(values))
