"""PostgreSQL as a stand-in for Redshift: its wire, its catalogue, and what Redshift adds to both.

What Redshift has and PostgreSQL lacks is made of PostgreSQL's own: the SVV views over
``pg_catalog``, SUPER and VARBYTE as domains, the functions that the connector calls. A cursor takes
from DDL what only lays out rows on Redshift's nodes, and rewrites what is spelled otherwise;
nothing else is changed. PostgreSQL checks keys and Redshift does not: whatever is proved here, is
proved before any key is declared.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Union

import psycopg2.extensions
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import URL, make_url

_LAYOUT = (
    (r" ENCODE \w+", ""),
    (r" DISTSTYLE \w+", ""),
    (r" DISTKEY\([^)]*\)", ""),
    (r" (?:COMPOUND|INTERLEAVED) SORTKEY\([^)]*\)", ""),
    (r"\bAS IDENTITY\((-?\d+), (-?\d+)\)", r"AS IDENTITY (START WITH \1 INCREMENT BY \2)"),
    (r"^SET enable_case_sensitive_identifier TO true$", "SELECT 1"),
    (r"^SELECT CURRENT_NAMESPACE$", "SELECT 'stand-in'"),
    (r"\bVARBYTE\(\d+\)", "VARBYTE"),
)
_MADE = r"""
SET allow_system_table_mods = on;
CREATE DOMAIN pg_catalog.super AS jsonb;
CREATE DOMAIN pg_catalog.varbyte AS bytea;
CREATE FUNCTION pg_catalog.json_parse(text) RETURNS super LANGUAGE sql IMMUTABLE
    AS 'SELECT $1::jsonb::super';
CREATE FUNCTION pg_catalog.json_serialize(super) RETURNS text LANGUAGE sql IMMUTABLE
    AS 'SELECT $1::jsonb::text';
CREATE FUNCTION pg_catalog.from_hex(text) RETURNS varbyte LANGUAGE sql IMMUTABLE
    AS $$SELECT decode($1, 'hex')::varbyte$$;
CREATE FUNCTION pg_catalog.to_hex(varbyte) RETURNS text LANGUAGE sql IMMUTABLE
    AS $$SELECT encode($1::bytea, 'hex')$$;
CREATE FUNCTION pg_catalog.fnv_hash(anyelement) RETURNS bigint LANGUAGE sql IMMUTABLE
    AS 'SELECT hashtextextended($1::text, 0)';
CREATE FUNCTION pg_catalog.strtol(text, integer) RETURNS bigint LANGUAGE sql IMMUTABLE
    AS $$SELECT ('x' || lpad($1, 16, '0'))::bit(64)::bigint$$;
CREATE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql STABLE
    AS $$SELECT now() AT TIME ZONE 'UTC'$$;
CREATE VIEW pg_catalog.pg_class_info AS SELECT c.*, 1 AS releffectivediststyle FROM pg_class c;
CREATE VIEW pg_catalog.svv_redshift_tables AS
SELECT current_database()::text AS database_name, n.nspname::text AS schema_name,
    c.relname::text AS table_name,
    CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END AS table_type,
    obj_description(c.oid, 'pg_class') AS remarks
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v');
CREATE VIEW pg_catalog.svv_redshift_columns AS
SELECT current_database()::text AS database_name, n.nspname::text AS schema_name,
    c.relname::text AS table_name, a.attname::text AS column_name, a.attnum AS ordinal_position,
    format_type(a.atttypid, a.atttypmod) AS data_type,
    CASE WHEN a.attidentity <> '' THEN '"identity"(1, 0, ''1,1''::text)'
        ELSE pg_get_expr(d.adbin, d.adrelid) END AS column_default,
    CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END AS is_nullable, 'none' AS encoding,
    false AS distkey, 0 AS sortkey, col_description(c.oid, a.attnum) AS remarks
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n
ON n.oid = c.relnamespace LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v');
GRANT SELECT ON pg_catalog.pg_class_info, pg_catalog.svv_redshift_tables,
    pg_catalog.svv_redshift_columns TO PUBLIC;
"""


def rewritten(sql: Any) -> Any:
    """Return a statement of Redshift's as the stand-in takes it."""
    if isinstance(sql, str):
        for pattern, words in _LAYOUT:
            sql = re.sub(pattern, words, sql)
    return sql


class StandInCursor(psycopg2.extensions.cursor):
    """A cursor on the stand-in; see the module."""

    def execute(self, query: Any, vars: Any = None) -> None:
        """Run a statement of Redshift's."""
        super().execute(rewritten(query), vars)


@contextmanager
def engine_of(url: str) -> Iterator[Engine]:
    """Give an engine on a database of its own, by the URL of a superuser of PostgreSQL."""
    name = f"redshift_{secrets.token_hex(4)}"
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(
            text(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' "
                 "LC_CTYPE 'C'")
        )  # fmt: skip
        # As in Redshift, a backslash escapes.
        connection.execute(text(f"ALTER DATABASE {name} SET standard_conforming_strings TO off"))
        connection.execute(text(f"ALTER DATABASE {name} SET escape_string_warning TO off"))
    made = make_url(url).set(database=name)
    plain = create_engine(made)
    with plain.begin() as connection:
        connection.exec_driver_sql(_MADE)
    plain.dispose()
    place = made.set(drivername="redshift+psycopg2").update_query_dict({"sslmode": "disable"})
    try:
        with opened(place) as engine:
            yield engine
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


@contextmanager
def opened(url: Union[str, URL]) -> Iterator[Engine]:
    """Give an engine on such a database."""
    engine = create_engine(url, connect_args={"cursor_factory": StandInCursor})
    yield engine
    engine.dispose()
