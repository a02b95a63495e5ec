"""What SQLAlchemy's Inspector does not tell of a PostgreSQL schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Optional

from sqlalchemy import text
from sqlalchemy.engine import Connection

from synthohive.connectors.dialect import Catalogue, OddIndex
from synthohive.connectors.postgresql.partitions import Partitions
from synthohive.schema import (
    CheckConstraint,
    Column,
    ColumnKind,
    Exclusion,
    Metadata,
    TableConfig,
)

__all__ = ["PostgresqlCatalogue", "identity"]

MAX_DIGITS = 76  # of an Arrow decimal256
_EXACT_DIGITS = 15  # that any double keeps
# A migration holds its tables for as long as it likes; reading then fails instead of hanging.
LOCK_TIMEOUT = """
SELECT set_config('lock_timeout', CASE setting WHEN '0' THEN '30s' ELSE setting || 'ms' END, true)
FROM pg_settings WHERE name = 'lock_timeout'"""

_PARTITIONS = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = :schema AND c.relispartition"""

_INDEXES = """
SELECT c.relname AS table_name, x.relname AS name, pg_get_indexdef(i.indexrelid) AS definition,
    i.indisunique AS is_unique, i.indexprs IS NULL AND i.indpred IS NULL AS exact
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am a ON a.oid = x.relam
WHERE n.nspname = :schema AND (
    i.indexprs IS NOT NULL OR i.indpred IS NOT NULL OR a.amname <> 'btree'
    OR i.indnkeyatts < i.indnatts OR to_jsonb(i) ->> 'indnullsnotdistinct' = 'true'
    OR EXISTS (SELECT 1 FROM unnest(i.indoption) o WHERE o <> 0)
    OR EXISTS (SELECT 1 FROM unnest(i.indclass) k JOIN pg_opclass p ON p.oid = k
        WHERE NOT p.opcdefault))"""

_FOREIGN_KEYS = """
SELECT c.relname, o.conname, pn.nspname, p.relname AS parent, o.confdeltype, o.confupdtype,
    ARRAY(SELECT a.attname::text FROM unnest(o.conkey) WITH ORDINALITY k(n, i)
        JOIN pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = k.n ORDER BY k.i) AS columns,
    ARRAY(SELECT a.attname::text FROM unnest(o.confkey) WITH ORDINALITY k(n, i)
        JOIN pg_attribute a ON a.attrelid = o.confrelid AND a.attnum = k.n
        ORDER BY k.i) AS parent_columns
FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_class p ON p.oid = o.confrelid
JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE n.nspname = :schema AND o.contype = 'f' AND o.conparentid = 0
ORDER BY c.relname, o.conname"""
_ACTIONS = {"r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}

_TYPES = """
WITH RECURSIVE base (domain, oid, mod) AS (
    SELECT oid, typbasetype, typtypmod FROM pg_type WHERE typtype = 'd'
    UNION ALL SELECT b.domain, t.typbasetype, t.typtypmod FROM base b
    JOIN pg_type t ON t.oid = b.oid AND t.typtype = 'd')
SELECT c.relname, a.attname, format_type(t.oid, coalesce(b.mod, a.atttypmod)), t.typtype,
    coalesce(e.typtype = 'c', false)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN (base b JOIN pg_type p ON p.oid = b.oid AND p.typtype <> 'd') ON b.domain = a.atttypid
JOIN pg_type t ON t.oid = coalesce(b.oid, a.atttypid)
LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = :schema AND a.attnum > 0 AND NOT a.attisdropped"""

_POINT = re.compile(r"(?:\w+\.)?geo(?:metry|graphy)\(PointZ?M?(?:,\d+)?\)", re.IGNORECASE)
_READ_AS_TEXT = {"xml", "ltree", "isbn", "isbn13", "ean13"}


def identity(connection: Connection, schema: Optional[str]) -> tuple[tuple[Any, ...], ...]:
    """Return a schema's names and numbers with the number of its server's data folder."""
    allowed = "SELECT has_function_privilege('pg_control_system()', 'EXECUTE')"
    number = "system_identifier::text FROM pg_control_system()"
    if not connection.execute(text(allowed)).scalar():
        number = "concat_ws(':', inet_server_addr(), inet_server_port())"
    server = connection.execute(text(f"SELECT {number}")).scalar()
    row = connection.execute(
        text(
            "SELECT d.oid, d.datname, coalesce(:schema, current_schema()), n.oid "
            "FROM pg_database d LEFT JOIN pg_namespace n "
            "ON n.nspname = coalesce(:schema, current_schema()) "
            "WHERE d.datname = current_database()"
        ),
        {"schema": schema},
    ).one()
    facts: list[tuple[Any, ...]] = [("postgresql", "name", server, row[1], row[2])]
    if row[3] is not None:  # a renamed schema, or database, keeps its number
        facts.append(("postgresql", "oid", server, int(row[0]), int(row[3])))
    return tuple(facts)


class PostgresqlCatalogue(Catalogue):
    """SQLAlchemy's Inspector, with foreign keys as they are.

    The Inspector takes these from the printed constraint, where names with commas, line breaks
    or parentheses come out wrong.
    """

    def __init__(self, connection: Connection, quote: Callable[..., str]) -> None:
        super().__init__(connection, quote)
        connection.exec_driver_sql(LOCK_TIMEOUT)
        self._partitions: dict[str, Partitions] = {}

    def hidden(self, schema: str) -> set[str]:
        """Return the tables that are parts of others: their rows are read there."""
        return set(self.connection.execute(text(_PARTITIONS), {"schema": schema}).scalars())

    def get_multi_foreign_keys(self, schema: str, **_: Any) -> dict[tuple[str, str], list[Any]]:
        """Return the foreign keys by table, from ``pg_constraint``."""
        partitions = self.partitions(schema)
        found: dict[tuple[str, str], list[Any]] = {}
        for row in self.connection.execute(text(_FOREIGN_KEYS), {"schema": schema}):
            actions = {"ondelete": row.confdeltype, "onupdate": row.confupdtype}
            here = row.nspname == schema
            key = {
                "name": row.conname,
                "constrained_columns": row.columns,
                "referred_schema": row.nspname,
                "referred_table": partitions.root(row.parent) if here else row.parent,
                "referred_columns": row.parent_columns,
                "options": {k: _ACTIONS[a] for k, a in actions.items() if a in _ACTIONS},
            }
            keys = found.setdefault((schema, partitions.root(row.relname)), [])
            if not any(_same_key(key, other) for other in keys):  # each part may declare it
                keys.append(key)
        return found

    def partitions(self, schema: str) -> Partitions:
        """Return the schema's partitioned tables."""
        if schema not in self._partitions:
            self._partitions[schema] = Partitions(self.connection, schema)
        return self._partitions[schema]

    def get_multi_pk_constraint(self, schema: str, **options: Any) -> dict[tuple[str, str], Any]:
        """Return the primary keys by table: of a partitioned one also that of all its parts."""
        found: dict[tuple[str, str], Any] = dict(
            self._inspector.get_multi_pk_constraint(schema=schema, **options)
        )
        for root, primary, columns in self.partitions(schema).unique():
            known = found.get((schema, root))
            if primary and known is not None and not known["constrained_columns"]:
                found[schema, root] = {"name": None, "constrained_columns": columns}
        return found

    def get_multi_unique_constraints(
        self, schema: str, **options: Any
    ) -> dict[tuple[str, str], list[Any]]:
        """Return the unique constraints by table: of a partitioned one also those of all parts."""
        multi = self._inspector.get_multi_unique_constraints(schema=schema, **options)
        found: dict[tuple[str, str], list[Any]] = {at: list(sets) for at, sets in multi.items()}
        for root, primary, columns in self.partitions(schema).unique():
            known = found.get((schema, root))
            if known is not None and not primary and columns not in _sets(known):
                known.append({"name": None, "column_names": columns})
        return found

    def odd_indexes(self, schema: str, tables: Sequence[str]) -> dict[tuple[str, str], OddIndex]:
        """Return expression, partial, covering, descending and other than B-tree indexes."""
        rows = self.connection.execute(text(_INDEXES), {"schema": schema})
        return {
            (r.table_name, r.name): OddIndex(r.definition, bool(r.is_unique), bool(r.exact))
            for r in rows
        }

    def amend(self, metadata: Metadata) -> None:
        """Name unknown types, give decimals their values' digits, tell where partitions are."""
        tables = metadata.tables.values()
        unknown = [(t, c) for t in tables for c in t.columns.values() if _is_unknown(c)]
        if unknown:
            rows = self.connection.execute(text(_TYPES), {"schema": metadata.schema_name})
            found = {(row[0], row[1]): (str(row[2]), str(row[3]), bool(row[4])) for row in rows}
            for table, column in unknown:
                type_, sort, of_rows = found.get((table.name, column.name), ("", "", False))
                column.sql_type = type_ or None
                if type_ in _READ_AS_TEXT:
                    column.kind = ColumnKind.TEXT
                elif type_ == "point" or _POINT.fullmatch(type_):
                    column.kind = ColumnKind.POINT
                elif sort == "c":
                    column.kind = ColumnKind.COMPOSITE
                elif of_rows:
                    column.kind = ColumnKind.ARRAY
        _exclusions(self.connection, metadata)
        partitions = self.partitions(str(metadata.schema_name))
        for root in partitions.keys.keys() & metadata.tables.keys():
            condition = partitions.condition(root)
            if condition is not None:
                metadata.tables[root].checks.append(CheckConstraint(sqltext=condition))
        for table in tables:
            open_ = [c for c in table.columns.values() if _is_open(c)]
            if open_:
                place = self.quote(metadata.schema_name, table.name)
                _measure(self.connection, table, open_, place, self.quote)


def _same_key(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(
        one[part] == other[part]
        for part in ("constrained_columns", "referred_schema", "referred_table", "referred_columns")
    )


def _sets(unique: list[Any]) -> list[list[str]]:
    return [list(known["column_names"]) for known in unique]


_EXCLUSIONS = """
SELECT c.relname AS table_name, o.conname AS name, pg_get_constraintdef(o.oid) AS definition,
    ARRAY(SELECT pg_get_indexdef(o.conindid, k::int, true)
          FROM generate_series(1, cardinality(o.conexclop)) k) AS parts,
    ARRAY(SELECT p.oprname::text FROM unnest(o.conexclop) WITH ORDINALITY x(op, i)
          JOIN pg_operator p ON p.oid = x.op ORDER BY x.i) AS operators,
    pg_get_expr(i.indpred, i.indrelid) AS condition
FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid JOIN pg_index i
    ON i.indexrelid = o.conindid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = :schema AND o.contype = 'x' ORDER BY c.relname, o.conname"""
_NAME = r'("(?:[^"]|"")+"|\w+)'
_RANGE = re.compile(
    rf"(?:tsrange|tstzrange|daterange|int4range|int8range|numrange)"
    rf"\({_NAME}, {_NAME}(?:, '([\[(][\])])'::text)?\)"
)


def _exclusions(connection: Connection, metadata: Metadata) -> None:
    """Describe the EXCLUDE constraints."""
    for row in connection.execute(text(_EXCLUSIONS), {"schema": metadata.schema_name}):
        table = metadata.tables.get(row.table_name)
        if table is None:
            continue
        made = Exclusion(name=row.name, definition=row.definition, where=row.condition)
        pairs = list(zip(row.parts, row.operators))
        equal = [_column_of(part, table) for part, operator in pairs if operator == "="]
        periods = [_period_of(part, table) for part, operator in pairs if operator == "&&"]
        others = len(pairs) - len(equal) - len(periods)
        if len(periods) == 1 and periods[0] is not None and None not in equal and not others:
            made.equal = [name for name in equal if name is not None]
            made.period, bounds = periods[0]
            made.bounds = bounds
        table.exclusions.append(made)


def _column_of(sql: str, table: TableConfig) -> Optional[str]:
    """Return the column that a part of an index is; None where it is more than that."""
    plain = sql[1:-1].replace('""', '"') if sql.startswith('"') else sql
    return plain if plain in table.columns else None


def _period_of(sql: str, table: TableConfig) -> Optional[tuple[list[str], Any]]:
    column = _column_of(sql, table)
    if column is not None:
        return ([column], "[)") if table.columns[column].kind is ColumnKind.RANGE else None
    found = _RANGE.fullmatch(sql)
    names = [] if found is None else [_column_of(found[n], table) for n in (1, 2)]
    if found is None or None in names:
        return None
    return [str(name) for name in names], found[3] or "[)"


def _is_unknown(column: Column) -> bool:
    return column.kind is ColumnKind.UNSUPPORTED and column.sql_type is None


def _is_open(column: Column) -> bool:
    """Whether a numeric's declaration does not fix an Arrow type."""
    if column.kind is not ColumnKind.DECIMAL:
        return False
    if column.precision is None or column.scale is None:
        return True
    return column.precision > MAX_DIGITS or not 0 <= column.scale <= column.precision


def _measure(
    connection: Connection,
    table: TableConfig,
    columns: list[Column],
    place: str,
    quote: Callable[..., str],
) -> None:
    parts = []
    for column in columns:
        name = quote(column.name)
        finite = f"{name}::text NOT IN ('NaN', 'Infinity', '-Infinity')"
        parts.append(f"max(scale({name})) FILTER (WHERE {finite})")
        parts.append(f"max(length(trunc(abs({name}))::text)) FILTER (WHERE {finite})")
        parts.append(f"count(*) FILTER (WHERE NOT {finite})")
    sql = f"SELECT {', '.join(parts)} FROM {place}"
    plain = connection.execution_options(no_parameters=True)
    row: Any = plain.exec_driver_sql(sql).one()
    for i, column in enumerate(columns):
        scale, whole = int(row[3 * i] or 0), int(row[3 * i + 1] or 1)
        if row[3 * i + 2] and scale + whole <= _EXACT_DIGITS:  # floats know NaN and infinities
            column.kind, column.precision, column.scale = ColumnKind.FLOAT, None, None
        elif scale + whole > MAX_DIGITS:
            column.kind = ColumnKind.UNSUPPORTED
            column.sql_type = f"{column.sql_type} with values of {scale + whole} digits"
        else:
            wide = scale + whole > 38
            column.arrow = f"decimal{256 if wide else 128}({76 if wide else 38}, {scale})"
