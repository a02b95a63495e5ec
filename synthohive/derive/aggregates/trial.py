"""Which sums of children may give a number of their parents: tried on the children of a few."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import chain, combinations, islice, product
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.derive.aggregates.totals import (
    FUNCTIONS,
    HALVES,
    Amount,
    Function,
    Total,
    Totals,
)
from synthohive.derive.columns import LEAST_ROWS, Chosen, Columns
from synthohive.derive.formula import Factor, Formula, Term, rounding_of
from synthohive.derive.formula_search import (
    factors_of,
    find_linear,
    find_products,
    find_sums,
    simple_numbers,
)
from synthohive.tables.numbers import is_time, nulls

__all__ = ["Trial"]

Judge = Callable[[Total, Totals], Optional[Total]]
"""Returns how a target follows from a sum, if it does."""
QUICK = 12
"""Parents that refute most candidates at little cost."""
LEAST_KNOWN = 4
IN_PAIRS, IN_THREES = 20, 8
"""Among so many columns of the children, products of two and three factors are tried."""
MOST_SIMPLE, MOST_BESIDE = 60, 1_000
PARENTS_BESIDE = 60
MOST_HITS = 3
UNEXPLAINED = 0.05
_NEAR = 1e-6


class Trial:
    """A few parents, and all of their children.

    Parameters
    ----------
    parents : pyarrow.Table
    children : pyarrow.Table
        With columns of their other parents, as ``table.column``.
    at : ndarray of int64
        The parent row of each child.
    values : mapping of str to tuple of str
        Values that conditions may name, by column of the children.
    """

    def __init__(
        self,
        parents: pa.Table,
        children: pa.Table,
        at: IntArray,
        values: Mapping[str, tuple[str, ...]],
    ) -> None:
        # Sorted by parent: the children of the first parents are the first rows.
        order = np.argsort(at, kind="stable")
        self.parents, self.children, self.at = parents, children.take(pa.array(order)), at[order]
        self._starts = np.flatnonzero(np.r_[True, self.at[1:] != self.at[:-1]])
        self._sizes = np.diff(np.append(self._starts, len(self.at)))
        self.columns = Columns(self.children, self.children.column_names)
        self.own = Columns(parents, parents.column_names)
        numeric = self.columns.numeric
        self._times = [n for n in numeric if is_time(self.columns.type(n))]
        self._names = [n for n in numeric if n not in self._times][:IN_PAIRS]
        self._factors = [f for n in self._names for f in factors_of(self.columns, n)]
        numbers = {n: self.columns.numbers(n) for n in self._names}
        rows = [f.of(numbers) for f in self._factors]
        self._table = np.stack(rows) if rows else np.zeros((0, len(self.at)))
        self._gaps = bool(np.isnan(self._table).any())
        self._where = [(name, value) for name, among in values.items() for value in among]
        masks = [self._amount_rows(Amount(where=one)) for one in self._where]
        self._masks = np.stack([*masks, np.ones(len(self.at), dtype=np.bool_)])
        self._sets = self._candidates()

    def _amount_rows(self, amount: Amount) -> Bools:
        return ~np.isnan(amount.of(self.children))

    def find(self, total: Total, step: float) -> list[Total]:
        """Return what may be the target of an empty `total`, the simplest first."""
        given = self.own.numbers(total.target)

        def exactly(one: Total, sums: Totals) -> Optional[Total]:
            return None if one.confirmed(self.parents, sums, step) is None else one

        ways = self._functions(total, given, step), self._sums(total, given, step, exactly)
        return list(islice(chain(*ways), MOST_HITS))

    def find_formulas(self, total: Total, step: float, known: Collection[str]) -> list[Total]:
        """Return formulas of sums, perhaps with other columns of the parent, for a target.

        Parameters
        ----------
        known : collection of str
            What sums up children; what follows from these is no target.
        """
        given = self.own.numbers(total.target)
        if self._follows(total.target, known):
            return []

        def multiple(one: Total, sums: Totals) -> Optional[Total]:
            return self._multiple(one, given, sums, step)

        found = list(islice(self._sums(total, given, step, multiple), MOST_HITS))
        return found or self._with_others(total, given, step)

    def _functions(self, total: Total, given: Floats, step: float) -> Iterator[Total]:
        """Yield what single amounts give: their number, sum, least, greatest, mean."""
        slack = 0.5 * step + _NEAR * (1.0 + np.abs(given))
        for amount, sums in self._simple:
            functions: tuple[Function, ...] = ("count",) if amount.term is None else FUNCTIONS
            for function in functions:
                off = np.abs(sums.of(function) - given) > slack
                one = replace(total, function=function, amount=amount)
                if not off.any() and one.confirmed(self.parents, sums, step) is not None:
                    yield one

    @cached_property
    def _simple(self) -> list[tuple[Amount, Totals]]:
        names = [*self._names, *self._times]
        terms = [Term(1.0, (Factor(name),)) for name in names]
        terms += [Term(1.0, tuple(map(Factor, two))) for two in combinations(self._names, 2)]
        amounts = [Amount(), *map(Amount, terms)][:MOST_SIMPLE]
        return [(amount, self._totals(amount)) for amount in amounts]

    def _totals(self, amount: Amount) -> Totals:
        sums = Totals(len(self.parents), amount)
        sums.take(self.at, self.children)
        return sums

    def _candidates(self) -> list[tuple[IntArray, IntArray]]:
        """Return sets of factors, by their number, and the condition of each (-1: none)."""
        by_name: dict[str, list[int]] = {}
        for i, factor in enumerate(self._factors):
            by_name.setdefault(factor.column, []).append(i)
        plain = {i for i, f in enumerate(self._factors) if f == Factor(f.column)}
        found = []
        for size, most in ((0, 0), (1, IN_PAIRS), (2, IN_PAIRS), (3, IN_THREES)):
            sets = [
                one
                for names in combinations(self._names[:most], size)
                for one in product(*(by_name[name] for name in names))
                if not size or plain & set(one)
            ]
            sets.sort(key=lambda one: len(set(one) - plain))
            simple = (
                [one for one in sets if plain.issuperset(one)][:MOST_SIMPLE] if size < 3 else []
            )
            pairs = [(one, -1) for one in sets if size]
            pairs += [(one, where) for one in simple for where in range(len(self._where))]
            if pairs:
                index = np.array([one for one, _ in pairs], dtype=np.int64)
                wheres = np.array([where for _, where in pairs], dtype=np.int64)
                found.append((index.reshape(len(pairs), size), wheres))
        return found

    @cached_property
    def _quick(self) -> list[Floats]:
        """The sums of all candidates, of a few parents."""
        return [self._summed(sets, wheres, QUICK) for sets, wheres in self._sets]

    @cached_property
    def _simplest(self) -> list[tuple[IntArray, Floats]]:
        """The simplest candidates without a condition, and their sums of more parents."""
        some = [sets[wheres < 0][:MOST_BESIDE] for sets, wheres in self._sets]
        found = [(sets, np.full(len(sets), -1)) for sets in some if len(sets)]
        return [(sets, self._summed(sets, none, PARENTS_BESIDE)) for sets, none in found]

    def _summed(self, sets: IntArray, wheres: IntArray, parents: int) -> Floats:
        """Return the sums of many amounts, for the first parents with children; NaN for none."""
        rows = int(self._sizes[:parents].sum())
        amounts = np.ones((len(sets), rows))
        for factor in sets.T:
            amounts *= self._table[factor, :rows]
        known = self._masks[wheres, :rows]
        if self._gaps:
            known &= ~np.isnan(amounts)
        # One matrix product sums up all candidates: (sets, rows) @ (rows, parents).
        if known.all():
            return np.asarray(amounts @ self._belongs[:rows, :parents])
        total = np.where(known, amounts, 0.0) @ self._belongs[:rows, :parents]
        there = known.astype(np.float64) @ self._belongs[:rows, :parents] > 0
        return np.where(there, total, np.nan)

    @cached_property
    def _belongs(self) -> Floats:
        """Whether each child is one of each parent's."""
        # Dense, though mostly 0: of a few parents it is small, and a product with it is fast.
        found = np.zeros((len(self.at), len(self._starts)))
        found[np.arange(len(self.at)), np.repeat(np.arange(len(self._starts)), self._sizes)] = 1.0
        return found

    def _sums(self, total: Total, given: Floats, step: float, judge: Judge) -> Iterator[Total]:
        """Yield the sums to which the target is proportional, at all trial parents."""
        theirs, everyone = given[self.at[self._starts]], len(self._starts)
        for (sets, wheres), summed in zip(self._sets, self._quick):
            # A few parents refute nearly all candidates; only what is left is summed for all.
            likely = self._near(summed, theirs[:QUICK], step)
            for i in np.flatnonzero(likely):
                one, where = sets[i : i + 1], wheres[i : i + 1]
                if self._near(self._summed(one, where, everyone), theirs, step)[0]:
                    ways = self._ways(total, self._amount(one[0], int(where[0])), step)
                    yield from islice(filter(None, (judge(*way) for way in ways)), 1)

    def _amount(self, factors: IntArray, where: int) -> Amount:
        term = Term(1.0, tuple(self._factors[i] for i in factors)) if len(factors) else None
        return Amount(term, where=self._where[where] if where >= 0 else None)

    def _near(self, summed: Floats, given: Floats, step: float) -> Bools:
        """Tell of each row of sums whether the targets are about a multiple of it."""
        known = ~np.isnan(summed) & ~np.isnan(given)
        sums, targets = np.where(known, summed, 0.0), np.where(known, given, 0.0)
        square = (sums * sums).sum(axis=1)
        # Least squares through 0, of all candidates at once: shape (candidates, parents).
        over = np.divide((sums * targets).sum(axis=1), square, out=np.zeros_like(square),
                         where=square > 0)  # fmt: skip
        off = np.abs(targets - over[:, None] * sums)
        # Each child may be rounded on its own: of so many, the sum is off by as many steps.
        slack = step * (0.6 + 1.5 * self._sizes[: len(given)]) + _NEAR * np.abs(targets)
        number = np.maximum(known.sum(axis=1), 1)
        spread = (targets**2).sum(axis=1) - targets.sum(axis=1) ** 2 / number
        some = (known.sum(axis=1) >= LEAST_KNOWN) & (over > 0)
        some &= (off**2).sum(axis=1) <= UNEXPLAINED * spread + 1e-9  # of steps that are coarse
        return np.asarray(some & (off <= slack).all(axis=1), dtype=np.bool_)

    def _ways(self, total: Total, amount: Amount, step: float) -> Iterator[tuple[Total, Totals]]:
        """Yield the sum of an amount as it is, and rounded row by row."""
        ways = [amount]
        if step and amount.term is not None and len(amount.term.factors) > 1:
            ways += [replace(amount, cut=step)]
            ways += [replace(amount, rounded=step, halves=halves) for halves in HALVES]
        for way in ways:
            one = replace(total, function="count" if way.term is None else "sum", amount=way)
            yield one, self._totals(way)

    def _multiple(self, total: Total, given: Floats, sums: Totals, step: float) -> Optional[Total]:
        """Return the target as a multiple of a sum, rounded; None if it is none."""
        some = (sums.number > 0) & ~np.isnan(given)
        summed, targets = sums.of(total.function)[some], given[some]
        square = float(summed @ summed)
        if not square or some.sum() < LEAST_ROWS:
            return None
        for number in simple_numbers(np.array([float(summed @ targets) / square])):
            rounding = rounding_of(targets - number[0] * summed, step) if step else "nearest"
            if rounding is not None:
                term = Term(float(number[0]), (Factor(total.name),))
                formula = Formula(total.target, (term,), step, rounding)
                one = replace(total, formula=formula)
                if one.confirmed(self.parents, sums, step) is not None:
                    return one
        return None

    def _with_others(self, total: Total, given: Floats, step: float) -> list[Total]:
        """Return formulas of a sum and of other columns of the parent."""
        there = self.at[self._starts[:PARENTS_BESIDE]]
        theirs = given[there]
        names = [n for n in self.own.numeric if n != total.target and not is_time(self.own.type(n))]
        others = [self.own.numbers(n)[there] for n in names]
        known = ~np.isnan(theirs)
        for values in others:
            known &= ~np.isnan(values)
        if known.sum() < max(LEAST_ROWS, 3 * len(names)) or not names:
            return []
        for amount in self._beside(theirs, others, known, step):
            for one, sums in self._ways(total, amount, step):
                formula = self._formula(one, sums, names)
                if formula is not None:
                    return [replace(one, formula=formula)]
        return []

    def _follows(self, target: str, known: Collection[str]) -> bool:
        """Whether a number follows from others of its row, one of which sums up children."""
        names = [n for n in self.own.numeric if n != target]
        if not set(known) & set(names):
            return False
        formulas = _formulas(Columns(self.parents.select([*names, target]), [target]), target)
        return any(set(known) & set(formula.needs) for formula in formulas)

    def _beside(
        self, given: Floats, others: list[Floats], known: Bools, step: float
    ) -> list[Amount]:
        """Return the amounts that explain a target but for linear parts, or shares, of others."""
        # Orthonormal columns: `base @ base.T` times a target is what the others explain of it.
        base = np.linalg.qr(np.stack([np.ones(len(given)), *others], axis=1)[known])[0]
        rest = given[known] - base @ (base.T @ given[known])
        if not rest.std() > 5 * step:
            return []
        shares: list[Floats] = []
        for values in others:
            top = np.nanmax(np.abs(values))
            scale = 1.0 if top <= 1.0 else 0.01
            if top <= 100.0:
                shares += [1.0 - scale * values, 1.0 + scale * values]
        found = []
        for sets, summed in self._simplest:
            near = np.zeros(len(sets), dtype=np.bool_)
            for share in shares:
                over = np.divide(given, share, out=np.full_like(given, np.nan), where=share > 0)
                near |= self._near(summed, over, 4 * step)
            plain = np.nan_to_num(summed[:, known])
            plain = plain - (plain @ base) @ base.T
            size = np.sqrt((plain**2).sum(axis=1)) * np.sqrt((rest**2).sum())
            alike = np.divide(plain @ rest, size, out=np.zeros_like(size), where=size > 0)
            rounded = step * (1 + self._sizes[:PARENTS_BESIDE][known]) ** 0.5
            slack = (rounded / rest.std()).mean() ** 2
            near |= (alike > 0) & (1.0 - alike**2 <= slack + 1e-9)
            found += [self._amount(one, -1) for one in sets[near][:MOST_HITS]]
        return found[:MOST_HITS]

    def _formula(self, total: Total, sums: Totals, names: list[str]) -> Optional[Formula]:
        """Return how the target follows from a sum beside other columns of the parent."""
        target, summed = total.target, sums.of(total.function)
        rows = self.parents.select([*names, target]).append_column(total.name, pa.array(summed))
        known = ~np.isnan(summed) & ~nulls(rows.column(target))
        columns = Columns(rows.filter(pa.array(known)), [target])
        for formula in _formulas(columns, target):
            if total.name in formula.needs:
                beside = [s for s in formula.needs if s != total.name]
                if _leads(columns, target, total.name, beside):
                    return formula
        return None


def _formulas(columns: Columns, target: str) -> Iterator[Formula]:
    """Yield in which ways a target follows from other columns of its row."""
    for find in (find_sums, find_linear, find_products):
        chosen = Chosen(columns)
        find(columns, chosen)
        formula = chosen.derivations.get(target)
        if isinstance(formula, Formula):
            yield formula


def _leads(columns: Columns, target: str, summed: str, beside: list[str]) -> bool:
    """Whether the target is what goes with the sum most: freight is total - sum else."""

    def near(name: str) -> float:
        return abs(float(np.corrcoef(columns.numbers(name), columns.numbers(summed))[0, 1]))

    return all(near(target) >= near(name) for name in beside)
