"""What SQLAlchemy's Inspector does not tell of a MySQL or MariaDB database."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any, ClassVar, Optional

from synthohive.connectors.dialect import ByTable, Catalogue, OddIndex, by_table
from synthohive.connectors.mysql import ddl
from synthohive.connectors.mysql.spelling import quote
from synthohive.ddl.statements import SchemaObject
from synthohive.exceptions import SchemaError
from synthohive.schema import CheckConstraint, Column, ColumnKind, Metadata

__all__ = ["MysqlCatalogue"]

_ME = "CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')"
_NOT_CLONED = """
SELECT 'views', table_name, NULL FROM information_schema.views WHERE table_schema = :schema
UNION ALL SELECT 'triggers', trigger_name, event_object_table FROM information_schema.triggers
    WHERE event_object_schema = :schema
UNION ALL SELECT 'functions and procedures', routine_name, NULL FROM information_schema.routines
    WHERE routine_schema = :schema
UNION ALL SELECT 'events', event_name, NULL FROM information_schema.events
    WHERE event_schema = :schema
UNION ALL SELECT 'sequences', table_name, NULL FROM information_schema.tables
    WHERE table_schema = :schema AND table_type = 'SEQUENCE'
UNION SELECT 'grants', table_name, table_name FROM information_schema.table_privileges
    WHERE table_schema = :schema AND grantee <> {me}
UNION SELECT 'grants', table_name, table_name FROM information_schema.column_privileges
    WHERE table_schema = :schema AND grantee <> {me}
UNION SELECT 'grants', CONCAT('schema ', table_schema), NULL
    FROM information_schema.schema_privileges WHERE table_schema = :schema AND grantee <> {me}
ORDER BY 1, 2""".replace("{me}", _ME)
_VIEWS = """
SELECT table_name, view_definition, security_type, check_option FROM information_schema.views
WHERE table_schema = :schema ORDER BY table_name"""
_TRIGGERS = """
SELECT trigger_name, event_object_table FROM information_schema.triggers
WHERE trigger_schema = :schema ORDER BY trigger_name"""
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

_PARTITIONS = """
SELECT table_name, partition_method, partition_expression, partition_description
FROM information_schema.partitions
WHERE table_schema = :schema AND partition_name IS NOT NULL
ORDER BY table_name, partition_ordinal_position"""
# Whose indexes are to be looked at, so that the others cost no round trip each.
_ODD = """
SELECT DISTINCT table_name FROM information_schema.statistics
WHERE table_schema = :schema
  AND (sub_part IS NOT NULL OR column_name IS NULL OR collation = 'D' OR index_type <> 'BTREE')"""
_FOREIGN_KEYS = """
SELECT k.table_name, k.constraint_name, k.column_name, k.referenced_table_schema,
       k.referenced_table_name, k.referenced_column_name, r.delete_rule, r.update_rule
FROM information_schema.key_column_usage k
JOIN information_schema.referential_constraints r
  ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name
 AND r.table_name = k.table_name
WHERE k.table_schema = :schema AND k.referenced_table_name IS NOT NULL
ORDER BY k.table_name, k.constraint_name, k.ordinal_position"""
_UNSAID = ("NO ACTION", "RESTRICT")
"""What a key does where nothing is said, under its two names."""


class MysqlCatalogue(Catalogue):
    """SQLAlchemy's Inspector, with names as they are.

    The Inspector reads the text of SHOW CREATE TABLE: it leaves backticks doubled, and overlooks
    keys with odd names in silence.
    """

    NOT_CLONED: ClassVar[Optional[str]] = _NOT_CLONED
    clone = ddl.clone

    def identity(self, schema: Optional[str]) -> tuple[tuple[Any, ...], ...]:
        """Return the name with what the server says of itself; MariaDB has no number."""
        number = self.rows("SHOW VARIABLES LIKE 'server_uuid'")
        (row,) = self.rows(
            "SELECT @@hostname, @@port, @@datadir, @@lower_case_table_names, DATABASE()"
        )
        name = str(schema or row[4] or "")
        server = [number[0][1]] if number else list(row[:3])
        return (("mysql", *server, name.lower() if row[3] else name),)

    def get_multi_columns(self, **options: Any) -> Any:
        """Return the columns by table.

        Raises
        ------
        SchemaError
            Not all could be read: a name holds a line break.
        """
        found = _plain(self._inspector.get_multi_columns(**options))
        query = "SELECT table_name, column_name FROM information_schema.columns"
        where = f"{query} WHERE table_schema = :schema"
        for table, column in self.rows(where, schema=options["schema"]):
            columns = found.get((options["schema"], table))
            if columns is not None and column not in {c["name"] for c in columns}:
                raise SchemaError(
                    f"Column {column!r} of table {table!r} cannot be read from the catalogue.",
                    hint="Rename it, or leave the table out with exclude=[…].",
                )
        return found

    def get_multi_pk_constraint(self, **options: Any) -> Any:
        """Return the primary keys by table."""
        return _plain(self._inspector.get_multi_pk_constraint(**options))

    def get_multi_unique_constraints(self, **options: Any) -> Any:
        """Return the unique constraints by table."""
        return _plain(self._inspector.get_multi_unique_constraints(**options))

    def get_multi_indexes(self, **options: Any) -> Any:
        """Return the indexes by table."""
        return _plain(self._inspector.get_multi_indexes(**options))

    def get_multi_check_constraints(self, **options: Any) -> Any:
        """Return the CHECKs by table; their text keeps its backticks."""
        found = self._inspector.get_multi_check_constraints(**options)
        return {
            at: [{**check, "name": _plain(check["name"])} for check in checks]
            for at, checks in found.items()
        }

    def get_multi_foreign_keys(self, schema: str, **_: Any) -> ByTable:
        """Return the foreign keys by table, from ``information_schema``."""
        keys: dict[tuple[str, str], dict[str, Any]] = {}
        for row in self.rows(_FOREIGN_KEYS, schema=schema):
            table, name, column, parent_schema, parent, parent_column, delete, update = row
            key = keys.setdefault(
                (table, name),
                {
                    "name": name,
                    "constrained_columns": [],
                    "referred_schema": parent_schema,
                    "referred_table": parent,
                    "referred_columns": [],
                    "options": {
                        when: rule
                        for when, rule in (("ondelete", delete), ("onupdate", update))
                        if rule not in _UNSAID
                    },
                },
            )
            key["constrained_columns"].append(column)
            key["referred_columns"].append(parent_column)
        return by_table(schema, ((table, key) for (table, _), key in keys.items()))

    def odd_indexes(self, schema: str, tables: Sequence[str]) -> dict[tuple[str, str], OddIndex]:
        """Return prefix, functional, descending, full-text and spatial indexes."""
        found = {}
        having = {row[0] for row in self.rows(_ODD, schema=schema)}
        for table in (t for t in tables if t in having):
            made = str(self.plain(f"SHOW CREATE TABLE {self.quote(schema, table)}").one()[1])
            for match in _KEY.finditer(made):
                kind, parts = match[1].strip(), match[3]
                if kind in ("", "UNIQUE") and _PLAIN.fullmatch(parts):
                    continue
                exact = kind in ("", "UNIQUE") and _WHOLE.fullmatch(parts) is not None
                definition = match[0].strip().rstrip(",")
                name = match[2].replace("``", "`")
                found[table, name] = OddIndex(definition, kind == "UNIQUE", exact)
        return found

    def amend(self, metadata: Metadata) -> None:
        """Name unknown types, correct ENUMs, and read MariaDB's checks of single columns.

        One of those checks is what makes MariaDB's JSON type.
        """
        described = [c for t in metadata.tables.values() for c in t.columns.values()]
        for each in described:
            _unescape(each)
        if any(c.kind is ColumnKind.UNSUPPORTED for c in described):
            for owner, name, type_name in self.rows(_TYPES, schema=metadata.schema_name):
                table = metadata.tables.get(owner)
                column = None if table is None else table.columns.get(name)
                if column is not None and column.sql_type is None:
                    column.sql_type = type_name
                    if str(type_name).lower() == "point":
                        column.kind = ColumnKind.POINT
        _partition_checks(self.rows(_PARTITIONS, schema=metadata.schema_name), metadata)
        if metadata.dialect == "mariadb":
            _column_checks(self.rows(_CHECKS, schema=metadata.schema_name), metadata)

    def objects(
        self, schema: str, tables: Collection[str], beside: Sequence[str]
    ) -> list[SchemaObject]:
        """See the base class; each by their names, and those in a view's query written out."""
        found = []
        for name, definition, security, check in self.rows(_VIEWS, schema=schema):
            option = "" if check == "NONE" else f" WITH {check} CHECK OPTION"
            where = f"{quote(schema)}.{quote(name)}"
            sql = f"SQL SECURITY {security} VIEW {where} AS {definition}{option}"
            why = "" if definition else "this user may not read its definition (SHOW VIEW)"
            found.append(SchemaObject("views", name, sql, refused=why))
        why = "MySQL does not move tables with triggers: the copy could never be replaced"
        return found + [
            SchemaObject("triggers", name, table=table, refused=why)
            for name, table in self.rows(_TRIGGERS, schema=schema)
            if table in tables
        ]


def _plain(reflected: Any) -> Any:
    """Return what the Inspector gave with single backticks in all names."""
    if isinstance(reflected, str):
        return reflected.replace("``", "`")
    if isinstance(reflected, list):
        return [_plain(item) for item in reflected]
    if isinstance(reflected, dict):
        kept = ("sqltext", "default", "comment", "text")
        return {k: v if k in kept else _plain(v) for k, v in reflected.items()}
    return reflected


def _partition_checks(rows: Sequence[Any], metadata: Metadata) -> None:
    """Tell which rows a partitioned table takes: a CHECK, where that is not all."""
    parts: dict[str, list[Any]] = {}
    for row in rows:
        parts.setdefault(row[0], []).append(row)
    for name in parts.keys() & metadata.tables.keys():
        method, expression = parts[name][0][1:3]
        bounds = list(dict.fromkeys(str(row[3]) for row in parts[name]))
        if "," in expression.replace("`,`", "`") and "COLUMNS" in method:  # of several columns
            continue
        if method.startswith("RANGE") and "MAXVALUE" not in bounds[-1]:
            sql = f"{expression} IS NULL OR {expression} < {bounds[-1]}"
        elif method.startswith("LIST") and "DEFAULT" not in bounds:
            sql = f"{expression} IN ({', '.join(bounds)})"
        else:
            continue
        metadata.tables[name].checks.append(CheckConstraint(sqltext=sql))


def _unescape(column: Column) -> None:
    """Read the doubled backslashes of ENUM and SET, which SQLAlchemy takes for two."""
    if column.sql_type and column.sql_type.upper().startswith(("ENUM", "SET")):
        column.sql_type = column.sql_type.replace("\\\\", "\\")
        if column.enum_values is not None:
            column.enum_values = [v.replace("\\\\", "\\") for v in column.enum_values]


def _column_checks(rows: Sequence[Any], metadata: Metadata) -> None:
    for owner, clause, level in rows:
        table = metadata.tables.get(owner)
        if table is None:
            continue
        valid = re.fullmatch(rf"\(*json_valid\({_NAME}\)\)*", clause, re.IGNORECASE)
        column = None if valid is None else table.columns.get(valid[1].replace("``", "`"))
        if column is not None:
            column.kind, column.length, column.sql_type = ColumnKind.JSON, None, "JSON"
        elif level.lower() == "column":
            table.checks.append(CheckConstraint(sqltext=clause))
