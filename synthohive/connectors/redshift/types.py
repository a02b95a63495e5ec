"""What Redshift's types are to SynthoHive: a strategy for each.

========================  =======================================================================
SMALLINT, INTEGER,        as they are
BIGINT, REAL, DOUBLE
PRECISION, BOOLEAN
DECIMAL(p, s)             decimals, exactly
VARCHAR(n), CHAR(n)       texts of at most n *bytes*; blanks behind a CHAR say nothing
DATE, TIMESTAMP,          to the microsecond; what lies outside the years 1 to 9999 is one value at
TIMESTAMPTZ               either end; moments with a zone are of UTC
TIME, TIMETZ              to the microsecond, without their zone
INTERVAL DAY TO SECOND    spans
SUPER                     its JSON, parsed again as it is put back
VARBYTE                   bytes
INTERVAL YEAR TO MONTH,   not read: excluded, so that the copy holds the default or NULL; where
GEOMETRY, GEOGRAPHY,      neither may be, validation says so
HLLSKETCH
========================  =======================================================================
"""

from __future__ import annotations

import re
from typing import Any

from synthohive.schema import ColumnKind

__all__ = ["described"]

_FACTS: dict[str, dict[str, Any]] = {
    "smallint": {"kind": ColumnKind.INTEGER, "arrow": "int16"},
    "integer": {"kind": ColumnKind.INTEGER, "arrow": "int32"},
    "bigint": {"kind": ColumnKind.INTEGER, "arrow": "int64"},
    "real": {"kind": ColumnKind.FLOAT, "arrow": "float"},
    "double precision": {"kind": ColumnKind.FLOAT},
    "boolean": {"kind": ColumnKind.BOOLEAN},
    "numeric": {"kind": ColumnKind.DECIMAL, "precision": 18, "scale": 0},
    "character varying": {"kind": ColumnKind.TEXT},
    "character": {"kind": ColumnKind.TEXT},
    "date": {"kind": ColumnKind.DATE},
    "timestamp without time zone": {"kind": ColumnKind.TIMESTAMP},
    "timestamp with time zone": {"kind": ColumnKind.TIMESTAMP, "timezone": True},
    "time without time zone": {"kind": ColumnKind.TIME},
    "time with time zone": {"kind": ColumnKind.TIME},
    "interval day to second": {"kind": ColumnKind.INTERVAL},
    "super": {"kind": ColumnKind.JSON},
    "varbyte": {"kind": ColumnKind.BINARY},
    "binary varying": {"kind": ColumnKind.BINARY},
}
_OTHER_NAMES = {
    "int2": "smallint", "int4": "integer", "int8": "bigint", "int": "integer", "float4": "real",
    "float8": "double precision", "bool": "boolean", "decimal": "numeric", "bpchar": "character",
    "varchar": "character varying", "char": "character", "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone", "time": "time without time zone",
    "timetz": "time with time zone",
}  # fmt: skip
_SIZED = re.compile(r"([a-z ]+?) *\((\d+)(?:, *(\d+))?\)([a-z ]*)")


def described(type_: str) -> dict[str, Any]:
    """Return the fields of a column that follow from its type, as the catalogue writes it.

    Examples
    --------
    >>> described("numeric(9,2)")["scale"], described("character varying(20)")["length"]
    (2, 20)
    >>> described("geometry")["kind"]
    <ColumnKind.UNSUPPORTED: 'unsupported'>
    """
    plain = " ".join(type_.lower().split())
    sized = _SIZED.fullmatch(plain)
    name = f"{sized[1]}{sized[4]}" if sized else plain
    facts = dict(_FACTS.get(_OTHER_NAMES.get(name, name), {"kind": ColumnKind.UNSUPPORTED}))
    if sized and facts["kind"] is ColumnKind.DECIMAL:
        facts |= {"precision": int(sized[2]), "scale": int(sized[3] or 0)}
    elif sized and facts["kind"] in (ColumnKind.TEXT, ColumnKind.BINARY):
        facts["length"] = int(sized[2])
    return {"sql_type": plain, **facts}
