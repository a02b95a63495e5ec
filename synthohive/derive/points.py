"""Point masses: values that stand for something else than a place on the scale.

"No end" is written 9999-12-31, "not known" -1 or 1900-01-01. Between such a value and another one
there is no distance that tells anything, so these are set aside before any distance is taken.
"""

from __future__ import annotations

import datetime as dt

import numpy as np

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.encoding.bounds import far_away
from synthohive.privacy.entities import Entities

__all__ = ["at_points", "heaviest", "middle_fifth", "most_frequent", "point_masses", "regular"]

MOST = 3
"""Point masses of one column."""
LEAST_SHARE = 0.0005
OFTEN = 4.0
"""A value that is usual for "not known" stands out if it is so many times the typical one."""
_DAYS = [
    (dt.date(*day).toordinal() - dt.date(1970, 1, 1).toordinal()) * 86_400.0
    for day in ((1, 1, 1), (1000, 1, 1), (1753, 1, 1), (1899, 12, 30), (1899, 12, 31),
                (1900, 1, 1), (1970, 1, 1), (2099, 12, 31), (2100, 1, 1), (2999, 12, 31),
                (9999, 1, 1), (9999, 12, 30), (9999, 12, 31))
]  # fmt: skip
_NINES = [sign * (10.0**digits - 1.0) for digits in range(1, 13) for sign in (-1, 1)][3:]
_NUMBERS = [-1.0, -9.0, *_NINES]


def point_masses(numbers: Floats, entities: Entities, k: int, *, time: bool) -> tuple[float, ...]:
    """Return the values of a column that are no places on its scale, the most frequent first.

    They lie far from all others, with nothing between; or at an end of the scale, much more
    frequent than its other values, and are known to be used so. At least `k` entities share them.

    Parameters
    ----------
    numbers : ndarray of float64
        NaN for NULL.
    time : bool
        They are points in time, in seconds since 1970.

    Examples
    --------
    >>> ages = np.array([*range(20, 60), -1, -1, -1, -1, -1])
    >>> point_masses(ages.astype(float), Entities(45), 5, time=False)
    (-1.0,)
    """
    known = np.flatnonzero(~np.isnan(numbers))
    values, codes, counts = np.unique(numbers[known], return_inverse=True, return_counts=True)
    if len(values) < 2:
        return ()
    found = far_away(values) & (counts >= LEAST_SHARE * len(known))
    # Such values stand at an end of the scale: as the least, or as the greatest.
    for end in (0, -1):
        found[end] |= _usual(values, counts, end, time)
    if not found.any() or found.sum() > MOST:
        return ()
    holders = entities.take(known).holders(codes.reshape(-1), len(values))
    kept = np.flatnonzero(found & (holders >= k))
    return tuple(values[kept[np.argsort(-counts[kept], kind="stable")]].tolist())


def _usual(values: Floats, counts: IntArray, end: int, time: bool) -> bool:
    """Whether the value at an end of the scale is one that usually means "none"."""
    if time:
        days = np.floor(values[end] / 86_400.0) * 86_400.0
        named = days in _DAYS
    else:
        named = values[end] in _NUMBERS and (values[end] > 0 or (values < 0).sum() == 1)
    return bool(named and counts[end] >= OFTEN * np.median(counts))


def at_points(numbers: Floats, points: tuple[float, ...]) -> Bools:
    """Return in which rows a column holds one of its point masses."""
    return np.isin(numbers, points) if points else np.zeros(len(numbers), dtype=np.bool_)


def regular(numbers: Floats, points: tuple[float, ...]) -> Floats:
    """Return numbers without point masses: NaN there."""
    return np.where(np.isin(numbers, points), np.nan, numbers) if points else numbers


def heaviest(values: Floats) -> float:
    """Return the share of the most frequent value."""
    return float(np.unique(values, return_counts=True)[1].max()) / len(values)


def most_frequent(values: Floats) -> float:
    """Return the most frequent value; of several, the least."""
    found, counts = np.unique(values, return_counts=True)
    return float(found[counts.argmax()])


def middle_fifth(values: Floats) -> float:
    """Return the mean of the values around the median, which is somebody's own value."""
    return float(np.sort(values)[len(values) * 2 // 5 : len(values) * 3 // 5 + 1].mean())
