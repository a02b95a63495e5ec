"""Limits by kind of score, table and column, and what is told where one is not kept."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from synthohive import Gate, QualityError, SchemaError
from synthohive.metrics import ColumnScore, Score, check_quality

SCORES = [
    Score("orders", "total", "distance", 0.2, "KS"),
    Score("orders", "total", "validity", 0.98, "share"),
    Score("orders", None, "classifier", 0.8, "AUC"),
    Score("orders", "customer", "orphans", 3.0, "rows"),
    Score("people", "mail", "copies", 0.5, "share of values"),
    Score("people", None, "memorisation", 0.2, "excess over 0.5"),
]


@pytest.mark.parametrize(
    ("limits", "failing"),
    [
        ({"distance": 0.1}, ["distance"]),
        ({"distance": 0.2, "validity": 0.98, "classifier": 0.8, "orphans": 3.0}, []),
        ({"validity": 0.99}, ["validity"]),  # the only one of which more is better
        ({"classifier": 0.7, "orphans": 0}, ["classifier", "orphans"]),
        ({"copies": 0.0, "memorisation": 0.1}, ["copies", "memorisation"]),
        ({"distance": 0.1, "tables": {"orders": {"distance": 0.3}}}, []),
        ({"distance": 0.3, "tables": {"orders": {"distance": 0.1}}}, ["distance"]),
        (
            {
                "tables": {"orders": {"distance": 0.1, "classifier": None}},
                "columns": {"orders": {"total": {"distance": None}}},
            },
            [],
        ),
        ({"classifier": 0.7, "tables": {"orders": {"classifier": None}}}, []),
        ({"distance": 0.3, "columns": {"orders": {"total": {"distance": 0.1}}}}, ["distance"]),
    ],
)
def test_the_nearest_limit_counts(limits: dict[str, Any], failing: list[str]) -> None:
    gate = Gate(**limits)
    if not failing:
        check_quality(SCORES, gate)
        return
    with pytest.raises(QualityError) as caught:
        check_quality(SCORES, gate)
    assert sorted(caught.value.frame["score"]) == sorted(failing)


def test_the_error_carries_all_failing_scores() -> None:
    scores = {f"t.c{i}": ColumnScore("KS", 0.5) for i in range(30)}
    scores["t.n"] = ColumnScore("TVD", float("nan"))
    with pytest.raises(QualityError, match=r"(?s)31 of 31 scores.* and 11 more") as caught:
        check_quality(scores, 0.25)
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert list(again.frame) == ["table", "column", "score", "metric", "value", "limit"]
    assert len(again.frame) == 31
    assert set(again.frame["limit"]) == {0.25}
    assert again.frame.loc[0, ["table", "score"]].tolist() == ["t", "distance"]


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({}, "no limit"),
        ({"tables": {"orders": {"distance": None}}}, "no limit"),
        ({"distence": 0.1}, "Did you mean 'distance'"),
        ({"distance": "0.1"}, "valid number"),
        ({"distance": True}, "valid number"),
        ({"distance": float("nan")}, "finite"),
        ({"distance": -0.1}, "between 0"),
        ({"classifier": 0.4}, r"between 0\.5 and 1"),
        ({"memorisation": 0.6}, r"between 0 and 0\.5"),
        ({"tables": {"orders": {"valid": 1.0}}}, "tables.orders.valid"),
        ({"tables": {"orders": {"copies": 2.0}}}, r"tables\.orders\.copies: .* between 0 and 1"),
        ({"columns": {"orders": {"total": {"classifier": 0.7}}}}, "a table has such a score"),
        ({"columns": {"orders.total": 0.1}}, "columns.orders.total"),
    ],
)
def test_impossible_limits_are_refused(limits: dict[str, Any], told: str) -> None:
    with pytest.raises(SchemaError, match=told):
        Gate(**limits)
