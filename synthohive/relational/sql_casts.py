"""CAST and ``::`` of SQL expressions."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from synthohive.relational import sql_functions as fn
from synthohive.relational.sql_values import (
    BOOL,
    DATE,
    FLOAT,
    INT,
    INTERVAL,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    Node,
    SqlType,
    Untranslatable,
    convert,
    decimal_literal,
    literal_node,
    null_node,
    parse_number,
)

__all__ = ["cast"]

_T = exp.DataType.Type
_STRINGS = {_T.TEXT, _T.VARCHAR, _T.CHAR, _T.BPCHAR, _T.NVARCHAR, _T.NCHAR, _T.UUID}
_INTEGERS = {_T.TINYINT, _T.SMALLINT, _T.INT, _T.MEDIUMINT, _T.BIGINT, _T.UBIGINT}
_FLOATS = {_T.DOUBLE, _T.FLOAT}
_MOMENTS = {
    _T.DATE: DATE,
    _T.TIME: TIME,
    _T.TIMESTAMP: TIMESTAMP,
    _T.TIMESTAMPNTZ: TIMESTAMP,
    _T.DATETIME: TIMESTAMP,
    _T.TIMESTAMPTZ: TIMESTAMPTZ,
    _T.INTERVAL: INTERVAL,
}


def cast(node: Node, to: exp.DataType, dialect: str) -> Node:
    """Return `node` as the type that `to` names.

    Raises
    ------
    Untranslatable
        The engine's rounding or text of such a cast is not followed here.
    """
    kind = to.this
    if kind in _STRINGS or kind is _T.USERDEFINED:
        return _as_string(node, to)
    if node.constant and node.family == "string" and node.value is not None:
        node = _literal(node, to, dialect)
    if kind in _INTEGERS:
        return _as_integer(node, dialect)
    if kind in _FLOATS:
        return _as_float(node, single=kind is _T.FLOAT and dialect != "sqlite")
    if kind is _T.DECIMAL and dialect != "sqlite":
        return _as_decimal(node, to)
    if kind is _T.BOOLEAN and node.family == "bool":
        return node
    if kind in _MOMENTS and dialect != "sqlite":
        return _as_moment(node, _MOMENTS[kind], dialect)
    raise Untranslatable(f"CAST to {to.sql()}")


def _literal(node: Node, to: exp.DataType, dialect: str) -> Node:
    """Read a string literal as a value of the type."""
    if to.this in _INTEGERS or to.this in _FLOATS or to.this is _T.DECIMAL:
        return parse_number(node.value, "float" if to.this in _FLOATS else "decimal")
    if to.this is _T.BOOLEAN:
        return convert(node, BOOL)
    return node


def _size(to: exp.DataType) -> list[int]:
    return [int(parameter.this.name) for parameter in to.expressions]


def _as_string(node: Node, to: exp.DataType) -> Node:
    if node.family == "null":
        return node
    if node.family != "string":
        raise Untranslatable(f"the text of a {node.family}")
    if to.this is _T.BPCHAR or (to.this is _T.CHAR and node.constant):
        if node.constant:
            return literal_node(node.value and node.value.rstrip(" "), node.type)
        return fn.call(lambda x: pc.utf8_rtrim(x, characters=" "), node.type, node)
    if not to.expressions or to.this is _T.USERDEFINED:
        return node
    (stop,) = _size(to)
    return fn.call(lambda x: pc.utf8_slice_codeunits(x, 0, stop), node.type, node)


def _as_integer(node: Node, dialect: str) -> Node:
    if node.family in ("int", "null"):
        return node
    if node.family == "bool":
        return convert(node, INT)
    if node.family not in ("decimal", "float"):
        raise Untranslatable(f"CAST of a {node.family} to an integer")
    mode = "trunc" if dialect == "sqlite" else "round"
    whole = fn.rounded(node, 0, dialect, mode)
    return fn.call(lambda x: x.cast(pa.int64()), INT, whole)


def _as_float(node: Node, single: bool) -> Node:
    if node.family not in ("int", "decimal", "float", "null"):
        raise Untranslatable(f"CAST of a {node.family} to a floating-point number")
    node = convert(node, FLOAT)
    if not single:
        return node
    return fn.call(lambda x: x.cast(pa.float32()).cast(pa.float64()), FLOAT, node)


def _as_decimal(node: Node, to: exp.DataType) -> Node:
    if node.family not in ("int", "decimal"):
        raise Untranslatable(f"CAST of a {node.family} to a decimal")
    size = _size(to)
    if not size:
        if node.constant:
            return node if node.value is None else decimal_literal(node.value)
        return convert(node, SqlType("decimal", node.type.precision, node.type.scale))
    target = SqlType("decimal", size[0], size[1] if len(size) > 1 else 0)
    node = convert(node, SqlType("decimal", node.type.precision, node.type.scale))
    if node.type.scale > target.scale:
        node = fn.rounded(node, target.scale, "postgres")
    return fn.call(lambda x: x.cast(target.arrow), target, node)


def _as_moment(node: Node, target: SqlType, dialect: str) -> Node:
    if node.family == "null":
        return null_node(target)
    if node.family == "string" and node.constant:
        # MySQL prints TIMESTAMP'…' for literals without a zone
        is_plain = dialect == "mysql" and target == TIMESTAMPTZ
        return node if is_plain else convert(node, target)
    if node.family == target.family or (node.family, target.family) == ("date", "timestamp"):
        return convert(node, target)
    if (node.family, target.family) == ("timestamp", "date"):
        return fn.call(fn.to_date, DATE, node)
    raise Untranslatable(f"CAST of a {node.family} to a {target.family}")
