"""Numbers as far as generated rows reach: the extremes of few entities are cut there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["within_reach"]

IntArray = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def within_reach(numbers: Floats, entities: IntArray, k: int) -> Floats:
    """Pull in the `k` entities with the most extreme values on each side; NaN stays.

    Else a threshold could lie where no generated row ever comes.
    """
    known = np.flatnonzero(~np.isnan(numbers))
    order = known[np.argsort(numbers[known], kind="stable")]
    low, high = (_inner(numbers[side], entities[side], k) for side in (order, order[::-1]))
    return np.clip(numbers, low, high) if low < high else numbers


def _inner(numbers: Floats, entities: IntArray, k: int) -> float:
    """Return the value at which more than `k` entities have been passed."""
    first = np.sort(np.unique(entities, return_index=True)[1])
    return float(numbers[first[k]]) if len(first) > k else float("nan")
