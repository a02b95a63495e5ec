"""What a schema of a DuckDB database holds, and which views a change of it would break."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import duckdb

from synthohive._logging import get_logger
from synthohive.ddl.spelling import quote
from synthohive.io.comments import Comments, Place
from synthohive.io.staging import Found

__all__ = ["Holdings", "NotOfTheCopy", "Thing", "View", "answers", "dependents", "moved_view"]

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


@dataclass(frozen=True)
class Holdings:
    """What a schema of a database holds; names are as the catalogue has them, not quoted."""

    connection: duckdb.DuckDBPyConnection
    database: str
    schema: str

    def _rows(self, sql: str) -> list[Any]:
        places = {"db": self.database, "schema": self.schema}
        return self.connection.execute(sql, places).fetchall()

    def contents(self) -> list[Thing]:
        """Return all in an order in which it can be dropped.

        Views, then tables, the last made first (children before their parents), then the rest;
        no columns of views.
        """
        rows = self._rows(_CONTENTS)
        views = {name for kind, name, _ in rows if kind == "view"}
        return [
            Thing(kind, name, whole or "")
            for kind, name, whole in rows
            if kind != "column" or whole not in views
        ]

    def commented(self) -> dict[Place, Optional[str]]:
        """Return what a comment may be about, ``("column", table, name)``, with the comment."""
        rows = self._rows(_COMMENTS)
        return {tuple(name for name in place if name is not None): text for *place, text in rows}

    def comments(self) -> Comments:
        """Return the comments."""
        return {place: text for place, text in self.commented().items() if text is not None}

    def naming(self, tables: Sequence[str]) -> list[View]:
        """Return the views, of any schema, whose text has the name of one of these tables.

        Perhaps too many: a column or another schema's table may have the name, too.
        """
        if not tables:
            return []
        named = re.compile("|".join(rf"(?<!\w){re.escape(t)}(?!\w)" for t in tables), re.IGNORECASE)
        views = self.connection.execute(
            "SELECT schema_name, view_name, sql FROM duckdb_views() "
            "WHERE database_name = ? AND NOT internal ORDER BY ALL",
            [self.database],
        ).fetchall()
        return [
            (self.database, schema, view)
            for schema, view, sql in views
            if named.search(sql.replace('""', '"'))
        ]

    def defaulting(self, sequences: Sequence[str]) -> list[str]:
        """Return the columns of other schemas whose defaults come from these sequences.

        DuckDB itself knows of them only until the database is closed.
        """
        columns = self._rows(
            "SELECT schema_name, table_name, column_name, column_default FROM duckdb_columns() "
            "WHERE database_name = $db AND schema_name <> $schema "
            "AND contains(column_default, 'nextval')"
        )
        place = rf'"?{re.escape(self.schema)}"?\."?'
        names = "|".join(map(re.escape, sequences)) or "(?!)"
        named = re.compile(rf"nextval\('(?:[^']*\.)?{place}(?:{names})\"?'\)", re.IGNORECASE)
        return [
            f"column {where}.{table}.{column}"
            for where, table, column, default in columns
            if named.search(default)
        ]


def answers(connection: duckdb.DuckDBPyConnection, view: View) -> bool:
    """Whether a view still finds all that it names."""
    try:
        connection.execute(f"EXPLAIN SELECT * FROM {'.'.join(map(quote, view))}")
    except duckdb.Error as exc:
        log.debug("view_does_not_answer", view=view[-1], reason=type(exc).__name__)
        return False
    return True


def dependents(exc: duckdb.Error) -> list[str]:
    r"""Return what DuckDB says would be left without what was to be dropped.

    Examples
    --------
    >>> dependents(duckdb.DependencyException('Cannot drop.\ntable "y" depends on index "s".'))
    ['table y']
    """
    found = re.findall(r'^(\w+) "((?:[^"]|"")+)" depends on', str(exc), re.MULTILINE)
    return [f"{kind} {name}" for kind, name in found]


class NotOfTheCopy(ValueError):
    """A view uses what a copy does not have; the message says what."""


_NAMED = r'(?:"(?:[^"]|"")*"|[^\W\d]\w*)'
_VIEW = re.compile(
    rf"CREATE VIEW (?:{_NAMED}\.)*{_NAMED}(?P<columns> ?\((?:{_NAMED}(?:, )?)*\))? AS "
    r"(?P<query>.*?);?\s*",
    re.DOTALL | re.IGNORECASE,
)
_OF_ARGUMENTS = ("range", "generate_series", "unnest", "repeat", "json_each", "json_tree")
"""Table functions that read nothing but their arguments."""
_OF_THE_CATALOGUE = ("nextval", "currval", "getvariable", "current_setting", "getenv")


def moved_view(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    database: str,
    schemas: Mapping[str, str],
    known: Collection[str],
) -> str:
    """Return what makes a view's columns and query over a copy, with every name written out.

    DuckDB itself takes the query apart and puts it together.

    Parameters
    ----------
    sql : str
        The source's CREATE VIEW.
    database : str
    schemas : dict of str to str
        From the source's schemas, the view's own first, to the copy's.
    known : collection of str
        The tables and views of the copy.

    Raises
    ------
    NotOfTheCopy
        It uses something else.
    """
    found = _VIEW.fullmatch(sql.strip())
    if found is None:
        raise NotOfTheCopy("its definition is of a form that is not understood")
    tree = _one(connection, "SELECT json_serialize_sql(?)", found["query"])
    if tree.get("error"):
        raise NotOfTheCopy("its definition is of a form that is not understood")
    functions = connection.execute(
        "SELECT function_name FROM duckdb_functions() "
        "WHERE function_type NOT IN ('table', 'table_macro', 'pragma') "
        "GROUP BY ALL HAVING bool_and(internal)"
    ).fetchall()
    _Mover(database, schemas, known, {str(row[0]) for row in functions}).move(tree, frozenset())
    text = json.dumps(tree)
    (query,) = connection.execute("SELECT json_deserialize_sql(?)", [text]).fetchone() or ("",)
    return f"{found['columns'] or ''} AS {query}"


def _one(connection: duckdb.DuckDBPyConnection, sql: str, value: str) -> dict[str, Any]:
    row = connection.execute(sql, [value]).fetchone()
    tree: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    return tree


@dataclass(frozen=True)
class _Mover:
    """Puts the copy's names into the tree of a query, and refuses what has none there."""

    database: str
    schemas: Mapping[str, str]
    known: Collection[str]
    functions: Collection[str]

    def move(self, node: Any, scope: frozenset[str]) -> None:
        """Change a node and all below it; `scope` has the common table expressions seen there."""
        if isinstance(node, list):
            for each in node:
                self.move(each, scope)
        if not isinstance(node, dict):
            return
        kind = node.get("type")
        if kind == "BASE_TABLE":
            self._table(node, scope)
        elif kind == "SHOW_REF":
            raise NotOfTheCopy("it describes tables")
        elif kind == "COLUMN_REF":
            self._column(node)
        elif kind == "TABLE_FUNCTION":
            name = node["function"].get("function_name")
            if name not in _OF_ARGUMENTS:
                raise NotOfTheCopy(f"it reads by the function {name}")
            node = {**node, "function": node["function"].get("children")}
        elif "function_name" in node:
            self._function(node)
        for each, names in self._below(node, scope):
            self.move(each, names)

    def _below(
        self, node: dict[str, Any], scope: frozenset[str]
    ) -> Iterator[tuple[Any, frozenset[str]]]:
        """Return the parts of a node; an expression sees the names of those before it."""
        for entry in (node.get("cte_map") or {}).get("map", ()):
            own = {entry["key"].lower()} if _recursive(entry["value"]) else set()
            yield entry["value"], scope | own
            scope |= {entry["key"].lower()}
        if kind := node.get("cte_name"):  # a recursive expression sees itself
            scope |= {str(kind).lower()}
        for key, value in node.items():
            if key != "cte_map":
                yield value, scope

    def _table(self, node: dict[str, Any], scope: frozenset[str]) -> None:
        name, schema, catalogue = (
            str(node.get(key) or "") for key in ("table_name", "schema_name", "catalog_name")
        )
        if not schema and not catalogue and name.lower() in scope:
            return
        home = schema or next(iter(self.schemas))
        lowered = {each.lower() for each in self.known}
        if (
            catalogue.lower() not in ("", self.database.lower())
            or home not in self.schemas
            or (home == next(iter(self.schemas)) and name.lower() not in lowered)
        ):
            shown = ".".join(part for part in (catalogue, schema, name) if part)
            raise NotOfTheCopy(f"it uses {shown}, which the copy does not have")
        node["catalog_name"], node["schema_name"] = self.database, self.schemas[home]

    def _column(self, node: dict[str, Any]) -> None:
        """Columns may be called by the names of their table, schema and database."""
        names = node.get("column_names") or []
        if len(names) > 3 and names[0] == self.database and names[1] in self.schemas:
            del names[0]
        if len(names) > 2 and names[0] in self.schemas:
            names[0] = self.schemas[names[0]]

    def _function(self, node: dict[str, Any]) -> None:
        name, parts = str(node["function_name"]), (node.get("catalog"), node.get("schema"))
        plain = set(parts) <= {None, "", "system", "main", "pg_catalog"}
        known = name in self.functions or name == "unnest" or node.get("is_operator")
        if not plain or not known or name in _OF_THE_CATALOGUE:
            raise NotOfTheCopy(f"it uses the function {name}, which the copy may not have")


def _recursive(value: Any) -> bool:
    query = value.get("query") or {}
    return (query.get("node") or {}).get("type") == "RECURSIVE_CTE_NODE"
