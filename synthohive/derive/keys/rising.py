"""Keys that rise with a column of their rows: these were numbered as they came.

Rows are made parent by parent, and keys count on from row to row. Where real ones count in the
order of a moment, the same keys are dealt out in that order, once all rows are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import IntArray
from synthohive._readable import Readable
from synthohive.derive.columns import LEAST_ROWS
from synthohive.tables.numbers import as_numbers, is_number, is_time

__all__ = ["Rising", "find_rising"]

LEAST_DISTINCT = 20
"""Fewer values in order may be blocks of one kind, entered one after the other."""


@dataclass(frozen=True)
class Rising(Readable):
    """A key in whose order a column never falls.

    Attributes
    ----------
    key, column : str
    """

    key: str
    column: str

    def holds(self, rows: pa.Table) -> bool:
        """Whether no row with a greater key has a smaller value."""
        values = as_numbers(rows.column(self.column))[_by_key(rows.column(self.key))]
        return bool((np.diff(values) >= 0).all())

    def dealt(self, rows: pa.Table) -> pa.Array:
        """Return the keys of all rows, dealt out in the order of the column.

        Rows of the same value keep the order in which they come.
        """
        keys = rows.column(self.key).combine_chunks()
        order = np.argsort(as_numbers(rows.column(self.column)), kind="stable")
        place = np.empty(len(rows), dtype=np.int64)
        place[order] = _by_key(rows.column(self.key))
        return keys.take(pa.array(place))

    def __str__(self) -> str:
        return f"{self.key} rises with {self.column}"


def _by_key(keys: pa.ChunkedArray) -> IntArray:
    """Return the rows in the order of counting keys: a longer text is a greater number."""
    by = {"key": keys}
    if pa.types.is_string(keys.type):
        by = {"length": pc.utf8_length(keys), **by}
    found = pc.sort_indices(pa.table(by), sort_keys=[(name, "ascending") for name in by])
    return np.asarray(found.to_numpy(), dtype=np.int64)


def find_rising(keys: Iterable[str], rows: pa.Table, columns: Sequence[str]) -> list[Rising]:
    """Return which keys rise with which column: a moment, before any number.

    Parameters
    ----------
    keys : iterable of str
        Columns that count, without NULL.
    rows : pyarrow.Table
    columns : sequence of str
        What keys may rise with.
    """
    known = [
        name
        for name in columns
        if is_number(rows.schema.field(name).type)
        and not rows.column(name).null_count
        and pc.count_distinct(rows.column(name)).as_py() >= LEAST_DISTINCT
    ]
    known.sort(key=lambda name: not is_time(rows.schema.field(name).type))
    found = []
    for key in keys if len(rows) >= LEAST_ROWS else ():
        if not rows.column(key).null_count:
            rising = (Rising(key, name) for name in known)
            found += [one for one in rising if one.holds(rows)][:1]
    return found
