"""Series of things that have no table, under keys that nothing declares."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthohive import Metadata, PrivacyConfig, SerializationError, Synthesizer
from synthohive.io.dataframe import FrameReader
from synthohive.learn.entity_paths import EntityFinder
from synthohive.learn.entity_tables import EntityTable
from synthohive.learn.sub_entities import find_sub_entities
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.sample import Sample
from synthohive.tables.source import SourceTables
from tests.interface.hostile import put, seal

KEY = ["store", "dept", "week"]


def panel(stores: int = 24, weeks: int = 10) -> dict[str, pd.DataFrame]:
    """Stores with some of 40 departments each, some of which are closed, or lack a week."""
    rng = np.random.default_rng(3)
    labels = np.sort(rng.choice(np.arange(1, 99), 40, replace=False))
    dates, rows = pd.date_range("2024-01-05", periods=weeks, freq="7D"), []
    for store in range(1, stores + 1):
        for dept in rng.permutation(np.flatnonzero(rng.random(40) < 0.4)):
            until = weeks if rng.random() < 0.7 else int(rng.integers(1, weeks))
            level = rng.normal(dept / 10, 0.3)
            floor = rng.choice(["ground", "first", "cellar"])
            for week in np.flatnonzero(rng.random(until) < 0.9):
                sales = round(float(np.exp(level + rng.normal(0, 0.1))), 2)
                rows.append((store, labels[dept], dates[week], floor, sales))
    shops = pd.DataFrame(
        {"store": np.arange(1, stores + 1), "kind": rng.choice(["A", "B"], stores)}
    )
    sales = pd.DataFrame(rows, columns=["store", "dept", "week", "floor", "sales"])
    sales["holiday"] = sales["week"].isin(dates[[2, 7]])
    return {"shops": shops, "sales": sales.sort_values(["week", "store"], ignore_index=True)}


def described(key: object = None) -> Metadata:
    metadata = Metadata().add_table("shops", "store")
    return metadata.add_table("sales", key, fk={"store": "shops.store"})


def found(tables: dict[str, pd.DataFrame], metadata: Metadata) -> list[EntityTable]:
    reader = FrameReader(tables, metadata)
    counts = reader.counts(list(tables))
    plan = RelationalPlan.build(reader.metadata, counts)
    rows = reader.sample(plan.drivers, 100_000, 1).drawn
    sample, whole = Sample(reader.metadata, plan, rows), SourceTables(reader, rows, counts)
    return find_sub_entities(sample, whole, EntityFinder(sample, PrivacyConfig()), [])


@pytest.mark.parametrize("key", [None, KEY, "id"])
def test_found_whatever_is_declared(key: object) -> None:
    tables = panel()
    if key == "id":
        tables["sales"].insert(0, "id", np.arange(len(tables["sales"])))
    (one,) = found(tables, described(key))
    assert (one.columns, one.labels, one.follows) == (("store", "dept"), ("dept",), ("floor",))
    assert one.levels == ("sales",)
    assert [key.parent for key in one.own_keys] == ["shops"]
    assert not one.alone


def test_labels_that_no_two_parents_share_tell_alone() -> None:
    tables = panel()
    tables["sales"]["dept"] += 100 * tables["sales"]["store"]
    (one,) = found(tables, described())
    assert one.labels == ()
    assert one.alone == ("dept",)


def test_without_any_table_above() -> None:
    """Stores are found within their departments; what shows its name keeps it."""
    (one, outer) = found({"sales": panel()["sales"]}, Metadata().add_table("sales"))
    assert (one.columns, one.labels, one.follows) == (("store", "dept"), ("dept",), ("floor",))
    assert (outer.table, outer.columns, outer.kept) == (one.name, ("store",), False)
    rows = panel()["sales"]
    shops = "no " + (100 * rows["store"] + rows["dept"]).astype(str)
    few, series = rows["store"] > 20, pd.DataFrame({"shop": shops, **rows[["week", "sales"]]})
    assert not found({"sales": series[few]}, Metadata().add_table("sales"))  # of 60 series
    (one,) = found({"sales": series}, Metadata().add_table("sales"))
    assert (one.columns, one.time, one.kept) == (("shop",), "week", False)
    often = series[shops.map(shops.value_counts()) >= 5]
    (one,) = found({"sales": often}, Metadata().add_table("sales"))
    assert one.kept


def test_over_two_declared_keys() -> None:
    tables = panel()
    tables["depts"] = pd.DataFrame({"dept": np.unique(tables["sales"]["dept"])})
    metadata = Metadata().add_table("shops", "store").add_table("depts", "dept")
    metadata.add_table("sales", fk={"store": "shops.store", "dept": "depts.dept"})
    (one,) = found(tables, metadata)
    assert {*one.columns} == {"store", "dept"}
    assert one.labels == ()
    assert {key.parent for key in one.own_keys} == {"shops", "depts"}


def test_things_that_are_in_few_of_many_parents_each() -> None:
    """Products in hardly two shops each have one row a week there; shops have many.

    What rows have from a product is still found, though their series stands between.
    """
    rng = np.random.default_rng(1)
    prices = np.round(np.exp(rng.normal(3, 1, 150)), 2)
    rows = [
        (shop, product, week, round(prices[product] * (0.9 if rng.random() < 0.1 else 1), 2))
        for shop in range(40)
        for product in rng.choice(150, 6, replace=False)
        for week in range(int(rng.integers(8, 20)))
    ]
    stock = pd.DataFrame(rows, columns=["shop", "product", "week", "price"])
    stock["week"] = pd.Timestamp("2022-01-03") + pd.to_timedelta(7 * stock["week"], "D")
    tables = {"shops": 40, "products": 150}
    metadata = Metadata().add_table("shops", "id").add_table("products", "id")
    metadata.add_table("stock", fk={"shop": "shops.id", "product": "products.id"})
    parents = {name: pd.DataFrame({"id": range(rows)}) for name, rows in tables.items()}
    parents["products"]["price"] = prices
    real = {**parents, "stock": stock}
    (one,) = found(real, metadata)
    assert {*one.columns} == {"shop", "product"}
    synth = Synthesizer(metadata, model="autoregressive").fit(real, epochs=1, seed=1)
    assert "price = products.price" in str(synth.relations["stock"])


def test_a_full_grid_of_few_series_repeats_no_place() -> None:
    """Twenty stores by twenty weeks are too few series for a table within the table."""
    rng, stores = np.random.default_rng(1), np.repeat(np.arange(20), 20)
    weeks = pd.Timestamp("2024-01-05") + pd.to_timedelta(np.tile(7 * np.arange(20), 20), "D")
    sales = np.round(np.exp(rng.normal(stores / 5, 0.1)), 2)
    real = pd.DataFrame({"store": stores, "week": weeks, "sales": sales})
    synth = Synthesizer(Metadata().add_table("sales"), model="autoregressive")
    made = synth.fit({"sales": real}, epochs=1, seed=1).sample(seed=2)["sales"]
    assert "store, week never repeat" in map(str, synth.relations["sales"])
    assert len(made) == len(real)
    assert not made.duplicated(["store", "week"]).any()


def _events(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    """Visits on some of 700 days, hardly ever two of one store and day."""
    week = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 700, rows), "D")
    frame = pd.DataFrame({"store": rng.integers(1, 25, rows), "dept": rng.integers(0, 9, rows)})
    return frame.assign(week=week, sales=rng.normal(size=rows)).drop_duplicates(KEY)


def test_no_panel_in_events_nor_by_chance_nor_with_gaps_in_the_key() -> None:
    tables, rng = panel(), np.random.default_rng(1)
    assert not found({**tables, "sales": _events(rng, 2_000)}, described())  # one after the other
    few = tables["sales"].sample(60, random_state=1)  # chance would repeat hardly any
    assert not found({**tables, "sales": few}, described())
    twice = pd.concat([tables["sales"], tables["sales"].iloc[-1:]])  # one row breaks it
    assert not found({**tables, "sales": twice}, described())
    holes = tables["sales"].astype({"dept": "Int64"})
    holes.loc[5, "dept"] = None
    assert not found({**tables, "sales": holes}, described())


def fielding() -> dict[str, pd.DataFrame]:
    """Players' years by place, of which none repeats."""
    rng = np.random.default_rng(4)
    rows = [
        (player, 1990 + player % 9 + year, str(place), int(rng.integers(1, 99)))
        for player in range(150)
        for year in range(int(rng.integers(1, 7)))
        for place in rng.choice(["P", "C", "1B", "SS"], rng.integers(1, 3), replace=False)
    ]
    players = pd.DataFrame({"player": range(150), "hand": rng.choice(["L", "R"], 150)})
    columns = ["player", "year", "place", "games"]
    return {"players": players, "fielding": pd.DataFrame(rows, columns=columns)}


def test_a_copy_keeps_natural_keys_and_has_as_many_series(tmp_path: Path) -> None:
    tables = {**panel(), **fielding()}
    metadata = described().add_table("players", "player")
    metadata.add_table("fielding", fk={"player": "players.player"})
    synth = Synthesizer(metadata, model="autoregressive").fit(tables, epochs=1, seed=1)
    made = synth.sample(seed=2)
    real, fake = tables["sales"], made["sales"]
    assert set(made) == set(tables)
    assert not fake.duplicated(KEY).any()
    shown = synth.fitted_.described
    assert set(shown.tables) == set(tables)
    assert not shown.tables["sales"].unique
    things = [rows.groupby("store")["dept"].nunique() for rows in (real, fake)]
    assert sorted(things[0]) == sorted(things[1])
    weeks = [rows.groupby(["store", "dept"]).size() for rows in (real, fake)]
    assert sorted(weeks[0]) == sorted(weeks[1])
    assert set(fake["dept"]) <= set(real["dept"])  # labels, and no numbers between them
    assert (fake.groupby(["store", "dept"])["floor"].nunique() == 1).all()
    levels = [np.log(rows.groupby(["store", "dept"])["sales"].mean()) for rows in (real, fake)]
    told = [np.corrcoef(own, own.index.get_level_values("dept"))[0, 1] for own in levels]
    assert told[1] > told[0] - 0.1  # labels that are changed afterwards leave their series behind
    assert set(fake["week"]) <= set(real["week"])  # no day but Fridays
    assert (fake["holiday"] == fake["week"].isin(real["week"][real["holiday"]])).all()
    relations = list(map(str, synth.relations["sales"]))
    assert "store, dept -> floor" in relations
    assert "[" not in "".join(relations)  # no name of a table within a table
    assert "year, place never repeat for one player" in map(str, synth.relations["fielding"])
    assert not made["fielding"].duplicated(["player", "year", "place"]).any()
    years = made["fielding"].groupby("player")["year"]
    assert years.apply(lambda year: year.is_monotonic_increasing).all()
    saved = synth.save(tmp_path / "saved")
    pd.testing.assert_frame_equal(Synthesizer.load(saved).sample(seed=2)["sales"], fake)
    (place,) = saved.rglob("database.json")
    state = json.loads(place.read_text(encoding="utf-8"))
    for name, value in (
        ("name", "x"),
        ("table", "x"),
        ("time", "x"),
        ("labels", ["x"]),
        ("levels", ["x"]),
    ):
        changed = put(state, ("entity_tables", 0, name), value)
        place.write_text(json.dumps(changed), encoding="utf-8")
        seal(saved)
        with pytest.raises(SerializationError, match=r"there is no table|are not there"):
            Synthesizer.load(saved)
