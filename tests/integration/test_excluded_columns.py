"""Columns of types that are not read block nothing: they are left out, and the copy has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from synthohive import SchemaValidationError, Synthesizer
from tests.events import captured_events

POSTGRESQL = """
CREATE TYPE {s}.pair AS (a integer, b text);
CREATE TABLE {s}.film (
    id integer PRIMARY KEY, v integer, title text,
    search tsvector GENERATED ALWAYS AS (to_tsvector('english', coalesce(title, ''))) STORED,
    odd txid_snapshot DEFAULT '10:20:', both_ {s}.pair, level integer NOT NULL DEFAULT 3,
    made uuid NOT NULL DEFAULT gen_random_uuid());
CREATE INDEX film_search ON {s}.film USING gin (search);
CREATE UNIQUE INDEX film_made ON {s}.film (made);
INSERT INTO {s}.film (id, v, title, both_)
SELECT g, g % 4, 'some title ' || g % 5, (g, 'x')::{s}.pair FROM generate_series(1, 60) g;
"""


def fitted(engine: Engine, schema: str, *excluded: str) -> tuple[Synthesizer, list[str]]:
    with captured_events() as logs:
        synth = Synthesizer.from_database(engine.url, schema=schema)
    synth.metadata.exclude(*excluded)
    synth.fit(epochs=1, seed=1, progress=False, n_jobs=1)
    told: list[list[str]] = [e["columns"] for e in logs if e["event"] == "columns_excluded"]
    assert len(told) <= 1
    return synth, [column for columns in told for column in columns]


def ask(engine: Engine, sql: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(sa.text(sql)).all())


def test_postgresql(postgres_engine: Engine, postgres_schema: str) -> None:
    with postgres_engine.begin() as connection:
        connection.execute(sa.text(POSTGRESQL.format(s=postgres_schema)))
    synth, told = fitted(postgres_engine, postgres_schema, "film.level", "film.made")
    assert told == ["film.odd (txid_snapshot)"]
    synth.to_database(schema=f"{postgres_schema}_syn", seed=2)
    rows = ask(
        postgres_engine,
        "SELECT count(*), min(level), max(level), count(DISTINCT made), count(search), "
        f"count(*) FILTER (WHERE (both_).b = 'x' AND (both_).a BETWEEN 1 AND 60) "
        f"FROM {postgres_schema}_syn.film",
    )
    assert tuple(rows[0]) == (60, 3, 3, 60, 60, 60)


COMPOSITE = """
CREATE TYPE {s}.pair AS (a integer, b text);
CREATE TABLE {s}.film (id integer PRIMARY KEY, both_ {s}.pair, listed integer[], shown daterange);
INSERT INTO {s}.film
SELECT g, (g, 'x')::{s}.pair, ARRAY[g % 3], daterange('2024-01-01', '2024-03-01'::date + g % 9)
FROM generate_series(1, 60) g;
"""


def test_a_composite_is_json_where_its_type_is_not_made(
    postgres_engine: Engine, postgres_schema: str, tmp_path: Path
) -> None:
    with postgres_engine.begin() as connection:
        connection.execute(sa.text(COMPOSITE.format(s=postgres_schema)))
    fitted(postgres_engine, postgres_schema)[0].save(tmp_path / "model")
    synth = Synthesizer.load(tmp_path / "model")
    synth.to_database(postgres_engine.url, schema=f"{postgres_schema}_syn", seed=2)
    rows = ask(postgres_engine, f"SELECT DISTINCT both_->>'b' FROM {postgres_schema}_syn.film")
    assert [tuple(row) for row in rows] == [("x",)]


PAGILA = """
CREATE TABLE {s}.film (
    id integer PRIMARY KEY, title varchar(40) NOT NULL, description text, special text,
    fulltext tsvector NOT NULL, shown daterange NOT NULL, place point);
CREATE INDEX film_fulltext ON {s}.film USING gist (fulltext);
CREATE TRIGGER film_fulltext BEFORE INSERT OR UPDATE ON {s}.film FOR EACH ROW EXECUTE FUNCTION
    tsvector_update_trigger('fulltext', 'pg_catalog.english', 'title', 'description');
INSERT INTO {s}.film (id, title, description, shown)
SELECT g, (ARRAY['ACADEMY DINOSAUR', 'ACE GOLDFINGER', 'AFRICAN EGG'])[1 + g % 3],
    'An Epic Drama of a Teacher', daterange('2024-01-01'::date + g, '2024-03-01'::date + g - g % 2)
FROM generate_series(1, 90) g;
CREATE VIEW {s}.film_list AS SELECT id, title FROM {s}.film;
CREATE MATERIALIZED VIEW {s}.kept AS SELECT id FROM {s}.film;
CREATE FUNCTION {s}.one() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE SEQUENCE {s}.alone;
CREATE TYPE {s}.pair AS (a integer);
CREATE TEXT SEARCH CONFIGURATION {s}.own (COPY = pg_catalog.english);
CREATE POLICY mine ON {s}.film USING (id > 0);
GRANT SELECT (title) ON {s}.film TO public;
ALTER TABLE {s}.film SET (fillfactor = 90, toast.autovacuum_enabled = false);
ALTER TABLE {s}.film SET UNLOGGED;
"""


def test_search_columns_are_filled_from_the_made_text(
    postgres_engine: Engine, postgres_schema: str
) -> None:
    """As Pagila's: NOT NULL, filled by a trigger."""
    with postgres_engine.begin() as connection:
        connection.execute(sa.text(PAGILA.format(s=postgres_schema)))
    synth, told = fitted(postgres_engine, postgres_schema)
    assert [c.partition(" ")[0] for c in told] == ["film.fulltext"]
    summary = synth.to_database(schema=f"{postgres_schema}_syn", seed=2)
    made = f"{postgres_schema}_syn.film"
    rows = ask(
        postgres_engine,
        "SELECT count(*), count(*) FILTER (WHERE fulltext = to_tsvector('english', title || ' ' || "
        "coalesce(description, ''))), count(*) FILTER (WHERE fulltext @@ 'drama'), "
        "count(*) FILTER (WHERE upper(shown) - lower(shown) BETWEEN 59 AND 60), "
        f"count(place) FROM {made}",
    )
    assert rows[0][0] == rows[0][1] == rows[0][3] == 90
    assert rows[0][2] > 45
    assert rows[0][4] == 0
    assert summary.excluded == ("film.fulltext",)
    assert summary.not_cloned == {
        "functions and procedures": ("one",),
        "grants": ("film",),
        "materialised views": ("kept",),
        "row security policies": ("mine",),
        "sequences": ("alone",),
        "text search configurations": ("own",),
        "triggers": ("film_fulltext",),
        "views": ("film_list",),
    }
    assert "Not cloned: functions and procedures one; grants film" in str(summary)
    assert "Not learned: film.fulltext" in str(summary)
    defaults = ask(
        postgres_engine,
        f"SELECT count(*) FROM pg_attrdef WHERE adrelid = '{made}'::regclass",
    )
    assert defaults[0][0] == 0
    stored = [
        ask(
            postgres_engine,
            "SELECT c.relpersistence, c.reloptions, t.reloptions FROM pg_class c "
            f"JOIN pg_class t ON t.oid = c.reltoastrelid WHERE c.oid = '{name}.film'::regclass",
        )
        for name in (postgres_schema, f"{postgres_schema}_syn")
    ]
    assert stored[0] == stored[1] == [("u", ["fillfactor=90"], ["autovacuum_enabled=false"])]


def test_a_column_that_must_not_be_null_is_refused(
    postgres_engine: Engine, postgres_schema: str
) -> None:
    with postgres_engine.begin() as connection:
        sql = POSTGRESQL.format(s=postgres_schema)
        connection.execute(sa.text(sql))
        connection.execute(
            sa.text(
                f"ALTER TABLE {postgres_schema}.film ALTER odd SET NOT NULL, ALTER odd DROP DEFAULT"
            )
        )
    with pytest.raises(SchemaValidationError, match=r"film\.odd .*NOT NULL without a default"):
        fitted(postgres_engine, postgres_schema)


def test_mysql(mysql_engine: Engine, mysql_database: str) -> None:
    place = f"`{mysql_database}`"
    reader = f"'{mysql_database}'@'%'"
    with mysql_engine.begin() as connection:
        for sql in (
            f"CREATE USER {reader}",
            f"CREATE TABLE {place}.shop (id INT PRIMARY KEY, v INT, area GEOMETRY, "
            "level INT NOT NULL DEFAULT 3, "
            "spot POINT NOT NULL /*!80003 SRID 4326 */, at_ GEOMETRY NOT NULL, "
            "SPATIAL KEY (spot))",
            f"INSERT INTO {place}.shop WITH RECURSIVE s (g) AS (SELECT 1 UNION ALL SELECT g + 1 "
            "FROM s WHERE g < 60) SELECT g, g % 4, "
            "ST_GeomFromText('LINESTRING(0 0, 1 1)'), g % 2, "
            "ST_GeomFromText('POINT(5 6)', 4326), ST_GeomFromText('POINT(1 2)') FROM s",
            f"CREATE VIEW {place}.shops AS SELECT id FROM {place}.shop",
            f"GRANT SELECT (id) ON {place}.shop TO {reader}",
            f"CREATE TRIGGER {place}.seen BEFORE INSERT ON {place}.shop FOR EACH ROW SET @a = 1",
        ):
            connection.execute(sa.text(sql))
    synth, told = fitted(mysql_engine, mysql_database, "shop.level")
    assert told == [
        f"shop.{c}"
        for c in (
            "area (geometry; only NULLs are learned)",
            "at_ (geometry; the copy holds its empty value)",
        )
    ]
    summary = synth.to_database(schema=f"{mysql_database}_syn", seed=2)
    assert summary.not_cloned == {
        "grants": ("shop",),
        "triggers": ("seen",),
        "views": ("shops",),
    }
    with mysql_engine.begin() as connection:
        connection.execute(sa.text(f"DROP USER {reader}"))
    rows = ask(
        mysql_engine,
        "SELECT count(*), count(area), min(level), max(level), min(ST_AsText(spot)), "
        f"min(ST_SRID(spot)), max(ST_AsText(at_)) FROM `{mysql_database}_syn`.shop",
    )
    assert tuple(rows[0]) == (60, 60, 3, 3, "POINT(5 6)", 4326, "POINT(0 0)")
    columns = [
        ask(
            mysql_engine,
            "SELECT column_name, column_type, column_default, is_nullable FROM "
            f"information_schema.columns WHERE table_schema = '{name}' AND table_name = 'shop' "
            "ORDER BY ordinal_position",
        )
        for name in (mysql_database, f"{mysql_database}_syn")
    ]
    assert columns[0] == columns[1]
