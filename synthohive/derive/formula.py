"""Numbers calculated from others: sums, products, ratios, date arithmetic, with rounding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, Floats
from synthohive.derive.base import Derivation, Modelled, Rng, Values
from synthohive.io.questions import Terms
from synthohive.privacy.entities import on_grid
from synthohive.tables.numbers import as_numbers

__all__ = ["Factor", "Formula", "Term", "rounding_of"]

Rounding = Literal["nearest", "down", "up"]
_ROUNDED: dict[Rounding, tuple[float, float]] = {
    "nearest": (-0.5, 0.5), "down": (-1.0, 0.0), "up": (0.0, 1.0)
}  # fmt: skip
"""By how many steps what was rounded exceeds the exact number, at least and at most."""
_SLACK = 1e-6
MOST_FULL = 0.01
"""Share of the rows that may lie a full step beyond the lowest, which rounding itself never gives:
one in three of what is a sum or one more is no error of a float."""
_RELATIVE = 1e-6
_SPANS = {86_400.0: "days", 3_600.0: "hours", 60.0: "minutes"}


@dataclass(frozen=True)
class Factor:
    """``(add + scale * column) ** power``; the power is 1 or -1."""

    column: str
    add: float = 0.0
    scale: float = 1.0
    power: int = 1

    def of(self, numbers: dict[str, Floats]) -> Floats:
        """Return the factor's value in each row; NaN for a division by zero."""
        values = self.add + self.scale * numbers[self.column]
        if self.power == 1:
            return values
        return np.divide(1.0, values, out=np.full_like(values, np.nan), where=values != 0)

    def times(self, product: Any, ask: Terms) -> Any:
        """Return a number of SQL times the factor; nothing is divided by 0: NULL proves nothing."""
        value = ask.number(self.column)
        if self.scale != 1.0:
            value = ask.plain(self.scale) * value
        if self.add:
            value = ask.plain(self.add) + value
        return ask.ratio(product, value) if self.power < 0 else product * value

    def __str__(self) -> str:
        if not self.add:
            return self.column
        amount = f"{abs(self.scale):g} * {self.column}" if abs(self.scale) != 1 else self.column
        return f"({self.add:g} {'-' if self.scale < 0 else '+'} {amount})"


@dataclass(frozen=True)
class Term:
    """A coefficient times factors; a constant without any."""

    coefficient: float
    factors: tuple[Factor, ...] = ()

    def __mul__(self, other: Term) -> Term:
        return Term(self.coefficient * other.coefficient, (*self.factors, *other.factors))

    def __str__(self) -> str:
        amount = abs(self.coefficient)
        times = [str(f) for f in self.factors if f.power == 1]
        if amount != 1 or not times:
            times.insert(0, f"{amount:.12g}")
        return " / ".join([" * ".join(times), *(str(f) for f in self.factors if f.power == -1)])


@dataclass(frozen=True)
class Formula(Derivation):
    """``target = sum of terms``, rounded to the target's last digit.

    Points in time count in seconds since 1970.

    Attributes
    ----------
    step : float
        The target's last digit; 0 where it has none.
    rounding : {"nearest", "down", "up"}
    ends : (float, float), optional
        Protected bounds of the target: of drawn numbers, a sum may lie where no real one does.
    """

    terms: tuple[Term, ...]
    step: float
    rounding: Rounding = "nearest"
    ends: Optional[tuple[float, float]] = None

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns of all factors."""
        return tuple(dict.fromkeys(f.column for t in self.terms for f in t.factors))

    def alone(self, roots: pa.Table) -> Optional[Formula]:
        """Return what rows without a parent hold: 0, or the formula's constant."""
        values = as_numbers(roots.column(self.target))
        for value in (0.0, *(t.coefficient for t in self.terms if not t.factors)):
            if len(values) and (values == value).all():
                return Formula(self.target, (Term(value),), self.step)
        return None

    def exact(self, rows: pa.Table) -> Floats:
        """Return the value before rounding."""
        numbers = {name: as_numbers(rows.column(name)) for name in self.needs}
        total = np.zeros(len(rows))
        for term in self.terms:
            product = np.full(len(rows), term.coefficient)
            for factor in term.factors:
                product = product * factor.of(numbers)
            total += product
        return total

    def violations(self, rows: pa.Table) -> Bools:
        """Return the rows whose target is not what its sources give."""
        given = as_numbers(rows.column(self.target))
        exact = self.exact(rows)
        if not self.step:
            off = np.abs(given - exact) - _RELATIVE * np.maximum(np.abs(given), np.abs(exact))
            return np.asarray(off > _SLACK, dtype=np.bool_)
        over = (given - exact) / self.step
        low, high = _ROUNDED[self.rounding]
        # The error of a float grows with the float: here, in units of the last digit.
        slack = _SLACK + 1e-12 * np.abs(np.nan_to_num(exact)) / self.step
        return np.asarray((over < low - slack) | (over > high + slack), dtype=np.bool_)

    def fine(self, ask: Terms) -> Any:
        """See the base class: the error that a float may have is half of that of `violations`."""
        exact = ask.plain(0.0)
        for term in self.terms:
            product = ask.plain(term.coefficient)
            for factor in term.factors:
                product = factor.times(product, ask)
            exact += product
        off, low, high = ask.number(self.target) - exact, 0.0, 0.0
        slack = ask.plain(_SLACK / 2)
        if self.step:
            off = ask.ratio(off, ask.plain(self.step))
            low, high = _ROUNDED[self.rounding]
        empty = ask.missing(self.target)
        for name in self.needs:
            empty |= ask.missing(name)
        return empty | ((off >= ask.plain(low) - slack) & (off <= ask.plain(high) + slack))

    def decode(self, rows: pa.Table, rng: Rng = None) -> Values:
        """Calculate the target."""
        exact = self.exact(rows)
        if self.step:
            units = exact / self.step
            slack = _SLACK + 1e-12 * np.abs(units)
            if self.rounding == "nearest":  # halves away from zero, as SQL rounds
                units = np.sign(units) * np.floor(np.abs(units) + 0.5 + slack)
            else:
                down = self.rounding == "down"
                units = np.floor(units + slack) if down else np.ceil(units - slack)
            # Beyond 53 bits a float has no last digit to round to.
            large = np.abs(exact) / self.step >= 2.0**53
            exact = np.where(large, exact, on_grid(units * self.step, self.step))
        return exact

    def invert(self, rows: pa.Table, source: str, modelled: Modelled, rng: Rng) -> Optional[Values]:
        """Solve for a column that occurs once; see the base class."""
        at = [(t, f) for t in self.terms for f in t.factors if f.column == source]
        if len(at) != 1:
            return None
        term, factor = at[0]
        others = Formula(self.target, tuple(t for t in self.terms if t is not term), 0.0)
        one = Term(term.coefficient, tuple(f for f in term.factors if f is not factor))
        amount = Formula(self.target, (one,), 0.0).exact(rows)
        left = as_numbers(rows.column(self.target)) - others.exact(rows)
        over, under = (left, amount) if factor.power == 1 else (amount, left)
        value = np.divide(over, under, out=np.full_like(over, np.nan), where=under != 0)
        return (value - factor.add) / factor.scale

    def __str__(self) -> str:
        text = ""
        for term in self.terms:
            sign = "-" if term.coefficient < 0 else "+"
            said = str(term)
            if self.step in _SPANS and not term.factors:  # 28 days, not 2419200
                said = f"{abs(term.coefficient) / self.step:.12g} {_SPANS[self.step]}"
            text += f" {sign} {said}" if text else ("-" if sign == "-" else "") + said
        if self.step in _SPANS:
            return f"{self.target} = {text} (whole {_SPANS[self.step]})"
        whole = all(float(t.coefficient).is_integer() and len(t.factors) < 2 for t in self.terms)
        if not self.step or (whole and self.rounding == "nearest"):
            return f"{self.target} = {text}"
        digits = max(0, round(-np.log10(self.step)))
        name = {"nearest": "round", "down": "floor", "up": "ceil"}[self.rounding]
        return f"{self.target} = {name}({text}{f', {digits}' if digits else ''})"


def rounding_of(over: Floats, step: float) -> Optional[Rounding]:
    """Return how values were rounded that exceed the exact ones by `over`."""
    low, high = float(over.min()) / step + _SLACK, float(over.max()) / step - _SLACK
    ways = [way for way, (a, b) in _ROUNDED.items() if a <= low and high <= b]
    # halves may go either way; up or down, what is a full step off is no rounding
    full = (over >= over.min() + step * (1 - _SLACK)).mean() > MOST_FULL
    return next((way for way in ways if way == "nearest" or not full), None)
