"""Rows as small integers only: floats become quantile bins and steps within them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Optional

import numpy as np

from synthohive._arrays import Codes, Floats32, IntArray
from synthohive.encoding.encoded import ABSENT, EncodedTable, Layout
from synthohive.models.autoregressive.config import TUNING

__all__ = ["Bins", "Discretiser", "Variable"]

Ends = tuple[Floats32, Floats32, Codes]


@dataclass(frozen=True)
class Bins:
    """Where the steps of a float lie: each a small interval, each bin some steps in a row."""

    low: Floats32  # (steps,)
    high: Floats32  # (steps,)
    first: IntArray  # (bins + 1,), first step of each bin, then the number of steps
    mode: IntArray  # (bins,), which each belongs to

    @classmethod
    def fit(cls, values: Sequence[Floats32]) -> Bins:
        """Cut each mode's values, those of the same size together; bins by the modes' shares."""
        total = max(sum(len(v) for v in values), 1)
        parts = [_cut(v, len(v) / total) for v in values]
        starts = np.cumsum([0, *(len(low) for low, _, _ in parts)])
        firsts = [first + start for (_, _, first), start in zip(parts, starts)]
        return cls(
            np.concatenate([low for low, _, _ in parts]),
            np.concatenate([high for _, high, _ in parts]),
            np.append(np.concatenate(firsts), starts[-1]).astype(np.int64),
            np.repeat(np.arange(len(parts)), [len(first) for first in firsts]),
        )

    @property
    def widest(self) -> int:
        """Most steps in a bin."""
        return int(np.diff(self.first).max())

    def encode(self, values: Floats32, mode: IntArray) -> tuple[IntArray, IntArray]:
        """Return bin and step within it of values of some modes."""
        steps = np.zeros(len(values), dtype=np.int64)
        for m in range(int(self.mode[-1]) + 1):
            own = np.flatnonzero(self.mode == m)
            start, stop = self.first[own[0]], self.first[own[-1] + 1]
            rows = mode == m
            # cuts between steps alone: what lies beyond the outermost ends is in an outermost step
            inner = self.low[start + 1 : stop]
            steps[rows] = start + np.searchsorted(inner, values[rows], side="right")
        bins = np.searchsorted(self.first, steps, side="right") - 1
        return bins, steps - self.first[bins]

    def ends(self, codes: int, active: int) -> Ends:
        """Return for each code and step its start and length, and for each code its mode.

        After the bins' codes come others, of the modes from `active` on, whose values are 0.
        """
        bins = len(self.mode)
        steps = self.first[:-1, None] + np.arange(self.widest)
        # (bins, widest): bins of fewer steps repeat their last one, so that one look-up by
        # ``code * widest + step`` serves all; no such step is ever drawn
        steps = np.minimum(steps, self.first[1:, None] - 1)
        start, length = np.zeros((2, codes, self.widest), dtype=np.float32)
        start[:bins], length[:bins] = self.low[steps], (self.high - self.low)[steps]
        others = np.arange(active, active + codes - bins)
        return start.ravel(), length.ravel(), np.append(self.mode, others).astype(np.int32)


def _cut(values: Floats32, share: float) -> tuple[Floats32, Floats32, IntArray]:
    """Return the steps' ends, and the first step of each bin.

    Ends lie half-way between neighbouring values, and the outermost ones as far beyond the
    last ones, so that no real value is an end; a single value takes the whole mode.
    """
    found, counts = np.unique(values, return_counts=True)
    if len(found) < 2:
        ends = np.array([-1, 1], dtype=np.float32)
        return ends[:1], ends[1:], np.zeros(1, dtype=np.int64)
    middle = (np.cumsum(counts) - counts / 2) / len(values)
    few = len(values) // TUNING.step_rows, len(values) // TUNING.bin_rows
    steps = int(np.clip(share * TUNING.steps, 1, max(1, few[0])))
    bins = int(np.clip(round(share * TUNING.bins), 1, max(1, few[1])))
    # by the middle of each value's rows: one that many rows have becomes a step of its own
    step = (middle * max(steps, bins)).astype(np.int64)
    starts = np.flatnonzero(np.r_[True, step[1:] != step[:-1]])
    if len(values) >= 2 * TUNING.step_rows * steps:
        starts = _finer_ends(starts, counts)
    low, high = _ends(found, starts)
    weights = np.add.reduceat(counts, starts)
    centre = (np.cumsum(weights) - weights / 2) / len(values)
    group = (centre * bins).astype(np.int64)
    return low, high, np.flatnonzero(np.r_[True, group[1:] != group[:-1]])


def _ends(found: Floats32, starts: IntArray) -> tuple[Floats32, Floats32]:
    """Return where the steps begin and end.

    Beside a wide gap, as values leave that have codes of their own, a step ends as near to its last
    value as its own ones lie to each other: of delays whose -9 to 1 have codes, a step of the -10
    that went half-way to the 2 would mostly be drawn as what these codes stand for.

    Parameters
    ----------
    found : ndarray of float32
        The distinct values, two at least.
    starts : ndarray of int64
        Which of these each step begins with.
    """
    gaps = np.diff(found.astype(np.float64))
    beside = np.r_[gaps[0], gaps, gaps[-1]]  # before the first value, ..., behind the last one
    first, last = starts, np.r_[starts[1:], len(found)] - 1
    within = np.r_[0.0, gaps]
    within[starts] = 0.0  # the gap before a step is none of its own
    inner = np.maximum.reduceat(within, starts)
    ends = []
    for value, gap, other in (
        (first, beside[first], beside[last + 1]),
        (last, beside[last + 1], beside[first]),
    ):
        own = np.where(first == last, other, inner)  # a single value: as on its other side
        ends.append((found[value], np.where(gap > TUNING.wide_gap * own, own, gap) / 2))
    low, high = ends[0][0] - ends[0][1], ends[1][0] + ends[1][1]
    return np.maximum(low, -1).astype(np.float32), np.minimum(high, 1).astype(np.float32)


def _finer_ends(starts: IntArray, counts: IntArray) -> IntArray:
    """Halve the outermost step on each side, again and again, while each half has enough rows.

    Of a heavy tail, the last thousandth may span a factor of ten, and hold a third of the sum: a
    value drawn evenly from it is too large. By halves of the rows left, as its quantiles go.

    Parameters
    ----------
    starts : ndarray of int64
        The first distinct value of each step.
    counts : ndarray of int64
        Rows of each distinct value.
    """
    mirrored = np.sort(len(counts) - starts[1:])
    upper = _halves(int(starts[-1]), counts)
    lower = len(counts) - _halves(int(np.r_[0, mirrored][-1]), counts[::-1])
    return np.unique(np.concatenate([starts, upper, lower]))


def _halves(start: int, counts: IntArray) -> IntArray:
    """Return where the rows behind some value are halved, the outer half again, and so on."""
    found: list[int] = []
    while True:
        rows = np.cumsum(counts[start:])
        cut = int(np.searchsorted(rows, rows[-1] / 2)) + 1
        inner = int(rows[cut - 1])
        if inner < TUNING.step_rows or rows[-1] - inner < TUNING.step_rows:
            return np.array(found, dtype=np.int64)
        start += cut
        found.append(start)


@dataclass(frozen=True)
class Variable:
    """Two integers per row: a coarse one, and a fine one within it."""

    block: Optional[int]  # index among the layout's discrete blocks
    floats: Optional[int]  # index among its continuous ones
    cardinality: int  # of the coarse integer
    width: int = 1  # of the fine one; 1 where there is nothing to tell

    @property
    def many(self) -> bool:
        """Whether there are many codes that are no places on a scale."""
        return self.floats is None and self.cardinality * self.width > TUNING.many


class Discretiser:
    """Turns an :class:`EncodedTable` into two integer matrices and back.

    A float and the block that says its mode are one variable: its coarse codes are the
    bins of all modes, then the codes that stand for NULL or single values. Blocks of many
    codes are split into groups of neighbours. Blocks of one code are left out.
    """

    def __init__(self, layout: Layout, bins: list[Bins]) -> None:
        self.layout, self.bins = layout, bins
        self.active = _active(layout)
        # reversed: of several floats with one block of modes, the first one is joined to it
        floats = {f.modes: i for i, f in reversed(list(enumerate(layout.continuous)))}
        variables = []
        for i, block in enumerate(layout.discrete):
            variables.append(self._variable(i, floats.get(i), block.cardinality))
        alone = [i for i, f in enumerate(layout.continuous) if f.modes is None]
        variables += [self._variable(None, i, 1) for i in alone]
        kept = [v for v in variables if v.cardinality > 1 or v.width > 1]
        self.variables = [kept[j] for j in _drawn_last(kept, layout)]

    def _variable(self, block: Optional[int], floats: Optional[int], codes: int) -> Variable:
        if floats is not None:
            bins = self.bins[floats]
            others = codes - self.active[floats]
            return Variable(block, floats, len(bins.mode) + others, bins.widest)
        if codes > TUNING.large:  # a head costs coarse + fine codes instead of their product
            width = max(TUNING.within, -(-codes // TUNING.large))
            return Variable(block, None, -(-codes // width), width)
        return Variable(block, None, codes)

    def scales(self) -> list[int]:
        """Return how many coarse codes of each variable are places on a scale."""
        return [0 if v.floats is None else len(self.bins[v.floats].mode) for v in self.variables]

    @classmethod
    def fit(cls, data: EncodedTable) -> Discretiser:
        """Take the bins from the values of each float and mode."""
        bins = []
        for i, active in enumerate(_active(data.layout)):
            mode = _modes(data, i)
            # a mode's values by themselves: each is relative to the mode, on a scale of its own
            bins.append(Bins.fit([data.values[mode == m, i] for m in range(active)]))
        return cls(data.layout, bins)

    def encode(self, data: EncodedTable) -> tuple[IntArray, IntArray]:
        """Return coarse and fine codes, (rows, variables) each; -1: nothing to tell, or no row."""
        coarse = np.zeros((len(data), len(self.variables)), dtype=np.int64)
        fine = np.full_like(coarse, ABSENT)
        for k, variable in enumerate(self.variables):
            if variable.floats is not None:
                coarse[:, k], fine[:, k] = self._encode_floats(data, variable, variable.floats)
            else:
                codes = data.codes[:, variable.block].astype(np.int64)
                # negative codes as they are: SILENT // width would be ABSENT
                coarse[:, k] = np.where(codes < 0, codes, codes // variable.width)
                if variable.width > 1:
                    fine[:, k] = np.where(codes < 0, ABSENT, codes % variable.width)
        return coarse, fine

    def _encode_floats(
        self, data: EncodedTable, variable: Variable, i: int
    ) -> tuple[IntArray, IntArray]:
        bins, active, mode = self.bins[i], self.active[i], _modes(data, i)
        coarse, fine = bins.encode(data.values[:, i], mode)
        others = mode >= active  # NULL, and single values: no place within them
        coarse = np.where(others, len(bins.mode) + mode - active, coarse)
        untold = (mode < 0) | others | (variable.width == 1)
        return np.where(mode < 0, mode, coarse), np.where(untold, ABSENT, fine)

    def places(self, codes: Sequence[int]) -> dict[int, tuple[int, int]]:
        """Return the coarse and fine integer of a code of each block, by variable.

        A code of -1 is none; a mode of a float has no place. A fine integer of -1 tells nothing.
        """
        found = {}
        for k, variable in enumerate(self.variables):
            code = -1 if variable.block is None or not len(codes) else codes[variable.block]
            if code < 0 or variable.block is None:
                continue
            if variable.floats is not None:
                active = self.active[variable.floats]
                if code >= active:
                    found[k] = len(self.bins[variable.floats].mode) + code - active, ABSENT
                continue
            coarse, fine = divmod(code, variable.width)
            most = self.layout.discrete[variable.block].cardinality
            alone = min(most - coarse * variable.width, variable.width) == 1
            found[k] = coarse, ABSENT if alone else fine
        return found

    def decode(self, coarse: IntArray, fine: IntArray, rng: np.random.Generator) -> EncodedTable:
        """Return the rows; floats are uniform within their steps.

        Parameters
        ----------
        coarse, fine : ndarray of int64, shape (rows, variables)
            As :meth:`encode` returns them, but no coarse code is negative. A fine one of -1 counts
            as 0.
        rng : Generator
            One float32 is drawn for each row and float, whatever the codes are.
        """
        rows = len(coarse)
        made = EncodedTable(
            self.layout,
            np.zeros((rows, len(self.layout.discrete)), dtype=np.int32),
            np.zeros((rows, len(self.layout.continuous)), dtype=np.float32),
        )
        zeros = np.zeros(rows, dtype=np.int64)
        for variable, k, ends in self._written:
            codes = zeros if k is None else coarse[:, k]
            both = codes * variable.width  # place of the pair (coarse, fine) in flat tables
            if k is not None and variable.width > 1:
                both += np.maximum(fine[:, k], 0)
            if ends is not None and variable.floats is not None:
                start, length, mode = ends
                uniforms = rng.random(rows, dtype=np.float32)
                values = start.take(both) + length.take(both) * uniforms
                made.values[:, variable.floats] = np.clip(values, -1, 1)
                if variable.block is not None:
                    made.codes[:, variable.block] = mode.take(codes)
            elif variable.block is not None:
                # the last group of neighbours may be shorter than its width says
                most = self.layout.discrete[variable.block].cardinality - 1
                made.codes[:, variable.block] = np.minimum(both, most)
        return made

    @cached_property
    def _written(self) -> list[tuple[Variable, Optional[int], Optional[Ends]]]:
        """Return what is decoded, its place among the codes, and what :meth:`Bins.ends` says.

        Last come floats that have one code alone, which is no variable.
        """
        known = {v.floats for v in self.variables}
        left = [
            Variable(f.modes, i, 1) for i, f in enumerate(self.layout.continuous) if i not in known
        ]
        found: list[tuple[Variable, Optional[int], Optional[Ends]]] = []
        for k, variable in enumerate([*self.variables, *left]):
            ends = None
            if variable.floats is not None:
                bins = self.bins[variable.floats]
                codes = max(variable.cardinality, len(bins.mode))
                ends = bins.ends(codes, self.active[variable.floats])
            found.append((variable, k if k < len(self.variables) else None, ends))
        return found


def _drawn_last(variables: Sequence[Variable], layout: Layout) -> list[int]:
    """Return the places of variables, those of many codes last, else as they stand.

    Any order is exact, but not as easy to learn: where little is known, a distribution over
    hundreds of codes has many peaks (the number of a flight before its carrier), and what is drawn
    after it has to be learned code by code. A flag, which has few codes, still stands before what
    it tells of, and the parts of a column stand in their order.
    """
    codes: dict[str, int] = {}
    found = []
    for variable in variables:
        block, floats = variable.block, variable.floats
        column = (
            layout.discrete[block].column if block is not None
            else layout.continuous[floats or 0].column
        )  # fmt: skip
        codes[column] = max(codes.get(column, 0), variable.cardinality * variable.width)
        found.append(codes[column] > TUNING.many)
    return sorted(range(len(variables)), key=lambda j: found[j])


def _active(layout: Layout) -> list[int]:
    """Return how many modes each float has; 1 where none are told apart."""
    return [1 if f.modes is None else f.active for f in layout.continuous]


def _modes(data: EncodedTable, i: int) -> IntArray:
    """Return the code of a float's mode, ``(rows,)``; without modes 0, or that of an absent row."""
    block = data.layout.continuous[i].modes
    if block is None:
        return np.where(np.isnan(data.values[:, i]), ABSENT, 0)
    return data.codes[:, block].astype(np.int64)
