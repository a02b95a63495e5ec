"""What a PostgreSQL schema holds, and what outside hangs on it: asked of all the catalogue.

Every object of a schema has a row in ``pg_depend`` that says so, whatever its kind, and so
has what belongs to it or uses it. No list of kinds can be forgotten here.
"""

from __future__ import annotations

from typing import Any

from synthohive.connectors.loaders.staged import Found

__all__ = ["contents", "dependents"]

# Members of the schema, and what belongs to them (indexes, constraints, triggers, policies,
# publications of a table …) unless it lives in another schema. Members of extensions are
# theirs; default privileges are no object. `hangs_on` tells what a part is a part of.
_INSIDE = """
WITH RECURSIVE place AS (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s),
inside (classid, objid, hangs_on, internal) AS (
    SELECT d.classid, d.objid, NULL::text, false FROM pg_depend d, place
    WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = place.oid
    AND d.classid <> 'pg_default_acl'::regclass AND NOT EXISTS (
        SELECT 1 FROM pg_depend e
        WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype = 'e')
    UNION
    SELECT d.classid, d.objid, i.classid::regclass || ':' || i.objid, d.deptype = 'i'
    FROM inside i, pg_depend d
    WHERE d.refclassid = i.classid AND d.refobjid = i.objid AND d.deptype IN ('a', 'i')
    AND NOT EXISTS (
        SELECT 1 FROM pg_depend o, place WHERE o.classid = d.classid AND o.objid = d.objid
        AND o.refclassid = 'pg_namespace'::regclass AND o.refobjid <> place.oid)
    AND NOT EXISTS (
        SELECT 1 FROM pg_class t
        WHERE d.classid = 'pg_class'::regclass AND t.oid = d.objid AND t.relkind = 't'))
"""

# An index is known by its name: REINDEX CONCURRENTLY gives it another number.
_CONTENTS = f"""{_INSIDE}
SELECT coalesce(
        (SELECT format('index %%s.%%s', x.indrelid, c.relname) FROM pg_index x
         JOIN pg_class c ON c.oid = x.indexrelid
         WHERE i.classid = 'pg_class'::regclass AND x.indexrelid = i.objid),
        i.classid::regclass || ':' || i.objid),
    i.hangs_on, o.type || ' ' || o.identity
FROM inside i, pg_identify_object(i.classid, i.objid, 0) o
WHERE NOT EXISTS (
    SELECT 1 FROM inside s WHERE s.classid = i.classid AND s.objid = i.objid AND s.internal)
UNION ALL
SELECT format('column %%s.%%s', a.attrelid, a.attnum), 'pg_class:' || a.attrelid,
    format('column %%I.%%I.%%I', %(schema)s::text, c.relname, a.attname)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN place ON place.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped AND EXISTS (
    SELECT 1 FROM inside i WHERE i.classid = 'pg_class'::regclass AND i.objid = c.oid)"""

_DEPENDENTS = f"""{_INSIDE}
SELECT DISTINCT d.classid::regclass::text, d.objid, o.type || ' ' || o.identity
FROM inside i JOIN pg_depend d ON d.refclassid = i.classid AND d.refobjid = i.objid
CROSS JOIN pg_identify_object(d.classid, d.objid, d.objsubid) o
WHERE d.deptype NOT IN ('i', 'e', 'x') AND NOT EXISTS (
    SELECT 1 FROM inside s WHERE s.classid = d.classid AND s.objid = d.objid)
ORDER BY 3"""


def contents(cursor: Any, schema: str) -> list[Found]:
    """Return what a schema holds, but parts of what is listed already only for known wholes.

    Parameters
    ----------
    cursor : psycopg2 cursor
    schema : str
    """
    cursor.execute(_CONTENTS, {"schema": schema})
    return list({key: Found(key, shown, hangs_on) for key, hangs_on, shown in cursor}.values())


def dependents(cursor: Any, schema: str) -> list[tuple[str, int, str]]:
    """Return (catalogue, number, name) of what outside a schema could not be without it."""
    cursor.execute(_DEPENDENTS, {"schema": schema})
    return [tuple(row) for row in cursor]
