"""PostgreSQL's own DDL, as its catalogue and its ``pg_get_…def`` functions give it.

With the source schema first on the search path those functions leave its name out, so
the same text makes the object in whatever schema is first when it is run.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Optional

from synthohive._logging import get_logger
from synthohive.connectors.postgresql.partitions import Partitions
from synthohive.connectors.postgresql.spelling import SPELLING, advance, literal
from synthohive.connectors.postgresql.types import prepared
from synthohive.ddl.spelling import quote
from synthohive.ddl.statements import SchemaDdl, Statement, comment_on, label
from synthohive.schema import ColumnKind, Metadata

__all__ = ["clone", "enter"]

_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
       a.attgenerated, pg_get_expr(d.adbin, d.adrelid),
       CASE WHEN a.attcollation <> t.typcollation THEN
           (SELECT concat(CASE WHEN ln.oid <> n.oid THEN quote_ident(ln.nspname) || '.' END,
                quote_ident(l.collname)) FROM pg_collation l
            JOIN pg_namespace ln ON ln.oid = l.collnamespace WHERE l.oid = a.attcollation) END,
       col_description(c.oid, a.attnum), obj_description(c.oid, 'pg_class')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE n.nspname = :schema AND c.relkind IN ('r', 'p', 'f') ORDER BY c.oid, a.attnum"""

_CONSTRAINTS = """
SELECT c.relname, o.conname, o.contype, pg_get_constraintdef(o.oid),
       ARRAY(SELECT a.attname::text FROM unnest(o.conkey) WITH ORDINALITY k(n, i)
             JOIN pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = k.n ORDER BY k.i),
       p.relname, p.relnamespace = c.relnamespace, obj_description(o.oid, 'pg_constraint')
FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_class p ON p.oid = o.confrelid
WHERE n.nspname = :schema AND o.contype IN ('p', 'u', 'x', 'c', 'f')
    AND o.conparentid = 0 AND (NOT c.relispartition OR o.coninhcount = 0)
ORDER BY position(o.contype::text IN 'puxcf'), o.oid"""

_INDEXES = """
SELECT c.relname, x.relname, pg_get_indexdef(i.indexrelid, 0, true), i.indisunique,
       obj_description(x.oid, 'pg_class')
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = :schema
AND NOT EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhrelid = i.indexrelid) AND NOT EXISTS (
    SELECT 1 FROM pg_constraint o WHERE o.conindid = i.indexrelid AND o.contype IN ('p', 'u', 'x'))
ORDER BY i.indexrelid"""

_SEQUENCES = """
SELECT q.relname, format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax,
       s.seqcache, s.seqcycle, d.deptype, c.relname, a.attname
FROM pg_sequence s JOIN pg_class q ON q.oid = s.seqrelid
JOIN pg_namespace n ON n.oid = q.relnamespace
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = q.oid AND d.objsubid = 0
    AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
LEFT JOIN pg_class c ON c.oid = d.refobjid
LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE n.nspname = :schema ORDER BY q.oid"""

_SEQUENCE_USERS = """
SELECT q.relname, c.relname, a.attname
FROM pg_depend d JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
JOIN pg_class q ON d.refclassid = 'pg_class'::regclass AND q.oid = d.refobjid AND q.relkind = 'S'
JOIN pg_namespace n ON n.oid = q.relnamespace JOIN pg_class c ON c.oid = f.adrelid
JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
WHERE n.nspname = :schema AND c.relnamespace = n.oid ORDER BY f.oid"""

_STORAGE = """
SELECT c.relname, c.relpersistence = 'u',
    ARRAY(SELECT unnest(c.reloptions) UNION ALL SELECT 'toast.' || unnest(t.reloptions))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
WHERE n.nspname = :schema AND c.relkind = 'r'"""

# By which a search column is filled from text: from the made-up text, in the copy.
_SEARCH_TRIGGERS = """
SELECT c.relname, t.tgargs FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_proc p ON p.oid = t.tgfoid
WHERE n.nspname = :schema AND p.proname = 'tsvector_update_trigger'
    AND p.pronamespace = 'pg_catalog'::regnamespace AND NOT t.tgisinternal
ORDER BY c.relname, t.tgname"""

# What pg_get_indexdef prints of a partitioned table's index would leave its partitions without.
_ON_ONLY = re.compile(r'^(CREATE (?:UNIQUE )?INDEX (?:"(?:[^"]|"")+"|\S+) ON )ONLY ')
log = get_logger(__name__)
_KINDS = {
    "p": "primary key",
    "u": "unique constraint",
    "x": "exclusion constraint",
    "c": "check constraint",
    "f": "foreign key",
}


def enter(catalogue: Any, schema: str, beside: Sequence[str]) -> None:
    """Have definitions leave the names of these schemas out, to the end of the transaction."""
    path = ", ".join(map(quote, (schema, *beside)))
    catalogue.rows("SELECT set_config('search_path', :path, true)", path=path)


def clone(
    catalogue: Any, metadata: Metadata, schema: str, beside: Sequence[str]
) -> Optional[SchemaDdl]:
    """See the base class of the catalogue."""

    def ask(sql: str) -> list[Any]:
        found: list[Any] = catalogue.rows(sql, schema=schema)
        return found

    enter(catalogue, schema, beside)
    tables = metadata.tables
    columns: dict[str, list[Any]] = defaultdict(list)
    for row in ask(_COLUMNS):
        columns[row[0]].append(row)
    if any({row[1] for row in columns[name]} != set(t.columns) for name, t in tables.items()):
        return None
    sequences = [r for r in ask(_SEQUENCES) if r[9] is None or r[9] in tables]
    users = [r for r in ask(_SEQUENCE_USERS) if r[1] in tables]
    partitions = _cloneable(catalogue.partitions(schema))
    root = partitions.root
    constraints = [r for r in ask(_CONSTRAINTS) if root(r[0]) in tables]
    indexes = [r for r in ask(_INDEXES) if root(r[0]) in tables]
    before = prepared(catalogue, schema)
    storage = {row[0]: row[1:] for row in ask(_STORAGE)}
    filled = _fills(metadata, columns)
    used = {r[0] for r in users} | {r[0] for r in sequences if r[8] == "a"}
    own = {f"{quote(r[9])}.{quote(r[10])}": r for r in sequences if r[8] == "i"}
    keys = [r for r in constraints if r[2] == "f" and r[6] and root(r[5]) in tables]
    return SchemaDdl(
        setup=before.setup
        + tuple(_sequence(row) for row in sequences if row[0] in used and row[8] != "i"),
        tables={
            table: (
                _table(table, columns[table], own, partitions, filled, storage),
                *_parts(table, partitions, storage),
            )
            for table in tables
        },
        after=tuple(
            [_without_default(*place) for place in filled]
            + _fill_searches(metadata, ask(_SEARCH_TRIGGERS))
            + [_constraint(row) for row in constraints if row[2] not in "cf"]
            + _checks([row for row in constraints if row[2] == "c"])
            + [_index(row) for row in indexes]
            + _comments(metadata, columns, constraints, indexes)
        ),
        keys=tuple(_constraint(row) for row in keys),
        counters=tuple(_counters(sequences, users, used)),
        brought=before.brought,
        enforced=frozenset((root(r[0]), tuple(r[4]), root(r[5])) for r in keys),
    )


def _index(row: Any) -> Statement:
    what = label("unique index" if row[3] else "index", row[1])
    return Statement(_ON_ONLY.sub(r"\1", row[2], count=1), row[0], what)


def _sequence_options(row: Any) -> str:
    _, _, start, increment, low, high, cache, cycle = row[:8]
    return (
        f"START WITH {start} INCREMENT BY {increment} MINVALUE {low} MAXVALUE {high} "
        f"CACHE {cache} {'CYCLE' if cycle else 'NO CYCLE'}"
    )


def _sequence(row: Any) -> Statement:
    sql = f"CREATE SEQUENCE {quote(row[0])} AS {row[1]} {_sequence_options(row)}"
    return Statement(sql, "", f"sequence {row[0]!r}")


def _cloneable(partitions: Partitions) -> Partitions:
    """Leave out tables with a part in another schema: they are cloned without parts."""
    for table in partitions.elsewhere:
        log.warning("partitions_not_cloned", table=table, reason="some are in another schema")
        del partitions.keys[table], partitions.parts[table]
    return partitions


def _stored(sql: str, table: str, storage: Mapping[str, Any]) -> str:
    """Return a CREATE TABLE with how the table is kept: UNLOGGED, and its storage parameters."""
    unlogged, options = storage.get(table, (False, []))
    sql = sql.replace("CREATE TABLE", "CREATE UNLOGGED TABLE", 1) if unlogged else sql
    return f"{sql} WITH ({', '.join(options)})" if options else sql


def _parts(table: str, partitions: Partitions, storage: Mapping[str, Any]) -> list[Statement]:
    """Return the statements that make a table's partitions, those of others first."""
    found = []
    for part in partitions.parts.get(table, ()):
        sql = f"CREATE TABLE {quote(part.name)} PARTITION OF {quote(part.parent)} {part.bound}"
        sql += f" PARTITION BY {part.key}" if part.key else ""
        sql = _stored(sql, part.name, storage)
        found.append(Statement(sql, table, f"partition {part.name!r}"))
    return found


def _table(
    table: str,
    rows: list[Any],
    own: dict[str, Any],
    partitions: Partitions,
    filled: dict[tuple[str, str], str],
    storage: Mapping[str, Any],
) -> Statement:
    lines = []
    for _, name, type_, not_null, identity, generated, default, collation, *_ in rows:
        parts = [quote(name), type_]
        if collation:
            parts.append(f"COLLATE {collation}")
        if generated:
            stored = "STORED" if generated == "s" else "VIRTUAL"
            parts.append(f"GENERATED ALWAYS AS ({default}) {stored}")
        elif identity:
            options = own.get(f"{quote(table)}.{quote(name)}")
            parts.append(
                f"GENERATED {'ALWAYS' if identity == 'a' else 'BY DEFAULT'} AS IDENTITY"
                + (f" ({_sequence_options(options)})" if options is not None else "")
            )
        elif default is not None:
            parts.append(f"DEFAULT {default}")
        elif (table, name) in filled:
            parts.append(f"DEFAULT {filled[table, name]}")
        parts += ["NOT NULL"] if not_null else []
        lines.append("    " + " ".join(parts))
    body = ",\n".join(lines)
    by = f" PARTITION BY {partitions.keys[table]}" if table in partitions.keys else ""
    sql = _stored(f"CREATE TABLE {quote(table)} (\n{body}\n){by}", table, storage)
    return Statement(sql, table, f"table {table!r}")


def _constraint(row: Any) -> Statement:
    table, name, kind, definition, columns = row[:5]
    sql = f"ALTER TABLE {quote(table)} ADD CONSTRAINT {quote(name)} {definition}"
    return Statement(sql, table, label(_KINDS[kind], name, columns))


def _checks(rows: Sequence[Any]) -> list[Statement]:
    """Return a statement for each table: the server reads its rows once for all of its CHECKs."""
    found = []
    for table, group in groupby(sorted(rows, key=itemgetter(0)), itemgetter(0)):
        own = list(group)
        added = ", ".join(f"ADD CONSTRAINT {quote(row[1])} {row[3]}" for row in own)
        kind = _KINDS["c"] if len(own) == 1 else f"{_KINDS['c']}s"
        named = ",".join(label("", row[1], row[4]) for row in own)
        found.append(Statement(f"ALTER TABLE {quote(table)} {added}", table, f"{kind}{named}"))
    return found


def _comments(
    metadata: Metadata, columns: dict[str, list[Any]], constraints: list[Any], indexes: list[Any]
) -> list[Statement]:
    found = []
    for table in metadata.tables:
        rows = columns[table]
        if rows and rows[0][9] is not None:
            found.append((f"TABLE {quote(table)}", table, rows[0][9]))
        found += [
            (f"COLUMN {quote(table)}.{quote(r[1])}", table, r[8]) for r in rows if r[8] is not None
        ]
    found += [
        (f"CONSTRAINT {quote(r[1])} ON {quote(r[0])}", r[0], r[7])
        for r in constraints
        if r[7] is not None and (r[2] != "f")
    ]
    found += [(f"INDEX {quote(r[1])}", r[0], r[4]) for r in indexes if r[4] is not None]
    return [comment_on(thing, text, table, literal) for thing, table, text in found]


def _counters(sequences: list[Any], users: list[Any], used: set[str]) -> list[Statement]:
    fed: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for sequence, table, column in users:
        fed[sequence].append((table, column))
    statements = []
    for row in sequences:
        name, increment, low, high, dependency, table, column = (
            row[0], row[3], row[4], row[5], row[8], row[9], row[10],
        )  # fmt: skip
        if dependency == "a":
            sql = f"ALTER SEQUENCE {quote(name)} OWNED BY {quote(table)}.{quote(column)}"
            statements.append(Statement(sql, table, f"sequence {name!r}"))
        if dependency == "i":
            place = f"pg_get_serial_sequence({literal(quote(table))}, {literal(column)})"
            statements.append(_advance(place, [(table, column)], increment, low, high))
        elif name in used and fed[name]:
            place = f"{literal(quote(name))}::regclass"
            statements.append(_advance(place, fed[name], increment, low, high))
    return statements


def _advance(place: str, columns: list[tuple[str, str]], *options: int) -> Statement:
    table, column = columns[0]
    return Statement(advance(place, columns, *options), table, f"sequence of {table}.{column}")


def _without_default(table: str, name: str) -> Statement:
    sql = f"ALTER TABLE {quote(table)} ALTER COLUMN {quote(name)} DROP DEFAULT"
    return Statement(sql, table, f"column {name!r}")


def _fills(metadata: Metadata, columns: Mapping[str, Sequence[Any]]) -> dict[tuple[str, str], str]:
    """Return the SQL of the empty value, the default while loading, of columns that need one."""
    found = {}
    for table, config in metadata.tables.items():
        for _, name, type_, not_null, identity, generated, default, *_rest in columns[table]:
            brought = identity or generated or default is not None
            if name in config.exclude_columns and not_null and not brought:
                value = SPELLING.empty_value(type_)
                if value is not None:
                    found[table, name] = value
    return found


def _fill_searches(metadata: Metadata, triggers: Sequence[Any]) -> list[Statement]:
    """Return the statements that fill excluded search columns as the source's triggers do."""
    found = []
    for table, raw in triggers:
        target, language, *texts = [a.decode() for a in bytes(raw).split(b"\0")[:-1]]
        config = metadata.tables.get(table)
        column = None if config is None else config.columns.get(target)
        if config is None or column is None:
            continue
        if target not in config.exclude_columns and column.kind is not ColumnKind.EMPTY:
            continue
        if not texts or not set(texts) <= set(config.stored):
            continue
        joined = " || ' ' || ".join(f"coalesce({quote(text)}::text, '')" for text in texts)
        sql = (
            f"UPDATE {quote(table)} SET {quote(target)} = "
            f"to_tsvector({literal(language)}::regconfig, {joined})"
        )
        found.append(Statement(sql, table, f"search column {target!r}"))
    return found
