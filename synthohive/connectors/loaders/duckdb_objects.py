"""What a schema of a DuckDB database holds, and which views a change of it would break."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

import duckdb

from synthohive._logging import get_logger
from synthohive.connectors.dialects.duckdb_text import quote
from synthohive.connectors.loaders.comments import Place
from synthohive.connectors.loaders.staged import Found

__all__ = [
    "Thing",
    "View",
    "answers",
    "comments",
    "contents",
    "defaulting",
    "dependents",
    "naming",
]

log = get_logger(__name__)
_HERE = "database_name = $db AND schema_name = $schema"
View = tuple[str, str, str]
"""Database, schema, name."""

_PARTS = ("column", "index")

# Tables come last made first, which is children first.
_CONTENTS = f"""
FROM (
    SELECT 1 AS rank, 'view' AS kind, view_name AS name, NULL AS whole, view_oid AS number
    FROM duckdb_views() WHERE {_HERE} AND NOT internal
    UNION ALL SELECT 2, 'table', table_name, NULL, table_oid FROM duckdb_tables()
    WHERE {_HERE} AND NOT internal
    UNION ALL SELECT 3, 'column', c.column_name, c.table_name, c.column_index
    FROM duckdb_columns() c WHERE {_HERE} AND NOT internal
    UNION ALL SELECT 4, 'index', index_name, table_name, index_oid FROM duckdb_indexes()
    WHERE {_HERE}
    UNION ALL SELECT DISTINCT 5, replace(function_type, '_', ' '), function_name, NULL, 0
    FROM duckdb_functions() WHERE {_HERE} AND NOT internal
    UNION ALL SELECT 6, 'sequence', sequence_name, NULL, sequence_oid FROM duckdb_sequences()
    WHERE {_HERE}
    UNION ALL SELECT 7, 'type', type_name, NULL, 0 FROM duckdb_types()
    WHERE {_HERE} AND NOT internal
)
SELECT kind, name, whole ORDER BY rank, number DESC"""

_COMMENTS = f"""
FROM (
    SELECT 'table' AS kind, table_name AS name, NULL AS part, comment FROM duckdb_tables()
    WHERE {_HERE}
    UNION ALL SELECT 'column', table_name, column_name, comment FROM duckdb_columns()
    WHERE {_HERE}
    UNION ALL SELECT 'index', index_name, NULL, comment FROM duckdb_indexes() WHERE {_HERE}
    UNION ALL SELECT 'sequence', sequence_name, NULL, comment FROM duckdb_sequences()
    WHERE {_HERE}
    UNION ALL SELECT 'type', type_name, NULL, comment FROM duckdb_types() WHERE {_HERE}
)
SELECT kind, name, part, comment"""


@dataclass(frozen=True)
class Thing:
    """Something in a schema."""

    kind: str
    name: str
    table: str  # of a column or an index

    @property
    def is_part(self) -> bool:
        """Whether it goes with its table."""
        return self.kind in _PARTS

    def found(self, schema: str) -> Found:
        """Return it as the writers' rules take it."""
        inside = f"{self.table}.{self.name}" if self.is_part else self.name
        whole = f"table {schema}.{self.table}" if self.is_part else None
        return Found(f"{self.kind} {schema}.{inside}", f"{self.kind} {inside}", whole)


def contents(connection: duckdb.DuckDBPyConnection, database: str, schema: str) -> list[Thing]:
    """Return all that a schema holds, in an order in which it can be dropped."""
    rows = connection.execute(_CONTENTS, {"db": database, "schema": schema}).fetchall()
    views = {name for kind, name, _ in rows if kind == "view"}
    return [
        Thing(kind, name, whole or "")
        for kind, name, whole in rows
        if kind != "column" or whole not in views
    ]


def comments(
    connection: duckdb.DuckDBPyConnection, database: str, schema: str
) -> dict[Place, Optional[str]]:
    """Return what of a schema a comment may be about, with the comment."""
    rows = connection.execute(_COMMENTS, {"db": database, "schema": schema}).fetchall()
    return {tuple(name for name in place if name is not None): text for *place, text in rows}


def naming(
    connection: duckdb.DuckDBPyConnection, database: str, tables: Sequence[str]
) -> list[View]:
    """Return the views, of any schema, whose text has the name of one of these tables."""
    if not tables:
        return []
    named = re.compile("|".join(rf"(?<!\w){re.escape(table)}(?!\w)" for table in tables), re.I)
    views = connection.execute(
        "SELECT schema_name, view_name, sql FROM duckdb_views() "
        "WHERE database_name = ? AND NOT internal ORDER BY ALL",
        [database],
    ).fetchall()
    return [
        (database, schema, view)
        for schema, view, sql in views
        if named.search(sql.replace('""', '"'))
    ]


def answers(connection: duckdb.DuckDBPyConnection, view: View) -> bool:
    """Whether a view still finds all that it names."""
    try:
        connection.execute(f"EXPLAIN SELECT * FROM {'.'.join(map(quote, view))}")
    except duckdb.Error as exc:
        log.debug("view_does_not_answer", view=view[-1], reason=type(exc).__name__)
        return False
    return True


def defaulting(
    connection: duckdb.DuckDBPyConnection, database: str, schema: str, sequences: Sequence[str]
) -> list[str]:
    """Return the columns of other schemas whose defaults come from these sequences.

    DuckDB itself knows of them only until the database is closed.
    """
    columns = connection.execute(
        "SELECT schema_name, table_name, column_name, column_default FROM duckdb_columns() "
        "WHERE database_name = ? AND schema_name <> ? AND contains(column_default, 'nextval')",
        [database, schema],
    ).fetchall()
    place = rf'"?{re.escape(schema)}"?\."?'
    names = "|".join(map(re.escape, sequences)) or "(?!)"
    named = re.compile(rf"nextval\('(?:[^']*\.)?{place}(?:{names})\"?'\)", re.IGNORECASE)
    return [
        f"column {where}.{table}.{column}"
        for where, table, column, default in columns
        if named.search(default)
    ]


def dependents(exc: duckdb.Error) -> list[str]:
    r"""Return what DuckDB says would be left without what was to be dropped.

    Examples
    --------
    >>> dependents(duckdb.DependencyException('Cannot drop.\ntable "y" depends on index "s".'))
    ['table y']
    """
    found = re.findall(r'^(\w+) "((?:[^"]|"")+)" depends on', str(exc), re.MULTILINE)
    return [f"{kind} {name}" for kind, name in found]
