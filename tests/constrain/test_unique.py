"""No repeats over many blocks, whatever the type."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthohive.constrain.base import Repairing
from synthohive.constrain.checks import TableChecks
from synthohive.constrain.unique import UniqueRepair, UniqueRule
from synthohive.schema import CheckConstraint, Column, TableConfig

TYPES: dict[str, tuple[str, Any]] = {
    "integer": ("integer", pa.int64()),
    "unsigned": ("integer", pa.uint64()),
    "decimal": ("decimal", pa.decimal128(12, 2)),
    "float": ("float", pa.float64()),
    "date": ("date", pa.date32()),
    "timestamp": ("timestamp", pa.timestamp("us")),
    "text": ("text", pa.string()),
}


@pytest.mark.parametrize("kind", TYPES)
def test_blocks_together_hold_no_repeat(kind: str) -> None:
    name, type_ = TYPES[kind]
    columns = {"g": Column(name="g", kind="integer"), "v": Column(name="v", kind=name, length=4)}
    config = TableConfig(name="t", pk=["g", "v"], columns=columns)
    repair = UniqueRepair(config, UniqueRule(("g", "v")), {"v"})
    rng = np.random.default_rng(0)
    rows: list[tuple[Any, Any]] = []
    for _ in range(4):
        numbers = pa.array(rng.integers(1, 9, 40).astype(np.int32))
        wide = numbers if kind == "date" else numbers.cast(pa.int64())
        values = (
            wide.cast(pa.decimal128(21, 0)).cast(type_) if kind == "decimal" else wide.cast(type_)
        )
        block = pa.table({"g": rng.integers(0, 3, 40), "v": values})
        block, changed = Repairing(block, [repair], rng).run()
        repair.remember(block)
        assert changed > 0
        assert block.schema.field("v").type == type_
        rows += zip(block["g"].to_pylist(), block["v"].to_pylist())
    assert len(set(rows)) == len(rows) == 160
    if kind == "text":
        assert max(len(v) for _, v in rows) <= 4


def test_blocks_of_whole_groups_need_not_know_of_each_other() -> None:
    columns = {c: Column(name=c, kind="integer") for c in "gv"}
    config = TableConfig(name="t", pk=["g", "v"], columns=columns)
    blocks = [pa.table({"g": [g, g, g + 1], "v": [1, 1, 1]}) for g in (0, 2, 4)]
    for order in (blocks, blocks[::-1]):
        repair = UniqueRepair(config, UniqueRule(("g", "v")), {"v"}, apart=True)
        for block in order:
            made, changed = Repairing(block, [repair], np.random.default_rng(0)).run()
            assert changed == 1
            assert not repair.remember(made).any()


def test_labels_are_traded_between_groups_and_no_code_is_invented() -> None:
    rng = np.random.default_rng(5)
    columns = {"g": Column(name="g", kind="integer"), "v": Column(name="v", kind="code")}
    config = TableConfig(name="t", pk=["g", "v"], columns=columns)
    groups = np.repeat(np.arange(60), 12)
    block = pa.table({"g": groups, "v": rng.integers(1, 21, len(groups)) ** 2})
    repair = UniqueRepair(config, UniqueRule(("g", "v")), {"v"}, apart=True)
    made, changed = Repairing(block, [repair], rng).run()
    assert changed > 100  # of 720
    assert not repair.remember(made).any()
    before, after = (Counter(rows["v"].to_pylist()) for rows in (block, made))
    assert sum((before - after).values()) <= 5  # nearly all by trades, which keep all values
    full = pa.table({"g": [0] * 21, "v": [n**2 for n in (*range(1, 21), 1)]})
    made, changed = Repairing(full, [repair], rng).run()
    assert changed == 0  # there is no 21st label
    assert made.equals(full)


def test_a_trade_prefers_what_the_group_has_in_other_rows() -> None:
    columns = {c: Column(name=c, kind="text") for c in ("home", "year", "place")}
    config = TableConfig(name="t", columns=columns)
    rows = [("a", "1", "P"), ("a", "1", "P"), ("a", "2", "C")]
    rows += [(f"h{n}", "1", place) for n, place in enumerate(["C", *"UVWXYZ"])]
    block = pa.table(dict(zip(columns, map(list, zip(*rows)))))
    repair = UniqueRepair(config, UniqueRule(tuple(columns)), {"place"}, home=["home"])
    made, _ = Repairing(block, [repair], np.random.default_rng(1)).run()
    assert sorted(made.slice(0, 2)["place"].to_pylist()) == ["C", "P"]


@pytest.mark.parametrize(("groups", "least", "moved"), [(200, 1960, 1), (1, 2**60, 60)])
def test_a_year_that_repeats_becomes_a_near_one(groups: int, least: int, moved: int) -> None:
    """It lies after the debut that it was drawn beside: traded at will, it lay 20 years before."""
    rng = np.random.default_rng(3)
    columns = {c: Column(name=c, kind="integer") for c in ("player", "year")}
    config = TableConfig(name="t", pk=["player", "year"], columns=columns)
    repair = UniqueRepair(config, UniqueRule(("player", "year")), {"year"})
    first = rng.integers(0, 30, groups) * 2 + least
    drawn = np.concatenate([first, first, [least, least + 60]])
    players = pa.array([*range(groups), *range(groups), groups, groups])
    made, changed = Repairing(
        pa.table({"player": players, "year": drawn}), [repair], np.random.default_rng(0)
    ).run()
    assert changed == groups
    assert np.abs(made.column("year").to_numpy() - drawn).mean() < 2 * moved


def test_rows_with_null_never_repeat() -> None:
    config = TableConfig(name="t", columns={"v": Column(name="v", kind="integer")})
    block = pa.table({"v": pa.array([None, None, 1, 1])})
    repair = UniqueRepair(config, UniqueRule(("v",)), {"v"})
    made, changed = Repairing(block, [repair], np.random.default_rng(0)).run()
    assert changed == 1
    assert made["v"].null_count == 2


def test_no_repair_breaks_what_else_must_hold() -> None:
    rng = np.random.default_rng(4)
    columns = {c: Column(name=c, kind="integer") for c in "abc"}
    config = TableConfig(
        name="t", columns=columns, checks=[CheckConstraint(sqltext="a < b AND c > 0")]
    )
    checks = TableChecks.compile(config, "postgresql", set("abc"))
    rules = [UniqueRepair(config, UniqueRule(tuple(of)), set(of)) for of in ("ac", "bc", "a")]
    numbers = rng.integers(0, 400, (2, 300))
    rows = pa.table({"a": numbers[0], "b": numbers[1], "c": rng.integers(-1, 3, 300)})
    made, repaired = checks.repair(rows, rng, others=rules)
    assert repaired > 150
    assert checks.violations(made) == {}
    for rule in rules:
        assert not rule.broken(made).any()


def test_years_of_a_key_stay_among_those_that_there_are() -> None:
    columns = {c: Column(name=c, kind=k) for c, k in (("year", "integer"), ("round", "text"))}
    config = TableConfig(name="series", pk=["year", "round"], columns=columns)
    rng = np.random.default_rng(3)
    drawn = (
        rng.integers(1903, 2023, 228),
        rng.choice(["WS", "ALCS", "NLCS"], 228, p=[0.6, 0.2, 0.2]),
    )
    block = pa.table({"year": np.r_[drawn[0][:-2], 1903, 2022], "round": drawn[1]})
    repair = UniqueRepair(config, UniqueRule(("year", "round")), {"year", "round"})
    made, changed = Repairing(block, [repair], rng).run()
    assert changed > 0
    assert not repair.broken(made).any()
    years = made["year"].to_numpy()
    assert (years.min(), years.max()) == (1903, 2022)


@pytest.mark.parametrize("kind", ["integer", "date"])
def test_years_beyond_all_others_are_those_of_all_teams(kind: str) -> None:
    """One for each row, they went on for 700 years, in which two teams played."""
    columns = {"year": Column(name="year", kind=kind), "team": Column(name="team", kind="text")}
    config = TableConfig(name="teams", pk=["year", "team"], columns=columns)
    rng = np.random.default_rng(3)
    years = pa.array(rng.integers(0, 30, 600).astype(np.int32)).cast(TYPES[kind][1])
    repair = UniqueRepair(config, UniqueRule(("year", "team")), {"year"})
    block = pa.table({"year": years, "team": rng.choice([*"ABCDEFGH"], 600)})
    made, _ = Repairing(block, [repair], rng).run()
    assert not repair.broken(made).any()
    assert len(made["year"].unique()) < 110  # 600 rows of 8 teams, some of whom play more
