"""The main job on real servers and real data: reflect, fit, write back, proved by SQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from statistics import mean
from typing import Any, Callable

import pytest
from sqlalchemy import create_engine, inspect

from benchmarks.comparison import (
    Side,
    column_distance,
    column_types,
    count_constraints,
    count_rows,
    fan_out,
    histogram,
    ks_distance,
    orphans,
)
from synthohive import ConnectorError, Synthesizer
from tests.conftest import fresh_schema
from tests.integration.datasets import load_nycflights, load_tpch

SERVERS = ["postgres_url", "mysql_url", "mariadb_url"]
CLOSE = 3
"""Epochs on one server. What is learned of the same rows is the same on another, where one epoch
shows that they are read, written and counted as on the first, from few rows. MySQL and MariaDB have
one of the databases each, and a part of it."""


@contextmanager
def synthesized(
    url: str, load: Callable[..., Any], epochs: int
) -> Iterator[tuple[Side, Side, Any]]:
    """Load, fit and write back; give both sides and the summary."""
    engine = create_engine(url)
    with fresh_schema(engine) as schema:
        load(engine, schema)
        synthesizer = Synthesizer.from_database(engine, schema)
        if "airlines" in synthesizer.metadata.tables:  # whose names may be anybody's
            synthesizer.metadata.table("airlines").reference = True
        size = 4_000 if epochs == CLOSE else 1_000
        synthesizer.fit(seed=42, epochs=epochs, sample_size=size, progress=False)
        summary = synthesizer.to_database(seed=7)
        with engine.connect() as one, engine.connect() as two:
            yield Side(one, schema), Side(two, summary.schema), summary
    engine.dispose()


def compare(real: Side, made: Side) -> tuple[dict[str, float], dict[str, float]]:
    """Check rows, types, constraints and orphans; return column distances and fan-out KS."""
    inspector = inspect(real.connection)
    keys = inspector.get_multi_foreign_keys(schema=real.schema)
    assert count_constraints(real) == count_constraints(made)
    distances: dict[str, float] = {}
    for table in inspector.get_table_names(schema=real.schema):
        assert count_rows(made, table) == pytest.approx(count_rows(real, table), rel=0.02), table
        assert column_types(real, table) == column_types(made, table), table
        skip = set(inspector.get_pk_constraint(table, real.schema)["constrained_columns"])
        skip |= {c for key in keys[real.schema, table] for c in key["constrained_columns"]}
        for column in inspector.get_columns(table, real.schema):
            if column["name"] not in skip:
                name, kind = column["name"], column["type"]
                sides = [histogram(side, table, name, kind) for side in (real, made)]
                distance = column_distance(*sides)
                if distance is not None:
                    distances[f"{table}.{name}"] = distance
    gaps = {}
    for (_, child), found in keys.items():
        for key in found:
            label = f"{child}({', '.join(key['constrained_columns'])})"
            assert orphans(made, child, key) == 0, label
            gaps[label] = ks_distance(fan_out(real, child, key), fan_out(made, child, key))
    return distances, gaps


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.parametrize(
    ("server", "every", "epochs"), [(SERVERS[0], 1, CLOSE), (SERVERS[1], 5, 1)]
)
def test_tpch(server: str, every: int, epochs: int, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(server)
    with synthesized(url, partial(load_tpch, every=every), epochs) as (real, made, summary):
        distances, gaps = compare(real, made)
        assert summary.orphans == 0
        assert {k.key.label(k.table) for k in summary.keys if k.enforced} == {
            k.key.label(k.table) for k in summary.keys
        }
    assert len(gaps) == 8
    assert max(gaps.values()) <= 0.05, gaps
    # Beside the names that are kept, remarks on 5 regions and 25 nations are made up.
    assert distances["region.r_name"] == distances["nation.n_name"] == 0.0
    del distances["region.r_comment"], distances["nation.n_comment"]
    assert mean(distances.values()) <= (0.10 if epochs == CLOSE else 0.20), distances


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.parametrize(
    ("server", "every", "epochs"), [(SERVERS[0], 10, CLOSE), (SERVERS[2], 50, 1)]
)
def test_nycflights(server: str, every: int, epochs: int, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(server)
    with synthesized(url, partial(load_nycflights, every=every), epochs) as (real, made, _):
        distances, gaps = compare(real, made)
        airlines = "SELECT count(*) FROM {} WHERE carrier IN ('UA', 'AA', 'DL')"
        assert made.number(airlines.format(made.table("airlines"))) == 3
    assert max(gaps.values()) <= 0.05, gaps
    assert mean(distances.values()) <= (0.10 if epochs == CLOSE else 0.20), distances


@pytest.mark.integration
@pytest.mark.parametrize("server", SERVERS)
def test_target_is_protected(server: str, request: pytest.FixtureRequest) -> None:
    engine = create_engine(request.getfixturevalue(server))
    with fresh_schema(engine) as schema, engine.begin() as connection:
        quoted = engine.dialect.identifier_preparer.quote(schema)
        connection.exec_driver_sql(f"CREATE TABLE {quoted}.thing (id integer PRIMARY KEY)")
        values = ", ".join(f"({i})" for i in range(1, 21))
        connection.exec_driver_sql(f"INSERT INTO {quoted}.thing VALUES {values}")
        connection.commit()
        synthesizer = Synthesizer.from_database(engine, schema).fit(epochs=1, progress=False)
        with pytest.raises(ConnectorError, match="source itself"):
            synthesizer.to_database(schema=schema, if_exists="replace")
        assert synthesizer.to_database(seed=1).rows == 20
        with pytest.raises(ConnectorError, match="exists already"):
            synthesizer.to_database(seed=2)
        assert synthesizer.to_database(seed=2, if_exists="replace").seed == 2
    engine.dispose()
