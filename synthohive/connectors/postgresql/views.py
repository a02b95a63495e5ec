"""Views, materialised views and triggers of a PostgreSQL source, as its catalogue has them now.

Whether one can be made in a copy, and uses nothing but the copy there, is for the writer to
prove; only triggers are judged here, since what a trigger's text does shows when it fires.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any, Optional

from synthohive.connectors.postgresql.ddl import enter
from synthohive.connectors.postgresql.spelling import literal
from synthohive.ddl.spelling import quote
from synthohive.ddl.statements import SchemaObject
from synthohive.ddl.vetted_functions import FUNCTIONS

__all__ = ["objects", "outside_word"]

_VIEWS = """
SELECT c.relkind, c.relname, pg_get_viewdef(c.oid), array_to_string(c.reloptions, ', '),
    c.relispopulated, obj_description(c.oid, 'pg_class'),
    ARRAY(SELECT pg_get_indexdef(i.indexrelid, 0, true) FROM pg_index i WHERE i.indrelid = c.oid
          ORDER BY i.indexrelid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = :schema AND c.relkind IN ('v', 'm') AND NOT EXISTS (
    SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
    AND d.deptype = 'e') ORDER BY c.oid"""

_TRIGGERS = """
SELECT c.relname, t.tgname, pg_get_triggerdef(t.oid, true), t.tgenabled, p.proname,
    pn.nspname = 'pg_catalog' OR EXISTS (
        SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
        AND d.deptype = 'e'),
    l.lanname, p.prosrc, p.prosecdef OR p.proconfig IS NOT NULL
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace pn ON pn.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
WHERE n.nspname = :schema AND NOT t.tgisinternal
    AND coalesce((to_jsonb(t) ->> 'tgparentid')::oid, 0) = 0 ORDER BY t.oid"""
_ENABLED = {"D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}
_OWN_ROW = ("tsvector_update_trigger", "tsvector_update_trigger_column",
            "suppress_redundant_updates_trigger", "moddatetime")  # fmt: skip
"""Trigger functions that come with PostgreSQL and see nothing but the row."""

_WORD = re.compile(
    r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|:=|::|\.|\w+|\s+|.""", re.DOTALL
)
_STATEMENTS = frozenset(
    """
    at begin end if then else elsif return null new old and or not is distinct from true false in
    like ilike case when raise exception notice warning tg_op tg_when tg_level
    date time timestamp timestamptz with without zone text varchar character varying char integer
    int bigint smallint numeric decimal boolean uuid interval tsvector regconfig double precision
    setweight to_tsvector
    """.split()
)
"""Words that read and write nothing but the row that a trigger fires for, beside functions."""


def outside_word(body: str) -> Optional[str]:
    """Return the first word of a trigger's text that may do more than change its own row.

    A word is harmless if it is a column of ``NEW`` or ``OLD``, a condition, an assignment, or a
    function that reads nothing but its arguments and the clock.

    Examples
    --------
    >>> outside_word("BEGIN NEW.changed := now(); RETURN NEW; END")
    >>> outside_word("BEGIN NEW.n := count(*) FROM shop.customers; RETURN NEW; END")
    'count'
    """
    words = [w[0] for w in _WORD.finditer(body) if not w[0].isspace()]
    words = [w for w in words if not w.startswith(("--", "/*", "'"))]
    for number, word in enumerate(words):
        before, after = ([None, *words, None][number + i] for i in (0, 2))
        plain = word.lower()
        if before == "." and number > 1 and words[number - 2].lower() in ("new", "old"):
            continue
        if not (word[0].isalpha() or word[0] in '_"$'):
            continue
        if word[0].isalpha() and after == "." and plain not in ("new", "old"):
            return word
        if plain == "from" and str(before).lower() != "distinct":
            return word
        if plain not in _STATEMENTS and not (plain in FUNCTIONS and _is_call(plain, after)):
            return word
    return None


def _is_call(word: str, after: Optional[str]) -> bool:
    return after == "(" or word.startswith(("current_", "local"))


def objects(
    catalogue: Any, schema: str, tables: Collection[str], beside: Sequence[str]
) -> list[SchemaObject]:
    """See the base class of the catalogue."""
    enter(catalogue, schema, beside)
    views = [_view(row) for row in catalogue.rows(_VIEWS, schema=schema)]
    known = {*tables, *(view.name for view in views)}
    rows = catalogue.rows(_TRIGGERS, schema=schema)
    return views + [_trigger(row) for row in rows if row[0] in known]


def _view(row: Any) -> SchemaObject:
    kind, name, definition, options, filled, comment, indexes = row
    what = "VIEW" if kind == "v" else "MATERIALIZED VIEW"
    given = f" WITH ({options})" if options else ""
    sql = f"CREATE {what} {quote(name)}{given} AS {str(definition).strip().rstrip(';')}"
    said = f"COMMENT ON {what} {quote(name)} IS {literal(comment)}" if comment else ""
    if kind == "v":
        return SchemaObject("views", name, sql, comment=said)
    fill = (f"REFRESH MATERIALIZED VIEW {quote(name)}",) if filled else ()
    sql = f"{sql} WITH NO DATA"
    return SchemaObject(
        "materialised views", name, sql, parts=tuple(indexes), then=fill, comment=said
    )


def _trigger(row: Any) -> SchemaObject:
    table, name, definition, enabled, function, comes_along, language, body, special = row
    kind = "triggers"
    change = _ENABLED.get(enabled)
    then = (f"ALTER TABLE {quote(table)} {change} TRIGGER {quote(name)}",) if change else ()
    if comes_along:
        why = "" if function in _OWN_ROW else f"its function {function} may use other tables"
        return SchemaObject(kind, name, definition, then=then, table=table, refused=why)
    word = outside_word(body) if language == "plpgsql" else f"LANGUAGE {language}"
    word = "SECURITY DEFINER, or SET" if special else word
    if word is not None:
        why = f"its function {function} may use more than the row that it fires for: {word}"
        return SchemaObject(kind, name, table=table, refused=why)
    head, execute, called = str(definition).rpartition(" EXECUTE FUNCTION ")
    arguments = called.partition("(")[2]
    return SchemaObject(
        kind, name, f"{head}{execute}{quote(function)}({arguments}", then=then, table=table,
        before=(
            f"CREATE OR REPLACE FUNCTION {quote(function)}() RETURNS trigger LANGUAGE plpgsql "
            f"AS {literal(body)}",
        ),
        function=function,
    )  # fmt: skip
