from __future__ import annotations

import pyarrow as pa
import pytest

from synthohive.metrics.copies import copied_rows, copied_values


def test_copied_rows() -> None:
    real = pa.table({"a": [1, 2, None], "b": ["x", "y", None]})
    made = pa.table({"a": [1, 2, None, 3], "b": ["x", "x", None, "z"]})
    assert copied_rows(real, made, ["a", "b"]) == 0.25
    assert copied_rows(real, made, ["a"]) == 0.5
    assert copied_rows(real, made.slice(0, 0), ["a"]) == 0.0


def test_copied_values() -> None:
    assert copied_values(pa.array(["a", "b"]), pa.array(["a", "c", None, "d"])) == pytest.approx(
        1 / 3
    )
    assert copied_values(pa.array(["a"]), pa.array([None], pa.string())) == 0.0
