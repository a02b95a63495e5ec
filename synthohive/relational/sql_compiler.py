"""The syntax tree of a SQL expression, compiled to typed nodes: names, constants, truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

import pyarrow.compute as pc
from sqlglot import exp

from synthohive.relational import sql_functions as fn
from synthohive.relational.sql_casts import cast
from synthohive.relational.sql_values import (
    BOOL,
    FLOAT,
    STRING,
    Node,
    SqlType,
    Untranslatable,
    as_condition,
    column_node,
    decimal_literal,
    literal_node,
    null_node,
    unify,
)
from synthohive.schema import Column, ColumnKind

__all__ = ["OPERATORS", "Compiler", "handles", "negated"]

OPERATORS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
HANDLERS: dict[type[Any], Callable[[Any, Any], Node]] = {}
Handler = TypeVar("Handler", bound=Callable[..., Node])


def handles(*kinds: type[exp.Expr]) -> Callable[[Handler], Handler]:
    """Register a function that compiles these kinds of expression."""

    def register(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(kinds, handler))
        return handler

    return register


class Compiler:
    """Turns a syntax tree into nodes; keeps the columns used and the divisors met."""

    def __init__(self, dialect: str, columns: Mapping[str, Column]) -> None:
        self.dialect = dialect
        self.columns = columns
        self.used: set[str] = set()
        self.divisors: list[Node] = []
        self.optional = 0  # > 0 inside what the engine may leave unevaluated

    def guarded(self, truth: Node) -> Node:
        """Add that no division fails, where the engine raises an error for it."""
        if self.dialect == "sqlite":
            return truth
        for divisor in self.divisors:
            zero = unify([divisor, literal_node(0, SqlType("int", 1))], self.dialect)
            truth = fn.call(pc.and_kleene, BOOL, truth, fn.call(pc.not_equal, BOOL, *zero))
        return truth

    def condition(self, tree: exp.Expr) -> Node:
        """Compile an expression that is used as a truth value."""
        return as_condition(self.compile(tree), self.dialect)

    def compile(self, tree: exp.Expr) -> Node:
        """Compile any expression."""
        for kind in type(tree).__mro__:
            if kind in HANDLERS:
                return HANDLERS[kind](self, tree)
        raise Untranslatable(f"{type(tree).__name__} {tree.name}".strip())

    def all_of(self, trees: Iterable[exp.Expr]) -> list[Node]:
        """Compile several expressions."""
        return [self.compile(tree) for tree in trees]

    def maybe(self, tree: exp.Expr, condition: bool = False) -> Node:
        """Compile what the engine may leave unevaluated."""
        self.optional += 1
        node = self.condition(tree) if condition else self.compile(tree)
        self.optional -= 1
        return node

    def compare(self, op: str, left: Node, right: Node) -> Node:
        """Compare; the order of an ENUM's values is not that of their names."""
        for node in (left, right):
            enum = node.column and self.columns[node.column].kind is ColumnKind.CATEGORICAL
            if enum and op not in ("=", "<>"):
                raise Untranslatable("the order of an ENUM")
        return fn.compare(op, left, right, self.dialect)

    def constant(self, tree: exp.Expr) -> Any:
        """Return the value of a literal."""
        node = self.compile(tree)
        if not node.constant or node.value is None:
            raise Untranslatable("something else than a constant")
        return node.value

    def array(self, tree: exp.Expr) -> list[Node]:
        """Compile the elements of ``ARRAY[…]`` with or without casts and parentheses."""
        tree = tree.unnest()
        if isinstance(tree, exp.Cast):
            to = tree.to.expressions[0] if tree.to.expressions else None
            return [cast(n, to, self.dialect) if to else n for n in self.array(tree.this)]
        if not isinstance(tree, exp.Array):
            raise Untranslatable("ANY of something else than ARRAY[…]")
        return self.all_of(tree.expressions)


def negated(node: Node, tree: exp.Expr) -> Node:
    """Invert `node` where the syntax tree marks its operator as negated."""
    return fn.call(pc.invert, BOOL, node) if tree.args.get("negate") else node


@handles(exp.Column)
def _column(compiler: Compiler, tree: exp.Column) -> Node:
    """Compile a column; in SQLite a quoted unknown name is a string."""
    name = tree.name
    if name not in compiler.columns:
        alike = [c for c in compiler.columns if c.lower() == name.lower()]
        if not alike and compiler.dialect == "sqlite" and tree.this.args.get("quoted"):
            return literal_node(name, STRING)
        if len(alike) != 1 or tree.table:
            raise Untranslatable(f"the name {tree.sql()}")
        name = alike[0]
    if compiler.columns[name].computed is not None:
        raise Untranslatable(f"the generated column {name}")
    compiler.used.add(name)
    return column_node(compiler.columns[name], compiler.dialect)


@handles(exp.Literal)
def _literal(compiler: Compiler, tree: exp.Literal) -> Node:
    """Compile a string or a number."""
    if tree.is_string:
        return literal_node(tree.name, STRING)
    text = tree.name.lower()
    inexact = "e" in text if compiler.dialect == "mysql" else "e" in text or "." in text
    if inexact and compiler.dialect != "postgres":
        return literal_node(float(text), FLOAT)
    return decimal_literal(Decimal(text))


@handles(exp.Introducer)
def _introducer(compiler: Compiler, tree: exp.Introducer) -> Node:
    """Compile ``_utf8mb4'x'``."""
    if tree.name.lower() == "_binary":
        raise Untranslatable("a binary string")
    return compiler.compile(tree.expression)


@handles(exp.Boolean)
def _boolean(compiler: Compiler, tree: exp.Boolean) -> Node:
    """Compile TRUE and FALSE."""
    return literal_node(bool(tree.args["this"]), BOOL)


@handles(exp.Null)
def _null(compiler: Compiler, tree: exp.Null) -> Node:
    """Compile NULL."""
    return null_node()


@handles(exp.Paren)
def _paren(compiler: Compiler, tree: exp.Paren) -> Node:
    """Compile what stands in parentheses."""
    return compiler.compile(tree.this)


@handles(exp.Cast)
def _cast(compiler: Compiler, tree: exp.Cast) -> Node:
    """Compile CAST and ``::``."""
    return cast(compiler.compile(tree.this), tree.to, compiler.dialect)


@handles(exp.And, exp.Or, exp.Xor)
def _junction(compiler: Compiler, tree: exp.Expr) -> Node:
    """Compile AND, OR and XOR."""
    kernels: dict[type[exp.Expr], Any] = {
        exp.And: pc.and_kleene,
        exp.Or: pc.or_kleene,
        exp.Xor: pc.xor,
    }
    kernel = kernels[type(tree)]
    left, right = (
        compiler.maybe(tree.args["this"], True),
        compiler.maybe(tree.args["expression"], True),
    )
    return fn.call(kernel, BOOL, left, right)


@handles(exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
def _compare(compiler: Compiler, tree: exp.Expr) -> Node:
    """Compile a comparison, also with ANY and ALL."""
    op, right = OPERATORS[type(tree)], tree.args["expression"]
    if isinstance(right, exp.Any) and op == "=":
        return fn.is_in(
            compiler.compile(tree.args["this"]), compiler.array(right.this), compiler.dialect
        )
    is_all = isinstance(right, exp.All) or right.name.upper() == "ALL"
    if is_all and isinstance(right, (exp.All, exp.Anonymous)) and op == "<>":
        options = right.expressions[0] if isinstance(right, exp.Anonymous) else right.this
        found = fn.is_in(
            compiler.compile(tree.args["this"]), compiler.array(options), compiler.dialect
        )
        return fn.call(pc.invert, BOOL, found)
    left, other = compiler.compile(tree.args["this"]), compiler.compile(right)
    return compiler.compare(op, left, other)


@handles(exp.Between)
def _between(compiler: Compiler, tree: exp.Between) -> Node:
    """Compile BETWEEN."""
    if tree.args.get("symmetric"):
        raise Untranslatable("BETWEEN SYMMETRIC")
    this, low, high = compiler.all_of([tree.this, tree.args["low"], tree.args["high"]])
    above = compiler.compare(">=", this, low)
    return fn.call(pc.and_kleene, BOOL, above, compiler.compare("<=", this, high))


@handles(exp.In)
def _is_in(compiler: Compiler, tree: exp.In) -> Node:
    """Compile IN (…)."""
    if not tree.expressions:
        raise Untranslatable("IN of something else than a list")
    return fn.is_in(
        compiler.compile(tree.this), compiler.all_of(tree.expressions), compiler.dialect
    )


@handles(exp.Is)
def _is(compiler: Compiler, tree: exp.Is) -> Node:
    """Compile IS NULL, IS TRUE, IS FALSE."""
    if isinstance(tree.expression, exp.Null):
        result = fn.call(pc.is_null, BOOL, compiler.compile(tree.this))
    elif isinstance(tree.expression, exp.Boolean):
        wanted = tree.expression.args["this"]
        truth = compiler.condition(tree.this)
        if not wanted:
            truth = fn.call(pc.invert, BOOL, truth)
        result = fn.call(lambda x: pc.fill_null(x, False), BOOL, truth)
    else:
        raise Untranslatable(f"IS {tree.expression.sql()}")
    return negated(result, tree)


@handles(exp.NullSafeEQ, exp.NullSafeNEQ)
def _null_safe(compiler: Compiler, tree: exp.Expr) -> Node:
    """Compile IS [NOT] DISTINCT FROM, ``<=>`` and SQLite's IS."""
    same = fn.nullable_equal(
        compiler.compile(tree.args["this"]),
        compiler.compile(tree.args["expression"]),
        compiler.dialect,
    )
    return fn.call(pc.invert, BOOL, same) if isinstance(tree, exp.NullSafeNEQ) else same


@handles(exp.Not)
def _not(compiler: Compiler, tree: exp.Not) -> Node:
    """Compile NOT."""
    return fn.call(pc.invert, BOOL, compiler.condition(tree.this))
