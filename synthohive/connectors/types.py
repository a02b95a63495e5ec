"""From SQLAlchemy's reflected types to what SynthoHive knows of a column."""

from __future__ import annotations

import re
from typing import Any, Optional

from sqlalchemy import types as sa
from sqlalchemy.engine import Dialect

from synthohive.connectors.registry import spelling
from synthohive.schema import ColumnKind

__all__ = ["describe_type"]

_INTEGER_BITS = {
    "TINYINT": 8,
    "SMALLINT": 16,
    "MEDIUMINT": 32,
    "INTEGER": 32,
    "INT": 32,
    "BIGINT": 64,
}
_BINARY_NAMES = {
    "BYTEA", "BINARY", "VARBINARY", "BLOB", "TINYBLOB", "MEDIUMBLOB", "LONGBLOB",
}  # fmt: skip
_TEXT_NAMES = {
    "CITEXT", "INET", "CIDR", "MACADDR", "MACADDR8", "XML", "BPCHAR", "NAME", "SET", "BIT",
    "VARBIT", "LTREE", "TEXT", "CLOB", "INET4", "INET6", "HSTORE",
}  # fmt: skip


_KINDS: tuple[tuple[Any, tuple[str, ...], ColumnKind], ...] = (
    (sa.UUID, ("UUID", "UNIQUEIDENTIFIER"), ColumnKind.UUID),
    (sa.JSON, ("JSON", "JSONB"), ColumnKind.JSON),
    (sa.Boolean, (), ColumnKind.BOOLEAN),
    (sa.Float, ("REAL", "DOUBLE", "DOUBLE_PRECISION", "FLOAT"), ColumnKind.FLOAT),
    (sa.Date, (), ColumnKind.DATE),
    (sa.Time, (), ColumnKind.TIME),
    (sa.Interval, ("INTERVAL",), ColumnKind.INTERVAL),
    ((), ("OID",), ColumnKind.INTEGER),
)
"""By SQLAlchemy's class, or the name of the type's own: what says all of a column."""
_FACTS: dict[str, dict[str, Any]] = {
    "MONEY": {"kind": ColumnKind.DECIMAL, "precision": 19, "scale": 2},
    "YEAR": {"kind": ColumnKind.INTEGER, "arrow": "int16"},
}


def describe_type(type_: Any, dialect: Dialect) -> dict[str, Any]:
    """Return the fields of :class:`~synthohive.schema.Column` that follow from the type.

    A type that nobody knows gets the kind ``unsupported``; validation reports it.
    """
    facts: dict[str, Any] = {"sql_type": _text_of(type_, dialect)}
    name = type(type_).__name__.upper()
    if name == "DOMAIN" and hasattr(type_, "data_type"):
        base = describe_type(type_.data_type, dialect)
        if base["kind"] not in (ColumnKind.RANGE, ColumnKind.UNSUPPORTED):  # known by their type
            base["sql_type"] = facts["sql_type"]
        return base
    own = spelling(dialect.name).described(type_, name)
    facts.update(_described(type_, name, facts["sql_type"] or "") if own is None else own)
    return facts


def _text_of(type_: Any, dialect: Dialect) -> Optional[str]:
    try:
        return str(type_.compile(dialect=dialect))
    except Exception:  # noqa: BLE001 - a type without a name is reported as unsupported
        return None


def _described(type_: Any, name: str, text: str) -> dict[str, Any]:
    if name in _FACTS:
        return _FACTS[name]
    for class_, names, kind in _KINDS:
        if isinstance(type_, class_) or name in names:
            return {"kind": kind}
    if isinstance(type_, sa.ARRAY) or name == "ARRAY":
        item = type(getattr(type_, "item_type", None)).__name__.upper()
        unread = item.endswith("RANGE") or item == "TSVECTOR"  # whose texts have rules of their own
        return {"kind": ColumnKind.UNSUPPORTED if unread else ColumnKind.ARRAY}
    if isinstance(type_, sa.Enum):
        return {"kind": ColumnKind.CATEGORICAL, "enum_values": list(type_.enums)}
    if isinstance(type_, sa.Integer):
        return _integer(type_, name)
    if isinstance(type_, sa.Numeric):
        return {"kind": ColumnKind.DECIMAL, "precision": type_.precision, "scale": type_.scale}
    if isinstance(type_, sa.DateTime):
        zoned = bool(getattr(type_, "timezone", False))
        return {"kind": ColumnKind.TIMESTAMP, "timezone": zoned}
    if isinstance(type_, sa.LargeBinary) or name in _BINARY_NAMES:
        return {"kind": ColumnKind.BINARY, "length": getattr(type_, "length", None)}
    if isinstance(type_, sa.String) or name in _TEXT_NAMES:
        length = getattr(type_, "length", None) if name != "SET" else None  # of one member
        if length is None and (found := re.search(r"CHAR(?:ACTER)?(?: VARYING)?\((\d+)\)", text)):
            length = int(found[1])
        return {"kind": ColumnKind.TEXT, "length": length}
    if name.endswith("RANGE") and not name.endswith("MULTIRANGE"):
        return {"kind": ColumnKind.RANGE, "sql_type": text.lower()}
    return {"kind": ColumnKind.UNSUPPORTED}


def _integer(type_: Any, name: str) -> dict[str, Any]:
    bits = _INTEGER_BITS.get(name, 64)
    if not getattr(type_, "unsigned", False):
        return {"kind": ColumnKind.INTEGER, "arrow": f"int{bits}"}
    # The next wider signed type holds every value; of 64 bits there is none.
    arrow = "uint64" if bits == 64 else f"int{bits * 2}"
    return {"kind": ColumnKind.INTEGER, "unsigned": True, "arrow": arrow}
