"""Numbers that sum up children: count, sum, least, greatest, mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.derive.aggregates.base import Above, Aggregate
from synthohive.derive.base import Values, as_column
from synthohive.derive.columns import LEAST_ROWS
from synthohive.derive.formula import Factor, Formula, Term
from synthohive.io.questions import CannotAsk, Condition, Summed, Terms
from synthohive.tables.numbers import as_numbers

__all__ = ["FUNCTIONS", "HALVES", "Amount", "Function", "Total", "Totals"]

Function = Literal["count", "sum", "min", "max", "mean"]
Halves = Literal["away", "even", "binary", "any"]
HALVES: tuple[Halves, ...] = ("away", "binary", "even", "any")
"""How halves are rounded: as SQL does, as floats do, to even digits; ``any`` cannot be told."""
FUNCTIONS: tuple[Function, ...] = ("sum", "min", "max", "mean")
LEAST_MIXED = 0.05
"""Share of parents whose children must differ."""
_SLACK = 1e-6


@dataclass(frozen=True)
class Amount:
    """What is summed up.

    Attributes
    ----------
    term : Term, optional
        None counts rows.
    cut : float
        The amounts are cut down to multiples of it after each factor; 0 leaves them whole.
    rounded : float
        The amounts are rounded to multiples of it; 0 leaves them whole.
    halves : {"away", "even", "binary", "any"}
    where : (str, str), optional
        Only rows with this value, as text, in a column.
    """

    term: Optional[Term] = None
    cut: float = 0.0
    rounded: float = 0.0
    halves: Halves = "away"
    where: Optional[tuple[str, str]] = None

    @property
    def columns(self) -> list[str]:
        """The columns of all factors, and of the condition."""
        named = [] if self.term is None else [f.column for f in self.term.factors]
        return named if self.where is None else [*named, self.where[0]]

    def of(self, rows: pa.Table) -> Floats:
        """Return the amount of each row; NaN for NULL."""
        product = np.full(len(rows), 1.0 if self.term is None else self.term.coefficient)
        for factor in () if self.term is None else self.term.factors:
            product = product * factor.of({factor.column: as_numbers(rows.column(factor.column))})
            if self.cut:
                product = np.floor(product / self.cut + _SLACK) * self.cut
        if self.rounded:
            product = self._rounded(product)
        if self.where is not None:
            name, value = self.where
            there = pc.fill_null(pc.equal(rows.column(name).cast(pa.string()), value), False)
            product = np.where(there.to_numpy(), product, np.nan)
        return product

    def asked(self, ask: Terms) -> Any:
        """Return the amount as a number of SQL, by the operations of :meth:`of` in their order."""
        product = ask.plain(1.0 if self.term is None else self.term.coefficient)
        for factor in () if self.term is None else self.term.factors:
            product = factor.times(product, ask)
            if self.cut:
                steps = ask.ratio(product, ask.plain(self.cut)) + ask.plain(_SLACK)
                product = ask.floor(steps) * ask.plain(self.cut)
        if self.rounded:
            if self.halves != "away":
                raise CannotAsk  # how an engine rounds halves of floats is its own affair
            inverse, half, zero = map(ask.plain, (self._inverse, 0.5 + _SLACK, 0.0))
            steps = product * inverse
            up, down = ask.floor(steps + half), zero - ask.floor(zero - steps + half)
            product = ask.ratio(ask.where(steps < zero, down, up), inverse)
        if self.where is not None:
            name, value = self.where
            product = ask.where(ask.one_of(name, [value]), product)
        return product

    @property
    def _inverse(self) -> float:
        # In floats, 1 / 0.00001 is 99999.99999999999.
        return float(round(1.0 / self.rounded)) if self.rounded < 1 else 1.0 / self.rounded

    def _rounded(self, product: Floats) -> Floats:
        inverse = self._inverse
        steps = product * inverse
        if self.halves == "even":
            # A half that a float holds as a little less is a half.
            steps = np.rint(np.round(steps, 5))
        elif self.halves == "binary":
            steps = np.rint(steps)
        else:
            steps = np.sign(steps) * np.floor(np.abs(steps) + 0.5 + _SLACK)
        return np.asarray(steps / inverse)

    def ties(self, rows: pa.Table) -> Floats:
        """Return 1 for each row of which it cannot be told how it was rounded."""
        if not self.rounded or self.halves != "any":
            return np.zeros(len(rows))
        whole = replace(self, rounded=0.0).of(rows)
        part = np.abs(whole) / self.rounded % 1.0
        return np.asarray(np.abs(part - 0.5) < _SLACK, dtype=np.float64)

    def __str__(self) -> str:
        text = "*" if self.term is None else str(self.term)
        if self.rounded:
            text = f"round({text}, {max(0, round(-np.log10(self.rounded)))})"
        if self.where is not None:
            text += f" where {self.where[0]} = {self.where[1]}"
        return text


@dataclass(frozen=True)
class Total(Aggregate):
    """A number of a parent that sums up its children.

    Attributes
    ----------
    function : {"count", "sum", "min", "max", "mean"}
    amount : Amount
    empty : float, optional
        What stands for the function of no children; None leaves what was modelled.
    above : tuple of (str, ForeignKey)
        Columns of the children's other parents, as ``table.column``, each with the key to it.
    formula : Formula, optional
        How the target follows from the function, which is a column called :attr:`name` here, and
        from other columns of the parent; None: it is the function.
    keeps_null : bool
        The target may be NULL although there are children, which is modelled.
    """

    function: Function
    amount: Amount
    empty: Optional[float] = None
    above: Above = ()
    formula: Optional[Formula] = None
    keeps_null: bool = False

    @property
    def name(self) -> str:
        """The function in words."""
        cut = f", cut to {self.amount.cut:g} at each step" if self.amount.cut else ""
        return f"{self.function}({self.amount}) of {self.child}{cut}"

    @property
    def columns(self) -> list[str]:
        """The child's columns that are needed, keys included."""
        above = dict(self.above)
        own = [name for name in self.amount.columns if name not in above]
        keys = [column for key in above.values() for column in key.columns]
        return list(dict.fromkeys([*self.key.columns, *own, *keys]))

    @property
    def beside(self) -> list[str]:
        """The parent's columns in the formula."""
        sources = () if self.formula is None else self.formula.needs
        return [source for source in sources if source != self.name]

    def running(self, parents: int) -> Totals:
        """Return running totals of the amount."""
        return Totals(parents, self.amount)

    def made(self, parents: pa.Table, sums: Totals, kept: pa.Array) -> pa.Array:
        """Calculate with the totals; see the base class."""
        made: Values = self._summed(sums)
        if self.formula is not None:
            beside = {c: parents.column(c) for c in self.beside}
            made = self.formula.decode(pa.table({self.name: made, **beside}))
        found = as_column(made, kept.type)
        return pc.if_else(pc.is_valid(kept), found, kept) if self.keeps_null else found

    def _summed(self, sums: Totals) -> Floats:
        made = sums.of(self.function)
        return made if self.empty is None else np.where(sums.number == 0, self.empty, made)

    def confirmed(
        self, parents: pa.Table, sums: Totals, step: float, k: int = 1
    ) -> Optional[Total]:
        """Compare with the target; see the base class."""
        given = as_numbers(parents.column(self.target))
        known, has = ~np.isnan(given), sums.number > 0
        some = known & (has | (self.function == "count"))
        told = {
            "rows": len(given),
            "some": int(some.sum()),
            "linked": int((known & has).sum()),
            "several": int((sums.number > 1).sum()),
            "differ": int((sums.high > sums.low)[some].sum()),
            "beside": int((~known & has).sum()),
            "unknown": int((~known).sum()),
        }
        found = self.held(given[some], step, told)
        if found is None:
            return None
        if self.function != "count":
            found = replace(found, empty=found._empty(parents, given, sums, step))
        return None if found.broken(parents, sums, step).any() else found

    def held(self, given: Floats, step: float, told: Mapping[str, int]) -> Optional[Total]:
        """Return what is so if it holds in all parents; None where it would say nothing.

        Parameters
        ----------
        given : ndarray of float64
            Targets of parents, all or some; NaN is passed over.
        step : float
        told : mapping of str to int
            The number of parents for which each of :meth:`tests` is true.
        """
        counting, given = self.function == "count", given[~np.isnan(given)]
        if told["linked"] < LEAST_ROWS or not told["several"] or not len(given):
            return None
        if given.std() < (0.0 if counting else 2 * step) or np.ptp(given) == 0:
            return None
        if not counting and told["differ"] < LEAST_MIXED * told["some"]:
            return None  # the children repeat their parent's value
        if told["beside"] and told["unknown"] > (1 - LEAST_MIXED) * told["rows"]:
            return None
        return replace(self, keeps_null=told["beside"] > 0)

    def broken(self, parents: pa.Table, sums: Totals, step: float) -> Bools:
        """Return the parents, with children unless these are counted, that break it."""
        given = as_numbers(parents.column(self.target))
        some = ~np.isnan(given) & ((sums.number > 0) | (self.function == "count"))
        found = np.zeros(len(some), dtype=np.bool_)
        rows = parents.filter(pa.array(some))
        found[some] = self._broken(rows, self._summed(sums)[some], sums.ties[some], step)
        return found

    @property
    def asked(self) -> dict[str, Summed]:
        """What a database is asked of the children, by names that no column has."""
        amount = self.amount.asked
        found = {self.name: Summed(self.function, amount, self.empty)}
        further: tuple[Function, ...] = ("count", "min", "max")
        return {**found, **{f"{w}: {self.amount}": Summed(w, amount) for w in further}}

    def tests(self, step: float) -> dict[str, Condition]:
        """Return what is asked of all parents; ``right`` are those that surely keep it."""
        target, counting = self.target, self.function == "count"
        exact = self._formula(step)

        def of(function: str, ask: Terms) -> Any:
            return ask.number(f"{function}: {self.amount}")

        def has(ask: Terms) -> Any:
            return of("count", ask) > ask.plain(0.0)

        def some(ask: Terms) -> Any:
            known = ~ask.missing(target)
            return known if counting else known & has(ask)

        def alone(ask: Terms) -> Any:
            return ~ask.missing(target) & ~has(ask)

        return {
            "rows": lambda ask: ask.plain(True),
            "some": some,
            "linked": lambda ask: ~ask.missing(target) & has(ask),
            "several": lambda ask: of("count", ask) > ask.plain(1.0),
            "differ": lambda ask: some(ask) & (of("max", ask) > of("min", ask)),
            "beside": lambda ask: ask.missing(target) & has(ask),
            "unknown": lambda ask: ask.missing(target),
            "alone": alone,
            "right": lambda ask: some(ask) & exact.fine(ask),
            "filled": lambda ask: alone(ask) & exact.fine(ask),
            "fine": lambda ask: ~some(ask) | exact.fine(ask),
        }

    def _formula(self, step: float) -> Formula:
        return self.formula or Formula(self.target, (Term(1.0, (Factor(self.name),)),), step)

    def _broken(self, parents: pa.Table, summed: Floats, ties: Floats, step: float) -> Bools:
        """Return the parents whose target is not what their children give."""
        formula = self._formula(step)
        rows = parents.append_column(self.name, pa.array(summed))
        off = formula.violations(rows)
        if not ties.any() or not step:
            return off
        apart = np.abs(as_numbers(rows.column(self.target)) - formula.exact(rows))
        return off & (apart > (ties + 0.5) * step + _SLACK)

    def _empty(
        self, parents: pa.Table, given: Floats, sums: Totals, step: float
    ) -> Optional[float]:
        """Return what stands for no children: a value that all have, or 0; None for neither."""
        alone = (sums.number == 0) & ~np.isnan(given)
        if not alone.any():
            return None
        values = np.unique(given[alone])
        empty = float(values[0]) if self.formula is None and len(values) == 1 else 0.0
        rows = parents.filter(pa.array(alone))
        zeros = np.full(len(rows), empty)
        return None if self._broken(rows, zeros, np.zeros(len(rows)), step).any() else empty

    def __str__(self) -> str:
        if self.formula is None:
            return f"{self.target} = {self.name}"
        return str(self.formula)


class Totals:
    """Running count, sum, least and greatest value of each parent, and doubtful roundings."""

    def __init__(self, parents: int, amount: Amount = Amount()) -> None:
        self.amount = amount
        self.number = np.zeros(parents)
        self.total = np.zeros(parents)
        self.ties = np.zeros(parents)
        self.low, self.high = np.full(parents, np.inf), np.full(parents, -np.inf)

    def take(self, at: IntArray, rows: pa.Table) -> None:
        """Add the amounts of children."""
        self.add(at, self.amount.of(rows), self.amount.ties(rows))

    def add(self, at: IntArray, amounts: Floats, ties: Optional[Floats] = None) -> None:
        """Add children: the parent row of each, -1 for none, and its amount.

        Parameters
        ----------
        at : ndarray of int64, shape (children,)
        amounts : ndarray of float64, shape (children,)
            NaN counts for nothing, not even in the number of children.
        ties : ndarray of float64, shape (children,), optional
            1 for each child of whose amount it cannot be told how it was rounded (see
            :meth:`Amount.ties`); none by default.
        """
        known = (at >= 0) & ~np.isnan(amounts)
        if not known.any():
            return
        rows, values = at[known], amounts[known]
        # Children come in their parents' order mostly: only the span of these parents is added to.
        low = int(rows.min())
        span, rows = slice(low, int(rows.max()) + 1), rows - low
        size = span.stop - low
        self.number[span] += np.bincount(rows, minlength=size)
        self.total[span] += np.bincount(rows, weights=values, minlength=size)
        if ties is not None and ties.any():
            self.ties[span] += np.bincount(rows, weights=ties[known], minlength=size)
        # Unbuffered: a parent with several children stands several times in `rows`.
        np.minimum.at(self.low[span], rows, values)
        np.maximum.at(self.high[span], rows, values)

    def of(self, function: Function) -> Floats:
        """Return each parent's value; NaN without children, but for the count."""
        if function == "count":
            return self.number
        some = self.number > 0
        mean = self.total / np.maximum(self.number, 1)
        made = {"sum": self.total, "min": self.low, "max": self.high, "mean": mean}[function]
        return np.where(some, made, np.nan)
