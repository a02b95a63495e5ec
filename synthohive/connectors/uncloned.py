"""What a source holds beside its tables, and a copy does not have."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection

__all__ = ["not_cloned"]

_POSTGRESQL = """
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

_MYSQL = """
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
ORDER BY 1, 2""".replace("{me}", "CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')")

_QUERIES = {
    "postgresql": _POSTGRESQL,
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "sqlite": "SELECT type || 's', name, CASE type WHEN 'trigger' THEN tbl_name END "
    "FROM sqlite_master WHERE type IN ('view', 'trigger') AND :schema = 'main' "
    "UNION ALL SELECT 'virtual tables', name, NULL FROM sqlite_master "
    "WHERE sql LIKE 'CREATE VIRTUAL TABLE%' AND :schema = 'main' ORDER BY 1, 2",
    "duckdb": "SELECT 'views', view_name, NULL FROM duckdb_views() "
    "WHERE schema_name = :schema AND NOT internal ORDER BY 2",
}


def not_cloned(
    connection: Connection, schema: str, tables: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Return the names of what is not cloned, by kind; of tables, only those that were learned.

    Views, triggers, functions, policies and grants. A kind whose names are those of tables
    (``"grants"``) is a property of these.
    """
    query = _QUERIES.get(connection.dialect.name)
    found: dict[str, list[str]] = {}
    rows: Any = [] if query is None else connection.execute(text(query), {"schema": schema})
    for kind, name, table in rows:
        if table is None or table in tables:
            found.setdefault(str(kind), []).append(str(name))
    return {kind: tuple(dict.fromkeys(names)) for kind, names in found.items()}
