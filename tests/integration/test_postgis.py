"""Points of PostGIS, where the server has the extension."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, text

from synthohive import Synthesizer

pytestmark = pytest.mark.integration

SHOPS = """
CREATE TABLE {s}.shop (id integer PRIMARY KEY, kind text NOT NULL,
    at geometry(Point, 4326) NOT NULL, spot geography(Point, 4326), high geometry(PointZ, 4326),
    area geometry(Polygon, 4326),
    any_ geometry);
CREATE INDEX shop_at ON {s}.shop USING gist (at);
INSERT INTO {s}.shop SELECT g, CASE WHEN g % 2 = 0 THEN 'north' ELSE 'south' END,
    ST_SetSRID(ST_MakePoint(13 + (g % 10) / 10.0, CASE WHEN g % 2 = 0 THEN 60 ELSE 40 END), 4326),
    CASE WHEN g % 3 > 0 THEN ST_SetSRID(ST_MakePoint(13, 50), 4326)::geography END,
    ST_SetSRID(ST_MakePoint(13, 50, g % 7), 4326),
    ST_SetSRID(ST_MakeEnvelope(0, 0, 1, 1), 4326), ST_MakePoint(1, 2)
    FROM generate_series(1, 150) g;
CREATE VIEW {s}.far AS SELECT id FROM {s}.shop WHERE ST_Y(at) > 50;
"""


def test_points(postgres_engine: Engine, postgres_schema: str) -> None:
    with postgres_engine.begin() as connection:
        known = "SELECT count(*) FROM pg_available_extensions WHERE name = 'postgis'"
        if not connection.execute(text(known)).scalar():
            pytest.skip("the server has no PostGIS")
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS postgis SCHEMA public"))
        connection.exec_driver_sql(SHOPS.replace("{s}", postgres_schema).replace("%", "%%"))
    synth = Synthesizer.from_database(postgres_engine, postgres_schema)
    synth.fit(epochs=5, seed=1, progress=False, n_jobs=1)
    summary = synth.to_database(schema=f"{postgres_schema}_syn", seed=2, include=["views"])
    assert summary.cloned == {"views": ("far",)}
    sql = (
        "SELECT count(*), min(ST_SRID(at)), min(ST_X(at)) >= 13, max(ST_X(at)) <= 14, "
        "avg((ST_Y(at) BETWEEN 39.9 AND 60.1)::int), avg((spot IS NULL)::int), max(ST_Z(high)) "
        f"FROM {postgres_schema}_syn.shop"
    )
    with postgres_engine.connect() as connection:
        row: Any = connection.execute(text(sql)).one()
    assert tuple(row[:4]) == (150, 4326, True, True)
    assert row[4] == 1
    assert float(row[5]) == pytest.approx(1 / 3, abs=0.12)
    assert 0 <= row[6] <= 6
