"""Columns as numbers to calculate with: times in seconds, all else as it is."""

from __future__ import annotations

from decimal import Context, Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.encoding.canonical import canonical, restore
from synthohive.encoding.units import Units
from synthohive.schema.arrow_types import PER_SECOND, limits

__all__ = [
    "Floats",
    "as_numbers",
    "from_numbers",
    "multiple_of",
    "is_number",
    "is_time",
    "nulls",
    "step_of",
]

_WIDE = 2.0**62
_LAST = 2**63 - 1024
_DIGITS = range(7)
_UNITS = (86_400.0, 3_600.0, 60.0)
_PROOF = 10  # distinct numbers: few are multiples of something by chance


def is_time(type_: pa.DataType) -> bool:
    """Whether values are points in time, in seconds since 1970."""
    return bool(pa.types.is_date32(type_) or pa.types.is_timestamp(type_))


def is_number(type_: pa.DataType) -> bool:
    """Whether values can be calculated with."""
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, is_time)
    return any(test(type_) for test in tests)


def nulls(array: pa.ChunkedArray) -> Bools:
    """Return where a column is NULL."""
    return np.asarray(pc.is_null(array).to_numpy(zero_copy_only=False), dtype=np.bool_)


def _told(type_: pa.DataType) -> tuple[int, int]:
    """Return what is counted of a second, and units of the type in it.

    Floats of seconds since 1970 lie 0.24 microseconds apart: their nanoseconds would be noise.
    """
    told = min(PER_SECOND[type_.unit], PER_SECOND["us"])
    return told, PER_SECOND[type_.unit] // told


def _to_seconds(whole: IntArray, type_: pa.DataType) -> Floats:
    """Return points in time in seconds; whole ones exactly."""
    told, units = (1, 1) if pa.types.is_date32(type_) else _told(type_)
    # Divided, not multiplied: no float is 1 / 1000, and midnight would be off by a rounding error.
    seconds: Floats = (whole // units).astype(np.float64) / told
    return seconds * 86_400.0 if pa.types.is_date32(type_) else seconds


def _from_seconds(seconds: Floats, type_: pa.DataType) -> IntArray:
    """Undo :func:`_to_seconds`, rounded to whole units."""
    if pa.types.is_date32(type_):
        return _whole(seconds / 86_400.0, type_)
    told, units = _told(type_)
    return _whole(seconds * told, type_, units) * units


def _whole(numbers: Floats, type_: pa.DataType, units: int = 1) -> IntArray:
    """Round to whole numbers that `type_` can hold so many units of."""
    low, high = limits(type_)
    # A float at the very end of int64 would be cast to its other end; 1024 below is the next one.
    bounds = max(low, -_LAST) // units + (units > 1), min(high, _LAST) // units
    return np.clip(np.rint(numbers), *bounds).astype(np.int64)


def as_numbers(array: pa.ChunkedArray) -> Floats:
    """Return the values of a column as floats; NaN for NULL."""
    type_ = array.type
    plain = canonical(array, type_)
    if pa.types.is_decimal(type_):
        units = Units.learn(plain.drop_null(), False)
        numbers = (units.of(plain) + float(units.base)) / 10.0**type_.scale
    else:
        whole = plain.fill_null(0).to_numpy(zero_copy_only=False)
        numbers = _to_seconds(whole, type_) if is_time(type_) else whole.astype(np.float64)
    # Infinity is no number to calculate with: it counts as unknown.
    return np.where(nulls(array) | ~np.isfinite(numbers), np.nan, numbers)


def from_numbers(numbers: Floats, type_: pa.DataType) -> pa.Array:
    """Undo :func:`as_numbers`: NaN becomes NULL, the rest is rounded to what `type_` holds."""
    null = np.isnan(numbers)
    numbers = np.where(null, 0.0, numbers)
    if pa.types.is_floating(type_):
        return pa.array(numbers, mask=null).cast(type_)
    if is_time(type_):
        return restore(pa.array(_from_seconds(numbers, type_), mask=null), type_)
    if not pa.types.is_decimal(type_):
        return restore(pa.array(_whole(numbers, type_), mask=null), type_)
    scale = 10.0**type_.scale
    if (np.abs(numbers * scale) >= _WIDE).any():
        low, high = limits(type_)
        return _wide_decimals(np.clip(numbers, low / scale, high / scale), null, type_)
    return Units(type_).back(_whole(numbers * scale, type_), null)


def _wide_decimals(numbers: Floats, null: Bools, type_: pa.DataType) -> pa.Array:
    """Return decimals of more digits than int64 has: what all floats tell apart."""
    last, digits = Decimal(1).scaleb(-type_.scale), Context(prec=type_.precision + 1)
    values = [Decimal(f"{x:.15g}").quantize(last, context=digits) for x in numbers.tolist()]
    top = Decimal(10**type_.precision - 1).scaleb(-type_.scale, context=digits)
    values = [min(max(value, top.copy_negate()), top) for value in values]
    return pa.array([None if n else v for v, n in zip(values, null.tolist())], type_)


def step_of(array: pa.ChunkedArray) -> float:
    """Return the distance of neighbouring values: 1, 0.01, a day; 0 where there is none.

    Moments that are all whole days, hours or minutes stay such: where all are at midnight, so are
    those that are made from distances.
    """
    type_ = array.type
    if pa.types.is_integer(type_):
        return 1.0
    if pa.types.is_decimal(type_):
        return float(10.0**-type_.scale)
    if pa.types.is_date32(type_):
        return 86_400.0
    values = as_numbers(array)
    values = values[~np.isnan(values)]
    for span in _UNITS if is_time(type_) and len(values) else ():
        if not (values % span).any():
            return span
    for digits in _DIGITS:
        if np.allclose(values, np.round(values, digits), rtol=1e-12, atol=1e-9):
            return 10.0**-digits
    return 0.0


def multiple_of(array: pa.ChunkedArray) -> float:
    """Return the grid of a column, or what all its numbers are multiples of.

    Examples
    --------
    >>> multiple_of(pa.chunked_array([[n * 100 for n in range(3, 40)]]))
    100.0
    """
    step = step_of(array)
    if not step or is_time(array.type):
        return step
    numbers = as_numbers(array) / step
    # Beyond 2^62, whole numbers fit no int64, and floats have gaps wider than a step.
    distinct = np.unique(numbers[~np.isnan(numbers)])
    if len(distinct) < _PROOF or np.abs(distinct).max() >= _WIDE:
        return step
    return step * max(int(np.gcd.reduce(np.rint(distinct).astype(np.int64))), 1)
