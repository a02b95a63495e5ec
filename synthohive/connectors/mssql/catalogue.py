"""What the views of the schema ``sys`` tell, in the form of SQLAlchemy's Inspector.

The Inspector asks about each table alone, and knows neither CHECKs nor the conditions of indexes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar, Optional

from sqlalchemy.engine import Connection

from synthohive._logging import get_logger
from synthohive.connectors.dialect import ByTable, Catalogue, OddIndex, by_table
from synthohive.connectors.mssql.spelling import SPELLING
from synthohive.connectors.mssql.types import described
from synthohive.connectors.views import view
from synthohive.ddl.portable import portable_ddl
from synthohive.ddl.spelling import quote
from synthohive.ddl.statements import SchemaDdl, SchemaObject
from synthohive.exceptions import SchemaError
from synthohive.schema import Metadata

__all__ = ["MssqlCatalogue"]

log = get_logger(__name__)
_OF = "JOIN sys.objects t ON t.object_id = {0} WHERE t.schema_id = SCHEMA_ID(:schema)"
_TABLES = """
SELECT t.name FROM sys.tables t WHERE t.schema_id = SCHEMA_ID(:schema) AND t.is_ms_shipped = 0
  AND t.temporal_type <> 1 ORDER BY t.name"""
COLUMNS = """
SELECT t.name AS "table", c.name, c.is_nullable AS nullable, b.name AS type,
  CAST(c.max_length AS INT) AS size, CAST(c.precision AS INT) AS precision,
  CAST(c.scale AS INT) AS scale,
  NULLIF(c.collation_name, CAST(DATABASEPROPERTYEX(DB_NAME(), 'Collation') AS SYSNAME))
    AS collation,
  d.definition AS "default", k.definition AS computed, k.is_persisted AS persisted,
  CAST(i.seed_value AS BIGINT) AS start, CAST(i.increment_value AS BIGINT) AS increment,
  CAST(p.value AS NVARCHAR(4000)) AS comment
FROM sys.columns c
LEFT JOIN sys.types b ON b.user_type_id =
  CASE WHEN c.user_type_id > 256 AND c.system_type_id <> 240 THEN c.system_type_id
  ELSE c.user_type_id END
LEFT JOIN sys.default_constraints d ON d.object_id = c.default_object_id
LEFT JOIN sys.computed_columns k ON k.object_id = c.object_id AND k.column_id = c.column_id
LEFT JOIN sys.identity_columns i ON i.object_id = c.object_id AND i.column_id = c.column_id
LEFT JOIN sys.extended_properties p ON p.class = 1 AND p.major_id = c.object_id
  AND p.minor_id = c.column_id AND p.name = 'MS_Description'
JOIN sys.tables t ON t.object_id = c.object_id
WHERE t.schema_id = SCHEMA_ID(:schema) ORDER BY t.name, c.column_id"""
INDEXES = """
SELECT t.name AS "table", i.name, c.name AS "column", CAST(i.is_primary_key AS INT) AS is_primary,
  CAST(i.is_unique_constraint AS INT) AS is_constraint, CAST(i.is_unique AS INT) AS is_unique,
  CAST(k.is_descending_key AS INT) AS is_descending,
  CAST(k.is_included_column AS INT) AS is_included,
  CAST(c.is_nullable AS INT) AS is_nullable, i.filter_definition AS condition
FROM sys.indexes i
JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id
JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id
JOIN sys.tables t ON t.object_id = i.object_id
WHERE t.schema_id = SCHEMA_ID(:schema) AND i.type IN (1, 2) AND i.is_hypothetical = 0
  AND i.is_disabled = 0 AND (k.key_ordinal > 0 OR k.is_included_column = 1)
ORDER BY t.name, i.name, k.is_included_column, k.key_ordinal, k.index_column_id"""
FOREIGN_KEYS = """
SELECT t.name AS "table", f.name, c.name AS "column", s.name AS parent_schema, p.name AS parent,
  r.name AS parent_column, f.delete_referential_action_desc AS deleted,
  f.update_referential_action_desc AS updated
FROM sys.foreign_keys f
JOIN sys.foreign_key_columns k ON k.constraint_object_id = f.object_id
JOIN sys.columns c ON c.object_id = k.parent_object_id AND c.column_id = k.parent_column_id
JOIN sys.columns r ON r.object_id = k.referenced_object_id AND r.column_id = k.referenced_column_id
JOIN sys.tables p ON p.object_id = f.referenced_object_id
JOIN sys.schemas s ON s.schema_id = p.schema_id
JOIN sys.tables t ON t.object_id = f.parent_object_id
WHERE t.schema_id = SCHEMA_ID(:schema) ORDER BY t.name, f.name, k.constraint_column_id"""
CHECKS = f"""
SELECT t.name AS "table", c.name, c.definition FROM sys.check_constraints c
{_OF.format("c.parent_object_id")} AND c.is_disabled = 0 ORDER BY t.name, c.name"""
COMMENTS = f"""
SELECT t.name AS "table", CAST(p.value AS NVARCHAR(4000)) AS text FROM sys.extended_properties p
{_OF.format("p.major_id")} AND p.class = 1 AND p.minor_id = 0 AND p.name = 'MS_Description'"""
VIEWS = """
SELECT v.name, m.definition FROM sys.views v LEFT JOIN sys.sql_modules m
ON m.object_id = v.object_id WHERE v.schema_id = SCHEMA_ID(:schema) ORDER BY v.name"""
_NOT_CLONED = f"""
SELECT 'views', v.name, NULL FROM sys.views v WHERE v.schema_id = SCHEMA_ID(:schema)
UNION ALL SELECT 'triggers', r.name, t.name FROM sys.triggers r {_OF.format("r.parent_id")}
UNION ALL SELECT 'functions and procedures', o.name, NULL FROM sys.objects o
  WHERE o.schema_id = SCHEMA_ID(:schema)
  AND o.type IN ('AF', 'FN', 'FS', 'FT', 'IF', 'TF', 'P', 'PC')
UNION ALL SELECT 'sequences', o.name, NULL FROM sys.objects o
  WHERE o.schema_id = SCHEMA_ID(:schema) AND o.type = 'SO'
UNION ALL SELECT 'synonyms', o.name, NULL FROM sys.objects o
  WHERE o.schema_id = SCHEMA_ID(:schema) AND o.type = 'SN'
UNION ALL SELECT 'indexes', t.name + '.' + i.name, t.name FROM sys.indexes i
  {_OF.format("i.object_id")} AND t.type = 'U' AND i.type NOT IN (0, 1, 2)
UNION ALL SELECT 'system versioning', t.name, t.name FROM sys.tables t
  WHERE t.schema_id = SCHEMA_ID(:schema) AND t.temporal_type = 2
UNION SELECT 'grants', t.name, t.name FROM sys.database_permissions g
  {_OF.format("g.major_id")} AND g.class = 1
ORDER BY 1, 2"""


class MssqlCatalogue(Catalogue):
    """The methods of SQLAlchemy's Inspector that reflection calls."""

    NOT_CLONED: ClassVar[Optional[str]] = _NOT_CLONED

    def __init__(self, connection: Connection, quote: Callable[..., str]) -> None:
        super().__init__(connection, quote)
        ((self._server, self._database, self.default_schema_name),) = self.rows(
            "SELECT CAST(SERVERPROPERTY('ServerName') AS SYSNAME), DB_NAME(), SCHEMA_NAME()"
        )

    def identity(self, schema: Optional[str]) -> tuple[tuple[Any, ...], ...]:
        """See the base class; names are compared by the database's collation."""
        place = str(schema or self.default_schema_name).lower()
        return (("mssql", self._server, str(self._database).lower(), place),)

    def get_schema_names(self) -> list[str]:
        """Return the schemas of the database but the server's own."""
        own = "name NOT IN ('sys', 'INFORMATION_SCHEMA', 'guest') AND name NOT LIKE 'db[_]%'"
        return [str(row[0]) for row in self.rows(f"SELECT name FROM sys.schemas WHERE {own}")]

    def get_table_names(self, schema: str) -> list[str]:
        """Return the tables, without those that keep the history of others."""
        return [str(row["name"]) for row in self.rows_once(_TABLES, schema)]

    def get_multi_columns(self, schema: str, **_: Any) -> ByTable:
        """Return columns by table, with what their types mean.

        Raises
        ------
        SchemaError
            The user may not see what a column is computed by.
        """

        def told(facts: dict[str, Any]) -> dict[str, Any]:
            default = facts["default"]
            if facts["persisted"] is not None and facts["computed"] is None:
                raise SchemaError(
                    f"What {facts['table']}.{facts['name']} is computed by is not shown.",
                    hint=f"GRANT VIEW DEFINITION ON SCHEMA::{SPELLING.quote(schema)}.",
                )
            if default and "next value for" in default.lower():  # the sequence is the source's
                log.warning("counter_left_out", table=facts["table"], column=facts["name"])
                default = None
            counted = facts["start"] is not None
            return {
                "name": facts["name"],
                "facts": described(facts),
                # Nobody has to bring the version of a row, NOT NULL as it is.
                "nullable": bool(facts["nullable"]) or facts["type"] == "timestamp",
                "default": default,
                "identity": {"start": facts["start"], "increment": facts["increment"]}
                if counted
                else None,
                "computed": {"sqltext": facts["computed"]} if facts["computed"] else None,
                "comment": facts["comment"],
            }

        return by_table(schema, ((c["table"], told(c)) for c in self.rows_once(COLUMNS, schema)))

    def _indexes(self, schema: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
        """Return the columns of each index, by table and name."""
        found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in self.rows_once(INDEXES, schema):
            found.setdefault((row["table"], row["name"]), []).append(row)
        return found

    def get_multi_pk_constraint(self, schema: str, **_: Any) -> dict[tuple[str, str], Any]:
        """Return primary keys by table."""
        return {
            (schema, table): {"name": name, "constrained_columns": [r["column"] for r in rows]}
            for (table, name), rows in self._indexes(schema).items()
            if rows[0]["is_primary"]
        }

    def get_multi_unique_constraints(self, schema: str, **_: Any) -> ByTable:
        """Return what is unique among all rows, where NULL is a value like others."""

        def told(name: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
            keys = [row for row in rows if not row["is_included"]]
            equal = any(row["is_nullable"] for row in keys)
            return {
                "name": name,
                "column_names": [row["column"] for row in keys],
                "dialect_options": {"postgresql_nulls_not_distinct": equal},
            }

        found = self._indexes(schema).items()
        return by_table(schema, ((t, told(n, rows)) for (t, n), rows in found if _is_unique(rows)))

    def get_multi_indexes(self, schema: str, **_: Any) -> ByTable:
        """Return all other indexes."""

        def told(name: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
            keys = [row["column"] for row in rows if not row["is_included"]]
            return {"name": name, "column_names": keys, "unique": bool(rows[0]["is_unique"])}

        found = self._indexes(schema).items()
        return by_table(
            schema,
            (
                (table, told(name, rows))
                for (table, name), rows in found
                if not (rows[0]["is_primary"] or _is_unique(rows))
            ),
        )

    def odd_indexes(self, schema: str, tables: Sequence[str]) -> dict[tuple[str, str], OddIndex]:
        """Return indexes of some rows, descending ones, and those that store more columns."""
        found = {}
        for (table, name), rows in self._indexes(schema).items():
            odd = rows[0]["condition"] or any(r["is_descending"] or r["is_included"] for r in rows)
            if odd and table in tables and not (rows[0]["is_primary"] or _is_unique(rows)):
                unique = bool(rows[0]["is_unique"])
                exact = not rows[0]["condition"]
                found[table, name] = OddIndex(_definition(name, table, rows), unique, exact)
        return found

    def get_multi_foreign_keys(self, schema: str, **_: Any) -> ByTable:
        """Return foreign keys by table."""
        keys: dict[tuple[str, str], dict[str, Any]] = {}
        for row in self.rows_once(FOREIGN_KEYS, schema):
            actions = (("ondelete", row["deleted"]), ("onupdate", row["updated"]))
            key = keys.setdefault(
                (row["table"], row["name"]),
                {
                    "name": row["name"],
                    "constrained_columns": [],
                    "referred_schema": row["parent_schema"],
                    "referred_table": row["parent"],
                    "referred_columns": [],
                    "options": {w: a.replace("_", " ") for w, a in actions if a != "NO_ACTION"},
                },
            )
            key["constrained_columns"].append(row["column"])
            key["referred_columns"].append(row["parent_column"])
        return by_table(schema, ((table, key) for (table, _), key in keys.items()))

    def get_multi_check_constraints(self, schema: str, **_: Any) -> ByTable:
        """Return the CHECKs that are not disabled."""
        found = self.rows_once(CHECKS, schema)
        told = ((c["table"], {"name": c["name"], "sqltext": c["definition"]}) for c in found)
        return by_table(schema, told)

    def get_multi_table_comment(self, schema: str, **_: Any) -> dict[tuple[str, str], Any]:
        """Return comments by table."""
        found = self.rows_once(COMMENTS, schema)
        return {(schema, row["table"]): {"text": row["text"]} for row in found}

    def clone(self, metadata: Metadata, schema: str, beside: Sequence[str]) -> Optional[SchemaDdl]:
        """See the base class; the catalogue's own texts are what the description has."""
        found = {table: {c["name"] for c in cs} for (_, table), cs in self._columns_of(schema)}
        if any(found.get(n) != set(t.columns) for n, t in metadata.tables.items()):
            return None
        dialect = self.connection.dialect
        return portable_ddl(metadata, dialect, SPELLING, all_keys=False, trusted=True)

    def _columns_of(self, schema: str) -> Collection[Any]:
        return self.get_multi_columns(schema).items()

    def objects(
        self, schema: str, tables: Collection[str], beside: Sequence[str]
    ) -> list[SchemaObject]:
        """See the base class: views only."""
        found = self.rows_once(VIEWS, schema)
        known = {*tables, *(str(row["name"]) for row in found)}
        home = (str(self._database), schema)
        return [
            view(str(row["name"]), str(row["definition"] or ""), home, known, SPELLING, fold=str)
            for row in found
        ]


def _is_unique(rows: Sequence[dict[str, Any]]) -> bool:
    """Whether an index makes its columns unique among all rows, NULL being a value of them.

    An index does so like a constraint, and a copy has a constraint for it.
    """
    first = rows[0]
    nullable = any(row["is_nullable"] for row in rows if not row["is_included"])
    of_all = first["is_unique"] and not first["condition"] and nullable
    return not first["is_primary"] and bool(first["is_constraint"] or of_all)


def _definition(name: str, table: str, rows: Sequence[dict[str, Any]]) -> str:
    """Return the CREATE INDEX, with names in quotes that all of SynthoHive reads."""
    keys = [
        quote(row["column"]) + (" DESC" if row["is_descending"] else "")
        for row in rows
        if not row["is_included"]
    ]
    more = [quote(row["column"]) for row in rows if row["is_included"]]
    unique = "UNIQUE " if rows[0]["is_unique"] else ""
    sql = f"CREATE {unique}INDEX {quote(name)} ON {quote(table)} ({', '.join(keys)})"
    sql += f" INCLUDE ({', '.join(more)})" if more else ""
    condition = rows[0]["condition"]
    return f"{sql} WHERE {condition}" if condition else sql
