"""The variance inside groups, relative to that of all rows."""

from __future__ import annotations

import numpy as np
import pytest

from synthohive.metrics import within_group_variance, within_group_variances
from tests.metrics.shop import shop

GROUPS = np.repeat(np.arange(500), 3)
RNG = np.random.default_rng(4)


def within(values: object, groups: object = GROUPS) -> float:
    return within_group_variance(values, groups)


def test_one_value_for_a_group() -> None:
    assert within(GROUPS * 1.5) == 0.0
    assert within(np.where(GROUPS % 2, "a", "b")) == 0.0


def test_values_that_the_group_tells_nothing_of() -> None:
    assert within(RNG.normal(size=1500)) == pytest.approx(1.0, abs=0.1)
    assert within(RNG.choice(["a", "b", "c"], 1500)) == pytest.approx(1.0, abs=0.1)


def test_a_half_of_the_variance() -> None:
    values = RNG.normal(size=500)[GROUPS] + RNG.normal(size=1500)
    assert within(values) == pytest.approx(0.5, abs=0.08)


def test_values_that_avoid_each_other() -> None:
    assert within(np.tile([1, 2, 3], 500)) > 1.4


def test_null_values_and_rows_of_no_group_are_left_out() -> None:
    assert within([1.0, 1, None, 5, 5, 9], [0, 0, 0, 1, 1, None]) == 0.0
    assert within([None, 1.0], [0, None]) == 1.0


def test_of_each_column_over_a_key() -> None:
    for related, low, high in ((True, 0.0, 0.2), (False, 0.9, 1.1)):
        tables, metadata = shop(1, related)
        key = metadata.tables["orders"].foreign_keys[0]
        found = within_group_variances(tables, metadata, "orders", key)
        assert set(found) == {"amount", "channel"}
        assert low <= found["amount"] <= high
