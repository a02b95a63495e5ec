"""Rare values: what too few people share to be shown.

Dependency-free on purpose (numpy only); an *entity* is the root row that a row belongs to.
"""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

__all__ = ["protected_bounds", "rare_codes", "support"]


def support(
    codes: NDArray[np.integer[Any]],
    entities: Optional[NDArray[np.integer[Any]]] = None,
    size: int = 0,
) -> NDArray[np.int64]:
    """Return the number of distinct entities of each code ``0 … size - 1``.

    Negative codes (NULL) are left out. Without `entities` every row is one of its own.

    Examples
    --------
    >>> support(np.array([0, 0, 0, 1]), np.array([7, 7, 8, 7]))
    array([2, 1])
    """
    known = codes >= 0
    kept = codes[known].astype(np.int64)
    size = max(size, int(kept.max()) + 1 if len(kept) else 0)
    if entities is None:
        return np.bincount(kept, minlength=size)
    _, owner = np.unique(entities[known], return_inverse=True)
    span = int(owner.max()) + 1 if len(owner) else 1
    pairs = np.unique(kept * span + owner)
    return np.bincount(pairs // span, minlength=size)


def rare_codes(
    codes: NDArray[np.integer[Any]],
    entities: Optional[NDArray[np.integer[Any]]],
    k: int,
    size: int = 0,
) -> NDArray[np.bool_]:
    """Tell for each code whether fewer than `k` distinct entities have it.

    Examples
    --------
    >>> rare_codes(np.array([0, 0, 1, 1]), np.array([5, 5, 5, 6]), k=2)
    array([ True, False])
    """
    return np.asarray(support(codes, entities, size) < k, bool)


def protected_bounds(
    values: NDArray[Any], entities: Optional[NDArray[np.integer[Any]]], k: int
) -> tuple[Any, Any]:
    """Return bounds that `k` distinct entities reach at either end.

    The k-th lowest of the entities' lowest values, and the k-th highest of their highest:
    to be cut there tells nothing about any single one. With too few entities for that, both
    bounds are the median of what the entities reach.

    Examples
    --------
    >>> protected_bounds(np.array([1, 2, 3, 50, 99]), None, k=2)
    (2, 50)
    """
    if not len(values):
        raise ValueError("bounds of no values")
    lowest, highest = _extremes(values, entities)
    if len(lowest) >= k:
        low, high = np.partition(lowest, k - 1)[k - 1], np.partition(highest, -k)[-k]
        if low <= high:
            return low.item(), high.item()
    middle = np.sort(np.concatenate([lowest, highest]))[len(lowest)].item()
    return middle, middle


def _extremes(
    values: NDArray[Any], entities: Optional[NDArray[np.integer[Any]]]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the lowest and the highest value of each entity."""
    if entities is None:
        return values, values
    order = np.lexsort((values, entities))
    owners = entities[order]
    first = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]])
    last = np.r_[first[1:] - 1, len(owners) - 1]
    return values[order][first], values[order][last]
