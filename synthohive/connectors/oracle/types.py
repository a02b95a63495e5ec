"""What Oracle's types are to SynthoHive: a strategy for each.

========================  =======================================================================
NUMBER(p, 0), INTEGER     whole numbers of 64 bits; of over 18 digits where all values fit, which
                          the smallest and greatest tell; else decimals
NUMBER(p, s)              decimals, exactly
NUMBER                    whole numbers where all are, else decimals of 10 digits behind the point
FLOAT                     as 64 bits
BINARY_FLOAT, _DOUBLE     as they are
DATE                      a moment, to the second: it has a time of day
TIMESTAMP                 to the microsecond
TIMESTAMP … TIME ZONE     moments of UTC; zones are not kept
INTERVAL DAY TO SECOND    spans
CHAR, VARCHAR2, CLOB      texts (NCHAR, NVARCHAR2, NCLOB too); an empty one is NULL
RAW, BLOB                 bytes
BOOLEAN, JSON             flags (from 23ai on), documents (from 21c on)
INTERVAL YEAR TO MONTH,   not read: NULL in the copy, or the default; where neither may be,
LONG, ROWID, XMLTYPE,     validation says so
BFILE and all others
========================  =======================================================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from synthohive.schema import ColumnKind

__all__ = ["described", "is_wide"]

_KINDS = {
    "BINARY_DOUBLE": ColumnKind.FLOAT,
    "BINARY_FLOAT": ColumnKind.FLOAT,
    "BLOB": ColumnKind.BINARY,
    "BOOLEAN": ColumnKind.BOOLEAN,
    "CLOB": ColumnKind.TEXT,
    "DATE": ColumnKind.TIMESTAMP,
    "FLOAT": ColumnKind.FLOAT,
    "JSON": ColumnKind.JSON,
    "NCLOB": ColumnKind.TEXT,
}
_TEXTS = ("CHAR", "VARCHAR2", "NCHAR", "NVARCHAR2")
_SURE_DIGITS = 18  # of which each number has 64 bits


def described(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a column that follow from its row in ALL_TAB_COLS.

    Examples
    --------
    >>> described({"type": "VARCHAR2", "chars": 40, "unit": "C"})["sql_type"]
    'VARCHAR2(40 CHAR)'
    >>> described({"type": "NUMBER", "precision": 9, "scale": 2})["kind"].value
    'decimal'
    """
    type_ = str(facts["type"])
    found: dict[str, Any] = {"sql_type": type_, "kind": _KINDS.get(type_, ColumnKind.UNSUPPORTED)}
    if type_ == "NUMBER":
        return _number(facts)
    if type_ in _TEXTS:
        length = int(facts["chars"])
        unit = {"C": " CHAR", "B": " BYTE"}.get(facts.get("unit") or "", "")
        size = f"({length}{'' if type_.startswith('N') else unit})"
        return {"sql_type": f"{type_}{size}", "kind": ColumnKind.TEXT, "length": length}
    if type_ == "RAW":
        most = int(facts["size"])
        return {"sql_type": f"RAW({most})", "kind": ColumnKind.BINARY, "length": most}
    if type_ == "BINARY_FLOAT":
        found["arrow"] = "float"
    if type_.startswith("TIMESTAMP"):
        found["kind"], found["timezone"] = ColumnKind.TIMESTAMP, "TIME ZONE" in type_
    if re.match(r"INTERVAL DAY", type_):
        found["kind"] = ColumnKind.INTERVAL
    return found


def _number(facts: Mapping[str, Any]) -> dict[str, Any]:
    precision, scale = facts.get("precision"), facts.get("scale")
    if precision is None:  # INTEGER has a scale of 0, NUMBER none
        sql_type = "NUMBER" if scale is None else "INTEGER"
        return {"sql_type": sql_type, "kind": ColumnKind.INTEGER, "arrow": "int64"}
    digits, behind = int(precision), int(scale or 0)
    found: dict[str, Any] = {"sql_type": f"NUMBER({digits}, {behind})"}
    if behind <= 0:
        return {**found, "kind": ColumnKind.INTEGER, "arrow": "int64"}
    wide = max(digits, behind)  # NUMBER(2, 4): hundredths of a hundredth
    return {**found, "kind": ColumnKind.DECIMAL, "precision": wide, "scale": behind}


def is_wide(facts: Mapping[str, Any]) -> bool:
    """Whether numbers of a column may have more than 64 bits, or be no whole ones."""
    if facts["type"] != "NUMBER" or (facts.get("scale") or 0) > 0:
        return False
    precision = facts.get("precision")
    return precision is None or int(precision) - int(facts.get("scale") or 0) > _SURE_DIGITS
