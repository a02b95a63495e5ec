"""What the operators and functions of SQL compute, as Arrow kernels over typed nodes."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.relational.sql_values import (
    BOOL,
    DATE,
    FLOAT,
    INT64_DIGITS,
    INTERVAL,
    STRING,
    TIMESTAMP,
    Node,
    SqlType,
    Untranslatable,
    convert,
    literal_node,
    unify,
)

__all__ = [
    "arithmetic",
    "call",
    "choose",
    "compare",
    "date_part",
    "days_between",
    "first_known",
    "interval",
    "is_in",
    "like_to_regex",
    "nullable_equal",
    "rounded",
    "to_date",
]

Row = Mapping[str, pa.Array]
NUMBERS = ("int", "decimal", "float")
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": pc.equal,
    "<>": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
DAYS_FROM_YEAR_0 = 719527  # to 1970-01-01
DIVISION_DIGITS = 16  # PostgreSQL keeps at least as many


def call(kernel: Callable[..., Any], type_: SqlType, *nodes: Node) -> Node:
    """Apply an Arrow kernel to the values of `nodes`."""
    return Node(type_, lambda row: kernel(*(n.evaluate(row) for n in nodes)))


def _fold(values: Any) -> Any:
    """Return the strings without case and accents, as MySQL's default collation compares."""
    plain = pc.replace_substring_regex(pc.utf8_normalize(values, form="NFKD"), r"\p{Mn}", "")
    return pc.utf8_lower(plain)


def _comparable(node: Node) -> Node:
    return call(_fold, STRING, node) if node.type.folded else node


def compare(op: str, left: Node, right: Node, dialect: str) -> Node:
    """Return the truth of ``left op right``."""
    a, b = (_comparable(n) for n in unify([left, right], dialect))
    return call(COMPARISONS[op], BOOL, a, b)


def is_in(item: Node, options: Sequence[Node], dialect: str) -> Node:
    """Return the truth of ``item IN (options)``: unknown where a NULL option could be it."""
    node, *rest = (_comparable(n) for n in unify([item, *options], dialect))

    def search(row: Row) -> Any:
        found = None
        for option in rest:
            one = pc.equal(node.evaluate(row), option.evaluate(row))
            found = one if found is None else pc.or_kleene(found, one)
        return found

    if not all(n.constant and n.value is not None for n in rest):
        return Node(BOOL, search)
    values = pa.array([n.value for n in rest], rest[0].type.arrow)

    def lookup(row: Row) -> Any:
        items = node.evaluate(row)
        found = pc.is_in(items, value_set=values)
        return pc.if_else(pc.is_valid(items), found, pa.scalar(None, pa.bool_()))

    return Node(BOOL, lookup)


def nullable_equal(left: Node, right: Node, dialect: str) -> Node:
    """Return the truth of ``left IS NOT DISTINCT FROM right``."""
    if "null" in (left.family, right.family):
        other = right if left.family == "null" else left
        return call(pc.is_null, BOOL, other)
    equal = compare("=", left, right, dialect)

    def same(row: Row) -> Any:
        both = pc.and_(pc.is_null(left.evaluate(row)), pc.is_null(right.evaluate(row)))
        return pc.or_(both, pc.fill_null(equal.evaluate(row), False))

    return Node(BOOL, same)


def choose(whens: Sequence[tuple[Node, Node]], default: Node, dialect: str) -> Node:
    """Return CASE: the value of the first condition that is true."""
    conditions = [condition for condition, _ in whens]
    *values, otherwise = unify([*(value for _, value in whens), default], dialect)

    def pick(row: Row) -> Any:
        result = otherwise.evaluate(row)
        for condition, value in reversed(list(zip(conditions, values))):
            taken = pc.fill_null(condition.evaluate(row), False)
            result = pc.if_else(taken, value.evaluate(row), result)
        return result

    return Node(otherwise.type, pick)


def first_known(nodes: Sequence[Node], dialect: str) -> Node:
    """Return COALESCE."""
    same = unify(nodes, dialect)
    return call(pc.coalesce, same[0].type, *same)


def arithmetic(op: str, left: Node, right: Node, dialect: str) -> Node:
    """Return ``left op right`` for ``+ - * / % DIV``."""
    moved = _on_time(op, left, right, dialect)
    if moved is not None:
        return moved
    if left.family == "null" or right.family == "null":
        raise Untranslatable("arithmetic with a bare NULL")
    if not {left.family, right.family} <= set(NUMBERS):
        raise Untranslatable(f"{left.family} {op} {right.family}")
    if op in ("/", "%", "DIV"):
        return _divide(op, left, right, dialect)
    kernel = {"+": pc.add, "-": pc.subtract, "*": pc.multiply}[op]
    if "float" in (left.family, right.family):
        affinity = 2 if left.type.affinity or right.type.affinity else 0
        type_ = SqlType("float", affinity=affinity)
        return call(kernel, type_, convert(left, FLOAT), convert(right, FLOAT))
    return _exact(op, kernel, left, right)


def _exact(op: str, kernel: Callable[..., Any], left: Node, right: Node) -> Node:
    """Add, subtract or multiply ints and decimals without rounding."""
    a, b = left.type, right.type
    family = "int" if left.family == right.family == "int" else "decimal"
    if op == "*":
        precision, scale = a.precision + b.precision + 1, a.scale + b.scale
    else:
        scale = max(a.scale, b.scale)
        precision = max(a.precision - a.scale, b.precision - b.scale) + scale + 1
    if family == "int" and precision < INT64_DIGITS:
        return call(kernel, SqlType("int", precision), left, right)
    result = SqlType(family, max(precision, 20), scale)
    arrow = result.arrow
    wide = [_as_decimal(n, pa.types.is_decimal256(arrow)) for n in (left, right)]
    return Node(result, lambda row: kernel(*(n.evaluate(row) for n in wide)).cast(arrow))


def _as_decimal(node: Node, wide: bool) -> Node:
    """Carry an exact number as a decimal of its own precision."""
    precision = max(node.type.precision, 1)
    if node.type.arrow == pa.int64():
        make = pa.decimal256 if wide else pa.decimal128
        first, arrow = pa.decimal128(20, 0), make(precision, 0)
        return Node(node.type, lambda row: node.evaluate(row).cast(first).cast(arrow))
    if wide and not pa.types.is_decimal256(node.type.arrow):
        arrow = pa.decimal256(precision, node.type.scale)
        return Node(node.type, lambda row: node.evaluate(row).cast(arrow))
    return node


def _divide(op: str, left: Node, right: Node, dialect: str) -> Node:
    """Divide; by zero gives NULL (PostgreSQL's error is looked for by the caller)."""
    if dialect == "sqlite" and (left.type.affinity or right.type.affinity):
        return _divide_by_affinity(op, left, right)
    if "float" in (left.family, right.family):
        if op == "DIV" or (op == "%" and dialect != "mysql"):
            raise Untranslatable(f"{op} of floating-point numbers")
        kernel = _safe(np.fmod if op == "%" else np.divide)
        return call(kernel, FLOAT, convert(left, FLOAT), convert(right, FLOAT))
    if left.family == right.family == "int" and (op != "/" or dialect != "mysql"):
        if left.type.arrow == right.type.arrow == pa.int64():
            digits = max(left.type.precision, right.type.precision)
            return call(_remainder if op == "%" else _quotient, SqlType("int", digits), left, right)
        raise Untranslatable("division of integers beyond 64 bits")
    if op == "/":
        return _exact_quotient(left, right)
    a, b = unify([left, right], dialect)
    a, b = _as_decimal(a, True), _as_decimal(b, True)
    if op == "DIV":
        whole = SqlType("decimal", a.type.precision + 1, 0)
        return call(lambda x, y: pc.trunc(_quotient(x, y)).cast(whole.arrow), whole, a, b)

    def remainder(x: Any, y: Any) -> Any:
        whole = pc.trunc(_quotient(x, y)).cast(pa.decimal256(a.type.precision, 0))
        return pc.subtract(x, pc.multiply(whole, y)).cast(a.type.arrow)

    return call(remainder, a.type, a, b)


def _exact_quotient(left: Node, right: Node) -> Node:
    """Divide decimals to at least as many digits as the engines keep."""
    scale = max(DIVISION_DIGITS, left.type.scale, right.type.scale)
    whole = left.type.precision - left.type.scale
    right = _as_decimal(right, True)
    dividend = SqlType("decimal", whole + scale, scale).arrow
    digits = min(whole + right.type.scale + scale, 76)
    result = SqlType("decimal", digits, scale)
    left = _as_decimal(left, True)
    if whole + scale + right.type.precision > 70 - right.type.scale:
        raise Untranslatable("a quotient of too many digits")

    def divide(x: Any, y: Any) -> Any:
        wide = x.cast(pa.decimal256(dividend.precision, scale))
        return pc.round(_quotient(wide, y), scale).cast(result.arrow, safe=False)

    return call(divide, result, left, right)


def _quotient(x: Any, y: Any) -> Any:
    zero = pa.scalar(0).cast(y.type)
    return pc.divide(x, pc.if_else(pc.equal(y, zero), pa.scalar(None, y.type), y))


def _remainder(x: Any, y: Any) -> Any:
    return pc.subtract(x, pc.multiply(_quotient(x, y), y))


def _safe(kernel: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Lift a NumPy division of floats to Arrow; NULL where the divisor is 0."""

    def lifted(x: Any, y: Any) -> Any:
        a, b = _floats(x), _floats(y)
        with np.errstate(all="ignore"):
            result = np.atleast_1d(kernel(a, b))
        unknown = np.atleast_1d(np.isnan(a) | np.isnan(b) | (b == 0))
        array = pa.array(result, pa.float64(), mask=np.broadcast_to(unknown, result.shape))
        return array[0] if isinstance(x, pa.Scalar) and isinstance(y, pa.Scalar) else array

    return lifted


def _floats(values: Any) -> Any:
    if isinstance(values, pa.Scalar):
        return np.float64(np.nan if not values.is_valid else values.as_py())
    return values.to_numpy(zero_copy_only=False)


def _divide_by_affinity(op: str, left: Node, right: Node) -> Node:
    """Divide as SQLite does where a NUMERIC column holds whole numbers as integers."""
    if op != "/" or 2 in (left.type.affinity, right.type.affinity):
        raise Untranslatable("SQLite's division of computed NUMERIC values")

    def whole(node: Node, values: Any) -> Any:
        if node.family == "int":
            return np.True_
        return (values == np.trunc(values)) if node.type.affinity else np.False_

    def divide(a: Any, b: Any) -> Any:
        quotient = np.divide(a, b)
        return np.where(whole(left, a) & whole(right, b), np.trunc(quotient), quotient)

    type_ = SqlType("float", affinity=2)
    return call(_safe(divide), type_, convert(left, FLOAT), convert(right, FLOAT))


def _on_time(op: str, left: Node, right: Node, dialect: str) -> Optional[Node]:
    """Return sums and differences of dates, timestamps and intervals; None if neither is."""
    a, b = left.family, right.family
    moments = ("date", "timestamp", "timestamptz", "interval", "time")
    if a not in moments and b not in moments:
        return None
    if op == "+" and a in ("int", "interval") and b not in ("int", "interval"):
        return _on_time(op, right, left, dialect)
    if op not in "+-" or dialect == "sqlite":
        raise Untranslatable(f"{a} {op} {b}")
    kernel = pc.add if op == "+" else pc.subtract
    if op == "-" and a == b and a in ("date", "timestamp", "timestamptz"):
        if dialect != "postgres":
            raise Untranslatable("MySQL's difference of dates")
        if a == "date":
            return call(
                lambda x, y: pc.subtract(_days(x), _days(y)), SqlType("int", 8), left, right
            )
        return call(kernel, INTERVAL, left, right)
    if op == "-" and {a, b} == {"date", "timestamp"} and dialect == "postgres":
        return call(kernel, INTERVAL, convert(left, TIMESTAMP), convert(right, TIMESTAMP))
    if a == "date" and b == "int" and dialect == "postgres":
        return call(lambda x, y: _to_date(kernel(_days(x), y)), DATE, left, right)
    if b == "interval" and a in ("date", "timestamp", "timestamptz", "interval"):
        moment = convert(left, TIMESTAMP) if a == "date" else left
        return call(kernel, moment.type, moment, right)
    raise Untranslatable(f"{a} {op} {b}")


def _days(values: Any) -> Any:
    return values.cast(pa.int32()).cast(pa.int64())


def _to_date(days: Any) -> Any:
    return days.cast(pa.int32()).cast(pa.date32())


_PARTS: dict[str, Callable[[Any], Any]] = {
    "year": pc.year,
    "quarter": pc.quarter,
    "month": pc.month,
    "day": pc.day,
    "hour": pc.hour,
    "minute": pc.minute,
    "isodow": lambda x: pc.day_of_week(x, count_from_zero=False),
    "dow": lambda x: pc.day_of_week(x, week_start=7),
    "doy": pc.day_of_year,
}


def date_part(part: str, node: Node) -> Node:
    """Return EXTRACT(part FROM node)."""
    kernel = _PARTS.get(part.lower())
    if kernel is None or node.family not in ("date", "timestamp"):
        raise Untranslatable(f"EXTRACT({part} FROM {node.family})")
    node = convert(node, TIMESTAMP)
    return call(lambda x: kernel(x).cast(pa.int64()), SqlType("int", 5), node)


def rounded(node: Node, digits: int, dialect: str, mode: str = "round") -> Node:
    """Return ROUND, TRUNC, FLOOR or CEIL."""
    if node.family == "int" and digits >= 0:
        return node
    if node.family not in ("decimal", "float") or (digits and mode != "round"):
        raise Untranslatable(f"{mode} of a {node.family}")
    type_ = _whole(node) if digits == 0 else node.type
    if mode != "round":
        kernel = {"trunc": pc.trunc, "floor": pc.floor, "ceil": pc.ceil}[mode]
        return call(lambda x: kernel(x).cast(type_.arrow), type_, node)
    even = node.family == "float" and dialect != "sqlite"
    how = "half_to_even" if even else "half_towards_infinity"
    return call(lambda x: pc.round(x, digits, round_mode=how).cast(type_.arrow), type_, node)


def _whole(node: Node) -> SqlType:
    if node.family == "float":
        return FLOAT
    return SqlType("decimal", node.type.precision - node.type.scale + 1, 0)


def like_to_regex(pattern: str, escape: Optional[str]) -> str:
    """Return the regular expression of a LIKE pattern.

    Examples
    --------
    >>> like_to_regex("a_c%", None)
    '(?s)^a.c.*$'
    """
    parts, index = [], 0
    while index < len(pattern):
        char = pattern[index]
        if char == escape and index + 1 < len(pattern):
            index += 1
            parts.append(re.escape(pattern[index]))
        else:
            parts.append({"%": ".*", "_": "."}.get(char) or re.escape(char))
        index += 1
    return f"(?s)^{''.join(parts)}$"


def days_between(later: Node, earlier: Optional[Node]) -> Node:
    """Return the days from `earlier`, or from the year 0, to `later`."""
    days = SqlType("int", 8)
    if earlier is None:
        return call(lambda x: pc.add(_days(x), DAYS_FROM_YEAR_0), days, later)
    return call(lambda x, y: pc.subtract(_days(x), _days(y)), days, later, earlier)


def to_date(moments: Any) -> Any:
    """Return the day of timestamps."""
    return pc.floor_temporal(moments, unit="day").cast(pa.date32())


_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}


def interval(count: str, unit: str) -> Node:
    """Return a constant number of units of time."""
    if unit not in _UNITS or not re.fullmatch(r"-?\d+", count):
        raise Untranslatable(f"INTERVAL {count} {unit}")
    return literal_node(dt.timedelta(seconds=int(count) * _UNITS[unit]), INTERVAL)
