"""Texts that are several values in one: a range is two moments or numbers, a point two numbers.

Each structure says how a text falls into a *shape* (the text with ``#`` where its parts stand) and
typed parts, and how these make a text again. Which parts there are, the shape decides alone.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Optional

from synthohive.encoding.parts import Parts, Structure
from synthohive.schema import Column, ColumnKind

__all__ = ["Empty", "Point", "Points", "Range", "Ranges", "Whole"]

Values = Mapping[str, Any]


class Whole(Structure):
    """Texts without parts: a type's empty value, of which only the NULLs are learned."""

    def __init__(self, column: Column) -> None:
        self.parts = {}

    def split(self, text: str) -> Optional[tuple[str, dict[str, Any]]]:
        """See the base class."""
        return text, {}

    def needs(self, shape: str) -> tuple[str, ...]:
        """See the base class."""
        return ()

    def join(self, shape: str, parts: Values) -> str:
        """See the base class."""
        return shape


class Point(Structure):
    """Coordinates: ``(1,2)``, ``POINT(1 2)``, ``SRID=4326;POINT Z (1 2 3)``.

    Examples
    --------
    >>> point = Point(Column(name="at", kind="point", sql_type="point"))
    >>> point.split("(1.5,-2)")
    ('(#,#)', {'x': 1.5, 'y': -2.0})
    >>> point.join("POINT(# #)", {"x": 1.5, "y": -2.0})
    'POINT(1.5 -2.0)'
    """

    _NUMBER = re.compile(r"(?<![\w=.])-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")
    _AXES = ("x", "y", "z", "m")

    def __init__(self, column: Column) -> None:
        axis = Column(name=column.name, kind=ColumnKind.FLOAT, arrow="double")
        self.parts = dict.fromkeys(self._AXES, axis)

    def split(self, text: str) -> Optional[tuple[str, dict[str, Any]]]:
        """See the base class."""
        numbers = [float(number) for number in self._NUMBER.findall(text)]
        if len(numbers) > len(self._AXES):
            return None
        return self._NUMBER.sub("#", text), dict(zip(self._AXES, numbers))

    def needs(self, shape: str) -> tuple[str, ...]:
        """See the base class."""
        return self._AXES[: shape.count("#")]

    def join(self, shape: str, parts: Values) -> str:
        """See the base class."""
        for axis in self.needs(shape):
            shape = shape.replace("#", repr(float(parts[axis])), 1)
        return shape


class Range(Structure):
    """From a lower bound to an upper one, as PostgreSQL writes it.

    The parts are the lower bound and the width, so that no range ends before it begins, or
    the only bound that there is.

    Examples
    --------
    >>> stay = Range(Column(name="stay", kind="range", sql_type="daterange"))
    >>> stay.split("[2024-01-01,2024-01-08)")
    ('[#,#)', {'lower': datetime.date(2024, 1, 1), 'width': 7})
    >>> stay.split("(,2024-01-08)")
    ('(,#)', {'upper': datetime.date(2024, 1, 8)})
    >>> stay.join("[#,#)", {"lower": datetime.date(2024, 1, 1), "width": 7})
    '[2024-01-01,2024-01-08)'
    """

    _TEXT = re.compile(r'([\[(])"?([^",]*)"?,"?([^",]*)"?([\])])')
    _ENDS = ("infinity", "-infinity", "")

    def __init__(self, column: Column) -> None:
        self._type = (column.sql_type or "").lower()
        kind, width = _BOUNDS[self._type]
        self.parts = {
            "lower": _part(column, kind),
            "width": _part(column, width),
            "upper": _part(column, kind),
        }

    def split(self, text: str) -> Optional[tuple[str, dict[str, Any]]]:
        """See the base class."""
        found = self._TEXT.fullmatch(text)
        if found is None:
            return (text, {}) if text == "empty" else None
        begin, low, high, end = found.groups()
        try:
            lower, upper = (None if t in self._ENDS else self._value(t) for t in (low, high))
        except (ValueError, InvalidOperation):
            return None
        shape = f"{begin}{low if lower is None else '#'},{high if upper is None else '#'}{end}"
        if lower is not None and upper is not None:
            return shape, {"lower": lower, "width": self.width(lower, upper)}
        return shape, {n: v for n, v in (("lower", lower), ("upper", upper)) if v is not None}

    def needs(self, shape: str) -> tuple[str, ...]:
        """See the base class."""
        low, _, high = shape.partition(",")
        if "#" in low:
            return ("lower", "width") if "#" in high else ("lower",)
        return ("upper",) if "#" in high else ()

    def join(self, shape: str, parts: Values) -> str:
        """See the base class."""
        for name in self.needs(shape):
            value = self.upper(parts) if name == "width" else parts[name]
            shape = shape.replace("#", self._text(value), 1)
        return shape

    def _value(self, text: str) -> Any:
        if self._type.startswith("int"):
            return int(text)
        if self._type == "numrange":
            return Decimal(text).quantize(_GRID)
        if self._type == "daterange":
            return datetime.date.fromisoformat(text)
        moment = datetime.datetime.fromisoformat(f"{text}:00" if _ZONE.search(text) else text)
        if self._type == "tstzrange":
            return moment.astimezone(datetime.timezone.utc)
        return moment

    def width(self, lower: Any, upper: Any) -> Any:
        """Return what is learned of an upper bound."""
        return (upper - lower).days if self._type == "daterange" else upper - lower

    def upper(self, parts: Values) -> Any:
        """Return the upper bound."""
        lower, width = parts["lower"], parts["width"]
        if self._type == "daterange":
            width = datetime.timedelta(days=max(int(width), 0))
        elif isinstance(width, datetime.timedelta):
            width = max(width, datetime.timedelta())
        else:
            width = max(width, 0)
        try:
            upper = lower + width
        except OverflowError:
            return lower
        top = _TOPS.get(self._type)
        return upper if top is None else min(upper, top)

    def _text(self, value: Any) -> str:
        if isinstance(value, datetime.datetime):
            return f'"{value.isoformat(" ")}"'
        if isinstance(value, Decimal):
            return format(value.normalize(), "f")
        return str(value)


_ZONE = re.compile(r"[+-]\d\d$")
_GRID = Decimal("1e-10")
_TOPS = {"int4range": 2**31 - 1, "int8range": 2**63 - 1}
_TZ = {"kind": ColumnKind.TIMESTAMP, "timezone": True}
_SPAN: Mapping[str, Any] = {"kind": ColumnKind.INTERVAL}
_WHOLE: Mapping[str, Any] = {"kind": ColumnKind.INTEGER, "arrow": "int64"}
_NUMBER: Mapping[str, Any] = {"kind": ColumnKind.DECIMAL, "precision": 38, "scale": 10}
_BOUNDS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "int4range": ({"kind": ColumnKind.INTEGER, "arrow": "int32"}, _WHOLE),
    "int8range": (_WHOLE, _WHOLE),
    "numrange": (_NUMBER, _NUMBER),
    "daterange": ({"kind": ColumnKind.DATE}, _WHOLE),
    "tsrange": ({"kind": ColumnKind.TIMESTAMP}, _SPAN),
    "tstzrange": (_TZ, _SPAN),
}
"""By type: what its bounds and what its widths are."""


def _part(column: Column, facts: Mapping[str, Any]) -> Column:
    return Column(name=column.name, nullable=False, **facts)


class Ranges(Parts):
    """Ranges of numbers, dates and times."""

    name = "range"
    structure = Range


class Points(Parts):
    """Points, of two to four coordinates."""

    name = "point"
    structure = Point


class Empty(Parts):
    """The empty value of a type that is not read, and where it is NULL."""

    name = "empty"
    structure = Whole
