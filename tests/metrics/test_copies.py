from __future__ import annotations

import pyarrow as pa
import pytest

from synthohive.metrics.copies import copied_rows, copied_values, copies_of_rows


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


def test_rows_are_copied_whatever_was_made_up_beside_them() -> None:
    """A made-up name is no real one: it may not hide that all else was copied."""
    real = pa.table({"id": range(300), "name": [f"N{i}" for i in range(300)], "x": range(300)})
    made = real.set_column(1, "name", pa.array([f"M{i}" for i in range(300)]))
    assert copies_of_rows(real, made, ["x", "gone"]) == 1.0
    assert copies_of_rows(real.slice(0, 299), made, ["x"]) is None
    often = real.set_column(2, "x", pa.array([i % 200 for i in range(300)]))
    assert copies_of_rows(often, made, ["x"]) is None
