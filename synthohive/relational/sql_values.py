"""Typed SQL values: what a column, a literal or a sub-expression yields, as Arrow data."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Optional, Union

import pyarrow as pa
import pyarrow.compute as pc

from synthohive.schema import Column, ColumnKind

__all__ = [
    "BOOL",
    "DATE",
    "FLOAT",
    "INT",
    "INTERVAL",
    "STRING",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMPTZ",
    "Node",
    "SqlType",
    "Untranslatable",
    "as_condition",
    "column_node",
    "convert",
    "decimal_literal",
    "literal_node",
    "null_node",
    "parse_number",
    "unify",
]

MAX_PRECISION = 76
INT64_DIGITS = 19  # of the carrier; sums and products that may need more become decimals


class Untranslatable(Exception):
    """Raised while compiling for SQL whose meaning is not known exactly; never escapes."""


@dataclass(frozen=True)
class SqlType:
    """The type of a value.

    Attributes
    ----------
    family : str
        null, bool, int, decimal, float, string, date, time, timestamp, timestamptz,
        interval, or opaque (only IS NULL is known of it).
    precision, scale : int
        Digits of an int or decimal.
    folded : bool
        A string that compares without regard to case and accents (MySQL's default).
    affinity : int
        SQLite keeps a whole number in a NUMERIC column as an integer, so that `/`
        differs by row: 1 for such a column, 2 for what was computed from one.
    """

    family: str
    precision: int = 0
    scale: int = 0
    folded: bool = False
    affinity: int = 0

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type that carries the values."""
        if self.family == "decimal" or (self.family == "int" and self.precision > INT64_DIGITS):
            if self.precision > MAX_PRECISION:
                raise Untranslatable(f"{self.precision} digits")
            make = pa.decimal128 if self.precision <= 38 else pa.decimal256
            return make(self.precision, self.scale)
        try:
            return _CARRIERS[self.family]
        except KeyError:
            raise Untranslatable(f"a value of type {self.family}") from None


_CARRIERS = {
    "bool": pa.bool_(),
    "int": pa.int64(),
    "float": pa.float64(),
    "string": pa.string(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "interval": pa.duration("us"),
    "null": pa.null(),
}
BOOL, INT, FLOAT = SqlType("bool"), SqlType("int", INT64_DIGITS), SqlType("float")
STRING, DATE, TIME = SqlType("string"), SqlType("date"), SqlType("time")
TIMESTAMP, TIMESTAMPTZ = SqlType("timestamp"), SqlType("timestamptz")
INTERVAL, NULL = SqlType("interval"), SqlType("null")


@dataclass(frozen=True)
class Node:
    """A compiled expression.

    Attributes
    ----------
    evaluate : callable
        From the arrays of the columns to an Arrow array or scalar of ``type.arrow``.
    constant : bool
        A literal, whose Python value is `value`.
    column : str, optional
        Set where the expression is nothing but this column.
    """

    type: SqlType
    evaluate: Callable[[Mapping[str, pa.Array]], Any]
    constant: bool = False
    value: Any = None
    column: Optional[str] = None

    @property
    def family(self) -> str:
        """The family of the type."""
        return self.type.family


def literal_node(value: Any, type_: SqlType) -> Node:
    """Return a constant of `type_`."""
    scalar = pa.scalar(value, type_.arrow)
    return Node(type_, lambda row: scalar, constant=True, value=value)


def null_node(type_: SqlType = NULL) -> Node:
    """Return NULL."""
    return literal_node(None, type_)


_INT_DIGITS = {"int8": 3, "uint8": 3, "int16": 5, "uint16": 5, "int32": 10, "uint32": 10}
_FAMILIES = {
    ColumnKind.BOOLEAN: "bool",
    ColumnKind.FLOAT: "float",
    ColumnKind.TEXT: "string",
    ColumnKind.CATEGORICAL: "string",
    ColumnKind.UUID: "string",
    ColumnKind.DATE: "date",
    ColumnKind.TIME: "time",
    ColumnKind.INTERVAL: "interval",
}


def column_node(column: Column, dialect: str) -> Node:
    """Return the values of a column as the engine sees them in an expression."""
    name, type_ = column.name, _column_type(column, dialect)
    if type_.family == "opaque":
        return Node(type_, lambda row: row[name], column=name)
    arrow = type_.arrow
    padded = dialect == "postgres" and re.match(r"(CHAR|BPCHAR)\b", (column.sql_type or "").upper())

    def load(row: Mapping[str, pa.Array]) -> Any:
        values = row[name]
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if pa.types.is_integer(values.type) and pa.types.is_decimal(arrow):
            values = values.cast(pa.decimal128(20, 0))
        values = values if values.type == arrow else values.cast(arrow, safe=False)
        return pc.utf8_rtrim(values, characters=" ") if padded else values

    return Node(type_, load, column=name)


def _column_type(column: Column, dialect: str) -> SqlType:
    kind = column.kind
    if kind is ColumnKind.INTEGER:
        text = str(column.arrow_type)
        return SqlType("int", _INT_DIGITS.get(text, 20 if text == "uint64" else INT64_DIGITS))
    if kind is ColumnKind.DECIMAL:
        if dialect == "sqlite":
            return SqlType("float", affinity=1)
        arrow = column.arrow_type
        return SqlType("decimal", arrow.precision, arrow.scale)
    if kind is ColumnKind.TIMESTAMP:
        return TIMESTAMPTZ if column.timezone else TIMESTAMP
    exact = re.search(r"_bin\b|_cs\b|\bBINARY\b", column.sql_type or "", re.IGNORECASE)
    folded = dialect == "mysql" and kind is not ColumnKind.UUID and not exact
    family = _FAMILIES.get(kind, "opaque")
    return SqlType(family, folded=folded and family == "string")


def as_condition(node: Node, dialect: str) -> Node:
    """Return `node` as a truth value: numbers are true where not 0, except in PostgreSQL."""
    if node.family in ("bool", "null"):
        return convert(node, BOOL)
    if node.family in ("int", "float", "decimal") and dialect != "postgres":
        zero = pa.scalar(0, pa.int64()).cast(node.type.arrow)
        return Node(BOOL, lambda row: pc.not_equal(node.evaluate(row), zero))
    raise Untranslatable(f"a {node.family} as a condition")


_LADDER = ("bool", "int", "decimal", "float")


def unify(nodes: Sequence[Node], dialect: str) -> list[Node]:
    """Convert operands to the type in which the engine compares them.

    Raises
    ------
    Untranslatable
        The engine's own rules for such a pair are not followed here.
    """
    families = {n.family for n in nodes if n.family != "null"}
    if len(families) > 1 and "string" in families:
        others = [n for n in nodes if n.family not in ("string", "null")]
        nodes = [_parsed_like(n, others[0]) if n.family == "string" else n for n in nodes]
        families = {n.family for n in nodes if n.family != "null"}
    if "opaque" in families:
        raise Untranslatable("a value of unknown type")
    if not families:
        return [convert(n, BOOL) for n in nodes]
    target = _common([n.type for n in nodes if n.family != "null"], families, dialect)
    return [convert(n, target) for n in nodes]


def _common(types: Sequence[SqlType], families: set[str], dialect: str) -> SqlType:
    if families == {"date", "timestamp"}:
        return TIMESTAMP
    if len(families) > 1 and not families <= set(_LADDER):
        raise Untranslatable(f"a mixture of {', '.join(sorted(families))}")
    if "bool" in families and len(families) > 1 and dialect == "postgres":
        raise Untranslatable("a truth value as a number")
    family = max(families, key=_LADDER.index) if families <= set(_LADDER) else types[0].family
    if family not in ("int", "decimal"):
        return SqlType(family, folded=any(t.folded for t in types))
    numbers = [t if t.family != "bool" else SqlType("int", 1) for t in types]
    scale = max(t.scale for t in numbers)
    whole = max(t.precision - t.scale for t in numbers)
    return SqlType(family, max(whole + scale, 1), scale)


def _parsed_like(node: Node, other: Node) -> Node:
    """Read a string literal as a value of the type it is compared with."""
    if not node.constant:
        raise Untranslatable(f"a string compared with a {other.family}")
    if node.value is None:
        return null_node(other.type)
    if other.family in ("int", "decimal", "float"):
        return parse_number(node.value, other.family)
    return convert(node, other.type)


def parse_number(text: str, family: str) -> Node:
    """Read a string as a number, exactly unless `family` is float."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise Untranslatable(f"{text!r} as a number") from None
    if family == "float" or not number.is_finite():
        return literal_node(float(number), FLOAT)
    return decimal_literal(number)


def decimal_literal(number: Union[int, Decimal]) -> Node:
    """Return an exact number as the smallest int or decimal type that holds it."""
    number = Decimal(number)
    exponent = number.as_tuple().exponent
    scale = max(-exponent, 0) if isinstance(exponent, int) else 0
    digits = max(len(str(abs(int(number)))), 1)
    if scale == 0:
        type_ = SqlType("int", digits)
        return literal_node(number if digits > INT64_DIGITS else int(number), type_)
    return literal_node(number, SqlType("decimal", digits + scale, scale))


def convert(node: Node, target: SqlType) -> Node:
    """Return `node` as `target`, where no information is lost by it."""
    source = node.type
    if source == target:
        return node
    if node.family == "null" or (node.constant and node.value is None):
        return null_node(target)
    if node.family == "string" and node.family != target.family:
        if not node.constant:
            raise Untranslatable(f"a string as a {target.family}")
        return literal_node(_parse(node.value, target.family), target)
    if (source.family, target.family) not in _WIDENING and source.family != target.family:
        raise Untranslatable(f"a {source.family} as a {target.family}")
    if source.arrow == target.arrow:
        return replace(node, type=target)
    arrow = target.arrow
    first = (
        pa.decimal128(20, 0) if source.arrow == pa.int64() and pa.types.is_decimal(arrow) else None
    )
    if source.family == "bool":
        first = pa.int64()

    def widen(row: Mapping[str, pa.Array]) -> Any:
        values = node.evaluate(row)
        return (values if first is None else values.cast(first)).cast(
            arrow, safe=arrow != pa.float64()
        )

    return Node(target, widen)


_WIDENING = {
    ("bool", "int"),
    ("bool", "decimal"),
    ("bool", "float"),
    ("int", "decimal"),
    ("int", "float"),
    ("decimal", "float"),
    ("date", "timestamp"),
}


def _parse(text: str, family: str) -> Any:
    """Read a literal as PostgreSQL and MySQL print it."""
    try:
        if family == "bool":
            return {"true": True, "t": True, "false": False, "f": False}[text.strip().lower()]
        if family == "time":
            return dt.time.fromisoformat(_fraction(text.strip()))
        if family == "interval":
            return _interval(text)
        if family in ("date", "timestamp", "timestamptz"):
            return _moment(text.strip(), family)
    except (ValueError, KeyError, OverflowError):
        raise Untranslatable(f"{text!r} as a {family}") from None
    raise Untranslatable(f"{text!r} as a {family}")


def _fraction(text: str) -> str:
    """Pad fractional seconds to the six digits that Python 3.9 wants."""
    return re.sub(r"\.(\d{1,6})", lambda m: f".{m[1]:0<6}", text)


def _moment(text: str, family: str) -> Any:
    if family == "date":
        return dt.date.fromisoformat(text[:10]) if len(text) <= 10 else _whole_day(text)
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?(.*)", text)
    if match is None:
        raise ValueError(text)
    stamp = dt.datetime.fromisoformat(f"{match[1]} {_fraction(match[2] or '00:00:00')}")
    zone = re.fullmatch(r"\s*(?:Z|([+-])(\d\d):?(\d\d)?(?::00)?)?", match[3])
    if zone is None or (match[3].strip() and family == "timestamp"):
        raise ValueError(text)
    if family == "timestamp":
        return stamp
    offset = dt.timedelta(hours=int(zone[2] or 0), minutes=int(zone[3] or 0))
    stamp -= -offset if zone[1] == "-" else offset
    return stamp.replace(tzinfo=dt.timezone.utc)


def _whole_day(text: str) -> dt.date:
    stamp = _moment(text, "timestamp")
    if stamp.time() != dt.time():
        raise ValueError(text)
    return dt.date(stamp.year, stamp.month, stamp.day)


def _interval(text: str) -> dt.timedelta:
    """Read ``3 days 04:05:06``; months and years have no fixed length."""
    match = re.fullmatch(
        r"(?:([+-]?\d+) days?)?\s*(?:([+-]?)(\d+):(\d\d):(\d\d(?:\.\d+)?))?", text.strip()
    )
    if match is None or not text.strip():
        raise ValueError(text)
    days, sign, hours, minutes, seconds = match.groups(default="0")
    clock = dt.timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds))
    return dt.timedelta(days=int(days)) + (-clock if sign == "-" else clock)
