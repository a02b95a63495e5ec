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
    told: np.ndarray,
    others: tuple[ChildSets, ...] = (),
    entities: Optional[Entities] = None,
) -> Optional[np.ndarray]:
    behind = Entities(PARENTS) if entities is None else entities
    return children_codes(values, parent, told, others, entities=behind, k=5, seed=SEED)


def test_codes_hold_what_children_have_in_common() -> None:
    own, nothing = level(), np.zeros((PARENTS, 1))
    found = codes(*children(own, 4, 5), nothing)
    assert found is not None
    assert np.bincount(found).min() >= 5  # no code gives a single parent away
    means = np.bincount(found, weights=own) / np.bincount(found)
    assert 1 - ((own - means[found]) ** 2).mean() / own.var() > 0.6
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
    means = np.bincount(found, weights=own) / np.bincount(found)
    assert means.std() > 0.5


def test_codes_are_shared_by_entities_not_by_parents() -> None:
    own, owners = level(), np.arange(PARENTS) // 60  # ten persons have all parents
    persons = Entities.over(owners)
    found = codes(*children(own, 4, 5), np.zeros((PARENTS, 1)), entities=persons)
    if found is not None:
        assert persons.holders(found).min() >= 5
    alone = Entities.over(np.arange(PARENTS) % 3)  # fewer than may share anything
    assert codes(*children(own, 4, 5), np.zeros((PARENTS, 1)), entities=alone) is None


def test_other_children_may_have_keys_alone() -> None:
    bare = ChildSets.of(np.zeros((PARENTS, 0)), np.arange(PARENTS), PARENTS)
    assert codes(*children(level(), 4, 5), np.zeros((PARENTS, 1)), (bare,)) is not None
