"""JSON and array text: made up again from the structures that entities share."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from synthohive.core.data.base import Reject, Summary
from synthohive.core.data.canonical import restore
from synthohive.core.data.draw import categorical as draw
from synthohive.core.data.encoded import Discrete, Layout
from synthohive.core.data.json_structure import Node, structure_of
from synthohive.core.data.tally import Tally, TallyTransform
from synthohive.schema import ColumnKind

__all__ = ["Json"]

_MAX_STRUCTURES = 20
_MAX_INVALID = 0.05


@dataclass(eq=False)
class Json(TallyTransform):
    """The structure (keys and types) of a text as a code; leaves are made up by histograms.

    Only structures, strings and numbers' ranges that `k` entities share are kept. A
    column of texts that are mostly not JSON is rejected.
    """

    name = "json"

    structures_: list[str] = field(default_factory=list)
    nodes_: list[Node] = field(default_factory=list)
    weights_: list[float] = field(default_factory=list)
    null_: bool = False

    def fit(self, summary: Summary, seed: np.random.SeedSequence) -> Json:
        """Learn the shared structures and their leaves."""
        tally = Tally.from_dict(summary["value"]["sample"], pa.string())
        self.null_ = summary["nulls"] > 0
        found: defaultdict[str, list[tuple[int, Any]]] = defaultdict(list)
        invalid = 0
        for row, text in enumerate(tally.values.to_pylist()):
            try:
                value = json.loads(text)
                found[structure_of(value)].append((row, value))
            except (ValueError, RecursionError):
                invalid += int(tally.counts[row])
        if invalid > _MAX_INVALID * max(tally.counts.sum(), 1):
            raise Reject("the texts are not JSON")
        self._learn(found, tally, seed)
        return self

    def _learn(
        self,
        found: dict[str, list[tuple[int, Any]]],
        tally: Tally,
        seed: np.random.SeedSequence,
    ) -> None:
        rows = {name: np.array([row for row, _ in part]) for name, part in found.items()}
        mass = {name: float(tally.counts[index].sum()) for name, index in rows.items()}
        for name in sorted(found, key=lambda n: (-mass[n], n)):
            holders = tally.take(rows[name]).all_holders
            if holders < self.settings.k or len(self.nodes_) == _MAX_STRUCTURES:
                continue
            key = (*seed.spawn_key, len(self.nodes_))
            inner = np.random.SeedSequence(seed.entropy, spawn_key=key)
            self.structures_.append(name)
            self.nodes_.append(Node.learn(found[name], tally, self.settings, inner))
            self.weights_.append(mass[name])
        if not self.nodes_:
            array = self.column.kind is ColumnKind.ARRAY
            self.structures_, self.weights_ = ["[]" if array else "{}"], [1.0]
            self.nodes_ = [Node("array" if array else "object")]

    @property
    def layout(self) -> Layout:
        """One discrete block: the structure, or NULL; none if there is only one code."""
        cardinality = len(self.nodes_) + self.null_
        if cardinality < 2:
            return Layout()
        return Layout((Discrete(self.column.name, cardinality),))

    @property
    def null_code(self) -> int:
        """The code for NULL, or -1."""
        return len(self.nodes_) if self.null_ else -1

    def encode(
        self, values: pa.Array, rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Return the structures."""
        plain = self.plain(values)
        none = np.empty((len(plain), 0), dtype=np.float32)
        if not self.layout.discrete:
            return np.empty((len(plain), 0), dtype=np.int32), none
        codes = self._assign(plain.to_pylist())
        other = np.flatnonzero(codes < 0)
        codes[other] = draw(self.weights_, len(other), rng)
        return codes[:, None], none

    def _assign(self, texts: Iterable[Any]) -> npt.NDArray[np.int32]:
        index = {name: i for i, name in enumerate(self.structures_)}
        codes: list[int] = []
        for text in texts:
            if text is None:
                codes.append(len(self.nodes_) if self.null_ else -1)
                continue
            try:
                codes.append(index.get(structure_of(json.loads(text)), -1))
            except (ValueError, RecursionError):
                codes.append(-1)
        return np.array(codes, dtype=np.int32)

    def decode(
        self,
        codes: npt.NDArray[np.int32],
        values: npt.NDArray[np.float32],
        rng: np.random.Generator,
    ) -> pa.Array:
        """Make up a text of each structure."""
        n = len(codes)
        picked = codes[:, 0] if codes.shape[1] else np.zeros(n, dtype=np.int32)
        picked = np.clip(picked, 0, len(self.nodes_) if self.null_ else len(self.nodes_) - 1)
        order = np.argsort(picked, kind="stable")
        sizes = np.bincount(picked, minlength=len(self.nodes_) + 1)
        parts = [node.generate(int(s), rng) for node, s in zip(self.nodes_, sizes) if s]
        parts.append(pa.nulls(int(sizes[-1]), pa.string()))
        rank = np.empty(n, dtype=np.int64)
        rank[order] = np.arange(n)
        made = pa.concat_arrays(parts).take(pa.array(rank))
        return restore(made, self.column.arrow_type)
