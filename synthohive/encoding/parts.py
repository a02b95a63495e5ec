"""Columns that are read and written as one, and learned as several."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import methodcaller
from typing import Any, ClassVar, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Codes, Floats32
from synthohive.encoding.base import ColumnTransform, Reject, Summary, below
from synthohive.encoding.draw import categorical as draw
from synthohive.encoding.encoded import Discrete, Layout
from synthohive.encoding.registry import fit_first
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

    def fit(self, summary: Summary, seed: np.random.SeedSequence) -> Parts:
        """Keep the shapes that `k` entities share, or the most frequent one; fit their parts."""
        self.null_ = summary.nulls > 0
        texts = summary.value.sample
        shapes, columns = self._split(texts.values)
        known = np.flatnonzero([shape is not None for shape in shapes])
        if not len(known) and not self.null_:
            raise Reject("no value of the kind was seen")
        named = pa.array([shapes[row] for row in known], pa.string())
        counts = texts.derive(named, known, self.settings.k)
        ranked = np.lexsort((counts.values.to_numpy(zero_copy_only=False), -counts.counts))
        shared = ranked[counts.holders[ranked] >= self.settings.k]
        kept = counts.take(shared if len(shared) else ranked[:1])
        self.shapes_, self.weights_ = kept.values.to_pylist(), kept.counts.tolist()
        wanted = {name for shape in self.shapes_ for name in self._structure.needs(shape)}
        for i, (name, column) in enumerate(self._structure.parts.items()):
            if name in wanted:
                rows = np.flatnonzero([value is not None for value in columns[name]])
                values = pa.array([columns[name][row] for row in rows], column.arrow_type)
                summarise = methodcaller("derived", texts, values, rows)
                self.parts_[name] = fit_first(column, self.settings, summarise, below(seed, i))
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
            part = pa.array(columns[name], transform.column.arrow_type)
            lacking = np.flatnonzero(part.is_null())
            block, more = transform.encode(transform.filled(part, lacking, rng), rng)
            blocks.append(block)
            floats.append(more)
        return (
            np.concatenate(blocks, axis=1).astype(np.int32, copy=False),
            np.concatenate(floats, axis=1).astype(np.float32, copy=False),
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
