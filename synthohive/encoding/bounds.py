"""Which single values and which extremes of a column may be shown."""

from __future__ import annotations

import math
from typing import Any, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import AnyArray, Bools, IntArray
from synthohive.encoding.base import EncoderSettings
from synthohive.encoding.value_counts import ValueCounts
from synthohive.privacy.entities import protected_end

__all__ = ["far_away", "point_masses", "protected_bounds"]


_MAX_MASSES = 20  # codes of their own; more would outnumber the modes
_MIN_SHARE = 0.02  # of rows: what is rarer is one of many values of a mode
_SENTINEL_SHARE = 0.0005  # of rows: an "open end" far from the rest may be rare
_FAR = 3.0  # times twice the distance of the quartiles: Tukey's fences for what is far out
_OVERLAPPING = 4  # times k: of fewer values, both ends are the same few
_MAX_LISTED = 500  # values of a list, as of prices
_MIN_LISTED = 0.9  # of rows that take their value from it


def point_masses(
    value_counts: ValueCounts, numbers: AnyArray, settings: EncoderSettings
) -> tuple[pa.Array, AnyArray]:
    """Return the values that get a code of their own, and their counts.

    A value is a point mass where it is much more frequent than the typical value, or lies far
    outside the rest, like a 9999-12-31 that means "open end"; and only if at least `k`
    entities hold it. So are all on a list from which nearly all rows take theirs, like
    prices of a few hundred goods.

    Parameters
    ----------
    value_counts : ValueCounts
    numbers : ndarray of int64 or float64, shape (values,)
        The same in units.
    settings : EncoderSettings
        `k`, and how many codes a list may have.

    Returns
    -------
    values : pyarrow.Array
        Plain values, ascending.
    counts : ndarray of int64, shape (point masses,)
        Rows that hold each.
    """
    counts = value_counts.counts
    share = counts / max(int(counts.sum()), 1)
    # four times an even share, or a fifth of the rows: of few values, none has four times that
    massive = share >= max(_MIN_SHARE, min(4.0 / max(len(counts), 1), 0.2))
    massive |= (share >= _SENTINEL_SHARE) & far_away(numbers)
    massive &= value_counts.holders >= settings.k
    index = np.flatnonzero(massive)
    index = index[np.argsort(-counts[index], kind="stable")][:_MAX_MASSES]
    # a model that wants modes sees one-hot codes, of which many are slow
    most = _MAX_LISTED if settings.max_modes == 1 else settings.embedding_threshold
    index = np.union1d(index, _listed(value_counts, numbers, settings.k, most))
    index = index[np.argsort(numbers[index], kind="stable")]
    return value_counts.values.take(pa.array(index, type=pa.int64())), counts[index]


def _listed(value_counts: ValueCounts, numbers: AnyArray, k: int, most: int) -> IntArray:
    """Return the values of a list without a regular grid, each held by `k` entities; or none."""
    none = np.empty(0, dtype=np.int64)
    index = np.flatnonzero(value_counts.holders >= k)
    held = value_counts.counts[index].sum() / max(int(value_counts.counts.sum()), 1)
    if not 1 < len(index) <= most or held < _MIN_LISTED:
        return none
    if numbers.dtype == np.int64:
        # of which half is taken is a grid of ordinary numbers; floats, as the sum may exceed int64
        gaps = np.diff(np.sort(numbers[index])).astype(np.float64)
        step = np.gcd.reduce(gaps.astype(np.int64))
        if 2 * len(index) > gaps.sum() / step:
            return none
    return index


def far_away(numbers: AnyArray) -> Bools:
    """Return which of some distinct values lie far from the rest, with nothing between.

    Each counts once: where most rows have no end, 9999-12-31 is still no usual date.
    """
    if len(numbers) < 10:
        return np.zeros(len(numbers), dtype=bool)
    floats = numbers.astype(np.float64)
    first, last = np.quantile(floats, [0.25, 0.75])
    reach = _FAR * 2 * (last - first)
    outside: Bools = (floats < first - reach) | (floats > last + reach)
    if outside.any() and not outside.all():
        # a long tail is no sentinel: there must be a gap before it
        usual = floats[~outside]
        gap = (floats < usual.min() - reach) | (floats > usual.max() + reach)
        outside &= gap
    found: Bools = outside & (reach > 0)
    return found


def protected_bounds(
    value_counts: ValueCounts,
    numbers: AnyArray,
    k: int,
    limits: tuple[int, int],
    grid: tuple[int, int] = (1, 0),
) -> tuple[Any, Any, bool]:
    """Return lower and upper bound, and whether `k` entities stand behind them.

    The bounds cut the extremes of the `k - 1` most extreme entities on each side. A
    bound is itself a real value only where `k` entities share it. Of about three times `k`
    values, what is left on both sides is the same few: the bounds would meet, and all values be
    one. They are then as far apart as the quartiles, to one digit.

    Parameters
    ----------
    value_counts : ValueCounts
        Of values that are no point masses.
    numbers : ndarray of int64 or float64, shape (values,)
        The same in units.
    k : int
    limits : (int, int)
        What the column can hold, in units.
    grid : (int, int)
        Step and offset of whole numbers, in units.

    Returns
    -------
    low, high : int or float
        In units.
    enough : bool
        False: too few entities; the bounds say no more than the order of magnitude.
    """
    order = np.argsort(numbers, kind="stable")
    low, high = (_edge(value_counts, numbers, at, k, grid) for at in (order, order[::-1]))
    if low is not None and high is not None:
        low, high = min(low, high), max(low, high)
        lacking = _spread(numbers) - float(high - low)
        if lacking > 0 and len(numbers) < _OVERLAPPING * k:
            step = grid[0] if numbers.dtype == np.int64 else 0
            moved = max(round(lacking / 2 / step), 1) * step if step else lacking / 2
            return max(low - moved, limits[0]), min(high + moved, limits[1]), True
        return low, high, True
    if not len(numbers):
        zero = 0 if numbers.dtype == np.int64 else 0.0
        return min(max(zero, limits[0]), limits[1]), max(zero, limits[0]), False
    bottom, top = _coarse(numbers)
    least, most = limits
    if numbers.dtype == np.int64:
        return max(int(bottom), least), min(int(top), most), False
    return max(bottom, float(least)), min(top, float(most)), False


def _spread(numbers: AnyArray) -> float:
    """Return the distance of the quartiles, to one digit: the value of nobody."""
    first, last = np.quantile(numbers.astype(np.float64), [0.25, 0.75])
    size = float(last - first)
    unit = 10.0 ** math.floor(math.log10(size)) if 0 < size < math.inf else 1.0
    return math.floor(size / unit) * unit if math.isfinite(size) else 0.0


def _edge(
    value_counts: ValueCounts, numbers: AnyArray, order: IntArray, k: int, grid: tuple[int, int]
) -> Optional[Any]:
    """Return the protected end at which the order begins; None where too few entities are."""
    value_counts, numbers = value_counts.take(order), numbers[order]
    at = value_counts.passed(k)
    return None if at is None else protected_end(numbers, value_counts.holders, at, k, grid)


def _coarse(numbers: AnyArray) -> tuple[float, float]:
    """Return bounds that tell only the order of magnitude, and are no value themselves."""
    bottom, top = float(numbers.min()), float(numbers.max())
    # always one unit further: an end that is a round number would be shown otherwise
    size = max(top - bottom, abs(top), abs(bottom))
    unit = 10.0 ** math.floor(math.log10(size)) if size > 0 else 1.0
    low = (math.ceil(bottom / unit) - 1) * unit
    return 0.0 if low < 0 <= bottom else low, (math.floor(top / unit) + 1) * unit
