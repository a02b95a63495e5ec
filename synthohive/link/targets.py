"""Calibration targets: what is wanted of rows and what they hold, and how far that is off.

A target keeps a *surplus*: by how much each of its sums (rows in a cell, a product's sum) is too
large. Its *push* weighs the surplus, so that ``surplus * push(surplus)`` is a squared distance; a
swap of two rows *gains* what it takes from that distance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from synthohive._arrays import Floats, IntArray

__all__ = ["ContingencyTarget", "CorrelationTarget", "DegreeTarget", "Target"]

WEIGHT = 100.0
"""Of a correlation, beside that of tables."""


class Target(Protocol):
    """What swaps bring nearer; `held` is what each row holds, `a` and `b` rows that swap."""

    def surplus(self, held: IntArray) -> Floats:
        """Return by how much each sum is too large."""

    def push(self, surplus: Floats) -> Floats:
        """Return how strongly each sum is pushed down."""

    def gain(self, push: Floats, held: IntArray, a: IntArray, b: IntArray) -> Floats:
        """Return how much nearer each swap alone would bring the sums."""

    def change(self, held: IntArray, a: IntArray, b: IntArray) -> Floats:
        """Return what all swaps together add to each sum."""


@dataclass(frozen=True)
class ContingencyTarget:
    """Rows and parents by bins: how many rows are wanted in each cell.

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

    def surplus(self, held: IntArray) -> Floats:
        """Return how many rows too many are in each cell."""
        return self._counted(self.mine * self.rows.shape[1] + self.theirs[held]) - self.rows

    def push(self, surplus: Floats) -> Floats:
        """Return how strongly rows are pushed out of each cell; tables of many cells as of few."""
        one, two = (near + np.eye(len(near)) for near in self.near)
        return np.asarray(one @ surplus @ two) * surplus.size

    def gain(self, push: Floats, held: IntArray, a: IntArray, b: IntArray) -> Floats:
        """Return how much nearer each swap alone would bring the table."""
        left, entered = self._moved(held, a, b)
        flat = push.reshape(-1)
        return np.asarray(flat[left].sum(axis=0) - flat[entered].sum(axis=0))

    def change(self, held: IntArray, a: IntArray, b: IntArray) -> Floats:
        """Return what swaps add to each cell."""
        left, entered = map(self._counted, self._moved(held, a, b))
        return entered - left

    def _moved(self, held: IntArray, a: IntArray, b: IntArray) -> tuple[IntArray, IntArray]:
        """Return the cells that rows leave and enter when they swap, shape (2, couples)."""
        size = self.rows.shape[1]
        own, other = self.mine[a] * size, self.mine[b] * size
        one, two = self.theirs[held[a]], self.theirs[held[b]]
        return np.stack([own + one, other + two]), np.stack([own + two, other + one])

    def _counted(self, cells: IntArray) -> Floats:
        counts = np.bincount(cells.reshape(-1), minlength=self.rows.size)
        return counts.astype(np.float64).reshape(self.rows.shape)


@dataclass(frozen=True)
class CorrelationTarget:
    """The correlation of two numbers: what bins leave open.

    Attributes
    ----------
    mine, theirs : ndarray of float
        Scores of rows and of parents, whose products are to have a mean of `mean`.
    """

    mine: Floats
    theirs: Floats
    mean: float

    def surplus(self, held: IntArray) -> Floats:
        """Return by how much the products' sum is too large."""
        return np.array([self.mine @ self.theirs[held] - self.mean * len(held)])

    def push(self, surplus: Floats) -> Floats:
        """Return how strongly the sum is pushed."""
        return surplus * WEIGHT

    def gain(self, push: Floats, held: IntArray, a: IntArray, b: IntArray) -> Floats:
        """Return how much nearer each swap alone would bring the sum."""
        return np.asarray(-push * self._changes(held, a, b))

    def change(self, held: IntArray, a: IntArray, b: IntArray) -> Floats:
        """Return what swaps add to the sum."""
        return np.array([self._changes(held, a, b).sum()])

    def _changes(self, held: IntArray, a: IntArray, b: IntArray) -> Floats:
        own = self.mine[a] - self.mine[b]
        return np.asarray(own * (self.theirs[held[b]] - self.theirs[held[a]]))


@dataclass(frozen=True)
class DegreeTarget:
    """Parents by bins: how many children all those of a bin are to have.

    Attributes
    ----------
    bins : ndarray of int64
        Of each parent; what it holds is its number of children.
    wanted : ndarray of float
        Children per bin.
    """

    bins: IntArray
    wanted: Floats

    def surplus(self, held: IntArray) -> Floats:
        """Return how many children too many each bin has."""
        counted = np.bincount(self.bins, weights=held, minlength=len(self.wanted))
        return np.asarray(counted - self.wanted)

    def push(self, surplus: Floats) -> Floats:
        """Return how strongly children are pushed out of each bin."""
        return surplus * len(surplus)

    def gain(self, push: Floats, held: IntArray, a: IntArray, b: IntArray) -> Floats:
        """Return how much nearer each swap alone would bring the bins.

        Numbers of children differ by far, so that a swap can go too far: its square counts.
        """
        one, two = self.bins[a], self.bins[b]
        less = (held[a] - held[b]).astype(np.float64)
        gained = less * (push[one] - push[two] - less * len(self.wanted))
        return np.where(one != two, gained, 0.0)

    def change(self, held: IntArray, a: IntArray, b: IntArray) -> Floats:
        """Return what swaps add to each bin."""
        more = (held[b] - held[a]).astype(np.float64)
        one, two = (
            np.bincount(self.bins[rows], weights=more, minlength=len(self.wanted))
            for rows in (a, b)
        )
        return np.asarray(one - two)
