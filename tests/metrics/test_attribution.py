"""The columns that give synthetic rows away come first."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from synthohive.metrics import feature_attribution
from synthohive.schema.columns import column_from_arrow


def rows(seed: int, shift: float = 0.0, related: bool = True) -> pa.Table:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=900)
    y = x if related else rng.permutation(x)
    return pa.table(
        {"plain": rng.normal(size=900), "x": x, "y": y, "moved": rng.normal(size=900) + shift}
    )


def names(real: pa.Table, made: pa.Table) -> dict[str, tuple[float, float]]:
    columns = {f.name: column_from_arrow(f) for f in real.schema}
    return {t.column: (t.drop, t.alone) for t in feature_attribution(real, made, columns, most=2)}


def test_a_column_whose_distribution_is_wrong_tells_alone() -> None:
    found = names(rows(1), rows(2, shift=2.0))
    assert next(iter(found)) == "moved"
    drop, alone = found["moved"]
    assert drop > 0.3
    assert alone > 0.85


def test_columns_that_no_longer_go_together_tell_only_jointly() -> None:
    found = names(rows(1), rows(2, related=False))
    assert set(found) == {"x", "y"}
    for drop, alone in found.values():
        assert drop > 0.3
        assert alone < 0.6


def test_nothing_to_tell_by() -> None:
    empty = rows(1).slice(0, 3)
    assert names(empty, empty) == {}
