"""SQLite: its cursor directly; declared types are promises that values may not keep."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import sqlite3
from collections.abc import Sequence
from decimal import Context, Decimal
from pathlib import Path
from typing import Any, ClassVar, Optional

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy.engine import Connection, Engine

from synthohive._arguments import reachable
from synthohive.connectors.dialect import Catalogue, Dialect, in_memory
from synthohive.connectors.sqlite import catalogue
from synthohive.exceptions import ConnectorError
from synthohive.schema import Column, ColumnKind
from synthohive.texts.moments import parse

__all__ = ["SQLite", "database_file"]

_EXACT = Context(prec=76)


def database_file(engine: Engine, schema: Optional[str]) -> Optional[Path]:
    """Return the file behind a schema; None for a database in memory."""
    if schema in (None, "main") and engine.url.database and engine.url.database != ":memory:":
        name = engine.url.database
        if not name.startswith("file:"):
            return reachable(Path(name).absolute())
    with engine.connect() as connection:
        listed: Sequence[Any] = connection.exec_driver_sql("PRAGMA database_list").all()
        for _, name, path in listed:
            if name == (schema or "main"):
                return Path(path) if path else None
    raise ConnectorError(f"There is no attached database {schema!r}.")


class SQLite(Dialect):
    """See the module."""

    CATALOGUE: ClassVar[type[Catalogue]] = catalogue.SqliteCatalogue
    EMPTY: ClassVar[str] = "NULL"

    def identity(self, schema: Optional[str]) -> tuple[tuple[Any, ...], ...]:
        """See the base class; `schema` may be a path. Links lead to the same file."""
        path = Path(schema) if schema and os.sep in schema else database_file(self.engine, schema)
        if path is None:
            return (("sqlite", *in_memory(self.engine)),)
        facts: list[tuple[Any, ...]] = [("sqlite", "path", str(path.resolve()))]
        try:
            found, tables = path.stat(), catalogue.definitions(path)
        except (OSError, sqlite3.Error):  # not there, or no database: the path alone must do
            return tuple(facts)
        # Numbers of deleted files are given to new ones: the tables tell these apart.
        return (*facts, ("sqlite", "file", found.st_dev, found.st_ino, tables))

    def hashed(self, expressions: Sequence[str], seed: int) -> str:
        """See the base class."""
        return f"synthohive_hash('{int(seed)}', {', '.join(expressions)})"

    def begin(self, connection: Connection) -> None:
        """See the base class."""
        dbapi: Any = connection.connection.dbapi_connection
        hashing(dbapi)

    def array(self, column: Column, values: Sequence[Any]) -> pa.Array:
        """See the base class."""
        kind, type_ = column.kind, column.arrow_type
        if kind is ColumnKind.DECIMAL:
            return pa.array([_decimal(v, type_.scale) for v in values], type_)
        if kind is ColumnKind.BOOLEAN:
            return pa.array([_boolean(v) for v in values], type_)
        if kind in (ColumnKind.DATE, ColumnKind.TIMESTAMP, ColumnKind.TIME):
            return _moment(values, type_, column.text_form)
        if kind is ColumnKind.BINARY:
            return pa.array([v.encode() if isinstance(v, str) else v for v in values], type_)
        if kind in (ColumnKind.TEXT, ColumnKind.UUID, ColumnKind.JSON, ColumnKind.CATEGORICAL):
            return pa.array([_text(v) for v in values], type_)
        if kind is ColumnKind.FLOAT:
            return pa.array([None if v is None else _number(v) for v in values], type_)
        if kind is ColumnKind.INTEGER and any(isinstance(v, float) for v in values):
            raise TypeError("fractions are no integers")  # which Arrow would cut off
        return pa.array(values, type_)


def hashing(connection: sqlite3.Connection) -> None:
    """Let a connection's SQL hash values, as :meth:`SQLite.hashed` does."""
    connection.create_function("synthohive_hash", -1, _hash, deterministic=True)


def _hash(*parts: Any) -> int:
    text = "|".join("" if p is None else str(p) for p in parts)
    return int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest()[:4], "big")


def _boolean(value: Any) -> Optional[bool]:
    if value is None:
        return None
    if value in (0, 1):
        return bool(value)
    raise ValueError("neither 0 nor 1")


def _text(value: Any) -> Optional[str]:
    if isinstance(value, bytes):
        raise TypeError("bytes are no text")
    return value if value is None else str(value)


def _number(value: Any) -> float:
    if isinstance(value, str):
        raise TypeError("text is no number")
    return float(value)


def _decimal(value: Any, scale: int) -> Any:
    if value is None:
        return None
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-scale), context=_EXACT)


def _moment(values: Sequence[Any], type_: pa.DataType, form: Optional[str]) -> pa.Array:
    """Parse text of a form, else of ISO; the time of day of a date, and a trailing Z, are let go.

    A constant distance to UTC is part of the form: times stay as they are written.
    """
    texts = pa.array([None if v is None else str(v) for v in values], pa.string())
    if form is not None:
        found = parse(texts, form)
        if found.null_count == texts.null_count:
            return _as(found, type_)
    if pa.types.is_time(type_):
        clocks = [None if v is None else dt.time.fromisoformat(str(v)) for v in values]
        return pa.array(clocks, type_)
    whole = pc.replace_substring_regex(texts, r"(Z|\+00:?00)$", "")
    return _as(pc.cast(whole, pa.timestamp("us")), type_)


def _as(moments: pa.Array, type_: pa.DataType) -> pa.Array:
    return pc.cast(moments, type_, safe=False)  # of a rarer form, what the usual one cannot tell


READER = SQLite
