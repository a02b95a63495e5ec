"""UNIQUE among some rows, over expressions, and with NULLS NOT DISTINCT: kept, as engines prove."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from synthohive import PrivacyConfig, Synthesizer
from tests.conftest import fresh_schema

KEEP = PrivacyConfig(pii_strategy="keep", detect_pii=False, k_anonymity_threshold=1)
TABLES = (
    "CREATE TABLE customer (id int PRIMARY KEY)",
    "CREATE TABLE address (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customer (id), "
    "is_default boolean NOT NULL, city varchar(9), chosen_at timestamp)",
    "CREATE TABLE account (id int PRIMARY KEY, code int NOT NULL, deleted_at timestamp)",
    "CREATE TABLE team (id int PRIMARY KEY, org int, name varchar(30) NOT NULL)",
)
ROWS = {
    "customer": [(i,) for i in range(60)],
    "address": [
        (i, i // 3, i % 3 == 0, f"c{i % 5}", f"2024-01-{1 + i % 28:02d}" if i % 3 == 0 else None)
        for i in range(180)
    ],
    "account": [
        (i, i // 2, f"2024-01-01 00:{i % 60:02d}:00" if i % 2 else None) for i in range(150)
    ],
    "team": [(i, i % 20, f"Name{i // 20}" if i % 3 else f"NAME{i // 20}") for i in range(150)],
}
PARTIAL = (
    "CREATE UNIQUE INDEX one_default ON address (customer_id) WHERE is_default",
    "CREATE UNIQUE INDEX alive ON account (code) WHERE deleted_at IS NULL",
)
CALCULATED = "CREATE UNIQUE INDEX lower_name ON team (org, lower(name))"
STRICT = (
    "CREATE TABLE setting (id int PRIMARY KEY, org int, opt int, "
    "UNIQUE NULLS NOT DISTINCT (org, opt))",
    "INSERT INTO setting SELECT g, g / 3, CASE WHEN g %% 3 > 0 THEN g %% 3 END "
    "FROM generate_series(1, 150) g",
)


def fill(connection: Any, *statements: str) -> None:
    for statement in TABLES:
        connection.exec_driver_sql(statement)
    for table, rows in ROWS.items():
        for row in rows:
            shown = ", ".join("NULL" if v is None else repr(v) for v in row)
            connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({shown})")
    for statement in statements:
        connection.exec_driver_sql(statement)


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[tuple[Any, str]]:
    engine = create_engine(postgres_url)
    with fresh_schema(engine) as schema:
        with engine.begin() as connection:
            connection.exec_driver_sql(f'SET search_path TO "{schema}"')
            fill(connection, *PARTIAL, CALCULATED, *STRICT)
        yield engine, schema
    engine.dispose()


def shares(connection: Any, place: str) -> tuple[float, float]:
    query = f"SELECT avg(CASE WHEN is_default THEN 1.0 ELSE 0 END) FROM {place}address"
    default = connection.exec_driver_sql(query).scalar()
    query = f"SELECT avg(CASE WHEN deleted_at IS NULL THEN 1.0 ELSE 0 END) FROM {place}account"
    return float(default), float(connection.exec_driver_sql(query).scalar())


@pytest.mark.integration
def test_postgresql_proves_all_of_them(postgres: tuple[Any, str]) -> None:
    engine, schema = postgres
    synth = Synthesizer.from_database(engine, schema, privacy_config=KEEP)
    synth.fit(epochs=1, seed=1, progress=False, n_jobs=1)
    made = synth.to_database(seed=7).schema
    with engine.connect() as connection:
        assert shares(connection, f'"{made}".') == pytest.approx((1 / 3, 1 / 2), abs=0.12)
        query = f"SELECT indexdef FROM pg_indexes WHERE schemaname = '{made}'"
        found = " ".join(connection.exec_driver_sql(query).scalars())
        for word in ("WHERE is_default", "WHERE (deleted_at IS NULL)", "lower(", "NULLS NOT"):
            assert word in found


@pytest.mark.parametrize("name", ["sqlite", "duckdb"])
def test_files_prove_them(name: str, tmp_path: Path) -> None:
    engine = create_engine(f"{name}:///{tmp_path / 'real.db'}")
    with engine.begin() as connection:
        fill(connection, CALCULATED, *(PARTIAL if name == "sqlite" else ()))
    engine.dispose()
    synth = Synthesizer.from_database(engine, privacy_config=KEEP)
    synth.fit(epochs=1, seed=1, progress=False, n_jobs=1)
    place = create_engine(f"{name}:///{tmp_path / 'made.db'}")
    synth.to_database(place.url, seed=7)
    with place.connect() as connection:
        rows = connection.exec_driver_sql("SELECT count(*) FROM team").scalar()
        assert rows == len(ROWS["team"])
        if name == "sqlite":
            assert shares(connection, "") == pytest.approx((1 / 3, 1 / 2), abs=0.12)
