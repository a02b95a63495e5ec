"""Joint numbers of children: equal margins do not hide that they no longer go together."""

from __future__ import annotations

import numpy as np
import pytest

from synthohive.metrics import (
    fan_out_histogram,
    fan_out_ks,
    joint_fan_out_tvd,
    joint_fan_outs,
)
from tests.metrics.shop import shop

PAIR = (
    "orders(customer_id) -> customers(id)",
    "visits(customer_id) -> customers(id)",
)


def test_counts_that_no_longer_go_together() -> None:
    (real, metadata), (apart, _) = shop(1), shop(1, related=False)
    for child in ("orders", "visits"):
        histograms = [
            fan_out_histogram(t[child], ["customer_id"], t["customers"], ["id"])
            for t in (real, apart)
        ]
        assert fan_out_ks(*histograms) == 0.0
    found = joint_fan_outs(real, apart, metadata)
    assert list(found) == [PAIR]
    assert found[PAIR] > 0.6  # 0.8 of all cells are wrong at random, 1/5 right
    assert joint_fan_outs(real, shop(2)[0], metadata)[PAIR] < 0.1


def test_known_answers() -> None:
    a, b = np.array([0.0, 0, 1, 1]), np.array([0.0, 1, 0, 1])
    assert joint_fan_out_tvd((a, a), (a, a)) == 0.0
    assert joint_fan_out_tvd((a, a), (a, b)) == 0.5
    assert joint_fan_out_tvd((a, a), (a + 1, a + 1)) == 0.5
    assert joint_fan_out_tvd((a, a), (a + 7, a + 7)) == 1.0  # beyond what is real: a bin of its own
    empty = np.zeros(0)
    assert joint_fan_out_tvd((empty, empty), (a, a)) == 1.0


def test_many_counts_are_binned() -> None:
    counts = np.arange(800.0)
    assert joint_fan_out_tvd((counts, counts), (counts + 1, counts + 1)) < 0.02
    assert joint_fan_out_tvd((counts, counts), (counts, counts[::-1])) == pytest.approx(1.0)
