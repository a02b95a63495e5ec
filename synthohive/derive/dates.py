"""Dates of a series: places in one calendar, which all things of a panel share.

Weeks end on Fridays, months have 28 to 31 days, exchanges rest on holidays. So that series have
dates of the calendar and no other, what is modelled is the place in it: from one row to the next it
is one place farther, whatever lies between, unless there is a real gap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive.derive.base import Derivation, Rng, Values
from synthohive.derive.hours import DAY
from synthohive.privacy.entities import Entities
from synthohive.tables.joins import group_codes
from synthohive.tables.numbers import as_numbers, from_numbers, is_time, step_of

__all__ = ["CalendarPlace", "calendar_of", "skips_days"]

MOST_DATES = 5_000
LEAST_KEPT = 0.95
"""Share of the rows whose dates enough entities share; where it is less, dates are no calendar."""
SKIPPED = 0.2
"""Share of the days between the first and the last, at least, that are no dates of a calendar."""


@dataclass(frozen=True)
class CalendarPlace(Derivation):
    """A date by its place in a calendar.

    Attributes
    ----------
    dates : tuple of float
        As numbers, ascending: those that enough entities share.
    """

    named = ()
    dates: tuple[float, ...]

    whole = strict = False  # the place is modelled

    def encode(self, rows: pa.Table) -> pa.Array:
        """Return the place of each date, of one that few share the nearest before it."""
        numbers = as_numbers(rows.column(self.target))
        places = np.searchsorted(np.array(self.dates), numbers, side="right") - 1.0
        return from_numbers(np.maximum(np.where(np.isnan(numbers), np.nan, places), 0), pa.int64())

    def decode(self, rows: pa.Table, rng: Rng = None) -> Values:
        """Return the dates of places."""
        places = as_numbers(rows.column(self.target))
        at = np.clip(np.nan_to_num(places), 0, len(self.dates) - 1).astype(np.int64)
        return np.where(np.isnan(places), np.nan, np.array(self.dates)[at])

    def __str__(self) -> str:
        return f"{self.target} is one of {len(self.dates):,} dates"


def calendar_of(
    name: str, column: pa.ChunkedArray, entities: Entities, k: int
) -> Optional[CalendarPlace]:
    """Return the calendar of a column; None where few entities share its dates.

    Parameters
    ----------
    name : str
    column : pyarrow.ChunkedArray
        Without NULL.
    entities : Entities
        Those behind the rows.
    k : int
        Who must share a date.

    Examples
    --------
    >>> import datetime
    >>> fridays = [datetime.date(2024, 1, 5), datetime.date(2024, 1, 12)] * 5
    >>> print(calendar_of("week", pa.chunked_array([fridays]), Entities(10), 5))
    week is one of 2 dates
    """
    codes = group_codes([pa.table({name: column})], [[name]])[0]
    _, first = np.unique(codes, return_index=True)
    shared = entities.holders(codes) >= k
    if not 1 < len(first) <= MOST_DATES or shared[codes].mean() < LEAST_KEPT:
        return None
    dates = np.sort(as_numbers(column.take(pa.array(first[shared]))))
    return CalendarPlace(name, tuple(dates.tolist()))


def skips_days(column: pa.ChunkedArray) -> bool:
    """Whether dates leave out days that gaps would lead to: weekends, all but the first of months.

    Examples
    --------
    >>> import datetime
    >>> skips_days(pa.chunked_array([[datetime.date(2024, month, 1) for month in range(1, 13)]]))
    True
    """
    if not is_time(column.type) or column.null_count or step_of(column) != DAY:
        return False
    days = np.unique(as_numbers(column)) / DAY
    return len(days) > 1 and bool(len(days) <= (1.0 - SKIPPED) * (days[-1] - days[0] + 1.0))
