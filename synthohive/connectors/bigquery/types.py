"""BigQuery's types: what a column holds, how it is read without loss, and how it is put back.

================  =========================================================================
INT64, BOOL,      as they are
FLOAT64, STRING,
BYTES, DATE,
TIME, DATETIME,
TIMESTAMP
NUMERIC           decimals of the declared digits, (38, 9) where none are
BIGNUMERIC        decimals of 38 digits, the point where the rows need it; not read if they
                  have more
ARRAY, STRUCT     a JSON text (``TO_JSON_STRING``), taken apart by SQL as it is put back
JSON              its text, ``PARSE_JSON`` puts it back
GEOGRAPHY         points: their text, learned by coordinates; other shapes: NULL or POINT(0 0)
INTERVAL          microseconds, a month of 30 days; put back as the difference of two moments
RANGE             not read
================  =========================================================================
"""

from __future__ import annotations

import re
from typing import Any, Optional

from sqlglot import exp
from sqlglot.errors import SqlglotError

from synthohive.connectors.bigquery.spelling import literal, quote
from synthohive.schema import Column, ColumnKind

__all__ = ["describe", "put_back", "reading"]

_KINDS = {
    "BOOL": ColumnKind.BOOLEAN,
    "BYTES": ColumnKind.BINARY,
    "DATE": ColumnKind.DATE,
    "DATETIME": ColumnKind.TIMESTAMP,
    "FLOAT64": ColumnKind.FLOAT,
    "INT64": ColumnKind.INTEGER,
    "INTERVAL": ColumnKind.INTERVAL,
    "JSON": ColumnKind.JSON,
    "STRING": ColumnKind.TEXT,
    "TIME": ColumnKind.TIME,
    "TIMESTAMP": ColumnKind.TIMESTAMP,
    "NUMERIC": ColumnKind.DECIMAL,
    "BIGNUMERIC": ColumnKind.DECIMAL,
    "ARRAY": ColumnKind.ARRAY,
    "STRUCT": ColumnKind.COMPOSITE,
}
_SIZED = re.compile(r"\w+\((\d+)(?:,\s*(\d+))?\)")
_PARTS = "YEAR MONTH DAY HOUR MINUTE SECOND MICROSECOND".split()
_SECONDS = (360 * 86_400, 30 * 86_400, 86_400, 3_600, 60, 1)
_CASTS = frozenset(
    {"INT64", "FLOAT64", "BOOL", "DATE", "DATETIME", "TIME", "TIMESTAMP", "NUMERIC", "BIGNUMERIC"}
) | {"INTERVAL"}


def describe(column: Column, type_: str) -> None:
    """Complete a column by its type, as ``INFORMATION_SCHEMA`` writes it.

    Examples
    --------
    >>> price = Column(name="price", kind=ColumnKind.UNSUPPORTED)
    >>> describe(price, "NUMERIC(10, 2)")
    >>> price.kind, price.arrow_type
    (<ColumnKind.DECIMAL: 'decimal'>, Decimal128Type(decimal128(10, 2)))
    """
    column.sql_type = type_
    word = re.split(r"[<(]", type_, maxsplit=1)[0].strip().upper()
    column.kind = _KINDS.get(word, ColumnKind.UNSUPPORTED)
    column.timezone = word == "TIMESTAMP"
    sized = _SIZED.fullmatch(type_.strip())
    if word in ("NUMERIC", "BIGNUMERIC"):
        column.precision, column.scale = 38, 9  # as many as NUMERIC has; of BIGNUMERIC: measured
        if sized:
            column.precision, column.scale = int(sized[1]), int(sized[2] or 0)
        if column.precision > 38:
            column.kind = ColumnKind.UNSUPPORTED
    elif sized and word in ("STRING", "BYTES"):
        column.length = int(sized[1])
    elif word in ("ARRAY", "STRUCT") and _parsed(type_) is None:
        column.kind = ColumnKind.UNSUPPORTED


def reading(column: Column, quoted: str) -> str:
    """Return the SQL that reads a column without loss."""
    kind = column.kind
    if kind in (ColumnKind.JSON, ColumnKind.ARRAY, ColumnKind.COMPOSITE):
        return f"TO_JSON_STRING({quoted})" if kind is ColumnKind.ARRAY else _document(quoted)
    if kind is ColumnKind.POINT:
        return f"REPLACE(ST_ASTEXT({quoted}), 'POINT (', 'POINT(')"
    if kind is ColumnKind.EMPTY:
        return f"IF({quoted} IS NULL, NULL, 'POINT(0 0)')"
    if kind is ColumnKind.INTERVAL:
        parts = [f"EXTRACT({part} FROM {quoted})" for part in _PARTS]
        seconds = " + ".join(f"{p} * {s}" for p, s in zip(parts, _SECONDS))
        return f"(({seconds}) * 1000000 + MOD({parts[-1]}, 1000000))"
    return quoted


def _document(quoted: str) -> str:
    # TO_JSON_STRING makes the text "null" of what is NULL
    return f"IF({quoted} IS NULL, NULL, TO_JSON_STRING({quoted}))"


def put_back(column: Column, quoted: str, *, native: bool = True) -> Optional[str]:
    """Return the SQL that makes a value of what was loaded for it; None if it is loaded as it is.

    Parameters
    ----------
    column : Column
    quoted : str
        What was loaded.
    native : bool, default True
        The column's type is BigQuery's own; else the kind decides.

    Examples
    --------
    >>> put_back(Column(name="j", kind=ColumnKind.JSON, sql_type="JSON"), "s.j")
    "PARSE_JSON(s.j, wide_number_mode => 'round')"
    """
    type_ = (column.sql_type or "").upper() if native else ""
    if column.kind is ColumnKind.INTERVAL:
        return f"TIMESTAMP_MICROS({quoted}) - TIMESTAMP_MICROS(0)"
    if type_ == "GEOGRAPHY":
        return f"ST_GEOGFROMTEXT({quoted})"
    if type_.startswith(("ARRAY<", "STRUCT<")):
        parsed = _parsed(column.sql_type or "")
        return None if parsed is None else _value(parsed, quoted, "$", 0)
    if column.kind in (ColumnKind.JSON, ColumnKind.ARRAY, ColumnKind.COMPOSITE):
        return f"PARSE_JSON({quoted}, wide_number_mode => 'round')"
    return None


def _parsed(type_: str) -> Optional[exp.DataType]:
    """Return a type as a tree; None of one that is not understood."""
    try:
        found = exp.DataType.build(type_, dialect="bigquery")
    except (SqlglotError, ValueError):
        return None
    return found


def _value(type_: exp.DataType, text: str, path: str, depth: int) -> str:
    """Return the SQL of a typed value at a path of a JSON text."""
    at = literal(path)
    if type_.is_type(exp.DataType.Type.ARRAY):
        inner = _value(type_.expressions[0], f"e{depth}", "$", depth + 1)
        return (
            f"ARRAY(SELECT {inner} FROM UNNEST(JSON_QUERY_ARRAY({text}, {at})) AS e{depth} "
            f"WITH OFFSET AS o{depth} ORDER BY o{depth})"
        )
    if type_.is_type(exp.DataType.Type.STRUCT):
        fields = []
        for field in type_.expressions:
            inner = f'{path}."{field.name}"'
            fields.append(
                f"{_value(field.args['kind'], text, inner, depth)} AS {quote(field.name)}"
            )
        return f"IF(JSON_QUERY({text}, {at}) IS NULL, NULL, STRUCT({', '.join(fields)}))"
    word = re.split(r"[<(]", type_.sql("bigquery"), maxsplit=1)[0]
    plain = f"JSON_VALUE({text}, {at})"
    known: dict[str, Any] = {
        "STRING": plain,
        "BYTES": f"FROM_BASE64({plain})",
        "JSON": f"PARSE_JSON(JSON_QUERY({text}, {at}), wide_number_mode => 'round')",
        "GEOGRAPHY": f"ST_GEOGFROMGEOJSON(JSON_QUERY({text}, {at}))",
    }
    return str(known.get(word) or f"CAST({plain} AS {word if word in _CASTS else 'STRING'})")
