"""Calendar parts beside a date: ``month = month(day)``, the date from its parts, or in a year."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, Floats
from synthohive.derive.base import Derivation, Modelled, Rng, Values
from synthohive.derive.order import Order
from synthohive.derive.years import years_of
from synthohive.io.questions import CannotAsk, Terms
from synthohive.tables.numbers import as_numbers, from_numbers

__all__ = [
    "PARTS",
    "CalendarDate",
    "CalendarPart",
    "DateInYear",
    "can_hold",
    "compose",
    "named_parts",
    "part_of",
]

_NUMBERS: dict[str, Any] = {
    "year": pc.year,
    "quarter": pc.quarter,
    "month": pc.month,
    "day": pc.day,
    "hour": pc.hour,
    "minute": pc.minute,
    "second": pc.second,
    "day of year": pc.day_of_year,
    "week": pc.iso_week,
    "weekday from 0 = Monday": pc.day_of_week,
    "weekday from 1 = Monday": lambda a: pc.add(pc.day_of_week(a), 1),
    "weekday from 0 = Sunday": lambda a: pc.day_of_week(a, week_start=7),
    "weekday from 1 = Sunday": lambda a: pc.add(pc.day_of_week(a, week_start=7), 1),
}
_TEXTS = ("%Y-%m-%d", "%Y-%m", "%Y%m%d", "%Y%m", "%Y", "%B", "%b", "%A", "%a", "%m", "%d", "%H")
_JOINED = ("%Y%m%d", "%Y%m")
_NEAR = 4e9
PARTS = (*_NUMBERS, *_TEXTS, "date")
"""All parts that are looked for."""


_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "pl", "cs", "fi", "tr",
              "ru")  # fmt: skip
_CASES: dict[str, Callable[[str], str]] = {
    "": str, "capital": lambda t: t[:1].upper() + t[1:], "lower": str.lower, "upper": str.upper
}  # fmt: skip


@lru_cache(maxsize=1)
def _named() -> dict[str, tuple[str, ...]]:
    """Return the names of weekdays, from Monday, and of months in several languages, by part."""
    from babel import Locale

    found: dict[str, tuple[str, ...]] = {}
    for language in _LANGUAGES:
        locale: Any = Locale.parse(language)
        for what, named in (("weekday", locale.days), ("month", locale.months)):
            for width in ("wide", "abbreviated"):
                names = named["stand-alone"][width]
                plain = [str(names[key]).rstrip(".") for key in sorted(names)]
                for case, write in _CASES.items():
                    label = f"{width} {what} in {language}{case and ', '}{case}"
                    found[label] = tuple(map(write, plain))
    return found


def named_parts(values: Collection[str]) -> list[str]:
    """Return the parts of dates whose names all `values` are.

    Examples
    --------
    >>> named_parts(["Montag", "Dienstag", "Sonntag"])[:1], named_parts(["open", "done"])
    (['wide weekday in de'], [])
    """
    wanted = set(values)
    return [part for part, names in _named().items() if wanted <= set(names)]


def _local(times: pa.ChunkedArray, zone: Optional[str]) -> pa.Array:
    """Return points in time as a clock in a zone shows them; those without zone are UTC."""
    times = times.combine_chunks()
    if zone is None:
        return times
    if times.type.tz is None:
        times = pc.assume_timezone(times, "UTC")
    return pc.local_timestamp(times.cast(pa.timestamp(times.type.unit, zone)))


def can_hold(part: str, times: pa.DataType, type_: pa.DataType) -> bool:
    """Whether a column of a type may hold a part of times of another.

    Parameters
    ----------
    part : str
        One of :data:`PARTS` or :func:`named_parts`.
    times : pyarrow.DataType
        Of the date or timestamp; a date has no hours.
    type_ : pyarrow.DataType
        Of the other column.
    """
    if part in ("hour", "minute", "second", "%H") and pa.types.is_date(times):
        return False
    if part == "date":
        return bool(pa.types.is_date(type_) and pa.types.is_timestamp(times))
    if pa.types.is_string(type_):
        return part in _TEXTS or part in _named()
    number = pa.types.is_integer(type_) or pa.types.is_floating(type_)
    return number and (part in _NUMBERS or part in _JOINED)


def part_of(part: str, times: pa.Array) -> pa.Array:
    """Return a part of each date, as a number, text or date."""
    if part == "date":
        return times.cast(pa.date32())
    if part in _NUMBERS:
        return _NUMBERS[part](times)
    if part in _TEXTS:
        return pc.strftime(times, format=part)
    place = pc.day_of_week(times) if " weekday " in part else pc.subtract(pc.month(times), 1)
    return pa.array(_named()[part], pa.string()).take(place)


@dataclass(frozen=True)
class CalendarPart(Derivation):
    """A part of a date, as a number or text.

    Attributes
    ----------
    part : str
        One of :data:`PARTS` or :func:`named_parts`.
    zone : str, optional
        The part is local in this zone, the date is in UTC.
    """

    source: str
    part: str
    zone: Optional[str] = None

    def decode(self, rows: pa.Table, rng: Rng = None) -> Values:
        """Take the part."""
        return part_of(self.part, _local(rows.column(self.source), self.zone))

    def fine(self, ask: Terms) -> Any:
        """See the base class: what follows from whole seconds and days."""
        seconds, given = ask.number(self.source), ask.number(self.target)

        def over(number: Any, unit: float) -> Any:
            return ask.floor(ask.ratio(number, ask.plain(unit)))

        def rest(number: Any, unit: float) -> Any:
            return number - ask.plain(unit) * over(number, unit)

        days = over(seconds, 86_400.0)
        parts = {
            "hour": lambda: over(rest(seconds, 86_400.0), 3_600.0),
            "minute": lambda: over(rest(seconds, 3_600.0), 60.0),
            "second": lambda: ask.floor(rest(seconds, 60.0)),
            "weekday from 0 = Monday": lambda: rest(days + ask.plain(3.0), 7.0),
            "weekday from 1 = Monday": lambda: rest(days + ask.plain(3.0), 7.0) + ask.plain(1.0),
            "weekday from 0 = Sunday": lambda: rest(days + ask.plain(4.0), 7.0),
            "weekday from 1 = Sunday": lambda: rest(days + ask.plain(4.0), 7.0) + ask.plain(1.0),
            "date": lambda: ask.plain(86_400.0) * days,
        }
        if self.part not in parts or self.zone is not None:
            raise CannotAsk
        # Farther off, a float of 64 bits may be in the second after a moment's own.
        near = (seconds > ask.plain(-_NEAR)) & (seconds < ask.plain(_NEAR))
        same = given == parts[self.part]()
        return ask.missing(self.target) | ask.missing(self.source) | (near & same)

    def __str__(self) -> str:
        if self.part in _named():
            return f"{self.target} = {self.part} of {self.source}"
        if self.part.startswith("%"):
            return f"{self.target} = strftime({self.source}, '{self.part}')"
        zone = f" in {self.zone}" if self.zone else ""
        return f"{self.target} = {self.part} of {self.source}{zone}"


@dataclass(frozen=True)
class CalendarDate(Derivation):
    """A date or timestamp from year, month, day, and perhaps hour and minute.

    Attributes
    ----------
    parts : tuple of str
        The columns with year, month, day[, hour[, minute]].
    zone : str, optional
        The parts are local in this zone, the target is in UTC.
    """

    named, splits = ("parts",), True
    parts: tuple[str, ...]
    zone: Optional[str] = None

    def violations(self, rows: pa.Table) -> Bools:
        """Return the rows whose date is another."""
        target = rows.column(self.target)
        off = np.abs(as_numbers(target) - self.decode(rows)) > 0.5
        return np.asarray(off, dtype=np.bool_)

    def decode(self, rows: pa.Table, rng: Rng = None) -> Values:
        """Compose the date; a day beyond the month's last becomes the last."""
        local = compose([as_numbers(rows.column(name)) for name in self.parts])
        if self.zone is not None:
            stamps = from_numbers(local, pa.timestamp("s"))
            there = pc.assume_timezone(
                stamps, self.zone, ambiguous="earliest", nonexistent="latest"
            )
            local = as_numbers(pa.chunked_array([there]))
        return np.asarray(local)

    def invert(self, rows: pa.Table, source: str, modelled: Modelled, rng: Rng) -> Optional[Values]:
        """Take the part off the date; see the base class."""
        part = ("year", "month", "day", "hour", "minute")[self.parts.index(source)]
        return part_of(part, _local(rows.column(self.target), self.zone))

    def __str__(self) -> str:
        zone = f" in {self.zone}, as UTC" if self.zone else ""
        return f"{self.target} = date({', '.join(self.parts)}){zone}"


@dataclass(frozen=True)
class DateInYear(Order):
    """A date in the year that another column gives: the source, which is its limit, too."""

    def beside_target(self, rows: pa.Table, name: str, after: bool) -> Floats:
        """Return the year's first moment if `after`, else its last one on the target's grid."""
        if name != self.source:
            return super().beside_target(rows, name, after)
        year = as_numbers(rows.column(name))
        one = np.ones_like(year)
        return np.asarray(
            compose([year, one, one]) if after else compose([year + 1, one, one]) - self.step
        )

    def fine(self, ask: Terms) -> Any:
        """See the base class."""
        raise CannotAsk  # the source is no date

    def invert(self, rows: pa.Table, source: str, modelled: Modelled, rng: Rng) -> Optional[Values]:
        """Take the year off the date; see the base class."""
        return years_of(self.target_values(rows)) if source == self.source else None

    def __str__(self) -> str:
        return f"{self.target} in the year {self.source}"


def compose(parts: list[Any]) -> Any:
    """Return seconds since 1970 from year, month, day[, hour[, minute]]; NaN for NULL."""
    missing = np.any([np.isnan(p) for p in parts], axis=0)
    whole = [np.where(missing, 1, p).astype(np.int64) for p in parts]
    year, month, day = np.clip(whole[0], 1, 9999), np.clip(whole[1], 1, 12), whole[2]
    # As months since 1970, and from these to days: numpy knows how long each is.
    first = ((year - 1970) * 12 + (month - 1)).astype("datetime64[M]")
    start = first.astype("datetime64[D]").astype(np.int64)
    end = (first + 1).astype("datetime64[D]").astype(np.int64)
    days = start + np.clip(day, 1, end - start) - 1
    seconds = days.astype(np.float64) * 86_400
    for amount, unit in zip(whole[3:], (3_600, 60)):
        seconds += amount * unit
    return np.where(missing, np.nan, seconds)
