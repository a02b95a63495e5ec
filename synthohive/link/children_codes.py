"""A few small codes for each parent row, which say what its children have in common.

The codes are the leaves of a regression tree (Breiman et al., "Classification and regression
trees", 1984) that tells, from some children of a parent, what its other children are like: those
over the same key, and those of other tables. So a code holds what is common to a parent's children,
and leaves out what each is by chance. It is a column of the parent, and part of what its children
are drawn for. Neither the tree nor what a code stands for is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Optional

import numpy as np

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.derive.columns import spaced
from synthohive.link.parent_codes import leaf_numbers
from synthohive.privacy.entities import Entities
from synthohive.tables.context import positions_in_groups

__all__ = ["ChildSets", "children_codes"]


SIZES = (4, 8, 16)
"""Numbers of leaves that are tried on parents that were not learned."""
MOST_TREES = 6
"""Codes of one parent at most: habits that have nothing to do with each other are told by a small
tree each, where one tree needs a leaf for each combination."""
FIT_PARENTS = 5_000
LEAST_PARENTS = 60
LEAF = 5
"""Parents in a leaf at least, also where fewer entities may share a value."""
LEAST_EXPLAINED = 0.02
"""Share of a column's variance in parents that were not learned, beyond what their own columns
tell."""
LEAST_GAIN = 0.005
"""Share of all that children vary by: a rare text may be told well, and be worth no code."""
CHANCE = 3.0
"""Standard errors. Trees that tell nothing do worse than none on other parents, so that chance is
rarely even above 0."""
LEAST_BETWEEN = 1e-3
"""Share of a column's variance between parents: less is chance."""
TINY = 1e-12
NEAR_BEST = 0.85
"""Of two trees that explain nearly the same, the smaller one is taken: the next tells the rest."""


@dataclass(frozen=True)
class ChildSets:
    """What the children of each parent are like together.

    Attributes
    ----------
    count : ndarray of float, shape (parents,)
    mean, spread : ndarray of float, shape (parents, columns)
        Means, and variances. A lone child varies as those of most parents do.
    """

    count: Floats
    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, children: Floats, parent: IntArray, size: int) -> ChildSets:
        """Summarise columns of children.

        Parameters
        ----------
        children : ndarray of float, shape (children, columns)
        parent : ndarray of int64, shape (children,)
            Each one's parent row; -1 for none.
        size : int
            Parents.
        """
        linked = parent >= 0
        parent, children = parent[linked], children[linked]

        def means(values: Floats) -> Floats:
            sums = [np.bincount(parent, weights=v, minlength=size) for v in values.T]
            return np.stack(sums, axis=1) / np.maximum(count, 1.0)[:, None]

        count = np.bincount(parent, minlength=size).astype(np.float64)
        if not children.shape[1]:
            return cls(count, np.zeros((size, 0)), np.zeros((size, 0)))
        mean = means(children)
        variance = np.maximum(means(children**2) - mean**2, 0.0)
        several = count > 1
        # unbiased, and no root of it, so that sets of two vary as much as those of twenty
        spread = variance * (count / np.maximum(count - 1.0, 1.0))[:, None]
        if several.any():
            spread[~several] = spread[several].mean(axis=0)
        return cls(count, mean, spread)

    def first(self, parents: int) -> ChildSets:
        """Return those of the first parents."""
        return ChildSets(self.count[:parents], self.mean[:parents], self.spread[:parents])


def children_codes(
    children: Floats,
    parent: IntArray,
    told: Floats,
    others: Sequence[ChildSets],
    *,
    entities: Entities,
    k: int,
    seed: np.random.SeedSequence,
) -> Optional[IntArray]:
    """Return codes of each parent row, (parents, codes); None where children share nothing.

    Each code tells of what those before it leave open.

    Parameters
    ----------
    children : ndarray of float, shape (children, columns)
        Of unit variance in all.
    parent : ndarray of int64, shape (children,)
        Each child's parent row; -1 for none.
    told : ndarray of float, shape (parents, columns)
        What is known of the parents themselves.
    others : sequence of ChildSets
        Of the same parents' children in other tables.
    entities : Entities
        Those behind the parents.
    k : int
        Least entities that share a code.
    seed : numpy.random.SeedSequence
        Cuts children in halves, and decides the codes of parents without any.
    """
    size = len(told)
    whole = ChildSets.of(children, parent, size)
    having = np.flatnonzero(whole.count > 0)
    if len(having) < LEAST_PARENTS or not children.shape[1]:
        return None
    rng = np.random.Generator(np.random.Philox(seed))
    some = having[spaced(len(having), FIT_PARENTS)]
    shrinkage = _shrinkage(whole)
    trial = _Trial.of(children, parent, whole, shrinkage, told, others, some, rng)
    given = _features(whole, shrinkage, whole.count)[having]
    found = []
    for tree in trial.trees(max(k, LEAF), int(seed.generate_state(1)[0] >> 1)):
        leaf = leaf_numbers(tree.tree_)[tree.apply(given)]
        codes = np.full(size, -1, dtype=np.int64)
        codes[having] = np.unique(leaf, return_inverse=True)[1].reshape(-1)  # some may be of halves
        codes = _merged(codes, entities, k)
        if codes.max() > 0:
            found.append(codes)
    if not found:
        return None
    all_codes = np.stack(found, axis=1)
    bare = np.flatnonzero(whole.count == 0)
    all_codes[bare] = all_codes[rng.choice(having, len(bare))]  # as they go together
    return all_codes


def _features(sets: ChildSets, shrinkage: Floats, count: Floats) -> Any:
    """Return what the tree is given, in float32, in which it is learned and walked.

    Means of few children are drawn to that of all, as their expectation is (James and Stein, 1961).
    """
    count = np.maximum(sets.count, TINY)[:, None]
    kept = count / (count + shrinkage)
    return np.column_stack([sets.mean * kept, sets.spread, count]).astype(np.float32)


def _shrinkage(sets: ChildSets) -> Floats:
    """Return, of each column, the variance inside parents by that between them."""
    several = sets.count > 1
    if not several.any():
        return np.zeros(sets.mean.shape[1])
    count, mean = sets.count[several], sets.mean[several]
    inside = np.average(sets.spread[several], axis=0, weights=count - 1.0)
    between = mean.var(axis=0) - inside * (1.0 / count).mean()
    # of what is the same in all children, the mean is known from one
    return np.asarray(inside / np.maximum(np.maximum(between, LEAST_BETWEEN * inside), TINY))


@dataclass(frozen=True)
class _Trial:
    """One half of each parent's children, and what is to be told from it.

    Attributes
    ----------
    given : ndarray of float32, shape (halves, features)
    wanted : ndarray of float, shape (halves, columns)
        What the other half and the children in other tables are like, beyond what the parents'
        own columns tell; NaN where there are none.
    parent : ndarray of int64, shape (halves,)
        Trees of every other one are tried on those between.
    """

    given: Any
    wanted: Floats
    parent: IntArray

    @property
    def even(self) -> Bools:
        """Of each half, whether it is of one or of the other half of the parents."""
        return np.asarray(self.parent % 2 == 0, dtype=np.bool_)

    @classmethod
    def of(
        cls,
        children: Floats,
        parent: IntArray,
        whole: ChildSets,
        shrinkage: Floats,
        told: Floats,
        others: Sequence[ChildSets],
        some: IntArray,
        rng: np.random.Generator,
    ) -> _Trial:
        """Cut the children of some parents in halves.

        Parameters
        ----------
        children, parent, told, others :
            As of :func:`children_codes`.
        whole : ChildSets
            Of all children.
        shrinkage : ndarray of float, shape (columns,)
        some : ndarray of int64
            The parents.
        rng : numpy.random.Generator
        """
        # at random: of dates that ascend, every other one would tell those between
        turn = positions_in_groups(parent, rng.permutation(len(parent)))[0] % 2
        halves = [ChildSets.of(children[turn == i], parent[turn == i], len(told)) for i in (0, 1)]
        learned = np.arange(len(some)) % 2 == 0
        known = np.column_stack([told, whole.count])[some]
        every = (whole, *others)
        expected = np.column_stack([_expected(known, sets, some, learned) for sets in every])
        given, wanted, numbers = [], [], []
        for one, other in (halves, halves[::-1]):
            there = one.count[some] > 0
            both = np.column_stack([_wanted(sets)[some] for sets in (other, *others)])
            given.append(_features(one, shrinkage, whole.count)[some][there])
            wanted.append((both - expected)[there])
            numbers.append(np.flatnonzero(there))
        return cls(np.concatenate(given), np.concatenate(wanted), np.concatenate(numbers))

    def trees(self, leaf: int, seed: int) -> Iterator[Any]:
        """Yield trees, of which each tells more than chance beyond those before.

        Parameters
        ----------
        leaf : int
            Parents in a leaf at least.
        seed : int
        """
        everyone, left = np.ones(len(self.given), dtype=np.bool_), self
        for _ in range(MOST_TREES):
            best = left._best(leaf, seed)
            if best is None:
                return
            most, told = best
            # what is told of no other parent is chance, and splits nothing
            tree = replace(left, wanted=left.wanted[:, told])._fitted(everyone, most, leaf, seed)
            yield tree
            wanted = left.wanted.copy()
            wanted[:, told] -= tree.predict(self.given).reshape(len(wanted), -1)
            left = replace(left, wanted=wanted)

    def _best(self, leaf: int, seed: int) -> Optional[tuple[int, Bools]]:
        """Return the best number of leaves, and what they tell; None where all is chance."""
        tried = []
        for most in SIZES:
            gain, told = self._explained(most, leaf, seed)
            if gain[told].sum() >= LEAST_GAIN:
                tried.append((float(gain[told].sum()), most, told))
        if not tried:
            return None
        enough = NEAR_BEST * max(gain for gain, _, _ in tried)
        return next((most, told) for gain, most, told in tried if gain >= enough)

    def _fitted(self, rows: Bools, most: int, leaf: int, seed: int) -> Any:
        from sklearn.tree import DecisionTreeRegressor

        tree = DecisionTreeRegressor(
            max_leaf_nodes=most,
            min_samples_leaf=2 * leaf,  # halves
            random_state=seed,
        )
        return tree.fit(self.given[rows], np.nan_to_num(self.wanted)[rows])

    def _explained(self, most: int, leaf: int, seed: int) -> tuple[Floats, Bools]:
        """Return what is told of each column of other parents, and where it is beyond chance."""
        left = np.empty_like(self.wanted)
        for held in (self.even, ~self.even):  # each half of the parents by what the other tells
            tree = self._fitted(~held, most, leaf, seed)
            left[held] = self.wanted[held] - tree.predict(self.given[held]).reshape(held.sum(), -1)
        known = np.maximum((~np.isnan(left)).sum(axis=0), 1)
        better = self.wanted**2 - left**2
        gain, before = (np.nansum(v, axis=0) / known for v in (better, self.wanted**2))
        # the two halves of a parent's children are not independent: errors add up first
        off = np.nan_to_num(better - gain)
        sums = np.stack([np.bincount(self.parent, weights=v) for v in off.T], axis=1)
        error = np.sqrt((sums**2).sum(axis=0)) / known
        told = gain > np.maximum(LEAST_EXPLAINED * before, CHANCE * error)
        return gain, told & (known >= LEAST_PARENTS)


def _wanted(sets: ChildSets) -> Floats:
    """Return mean and spread, NaN where there are no children, or too few for a spread."""
    mean, spread = sets.mean.copy(), sets.spread.copy()
    mean[sets.count < 1], spread[sets.count < 2] = np.nan, np.nan
    return np.column_stack([mean, spread])


def _expected(known: Floats, sets: ChildSets, some: IntArray, learned: Bools) -> Floats:
    """Return mean and spread as what is known of some parents tells them, of others as well."""
    from sklearn.tree import DecisionTreeRegressor

    both, there = np.column_stack([sets.mean, sets.spread])[some], learned & (sets.count[some] > 0)
    if not both[there].size:  # nobody has children, or these have keys alone
        return np.zeros_like(both)
    tree = DecisionTreeRegressor(max_leaf_nodes=32, min_samples_leaf=20, random_state=0)
    return np.asarray(tree.fit(known[there], both[there]).predict(known)).reshape(both.shape)


def _merged(codes: IntArray, entities: Entities, k: int) -> IntArray:
    """Put codes that too few entities share together with their neighbours."""
    while True:
        holders = entities.holders(codes)
        few = int(np.argmin(holders))
        if len(holders) < 2 or holders[few] >= k:
            return codes
        near = [c for c in (few - 1, few + 1) if 0 <= c < len(holders)]
        into = min(near, key=lambda c: int(holders[c]))
        low = max(few, into)  # the lower number stays
        codes = np.where(codes >= low, codes - 1, codes)
