"""Rows as the CSV that PostgreSQL's COPY reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from synthohive.connectors.special_values import respelled
from synthohive.ddl.spelling import Spelling
from synthohive.io.text import (
    array_literals,
    hexadecimal,
    iso_timestamps,
    record_literals,
    text,
)
from synthohive.schema import ColumnKind

if TYPE_CHECKING:
    from synthohive.schema import Column

__all__ = ["RECORDS", "CsvStream"]

RECORDS = "record[]"
"""The type of columns with arrays of composite values, which are JSON objects among ours."""

_CSV = pa.csv.WriteOptions(include_header=False)


class CsvStream:
    """Batches as a file of CSV, written when read.

    Parameters
    ----------
    columns : sequence of Column
    batches : iterator of pyarrow.RecordBatch
    respelling : Spelling
        Writes the special values.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        batches: Iterator[pa.RecordBatch],
        respelling: Spelling,
    ) -> None:
        self._columns, self._respelling = columns, respelling
        self._batches = batches
        self._view = memoryview(b"")
        self.rows = 0

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most `size`; none at the end."""
        while not self._view:
            batch = next(self._batches, None)
            if batch is None:
                return b""
            self.rows += batch.num_rows
            self._view = memoryview(_csv(self._columns, batch, self._respelling))
        end = size if size >= 0 else len(self._view)
        piece, self._view = self._view[:end], self._view[end:]
        return piece.tobytes()


def _csv(columns: Sequence[Column], batch: pa.RecordBatch, respelling: Spelling) -> pa.Buffer:
    arrays = [
        respelled(array, _text(column, array), respelling)
        for column, array in zip(columns, batch.columns)
    ]
    sink = pa.BufferOutputStream()
    named = pa.record_batch(arrays, names=[str(i) for i in range(len(arrays))])
    pa.csv.write_csv(named, sink, _CSV)
    return sink.getvalue()


def _text(column: Column, array: pa.Array) -> pa.Array:
    type_ = array.type
    if column.kind is ColumnKind.ARRAY:
        return array_literals(text(array), records=column.sql_type == RECORDS)
    if column.kind is ColumnKind.COMPOSITE:
        return record_literals(array)
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        return hexadecimal(array, "\\x")
    if pa.types.is_duration(type_):
        count = pc.cast(pc.cast(array, pa.duration("us")), pa.int64())
        return pc.binary_join_element_wise(text(count), "microseconds", " ")
    if pa.types.is_timestamp(type_) and type_.tz is not None:
        return pc.binary_join_element_wise(iso_timestamps(array), "+00", "")
    if pa.types.is_dictionary(type_):
        return array.dictionary_decode()
    return array
