"""Bounded counts of a column's values, from which every transform learns.

A :class:`Tally` counts distinct values and remembers, per value, up to `k` of the
entities (root rows) that hold it. A summary holds a tally of a sample of distinct
values (those of least hash, so that samples of parts merge exactly), of the most
frequent values, and of the most extreme ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.core.data.base import ColumnTransform, Summary
from synthohive.core.data.canonical import canonical, canonical_type, from_json, hash64, to_json

__all__ = [
    "Tally",
    "TallyTransform",
    "merge_tallies",
    "tallies_of",
    "tally_summary",
]

Ints = npt.NDArray[np.int64]

SAMPLE = 10_000
TOP = 10_000
_SPAN = 2.0**64


@dataclass(frozen=True)
class Tally:
    """Distinct values, how often each was seen, and which entities hold it.

    Attributes
    ----------
    values : pyarrow.Array
        Distinct plain values, none NULL.
    counts : ndarray of int64
    owner : ndarray of int64, optional
        For each known (value, entity) pair, the index of the value; ascending.
        None: every row is an entity of its own.
    entity : ndarray of int64, optional
        For each pair, the entity; at most `k` per value, the least ids.
    """

    values: pa.Array
    counts: Ints
    owner: Optional[Ints] = None
    entity: Optional[Ints] = None

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def holders(self) -> Ints:
        """Number of distinct entities of each value (exact up to `k`)."""
        if self.owner is None:
            return self.counts
        return np.bincount(self.owner, minlength=len(self)).astype(np.int64)

    def take(self, indices: Ints) -> Tally:
        """Return the values at `indices`, in that order."""
        values, counts = self.values.take(pa.array(indices)), self.counts[indices]
        if self.owner is None or self.entity is None:
            return Tally(values, counts)
        rank = np.full(len(self), -1, dtype=np.int64)
        rank[indices] = np.arange(len(indices))
        owner = rank[self.owner]
        keep = np.flatnonzero(owner >= 0)
        keep = keep[np.argsort(owner[keep], kind="stable")]
        return Tally(values, counts, owner[keep], self.entity[keep])

    def pairs(self, rows: Ints) -> tuple[Ints, Ints]:
        """Return, for values at `rows` (with repeats), all pairs of position and entity."""
        if self.owner is None or self.entity is None:
            raise ValueError("every row is an entity of its own")
        starts = np.searchsorted(self.owner, np.arange(len(self) + 1))
        sizes = np.diff(starts)[rows]
        ends = np.cumsum(sizes)
        at = np.repeat(starts[rows] - ends + sizes, sizes) + np.arange(sizes.sum())
        return np.repeat(np.arange(len(rows)), sizes), self.entity[at]

    def holders_of(self, codes: Ints, rows: Ints) -> Ints:
        """Count the entities that hold each part: ``codes[i]`` is a part of value `rows[i]`.

        Returns one number for each code up to the largest, exact up to `k`.
        """
        size = int(codes.max()) + 1 if len(codes) else 0
        pairs = np.unique(codes * len(self) + rows)
        codes, rows = pairs // max(len(self), 1), pairs % max(len(self), 1)
        if self.owner is None:
            weights = self.counts[rows].astype(np.float64)
            return np.bincount(codes, weights=weights, minlength=size).astype(np.int64)
        at, entity = self.pairs(rows)
        known, entity = np.unique(entity, return_inverse=True)
        pairs = np.unique(codes[at] * len(known) + entity.reshape(-1))
        return np.bincount(pairs // max(len(known), 1), minlength=size).astype(np.int64)

    def derive(self, values: pa.Array, rows: Ints, k: int) -> Tally:
        """Tally parts of the values: `values[i]` is a part of the value at `rows[i]`."""
        counts = self.counts[rows]
        if self.owner is None:
            return _grouped(values, counts, None, None, k)
        owner, entity = self.pairs(rows)
        return _grouped(values, counts, owner, entity, k)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        pairs = None
        if self.owner is not None and self.entity is not None:
            pairs = [self.owner.tolist(), self.entity.tolist()]
        return {"values": to_json(self.values), "counts": self.counts.tolist(), "holders": pairs}

    @classmethod
    def from_dict(cls, state: dict[str, Any], type_: pa.DataType) -> Tally:
        """Rebuild from :meth:`to_dict`."""
        values = from_json(state["values"], type_)
        counts = np.asarray(state["counts"], dtype=np.int64)
        if state["holders"] is None:
            return cls(values, counts)
        owner, entity = (np.asarray(part, dtype=np.int64) for part in state["holders"])
        return cls(values, counts, owner, entity)

    @classmethod
    def count(cls, values: pa.Array, entities: Optional[Ints], k: int) -> Tally:
        """Count plain values; NULLs are left out."""
        if values.null_count:
            valid = values.is_valid()
            if entities is not None:
                entities = entities[valid.to_numpy(zero_copy_only=False)]
            values = values.filter(valid)
        rows = np.arange(len(values)) if entities is not None else None
        return _grouped(values, np.ones(len(values), dtype=np.int64), rows, entities, k)

    @classmethod
    def combine(cls, parts: Sequence[Tally], k: int) -> Tally:
        """Add up the tallies of parts."""
        values = pa.concat_arrays([p.values for p in parts])
        counts = np.concatenate([p.counts for p in parts])
        owners, entities, start = [], [], 0
        for part in parts:
            if part.owner is None or part.entity is None:
                return _grouped(values, counts, None, None, k)
            owners.append(part.owner + start)
            entities.append(part.entity)
            start += len(part)
        return _grouped(values, counts, np.concatenate(owners), np.concatenate(entities), k)


def _grouped(
    values: pa.Array, counts: Ints, owner: Optional[Ints], entity: Optional[Ints], k: int
) -> Tally:
    encoded = values.dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    size = len(encoded.dictionary)
    totals = np.bincount(codes, weights=counts, minlength=size).astype(np.int64)
    if owner is None or entity is None:
        return Tally(encoded.dictionary, totals)
    owner = codes[owner]
    order = np.lexsort((entity, owner))
    owner, entity = owner[order], entity[order]
    fresh = np.ones(len(owner), dtype=bool)
    fresh[1:] = (owner[1:] != owner[:-1]) | (entity[1:] != entity[:-1])
    owner, entity = owner[fresh], entity[fresh]
    starts = np.searchsorted(owner, np.arange(size))
    least = np.arange(len(owner)) - starts[owner] < k
    return Tally(encoded.dictionary, totals, owner[least], entity[least])


def tally_summary(tally: Tally, k: int) -> dict[str, Any]:
    """Bound a tally: a sample of distinct values, the most frequent, the most extreme."""
    hashes = hash64(tally.values)
    by_hash = np.argsort(hashes, kind="stable")
    complete = len(tally) <= SAMPLE
    found: dict[str, Any] = {"complete": complete}
    found["sample"] = tally.take(by_hash[:SAMPLE]).to_dict()
    if complete:
        return found
    found["distinct"] = round(SAMPLE * _SPAN / (float(hashes[by_hash[SAMPLE - 1]]) + 1.0))
    found["top"] = tally.take(np.lexsort((hashes, -tally.counts))[:TOP]).to_dict()
    if not pa.types.is_string(tally.values.type):
        order = pc.sort_indices(tally.values).to_numpy().astype(np.int64)
        found["low"] = tally.take(order[: 4 * k]).to_dict()
        found["high"] = tally.take(order[::-1][: 4 * k]).to_dict()
    return found


def tallies_of(found: dict[str, Any], type_: pa.DataType) -> dict[str, Tally]:
    """Return the tallies ``sample``, ``top`` and, where known, ``low`` and ``high``."""
    names: list[str] = [n for n in ("sample", "top", "low", "high") if n in found]
    tallies: dict[str, Tally] = {name: Tally.from_dict(found[name], type_) for name in names}
    tallies.setdefault("top", tallies["sample"])
    return tallies


def merge_tallies(parts: Sequence[dict[str, Any]], type_: pa.DataType, k: int) -> dict[str, Any]:
    """Combine what :func:`tally_summary` returned for parts of a column."""
    opened = [tallies_of(part, type_) for part in parts]
    sample = Tally.combine([p["sample"] for p in opened], k)
    merged = tally_summary(sample, k)
    if all(part["complete"] for part in parts):
        return merged
    merged["complete"] = False
    hashes = np.sort(hash64(sample.values))
    merged["distinct"] = round(SAMPLE * _SPAN / (float(hashes[min(SAMPLE, len(hashes)) - 1]) + 1.0))
    top = Tally.combine([p["top"] for p in opened], k)
    order = np.lexsort((hash64(top.values), -top.counts))
    merged["top"] = top.take(order[:TOP]).to_dict()
    if not pa.types.is_string(type_):
        for side, step in (("low", 1), ("high", -1)):
            ends = Tally.combine([p.get(side, p["sample"]) for p in opened], k)
            order = pc.sort_indices(ends.values).to_numpy().astype(np.int64)[::step]
            merged[side] = ends.take(order[: 4 * k]).to_dict()
    return merged


class TallyTransform(ColumnTransform):
    """A transform that learns from tallies of the column's plain values."""

    @property
    def plain_type(self) -> pa.DataType:
        """The plain type of the column's values."""
        return canonical_type(self.column.arrow_type)

    def plain(self, values: pa.Array) -> pa.Array:
        """Return `values` in the column's plain type."""
        return canonical(values, self.column.arrow_type)

    def features(self, plain: pa.Array) -> dict[str, pa.Array]:
        """Return what is tallied, by name; ``value`` is the column itself."""
        return {"value": plain}

    def analyze(self, values: pa.Array, entities: Optional[Ints]) -> Summary:
        """Summarise a part of the column; `entities` are the rows' root entities."""
        plain = self.plain(values)
        k = self.settings.k
        summary: Summary = {"rows": len(plain), "nulls": plain.null_count}
        if plain.type == pa.float64():
            odd = _odd_floats(plain)
            summary["odd"] = {name: pc.sum(mask).as_py() or 0 for name, mask in odd.items()}
            plain = pc.if_else(pc.is_finite(plain), plain, pa.scalar(None, pa.float64()))
        for name, feature in self.features(plain).items():
            summary[name] = tally_summary(Tally.count(feature, entities, k), k)
        return summary

    def merge(self, summaries: Sequence[Summary]) -> Summary:
        """Combine the summaries of parts."""
        merged: Summary = {name: sum(s[name] for s in summaries) for name in ("rows", "nulls")}
        for name, first in summaries[0].items():
            if name == "odd":
                merged[name] = {key: sum(s["odd"][key] for s in summaries) for key in first}
            elif name not in merged:
                type_ = self.plain_type if name == "value" else pa.int64()
                merged[name] = merge_tallies([s[name] for s in summaries], type_, self.settings.k)
        return merged


def _odd_floats(plain: pa.Array) -> dict[str, pa.Array]:
    return {
        "nan": pc.is_nan(plain),
        "inf": pc.equal(plain, float("inf")),
        "-inf": pc.equal(plain, float("-inf")),
    }
