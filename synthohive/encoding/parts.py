"""Columns that are read and written as one, and learned as several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Codes, Floats32
from synthohive.encoding.base import ColumnTransform, Reject, Summary
from synthohive.encoding.categorical import Categorical
from synthohive.encoding.constant import Constant
from synthohive.encoding.datetime import Datetime
from synthohive.encoding.draw import categorical as draw
from synthohive.encoding.encoded import Discrete, Layout
from synthohive.encoding.numeric import Numeric
from synthohive.encoding.structured import Structure, structure_of_column
from synthohive.privacy.entities import Entities, entities_or_rows
from synthohive.schema import Column, ColumnKind

__all__ = ["Parts"]


_NUMBERS = (Constant, Categorical, Numeric)
_TIMES = (Constant, Categorical, Datetime)
_BY_NAME: dict[str, type[ColumnTransform]] = {t.name: t for t in (*_NUMBERS, Datetime)}
_TIMED = (ColumnKind.DATE, ColumnKind.TIMESTAMP, ColumnKind.INTERVAL)


@dataclass(eq=False)
class Parts(ColumnTransform):
    """A shape as a code, and the parts that it has, each by a transform of its own.

    A shape holds no value of a row: it says which parts there are, and what stands around
    them. Where a row's shape lacks a part, that of another row is learned, which tells the
    model nothing of this one.
    """

    name = "parts"

    shapes_: list[str] = field(default_factory=list)
    weights_: list[int] = field(default_factory=list)
    parts_: dict[str, ColumnTransform] = field(default_factory=dict)
    null_: bool = False
    _structure: Structure = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._structure = structure_of_column(self.column)

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
        behind = entities_or_rows(entities, len(values))
        shapes, columns = self._split(values)
        counts = Counter(shape for shape in shapes if shape is not None)
        number = {shape: i for i, shape in enumerate(sorted(counts))}
        codes = np.array([-1 if s is None else number[s] for s in shapes], dtype=np.int64)
        holders = behind.holders(codes, len(number))
        parts = {}
        for name, part in columns.items():
            rows = np.flatnonzero([value is not None for value in part])
            if len(rows):
                column = self._structure.parts[name]
                plain = pa.array([part[row] for row in rows], column.arrow_type)
                mine = behind.take(rows)
                parts[name] = {
                    t.name: self._made(t, name).analyze(plain, mine) for t in _of(column)
                }
        return {
            "rows": len(values),
            "nulls": values.null_count,
            "shapes": {s: [counts[s], int(holders[i])] for s, i in number.items()},
            "parts": parts,
        }

    def _made(self, type_: type[ColumnTransform], part: str) -> ColumnTransform:
        return type_(self._structure.parts[part], self.settings)

    def merge(self, summaries: Sequence[Summary]) -> Summary:
        """Add counts; a shape has at least the holders that it has in one part."""
        shapes: dict[str, list[int]] = {}
        for summary in summaries:
            for shape, (count, holders) in summary["shapes"].items():
                old = shapes.get(shape, [0, 0])
                shapes[shape] = [old[0] + count, max(old[1], holders)]
        parts = {}
        for name in self._structure.parts:
            found = [s["parts"][name] for s in summaries if name in s["parts"]]
            if found:
                parts[name] = {
                    key: self._made(_BY_NAME[key], name).merge([f[key] for f in found])
                    for key in found[0]
                }
        return {
            "rows": sum(s["rows"] for s in summaries),
            "nulls": sum(s["nulls"] for s in summaries),
            "shapes": shapes,
            "parts": parts,
        }

    def fit(self, summary: Summary, seed: np.random.SeedSequence) -> Parts:
        """Keep the shapes that `k` entities share, or the most frequent one; fit their parts."""
        self.null_ = summary["nulls"] > 0
        ranked = sorted(summary["shapes"].items(), key=lambda item: (-item[1][0], item[0]))
        shared = [item for item in ranked if item[1][1] >= self.settings.k] or ranked[:1]
        if not shared and not self.null_:
            raise Reject("no value of the kind was seen")
        self.shapes_ = [shape for shape, _ in shared]
        self.weights_ = [count for _, (count, _) in shared]
        wanted = {name for shape in self.shapes_ for name in self._structure.needs(shape)}
        for i, name in enumerate(self._structure.parts):
            if name in wanted:
                key = (*seed.spawn_key, i)
                inner = np.random.SeedSequence(seed.entropy, spawn_key=key)
                self.parts_[name] = self._fit_part(name, summary["parts"][name], inner)
        return self

    def _fit_part(
        self, name: str, summaries: dict[str, Summary], seed: np.random.SeedSequence
    ) -> ColumnTransform:
        *first, last = _of(self._structure.parts[name])
        for type_ in first:
            try:
                return self._made(type_, name).fit(summaries[type_.name], seed)
            except Reject:
                continue
        return self._made(last, name).fit(summaries[last.name], seed)

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
        picked = rng.integers(0, len(known), len(plain))
        at = np.arange(len(plain))
        null = plain.is_null().to_numpy(zero_copy_only=False)
        return pa.concat_arrays([plain, known]).take(
            pa.array(np.where(null, len(plain) + picked, at))
        )

    def decode(self, codes: Codes, values: Floats32, rng: np.random.Generator) -> pa.Array:
        """Put the parts together as the shape asks for."""
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


def _of(column: Column) -> tuple[type[ColumnTransform], ...]:
    return _TIMES if column.kind in _TIMED else _NUMBERS
