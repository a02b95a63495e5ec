"""Rows as small integers only: floats become quantile bins, filled in again when drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np
import numpy.typing as npt

from synthohive.core.data.encoded import EncodedTable, Layout

__all__ = ["Discretiser", "Variable"]

BINS = 64
FINE = 16
"""Steps within a bin, between which values are uniform."""
LEAST_ROWS = 30
"""Rows that a bin should hold."""


@dataclass(frozen=True)
class Variable:
    """One integer per row.

    Attributes
    ----------
    block : int
        Index among the layout's discrete, or continuous, blocks.
    continuous : bool
    cardinality : int
    """

    block: int
    continuous: bool
    cardinality: int


class Discretiser:
    """Turns an :class:`EncodedTable` into one integer matrix and back.

    Blocks of one code are left out: there is nothing to learn. A float that means nothing
    (its mode stands for NULL or a single value) has the code -1.

    Parameters
    ----------
    layout : Layout
    edges : list of ndarray
        For each continuous block, FINE + 1 quantiles for the first bin, FINE for each next.
    """

    def __init__(self, layout: Layout, edges: list[npt.NDArray[np.float32]]) -> None:
        self.layout, self.edges = layout, edges
        self.variables: list[Variable] = []
        relative: dict[Optional[int], list[int]] = {}
        for i, floats in enumerate(layout.continuous):
            relative.setdefault(floats.modes, []).append(i)
        for i, block in enumerate(layout.discrete):
            if block.cardinality > 1:
                self.variables.append(Variable(i, False, block.cardinality))
            self.variables += [self._binned(j) for j in relative.get(i, ())]
        self.variables += [self._binned(j) for j in relative.get(None, ())]
        self.variables = [v for v in self.variables if v.cardinality > 1]

    def _binned(self, block: int) -> Variable:
        return Variable(block, True, (len(self.edges[block]) - 1) // FINE)

    @classmethod
    def fit(cls, data: EncodedTable) -> Discretiser:
        """Take the bins from the quantiles of each float where it means something."""
        edges = []
        for i, floats in enumerate(data.layout.continuous):
            values = data.values[_active(data, floats.modes, floats.active), i]
            bins = int(np.clip(len(values) // LEAST_ROWS, 2, BINS))
            if len(values) == 0:
                values = np.zeros(1, dtype=np.float32)
            marks = np.linspace(0, 1, bins * FINE + 1)
            edges.append(np.quantile(values, marks).astype(np.float32))
        return cls(data.layout, edges)

    def encode(self, data: EncodedTable) -> npt.NDArray[np.int64]:
        """Return shape (rows, variables)."""
        found = np.empty((len(data), len(self.variables)), dtype=np.int64)
        for k, variable in enumerate(self.variables):
            if not variable.continuous:
                found[:, k] = data.codes[:, variable.block]
                continue
            floats = data.layout.continuous[variable.block]
            inner = self.edges[variable.block][FINE:-1:FINE]
            codes = np.searchsorted(inner, data.values[:, variable.block], side="right")
            active = _active(data, floats.modes, floats.active)
            found[:, k] = np.where(active, codes, -1)
        return found

    def decode(self, codes: npt.NDArray[np.int64], rng: np.random.Generator) -> EncodedTable:
        """Return the rows; values are uniform within the steps of their bin."""
        rows = len(codes)
        made = EncodedTable(
            self.layout,
            np.zeros((rows, len(self.layout.discrete)), dtype=np.int32),
            np.zeros((rows, len(self.layout.continuous)), dtype=np.float32),
        )
        for k, variable in enumerate(self.variables):
            if not variable.continuous:
                made.codes[:, variable.block] = codes[:, k]
        binned = {v.block: k for k, v in enumerate(self.variables) if v.continuous}
        for i, floats in enumerate(self.layout.continuous):
            coarse = np.maximum(codes[:, binned[i]], 0) if i in binned else np.zeros(rows, np.int64)
            place = (coarse + rng.random(rows)) * FINE
            edges = self.edges[i]
            values = np.interp(place, np.arange(len(edges)), edges)
            active = _active(made, floats.modes, floats.active)
            made.values[:, i] = np.where(active, np.clip(values, -1, 1), 0)
        return made


def _active(data: EncodedTable, modes: Optional[int], active: int) -> npt.NDArray[np.bool_]:
    if modes is None:
        return np.ones(len(data), dtype=np.bool_)
    return np.asarray(data.codes[:, modes] < active)
