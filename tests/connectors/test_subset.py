"""The sample in SQL: entities whole, ancestors present, nothing that hangs on nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import create_engine

from synthohive import ForeignKey, Metadata, SchemaError, Synthesizer
from synthohive.connectors.sql import SqlWarehouse
from synthohive.io.base import Reader, SampledRows
from synthohive.io.dataframe import FrameReader
from tests.conftest import fresh_schema

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
    got = warehouse.sample(drivers(warehouse), size, 7).drawn
    assert got["region"].num_rows == 5
    assert ids(got["customer"], "region") <= ids(got["region"], "id")
    assert ids(got["orders"], "customer") <= ids(got["customer"], "id")
    assert ids(got["line"], "orders") <= ids(got["orders"], "id")


def test_all_rows_of_a_drawn_entity_are_read(warehouse: SqlWarehouse) -> None:
    whole = warehouse.sample(drivers(warehouse), 1_000_000, 7).drawn
    part = warehouse.sample(drivers(warehouse), 8_000, 7).drawn
    for parent, child, key in (("customer", "orders", "customer"), ("orders", "line", "orders")):
        drawn = ids(part[parent], "id")
        wanted = sum(v in drawn for v in whole[child][key].to_pylist())
        assert sum(v is not None for v in part[child][key].to_pylist()) == wanted


def test_sizes(warehouse: SqlWarehouse) -> None:
    got = warehouse.sample(drivers(warehouse), 8_000, 7).drawn
    share = 8_000 / LINES
    for name, rows in (("customer", CUSTOMERS * 0.98), ("orders", ORDERS), ("line", LINES)):
        assert got[name].num_rows == pytest.approx(rows * share, rel=0.15), name
    assert got["bag"].num_rows == 5_000
    empty = got["orders"]["customer"].null_count
    assert empty == pytest.approx(ORDERS / 10 * share, rel=0.25)


def test_rows_with_a_missing_parent_are_left_out_with_their_children(
    warehouse: SqlWarehouse,
) -> None:
    got = warehouse.sample(drivers(warehouse), 1_000_000, 7).drawn
    assert 99 not in ids(got["customer"], "region")
    assert got["customer"].num_rows == CUSTOMERS * 49 // 50
    assert got["line"].num_rows < LINES - 1


def test_seeds_select(warehouse: SqlWarehouse) -> None:
    one, same, other = (warehouse.sample(drivers(warehouse), 2_000, s).drawn for s in (1, 1, 2))
    for name, table in one.items():
        assert table.equals(same[name])
    assert not one["line"].equals(other["line"])
    assert not one["bag"].equals(other["bag"])
    assert 1_800 < one["bag"].num_rows < 2_200


def test_the_share_is_of_the_whole_key_range(warehouse: SqlWarehouse) -> None:
    """A hash that followed the key would draw early or late rows only."""
    got = warehouse.sample(drivers(warehouse), 1_000, 3).drawn["bag"]["b"].to_numpy()
    assert abs(np.median(got) - 1_250) < 120


@pytest.fixture(scope="module", params=["sqlite", "frames"])
def shops(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """Give shops (4,000; few in Rome, opened day by day) and their visits, from either source."""
    rows = range(4_000)
    city = ["Rome" if i % 800 == 7 else "Oslo" if i % 3 else "Bern" for i in rows]
    opened = pd.Timestamp("2010-01-01") + pd.to_timedelta([i // 2 for i in rows], unit="D")
    shop = pd.DataFrame({"id": rows, "city": city, "opened": opened})
    visit = pd.DataFrame({"id": range(8_000), "shop": np.arange(8_000) // 2, "what": "x" * 200})
    if request.param == "frames":
        metadata = Metadata().add_table("shop", "id")
        metadata.add_table("visit", "id", fk={"shop": "shop.id"})
        return FrameReader({"shop": shop, "visit": visit}, metadata)
    path = tmp_path_factory.mktemp("shops") / "shops.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE shop (id INTEGER PRIMARY KEY, city TEXT, opened TIMESTAMP)")
        db.execute(
            "CREATE TABLE visit (id INTEGER PRIMARY KEY, shop INTEGER REFERENCES shop, what TEXT)"
        )
        shop.assign(opened=shop["opened"].astype(str)).to_sql(
            "shop", db, if_exists="append", index=False
        )
        visit.to_sql("visit", db, if_exists="append", index=False)
    db.close()
    return SqlWarehouse(f"sqlite:///{path}")


def sampled(reader: Reader, *asked: Any) -> SampledRows:
    ((_, key),) = reader.metadata.foreign_keys()
    return reader.sample({"shop": None, "visit": key}, 800, 1, *asked)


def drawn(reader: Reader, *asked: Any) -> dict[str, Any]:
    return sampled(reader, *asked).drawn


def test_the_newest_come_with_all_that_is_theirs(shops: Reader) -> None:
    got = drawn(shops, "recent")
    assert sorted(got["shop"]["id"].to_pylist()) == list(range(3_600, 4_000))
    assert sorted(got["visit"]["id"].to_pylist()) == list(range(7_200, 8_000))


def test_rare_categories_keep_rows(shops: Reader) -> None:
    rare = [drawn(shops, how)["shop"]["city"].to_pylist() for how in ("relational", "stratified")]
    assert rare[0].count("Rome") < 5 == rare[1].count("Rome")
    assert len(rare[1]) == pytest.approx(400, rel=0.15)
    again = drawn(shops, "stratified")["visit"]
    assert again.equals(drawn(shops, "stratified")["visit"])


def test_rows_that_tell_shares_are_drawn_by_chance_alone(shops: Reader) -> None:
    got, plain = sampled(shops, "stratified"), sampled(shops, "relational")
    assert not plain.typical
    shop, visit = got.drawn["shop"], got.drawn["visit"]
    typical = shop.filter(pa.array(got.typical["shop"]))
    assert typical["city"].to_pylist().count("Rome") < 5
    assert len(typical) >= len(shop) - 5  # all others would have been drawn anyway
    by_chance, mine = (ids(rows, "id") for rows in (plain.drawn["shop"], typical))
    assert by_chance <= mine or mine <= by_chance  # one order, of which either takes a beginning
    assert got.typical["visit"].tolist() == [i in mine for i in visit["shop"].to_pylist()]


def test_the_sample_keeps_bytes(shops: Reader) -> None:
    got = drawn(shops, "relational", 60_000)
    assert sum(table.nbytes for table in got.values()) == pytest.approx(60_000, rel=0.25)
    assert ids(got["visit"], "shop") <= ids(got["shop"], "id")
    assert drawn(shops, "relational", 10**9)["visit"].num_rows == pytest.approx(800, rel=0.15)


def test_what_cannot_be_drawn_is_said_before_any_training(warehouse: SqlWarehouse) -> None:
    synth = Synthesizer.from_database(warehouse.engine)
    with pytest.raises(SchemaError, match=r"recent.*needs a date"):
        synth.fit(sampling_strategy="recent", sample_size=1_000, progress=False)
    with pytest.raises(SchemaError, match="too few for a sample"):
        synth.fit(sample_bytes=10, sample_size=1_000, progress=False)


def test_tables_that_are_read_whole_need_the_bytes() -> None:
    metadata, rows = Metadata().add_table("t", "id"), pd.DataFrame({"id": range(100)})
    with pytest.raises(SchemaError, match="too few for a sample"):
        Synthesizer(metadata).fit({"t": rows}, sample_bytes=10, progress=False)


@pytest.fixture(
    params=[
        "frames",
        "sqlite",
        pytest.param("postgres", marks=pytest.mark.integration),
        pytest.param("mysql", marks=pytest.mark.integration),
    ]
)
def devices(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reader]:
    """Give five devices, and 2,000 readings of each, minute by minute, in any order."""
    order = np.random.default_rng(1).permutation(10_000)
    moment = pd.Timestamp("2024-01-01") + pd.to_timedelta(order // 5, unit="min")
    rows = {
        "device": pd.DataFrame({"id": range(5)}),
        "reading": pd.DataFrame({"device": order % 5, "at": moment, "value": order // 5}),
    }
    if request.param == "frames":
        metadata = Metadata().add_table("device", "id")
        yield FrameReader(rows, metadata.add_table("reading", fk={"device": "device.id"}))
        return
    file = create_engine(f"sqlite:///{tmp_path / 'devices.db'}")
    engine = (
        file if request.param == "sqlite" else request.getfixturevalue(f"{request.param}_engine")
    )
    with nullcontext() if engine is file else fresh_schema(engine) as schema:
        lead = f"{schema}." if schema else ""
        with engine.begin() as connection:
            for table in (
                "device (id INTEGER PRIMARY KEY)",
                "reading (device INTEGER, at TIMESTAMP NULL, value INTEGER, "
                f"FOREIGN KEY (device) REFERENCES {lead}device (id))",
            ):
                connection.exec_driver_sql(f"CREATE TABLE {lead}{table}")
            for name, frame in rows.items():
                frame.to_sql(
                    name, connection, schema=schema, if_exists="append", index=False,
                    method="multi", chunksize=5_000,
                )  # fmt: skip
        yield SqlWarehouse(engine, schema)


def test_rows_of_few_long_groups_are_read_in_stretches(devices: Reader) -> None:
    """One by one, no row would have the one before it, of which it is learned what it goes by."""
    (_, key), *_ = devices.metadata.foreign_keys()
    plan: Drivers = {"device": None, "reading": key}
    got = devices.sample(plan, 1_000, 3)
    rows, places = got.drawn["reading"], got.places["reading"]
    assert rows.num_rows == pytest.approx(1_000, abs=5)
    # the value counts the rows of a device
    value, device = rows["value"].to_numpy(), rows["device"].to_numpy()
    assert (places.positions == value).all()
    assert (places.sizes == 2_000).all()
    assert sorted(device[value == 0]) == [0, 1, 2, 3, 4]
    known = {*zip(device.tolist(), value.tolist())}
    follow = sum((d, v - 1) in known for d, v in known)
    assert follow / len(known) > 0.85
    # evenly over all of the time
    assert abs(np.median(value) - 1_000) < 300
    assert devices.sample(plan, 1_000, 3).drawn["reading"].equals(rows)
    assert not devices.sample(plan, 1_000, 4).drawn["reading"].equals(rows)
    assert not devices.sample(plan, 1_000, 3, "recent").places
    assert not devices.sample(plan, 100_000, 3).places
