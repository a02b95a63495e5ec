"""The population stability index, and many columns at once, where values are heavy or near 2^60."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from tests.dbt.engines import ADAPTERS, Warehouse, opened

pytestmark = pytest.mark.slow  # it runs macros, not lines of ours: see CONTRIBUTING.md
RNG = np.random.default_rng(7)
FAR = 2**60
"""As floats, integers from here on are alike in steps of 256."""
SIDES = {
    "heavy": (RNG.choice([0, 5, 10, 11, 12], 400), RNG.choice([0, 10, 20], 500, p=[0.6, 0.3, 0.1])),
    "below": (RNG.integers(-9, 4, 300), np.full(60, 3)),
    "above": (RNG.integers(4, 9, 300), np.full(60, 3)),
    "between": (np.full(200, 5), np.repeat([0, 10], [30, 50])),
    "one": (np.array([3]), np.array([2])),
    "spread": (RNG.normal(20, 300, 500).astype(int), RNG.normal(0, 250, 700).astype(int)),
    "tail": (RNG.lognormal(3, 2, 500).astype(int), RNG.lognormal(3, 2.1, 600).astype(int)),
}
"""Whole numbers of the candidate and of the reference."""


def _tables(floats: bool) -> dict[str, pa.Table]:
    return {
        f"{name}_{side}": pa.table(
            {"id": pa.array(range(len(values)), pa.int32()), "far": values.astype(np.int64) + FAR}
        )
        for name, sides in SIDES.items()
        for side, values in zip(("candidate", "reference"), sides)
    }


@pytest.fixture(scope="module", params=ADAPTERS)
def warehouse(request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    with opened(request, _tables) as found:
        yield found


def _psi(left: np.ndarray, right: np.ndarray, bins: int) -> float:
    """Return the index over quantiles, a value that fills a whole bin being one of its own."""
    ranked, n = np.sort(right), len(right)

    def places(values: np.ndarray) -> np.ndarray:
        before = np.searchsorted(ranked, values, "left") * bins
        after = np.searchsorted(ranked, values, "right") * bins
        heavy = -(-before // n) + 1 <= after // n
        return 2 * np.minimum(before // n, bins - 1) + heavy

    sides = places(left), places(right)
    total = 0.0
    for place in np.union1d(*sides):
        p, q = ((side == place).mean() or 1e-4 for side in sides)
        total += (p - q) * np.log(p / q)
    return total


@pytest.mark.parametrize("name", SIDES)
def test_psi(warehouse: Warehouse, name: str) -> None:
    tables, sides = (f"{name}_candidate", f"{name}_reference"), SIDES[name]
    exact = _psi(*sides, 10)
    assert exact > 1 or name in ("spread", "tail"), "KS is 0.4 to 1 in all others"
    shared: dict[str, Any] = {"column": "far", "kind": "number"}
    row = warehouse.row("psi", *tables, **shared)
    assert row["value"] == pytest.approx(exact, abs=1e-9)
    limits = [exact - 1e-6, exact + 1e-6, 0.9 * exact, 2 * exact]
    for limit in limits if warehouse.adapter == "duckdb" else limits[:2]:
        row = warehouse.row("psi_binned", *tables, **shared, limit=limit)
        assert row["lower_bound"] - 1e-9 <= exact <= row["upper_bound"] + 1e-9
        assert (row["value"] > limit) == (exact > limit)
        assert (row["n_rows"], row["n_reference"]) == (len(sides[0]), len(sides[1]))


def test_many_columns_at_once(warehouse: Warehouse) -> None:
    # how far columns are binned at once is a number in the SQL, whatever the engine
    for intervals in (1, 3, 4096) if warehouse.adapter == "duckdb" else (3,):
        _many_columns_at_once(warehouse, intervals)


def _many_columns_at_once(warehouse: Warehouse, intervals: int) -> None:
    left, right = SIDES["spread"]
    ks = stats.ks_2samp(left, right).statistic
    psi = _psi(left, right, 10)
    shares = [np.unique(side, return_counts=True) for side in (left, right)]
    named = [dict(zip(values, counts / counts.sum())) for values, counts in shares]
    tvd = sum(abs(named[0].get(v, 0) - named[1].get(v, 0)) for v in {*named[0], *named[1]}) / 2
    expected = [("ks", ks - 1e-6, ks), ("ks", ks + 1e-6, ks), ("psi", psi - 1e-6, psi)]
    expected += [("psi", psi + 1e-6, psi), ("psi", 5, psi), ("tvd", 0, tvd), ("null_rate", 0, 0.0)]
    expected += [("domain", 0, 1 - float(np.isin(left, right).mean()))]
    keys = {"ks": 1, "psi": 1, "tvd": 6, "domain": 6, "null_rate": 7}
    checks = [
        {
            "id": i, "key": keys[statistic], "column": "far", "reference_column": "far",
            "kind": "number", "reference_kind": "number", "statistic": statistic, "limit": limit,
        }
        for i, (statistic, limit, _) in enumerate(expected, 1)
    ]  # fmt: skip
    rows = warehouse.rows(
        "column_drifts", "spread_candidate", "spread_reference", checks=checks, intervals=intervals
    )
    assert sorted(row["i"] for row in rows) == list(range(1, len(checks) + 1))
    for row in rows:
        statistic, limit, exact = expected[int(row["i"]) - 1]
        assert row["lower_bound"] - 1e-9 <= exact <= row["upper_bound"] + 1e-9
        assert (row["value"] > limit) == (exact > limit)
        assert (row["n_rows"], row["n_reference"]) == (len(left), len(right))
        if statistic not in ("ks", "psi"):
            assert row["value"] == pytest.approx(exact, abs=1e-9)
