"""Columns that are read and written as one, and learned as several."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import methodcaller
from typing import Any, ClassVar, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, Codes, Floats32, IntArray
from synthohive.encoding.base import (
    ColumnTransform,
    Reject,
    Summary,
    apart,
    below,
    side_by_side,
)
from synthohive.encoding.draw import categorical as draw
from synthohive.encoding.encoded import Discrete, Layout
from synthohive.encoding.registry import fit_first
from synthohive.encoding.value_counts import ValueCounts
from synthohive.schema import Column
from synthohive.texts.patterns import in_groups

__all__ = ["Parts", "Structure"]

_MAX_RARE = 0.05  # of rows without the form that nobody shares


class Structure(ABC):
    """How the texts of one kind of column fall into a shape and parts, which are columns."""

    parts: Mapping[str, Column]
    doubtful: ClassVar[bool] = False
    """Whether a column may well hold something else, so that few texts without parts are rare."""

    @abstractmethod
    def __init__(self, column: Column) -> None:
        """Say which parts there are."""

    def find(self, texts: Sequence[str]) -> Optional[str]:
        """Return the form of rare texts, where they are written in one; None: they have none."""
        return ""

    def use(self, form: str) -> None:
        """Take the form that :meth:`find` returned."""

    @abstractmethod
    def split(self, text: str) -> Optional[tuple[str, dict[str, Any]]]:
        """Return a text's shape and parts; None where it is not of the kind."""

    @abstractmethod
    def needs(self, shape: str) -> tuple[str, ...]:
        """Return the parts that a shape has."""

    def join(self, shape: str, parts: Mapping[str, Any]) -> str:
        """Return the text of a shape and its parts."""
        raise NotImplementedError

    def write(self, shape: str, parts: Mapping[str, pa.Array], rows: int) -> pa.Array:
        """Return the texts of a shape and the parts that it needs, in so many rows."""
        values = [part.to_pylist() for part in parts.values()]
        found = zip(*values) if values else ((),) * rows
        return pa.array([self.join(shape, dict(zip(parts, row))) for row in found], pa.string())


@dataclass(eq=False)
class Parts(ColumnTransform):
    """A shape as a code, and the parts that it has, each by a transform of its own.

    A shape holds no value of a row: it says which parts there are, and what stands around
    them. Where a row's shape lacks a part, that of another row is learned, which tells the
    model nothing of this one. A subclass is a name and its structure.
    """

    structure: ClassVar[type[Structure]]

    form_: str = ""
    shapes_: list[str] = field(default_factory=list)
    weights_: list[int] = field(default_factory=list)
    parts_: dict[str, ColumnTransform] = field(default_factory=dict)
    null_: bool = False
    _structure: Structure = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._structure = self.structure(self.column)
        if self.form_:
            self._structure.use(self.form_)

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
        texts, k = summary.value.sample, self.settings.k
        rare = texts.holders < k
        form = self._structure.find(texts.values.filter(pa.array(rare)).to_pylist())
        if form is None:
            raise Reject("the texts have not one form")
        if form:
            self.form_ = form
            self._structure.use(form)
        shapes, columns = self._split(texts.values)
        if self._structure.doubtful:
            self._check(texts, np.array([not self._structure.needs(s or "") for s in shapes]))
        known = np.flatnonzero([shape is not None for shape in shapes])
        if not len(known) and not self.null_:
            raise Reject("no value of the kind was seen")
        named = pa.array([shapes[row] for row in known], pa.string())
        counts = texts.derive(named, known, k)
        kept = counts.shared(k)
        kept = kept if len(kept) else counts.shared(0, 1)
        self.shapes_, self.weights_ = kept.values.to_pylist(), kept.counts.tolist()
        wanted = {name for shape in self.shapes_ for name in self._structure.needs(shape)}
        for i, (name, column) in enumerate(self._structure.parts.items()):
            if name in wanted:
                rows = np.flatnonzero([value is not None for value in columns[name]])
                values = pa.array([columns[name][row] for row in rows], column.arrow_type)
                summarise = methodcaller("derived", texts, values, rows)
                self.parts_[name] = fit_first(column, self.settings, summarise, below(seed, i))
        return self

    def _check(self, texts: ValueCounts, other: Bools) -> None:
        """Reject a column whose texts do not have the form, by which of them are `other` ones."""
        k = self.settings.k
        if texts.take(np.flatnonzero(~other)).all_holders < k:
            raise Reject(f"fewer than {k} entities have texts of one form")
        strange = texts.counts[other & (texts.holders < k)].sum()
        if strange > _MAX_RARE * texts.counts[~other].sum():
            raise Reject("the texts have several forms")

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
        # each distinct text is split once; the last entry is NULL's, which has no index
        coded = self.plain(values).dictionary_encode()
        shapes, columns = self._split(coded.dictionary)
        at = coded.indices.fill_null(len(shapes)).to_numpy(zero_copy_only=False)
        number = {shape: i for i, shape in enumerate(self.shapes_)}
        null = len(self.shapes_) if self.null_ else -1
        codes = np.array([*(number.get(s or "", -1) for s in shapes), null], dtype=np.int32)[at]
        other = np.flatnonzero(codes < 0)
        if len(other) and self.shapes_:
            codes[other] = draw(self.weights_, len(other), rng)
        blocks = []
        if self._coded:
            blocks.append((codes[:, None], np.empty((len(codes), 0), dtype=np.float32)))
        for name, transform in self.parts_.items():
            distinct = pa.array([*columns[name], None], transform.column.arrow_type)
            part = distinct.take(pa.array(at))
            lacking = np.flatnonzero(part.is_null())
            blocks.append(transform.encode(transform.filled(part, lacking, rng), rng))
        return side_by_side(blocks, len(codes))

    def decode(self, codes: Codes, values: Floats32, rng: np.random.Generator) -> pa.Array:
        """Put the parts together as the shape asks for; see the base class."""
        shape = codes[:, 0] if self._coded else np.zeros(len(codes), dtype=np.int32)
        made = {
            name: self.parts_[name].decode(part, floats, rng)
            for name, part, floats in apart(self.parts_, codes[:, int(self._coded) :], values)
        }

        def write(number: int, rows: IntArray) -> pa.Array:
            if not 0 <= number < len(self.shapes_):
                return pa.nulls(len(rows), pa.string())
            shape, chosen = self.shapes_[number], pa.array(rows)
            needs = self._structure.needs(shape)
            parts = {name: made[name].take(chosen) for name in needs}
            return self._structure.write(shape, parts, len(rows))

        return in_groups(shape.astype(np.int64), write).cast(self.column.arrow_type)
