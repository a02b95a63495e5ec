"""Numbers that sum up children: count, sum, least, greatest, mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from synthohive.relational.aggregates.base import Aggregate
from synthohive.relational.relations.columns import LEAST_ROWS
from synthohive.relational.relations.formula import Factor, Term
from synthohive.relational.relations.numbers import Floats, as_numbers, from_numbers
from synthohive.relational.rows import match_rows
from synthohive.schema import ForeignKey

__all__ = ["Amount", "Function", "Total", "Totals", "find_function"]

Function = Literal["count", "sum", "min", "max", "mean"]
LEAST_MIXED = 0.05
"""Share of parents whose children must differ."""
_SLACK, _PRECISE = 1e-6, 1e-12


@dataclass(frozen=True)
class Amount:
    """What is summed up.

    Attributes
    ----------
    term : Term, optional
        None counts rows.
    cut : float
        The amounts are cut down to multiples of it after each factor; 0 leaves them whole.
    """

    term: Optional[Term] = None
    cut: float = 0.0

    @property
    def columns(self) -> list[str]:
        """The columns of all factors."""
        return [] if self.term is None else [f.column for f in self.term.factors]

    def of(self, rows: pa.Table) -> Floats:
        """Return the amount of each row; NaN for NULL."""
        if self.term is None:
            return np.ones(len(rows))
        numbers = {name: as_numbers(rows.column(name)) for name in self.columns}
        product = np.full(len(rows), self.term.coefficient)
        for factor in self.term.factors:
            product = product * factor.of(numbers)
            if self.cut:
                product = np.floor(product / self.cut + _SLACK) * self.cut
        return product

    def __str__(self) -> str:
        return "*" if self.term is None else str(self.term)


@dataclass(frozen=True)
class Total(Aggregate):
    """A number of a parent that sums up its children.

    Attributes
    ----------
    function : {"count", "sum", "min", "max", "mean"}
    amount : Amount
    empty : float, optional
        The value of a parent without children; None leaves what was modelled.
    """

    kind: ClassVar[str] = "total"
    parent: str
    target: str
    child: str
    key: ForeignKey
    function: Function
    amount: Amount
    empty: Optional[float] = None

    @property
    def columns(self) -> list[str]:
        """The child's columns that are needed, key included."""
        return list(dict.fromkeys([*self.key.columns, *self.amount.columns]))

    def values(
        self, parents: pa.Table, children: Iterable[pa.Table], type_: pa.DataType
    ) -> pa.Array:
        """Sum up the children of each parent."""
        sums = Totals(len(parents))
        for rows in children:
            at = match_rows(rows, self.key.columns, parents, self.key.parent_columns)
            sums.add(at, self.amount.of(rows))
        made = sums.of(self.function)
        if self.empty is not None:
            made = np.where(sums.number == 0, self.empty, made)
        return from_numbers(made, type_)

    def __str__(self) -> str:
        cut = f", cut to {self.amount.cut:g} at each step" if self.amount.cut else ""
        return f"{self.target} = {self.function}({self.amount}) of {self.child}{cut}"

    def to_state(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        return {**asdict(self), "key": self.key.model_dump()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Total:
        """Rebuild from :meth:`to_state`."""
        term = state["amount"]["term"]
        if term is not None:
            term = Term(term["coefficient"], tuple(Factor(**f) for f in term["factors"]))
        amount = Amount(term, state["amount"]["cut"])
        return cls(**{**state, "key": ForeignKey(**state["key"]), "amount": amount})


class Totals:
    """Running count, sum, least and greatest value of each parent."""

    def __init__(self, parents: int) -> None:
        self.number = np.zeros(parents)
        self.total = np.zeros(parents)
        self.low, self.high = np.full(parents, np.inf), np.full(parents, -np.inf)

    def add(self, at: npt.NDArray[np.int64], amounts: Floats) -> None:
        """Add children: the parent row of each, -1 for none, and its amount."""
        known = (at >= 0) & ~np.isnan(amounts)
        rows, values = at[known], amounts[known]
        self.number += np.bincount(rows, minlength=len(self.number))
        self.total += np.bincount(rows, weights=values, minlength=len(self.number))
        np.minimum.at(self.low, rows, values)
        np.maximum.at(self.high, rows, values)

    def of(self, function: Function) -> Floats:
        """Return each parent's value; NaN without children, but for the count."""
        if function == "count":
            return self.number
        some = self.number > 0
        mean = self.total / np.maximum(self.number, 1)
        made = {"sum": self.total, "min": self.low, "max": self.high, "mean": mean}[function]
        return np.where(some, made, np.nan)


def find_function(given: Floats, sums: Totals, amount: Amount, step: float) -> Optional[Function]:
    """Return the function of the children that gives every parent's value.

    Parameters
    ----------
    given : ndarray of float
        Each parent's value; NaN for NULL.
    step : float
        Distance of neighbouring values.
    """
    some = (sums.number > 0) & ~np.isnan(given)
    counted = amount.term is None
    if some.sum() < LEAST_ROWS or ((sums.number > 0) & np.isnan(given)).any():
        return None
    if sums.number[some].max() < 2 or (not counted and given[some].std() < 2 * step):
        return None
    if not counted and (sums.high > sums.low)[some].mean() < LEAST_MIXED:
        return None  # the children repeat their parent's value
    relative = _PRECISE if step else _SLACK
    tolerance = 0.5 * step + _SLACK + relative * np.abs(given[some])
    functions: tuple[Function, ...] = ("count",) if counted else ("sum", "min", "max", "mean")
    for function in functions:
        if (np.abs(sums.of(function)[some] - given[some]) <= tolerance).all():
            return function
    return None
