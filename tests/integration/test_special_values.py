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
