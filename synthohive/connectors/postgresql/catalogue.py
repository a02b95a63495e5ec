"""What SQLAlchemy's Inspector does not tell of a PostgreSQL schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Optional

from sqlalchemy.engine import Connection

from synthohive.connectors.dialect import ByTable, Catalogue, OddIndex
from synthohive.connectors.postgresql import ddl, views
from synthohive.connectors.postgresql.partitions import Partitions
from synthohive.schema import (
    CheckConstraint,
    Column,
    ColumnKind,
    Exclusion,
    Metadata,
    TableConfig,
)

__all__ = ["LOCK_TIMEOUT", "PostgresqlCatalogue"]

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


_NOT_CLONED = """
WITH n AS (SELECT oid FROM pg_namespace WHERE nspname = :schema),
    c AS (SELECT c.* FROM pg_class c JOIN n ON n.oid = c.relnamespace WHERE NOT EXISTS (
        SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
            AND d.deptype = 'e'))
SELECT CASE relkind WHEN 'v' THEN 'views' ELSE 'materialised views' END, relname::text, NULL
FROM c WHERE relkind IN ('v', 'm')
UNION ALL SELECT 'triggers', tgname, relname FROM pg_trigger t JOIN c ON c.oid = t.tgrelid
    WHERE NOT tgisinternal
UNION ALL SELECT 'rules', rulename, relname FROM pg_rewrite r JOIN c ON c.oid = r.ev_class
    WHERE rulename <> '_RETURN'
UNION ALL SELECT 'row security policies', polname, relname FROM pg_policy p
    JOIN c ON c.oid = p.polrelid
UNION ALL SELECT 'functions and procedures', proname, NULL FROM pg_proc p
    JOIN n ON n.oid = p.pronamespace WHERE NOT EXISTS (SELECT 1 FROM pg_depend d
        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i'))
UNION ALL SELECT 'foreign tables', relname, NULL FROM c WHERE relkind = 'f'
UNION ALL SELECT 'inheritance', relname, relname FROM c WHERE NOT relispartition AND EXISTS (
    SELECT 1 FROM pg_inherits h WHERE h.inhrelid = c.oid AND relkind = 'r')
UNION ALL SELECT 'sequences', relname, NULL FROM c WHERE relkind = 'S' AND NOT EXISTS (
    SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
        AND d.deptype IN ('a', 'i') OR d.refclassid = 'pg_class'::regclass
        AND d.refobjid = c.oid AND d.classid = 'pg_attrdef'::regclass)
UNION ALL SELECT 'operators', oprname, NULL FROM pg_operator o JOIN n ON n.oid = o.oprnamespace
    WHERE NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_operator'::regclass
        AND d.objid = o.oid AND d.deptype = 'e')
UNION ALL SELECT 'collations', collname, NULL FROM pg_collation l JOIN n ON n.oid = l.collnamespace
UNION ALL SELECT 'text search configurations', cfgname, NULL FROM pg_ts_config f
    JOIN n ON n.oid = f.cfgnamespace
UNION ALL SELECT 'extended statistics', stxname, relname FROM pg_statistic_ext s
    JOIN c ON c.oid = s.stxrelid
UNION ALL SELECT 'row security policies', relname, relname FROM c WHERE relrowsecurity
    AND NOT EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid)
UNION ALL SELECT 'grants', relname, relname FROM c WHERE relkind IN ('r', 'p')
    AND (EXISTS (SELECT 1 FROM aclexplode(relacl) a WHERE a.grantee <> relowner)
    OR EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL))
UNION ALL SELECT 'grants', 'schema ' || :schema, NULL FROM pg_namespace s, aclexplode(s.nspacl) a
    WHERE s.nspname = :schema AND a.grantee <> s.nspowner
ORDER BY 1, 2"""


class PostgresqlCatalogue(Catalogue):
    """SQLAlchemy's Inspector, with foreign keys as they are.

    The Inspector takes these from the printed constraint, where names with commas, line breaks
    or parentheses come out wrong.
    """

    NOT_CLONED: ClassVar[Optional[str]] = _NOT_CLONED
    clone = ddl.clone
    objects = views.objects

    def __init__(self, connection: Connection, quote: Callable[..., str]) -> None:
        super().__init__(connection, quote)
        connection.exec_driver_sql(LOCK_TIMEOUT)
        self._partitions: dict[str, Partitions] = {}

    def identity(self, schema: Optional[str]) -> tuple[tuple[Any, ...], ...]:
        """Return names and numbers with that of the server's data folder, as a standby has it."""
        number = "system_identifier::text FROM pg_control_system()"
        allowed = "SELECT has_function_privilege('pg_control_system()', 'EXECUTE')"
        if not self.rows(allowed)[0][0]:
            number = "concat_ws(':', inet_server_addr(), inet_server_port())"
        ((server,),) = self.rows(f"SELECT {number}")
        ((database, name, place, oid),) = self.rows(
            "SELECT d.oid, d.datname, coalesce(:schema, current_schema()), n.oid "
            "FROM pg_database d LEFT JOIN pg_namespace n "
            "ON n.nspname = coalesce(:schema, current_schema()) "
            "WHERE d.datname = current_database()",
            schema=schema,
        )
        facts: list[tuple[Any, ...]] = [("postgresql", "name", server, name, place)]
        if oid is not None:  # a renamed schema, or database, keeps its number
            facts.append(("postgresql", "oid", server, int(database), int(oid)))
        return tuple(facts)

    def hidden(self, schema: str) -> set[str]:
        """Return the tables that are parts of others: their rows are read there."""
        return {row[0] for row in self.rows(_PARTITIONS, schema=schema)}

    def get_multi_foreign_keys(self, schema: str, **_: Any) -> ByTable:
        """Return the foreign keys by table, from ``pg_constraint``."""
        partitions = self.partitions(schema)
        found: ByTable = {}
        for row in self.rows(_FOREIGN_KEYS, schema=schema):
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
            self._partitions[schema] = Partitions(self, schema)
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

    def get_multi_unique_constraints(self, schema: str, **options: Any) -> ByTable:
        """Return the unique constraints by table: of a partitioned one also those of all parts."""
        multi = self._inspector.get_multi_unique_constraints(schema=schema, **options)
        found: ByTable = {at: list(sets) for at, sets in multi.items()}
        for root, primary, columns in self.partitions(schema).unique():
            known = found.get((schema, root))
            if known is not None and not primary and columns not in _sets(known):
                known.append({"name": None, "column_names": columns})
        return found

    def odd_indexes(self, schema: str, tables: Sequence[str]) -> dict[tuple[str, str], OddIndex]:
        """Return expression, partial, covering, descending and other than B-tree indexes."""
        return {
            (r.table_name, r.name): OddIndex(r.definition, bool(r.is_unique), bool(r.exact))
            for r in self.rows(_INDEXES, schema=schema)
        }

    def amend(self, metadata: Metadata) -> None:
        """Name unknown types, give decimals their values' digits, tell where partitions are."""
        tables = metadata.tables.values()
        unknown = [
            (t, c)
            for t in tables
            for c in t.columns.values()
            if c.kind is ColumnKind.UNSUPPORTED and c.sql_type is None
        ]
        if unknown:
            rows = self.rows(_TYPES, schema=metadata.schema_name)
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
        for row in self.rows(_EXCLUSIONS, schema=metadata.schema_name):
            if row.table_name in metadata.tables:
                table = metadata.tables[row.table_name]
                table.exclusions.append(_exclusion(row, table))
        partitions = self.partitions(str(metadata.schema_name))
        for root in partitions.keys.keys() & metadata.tables.keys():
            condition = partitions.condition(root)
            if condition is not None:
                metadata.tables[root].checks.append(CheckConstraint(sqltext=condition))
        for table in tables:
            open_ = [c for c in table.columns.values() if _is_open(c)]
            if open_:
                self._measure(self.quote(metadata.schema_name, table.name), open_)

    def _measure(self, place: str, columns: Sequence[Column]) -> None:
        """Look how many digits the values of open decimals have."""
        parts = []
        for column in columns:
            name = self.quote(column.name)
            finite = f"{name}::text NOT IN ('NaN', 'Infinity', '-Infinity')"
            parts.append(f"max(scale({name})) FILTER (WHERE {finite})")
            parts.append(f"max(length(trunc(abs({name}))::text)) FILTER (WHERE {finite})")
            parts.append(f"count(*) FILTER (WHERE NOT {finite})")
        row: Any = self.plain(f"SELECT {', '.join(parts)} FROM {place}").one()
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


def _exclusion(row: Any, table: TableConfig) -> Exclusion:
    """Describe an EXCLUDE constraint: fully, where it is over equal columns and one period."""
    made = Exclusion(name=row.name, definition=row.definition, where=row.condition)
    pairs = list(zip(row.parts, row.operators))
    equal = [_column_of(part, table) for part, operator in pairs if operator == "="]
    periods = [_period_of(part, table) for part, operator in pairs if operator == "&&"]
    others = len(pairs) - len(equal) - len(periods)
    if len(periods) == 1 and periods[0] is not None and None not in equal and not others:
        made.equal = [name for name in equal if name is not None]
        made.period, made.bounds = periods[0]
    return made


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


def _is_open(column: Column) -> bool:
    """Whether a numeric's declaration does not fix an Arrow type."""
    if column.kind is not ColumnKind.DECIMAL:
        return False
    if column.precision is None or column.scale is None:
        return True
    return column.precision > MAX_DIGITS or not 0 <= column.scale <= column.precision
