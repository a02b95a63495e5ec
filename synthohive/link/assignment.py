"""Choosing parents so that each gets exactly its number of children."""

from __future__ import annotations

import numpy as np

from synthohive._arrays import IntArray
from synthohive.tables.counter_random import Permutation, hashed

__all__ = ["CodedQuotaAssigner", "QuotaAssigner"]


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
