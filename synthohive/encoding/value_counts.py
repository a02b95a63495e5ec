"""Counts of a column's values, from which every transform learns.

A :class:`ValueCounts` counts distinct values and remembers, per value and path, up to `k` of
the entities that hold it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.encoding.canonical import hash64
from synthohive.privacy.entities import Counting, Entities
from synthohive.texts.patterns import Pattern

__all__ = ["ValueCounts"]

SAMPLE = 10_000  # distinct values of least hash: quantiles of them are right to a hundredth


@dataclass(frozen=True)
class Held:
    """Which entities hold the counted values, over one path.

    Attributes
    ----------
    counting : Counting
    owner, entity : ndarray of int64
        For each known (value, entity) pair, the index of the value, ascending, and the
        entity; at most `k` pairs per value, those of the least ids.
    unknown : ndarray of int64
        Of each value: the rows of which no entity is known.
    """

    counting: Counting
    owner: IntArray
    entity: IntArray
    unknown: IntArray

    def holders(self) -> IntArray:
        """Return the number of entities of each value."""
        known = np.bincount(self.owner, minlength=len(self.unknown))
        return self.counting.total(known, self.unknown)

    def take(self, indices: IntArray) -> Held:
        """Return what is known of the values at `indices`."""
        # where each value goes; -1 for those that are left out, and their pairs with them
        rank = np.full(len(self.unknown), -1, dtype=np.int64)
        rank[indices] = np.arange(len(indices))
        owner = rank[self.owner]
        keep = np.flatnonzero(owner >= 0)
        keep = keep[np.argsort(owner[keep], kind="stable")]
        return Held(self.counting, owner[keep], self.entity[keep], self.unknown[indices])

    def pairs(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Return, for values at `rows` (with repeats), all pairs of position and entity."""
        # pairs of value v lie at starts[v] … starts[v + 1]; those of each row one after the other
        starts = np.searchsorted(self.owner, np.arange(len(self.unknown) + 1))
        sizes = np.diff(starts)[rows]
        ends = np.cumsum(sizes)
        at = np.repeat(starts[rows] - ends + sizes, sizes) + np.arange(sizes.sum())
        return np.repeat(np.arange(len(rows)), sizes), self.entity[at]

    def holders_of(self, codes: IntArray, rows: IntArray, size: int) -> IntArray:
        """Count the entities that hold each code: ``codes[i]`` is a part of value `rows[i]`.

        Parameters
        ----------
        codes, rows : ndarray of int64, shape (pairs,)
            Without repeats.
        size : int
            Number of codes.

        Returns
        -------
        ndarray of int64, shape (size,)
            Exact up to `k`: of a value, more entities are not known.
        """
        at, entity = self.pairs(rows)
        known, entity = np.unique(entity, return_inverse=True)
        # code and entity as one number, so that each entity counts once for a code
        pairs = np.unique(codes[at] * len(known) + entity.reshape(-1))
        found = np.bincount(pairs // max(len(known), 1), minlength=size)
        unknown = np.bincount(codes, weights=self.unknown[rows], minlength=size)
        return self.counting.total(found, unknown)

    def passed(self, k: int) -> Optional[int]:
        """Return the index of the value at which `k` entities have been passed; None: never.

        Of a path with fewer than `k` entities, which are no single persons, it is the first.
        """
        if self.counting.short:
            return 0
        # how many entities have their first value here: each is passed once
        first = np.zeros(len(self.unknown), dtype=np.int64)
        np.add.at(first, self.owner[np.unique(self.entity, return_index=True)[1]], 1)
        # rows of unknown entities are one for each `most` of them, rounded up
        count = np.cumsum(first) + -(-np.cumsum(self.unknown) // self.counting.most)
        at = int(np.searchsorted(count, k))
        return at if at < len(count) else None

    @classmethod
    def grouped(
        cls, counting: Counting, owner: IntArray, entity: IntArray, unknown: IntArray, k: int
    ) -> Held:
        """Sort pairs, leave out repeats, and keep `k` of each value.

        Parameters
        ----------
        counting : Counting
        owner, entity : ndarray of int64, shape (pairs,)
            Values and entities, in any order.
        unknown : ndarray of int64, shape (values,)
            Rows of each value of which no entity is known.
        k : int
        """
        span = int(entity.max(initial=0)) + 1
        keys = np.sort(owner * span + entity)  # one number sorts faster than two
        keys = keys[np.diff(keys, prepend=-1) != 0]
        owner, entity = keys // span, keys % span
        starts = np.searchsorted(owner, np.arange(len(unknown)))
        # the least ids, whatever the order of rows
        least = np.arange(len(owner)) - starts[owner] < k
        return cls(counting, owner[least], entity[least], unknown)


@dataclass(frozen=True)
class ValueCounts:
    """Distinct values, how often each was seen, and which entities hold it.

    Attributes
    ----------
    values : pyarrow.Array
        Distinct plain values, none NULL.
    counts : ndarray of int64
    held : tuple of Held
        Over each path to entities; none: every row is an entity of its own.
    """

    values: pa.Array
    counts: IntArray
    held: tuple[Held, ...] = ()

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def holders(self) -> IntArray:
        """Number of distinct entities of each value, the least of all paths (exact up to `k`)."""
        found = self.counts
        for held in self.held:
            found = np.minimum(found, held.holders())
        return found

    @property
    def all_holders(self) -> int:
        """Number of distinct entities that hold any of the values (exact up to `k`)."""
        rows = np.arange(len(self), dtype=np.int64)
        return int(self.holders_of(np.zeros_like(rows), rows).sum())

    def take(self, indices: IntArray) -> ValueCounts:
        """Return the values at `indices`, in that order."""
        values, counts = self.values.take(pa.array(indices)), self.counts[indices]
        return ValueCounts(values, counts, tuple(held.take(indices) for held in self.held))

    def of_each(self, codes: IntArray, size: int) -> IntArray:
        """Count the entities that hold each of `size` codes: ``codes[i]`` is of value `i`."""
        return self.holders_of(codes, np.arange(len(codes)), size)

    def holders_of(self, codes: IntArray, rows: IntArray, size: Optional[int] = None) -> IntArray:
        """Count the entities that hold each part: ``codes[i]`` is a part of value `rows[i]`.

        Returns one number for each code, by default up to the largest, exact up to `k`.
        """
        size = int(codes.max(initial=-1)) + 1 if size is None else size
        # a text counts once for a part, however often it holds that
        pairs = np.unique(codes * len(self) + rows)
        codes, rows = pairs // max(len(self), 1), pairs % max(len(self), 1)
        weights = self.counts[rows].astype(np.float64)
        found = np.bincount(codes, weights=weights, minlength=size).astype(np.int64)
        for held in self.held:
            found = np.minimum(found, held.holders_of(codes, rows, size))
        return found

    def passed(self, k: int) -> Optional[int]:
        """Return the index of the value at which `k` entities have been passed over every path.

        None: there are fewer.
        """
        places = [held.passed(k) for held in self.held]
        at = int(np.searchsorted(np.cumsum(self.counts), k))
        if at == len(self) or any(place is None for place in places):
            return None
        return max([at, *(place for place in places if place is not None)])

    def pattern(self, form: str, k: int) -> Pattern:
        """Return what makes up texts of one shape, from these, which have it."""
        return Pattern.learn(form, self.values.to_pylist(), self.of_each, k, self.counts)

    def shared(self, k: int, most: Optional[int] = None) -> ValueCounts:
        """Return the texts that `k` entities share, up to so many, the most frequent first."""
        ranked = np.lexsort((self.values.to_numpy(zero_copy_only=False), -self.counts))
        return self.take(ranked[self.holders[ranked] >= k][:most])

    def derive(self, values: pa.Array, rows: IntArray, k: int) -> ValueCounts:
        """Count parts of the values: `values[i]` is a part of the value at `rows[i]`.

        Parameters
        ----------
        values : pyarrow.Array, of shape (parts,)
            Plain, none NULL; may repeat.
        rows : ndarray of int64, shape (parts,)
            Indices of this object's values.
        k : int
            Entities that are remembered of each part.
        """
        pairs = [held.pairs(rows) for held in self.held]
        parts = [
            Held(held.counting, owner, entity, held.unknown[rows])
            for held, (owner, entity) in zip(self.held, pairs)
        ]
        return _grouped(values, self.counts[rows], parts, k)

    @property
    def sample(self) -> ValueCounts:
        """So many values that texts, of which each is looked at, are soon learned from."""
        return self if len(self) <= SAMPLE else self.take(np.arange(SAMPLE))

    def ordered(self) -> ValueCounts:
        """Return the values by their hashes: in the same order, whatever that of the rows."""
        return self.take(np.argsort(hash64(self.values), kind="stable"))

    @classmethod
    def count(cls, values: pa.Array, entities: Optional[Entities], k: int) -> ValueCounts:
        """Count plain values; NULLs are left out.

        Parameters
        ----------
        values : pyarrow.Array, of shape (rows,)
        entities : Entities, optional
            Those behind the rows; each row is one of its own by default.
        k : int
            Entities that are remembered of each value.
        """
        if values.null_count:
            valid = values.is_valid()
            if entities is not None:
                entities = entities.take(valid.to_numpy(zero_copy_only=False))
            values = values.filter(valid)
        parts = []
        for path in () if entities is None else entities.paths:
            known = np.flatnonzero(path.codes >= 0)
            unknown = (path.codes < 0).astype(np.int64)
            parts.append(Held(path.counting, known, path.codes[known], unknown))
        return _grouped(values, np.ones(len(values), dtype=np.int64), parts, k)


def _grouped(values: pa.Array, counts: IntArray, parts: Sequence[Held], k: int) -> ValueCounts:
    """Add up what is known of equal values."""
    encoded = values.dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    size = len(encoded.dictionary)
    totals = np.bincount(codes, weights=counts, minlength=size).astype(np.int64)
    held = []
    for part in parts:
        unknown = np.bincount(codes, weights=part.unknown, minlength=size).astype(np.int64)
        held.append(Held.grouped(part.counting, codes[part.owner], part.entity, unknown, k))
    return ValueCounts(encoded.dictionary, totals, tuple(held))
