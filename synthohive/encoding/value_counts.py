"""Bounded counts of a column's values, from which every transform learns.

A :class:`ValueCounts` counts distinct values and remembers, per value and path, up to `k` of
the entities that hold it. A summary holds the counts of a sample of distinct
values (those of least hash, so that samples of parts merge exactly), of the most
frequent values, and of the most extreme ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import IntArray
from synthohive.encoding.base import ColumnTransform, Summary
from synthohive.encoding.canonical import canonical, canonical_type, hash64
from synthohive.privacy.entities import Counting, Entities
from synthohive.schema.arrow_types import from_json, to_json

__all__ = [
    "ValueCounts",
    "CountedTransform",
    "merge_counts",
    "counts_of",
    "summary_of_counts",
]


SAMPLE = 10_000  # distinct values of least hash: quantiles of them are right to a hundredth
TOP = 10_000  # most frequent values
_SPAN = 2.0**64


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

    def to_list(self) -> list[Any]:
        """Return a JSON-able form."""
        counting = [self.counting.most, self.counting.least, self.counting.short]
        return [counting, self.owner.tolist(), self.entity.tolist(), self.unknown.tolist()]

    @classmethod
    def from_list(cls, state: Sequence[Any]) -> Held:
        """Rebuild from :meth:`to_list`."""
        owner, entity, unknown = (np.asarray(part, dtype=np.int64) for part in state[1:])
        return cls(Counting(*state[0]), owner, entity, unknown)

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
        # the least ids, whatever the order of parts: merged counts are those of the whole
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

    def holders_of(self, codes: IntArray, rows: IntArray) -> IntArray:
        """Count the entities that hold each part: ``codes[i]`` is a part of value `rows[i]`.

        Returns one number for each code up to the largest, exact up to `k`.
        """
        size = int(codes.max()) + 1 if len(codes) else 0
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

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        held = [one.to_list() for one in self.held]
        return {"values": to_json(self.values), "counts": self.counts.tolist(), "held": held}

    @classmethod
    def from_dict(cls, state: dict[str, Any], type_: pa.DataType) -> ValueCounts:
        """Rebuild from :meth:`to_dict`."""
        values = from_json(state["values"], type_)
        counts = np.asarray(state["counts"], dtype=np.int64)
        return cls(values, counts, tuple(Held.from_list(one) for one in state["held"]))

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

    @classmethod
    def combine(cls, parts: Sequence[ValueCounts], k: int) -> ValueCounts:
        """Add up the counts of parts, whose paths are the same."""
        values = pa.concat_arrays([p.values for p in parts])
        counts = np.concatenate([p.counts for p in parts])
        starts = np.cumsum([0, *(len(p) for p in parts)])
        held = []
        for each in zip(*(p.held for p in parts)):
            owners = [one.owner + start for one, start in zip(each, starts)]
            entities = [one.entity for one in each]
            unknown = np.concatenate([one.unknown for one in each])
            counting = each[0].counting
            held.append(Held(counting, np.concatenate(owners), np.concatenate(entities), unknown))
        return _grouped(values, counts, held, k)


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


def summary_of_counts(value_counts: ValueCounts, k: int) -> dict[str, Any]:
    """Bound counts: a sample of distinct values, the most frequent, the most extreme."""
    hashes = hash64(value_counts.values)
    by_hash = np.argsort(hashes, kind="stable")
    complete = len(value_counts) <= SAMPLE
    found: dict[str, Any] = {"complete": complete}
    found["sample"] = value_counts.take(by_hash[:SAMPLE]).to_dict()
    if complete:
        return found
    # of n uniform hashes, the m-th least lies about m / n up the scale (Bar-Yossef et al., 2002)
    found["distinct"] = round(SAMPLE * _SPAN / (float(hashes[by_hash[SAMPLE - 1]]) + 1.0))
    found["top"] = value_counts.take(np.lexsort((hashes, -value_counts.counts))[:TOP]).to_dict()
    if not pa.types.is_string(value_counts.values.type):
        # a bound needs the k that are passed and the next k, for their mean; the rest is room
        order = pc.sort_indices(value_counts.values).to_numpy().astype(np.int64)
        found["low"] = value_counts.take(order[: 4 * k]).to_dict()
        found["high"] = value_counts.take(order[::-1][: 4 * k]).to_dict()
    return found


def counts_of(found: dict[str, Any], type_: pa.DataType) -> dict[str, ValueCounts]:
    """Return the counts ``sample``, ``top`` and, where known, ``low`` and ``high``."""
    names: list[str] = [n for n in ("sample", "top", "low", "high") if n in found]
    counted: dict[str, ValueCounts] = {
        name: ValueCounts.from_dict(found[name], type_) for name in names
    }
    counted.setdefault("top", counted["sample"])
    return counted


def merge_counts(parts: Sequence[dict[str, Any]], type_: pa.DataType, k: int) -> dict[str, Any]:
    """Combine what :func:`summary_of_counts` returned for parts of a column.

    Parameters
    ----------
    parts : sequence of dict
        At least one; their entities are numbered alike.
    type_ : pyarrow.DataType
        The plain type of the values.
    k : int
        As for the parts.
    """
    # the least hashes of all values are among the least of each part: nothing is lost
    opened = [counts_of(part, type_) for part in parts]
    sample = ValueCounts.combine([p["sample"] for p in opened], k)
    merged = summary_of_counts(sample, k)
    if all(part["complete"] for part in parts):
        return merged
    merged["complete"] = False
    hashes = np.sort(hash64(sample.values))
    merged["distinct"] = round(SAMPLE * _SPAN / (float(hashes[min(SAMPLE, len(hashes)) - 1]) + 1.0))
    top = ValueCounts.combine([p["top"] for p in opened], k)
    order = np.lexsort((hash64(top.values), -top.counts))
    merged["top"] = top.take(order[:TOP]).to_dict()
    if not pa.types.is_string(type_):
        for side, step in (("low", 1), ("high", -1)):
            ends = ValueCounts.combine([p.get(side, p["sample"]) for p in opened], k)
            order = pc.sort_indices(ends.values).to_numpy().astype(np.int64)[::step]
            merged[side] = ends.take(order[: 4 * k]).to_dict()
    return merged


@dataclass(eq=False)
class CountedTransform(ColumnTransform):
    """A transform that learns from counts of the column's plain values."""

    @property
    def plain_type(self) -> pa.DataType:
        """The plain type of the column's values."""
        return canonical_type(self.column.arrow_type)

    def plain(self, values: pa.Array) -> pa.Array:
        """Return `values` in the column's plain type."""
        return canonical(values, self.column.arrow_type)

    def features(self, plain: pa.Array) -> dict[str, pa.Array]:
        """Return what is counted, by name; ``value`` is the column itself."""
        return {"value": plain}

    def analyze(self, values: pa.Array, entities: Optional[Entities]) -> Summary:
        """Summarise a part of the column; `entities` are those behind its rows."""
        plain = self.plain(values)
        k = self.settings.k
        summary: Summary = {"rows": len(plain), "nulls": plain.null_count}
        if plain.type == pa.float64():
            special = _special_floats(plain)
            summary["special"] = {name: pc.sum(mask).as_py() or 0 for name, mask in special.items()}
            plain = pc.if_else(pc.is_finite(plain), plain, pa.scalar(None, pa.float64()))
        for name, feature in self.features(plain).items():
            summary[name] = summary_of_counts(ValueCounts.count(feature, entities, k), k)
        return summary

    def merge(self, summaries: Sequence[Summary]) -> Summary:
        """Combine the summaries of parts."""
        merged: Summary = {name: sum(s[name] for s in summaries) for name in ("rows", "nulls")}
        for name, first in summaries[0].items():
            if name == "special":
                merged[name] = {key: sum(s["special"][key] for s in summaries) for key in first}
            elif name not in merged:
                type_ = self.plain_type if name == "value" else pa.int64()
                merged[name] = merge_counts([s[name] for s in summaries], type_, self.settings.k)
        return merged


def _special_floats(plain: pa.Array) -> dict[str, pa.Array]:
    return {
        "nan": pc.is_nan(plain),
        "inf": pc.equal(plain, float("inf")),
        "-inf": pc.equal(plain, float("-inf")),
    }
