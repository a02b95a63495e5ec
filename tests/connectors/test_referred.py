"""What a sample refers to: closed under all keys, within its room, in the order of what asks."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Optional

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive import Metadata
from synthohive.connectors import sql
from synthohive.connectors.sql import SqlWarehouse
from synthohive.connectors.statistics import Statistics
from synthohive.io.base import SampledRows
from synthohive.io.dataframe import FrameReader
from synthohive.io.referred import referred_rows
from synthohive.io.sample_levels import CHOSEN, Levels
from synthohive.schema import ForeignKey
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.joins import match_rows

SALES, PRODUCTS, MAKERS, STAFF = 6_000, 9_000, 4_000, 3_000


@pytest.fixture(scope="module")
def shop() -> FrameReader:
    """Give sales of few popular products, whose makers name one of them: a circle; and a tree."""
    rng = np.random.default_rng(3)
    bosses = pd.array([None, *((i - 1) // 3 for i in range(1, STAFF))], dtype="Int64")
    tables = {
        "customer": pd.DataFrame({"id": range(2_000)}),
        "maker": pd.DataFrame({"id": range(MAKERS), "best": rng.integers(0, PRODUCTS, MAKERS)}),
        "product": pd.DataFrame(
            {"id": range(PRODUCTS), "maker": rng.integers(0, MAKERS, PRODUCTS)}
        ),
        "staff": pd.DataFrame({"id": range(STAFF), "boss": bosses}),
        "sale": pd.DataFrame(
            {
                "customer": np.sort(rng.integers(0, 2_000, SALES)),
                "n": range(SALES),
                "product": rng.integers(0, np.where(rng.random(SALES) < 0.7, 200, PRODUCTS)),
                "staff": rng.integers(0, STAFF, SALES),
            }
        ),
    }
    metadata = Metadata()
    metadata.add_table("customer", "id")
    metadata.add_table("maker", "id", fk={"best": "product.id"})
    metadata.add_table("product", "id", fk={"maker": "maker.id"})
    metadata.add_table("staff", "id", fk={"boss": "staff.id"})
    fk = {"customer": "customer.id", "product": "product.id", "staff": "staff.id"}
    metadata.add_table("sale", ["customer", "n"], fk=fk)
    return FrameReader(tables, metadata)


def sampled(reader: FrameReader, size: int, most_bytes: Optional[int] = None) -> SampledRows:
    counts = reader.counts(list(reader.metadata.tables))
    plan = RelationalPlan.build(reader.metadata, counts)
    drivers = {name: plan.tables[name].driver for name in plan.order}
    return reader.sample(drivers, size, 7, "relational", most_bytes)


def joined(got: SampledRows, table: str) -> pa.Table:
    return pa.concat_tables([t[table] for t in (got.drawn, got.referred) if table in t])


def test_every_row_finds_its_parents_over_every_key(shop: FrameReader) -> None:
    got = sampled(shop, 600)
    for table, key in shop.metadata.foreign_keys():
        rows, parents = joined(got, table), joined(got, key.parent)
        at = match_rows(rows, key.columns, parents, key.parent_columns)
        assert (at >= 0).sum() == len(rows) - rows[key.columns[0]].null_count, key.label(table)
    for name, rows in got.drawn.items():
        both = joined(got, name)
        assert len(both.group_by(shop.metadata.tables[name].pk).aggregate([])) == len(both)
        assert len(rows) < shop.count(name)
        assert len(both) <= CHOSEN * 600


def test_popular_parents_are_not_among_those_that_stand_for_all(shop: FrameReader) -> None:
    """Else the few products that nearly all sales are of would be most of what is learned."""
    got = sampled(shop, 600)
    sales = pa.Table.from_batches(list(shop.read("sale")))["product"].to_numpy()
    sold = np.bincount(sales, minlength=PRODUCTS)
    drawn, referred = (sold[part["product"]["id"]].mean() for part in (got.drawn, got.referred))
    assert drawn < 2 * sold.mean() < 3 * sold.mean() < referred


def test_bytes_bound_what_is_referred_to_as_well(shop: FrameReader) -> None:
    for most in (40_000, 80_000):
        got = sampled(shop, 5_000, most)
        assert sum(t.nbytes for p in (got.drawn, got.referred) for t in p.values()) <= most
    assert sampled(shop, 5_000, 10**9).drawn["sale"].equals(sampled(shop, 5_000).drawn["sale"])


def test_what_is_read_whole_asks_for_nothing(shop: FrameReader) -> None:
    assert not sampled(shop, 10_000).referred
    levels = Levels({"a": None}, {"a": 700}, 700)
    assert levels.room({"a": 690}) == {"a": 0}  # ten rows were left out: they lead to no row


@pytest.mark.parametrize(("room", "wanted"), [(0, []), (3, [9, 2]), (100, [9, 2, 7])])
def test_room_is_kept_and_order_follows_from_what_asks(room: int, wanted: list[int]) -> None:
    metadata = Metadata().add_table("a", "id")
    metadata.add_table("b", "id", fk={"a": "a.id"})
    drawn = {
        "a": pa.table({"id": [5]}),
        "b": pa.table({"id": range(7), "a": [9, None, 5, 2, 9, 7, 404]}),
    }

    def find(key: ForeignKey, keys: pa.Table) -> pa.Table:
        there = [v for v in sorted(keys["id"].to_pylist()) if v != 404]  # an orphan leads nowhere
        return pa.table({"id": pa.array(there, pa.int64())})

    got = referred_rows(metadata, drawn, {"a": room}, find)
    assert (got["a"]["id"].to_pylist() if got else []) == wanted


@pytest.mark.parametrize(
    ("most", "text", "queries"), [(500, 9_000, 1), (70, 9_000, 2), (500, 90, 8)]
)
def test_parents_are_asked_for_in_few_queries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, text: int, queries: int
) -> None:
    """No more values at once than an engine takes, and no longer a text."""
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        db.execute("CREATE TABLE a (id TEXT PRIMARY KEY)")
        db.executemany("INSERT INTO a VALUES (?)", [(f"{i:04}",) for i in range(200)])
        db.commit()
    warehouse = SqlWarehouse(f"sqlite:///{tmp_path / 'a.db'}")
    monkeypatch.setattr(type(warehouse.dialect), "MOST_VALUES", most)
    monkeypatch.setattr(sql, "_MOST_TEXT", text)
    asked, children = [], Statistics.children
    monkeypatch.setattr(
        Statistics, "children", lambda *given: asked.append(len(given[3])) or children(*given)
    )
    keys = pa.table({"id": [f"{i:04}" for i in range(0, 260, 2)]})
    find = sql._Referred(warehouse._statistics, warehouse.metadata)
    got = find(ForeignKey(columns=["a"], parent="a", parent_columns=["id"]), keys)
    assert got["id"].to_pylist() == [f"{i:04}" for i in range(0, 200, 2)]
    assert len(asked) == queries


def test_an_empty_table_below_takes_no_row_from_those_above() -> None:
    metadata = Metadata().add_table("customer", "id")
    metadata = metadata.add_table("refund", "id", fk={"customer": "customer.id"})
    counts = {"customer": 2_000, "refund": 0}
    drivers = {"customer": None, "refund": metadata.table("refund").foreign_keys[0]}
    assert Levels.of(metadata, drivers, counts, 5_000).fraction("customer") == 1.0
    assert Levels.of(metadata, drivers, counts, 500).fraction("customer") == 0.25
