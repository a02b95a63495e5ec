"""The rows in which derivations are searched, column by column; each view is made once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Callable, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.derive.base import Derivation, in_order
from synthohive.derive.points import point_masses, regular
from synthohive.privacy.entities import Entities, entities_or_rows
from synthohive.tables.joins import group_codes
from synthohive.tables.numbers import as_numbers, is_number, is_time, nulls, step_of

__all__ = ["Chosen", "Columns", "spaced"]

LEAST_ROWS = 30
"""Fewer rows prove nothing."""
CONTRADICTIONS = 30.0
"""Chance alone would have broken the rule this many times."""
FEW = 200
"""Rows that refute most candidates at little cost."""

MOST_EXCEPTIONS = 0.08
"""Share of rows that may contradict what holds in nearly all."""
FEW_EXCEPTIONS = 0.01
"""The same of rules whose exceptions are not kept, as too few entities have any."""
CHANCE = 0.2
"""Exceptions are at most this share of what they were, were the rule's target any row's."""
LOOSE = 0.7
"""Share of a few rows in which what holds in nearly all of the others must hold."""

_LARGEST = 1e75


def spaced(rows: int, most: int) -> IntArray:
    """Return the numbers of at most so many rows, evenly spread over all."""
    return np.unique(np.linspace(0, rows - 1, min(rows, most)).astype(np.int64))


class Columns:
    """A table under search.

    Parameters
    ----------
    rows : pyarrow.Table
        The table's own columns, and its parent's as ``parent.column``.
    targets : collection of str
        Columns that may follow from others.
    entities : Entities, optional
        Those behind the rows; each row is one by default.
    k : int
        Values that fewer entities share are never kept.
    ordered : collection of str
        Columns that follow wholly from no others, but may have an order (dates in a key).
    made_up : collection of str
        Columns of parents with other values in the copy: nothing goes with these there.
    labels : collection of str
        Columns that follow wholly from no others, but that others may follow from (codes and years
        in a key).
    """

    def __init__(
        self,
        rows: pa.Table,
        targets: Collection[str],
        entities: Optional[Entities] = None,
        k: int = 5,
        ordered: Collection[str] = (),
        made_up: Collection[str] = (),
        labels: Collection[str] = (),
    ) -> None:
        self.rows, self.k, self.labels = rows, k, sorted(labels)
        self.ordered = [name for name in rows.column_names if name in ordered]
        self.made_up = frozenset(made_up)
        self.targets = [name for name in rows.column_names if name in targets]
        self.entities = entities_or_rows(entities, len(rows))
        self._numbers: dict[str, Floats] = {}
        self._codes: dict[str, IntArray] = {}
        self._steps: dict[str, float] = {}
        self._points: dict[str, tuple[float, ...]] = {}
        self._distinct: dict[str, int] = {}

    def numbers(self, name: str) -> Floats:
        """Return a column as floats, NaN for NULL."""
        if name not in self._numbers:
            self._numbers[name] = as_numbers(self.rows.column(name))
        return self._numbers[name]

    def points(self, name: str) -> tuple[float, ...]:
        """Return the values of a column that are no places on its scale."""
        if name not in self._points:
            time = is_time(self.type(name))
            found = point_masses(self.numbers(name), self.entities, self.k, time=time)
            self._points[name] = found
        return self._points[name]

    def regular(self, name: str) -> Floats:
        """Return a column as floats, NaN for NULL and for what is no place on its scale."""
        return regular(self.numbers(name), self.points(name))

    def codes(self, name: str) -> IntArray:
        """Return a number for each distinct value, -1 for NULL."""
        if name not in self._codes:
            self._codes[name] = group_codes([self.rows], [[name]])[0]
        return self._codes[name]

    def step(self, name: str) -> float:
        """Return the distance of neighbouring values, the grid on which they lie; 0 for none."""
        if name not in self._steps:
            self._steps[name] = step_of(self.rows.column(name))
        return self._steps[name]

    def type(self, name: str) -> pa.DataType:
        """Return a column's type."""
        return self.rows.schema.field(name).type

    def distinct(self, name: str) -> int:
        """Return the number of distinct values."""
        if name not in self._distinct:  # asked for each pair of columns
            self._distinct[name] = int(self.codes(name).max(initial=-1)) + 1
        return self._distinct[name]

    def bits(self, name: str) -> float:
        """Return how much a column's values tell: their entropy, NULL aside."""
        codes = self.codes(name)
        shares = np.bincount(codes[codes >= 0]) / max(int((codes >= 0).sum()), 1)
        return float(-(shares[shares > 0] * np.log2(shares[shares > 0])).sum())

    def shared(self, rows: Bools) -> bool:
        """Whether enough entities have some of the rows, so that what these hold may be learned."""
        holders = self.entities.holders(np.where(rows, 0, -1).astype(np.int64), 1)
        return int(holders[0]) >= self.k

    @cached_property
    def missing(self) -> dict[str, Bools]:
        """Where each column is NULL."""
        return {name: nulls(self.rows.column(name)) for name in self.rows.column_names}

    @cached_property
    def numeric(self) -> list[str]:
        """The columns that can be calculated with: finite numbers, at least two of them.

        Their products and squares have to be finite, too.
        """
        return [
            name
            for name in self.rows.column_names
            if is_number(self.type(name))
            and self.distinct(name) > 1
            and not (np.isnan(self.numbers(name)) & ~self.missing[name]).any()
            and np.nanmax(np.abs(self.numbers(name))) < _LARGEST
        ]

    def covers(self, sources: tuple[str, ...], target: str) -> bool:
        """Whether the target is NULL wherever a source is, and has enough values else."""
        missing = np.any([self.missing[s] for s in sources], axis=0)
        known = int((~self.missing[target]).sum())
        return known >= LEAST_ROWS and not bool((missing & ~self.missing[target]).any())


Nearly = Callable[[Columns, Derivation, Bools], Optional[Derivation]]
"""What is kept of a rule that some rows break; None for nothing."""


class Chosen:
    """The derivations found so far: at most one for each target, never in a circle."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.derivations: dict[str, Derivation] = {}
        self.nearly: Optional[Nearly] = None  # while looking for what holds in nearly all rows

    @contextmanager
    def allowing(self, nearly: Nearly) -> Iterator[None]:
        """Take derivations that some rows break, as far as `nearly` keeps them, in this block."""
        self.nearly = nearly
        try:
            yield
        finally:
            self.nearly = None

    def hold(self, right: Bools) -> Any:
        """Whether what holds in some of a few rows may hold in enough of all; along the last axis.

        Examples
        --------
        >>> chosen = Chosen(Columns(pa.table({"a": [1]}), ["a"]))
        >>> bool(chosen.hold(np.array([True, True, True, False])))
        False
        """
        return right.all(axis=-1) if self.nearly is None else right.mean(axis=-1) >= LOOSE

    def free(self, *, whole: bool = True) -> list[str]:
        """Return the columns that may still become a target; fewer do that are to follow wholly."""
        names = [*self.columns.targets, *(() if whole else self.columns.ordered)]
        return [name for name in names if name not in self.derivations]

    def depends(self, name: str, on: str) -> bool:
        """Whether `name` follows, over any steps, from `on`."""
        return on in self.above(name)

    def above(self, name: str, further: Optional[Mapping[str, str]] = None) -> set[str]:
        """Return a column and all that it follows from; `further` adds one source each."""
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            current = waiting.pop()
            if current in seen:
                continue
            seen.add(current)
            derivation = self.derivations.get(current)
            waiting += derivation.needs if derivation is not None else ()
            if further is not None and current in further:
                waiting.append(further[current])
        return seen

    def add(self, derivation: Derivation) -> bool:
        """Take a derivation unless its target has one, it closes a circle, or it is broken."""
        target = derivation.target
        if target not in self.free(whole=derivation.whole) or any(
            self.depends(s, target) for s in derivation.needs
        ):
            return False
        strict = derivation.strict and bool(derivation.needs)
        if strict and not self._covers(derivation):
            return False
        rows, few = self.columns.rows, derivation.violations(self.columns.rows.slice(0, FEW))
        # Most candidates break in the first rows.
        if len(few) and not self.hold(~few):
            return False
        wrong = derivation.broken(rows) if strict else derivation.violations(rows)
        kept: Optional[Derivation] = derivation
        if wrong.any():
            kept = self.nearly(self.columns, derivation, wrong) if self.nearly else None
        if kept is None:
            return False
        self.derivations[target] = kept
        return True

    def _covers(self, derivation: Derivation) -> bool:
        """Whether the target has enough values, hardly any of them beside a NULL in a source."""
        if self.nearly is None:
            return self.columns.covers(derivation.needs, derivation.target)
        return int((~self.columns.missing[derivation.target]).sum()) >= LEAST_ROWS

    def ordered(self) -> tuple[Derivation, ...]:
        """Return the derivations, each after those that it needs."""
        return tuple(self.derivations[name] for name in in_order(self.derivations.values()))
