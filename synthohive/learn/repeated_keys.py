"""Numbers that can only be keys: whole numbers that all are keys of another table by no chance."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["are_keys"]

_LEAST = 10
"""Different numbers that tell something."""
_CHANCE = 1e-3
"""Of numbers between the same bounds to hit keys only."""
_LEAST_KEYS = 20
"""Keys that leave no gap, and begin at 1, must be so many: there are 12 months and 7 days."""
_COVERED = 0.5
"""Share of such keys that must occur."""
_END = 0.02
"""Share of such keys that may lie beyond the largest number: an amount would end elsewhere."""


def are_keys(values: pa.ChunkedArray, keys: pa.ChunkedArray) -> bool:
    """Tell whether numbers are keys of a table, though nothing calls them so.

    All of them must be keys, and some repeat. Where keys leave gaps, numbers would hit these by
    chance. Where they leave none but begin far from 1, hardly anything else lies between the
    same bounds. Keys that count from 1 are like any small numbers: at least half of them must
    occur, and the numbers must end where the keys end.

    Examples
    --------
    >>> people = pa.chunked_array([range(1, 81)])
    >>> are_keys(pa.chunked_array([[*range(1, 80, 2), 79, 80]]), people)
    True
    >>> are_keys(pa.chunked_array([[1, 2, 3, 4, 5] * 50]), people)  # a quantity
    False
    >>> are_keys(pa.chunked_array([[*range(18, 66)] * 2]), people)  # an age
    False
    """
    known = values.drop_null()
    try:
        found = np.asarray(pc.unique(known).cast(pa.int64()))
        every = np.unique(np.asarray(keys.drop_null().cast(pa.int64())))
    except pa.ArrowInvalid:  # fractions
        return False
    if not _LEAST <= len(found) < len(known) or not np.isin(found, every).all():
        return False
    low, high = int(found.min()), int(found.max())
    between = int(((every >= low) & (every <= high)).sum())
    # of as many numbers drawn between the same bounds, the chance that all of them hit a key
    if (between / (high - low + 1)) ** len(found) <= _CHANCE:
        return True
    if int(every[0]) > len(every):
        return True
    enough = len(every) >= _LEAST_KEYS and len(found) >= _COVERED * len(every)
    return enough and int((every > high).sum()) <= _END * len(every)
