"""What rows may not be, alone (CHECK) or together (UNIQUE, EXCLUDE), and the loop that repairs.

A constraint tells which rows break it, and offers other values for these, first those that change
least. A row takes an offer only where it breaks fewer constraints by it than before, of those that
count most; so every step helps, none undoes another, and the number of steps is fixed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, IntArray
from synthohive.constrain.sql_expressions import Expression
from synthohive.tables.ancestors import with_rows
from synthohive.tables.nulls import any_null

__all__ = ["Offer", "Repair", "Repairing", "Resample", "Rule"]

Resample = Callable[[IntArray, np.random.Generator], pa.Table]
TRIES, PASSES = 3, 2


class Rule(ABC):
    """What no two rows have in common.

    Attributes
    ----------
    columns : tuple of str
        Those that are compared.
    where : Expression, optional
        True of the rows that it is about.
    """

    columns: tuple[str, ...]
    where: Optional[Expression]

    @property
    def all_columns(self) -> tuple[str, ...]:
        """The columns that are compared, and those of the condition."""
        others = () if self.where is None else sorted(self.where.columns - set(self.columns))
        return (*self.columns, *others)


@dataclass(frozen=True)
class Offer:
    """Other values of some columns in some rows.

    Attributes
    ----------
    rows : ndarray of int64
    values : pyarrow.Table
        A row for each of `rows`.
    units : ndarray of int64, optional
        Rows of one unit take theirs together or not at all; each alone by default.
    """

    rows: IntArray
    values: pa.Table
    units: Optional[IntArray] = None


class Repair(ABC):
    """One constraint of a table, in block after block of its rows.

    Parameters
    ----------
    columns : sequence of str
        What it is about.
    moves : sequence of str
        The columns that a repair may change; without any, rows that break it stay as they are.

    Attributes
    ----------
    alone : bool
        Whether rows break it by themselves, whatever stands in others.
    apart : bool
        Whether no row can break it by one of another block.
    binding : bool
        Whether the database refuses rows that break it.
    """

    alone: ClassVar[bool] = False
    apart: bool = False

    def __init__(self, columns: Sequence[str], moves: Sequence[str], *, binding: bool = True):
        self.columns, self.moves, self.binding = tuple(columns), list(moves), binding

    @abstractmethod
    def broken(self, rows: pa.Table, later: Optional[Bools] = None) -> Bools:
        """Return the rows that break it: by themselves, or by one before them in whatever block.

        Rows marked as `later` count as behind all others.
        """

    def trades(self, now: Repairing) -> Iterator[Offer]:
        """Yield offers by which columns keep all their values; none by default."""
        return iter(())

    @abstractmethod
    def offers(self, now: Repairing) -> Iterator[Offer]:
        """Yield other values for the rows that break it *now*, as long as any does."""

    def remember(self, block: pa.Table) -> Bools:
        """Bar the block's values from those to come, after all of it was repaired.

        Returns the rows that still break the constraint.
        """
        broken = self.broken(block)
        self._bar(block, broken)
        return broken

    def _bar(self, block: pa.Table, broken: Bools) -> None:
        """Remember the block's rows, but those that break the constraint."""


class Repairing:
    """Rows under repair.

    Attributes
    ----------
    rows : pyarrow.Table
    repairs : list of Repair
        All constraints of the rows: none of them is broken to keep another.
    rng : numpy.random.Generator
    broken : ndarray of bool, shape (constraints, rows)
        Which rows break each of them.
    last : bool
        Whether only what changes most can help any more.
    """

    def __init__(
        self,
        rows: pa.Table,
        repairs: Iterable[Repair],
        rng: np.random.Generator,
        broken: Optional[Sequence[Bools]] = None,
    ) -> None:
        self.rows, self.repairs, self.rng, self.last = rows, list(repairs), rng, False
        masks = [one.broken(rows) for one in self.repairs] if broken is None else broken
        self.broken = np.array(masks, dtype=np.bool_).reshape(len(masks), len(rows))
        # What rows break alone comes first: values that none repeats are found for it afterwards,
        # but not the other way round.
        alone = np.array([repair.alone for repair in self.repairs], dtype=np.bool_)
        self._weights = np.where(alone, len(masks) + 1, 1)

    def run(
        self, resample: Optional[Resample] = None, free: Collection[str] = ()
    ) -> tuple[pa.Table, int]:
        """Return the rows, and how many broke a constraint and no longer do.

        Parameters
        ----------
        resample : callable, optional
            From row numbers and a generator to columns of these rows, drawn anew: it keeps to what
            the model and relations say, so it comes before values of other rows.
        free : collection of str
            The columns that are taken of these.
        """
        before = self._pending()
        for number in range(PASSES):
            self.last = number == PASSES - 1
            self._take_all(lambda repair: repair.trades(self))
            for _ in range(0 if resample is None else TRIES):
                rows = np.flatnonzero(self._pending())
                if resample is not None and len(rows):
                    drawn = resample(rows, self.rng)
                    names = [n for n in self.rows.column_names if n in free]
                    there = [n for n in names if n in drawn.column_names]
                    self.take(Offer(rows, drawn.select(there)))
            self._take_all(lambda repair: repair.offers(self))
        return self.rows, int((before & ~self._pending()).sum())

    def wrong(self, repair: Repair) -> IntArray:
        """Return the rows that break one of the constraints."""
        return np.flatnonzero(self.broken[self.repairs.index(repair)])

    def known(self, names: Collection[str]) -> Bools:
        """Return the rows without NULL in some columns."""
        return ~any_null(self.rows, list(names))

    def copied(self, rows: IntArray, donors: IntArray, names: Sequence[str]) -> Offer:
        """Return the offer of the values that stand in other rows.

        Parameters
        ----------
        rows, donors : ndarray of int64, shape (n,)
            Who gets the values, and whose these are.
        names : sequence of str
            The columns.
        """
        return Offer(rows, self.rows.select(list(names)).take(pa.array(donors)))

    def take(self, offer: Offer) -> None:
        """Change those rows that break fewer constraints by it, alone or as a unit."""
        rows, names = offer.rows, set(offer.values.column_names)
        units = np.arange(len(rows)) if offer.units is None else offer.units
        touched = [n for n, r in enumerate(self.repairs) if not names.isdisjoint(r.columns)]
        alone = [n for n in touched if self.repairs[n].alone]
        if not len(rows):
            return
        every = np.arange(len(rows), dtype=np.int64)
        some = with_rows(self.rows.take(pa.array(rows)), every, offer.values) if alone else None
        told = {n: self.repairs[n].broken(some) for n in alone}
        # Who does not take the offer may be in the way of who does: until all that are left do.
        while len(every):
            at, later = rows[every], np.zeros(len(self.rows), dtype=np.bool_)
            later[at] = True
            changed = with_rows(self.rows, at, offer.values.take(pa.array(every)))
            broken = self.broken.copy()
            for n in touched:
                if n in told:
                    broken[n, at] = told[n][every]
                else:
                    broken[n] = self.repairs[n].broken(changed, later)
            gain = self._weights @ self.broken[:, at] - self._weights @ broken[:, at]
            better = np.bincount(units[every], weights=gain)[units[every]] > 0
            if better.all():
                self.rows, self.broken = changed, broken
                return
            every = every[better]

    def _pending(self) -> Bools:
        """Return the rows that break a constraint for which a column may be changed."""
        able = np.flatnonzero([bool(repair.moves) for repair in self.repairs])
        return np.asarray(np.any(self.broken[able], axis=0), dtype=np.bool_)

    def _take_all(self, offers: Callable[[Repair], Iterator[Offer]]) -> None:
        for repair in self.repairs:
            if repair.moves and len(self.wrong(repair)):
                for offer in offers(repair):
                    self.take(offer)
                    if not len(self.wrong(repair)):
                        break
