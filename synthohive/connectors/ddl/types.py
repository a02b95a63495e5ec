"""The type that holds a kind of column in each engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

from synthohive.exceptions import ConnectorError
from synthohive.schema import Column, ColumnKind

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

__all__ = ["is_lob", "portable_type", "type_sql"]

_MYSQL_CHARS = 16_383  # longest VARCHAR in utf8mb4
_MYSQL_KEY_CHARS = 255  # of which an index takes at most 768


def type_sql(table: str, column: Column, dialect: Dialect, *, in_key: bool) -> str:
    """Return the type in the engine's SQL.

    Raises
    ------
    ConnectorError
        Nothing is known about what the column holds.
    """
    if column.kind is ColumnKind.UNSUPPORTED:
        raise ConnectorError(
            f"Column {table}.{column.name} has the type {column.sql_type or 'unknown'}, "
            f"which cannot be made in {dialect.name}.",
            hint="Leave the table out with exclude=[…].",
        )
    compiled: str = portable_type(column, dialect.name, in_key=in_key).compile(dialect=dialect)
    return compiled


def is_lob(sql: str) -> bool:
    """Whether a MySQL type can carry neither a default nor a plain index."""
    return sql.upper() in {"LONGTEXT", "LONGBLOB", "JSON"}


def portable_type(column: Column, dialect: str, *, in_key: bool) -> sa.types.TypeEngine[Any]:
    """Return the SQLAlchemy type that holds all values of a column."""
    if dialect == "mariadb":
        dialect = "mysql"
    kind = column.kind
    if kind is ColumnKind.INTEGER:
        return _integer(column, dialect)
    if kind is ColumnKind.DECIMAL:
        return _decimal(column, dialect)
    if kind is ColumnKind.FLOAT:
        narrow = pa.types.is_float32(column.arrow_type)
        if dialect == "mysql":
            return mysql.FLOAT() if narrow else mysql.DOUBLE()
        return sa.REAL() if narrow else sa.Double()
    if kind in (ColumnKind.TEXT, ColumnKind.CATEGORICAL):
        return _text(column, dialect, in_key)
    if kind is ColumnKind.BINARY:
        return _binary(column, dialect, in_key)
    if dialect == "mysql":
        return _MYSQL[kind]()
    if kind is ColumnKind.TIMESTAMP and dialect in ("postgresql", "duckdb"):
        return sa.TIMESTAMP(timezone=column.timezone)
    return {"postgresql": _POSTGRESQL, "duckdb": _DUCKDB}.get(dialect, _OTHER)[kind]()


_OTHER: dict[ColumnKind, Callable[[], sa.types.TypeEngine[Any]]] = {
    ColumnKind.BOOLEAN: sa.Boolean,
    ColumnKind.DATE: sa.Date,
    ColumnKind.TIME: sa.Time,
    ColumnKind.TIMESTAMP: sa.DateTime,
    ColumnKind.INTERVAL: sa.DateTime,  # how SQLAlchemy's Interval counts: from 1970 on
    ColumnKind.UUID: lambda: sa.CHAR(36),
    ColumnKind.JSON: sa.JSON,
    ColumnKind.ARRAY: sa.JSON,
    ColumnKind.COMPOSITE: sa.JSON,
    ColumnKind.RANGE: sa.Text,
    ColumnKind.POINT: sa.Text,
    ColumnKind.EMPTY: sa.Text,
}
_POSTGRESQL: dict[ColumnKind, Callable[[], sa.types.TypeEngine[Any]]] = {
    **_OTHER,
    ColumnKind.INTERVAL: postgresql.INTERVAL,
    ColumnKind.UUID: postgresql.UUID,
    ColumnKind.JSON: postgresql.JSONB,
    ColumnKind.ARRAY: postgresql.JSONB,
    ColumnKind.COMPOSITE: postgresql.JSONB,
}
_DUCKDB: dict[ColumnKind, Callable[[], sa.types.TypeEngine[Any]]] = {
    **_POSTGRESQL,
    ColumnKind.JSON: sa.JSON,
    ColumnKind.ARRAY: sa.JSON,
    ColumnKind.COMPOSITE: sa.JSON,
}
_MYSQL: dict[ColumnKind, Callable[[], sa.types.TypeEngine[Any]]] = {
    **_OTHER,
    ColumnKind.TIME: lambda: mysql.TIME(fsp=6),
    ColumnKind.TIMESTAMP: lambda: mysql.DATETIME(fsp=6),
    ColumnKind.INTERVAL: lambda: mysql.DATETIME(fsp=6),
}


def _integer(column: Column, dialect: str) -> sa.types.TypeEngine[Any]:
    type_ = column.arrow_type
    bits = type_.bit_width if pa.types.is_integer(type_) else 64
    unsigned = pa.types.is_unsigned_integer(type_)
    if dialect == "mysql":
        makers = {8: mysql.TINYINT, 16: mysql.SMALLINT, 32: mysql.INTEGER}
        return makers.get(bits, mysql.BIGINT)(unsigned=unsigned)
    if unsigned:
        bits = bits * 2
    if bits > 64:
        return sa.Numeric(20, 0)
    return {8: sa.SmallInteger(), 16: sa.SmallInteger(), 32: sa.Integer()}.get(
        bits, sa.BigInteger()
    )


def _decimal(column: Column, dialect: str) -> sa.types.TypeEngine[Any]:
    if dialect == "postgresql" and column.precision is None:
        return sa.Numeric()
    type_ = column.arrow_type
    precision, scale = type_.precision, type_.scale
    if dialect == "mysql":
        precision, scale = min(precision, 65), min(scale, 30)
    return sa.Numeric(precision, scale)


def _text(column: Column, dialect: str, in_key: bool) -> sa.types.TypeEngine[Any]:
    values = column.enum_values
    if values and dialect == "mysql":
        return mysql.ENUM(*values)
    length = column.length or (max(map(len, values)) if values else None)
    if dialect == "mysql":
        if length is None and in_key:
            length = _MYSQL_KEY_CHARS
        if length is None or length > _MYSQL_CHARS:
            return mysql.LONGTEXT()
    return sa.String(length) if length is not None else sa.Text()


def _binary(column: Column, dialect: str, in_key: bool) -> sa.types.TypeEngine[Any]:
    if dialect == "postgresql":
        return postgresql.BYTEA()
    if dialect != "mysql":
        return sa.BLOB()
    length = column.length or (_MYSQL_KEY_CHARS if in_key else None)
    small = length is not None and length <= _MYSQL_CHARS
    return sa.VARBINARY(length) if small else mysql.LONGBLOB()
