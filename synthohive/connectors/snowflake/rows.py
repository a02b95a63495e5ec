"""Rows on their way in: Parquet files on an internal stage, and the COPY that casts them.

Numbers, flags and texts go as Parquet has them. Moments, bytes and documents go as text, which
means the same whatever the session's formats and the file format's options are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from synthohive.ddl.spelling import literal, quote
from synthohive.io.text import hexadecimal, iso_timestamps, since_epoch, text
from synthohive.schema import Column, ColumnKind

__all__ = ["STAGE", "carried", "copy_sql", "put_sql", "taken"]

STAGE = "SYNTHOHIVE_ROWS"
"""The stage of a staging schema; dropped before the schema is shown."""
_DOCUMENTS = (ColumnKind.JSON, ColumnKind.ARRAY, ColumnKind.COMPOSITE)


def carried(array: pa.Array) -> pa.Array:
    """Return a column as the files have it.

    Examples
    --------
    >>> import datetime
    >>> carried(pa.array([datetime.datetime(2024, 1, 31, 23, 59)], pa.timestamp("us", "UTC")))[0]
    <pyarrow.StringScalar: '2024-01-31 23:59:00.000000+00:00'>
    """
    type_ = array.type
    if pa.types.is_duration(type_):
        return iso_timestamps(since_epoch(array))
    if pa.types.is_timestamp(type_):
        plain = iso_timestamps(array)
        zone = "+00:00" if type_.tz else ""
        return pc.binary_join_element_wise(plain, zone, "")
    if pa.types.is_time(type_) or pa.types.is_date(type_):
        return text(array)
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        return hexadecimal(array)
    return array


def taken(column: Column, source: str) -> str:
    """Return the SQL that makes a column's value of what a file has of it.

    Parameters
    ----------
    column : Column
    source : str
        The file's, as SQL: a VARIANT.

    Examples
    --------
    >>> taken(Column(name="a", kind=ColumnKind.DECIMAL, precision=9, scale=2), "$1:c0")
    '$1:c0::NUMBER(9, 2)'
    """
    type_ = column.arrow_type
    if column.kind in _DOCUMENTS:
        return f"PARSE_JSON({source}::VARCHAR)"
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        return f"TO_BINARY({source}::VARCHAR, 'HEX')"
    return f"{source}::{_name(type_)}"


def _name(type_: pa.DataType) -> str:
    is_ = pa.types
    if is_.is_decimal(type_):
        return f"NUMBER({min(type_.precision, 38)}, {type_.scale})"
    if is_.is_timestamp(type_):
        return "TIMESTAMP_TZ" if type_.tz else "TIMESTAMP_NTZ"
    names: tuple[tuple[Callable[[Any], bool], str], ...] = (
        (is_.is_integer, "NUMBER(38, 0)"),
        (is_.is_floating, "FLOAT"),
        (is_.is_boolean, "BOOLEAN"),
        (is_.is_date, "DATE"),
        (is_.is_time, "TIME"),
        (is_.is_duration, "TIMESTAMP_NTZ"),
    )
    return next((name for holds, name in names if holds(type_)), "VARCHAR")


def put_sql(path: Path, place: str) -> str:
    """Return the command that takes a file to a place on the stage."""
    return f"PUT {literal(f'file://{path}')} @{STAGE}/{place} AUTO_COMPRESS = FALSE"


def copy_sql(table: str, columns: Sequence[Column], place: str) -> str:
    """Return the statement that loads all files of a place on the stage, or none of them.

    Examples
    --------
    >>> print(copy_sql("t", [Column(name="a", kind=ColumnKind.INTEGER)], "0"))
    COPY INTO "t" ("a") FROM (SELECT $1:c0::NUMBER(38, 0) FROM @SYNTHOHIVE_ROWS/0/)
    FILE_FORMAT = (TYPE = PARQUET) ON_ERROR = ABORT_STATEMENT PURGE = TRUE
    """
    names = ", ".join(quote(column.name) for column in columns)
    values = ", ".join(taken(column, f"$1:c{i}") for i, column in enumerate(columns))
    return (
        f"COPY INTO {quote(table)} ({names}) FROM (SELECT {values} FROM @{STAGE}/{place}/)\n"
        "FILE_FORMAT = (TYPE = PARQUET) ON_ERROR = ABORT_STATEMENT PURGE = TRUE"
    )
