"""Search for calendar parts beside dates, and for times of day written as ``hhmm``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product
from typing import Optional
from zoneinfo import available_timezones

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Floats
from synthohive.derive.calendar import (
    PARTS,
    CalendarDate,
    CalendarPart,
    DateInYear,
    can_hold,
    compose,
    named_parts,
    part_of,
)
from synthohive.derive.clock import DAY, ClockDelay, ClockTime, minutes_of
from synthohive.derive.columns import LEAST_ROWS, Chosen, Columns, spaced
from synthohive.derive.years import years_of
from synthohive.tables.numbers import as_numbers, from_numbers, is_number, is_time

__all__ = ["find_calendar", "find_clocks"]

MOST_NAMES = 12
LEAST_YEARS = 3
"""That a column must give to be taken for the year of a date."""
LEAST_CLOCK = 24
"""Distinct times of day that a column must hold to be taken for one."""
_PARTS = {"year": (1, 9999), "month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59)}
_ZONES = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "Europe/London",
    "Europe/Berlin",
    "Asia/Tokyo",
    "Australia/Sydney",
)
"""Tried first, as many zones have the same clock."""

_OFFSETS = 4
"""A zone's distances to UTC within the rows: winter, summer, and a change of law."""


def find_calendar(columns: Columns, chosen: Chosen) -> None:
    """Find dates that are made of other columns, then columns that are part of a date."""
    times = [n for n in columns.numeric if is_time(columns.type(n))]
    for name in times:
        composed = _composed(columns, chosen, name)
        if composed is None or chosen.add(composed):
            continue
        for part, target in zip(_PARTS, composed.parts):  # the date is given, as in a key
            chosen.add(CalendarPart(target, name, part, composed.zone))
    for target in chosen.free():
        if columns.distinct(target) < 2:
            continue
        for name in times:
            if name != target and _adopt(columns, chosen, target, name):
                break
    _find_year(columns, chosen, times)


def _find_year(columns: Columns, chosen: Chosen, times: list[str]) -> None:
    """Find one date in the year that a parent gives: others are told by the order to it.

    So are all where the parent has a date itself.
    """
    above = [n for n in columns.numeric if "." in n and n not in columns.targets]
    if any(is_time(columns.type(name)) for name in above):
        return
    for target in (name for name in times if name in chosen.free()):
        step, numbers = columns.step(target), columns.numbers(target)
        ends = columns.entities.ends(numbers, columns.k, step)
        years = np.unique(years_of(numbers[~np.isnan(numbers)]))
        if ends is None or not step or len(years) < LEAST_YEARS:
            continue
        low, high = ends
        for year in (name for name in above if _is_whole(columns, name)):
            if chosen.add(DateInYear(target, year, True, step, limits=(year,), low=low, high=high)):
                return


def _adopt(columns: Columns, chosen: Chosen, target: str, source: str) -> bool:
    type_ = columns.type(target)
    if is_number(type_) and not pa.types.is_date(type_) and not _is_whole(columns, target):
        return False
    source_type = columns.type(source)
    parts = list(PARTS)
    if pa.types.is_string(type_) and columns.distinct(target) <= MOST_NAMES:
        parts += named_parts(pc.unique(columns.rows.column(target).drop_null()).to_pylist())
    return any(
        chosen.add(CalendarPart(target, source, part))
        for part in parts
        if can_hold(part, source_type, type_)
    )


def _composed(columns: Columns, chosen: Chosen, name: str) -> Optional[CalendarDate]:
    """Return a date as year, month, day[, hour[, minute]] of other columns."""
    stamps = columns.numbers(name)
    whole = stamps[~np.isnan(stamps)]
    # by days: few rows have few moments twice, and these follow from day and hour all the same
    if len(whole) < LEAST_ROWS or len(np.unique(whole // 86_400)) > 0.5 * len(whole):
        return None  # nearly unique: the date is what is to be modelled
    finest = next((i for i, s in enumerate((86_400, 3_600, 60)) if not (whole % s).any()), None)
    if finest is None:
        return None
    wanted = list(_PARTS)[: 3 + finest]
    found = {part: _columns_like(columns, chosen, stamps, part) for part in wanted}
    for parts in _choices([found[p] for p in wanted]):
        local = compose([columns.numbers(c) for c in parts])
        off = local - stamps
        known = ~np.isnan(off)
        if known.sum() < LEAST_ROWS:
            continue
        if not off[known].any():
            return CalendarDate(name, parts)
        # No zone is farther than that from UTC.
        if finest and (np.abs(off[known]) <= 14 * 3_600).all():
            zone = _zone(local[known], stamps[known])
            if zone is not None:
                return CalendarDate(name, parts, zone)
    return None


def _choices(lists: list[list[str]]) -> Iterator[tuple[str, ...]]:
    """Yield one column per part, each once; the first few only, and those of the year first."""
    for names in product(*(few[:3] for few in reversed(lists))):
        if len(set(names)) == len(names):
            yield names[::-1]


def _columns_like(columns: Columns, chosen: Chosen, stamps: Floats, part: str) -> list[str]:
    """Return the columns that may hold a part, the likeliest first."""
    low, high = _PARTS[part]
    expected = _expected(stamps, part)
    found = []
    for name in columns.rows.column_names:
        if not _is_whole(columns, name) or name in chosen.derivations:
            continue
        values = columns.numbers(name)
        known = ~np.isnan(values) & ~np.isnan(stamps)
        if not known.any() or values[known].min() < low or values[known].max() > high:
            continue
        # a zone shifts some days, never most
        if expected is None or (expected[known] == values[known]).mean() >= 0.5:
            found.append(name)
    return found


def _expected(stamps: Floats, part: str) -> Optional[Floats]:
    """Return the year, month or day of each UTC stamp; None for what a zone shifts."""
    if part not in ("year", "month", "day"):
        return None
    return as_numbers(part_of(part, from_numbers(stamps, pa.timestamp("s"))))


def _zone(local: Floats, stamps: Floats) -> Optional[str]:
    """Return the time zone in which UTC `stamps` read as `local`."""
    offsets = np.unique(local - stamps)
    if len(offsets) > _OFFSETS:
        return None
    pick = spaced(len(local), 200)
    utc = pa.array(stamps.astype(np.int64), pa.timestamp("s", tz="UTC"))
    # A few rows refute nearly all of the 600 zones.
    few = utc.take(pa.array(pick))
    others = sorted(z for z in available_timezones() if "/" in z)
    for zone in dict.fromkeys([*_ZONES, *others]):
        try:
            if _reads(few, zone, local[pick]) and _reads(utc, zone, local):
                return zone
        except pa.ArrowInvalid:
            continue
    return None


def _reads(utc: pa.Array, zone: str, local: Floats) -> bool:
    there = pc.local_timestamp(utc.cast(pa.timestamp("s", tz=zone)))
    return bool((there.view("int64").to_numpy() == local).all())


def find_clocks(columns: Columns, chosen: Chosen) -> None:
    """Find times of day ``hhmm``, delays between them, and which is best told from which."""
    clocks = [n for n in columns.numeric if _is_clock(columns, n)]
    minutes = {n: minutes_of(columns.numbers(n)) for n in clocks}
    delays = [
        n
        for n in columns.numeric
        if _is_whole(columns, n) and n not in clocks and n not in chosen.derivations
    ]
    passed_between = (
        (base, time, minutes[time] - minutes[base]) for base, time in permutations(clocks, 2)
    )
    # Few rows have few delays, whatever the times: they would seem to tell one from the other.
    pairs = [p for p in passed_between if (~np.isnan(p[2])).sum() >= LEAST_CLOCK]
    for base, time, passed in pairs:
        for delay in delays:
            _find_delay(columns, chosen, base, time, delay, passed % DAY)
    told = sorted((_entropy(passed), time, base, _quiet(passed)) for base, time, passed in pairs)
    for entropy, time, base, least in told:
        if entropy < _entropy(minutes[time]) - 0.5:
            chosen.add(ClockTime(time, base, late=_is_late(columns, time), least=least))
    for time in clocks:
        chosen.add(ClockTime(time, late=_is_late(columns, time)))


def _is_whole(columns: Columns, name: str) -> bool:
    """Whether a column holds whole numbers; integers with NULLs are floats in pandas."""
    type_ = columns.type(name)
    return pa.types.is_integer(type_) or (pa.types.is_floating(type_) and columns.step(name) == 1.0)


def _is_clock(columns: Columns, name: str) -> bool:
    if not _is_whole(columns, name) or columns.distinct(name) < LEAST_CLOCK:
        return False
    values = columns.numbers(name)
    values = values[~np.isnan(values)]
    inside = (values >= 0) & (values <= 2_400) & (values % 100 < 60)
    return bool(inside.all()) and bool(values.max() > 1_000) and bool((values % 100 > 29).any())


def _is_late(columns: Columns, name: str) -> bool:
    """Whether midnight is written 2400."""
    return bool((columns.numbers(name) == 2_400).any())


def _find_delay(
    columns: Columns, chosen: Chosen, base: str, time: str, delay: str, passed: Floats
) -> None:
    """Keep ``time = base + delay`` in the direction in which NULLs follow."""
    values = columns.numbers(delay)
    known = ~np.isnan(passed) & ~np.isnan(values)
    if known.sum() < LEAST_ROWS or ((passed - values)[known] % DAY != 0).any():
        return
    low, high = float(values[known].min()), float(values[known].max())
    if chosen.add(ClockTime(time, base, delay, _is_late(columns, time))):
        return
    if high - low < DAY:
        chosen.add(ClockDelay(delay, base, time, int(low)))


def _quiet(minutes: Floats) -> int:
    """Return the middle of the longest time of day without any, nearest to midnight."""
    found = np.unique(minutes[~np.isnan(minutes)] % DAY)
    # Round the clock: after the last comes the first of the next day.
    lengths = np.diff(np.append(found, found[0] + DAY))
    longest = int(lengths.argmax())
    middle = int(found[longest] + lengths[longest] // 2) % DAY
    return middle if middle <= DAY // 2 else middle - DAY


def _entropy(minutes: Floats) -> float:
    """Return the entropy, in bits, of minutes within a day in steps of ten."""
    known = minutes[~np.isnan(minutes)] % DAY
    shares = np.bincount((known // 10).astype(int), minlength=144) / max(len(known), 1)
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())
