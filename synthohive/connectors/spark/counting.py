"""Counts over all rows of DataFrames, made where the rows are: one pass over each table.

A worker counts its rows as numpy does on one machine, and gives the sums alone; Spark adds them up.
So figures are those of one machine on the same rows, and nothing else reaches the driver.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.connectors.spark.columns import NESTED, as_read
from synthohive.connectors.spark.names import quote

__all__ = ["Counted", "Counting", "added_up", "as_made", "selected"]

AT_ONCE = 16
"""Tables of one job: a plan of hundreds takes longer to make than they take to be counted."""


class Counting(Protocol):
    """What is counted. It is sent to the workers."""

    @property
    def size(self) -> int:
        """How many numbers there are."""

    def counted(self, table: pa.Table) -> IntArray:
        """Count rows; the counts of parts of a table add up."""


@dataclass(frozen=True)
class Counted:
    """One table, and what to count in it.

    Attributes
    ----------
    frame : pyspark DataFrame
    schema : pyarrow.Schema
        The columns that are looked at, in the form in which rows are read elsewhere.
    counting : Counting
    """

    frame: Any
    schema: pa.Schema
    counting: Counting


def added_up(tables: Sequence[Counted]) -> list[IntArray]:
    """Count in all tables, in a few jobs.

    Returns
    -------
    list of ndarray of int64, shape (size,)
        One for each table.
    """
    totals = [np.zeros(table.counting.size, dtype=np.int64) for table in tables]
    for start in range(0, len(tables), AT_ONCE):
        parts = [
            selected(table.frame, table.schema).mapInArrow(
                _Counter(number, table.schema, table.counting), "number int, place int, n bigint"
            )
            for number, table in enumerate(tables[start : start + AT_ONCE], start)
        ]
        whole = reduce(lambda above, rest: above.unionAll(rest), parts)
        sums = whole.groupBy("number", "place").sum("n").toDF("number", "place", "n").toArrow()
        numbers, places, counts = (np.asarray(column) for column in sums.columns)
        for number in np.unique(numbers):
            own = numbers == number
            totals[number][places[own]] = counts[own]
    return totals


def selected(frame: Any, schema: pa.Schema) -> Any:
    """Return columns of a DataFrame; what is nested, as JSON."""
    nested = {name for name, type_ in frame.dtypes if type_.startswith(NESTED)}
    return frame.selectExpr(
        *(f"to_json({quote(n)}) AS {quote(n)}" if n in nested else quote(n) for n in schema.names)
    )


def as_made(batch: pa.RecordBatch, schema: pa.Schema) -> pa.Table:
    """Return rows that Spark gives in the form in which they are made."""
    arrays = [as_read(batch.column(field.name), field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


@dataclass(frozen=True)
class _Counter:
    """Counts the rows of one partition, in a worker; zeros are left out."""

    number: int
    schema: pa.Schema
    counting: Counting

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        total = np.zeros(self.counting.size, dtype=np.int64)
        for batch in batches:
            total += self.counting.counted(as_made(batch, self.schema))
        places = np.flatnonzero(total)
        yield pa.RecordBatch.from_arrays(
            [
                pa.array(np.full(len(places), self.number, dtype=np.int32)),
                pa.array(places.astype(np.int32)),
                pa.array(total[places]),
            ],
            names=["number", "place", "n"],
        )
