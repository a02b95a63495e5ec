"""What a PostgreSQL schema has for its tables: collations, types, and functions that these call.

They are made in the order of dependence, so that the copy uses its own and not the source's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthohive.connectors.postgresql.spelling import literal
from synthohive.ddl.spelling import quote
from synthohive.ddl.statements import Statement

if TYPE_CHECKING:
    from synthohive.connectors.dialect import Catalogue

__all__ = ["Prepared", "prepared"]

_PLACE = "SELECT oid FROM pg_namespace WHERE nspname = :schema"
_NO_MEMBER = """NOT EXISTS (SELECT 1 FROM pg_depend e
    WHERE e.classid = '{0}'::regclass AND e.objid = {1}.oid AND e.deptype = 'e')"""

_COLLATIONS = f"""
SELECT l.collname, l.collprovider, to_jsonb(l) FROM pg_collation l
WHERE l.collnamespace = ({_PLACE}) AND {_NO_MEMBER.format("pg_collation", "l")} ORDER BY l.oid"""

_TYPES = f"""
SELECT t.oid, t.typname, t.typtype, t.typarray, format_type(t.typbasetype, t.typtypmod),
    t.typnotnull, t.typdefault,
    CASE WHEN t.typtype = 'd' AND bt.typcollation <> t.typcollation THEN
        quote_ident(l.collname) END,
    ARRAY(SELECT e.enumlabel::text FROM pg_enum e
          WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder),
    ARRAY(SELECT format('CONSTRAINT %I %s', o.conname, pg_get_constraintdef(o.oid))
          FROM pg_constraint o WHERE o.contypid = t.oid AND o.contype = 'c' ORDER BY o.conname),
    ARRAY(SELECT concat(quote_ident(a.attname), ' ', format_type(a.atttypid, a.atttypmod),
              (SELECT ' COLLATE ' || quote_ident(ac.collname) FROM pg_collation ac, pg_type at
               WHERE ac.oid = a.attcollation AND at.oid = a.atttypid AND ac.oid <> at.typcollation))
          FROM pg_attribute a WHERE a.attrelid = t.typrelid AND t.typtype = 'c' AND a.attnum > 0
              AND NOT a.attisdropped ORDER BY a.attnum),
    concat_ws(', ', 'SUBTYPE = ' || format_type(r.rngsubtype, NULL),
        'SUBTYPE_OPCLASS = ' || (SELECT quote_ident(opcname) FROM pg_opclass k
            WHERE k.oid = r.rngsubopc AND NOT k.opcdefault),
        'COLLATION = ' || (SELECT quote_ident(collname) FROM pg_collation k, pg_type s
            WHERE k.oid = r.rngcollation AND s.oid = r.rngsubtype AND k.oid <> s.typcollation),
        'SUBTYPE_DIFF = ' || nullif(r.rngsubdiff, 0)::regproc),
    (to_jsonb(r) ->> 'rngmultitypid')::oid,
    (SELECT m.typname FROM pg_type m WHERE m.oid = (to_jsonb(r) ->> 'rngmultitypid')::oid),
    (SELECT m.typarray FROM pg_type m WHERE m.oid = (to_jsonb(r) ->> 'rngmultitypid')::oid)
FROM pg_type t LEFT JOIN pg_type bt ON bt.oid = t.typbasetype
LEFT JOIN pg_collation l ON l.oid = t.typcollation LEFT JOIN pg_range r ON r.rngtypid = t.oid
WHERE t.typnamespace = ({_PLACE}) AND {_NO_MEMBER.format("pg_type", "t")}
    AND (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND EXISTS (
        SELECT 1 FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
ORDER BY t.oid"""

# Those that are bound to a table (BEGIN ATOMIC, rows as arguments) would use the source's.
_FUNCTIONS = f"""
SELECT p.oid, p.proname, pg_get_functiondef(p.oid), format('%I.%I(', n.nspname, p.proname),
    p.prosrc
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE n.nspname = :schema AND p.prokind = 'f' AND l.lanname IN ('sql', 'plpgsql')
    AND {_NO_MEMBER.format("pg_proc", "p")} AND NOT EXISTS (
        SELECT 1 FROM pg_depend d LEFT JOIN pg_type t
            ON d.refclassid = 'pg_type'::regclass AND t.oid = d.refobjid
        LEFT JOIN pg_class c ON c.oid = coalesce(nullif(t.typrelid, 0), d.refobjid)
            AND (t.oid IS NOT NULL OR d.refclassid = 'pg_class'::regclass)
        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND c.relkind <> 'c')
ORDER BY p.oid"""

_CALLED = f"""
SELECT d.refobjid FROM pg_depend d WHERE d.refclassid = 'pg_proc'::regclass AND (
    d.classid = 'pg_attrdef'::regclass AND d.objid IN (
        SELECT f.oid FROM pg_attrdef f JOIN pg_class c ON c.oid = f.adrelid
        WHERE c.relnamespace = ({_PLACE}) AND c.relkind IN ('r', 'p'))
    OR d.classid = 'pg_constraint'::regclass AND d.objid IN (
        SELECT o.oid FROM pg_constraint o WHERE o.connamespace = ({_PLACE}))
    OR d.classid = 'pg_class'::regclass AND d.objid IN (
        SELECT c.oid FROM pg_class c
        WHERE c.relnamespace = ({_PLACE}) AND c.relkind IN ('r', 'p', 'i', 'I'))
    OR d.classid = 'pg_type'::regclass AND d.objid IN (
        SELECT t.oid FROM pg_type t WHERE t.typnamespace = ({_PLACE})))"""

_EDGES = """
SELECT coalesce(c.reltype, o.contypid, d.objid), d.classid = 'pg_proc'::regclass,
    d.refobjid, d.refclassid = 'pg_proc'::regclass
FROM pg_depend d
LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid AND c.relkind = 'c'
LEFT JOIN pg_constraint o ON d.classid = 'pg_constraint'::regclass AND o.oid = d.objid
    AND o.contypid <> 0
WHERE d.refclassid IN ('pg_type'::regclass, 'pg_proc'::regclass) AND (c.oid IS NOT NULL
    OR o.oid IS NOT NULL OR d.classid IN ('pg_type'::regclass, 'pg_proc'::regclass))"""

_Key = tuple[str, int]


@dataclass(frozen=True)
class Prepared:
    """What tables of a schema need before they are made.

    Attributes
    ----------
    setup : tuple of Statement
    brought : tuple of (str, str)
        Kind, as a summary names it, and name of what is no type among them.
    """

    setup: tuple[Statement, ...]
    brought: tuple[tuple[str, str], ...]


def prepared(catalogue: Catalogue, schema: str) -> Prepared:
    """Return what makes the collations, the types and the called functions of a schema.

    The schema is first on the search path, so that its own names come out bare. A
    function whose text names the schema stays where it is: it may use the tables there.
    """

    def ask(sql: str) -> list[Any]:
        return catalogue.rows(sql, schema=schema)

    collations = [(row[0], _collation(row)) for row in ask(_COLLATIONS)]
    types = ask(_TYPES)
    made = {("type", row[0]): _type(row) for row in types}
    alias = {oid: row[0] for row in types for oid in (row[3], row[-3], row[-1]) if oid}
    bodies: dict[str, list[tuple[_Key, str]]] = defaultdict(list)
    for oid, name, definition, head, body in ask(_FUNCTIONS):
        text = definition.replace(head, f"{quote(name)}(", 1)
        if re.search(rf"(?<!\w){re.escape(schema)}(?!\w)", text.replace(quote(name), "", 1)):
            continue
        key = ("function", oid)
        made[key] = Statement(text, "", f"function {name!r}")
        bodies[name].append((key, body))
    needs: dict[_Key, list[_Key]] = defaultdict(list)
    for user, calls, used, called in ask(_EDGES):
        needs["function" if calls else "type", user].append(
            ("function", used) if called else ("type", alias.get(used, used))
        )
    for key, body in [pair for pairs in bodies.values() for pair in pairs]:
        words = set(re.findall(r"\w+", body))
        needs[key] += [k for name in words & bodies.keys() for k, _ in bodies[name]]
    wanted = [("type", row[0]) for row in types] + [("function", row[0]) for row in ask(_CALLED)]
    ordered = list(_in_order(wanted, needs, made))
    names = {key: name for name, pairs in bodies.items() for key, _ in pairs}
    functions = [names[key] for key in ordered if key in names]
    return Prepared(
        (*(statement for _, statement in collations), *(made[key] for key in ordered)),
        (
            *(("collations", name) for name, _ in collations),
            *(("functions and procedures", name) for name in functions),
        ),
    )


def _in_order(
    wanted: Sequence[_Key], needs: Mapping[_Key, Sequence[_Key]], made: Mapping[_Key, Any]
) -> Iterator[_Key]:
    """Yield what is wanted and all that it needs, each after what it needs."""
    seen: set[_Key] = set()
    waiting = [(key, False) for key in reversed(wanted)]
    while waiting:
        key, ready = waiting.pop()
        if ready:
            yield key
        elif key in made and key not in seen:
            seen.add(key)
            waiting.append((key, True))
            waiting += [(other, False) for other in sorted(needs.get(key, ()), reverse=True)]


def _collation(row: Any) -> Statement:
    name, provider, facts = row
    parts = [f"PROVIDER = {'icu' if provider == 'i' else 'libc'}"]
    locale = facts.get("colllocale") or facts.get("colliculocale")
    given = {
        "LOCALE": locale,
        "LC_COLLATE": None if locale else facts.get("collcollate"),
        "LC_CTYPE": None if locale else facts.get("collctype"),
        "RULES": facts.get("collicurules"),
    }
    parts += [f"{word} = {literal(value)}" for word, value in given.items() if value]
    parts += [] if facts.get("collisdeterministic", True) else ["DETERMINISTIC = false"]
    sql = f"CREATE COLLATION {quote(name)} ({', '.join(parts)})"
    return Statement(sql, "", f"collation {name!r}")


def _type(row: Any) -> Statement:
    (_, name, kind, _, base, not_null, default, collation, labels, checks, fields, subtype,
     _, multirange, _) = row  # fmt: skip
    if kind == "d":
        parts = [f"CREATE DOMAIN {quote(name)} AS {base}"]
        parts += [f"COLLATE {collation}"] if collation is not None else []
        parts += [f"DEFAULT {default}"] if default is not None else []
        parts += ["NOT NULL"] if not_null else []
        return Statement(" ".join([*parts, *checks]), "", f"domain {name!r}")
    if kind == "e":
        content = f"AS ENUM ({', '.join(literal(value) for value in labels)})"
    elif kind == "c":
        content = f"AS ({', '.join(fields)})"
    else:
        more = f", MULTIRANGE_TYPE_NAME = {quote(multirange)}" if multirange else ""
        content = f"AS RANGE ({subtype}{more})"
    return Statement(f"CREATE TYPE {quote(name)} {content}", "", f"type {name!r}")
