"""Numbers and times on a line whose length is known without the data."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Floats
from synthohive.schema import Column, ColumnKind, Constraint

__all__ = ["Scale", "scale_of"]

_DAYS = {"s": 86_400, "ms": 86_400 * 10**3, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}
_FIRST, _LAST = (datetime.date(year, 1, 1).toordinal() - 719_163 for year in (1900, 2100))
_EXPONENTS = 64


@dataclass(frozen=True)
class Scale:
    """A column's values as floats, and these on a line from `low` to `high`.

    Attributes
    ----------
    column : Column
    step : float
        The least distance of two values; 0 where there is none.
    low, high : float
        Of the line.
    curved : bool
        The line is logarithmic on both sides of zero: sizes are found without knowing a bound.
    """

    column: Column
    step: float
    low: float
    high: float
    curved: bool

    def place(self, values: pa.ChunkedArray) -> Floats:
        """Return places on the line; NaN for NULL."""
        return np.clip(self._line(_floats(values)), self.low, self.high)

    def _line(self, values: Floats) -> Floats:
        if not self.curved:
            return values
        unit = self.step or 1e-3
        placed: Floats = np.sign(values) * np.log2(1 + np.abs(values) / unit)
        return placed

    def values(self, places: Floats) -> Floats:
        """Return the numbers at places, rounded as the column's are."""
        if self.curved:
            unit = self.step or 1e-3
            places = np.sign(places) * (np.exp2(np.abs(places)) - 1) * unit
        return np.round(places / self.step) * self.step if self.step else places

    def edges(self, low: float, high: float, parts: int) -> Floats:
        """Return the inner edges of a cell that is split; none where it holds but one value."""
        inner = np.linspace(low, high, parts + 1)[1:-1]
        if self.step and np.ptp(self.values(np.array([low, high]))) <= self.step:
            middle = self.values(np.array([low, high])).mean()  # between two neighbours
            cut = self._line(np.array([middle]))
            return cut[(cut > low + 1e-9) & (cut < high - 1e-9)]
        return inner

    def array(self, values: Floats, null: Any) -> pa.Array:
        """Return values as the column's type; NULL where `null` is true."""
        type_ = self.column.arrow_type
        if pa.types.is_decimal(type_):
            scaled = np.round(values / self.step).astype(np.int64)
            from decimal import Decimal

            texts = [Decimal(int(v)).scaleb(-(self.column.scale or 0)) for v in scaled]
            return pa.array([None if n else t for n, t in zip(null, texts)], type_)
        if pa.types.is_floating(type_):
            return pa.array(values, type_, mask=null)
        width = pa.types.is_date32(type_) or pa.types.is_time32(type_)
        # the far end of the line lies beyond what the type holds
        bits = _bits(type_)
        values = np.clip(np.round(values), -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) * (1 - 1e-9))
        whole = pa.array(values.astype(np.int32 if width else np.int64), mask=null)
        return pc.cast(whole, type_)


def scale_of(column: Column, bounds: Optional[Constraint]) -> Scale:
    """Return the line of a column, between declared bounds where there are both."""
    type_ = column.arrow_type
    step = _step(column)
    if bounds is not None and bounds.min is not None and bounds.max is not None:
        half = step / 2
        return Scale(column, step, bounds.min - half, bounds.max + half, False)
    if pa.types.is_date(type_) or pa.types.is_timestamp(type_):
        day = 1 if pa.types.is_date32(type_) else _DAYS[getattr(type_, "unit", "ms")]
        return Scale(column, step, _FIRST * day, _LAST * day, False)
    if pa.types.is_time(type_):
        return Scale(column, step, 0.0, float(_DAYS[type_.unit]), False)
    return Scale(column, step, -float(_EXPONENTS), float(_EXPONENTS), True)


def _bits(type_: pa.DataType) -> int:
    """Return how many bits a whole number has, at most those that floats tell apart."""
    unsigned = pa.types.is_unsigned_integer(type_)
    return min(int(type_.bit_width) + int(unsigned), 63)


def _step(column: Column) -> float:
    type_ = column.arrow_type
    if pa.types.is_floating(type_):
        return 0.0
    if pa.types.is_decimal(type_):
        return float(10.0 ** -(column.scale if column.scale is not None else type_.scale))
    if column.kind in (ColumnKind.TIMESTAMP, ColumnKind.TIME):
        return float(_DAYS[type_.unit] // 86_400)  # seconds
    return 1.0


def _floats(values: pa.ChunkedArray) -> Floats:
    type_ = values.type
    if pa.types.is_temporal(type_):
        width = pa.types.is_date32(type_) or pa.types.is_time32(type_)
        values = pc.cast(pc.cast(values, pa.int32() if width else pa.int64()), pa.float64(), False)
    found: Floats = np.asarray(pc.cast(values, pa.float64(), False), dtype=np.float64)
    return np.where(np.isfinite(found), found, np.nan)
