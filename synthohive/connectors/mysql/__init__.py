"""MySQL and MariaDB: a schema is a database; written by LOAD DATA LOCAL into a staging one."""

from __future__ import annotations

from synthohive.connectors.capabilities import Capabilities

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

CAPABILITIES = Capabilities(
    "pymysql",
    "mysql",
    driver="pymysql",
    connect_args=(("local_infile", True),),
    variants=(("is_mariadb", "mariadb"),),
    not_cloned=_NOT_CLONED,
)
