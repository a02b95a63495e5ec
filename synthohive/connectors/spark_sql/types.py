"""Spark SQL's types: what a column holds, how it is read without loss, and how it is put back.

======================  =========================================================================
TINYINT to BIGINT,      as they are
FLOAT, DOUBLE, BOOLEAN,
STRING, VARCHAR, CHAR,
BINARY, DATE
DECIMAL(p, s)           decimals, exactly
TIMESTAMP               moments of UTC
TIMESTAMP_NTZ           moments without a zone
VARIANT                 a JSON text, parsed again
ARRAY, MAP, STRUCT      a JSON text (``to_json``), taken apart again by the declared type; a MAP by
                        anything but texts as the array of its entries
GEOGRAPHY, GEOMETRY,    not read: excluded, so that the copy holds the default or NULL; where
VOID and all others     neither may be, validation says so
======================  =========================================================================
"""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from synthohive.connectors.spark_sql.text import literal
from synthohive.io.text import since_epoch, text
from synthohive.schema import Column, ColumnKind

__all__ = ["carried", "described", "put_back", "reading"]

_FACTS: dict[str, dict[str, Any]] = {
    "tinyint": {"kind": ColumnKind.INTEGER, "arrow": "int8"},
    "smallint": {"kind": ColumnKind.INTEGER, "arrow": "int16"},
    "int": {"kind": ColumnKind.INTEGER, "arrow": "int32"},
    "bigint": {"kind": ColumnKind.INTEGER, "arrow": "int64"},
    "float": {"kind": ColumnKind.FLOAT, "arrow": "float"},
    "double": {"kind": ColumnKind.FLOAT},
    "boolean": {"kind": ColumnKind.BOOLEAN},
    "string": {"kind": ColumnKind.TEXT},
    "varchar": {"kind": ColumnKind.TEXT},
    "char": {"kind": ColumnKind.TEXT},
    "binary": {"kind": ColumnKind.BINARY},
    "date": {"kind": ColumnKind.DATE},
    "timestamp": {"kind": ColumnKind.TIMESTAMP, "timezone": True},
    "timestamp_ntz": {"kind": ColumnKind.TIMESTAMP},
    "decimal": {"kind": ColumnKind.DECIMAL, "precision": 10, "scale": 0},
    "variant": {"kind": ColumnKind.JSON},
    "array": {"kind": ColumnKind.ARRAY},
    "map": {"kind": ColumnKind.COMPOSITE},
    "struct": {"kind": ColumnKind.COMPOSITE},
}
_OTHER_NAMES = {"integer": "int", "long": "bigint", "short": "smallint", "byte": "tinyint",
                "real": "float", "numeric": "decimal", "dec": "decimal",
                "timestamp_ltz": "timestamp"}  # fmt: skip
_WRITTEN = "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"
_NESTED = (ColumnKind.ARRAY, ColumnKind.COMPOSITE)
_MICROSECONDS = (  # else moments end at milliseconds
    f"map('timestampFormat', {literal(_WRITTEN + 'XXX')}, "
    f"'timestampNTZFormat', {literal(_WRITTEN)})"
)
_SIZED = re.compile(r"\w+\((\d+)(?:, *(\d+))?\)")


def described(type_: str) -> dict[str, Any]:
    """Return the fields of a column that follow from its type, as the catalogue writes it.

    Examples
    --------
    >>> described("decimal(9,2)")["scale"], described("array<struct<a:int>>")["kind"]
    (2, <ColumnKind.ARRAY: 'array'>)
    """
    plain = type_.strip()
    name = re.split(r"[<( ]", plain, maxsplit=1)[0].lower()
    facts = dict(_FACTS.get(_OTHER_NAMES.get(name, name), {"kind": ColumnKind.UNSUPPORTED}))
    if _by_others(plain.lower()):
        facts["kind"] = ColumnKind.ARRAY
    sized = _SIZED.fullmatch(plain)
    if sized and facts["kind"] is ColumnKind.DECIMAL:
        facts |= {"precision": int(sized[1]), "scale": int(sized[2] or 0)}
    elif sized and facts["kind"] is ColumnKind.TEXT:
        facts["length"] = int(sized[1])
    return {"sql_type": plain, **facts}


def reading(column: Column, quoted: str) -> str:
    """Return the SQL that reads a column without loss.

    Examples
    --------
    >>> reading(Column(name="v", kind=ColumnKind.JSON, sql_type="variant"), "t.v")
    'to_json(t.v)'
    """
    type_ = (column.sql_type or "").lower()
    if type_.startswith("char("):
        return f"rtrim({quoted})"
    if type_ == "variant" or (column.kind is ColumnKind.JSON and not type_):
        return f"to_json({quoted})"
    if not type_.startswith(("array<", "map<", "struct<")):
        return quoted
    value = f"map_entries({quoted})" if _by_others(type_) else quoted
    return f"to_json({value}, {_MICROSECONDS})"


def _by_others(type_: str) -> bool:
    """Whether a type is a map by something else than texts, which no JSON object is."""
    return type_.startswith("map<") and not type_.startswith("map<string,")


def carried(array: pa.Array) -> pa.Array:
    """Return a column as Parquet files have it.

    Examples
    --------
    >>> import datetime
    >>> carried(pa.array([datetime.timedelta(seconds=1)]))[0]
    <pyarrow.TimestampScalar: '1970-01-01T00:00:01.000000'>
    """
    type_ = array.type
    if pa.types.is_dictionary(type_):
        return array.dictionary_decode()
    if pa.types.is_duration(type_):
        return since_epoch(array)
    if pa.types.is_time(type_):
        return text(array)
    if type_ == pa.uint64():
        return pc.cast(array, pa.decimal128(20, 0))
    return array


def put_back(column: Column, source: str, *, native: bool = True) -> str:
    """Return the SQL that makes a column's value of what a file has of it.

    Parameters
    ----------
    column : Column
    source : str
        The file's.
    native : bool, default True
        The column's type is the engine's own; else the kind decides.

    Examples
    --------
    >>> tags = Column(name="t", kind=ColumnKind.ARRAY, sql_type="array<string>")
    >>> put_back(tags, "c0"), put_back(tags, "c0", native=False)
    ("from_json(c0, 'array<string>')", 'parse_json(c0)')
    """
    if native and column.kind in _NESTED:
        type_ = column.sql_type or ""
        if _by_others(type_.lower()):
            entries = f"array<struct<key:{type_[4:].replace(',', ',value:', 1)}>"
            return f"map_from_entries(from_json({source}, {literal(entries)}))"
        return f"from_json({source}, {literal(type_)})"
    return f"parse_json({source})" if column.kind in (*_NESTED, ColumnKind.JSON) else source
