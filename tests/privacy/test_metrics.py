from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from synthohive.privacy.metrics import copied_rows, copied_values, distance_to_closest_record


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
