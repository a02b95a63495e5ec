"""Expressions and defaults carried from one engine's SQL to another's, where they mean the same.

sqlglot knows how each engine writes what all of them have. What it cannot know is decided here:
each change below is one that its reading would get wrong, and whatever may mean something else
in the target is refused with the reason, so that it can be listed before anything is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Optional

from sqlglot import exp

from synthohive.ddl.spelling import Spelling
from synthohive.ddl.statements import Refused
from synthohive.schema import Column, ColumnKind

__all__ = ["as_condition", "carried", "carried_default", "tells_case"]

Node = Any
"""A node of sqlglot's tree; the name of its class differs between versions."""
_Type = exp.DataType.Type
_TEXTS = (_Type.TEXT, _Type.VARCHAR, _Type.CHAR, _Type.NCHAR, _Type.NVARCHAR)
_NUMBERS = (
    _Type.DECIMAL, _Type.DOUBLE, _Type.FLOAT, _Type.BIGINT, _Type.INT, _Type.SMALLINT,
    _Type.TINYINT, _Type.INT128,
)  # fmt: skip
_MOMENTS = (
    _Type.DATE, _Type.TIME, _Type.TIMESTAMP, _Type.TIMESTAMPTZ, _Type.TIMESTAMPNTZ, _Type.DATETIME,
)  # fmt: skip
_LOCAL = tuple(
    found for n in ("Localtime", "Localtimestamp") if (found := getattr(exp, n, None)) is not None
)
_NOW = (
    exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp, exp.CurrentDatetime, exp.Rand,
    exp.Uuid, *_LOCAL,
)  # fmt: skip
_DOCUMENTS = (
    exp.JSONExtract, exp.JSONExtractScalar, exp.JSONBContains, exp.JSONBExtract, exp.Bracket,
)  # fmt: skip
_TEXTUAL = (exp.Lower, exp.Upper, exp.Trim, exp.Substring, exp.Concat, exp.DPipe, exp.Coalesce)
_PARTS: dict[type[Any], str] = {
    exp.Year: "YEAR", exp.Month: "MONTH", exp.Day: "DAY", exp.DayOfMonth: "DAY",
}  # fmt: skip
_SQLITE_PARTS = {"%Y": "YEAR", "%m": "MONTH", "%d": "DAY"}
_COMPARED = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is)
_CONDITIONS = (exp.Predicate, exp.Connector, exp.Not)
_KEPT = (*_TEXTS, *_NUMBERS, _Type.DATE, _Type.TIME)
_UNUSUAL = re.compile(r"\\(?![dDsSwW.+*?()\[\]{}|^$/\\-])|\(\?|\[\[[:.=]")
_UNITS = {"YEAR", "MONTH", "DAY"}  # seconds have fractions here and none there


def carried(
    tree: Node,
    columns: Mapping[str, Column],
    source: Spelling,
    target: Spelling,
    *,
    check: bool = False,
) -> Node:
    """Return an expression as the target's grammar writes it with the same meaning.

    Parameters
    ----------
    tree : sqlglot.Expression
        As the source's grammar reads it, vetted; it is changed.
    columns : dict of str to Column
        Those of the table.
    source, target : Spelling
    check : bool, default False
        It is a condition, and no value.

    Raises
    ------
    Refused
        A part may mean something else in the target.
    """
    known = {name.lower(): column for name, column in columns.items()}
    root = exp.Paren(this=tree)  # so that the whole, too, can be replaced
    for step in (_listed, _part_of_date, _plain_cast, _told, _flagged, _compared):
        for node in list(root.walk()):
            found = step(node, known)
            if found is not node:
                node.replace(found)
    for node in list(root.walk()):
        _check_meaning(node, known, target)
        if isinstance(node, exp.Like):
            node.replace(_like(node, source, target))
        elif source.exact and not target.exact:
            _lowered(node, known)
    if not target.conditions:
        _apart(root, known, check=check)
    return root.this


def as_condition(tree: Node) -> Node:
    """Return a condition as a comparison, or what combines such: all that MySQL's CHECK takes.

    Parameters
    ----------
    tree : sqlglot.Expression
        As :func:`carried` returns it; of a CASE, a call or a column the value is compared.
    """
    if isinstance(tree.unnest(), _CONDITIONS):
        return tree
    return exp.NEQ(this=exp.Paren(this=tree), expression=exp.Literal.number(0))


def carried_default(tree: Node, column: Column, target: Spelling) -> str:
    """Return a default as the target writes it.

    Parameters
    ----------
    tree : sqlglot.Expression
        As the source's grammar reads it, vetted.
    column : Column
    target : Spelling

    Raises
    ------
    Refused
        It is no constant, and not the moment of a column that holds moments.
    """
    node, negative = _bare(tree), False
    if isinstance(node, exp.Neg):
        node, negative = _bare(node.this), True
    if column.kind is ColumnKind.TIMESTAMP and _is_now(node):
        return target.moment(column)
    if isinstance(node, exp.CurrentDate) and column.kind is ColumnKind.DATE:
        return target.today
    if isinstance(node, exp.Null):
        return "NULL"
    if isinstance(node, exp.Uuid) and column.kind is ColumnKind.UUID and target.new_uuid:
        return target.new_uuid
    if isinstance(node, exp.Boolean) or column.kind is ColumnKind.BOOLEAN:
        flag = _flag(node)
        return flag if target.conditions else str(int(flag == "TRUE"))
    if isinstance(node, exp.Literal):
        if not node.is_string:
            return f"-{node.this}" if negative else str(node.this)
        if column.kind.family == "number":  # MySQL quotes numbers, too
            return str(float(node.this)) if "e" in node.this.lower() else _number(node.this)
        return target.literal(node.this)
    raise Refused("it is no constant that the target can have for a default")


def _is_now(node: Node) -> bool:
    called = node.name.lower() if isinstance(node, exp.Anonymous) else ""
    return called == "now" or isinstance(node, (exp.CurrentTimestamp, exp.CurrentDatetime, *_LOCAL))


def _number(text: str) -> str:
    if not text.removeprefix("-").replace(".", "", 1).isdigit():
        raise Refused("it is no number")
    return text


def _flag(node: Node) -> str:
    said = str(node.this).lower()
    if said in ("true", "t", "1"):
        return "TRUE"
    if said in ("false", "f", "0"):
        return "FALSE"
    raise Refused("it is neither true nor false")


def _bare(node: Node) -> Node:
    """Remove parentheses, and casts of constants to the column's own type."""
    while isinstance(node, (exp.Paren, exp.Cast)):
        node = node.this
    return node


def _listed(node: Node, columns: Mapping[str, Column]) -> Node:
    """Turn PostgreSQL's ``= ANY (ARRAY[…])``, as it keeps every IN, into ``IN (…)``."""
    if not isinstance(node, (exp.EQ, exp.NEQ)):
        return node
    right = node.expression
    quantifier = "any" if isinstance(node, exp.EQ) else "all"
    if isinstance(right, exp.Anonymous) and right.name.lower() == quantifier:
        held = right.expressions[0]  # as sqlglot reads <> ALL (…)
    elif type(right) is (exp.Any if quantifier == "any" else exp.All):
        held = right.this
    else:
        return node
    array = _bare(held)
    if not isinstance(array, exp.Array):
        raise Refused("it compares with an array")
    found = exp.In(this=node.this, expressions=array.expressions)
    return found if quantifier == "any" else exp.Not(this=exp.Paren(this=found))


def _told(node: Node, columns: Mapping[str, Column]) -> Node:
    """Take ``<> 0`` from a condition, which is a number in MySQL and SQLite alone."""
    zero = isinstance(node, exp.NEQ) and isinstance(node.expression, exp.Literal)
    plain = zero and not node.expression.is_string and node.expression.this == "0"
    return node.this if plain and _is_condition(node.this) else node


def _flagged(node: Node, columns: Mapping[str, Column]) -> Node:
    """Compare flags with true and false, which some engines write as 1 and 0."""
    if not isinstance(node, (exp.EQ, exp.NEQ)) or not _is_flag(node.this.unnest(), columns):
        return node
    value = _bare(node.expression)
    if not isinstance(value, exp.Literal):
        return node
    return type(node)(this=node.this, expression=exp.Boolean(this=_flag(value) == "TRUE"))


def _is_flag(node: Node, columns: Mapping[str, Column]) -> bool:
    return _kind(node, columns) is ColumnKind.BOOLEAN


def _apart(root: Node, columns: Mapping[str, Column], *, check: bool) -> None:
    """Make values of conditions, and conditions of flags, where these are two things."""
    if any(isinstance(node.expression, exp.Boolean) for node in root.find_all(exp.Is)):
        raise Refused("IS TRUE is not known there")
    for node in reversed(list(root.walk())[1:]):  # what is inside first: it is copied
        if isinstance(node, exp.Paren):
            continue
        asked = _is_asked(node, check=check)
        if isinstance(node, exp.Boolean):
            number = exp.Literal.number(int(node.this))
            node.replace(_is_one(number) if asked else number)
        elif asked and (isinstance(node, exp.Case) or _is_flag(node, columns)):
            node.replace(_is_one(node.copy()))
        elif not asked and isinstance(node, _CONDITIONS):
            ways = [
                exp.If(this=test, true=exp.Literal.number(number))
                for test, number in (
                    (node.copy(), 1),
                    (exp.Not(this=exp.Paren(this=node.copy())), 0),  # neither where it is NULL
                )
            ]
            node.replace(exp.Case(ifs=ways))


def _is_one(value: Node) -> Node:
    return exp.EQ(this=value, expression=exp.Literal.number(1))


def _is_asked(node: Node, *, check: bool) -> bool:
    """Whether a node stands where a condition does."""
    below, parent = node, node.parent
    while isinstance(parent, exp.Paren) and parent.parent is not None:
        below, parent = parent, parent.parent
    if isinstance(parent, exp.Paren):
        return check
    return isinstance(parent, (exp.Connector, exp.Not)) or (
        isinstance(parent, exp.If) and parent.this is below
    )


def _is_condition(node: Node) -> bool:
    node = node.unnest()
    if isinstance(node, exp.Case):
        given = [branch.args["true"] for branch in node.args["ifs"]]
        return all(map(_is_condition, [*given, *filter(None, [node.args.get("default")])]))
    return isinstance(node, _CONDITIONS)


def _compared(node: Node, columns: Mapping[str, Column]) -> Node:
    """Set comparisons of comparisons in parentheses, which MariaDB leaves out: a = 1 = b."""
    for side in ("this", "expression") if isinstance(node, _COMPARED) else ():
        if isinstance(node.args[side], _COMPARED):
            node.set(side, exp.Paren(this=node.args[side]))
    return node


def _part_of_date(node: Node, columns: Mapping[str, Column]) -> Node:
    """Write year, month and day of a column in one form, which every grammar has."""
    unit, of = "", None
    if isinstance(node, exp.Extract):
        unit, of = _bare(node.this).name.upper(), node.expression
    elif type(node) in _PARTS:
        unit, of = _PARTS[type(node)], node.this
    elif isinstance(node, exp.Cast) and node.to.this in _NUMBERS:
        written = node.this.unnest()
        if isinstance(written, exp.TimeToStr):
            unit, of = _SQLITE_PARTS.get(written.args["format"].name, ""), written.this
    if of is None:
        return node
    while isinstance(of, (exp.Paren, exp.Cast, exp.TsOrDsToDate, exp.TsOrDsToTimestamp)):
        of = of.this
    if unit not in _UNITS or not _is(of, columns, "time"):
        raise Refused("it takes apart what is no date, or more than year, month and day")
    return exp.Extract(this=exp.Var(this=unit), expression=of)


def _plain_cast(node: Node, columns: Mapping[str, Column]) -> Node:
    """Leave out casts that change no value; refuse those that round, cut or print."""
    if not isinstance(node, exp.Cast):
        return node
    inner, to = node.this.unnest(), node.to.this
    if isinstance(node, exp.TryCast):
        raise Refused("it casts what may fail")
    while isinstance(inner, exp.Cast):
        inner = inner.this.unnest()
    bounded = bool(node.to.expressions)
    if isinstance(inner, exp.Null):
        return inner
    if isinstance(inner, exp.Literal):
        if inner.is_string and to in _NUMBERS:
            return exp.Literal.number(_number(inner.this))
        if (inner.is_string and to in _MOMENTS) or (to in _TEXTS and not inner.is_string):
            return node
        return inner
    same = (
        (to in _TEXTS and not bounded and (_is(inner, columns, "text") or _textual(inner)))
        or (to in (_Type.DECIMAL, _Type.DOUBLE) and not bounded and _is_number(inner, columns))
        or (to in _NUMBERS and not bounded and _is_whole(inner, columns))
        or (to == _Type.USERDEFINED)
        or (to == _Type.DATE and _kind(inner, columns) is ColumnKind.DATE)
        or (isinstance(inner, exp.Neg) and isinstance(inner.this, exp.Literal) and to in _NUMBERS)
    )
    if not same:
        raise Refused(f"casts to {node.to.sql()[:30]} may give another value there")
    return node.this


def _check_meaning(node: Node, columns: Mapping[str, Column], target: Spelling) -> None:
    if isinstance(node, (exp.Div, exp.IntDiv)) and not any(
        _has_fraction(side, columns) for side in (node.this, node.expression)
    ):
        raise Refused("whole numbers are divided differently")
    if isinstance(node, exp.Anonymous):
        raise Refused(f"{node.name.lower()}() is a function of the source's engine")
    if isinstance(node, exp.Collate):
        raise Refused("collations have other names there")
    if isinstance(node, _NOW) and not target.clock_in_checks:
        raise Refused("it asks the clock, which conditions may not there")
    if isinstance(node, _DOCUMENTS):
        raise Refused("it looks into a document or an array")
    if isinstance(node, exp.Glob):
        raise Refused("GLOB is SQLite's")
    if isinstance(node, (exp.Greatest, exp.Least)):
        raise Refused("greatest() and least() pass over NULL in some engines only")
    if isinstance(node, exp.Cast) and not target.typed and node.to.this not in _KEPT:
        raise Refused("moments are texts there")
    if isinstance(node, (exp.RegexpLike, exp.RegexpILike)) and _UNUSUAL.search(
        str(node.expression.unnest().this)
    ):
        raise Refused("its regular expression has what not all engines know")
    if isinstance(node, exp.Literal) and node.is_string and not (node.this or target.empty_texts):
        raise Refused("an empty text is NULL there")
    if isinstance(node, exp.Length) and node.args.get("binary"):
        raise Refused("it counts bytes")


def _like(node: Node, source: Spelling, target: Spelling) -> Node:
    """Return a LIKE that takes the same texts there."""
    lettered, pattern = _lettered(node.expression), node.expression.unnest()
    if source.like_ranges != target.like_ranges and (
        not isinstance(pattern, exp.Literal) or "[" in pattern.this
    ):
        raise Refused("[ in LIKE means something else there")
    if lettered and source.like_ignores_case and not target.like_ignores_case:
        kind: Any = exp.ILike
    elif lettered and target.like_ignores_case and not (source.like_ignores_case or target.exact):
        raise Refused("LIKE ignores upper and lower case there")
    else:
        kind = exp.Like
    escaping = isinstance(node.parent, exp.Escape)
    found = kind(**node.args)  # NOT LIKE is one of them
    if escaping or source.like_escapes == target.like_escapes or "\\" not in str(pattern.this):
        return found
    if not isinstance(pattern, exp.Literal) or target.like_escapes:
        raise Refused("a backslash in LIKE means something else there")
    return exp.Escape(this=found, expression=exp.Literal.string("\\"))


def _lowered(node: Node, columns: Mapping[str, Column]) -> None:
    """Compare texts in lower case, as an engine does whose collations ignore it."""
    if isinstance(node, (exp.EQ, exp.NEQ)):
        sides = [node.this, node.expression]
    elif isinstance(node, exp.In):
        sides = [node.this, *node.expressions]
    else:
        return
    constants = [side for side in sides if isinstance(side, exp.Literal)]
    differs = any(map(_lettered, constants)) if constants else True
    if differs and any(_ignores_case(side, columns) for side in sides):
        for side in sides:
            literal = isinstance(side, exp.Literal)
            side.replace(
                exp.Literal.string(side.this.lower()) if literal else exp.Lower(this=side.copy())
            )


def tells_case(column: Column) -> bool:
    """Whether a column states a collation that tells ``A`` from ``a``.

    Of MySQL, MariaDB or SQL Server: ``utf8mb4_bin``, ``Latin1_General_CS_AS``.
    """
    return re.search(r"_(?:bin2?|cs)(?:_|\b)", column.sql_type or "", re.IGNORECASE) is not None


def _ignores_case(node: Node, columns: Mapping[str, Column]) -> bool:
    """Whether it is a text whose collation may ignore upper and lower case."""
    for column in node.find_all(exp.Column):
        found = columns[column.name.lower()]
        if found.kind is ColumnKind.TEXT and not tells_case(found):
            return isinstance(node.unnest(), (exp.Column, *_TEXTUAL))
    return False


def _lettered(node: Node) -> bool:
    """Whether a text has letters, or is no constant."""
    text = node.unnest()
    return not isinstance(text, exp.Literal) or text.this.lower() != text.this.upper()


def _has_fraction(node: Node, columns: Mapping[str, Column]) -> bool:
    """Whether some operand is surely no whole number."""
    for part in node.walk():
        if isinstance(part, exp.Literal) and not part.is_string and "." in part.this:
            return True
        if _kind(part, columns) in (ColumnKind.DECIMAL, ColumnKind.FLOAT):
            return True
    return False


def _textual(node: Node) -> bool:
    return isinstance(node, _TEXTUAL)


def _kind(node: Node, columns: Mapping[str, Column]) -> Optional[ColumnKind]:
    found = columns.get(node.name.lower()) if isinstance(node, exp.Column) else None
    return None if found is None else found.kind


def _is(node: Node, columns: Mapping[str, Column], family: str) -> bool:
    kind = _kind(node, columns)
    return kind is not None and kind.family == family


def _is_number(node: Node, columns: Mapping[str, Column]) -> bool:
    """Whether it is a number, also one that sums and products make."""
    node = node.unnest()
    if isinstance(node, (exp.Add, exp.Sub, exp.Mul)):
        return _is_number(node.this, columns) and _is_number(node.expression, columns)
    if isinstance(node, (exp.Neg, exp.Abs, exp.Cast)):
        return _is_number(node.this, columns)
    return _is(node, columns, "number") or (isinstance(node, exp.Literal) and not node.is_string)


def _is_whole(node: Node, columns: Mapping[str, Column]) -> bool:
    return _kind(node, columns) is ColumnKind.INTEGER
