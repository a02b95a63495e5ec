from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import ks_2samp

from synthohive.exceptions import QualityError
from synthohive.metrics import (
    ColumnScore,
    association,
    check_quality,
    fan_out_histogram,
    fan_out_ks,
    ks,
    null_rate_difference,
    orphans,
    pair_tvd,
    tvd,
)
from synthohive.metrics.distances import column_distance
from synthohive.metrics.gate import emit_scores
from synthohive.schema import Column

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("top", [3, 50, 10_000])
def test_ks_equals_scipy(top: int) -> None:
    left, right = RNG.integers(0, top, 700), RNG.integers(0, top + 2, 400)
    expected = ks_2samp(left, right).statistic
    assert ks(pa.array(left), pa.array(right)) == pytest.approx(expected, abs=1e-12)


def test_ks_of_times_and_decimals() -> None:
    days = [dt.date(9999, 12, 31), dt.date(1, 1, 1), None]
    assert ks(pa.array(days), pa.array(days[::-1])) == 0.0
    assert ks(pa.array(days), pa.array([dt.date(1, 1, 1)])) == 0.5
    money = pa.array([1, 2], pa.decimal128(15, 2))
    assert ks(money, pa.array([1, 1], pa.decimal128(15, 2))) == 0.5
    assert ks(pa.array([], pa.int64()), pa.array([1])) == 1.0
    assert ks(pa.array([None], pa.int64()), pa.array([], pa.int64())) == 0.0


def test_tvd_and_nulls() -> None:
    assert tvd(pa.array(["a", "b"]), pa.array(["b", "a", "b", "a"])) == 0.0
    assert tvd(pa.array(["a"]), pa.array(["b"])) == 1.0
    assert tvd(pa.array([True, False]), pa.array([True, None])) == 0.5
    assert null_rate_difference(pa.array([None, 1]), pa.array([1, 1])) == 0.5


@pytest.mark.parametrize(
    ("kind", "values", "metric"),
    [
        ("integer", [1, 2, 3], "KS"),
        ("date", [dt.date(2020, 1, 1)], "KS"),
        ("time", [dt.time(1, 2)], "KS"),
        ("interval", [dt.timedelta(1)], "KS"),
        ("boolean", [True, False], "TVD"),
        ("categorical", ["a", "b"], "TVD"),
        ("text", ["a", "b"] * 20, "TVD"),
        ("text", [f"text {i}" for i in range(100)], "KS of lengths"),
        ("uuid", ["0f", "1f"] * 20, "KS of lengths"),
        ("json", ["{}"] * 20, "KS of lengths"),
        ("binary", [b"ab"] * 20, "KS of lengths"),
    ],
)
def test_each_kind_has_its_metric(kind: str, values: list, metric: str) -> None:
    array = pa.array(values)
    score = column_distance(Column(name="c", kind=kind), array, array)
    assert (score.metric, score.value, score.nulls) == (metric, 0.0, 0.0)


def test_a_column_of_nulls_shows_in_the_nulls() -> None:
    column = Column(name="c", kind="integer")
    score = column_distance(column, pa.array([1, 2]), pa.array([None, None], pa.int64()))
    assert (score.value, score.worst) == (0.0, 1.0)


def test_association() -> None:
    x = RNG.normal(size=3000)
    group = RNG.integers(0, 3, 3000)
    table = pa.table(
        {
            "x": x,
            "y": -np.exp(x),
            "z": RNG.normal(size=3000),
            "g": [f"g{i}" for i in group],
            "h": [f"h{i}" for i in group],
            "j": [f"j{i}" for i in RNG.integers(0, 3, 3000)],
            "w": group * 10 + RNG.normal(size=3000),
            "n": pa.nulls(3000, pa.float64()),
        }
    )

    def strength(a: str, b: str) -> float:
        return association(table[a], table[b])

    assert strength("x", "y") == pytest.approx(1.0)
    assert strength("x", "z") < 0.08
    assert strength("g", "h") == pytest.approx(1.0, abs=1e-6)
    assert strength("g", "j") < 0.08
    assert strength("g", "w") == strength("w", "g") > 0.9
    assert strength("g", "z") < 0.08
    assert strength("x", "n") == 0.0
    mixed = table.set_column(1, "y", pa.array(RNG.permutation(np.exp(x))))
    assert association(mixed["x"], mixed["y"]) < 0.1
    assert pair_tvd(table, mixed, "x", "y") > 0.5
    assert pair_tvd(table, table, "x", "g") == 0.0


def test_keys() -> None:
    parent = pa.table({"id": pa.array([1, 2, 3], pa.int32()), "k": ["a", "b", "c"]})
    child = pa.table({"p": pa.array([1, 1, 9, None, 2]), "q": ["a", "a", "a", "a", None]})
    assert orphans(child, ["p"], parent, ["id"]) == 1
    assert orphans(child, ["p", "q"], parent, ["id", "k"]) == 1
    assert fan_out_histogram(child, ["p"], parent, ["id"]) == {0: 1, 1: 1, 2: 1}
    assert fan_out_ks({0: 1, 1: 1}, {0: 1, 1: 3}) == 0.25
    assert fan_out_ks({}, {1: 1}) == 1.0


def test_the_gate_names_the_worst_first() -> None:
    scores = {
        "t.a": ColumnScore("KS", 0.3),
        "t.b": ColumnScore("TVD", 0.02, nulls=0.5),
        "t.c": ColumnScore("KS", 0.1),
    }
    check_quality(scores, 0.5)
    with pytest.raises(QualityError, match=r"2 of 3 scores") as caught:
        check_quality(scores, 0.1)
    assert list(caught.value.scores.items()) == [("t.b", 0.5), ("t.a", 0.3)]
    assert "t.b: share of NULLs 0.500, limit 0.1" in str(caught.value)
    with pytest.raises(QualityError):
        check_quality({"t.a": ColumnScore("KS", float("nan"))}, 0.9)


def test_scores_are_emitted() -> None:
    from tests.events import captured_events

    with captured_events() as events:
        emit_scores({"t.a": ColumnScore("KS", 0.25)})
    assert [(e["event"], e["column"], e["distance"]) for e in events] == [
        ("column_quality", "t.a", 0.25)
    ]
