"""Hierarchies: each row gets a parent one level above that suits it."""

from __future__ import annotations

from typing import Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from synthohive.relational import seeds
from synthohive.relational.lineage import beside
from synthohive.relational.making.run import Generated, Run
from synthohive.relational.parents.choosing import above, breaks
from synthohive.relational.parents.goals import goals
from synthohive.relational.parents.linkage import CodedQuotaAssigner
from synthohive.relational.parents.matching import match
from synthohive.relational.parents.pair_shares import PairShares
from synthohive.relational.parents.swaps import PairRules, settle
from synthohive.relational.relations.table import TableRelations
from synthohive.schema import ForeignKey

__all__ = ["Tree"]

IntArray = npt.NDArray[np.int64]


class Tree:
    """The rows of a table that refers to itself, from the top down.

    Attributes
    ----------
    parents : ndarray of int64
        Each row's parent row, -1 for roots.
    changed : pyarrow.Table
        The columns that rows repeat from their parents, or that had to be moved.
    """

    def __init__(self, run: Run, name: str, made: Generated, key: ForeignKey) -> None:
        fitted, label = run.fitted.tables[name], key.label(name)
        if fitted.hierarchy is None or made.depths is None:
            raise RuntimeError(f"{name!r} is no hierarchy")
        self.run = run
        self.name, self.codes = name, fitted.codes.get(label)
        self.wanted = made.codes.get(label)
        self.inherited = fitted.linked.get(label, TableRelations())
        self.bounds = fitted.bounds.get(label, [])
        kept = [*self.inherited.relations, *self.bounds]
        targets = list(dict.fromkeys(relation.target for relation in kept))
        own = [*targets, *(source[len(name) + 1 :] for r in kept for source in r.sources)]
        self.own = made.spool.column_table(list(dict.fromkeys(own)))
        names = [] if self.codes is None else self.codes.columns
        self.seen = above(run, name, names)
        self.seed = seeds.seed_int(run.seed, name, label)
        self.rng = run.rng(name, "hierarchy")
        self.parents = fitted.hierarchy.link(made.depths, self.rng, self._pick)
        shares = fitted.pair_shares.get(label)
        if shares is not None and not kept:
            self._match(shares, made)
        self.changed = self.own.select(targets)

    def _match(self, shares: PairShares, made: Generated) -> None:
        """Let rows of one level swap parents until both go together as the real ones do."""
        rows, level = np.flatnonzero(self.parents >= 0), np.zeros_like(self.parents)
        current = self.parents
        while (below := current >= 0).any():
            level += below
            current = np.where(below, self.parents[current], -1)
        chosen, at = self.parents[rows], pa.array(rows)

        def mine(column: str) -> pa.ChunkedArray:
            if column in made.spool.schema.names:
                return made.spool.column_table([column]).column(column).take(at)
            return self._seen(column).take(at)

        rules = PairRules(len(self.parents), groups=level[rows])
        wishes = goals(shares, mine, self._seen, chosen)
        self.parents[rows] = match(chosen, wishes, rules, self.rng)

    def _seen(self, column: str) -> pa.ChunkedArray:
        """Return a column of all rows, or of their ancestors."""
        return above(self.run, self.name, [column]).column(column)

    def _pick(self, rows: IntArray, parents: IntArray, counts: IntArray) -> IntArray:
        """Choose for the rows of one level, and hand down what they repeat."""
        wanted: Optional[IntArray] = None
        if self.codes is None or self.wanted is None:
            chosen = self.rng.permutation(np.repeat(np.arange(len(parents)), counts))
        else:
            wanted = self.wanted[rows]
            codes = self.codes(self._known().take(pa.array(parents)))
            seed = self.seed + int(rows[0])
            chosen = CodedQuotaAssigner(wanted, codes, counts, seed).assign(np.arange(len(rows)))
        if self.bounds:
            one, two = self.own.take(pa.array(rows)), self._above(parents)
            unwanted = tuple(breaks(order, one, two) for order in self.bounds)
            rules = PairRules(len(parents), unwanted=unwanted, likes=wanted)
            chosen, _ = settle(chosen, rules, self.rng)
        found: IntArray = parents[chosen]
        self._hand_down(rows, found)
        return found

    def _known(self) -> pa.Table:
        """Return what codes are made from, as far as it was handed down by now."""
        known = self.seen
        for place, name in enumerate(known.column_names):
            column = name[len(self.name) + 1 :]
            if name.startswith(f"{self.name}.") and column in self.own.column_names:
                known = known.set_column(place, name, self.own.column(column))
        return known

    def _above(self, parents: IntArray) -> pa.Table:
        rows = self.own.take(pa.array(parents))
        return rows.rename_columns([f"{self.name}.{c}" for c in rows.column_names])

    def _hand_down(self, rows: IntArray, parents: IntArray) -> None:
        """Repeat what is inherited; move what no parent suits."""
        if not self.inherited and not self.bounds:
            return
        both = beside(self.own.take(pa.array(rows)), self._above(parents))
        index = np.arange(len(self.own), dtype=np.int64)
        index[rows] = len(self.own) + np.arange(len(rows))
        for relation in [*self.inherited.relations, *self.bounds]:
            mended = relation.mend(both)
            place = both.column_names.index(relation.target)
            both = both.set_column(place, both.field(place), mended)
        for place, field in enumerate(self.own.schema):
            column = self.own.column(place).combine_chunks()
            moved = both.column(field.name).combine_chunks()
            joined = pa.chunked_array([column, moved])
            self.own = self.own.set_column(
                place, field, joined.take(pa.array(index)).combine_chunks()
            )
