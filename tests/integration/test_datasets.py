"""The test databases arrive whole, with their keys, in every engine."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Callable, Optional

import pytest
from sqlalchemy import Engine, create_engine, inspect, text

from tests.integration.datasets import load_nycflights, load_tpch

TPCH_ROWS = {
    "region": 5,
    "nation": 25,
    "part": 2000,
    "supplier": 100,
    "partsupp": 8000,
    "customer": 1500,
    "orders": 15000,
    "lineitem": 60175,
}
NYC_ROWS = {"airlines": 16, "airports": 1458, "planes": 3322, "weather": 26115, "flights": 336776}

Place = tuple[Engine, Optional[str]]


@pytest.fixture(
    params=[
        pytest.param("postgres", marks=pytest.mark.integration),
        pytest.param("mysql", marks=pytest.mark.integration),
        pytest.param("mariadb", marks=pytest.mark.integration),
        "sqlite",
    ]
)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Give an engine and an empty schema, on each kind of server."""
    if request.param == "sqlite":
        engine = create_engine(f"sqlite:///{tmp_path / 'source.db'}")
        yield engine, None
        engine.dispose()
    else:
        name = "schema" if request.param == "postgres" else "database"
        schema = request.getfixturevalue(f"{request.param}_{name}")
        yield request.getfixturevalue(f"{request.param}_engine"), schema


@pytest.mark.slow
@pytest.mark.parametrize(
    ("load", "expected", "keys"),
    [(load_tpch, TPCH_ROWS, 8), (load_nycflights, NYC_ROWS, 4)],
    ids=["tpch", "nycflights"],
)
def test_every_row_and_key_arrives(
    place: Place, load: Callable[..., dict[str, int]], expected: dict[str, int], keys: int
) -> None:
    engine, schema = place
    if expected is NYC_ROWS and schema:  # all of them go into a file; a tenth tells the same
        load, part = partial(load, every=10), {"weather": 10, "flights": 10}
        expected = {table: -(-rows // part.get(table, 1)) for table, rows in expected.items()}
    assert load(engine, schema) == expected
    prefix = f"{schema}." if schema else ""
    with engine.connect() as connection:
        found = {
            table: connection.scalar(text(f"SELECT count(*) FROM {prefix}{table}"))
            for table in expected
        }
    assert found == expected
    inspector = inspect(engine)
    declared = inspector.get_multi_foreign_keys(schema=schema)
    assert sum(len(found) for found in declared.values()) == keys
    assert all(inspector.get_pk_constraint(t, schema)["constrained_columns"] for t in expected)
    if expected is NYC_ROWS and schema is None:
        assert_unknown_tail_numbers_are_null(engine)


def assert_unknown_tail_numbers_are_null(engine: Engine) -> None:
    """Those of the whole table: the aircraft that `planes` does not list, and those not known."""
    with engine.connect() as connection:
        count = text("SELECT count(*) FROM flights WHERE tailnum IS NULL")
        assert connection.scalar(count) == 50094 + 2512
        kinds = connection.execute(text("SELECT typeof(distance), typeof(arr_delay) FROM flights"))
        assert {kind for row in kinds for kind in row} == {"integer", "null"}
