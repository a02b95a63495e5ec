"""Shards: the same rows whoever makes them, and each parent's children as in one run."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive import Metadata, Synthesizer
from synthohive.generate import database
from synthohive.generate.conditions import compile_conditions
from synthohive.generate.database import generate_database
from synthohive.generate.row_counts import expected_rows
from synthohive.generate.shard_plan import Cut, ShardSize, cut_tables
from synthohive.generate.shards import MadeShard, Shards
from tests.events import captured_events
from tests.generate.test_block_pool import patience

__all__ = ["patience"]
WHOLE = ShardSize(least=10**12)
SMALL = ShardSize(rows=1_500, least=1, roots=8)


@pytest.fixture(scope="module")
def shop() -> Synthesizer:
    """Return customers, their orders and lines, of products of few kinds."""
    rng = np.random.default_rng(0)
    people = pd.DataFrame({"id": range(1, 601), "age": rng.integers(18, 80, 600)})
    kinds = pd.DataFrame({"code": list("abcd"), "label": ["bread", "milk", "water", "salt"]})
    products = pd.DataFrame({"id": range(1, 121), "price": rng.gamma(2, 20, 120).round(2)})
    products["kind"] = rng.choice(list("abcd"), 120)
    ordered = rng.poisson(1 + people["age"] / 40)
    orders = pd.DataFrame({"id": np.arange(1, ordered.sum() + 1)})
    orders["person"] = rng.permutation(np.repeat(people["id"], ordered).to_numpy())
    days = np.sort(rng.integers(0, 900, len(orders)))
    orders["day"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(days, unit="D")
    sizes = rng.integers(1, 5, len(orders))
    lines = pd.DataFrame({"ordered": np.repeat(orders["id"].to_numpy(), sizes)})
    lines["line"] = lines.groupby("ordered").cumcount() + 1
    chosen = rng.choice(120, len(lines), p=np.r_[np.full(40, 3), np.full(80, 1)] / 200) + 1
    lines["product"] = pd.Series(chosen, dtype="Int64").mask(rng.random(len(lines)) < 0.1)
    meta = Metadata().add_table("people", "id").add_table("kinds", "code")
    meta.add_table("products", "id", fk={"kind": "kinds.code"})
    meta.add_table("orders", "id", fk={"person": "people.id"})
    meta.add_table(
        "lines", ["ordered", "line"], fk={"ordered": "orders.id", "product": "products.id"}
    )
    tables = {
        "people": people, "kinds": kinds, "products": products, "orders": orders, "lines": lines
    }  # fmt: skip
    return Synthesizer(meta, model="autoregressive").fit(tables, epochs=2, seed=1, progress=False)


def made(
    synth: Synthesizer,
    size: ShardSize,
    n_jobs: int = 1,
    num_rows: Optional[Mapping[str, int]] = None,
) -> dict[str, pa.Table]:
    with generate_database(
        synth._state(), seed=7, n_jobs=n_jobs, num_rows=num_rows, shard_size=size
    ) as spools:
        return {name: spool.column_table(spool.schema.names) for name, spool in spools.items()}


def cut(synth: Synthesizer, size: ShardSize = SMALL, scale: float = 1.0) -> Cut:
    fitted = synth._state()
    return cut_tables(fitted, expected_rows(fitted, scale, {}), size)


def digest(tables: Mapping[str, pa.Table]) -> str:
    found = hashlib.sha256()
    for table in tables.values():
        for batch in table.to_batches():
            found.update(str(batch.to_pydict()).encode())
    return found.hexdigest()


def test_what_is_below_a_row_is_cut_with_it(shop: Synthesizer) -> None:
    """Products and their kinds are what rows of all shards refer to."""
    assert cut(shop) == Cut(frozenset({"people", "orders", "lines"}), 4)
    assert cut(shop, ShardSize()) == Cut()  # a small database is one shard


@pytest.mark.slow
def test_any_number_of_processes_makes_the_same_shards(shop: Synthesizer) -> None:
    assert digest(made(shop, SMALL)) == digest(made(shop, SMALL, 2))


def test_parents_have_as_many_children_as_in_one_run(shop: Synthesizer) -> None:
    parts, whole = made(shop, SMALL), made(shop, WHOLE)
    assert {n: len(rows) for n, rows in parts.items()} == {n: len(t) for n, t in whole.items()}
    for name in ("kinds", "products"):
        assert parts[name].equals(whole[name]), name
    # Of products, each has its own number; of people and orders, as many have each number.
    each = [
        pd.Series(rows["lines"]["product"].to_pandas()).value_counts().to_dict()
        for rows in (parts, whole)
    ]
    assert sorted(each[0].values()) == sorted(each[1].values())
    assert np.mean([each[1].get(key) == number for key, number in each[0].items()]) > 0.9
    assert parts["lines"]["product"].null_count == whole["lines"]["product"].null_count
    for name, key in (("orders", "person"), ("lines", "ordered")):
        numbers = [
            np.sort(pd.Series(rows[name][key].to_pandas()).value_counts().to_numpy())
            for rows in (parts, whole)
        ]
        assert (numbers[0] == numbers[1]).all(), name


def test_keys_count_on_from_shard_to_shard(shop: Synthesizer) -> None:
    rows = {name: table.to_pandas() for name, table in made(shop, SMALL).items()}
    assert sorted(rows["people"]["id"]) == list(range(1, 601))
    # Numbers that rise with the day do so over all shards, but for what shards differ by.
    assert "id rises with day" in map(str, shop.relations["orders"])
    orders = rows["orders"].sort_values("id")
    assert orders["day"].corr(orders["id"], method="spearman") > 0.99
    assert orders["id"].max() <= 1.1 * len(orders)


def test_asked_numbers_of_rows_are_reached(shop: Synthesizer) -> None:
    asked = {"people": 900, "orders": 4_000, "lines": 7_000}
    rows, whole = (made(shop, size, num_rows=asked) for size in (SMALL, WHOLE))
    assert {name: len(rows[name]) for name in asked} == asked
    for name, key in (("orders", "person"), ("lines", "ordered")):
        numbers = [
            np.sort(pd.Series(found[name][key].to_pandas()).value_counts().to_numpy())
            for found in (rows, whole)
        ]
        assert (numbers[0] == numbers[1]).all(), name


def test_what_the_caller_fixes_is_so_in_whatever_shard(shop: Synthesizer) -> None:
    fitted = shop._state()
    fixed = compile_conditions(fitted, {"people": {"age": {30: 0.3, 60: 0.7}}})
    found = []
    for size in (SMALL, WHOLE):
        with generate_database(fitted, seed=7, conditions=fixed, shard_size=size) as spools:
            people = spools["people"].column_table(["id", "age"])
        found.append(dict(zip(*(column.to_pylist() for column in people.columns))))
    assert set(found[0].values()) == {30, 60}
    assert found[0] == found[1]


def planted(boss: bool = False, **more: Any) -> Synthesizer:
    """Return people and their notes, and what ties notes of many people together."""
    rng = np.random.default_rng(3)
    people = pd.DataFrame({"id": range(400), "x": rng.normal(size=400)})
    notes = pd.DataFrame({"id": range(1_200), "person": np.repeat(range(400), 3)})
    for name, values in more.items():
        notes[name] = values
    unique = [{"columns": [name]} for name in more if name == "code"]
    if boss:
        people["boss"] = pd.Series([None if i < 9 else i // 2 for i in range(400)], dtype="Int64")
    meta = Metadata().add_table("people", "id", fk={"boss": "people.id"} if boss else None)
    keys = {name: "people.id" for name in ("person", "about") if name in notes}
    meta.add_table("notes", "id", fk=keys, unique=unique)
    synth = Synthesizer(meta, model="autoregressive")
    return synth.fit({"people": people, "notes": notes}, epochs=1, seed=1, progress=False)


def test_what_a_rule_binds_over_all_rows_is_made_as_a_whole() -> None:
    rng = np.random.default_rng(5)
    size = ShardSize(rows=400, least=1, roots=8)
    assert cut(planted(), size).tables == {"people", "notes"}
    # A learned column that never repeats at all: then people, whom notes refer to, come first, too.
    assert not cut(planted(code=rng.permutation(5_000)[:1_200] / 7.0), size).tables
    # Another person than the one whose note it is, anywhere: shards would be islands.
    about = planted(about=rng.integers(0, 400, 1_200))
    assert cut(about, size).tables == {"notes"}
    hierarchy = planted(boss=True)
    assert cut(hierarchy, size).tables == {"notes"}
    assert len(made(hierarchy, size)["notes"]) == 1_200
    # More people have no more notes each: there is as much to cut at any scale.
    tenfold = cut(hierarchy, ShardSize(rows=1_000, least=1), scale=10.0)
    assert tenfold == Cut(frozenset({"notes"}), 12)


@pytest.mark.slow
def test_a_shard_in_which_a_process_was_killed_is_made_here(
    shop: Synthesizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = os.getpid()

    class Deadly(Shards):  # of this function, so that it goes to other processes as it is
        def _made(self, number: int, folder: Path) -> MadeShard:
            done = super()._made(number, folder)
            if os.getpid() != here:
                os.kill(os.getpid(), signal.SIGKILL)  # the rows are there, and nobody has them
            return done

    whole = digest(made(shop, SMALL))
    monkeypatch.setattr(database, "Shards", Deadly)
    with captured_events() as told:
        assert digest(made(shop, SMALL, 2)) == whole
    assert "blocks_made_in_one_process" in [event["event"] for event in told]
