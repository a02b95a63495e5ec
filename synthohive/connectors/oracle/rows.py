"""Rows on their way in: arrays of values, bound by the types that they have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import oracledb
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.ddl.spelling import quote
from synthohive.exceptions import ConnectorError
from synthohive.schema import Column, ColumnKind

__all__ = ["insert_sql", "sizes", "values"]

_LONG = 4_000  # bytes of a text or of bytes that go as such


def insert_sql(table: str, columns: Sequence[Column]) -> str:
    r"""Return the statement that inserts a row of bound values.

    Examples
    --------
    >>> when = Column(name="W", kind=ColumnKind.TIMESTAMP, timezone=True)
    >>> insert_sql("T", [Column(name="A", kind=ColumnKind.INTEGER), when])
    'INSERT INTO "T" ("A", "W") VALUES (:1, FROM_TZ(:2, \'UTC\'))'
    """
    names = ", ".join(quote(column.name) for column in columns)
    marks = ", ".join(_taken(column).format(f":{i}") for i, column in enumerate(columns, 1))
    return f"INSERT INTO {quote(table)} ({names}) VALUES ({marks})"


def _taken(column: Column) -> str:
    """Return the SQL that makes a column's value of what is bound; drivers leave out zones."""
    if column.kind is ColumnKind.TIMESTAMP and column.timezone:
        return "FROM_TZ({0}, 'UTC')"
    return "JSON({0})" if column.sql_type == "JSON" else "{0}"


def sizes(batch: pa.RecordBatch) -> list[Any]:
    """Return the types by which the columns of a batch are bound."""
    return [_bound(array) for array in batch.columns]


def _bound(array: pa.Array) -> Any:
    is_, type_ = pa.types, array.type
    names: tuple[tuple[Callable[[Any], bool], Any], ...] = (
        (is_.is_floating, oracledb.DB_TYPE_BINARY_DOUBLE),
        (is_.is_timestamp, oracledb.DB_TYPE_TIMESTAMP),
        (is_.is_date, oracledb.DB_TYPE_DATE),
        (is_.is_time, oracledb.DB_TYPE_INTERVAL_DS),
        (is_.is_duration, oracledb.DB_TYPE_INTERVAL_DS),
        (is_.is_integer, oracledb.DB_TYPE_NUMBER),
        (is_.is_decimal, oracledb.DB_TYPE_NUMBER),
        (is_.is_boolean, oracledb.DB_TYPE_NUMBER),
    )
    found = next((bound for holds, bound in names if holds(type_)), None)
    if found is not None:
        return found
    raw = is_.is_binary(type_) or is_.is_large_binary(type_)
    longest = pc.max(pc.binary_length(array)).as_py() or 1
    if longest > _LONG:
        return oracledb.DB_TYPE_BLOB if raw else oracledb.DB_TYPE_CLOB
    return None  # as the driver finds it to be


def values(table: str, columns: Sequence[Column], batch: pa.RecordBatch) -> list[tuple[Any, ...]]:
    """Return the rows of a batch as they are bound.

    Raises
    ------
    ConnectorError
        An empty text, which Oracle takes for NULL, is in a column that is NOT NULL.
    """
    for column, array in zip(columns, batch.columns):
        text = pa.types.is_string(array.type) or pa.types.is_large_string(array.type)
        if text and not column.nullable and pc.any(pc.equal(array, "")).as_py():
            raise ConnectorError(
                f"{table}.{column.name} has empty texts and is NOT NULL: Oracle takes them for "
                "NULL.",
                hint="Let the column be nullable in the metadata.",
            )
    return list(zip(*(_plain(array) for array in batch.columns)))


def _plain(array: pa.Array) -> list[Any]:
    """Return a column's values as the driver binds them."""
    type_ = array.type
    if pa.types.is_timestamp(type_):  # in UTC; the SQL says so
        return list(pc.cast(array, pa.timestamp("us")).to_pylist())
    if pa.types.is_time(type_):
        micros = pc.cast(pc.cast(array, pa.time64("us")), pa.int64())
        return list(pc.cast(micros, pa.duration("us")).to_pylist())
    if pa.types.is_boolean(type_):
        return [None if v is None else int(v) for v in array.to_pylist()]
    return list(array.to_pylist())
