"""JSON, arrays and markup: made up again from the structures that entities share."""

from __future__ import annotations

import json
import re
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
        texts, k = summary.value.sample, self.settings.k
        self.null_ = summary.nulls > 0
        read, structures = self._structures(texts)
        rows = int(texts.counts.sum())
        if rows - structures.counts.sum() > _MAX_INVALID * max(rows, 1):
            raise Reject(f"the texts are not {self.name}")
        kept = structures.shared(k, _MAX_STRUCTURES)
        self.structures_, self.weights_ = (
            kept.values.to_pylist(),
            kept.counts.astype(float).tolist(),
        )
        for i, name in enumerate(self.structures_):
            found = [(row, value) for row, (own, value) in enumerate(read) if own == name]
            self.nodes_.append(Node.learn(found, texts, self.settings, below(seed, i)))
        if not self.nodes_:
            array = self.column.kind is ColumnKind.ARRAY
            self.structures_, self.weights_ = ["[]" if array else "{}"], [1.0]
            self.nodes_ = [self._empty([value for name, value in read if name is not None])]
        return self

    @property
    def withheld(self) -> float:
        """All: the leaves are made up."""
        return 1.0

    def _structures(
        self, texts: ValueCounts
    ) -> tuple[list[tuple[Optional[str], Any]], ValueCounts]:
        """Return each text's structure and value, and the structures counted."""
        read = [self._read(text) for text in texts.values.to_pylist()]
        rows = np.flatnonzero([name is not None for name, _ in read])
        names = pa.array([read[row][0] for row in rows], pa.string())
        return read, texts.derive(names, rows, self.settings.k)

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

    def _empty(self, values: list[Any]) -> Node:
        """Return the least that the column's type takes."""
        type_ = self.column.sql_type or ""
        size = re.search(r"\[(\d+)\]$", type_)
        if size is not None:
            return Node("array", [Node("null")], lengths=[int(size[1])], weights=[1.0])
        if self.column.kind is ColumnKind.COMPOSITE or type_.startswith("STRUCT("):
            fields = list(values[0]) if values else []  # are the type's
            return Node("object", [Node("null") for _ in fields], keys=fields)
        return Node("array" if self.column.kind is ColumnKind.ARRAY else "object")

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


@dataclass(eq=False)
class Markup(Json):
    """XML and HTML: as JSON, once an element is written as an object.

    Where hardly any entities share whole structures, as of articles, only the outer elements
    are learned, and what is in them is a text.
    """

    name = "markup"

    depth_: int = _DEPTHS[0]

    def _structures(
        self, texts: ValueCounts
    ) -> tuple[list[tuple[Optional[str], Any]], ValueCounts]:
        marked = np.array(["<" in text for text in texts.values.to_pylist()], dtype=bool)
        least = _SHARED * texts.counts.sum()
        if texts.counts[marked].sum() <= least:
            raise Reject("most texts have no element")
        for self.depth_ in _DEPTHS:
            read, structures = super()._structures(texts)
            if structures.shared(self.settings.k, _MAX_STRUCTURES).counts.sum() >= least:
                break
        return read, structures

    def _value(self, text: str) -> Any:
        tree = read_markup(text)
        return tree if self.depth_ == _DEPTHS[0] else pruned(tree, self.depth_)

    def _written(self, made: pa.Array) -> pa.Array:
        return pa.array([markup_of(json.loads(text)) for text in made.to_pylist()], pa.string())
