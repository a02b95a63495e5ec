"""What a PostgreSQL schema holds, and what outside hangs on it: asked of all the catalogue.

Every object of a schema has a row in ``pg_depend`` that says so, whatever its kind, and so
has what belongs to it or uses it. No list of kinds can be forgotten here. Nothing is ever
dropped with CASCADE, which would take with it what others made meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Optional

import psycopg2

from synthohive.ddl.spelling import quote
from synthohive.ddl.statements import SchemaObject
from synthohive.exceptions import ConnectorError
from synthohive.io.comments import Comments, Place
from synthohive.io.staging import Found

__all__ = ["Ask", "Holdings"]

Ask = Callable[..., list[Any]]
"""Runs SQL with the values of its marks, and returns all rows."""

# Members of the schema, and what belongs to them (indexes, constraints, triggers, policies,
# publications of a table …) unless it lives in another schema. Extensions and their members
# stay where they are; default privileges are no object. `hangs_on` tells what a part is a part of.
_INSIDE = """
WITH RECURSIVE place AS (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s),
inside (classid, objid, hangs_on, internal) AS (
    SELECT d.classid, d.objid, NULL::text, false FROM pg_depend d, place
    WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = place.oid
    AND d.classid NOT IN ('pg_default_acl'::regclass, 'pg_extension'::regclass) AND NOT EXISTS (
        SELECT 1 FROM pg_depend e
        WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype = 'e')
    UNION
    SELECT d.classid, d.objid, i.classid::regclass || ':' || i.objid, d.deptype = 'i'
    FROM inside i, pg_depend d
    WHERE d.refclassid = i.classid AND d.refobjid = i.objid AND d.deptype IN ('a', 'i', 'P', 'S')
    AND NOT EXISTS (
        SELECT 1 FROM pg_depend o, place WHERE o.classid = d.classid AND o.objid = d.objid
        AND o.refclassid = 'pg_namespace'::regclass AND o.refobjid <> place.oid)
    AND NOT EXISTS (
        SELECT 1 FROM pg_class t
        WHERE d.classid = 'pg_class'::regclass AND t.oid = d.objid AND t.relkind = 't'))
"""

# What has a place of its own is known by its number, which no copy shares; a part by its whole
# and its name: changing a column's type, or REINDEX CONCURRENTLY, gives it another number.
# Whose child or partition a table is, is such a part: its rows are that one's, too.
_CONTENTS = f"""{_INSIDE}
SELECT CASE WHEN i.hangs_on IS NULL THEN i.classid::regclass || ':' || i.objid
        ELSE concat_ws(' ', i.hangs_on, a.type, coalesce(
            (SELECT c.conname FROM pg_constraint c
             WHERE i.classid = 'pg_constraint'::regclass AND c.oid = i.objid),
            array_to_string(
                a.object_names[cardinality(a.object_names):] || a.object_args, ' '))) END,
    i.hangs_on, o.type || ' ' || o.identity
FROM inside i, pg_identify_object(i.classid, i.objid, 0) o,
    pg_identify_object_as_address(i.classid, i.objid, 0) a
WHERE NOT EXISTS (
    SELECT 1 FROM inside s WHERE s.classid = i.classid AND s.objid = i.objid AND s.internal)
UNION ALL
SELECT format('column %%s.%%s', a.attrelid, a.attnum), 'pg_class:' || a.attrelid,
    format('column %%I.%%I.%%I', %(schema)s::text, c.relname, a.attname)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN place ON place.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped AND EXISTS (
    SELECT 1 FROM inside i WHERE i.classid = 'pg_class'::regclass AND i.objid = c.oid)
UNION ALL
SELECT format('child %%s of %%s', h.inhrelid, h.inhparent), 'pg_class:' || h.inhrelid,
    format('table %%I.%%I as a %%s of %%s', %(schema)s::text, c.relname,
        CASE WHEN p.relkind = 'p' THEN 'partition' ELSE 'child' END, o.identity)
FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid AND c.relkind IN ('r', 'p', 'f')
JOIN pg_class p ON p.oid = h.inhparent JOIN place ON place.oid = c.relnamespace,
    pg_identify_object('pg_class'::regclass, h.inhparent, 0) o"""

_DEPENDENTS = f"""{_INSIDE},
outside AS MATERIALIZED (
    SELECT DISTINCT d.classid, d.objid, d.objsubid
    FROM pg_depend d JOIN inside i ON d.refclassid = i.classid AND d.refobjid = i.objid
    WHERE d.deptype NOT IN ('i', 'e', 'x') AND NOT EXISTS (
        SELECT 1 FROM inside s WHERE s.classid = d.classid AND s.objid = d.objid))
SELECT d.classid::regclass::text, d.objid, o.type || ' ' || o.identity
FROM outside d, pg_identify_object(d.classid, d.objid, d.objsubid) o
WHERE o.identity IS NOT NULL ORDER BY 3"""  # NULL: dropped this moment

# All that a comment can be about: place without the schema, how SQL calls it, and the comment.
_COMMENTED = f"""{_INSIDE},
things (classid, objid, part) AS (
    SELECT classid, objid, 0 FROM inside
    UNION SELECT i.classid, i.objid, a.attnum::int FROM inside i
    JOIN pg_class c ON i.classid = 'pg_class'::regclass AND c.oid = i.objid
    JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relkind IN ('r', 'p', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped)
SELECT o.type, replace(o.identity, quote_ident(%(schema)s::text) || '.', ''),
    CASE WHEN k.oid IS NULL THEN o.identity
        ELSE format('%%I ON DOMAIN %%s', k.conname, format_type(k.contypid, NULL)) END,
    d.description
FROM things t
JOIN LATERAL pg_identify_object(t.classid, t.objid, t.part) o ON true
LEFT JOIN pg_constraint k ON t.classid = 'pg_constraint'::regclass AND k.oid = t.objid
    AND k.contypid <> 0
LEFT JOIN pg_description d ON d.classoid = t.classid AND d.objoid = t.objid AND d.objsubid = t.part
WHERE o.type = ANY (%(kinds)s)"""
_COMMENT_ON = {
    "table": "TABLE",
    "view": "VIEW",
    "materialized view": "MATERIALIZED VIEW",
    "table column": "COLUMN",
    "index": "INDEX",
    "sequence": "SEQUENCE",
    "type": "TYPE",
    "composite type": "TYPE",
    "table constraint": "CONSTRAINT",
    "domain constraint": "CONSTRAINT",
    "statistics object": "STATISTICS",
}

# What has a place of its own, as a partition has; sequences of columns go where their tables go.
_MEMBERS = f"""{_INSIDE}
SELECT o.type, o.identity FROM inside i, pg_identify_object(i.classid, i.objid, 0) o
GROUP BY i.classid, i.objid, o.type, o.identity
HAVING bool_and(i.hangs_on IS NULL OR o.type IN ('statistics object', 'table', 'foreign table'))
ORDER BY 1, 2"""
# What a view or a trigger uses outside these schemas. Dependencies of PostgreSQL's own relations
# and functions are not recorded, but the stored tree of a definition has the numbers of all. What
# is allowed outside: types and operators of PostgreSQL and its extensions, and functions of theirs
# that read no table, whose name stands in their arguments.
_OUTSIDE = """
WITH place AS (SELECT oid FROM pg_namespace WHERE nspname = ANY (%(schemas)s)),
own (classid, objid) AS (
    SELECT 'pg_class'::regclass, %(relation)s::regclass WHERE NOT %(trigger)s
    UNION ALL SELECT 'pg_rewrite'::regclass, r.oid FROM pg_rewrite r
    WHERE r.ev_class = %(relation)s::regclass AND NOT %(trigger)s
    UNION ALL SELECT 'pg_class'::regclass, i.indexrelid FROM pg_index i
    WHERE i.indrelid = %(relation)s::regclass AND NOT %(trigger)s
    UNION ALL SELECT 'pg_trigger'::regclass, t.oid FROM pg_trigger t
    WHERE t.tgrelid = %(relation)s::regclass AND t.tgname = %(name)s AND %(trigger)s),
trees (tree) AS (
    SELECT r.ev_action::text FROM own JOIN pg_rewrite r ON r.oid = objid
    WHERE classid = 'pg_rewrite'::regclass
    UNION ALL SELECT concat(i.indexprs::text, i.indpred::text) FROM own
    JOIN pg_index i ON i.indexrelid = objid WHERE classid = 'pg_class'::regclass
    UNION ALL SELECT t.tgqual::text FROM own JOIN pg_trigger t ON t.oid = objid
    WHERE classid = 'pg_trigger'::regclass),
used (classid, objid, called) AS (
    SELECT d.refclassid, d.refobjid, false FROM own JOIN pg_depend d USING (classid, objid)
    UNION SELECT 'pg_class'::regclass, m[1]::oid, false
    FROM trees, regexp_matches(tree, ':relid ([0-9]+)', 'g') m
    UNION SELECT 'pg_proc'::regclass, m[1]::oid, true
    FROM trees, regexp_matches(tree, ':(?:funcid|aggfnoid|winfnoid) ([0-9]+)', 'g') m)
SELECT DISTINCT o.type || ' ' || o.identity
FROM used u CROSS JOIN LATERAL pg_identify_object(u.classid, u.objid, 0) o
LEFT JOIN pg_class c ON u.classid = 'pg_class'::regclass AND c.oid = u.objid
LEFT JOIN pg_proc p ON u.classid = 'pg_proc'::regclass AND p.oid = u.objid
LEFT JOIN pg_namespace n ON quote_ident(n.nspname) = o.schema
LEFT JOIN pg_depend e ON e.classid = u.classid AND e.objid = u.objid AND e.deptype = 'e'
WHERE o.schema IS NOT NULL AND (n.oid IS NULL OR n.oid NOT IN (SELECT oid FROM place)) AND CASE
    WHEN u.objid = 0 THEN false
    WHEN c.oid IS NOT NULL THEN true
    WHEN u.called AND e.objid IS NOT NULL THEN p.provolatile <> 'i'
    WHEN u.called THEN n.nspname <> 'pg_catalog' OR p.proname ~ %(reading)s
    ELSE n.nspname <> 'pg_catalog' AND e.objid IS NULL END
ORDER BY 1"""
_THERE = """
SELECT CASE WHEN %(trigger)s THEN
    (SELECT count(*) FROM pg_trigger WHERE tgrelid = %(relation)s::regclass AND tgname = %(name)s)
    ELSE (SELECT count(*) FROM pg_index WHERE indrelid = %(relation)s::regclass) END"""
_READING = (
    "_to_xml|^pg_(?!typeof$|size_|column_size$|input_)|^lo_|^lo(read|write)$|^ts_(stat|rewrite)$"
    "|^(curr|last|next|set)val$|^set_config$|_description$|^current_query$|^to_reg|^has_|^row_sec"
)
"""PostgreSQL's functions that read tables, files, sequences or the catalogue."""
_ORDER = ("view", "materialized view", "table", "foreign table")
_SYNTAX = {"composite type": "type", "statistics object": "statistics"}


class Holdings:
    """What a schema holds, asked in the transaction that is open.

    Parameters
    ----------
    ask : callable
        Runs SQL with the values of its marks, and returns all rows.
    schema : str
        Not quoted.
    """

    def __init__(self, ask: Ask, schema: str) -> None:
        self.ask, self.schema = ask, schema

    def _rows(self, sql: str, **values: Any) -> list[Any]:
        return self.ask(sql, {"schema": self.schema, **values})

    def contents(self) -> list[Found]:
        """Return what the schema holds, with the parts of each object."""
        rows = self._rows(_CONTENTS)
        return list({key: Found(key, shown, part_of) for key, part_of, shown in rows}.values())

    def commented(self) -> dict[Place, tuple[str, Optional[str]]]:
        """Return what a comment may be about: its words in SQL, and the comment.

        The words are complete where the search path does not have the schema.
        """
        return {
            (kind, name): (f"{_COMMENT_ON[kind]} {identity}", text)
            for kind, name, identity, text in self._rows(_COMMENTED, kinds=list(_COMMENT_ON))
        }

    def comments(self) -> Comments:
        """Return the comments on what is in the schema."""
        found = self.commented().items()
        return {place: text for place, (_, text) in found if text is not None}

    def dependents(self) -> list[tuple[str, int, str]]:
        """Return (catalogue, number, name) of what outside could not be without the schema."""
        return [(str(row[0]), int(row[1]), str(row[2])) for row in self._rows(_DEPENDENTS)]

    def outside(self, thing: SchemaObject, schemas: Sequence[str]) -> list[str]:
        """Return what a view or trigger, made on trial, uses that is in none of some schemas.

        As ``pg_identify_object`` names it: ``"table shop.orders"``; empty if it may stay.

        Raises
        ------
        ConnectorError
            It is not in the schema itself: its definition named another place.
        """
        place = f"{quote(self.schema)}.{quote(thing.table or thing.name)}"
        values = {"relation": place, "name": thing.name, "trigger": bool(thing.table)}
        if self.ask(_THERE, values)[0][0] != max(len(thing.parts), bool(thing.table)):
            raise ConnectorError(f"The definition of {thing.name!r} names another schema.")
        values.update(schemas=list(schemas), reading=_READING)
        return [str(row[0]) for row in self.ask(_OUTSIDE, values)]

    def members(self) -> set[tuple[str, int]]:
        """Return (catalogue, number) of all that is in the schema."""
        rows = self._rows(f"{_INSIDE} SELECT classid::regclass::text, objid FROM inside")
        return {(str(row[0]), int(row[1])) for row in rows}

    def drop(self, made: Optional[frozenset[str]]) -> None:
        """Drop the schema in the open transaction, but nothing outside it that uses it.

        Raises
        ------
        ConnectorError
            It holds something whose key is not in `made` (None: that may be anything).
        psycopg2.Error
            Something outside depends on it, or it is locked.
        """
        if made is not None:
            foreign = [found.shown for found in self.contents() if found.key not in made]
            if foreign:
                raise ConnectorError(
                    f"The schema {self.schema!r} also holds {', '.join(foreign[:10])}."
                )
        self._each_kind("DROP {kind} {names} RESTRICT")
        self.ask(f"DROP SCHEMA {quote(self.schema)} RESTRICT")

    def move_to(self, schema: str) -> None:
        """Move all into another schema, which has none of the names, in the open transaction."""
        self._each_kind(f"ALTER {{kind}} {{name}} SET SCHEMA {quote(schema)}")

    def _each_kind(self, command: str) -> None:
        """Do something to all members, kind by kind, until none is left.

        What others need (a domain of a type, a view of a view) is refused at first: then the
        other kinds go before it, or what the server said first is raised.
        """
        while rows := self._rows(_MEMBERS):
            members: dict[str, list[str]] = {}
            for kind, name in rows:
                members.setdefault(kind, []).append(name)
            refusal: Optional[psycopg2.Error] = None
            for kind in sorted(members, key=lambda k: (_ORDER.index(k) if k in _ORDER else 9, k)):
                names = members[kind]
                word = _SYNTAX.get(kind, kind).upper()
                lists = [", ".join(names)] if "{names}" in command else names
                self.ask("SAVEPOINT kind")
                try:
                    for each in lists:
                        self.ask(command.format(kind=word, names=each, name=each))
                except psycopg2.OperationalError:  # a lock, or the connection
                    raise
                except psycopg2.DatabaseError as exc:
                    refusal = refusal or exc
                    self.ask("ROLLBACK TO SAVEPOINT kind")
                else:
                    break
            else:
                assert refusal is not None
                raise refusal
