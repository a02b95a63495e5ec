"""Counts to which no unit adds more than a bound, and what noise leaves of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthohive._arrays import Floats, IntArray
from synthohive.learn.private.budget import Budget
from synthohive.learn.private.settings import SETTINGS

__all__ = ["Asked", "bounded_counts", "fitted_margins", "inhabited", "onto_simplex", "shrunk"]


@dataclass(frozen=True)
class Asked:
    """The rows of a table that questions are of, and the budget that pays for them.

    Attributes
    ----------
    budget : Budget
    table : str
    units : ndarray of int64, shape (rows,)
        The unit that each row belongs to.
    rows_per_unit : float
        On average, with noise.
    """

    budget: Budget
    table: str
    units: IntArray
    rows_per_unit: float = 1.0

    def counts(
        self,
        codes: Sequence[IntArray],
        sizes: Sequence[int],
        bound: float,
        share: float,
        columns: tuple[str, ...],
        question: str,
    ) -> tuple[list[Floats], float]:
        """Return :func:`bounded_counts` with noise, and the standard deviation of that.

        Parameters
        ----------
        codes : sequence of ndarray of int64, shape (rows,)
        sizes : sequence of int
        bound : float
        share : float
            Of the budget.
        columns : tuple of str
        question : str
            For the ledger.
        """
        exact = bounded_counts(self.units, codes, sizes, bound)
        return self.budget.ask(exact, bound, share, self.table, columns, question)


def bounded_counts(
    units: IntArray, codes: Sequence[IntArray], sizes: Sequence[int], bound: float
) -> list[Floats]:
    """Count codes of many tables; what one unit adds to all counts together is scaled down.

    Parameters
    ----------
    units : ndarray of int64, shape (rows,)
        The unit that each row belongs to.
    codes : sequence of ndarray of int64, shape (rows,)
        One for each table; -1: in none of its cells.
    sizes : sequence of int
        Cells of each table.
    bound : float
        The most that a unit adds, in the Euclidean norm over all cells of all tables. Its rows all
        count less then, by the same factor.
    """
    count = int(units.max(initial=-1)) + 1
    squares = np.zeros(count)
    for code, size in zip(codes, sizes):
        there = code >= 0
        cells, times = np.unique(units[there] * size + code[there], return_counts=True)
        squares += np.bincount(
            cells // size, weights=times.astype(np.float64) ** 2, minlength=count
        )
    scale = np.minimum(1.0, bound / np.sqrt(np.maximum(squares, 1e-300)))
    weights = scale[units]
    return [
        np.bincount(code[code >= 0], weights=weights[code >= 0], minlength=size).astype(np.float64)
        for code, size in zip(codes, sizes)
    ]


def onto_simplex(counts: Floats) -> Floats:
    """Return the shares that are nearest to noisy counts: none below 0, together 1."""
    total = max(float(counts.sum()), 1e-9)
    flat = counts.ravel() / total if counts.sum() > 0 else np.full(counts.size, 1 / counts.size)
    ordered = np.sort(flat)[::-1]
    beyond = (np.cumsum(ordered) - 1) / np.arange(1, len(flat) + 1)
    last = np.flatnonzero(ordered > beyond)[-1]
    shares: Floats = np.maximum(flat - beyond[last], 0).reshape(counts.shape)
    return shares


def shrunk(shares: Floats, rows: Floats, columns: Floats, sigma: float) -> Floats:
    """Return shares of pairs, of which what may be noise is taken for independence.

    Parameters
    ----------
    shares : ndarray, shape (A, B)
        With noise.
    rows, columns : ndarray
        The shares of each side.
    sigma : float
        What the difference from independence is shrunk by.
    """
    alone = np.outer(rows, columns)
    apart = shares - alone
    kept = alone + np.sign(apart) * np.maximum(np.abs(apart) - sigma, 0)
    return fitted_margins(np.maximum(kept, 0), rows, columns)


def fitted_margins(shares: Floats, rows: Floats, columns: Floats, steps: int = 30) -> Floats:
    """Scale a table until its margins are as asked for (Deming & Stephan, 1940)."""
    shares = shares + 1e-7 * np.outer(rows, columns)
    for _ in range(steps):
        shares = shares * (rows / np.maximum(shares.sum(axis=1), 1e-12))[:, None]
        shares = shares * (columns / np.maximum(shares.sum(axis=0), 1e-12))[None, :]
    return shares


def inhabited(counts: Floats, sigma: float) -> tuple[int, int]:
    """Return the first cell that holds something, and the one after the last."""
    held = np.flatnonzero(counts > SETTINGS.sure * sigma)
    if not len(held):
        held = np.array([int(np.argmax(counts))])
    return int(held[0]), int(held[-1]) + 1
