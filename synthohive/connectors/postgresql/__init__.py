"""PostgreSQL: read by COPY, written by COPY into a staging schema."""

from __future__ import annotations

from synthohive.connectors.capabilities import Capabilities

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

CAPABILITIES = Capabilities("psycopg2", "postgres", driver="psycopg2", not_cloned=_NOT_CLONED)
