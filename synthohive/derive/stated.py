"""Relations that the user states: ``total = quantity * price``, ``ordered <= shipped``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError
from itertools import product
from typing import Any, Optional, get_args

import pyarrow as pa
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from synthohive.derive.base import Derivation, in_order
from synthohive.derive.columns import Columns
from synthohive.derive.formula import Factor, Formula, Rounding, Term
from synthohive.derive.lookup import Copy
from synthohive.derive.order import Order
from synthohive.derive.pattern_search import orders_between
from synthohive.derive.verification import AllRows
from synthohive.exceptions import SchemaError, SchemaValidationError, did_you_mean
from synthohive.privacy.kinds import PiiKind
from synthohive.schema import ForeignKey
from synthohive.tables.ancestors import ancestor_columns, hstack
from synthohive.tables.roles import Roles
from synthohive.tables.sample import Sample
from synthohive.tables.source import SourceTables

__all__ = ["Stated", "check_stated", "stated_relations"]

Node = Any
PersonalColumns = Mapping[str, Mapping[str, PiiKind]]
_ROUNDED: dict[type, Rounding] = {exp.Round: "nearest", exp.Floor: "down", exp.Ceil: "up"}


@dataclass(frozen=True)
class Stated:
    """One relation, and the key over which its parent's columns are found."""

    text: str
    relation: Derivation
    key: Optional[ForeignKey]

    def check_target(self, table: str, learned: Collection[str]) -> None:
        """Refuse what sets a column that is not learned.

        Raises
        ------
        SchemaError
        """
        if self.relation.target not in learned:
            raise SchemaError(
                f"{table}: {self.text!r} sets {self.relation.target}, which is made up.",
                hint="State only what holds between columns that are learned.",
            )


def check_stated(sample: Sample, whole: SourceTables, personal: PersonalColumns) -> None:
    """Test what is stated of each table on all its rows, before anything is learned.

    Parameters
    ----------
    sample : Sample
        Tells the grid on which columns lie, and which rounding fits.
    whole : SourceTables
        All rows, on which the relations are tested.
    personal : mapping of str to mapping of str to PiiKind
        Kinds of personal data, by table and column: these are made up, and no targets.

    Raises
    ------
    SchemaError
        A text is not understood, names a column that there is not, or sets one that is made up;
        or several go round in a circle.
    SchemaValidationError
        Rows break a relation; the message says how many.
    """
    problems = []
    for table, config in sample.metadata.tables.items():
        filled = sample.plan.tables[table].filled
        learned = Roles.of(config, filled, personal.get(table, {}), ()).attributes
        every = stated_relations(sample, table)
        try:
            in_order([stated.relation for stated in every])
        except CycleError as exc:
            circle = " -> ".join(exc.args[1])
            raise SchemaError(
                f"{table}: the relations that are stated go round in a circle: {circle}.",
                hint="Leave out the one that follows from the others.",
            ) from exc
        for stated in every:
            stated.check_target(table, learned)
            broken = AllRows(whole, sample.plan, table, stated.key).broken(stated.relation)
            if broken:
                rows_ = f"{broken:,} of {whole.size(table):,} rows"
                problems.append(f"{table}: {stated.text!r} does not hold in {rows_}")
    if problems:
        raise SchemaValidationError(problems, hint="Correct the relations, or the rows.")


def stated_relations(sample: Sample, table: str) -> list[Stated]:
    """Read the relations that are stated of a table."""
    return [_Text(sample, table, text).read() for text in sample.metadata.tables[table].relations]


@dataclass(frozen=True)
class _Text:
    """One stated relation."""

    sample: Sample
    table: str
    text: str

    def read(self) -> Stated:
        try:
            node = sqlglot.parse_one(self.text)
        except SqlglotError as exc:
            raise self._error("is not understood") from exc
        if not isinstance(node, (exp.EQ, exp.LTE, exp.GTE)):
            raise self._error("is no comparison by =, <= or >=")
        key = self._key({c.table for c in node.find_all(exp.Column)} - {"", self.table})
        if not isinstance(node, exp.EQ):
            relation = self._order(node)
        elif not isinstance(node.left, exp.Column) or "." in self._name(node.left):
            raise self._error("has no column of the table on its left side")
        else:
            relation = self._equation(self._name(node.left), node.right, key)
        if relation.target in relation.needs:
            raise self._error("has the same column on both sides")
        unique = self.sample.metadata.tables[self.table].unique_sets
        if any(relation.target in columns for columns in unique):
            raise self._error(f"sets {relation.target}, which is to be unique")
        return Stated(self.text, relation, key)

    def _error(self, problem: str, hint: str = "") -> SchemaError:
        example = "Write for example 'total = round(quantity * price, 2)' or 'start <= end'."
        return SchemaError(f"{self.table}: {self.text!r} {problem}.", hint=hint or example)

    def _key(self, tables: Collection[str]) -> Optional[ForeignKey]:
        """Return the key that leads to all tables that are named."""
        plan = self.sample.plan
        own = plan.tables[self.table]
        keys = own.keys("driving", "free", "grouped", "implied", "deferred")
        for key in keys if tables else ():
            if set(tables) <= {key.parent, *plan.tables[key.parent].ancestors}:
                return key
        if tables:
            names = ", ".join(sorted(tables))
            raise self._error(f"names {names}, to which no one key of the table leads")
        return own.driver

    def _name(self, node: Node) -> str:
        """Return a column's name, with its table's for a parent's."""
        table = node.table if node.table not in ("", self.table) else ""
        columns = self.sample.metadata.tables[table or self.table].columns
        if node.name not in columns:
            hint = did_you_mean(node.name, columns)
            raise self._error(f"names {node.sql()}, which there is not", hint)
        if not table and node.name in self.sample.metadata.tables[self.table].key_columns:
            raise self._error(f"names {node.name}, which is part of a key")
        return f"{table}.{node.name}" if table else str(node.name)

    def _order(self, node: Node) -> Derivation:
        if not isinstance(node.left, exp.Column) or not isinstance(node.right, exp.Column):
            raise self._error("compares more than two columns")
        less, more = self._name(node.left), self._name(node.right)
        if isinstance(node, exp.GTE):
            less, more = more, less
        if "." in less and "." in more:
            raise self._error("names no column of the table")
        after = "." not in more
        target, source = (more, less) if after else (less, more)
        plain = Order(target, source, after, 0.0, distance=False)
        if "." in source:
            return plain
        columns = Columns(self.sample.tables[self.table].select([target, source]), [target])
        found = (order for _, order in orders_between(columns, target, source))
        return next((order for order in found if order.after == after), plain)

    def _equation(self, target: str, node: Node, key: Optional[ForeignKey]) -> Derivation:
        if isinstance(node, exp.Column):
            return Copy(target, self._name(node))
        rounding, digits = None, None
        if type(node) in _ROUNDED:
            rounding = _ROUNDED[type(node)]
            digits = int(node.args["decimals"].name) if node.args.get("decimals") else 0
            node = node.this
        values = self.sample.tables[self.table].select([target])
        step = Columns(values, [target]).step(target) if digits is None else 10.0**-digits
        formula = Formula(target, tuple(self._terms(node)), step, rounding or "nearest")
        if rounding is None:
            rows = self._rows(formula, key)
            ways = [replace(formula, rounding=way) for way in get_args(Rounding)]
            return min(ways, key=lambda way: int(way.violations(rows).sum()))
        return formula

    def _rows(self, formula: Formula, key: Optional[ForeignKey]) -> pa.Table:
        """Return the sampled rows beside their parents'."""
        rows, plan = self.sample.tables[self.table], self.sample.plan
        if key is None:
            return rows
        parents, around = self.sample.parents_around(self.table, key), self.sample.around
        return hstack(rows, ancestor_columns(around, plan, key.parent, parents, formula.needs))

    def _terms(self, node: Node) -> list[Term]:
        """Write an expression as a sum of products."""
        if isinstance(node, exp.Paren):
            return self._terms(node.this)
        if isinstance(node, exp.Neg):
            return [Term(-1.0) * term for term in self._terms(node.this)]
        if isinstance(node, exp.Literal) and node.is_number:
            return [Term(float(node.name))]
        if isinstance(node, exp.Column):
            return [Term(1.0, (Factor(self._name(node)),))]
        if isinstance(node, (exp.Add, exp.Sub)):
            sign = 1.0 if isinstance(node, exp.Add) else -1.0
            right = [Term(sign) * term for term in self._terms(node.right)]
            return [*self._terms(node.left), *right]
        if isinstance(node, exp.Mul):
            return [a * b for a, b in product(self._terms(node.left), self._terms(node.right))]
        if isinstance(node, exp.Div):
            below = self._below(self._terms(node.right))
            return [term * below for term in self._terms(node.left)]
        raise self._error(f"holds {node.sql()}; only + - * / and round, floor, ceil are known")

    def _below(self, terms: list[Term]) -> Term:
        """Return one divided by a product, or by a number plus a multiple of a column."""
        if len(terms) == 1 and terms[0].coefficient:
            factors = tuple(replace(f, power=-f.power) for f in terms[0].factors)
            return Term(1.0 / terms[0].coefficient, factors)
        add = sum(t.coefficient for t in terms if not t.factors)
        rest = [t for t in terms if t.factors]
        if len(rest) == 1 and len(rest[0].factors) == 1 and rest[0].factors[0].power == 1:
            column = rest[0].factors[0].column
            return Term(1.0, (Factor(column, add, rest[0].coefficient, -1),))
        raise self._error("divides by a sum of columns")
