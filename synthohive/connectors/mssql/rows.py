"""Rows on their way in: JSON documents, each a list of rows, that the server takes apart.

One statement brings thousands of rows, with either driver and without a file. What JSON has not
(decimals, moments, bytes) goes as text, which OPENJSON reads as the type that is named.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from synthohive.connectors.mssql.spelling import SPELLING
from synthohive.exceptions import ConnectorError
from synthohive.io.text import iso_timestamps, since_epoch, text
from synthohive.schema import Column

__all__ = ["documents", "insert_sql", "typed"]

_BYTES = 4 << 20
"""Of a document, about."""
_ROWS = 20_000


def typed(type_: pa.DataType) -> str:
    """Return the type that a value is read as.

    Examples
    --------
    >>> typed(pa.decimal128(9, 2)), typed(pa.timestamp("us", "UTC"))
    ('DECIMAL(9, 2)', 'DATETIMEOFFSET(6)')
    """
    is_ = pa.types
    if is_.is_decimal(type_):
        return f"DECIMAL({min(type_.precision, 38)}, {type_.scale})"
    if is_.is_timestamp(type_):
        return "DATETIMEOFFSET(6)" if type_.tz else "DATETIME2(6)"
    names: tuple[tuple[Callable[[Any], bool], str], ...] = (
        (is_.is_uint64, "DECIMAL(20, 0)"),
        (is_.is_integer, "BIGINT"),
        (is_.is_floating, "FLOAT"),
        (is_.is_boolean, "BIT"),
        (is_.is_date, "DATE"),
        (is_.is_time, "TIME(6)"),
        (is_.is_duration, "DATETIME2(6)"),
        (is_.is_binary, "VARBINARY(MAX)"),
        (is_.is_large_binary, "VARBINARY(MAX)"),
    )
    return next((name for holds, name in names if holds(type_)), "NVARCHAR(MAX)")


def insert_sql(table: str, columns: Sequence[Column], document: str) -> str:
    """Return the statement that inserts the rows of a document.

    Parameters
    ----------
    table : str
        Quoted, with its place.
    columns : sequence of Column
    document : str

    Examples
    --------
    >>> from synthohive.schema import ColumnKind
    >>> print(insert_sql("[s].[t]", [Column(name="a", kind=ColumnKind.INTEGER)], "[[1]]"))
    INSERT INTO [s].[t] WITH (TABLOCK) ([a])
    SELECT c0 FROM OPENJSON(N'[[1]]') WITH (c0 BIGINT '$[0]')
    """
    names = ", ".join(SPELLING.quote(column.name) for column in columns)
    listed = ", ".join(f"c{i}" for i in range(len(columns)))
    types = ", ".join(f"c{i} {typed(c.arrow_type)} '$[{i}]'" for i, c in enumerate(columns))
    return (
        f"INSERT INTO {table} WITH (TABLOCK) ({names})\n"
        f"SELECT {listed} FROM OPENJSON({SPELLING.literal(document)}) WITH ({types})"
    )


def documents(table: str, batch: pa.RecordBatch) -> Iterator[tuple[str, int]]:
    """Yield documents of bounded size with their numbers of rows.

    Raises
    ------
    ConnectorError
        A number is infinite, or NaN, which SQL Server has not.
    """
    step = min(_ROWS, max(1, batch.num_rows * _BYTES // max(batch.nbytes, 1)))
    for start in range(0, batch.num_rows, step):
        part = batch.slice(start, step)
        rows = list(zip(*(_plain(array) for array in part.columns)))
        try:
            written = json.dumps(rows, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        except ValueError:
            raise ConnectorError(
                f"Table {table!r} has numbers that are infinite, or NaN: SQL Server has none.",
                hint="Leave their column out with exclude=[…].",
            ) from None
        yield written, part.num_rows


def _plain(array: pa.Array) -> list[Any]:
    """Return a column's values as JSON has them."""
    type_ = array.type
    if pa.types.is_duration(type_):
        return list(iso_timestamps(since_epoch(array)).to_pylist())
    if pa.types.is_timestamp(type_):
        zone = "+00:00" if type_.tz else ""
        return [None if v is None else f"{v}{zone}" for v in iso_timestamps(array).to_pylist()]
    if pa.types.is_decimal(type_) or pa.types.is_date(type_) or pa.types.is_time(type_):
        return list(text(array).to_pylist())
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        return [None if v is None else base64.b64encode(v).decode() for v in array.to_pylist()]
    return list(array.to_pylist())
