"""The assignment engine, on any input: quotas kept, rules hold where they can, targets nearer."""

from __future__ import annotations

from typing import Optional

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.link.assignment import (
    Distinct,
    Rules,
    assign,
    calibrate,
    deal,
    exchange_degrees,
    order_in_classes,
    repair,
)
from synthohive.link.targets import ContingencyTarget, CorrelationTarget, DegreeTarget, Target

quotas = st.lists(st.integers(0, 9), min_size=1, max_size=40)
seeds = st.integers(0, 10_000)
some = settings(max_examples=60, deadline=None)


def problem(
    quota: list[int], seed: int
) -> tuple[np.random.Generator, np.ndarray, np.ndarray, Optional[tuple[np.ndarray, np.ndarray]]]:
    """Return numbers of children, a right choice of parents, and groups of both, or none."""
    rng = np.random.default_rng(seed)
    counts = np.array(quota, dtype=np.int64)
    chosen = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    theirs = rng.integers(0, 3, len(counts))
    return rng, counts, chosen, (theirs[chosen], theirs) if seed % 2 else None


def rules_of(
    rng: np.random.Generator,
    chosen: np.ndarray,
    parents: int,
    groups: Optional[tuple[np.ndarray, np.ndarray]],
) -> Rules:
    """Return rules that the choice keeps: pairs that never repeat, and pairs that must not be."""
    own = np.zeros(len(chosen), dtype=np.int64)
    for parent in range(parents):  # each row of a parent is of another set
        rows = np.flatnonzero(chosen == parent)
        own[rows] = rng.permutation(max(len(rows), 12))[: len(rows)]
    barred = rng.random((len(chosen), parents)) < 0.2
    barred[np.arange(len(chosen)), chosen] = False
    return Rules(
        parents,
        (Distinct(own, np.arange(parents)),),
        (lambda rows, theirs: barred[rows, theirs],),
        groups=None if groups is None else groups[0],
        theirs=None if groups is None else groups[1],
        likes=rng.integers(0, 4, len(chosen)) if rng.random() < 0.5 else None,
    )


def shuffled(
    rng: np.random.Generator, chosen: np.ndarray, groups: Optional[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Return the same parents, inside groups, of other rows."""
    start = chosen.copy()
    own = np.zeros_like(chosen) if groups is None else groups[0]
    for group in np.unique(own):
        start[own == group] = rng.permutation(chosen[own == group])
    return start


@some
@given(quotas, st.integers(1, 5), seeds)
def test_deals_keep_quotas_and_groups_and_give_codes_what_there_is(
    quota: list[int], kinds: int, seed: int
) -> None:
    rng, counts, chosen, groups = problem(quota, seed)
    codes = rng.integers(0, kinds, len(chosen)), rng.integers(0, kinds, len(counts))
    found = deal(counts, len(chosen), seed, groups, codes)
    assert np.array_equal(np.bincount(found, minlength=len(counts)), counts)
    own, theirs = groups or (np.zeros_like(chosen), np.zeros_like(counts))
    assert np.array_equal(theirs[found], own)
    room = np.bincount(theirs * kinds + codes[1], weights=counts, minlength=3 * kinds)
    asked = np.bincount(own * kinds + codes[0], minlength=3 * kinds)
    assert (codes[1][found] == codes[0]).sum() >= np.minimum(room, asked).sum()
    assert np.array_equal(deal(counts, len(chosen), seed, groups, codes), found)


@some
@given(quotas, st.integers(1, 5), seeds)
def test_numbers_of_children_go_where_they_are_asked_for(
    quota: list[int], kinds: int, seed: int
) -> None:
    rng, counts, chosen, groups = problem(quota, seed)
    codes = rng.integers(0, kinds, len(chosen)), rng.integers(0, kinds, len(counts))
    found = assign(counts, len(chosen), seed, rng, groups=groups, codes=codes, margins=[])
    again = assign(counts, len(chosen), seed, np.random.default_rng(1), groups=groups, codes=codes)
    assert min(found.min(initial=0), again.min(initial=0)) == 0  # each row has a parent
    if groups is None:
        assert np.array_equal(np.sort(np.bincount(found, minlength=len(counts))), np.sort(counts))
        assert np.array_equal(np.bincount(again, minlength=len(counts)), counts)
        assert (codes[1][found] == codes[0]).sum() >= (codes[1][again] == codes[0]).sum()
    else:
        assert np.array_equal(groups[1][found], groups[0])


@some
@given(quotas, st.integers(1, 5), st.integers(1, 9), seeds)
def test_a_deal_to_more_rows_than_stubs_keeps_quotas(
    quota: list[int], kinds: int, more: int, seed: int
) -> None:
    rng, counts, chosen, _ = problem(quota, seed)
    rows = len(chosen) + more
    codes = rng.integers(0, kinds, rows), rng.integers(0, kinds, len(counts))
    found = deal(counts, rows, seed, None, codes)
    assert (found < 0).sum() == more
    assert np.array_equal(np.bincount(found[found >= 0], minlength=len(counts)), counts)


def test_a_deal_is_shuffled_and_depends_on_the_seed() -> None:
    one, two = (deal(np.full(200, 5), 1000, seed) for seed in (1, 2))
    assert abs(np.corrcoef(one, np.arange(1000))[0, 1]) < 0.1
    assert not np.array_equal(one, two)


@settings(max_examples=30, deadline=None)
@given(quotas, seeds)
def test_rules_hold_where_they_can_and_swaps_keep_quotas(quota: list[int], seed: int) -> None:
    rng, counts, chosen, groups = problem(quota, seed)
    rules = rules_of(rng, chosen, len(counts), groups)
    assert not rules.wrong(chosen).any()
    start = shuffled(rng, chosen, groups)
    swapped, wrong = repair(start, rules, rng, search=False)
    assert np.array_equal(np.bincount(swapped, minlength=len(counts)), counts)
    assert np.array_equal(wrong, rules.wrong(swapped))
    assert wrong.sum() <= rules.wrong(start).sum()
    after, left = repair(start, rules, rng)
    assert left.sum() <= rules.wrong(start).sum()
    assert np.array_equal(left, rules.wrong(after))
    if groups is not None:
        assert np.array_equal(groups[1][after], groups[0])
    again, none = repair(chosen, rules, rng)  # what is right stays
    assert np.array_equal(again, chosen)
    assert not none.any()


def distance(targets: list[Target], held: np.ndarray) -> float:
    return sum(float((s * t.push(s)).sum()) for t in targets for s in [t.surplus(held)])


@some
@given(quotas, st.integers(2, 4), seeds)
def test_calibrated_rows_keep_quotas_and_rules_and_are_nearer(
    quota: list[int], bins: int, seed: int
) -> None:
    rng, counts, chosen, groups = problem(quota, seed)
    rules = rules_of(rng, chosen, len(counts), groups)
    mine, theirs = rng.integers(0, bins, len(chosen)), rng.integers(0, bins, len(counts))
    wanted = rng.random((bins, bins))
    near = np.eye(bins), 0.6 ** np.abs(np.arange(bins)[:, None] - np.arange(bins))
    scores = rng.normal(size=len(chosen)), rng.normal(size=len(counts))
    targets: list[Target] = [
        ContingencyTarget(mine, theirs, wanted / wanted.sum() * len(chosen), near),
        CorrelationTarget(*scores, 0.5),
    ]
    after = calibrate(chosen, targets, rules, rng)
    assert np.array_equal(np.bincount(after, minlength=len(counts)), counts)
    assert not rules.wrong(after).any()
    assert distance(targets, after) <= distance(targets, chosen)
    if groups is not None:
        assert np.array_equal(groups[1][after], groups[0])


@some
@given(quotas, st.integers(1, 4), seeds)
def test_exchanged_degrees_are_the_same_ones_and_suit_better(
    quota: list[int], bins: int, seed: int
) -> None:
    rng, counts, _, groups = problem(quota, seed)
    codes = rng.integers(0, bins, len(counts))
    wanted = rng.dirichlet(np.ones(bins)) * counts.sum()
    theirs = None if groups is None else groups[1]
    after = exchange_degrees(counts, [(codes, wanted)], theirs, rng)
    inside = np.zeros_like(counts) if theirs is None else theirs
    order, before = np.lexsort((after, inside)), np.lexsort((counts, inside))
    assert np.array_equal(after[order], counts[before])
    assert np.array_equal(after > 0, counts > 0)  # who must have none has none
    target: list[Target] = [DegreeTarget(codes, wanted)]
    assert distance(target, after) <= distance(target, counts)


def test_sorting_as_one_number_is_at_random_inside_classes() -> None:
    """Classes of any size, beyond what fits beside a hash in 64 bits, too."""
    rng = np.random.default_rng(3)
    for classes in (rng.integers(-1, 5, 30_000), rng.integers(0, 2**50, 3_000)):
        order = order_in_classes(classes, 7)
        assert np.array_equal(np.sort(order), np.arange(len(classes)))
        assert (np.diff(classes[order]) >= 0).all()
    order = order_in_classes(np.zeros(30_000, dtype=np.int64), 7)
    assert abs(np.corrcoef(order, np.arange(30_000))[0, 1]) < 0.02
    assert not np.array_equal(order, order_in_classes(np.zeros(30_000, dtype=np.int64), 8))
