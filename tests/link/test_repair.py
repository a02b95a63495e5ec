"""Rows swap parents until no rule on pairs is broken; quotas stay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.link.assignment import Distinct, Rules, repair


def links(groups: int, parents: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs of a table in which about `share` of all possible ones stand."""
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.7, 1.25, groups)[:, None] * rng.uniform(0.7, 1.25, parents)
    one, two = np.nonzero(rng.random((groups, parents)) < share * weights)
    return one, two


@pytest.mark.parametrize(("groups", "parents", "share"), [(90, 40, 0.8), (3000, 300, 0.02)])
def test_pairs_become_distinct_and_every_quota_stays(
    groups: int, parents: int, share: float
) -> None:
    fixed, real = links(groups, parents, share, 1)
    rng = np.random.default_rng(2)
    after, left = repair(
        rng.permutation(real), Rules(parents, (Distinct(fixed, np.arange(parents)),)), rng
    )
    assert not left.any()
    assert len(np.unique(np.stack([fixed, after]), axis=1).T) == len(fixed)
    assert np.array_equal(np.bincount(after), np.bincount(real))


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 9), st.integers(0, 99))
def test_two_keys_to_one_parent_are_never_equal(parents: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    other = rng.integers(0, parents, 60)
    chosen = (other + rng.integers(1, parents, 60)) % parents  # possible by construction
    shuffled = rng.permutation(chosen)
    rules = Rules(parents, forbidden=(lambda rows, theirs: other[rows] == theirs,))
    after, left = repair(shuffled, rules, rng)
    assert not left.any()
    assert not (after == other).any()
    assert np.array_equal(np.sort(after), np.sort(chosen))


def test_rows_swap_inside_their_group_only() -> None:
    rng = np.random.default_rng(0)
    theirs = np.repeat(np.arange(20), 3)  # three parents in each group
    groups = np.repeat(np.arange(20), 6)
    chosen = groups * 3 + rng.integers(0, 3, 120)
    other = groups * 3 + rng.integers(0, 3, 120)
    rules = Rules(60, forbidden=(lambda rows, p: other[rows] == p,), groups=groups, theirs=theirs)
    after, left = repair(chosen, rules, rng)
    assert not left.any()
    assert np.array_equal(theirs[after], groups)


def test_rows_that_are_alike_swap_first() -> None:
    rng = np.random.default_rng(0)
    likes = np.repeat([0, 1], 500)
    chosen = np.where(likes == 0, rng.integers(0, 50, 1000), rng.integers(50, 100, 1000))
    other = chosen.copy()
    other[rng.random(1000) < 0.8] = -1
    forbidden = (lambda rows, theirs: other[rows] == theirs,)
    after, _ = repair(chosen, Rules(100, forbidden=forbidden, likes=likes), rng)
    assert np.array_equal(after >= 50, likes == 1)


def test_a_group_larger_than_the_parents_is_reported() -> None:
    rules = Rules(3, (Distinct(np.zeros(5, np.int64), np.arange(3)),))
    after, left = repair(np.zeros(5, np.int64), rules, np.random.default_rng(0))
    assert left.sum() == 2
    assert sorted(after[~left].tolist()) == [0, 1, 2]


def test_no_quota_is_broken_for_what_is_only_unwanted() -> None:
    rng = np.random.default_rng(0)
    age, least = rng.random(300), rng.random(40)
    chosen = rng.integers(0, 40, 300)
    rules = Rules(40, unwanted=(lambda rows, theirs: age[rows] < least[theirs],))
    after, left = repair(chosen, rules, rng)
    assert not left.any()
    assert np.array_equal(np.bincount(after), np.bincount(chosen))
    broken = [(age < least[parents]).sum() for parents in (chosen, after)]
    assert broken[1] < broken[0] / 4
