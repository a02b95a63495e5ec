"""What SQL Server's types are to SynthoHive: a strategy for each.

=========================  ======================================================================
BIT                        flags
TINYINT … BIGINT           whole numbers; TINYINT has 0 to 255
DECIMAL, NUMERIC           decimals, exactly; MONEY is DECIMAL(19, 4), SMALLMONEY DECIMAL(10, 4)
FLOAT, REAL                as they are
DATE                       as it is
TIME, DATETIME2, DATETIME  to the microsecond: what is finer is left out; DATETIME rounds to 1/300 s
DATETIMEOFFSET             moments of UTC, to the microsecond; offsets are not kept
CHAR … NVARCHAR, TEXT,     texts; a collation that is not the database's is part of the type
NTEXT, XML
UNIQUEIDENTIFIER           UUIDs, in small letters
BINARY, VARBINARY, IMAGE   bytes
JSON                       documents
ROWVERSION                 not read: the copy's server numbers its own rows
GEOGRAPHY, GEOMETRY,       not read: NULL in the copy, or the default; where neither may be,
HIERARCHYID, SQL_VARIANT   validation says so
=========================  ======================================================================

A type that a user gave a name is the type that it stands for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthohive.schema import ColumnKind

__all__ = ["described"]

_INTEGERS = {"tinyint": "int16", "smallint": "int16", "int": "int32", "bigint": "int64"}
_MONEY = {"money": 19, "smallmoney": 10}
_KINDS = {
    "bit": ColumnKind.BOOLEAN,
    "date": ColumnKind.DATE,
    "datetime": ColumnKind.TIMESTAMP,
    "datetime2": ColumnKind.TIMESTAMP,
    "datetimeoffset": ColumnKind.TIMESTAMP,
    "float": ColumnKind.FLOAT,
    "image": ColumnKind.BINARY,
    "json": ColumnKind.JSON,
    "ntext": ColumnKind.TEXT,
    "smalldatetime": ColumnKind.TIMESTAMP,
    "text": ColumnKind.TEXT,
    "time": ColumnKind.TIME,
    "uniqueidentifier": ColumnKind.UUID,
    "xml": ColumnKind.TEXT,
}
_SIZED = {
    **dict.fromkeys(("char", "varchar", "nchar", "nvarchar"), ColumnKind.TEXT),
    **dict.fromkeys(("binary", "varbinary"), ColumnKind.BINARY),
}
_SCALED = ("datetime2", "datetimeoffset", "time")


def described(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a column that follow from its row in the catalogue.

    Examples
    --------
    >>> facts = {"type": "nvarchar", "size": 80, "collation": None}
    >>> described(facts)["sql_type"], described(facts)["length"]
    ('NVARCHAR(40)', 40)
    >>> described({"type": "money", "size": 8})["scale"]
    4
    """
    found = _described(facts)
    if facts.get("collation"):
        found["sql_type"] += f" COLLATE {facts['collation']}"
    if facts.get("persisted"):
        found["sql_type"] += " PERSISTED"
    return found


def _described(facts: Mapping[str, Any]) -> dict[str, Any]:
    name = str(facts["type"]).lower()
    plain: dict[str, Any] = {"sql_type": name.upper()}
    if name in _INTEGERS:
        return {**plain, "kind": ColumnKind.INTEGER, "arrow": _INTEGERS[name]}
    if name in ("decimal", "numeric"):
        digits, scale = int(facts["precision"]), int(facts["scale"])
        type_ = f"{name.upper()}({digits}, {scale})"
        return {
            "sql_type": type_, "kind": ColumnKind.DECIMAL, "precision": digits, "scale": scale,
        }  # fmt: skip
    if name in _MONEY:
        return {**plain, "kind": ColumnKind.DECIMAL, "precision": _MONEY[name], "scale": 4}
    if name == "real":
        return {**plain, "kind": ColumnKind.FLOAT, "arrow": "float"}
    if name in _SIZED:
        size = int(facts["size"])  # in bytes; -1 is MAX
        length = None if size < 0 else size // 2 if name.startswith("n") else size
        text = f"{name.upper()}({'MAX' if length is None else length})"
        return {"sql_type": text, "kind": _SIZED[name], "length": length}
    if name == "timestamp":  # its older name, which in other engines is a moment
        plain["sql_type"] = "ROWVERSION"
    if name in _SCALED:
        plain["sql_type"] = f"{name.upper()}({int(facts['scale'])})"
    zoned = {"timezone": True} if name == "datetimeoffset" else {}
    return {**plain, "kind": _KINDS.get(name, ColumnKind.UNSUPPORTED), **zoned}
