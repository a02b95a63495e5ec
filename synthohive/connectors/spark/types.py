"""Spark's types: those of Spark SQL, and what Databricks' driver does not read.

=======================  ========================================================================
INTERVAL DAY … SECOND    spans, in microseconds
INTERVAL YEAR … MONTH    whole numbers: of months, or of years where a type has only these
TIME(p)                  times of day
=======================  ========================================================================

A date or a moment before the year 1 or after 9999, which Python cannot show, is read as the last
one before it, or the first after, as :mod:`synthohive.connectors.special_values` says.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from synthohive.connectors import special_values
from synthohive.connectors.spark_sql import types
from synthohive.connectors.spark_sql.text import quote
from synthohive.schema import Column, ColumnKind

__all__ = ["cast", "described", "reading", "type_text"]

_NAMES = {"integer": "int", "long": "bigint", "short": "smallint", "byte": "tinyint"}
_FIRST, _BEYOND = -719_162, 2_932_897
"""Days from 1970 to the year 1, and to the year 10000."""
_A_DAY = 86_400_000_000


def described(type_: str) -> dict[str, Any]:
    """Return the fields of a column that follow from its type.

    Examples
    --------
    >>> described("interval day to second")["kind"], described("interval year")["kind"]
    (<ColumnKind.INTERVAL: 'interval'>, <ColumnKind.INTEGER: 'integer'>)
    """
    plain = type_.lower()
    if plain.startswith("time("):
        return {"sql_type": type_, "kind": ColumnKind.TIME}
    if _of_months(plain):
        return {"sql_type": type_, "kind": ColumnKind.INTEGER, "arrow": "int32"}
    if plain.startswith("interval "):
        return {"sql_type": type_, "kind": ColumnKind.INTERVAL}
    return types.described(type_.partition(" collate ")[0])


def _of_months(type_: str) -> bool:
    return type_.startswith(("interval year", "interval month"))


def reading(column: Column, quoted: str) -> str:
    """Return the SQL that reads a column without loss.

    Examples
    --------
    >>> reading(Column(name="y", **described("interval year to month")), "t.y")
    'CAST(t.y AS INT)'
    """
    if _of_months((column.sql_type or "").lower()):
        return f"CAST({quoted} AS INT)"
    return types.reading(column, quoted)


def type_text(type_: Any) -> str:
    """Return a type as SQL writes it, from what a DataFrame's schema says of it in JSON.

    Examples
    --------
    >>> type_text({"type": "struct", "fields": [{"name": "a b", "type": "long"}]})
    'struct<`a b`:bigint>'
    """
    if isinstance(type_, str):
        return _NAMES.get(type_, type_)
    kind = type_.get("type")
    if kind == "array":
        return f"array<{type_text(type_['elementType'])}>"
    if kind == "map":
        return f"map<{type_text(type_['keyType'])},{type_text(type_['valueType'])}>"
    if kind == "struct":
        fields = [f"{_field(f['name'])}:{type_text(f['type'])}" for f in type_["fields"]]
        return f"struct<{','.join(fields)}>"
    return str(kind)  # of a user, which is not read


def _field(name: str) -> str:
    return name if name.isidentifier() and name.isascii() else quote(name)


def cast(array: pa.Array, type_: pa.DataType) -> pa.Array:
    """Return a column in its type, without moments that Python cannot show.

    Examples
    --------
    >>> cast(pa.array([_BEYOND], pa.date32()), pa.date32())[0]
    <pyarrow.Date32Scalar: datetime.date(9999, 12, 29)>
    """
    plain = pc.cast(array, type_)
    if pa.types.is_date32(type_):
        numbers, day = plain.cast(pa.int32()), 1
    elif pa.types.is_timestamp(type_) and type_.unit == "us":
        numbers, day = plain.cast(pa.int64()), _A_DAY
    else:
        return plain
    least, most = (value for value in pc.min_max(numbers).values())
    if not least.is_valid or (least.as_py() >= _FIRST * day and most.as_py() < _BEYOND * day):
        return plain
    for odd, moment in (
        (pc.less(numbers, _FIRST * day), special_values.BEFORE),
        (pc.greater_equal(numbers, _BEYOND * day), special_values.AFTER),
    ):
        value = pa.scalar(special_values.stand_in(moment, type_), _unzoned(type_)).cast(type_)
        plain = pc.if_else(odd, value, plain)
    return plain


def _unzoned(type_: pa.DataType) -> pa.DataType:
    return pa.timestamp("us") if pa.types.is_timestamp(type_) else type_
