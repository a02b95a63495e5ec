"""Dates, times, timestamps and intervals."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.core.data.base import EncoderSettings, Summary
from synthohive.core.data.canonical import restore
from synthohive.core.data.encoded import Layout
from synthohive.core.data.modes import Modes
from synthohive.core.data.numeric import Numeric
from synthohive.core.data.tally import Tally

__all__ = ["Datetime"]

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_SECONDS = (86_400, 43_200, 3_600, 1_800, 900, 600, 300, 60, 30, 10, 5, 1)
_MIN_DAYS = 4
_UNEVEN = 0.05


class Datetime(Numeric):
    """Time as numbers of days or microseconds, on the coarsest natural grid.

    A timestamp whose time of day follows a pattern (opening hours) becomes two numbers:
    the day, and the time of day. Each has a code and a position.
    """

    name = "datetime"
    hours_: Optional[Modes] = None

    @property
    def _per_day(self) -> int:
        type_ = self.column.arrow_type
        if type_ == pa.date32():
            return 1
        return 86_400 * _PER_SECOND[getattr(type_, "unit", "ms")]

    def _natural(self) -> tuple[int, ...]:
        second = self._per_day // 86_400
        if not second:
            return (7, 1)
        small = [10**power for power in range(9, -1, -1) if 10**power <= second]
        return (*(s * second for s in _SECONDS), *small)

    def features(self, plain: pa.Array) -> dict[str, pa.Array]:
        """Tally timestamps also by day and by time of day."""
        found = super().features(plain)
        if pa.types.is_timestamp(self.column.arrow_type):
            found["day"], found["hour"] = self._split(plain)
        return found

    def _split(self, plain: pa.Array) -> tuple[pa.Array, pa.Array]:
        numbers = plain.fill_null(0).to_numpy(zero_copy_only=False)
        day, hour = np.divmod(numbers, self._per_day)
        null = plain.is_null().to_numpy(zero_copy_only=False)
        return pa.array(day, mask=null), pa.array(hour, mask=null)

    def fit(self, summary: Summary, seed: np.random.SeedSequence) -> Datetime:
        """Learn one number, or two if the time of day has a pattern."""
        if "day" not in summary or not self._has_pattern(summary):
            super().fit(summary, seed)
            return self
        first, second = (
            np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, part))
            for part in (1, 2)
        )
        rows = summary["rows"] - summary["nulls"]
        day, hour = ({**summary[part], "rows": rows} for part in ("day", "hour"))
        nulls = {"null": summary["nulls"]}
        k = self.settings
        self.modes_ = Modes.fit(day, nulls, pa.int64(), k, first, natural=(7, 1))
        top = self._per_day - 1
        natural = self._natural()
        self.hours_ = Modes.fit(hour, {}, pa.int64(), k, second, limits=(0, top), natural=natural)
        return self

    def _has_pattern(self, summary: Summary) -> bool:
        hours = Tally.from_dict(summary["hour"]["sample"], pa.int64())
        days = Tally.from_dict(summary["day"]["sample"], pa.int64())
        if len(hours) < 2 or len(days) < _MIN_DAYS:
            return False
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

    def encode(
        self, values: pa.Array, rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Return modes and positions."""
        if self.hours_ is None:
            return super().encode(values, rng)
        day, hour = self._split(self.plain(values))
        codes, positions = self.modes_.encode(day, rng)
        # the time of day of a NULL row is any one, so that no block must hold a NULL
        hour_codes, hour_positions = self.hours_.encode(hour, rng)
        return (
            np.stack([codes, hour_codes], axis=1),
            np.concatenate([positions, hour_positions], axis=1),
        )

    def decode(
        self,
        codes: npt.NDArray[np.int32],
        values: npt.NDArray[np.float32],
        rng: np.random.Generator,
    ) -> pa.Array:
        """Return values of the column's type."""
        if self.hours_ is None:
            return super().decode(codes, values, rng)
        width = 1 if self.modes_.active else 0
        day = self.modes_.decode(codes[:, 0], values[:, :width], rng)
        hour = self.hours_.decode(codes[:, 1], values[:, width:], rng)
        plain = pc.add(pc.multiply(day, self._per_day), hour)
        return restore(plain, self.column.arrow_type)

    def to_state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Return what was learned."""
        state, arrays = super().to_state()
        if self.hours_ is not None:
            hours, more = self.hours_.to_state()
            state = {**state, "hours": hours}
            arrays = {**arrays, **{f"hours.{name}": array for name, array in more.items()}}
        return state, arrays

    @classmethod
    def from_state(
        cls,
        column: Any,
        settings: EncoderSettings,
        state: dict[str, Any],
        arrays: dict[str, npt.NDArray[Any]],
    ) -> Datetime:
        """Rebuild a fitted transform."""
        transform = cls(column, settings)
        transform.modes_ = Modes.from_state(pa.int64(), state, arrays)
        if "hours" in state:
            cut = len("hours.")
            more = {n[cut:]: a for n, a in arrays.items() if n.startswith("hours.")}
            transform.hours_ = Modes.from_state(pa.int64(), state["hours"], more)
        return transform
