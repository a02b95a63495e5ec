"""Dates, times, timestamps and intervals."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, Codes, Floats32, IntArray
from synthohive.encoding.base import Summary, below, side_by_side
from synthohive.encoding.canonical import restore
from synthohive.encoding.encoded import Layout
from synthohive.encoding.modes import Modes
from synthohive.encoding.numeric import Numeric
from synthohive.encoding.value_counts import ValueCounts
from synthohive.schema.arrow_types import PER_SECOND

__all__ = ["Datetime"]

_SECONDS = (86_400, 43_200, 3_600, 1_800, 900, 600, 300, 60, 30, 10, 5, 1)
_MIN_DAYS = 4  # days, of fewer no hours are usual ones
_UNEVEN = 0.05  # Kolmogorov-Smirnov distance from even hours that is a pattern
_ALL_OF_A_DAY = 0.95  # of a day's rows, at one moment


@dataclass(eq=False)
class Datetime(Numeric):
    """Time as numbers of days or microseconds, on the coarsest natural grid.

    A timestamp whose time of day follows a pattern (opening hours) becomes two numbers:
    the day, and the time of day. Each has a code and a position. A day on which all is at one
    moment ("open end", 9999-12-31 23:59:59) decides the time, which is not drawn.
    """

    name = "datetime"
    hours_: Optional[Modes] = None
    moments_: IntArray = field(default_factory=lambda: np.zeros((2, 0), dtype=np.int64))
    """Such days and their times, by day."""

    @property
    def _per_day(self) -> int:
        type_ = self.column.arrow_type
        if type_ == pa.date32():
            return 1
        return 86_400 * PER_SECOND[getattr(type_, "unit", "ms")]

    def _natural(self) -> tuple[int, ...]:
        second = self._per_day // 86_400
        if not second:
            return (7, 1)
        small = [10**power for power in range(9, -1, -1) if 10**power <= second]
        return (*(s * second for s in _SECONDS), *small)

    def features(self, plain: pa.Array) -> dict[str, pa.Array]:
        """Count timestamps also by day and by time of day."""
        found = super().features(plain)
        if pa.types.is_timestamp(self.column.arrow_type):
            found["day"], found["hour"] = self._split(plain)
        return found

    def _split(self, plain: pa.Array) -> tuple[pa.Array, pa.Array]:
        numbers = plain.fill_null(0).to_numpy(zero_copy_only=False)
        # floored: before 1970, too, the time of day counts from midnight
        day, hour = np.divmod(numbers, self._per_day)
        null = plain.is_null().to_numpy(zero_copy_only=False)
        return pa.array(day, mask=null), pa.array(hour, mask=null)

    def fit(self, summary: Summary, seed: np.random.SeedSequence) -> Datetime:
        """Learn one number, or two if the time of day has a pattern."""
        if "day" not in summary.counts or not self._has_pattern(summary):
            super().fit(summary, seed)
            return self
        first, second = below(seed, 1), below(seed, 2)
        nulls, k = {"null": summary.nulls}, self.settings
        self.modes_ = Modes.fit(summary.counts["day"], nulls, k, first, natural=(7, 1))
        moments = self._moments(summary)
        self.moments_ = np.array(sorted(moments), dtype=np.int64).reshape(-1, 2).T
        hour = self._without(summary.counts["hour"], moments)
        top = self._per_day - 1
        natural = self._natural()
        self.hours_ = Modes.fit(hour, {}, k, second, limits=(0, top), natural=natural)
        return self

    def _moments(self, summary: Summary) -> dict[tuple[int, int], int]:
        """Return how often days with a code of their own hold one moment alone: day, time."""
        days, moments = summary.counts["day"], summary.value
        own = set(self.modes_.masses.to_pylist())
        of_day = dict(zip(days.values.to_pylist(), days.counts.tolist()))
        found = {}
        for row in np.flatnonzero(moments.holders >= self.settings.k):
            day, hour = divmod(int(moments.values[row].as_py()), self._per_day)
            count = int(moments.counts[row])
            if day in own and count >= _ALL_OF_A_DAY * of_day.get(day, np.inf):
                found[day, hour] = count
        return found

    @staticmethod
    def _without(hours: ValueCounts, moments: dict[tuple[int, int], int]) -> ValueCounts:
        """Return counts of times without those that are only of such moments."""
        often: Counter[int] = Counter()
        for (_, time), count in moments.items():
            often[time] += count
        times = zip(hours.values.to_pylist(), hours.counts.tolist())
        other = [i for i, (time, count) in enumerate(times) if count > often[time]]
        return hours.take(np.array(other, dtype=np.int64)) if other else hours

    def _decided(self, day: pa.Array) -> tuple[Bools, IntArray]:
        """Return the rows whose day decides the time, and that time."""
        days, hours = self.moments_
        numbers = day.fill_null(0).to_numpy(zero_copy_only=False)
        if not len(days):
            return np.zeros(len(day), dtype=np.bool_), np.zeros(len(day), dtype=np.int64)
        place = np.minimum(np.searchsorted(days, numbers), len(days) - 1)
        decided = (days[place] == numbers) & ~day.is_null().to_numpy(zero_copy_only=False)
        return decided, hours[place]

    def _has_pattern(self, summary: Summary) -> bool:
        hours, days = summary.counts["hour"], summary.counts["day"]
        if len(hours) < 2 or len(days) < _MIN_DAYS:
            return False
        # the Kolmogorov-Smirnov distance from times that are spread evenly over the day
        at = hours.values.to_numpy() / self._per_day
        order = np.argsort(at)
        seen = np.cumsum(hours.counts[order]) / hours.counts.sum()
        return bool(np.abs(seen - at[order]).max() > _UNEVEN)

    @property
    def layout(self) -> Layout:
        """The blocks of one number, or of two."""
        layout = super().layout
        if self.hours_ is None:
            return layout
        return Layout.concat([layout, self.hours_.layout(self.column.name)])

    def encode(self, values: pa.Array, rng: np.random.Generator) -> tuple[Codes, Floats32]:
        """Return modes and positions."""
        if self.hours_ is None:
            return super().encode(values, rng)
        day, hour = self._split(self.plain(values))
        codes, positions = self.modes_.encode(day, rng)
        # the time of day of a NULL row is any one, so that no block must hold a NULL; so is what
        # the day decides
        hour = pc.if_else(pa.array(self._decided(day)[0]), pa.scalar(None, pa.int64()), hour)
        hour_codes, hour_positions = self.hours_.encode(hour, rng)
        parts = [(codes[:, None], positions), (hour_codes[:, None], hour_positions)]
        return side_by_side(parts, len(codes))

    def decode(self, codes: Codes, values: Floats32, rng: np.random.Generator) -> pa.Array:
        """Return moments, put together where day and time are apart; see the base class."""
        if self.hours_ is None:
            return super().decode(codes, values, rng)
        width = 1 if self.modes_.active else 0
        day = self.modes_.decode(codes[:, 0], values[:, :width], rng)
        hour = self.hours_.decode(codes[:, 1], values[:, width:], rng)
        decided, times = self._decided(day)
        hour = pc.if_else(pa.array(decided), pa.array(times), hour)
        plain = pc.add(pc.multiply(day, self._per_day), hour)
        return restore(plain, self.column.arrow_type)
