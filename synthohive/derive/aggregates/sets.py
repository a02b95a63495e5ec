"""Categories that follow from the set of the children's: an order is open until all lines are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import IntArray
from synthohive.derive.aggregates.base import Aggregate
from synthohive.derive.columns import CONTRADICTIONS

__all__ = ["MOST_VALUES", "ValueSet", "find_value_set"]

MOST_VALUES = 8
"""A child's column of more distinct values is not looked at."""
LEAST_MIXED = 0.02
"""Share of parents that must have different values among their children."""


@dataclass(frozen=True)
class ValueSet(Aggregate):
    """A category of a parent that the set of its children's values gives.

    Attributes
    ----------
    column : str
        The child's.
    values_of : tuple of str
        The child's values, as text; the i-th counts ``2 ** i`` in a set's number.
    entries : tuple of (int, str)
        A set's number, and the parent's value as text; other sets leave what was modelled.
    """

    column: str
    values_of: tuple[str, ...]
    entries: tuple[tuple[int, str], ...] = ()

    @property
    def columns(self) -> list[str]:
        """The child's columns that are needed, key included."""
        return [*self.key.columns, self.column]

    def running(self, parents: int) -> Sets:
        """Return the sets of values, empty by now."""
        return Sets(parents, self.column, self.values_of)

    def made(self, parents: pa.Table, sums: Sets, kept: pa.Array) -> pa.Array:
        """Look up the set of each parent's children; see the base class."""
        numbers, texts = zip(*self.entries)
        place = pc.index_in(pa.array(sums.sets), value_set=pa.array(numbers))
        return pa.array(texts).take(place).cast(kept.type)

    def confirmed(
        self, parents: pa.Table, sums: Sets, step: float, k: int = 1
    ) -> Optional[ValueSet]:
        """Learn the entries; see the base class."""
        entries = find_value_set(parents.column(self.target), sums.sets, k)
        return None if entries is None else replace(self, entries=entries)

    def __str__(self) -> str:
        return f"{self.target} follows from the set of {self.column} of {self.child}"


class Sets:
    """The number of the set of values that each parent's children have in a column; 0 for none."""

    def __init__(self, parents: int, column: str, values: Sequence[str]) -> None:
        self.column, self.values = column, pa.array(values, pa.string())
        self.sets = np.zeros(parents, dtype=np.int64)

    def take(self, at: IntArray, rows: pa.Table) -> None:
        """Add children beside the parent row of each; -1 for none."""
        place = pc.index_in(rows.column(self.column).cast(pa.string()), value_set=self.values)
        codes = pc.fill_null(place, -1).to_numpy().astype(np.int64)
        known = (at >= 0) & (codes >= 0)
        # Unbuffered, as several children have one parent. Of 8 values at most, a set is below 256.
        np.bitwise_or.at(self.sets, at[known], np.left_shift(1, codes[known]))


def find_value_set(
    target: pa.ChunkedArray,
    sets: IntArray,
    k: int,
    times: Optional[IntArray] = None,
    *,
    strict: bool = True,
) -> Optional[tuple[tuple[int, str], ...]]:
    """Return the parent's value for each set, if a set always gives the same.

    Sets that fewer than `k` parents have are left out.

    Parameters
    ----------
    times : ndarray of int64, optional
        How many parents each stands for; 1 by default.
    strict : bool
        Chance alone must have contradicted it; a few parents cannot tell.
    """
    texts = target.cast(pa.string()).combine_chunks()
    times = np.ones(len(sets), dtype=np.int64) if times is None else times
    some = pa.table({"set": sets, "value": texts, "n": times}).filter(pa.array(sets > 0))
    found = some.group_by(["set", "value"]).aggregate([("n", "sum")]).sort_by("set")
    number, count = found.column("set").to_numpy(), found.column("n_sum").to_numpy()
    parents = int(count.sum())
    if found.column("value").null_count or len(np.unique(number)) < len(number):
        return None
    if strict and count[(number & (number - 1)) > 0].sum() < LEAST_MIXED * parents:
        return None  # the children repeat their parent's value
    shares = found.group_by("value").aggregate([("n_sum", "sum")]).column(1).to_numpy()
    differ = 1.0 - ((shares / max(parents, 1)) ** 2).sum()
    if strict and differ * (parents - len(number)) < CONTRADICTIONS:
        return None
    kept = found.filter(pa.array(count >= k))
    return tuple(zip(kept.column("set").to_pylist(), kept.column("value").to_pylist())) or None
