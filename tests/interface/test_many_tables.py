"""Empty tables cost nothing: what is asked of a database does not grow with their number."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from synthohive import SchemaError, Synthesizer
from synthohive.connectors.sql import SqlWarehouse
from synthohive.io.base import FanOut

TABLES = 120


def many(path: Path) -> sa.Engine:
    with sqlite3.connect(path) as db:
        for i in range(TABLES):
            db.execute(
                f"CREATE TABLE t{i} (id INTEGER PRIMARY KEY, p INTEGER REFERENCES t{i // 2})"
            )
    db.close()
    return sa.create_engine(f"sqlite:///{path}")


def test_empty_tables_are_counted_together(tmp_path: Path) -> None:
    engine = many(tmp_path / "a.db")
    synth = Synthesizer.from_database(engine)
    statements: list[str] = []

    @sa.event.listens_for(engine, "before_cursor_execute")
    def _(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    with pytest.raises(SchemaError, match="No table has a row"):
        synth.fit(epochs=1, progress=False)
    counted = [s for s in statements if "count(*)" in s]
    assert len(counted) == 3
    assert len(statements) < 12


def test_only_filled_tables_are_asked_about(tmp_path: Path) -> None:
    engine = many(tmp_path / "a.db")
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO t0 VALUES (1, 1), (2, NULL), (3, 1)")
        connection.exec_driver_sql("INSERT INTO t1 VALUES (7, 1)")
    warehouse = SqlWarehouse(engine)
    keys = list(warehouse.metadata.foreign_keys())
    counts = warehouse.counts(list(warehouse.metadata.tables))
    assert (counts["t0"], counts["t1"], counts["t119"], len(counts)) == (3, 1, 0, TABLES)
    statements: list[str] = []

    @sa.event.listens_for(engine, "before_cursor_execute")
    def _(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    found = dict(zip([table for table, _ in keys], warehouse.fan_outs(keys, counts)))
    assert found["t0"] == warehouse.fan_out("t0", keys[0][1]) == FanOut({0: 2, 2: 1}, nulls=1)
    assert found["t1"].histogram == {0: 2, 1: 1}
    assert found["t2"].histogram == {0: 1}  # of t1's row
    assert found["t119"].histogram == {}
    assert len([s for s in statements if "t119" in s]) == 0
