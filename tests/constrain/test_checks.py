"""Constraints of a table found broken, repaired and enforced."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from synthohive.constrain.check_repair import nearest
from synthohive.constrain.checks import TableChecks
from synthohive.exceptions import ConstraintViolationError
from synthohive.schema import CheckConstraint, Column, Constraint, TableConfig
from tests.events import captured_events

COLUMNS = {
    c.name: c
    for c in (
        Column(name="id", kind="integer"),
        Column(name="qty", kind="integer"),
        Column(name="price", kind="decimal", precision=10, scale=2),
        Column(name="score", kind="float"),
        Column(name="status", kind="text"),
        Column(name="start", kind="date"),
        Column(name="stop", kind="timestamp"),
    )
}


def config(
    *checks: str, constraints: Optional[dict[str, Constraint]] = None, **named: str
) -> TableConfig:
    stated = [CheckConstraint(sqltext=text) for text in checks]
    stated += [CheckConstraint(sqltext=text, name=name) for name, text in named.items()]
    return TableConfig(name="orders", columns=COLUMNS, checks=stated, constraints=constraints or {})


def compiled(
    *checks: str, free: str = "qty price score status start stop", **more: Any
) -> TableChecks:
    return TableChecks.compile(config(*checks, **more), "postgresql", set(free.split()))


def rng() -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(3)))


@pytest.fixture
def table() -> pa.Table:
    random, rows = np.random.default_rng(1), 500
    day = np.datetime64("2020-01-01")
    cents = random.integers(-200, 2000, rows).tolist()
    absent = random.random(rows) < 0.1
    starts = (day + random.integers(0, 60, rows)).tolist()
    stops = (np.datetime64("2020-01-01T00:00:00") + random.integers(0, 60 * 86_400, rows)).tolist()
    return pa.table(
        {
            "id": pa.array(np.arange(rows)),
            "qty": pa.array(random.integers(-3, 10, rows), pa.int64(), mask=absent),
            "price": pa.array([Decimal(c).scaleb(-2) for c in cents], pa.decimal128(10, 2)),
            "score": pa.array(random.normal(0, 1, rows)),
            "status": pa.array(random.choice(["new", "paid", "odd"], rows)),
            "start": pa.array(starts, pa.date32()),
            "stop": pa.array(stops, pa.timestamp("us")),
        }
    )


CASES = [
    {"checks": ["qty > 0"]},
    {"checks": ["price >= 0::numeric AND price <= 10.5"]},
    {"checks": ["status::text = ANY (ARRAY['new'::text, 'paid'::text])"]},
    {"checks": ["start <= stop"]},
    {"checks": ["(status = 'paid'::text) = (price > 5::numeric)"]},
    {"checks": ["qty > 0", "price * qty::numeric < 20::numeric", "start <= stop", "score < 1.5"]},
    {"constraints": {"qty": Constraint(min=0, max=5), "price": Constraint(min=0.1)}},
    {"constraints": {"score": Constraint(min=-0.5, max=0.5)}, "checks": ["score < 0.4"]},
]


@pytest.mark.parametrize("case", CASES)
def test_repair_satisfies_every_constraint(case: dict[str, Any], table: pa.Table) -> None:
    checks = compiled(*case.get("checks", ()), constraints=case.get("constraints"))
    broken = checks.violations(table)
    rows = np.unique(np.concatenate(list(broken.values())))
    assert len(rows) > 5
    repaired, count = checks.repair(table, rng())
    assert checks.violations(repaired) == {}
    assert count == len(rows)
    assert repaired.schema == table.schema
    kept = np.setdiff1d(np.arange(table.num_rows), rows)
    if "start <= stop" in case.get("checks", ()):  # broken in many rows: values change places
        for name in ("start", "stop"):
            assert np.isin(repaired.column(name).to_pylist(), table.column(name).to_pylist()).all()
        return
    assert repaired.take(kept).equals(table.take(kept).combine_chunks())
    assert repaired.column("id").combine_chunks().equals(table.column("id").combine_chunks())


def test_repair_is_a_function_of_the_generator(table: pa.Table) -> None:
    checks = compiled(*CASES[5]["checks"])
    assert checks.repair(table, rng())[0].equals(checks.repair(table, rng())[0])


def test_a_table_without_violation_is_returned_as_it_is(table: pa.Table) -> None:
    repaired, count = compiled("id >= 0", "qty < 100").repair(table, rng())
    assert repaired is table
    assert count == 0


def test_redrawn_values_are_values_of_the_column(table: pa.Table) -> None:
    repaired, _ = compiled("price >= 3::numeric").repair(table, rng())
    assert set(repaired.column("price").to_pylist()) <= set(table.column("price").to_pylist())


def test_bounds_hold_even_where_no_value_is_inside() -> None:
    table = pa.table(
        {
            "qty": pa.array([-5, None, 80]),
            "price": pa.array([Decimal("-1.00")] * 3, pa.decimal128(10, 2)),
            "score": pa.array([9.0, 9.0, 9.0]),
        }
    )
    bounds = {"qty": Constraint(min=0.5, max=9.5), "score": Constraint(max=1.25)}
    repaired, count = compiled("price > 0::numeric", constraints=bounds).repair(table, rng())
    assert repaired.column("qty").to_pylist() == [1, None, 9]
    assert repaired.column("price").to_pylist() == [Decimal("0.01")] * 3
    assert repaired.column("score").to_pylist() == [1.25] * 3
    assert count == 3


def test_dtype_int_rounds() -> None:
    table = pa.table({"score": [0.5, 1.4, 9.7, None]})
    bounds = {"score": Constraint(dtype="int", max=9)}
    repaired, count = compiled(constraints=bounds).repair(table, rng())
    assert repaired.column("score").to_pylist()[:2] == [1.0, 1.0]
    assert repaired.column("score").to_pylist()[2] in (1.0, 9.0)
    assert count == 1
    unbound = compiled(constraints={"score": Constraint(dtype="int")})
    assert unbound.repair(table, rng())[0].column("score").to_pylist() == [1.0, 1.0, 10.0, None]


def test_resampling_comes_before_borrowing(table: pa.Table) -> None:
    asked = []

    def resample(rows: np.ndarray, random: np.random.Generator) -> pa.Table:
        asked.append(len(rows))
        prices = pa.array([Decimal("7.77")] * len(rows), pa.decimal128(10, 2))
        return pa.table({"price": prices, "status": ["paid"] * len(rows), "unrelated": rows})

    checks = compiled("(status = 'paid'::text) = (price > 5::numeric)", free="price status")
    (rows,) = checks.violations(table).values()
    repaired, _ = checks.repair(table, rng(), resample)
    assert asked == [len(rows)]
    assert set(repaired.take(rows).column("price").to_pylist()) == {Decimal("7.77")}


def test_borrowed_values_fit_the_columns_that_stay(table: pa.Table) -> None:
    checks = compiled("(status = 'paid'::text) = (price > 5::numeric)", free="price")
    repaired, _ = checks.repair(table, rng())
    assert checks.violations(repaired) == {}
    assert repaired.column("status").equals(table.column("status"))


def test_what_cannot_be_repaired_is_left_and_reported(table: pa.Table) -> None:
    checks = compiled("score < 3 AND score > 5", "id < 100")
    with captured_events() as logs:
        repaired, count = checks.repair(table, rng())
    assert [e["event"] for e in logs] == ["checks_still_violated"]
    assert count == 0
    assert repaired.equals(table)
    assert len(checks.violations(repaired)["id < 100"]) == 400


def test_swaps_and_clips_a_comparison_of_columns() -> None:
    columns = {n: Column(name=n, kind="integer") for n in "abc"}
    table = pa.table({"a": [5, 7, 2], "b": [3, 7, 1], "c": [1, 1, 1]})
    stated = TableConfig(
        name="t", columns=columns, checks=[CheckConstraint(sqltext="a < b AND c > 0")]
    )
    both = TableChecks.compile(stated, "postgresql", {"a", "b"})
    repaired, count = both.repair(table, rng())
    assert count == 3
    assert repaired.column("a").to_pylist() == [3, 6, 1]
    assert repaired.column("b").to_pylist() == [5, 7, 2]
    one = TableChecks.compile(stated, "postgresql", {"b"})
    assert one.repair(table, rng())[0].column("b").to_pylist() == [6, 8, 3]


@pytest.mark.parametrize(
    ("bound", "op", "target", "expected"),
    [
        (0.5, ">=", pa.int64(), 1),
        (1.0, ">", pa.int32(), 2),
        (-0.5, "<=", pa.int8(), -1),
        (1e30, ">=", pa.int64(), None),
        (Decimal("1.005"), "<", pa.decimal128(10, 2), Decimal("1.00")),
        (Decimal("1.00"), "<", pa.decimal128(10, 2), Decimal("0.99")),
        (dt.date(2020, 1, 1), ">", pa.date32(), dt.date(2020, 1, 2)),
        (dt.datetime(2020, 1, 1, 5), "<=", pa.date32(), dt.date(2020, 1, 1)),
        (dt.datetime(2020, 1, 1, 5), ">=", pa.date32(), dt.date(2020, 1, 2)),
        (dt.date(2020, 1, 1), ">", pa.timestamp("us"), dt.datetime(2020, 1, 1, 0, 0, 0, 1)),
        (0.1, "<=", pa.float32(), float(np.nextafter(np.float32(0.1), np.float32(-1)))),
        (1.0, ">", pa.float64(), float(np.nextafter(1.0, 2.0))),
        ("x", ">=", pa.string(), None),
        ("x", "=", pa.string(), "x"),
    ],
)
def test_nearest_allowed_value(bound: Any, op: str, target: pa.DataType, expected: Any) -> None:
    found = nearest(pa.array([bound]), op, target)
    assert (None if found is None else found[0].as_py()) == expected


def test_enforce_names_what_is_broken() -> None:
    table = pa.table({"qty": [1, -7, -8], "status": ["a", "b", "c"]})
    checks = compiled(ck_qty="qty >= 0 OR status = 'z'::text")
    with pytest.raises(ConstraintViolationError) as caught:
        checks.enforce(table, "orders")
    for part in ("'orders'", "ck_qty", "2 of 3", "'qty' is -7", "'status' is 'b'"):
        assert part in str(caught.value)
    checks.enforce(table.slice(0, 1), "orders")


def test_checks_of_absent_columns_are_passed_over(table: pa.Table) -> None:
    checks = compiled("qty > 0", "id < 0")
    only = table.select(["qty"])
    assert set(checks.violations(only)) == {"qty > 0"}
    assert checks.violations(checks.repair(only, rng())[0]) == {}


def test_labels_stay_apart() -> None:
    assert list(compiled("qty > 0", "qty > 0").checks) == ["qty > 0", "qty > 0 #2"]


def test_an_empty_table_needs_no_repair(table: pa.Table) -> None:
    repaired, count = compiled("qty > 0").repair(table.slice(0, 0), rng())
    assert (repaired.num_rows, count) == (0, 0)


def test_null_rate_survives_a_repair(table: pa.Table) -> None:
    repaired, _ = compiled("qty > 0").repair(table, rng())
    assert pc.sum(pc.is_null(repaired.column("qty"))) == pc.sum(pc.is_null(table.column("qty")))
