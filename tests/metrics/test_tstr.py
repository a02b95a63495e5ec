"""Models trained on synthetic rows: as good where what goes together is kept, else useless."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from synthohive.metrics.tstr import Utility, target_columns, utility
from synthohive.schema import Column
from synthohive.schema.columns import column_from_arrow


def rows(seed: int, related: bool = True) -> pa.Table:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=900)
    columns = {
        "x": x,
        "y": x + 0.3 * rng.normal(size=900),
        "kind": np.where(x + 0.3 * rng.normal(size=900) > 0, "high", "low"),
        "noise": rng.normal(size=900),
        "copy": 2 * x,
        "word": np.array([f"{i:x}" for i in rng.integers(0, 2**40, 900)]),
    }
    return pa.table({n: v if related else rng.permutation(v) for n, v in columns.items()})


def described(table: pa.Table) -> dict[str, Column]:
    return {f.name: column_from_arrow(f) for f in table.schema}


def compared(related: bool) -> dict[str, Utility]:
    real = rows(1)
    found = utility(real, rows(2, related), rows(3), ["y", "kind"], described(real))
    return {score.target: score for score in found}


def test_another_draw_is_as_useful() -> None:
    for score in compared(related=True).values():
        assert score.real > 0.6
        assert score.loss < 0.1


def test_rows_that_go_with_nothing_are_useless() -> None:
    for score in compared(related=False).values():
        assert score.real > 0.6
        assert score.synthetic < 0.1


def test_targets_go_with_others_and_follow_from_none() -> None:
    table = rows(1)
    assert set(target_columns(table, described(table))) == {"y", "kind"}
    assert len(target_columns(table, described(table), most=1)) == 1


def test_categories_that_training_never_saw_and_nulls() -> None:
    real = pa.table({"a": ["p", "q"] * 60, "b": [0, 1] * 60})
    test = pa.table({"a": ["p", "q", "new", None] * 20, "b": [0, 1, 1, None] * 20})
    (score,) = utility(real, real, test, ["b"], described(real))
    assert score.real == score.synthetic
    assert score.real == pytest.approx(1.0, abs=0.6)
