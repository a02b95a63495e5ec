from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from synthohive.privacy.metrics import copied_rows, copied_values, distance_to_closest_record
from synthohive.privacy.reference import is_reference
from synthohive.schema import TableConfig

NATION = TableConfig(name="nation", pk=["id"], foreign_keys=[])
ROWS = pa.table({"id": [1, 2], "name": ["FR", "DE"]})


def test_a_look_up_table() -> None:
    assert is_reference(NATION, ROWS, np.array([5, 9]), {}, 5)


@pytest.mark.parametrize(
    "case",
    [
        {"support": np.array([4, 9])},
        {"pii": {"name": "name"}},
        {"table": TableConfig(name="nation")},
        {"parents_are_reference": False},
        {"data": pa.table({"id": [1, 2], "founded": [dt.date(1900, 1, 1)] * 2})},
        {"data": pa.table({"id": [1, 2], "gdp": [1.5, 2.5]})},
        {"data": pa.table({"id": [1, 2], **{f"c{i}": ["a", "b"] for i in range(5)}})},
        {"data": pa.table({"id": range(300)}), "support": np.full(300, 9)},
        {"data": ROWS.slice(0, 0), "support": np.zeros(0, np.int64)},
    ],
)
def test_what_is_no_look_up_table(case: dict) -> None:
    given = {"table": NATION, "data": ROWS, "support": np.array([5, 9]), "pii": {}, "k": 5, **case}
    assert not is_reference(**given)


def test_the_user_decides() -> None:
    yes = TableConfig(name="n", reference=True)
    assert is_reference(yes, ROWS, np.zeros(2, np.int64), {"name": "name"}, 5)
    no = TableConfig(name="n", pk=["id"], reference=False)
    assert not is_reference(no, ROWS, np.array([9, 9]), {}, 5)


def test_copied_rows() -> None:
    real = pa.table({"a": [1, 2, None], "b": ["x", "y", None]})
    made = pa.table({"a": [1, 2, None, 3], "b": ["x", "x", None, "z"]})
    assert copied_rows(real, made) == 0.25
    assert copied_rows(real, made, ["a"]) == 0.5
    assert copied_rows(real, made.slice(0, 0)) == 0.0


def test_copied_values() -> None:
    assert copied_values(pa.array(["a", "b"]), pa.array(["a", "c", None, "d"])) == pytest.approx(
        1 / 3
    )
    assert copied_values(pa.array(["a"]), pa.array([None], pa.string())) == 0.0


def test_distance_to_closest_record() -> None:
    rng = np.random.default_rng(0)

    def rows(size: int) -> pa.Table:
        return pa.table(
            {
                "x": rng.normal(size=size),
                "y": rng.normal(size=size),
                "c": rng.choice(["a", "b", None], size),
            }
        )

    real, holdout = rows(500), rows(500)
    assert distance_to_closest_record(real, rows(500), holdout=holdout).closer < 0.12
    assert distance_to_closest_record(real, real, holdout=holdout).closer > 0.9
