"""Strings, numbers, choices and times in SQL expressions, compiled to typed nodes."""

from __future__ import annotations

import re
from typing import Any, Optional

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from synthohive.relational import sql_functions as fn
from synthohive.relational.sql_compiler import Compiler, handles, negated
from synthohive.relational.sql_values import (
    BOOL,
    DATE,
    Node,
    SqlType,
    Untranslatable,
    convert,
    literal_node,
    null_node,
    unify,
)
from synthohive.schema import ColumnKind

__all__: list[str] = []

_ARITHMETIC: dict[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
    exp.IntDiv: "DIV",
}
_ROUNDINGS: dict[type[exp.Expr], str] = {
    exp.Round: "round",
    exp.Trunc: "trunc",
    exp.Floor: "floor",
    exp.Ceil: "ceil",
}
_PARTS: dict[type[exp.Expr], str] = {
    exp.Year: "year",
    exp.Quarter: "quarter",
    exp.Month: "month",
    exp.Day: "day",
}


@handles(exp.Like, exp.ILike)
def _like(compiler: Compiler, tree: exp.Expr, escape: Optional[str] = None) -> Node:
    """Compile LIKE, ILIKE and GLOB."""
    if escape is None and compiler.dialect != "sqlite":
        escape = "\\"
    pattern = compiler.constant(tree.expression)
    if isinstance(tree, exp.Glob):
        raise Untranslatable("GLOB")
    blind = isinstance(tree, exp.ILike) or compiler.dialect == "sqlite"
    return negated(matching(compiler, tree.this, fn.like_to_regex(pattern, escape), blind), tree)


@handles(exp.Escape)
def _escaped(compiler: Compiler, tree: exp.Escape) -> Node:
    """Compile LIKE … ESCAPE."""
    if not isinstance(tree.this, (exp.Like, exp.ILike)):
        raise Untranslatable("ESCAPE")
    return _like(compiler, tree.this, compiler.constant(tree.expression))


@handles(exp.RegexpLike, exp.RegexpILike)
def _regexp(compiler: Compiler, tree: exp.Expr) -> Node:
    """Compile ``~``, ``~*``, REGEXP and REGEXP_LIKE."""
    if tree.args.get("flag") is not None or compiler.dialect == "sqlite":
        raise Untranslatable("a regular expression with flags, or in SQLite")
    dot_all = "(?s)" if compiler.dialect == "postgres" else ""
    pattern = dot_all + compiler.constant(tree.expression)
    found = matching(compiler, tree.this, pattern, isinstance(tree, exp.RegexpILike))
    return negated(found, tree)


def matching(compiler: Compiler, tree: exp.Expr, pattern: str, blind: bool) -> Node:
    """Return whether a string matches; `blind` to case, or folded by its collation."""
    node = string(compiler, tree)
    blind = blind or node.type.folded

    def search(values: Any) -> Any:
        return pc.match_substring_regex(values, pattern, ignore_case=blind)

    return fn.call(search, BOOL, node)


def string(compiler: Compiler, tree: exp.Expr) -> Node:
    """Compile an operand that has to be a string."""
    node = compiler.compile(tree)
    if node.family != "string":
        raise Untranslatable(f"a {node.family} as a string")
    return node


@handles(exp.Length)
def _length(compiler: Compiler, tree: exp.Length) -> Node:
    """Compile LENGTH and CHAR_LENGTH; MySQL's LENGTH counts bytes."""
    kernel = pc.binary_length if tree.args.get("binary") else pc.utf8_length
    size = SqlType("int", 10)
    return fn.call(lambda x: kernel(x).cast(pa.int64()), size, string(compiler, tree.this))


@handles(exp.Upper, exp.Lower)
def _cased(compiler: Compiler, tree: exp.Expr) -> Node:
    """Compile UPPER and LOWER; SQLite knows ASCII only."""
    upper, ascii_ = isinstance(tree, exp.Upper), compiler.dialect == "sqlite"
    if ascii_:
        kernel = pc.ascii_upper if upper else pc.ascii_lower
    else:
        kernel = pc.utf8_upper if upper else pc.utf8_lower
    node = string(compiler, tree.this)
    return fn.call(kernel, node.type, node)


@handles(exp.Trim)
def _trim(compiler: Compiler, tree: exp.Trim) -> Node:
    """Compile TRIM, LTRIM and RTRIM of spaces."""
    if tree.args.get("expression") is not None:
        raise Untranslatable("TRIM of other characters")
    kernels = {"LEADING": pc.utf8_ltrim, "TRAILING": pc.utf8_rtrim}
    kernel = kernels.get(str(tree.args.get("position") or "").upper(), pc.utf8_trim)
    node = string(compiler, tree.this)
    return fn.call(lambda x: kernel(x, characters=" "), node.type, node)


@handles(exp.Substring)
def _substring(compiler: Compiler, tree: exp.Substring) -> Node:
    """Compile SUBSTRING with constant positions."""
    start = compiler.constant(tree.args["start"])
    length = tree.args.get("length")
    if not isinstance(start, int) or start < 1:
        raise Untranslatable("SUBSTRING from the end")
    stop = None if length is None else start - 1 + int(compiler.constant(length))
    node = string(compiler, tree.this)
    cut = lambda x: pc.utf8_slice_codeunits(x, start - 1, stop)  # noqa: E731
    return fn.call(cut, node.type, node)


@handles(exp.StrPosition)
def _position(compiler: Compiler, tree: exp.StrPosition) -> Node:
    """Compile POSITION, LOCATE and INSTR of a constant."""
    node, part = string(compiler, tree.this), compiler.constant(tree.args["substr"])
    if node.type.folded or tree.args.get("position") is not None:
        raise Untranslatable("LOCATE without regard to case, or from a position")
    rest = f"(?s){re.escape(part)}.*"

    def find(values: Any) -> Any:
        before = pc.utf8_length(pc.replace_substring_regex(values, rest, "", max_replacements=1))
        place = pc.if_else(pc.match_substring(values, part), pc.add(before, 1), 0)
        return place.cast(pa.int64())

    return fn.call(find, SqlType("int", 10), node)


@handles(exp.DPipe, exp.Concat)
def _concat(compiler: Compiler, tree: exp.Expr) -> Node:
    """Compile ``||``, and CONCAT where NULL makes it NULL."""
    if isinstance(tree, exp.Concat) and compiler.dialect != "mysql":
        raise Untranslatable("CONCAT")
    parts = (
        [tree.args["this"], tree.args["expression"]]
        if isinstance(tree, exp.DPipe)
        else tree.expressions
    )
    nodes = [string(compiler, part) for part in parts]
    type_ = SqlType("string", folded=any(n.type.folded for n in nodes))
    return fn.call(lambda *x: pc.binary_join_element_wise(*x, ""), type_, *nodes)


@handles(exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.IntDiv)
def _arithmetic(compiler: Compiler, tree: exp.Expr) -> Node:
    """Compile ``+ - * / % DIV``."""
    op, left, right = (
        _ARITHMETIC[type(tree)],
        compiler.compile(tree.args["this"]),
        compiler.compile(tree.args["expression"]),
    )
    if op in ("/", "%", "DIV") and not compiler.optional:
        compiler.divisors.append(right)
    return fn.arithmetic(op, left, right, compiler.dialect)


@handles(exp.Neg)
def _negative(compiler: Compiler, tree: exp.Neg) -> Node:
    """Compile unary minus."""
    node = compiler.compile(tree.this)
    if node.family not in ("int", "decimal", "float"):
        raise Untranslatable(f"minus a {node.family}")
    if node.constant and node.value is not None:
        return literal_node(-node.value, node.type)
    return fn.call(pc.negate, node.type, node)


@handles(exp.Abs)
def _absolute(compiler: Compiler, tree: exp.Abs) -> Node:
    """Compile ABS."""
    node = compiler.compile(tree.this)
    if node.family not in ("int", "decimal", "float"):
        raise Untranslatable(f"ABS of a {node.family}")
    return fn.call(pc.abs, node.type, node)


@handles(exp.Round, exp.Trunc, exp.Floor, exp.Ceil)
def _rounding(compiler: Compiler, tree: exp.Expr) -> Node:
    """Compile ROUND, TRUNC, FLOOR and CEIL."""
    digits = tree.args.get("decimals")
    places = 0 if digits is None else int(compiler.constant(digits))
    return fn.rounded(compiler.compile(tree.this), places, compiler.dialect, _ROUNDINGS[type(tree)])


@handles(exp.Greatest, exp.Least)
def _extreme(compiler: Compiler, tree: exp.Expr) -> Node:
    """Compile GREATEST and LEAST; only PostgreSQL skips NULL."""
    nodes = unify(compiler.all_of([tree.this, *tree.expressions]), compiler.dialect)
    if nodes[0].type.folded or nodes[0].family == "string":
        raise Untranslatable("GREATEST of strings")
    kernel = pc.max_element_wise if isinstance(tree, exp.Greatest) else pc.min_element_wise
    skip = compiler.dialect == "postgres"
    return fn.call(lambda *x: kernel(*x, skip_nulls=skip), nodes[0].type, *nodes)


@handles(exp.Anonymous)
def _counted(compiler: Compiler, tree: exp.Anonymous) -> Node:
    """Compile functions that sqlglot has no class for."""
    name = tree.name.lower()
    nodes = compiler.all_of(tree.expressions)
    if name == "json_valid" and compiler.columns[nodes[0].column or ""].kind is ColumnKind.JSON:
        return literal_node(True, BOOL)
    if name not in ("num_nulls", "num_nonnulls") or not nodes:
        raise Untranslatable(f"the function {name}")
    test = pc.is_null if name == "num_nulls" else pc.is_valid
    result = fn.call(lambda x: test(x).cast(pa.int64()), SqlType("int", 4), nodes[0])
    for node in nodes[1:]:
        one = fn.call(lambda x: test(x).cast(pa.int64()), SqlType("int", 4), node)
        result = fn.call(pc.add, result.type, result, one)
    return result


@handles(exp.Case)
def _case(compiler: Compiler, tree: exp.Case) -> Node:
    """Compile both forms of CASE."""
    subject = compiler.compile(tree.this) if tree.this is not None else None
    whens = []
    for branch in tree.args["ifs"]:
        if subject is None:
            when = compiler.maybe(branch.this, True)
        else:
            when = fn.compare("=", subject, compiler.maybe(branch.this), compiler.dialect)
        whens.append((when, compiler.maybe(branch.args["true"])))
    default = tree.args.get("default")
    otherwise = null_node() if default is None else compiler.maybe(default)
    return fn.choose(whens, otherwise, compiler.dialect)


@handles(exp.If)
def _if(compiler: Compiler, tree: exp.If) -> Node:
    """Compile IF and IIF."""
    other = tree.args.get("false")
    default = null_node() if other is None else compiler.maybe(other)
    branch = (compiler.maybe(tree.this, True), compiler.maybe(tree.args["true"]))
    return fn.choose([branch], default, compiler.dialect)


@handles(exp.Nullif)
def _nullif(compiler: Compiler, tree: exp.Nullif) -> Node:
    """Compile NULLIF."""
    this, other = compiler.compile(tree.this), compiler.compile(tree.expression)
    same = fn.compare("=", this, other, compiler.dialect)
    return fn.choose([(same, null_node(this.type))], this, compiler.dialect)


@handles(exp.Extract)
def _extract(compiler: Compiler, tree: exp.Extract) -> Node:
    """Compile EXTRACT and DATE_PART."""
    part = tree.this.this.name if isinstance(tree.this, exp.Cast) else tree.this.name
    return fn.date_part(part, compiler.compile(tree.expression))


@handles(exp.Year, exp.Quarter, exp.Month, exp.Day)
def _part(compiler: Compiler, tree: exp.Expr) -> Node:
    """Compile YEAR, MONTH, DAY, QUARTER."""
    return fn.date_part(_PARTS[type(tree)], _date(compiler, tree))


@handles(exp.TsOrDsToDate, exp.Date)
def _date(compiler: Compiler, tree: exp.Expr) -> Node:
    """Compile what only makes sure that its argument is a date."""
    node = compiler.compile(tree.this)
    if node.family == "string":
        return convert(node, DATE)
    if node.family not in ("date", "timestamp"):
        raise Untranslatable(f"a {node.family} as a date")
    return node if node.family == "date" else fn.call(fn.to_date, DATE, node)


@handles(exp.DateDiff)
def _datediff(compiler: Compiler, tree: exp.DateDiff) -> Node:
    """Compile DATEDIFF in days, also MySQL's TO_DAYS, counted from the year 0."""
    if tree.args.get("unit") is not None and tree.args["unit"].name.upper() != "DAY":
        raise Untranslatable("DATEDIFF in other units than days")
    origin = tree.expression.find(exp.Literal)
    from_year_0 = origin is not None and origin.name == "0000-01-01"
    earlier = None if from_year_0 else _date(compiler, exp.TsOrDsToDate(this=tree.expression))
    return fn.days_between(_date(compiler, exp.TsOrDsToDate(this=tree.this)), earlier)


@handles(exp.Interval)
def _interval(compiler: Compiler, tree: exp.Interval) -> Node:
    """Compile INTERVAL n DAY and other units of fixed length."""
    unit = tree.args["unit"].name.lower().rstrip("s") if tree.args.get("unit") else ""
    return fn.interval(tree.this.name, unit)


@handles(exp.Coalesce)
def _coalesce(compiler: Compiler, tree: exp.Coalesce) -> Node:
    """Compile COALESCE and IFNULL."""
    rest = [compiler.maybe(other) for other in tree.expressions]
    return fn.first_known([compiler.compile(tree.this), *rest], compiler.dialect)
