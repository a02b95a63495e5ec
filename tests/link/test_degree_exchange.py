"""Numbers of children move to the parents that rows ask for."""

from __future__ import annotations

import numpy as np

from synthohive.link.assignment import exchange_degrees


def test_numbers_suit_what_is_asked_and_stay_the_same_ones() -> None:
    rng = np.random.default_rng(1)
    quota = rng.geometric(0.02, 60) - 1
    codes, other = np.arange(60) % 6, np.arange(60) // 30
    asked = np.array([0.3, 0.2, 0.2, 0.15, 0.1, 0.05]) * quota.sum()
    half = np.array([0.6, 0.4]) * quota.sum()
    gaps = []
    for _ in range(5):  # a number larger than its bin's may end in it: swaps lead out of few places
        after = exchange_degrees(quota, [(codes, asked), (other, half)], None, rng)
        assert np.array_equal(np.sort(after), np.sort(quota))
        assert np.array_equal(after > 0, quota > 0)  # who must have none has none
        gaps.append(
            sum(np.abs(np.bincount(b, after) - w).sum() for b, w in ((codes, asked), (other, half)))
        )
    assert np.abs(np.bincount(codes, quota) - asked).sum() > 0.4 * quota.sum()
    assert np.median(gaps) < 0.04 * quota.sum()


def test_numbers_stay_in_their_group() -> None:
    rng = np.random.default_rng(2)
    quota, groups = rng.integers(0, 50, 90), np.repeat(np.arange(3), 30)
    codes = np.arange(90) % 2
    asked = np.array([0.8, 0.2]) * quota.sum()
    after = exchange_degrees(quota, [(codes, asked)], groups, rng)
    assert np.bincount(codes, weights=after)[0] > np.bincount(codes, weights=quota)[0]
    for group in range(3):
        inside = groups == group
        assert np.array_equal(np.sort(after[inside]), np.sort(quota[inside]))


def test_what_suits_is_left_alone() -> None:
    quota, codes = np.arange(40), np.arange(40) % 4
    asked = np.bincount(codes, weights=quota)
    rng = np.random.default_rng(3)
    assert np.array_equal(exchange_degrees(quota, [(codes, asked)], None, rng), quota)
