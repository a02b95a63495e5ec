"""What INFORMATION_SCHEMA and SHOW tell of a schema, in the form of SQLAlchemy's Inspector.

The Inspector of the SQLAlchemy dialect folds names, and asks about each table alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar, Optional

from sqlalchemy import types as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from synthohive._logging import get_logger
from synthohive.connectors.dialect import ByTable, OwnCatalogue, by_table
from synthohive.connectors.snowflake import ddl
from synthohive.connectors.snowflake.spelling import SPELLING, folded
from synthohive.connectors.snowflake.tags import take_hints
from synthohive.connectors.snowflake.types import described, is_wide
from synthohive.connectors.views import view
from synthohive.ddl.statements import SchemaDdl, SchemaObject
from synthohive.schema import Column, ColumnKind, Metadata

__all__ = ["SnowflakeCatalogue", "schema_named"]

log = get_logger(__name__)
_OWN_NAME = re.compile(r"SYS_CONSTRAINT_[0-9a-f-]{36}")
_MOST_SHOWN = 10_000  # rows of a SHOW; what comes after them is left out without a word
_WORDS = 2**63
_AT_ONCE = 50  # tables whose tags one query asks for
_TAG_FACTS = "OBJECT_NAME, COLUMN_NAME, TAG_NAME, TAG_VALUE"


def schema_named(name: str, known: Sequence[str]) -> str:
    """Return the schema that a name means: that of just this name, else as if it were not quoted.

    Examples
    --------
    >>> schema_named("shop", ["SHOP"]), schema_named("shop", ["SHOP", "shop"])
    ('SHOP', 'shop')
    """
    return name if name in known else folded(name)


class SnowflakeCatalogue(OwnCatalogue):
    """The methods of SQLAlchemy's Inspector that reflection calls."""

    NOT_CLONED: ClassVar[Optional[str]] = (
        "SELECT 'views', TABLE_NAME, NULL FROM INFORMATION_SCHEMA.VIEWS "
        "WHERE TABLE_SCHEMA = :schema ORDER BY 2"
    )

    def __init__(self, connection: Connection, quote: Callable[..., str]) -> None:
        super().__init__(connection, quote)
        ((self._database, self.default_schema_name),) = self.rows(
            "SELECT CURRENT_DATABASE(), CURRENT_SCHEMA()"
        )
        self._described: dict[tuple[str, str], list[dict[str, Any]]] = {}

    def facts(self, sql: str, connection: Optional[Connection] = None) -> list[dict[str, Any]]:
        """Return the rows of a query or a SHOW, by the names of their columns in small letters."""
        on = connection if connection is not None else self.connection
        rows: Any = on.execution_options(no_parameters=True).exec_driver_sql(sql).mappings()
        return [{str(name).lower(): value for name, value in row.items()} for row in rows]

    def _of(self, view: str, schema: str) -> list[dict[str, Any]]:
        """Return what a view of INFORMATION_SCHEMA has of a schema; columns are in their order."""
        at = (view, schema)
        if at not in self._described:
            order = " ORDER BY TABLE_NAME, ORDINAL_POSITION" if view == "COLUMNS" else ""
            sql = f"SELECT * FROM INFORMATION_SCHEMA.{view} WHERE TABLE_SCHEMA = "
            self._described[at] = self.facts(f"{sql}{SPELLING.literal(schema)}{order}")
        return self._described[at]

    def plain_schema(self, schema: Optional[str]) -> Optional[str]:
        """Return a schema's name as the catalogue has it: ``shop`` is ``SHOP`` there."""
        return None if schema is None else schema_named(schema, self.get_schema_names())

    def identity(self, schema: Optional[str]) -> tuple[tuple[Any, ...], ...]:
        """See the base class."""
        place = self.plain_schema(schema) or self.default_schema_name
        ((account, region),) = self.rows("SELECT CURRENT_ACCOUNT(), CURRENT_REGION()")
        return (("snowflake", region, account, self._database, place),)

    def get_schema_names(self) -> list[str]:
        """Return the schemas of the connection's database."""
        rows = self.rows("SELECT SCHEMA_NAME FROM INFORMATION_SCHEMA.SCHEMATA ORDER BY 1")
        return [str(row[0]) for row in rows if row[0] != "INFORMATION_SCHEMA"]

    def get_table_names(self, schema: str) -> list[str]:
        """Return the tables that hold rows of their own."""
        return [str(t["table_name"]) for t in self.tables(schema)]

    def tables(self, schema: str) -> list[dict[str, Any]]:
        """Return what INFORMATION_SCHEMA.TABLES has of tables that hold rows of their own."""
        return [
            t
            for t in self._of("TABLES", schema)
            if t["table_type"] == "BASE TABLE" and t.get("is_dynamic", "NO") != "YES"
        ]

    def columns(self, schema: str) -> list[dict[str, Any]]:
        """Return what INFORMATION_SCHEMA.COLUMNS has of a schema, in the columns' order."""
        return self._of("COLUMNS", schema)

    def get_multi_columns(self, schema: str, **_: Any) -> ByTable:
        """Return columns by table; :meth:`amend` adds their types."""

        def told(facts: dict[str, Any]) -> dict[str, Any]:
            counted = facts["is_identity"] == "YES"
            first, step = facts["identity_start"], facts["identity_increment"]
            return {
                "name": facts["column_name"],
                "nullable": facts["is_nullable"] == "YES",
                "type": sa.NullType(),
                "default": None if counted else facts["column_default"],
                "identity": {"start": int(first or 1), "increment": int(step or 1)}
                if counted
                else None,
                "comment": facts["comment"] or None,
            }

        return by_table(schema, ((c["table_name"], told(c)) for c in self.columns(schema)))

    def _keys(self, kind: str, schema: str, lead: str) -> dict[tuple[str, str], list[Any]]:
        """Return the rows of a SHOW … KEYS by table and key, each in the order of its columns."""
        rows = self.facts(f"SHOW {kind} KEYS IN SCHEMA {self.quote(schema)}")
        if len(rows) >= _MOST_SHOWN:
            rows = [
                row
                for table in self.get_table_names(schema)
                for row in self.facts(f"SHOW {kind} KEYS IN TABLE {self.quote(schema, table)}")
            ]
        name = "fk_name" if lead else "constraint_name"
        found: dict[tuple[str, str], list[Any]] = {}
        for row in sorted(rows, key=lambda r: int(r["key_sequence"])):
            found.setdefault((row[f"{lead}table_name"], row[name]), []).append(row)
        return found

    def _column_keys(self, kind: str, schema: str, field: str) -> ByTable:
        keys = self._keys(kind, schema, "").items()
        return by_table(
            schema,
            (
                (table, {"name": _given(name), field: [row["column_name"] for row in rows]})
                for (table, name), rows in keys
            ),
        )

    def get_multi_pk_constraint(self, schema: str, **_: Any) -> dict[tuple[str, str], Any]:
        """Return primary keys by table."""
        found = self._column_keys("PRIMARY", schema, "constrained_columns")
        return {at: keys[0] for at, keys in found.items()}

    def get_multi_unique_constraints(self, schema: str, **_: Any) -> ByTable:
        """Return UNIQUE constraints by table."""
        return self._column_keys("UNIQUE", schema, "column_names")

    def get_multi_foreign_keys(self, schema: str, **_: Any) -> ByTable:
        """Return foreign keys by table; none has an action, as none is enforced."""

        def told(name: str, rows: Sequence[Any]) -> dict[str, Any]:
            database, place = (rows[0][f"pk_{of}_name"] for of in ("database", "schema"))
            return {
                "name": _given(name),
                "constrained_columns": [row["fk_column_name"] for row in rows],
                "referred_schema": place if database == self._database else f"{database}.{place}",
                "referred_table": rows[0]["pk_table_name"],
                "referred_columns": [row["pk_column_name"] for row in rows],
            }

        keys = self._keys("IMPORTED", schema, "fk_").items()
        return by_table(schema, ((table, told(name, rows)) for (table, name), rows in keys))

    def get_multi_table_comment(self, schema: str, **_: Any) -> dict[tuple[str, str], Any]:
        """Return comments by table."""
        return {
            (schema, t["table_name"]): {"text": t["comment"] or None} for t in self.tables(schema)
        }

    def amend(self, metadata: Metadata) -> None:
        """Describe the columns' types."""
        schema = str(metadata.schema_name)
        wide: dict[str, list[Column]] = {}
        for facts in self.columns(schema):
            table = metadata.tables.get(facts["table_name"])
            column = None if table is None else table.columns.get(facts["column_name"])
            if column is None:
                continue
            for field, value in described(facts).items():
                setattr(column, field, value)
            if is_wide(facts):
                wide.setdefault(facts["table_name"], []).append(column)
        for name, columns in wide.items():
            self._measure(self.quote(schema, name), columns)
        take_hints(metadata, self._tags(schema, list(metadata.tables)))

    def _measure(self, place: str, columns: Sequence[Column]) -> None:
        """Tell whole numbers of 64 bits from longer ones; Snowflake keeps both ends at hand."""
        ends = ", ".join(f"MIN({self.quote(c.name)}), MAX({self.quote(c.name)})" for c in columns)
        found = [
            None if v is None else int(v) for v in self.plain(f"SELECT {ends} FROM {place}").one()
        ]
        for column, low, high in zip(columns, found[::2], found[1::2]):
            if low is not None and high is not None and not -_WORDS <= low <= high < _WORDS:
                column.kind, column.arrow = ColumnKind.DECIMAL, None
                column.precision, column.scale = 38, 0

    def _tags(self, schema: str, names: Sequence[str]) -> list[dict[str, Any]]:
        """Return the tags of all columns; none where the edition has no tags, or the role no right.

        On a session of its own: what is refused there ends nothing here.
        """
        found: list[dict[str, Any]] = []
        with self.connection.engine.connect() as connection:
            for start in range(0, len(names), _AT_ONCE):
                asked = " UNION ALL ".join(
                    f"SELECT {_TAG_FACTS} FROM TABLE(INFORMATION_SCHEMA.TAG_REFERENCES_ALL_COLUMNS("
                    f"{SPELLING.literal(self.quote(schema, name))}, 'table'))"
                    for name in names[start : start + _AT_ONCE]
                )
                try:
                    found += self.facts(asked, connection)
                except SQLAlchemyError as exc:
                    log.info("tags_not_read", schema=schema, reason=type(exc).__name__)
                    return []
        return found

    def objects(
        self, schema: str, tables: Collection[str], beside: Sequence[str]
    ) -> list[SchemaObject]:
        """See the base class: views only."""
        found = self._of("VIEWS", schema)
        known = {*tables, *(str(row["table_name"]) for row in found)}
        home = (self._database, schema)
        return [
            view(
                str(row["table_name"]), str(row["view_definition"]), home, known, SPELLING,
                fold=str.upper, comment=row.get("comment"),
            )
            for row in found
        ]  # fmt: skip

    def clone(self, metadata: Metadata, schema: str, beside: Sequence[str]) -> Optional[SchemaDdl]:
        """See the base class."""
        return ddl.clone(metadata, self.tables(schema), self.columns(schema))


def _given(name: str) -> Optional[str]:
    """Return a key's name; none of those that Snowflake made up."""
    return None if _OWN_NAME.fullmatch(name) else name
