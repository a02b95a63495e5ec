"""What is chosen of awkward sources: orphans, long chains, empty keys, a parent of everybody."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthohive import ForeignKey, Synthesizer

NUMBERS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {}) "
Make = Callable[..., Synthesizer]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Give a function that makes a source of statements."""

    def made(*statements: str) -> Synthesizer:
        with sqlite3.connect(tmp_path / "real.db") as db:
            for statement in statements:
                db.execute(statement)
        db.close()
        return Synthesizer.from_database(f"sqlite:///{tmp_path / 'real.db'}")

    return made


def found(folder: Path, sql: str) -> list[Any]:
    """Return what a query finds in the subset."""
    db = sqlite3.connect(folder / "few.db")
    rows = db.execute(sql).fetchall()
    db.close()
    return rows


def test_orphans_and_what_refers_to_them_are_left_out(make: Make, tmp_path: Path) -> None:
    synth = make(
        "CREATE TABLE a (id INTEGER PRIMARY KEY)",
        "CREATE TABLE b (id INTEGER PRIMARY KEY, a INT REFERENCES a)",
        "CREATE TABLE c (id INTEGER PRIMARY KEY, b INT REFERENCES b)",
        f"INSERT INTO a {NUMBERS.format(50)} SELECT x FROM n",
        f"INSERT INTO b {NUMBERS.format(50)} SELECT x, 2 * x FROM n",
        f"INSERT INTO c {NUMBERS.format(50)} SELECT x, x FROM n",
    )
    summary = synth.subset(schema="few", rows=1_000, seed=1)
    assert summary.left_out == {"b": 25, "c": 25}
    assert found(tmp_path, "SELECT max(id), count(*) FROM c") == [(25, 25)]
    assert "25 of b" in str(summary)


def test_a_chain_longer_than_the_budget(make: Make, tmp_path: Path) -> None:
    synth = make(
        "CREATE TABLE v (id INTEGER PRIMARY KEY, before INT REFERENCES v)",
        f"INSERT INTO v {NUMBERS.format(5_000)} SELECT x, nullif(x - 1, 0) FROM n",
    )
    summary = synth.subset(schema="few", rows=200, seed=1)
    assert 100 < summary.rows <= 200
    assert found(tmp_path, "SELECT max(id) = count(*) FROM v") == [(1,)]


def test_keys_that_are_null_or_odd(make: Make, tmp_path: Path) -> None:
    rows = [(None, 1), (None, 2), ("x", 3), ("a'b", 4), ("", 5)]
    synth = make(
        "CREATE TABLE a (id TEXT PRIMARY KEY, x)",
        "CREATE TABLE b (k TEXT, n INT, a TEXT REFERENCES a, PRIMARY KEY (k, n))",
        "INSERT INTO a VALUES (NULL, 1), (NULL, 2), ('x', 3), ('a''b', 4), ('', 5)",
        "INSERT INTO b VALUES (NULL, 1, 'x'), ('q', NULL, 'a''b'), ('q', 2, NULL), ('z', 3, '')",
    )
    assert synth.subset(schema="few", rows=100, seed=1).rows == 9
    assert found(tmp_path, "SELECT * FROM a ORDER BY x") == rows
    assert found(tmp_path, "SELECT n FROM b WHERE k = 'q' ORDER BY n") == [(None,), (2,)]


def test_what_stands_for_no_parent_is_kept(make: Make, tmp_path: Path) -> None:
    synth = make(
        "CREATE TABLE buyer (id INTEGER PRIMARY KEY)",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, buyer INT NOT NULL)",
        "INSERT INTO buyer VALUES (1), (2), (3)",
        "INSERT INTO orders VALUES (1, 0), (2, 1), (3, 0), (4, 3), (5, 9)",
    )
    synth.metadata.tables["orders"].foreign_keys.append(
        ForeignKey(columns=["buyer"], parent="buyer", parent_columns=["id"], no_parent=0)
    )
    assert synth.subset(schema="few", rows=100, seed=1).left_out == {"orders": 1}
    assert found(tmp_path, "SELECT * FROM orders") == [(1, 0), (2, 1), (3, 0), (4, 3)]


def test_one_parent_of_everybody(make: Make, tmp_path: Path) -> None:
    synth = make(
        "CREATE TABLE shop (id INTEGER PRIMARY KEY, g INT GENERATED ALWAYS AS (2 * id) STORED)",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, shop INT REFERENCES shop)",
        "CREATE TABLE line (orders INT REFERENCES orders, n INT, PRIMARY KEY (orders, n))",
        "INSERT INTO shop (id) VALUES (1), (2)",
        f"INSERT INTO orders {NUMBERS.format(3_000)} SELECT x, 1 FROM n",
        f"INSERT INTO line {NUMBERS.format(9_000)} SELECT 1 + x / 4, x FROM n",
    )
    summary = synth.subset(schema="few", rows=1_000, seed=1)
    got = {table.name: table.rows for table in summary.tables}
    assert summary.rows == 1_000
    assert got["line"] == pytest.approx(3 * got["orders"], rel=0.15)  # as in the source
    assert summary.weights["orders"] == pytest.approx(3_000 / got["orders"], rel=0.01)
    assert found(tmp_path, "SELECT count(*) FROM shop WHERE g <> 2 * id") == [(0,)]


def test_a_view_over_an_earlier_subset_stays(make: Make, tmp_path: Path) -> None:
    synth = make("CREATE TABLE a (id INTEGER PRIMARY KEY)", "INSERT INTO a VALUES (1), (2), (3)")
    synth.subset(schema="few", rows=2, seed=1)
    with sqlite3.connect(tmp_path / "few.db") as db:
        db.execute("CREATE VIEW mine AS SELECT id FROM a")
    db.close()
    synth.subset(schema="few", rows=3, seed=1, if_exists="replace")
    assert found(tmp_path, "SELECT * FROM mine") == [(1,), (2,), (3,)]
