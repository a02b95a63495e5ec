"""Choosing parents so that each gets exactly its number of children."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthohive.relational.hashing import Permutation, hashed

__all__ = ["CodedQuotaAssigner", "GroupedQuotaAssigner", "QuotaAssigner", "avoid_duplicates"]

IntArray = npt.NDArray[np.int64]


class QuotaAssigner:
    """Assigns children to parents, each parent its quota; random access by child.

    Every parent stands ``counts[parent]`` times in a row of stubs; child *i* gets the
    stub at a pseudo-random permutation's image of *i*. Nothing of the size of the child
    table is held, and any chunking gives the same choice.
    """

    def __init__(self, counts: IntArray, seed: int) -> None:
        self._ends = np.cumsum(counts)
        self.total = int(self._ends[-1]) if len(counts) else 0
        self._permutation = Permutation(self.total, seed)

    def assign(self, children: IntArray) -> IntArray:
        """Return the parent of each child; children beyond the quota start over."""
        if self.total == 0:
            return np.full(len(children), -1, dtype=np.int64)
        stubs = self._permutation(children % self.total)
        parents: IntArray = np.searchsorted(self._ends, stubs, side="right").astype(np.int64)
        return parents


class GroupedQuotaAssigner:
    """Assigns children to parents of their own group, each parent about its quota.

    Within each group the stubs are shuffled and dealt out in the order of the calls; when
    a group has more children than stubs, dealing starts over.

    Parameters
    ----------
    groups : ndarray of int64
        The group of each parent; -1 for parents in none.
    counts : ndarray of int64
        Children per parent; a group without any gives each parent one.
    """

    def __init__(self, groups: IntArray, counts: IntArray, seed: int) -> None:
        known = np.flatnonzero(groups >= 0)
        size = int(groups.max(initial=-1)) + 1
        per_group = np.bincount(groups[known], weights=counts[known], minlength=size)
        empty = per_group == 0
        quota = np.where(empty[groups[known]], 1, counts[known]).astype(np.int64)
        stubs = np.repeat(known, quota)
        order = np.lexsort((hashed(np.arange(len(stubs)), seed), groups[stubs]))
        self._stubs = stubs[order].astype(np.int64)
        self._sizes = np.bincount(groups[self._stubs], minlength=size).astype(np.int64)
        self._starts = np.cumsum(self._sizes) - self._sizes
        self._dealt = np.zeros(size, dtype=np.int64)

    def assign(self, groups: IntArray) -> IntArray:
        """Return the parent of each child; -1 where its group has none."""
        chosen = np.full(len(groups), -1, dtype=np.int64)
        valid = np.flatnonzero((groups >= 0) & (groups < len(self._sizes)))
        valid = valid[self._sizes[groups[valid]] > 0]
        if not len(valid):
            return chosen
        own = groups[valid]
        order = np.argsort(own, kind="stable")
        ordered = own[order]
        first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        rank = np.empty(len(own), dtype=np.int64)
        rank[order] = np.arange(len(own)) - np.repeat(first, np.diff(np.r_[first, len(own)]))
        place = (self._dealt[own] + rank) % self._sizes[own]
        chosen[valid] = self._stubs[self._starts[own] + place]
        np.add.at(self._dealt, own, 1)
        return chosen


class CodedQuotaAssigner:
    """Assigns children to parents of their own code, each parent exactly its quota.

    Children and stubs of one code are paired at random; what is left over, on either side,
    is paired in the order of the codes, so that a child gets a parent of a near one.

    Parameters
    ----------
    wanted : ndarray of int64
        The code that each child was given.
    codes : ndarray of int64
        The code of each parent.
    counts : ndarray of int64
        Children per parent, as many in total as there are children.
    """

    def __init__(self, wanted: IntArray, codes: IntArray, counts: IntArray, seed: int) -> None:
        stubs = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
        stub_order = np.lexsort((hashed(np.arange(len(stubs)), seed), codes[stubs]))
        stubs = stubs[stub_order]
        children = np.lexsort((hashed(np.arange(len(wanted)), seed + 1), wanted))
        own, theirs = wanted[children], codes[stubs]
        first = np.searchsorted(theirs, own, side="left")
        last = np.searchsorted(theirs, own, side="right")
        rank = np.arange(len(own)) - np.searchsorted(own, own, side="left")
        served = first + rank < last
        self._chosen = np.full(len(wanted), -1, dtype=np.int64)
        self._chosen[children[served]] = stubs[(first + rank)[served]]
        free = np.ones(len(stubs), dtype=np.bool_)
        free[(first + rank)[served]] = False
        left = children[~served]
        rest = stubs[free]
        if len(rest):
            self._chosen[left] = rest[np.arange(len(left)) * len(rest) // max(len(left), 1)]

    def assign(self, children: IntArray) -> IntArray:
        """Return the parent of each child."""
        return self._chosen[children]


def avoid_duplicates(
    fixed: IntArray, chosen: IntArray, parents: int, rng: np.random.Generator
) -> tuple[IntArray, npt.NDArray[np.bool_]]:
    """Make the pairs ``(fixed, chosen)`` distinct, in many-to-many tables.

    Repeated pairs swap their parent with another row first, which keeps every quota; what
    is left is given a parent that its group does not have yet.

    Returns
    -------
    chosen : ndarray of int64
    left : ndarray of bool
        Rows that cannot be made distinct: their group is larger than `parents`.
    """
    chosen = chosen.copy()
    for _ in range(20):
        repeated = np.flatnonzero(_repeats(fixed, chosen))
        if not len(repeated):
            return chosen, np.zeros(len(chosen), dtype=bool)
        partners = rng.permutation(len(chosen))[: len(repeated)]
        repeated = repeated[: len(partners)]
        touched = np.zeros(len(chosen), dtype=np.int64)
        np.add.at(touched, repeated, 1)
        np.add.at(touched, partners, 1)
        alone = (touched[repeated] == 1) & (touched[partners] == 1)
        a, b = repeated[alone], partners[alone]
        before = _repeats(fixed, chosen)
        trial = chosen.copy()
        trial[a], trial[b] = chosen[b], chosen[a]
        worse = _repeats(fixed, trial)
        if worse.sum() < before.sum():
            chosen = trial
    return _replace(fixed, chosen, parents, rng)


def _repeats(fixed: IntArray, chosen: IntArray) -> npt.NDArray[np.bool_]:
    """Mark each row whose pair stood in an earlier row."""
    order = np.lexsort((np.arange(len(fixed)), chosen, fixed))
    same = np.zeros(len(fixed), dtype=bool)
    same[1:] = (fixed[order][1:] == fixed[order][:-1]) & (chosen[order][1:] == chosen[order][:-1])
    marks = np.zeros(len(fixed), dtype=bool)
    marks[order] = same
    return marks


def _replace(
    fixed: IntArray, chosen: IntArray, parents: int, rng: np.random.Generator
) -> tuple[IntArray, npt.NDArray[np.bool_]]:
    """Give the last repeated rows any parent that their group does not have."""
    repeated = _repeats(fixed, chosen)
    left = np.zeros(len(chosen), dtype=bool)
    for group in np.unique(fixed[repeated]):  # rare: dense groups only
        rows = np.flatnonzero(fixed == group)
        unused = rng.permutation(np.setdiff1d(np.arange(parents), chosen[rows]))
        needing = rows[repeated[rows]]
        given = min(len(unused), len(needing))
        chosen[needing[:given]] = unused[:given]
        left[needing[given:]] = True
    return chosen, left
