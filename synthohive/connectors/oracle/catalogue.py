"""What the views ALL_… tell of a schema, in the form of SQLAlchemy's Inspector: it folds names."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar, Optional

from sqlalchemy.engine import Connection

from synthohive._logging import get_logger
from synthohive.connectors.dialect import ByTable, Catalogue, by_table
from synthohive.connectors.oracle.spelling import SPELLING, folded
from synthohive.connectors.oracle.types import described, is_wide
from synthohive.connectors.views import view
from synthohive.ddl.portable import portable_ddl
from synthohive.ddl.statements import SchemaDdl, SchemaObject
from synthohive.schema import Column, ColumnKind, Metadata

__all__ = ["LOCK_TABLE", "STAGED", "OracleCatalogue"]

log = get_logger(__name__)
LOCK_TABLE = "_synthohive_lock"
STAGED = re.compile(r"SYNTHOHIVE_[0-9A-F]{8}_.*", re.DOTALL)
_OPTIONS = re.compile(r"START WITH: (-?\d+), INCREMENT BY: (-?\d+)")
_TABLES = """
SELECT t.table_name AS "name" FROM all_tables t WHERE t.owner = :schema AND t.nested = 'NO'
  AND t.secondary = 'N' AND t.temporary = 'N' AND t.iot_name IS NULL AND t.dropped = 'NO'
  AND NOT EXISTS (SELECT 1 FROM all_mviews m WHERE m.owner = t.owner
    AND m.container_name = t.table_name) ORDER BY t.table_name"""
COLUMNS = """
SELECT c.table_name AS "table", c.column_name AS "name", c.nullable AS "nullable",
  c.data_type AS "type", c.data_length AS "size", c.data_precision AS "precision",
  c.data_scale AS "scale", c.char_length AS "chars", c.char_used AS "unit",
  c.virtual_column AS "virtual", i.generation_type AS "counts", i.identity_options AS "options",
  k.comments AS "comment", c.data_default AS "default"
FROM all_tab_cols c
LEFT JOIN all_tab_identity_cols i ON i.owner = c.owner AND i.table_name = c.table_name
  AND i.column_name = c.column_name
LEFT JOIN all_col_comments k ON k.owner = c.owner AND k.table_name = c.table_name
  AND k.column_name = c.column_name
WHERE c.owner = :schema AND c.hidden_column = 'NO' ORDER BY c.table_name, c.column_id"""
CONSTRAINTS = """
SELECT c.table_name AS "table", c.constraint_name AS "name", c.constraint_type AS "kind",
  c.generated AS "generated", k.column_name AS "column", c.search_condition_vc AS "condition",
  c.delete_rule AS "deleted", c.index_name AS "index", p.owner AS "parent_schema",
  p.table_name AS "parent", p.column_name AS "parent_column", n.nullable AS "nullable"
FROM all_constraints c
JOIN all_cons_columns k ON k.owner = c.owner AND k.constraint_name = c.constraint_name
LEFT JOIN all_tab_cols n ON n.owner = c.owner AND n.table_name = c.table_name
  AND n.column_name = k.column_name
LEFT JOIN all_cons_columns p ON p.owner = c.r_owner AND p.constraint_name = c.r_constraint_name
  AND p.position = k.position
WHERE c.owner = :schema AND c.constraint_type IN ('P', 'U', 'R', 'C') AND c.status = 'ENABLED'
ORDER BY c.table_name, c.constraint_name, k.position"""
INDEXES = """
SELECT i.table_name AS "table", i.index_name AS "name", i.uniqueness AS "unique",
  k.column_name AS "column" FROM all_indexes i
JOIN all_ind_columns k ON k.index_owner = i.owner AND k.index_name = i.index_name
WHERE i.table_owner = :schema AND i.index_type = 'NORMAL'
ORDER BY i.table_name, i.index_name, k.column_position"""
COMMENTS = """
SELECT table_name AS "table", comments AS "text" FROM all_tab_comments
WHERE owner = :schema AND table_type = 'TABLE' AND comments IS NOT NULL"""
VIEWS = """
SELECT v.view_name AS "view", c.column_name AS "column", v.text_vc AS "text" FROM all_views v
JOIN all_tab_cols c ON c.owner = v.owner AND c.table_name = v.view_name
WHERE v.owner = :schema AND c.hidden_column = 'NO' ORDER BY v.view_name, c.column_id"""
_NOT_CLONED = """
SELECT 'views', view_name, NULL FROM all_views WHERE owner = :schema
UNION ALL SELECT 'materialised views', mview_name, NULL FROM all_mviews WHERE owner = :schema
UNION ALL SELECT 'triggers', trigger_name, table_name FROM all_triggers WHERE owner = :schema
UNION ALL SELECT 'functions and procedures', object_name, NULL FROM all_objects
  WHERE owner = :schema AND object_type IN ('FUNCTION', 'PROCEDURE', 'PACKAGE')
UNION ALL SELECT 'sequences', sequence_name, NULL FROM all_sequences
  WHERE sequence_owner = :schema AND sequence_name NOT LIKE 'ISEQ$$\\_%' ESCAPE '\\'
UNION ALL SELECT 'synonyms', synonym_name, NULL FROM all_synonyms WHERE owner = :schema
UNION ALL SELECT 'indexes', index_name, table_name FROM all_indexes
  WHERE table_owner = :schema AND index_type NOT IN ('NORMAL', 'LOB', 'IOT - TOP')
UNION ALL SELECT 'partitions', table_name, table_name FROM all_part_tables WHERE owner = :schema
UNION SELECT 'grants', table_name, table_name FROM all_tab_privs WHERE table_schema = :schema
ORDER BY 1, 2"""
_WORDS = 2**63


class OracleCatalogue(Catalogue):
    """The methods of SQLAlchemy's Inspector that reflection calls."""

    NOT_CLONED: ClassVar[Optional[str]] = _NOT_CLONED

    def __init__(self, connection: Connection, quote: Callable[..., str]) -> None:
        super().__init__(connection, quote)
        ((self._server, self.default_schema_name),) = self.rows(
            "SELECT SYS_CONTEXT('USERENV', 'DB_UNIQUE_NAME') || '/' || "
            "SYS_CONTEXT('USERENV', 'CON_NAME'), SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') FROM DUAL"
        )

    def plain_schema(self, schema: Optional[str]) -> Optional[str]:
        """Return a schema's name as the catalogue has it: ``shop`` is ``SHOP`` there."""
        known = schema is None or schema in self.get_schema_names()
        return schema if known or schema is None else folded(schema)

    def identity(self, schema: Optional[str]) -> tuple[tuple[Any, ...], ...]:
        """See the base class."""
        place = self.plain_schema(schema) or self.default_schema_name
        return (("oracle", self._server, place),)

    def get_schema_names(self) -> list[str]:
        """Return the users that are not Oracle's own."""
        rows = self.rows(
            "SELECT username FROM all_users WHERE oracle_maintained = 'N' ORDER BY username"
        )
        return [str(row[0]) for row in rows]

    def get_table_names(self, schema: str) -> list[str]:
        """Return the tables that hold rows of their own."""
        return [str(row["name"]) for row in self.rows_once(_TABLES, schema)]

    def hidden(self, schema: str) -> set[str]:
        """Return the tables of runs of ours that go on, or have crashed."""
        names = self.get_table_names(schema)
        return {LOCK_TABLE, *(name for name in names if STAGED.fullmatch(name))}

    def get_multi_columns(self, schema: str, **_: Any) -> ByTable:
        """Return columns by table, with what their types mean."""

        def told(facts: dict[str, Any]) -> dict[str, Any]:
            default = str(facts["default"] or "").strip() or None
            counted = _OPTIONS.search(facts["options"] or "")
            virtual = facts["virtual"] == "YES"
            if default and not counted and ".nextval" in default.lower():  # the source's sequence
                log.warning("counter_left_out", table=facts["table"], column=facts["name"])
                default = None
            return {
                "name": facts["name"],
                "facts": described(facts),
                "nullable": facts["nullable"] == "Y",
                "default": None if counted or virtual else default,
                "identity": {
                    "start": int(counted[1]),
                    "increment": int(counted[2]),
                    "always": facts["counts"] == "ALWAYS",
                }
                if counted
                else None,
                "computed": {"sqltext": default} if virtual else None,
                "comment": facts["comment"],
            }

        return by_table(schema, ((c["table"], told(c)) for c in self.rows_once(COLUMNS, schema)))

    def _constraints(self, schema: str, kind: str) -> list[tuple[str, list[dict[str, Any]]]]:
        """Return each constraint of a kind: its table, and the rows of its columns."""
        found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in self.rows_once(CONSTRAINTS, schema):
            if row["kind"] == kind:
                found.setdefault((row["table"], row["name"]), []).append(row)
        return [(table, rows) for (table, _), rows in found.items()]

    def get_multi_pk_constraint(self, schema: str, **_: Any) -> dict[tuple[str, str], Any]:
        """Return primary keys by table."""
        return {
            (schema, table): {
                "name": rows[0]["name"],
                "constrained_columns": [row["column"] for row in rows],
            }
            for table, rows in self._constraints(schema, "P")
        }

    def get_multi_unique_constraints(self, schema: str, **_: Any) -> ByTable:
        """Return UNIQUE constraints; NULL in some columns of several is a value like others."""

        def told(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
            equal = len(rows) > 1 and any(row["nullable"] == "Y" for row in rows)
            return {
                "name": _given(rows[0]),
                "column_names": [row["column"] for row in rows],
                "dialect_options": {"postgresql_nulls_not_distinct": equal},
            }

        found = self._constraints(schema, "U")
        return by_table(schema, ((table, told(rows)) for table, rows in found))

    def get_multi_check_constraints(self, schema: str, **_: Any) -> ByTable:
        """Return CHECKs; those that say NOT NULL are among them."""
        found = self._constraints(schema, "C")
        told = ((t, {"name": _given(r[0]), "sqltext": r[0]["condition"]}) for t, r in found)
        return by_table(schema, told)

    def get_multi_foreign_keys(self, schema: str, **_: Any) -> ByTable:
        """Return foreign keys by table; they do nothing where a parent's key changes."""

        def told(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
            first = rows[0]
            acts = first["deleted"] not in (None, "NO ACTION")
            return {
                "name": _given(first),
                "constrained_columns": [row["column"] for row in rows],
                "referred_schema": first["parent_schema"],
                "referred_table": first["parent"],
                "referred_columns": [row["parent_column"] for row in rows],
                "options": {"ondelete": first["deleted"]} if acts else {},
            }

        found = self._constraints(schema, "R")
        return by_table(schema, ((table, told(rows)) for table, rows in found))

    def get_multi_indexes(self, schema: str, **_: Any) -> ByTable:
        """Return the plain indexes that back no constraint."""
        backing = {row["index"] for row in self.rows_once(CONSTRAINTS, schema)}
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for row in self.rows_once(INDEXES, schema):
            if row["name"] not in backing:
                unique = row["unique"] == "UNIQUE"
                fresh = {"name": row["name"], "column_names": [], "unique": unique}
                index = found.setdefault((row["table"], row["name"]), fresh)
                index["column_names"].append(row["column"])
        return by_table(schema, ((table, index) for (table, _), index in found.items()))

    def get_multi_table_comment(self, schema: str, **_: Any) -> dict[tuple[str, str], Any]:
        """Return comments by table."""
        found = self.rows_once(COMMENTS, schema)
        return {(schema, row["table"]): {"text": row["text"]} for row in found}

    def amend(self, metadata: Metadata) -> None:
        """Look at the numbers whose types say little of them."""
        schema = str(metadata.schema_name)
        wide: dict[str, list[Column]] = {}
        for facts in self.rows_once(COLUMNS, schema):
            table = metadata.tables.get(facts["table"])
            if table is not None and is_wide(facts):
                wide.setdefault(facts["table"], []).append(table.columns[facts["name"]])
        for name, columns in wide.items():
            self._measure(self.quote(schema, name), columns)

    def _measure(self, place: str, columns: Sequence[Column]) -> None:
        """Tell whole numbers of 64 bits from others."""
        names = [self.quote(column.name) for column in columns]
        asked = ", ".join(
            f"MIN({n}), MAX({n}), MAX(CASE WHEN {n} <> TRUNC({n}) THEN 1 ELSE 0 END)" for n in names
        )
        found = list(self.plain(f"SELECT {asked} FROM {place}").one())
        for column, low, high, parted in zip(columns, found[::3], found[1::3], found[2::3]):
            if low is not None and (parted or not -_WORDS <= int(low) <= int(high) < _WORDS):
                column.kind, column.arrow = ColumnKind.DECIMAL, None
                column.precision, column.scale = 38, 10 if parted else 0

    def clone(self, metadata: Metadata, schema: str, beside: Sequence[str]) -> Optional[SchemaDdl]:
        """See the base class; the catalogue's own texts are what the description has."""
        columns = self.get_multi_columns(schema)
        for name, table in metadata.tables.items():
            if {c["name"] for c in columns.get((schema, name), [])} != set(table.columns):
                return None
        dialect = self.connection.dialect
        return portable_ddl(metadata, dialect, SPELLING, all_keys=False, trusted=True)

    def objects(
        self, schema: str, tables: Collection[str], beside: Sequence[str]
    ) -> list[SchemaObject]:
        """See the base class: views only."""
        found: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows_once(VIEWS, schema):
            found.setdefault(str(row["view"]), []).append(row)
        known, home = {*tables, *found}, ("", schema)
        return [
            view(
                name,
                f"CREATE VIEW {SPELLING.quote(name)} ({_listed(rows)}) AS {rows[0]['text']}",
                home,
                known,
                SPELLING,
                fold=str.upper,
            )
            for name, rows in found.items()
        ]


def _given(row: dict[str, Any]) -> Optional[str]:
    """Return a constraint's name; none of those that Oracle made up."""
    return None if row["generated"] == "GENERATED NAME" else str(row["name"])


def _listed(rows: Sequence[dict[str, Any]]) -> str:
    return ", ".join(SPELLING.quote(row["column"]) for row in rows)
