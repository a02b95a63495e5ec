"""Dates and times kept as text: the form in which they are written, and both ways through it.

A form is written as ``strftime`` does, with two additions: ``%-d`` is a number without a leading
zero, on every platform, and ``%3f`` are three digits of a second's fraction.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import Any, Optional

import numpy as np

__all__ = [
    "form_of",
    "kind_of_form",
    "moment_of",
    "parse",
    "type_of_form",
    "unit_of_form",
    "usual_form",
    "write",
]

_MONTHS = ("January February March April May June July August September October November"
           " December").split()  # fmt: skip
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_NAMES = {
    "B": _MONTHS,
    "b": [name[:3] for name in _MONTHS],
    "A": _DAYS,
    "a": [name[:3] for name in _DAYS],
    "p": ["AM", "PM"],
    "P": ["am", "pm"],
}
_TOKEN = re.compile(r"%(-?[A-Za-z]|\d+f)|([\s\S])")
_DATES = (
    *(f"%Y{s}%m{s}%d" for s in "-/."),
    "%Y%m%d",
    *(f"%d{s}%m{s}%Y" for s in "./- "),
    *(f"%m{s}%d{s}%Y" for s in "/-."),
    *(f"%d{s}%m{s}%y" for s in "./-"),
    *(f"%m{s}%d{s}%y" for s in "/-"),
    *(f"%d{s}{m}{s}{y}" for s in " -" for m in ("%b", "%B") for y in ("%Y", "%y")),
    *("%b %d, %Y", "%B %d, %Y", "%a %d %b %Y", "%a, %d %b %Y", "%A, %B %d, %Y", "%d. %B %Y"),
    *("%Y-%m", "%m/%Y", "%b %Y", "%B %Y"),
)
_CLOCKS = ("%H:%M", "%H:%M:%S", "%H:%M:%S.f", "%M:%S.f", "%-M:%S.f", "%I:%M %p", "%I:%M%p",
           "%I:%M:%S %p", "%I:%M %P", "%I:%M%P", "%H.%M", "%H%M%S")  # fmt: skip
_BARE = ("%H.%M", "%H%M%S")  # alone, such are any numbers
_ZONE = re.compile(r"(?: ?(?:UTC|GMT)|Z|[+-]\d\d:?\d\d)$")
_FRACTION = re.compile(r":\d\d[.,](\d{1,9})")
_ROUGH = re.compile(r"(?=.*\d)(?:[A-Za-z]{1,9}|\d{1,9}|[-+/.:, ])+")
_LONGEST = 40
_YEARS = range(1000, 10_000)
_DAY = 86_400 * 10**6
_EPOCH = dt.date(1970, 1, 1).toordinal()


def form_of(texts: Sequence[str]) -> Optional[str]:
    """Return the form in which all texts are written; None where there is none.

    Examples
    --------
    >>> form_of(["31/12/2024", "01/02/2023"]), form_of(["2024-01-01T05:30:00Z"])
    ('%d/%m/%Y', '%Y-%m-%dT%H:%M:%SZ')
    >>> form_of(["5:30 PM", "11:05 AM"]), form_of(["A-17"]) is None
    ('%-I:%M %p', True)
    """
    if not texts or any(len(text) > _LONGEST or not _ROUGH.fullmatch(text) for text in texts):
        return None
    for form in _candidates(texts[0]):
        if all(_moment(text, form) is not None for text in texts):
            return form
    return None


def usual_form(texts: Sequence[str]) -> Optional[str]:
    """Return the form of most texts that are alike, where not all have the same."""
    groups: dict[str, list[str]] = {}
    for text in texts:
        groups.setdefault(re.sub(r"\d+", "9", text), []).append(text)
    most = max(groups.values(), key=len, default=[])
    return form_of(texts) or form_of(most)


def kind_of_form(form: str) -> str:
    """Return ``date``, ``time`` or ``timestamp``."""
    dated, clocked = "%Y" in form or "%y" in form, "%M" in form
    return "timestamp" if dated and clocked else "date" if dated else "time"


def type_of_form(form: str) -> Any:
    """Return the Arrow type of a form's moments."""
    import pyarrow as pa

    types = {"date": pa.date32(), "time": pa.time64("us"), "timestamp": pa.timestamp("us")}
    return types[kind_of_form(form)]


def unit_of_form(form: str) -> str:
    """Return the unit of Arrow's moments that has all digits of a form: ``s``, ``ms`` or ``us``.

    Examples
    --------
    >>> unit_of_form("%Y-%m-%d %H:%M:%S"), unit_of_form("%H:%M:%S.%3f")
    ('s', 'ms')
    """
    digits = [int(found or 6) for found in re.findall(r"%(\d*)f", form)]
    return "s" if not digits else "ms" if max(digits) <= 3 else "us"


def parse(texts: Any, form: str) -> Any:
    """Return texts as moments: days, microseconds of a day, or microseconds since 1970.

    What is not of the form is NULL.
    """
    import pyarrow as pa

    coded = texts.dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    found = [moment_of(text, form) for text in coded.dictionary.to_pylist()]
    return pa.array(found, type_of_form(form)).take(coded.indices)


def moment_of(text: str, form: str) -> Optional[int]:
    """Return a text as :func:`parse` does, as a number; None if it is not of the form."""
    moment = _moment(text, form)
    dated = moment is not None and kind_of_form(form) == "date"
    return moment // _DAY if moment is not None and dated else moment


def write(moments: Any, form: str) -> Any:
    """Return moments as texts of a form.

    Examples
    --------
    >>> import pyarrow as pa
    >>> write(pa.array([1_500_000], pa.timestamp("us")), "%d.%m.%Y %H:%M:%S,%3f").to_pylist()
    ['01.01.1970 00:00:01,500']
    """
    import pyarrow as pa

    plain = moments.cast(pa.int32()) if pa.types.is_date32(moments.type) else moments
    numbers = plain.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    if pa.types.is_date(moments.type):
        numbers = numbers * _DAY
    elif pa.types.is_timestamp(moments.type):
        micros = moments.cast(pa.timestamp("us", moments.type.tz), safe=False)
        numbers = micros.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    distinct, place = np.unique(numbers, return_inverse=True)
    texts = pa.array([_text(int(number), form) for number in distinct], pa.string())
    null = moments.is_null().to_numpy(zero_copy_only=False)
    return texts.take(pa.array(place.reshape(-1), mask=null))


def _candidates(text: str) -> Iterator[str]:
    """Yield the forms that one text may have, the likelier ones first."""
    zone = _ZONE.search(text)
    if zone and ":" in text[: zone.start()]:
        yield from _combined(text[: zone.start()], zone.group())
    yield from _combined(text, "")


def _combined(text: str, tail: str) -> Iterator[str]:
    digits = _FRACTION.search(text)
    clocks = [""] if not tail else []
    for clock in _CLOCKS:
        if not clock.endswith(".f"):
            clocks.append(clock)
        elif digits is not None:
            clocks.append(f"{clock[:-2]}{digits.group()[3]}%{len(digits.group(1))}f")
    for date, clock in product(("", *_DATES), clocks):
        if not date and clock in ("", *_BARE):
            continue
        for between in (" ", "T", ", ") if date and clock else ("",):
            if _same_marks(date + between + clock, text):
                for form in _padded(date + between + clock):
                    if _moment(text, form) is not None:
                        yield form + tail


@lru_cache(maxsize=4096)
def _marks(form: str) -> str:
    return "".join(c for c in _TOKEN.sub(r"\2", form) if not c.isalnum())


def _same_marks(form: str, text: str) -> bool:
    """Tell at little cost whether a text may have a form: what is between its parts is the same."""
    return _marks(form) == "".join(c for c in text if not c.isalnum())


def _padded(form: str) -> tuple[str, ...]:
    """Return a form, and the same without leading zeros."""
    plain = re.sub(r"%([dmHI])", r"%-\1", form)
    hour = re.sub(r"%([HI])", r"%-\1", form)
    day = form.replace("%d", "%-d")
    return tuple(dict.fromkeys((form, hour, day, plain)))


@lru_cache(maxsize=4096)
def _pattern(form: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """Return what matches a form, and its fields in order."""
    parts, fields = [], []
    for token, literal in _TOKEN.findall(form):
        name = token.lstrip("-")
        if literal:
            parts.append(re.escape(literal))
            continue
        fields.append(name[-1])
        if name in _NAMES:
            parts.append("(" + "|".join(_NAMES[name]) + ")")
        elif name[-1] == "f":
            parts.append(f"([0-9]{{{int(name[:-1] or 6)}}})")
        elif token[0] == "-":
            parts.append("([1-9][0-9]?|0)")
        else:
            parts.append("([0-9]{4})" if name == "Y" else "([0-9]{2})")
    return re.compile("".join(parts)), tuple(fields)


def _moment(text: str, form: str) -> Optional[int]:
    """Return microseconds since 1970, or since midnight; None if the text is not of the form."""
    pattern, fields = _pattern(form)
    match = pattern.fullmatch(text)
    if match is None:
        return None
    found = dict(zip(fields, match.groups()))
    try:
        days = _days(found)
        clock = _clock(found)
        if "Y" not in found and "y" not in found:
            return clock
        return (dt.date(*days).toordinal() - _EPOCH) * _DAY + clock
    except ValueError:
        return None


def _days(found: dict[str, str]) -> tuple[int, int, int]:
    year = int(found.get("Y", "2000"))
    if "y" in found:  # as POSIX has it
        year = int(found["y"]) + (1900 if int(found["y"]) > 68 else 2000)
    month = int(found.get("m", "1"))
    for name in "bB":
        if name in found:
            month = _NAMES[name].index(found[name]) + 1
    if year not in _YEARS:
        raise ValueError("no such year")
    return year, month, int(found.get("d", "1"))


def _clock(found: dict[str, str]) -> int:
    hour = int(found.get("H", found.get("I", "0")))
    if "I" in found:
        if not 1 <= hour <= 12:
            raise ValueError("no such hour")
        late = found.get("p", found.get("P", "")).upper() == "PM"
        hour = hour % 12 + 12 * late
    fraction = int(found.get("f", "0").ljust(6, "0")[:6])
    minute, second = int(found.get("M", "0")), int(found.get("S", "0"))
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError("no such time")
    return ((hour * 60 + minute) * 60 + second) * 10**6 + fraction


def _text(number: int, form: str) -> str:
    days, clock = divmod(number, _DAY)
    date = dt.date.fromordinal(min(max(days + _EPOCH, 1), dt.date.max.toordinal()))
    seconds, fraction = divmod(clock, 10**6)
    hour, rest = divmod(seconds, 3600)
    values = {
        "Y": f"{date.year:04d}",
        "y": f"{date.year % 100:02d}",
        "m": f"{date.month:02d}",
        "d": f"{date.day:02d}",
        "H": f"{hour:02d}",
        "I": f"{hour % 12 or 12:02d}",
        "M": f"{rest // 60:02d}",
        "S": f"{rest % 60:02d}",
        "B": _MONTHS[date.month - 1],
        "b": _MONTHS[date.month - 1][:3],
        "A": _DAYS[date.weekday()],
        "a": _DAYS[date.weekday()][:3],
        "p": "PM" if hour >= 12 else "AM",
        "P": "pm" if hour >= 12 else "am",
    }
    parts = []
    for token, literal in _TOKEN.findall(form):
        name = token.lstrip("-")
        if literal:
            parts.append(literal)
        elif name[-1] == "f":
            digits = int(name[:-1] or 6)
            parts.append(f"{fraction:06d}".ljust(digits, "0")[:digits])
        else:
            value = values.get(name, "")
            parts.append((value.lstrip("0") or "0") if token[0] == "-" else value)
    return "".join(parts)
