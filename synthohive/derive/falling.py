"""Numbers that never rise inside a group: what is left in a tank, of a loan, of a countdown.

What is modelled is the number with its sign changed. It never falls, and so is modelled by the gap
to the row before (:mod:`.monotone`): bins of values are wider than such steps, and would tell
neither their size nor that all lead one way.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.derive.base import Derivation, Rng, Values
from synthohive.derive.columns import Columns
from synthohive.derive.monotone import LEAST_RISES, LEAST_STEPS, filled, mostly_known
from synthohive.tables.numbers import as_numbers, from_numbers, is_number, is_time
from synthohive.tables.siblings import previous_siblings

__all__ = ["Falling", "find_falling"]


@dataclass(frozen=True)
class Falling(Derivation):
    """A number by itself with its sign changed."""

    named = ()

    whole = strict = False

    def encode(self, rows: pa.Table) -> pa.Array:
        """Return the numbers with their signs changed."""
        column = rows.column(self.target)
        type_ = pa.int64() if pa.types.is_integer(column.type) else column.type
        return from_numbers(-as_numbers(column), type_)

    def decode(self, rows: pa.Table, rng: Rng = None) -> Values:
        """Change them back."""
        return -as_numbers(rows.column(self.target))

    def __str__(self) -> str:
        return f"{self.target} never rises inside a group"


def find_falling(
    columns: Columns, names: Collection[str], groups: tuple[IntArray, IntArray]
) -> list[Falling]:
    """Return the numbers that never rise from one sibling to the next, and often fall.

    Parameters
    ----------
    columns : Columns
        Of whole groups.
    names : collection of str
        Those that may be modelled so.
    groups : (ndarray, ndarray)
        Of each row: its parent, and its place among its siblings.
    """
    before, _ = previous_siblings(*groups)
    later = np.flatnonzero(before >= 0)
    found = []
    for name in names if len(later) >= LEAST_STEPS else ():
        type_ = columns.type(name)
        if not is_number(type_) or is_time(type_) or not mostly_known(columns, name):
            continue
        values = filled(columns.numbers(name), *groups, columns.step(name))
        steps = values[later] - values[before[later]]
        if (steps <= 0).all() and (steps < 0).mean() >= LEAST_RISES and not columns.points(name):
            found.append(Falling(name))
    return found
