"""Persons without a table and without a telling name: what their rows repeat is not shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive import Metadata, Synthesizer
from synthohive.learn.entity_paths import EntityFinder
from synthohive.learn.entity_tables import EntityTable, _changes_along, with_entities
from synthohive.learn.hidden_entities import _constant, _constant_columns, hidden_entities
from synthohive.privacy.kinds import PiiFinding, PiiKind
from synthohive.schema import PrivacyConfig
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.sample import Sample

ROWS = 1_200
PEOPLE = 30


def visits(who: list[Any], seed: int = 1) -> pd.DataFrame:
    """Return a flat table in which someone is known by a number, and has a phrase and a salary."""
    rng = np.random.default_rng(seed)
    salary = rng.normal(5_000, 900, len(who)).round(5)  # none comes out by chance
    born = [str(d) for d in pd.Timestamp("1950-01-01") + pd.to_timedelta(
        rng.choice(18_000, len(who), replace=False), unit="D")]  # fmt: skip
    rows = rng.integers(0, len(who), ROWS)
    return pd.DataFrame(
        {
            "c1": [who[i] for i in rows],
            "c2": [f"sed {'abcdefghij'[i % 10] * 3} {'klmnop'[i // 10] * 4}" for i in rows],
            "c3": salary[rows],
            "c4": [pd.Timestamp(born[i]).date() for i in rows],
            "c5": rng.choice(["A", "B"], ROWS),
            "c6": rng.integers(0, 100, ROWS),
        }
    )


CALLED: dict[str, list[Any]] = {
    "a number": np.random.default_rng(2).choice(900_000, PEOPLE, replace=False).tolist(),
    "a counter": list(range(1, PEOPLE + 1)),
    "a code": [f"ZQ-{7919 * i % 9973:04d}" for i in range(PEOPLE)],
}


@pytest.mark.parametrize("called", CALLED)
def test_whoever_a_number_stands_for_counts(called: str) -> None:
    rows = pa.Table.from_pandas(visits(CALLED[called]), preserve_index=False)
    (name,) = hidden_entities(rows, ())
    assert name in {"c1", "c2"}  # either names the same


def test_a_few_with_many_rows_count() -> None:
    who = np.concatenate([np.arange(400), np.repeat([3, 5, 9], 200)])
    rng = np.random.default_rng(3)
    code, salary = rng.permutation(10**6)[:400], rng.normal(5_000, 900, 400).round(2)
    rows = pa.table({"c1": code[who], "c2": salary[who], "c3": rng.integers(0, 9, len(who))})
    assert hidden_entities(rows, ()) == ["c1"]


def test_labels_ranks_conversions_and_things_are_nobody() -> None:
    rng = np.random.default_rng(4)
    n, level = 5_000, rng.integers(0, 16, 5_000)
    city, price = rng.integers(0, 200, n), rng.integers(1, 500, n) / 4
    product, place = rng.integers(0, 60, n), rng.integers(0, 20, n)
    rows = pa.table(
        {
            "education": [f"grade {'abcdefghijklmnop'[i]}" for i in level],
            "rank": level + 1,
            "town": [f"town {i}" for i in city],
            "shire": [f"shire {i % 20}" for i in city],
            "net": price,
            "gross": (price * 1.19).round(2),
            "place": np.where(place > 14, "R", place.astype(str)),  # retired: without a number
            "points": pa.array(place.astype(float), mask=place > 14),
            "celsius": product,
            "fahrenheit": product * 1.8 + 32,
        }
    )
    assert hidden_entities(rows, ()) == []
    things = pa.table({"product": product, "c2": rng.normal(9, 2, 60).round(3)[product]})
    assert hidden_entities(things, ()) == []
    assert hidden_entities(things.rename_columns(["c1", "c2"]), ()) == ["c1"]


def test_first_and_last_names_are_one_person() -> None:
    rng = np.random.default_rng(5)
    who = rng.integers(0, 40, 800)
    rows = pa.table(
        {"a": [f"F{i % 8}" for i in who], "b": [f"L{i // 8}" for i in who], "c": who % 3}
    )
    found = (
        PiiFinding("t", "a", PiiKind.FIRST_NAME, ""),
        PiiFinding("t", "b", PiiKind.LAST_NAME, ""),
    )
    metadata = Metadata().add_table("t", None)
    sample = Sample(metadata, RelationalPlan.build(metadata, {"t": 800}), {"t": rows})
    (path,) = EntityFinder(sample, PrivacyConfig(), found).of("t").paths
    assert (path.name, path.size) == ("t.a+b", 40)


@pytest.mark.parametrize("called", ["a number", "a code"])
def test_nothing_of_a_single_person_of_a_flat_table_comes_out(called: str) -> None:
    real = visits(CALLED[called])
    synth = Synthesizer(Metadata().add_table("t1", None), model="autoregressive")
    synth.fit({"t1": real}, epochs=1, seed=1, progress=False)
    made = synth.sample(seed=2)["t1"]
    for column in ("c2", "c3"):
        assert not set(made[column]) & set(real[column]), column
    # Six digits, or four, by chance: not all of them.
    assert made["c1"].isin(set(real["c1"])).mean() < 0.05
    assert made["c4"].isin(set(real["c4"])).mean() < 0.05
    assert set(made["c5"]) == {"A", "B"}


def test_columns_looked_at_together_are_found_as_one_by_one() -> None:
    rng = np.random.default_rng(5)
    for rows in (1, 2, 10, 200):
        one = rng.integers(-1, 12, rows)
        kinds = (one, one % 3, np.where(rng.random(rows) < 0.02, -1, one), rng.integers(0, 4, rows))
        found = _constant_columns(one, np.stack(kinds))
        assert found.tolist() == [_constant(one, other) for other in kinds]


def test_who_changes_along_a_series_does_not_drive_it() -> None:
    """Operators come and go along the log of a machine; customers have days at a shop."""
    draws = np.random.default_rng(1)
    metadata = Metadata().add_table("machine", "id")
    metadata.add_table("log", fk={"machine": "machine.id"})
    machine = np.repeat(np.arange(10), 200)
    shift = np.repeat(draws.integers(0, 25, 100), 20)
    visits = draws.integers(0, 400, 2_000)
    log = {"machine": machine, "at": np.tile(np.arange(200), 10).astype("M8[h]").astype("M8[s]")}
    rows = pa.table({**log, "operator": shift, "customer": visits})
    tables = {"machine": pa.table({"id": range(10)}), "log": rows}
    for name, table in tables.items():
        metadata.tables[name].columns = metadata.tables[name].described(table.schema)
    plan = RelationalPlan.build(metadata, {"machine": 10, "log": 2_000})
    sample = Sample(metadata, plan, tables)
    one = EntityTable("log[operator]", "log", ("operator",))
    assert _changes_along(sample, one)
    assert not _changes_along(sample, EntityTable("log[customer]", "log", ("customer",)))
    found = with_entities(metadata, [replace(one, drives=False)], PrivacyConfig())
    plan = RelationalPlan.build(found, {"machine": 10, "log": 2_000, "log[operator]": 25})
    assert plan.tables["log"].driver is not None
    assert plan.tables["log"].driver.parent == "machine"
