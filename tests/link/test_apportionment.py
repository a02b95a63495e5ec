"""A group's children go to its members: the total is exact, the distribution about the real one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.link.degree_allocation import apportion


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-1, 6), min_size=1, max_size=60), st.integers(0, 99))
def test_each_group_gets_exactly_its_total(groups: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    own = np.array(groups)
    totals = np.where(np.bincount(own[own >= 0], minlength=7) > 0, rng.integers(0, 30, 7), 0)
    counts = apportion(totals, own, rng.integers(0, 5, len(own)), rng)
    assert (counts >= 0).all()
    assert not counts[own < 0].any()
    assert np.array_equal(np.bincount(own[own >= 0], weights=counts[own >= 0], minlength=7), totals)


def test_the_real_distribution_and_the_order_of_members_are_kept() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(500), rng.integers(1, 5, 500))
    real = rng.negative_binomial(1, 0.3, len(groups))
    totals = np.bincount(groups, weights=real).astype(np.int64)
    quota = rng.permutation(real)  # the right distribution, at the wrong parents
    counts = apportion(totals, groups, quota, rng)
    top = max(real.max(), counts.max()) + 1
    one, two = (np.cumsum(np.bincount(c, minlength=top)) / len(groups) for c in (real, counts))
    assert np.abs(one - two).max() < 0.01
    same = groups[1:] == groups[:-1]
    assert not ((np.diff(quota) * np.diff(counts) < 0) & same).any()
