"""What Unity Catalog tells of a schema, in the form of SQLAlchemy's Inspector.

INFORMATION_SCHEMA has tables, columns and keys of a whole schema; counters, computed columns,
CHECKs and clustering stand only in each table's own CREATE TABLE.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar, Optional

from sqlalchemy import types as sa
from sqlalchemy.engine import Connection

from synthohive.connectors.databricks import ddl
from synthohive.connectors.databricks.spelling import SPELLING
from synthohive.connectors.dialect import ByTable, by_table
from synthohive.connectors.spark_sql.keys import UnityCatalogue, keys_sql
from synthohive.connectors.spark_sql.types import described
from synthohive.connectors.views import view
from synthohive.ddl.statements import SchemaDdl, SchemaObject
from synthohive.schema import Metadata

__all__ = ["DatabricksCatalogue"]

_HERE = "table_schema = :schema"
_TABLES = f"SELECT * FROM information_schema.tables WHERE {_HERE} ORDER BY table_name"
_COLUMNS = f"""
SELECT * FROM information_schema.columns WHERE {_HERE} ORDER BY table_name, ordinal_position"""
_VIEWS = f"SELECT * FROM information_schema.views WHERE {_HERE} ORDER BY table_name"
_READ = ("MANAGED", "EXTERNAL", "MANAGED_SHALLOW_CLONE", "EXTERNAL_SHALLOW_CLONE", "BASE TABLE")


class DatabricksCatalogue(UnityCatalogue):
    """The methods of SQLAlchemy's Inspector that reflection calls."""

    NOT_CLONED: ClassVar[Optional[str]] = (
        f"SELECT 'views', table_name, NULL FROM information_schema.views WHERE {_HERE} "
        "UNION ALL SELECT 'functions and procedures', routine_name, NULL "
        "FROM information_schema.routines WHERE routine_schema = :schema "
        "UNION ALL SELECT 'volumes', volume_name, NULL FROM information_schema.volumes "
        "WHERE volume_schema = :schema ORDER BY 1, 2"
    )

    def __init__(self, connection: Connection, quote: Callable[..., str]) -> None:
        super().__init__(connection, quote)
        ((self._catalog, self.default_schema_name),) = self.rows(
            "SELECT current_catalog(), current_schema()"
        )
        self._made: dict[tuple[str, str], ddl.Made] = {}

    def made(self, schema: str, table: str) -> ddl.Made:
        """Return a table's own CREATE TABLE, taken apart."""
        at = (schema, table)
        if at not in self._made:
            ((sql,),) = self.plain(f"SHOW CREATE TABLE {self.quote(schema, table)}").all()
            self._made[at] = ddl.taken_apart(str(sql))
        return self._made[at]

    def plain_schema(self, schema: Optional[str]) -> Optional[str]:
        """Return a schema's name as the catalogue has it: in small letters."""
        return None if schema is None else schema.lower()

    def identity(self, schema: Optional[str]) -> tuple[tuple[Any, ...], ...]:
        """Return names with that of the metastore, whatever workspace leads there."""
        place = self.plain_schema(schema) or self.default_schema_name
        ((metastore,),) = self.rows("SELECT current_metastore()")
        return (("databricks", metastore, self._catalog, place),)

    def get_schema_names(self) -> list[str]:
        """Return the schemas of the connection's catalog."""
        sql = "SELECT schema_name FROM information_schema.schemata ORDER BY schema_name"
        return [str(name) for (name,) in self.rows(sql) if name != "information_schema"]

    def get_table_names(self, schema: str) -> list[str]:
        """Return the tables that hold rows of their own."""
        return [t["table_name"] for t in self.tables(schema)]

    def tables(self, schema: str) -> list[dict[str, Any]]:
        """Return what INFORMATION_SCHEMA.TABLES has of tables that hold rows of their own."""
        return [t for t in self.rows_once(_TABLES, schema) if t["table_type"] in _READ]

    def get_multi_columns(
        self, schema: str, filter_names: Collection[str] = (), **_: Any
    ) -> ByTable:
        """Return columns by table; :meth:`amend` adds their types."""

        def told(facts: dict[str, Any]) -> dict[str, Any]:
            made = self.made(schema, facts["table_name"])
            name = facts["column_name"]
            computed = made.computed.get(name)
            return {
                "name": name,
                "nullable": facts["is_nullable"] == "YES",
                "type": sa.NullType(),
                "default": facts.get("column_default") or None,
                "identity": made.counters.get(name),
                "computed": None if computed is None else {"sqltext": computed},
                "comment": facts.get("comment") or None,
            }

        rows = [c for c in self.rows_once(_COLUMNS, schema) if c["table_name"] in filter_names]
        return by_table(schema, ((c["table_name"], told(c)) for c in rows))

    def key_rows(self, schema: str) -> list[dict[str, Any]]:
        """See the base class."""
        return self.rows_once(keys_sql("information_schema"), schema)

    def get_multi_check_constraints(
        self, schema: str, filter_names: Collection[str] = (), **_: Any
    ) -> ByTable:
        """Return CHECKs by table: properties of Delta tables."""
        return by_table(
            schema,
            (
                (name, {"name": check, "sqltext": sql})
                for name in filter_names
                for check, sql in self.made(schema, name).checks.items()
            ),
        )

    def amend(self, metadata: Metadata) -> None:
        """Describe the columns' types, and comment on tables."""
        schema = str(metadata.schema_name)
        for facts in self.rows_once(_COLUMNS, schema):
            table = metadata.tables.get(facts["table_name"])
            column = None if table is None else table.columns.get(facts["column_name"])
            if column is not None:
                for field, value in described(facts["full_data_type"]).items():
                    setattr(column, field, value)
        for facts in self.tables(schema):
            if facts["table_name"] in metadata.tables:
                metadata.tables[facts["table_name"]].comment = facts.get("comment") or None

    def objects(
        self, schema: str, tables: Collection[str], beside: Sequence[str]
    ) -> list[SchemaObject]:
        """See the base class: views only."""
        found = self.rows_once(_VIEWS, schema)
        known = {*tables, *(row["table_name"] for row in found)}
        home = (self._catalog, schema)
        return [
            view(
                row["table_name"], str(row["view_definition"]), home, known, SPELLING,
                fold=str.lower,
            )
            for row in found
        ]  # fmt: skip

    def clone(self, metadata: Metadata, schema: str, beside: Sequence[str]) -> Optional[SchemaDdl]:
        """See the base class."""
        return ddl.clone(metadata, {name: self.made(schema, name) for name in metadata.tables})
