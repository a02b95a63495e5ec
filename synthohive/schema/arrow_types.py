"""Arrow types: their names, their limits, and what Arrow's messages repeat of the data."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from synthohive.exceptions import SchemaError

__all__ = [
    "PER_SECOND",
    "from_json",
    "is_binary",
    "limits",
    "parse_type",
    "reason_of",
    "to_json",
]

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
"""Units of a time type in a second."""

_DECIMAL = re.compile(r"decimal(128|256)\((\d+),\s*(-?\d+)\)")
_TIMESTAMP = re.compile(r"timestamp\[(s|ms|us|ns)(?:,\s*tz=(.+))?\]")
# What Arrow's messages repeat of the data: a value, or the whole row.
_ROW = re.compile(r"(got \d+):.*", re.DOTALL)
_VALUE = re.compile(r"((?:value|string|convert):?) (?:'.*'|\".*\"|[-+]?\d\S*)", re.DOTALL)
_PARSED = re.compile(r"(Failed to parse value):.*", re.DOTALL)
_ALIASES = {
    "double": "float64",
    "float": "float32",
    "halffloat": "float16",
    "date32[day]": "date32",
    "date64[ms]": "date64",
}


def parse_type(text: str) -> pa.DataType:
    """Return the type whose ``str()`` is `text`.

    Examples
    --------
    >>> parse_type("decimal128(15, 2)"), parse_type("timestamp[us, tz=UTC]")
    (Decimal128Type(decimal128(15, 2)), TimestampType(timestamp[us, tz=UTC]))
    """
    if match := _DECIMAL.fullmatch(text):
        make = pa.decimal128 if match[1] == "128" else pa.decimal256
        return make(int(match[2]), int(match[3]))
    if match := _TIMESTAMP.fullmatch(text):
        return pa.timestamp(match[1], tz=match[2])
    try:
        return pa.type_for_alias(_ALIASES.get(text, text))
    except ValueError as exc:
        raise SchemaError(f"{text!r} is not an Arrow type that SynthoHive reads.") from exc


def to_json(plain: pa.Array) -> list[Any]:
    """Return numbers, flags and texts as a JSON-able list; decimals as text, exactly."""
    items: list[Any] = plain.to_pylist()
    if pa.types.is_decimal(plain.type):
        return [None if v is None else str(v) for v in items]
    return items


def from_json(items: list[Any], type_: pa.DataType) -> pa.Array:
    """Undo :func:`to_json` for values of `type_`."""
    if pa.types.is_decimal(type_):
        items = [None if v is None else Decimal(v) for v in items]
    return pa.array(items, type=type_)


def reason_of(exc: Exception) -> str:
    """Return an error's message without the values that it repeats: they may be personal.

    Whoever uses it raises ``from None``, or a traceback shows the message all the same.

    Examples
    --------
    >>> reason_of(pa.ArrowInvalid("Failed to parse string: 'Ann Lee' as a scalar of type int64"))
    'Failed to parse string: … as a scalar of type int64'
    >>> reason_of(pa.ArrowInvalid("CSV parse error: Expected 2 columns, got 3: Ann,Lee,7"))
    'CSV parse error: Expected 2 columns, got 3'
    """
    text = _PARSED.sub(r"\1", _ROW.sub(r"\1", str(exc)))
    return _VALUE.sub(r"\1 …", text).split("\n", maxsplit=1)[0]


def is_binary(type_: pa.DataType) -> bool:
    """Whether values of a type are bytes, of any length."""
    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    return any(test(type_) for test in tests)


def limits(type_: pa.DataType) -> tuple[int, int]:
    """Return the least and greatest whole number that a column of `type_` can hold.

    Decimals are counted in units of their last digit, dates in days, times and timestamps in
    their own unit, from 1970 on.
    """
    if pa.types.is_decimal(type_):
        top = 10**type_.precision - 1
        return -top, top
    if pa.types.is_floating(type_):
        top = int(np.finfo(type_.to_pandas_dtype()).max)
        return -top, top
    if pa.types.is_integer(type_):
        info = np.iinfo(type_.to_pandas_dtype())
        return int(info.min), int(info.max)
    if type_ == pa.date32():
        return -719_162, 2_932_896  # years 1 to 9999
    if pa.types.is_time(type_):
        return 0, 86_400 * PER_SECOND[type_.unit] - 1
    if pa.types.is_timestamp(type_) and type_.unit != "ns":  # years 1 to 9999, as Python's
        per_second = PER_SECOND[type_.unit]
        return -62_135_596_800 * per_second, 253_402_300_800 * per_second - 1
    return -(2**63) + 1, 2**63 - 1  # the least number of 64 bits is pandas' NaT
