"""Values that no Arrow type has, and types that mean another thing than they say."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import create_engine

from synthohive import PrivacyConfig, Synthesizer
from tests.conftest import fresh_schema

pytestmark = pytest.mark.integration
KEEP = PrivacyConfig(pii_strategy="keep", detect_pii=False, k_anonymity_threshold=1)


def ask(connection: Any, sql: str) -> list[float]:
    """Return the numbers of a query's only row."""
    return [float(value) for value in connection.exec_driver_sql(sql, ()).one()]


@pytest.mark.parametrize("url", ["mysql_url", "mariadb_url"])
def test_bits_are_flags_and_numbers(url: str, request: pytest.FixtureRequest) -> None:
    engine = create_engine(request.getfixturevalue(url))
    with fresh_schema(engine) as schema:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"USE `{schema}`")
            connection.exec_driver_sql(
                "CREATE TABLE a (id INT PRIMARY KEY, active BIT(1) NOT NULL DEFAULT b'1', "
                "maybe BIT(1) NULL, mask BIT(12) NOT NULL, wide BIT(64))"
            )
            connection.exec_driver_sql(
                "INSERT INTO a WITH RECURSIVE s (g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s "
                "WHERE g < 120) SELECT g, "
                "IF(g %% 5 = 0, b'0', b'1'), IF(g %% 3 > 0, g %% 2, NULL), "
                "g * 30, 18446744073709551000 + g FROM s", ()
            )  # fmt: skip
        synth = Synthesizer.from_database(engine, schema, privacy_config=KEEP)
        synth.fit(epochs=1, seed=1, progress=False, n_jobs=1)
        made = synth.to_database(seed=7).schema
        with engine.connect() as connection:
            share, empty, largest, least = ask(
                connection,
                "SELECT avg(active = b'1'), avg(maybe IS NULL), max(mask + 0), min(wide + 0) "
                f"FROM `{made}`.a",
            )
        assert share == pytest.approx(0.8, abs=0.13)
        assert empty == pytest.approx(1 / 3, abs=0.13)
        assert 1000 < largest < 4096
        assert least > 2**63
    engine.dispose()


def test_postgresql_keeps_infinities_and_nan(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with fresh_schema(engine) as schema:
        with engine.begin() as connection:
            connection.exec_driver_sql(f'SET search_path TO "{schema}"')
            connection.exec_driver_sql(
                "CREATE TABLE a (id int PRIMARY KEY, t timestamptz NOT NULL, d date NOT NULL, "
                "n numeric NOT NULL, f float8 NOT NULL, c time NOT NULL)"
            )
            connection.exec_driver_sql(
                "INSERT INTO a SELECT g, CASE g % 4 WHEN 0 THEN 'infinity' ELSE timestamp "
                "'2024-01-01' + g * interval '1h' END, CASE WHEN g % 3 = 0 THEN '-infinity' "
                "ELSE date '2020-01-01' + g END, CASE WHEN g % 5 = 0 THEN 'NaN'::numeric ELSE g "
                "END, CASE WHEN g % 5 = 1 THEN 'NaN'::float8 WHEN g % 5 = 2 THEN '-Infinity' ELSE "
                "g END, CASE WHEN g % 2 = 0 THEN time '24:00' ELSE time '08:00' END "
                "FROM generate_series(1, 120) g".replace("%", "%%"), ()
            )  # fmt: skip
        synth = Synthesizer.from_database(engine, schema, privacy_config=KEEP)
        synth.fit(epochs=1, seed=1, progress=False, n_jobs=1)
        made = synth.to_database(seed=7).schema
        with engine.connect() as connection:
            found = ask(
                connection,
                "SELECT avg((t = 'infinity')::int), avg((d = '-infinity')::int), "
                "avg((n = 'NaN')::int), avg((f = 'NaN')::int), avg((f = '-Infinity')::int), "
                "avg((c = '24:00')::int), avg((t > '2030-01-01')::int), "
                "avg((d < '2000-01-01')::int) "
                f'FROM "{made}".a',
            )
        shares = (1 / 4, 1 / 3, 1 / 5, 1 / 5, 1 / 5, 1 / 2, 1 / 4, 1 / 3)
        assert found == pytest.approx(shares, abs=0.14)
        assert found[:2] == found[-2:]  # no moment is near to what stood for them
    engine.dispose()


@pytest.mark.parametrize("url", ["mysql_url", "mariadb_url"])
def test_zero_dates_stay_zero(url: str, request: pytest.FixtureRequest) -> None:
    engine = create_engine(request.getfixturevalue(url))
    with fresh_schema(engine) as schema:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"USE `{schema}`")
            connection.exec_driver_sql("SET SESSION sql_mode = ''")
            connection.exec_driver_sql(
                "CREATE TABLE a (id INT PRIMARY KEY, d DATE NOT NULL DEFAULT '0000-00-00', "
                "t DATETIME NOT NULL)"
            )
            connection.exec_driver_sql(
                "INSERT INTO a WITH RECURSIVE s (g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s "
                "WHERE g < 120) SELECT g, IF(g %% 3 = 0, '0000-00-00', DATE '2024-01-01' + "
                "INTERVAL g DAY), IF(g %% 4 = 0, '0000-00-00', TIMESTAMP '2024-01-01 00:00:00' + "
                "INTERVAL g HOUR) FROM s", ()
            )  # fmt: skip
        synth = Synthesizer.from_database(engine, schema, privacy_config=KEEP)
        synth.fit(epochs=1, seed=1, progress=False, n_jobs=1)
        made = synth.to_database(seed=7).schema
        with engine.connect() as connection:
            zeros = "avg({0} = '0000-00-00'), avg({0} < '2023-01-01')"
            connection.exec_driver_sql("SET SESSION sql_mode = ''")
            sql = f"SELECT {zeros.format('d')}, {zeros.format('t')} FROM `{made}`.a"
            found = ask(connection, sql)
        assert found == pytest.approx([1 / 3, 1 / 3, 1 / 4, 1 / 4], abs=0.14)
    engine.dispose()


def test_moments_outside_the_calendar_are_one_value_on_each_side(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with fresh_schema(engine) as schema:
        with engine.begin() as connection:
            connection.exec_driver_sql(f'SET search_path TO "{schema}"')
            connection.exec_driver_sql(
                "CREATE TABLE a (id int PRIMARY KEY, d date NOT NULL, t timestamptz NOT NULL, "
                "p timestamp NOT NULL CHECK (p < '0001-01-01' OR p > '2000-01-01'), r daterange, "
                "s tsrange, l date[])"
            )
            connection.exec_driver_sql(
                "INSERT INTO a SELECT g, '0044-03-15 BC'::date - g, CASE g % 4 WHEN 0 THEN "
                "timestamptz '12024-01-01' WHEN 1 THEN timestamptz '4713-01-01 BC' ELSE "
                "'2024-01-01' END, CASE g % 3 WHEN 0 THEN timestamp '0753-04-21 BC' ELSE "
                "timestamp '2024-01-01' + g * interval '1h' END, daterange('0100-01-01 BC', "
                "CASE WHEN g % 2 = 0 THEN date '0044-03-15 BC' ELSE date '2020-01-01' + g END), "
                "tsrange('0100-01-01 BC', '12024-01-01'), ARRAY[date '0044-03-15 BC'] "
                "FROM generate_series(1, 120) g".replace("%", "%%"), ()
            )  # fmt: skip
        synth = Synthesizer.from_database(engine, schema, privacy_config=KEEP)
        synth.fit(epochs=1, seed=1, progress=False, n_jobs=1)
        made = synth.to_database(seed=7).schema
        with engine.connect() as connection:
            found = ask(
                connection,
                "SELECT avg((d < '0001-01-01')::int), avg((t < '0001-01-01')::int), "
                "avg((t > '9999-12-31')::int), avg((p < '0001-01-01')::int), "
                f"avg((p > '2024-01-01' AND p < '2025-01-01')::int) FROM \"{made}\".a",
            )
        assert found == pytest.approx((1, 1 / 4, 1 / 4, 1 / 3, 2 / 3), abs=0.14)
    engine.dispose()
