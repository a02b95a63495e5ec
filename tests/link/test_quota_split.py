"""Numbers of children dealt among pieces: all sums are exact, and pieces get what they ask for."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.link.quota_split import class_shares, split_quota, take_evenly


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=60),
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(0, 10_000),
)
def test_each_piece_and_each_parent_gets_its_number_exactly(
    quota: list[int], pieces: int, kinds: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    counts, classes = np.array(quota), rng.integers(0, kinds, len(quota)).astype(np.int16)
    cells = rng.multinomial(counts.sum(), rng.dirichlet(np.ones(pieces * kinds)))
    asked = cells.reshape(pieces, kinds)
    stubs = np.bincount(classes, weights=counts, minlength=kinds).astype(np.int64)
    shares = class_shares(asked, stubs)
    assert np.array_equal(shares.sum(axis=1), asked.sum(axis=1))
    assert np.array_equal(shares.sum(axis=0), stubs)
    right = np.minimum(shares, asked).sum()  # no fewer than if all were dealt at once
    assert right >= np.minimum(asked.sum(axis=0), stubs).sum()
    total = np.zeros_like(counts)
    for share, (parents, given_) in zip(shares, split_quota(counts, classes, shares, seed)):
        assert (np.diff(parents) > 0).all()
        assert (given_ > 0).all()
        total[parents] += given_
        dealt = np.bincount(classes[parents], weights=given_, minlength=kinds)
        assert np.array_equal(dealt, share)
    assert np.array_equal(total, counts)


def test_no_piece_is_that_of_a_part_of_the_parents() -> None:
    """Parents of one child each: whose are together does not go by their numbers."""
    quota = np.ones(10_000, dtype=np.int64)
    shares = np.full((10, 1), 1_000)
    for parents, _ in split_quota(quota, np.zeros(10_000, dtype=np.uint8), shares, 3):
        tenths = np.bincount(parents // 1_000, minlength=10)
        last_digits = np.bincount(parents % 10, minlength=10)
        assert max(tenths.max(), last_digits.max()) < 150
        assert min(tenths.min(), last_digits.min()) > 60


def test_shares_of_what_is_left_are_whole_and_no_more_than_there_is() -> None:
    left = np.array([3, 0, 1, 5, 1])
    for number in range(11):
        taken = take_evenly(left, number)
        assert taken.sum() == number
        assert (taken <= left).all()
        assert (taken >= 0).all()
