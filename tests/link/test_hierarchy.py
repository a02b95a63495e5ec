"""Trees: depths, exact numbers of children, never a cycle."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.link.assignment import deal
from synthohive.link.hierarchy import HierarchyModel
from synthohive.tables.base import gather
from tests.packed import again as stored


def climbs(parents: np.ndarray) -> np.ndarray:
    depths = np.zeros(len(parents), dtype=int)
    above = parents.copy()
    for _ in range(len(parents) + 1):
        alive = above >= 0
        if not alive.any():
            return depths
        depths[alive] += 1
        above = np.where(alive, parents[above], -1)
    raise AssertionError("a cycle")


def at_random(rows: np.ndarray, above: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return gather(above, deal(counts, len(rows), 7))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=80), st.integers(0, 9))
def test_generated_depths_become_a_forest(depths: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    real = np.array([-1 if i < 4 else int(rng.integers(0, i)) for i in range(60)])
    _, model = HierarchyModel.fit(real)
    parents, _ = model.link(np.array(depths), rng, at_random)
    found = climbs(parents)
    assert (parents != np.arange(len(parents))).all()
    assert sorted(set(found.tolist())) == list(range(found.max() + 1))
    deeper = np.subtract.outer(np.array(depths), np.array(depths)) > 0
    assert not (deeper & (np.subtract.outer(found, found) < 0)).any()  # ranks are kept


def test_real_depths_give_the_real_numbers_of_children() -> None:
    rng = np.random.default_rng(1)
    real = np.array([-1 if i < 20 else int(rng.integers(0, i)) for i in range(400)])
    depths, model = HierarchyModel.fit(real, k=1)
    assert np.array_equal(depths, climbs(real))
    again = stored(model)
    made, _ = again.link(depths, rng, at_random)
    for depth in range(depths.max() + 1):
        rows = depths == depth
        one, two = (np.sort(np.bincount(p[p >= 0], minlength=400)[rows]) for p in (real, made))
        assert np.array_equal(one, two)


def test_cycles_in_real_rows_are_cut() -> None:
    depths, model = HierarchyModel.fit(np.array([1, 0, 2, -1, 3]))
    assert depths.tolist() == [-1, -1, -2, 0, 1]
    climbs(model.link(depths, np.random.default_rng(0), at_random)[0])
    assert (model.loops, model.circles) == (0.25, 0.5)  # of four roots, two to one another


def test_parents_are_of_the_group_and_stand_before_their_children() -> None:
    rng = np.random.default_rng(1)
    real = np.array([-1 if i < 20 else int(rng.integers(0, i)) for i in range(400)])
    preferred, model = HierarchyModel.fit(real)
    model.earlier, groups = True, np.repeat(np.arange(20), 20)

    def pick(rows: np.ndarray, above: np.ndarray, counts: np.ndarray) -> np.ndarray:
        fitting = [above[(groups[above] == groups[r]) & (above < r)] for r in rows]
        return np.array([-1 if not len(f) else f[0] for f in fitting])

    parents, depths = model.link(rng.permutation(preferred), rng, pick, groups=groups)
    assert ((parents < 0) == (depths == 0)).all()
    linked = np.flatnonzero(parents >= 0)
    assert len(linked) > 300
    assert (groups[parents[linked]] == groups[linked]).all()
    assert (parents[linked] < linked).all()
