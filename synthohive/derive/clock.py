"""Times of day written as ``hhmm``: arithmetic modulo a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, Floats
from synthohive.derive.base import Derivation, Modelled, Rng, Values
from synthohive.tables.numbers import as_numbers, from_numbers

__all__ = ["ClockDelay", "ClockTime", "minutes_of"]

DAY = 1_440


def minutes_of(numbers: Floats) -> Floats:
    """Return minutes since midnight of ``hhmm`` numbers; 2400 is midnight."""
    return (numbers // 100 * 60 + numbers % 100) % DAY


def _hhmm(minutes: Floats, *, late: bool = False) -> Floats:
    """Return ``hhmm`` numbers of minutes since any midnight, which is 2400 if `late`."""
    minutes = minutes % DAY
    numbers = minutes // 60 * 100 + minutes % 60
    return np.where((numbers == 0) & late, 2_400, numbers)


@dataclass(frozen=True)
class ClockTime(Derivation):
    """A time of day ``hhmm``, modelled in minutes: since midnight, or since another time.

    Attributes
    ----------
    base : str, optional
        The other time of day.
    late : bool
        Midnight is written 2400.
    least : int
        The minutes that are modelled are ``least … least + 1439``.
    delay : str, optional
        A column with exactly the minutes between the two; nothing is left to model.
    """

    named = ("base", "delay")
    base: Optional[str] = None
    delay: Optional[str] = None
    late: bool = False
    least: int = 0

    @property
    def whole(self) -> bool:
        """Whether the delay tells the time."""
        return self.delay is not None

    def _start(self, rows: pa.Table) -> Floats:
        if self.base is None:
            return np.zeros(len(rows))
        return minutes_of(as_numbers(rows.column(self.base)))

    def violations(self, rows: pa.Table) -> Bools:
        """Return the rows that hold no time of day, or not the one that the delay gives."""
        numbers = as_numbers(rows.column(self.target))
        wrong = (numbers % 100 >= 60) | (numbers < 0) | (numbers > 2_400)
        if self.delay is not None:
            passed = self._start(rows) + as_numbers(rows.column(self.delay))
            off = (minutes_of(numbers) - passed) % DAY
            wrong |= ~np.isnan(off) & (off != 0)
        return np.asarray(wrong, dtype=np.bool_)

    def encode(self, rows: pa.Table) -> pa.Array:
        """Return whole minutes."""
        passed = minutes_of(as_numbers(rows.column(self.target))) - self._start(rows)
        return from_numbers(self.least + (passed - self.least) % DAY, pa.int64())

    def decode(self, rows: pa.Table, rng: Rng = None) -> Values:
        """Return the time of day as ``hhmm``."""
        passed = as_numbers(rows.column(self.delay or self.target))
        return _hhmm(self._start(rows) + passed, late=self.late)

    def invert(self, rows: pa.Table, source: str, modelled: Modelled, rng: Rng) -> Optional[Values]:
        """Take the delay off the time, or the other time; see the base class."""
        minutes = minutes_of(as_numbers(rows.column(self.target)))
        if source == self.delay:
            drawn = as_numbers(rows.column(source))  # of the days, the one nearest to it
            off = minutes - self._start(rows) - drawn
            return np.asarray(drawn + (off + DAY / 2) % DAY - DAY / 2)
        delay = modelled if self.delay is None else rows.column(self.delay)
        return None if delay is None else _hhmm(minutes - as_numbers(delay))

    def __str__(self) -> str:
        if self.delay is not None:
            return f"{self.target} = {self.base} + {self.delay} minutes (hhmm)"
        return f"{self.target} is a time of day (hhmm)" + (f", after {self.base}" * bool(self.base))


@dataclass(frozen=True)
class ClockDelay(Derivation):
    """The minutes between two times of day ``hhmm``, in ``least … least + 1439``."""

    named = ("base", "time")
    base: str
    time: str
    least: int

    def _minutes(self, rows: pa.Table) -> Floats:
        base, time = (minutes_of(as_numbers(rows.column(c))) for c in self.needs)
        return self.least + (time - base - self.least) % DAY

    def violations(self, rows: pa.Table) -> Bools:
        """Return the rows with other minutes."""
        minutes = self._minutes(rows)
        off = as_numbers(rows.column(self.target)) - minutes
        return np.asarray(~np.isnan(off) & (off % DAY != 0), dtype=np.bool_)

    def decode(self, rows: pa.Table, rng: Rng = None) -> Values:
        """Calculate the minutes."""
        return self._minutes(rows)

    def invert(self, rows: pa.Table, source: str, modelled: Modelled, rng: Rng) -> Optional[Values]:
        """Add the minutes to one time, or take them off the other; see the base class."""
        minutes = as_numbers(rows.column(self.target))
        other, sign = (self.base, 1.0) if source == self.time else (self.time, -1.0)
        there = minutes_of(as_numbers(rows.column(other))) + sign * minutes
        return _hhmm(there)

    def __str__(self) -> str:
        return f"{self.target} = minutes from {self.base} to {self.time} (hhmm)"
