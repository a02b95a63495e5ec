"""What gives a panel's copy away shows: repeats, sub-entities, changes, steps, far keys, sets."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.shapes import STRUCTURES
from benchmarks.shapes.base import Tables
from synthohive.metrics import (
    c2st,
    c2st_aggregates,
    c2st_sequences,
    column_scores_by_group_size,
    k_hop_distances,
    natural_key,
    panel_scores,
    sequence_scores,
    with_children,
)
from synthohive.schema import ForeignKey, Metadata


def made(name: str, size: int = 300) -> tuple[Tables, Tables, Metadata]:
    shape = STRUCTURES[name]
    tables = shape.tables(1, size)
    return tables, shape.tables(2, size), shape.metadata(tables)


def key_of(metadata: Metadata, child: str) -> ForeignKey:
    return metadata.table(child).foreign_keys[0]


def shuffled(tables: Tables, table: str, *columns: str) -> Tables:
    """Return tables with some columns dealt anew among all rows of one."""
    rows, rng = tables[table], np.random.default_rng(3)
    order = pa.array(rng.permutation(len(rows)))
    for name in columns:
        rows = rows.set_column(rows.column_names.index(name), name, rows.column(name).take(order))
    return {**tables, table: rows}


@pytest.mark.parametrize(
    ("name", "child", "columns", "order"),
    [
        ("panel_stores", "sales", ("dept", "week"), "week"),
        ("panel_players", "appearances", ("year", "team", "position"), "year"),
        ("sticky_weeks", "weeks", ("week",), "week"),
        ("sets_baskets", "purchases", None, None),
        ("nearly_orders", "orders", None, None),
    ],
)
def test_a_natural_key_is_found(
    name: str, child: str, columns: tuple[str, ...] | None, order: str | None
) -> None:
    real, _, metadata = made(name, 1_000)
    found = natural_key(real, metadata, child, key_of(metadata, child))
    assert (found and found.columns) == columns
    assert (found and found.order) == order


def test_repeats_and_sub_entities_are_counted() -> None:
    real, other, metadata = made("panel_stores", 1_000)
    key = key_of(metadata, "sales")
    kept = panel_scores(real, other, metadata, "sales", key)
    lost = panel_scores(real, shuffled(other, "sales", "dept"), metadata, "sales", key)
    assert kept is not None
    assert lost is not None
    assert (kept.real_repeats, kept.synthetic_repeats) == (0.0, 0.0)
    assert kept.entities_ks < 0.25
    assert lost.synthetic_repeats > 0.1
    assert lost.synthetic_entities > 1.5 * kept.synthetic_entities
    assert lost.entities_ks > 0.5


def test_changes_runs_and_steps_are_compared() -> None:
    real, other, metadata = made("sticky_seasons", 1_000)
    key = key_of(metadata, "seasons")
    sides = other, shuffled(other, "seasons", "code", "attendance")
    kept, lost = (
        {s.column: s for s in found.steps}
        for found in (sequence_scores(real, side, metadata, "seasons", key) for side in sides)
        if found is not None
    )
    assert lost["code"].run_ks > kept["code"].run_ks + 0.3
    assert lost["code"].count_ks > kept["code"].count_ks + 0.5
    assert kept["code"].real_run > 10
    assert lost["code"].synthetic_run < 2
    assert (kept["code"].step_ks, kept["league"].run_ks < 0.3) == (None, True)
    assert (kept["attendance"].step_ks or 0) < 0.1
    assert (lost["attendance"].step_ks or 0) > 0.3


def test_series_below_a_parent_are_told_by_their_steps() -> None:
    real, other, metadata = made("panel_stores", 100)
    key = key_of(metadata, "sales")
    kept, lost = (
        c2st_sequences(real, side, metadata, "sales", key, "week", ["dept"])
        for side in (other, shuffled(other, "sales", "sales"))
    )
    assert (kept or 0) < 0.75
    assert (lost or 0) > 0.85
    found = sequence_scores(real, other, metadata, "sales", key, "week", ("dept",))
    assert found is not None
    assert found.real_gap == pytest.approx(7, abs=0.5)


def test_long_groups_are_compared_apart() -> None:
    real, other, metadata = made("long_100")
    key = key_of(metadata, "readings")
    rows = other["readings"]
    # right in short groups, and further off the longer a group goes on
    at = np.asarray(rows["device_id"])
    late = np.arange(len(rows)) - np.searchsorted(at, at)
    value = np.where(late >= 60, np.asarray(rows["value"]) + 6, np.asarray(rows["value"]))
    off = {**other, "readings": rows.set_column(3, "value", pa.array(value))}
    sizes = [100]
    kept, lost = (
        column_scores_by_group_size(real, side, metadata, "readings", key, sizes)
        for side in (other, off)
    )
    assert set(kept) == {1, 100}
    assert kept[100]["value"].value < 0.15 < lost[100]["value"].value


def test_what_grandchildren_have_of_their_grandparents() -> None:
    metadata = Metadata().add_table("a", "id").add_table("b", "id", fk={"a": "a.id"})
    metadata.add_table("c", fk={"b": "b.id"})
    rng = np.random.default_rng(1)
    of_a, of_b = rng.integers(0, 200, 600), rng.integers(0, 600, 3_000)
    side = rng.choice(["x", "y"], 200)
    tables = {
        "a": {"id": range(200), "side": side, "size": rng.normal(size=200)},
        "b": {"id": range(600), "a": of_a, "much": rng.normal(size=600)},
        "c": {"b": of_b, "same": side[of_a[of_b]]},
    }
    lost = {**tables, "c": {"b": of_b, "same": rng.permutation(side[of_a[of_b]])}}
    kept, found = (k_hop_distances(tables, made, metadata) for made in (tables, lost))
    assert kept == {0: 0.0, 1: 0.0, 2: 0.0}
    assert found[0] == 0.0
    assert found[1] < 0.05
    assert found[2] > 0.1


def test_a_wrong_set_of_children_shows() -> None:
    real, other, metadata = made("sets_baskets", 400)
    # each household's prices, hours and items from all: the columns stay as they are
    lost = shuffled(other, "purchases", "item", "price", "hour")
    kept, found = (c2st_aggregates(real, side, metadata, "households") for side in (other, lost))
    assert kept < 0.65
    assert found > 0.8
    rows, said = with_children(real, metadata, "households", spread=True)
    assert "different item of purchases(household_id)" in said
    spread = rows["deviation of price of purchases(household_id)"]
    assert spread.null_count == 0
    alone = np.bincount(np.asarray(real["purchases"]["household_id"]), minlength=400) < 2
    assert np.isnan(np.asarray(spread)).tolist() == alone.tolist()


def test_a_classifier_sees_all_columns_of_a_wide_table() -> None:
    rng = np.random.default_rng(1)
    sides = [{f"x{i}": rng.normal(size=300) for i in range(60)} for _ in range(2)]
    sides[1]["x59"] = sides[1]["x59"] + 3
    assert c2st(*sides, quick=True) > 0.9
