"""The benchmark of large databases: its parts run, and its schema of many tables is sound."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import sqlalchemy as sa

from benchmarks.parts import many_tables
from benchmarks.warehouse import in_own_process
from synthohive import Metadata
from synthohive.schema.plan import RelationalPlan


@pytest.fixture(scope="module")
def two_departments(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('wide') / 'wide.db'}"
    assert many_tables.fill(sa.create_engine(url), many_tables.schema(2)) > 3_000
    return url


def test_the_schema_of_many_tables(two_departments: str) -> None:
    metadata = Metadata.from_database(two_departments)
    metadata.validate_schema()
    assert {len(table.columns) for table in metadata.tables.values()} == {10}
    assert len(metadata.tables) == 2 * many_tables.TABLES
    roles = {
        link.role
        for table in RelationalPlan.build(metadata, {}).tables.values()
        for link in table.links
    }
    assert roles >= {"driving", "free", "self", "deferred"}
    assert max(len(key.columns) for _, key in metadata.foreign_keys()) == 2
    with sa.create_engine(two_departments).connect() as connection:
        assert not connection.exec_driver_sql("PRAGMA foreign_key_check").all()


def test_a_measure_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("duckdb_sqlalchemy")
    args = argparse.Namespace(scale=0.001, rows=1_000_000, rounds=1, only=None, json=None)
    figures, peak = in_own_process("duckdb", args, tmp_path)
    assert figures["duckdb ratio"] > 0
    assert peak > 50
