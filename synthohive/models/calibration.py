"""Correcting a trained generator's marginal distributions, whatever it learned of the joint one.

Logits get a bias for each code, found by fixed-point iteration, until the mean probability
of each code is its real share. Floats pass a monotone map, from generated to real quantiles
within their mode. Ranks, and so the dependence between columns, stay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from synthohive._arrays import Bools, Codes, Floats32, IntArray
from synthohive.encoding.encoded import EncodedTable, Layout
from synthohive.models.blocks import BlockMap

__all__ = ["QuantileMaps", "block_bias", "wide_bias"]

KNOTS = 64
LEVELS = np.linspace(0.001, 0.999, KNOTS)
LEAST_REAL, LEAST_MADE = 20, 50
"""Rows of a mode below which the column's common map is used."""
CLOSE = 1e-3
"""Total difference of shares at which the iteration ends."""
PER_KNOT = 5
"""Real rows between two knots, so that a map cannot repeat single real values."""


def wide_bias(blocks: BlockMap, logits: Tensor, target: Tensor, rounds: int = 25) -> Tensor:
    """Return the bias ``(width,)`` under which mean probabilities are `target`."""
    bias = torch.zeros(blocks.width)
    valid = blocks.mask == 0
    floor = 1e-6
    for _ in range(rounds):
        mean = blocks.softmax(logits + bias).mean(dim=0)
        if (mean - target).abs().sum() < CLOSE:
            break
        step = torch.log((target + floor) / (mean + floor))
        bias = torch.where(valid, (bias + 0.8 * step).clamp(-20, 20), bias)
    return bias


def block_bias(logits: Tensor, target: Tensor, rounds: int = 25) -> Tensor:
    """Return the bias ``(K,)`` of one large block."""
    bias = torch.zeros(logits.shape[1])
    for _ in range(rounds):
        mean = torch.softmax(logits + bias, dim=1).mean(dim=0)
        if (mean - target).abs().sum() < CLOSE:
            break
        bias = (bias + 0.8 * torch.log((target + 1e-7) / (mean + 1e-7))).clamp(-20, 20)
    return bias


@dataclass
class QuantileMaps:
    """Monotone maps of the continuous blocks, one per mode.

    Attributes
    ----------
    made, real : ndarray of float32, shape (maps, KNOTS)
    index : ndarray of int64, shape (continuous blocks, modes + 1)
        The map of each mode; the last column is the block's common map. -1: no map.
    """

    made: Floats32
    real: Floats32
    index: IntArray

    @classmethod
    def fit(cls, real: EncodedTable, made: EncodedTable) -> QuantileMaps:
        """Learn from real rows and rows generated for the same contexts."""
        layout = real.layout
        modes = max((b.active for b in layout.continuous), default=0)
        index = np.full((len(layout.continuous), modes + 1), -1, dtype=np.int64)
        pairs: list[tuple[Floats32, Floats32]] = []
        for i, block in enumerate(layout.continuous):
            for mode in [*range(block.active), -1]:
                sides = [t.values[_rows(t, i, mode), i] for t in (real, made)]
                if len(sides[0]) >= LEAST_REAL and len(sides[1]) >= LEAST_MADE:
                    index[i, mode] = len(pairs)
                    pairs.append((_knots(sides[1]), _knots(sides[0])))
        empty = np.empty((0, KNOTS), dtype=np.float32)
        return cls(
            np.stack([a for a, _ in pairs]) if pairs else empty,
            np.stack([b for _, b in pairs]) if pairs else empty,
            index,
        )

    def apply(self, layout: Layout, codes: Codes, values: Floats32) -> None:
        """Map the floats in place."""
        for i, block in enumerate(layout.continuous):
            if block.modes is None:
                self._map(values, slice(None), i, self.index[i, -1])
                continue
            mode = codes[:, block.modes]
            for m in range(block.active):
                own = self.index[i, m]
                rows = np.flatnonzero(mode == m)
                self._map(values, rows, i, own if own >= 0 else self.index[i, -1])

    def _map(self, values: Floats32, rows: object, i: int, which: np.int64) -> None:
        if which >= 0:
            values[rows, i] = np.interp(values[rows, i], self.made[which], self.real[which])  # type: ignore[index]


def _rows(table: EncodedTable, i: int, mode: int) -> Bools:
    block = table.layout.continuous[i]
    if block.modes is None:
        return np.full(len(table), mode == -1)
    code = table.codes[:, block.modes]
    active: Bools = code < block.active if mode == -1 else code == mode
    return active


def _knots(values: Floats32) -> Floats32:
    count = min(KNOTS, len(values) // PER_KNOT + 1)
    own = np.linspace(LEVELS[0], LEVELS[-1], count)
    knots = np.interp(LEVELS, own, np.quantile(values, own))
    return np.asarray(knots, dtype=np.float32)
