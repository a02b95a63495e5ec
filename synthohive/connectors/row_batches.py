"""From a cursor's rows to Arrow batches, for engines without a bulk export."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from synthohive.connectors.dialect import Dialect
from synthohive.exceptions import ConnectorError
from synthohive.io.base import BATCH_ROWS
from synthohive.schema import Column

__all__ = ["batches"]

Convert = Callable[[Column, Sequence[Any]], pa.Array]


def batches(
    result: Any, columns: Sequence[Column], table: str, convert: Convert
) -> Iterator[pa.RecordBatch]:
    """Convert a streamed result, column by column.

    Parameters
    ----------
    result : sqlalchemy.engine.CursorResult
        Read in parts of 65,536 rows; a batch for each.
    columns : sequence of Column
        Those of the result, in its order.
    table : str
        As errors name it.
    convert : callable
        From a column and a tuple of the driver's values, NULL as None, to an array of the
        column's Arrow type.

    Raises
    ------
    ConnectorError
        A value does not fit its column's declared type; the value itself is not shown.
    """
    schema = Dialect.schema(columns)
    for rows in result.partitions(BATCH_ROWS):
        arrays = []
        for column, values in zip(columns, zip(*rows)):
            try:
                arrays.append(convert(column, values))
            except (pa.ArrowException, ValueError, TypeError, ArithmeticError):
                kinds = sorted({type(v).__name__ for v in values if v is not None})
                raise ConnectorError(
                    f"{table}.{column.name} is declared {column.sql_type or column.kind.value}, "
                    f"but holds values that are not (Python types: {', '.join(kinds)}).",
                    hint="Correct the values, change the column's kind in the metadata, or leave "
                    f"it out: metadata.exclude('{table}.{column.name}').",
                ) from None  # the cause repeats the value
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)
