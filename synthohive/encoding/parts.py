"""Columns that are read and written as one, and learned as several."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Codes, Floats32
from synthohive.encoding.base import ColumnTransform, Reject, Summary, below
from synthohive.encoding.draw import categorical as draw
from synthohive.encoding.encoded import Discrete, Layout
from synthohive.encoding.registry import candidates, fit_first
from synthohive.encoding.value_counts import (
    ValueCounts,
    counts_of,
    merge_counts,
    summary_of_counts,
)
from synthohive.privacy.entities import Entities
from synthohive.schema import Column

__all__ = ["Parts"]


class Structure(ABC):
    """How the texts of one kind of column fall into a shape and parts, which are columns."""

    parts: Mapping[str, Column]

    @abstractmethod
    def __init__(self, column: Column) -> None:
        """Say which parts there are."""

    @abstractmethod
    def split(self, text: str) -> Optional[tuple[str, dict[str, Any]]]:
        """Return a text's shape and parts; None where it is not of the kind."""

    @abstractmethod
    def needs(self, shape: str) -> tuple[str, ...]:
        """Return the parts that a shape has."""

    @abstractmethod
    def join(self, shape: str, parts: Mapping[str, Any]) -> str:
        """Return the text of a shape and its parts."""


@dataclass(eq=False)
class Parts(ColumnTransform):
    """A shape as a code, and the parts that it has, each by a transform of its own.

    A shape holds no value of a row: it says which parts there are, and what stands around
    them. Where a row's shape lacks a part, that of another row is learned, which tells the
    model nothing of this one. A subclass is a name and its structure.
    """

    structure: ClassVar[type[Structure]]

    shapes_: list[str] = field(default_factory=list)
    weights_: list[int] = field(default_factory=list)
    parts_: dict[str, ColumnTransform] = field(default_factory=dict)
    null_: bool = False
    _structure: Structure = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._structure = self.structure(self.column)

    def _split(self, values: pa.Array) -> tuple[list[Optional[str]], dict[str, list[Any]]]:
        """Return each row's shape (None: NULL, or not of the kind), and its parts."""
        found = [None if v is None else self._structure.split(v) for v in values.to_pylist()]
        parts = {
            name: [None if row is None else row[1].get(name) for row in found]
            for name in self._structure.parts
        }
        return [None if row is None else row[0] for row in found], parts

    def analyze(self, values: pa.Array, entities: Optional[Entities]) -> Summary:
        """Count the shapes, and summarise the parts where they are."""
        shapes, columns = self._split(values)
        k, parts = self.settings.k, {}
        for name, part in columns.items():
            rows = np.flatnonzero([value is not None for value in part])
            if len(rows):
                column = self._structure.parts[name]
                plain = pa.array([part[row] for row in rows], column.arrow_type)
                behind = None if entities is None else entities.take(rows)
                parts[name] = {t.name: t.analyze(plain, behind) for t in self._tried(name)}
        counts = ValueCounts.count(pa.array(shapes, pa.string()), entities, k)
        return {
            "rows": len(values),
            "nulls": values.null_count,
            "shapes": summary_of_counts(counts, k),
            "parts": parts,
        }

    def _tried(self, part: str) -> list[ColumnTransform]:
        column = self._structure.parts[part]
        return [transform(column, self.settings) for transform in candidates(column)]

    def merge(self, summaries: Sequence[Summary]) -> Summary:
        """Combine the summaries of parts of the rows."""
        shapes = merge_counts([s["shapes"] for s in summaries], pa.string(), self.settings.k)
        parts = {}
        for name in self._structure.parts:
            found = [s["parts"][name] for s in summaries if name in s["parts"]]
            if found:
                tried = self._tried(name)
                parts[name] = {t.name: t.merge([f[t.name] for f in found]) for t in tried}
        return {
            "rows": sum(s["rows"] for s in summaries),
            "nulls": sum(s["nulls"] for s in summaries),
            "shapes": shapes,
            "parts": parts,
        }

    def fit(self, summary: Summary, seed: np.random.SeedSequence) -> Parts:
        """Keep the shapes that `k` entities share, or the most frequent one; fit their parts."""
        self.null_ = summary["nulls"] > 0
        counts = counts_of(summary["shapes"], pa.string())["top"]
        if not len(counts) and not self.null_:
            raise Reject("no value of the kind was seen")
        ranked = np.lexsort((counts.values.to_numpy(zero_copy_only=False), -counts.counts))
        shared = ranked[counts.holders[ranked] >= self.settings.k]
        kept = counts.take(shared if len(shared) else ranked[:1])
        self.shapes_, self.weights_ = kept.values.to_pylist(), kept.counts.tolist()
        wanted = {name for shape in self.shapes_ for name in self._structure.needs(shape)}
        for i, name in enumerate(self._structure.parts):
            if name in wanted:
                column = self._structure.parts[name]
                found: dict[str, Summary] = summary["parts"][name]
                self.parts_[name] = fit_first(
                    column, self.settings, _by_name(found), below(seed, i)
                )
        return self

    @property
    def layout(self) -> Layout:
        """The shape, if there is more than one or NULL, and the parts' blocks."""
        size = len(self.shapes_) + self.null_
        own = Layout((Discrete(self.column.name, size),)) if self._coded else Layout()
        return Layout.concat([own, *(part.layout for part in self.parts_.values())])

    @property
    def _coded(self) -> bool:
        return len(self.shapes_) + self.null_ > 1

    @property
    def null_code(self) -> int:
        """The code for NULL, or -1."""
        return len(self.shapes_) if self.null_ and self._coded else -1

    def encode(self, values: pa.Array, rng: np.random.Generator) -> tuple[Codes, Floats32]:
        """Return the shapes and the parts."""
        shapes, columns = self._split(values)
        number = {shape: i for i, shape in enumerate(self.shapes_)}
        codes = np.array([number.get(s or "", -1) for s in shapes], dtype=np.int32)
        null = values.is_null().to_numpy(zero_copy_only=False)
        if self.null_:
            codes[null] = len(self.shapes_)
        other = np.flatnonzero(codes < 0)
        if len(other) and self.shapes_:
            codes[other] = draw(self.weights_, len(other), rng)
        blocks: list[Codes] = [np.empty((len(codes), 0), dtype=np.int32)]
        floats: list[Floats32] = [np.empty((len(codes), 0), dtype=np.float32)]
        if self._coded:
            blocks.append(codes[:, None])
        for name, transform in self.parts_.items():
            block, more = transform.encode(self._filled(name, columns[name], rng), rng)
            blocks.append(block)
            floats.append(more)
        return (
            np.concatenate(blocks, axis=1).astype(np.int32, copy=False),
            np.concatenate(floats, axis=1).astype(np.float32, copy=False),
        )

    def _filled(self, name: str, values: list[Any], rng: np.random.Generator) -> pa.Array:
        """Return a part in all rows: where there is none, that of another row."""
        type_ = self._structure.parts[name].arrow_type
        plain = pa.array(values, type_)
        if not plain.null_count:
            return plain
        known = plain.drop_null()
        if not len(known):
            blocks = self.parts_[name].layout
            shape = (1, len(blocks.discrete)), (1, len(blocks.continuous))
            zeros = np.zeros(shape[0], np.int32), np.zeros(shape[1], np.float32)
            known = self.parts_[name].decode(*zeros, rng)
        # drawn for all rows: how many lack the part then changes no later draw
        picked = rng.integers(0, len(known), len(plain))
        at = np.arange(len(plain))
        null = plain.is_null().to_numpy(zero_copy_only=False)
        return pa.concat_arrays([plain, known]).take(
            pa.array(np.where(null, len(plain) + picked, at))
        )

    def decode(self, codes: Codes, values: Floats32, rng: np.random.Generator) -> pa.Array:
        """Put the parts together as the shape asks for; see the base class."""
        at, floats = int(self._coded), 0
        shape = codes[:, 0] if self._coded else np.zeros(len(codes), dtype=np.int32)
        made = {}
        for name, transform in self.parts_.items():
            layout = transform.layout
            end, stop = at + len(layout.discrete), floats + len(layout.continuous)
            part = transform.decode(codes[:, at:end], values[:, floats:stop], rng)
            made[name] = part.to_pylist()
            at, floats = end, stop
        texts: list[Optional[str]] = []
        for row, code in enumerate(shape.tolist()):
            if not 0 <= code < len(self.shapes_):
                texts.append(None)
                continue
            known = {name: part[row] for name, part in made.items()}
            texts.append(self._structure.join(self.shapes_[code], known))
        return pa.array(texts, self.column.arrow_type)


def _by_name(summaries: dict[str, Summary]) -> Callable[[ColumnTransform], Summary]:
    return lambda transform: summaries[transform.name]
