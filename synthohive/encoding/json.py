"""JSON, arrays and markup: made up again from the structures that entities share."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import IntArray
from synthohive.encoding.base import Reject, Summary, below
from synthohive.encoding.coded import CodedTransform
from synthohive.encoding.json_structure import Node, structure_of
from synthohive.encoding.value_counts import ValueCounts
from synthohive.schema import ColumnKind
from synthohive.texts.documents import markup_of, pruned, read_markup
from synthohive.texts.patterns import in_groups

__all__ = ["Json", "Markup"]

_MAX_STRUCTURES = 20  # codes
_MAX_INVALID = 0.05  # of rows that are no documents
_DEPTHS = (60, 4, 3, 2, 1, 0)  # of elements that are tried, all first
_SHARED = 0.5  # of rows whose structure entities share
Trees = dict[str, list[tuple[int, Any]]]


@dataclass(eq=False)
class Json(CodedTransform):
    """The structure (keys and types) of a text as a code; leaves are made up by histograms.

    Only structures, strings and numbers' ranges that `k` entities share are kept. A
    column of texts that are mostly not JSON is rejected.
    """

    name = "json"

    structures_: list[str] = field(default_factory=list)
    nodes_: list[Node] = field(default_factory=list)
    weights_: list[float] = field(default_factory=list)

    def fit(self, summary: Summary, seed: np.random.SeedSequence) -> Json:
        """Learn the shared structures and their leaves."""
        value_counts = summary.value.sample
        self.null_ = summary.nulls > 0
        found = self._structures(value_counts)
        invalid = value_counts.counts.sum() - sum(
            _mass(part, value_counts) for part in found.values()
        )
        if invalid > _MAX_INVALID * max(value_counts.counts.sum(), 1):
            raise Reject(f"the texts are not {self.name}")
        self._learn(found, value_counts, seed)
        return self

    def _structures(self, value_counts: ValueCounts) -> Trees:
        """Return the rows of each structure, with the values read."""
        found: defaultdict[str, list[tuple[int, Any]]] = defaultdict(list)
        for row, text in enumerate(value_counts.values.to_pylist()):
            name, value = self._read(text)
            if name is not None:
                found[name].append((row, value))
        return found

    def _read(self, text: str) -> tuple[Optional[str], Any]:
        """Return a text's structure and value; no structure where it is no such text."""
        try:
            value = self._value(text)
            return structure_of(value), value
        except (ValueError, RecursionError):
            return None, None

    def _value(self, text: str) -> Any:
        """Return what a text means."""
        if self.column.kind is ColumnKind.TEXT and text.lstrip()[:1] not in ("{", "["):
            raise ValueError("a number or a word")
        return json.loads(text)

    def _written(self, made: pa.Array) -> pa.Array:
        """Return JSON as texts of the column."""
        return made

    def _learn(self, found: Trees, value_counts: ValueCounts, seed: np.random.SeedSequence) -> None:
        mass = {name: _mass(part, value_counts) for name, part in found.items()}
        for name in sorted(found, key=lambda n: (-mass[n], n)):
            if len(self.nodes_) == _MAX_STRUCTURES or not self._is_shared(
                found[name], value_counts
            ):
                continue
            inner = below(seed, len(self.nodes_))
            self.structures_.append(name)
            self.nodes_.append(Node.learn(found[name], value_counts, self.settings, inner))
            self.weights_.append(mass[name])
        if not self.nodes_:
            array = self.column.kind is ColumnKind.ARRAY
            self.structures_, self.weights_ = ["[]" if array else "{}"], [1.0]
            self.nodes_ = [self._empty(found)]

    def _empty(self, found: Trees) -> Node:
        """Return the least that the column's type takes."""
        type_ = self.column.sql_type or ""
        size = re.search(r"\[(\d+)\]$", type_)
        if size is not None:
            return Node("array", [Node("null")], lengths=[int(size[1])], weights=[1.0])
        if self.column.kind is ColumnKind.COMPOSITE or type_.startswith("STRUCT("):
            fields = next((list(part[0][1]) for part in found.values()), [])  # are the type's
            return Node("object", [Node("null") for _ in fields], keys=fields)
        return Node("array" if self.column.kind is ColumnKind.ARRAY else "object")

    def _is_shared(self, part: list[tuple[int, Any]], value_counts: ValueCounts) -> bool:
        k = self.settings.k
        if _mass(part, value_counts) < k:
            return False
        return value_counts.take(np.array([row for row, _ in part])).all_holders >= k

    @property
    def size(self) -> int:
        """Number of structures."""
        return len(self.nodes_)

    @property
    def frequencies(self) -> list[float]:
        """How often each structure was seen."""
        return self.weights_

    def assign(self, distinct: pa.Array) -> IntArray:
        """Return the structures."""
        index = {name: i for i, name in enumerate(self.structures_)}
        found = [index.get(str(self._read(text)[0]), -1) for text in distinct.to_pylist()]
        return np.array(found, dtype=np.int64)

    def make(self, codes: IntArray, rng: np.random.Generator) -> pa.Array:
        """Make up a text of each structure."""

        def make(number: int, rows: IntArray) -> pa.Array:
            return self._within(self._written(self.nodes_[number].generate(len(rows), rng)))

        return in_groups(codes, make)

    def _within(self, texts: pa.Array) -> pa.Array:
        """Return texts of one structure, in the place of too long ones others of them."""
        if self.column.length is None or self.column.kind is not ColumnKind.TEXT:
            return texts
        short = np.asarray(pc.less_equal(pc.utf8_length(texts), self.column.length))
        if short.all():
            return texts
        if not short.any():
            return pa.array([""] * len(texts), pa.string())
        rows = np.arange(len(texts))
        # in turn, and not drawn: how many are too long changes no later draw
        others = np.flatnonzero(short)
        rows[~short] = others[np.arange((~short).sum()) % len(others)]
        return texts.take(pa.array(rows))


def _mass(part: list[tuple[int, Any]], value_counts: ValueCounts) -> float:
    return float(value_counts.counts[[row for row, _ in part]].sum())


@dataclass(eq=False)
class Markup(Json):
    """XML and HTML: as JSON, once an element is written as an object.

    Where hardly any entities share whole structures, as of articles, only the outer elements
    are learned, and what is in them is a text.
    """

    name = "markup"

    depth_: int = _DEPTHS[0]

    def _structures(self, value_counts: ValueCounts) -> Trees:
        texts = value_counts.values.to_pylist()
        marked = np.array(["<" in text for text in texts], dtype=bool)
        if value_counts.counts[marked].sum() <= _SHARED * value_counts.counts.sum():
            raise Reject("most texts have no element")
        found: Trees = {}
        for self.depth_ in _DEPTHS:
            found = super()._structures(value_counts)
            parts = [part for part in found.values() if self._is_shared(part, value_counts)]
            shared = [_mass(part, value_counts) for part in parts]
            if sum(sorted(shared)[-_MAX_STRUCTURES:]) >= _SHARED * value_counts.counts.sum():
                break
        return found

    def _value(self, text: str) -> Any:
        tree = read_markup(text)
        return tree if self.depth_ == _DEPTHS[0] else pruned(tree, self.depth_)

    def _written(self, made: pa.Array) -> pa.Array:
        return pa.array([markup_of(json.loads(text)) for text in made.to_pylist()], pa.string())
