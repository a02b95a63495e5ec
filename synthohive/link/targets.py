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
        """Return how much nearer each swap alone would bring the sums.

        Parameters
        ----------
        push : ndarray of float
            What :meth:`push` gave for the surplus before these swaps.
        held : ndarray of int64, shape (rows,)
            What each row holds now.
        a, b : ndarray of int64, shape (couples,)
            Rows that would exchange what they hold; ``a[i]`` with ``b[i]``.

        Returns
        -------
        ndarray of float, shape (couples,)
            Half of what the squared distance would lose, but for the square of the change, which
            is left out where single rows move; above 0 is nearer.
        """

    def change(self, held: IntArray, a: IntArray, b: IntArray) -> Floats:
        """Return what all swaps together add to each sum.

        Parameters
        ----------
        held : ndarray of int64, shape (rows,)
            What each row holds now, before any of the swaps.
        a, b : ndarray of int64, shape (couples,)
            As for :meth:`gain`.

        Returns
        -------
        ndarray of float, of the shape of the surplus
        """


@dataclass(frozen=True)
class ContingencyTarget(Target):
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
        # Shapes (mine, mine) @ (mine, theirs) @ (theirs, theirs). Spread over near bins, a row that
        # is off by one bin weighs less than one off by many; the identity lets it weigh enough.
        one, two = (near + np.eye(len(near)) for near in self.near)
        return np.asarray(one @ surplus @ two) * surplus.size

    def gain(self, push: Floats, held: IntArray, a: IntArray, b: IntArray) -> Floats:
        """Return how much nearer each swap alone would bring the table; see the base class."""
        left, entered = self._moved(held, a, b)
        flat = push.reshape(-1)
        return np.asarray(flat[left].sum(axis=0) - flat[entered].sum(axis=0))

    def change(self, held: IntArray, a: IntArray, b: IntArray) -> Floats:
        """Return what swaps add to each cell; see the base class."""
        left, entered = map(self._counted, self._moved(held, a, b))
        return entered - left

    def _moved(self, held: IntArray, a: IntArray, b: IntArray) -> tuple[IntArray, IntArray]:
        """Return the cells that rows leave and enter when they swap, shape (2, couples)."""
        size = self.rows.shape[1]
        row_a, row_b = self.mine[a] * size, self.mine[b] * size
        parent_a, parent_b = self.theirs[held[a]], self.theirs[held[b]]
        return np.stack([row_a + parent_a, row_b + parent_b]), np.stack(
            [row_a + parent_b, row_b + parent_a]
        )

    def _counted(self, cells: IntArray) -> Floats:
        # A flat count is several times as fast as a histogram of two columns.
        counts = np.bincount(cells.reshape(-1), minlength=self.rows.size)
        return counts.astype(np.float64).reshape(self.rows.shape)


@dataclass(frozen=True)
class CorrelationTarget(Target):
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
        """Return how much nearer each swap alone would bring the sum; see the base class."""
        return np.asarray(-push * self._changes(held, a, b))

    def change(self, held: IntArray, a: IntArray, b: IntArray) -> Floats:
        """Return what swaps add to the sum; see the base class."""
        return np.array([self._changes(held, a, b).sum()])

    def _changes(self, held: IntArray, a: IntArray, b: IntArray) -> Floats:
        own = self.mine[a] - self.mine[b]
        return np.asarray(own * (self.theirs[held[b]] - self.theirs[held[a]]))


@dataclass(frozen=True)
class DegreeTarget(Target):
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
        # As of tables: a bin of many holds less of the surplus each, but weighs no less in all.
        return surplus * len(surplus)

    def gain(self, push: Floats, held: IntArray, a: IntArray, b: IntArray) -> Floats:
        """Return how much nearer each swap alone would bring the bins; see the base class.

        Numbers of children differ by far, so that a swap can go too far: its square counts.
        """
        bin_a, bin_b = self.bins[a], self.bins[b]
        less = (held[a] - held[b]).astype(np.float64)
        gained = less * (push[bin_a] - push[bin_b] - less * len(self.wanted))
        return np.where(bin_a != bin_b, gained, 0.0)

    def change(self, held: IntArray, a: IntArray, b: IntArray) -> Floats:
        """Return what swaps add to each bin; see the base class."""
        more = (held[b] - held[a]).astype(np.float64)
        bin_a, bin_b = (
            np.bincount(self.bins[rows], weights=more, minlength=len(self.wanted))
            for rows in (a, b)
        )
        return np.asarray(bin_a - bin_b)
