"""What models with a :class:`~synthohive.models.heads.RowGenerator` share.

Their marginal distributions are corrected after training, whatever was learned of the joint one.
Logits get a bias for each code, found by fixed-point iteration, until the mean probability of each
code is its real share. Floats pass a monotone map, from generated to real quantiles within their
mode. Ranks, and so the dependence between columns, stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Optional

import numpy as np
import torch
from torch import Tensor

from synthohive._arrays import Bools, Floats32, IntArray
from synthohive.encoding.encoded import EncodedTable
from synthohive.models.blocks import active
from synthohive.models.blocks import shares as code_shares
from synthohive.models.heads import RowGenerator
from synthohive.models.trained import Arrays, TrainedModel
from synthohive.models.training import Trainable, TrainingSet

__all__ = ["CalibratedModel"]


@dataclass(frozen=True)
class Tuning:
    """Numbers of the calibration."""

    rows: int = 20_000
    """Contexts at most for which rows are drawn."""
    close: float = 1e-3
    """Total difference of shares at which the iteration ends."""
    knots: int = 64
    per_knot: int = 5
    """Points of a map, and real rows between two, so that it cannot repeat single real values."""
    least_real: int = 20
    least_made: int = 50
    """Rows of a mode below which the column's common map is used."""


TUNING = Tuning()
LEVELS = np.linspace(0.001, 0.999, TUNING.knots)  # the very ends are single rows


@dataclass
class QuantileMaps:
    """Monotone maps of the continuous blocks, one per mode."""

    made: Floats32  # (maps, knots)
    real: Floats32  # (maps, knots)
    # (continuous blocks, modes + 1): the map of each mode, in the last column the block's common
    # one; -1: none
    index: IntArray

    @classmethod
    def fit(cls, real: EncodedTable, made: EncodedTable) -> QuantileMaps:
        """Learn from real rows and rows generated for the same contexts."""
        layout = real.layout
        modes = max((b.active for b in layout.continuous), default=0)
        index = np.full((len(layout.continuous), modes + 1), -1, dtype=np.int64)
        knots: list[tuple[Floats32, Floats32]] = []
        for i, block in enumerate(layout.continuous):
            for mode in [*range(block.active), -1]:  # -1 is also the place of the common map
                sides = [t.values[_rows(t, i, mode), i] for t in (made, real)]
                # quantiles of fewer rows are chance: a map of them would make the fit worse
                if len(sides[0]) >= TUNING.least_made and len(sides[1]) >= TUNING.least_real:
                    index[i, mode] = len(knots)
                    knots.append((_knots(sides[0]), _knots(sides[1])))
        pairs = np.array(knots, dtype=np.float32).reshape(-1, 2, TUNING.knots)  # also of no map
        return cls(pairs[:, 0].copy(), pairs[:, 1].copy(), index)

    def apply(self, table: EncodedTable) -> None:
        """Map the floats in place."""
        values = table.values
        for i, block in enumerate(table.layout.continuous):
            for mode in [-1] if block.modes is None else range(block.active):
                own, common = self.index[i, mode], self.index[i, -1]
                which = own if own >= 0 else common
                if which >= 0:
                    rows = _rows(table, i, mode)
                    values[rows, i] = np.interp(values[rows, i], self.made[which], self.real[which])


class CalibratedModel(TrainedModel):
    """A model whose rows come from a generator network, and are corrected by maps."""

    network_type: ClassVar[type[RowGenerator]]
    """Built from the layouts of rows and contexts, and the settings."""
    task_type: ClassVar[type[Trainable]]
    """Built from the rows, the network, the settings and the generator of random numbers."""
    network_: RowGenerator
    maps_: Optional[QuantileMaps] = None
    """None until calibrated."""

    def _prepare(self, data: EncodedTable, context: EncodedTable) -> None:
        self.maps_ = None

    def _network(self) -> Any:
        build: Any = self.network_type
        return build(self.layout_, self.context_layout_, self.config)

    def _task(self, rows: TrainingSet, rng: np.random.Generator) -> Optional[Trainable]:
        if not rows.data.layout.discrete and not rows.data.layout.continuous:
            return None
        build: Any = self.task_type
        task: Trainable = build(rows, self.network_, self.config, rng)
        return task

    def _calibrate(
        self,
        data: EncodedTable,
        context: EncodedTable,
        rng: np.random.Generator,
        shares: Optional[EncodedTable],
    ) -> None:
        """Correct the marginals on rows generated for real contexts; `shares` are not looked at."""
        network = self.network_
        rows = np.sort(rng.permutation(len(data))[: TUNING.rows])
        if len(rows) < self.rows_at_once:
            # of few rows each several times, with other noise: shares of few drawn rows are chance
            rows = np.resize(rows, min(self.rows_at_once, 20 * len(rows)))
        given = context.take(rows.astype(np.int64))
        blocks = network.blocks
        with torch.no_grad():
            # all rows' logits (rows, codes) at once: the bias is one of their mean probabilities
            wide, large, _ = network.rows(given, network.noise(given, rng))
            network.bias.copy_(_bias(blocks.softmax, wide, blocks.frequencies(data.codes), 1e-6))
            for block, logits, bias in zip(blocks.large, large, network.large_bias):
                target = code_shares(data.codes[:, block], logits.shape[1])
                bias.copy_(_bias(partial(torch.softmax, dim=1), logits, target, 1e-7))
        del wide, large  # (rows, codes), far more than the rows
        # floats second: their maps are per mode, and the modes are codes that just moved
        self.maps_ = QuantileMaps.fit(data, network.draw(given, rng))

    def _draw(self, context: EncodedTable, rng: np.random.Generator, **known: Any) -> EncodedTable:
        made = self.network_.draw(context, rng)
        if self.maps_ is not None:
            self.maps_.apply(made)
        return made

    def _arrays(self) -> Arrays:
        return {} if self.maps_ is None else vars(self.maps_)

    def _restore(self, arrays: Arrays) -> None:
        self.maps_ = QuantileMaps(**arrays) if arrays else None


def _bias(
    softmax: Callable[[Tensor], Tensor], logits: Tensor, target: Tensor, floor: float
) -> Tensor:
    """Step towards the logarithm of what shares are missing, which is exact for equal rows."""
    bias = torch.zeros(logits.shape[1])
    for _ in range(25):
        mean = softmax(logits + bias).mean(dim=0)
        if (mean - target).abs().sum() < TUNING.close:
            break
        # damped: rows differ, and what helps one overshoots in another; bounded, or the bias of a
        # code without rows would fall for ever
        step = torch.log((target + floor) / (mean + floor))
        bias = (bias + 0.8 * step).clamp(-20, 20)
    return bias


def _rows(table: EncodedTable, i: int, mode: int) -> Bools:
    """Return which rows have a mode; -1: any in which the float means something."""
    if mode == -1:
        return active(table, i)
    found: Bools = table.codes[:, table.layout.continuous[i].modes] == mode
    return found


def _knots(values: Floats32) -> Floats32:
    count = min(TUNING.knots, len(values) // TUNING.per_knot + 1)
    # few values: fewer quantiles, drawn out to as many knots, so that all maps are one matrix
    own = np.linspace(LEVELS[0], LEVELS[-1], count)
    knots = np.interp(LEVELS, own, np.quantile(values, own))
    return np.asarray(knots, dtype=np.float32)
