"""The structures of JSON texts, and what stands at their leaves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from operator import methodcaller
from typing import Any, Literal, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import IntArray
from synthohive.encoding.base import ColumnTransform, EncoderSettings, below
from synthohive.encoding.categorical import Categorical
from synthohive.encoding.draw import categorical
from synthohive.encoding.registry import fit_first
from synthohive.encoding.value_counts import ValueCounts
from synthohive.schema import Column, ColumnKind
from synthohive.texts.documents import Kind, kind_of, mapped

__all__ = ["Node", "structure_of"]

Found = tuple[int, Any]
"""A value, and the row of the text in which it was found."""

_MODES = 3  # of a leaf's numbers
_MOST_ELEMENTS = 200  # of a set
_LISTS = 20  # of several elements, to tell that these never repeat
_KINDS = {
    "boolean": ColumnKind.BOOLEAN,
    "integer": ColumnKind.INTEGER,
    "number": ColumnKind.FLOAT,
    "string": ColumnKind.TEXT,
}


def structure_of(value: Any) -> str:
    """Return the keys and types of a JSON value; elements of an array are like its first.

    Examples
    --------
    >>> structure_of({"a": 1, "b": ["x", "y"]})
    '{"a":"integer","b":["string"]}'
    """
    kinds = mapped(value, lambda _, leaf: kind_of(leaf), most=1)
    return json.dumps(kinds, separators=(",", ":"))


@dataclass
class Node:
    """A place in a structure: an object, an array or a leaf, able to make up JSON text.

    Attributes
    ----------
    kind : str
    children : list of Node
        Of an object, or the one of an array.
    keys : list of str
        Of an object.
    lengths : list of int
        Of arrays.
    weights : list of float
        Of lengths.
    distinct : {"sorted", "any order"}, optional
        Of arrays whose elements never repeat.
    members : list of str
        What such elements are, in their order.
    leaf : ColumnTransform, optional
        What makes the values of a leaf, which is learned like a column.
    shares : list of list of float
        How often each code of the leaf's blocks was seen, or each of the members.
    """

    kind: Kind
    children: list[Node] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    distinct: Optional[Literal["sorted", "any order"]] = None
    members: list[str] = field(default_factory=list)
    leaf: Optional[ColumnTransform] = None
    shares: list[list[float]] = field(default_factory=list)

    @classmethod
    def learn(
        cls,
        found: list[Found],
        value_counts: ValueCounts,
        settings: EncoderSettings,
        seed: np.random.SeedSequence,
    ) -> Node:
        """Learn from values of the same structure.

        Parameters
        ----------
        found : list of (int, value)
            At least one. Each with the index in `value_counts` of the text that it comes from.
        value_counts : ValueCounts
            Of the texts.
        settings : EncoderSettings
            `k`, and how numbers are fitted.
        seed : numpy.random.SeedSequence
            Each place of the structure derives its own.
        """
        example = found[0][1]
        if isinstance(example, dict):
            parts = [[(row, value[key]) for row, value in found] for key in example]
            children = [
                cls.learn(part, value_counts, settings, below(seed, i))
                for i, part in enumerate(parts)
            ]
            return cls("object", children, keys=list(example))
        if isinstance(example, list):
            lengths, weights = _lengths(found, value_counts, settings.k)
            if not example:
                return cls("array", lengths=lengths, weights=weights)
            kind = structure_of(example[0])
            inner = [(r, v) for r, values in found for v in values if structure_of(v) == kind]
            child = cls.learn(inner, value_counts, settings, below(seed, 0))
            whole = cls("array", [child], lengths=lengths, weights=weights)
            whole._find_set([values for _, values in found])
            return whole
        return _leaf(kind_of(example), found, value_counts, settings, seed)

    def _find_set(self, lists: list[list[Any]]) -> None:
        """Note that the elements of lists never repeat, and that they stand in one order."""
        leaf = self.children[0].leaf
        several = [values for values in lists if len(values) > 1]
        if not isinstance(leaf, Categorical) or leaf.size > _MOST_ELEMENTS or len(several) < _LISTS:
            return
        shared = dict(zip(leaf.categories_.to_pylist(), leaf.counts_.tolist()))
        if any(len(set(values)) < len(values) for values in several):
            return
        places: dict[Any, list[float]] = {value: [] for value in shared}
        for values in several:
            for place, value in enumerate(v for v in values if v in places):
                places[value].append(place / len(values))
        ranks = {v: float(np.mean(p)) if p else np.inf for v, p in places.items()}
        self.distinct, found = "any order", list(shared)
        for order in (sorted(ranks, key=lambda v: ranks[v]), sorted(ranks)):
            at = {value: place for place, value in enumerate(order)}
            ordered = ([at[v] for v in values if v in at] for values in several)
            if all(places_of == sorted(places_of) for places_of in ordered):
                self.distinct, found = "sorted", order
                break
        self.members = [json.dumps(value, ensure_ascii=False) for value in found]
        self.shares = [[float(shared[value]) for value in found]]

    def generate(self, size: int, rng: np.random.Generator) -> pa.Array:
        """Make up `size` JSON texts of the structure."""
        if self.kind == "object":
            return self._objects(size, rng)
        if self.kind == "array":
            return self._arrays(size, rng)
        if self.kind == "null":
            return pa.array(["null"] * size, type=pa.string())
        return self._leaves(size, rng)

    def _objects(self, size: int, rng: np.random.Generator) -> pa.Array:
        parts: list[Any] = []
        lead = "{"
        for key, child in zip(self.keys, self.children):
            parts += [pa.scalar(f"{lead}{json.dumps(key, ensure_ascii=False)}: ")]
            parts += [child.generate(size, rng)]
            lead = ", "
        if not parts:
            return pa.array(["{}"] * size, type=pa.string())
        return pc.binary_join_element_wise(*parts, pa.scalar("}"), pa.scalar(""))

    def _arrays(self, size: int, rng: np.random.Generator) -> pa.Array:
        if not self.children:
            return pa.array(["[]"] * size, type=pa.string())
        drawn = categorical(self.weights, size, rng)
        offsets = np.concatenate([[0], np.cumsum(np.asarray(self.lengths)[drawn])])
        if self.distinct is not None:
            offsets, items = self._sets(np.asarray(self.lengths)[drawn], rng)
        else:
            items = self.children[0].generate(int(offsets[-1]), rng)
        items = items.cast(pa.large_string())
        lists = pa.LargeListArray.from_arrays(pa.array(offsets), items)
        inner = pc.binary_join(lists, pa.scalar(", ", pa.large_string()))
        return pc.binary_join_element_wise(
            pa.scalar("["), inner.cast(pa.string()), pa.scalar("]"), pa.scalar("")
        )

    def _sets(self, lengths: IntArray, rng: np.random.Generator) -> tuple[IntArray, pa.Array]:
        """Draw different elements of each list, by the weights of all; return offsets as well.

        The least of exponential times at the rates of the weights are such a draw (Efraimidis
        and Spirakis, "Weighted random sampling with a reservoir", 2006).
        """
        weights = np.asarray(self.shares[0], dtype=np.float64)
        lengths = np.minimum(lengths, len(weights))
        # (lists, elements): the `lengths[i]` least times of row i say what list i has
        times = rng.exponential(size=(len(lengths), len(weights))) / weights
        order = np.argsort(times, axis=1)
        if self.distinct == "sorted":  # places beyond the length come last
            beyond = np.arange(len(weights)) >= lengths[:, None]
            order = np.sort(np.where(beyond, len(weights), order), axis=1)
        inside = np.arange(len(weights)) < lengths[:, None]
        items = pa.array(self.members, type=pa.string()).take(pa.array(order[inside]))
        return np.concatenate([[0], np.cumsum(lengths)]), items

    def _leaves(self, size: int, rng: np.random.Generator) -> pa.Array:
        """Draw codes, each block for itself, and decode them."""
        if self.leaf is None:
            raise ValueError(f"nothing was learned of a leaf of kind {self.kind!r}")
        drawn = [categorical(share, size, rng) for share in self.shares]
        codes = np.array(drawn, dtype=np.int32).reshape(-1, size).T
        # a position of 1 is four standard deviations of its mode
        spread = rng.normal(0.0, 0.25, (size, len(self.leaf.layout.continuous)))
        made = self.leaf.decode(codes, np.clip(spread, -1, 1).astype(np.float32), rng)
        return _quoted(made) if self.kind == "string" else made.cast(pa.string())


def _lengths(
    found: list[Found], value_counts: ValueCounts, k: int
) -> tuple[list[int], list[float]]:
    sizes = np.array([len(values) for _, values in found])
    rows = np.array([row for row, _ in found], dtype=np.int64)
    counts = np.bincount(sizes, weights=value_counts.counts[rows])
    keep = np.flatnonzero(value_counts.holders_of(sizes, rows) >= k)
    if not len(keep):
        keep = np.array([int(np.median(sizes))])
    return keep.tolist(), np.maximum(counts[keep], 1.0).tolist()


def _leaf(
    kind: Kind,
    found: list[Found],
    value_counts: ValueCounts,
    settings: EncoderSettings,
    seed: np.random.SeedSequence,
) -> Node:
    """Return what is learned of a leaf: as of a column of its kind."""
    if kind == "null":
        return Node("null")
    column = Column(name=kind, kind=_KINDS[kind])
    rows = np.array([row for row, _ in found], dtype=np.int64)
    plain = [float(value) if kind == "number" else value for _, value in found]
    values = pa.array(plain, column.arrow_type)
    # structures are many, and their rows few
    few = replace(settings, max_modes=_MODES)
    leaf = fit_first(column, few, methodcaller("derived", value_counts, values, rows), seed)
    codes, _ = leaf.encode(values, np.random.Generator(np.random.Philox(below(seed, 0))))
    weights = value_counts.counts[rows]
    sizes = [block.cardinality for block in leaf.layout.discrete]
    shares = [np.bincount(c, weights, size).tolist() for c, size in zip(codes.T, sizes)]
    return Node(kind, leaf=leaf, shares=shares)


def _quoted(texts: pa.Array) -> pa.Array:
    for raw, escaped in (("\\", "\\\\"), ('"', '\\"')):
        texts = pc.replace_substring(texts, raw, escaped)
    for code in range(32):
        if pc.any(pc.match_substring(texts, chr(code))).as_py():
            texts = pc.replace_substring(texts, chr(code), f"\\u{code:04x}")
    return pc.binary_join_element_wise(pa.scalar('"'), texts, pa.scalar('"'), pa.scalar(""))
