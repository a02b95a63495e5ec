"""Numbers near others: found, modelled by the difference, and back."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from synthohive.derive.columns import Columns
from synthohive.derive.program import Program
from synthohive.derive.residuals import (
    find_residuals,
)
from synthohive.privacy.entities import Entities
from synthohive.schema import Column
from synthohive.schema.columns import column_from_arrow

K = 5
NOTHING = pa.table({})
RNG = np.random.default_rng(0)


def rows(count: int = 2000) -> pa.Table:
    """Return delays: the arrival's near the departure's; a price near twice the cost."""
    rng = np.random.default_rng(1)
    leave = np.rint(rng.exponential(40, count)).astype(int) - 10
    cost = np.round(rng.lognormal(3, 0.7, count), 2)
    return pa.table(
        {
            "leave": leave,
            "arrive": pa.array(leave + rng.integers(-15, 16, count), mask=rng.random(count) < 0.1),
            "other": rng.integers(0, 500, count),
            "cost": pa.array([f"{c:.2f}" for c in cost]).cast(pa.decimal128(9, 2)),
            "price": np.round(2 * cost * rng.uniform(0.95, 1.05, count), 2),
        }
    )


def columns(table: pa.Table) -> dict[str, Column]:
    return {f.name: column_from_arrow(f) for f in table.schema}


def test_what_lies_near_something_before_it_is_found() -> None:
    found = {r.target: r for r in find_residuals(Columns(rows(), rows().column_names, k=K))}
    assert {name: r.source for name, r in found.items()} == {"arrive": "leave", "price": "cost"}
    assert found["arrive"].slope == 1.0
    assert found["price"].slope == pytest.approx(2, abs=0.05)


def test_they_come_back_from_the_differences() -> None:
    table = rows()
    found = find_residuals(Columns(table, table.column_names, k=K))
    made, described = Program(residuals=tuple(found)).move(table, columns(table), None, RNG)
    assert made.column("arrive").null_count == table.column("arrive").null_count
    spread = [np.nanstd(t.column("arrive").to_numpy()) for t in (made, table)]
    assert spread[0] < spread[1] / 2
    assert described["arrive"].arrow == "int64"
    again = Program(residuals=tuple(found)).unmove(made, NOTHING)
    assert again.schema == table.schema
    for name in table.column_names:
        inside = np.abs(again.column(name).to_numpy() - table.column(name).to_numpy()) < 0.006
        if name in ("arrive", "price"):  # all but the few most extreme rows
            null = table.column(name).to_numpy() != table.column(name).to_numpy()
            assert (~(inside | null)).sum() <= 4 * K
        else:
            assert inside.all()


def test_the_extremes_of_fewer_than_k_rows_are_not_kept() -> None:
    table = rows()
    (one,) = (
        r for r in find_residuals(Columns(table, table.column_names, k=K)) if r.target == "price"
    )
    prices = np.sort(table.column("price").to_numpy())
    assert prices[K - 1] < one.low < prices[2 * K - 1]
    assert prices[-2 * K] < one.high < prices[-K]
    assert not np.isclose(prices[:, None], [one.low, one.high], atol=0.004).any()


def test_the_extremes_of_one_entity_are_not_kept_though_it_has_many_rows() -> None:
    table, owner = rows(), np.arange(len(rows()))
    price = table.column("price").to_numpy().copy()
    price[:50] = 5_123.45
    owner[:50] = 0
    table = table.set_column(table.column_names.index("price"), "price", pa.array(price))
    found = find_residuals(Columns(table, table.column_names, Entities.over(owner), K))
    assert all(r.high < 5_000 for r in found if r.target == "price")


def test_a_missing_source_counts_as_its_middle() -> None:
    table = rows()
    found = [
        r for r in find_residuals(Columns(table, table.column_names, k=K)) if r.target == "arrive"
    ]
    leave = table.column("leave").to_pylist()
    leave[:20] = [None] * 20
    holed = table.set_column(0, "leave", pa.array(leave, pa.int64()))
    made, _ = Program(residuals=tuple(found)).move(holed, columns(holed), None, RNG)
    again = Program(residuals=tuple(found)).unmove(made, NOTHING)
    pairs = zip(again.column("arrive").to_pylist()[:20], table.column("arrive").to_pylist()[:20])
    assert all(a == b for a, b in pairs)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_frequent_value_is_not_lost(share: float) -> None:
    """A discounted price that is often 0 stays a column of its own."""
    rng = np.random.default_rng(2)
    cost = rng.integers(100, 10_000, 3000)
    price = np.where(rng.random(3000) < share, 0, cost + rng.integers(0, 50, 3000))
    found = find_residuals(
        Columns(pa.table({"cost": cost, "price": price}), ["cost", "price"], k=K)
    )
    assert len(found) == (share == 0.0)


def test_there_is_no_difference_to_what_means_none() -> None:
    rng = np.random.default_rng(1)
    first = rng.normal(1_000, 300, 2_000).round()
    second = np.where(rng.random(2_000) < 0.03, -999_999, first + rng.normal(0, 20, 2_000).round())
    assert not find_residuals(Columns(pa.table({"a": first, "b": second}), ["a", "b"], k=5))
    special = np.where(second < 0, np.inf, second)
    assert not find_residuals(Columns(pa.table({"a": first, "b": special}), ["a", "b"], k=5))
    whole = np.where(second < 0, first, second)
    assert find_residuals(Columns(pa.table({"a": first, "b": whole}), ["a", "b"], k=5))


def test_a_column_that_is_hardly_ever_known_disturbs_nothing() -> None:
    table = rows(5000)
    sparse = np.full(5000, np.nan)
    sparse[1:400:2] = np.arange(200)
    table = table.append_column("sparse", pa.array(sparse, mask=np.isnan(sparse)))
    found = find_residuals(Columns(table, ["sparse", "leave", "arrive"], k=K))
    assert [one.target for one in found] == ["arrive"]


def test_hundreds_stay_hundreds() -> None:
    rng = np.random.default_rng(3)
    cost = np.round(rng.lognormal(6, 0.7, 2000), 2)
    fare = (np.rint(cost * 30 * rng.uniform(0.9, 1.1, 2000) / 100) * 100).astype(int)
    table = pa.table(
        {"cost": cost, "fare": pa.array(fare.astype(float)).cast(pa.decimal128(12, 2))}
    )
    found = find_residuals(Columns(table, table.column_names, k=K))
    made, _ = Program(residuals=tuple(found)).move(table, columns(table), None, RNG)
    shuffled = made.set_column(0, "cost", made.column("cost").take(pa.array(rng.permutation(2000))))
    back = Program(residuals=tuple(found)).unmove(shuffled, NOTHING).column("fare").to_pylist()
    assert [r.target for r in found] == ["fare"]
    assert not [number for number in back if number % 100]


def test_what_is_told_better_as_it_is_stays() -> None:
    # how far hits are from a quarter of the times at bat grows with these
    rng = np.random.default_rng(3)
    bats = np.rint(rng.lognormal(4, 1.2, 2_000)).astype(int) + 1
    hits = rng.binomial(bats, rng.beta(8, 24, len(bats)))
    table = pa.table({"bats": bats, "hits": hits})
    assert np.corrcoef(bats, hits)[0, 1] > 0.9
    assert find_residuals(Columns(table, table.column_names, k=K)) == []
