"""What Redshift's catalogue tells of a schema, in the form of SQLAlchemy's Inspector.

The Inspector of the SQLAlchemy dialect reads all schemas of a database, and takes keys from their
printed form. Here the leader node is asked: SVV views for tables and columns, ``pg_constraint`` for
keys. None of it needs more than USAGE and SELECT.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar, Optional

from sqlalchemy import types as sa
from sqlalchemy.engine import Connection

from synthohive.connectors.dialect import ByTable, OwnCatalogue, by_table
from synthohive.connectors.redshift import ddl
from synthohive.connectors.redshift.spelling import SPELLING
from synthohive.connectors.redshift.types import described
from synthohive.connectors.views import view
from synthohive.ddl.statements import SchemaDdl, SchemaObject
from synthohive.schema import Metadata

__all__ = ["RedshiftCatalogue", "schema_named"]

SCHEMAS = "SELECT nspname FROM pg_namespace ORDER BY nspname"
_OWN = re.compile("pg_.*|information_schema|catalog_history", re.DOTALL)
_TABLES = """
SELECT table_name, table_type, remarks FROM svv_redshift_tables
WHERE database_name = current_database() AND schema_name = :schema ORDER BY table_name"""
_COLUMNS = """
SELECT table_name, column_name, data_type, column_default, is_nullable, encoding, distkey, sortkey,
    remarks
FROM svv_redshift_columns
WHERE database_name = current_database() AND schema_name = :schema
ORDER BY table_name, ordinal_position"""
_KEYS = """
SELECT c.relname, k.conname, k.contype, k.conkey, pn.nspname, p.relname, k.confkey,
    k.conrelid, k.confrelid
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_class p ON p.oid = k.confrelid
LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE n.nspname = :schema AND k.contype IN ('p', 'u', 'f') ORDER BY c.relname, k.conname"""
_NAMES = """
SELECT a.attrelid, a.attnum, a.attname FROM pg_attribute a
WHERE a.attnum > 0 AND (
    a.attrelid IN (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = :schema)
    OR a.attrelid IN (SELECT k.confrelid FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = :schema))"""
_SPREAD = """
SELECT relname, releffectivediststyle FROM pg_class_info i JOIN pg_namespace n
ON n.oid = i.relnamespace WHERE n.nspname = :schema"""
_VIEWS = """
SELECT v.viewname, v.definition, t.remarks FROM pg_views v LEFT JOIN svv_redshift_tables t
ON t.schema_name = v.schemaname AND t.table_name = v.viewname
    AND t.database_name = current_database()
WHERE v.schemaname = :schema ORDER BY v.viewname"""
_MATERIALISED = re.compile(r"mv_tbl__.+__\d+")
"""The tables that hold the rows of materialised views."""
_IDENTITY = re.compile(r"""\W*(?:default_)?identity\W*\(.*'(-?\d+), *(-?\d+)'.*\)""", re.DOTALL)


def schema_named(name: str, known: Sequence[str]) -> str:
    """Return the schema that a name means: that of just this name, else in small letters.

    Examples
    --------
    >>> schema_named("Shop", ["shop"]), schema_named("Shop", ["shop", "Shop"])
    ('shop', 'Shop')
    """
    return name if name in known else name.lower()


class RedshiftCatalogue(OwnCatalogue):
    """The methods of SQLAlchemy's Inspector that reflection calls."""

    NOT_CLONED: ClassVar[Optional[str]] = (
        "SELECT 'views', viewname, NULL FROM pg_views WHERE schemaname = :schema "
        "UNION ALL SELECT 'functions and procedures', proname, NULL FROM pg_proc p "
        "JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = :schema ORDER BY 1, 2"
    )

    def __init__(self, connection: Connection, quote: Callable[..., str]) -> None:
        super().__init__(connection, quote)
        ((self._database, self.default_schema_name),) = self.rows(
            "SELECT current_database(), current_schema()"
        )

    def plain_schema(self, schema: Optional[str]) -> Optional[str]:
        """Return a schema's name as the catalogue has it: names without quotes are small there."""
        return None if schema is None else schema_named(schema, self.get_schema_names())

    def identity(self, schema: Optional[str]) -> tuple[tuple[Any, ...], ...]:
        """Return names and numbers with the namespace of the cluster, which outlives its name."""
        place = self.plain_schema(schema) or self.default_schema_name
        ((namespace,),) = self.rows("SELECT CURRENT_NAMESPACE")
        facts: list[tuple[Any, ...]] = [("redshift", "name", namespace, self._database, place)]
        sql = "SELECT oid FROM pg_namespace WHERE nspname = :schema"
        found = self.rows(sql, schema=place)
        if found:  # a renamed schema keeps its number
            facts.append(("redshift", "oid", namespace, self._database, int(found[0][0])))
        return tuple(facts)

    def get_schema_names(self) -> list[str]:
        """Return the schemas of the connection's database."""
        return [str(name) for (name,) in self.rows(SCHEMAS) if not _OWN.fullmatch(name)]

    def get_table_names(self, schema: str) -> list[str]:
        """Return the tables that hold rows of their own."""
        return [t["table_name"] for t in self.tables(schema)]

    def tables(self, schema: str) -> list[dict[str, Any]]:
        """Return what SVV_REDSHIFT_TABLES has of tables that hold rows of their own."""
        return [
            t
            for t in self.rows_once(_TABLES, schema)
            if t["table_type"] in ("TABLE", "BASE TABLE")
            and not _MATERIALISED.fullmatch(t["table_name"])
        ]

    def columns(self, schema: str) -> list[dict[str, Any]]:
        """Return what SVV_REDSHIFT_COLUMNS has of a schema, in the columns' order."""
        return self.rows_once(_COLUMNS, schema)

    def get_multi_columns(self, schema: str, **_: Any) -> ByTable:
        """Return columns by table; :meth:`amend` adds their types."""

        def told(facts: dict[str, Any]) -> dict[str, Any]:
            default = facts["column_default"] or None
            counted = _IDENTITY.fullmatch(default or "")
            identity = {"start": int(counted[1]), "increment": int(counted[2])} if counted else None
            return {
                "name": facts["column_name"],
                "nullable": str(facts["is_nullable"]).lower() in ("yes", "true"),
                "type": sa.NullType(),
                "default": None if counted else default,
                "identity": identity,
                "comment": facts["remarks"] or None,
            }

        return by_table(schema, ((c["table_name"], told(c)) for c in self.columns(schema)))

    def _keys(self, schema: str, kind: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the keys of a kind by table, with the names of their columns."""
        names = {(r["attrelid"], r["attnum"]): r["attname"] for r in self.rows_once(_NAMES, schema)}
        found = []
        for _, facts in enumerate(self.rows(_KEYS, schema=schema)):
            table, name, sort, numbers, place, parent, parents, of, to = facts
            if sort == kind:
                key: dict[str, Any] = {"name": name}
                key["columns"] = [names[of, n] for n in _numbers(numbers)]
                key["parent"], key["place"] = parent, place
                key["parents"] = [names[to, n] for n in _numbers(parents)]
                found.append((table, key))
        return found

    def get_multi_pk_constraint(self, schema: str, **_: Any) -> dict[tuple[str, str], Any]:
        """Return primary keys by table."""
        return {
            (schema, table): {"name": key["name"], "constrained_columns": key["columns"]}
            for table, key in self._keys(schema, "p")
        }

    def get_multi_unique_constraints(self, schema: str, **_: Any) -> ByTable:
        """Return UNIQUE constraints by table."""
        keys = self._keys(schema, "u")
        told = ((t, {"name": key["name"], "column_names": key["columns"]}) for t, key in keys)
        return by_table(schema, told)

    def get_multi_foreign_keys(self, schema: str, **_: Any) -> ByTable:
        """Return foreign keys by table; none has an action, as none is enforced."""

        def told(key: dict[str, Any]) -> dict[str, Any]:
            return {
                "name": key["name"],
                "constrained_columns": key["columns"],
                "referred_schema": key["place"],
                "referred_table": key["parent"],
                "referred_columns": key["parents"],
            }

        return by_table(schema, ((t, told(key)) for t, key in self._keys(schema, "f")))

    def get_multi_table_comment(self, schema: str, **_: Any) -> dict[tuple[str, str], Any]:
        """Return comments by table."""
        return {
            (schema, t["table_name"]): {"text": t["remarks"] or None} for t in self.tables(schema)
        }

    def amend(self, metadata: Metadata) -> None:
        """Describe the columns' types."""
        for facts in self.columns(str(metadata.schema_name)):
            table = metadata.tables.get(facts["table_name"])
            column = None if table is None else table.columns.get(facts["column_name"])
            if column is not None:
                for field, value in described(facts["data_type"]).items():
                    setattr(column, field, value)

    def objects(
        self, schema: str, tables: Collection[str], beside: Sequence[str]
    ) -> list[SchemaObject]:
        """See the base class: views only."""
        found = self.rows_once(_VIEWS, schema)
        known = {*tables, *(row["viewname"] for row in found)}
        home = (self._database, schema)
        return [
            view(
                row["viewname"], row["definition"], home, known, SPELLING,
                fold=str.lower, comment=row["remarks"],
            )
            for row in found
        ]  # fmt: skip

    def clone(self, metadata: Metadata, schema: str, beside: Sequence[str]) -> Optional[SchemaDdl]:
        """See the base class."""
        spread = {
            row["relname"]: row["releffectivediststyle"] for row in self.rows_once(_SPREAD, schema)
        }
        return ddl.clone(metadata, self.columns(schema), spread)


def _numbers(array: Any) -> list[int]:
    """Return the numbers of columns that a key lists, in whatever form a driver has them."""
    if isinstance(array, str):
        array = re.findall(r"\d+", array)
    return [int(number) for number in array or ()]
