"""Vectorised drawing from discrete distributions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthohive._arrays import Floats, IntArray

__all__ = ["categorical", "proportions"]


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
