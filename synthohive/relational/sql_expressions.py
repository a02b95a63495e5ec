"""CHECK constraints in an engine's own SQL, compiled to vectorised Arrow evaluation.

Only SQL whose meaning is known exactly is compiled; a CHECK with anything else is left
to the database, which tests it when the rows are loaded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Optional

import pyarrow as pa
import pyarrow.compute as pc
import sqlglot
import structlog
from sqlglot import exp
from sqlglot.errors import SqlglotError

from synthohive.relational import sql_operations  # noqa: F401  registers its handlers
from synthohive.relational.sql_compiler import OPERATORS, Compiler
from synthohive.relational.sql_values import Node, Untranslatable, unify
from synthohive.schema import Column

__all__ = ["Check", "Comparison", "compile_check"]

log = structlog.get_logger(__name__)

DIALECTS = {"postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql", "sqlite": "sqlite"}


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


@dataclass(frozen=True)
class Check:
    """A compiled CHECK.

    Attributes
    ----------
    sqltext : str
    columns : frozenset of str
        The columns that it refers to.
    comparisons : tuple of Comparison
        What must hold in every row that satisfies it, if nothing in the row is NULL.
    """

    sqltext: str
    columns: frozenset[str]
    comparisons: tuple[Comparison, ...]
    _truth: Callable[[Mapping[str, pa.Array]], Any]

    def evaluate(self, table: pa.Table) -> pa.BooleanArray:
        """Return whether each row satisfies the CHECK; unknown counts as satisfied."""
        row = {name: _array(table.column(name)) for name in self.columns}
        truth = pc.fill_null(self._truth(row), True)
        if isinstance(truth, pa.Scalar):
            return pa.repeat(truth, table.num_rows)
        return truth


def _array(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def compile_check(
    sqltext: str, dialect: Optional[str], columns: Mapping[str, Column]
) -> Optional[Check]:
    """Compile a CHECK, or return None where its SQL is not understood.

    Parameters
    ----------
    sqltext : str
        The condition, as the database states it.
    dialect : {"postgresql", "mysql", "mariadb", "sqlite"}, optional
        None reads the SQL as PostgreSQL does.
    columns : mapping of str to Column
        The columns of the table.
    """
    name = DIALECTS.get(dialect or "postgresql")
    try:
        if name is None:
            raise Untranslatable(f"the dialect {dialect}")
        tree = sqlglot.parse_one(_unescaped(sqltext) if name == "mysql" else sqltext, dialect=name)
        compiler = Compiler(name, columns)
        truth = compiler.guarded(compiler.condition(tree))
        if not compiler.used:
            raise Untranslatable("no column")
        empty = {c: pa.array([], columns[c].arrow_type) for c in compiler.used}
        truth.evaluate(empty)
    except (Untranslatable, SqlglotError, pa.ArrowException, ValueError) as exc:
        log.info("check_not_understood", check=sqltext, reason=str(exc).split("\n")[0])
        return None
    demands = tuple(_demands(tree, compiler))
    return Check(sqltext, frozenset(compiler.used), demands, truth.evaluate)


def _unescaped(sqltext: str) -> str:
    r"""Undo the escaping of ``information_schema``, which prints ``_utf8mb4\'x\'``."""
    return re.sub(r"\\(.)", r"\1", sqltext) if re.search(r"_\w+\\'", sqltext) else sqltext


_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}


def _demands(tree: exp.Expr, compiler: Compiler) -> Iterator[Comparison]:
    """Yield the comparisons that a conjunction is made of."""
    tree = tree.unnest()
    if isinstance(tree, exp.And):
        yield from _demands(tree.args["this"], compiler)
        yield from _demands(tree.args["expression"], compiler)
    elif isinstance(tree, exp.Between):
        column = compiler.compile(tree.this)
        yield from _demand(column, ">=", compiler.compile(tree.args["low"]), compiler.dialect)
        yield from _demand(column, "<=", compiler.compile(tree.args["high"]), compiler.dialect)
    elif OPERATORS.get(type(tree)) in _MIRRORED and not isinstance(
        tree.args["expression"], exp.Any
    ):
        left, right = compiler.compile(tree.args["this"]), compiler.compile(tree.args["expression"])
        yield from _demand(left, OPERATORS[type(tree)], right, compiler.dialect)


def _demand(left: Node, op: str, right: Node, dialect: str) -> Iterator[Comparison]:
    if left.column is None:
        left, right, op = right, left, _MIRRORED[op]
    if left.column is None:
        return
    if right.column is not None:
        yield Comparison(left.column, op, right.column)
    elif right.constant:
        value = unify([left, right], dialect)[1]
        if value.constant and value.value is not None:
            yield Comparison(left.column, op, value=value.value)
        elif value.constant or right.value is not None:
            yield Comparison(left.column, op, value=right.value)
