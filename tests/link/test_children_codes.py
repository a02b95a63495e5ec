"""Codes of what children have in common: what they tell, and what is none of their business."""

from __future__ import annotations

from typing import Optional

import numpy as np

from synthohive.link.children_codes import ChildSets, children_codes
from synthohive.privacy.entities import Entities

SEED = np.random.SeedSequence(1)
PARENTS = 600


def level() -> np.ndarray:
    return np.random.default_rng(3).normal(size=PARENTS)


def children(common: np.ndarray, each: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return children of all parents but the last ten, of unit variance in all."""
    parent = np.repeat(np.arange(PARENTS - 10), each)
    noise = np.random.default_rng(seed).normal(size=(len(parent), 2))
    noise[:, 0] += 1.5 * common[parent]
    return noise / noise.std(axis=0) / np.sqrt(2), parent


def codes(
    values: np.ndarray,
    parent: np.ndarray,
    known: np.ndarray,
    others: tuple[ChildSets, ...] = (),
    entities: Optional[Entities] = None,
) -> Optional[np.ndarray]:
    behind = Entities(PARENTS) if entities is None else entities
    return children_codes(values, parent, known, others, entities=behind, k=5, seed=SEED)


def told(found: np.ndarray, wanted: np.ndarray) -> float:
    """Return the share of what parents differ by that their codes tell, each beside the others."""
    flags = np.concatenate([np.eye(code.max() + 1)[code] for code in found.T], axis=1)
    left = wanted - flags @ np.linalg.lstsq(flags, wanted, rcond=None)[0]
    return float(1.0 - left.var() / wanted.var())


def test_codes_hold_what_children_have_in_common() -> None:
    own, nothing = level(), np.zeros((PARENTS, 1))
    found = codes(*children(own, 4, 5), nothing)
    assert found is not None
    assert np.bincount(found[:, 0]).min() >= 5  # no code gives a single parent away
    assert told(found, own) > 0.6
    again = codes(*children(own, 4, 5), nothing)
    assert again is not None
    assert np.array_equal(found, again)


def test_chance_has_no_codes() -> None:
    assert codes(*children(np.zeros(PARENTS), 4, 5), np.zeros((PARENTS, 1))) is None


def test_what_parents_say_themselves_needs_no_codes() -> None:
    kind = np.random.default_rng(4).integers(0, 3, PARENTS).astype(float)
    assert codes(*children(kind, 4, 5), kind[:, None]) is None
    assert codes(*children(kind, 4, 5), np.zeros((PARENTS, 1))) is not None


def test_lone_children_are_tied_to_those_of_another_table() -> None:
    own, nothing = level(), np.zeros((PARENTS, 1))
    other = ChildSets.of(*children(own, 1, 6), PARENTS)
    assert codes(*children(own, 1, 5), nothing) is None
    found = codes(*children(own, 1, 5), nothing, (other,))
    assert found is not None
    assert told(found, own) > 0.5


def test_habits_that_have_nothing_to_do_with_each_other_have_codes_of_their_own() -> None:
    habits = np.random.default_rng(7).normal(size=(4, PARENTS))
    parent = np.repeat(np.arange(PARENTS), 6)
    values = np.random.default_rng(8).normal(size=(len(parent), 4)) + habits[:, parent].T
    found = codes(values / values.std(axis=0) / 2, parent, np.zeros((PARENTS, 1)))
    assert found is not None
    assert found.shape[1] > 1
    assert found.max() < 16
    assert np.mean([told(found, habit) for habit in habits]) > 0.65  # .37 by the first alone


def test_what_few_children_say_counts_for_less() -> None:
    own, rng = level(), np.random.default_rng(9)
    parent = np.repeat(np.arange(PARENTS), np.where(rng.random(PARENTS) < 0.5, 2, 12))
    values = rng.normal(size=(len(parent), 1)) * 2 + own[parent, None]
    found = codes(values / values.std(axis=0), parent, np.zeros((PARENTS, 1)))
    assert found is not None  # by bare means, sets of two hide what sets of twelve tell
    assert told(found, own) > 0.4


def test_codes_are_shared_by_entities_not_by_parents() -> None:
    own, owners = level(), np.arange(PARENTS) // 60  # ten persons have all parents
    persons = Entities.over(owners)
    found = codes(*children(own, 4, 5), np.zeros((PARENTS, 1)), entities=persons)
    if found is not None:
        assert all(persons.holders(code).min() >= 5 for code in found.T)
    alone = Entities.over(np.arange(PARENTS) % 3)  # fewer than may share anything
    assert codes(*children(own, 4, 5), np.zeros((PARENTS, 1)), entities=alone) is None


def test_other_children_may_have_keys_alone() -> None:
    bare = ChildSets.of(np.zeros((PARENTS, 0)), np.arange(PARENTS), PARENTS)
    assert codes(*children(level(), 4, 5), np.zeros((PARENTS, 1)), (bare,)) is not None
