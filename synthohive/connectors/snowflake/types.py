"""What Snowflake's types are to SynthoHive: a strategy for each.

======================  =========================================================================
NUMBER(p, 0)            whole numbers of 64 bits; of over 18 digits where all values fit, which
                        the smallest and greatest tell (INTEGER is a NUMBER(38, 0)); else decimals
NUMBER(p, s)            decimals, exactly
FLOAT, BOOLEAN, DATE    as they are
TIME, TIMESTAMP_NTZ     to the microsecond: what is finer is left out
TIMESTAMP_LTZ, _TZ      moments of UTC, to the microsecond; offsets are not kept
VARIANT, OBJECT         documents of JSON
ARRAY                   arrays of JSON
BINARY                  bytes
GEOGRAPHY, GEOMETRY,    not read: excluded, so that the copy holds the default or NULL; where
VECTOR and all others   neither may be, validation says so
======================  =========================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthohive.schema import ColumnKind

__all__ = ["described", "is_wide"]

_KINDS = {
    "ARRAY": ColumnKind.ARRAY,
    "BINARY": ColumnKind.BINARY,
    "BOOLEAN": ColumnKind.BOOLEAN,
    "DATE": ColumnKind.DATE,
    "FLOAT": ColumnKind.FLOAT,
    "OBJECT": ColumnKind.JSON,
    "TEXT": ColumnKind.TEXT,
    "TIME": ColumnKind.TIME,
    "TIMESTAMP_LTZ": ColumnKind.TIMESTAMP,
    "TIMESTAMP_NTZ": ColumnKind.TIMESTAMP,
    "TIMESTAMP_TZ": ColumnKind.TIMESTAMP,
    "VARIANT": ColumnKind.JSON,
}
_SURE_DIGITS = 18  # of which each number has 64 bits


def described(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a column that follow from its row in INFORMATION_SCHEMA.COLUMNS.

    Examples
    --------
    >>> described({"data_type": "NUMBER", "numeric_precision": 9, "numeric_scale": 2})["sql_type"]
    'NUMBER(9, 2)'
    >>> described({"data_type": "TIMESTAMP_TZ", "datetime_precision": 9})["timezone"]
    True
    """
    type_ = str(facts["data_type"]).upper()
    if type_ == "NUMBER":
        return _number(int(facts["numeric_precision"]), int(facts["numeric_scale"] or 0))
    found: dict[str, Any] = {"sql_type": type_, "kind": _KINDS.get(type_, ColumnKind.UNSUPPORTED)}
    size = facts.get("character_maximum_length")
    if type_ in ("TEXT", "BINARY"):
        name = "VARCHAR" if type_ == "TEXT" else type_
        found["sql_type"] = name if size is None else f"{name}({int(size)})"
        found["length"] = None if size is None else int(size)
    elif (digits := facts.get("datetime_precision")) is not None and type_ != "DATE":
        found["sql_type"] = f"{type_}({int(digits)})"
    if type_ in ("TIMESTAMP_LTZ", "TIMESTAMP_TZ"):
        found["timezone"] = True
    return found


def _number(precision: int, scale: int) -> dict[str, Any]:
    found: dict[str, Any] = {"sql_type": f"NUMBER({precision}, {scale})"}
    if scale == 0:
        return {**found, "kind": ColumnKind.INTEGER, "arrow": "int64"}
    return {**found, "kind": ColumnKind.DECIMAL, "precision": precision, "scale": scale}


def is_wide(facts: Mapping[str, Any]) -> bool:
    """Whether whole numbers of a column may have more than 64 bits."""
    whole = facts["data_type"] == "NUMBER" and not facts["numeric_scale"]
    return whole and int(facts["numeric_precision"]) > _SURE_DIGITS
