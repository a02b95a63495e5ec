"""Rows swap parents until both go together as they do in the real data.

The number of children of each parent stays, and so does every rule on pairs. Swaps are
proposed at random and accepted where they bring the contingency tables nearer, no more of
them at once than a line search allows: so rows are moved evenly, and not the extreme ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Union

import numpy as np

from synthohive._arrays import Floats, IntArray
from synthohive.link.swaps import Classes, PairRules, both_right

__all__ = ["NEAR", "NEAR_ROWS", "Correlated", "Goal", "Wanted", "calibrate"]


ROUNDS, LEAST_ROUNDS = 300, 20
MOST_WORK = 200_000_000
"""Rows that are looked at, over all rounds and goals, or put in order: larger tables get fewer
rounds, but always a few."""
NEAR, NEAR_ROWS = 0.01, 0.03
"""Share of the rows in wrong cells that may stay there; where each row asked for one parent,
which says more than its columns, larger gaps stay."""
MOST_COUPLES = 100_000
"""Swaps that are looked at in one round."""
LEAST_STEP = 0.002
WEIGHT = 100.0
"""Of a correlation, beside that of tables."""
MOST_IDLE = 15
"""Rounds that bring hardly anything, after which rows of any likes may swap, or none."""


@dataclass(frozen=True)
class Wanted:
    """One contingency table.

    Attributes
    ----------
    mine : ndarray of int64
        The bin of each row.
    theirs : ndarray of int64
        The bin of each parent.
    rows : ndarray, shape (bins, bins)
        The rows wanted in each cell.
    near : tuple of two ndarray, shape (bins, bins)
        How near each two bins of either side are, so that a row in a far cell weighs more.
    """

    mine: IntArray
    theirs: IntArray
    rows: Floats
    near: tuple[Floats, Floats]

    def push(self, surplus: Floats) -> Floats:
        """Return how strongly rows are pushed out of each cell."""
        one, two = (near + np.eye(len(near)) for near in self.near)
        return np.asarray(one @ surplus @ two) * surplus.size

    def surplus(self, chosen: IntArray) -> Floats:
        """Return how many rows too many are in each cell."""
        size = self.rows.shape[1]
        cells = self.mine * size + self.theirs[chosen]
        return np.bincount(cells, minlength=self.rows.size).reshape(self.rows.shape) - self.rows

    def moved(self, chosen: IntArray, a: IntArray, b: IntArray) -> tuple[IntArray, IntArray]:
        """Return the cells that rows leave and enter when they swap, shape (2, couples)."""
        size = self.rows.shape[1]
        own, other = self.mine[a] * size, self.mine[b] * size
        one, two = self.theirs[chosen[a]], self.theirs[chosen[b]]
        return np.stack([own + one, other + two]), np.stack([own + two, other + one])

    def gain(self, push: Floats, chosen: IntArray, a: IntArray, b: IntArray) -> Floats:
        """Return how much nearer each swap alone would bring the table."""
        left, entered = self.moved(chosen, a, b)
        flat = push.reshape(-1)
        return np.asarray(flat[left].sum(axis=0) - flat[entered].sum(axis=0))

    def change(self, chosen: IntArray, a: IntArray, b: IntArray) -> Floats:
        """Return what swaps add to each cell."""
        left, entered = (
            np.bincount(cells.reshape(-1), minlength=self.rows.size)
            for cells in self.moved(chosen, a, b)
        )
        return (entered - left).astype(np.float64).reshape(self.rows.shape)


@dataclass(frozen=True)
class Correlated:
    """The correlation of two numbers.

    Attributes
    ----------
    mine, theirs : ndarray of float
        Scores of rows and of parents, whose products are to have a mean of `mean`.
    """

    mine: Floats
    theirs: Floats
    mean: float

    def surplus(self, chosen: IntArray) -> Floats:
        """Return by how much the products' sum is too large."""
        return np.array([self.mine @ self.theirs[chosen] - self.mean * len(chosen)])

    def push(self, surplus: Floats) -> Floats:
        """Return how strongly the sum is pushed."""
        return surplus * WEIGHT

    def gain(self, push: Floats, chosen: IntArray, a: IntArray, b: IntArray) -> Floats:
        """Return how much nearer each swap alone would bring the sum."""
        return np.asarray(-push * self._changes(chosen, a, b))

    def change(self, chosen: IntArray, a: IntArray, b: IntArray) -> Floats:
        """Return what swaps add to the sum."""
        return np.array([self._changes(chosen, a, b).sum()])

    def _changes(self, chosen: IntArray, a: IntArray, b: IntArray) -> Floats:
        own = self.mine[a] - self.mine[b]
        return np.asarray(own * (self.theirs[chosen[b]] - self.theirs[chosen[a]]))


Goal = Union[Wanted, Correlated]


def calibrate(
    chosen: IntArray,
    tables: Sequence[Goal],
    rules: PairRules,
    rng: np.random.Generator,
    near: float = NEAR,
) -> IntArray:
    """Return the parent of each row, swapped among rows; first among those of equal likes.

    Parameters
    ----------
    near : float
        Share of the rows in wrong cells that may stay there.
    """
    if len(chosen) < 2:
        return chosen
    swaps = _Swaps(chosen.copy(), tables, rules, rng, near)
    for likes in (None,) if rules.likes is None else (rules.likes, None):
        swaps.run(Classes.of(rules.groups, likes, len(chosen)))
    return swaps.chosen


class _Swaps:
    """The state of the rows while they swap."""

    def __init__(
        self,
        chosen: IntArray,
        tables: Sequence[Goal],
        rules: PairRules,
        rng: np.random.Generator,
        near: float,
    ) -> None:
        self.chosen, self.tables, self.rules, self.rng = chosen, tables, rules, rng
        self.near = near * len(chosen)
        self.surplus = [table.surplus(chosen) for table in tables]

    def run(self, classes: Classes) -> None:
        """Swap rows of one class until that brings nothing more."""
        idle, before = 0, np.inf
        for _ in range(self._rounds()):
            wrong = float(np.mean([np.abs(s).sum() for s in self.surplus])) / 2
            off = sum(float((s * t.push(s)).sum()) for t, s in zip(self.tables, self.surplus))
            idle = 0 if off < before * (1 - LEAST_STEP) else idle + 1
            before = min(off, before)
            if wrong <= self.near or idle == MOST_IDLE:
                return
            self._round(classes)

    def _rounds(self) -> int:
        rows = len(self.chosen)
        work = 2 * min(rows, MOST_COUPLES) * len(self.tables)
        work += 4 * rows * len(self.rules.fixed)
        return int(np.clip(MOST_WORK // work, LEAST_ROUNDS, ROUNDS))

    def _round(self, classes: Classes) -> None:
        a, b = self._couples(classes)
        gain = np.zeros(len(a))
        for table, surplus in zip(self.tables, self.surplus):
            gain += table.gain(table.push(surplus), self.chosen, a, b)
        a, b = a[gain > 0], b[gain > 0]
        fits = both_right(self.chosen, a, b, self.rules)
        a, b = a[fits], b[fits]
        few = self.rng.random(len(a)) < self._step(a, b)
        a, b = self._apart(a[few], b[few])
        self.surplus = [
            surplus + table.change(self.chosen, a, b)
            for table, surplus in zip(self.tables, self.surplus)
        ]
        self.chosen[a], self.chosen[b] = self.chosen[b], self.chosen[a]

    def _couples(self, classes: Classes) -> tuple[IntArray, IntArray]:
        """Return disjoint couples of rows of one class, at random."""
        count = len(self.chosen)
        few = min(count - count // 4, MOST_COUPLES)
        a = self.rng.choice(count, few, replace=False, shuffle=False).astype(np.int64)
        b = classes.partners(a, self.rng)
        both = np.stack([a, b], axis=1).reshape(-1)
        first = np.zeros(len(both), dtype=np.bool_)
        first[np.unique(both, return_index=True)[1]] = True
        alone = first.reshape(-1, 2).all(axis=1)
        return a[alone], b[alone]

    def _step(self, a: IntArray, b: IntArray) -> float:
        """Return the share of the swaps after which the tables are nearest."""
        along, length = 0.0, 0.0
        for table, surplus in zip(self.tables, self.surplus):
            change = table.change(self.chosen, a, b)
            along -= float((change * table.push(surplus)).sum())
            length += float((change * table.push(change)).sum())
        return float(np.clip(along / length, 0.0, 1.0)) if length else 0.0

    def _apart(self, a: IntArray, b: IntArray) -> tuple[IntArray, IntArray]:
        """Leave out swaps after which a pair would repeat."""
        if not self.rules.fixed:
            return a, b
        trial = self.chosen.copy()
        trial[a], trial[b] = self.chosen[b], self.chosen[a]
        bad = self.rules.wrong(trial, all_of_a_pair=True)
        right = ~bad[a] & ~bad[b]
        return a[right], b[right]
