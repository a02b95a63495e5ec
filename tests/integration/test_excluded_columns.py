"""Columns of types that are not read block nothing: they are left out, and the copy has them."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine
from structlog.testing import capture_logs

from synthohive import SchemaValidationError, Synthesizer

POSTGRESQL = """
CREATE TYPE {s}.pair AS (a integer, b text);
CREATE TABLE {s}.film (
    id integer PRIMARY KEY, v integer, title text,
    search tsvector GENERATED ALWAYS AS (to_tsvector('english', coalesce(title, ''))) STORED,
    both_ {s}.pair, level integer NOT NULL DEFAULT 3, made uuid NOT NULL DEFAULT gen_random_uuid());
CREATE INDEX film_search ON {s}.film USING gin (search);
CREATE UNIQUE INDEX film_made ON {s}.film (made);
INSERT INTO {s}.film (id, v, title, both_)
SELECT g, g % 4, 'some title ' || g % 5, (g, 'x')::{s}.pair FROM generate_series(1, 60) g;
"""


def fitted(engine: Engine, schema: str, *excluded: str) -> tuple[Synthesizer, list[str]]:
    with capture_logs() as logs:
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
    assert told == [f"film.both_ ({postgres_schema}.pair)"]
    synth.to_database(schema=f"{postgres_schema}_syn", seed=2)
    rows = ask(
        postgres_engine,
        "SELECT count(*), count(both_), min(level), max(level), count(DISTINCT made), "
        f"count(search) FROM {postgres_schema}_syn.film",
    )
    assert tuple(rows[0]) == (60, 0, 3, 3, 60, 60)


def test_a_column_that_must_not_be_null_is_refused(
    postgres_engine: Engine, postgres_schema: str
) -> None:
    with postgres_engine.begin() as connection:
        sql = POSTGRESQL.format(s=postgres_schema)
        connection.execute(sa.text(sql))
        connection.execute(sa.text(f"ALTER TABLE {postgres_schema}.film ALTER both_ SET NOT NULL"))
    with pytest.raises(SchemaValidationError, match=r"film\.both_ .*NOT NULL without a default"):
        fitted(postgres_engine, postgres_schema)


def test_mysql(mysql_engine: Engine, mysql_database: str) -> None:
    place = f"`{mysql_database}`"
    with mysql_engine.begin() as connection:
        for sql in (
            f"CREATE TABLE {place}.shop (id INT PRIMARY KEY, v INT, area GEOMETRY, "
            "level INT NOT NULL DEFAULT 3)",
            f"INSERT INTO {place}.shop WITH RECURSIVE s (g) AS (SELECT 1 UNION ALL SELECT g + 1 "
            "FROM s WHERE g < 60) SELECT g, g % 4, "
            "ST_GeomFromText('LINESTRING(0 0, 1 1)'), g % 2 FROM s",
        ):
            connection.execute(sa.text(sql))
    synth, told = fitted(mysql_engine, mysql_database, "shop.level")
    assert told == ["shop.area (geometry)"]
    synth.to_database(schema=f"{mysql_database}_syn", seed=2)
    rows = ask(
        mysql_engine,
        f"SELECT count(*), count(area), min(level), max(level) FROM `{mysql_database}_syn`.shop",
    )
    assert tuple(rows[0]) == (60, 0, 3, 3)
