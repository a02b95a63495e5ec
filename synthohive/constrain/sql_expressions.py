"""CHECK constraints in an engine's own SQL, evaluated on Arrow tables by DuckDB.

sqlglot translates the text, DuckDB evaluates it with SQL's three-valued logic. A text that
either does not understand is left to the database, which tests it when rows are loaded.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from typing import Any, NamedTuple, Optional, Union

import duckdb
import numpy as np
import pyarrow as pa
import sqlglot
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types

from synthohive._arrays import Bools
from synthohive._logging import get_logger
from synthohive.connectors.registry import UNNAMED, spelling
from synthohive.ddl.spelling import Spelling
from synthohive.ddl.vetted import check_shape
from synthohive.schema import Column, ColumnKind

__all__ = [
    "Check",
    "Comparison",
    "Expression",
    "all_hold",
    "compile_check",
    "compile_expression",
    "quoted",
]

log = get_logger(__name__)
Node = Any
"""A node of sqlglot's tree; the name of its class differs between versions."""

_OPERATORS: dict[type, str] = {exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=", exp.EQ: "="}
_COMPARING = (*_OPERATORS, exp.NEQ)
_COMPARED = (*_COMPARING, exp.Is)
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}


@dataclass(frozen=True)
class Comparison:
    """A comparison that a CHECK demands: of a column with another, or with a constant.

    Attributes
    ----------
    left, right : str or None
        Columns; `right` is None where `value` is the constant.
    op : {"<", "<=", ">", ">=", "="}
    """

    left: str
    op: str
    right: Optional[str] = None
    value: Any = None

    @property
    def sides(self) -> list[tuple[str, str, Optional[str]]]:
        """Which column has to stand how to what: as it is written, and turned round."""
        found = [(self.left, self.op, self.right)]
        return (
            found if self.right is None else [*found, (self.right, _MIRRORED[self.op], self.left)]
        )


@dataclass(frozen=True)
class Expression:
    """What an engine calculates from a row: a part of an index, or a condition.

    Attributes
    ----------
    columns : frozenset of str
        The columns that it refers to.
    sql : str
        In DuckDB's SQL.
    """

    columns: frozenset[str]
    sql: str

    def evaluate(self, rows: pa.Table) -> pa.Array:
        """Return the value of each row.

        Raises
        ------
        duckdb.Error
            A value of a row lets the calculation fail.
        """
        return self._asked(f"({self.sql})", rows)

    def holds(self, rows: pa.Table) -> Bools:
        """Return the rows for which it is true; unknown counts as false, as in WHERE."""
        return self._true(rows, unknown="false")

    def _true(self, rows: pa.Table, unknown: str) -> Bools:
        asked = self._asked(f"coalesce(({self.sql})::BOOLEAN, {unknown})", rows)
        return np.array(asked.to_numpy(zero_copy_only=False), dtype=np.bool_)

    def _asked(self, value: str, rows: pa.Table) -> pa.Array:
        return _asked([value], self.columns, rows)[0]


@dataclass(frozen=True)
class Check(Expression):
    """A condition that each row must satisfy.

    Attributes
    ----------
    columns, sql
        As of :class:`Expression`.
    sqltext : str
        As the database states it.
    comparisons : tuple of Comparison
        What must hold in every row that satisfies it, if nothing in the row is NULL.
    constants : tuple
        The constants that it names, as those of ``IN (…)``.
    """

    sqltext: str
    comparisons: tuple[Comparison, ...] = ()
    constants: tuple[Any, ...] = ()

    def holds(self, rows: pa.Table) -> Bools:
        """Return whether each row satisfies the condition; unknown counts as satisfied."""
        try:
            return self._true(rows, unknown="true")
        except duckdb.Error as exc:  # overflow, a malformed value: the database will tell
            log.warning("check_not_evaluated", check=self.sqltext, reason=_first_line(exc))
            return np.ones(len(rows), dtype=np.bool_)


def all_hold(checks: Sequence[Check], rows: pa.Table) -> list[Bools]:
    """Return for each condition whether each row satisfies it, as :meth:`Check.holds` does.

    All are asked at once: for the rows of a block, a question costs more than its answer.
    """
    if len(checks) > 1:
        values = [f"coalesce(({check.sql})::BOOLEAN, true)" for check in checks]
        columns = frozenset().union(*(check.columns for check in checks))
        with suppress(duckdb.Error):  # of which one says nothing of the others: asked alone
            found = _asked(values, columns, rows)
            return [np.array(one.to_numpy(zero_copy_only=False), dtype=np.bool_) for one in found]
    return [check.holds(rows) for check in checks]


def _asked(values: Sequence[str], columns: Collection[str], rows: pa.Table) -> list[pa.Array]:
    """Return some values of each row, which are calculated from some columns."""
    cursor = _database().cursor()
    try:
        names = sorted(columns)
        given = rows.select(names) if names else pa.table({"": pa.nulls(len(rows))})
        cursor.register("generated", given)
        asked = ", ".join(f'{value} AS "{number}"' for number, value in enumerate(values))
        result = cursor.execute(f"SELECT {asked} FROM generated")
        stream = getattr(result, "to_arrow_table", None) or result.fetch_arrow_table
        return [column.combine_chunks() for column in stream().columns]
    finally:
        cursor.close()


_local = threading.local()


def _database() -> duckdb.DuckDBPyConnection:
    """Return the thread's DuckDB; it sees no file, and loads no extension from outside."""
    if not hasattr(_local, "database"):
        _local.database = duckdb.connect(
            ":memory:",
            config={
                "threads": 1,
                "memory_limit": "2GB",
                "enable_external_access": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
    connection: duckdb.DuckDBPyConnection = _local.database
    return connection


def quoted(name: str) -> str:
    """Quote an identifier for DuckDB."""
    return exp.to_identifier(name, quoted=True).sql(dialect=DuckDB)


def compile_check(
    sqltext: str, dialect: Optional[str], columns: Mapping[str, Column]
) -> Optional[Check]:
    """Compile a CHECK, or return None where its SQL is not understood.

    Parameters
    ----------
    sqltext : str
        The condition, as the database states it.
    dialect : str, optional
        Of the engine; a description that names none is read as PostgreSQL's.
    columns : mapping of str to Column
        The columns of the table.
    """
    found = _check(sqltext, spelling(dialect or UNNAMED), _typed(columns))
    if isinstance(found, Check):
        return found
    log.info("check_not_understood", check=sqltext, reason=found)
    return None


def compile_expression(
    sqltext: str, dialect: Optional[str], columns: Mapping[str, Column]
) -> Optional[Expression]:
    """Compile an expression as :func:`compile_check` does a condition; None if not understood.

    Parameters
    ----------
    sqltext, dialect, columns
        As of :func:`compile_check`.
    """
    found = _expression(sqltext, spelling(dialect or UNNAMED), _typed(columns))
    if isinstance(found, Expression):
        return found
    log.info("expression_not_understood", expression=sqltext, reason=found)
    return None


class _Typed(NamedTuple):
    """What the meaning of an expression takes from a column."""

    name: str
    kind: ColumnKind
    arrow_type: pa.DataType


def _typed(columns: Mapping[str, Column]) -> tuple[_Typed, ...]:
    return tuple(_Typed(name, c.kind, c.arrow_type) for name, c in columns.items())


# Each stage of a fit, and each block of rows, asks for the same few.
@lru_cache(maxsize=4096)
def _check(sqltext: str, read: Spelling, columns: tuple[_Typed, ...]) -> Union[Check, str]:
    """Return a compiled CHECK, or why it is not understood."""
    try:
        tree, used = _parsed(sqltext, read, columns)
        if not used:
            raise ValueError("no column occurs in it")
        constants = tuple(dict.fromkeys(node.to_py() for node in tree.find_all(exp.Literal)))
        sql = tree.sql(dialect=DuckDB)
        found = Check(frozenset(used), sql, sqltext, tuple(_demands(tree)), constants)
        found._true(_no_rows(used, columns), unknown="true")
    except _NOT_UNDERSTOOD as exc:
        return _first_line(exc)
    return found


@lru_cache(maxsize=4096)
def _expression(
    sqltext: str, read: Spelling, columns: tuple[_Typed, ...]
) -> Union[Expression, str]:
    """Return a compiled expression, or why it is not understood."""
    try:
        tree, used = _parsed(sqltext, read, columns)
        found = Expression(frozenset(used), tree.transform(_caseless).sql(dialect=DuckDB))
        found.evaluate(_no_rows(used, columns))
    except _NOT_UNDERSTOOD as exc:
        return _first_line(exc)
    return found


_NOT_UNDERSTOOD = (SqlglotError, duckdb.Error, ValueError, RecursionError)


def _first_line(exc: BaseException) -> str:
    return str(exc).split("\n", maxsplit=1)[0]


def _parsed(sqltext: str, read: Spelling, columns: Iterable[_Typed]) -> tuple[Node, set[str]]:
    """Return the tree of a text as DuckDB means it, and the columns that it names."""
    if read.grammar is None:
        raise ValueError("the engine's SQL is not read")
    tree = sqlglot.parse_one(read.plain(sqltext), dialect=read.grammar)
    for node in tree.walk():
        check_shape(node)
    tree, used = _resolve(tree, columns, doubles=read.doubles)
    return _as_duckdb_means(tree, read), used


def _no_rows(used: Collection[str], columns: Iterable[_Typed]) -> pa.Table:
    types = {c.name: c.arrow_type for c in columns if c.name in used}
    return pa.schema([(name, types[name]) for name in sorted(used)]).empty_table()


def _caseless(node: Node) -> Node:
    """Compare without case what SQLite's NOCASE does: an index compares whole values."""
    if isinstance(node, exp.Collate) and node.expression.name.upper() == "NOCASE":
        return exp.Lower(this=node.this)
    return node


def _resolve(tree: Node, columns: Iterable[_Typed], *, doubles: bool) -> tuple[Node, set[str]]:
    """Give each column of the condition its real name, quoted; return these names too.

    With `doubles`, decimals are calculated with as SQLite does: 0.1 + 0.2 is not 0.3.
    """
    kinds = {column.name: column.kind for column in columns}
    by_lower = {name.lower(): name for name in kinds}
    used = set()

    def resolve(node: Node) -> Node:
        if not isinstance(node, exp.Column):
            return node
        name = node.name if node.name in kinds else by_lower.get(node.name.lower())
        if name is None:
            raise ValueError(f"{node.name!r} is no column")
        used.add(name)
        column = exp.column(exp.to_identifier(name, quoted=True))
        if kinds[name] is ColumnKind.INTEGER:
            column.type = exp.DataType.build("bigint")  # for the meaning of division
        if doubles and kinds[name] is ColumnKind.DECIMAL:
            return exp.cast(column, "double")
        return column

    return tree.transform(resolve), used


def _with_ranges(node: Node) -> Node:
    """Return SQL Server's LIKE, whose brackets are a set of characters, as a regular expression.

    Raises
    ------
    ValueError
        Its pattern is no constant, or escapes.
    """
    if isinstance(node.parent, exp.Escape) or not isinstance(node.expression, exp.Literal):
        raise ValueError("its LIKE is not read")
    parts = re.findall(r"\[[^\]]+\]|.", node.expression.this, re.DOTALL)
    plain = {"%": ".*", "_": "."}
    pattern = "".join(
        f"[{part[1:-1]}]".replace("\\", "\\\\")
        if len(part) > 1
        else plain.get(part) or re.escape(part)
        for part in parts
    )
    found = exp.Anonymous(
        this="regexp_full_match",
        expressions=[node.this, exp.Literal.string(pattern), exp.Literal.string("is")],
    )
    return exp.Not(this=found) if node.args.get("negate") else found


def _as_duckdb_means(tree: Node, read: Spelling) -> Node:
    """Replace what DuckDB would understand differently."""

    def change(node: Node) -> Node:
        if isinstance(node, exp.Cast) and node.to.this == exp.DataType.Type.USERDEFINED:
            return node.this  # an enum's label
        if isinstance(node, exp.Like) and read.like_ranges and "[" in node.expression.name:
            return _with_ranges(node)
        if isinstance(node, exp.Like):
            kind = exp.ILike if read.like_ignores_case else type(node)
            like = kind(**node.args)  # NOT LIKE is one of them
            escapes = "\\" in node.expression.name and not isinstance(node.parent, exp.Escape)
            if read.like_escapes and escapes:
                return exp.Escape(this=like, expression=exp.Literal.string("\\"))
            return like
        for side in ("this", "expression") if isinstance(node, _COMPARING) else ():
            if isinstance(node.args[side], _COMPARED):  # MariaDB: a = 1 = (b IS NULL)
                node.set(side, exp.Paren(this=node.args[side]))
        return node

    changed: Node = annotate_types(tree.transform(change))
    return changed


@cache
def _constant(sql: str) -> Any:
    """Return the value of a condition's constant part; None if it is none."""
    row = _database().execute(f"SELECT {sql}").fetchone()
    value = None if row is None else row[0]
    return Decimal(repr(value)) if isinstance(value, float) else value


def _demands(tree: Node) -> Iterator[Comparison]:
    """Yield the comparisons that a conjunction is made of."""
    tree = tree.unnest()
    if isinstance(tree, exp.And):
        yield from _demands(tree.this)
        yield from _demands(tree.expression)
    elif isinstance(tree, exp.Or):  # `x IS NULL OR …` demands the rest where nothing is NULL
        sides = [tree.this.unnest(), tree.expression.unnest()]
        rest = [s for s in sides if not _tests_null(s)]
        if len(rest) == 1:
            yield from _demands(rest[0])
    elif isinstance(tree, exp.Between):
        yield from _demand(tree.this, ">=", tree.args["low"])
        yield from _demand(tree.this, "<=", tree.args["high"])
    elif type(tree) in _OPERATORS:
        yield from _demand(tree.this, _OPERATORS[type(tree)], tree.expression)


def _tests_null(node: Node) -> bool:
    return isinstance(node, exp.Is) and isinstance(node.expression, exp.Null)


def _bare(node: Node) -> Node:
    """Remove parentheses and casts around a column."""
    inner = node.unnest()
    while isinstance(inner, exp.Cast) and isinstance(inner.this.unnest(), exp.Column):
        inner = inner.this.unnest()
    return inner


def _demand(left: Node, op: str, right: Node) -> Iterator[Comparison]:
    left, right = _bare(left), _bare(right)
    if not isinstance(left, exp.Column):
        left, right, op = right, left, _MIRRORED[op]
    if not isinstance(left, exp.Column):
        return
    if isinstance(right, exp.Column):
        yield Comparison(left.name, op, right.name)
    elif right.find(exp.Column, exp.Any) is None:
        try:
            value = _constant(right.sql(dialect=DuckDB))
        except (duckdb.Error, InvalidOperation):
            return
        if value is not None:
            yield Comparison(left.name, op, value=value)
