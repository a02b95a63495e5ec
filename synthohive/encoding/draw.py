"""Vectorised drawing from discrete distributions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthohive._arrays import Floats, IntArray

__all__ = ["Stretches", "categorical", "proportions"]


def proportions(weights: npt.ArrayLike) -> Floats:
    """Scale weights to sum to one; all zero means all alike."""
    w = np.asarray(weights, dtype=np.float64)
    total = w.sum()
    return w / total if total > 0 else np.full(len(w), 1.0 / max(len(w), 1))


def categorical(weights: npt.ArrayLike, size: int, rng: np.random.Generator) -> IntArray:
    """Draw `size` indices with probabilities proportional to `weights`.

    Parameters
    ----------
    weights : array-like, shape (categories,)
        Not negative; they need not sum to one. All zero means all alike.
    size : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int64, shape (size,)
        From 0 to ``categories - 1``.
    """
    # without the last edge: where it is rounded below 1, a draw above it would be no category
    edges = np.cumsum(proportions(weights))[:-1]
    return np.searchsorted(edges, rng.random(size), side="right")


class Stretches:
    """Ascending edges of which each whole number has a stretch, from itself to the next one.

    Many draws from a few distributions, whose edges they are: a table says about where to look, so
    that most draws cost one look and none a search.

    Parameters
    ----------
    edges : ndarray of float64
        Ascending.
    count : int
        Of the whole numbers, from 0.
    """

    def __init__(self, edges: Floats, count: int) -> None:
        inside = np.diff(np.searchsorted(edges, np.arange(count + 1.0)))
        # two places for an edge: then the next one is hardly ever more than one edge away
        self._places = np.maximum(2 * inside, 1)
        self._first = np.cumsum(self._places) - self._places
        owner = np.repeat(np.arange(count), self._places)
        part = (np.arange(len(owner)) - self._first[owner]) / self._places[owner]
        # a little before where the place begins, as its number is rounded: who begins too early
        # looks once more, who began too late would be wrong
        self._begin = np.searchsorted(edges, owner + part - 1e-7)
        self._edges = np.append(edges, np.inf)

    def after(self, number: IntArray, part: Floats) -> IntArray:
        """Return the first edge beyond ``number + part``, with parts in [0, 1)."""
        place = self._first[number] + (part * self._places[number]).astype(np.int64)
        found: IntArray = self._begin[place]
        wanted = number + part
        todo = np.flatnonzero(self._edges[found] <= wanted)
        while len(todo):
            found[todo] += 1
            todo = todo[self._edges[found[todo]] <= wanted[todo]]
        return found
