"""What SQLAlchemy's Inspector does not tell of a MySQL or MariaDB database."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Optional

from sqlalchemy import text
from sqlalchemy.engine import Connection

from synthohive.connectors.dialects.base import OddIndex
from synthohive.schema import CheckConstraint, Column, ColumnKind, Metadata

__all__ = ["amend", "identity", "odd_indexes"]

_NAME = r"`((?:[^`]|``)+)`"
_KEY = re.compile(rf"^\s+((?:UNIQUE |FULLTEXT |SPATIAL )?)KEY {_NAME} \((.*)\)[^()]*,?$", re.M)
_PLAIN = re.compile(rf"{_NAME}(?:,{_NAME})*")
_WHOLE = re.compile(rf"{_NAME}(?: DESC)?(?:,{_NAME}(?: DESC)?)*")
_TYPES = """
SELECT table_name, column_name, column_type
FROM information_schema.columns WHERE table_schema = :schema"""
_CHECKS = """
SELECT table_name, check_clause, level
FROM information_schema.check_constraints WHERE constraint_schema = :schema"""


def identity(connection: Connection, schema: Optional[str]) -> tuple[tuple[Any, ...], ...]:
    """Return a database's name with what its server says of itself; MariaDB has no number."""
    number = connection.execute(text("SHOW VARIABLES LIKE 'server_uuid'")).first()
    row = connection.execute(
        text("SELECT @@hostname, @@port, @@datadir, @@lower_case_table_names, DATABASE()")
    ).one()
    name = str(schema or row[4] or "")
    server = [number[1]] if number is not None else list(row[:3])
    return (("mysql", *server, name.lower() if row[3] else name),)


def odd_indexes(
    connection: Connection, schema: str, tables: Sequence[str], quote: Callable[..., str]
) -> dict[tuple[str, str], OddIndex]:
    """Return prefix, functional, descending, full-text and spatial indexes."""
    found = {}
    plain = connection.execution_options(no_parameters=True)
    for table in tables:
        made = str(plain.exec_driver_sql(f"SHOW CREATE TABLE {quote(schema, table)}").one()[1])
        for match in _KEY.finditer(made):
            kind, parts = match[1].strip(), match[3]
            if kind in ("", "UNIQUE") and _PLAIN.fullmatch(parts):
                continue
            exact = kind in ("", "UNIQUE") and _WHOLE.fullmatch(parts) is not None
            definition = match[0].strip().rstrip(",")
            name = match[2].replace("``", "`")
            found[table, name] = OddIndex(definition, kind == "UNIQUE", exact)
    return found


def amend(connection: Connection, metadata: Metadata) -> None:
    """Name unknown types, correct ENUMs, and read MariaDB's checks of single columns.

    One of those checks is what makes MariaDB's JSON type.
    """
    schema = {"schema": metadata.schema_name}
    tables = metadata.tables.values()
    for table_columns in (t.columns.values() for t in tables):
        for each in table_columns:
            _unescape(each)
    if any(c.kind is ColumnKind.UNSUPPORTED for t in tables for c in t.columns.values()):
        types: Sequence[Any] = connection.execute(text(_TYPES), schema).all()
        for owner, name, type_name in types:
            table = metadata.tables.get(owner)
            column = None if table is None else table.columns.get(name)
            if column is not None and column.sql_type is None:
                column.sql_type = type_name
    if metadata.dialect == "mariadb":
        _column_checks(connection, metadata)


def _unescape(column: Column) -> None:
    """Read the doubled backslashes of ENUM and SET, which SQLAlchemy takes for two."""
    if column.sql_type and column.sql_type.upper().startswith(("ENUM", "SET")):
        column.sql_type = column.sql_type.replace("\\\\", "\\")
        if column.enum_values is not None:
            column.enum_values = [v.replace("\\\\", "\\") for v in column.enum_values]


def _column_checks(connection: Connection, metadata: Metadata) -> None:
    schema = {"schema": metadata.schema_name}
    checks: Sequence[Any] = connection.execute(text(_CHECKS), schema).all()
    for owner, clause, level in checks:
        table = metadata.tables.get(owner)
        if table is None:
            continue
        valid = re.fullmatch(rf"\(*json_valid\({_NAME}\)\)*", clause, re.IGNORECASE)
        column = None if valid is None else table.columns.get(valid[1].replace("``", "`"))
        if column is not None:
            column.kind, column.length = ColumnKind.JSON, None
        elif level.lower() == "column":
            table.checks.append(CheckConstraint(sqltext=clause))
