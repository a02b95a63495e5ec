"""Exact quotas, in any order and any chunks."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.link.assignment import CodedQuotaAssigner, QuotaAssigner
from synthohive.tables.counter_random import Permutation

counts = st.lists(st.integers(0, 9), min_size=1, max_size=60)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3000), st.integers(0, 2**40))
def test_permutation_is_one(size: int, seed: int) -> None:
    assert np.array_equal(np.sort(Permutation(size, seed)(np.arange(size))), np.arange(size))


@settings(max_examples=40, deadline=None)
@given(counts, st.integers(0, 99))
def test_each_parent_gets_its_quota_whatever_the_chunks(quota: list[int], seed: int) -> None:
    wanted = np.array(quota, dtype=np.int64)
    assigner = QuotaAssigner(wanted, seed)
    children = np.arange(wanted.sum())
    whole = assigner.assign(children)
    if wanted.sum() == 0:
        return
    assert np.array_equal(np.bincount(whole, minlength=len(wanted)), wanted)
    backwards = np.concatenate([assigner.assign(c) for c in np.array_split(children, 5)[::-1]])
    assert np.array_equal(np.sort(backwards), np.sort(whole))
    assert np.array_equal(assigner.assign(children[::-1]), whole[::-1])


def test_choice_is_shuffled_and_depends_on_the_seed() -> None:
    wanted = np.full(200, 5)
    one, two = (QuotaAssigner(wanted, s).assign(np.arange(1000)) for s in (1, 2))
    assert abs(np.corrcoef(one, np.arange(1000))[0, 1]) < 0.1
    assert not np.array_equal(one, two)


@settings(max_examples=40, deadline=None)
@given(counts, st.integers(1, 5), st.integers(0, 99))
def test_coded_children_get_a_parent_of_their_code_within_exact_quotas(
    quota: list[int], kinds: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    wanted = np.array(quota, dtype=np.int64)
    codes = rng.integers(0, kinds, len(wanted))
    asked = rng.integers(0, kinds, wanted.sum())
    parents = CodedQuotaAssigner(asked, codes, wanted, seed).assign(np.arange(len(asked)))
    assert np.array_equal(np.bincount(parents, minlength=len(wanted)), wanted)
    room = np.bincount(codes, weights=wanted, minlength=kinds)
    possible = np.minimum(room, np.bincount(asked, minlength=kinds)).sum()
    assert (codes[parents] == asked).sum() >= possible
