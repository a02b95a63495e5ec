"""The sample in SQL: entities whole, ancestors present, nothing that hangs on nothing."""

from __future__ import annotations

import sqlite3
from typing import Any, Optional

import numpy as np
import pytest

from synthohive import ForeignKey
from synthohive.connectors.sql import SqlWarehouse

CUSTOMERS, ORDERS, LINES = 2_000, 10_000, 40_000
Drivers = dict[str, Optional[ForeignKey]]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> SqlWarehouse:
    """Give region (5) <- customer (2,000) <- order (10,000) <- line (40,000), some broken."""
    path = tmp_path_factory.mktemp("subset") / "shop.db"
    rng = np.random.default_rng(1)
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE region (id INTEGER PRIMARY KEY)")
        db.execute("CREATE TABLE customer (id TEXT PRIMARY KEY, region INTEGER REFERENCES region)")
        db.execute(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT REFERENCES customer)"
        )
        db.execute("CREATE TABLE line (orders INTEGER REFERENCES orders, n INTEGER)")
        db.execute("CREATE TABLE bag (a TEXT, b REAL)")
        db.executemany("INSERT INTO region VALUES (?)", [(i,) for i in range(5)])
        regions = [None if i % 50 == 0 else 99 if i % 50 == 1 else i % 5 for i in range(CUSTOMERS)]
        db.executemany(
            "INSERT INTO customer VALUES (?, ?)", [(f"c{i}", r) for i, r in enumerate(regions)]
        )
        buyers = rng.integers(0, CUSTOMERS, ORDERS).tolist()
        db.executemany(
            "INSERT INTO orders VALUES (?, ?)",
            [(i, None if i % 10 == 0 else f"c{c}") for i, c in enumerate(buyers)],
        )
        owners = rng.integers(0, ORDERS + 100, LINES).tolist()
        db.executemany("INSERT INTO line VALUES (?, ?)", [(o, i) for i, o in enumerate(owners)])
        db.executemany("INSERT INTO bag VALUES (?, ?)", [(str(i), i / 2) for i in range(5_000)])
    db.close()
    return SqlWarehouse(f"sqlite:///{path}")


def drivers(warehouse: SqlWarehouse) -> Drivers:
    found: Drivers = {"region": None, "bag": None}
    for name, key in warehouse.metadata.foreign_keys():
        found[name] = key
    return {name: found[name] for name in ("region", "customer", "orders", "line", "bag")}


def ids(table: Any, column: str) -> set[Any]:
    return {v for v in table[column].to_pylist() if v is not None}


@pytest.mark.parametrize("size", [300, 2_000, 8_000, 100_000])
def test_all_ancestors_of_a_row_are_read(warehouse: SqlWarehouse, size: int) -> None:
    got = warehouse.sample(drivers(warehouse), size, 7)
    assert got["region"].num_rows == 5
    assert ids(got["customer"], "region") <= ids(got["region"], "id")
    assert ids(got["orders"], "customer") <= ids(got["customer"], "id")
    assert ids(got["line"], "orders") <= ids(got["orders"], "id")


def test_all_rows_of_a_drawn_entity_are_read(warehouse: SqlWarehouse) -> None:
    whole = warehouse.sample(drivers(warehouse), 1_000_000, 7)
    part = warehouse.sample(drivers(warehouse), 8_000, 7)
    for parent, child, key in (("customer", "orders", "customer"), ("orders", "line", "orders")):
        drawn = ids(part[parent], "id")
        wanted = sum(v in drawn for v in whole[child][key].to_pylist())
        assert sum(v is not None for v in part[child][key].to_pylist()) == wanted


def test_sizes(warehouse: SqlWarehouse) -> None:
    got = warehouse.sample(drivers(warehouse), 8_000, 7)
    share = 8_000 / LINES
    for name, rows in (("customer", CUSTOMERS * 0.98), ("orders", ORDERS), ("line", LINES)):
        assert got[name].num_rows == pytest.approx(rows * share, rel=0.15), name
    assert got["bag"].num_rows == 5_000
    empty = got["orders"]["customer"].null_count
    assert empty == pytest.approx(ORDERS / 10 * share, rel=0.25)


def test_rows_with_a_missing_parent_are_left_out_with_their_children(
    warehouse: SqlWarehouse,
) -> None:
    got = warehouse.sample(drivers(warehouse), 1_000_000, 7)
    assert 99 not in ids(got["customer"], "region")
    assert got["customer"].num_rows == CUSTOMERS * 49 // 50
    assert got["line"].num_rows < LINES - 1


def test_seeds_select(warehouse: SqlWarehouse) -> None:
    one, same, other = (warehouse.sample(drivers(warehouse), 2_000, s) for s in (1, 1, 2))
    for name, table in one.items():
        assert table.equals(same[name])
    assert not one["line"].equals(other["line"])
    assert not one["bag"].equals(other["bag"])
    assert 1_800 < one["bag"].num_rows < 2_200


def test_the_share_is_of_the_whole_key_range(warehouse: SqlWarehouse) -> None:
    """A hash that followed the key would draw early or late rows only."""
    got = warehouse.sample(drivers(warehouse), 1_000, 3)["bag"]["b"].to_numpy()
    assert abs(np.median(got) - 1_250) < 120
