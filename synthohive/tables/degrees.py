"""How many children each parent gets: the real distribution, kept exactly.

The number of children is generated as a column of the parent; only its *ranks* are used,
and the counts themselves come from the distribution over the full table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, Optional

import numpy as np
import numpy.typing as npt

from synthohive._arrays import Floats, IntArray

__all__ = ["FanOutModel"]

Method = Literal["empirical", "negbinom"]


@dataclass(eq=False)
class FanOutModel:
    """The distribution of children per parent over one key.

    Parameters
    ----------
    counts_, parents_ : ndarray of int64, shape (numbers,)
        Ascending numbers of children, and how many parents have each.
    """

    counts_: IntArray
    parents_: IntArray

    @classmethod
    def fit(
        cls, histogram: Mapping[int, int], *, method: Method = "empirical", k: int = 5
    ) -> FanOutModel:
        """Learn from ``{children: parents}`` over the full tables.

        The counts of the `k` parents with most children are pooled to their mean, as a lone maximum
        could point at a person; the total stays. With ``k=1`` all counts are kept, as for parents
        that are no entities.

        Parameters
        ----------
        histogram : mapping of int to int
            How many parents have so many children, those without any (0) included.
        method : {"empirical", "negbinom"}
            Keeps the numbers; or fits a negative binomial, zeros apart, which shows no single one.
        k : int, default 5
        """
        items = sorted((int(c), int(p)) for c, p in histogram.items() if p > 0)
        counts = np.array([c for c, _ in items], dtype=np.int64)
        parents = np.array([p for _, p in items], dtype=np.int64)
        if method == "negbinom" and len(counts) and counts[-1] > 0:
            counts, parents = _negative_binomial(counts, parents)
        elif k > 1 and parents.sum():
            counts, parents = _pooled_tail(counts, parents, k)
        return cls(counts, parents)

    @property
    def mean(self) -> float:
        """Children per parent."""
        total = int(self.parents_.sum())
        return float(self.counts_ @ self.parents_) / total if total else 0.0

    def drawn(self, uniform: Floats) -> IntArray:
        """Return a number of children for each of some uniform numbers."""
        edges = np.cumsum(self.parents_)
        return np.asarray(self.counts_[np.searchsorted(edges, uniform * edges[-1], side="right")])

    @property
    def largest(self) -> int:
        """Most children of one parent."""
        return int(self.counts_[-1]) if len(self.counts_) else 0

    def counts(
        self,
        parents: int,
        total: Optional[int],
        preference: Optional[Floats],
        rng: np.random.Generator,
        *,
        growth: float = 1.0,
        limit: Optional[int] = None,
        among: Optional[tuple[int, int]] = None,
    ) -> IntArray:
        """Return the number of children of each parent.

        Parameters
        ----------
        parents : int
            As many as the real ones give the real distribution.
        total : int, optional
            The sum to reach exactly; what the distribution gives if None.
        preference : ndarray of float, optional
            The parents' generated fan-out, of which only the ranks count.
        rng : numpy.random.Generator
            Breaks ties.
        growth : float
            Multiplies each count (parents that are kept as they are, at another scale).
        limit : int, optional
            Largest count allowed.
        among : (int, int), optional
            The number of the first of these parents among all, and of all, whose sum `total` then
            is: parts that are asked for one by one have together what all have at once.
        """
        if parents == 0 or not len(self.counts_):
            return np.zeros(parents, dtype=np.int64)
        if preference is None or len(preference) != parents:
            preference = np.zeros(parents)
        order = np.lexsort((rng.random(parents), preference))
        counts = np.empty(parents, dtype=np.int64)
        counts[order] = self._ascending(parents, total, growth, limit, among)
        return counts

    def totals(
        self, edges: IntArray, total: Optional[int], limits: Sequence[Optional[int]]
    ) -> IntArray:
        """Return the sums of :meth:`counts` of all parts, which do not depend on who has how many.

        Parameters
        ----------
        edges : ndarray of int64, shape (parts + 1,)
            The number of each part's first parent, and of all parents.
        total : int, optional
        limits : sequence of (int or None), of length parts
            As there.
        """
        whole, found = int(edges[-1]), np.zeros(len(limits), dtype=np.int64)
        if not whole or not len(self.counts_):
            return found

        @lru_cache(maxsize=1)
        def of_all(limit: Optional[int]) -> IntArray:
            return self._ascending(whole, total, 1.0, limit, None)

        sizes = np.diff(edges).tolist()
        for part, (first, parents, limit) in enumerate(zip(edges.tolist(), sizes, limits)):
            if total is None:
                counts = self._ascending(parents, None, 1.0, limit, (first, whole))
            else:
                counts = of_all(limit)[_spread(first, parents, whole)]
            found[part] = counts.sum()
        return found

    def _ascending(
        self,
        parents: int,
        total: Optional[int],
        growth: float,
        limit: Optional[int],
        among: Optional[tuple[int, int]],
    ) -> IntArray:
        """Return the numbers of children of all parents, ascending."""
        if among is not None and (total is not None or growth != 1.0):  # which are of all parents
            first, whole = among
            found = self._ascending(whole, total, growth, limit, None)
            return found[_spread(first, parents, whole)]
        edges = np.cumsum(self.parents_)
        # Middles of equal steps: as many parents as the real ones get exactly the real numbers.
        first, whole = (0, parents) if among is None else among
        at = (_spread(first, parents, whole) + 0.5) / whole * edges[-1]
        ascending = self.counts_[
            np.minimum(np.searchsorted(edges, at, side="right"), len(edges) - 1)
        ]
        if growth != 1.0:
            ascending = _rounded(ascending * growth)
        if limit is not None:
            ascending = np.minimum(ascending, limit)
        if total is not None:
            ascending = _to_total(ascending, total, limit)
        return np.asarray(ascending, dtype=np.int64)


def _spread(first: int, count: int, whole: int) -> IntArray:
    """Return places below `whole`, ascending, of the rows ``first … first + count - 1`` of all.

    Each row has one of its own; those of any stretch of rows lie evenly over all (a lattice with
    the golden ratio, as in Knuth, "The Art of Computer Programming", vol. 3, 6.4).
    """
    if count == whole:
        return np.arange(whole, dtype=np.int64)
    step = round(whole * (math.sqrt(5.0) - 1.0) / 2.0)
    while math.gcd(step, whole) != 1:  # else two rows would have one place
        step += 1
    start = first * step % whole  # in Python's integers: the product may be beyond 64 bits
    return np.sort((start + np.arange(count, dtype=np.int64) * step) % whole)


def _pooled_tail(counts: IntArray, parents: IntArray, k: int) -> tuple[IntArray, IntArray]:
    """Replace the counts of the k parents with most children by their mean."""
    above = np.cumsum(parents[::-1])[::-1] - parents  # parents with more children
    pooled = np.clip(k - above, 0, parents)
    # Whole numbers with the same total: `remainder` of the pooled parents get one more.
    low, remainder = divmod(int(counts @ pooled), int(pooled.sum()))
    values = np.concatenate([counts, [low, low + 1]])
    weights = np.concatenate([parents - pooled, [int(pooled.sum()) - remainder, remainder]])
    distinct, at = np.unique(values, return_inverse=True)
    numbers = np.bincount(at.reshape(-1), weights=weights).astype(np.int64)
    return distinct[numbers > 0].astype(np.int64), numbers[numbers > 0]


def _negative_binomial(counts: IntArray, parents: IntArray) -> tuple[IntArray, IntArray]:
    """Smooth the positive counts by a negative binomial of ``count - 1``; keep the zeros."""
    from scipy import stats  # half a second, and 30 MB, of each process that never needs it

    zeros = int(parents[counts == 0].sum())
    positive, weight = counts[counts > 0] - 1, parents[counts > 0]
    size = int(weight.sum())
    mean = float(positive @ weight) / size
    variance = float(((positive - mean) ** 2) @ weight) / size
    # By moments: the mean is r (1 - p) / p, the variance is the mean divided by p.
    if mean == 0 or variance <= mean:  # not overdispersed: a Poisson distribution
        quantile = stats.poisson(mean).ppf
    else:
        quantile = stats.nbinom(mean**2 / (variance - mean), mean / variance).ppf
    values = quantile((np.arange(size) + 0.5) / size).astype(np.int64) + 1
    distinct, numbers = np.unique(values, return_counts=True)
    if zeros:
        distinct, numbers = np.r_[0, distinct], np.r_[zeros, numbers]
    return distinct.astype(np.int64), numbers.astype(np.int64)


def _rounded(values: npt.NDArray[np.floating[Any]]) -> IntArray:
    """Round so that the sum is right, by the largest remainders; return ascending."""
    whole: IntArray = np.floor(values).astype(np.int64)
    missing = round(float(values.sum())) - int(whole.sum())
    if missing > 0:
        # Ascending: the largest remainders come first.
        whole[np.argsort(whole - values, kind="stable")[:missing]] += 1
    return np.sort(whole)


def _to_total(ascending: IntArray, total: int, limit: Optional[int]) -> IntArray:
    """Scale counts to an exact sum; zeros stay zero as long as anything else can give."""
    current = int(ascending.sum())
    if current == 0:
        ascending, current = np.ones_like(ascending), len(ascending)
    if current != total:
        ascending = _rounded(ascending * (total / current))
    if limit is None or int(ascending[-1]) <= limit:
        return ascending
    capped = np.minimum(ascending, limit)
    spare = total - int(capped.sum())
    room = (limit - capped)[::-1]  # the largest below the limit take the rest
    before = np.cumsum(room) - room
    taken = np.clip(spare - before, 0, room)[::-1]
    return np.asarray(capped + taken)
