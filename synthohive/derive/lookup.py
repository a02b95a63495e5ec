"""Functional dependencies, ``city -> country``, kept by a table of the real combinations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, IntArray
from synthohive._random import hashed
from synthohive.derive.base import Derivation, Modelled, Rng, Values, as_column
from synthohive.encoding.canonical import canonical, hash64
from synthohive.io.questions import CannotAsk, Terms
from synthohive.tables.joins import group_codes, match_rows
from synthohive.tables.numbers import nulls

__all__ = ["Copy", "Lookup"]


@dataclass(frozen=True)
class Copy(Derivation):
    """A column that repeats another."""

    source: str

    def decode(self, rows: pa.Table, rng: Rng = None) -> Values:
        """Repeat the other column."""
        return rows.column(self.source)

    def fine(self, ask: Terms) -> Any:
        """See the base class."""
        own, other = ask.pair(self.target, self.source)
        return ask.missing(self.target) | ask.missing(self.source) | (own == other)

    def invert(self, rows: pa.Table, source: str, modelled: Modelled, rng: Rng) -> Optional[Values]:
        """Repeat this one; see the base class."""
        return rows.column(self.target)

    def __str__(self) -> str:
        return f"{self.target} = {self.source}"


@dataclass(frozen=True, eq=False)
class Lookup(Derivation):
    """A column that is a function of others, without a formula.

    Attributes
    ----------
    sources : tuple of str
        From few to many distinct values.
    entries : pyarrow.Table
        The combinations of sources and target that enough entities share.
    weights : ndarray of int64
        How often each occurs.
    """

    named = ("sources",)
    sources: tuple[str, ...]
    entries: pa.Table
    weights: IntArray

    def violations(self, rows: pa.Table) -> Bools:
        """Return the rows whose target is not the one of their combination."""
        own, entry = group_codes([rows, self.entries], [[self.target], [self.target]])
        entry_of = match_rows(rows, self.sources, self.entries, self.sources)
        there = (entry_of >= 0) & (own >= 0)
        return np.asarray(there & (entry[entry_of] != own), dtype=np.bool_)

    def fine(self, ask: Terms) -> Any:
        """See the base class: rows say nothing alone."""
        raise CannotAsk

    def decode(self, rows: pa.Table, rng: Rng = None) -> Values:
        """Look the target up; an unknown combination gets the same one each time."""
        here, there = group_codes([rows, self.entries], [self.sources, self.sources])
        entry = self._entries(here, there, None)
        unknown = np.flatnonzero((entry < 0) & (here >= 0))
        if len(unknown):
            entry[unknown] = self._stand_in(rows.take(unknown))
        return self.entries.column(self.target).take(pa.array(entry, mask=here < 0))

    def _entries(self, here: IntArray, there: IntArray, rng: Rng) -> IntArray:
        """Return an entry of each row's group, by weight or the heaviest; -1 for none."""
        # Sorted by group, the heaviest first: `low` is the likeliest entry of a row's group.
        order = np.lexsort((-self.weights, there))
        low = np.searchsorted(there[order], here, side="left")
        high = np.searchsorted(there[order], here, side="right")
        known = (high > low) & (here >= 0)
        place = np.minimum(low, len(order) - 1)
        if rng is not None:
            ends = np.cumsum(self.weights[order])
            before = np.where(low > 0, ends[low - 1], 0)
            mass = np.where(known, ends[high - 1] - before, 1)
            # Weights run on over all groups: a number within a group's hits its entries by weight.
            drawn = np.searchsorted(ends, before + rng.random(len(here)) * mass, side="right")
            place = np.where(known, np.clip(drawn, low, high - 1), place)
        return np.where(known, order[place], -1)

    def _stand_in(self, rows: pa.Table) -> IntArray:
        # By a hash of the sources: the same combination always, in whatever block it stands.
        total = np.zeros(len(rows), dtype=np.uint64)
        for name in self.sources:
            column = rows.column(name)
            total = hashed(hash64(canonical(column, column.type)) ^ total, 0)
        return (total % np.uint64(len(self.entries))).astype(np.int64)

    def redraw(self, rows: pa.Table, rng: np.random.Generator) -> Optional[pa.Array]:
        """Return the last source anew where the combination is unknown; None if nowhere.

        It is drawn from what occurs beside the other sources' values.
        """
        known = match_rows(rows, self.sources, self.entries, self.sources)
        null = np.any([nulls(rows.column(name)) for name in self.sources], axis=0)
        unknown = np.flatnonzero((known < 0) & ~null)
        if not len(unknown):
            return None
        rest = list(self.sources[:-1])
        none = np.zeros(len(unknown), dtype=np.int64), np.zeros(len(self.entries), dtype=np.int64)
        some = rows.take(unknown)
        here, there = group_codes([some, self.entries], [rest, rest]) if rest else none
        chosen = self._entries(here, there, rng)
        chosen = np.where(chosen < 0, self._entries(*none, rng), chosen)
        name = self.sources[-1]
        values = pa.chunked_array(
            [rows.column(name).combine_chunks(), self.entries.column(name).combine_chunks()]
        )
        index = np.arange(len(rows))
        index[unknown] = len(rows) + chosen
        return values.take(pa.array(index)).combine_chunks()

    def invert(self, rows: pa.Table, source: str, modelled: Modelled, rng: Rng) -> Optional[Values]:
        """Draw from what occurs beside the target and the other sources; see the base class."""
        rest = [self.target, *(name for name in self.sources if name != source)]
        here, there = group_codes([rows, self.entries], [rest, rest])
        entry = self._entries(here, there, rng)
        return self.entries.column(source).take(pa.array(entry, mask=entry < 0))

    def repair(self, rows: pa.Table) -> Values:
        """Look the target up again where it is none of its combination's."""
        both = [*self.sources, self.target]
        fits = match_rows(rows, both, self.entries, both) >= 0
        target = rows.column(self.target)
        if fits.all():
            return target
        return pc.if_else(pa.array(fits), target, as_column(self.decode(rows), target.type))

    def __str__(self) -> str:
        return f"{', '.join(self.sources)} -> {self.target}"
