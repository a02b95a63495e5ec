"""A schema made from its description alone, all texts parsed and written anew, is the source's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from synthohive.connectors.reflection import reflect
from synthohive.connectors.schema_ddl import build_ddl

POSTGRESQL = """
CREATE TYPE mood AS ENUM ('sad', 'it''s \\ok', 'Ünï');
CREATE TABLE kinds (
    id integer PRIMARY KEY, low smallint DEFAULT 7, big bigint, exact numeric(30, 10), wide numeric,
    part real, whole double precision, yes boolean DEFAULT true, feeling mood DEFAULT 'sad',
    day date DEFAULT CURRENT_DATE, clock time(3), zoned timetz, local timestamp(3),
    instant timestamptz DEFAULT CURRENT_TIMESTAMP, span interval, years interval year to month,
    key uuid DEFAULT gen_random_uuid(), doc jsonb DEFAULT '{"a": "it''s"}', ints integer[],
    words text[] DEFAULT ARRAY['a', 'b'], bytes bytea, bits bit varying(5),
    code char(5), name varchar(20) COLLATE "C" NOT NULL DEFAULT 'x''y', path text DEFAULT 'a\\b',
    twice integer GENERATED ALWAYS AS (low * 2) STORED, addr inet, "Odd, name" integer,
    CONSTRAINT c01 CHECK (low < 100 AND name <> ''),
    CONSTRAINT c02 CHECK (name IN ('a', 'x''y', 'c\\d')),
    CONSTRAINT c03 CHECK (low BETWEEN 1 AND 10 OR low IS NULL),
    CONSTRAINT c04 CHECK (path ~ '^[a-z\\\\]+$'),
    CONSTRAINT c05 CHECK (date_part('year', day) > 1900),
    CONSTRAINT c06 CHECK (EXTRACT(month FROM instant) <= 12),
    CONSTRAINT c07 CHECK (CASE WHEN yes THEN low > 0 ELSE big > 0 END),
    CONSTRAINT c08 CHECK (num_nonnulls(low, big) >= 1),
    CONSTRAINT c09 CHECK (feeling <> 'sad' OR low > 2),
    CONSTRAINT c10 CHECK (length(name) > 1 AND length(trim(both from path)) > 0),
    CONSTRAINT c11 CHECK (day >= (CURRENT_DATE - interval '100 years')),
    CONSTRAINT c12 CHECK (doc ? 'a' IS NOT NULL AND (doc ->> 'a') IS NOT NULL),
    CONSTRAINT c13 CHECK ("Odd, name" % 2 = 0),
    CONSTRAINT c14 CHECK (low IS DISTINCT FROM 5),
    CONSTRAINT c15 CHECK (lower(name) = name AND name LIKE 'x%' AND name NOT LIKE '%z'),
    CONSTRAINT c16 CHECK (big = ALL (ARRAY[1, 2]) OR big > low::bigint),
    CONSTRAINT c17 CHECK (exact >= 0.5 AND -exact < 1e6),
    CONSTRAINT c18 CHECK (abs(exact) = greatest(exact, 0) AND coalesce(low, 0) >= 0),
    CONSTRAINT c19 CHECK (name COLLATE "C" > 'A'),
    CONSTRAINT c20 CHECK (cardinality(ints) < 5 AND array_length(ints, 1) > 0)
);
CREATE INDEX i1 ON kinds (lower(name) text_pattern_ops) WHERE low > 3;
CREATE UNIQUE INDEX i2 ON kinds USING btree (key) INCLUDE (day, "Odd, name");
CREATE INDEX i3 ON kinds USING gin (doc jsonb_path_ops);
CREATE INDEX i4 ON kinds (big DESC NULLS LAST, (low + 1));
CREATE TABLE other (
    id integer PRIMARY KEY, kind integer REFERENCES kinds ON DELETE SET NULL ON UPDATE CASCADE
);
"""
POSTGRESQL_FACTS = """
SELECT c.relname || '.' || o.conname, pg_get_constraintdef(o.oid) FROM pg_constraint o
JOIN pg_class c ON c.oid = o.conrelid WHERE o.connamespace = '{0}'::regnamespace
AND o.contype <> 'n'
UNION ALL SELECT relname, pg_get_indexdef(i.oid, 0, true) FROM pg_class i
WHERE i.relnamespace = '{0}'::regnamespace AND i.relkind = 'i'
UNION ALL SELECT c.relname || '.' || attname, concat_ws(' ', format_type(atttypid, atttypmod),
    attnotnull, attgenerated, pg_get_expr(adbin, adrelid),
    (SELECT collname FROM pg_collation l WHERE l.oid = attcollation))
FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid AND relkind = 'r'
LEFT JOIN pg_attrdef d ON adrelid = attrelid AND adnum = attnum
WHERE relnamespace = '{0}'::regnamespace AND attnum > 0
UNION ALL SELECT 'enum', string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum
JOIN pg_type t ON t.oid = enumtypid WHERE typnamespace = '{0}'::regnamespace"""

MYSQL = """
CREATE TABLE kinds (
    id int PRIMARY KEY, tiny tinyint unsigned DEFAULT 7, big bigint unsigned, exact decimal(30, 10),
    part float, whole double, day date, clock time(3), at datetime(6) DEFAULT CURRENT_TIMESTAMP(6),
    changed timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
    state enum('new', 'it''s', 'back\\\\slash') DEFAULT 'new', flags set('a', 'b'), doc json,
    code char(5), name varchar(20) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL DEFAULT 'x''y',
    path varchar(30) DEFAULT 'a\\\\b', bytes varbinary(16), y year,
    twice int GENERATED ALWAYS AS (tiny * 2) STORED, `Odd, name` int COMMENT 'it''s \\\\ odd',
    CONSTRAINT c01 CHECK (tiny < 100 AND name <> ''),
    CONSTRAINT c02 CHECK (path IN ('a', 'x''y', 'c\\\\d')),
    CONSTRAINT c03 CHECK (tiny BETWEEN 1 AND 10 OR tiny IS NULL),
    CONSTRAINT c04 CHECK (year(day) > 1900 AND char_length(name) > 1),
    CONSTRAINT c05 CHECK (CASE WHEN tiny > 3 THEN big ELSE tiny END > 0),
    CONSTRAINT c06 CHECK (`Odd, name` % 2 = 0),
    CONSTRAINT c07 CHECK (path REGEXP '^[a-z]+$' AND lower(path) LIKE 'x%'),
    CONSTRAINT c08 CHECK (coalesce(tiny, 0) >= 0 AND exact > -1.5)
);
CREATE INDEX i1 ON kinds (path(10), big DESC);
CREATE UNIQUE INDEX i2 ON kinds (code);
CREATE FULLTEXT INDEX i3 ON kinds (path);
CREATE TABLE other (id int PRIMARY KEY, kind int,
    CONSTRAINT o1 FOREIGN KEY (kind) REFERENCES kinds (id) ON DELETE SET NULL ON UPDATE CASCADE)
"""

SQLITE = """
CREATE TABLE kinds (
    id INTEGER PRIMARY KEY, low SMALLINT DEFAULT 7, exact DECIMAL(30, 10), name VARCHAR(20) NOT NULL
    DEFAULT 'x''y', path TEXT DEFAULT 'a\\b', day DATE DEFAULT CURRENT_DATE, "Odd, name" INTEGER,
    twice INTEGER GENERATED ALWAYS AS (low * 2) STORED,
    CONSTRAINT c01 CHECK (low < 100 AND name <> ''),
    CONSTRAINT c02 CHECK (name IN ('a', 'x''y', 'c\\d')),
    CONSTRAINT c03 CHECK (length(name) > 1 AND name GLOB 'x*'),
    CONSTRAINT c04 CHECK (typeof(low) = 'integer' OR low IS NULL),
    CONSTRAINT c05 CHECK ("Odd, name" % 2 = 0)
);
CREATE INDEX i1 ON kinds (lower(name)) WHERE low > 3;
CREATE UNIQUE INDEX i2 ON kinds (path DESC);
"""

DUCKDB = """
CREATE TABLE kinds (
    id INTEGER PRIMARY KEY, low SMALLINT DEFAULT 7, exact DECIMAL(30, 10),
    name VARCHAR NOT NULL DEFAULT 'x''y', path VARCHAR DEFAULT 'a\\b', made TIMESTAMP DEFAULT now(),
    state ENUM('new', 'it''s'), place STRUCT(a INTEGER, "odd, b" VARCHAR[]),
    m MAP(VARCHAR, INTEGER), ints INTEGER[], three INTEGER[3], key UUID DEFAULT uuid(),
    zoned TIMESTAMP WITH TIME ZONE, huge HUGEINT, "Odd, name" INTEGER,
    CHECK (low < 100 AND name <> ''), CHECK (name IN ('a', 'x''y', 'c\\d')),
    CHECK (length(name) > 1), CHECK ("Odd, name" % 2 = 0), CHECK (year(made) > 1900)
);
CREATE INDEX i1 ON kinds (lower(name));
CREATE UNIQUE INDEX i2 ON kinds (path);
"""


def remake(engine: Engine, schema: Any, before: str = "") -> None:
    """Reflect a schema, drop its tables, and make them again from the description."""
    metadata = reflect(engine, schema)
    ddl = build_ddl(metadata, engine.dialect)
    quote = engine.dialect.identifier_preparer.quote_identifier
    with engine.begin() as connection:
        for name in reversed(list(metadata.tables)):
            connection.exec_driver_sql(f"DROP TABLE {quote(name)}")
        if before:
            connection.exec_driver_sql(before)
        plain = connection.execution_options(no_parameters=True)
        made = [s for statements in ddl.tables.values() for s in statements]
        for statement in (*ddl.setup, *made, *ddl.after, *ddl.keys):
            plain.exec_driver_sql(statement.sql)


def run(engine: Engine, script: str) -> None:
    with engine.begin() as connection:
        plain = connection.execution_options(no_parameters=True)
        for statement in re.split(r";\n", script):
            if statement.strip():
                plain.exec_driver_sql(statement)


@pytest.mark.integration
def test_postgresql(postgres_url: str, postgres_schema: str) -> None:
    options = {"options": f"-csearch_path={postgres_schema}"}
    engine = sa.create_engine(postgres_url, connect_args=options)
    run(engine, POSTGRESQL)
    query = POSTGRESQL_FACTS.format(postgres_schema) + " ORDER BY 1, 2"

    def facts() -> list[Any]:
        """Return what the catalogue says, less casts that PostgreSQL itself puts elsewhere."""
        with engine.connect() as connection:
            rows = connection.exec_driver_sql(query.replace("%", "%%"))
            return [
                (name, re.sub(r"::(character varying|text)|[()]|\[\]", "", d)) for name, d in rows
            ]

    before = facts()
    remake(engine, postgres_schema, "DROP TYPE mood")
    after = facts()
    engine.dispose()
    assert len(before) == 60
    assert after == before


def mysql_facts(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return [
            str(connection.exec_driver_sql(f"SHOW CREATE TABLE {name}").one()[1])
            for name in ("kinds", "other")
        ]


@pytest.mark.integration
@pytest.mark.parametrize("server", ["mysql", "mariadb"])
def test_mysql(request: pytest.FixtureRequest, server: str) -> None:
    url = sa.make_url(request.getfixturevalue(f"{server}_url"))
    engine = sa.create_engine(url.set(database=request.getfixturevalue(f"{server}_database")))
    run(engine, MYSQL)
    before = mysql_facts(engine)
    remake(engine, None)
    after = mysql_facts(engine)
    engine.dispose()
    assert after == before


def test_sqlite(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    run(engine, SQLITE)

    def facts() -> list[Any]:
        inspector = sa.inspect(engine)
        columns = [
            (c["name"], str(c["type"]), c["nullable"], c["default"], "computed" in c)
            for c in inspector.get_columns("kinds")
        ]
        checks = {c["name"] for c in inspector.get_check_constraints("kinds")}
        with engine.connect() as connection:
            query = (
                "SELECT name, lower(sql) LIKE '%unique%' FROM sqlite_master WHERE type = 'index'"
            )
            indexes = sorted(map(tuple, connection.exec_driver_sql(query)))
        return [columns, checks, indexes]

    before = facts()
    remake(engine, None)
    after = facts()
    engine.dispose()
    assert after == before
    assert len(before[1]) == 5


def test_duckdb(tmp_path: Path) -> None:
    pytest.importorskip("duckdb_sqlalchemy")
    engine = sa.create_engine(f"duckdb:///{tmp_path / 'a.duckdb'}")
    run(engine, DUCKDB)
    query = (
        "SELECT column_name, data_type, is_nullable, column_default FROM duckdb_columns() "
        "WHERE table_name = 'kinds' ORDER BY column_index"
    )
    other = "SELECT index_name, is_unique FROM duckdb_indexes() ORDER BY 1"
    checks = "SELECT expression FROM duckdb_constraints() WHERE constraint_type = 'CHECK'"

    def facts() -> list[Any]:
        with engine.connect() as connection:
            return [list(connection.exec_driver_sql(q)) for q in (query, other, checks)]

    before = facts()
    remake(engine, "main")
    after = facts()
    engine.dispose()
    assert after == before
