"""Hierarchies: each row gets a parent one level above that suits it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, IntArray
from synthohive.derive.base import Derivation
from synthohive.derive.program import Program
from synthohive.generate.key_repair import Changes, repair_late_key
from synthohive.generate.parent_choice import above, breaks
from synthohive.generate.run import Generated, Run
from synthohive.link.assignment import NEAR, Forbids, Grouping, Rules, assign, calibrate, repair
from synthohive.link.association import PairShares
from synthohive.link.hierarchy import HierarchyModel
from synthohive.schema.plan import Link
from synthohive.tables import random_streams as seeds
from synthohive.tables.ancestors import hstack, with_rows
from synthohive.tables.joins import group_codes
from synthohive.tables.nulls import any_null

__all__ = ["Tree", "own_parents"]


class Tree:
    """The rows of a table that refers to itself, from the top down.

    Attributes
    ----------
    parents : ndarray of int64
        Each row's parent row, -1 for roots.
    changed : pyarrow.Table
        The columns that rows repeat from their parents, or that had to be moved.
    """

    def __init__(self, run: Run, name: str, made: Generated, link: Link) -> None:
        fitted, label, key = run.fitted.tables[name], link.label, link.key
        model, self.run = fitted.hierarchies[label], run
        self.name, self.codes = name, fitted.codes.get(label)
        self.wanted = made.codes.get(label)
        self.inherited = fitted.linked.get(label, Program())
        self.bounds = fitted.bounds.get(label, [])
        kept = [*self.inherited.derivations, *self.bounds, *model.alone.derivations]
        targets = list(dict.fromkeys(derivation.target for derivation in kept))
        sources = (source for derivation in kept for source in derivation.needs)
        start = f"{name}."
        own = [*targets, *(s[len(start) :] if s.startswith(start) else s for s in sources)]
        there = [name for name in dict.fromkeys(own) if name in made.spool.schema.names]
        self.own = made.spool.column_table(there)
        if made.rests is not None:
            flags = [name for name in own if name in made.rests.column_names]
            self.own = hstack(self.own, made.rests.select(flags))
        names = [] if self.codes is None else self.codes.columns
        self.seen = above(run, name, names)
        self.seed = seeds.seed_int(run.seed, name, label)
        self.rng = run.rng(name, label, "hierarchy")
        self.earlier = model.earlier
        self.groups = _groups(made, link)
        if self.groups is None and model.within:
            self.groups = _within(run, made, link, model)
        keys = made.spool.column_table(list(dict.fromkeys(key.parent_columns)))
        every = np.arange(len(self.own), dtype=np.int64)  # who will be a root is not known yet
        self._hand_down(every, np.full_like(every, -1), model.alone.derivations)
        self.parents, self.levels = model.link(
            made.depths[label],
            self.rng,
            self._pick,
            ~any_null(keys, key.parent_columns),
            1 if set(key.columns) in map(set, fitted.config.unique_sets) else None,
            self.groups[0] if model.within and self.groups else None,
            None if model.roots is None else made.spool.column_table([model.roots.source]),
        )
        shares = fitted.pair_shares.get(label)
        if shares is not None and not kept:
            self._match(shares, made)
        self.changed = self.own.select(targets)

    def _match(self, shares: PairShares, made: Generated) -> None:
        """Let rows of one level swap parents until both go together as the real ones do."""
        rows, level = np.flatnonzero(self.parents >= 0), self.levels
        if self.groups is not None:
            # pairs of level and group as one number; NumPy 2.0 returns it in two dimensions
            level = np.unique(np.stack([level, self.groups[0]]), axis=1, return_inverse=True)[1]
            level = level.reshape(-1)
        chosen, at = self.parents[rows], pa.array(rows)

        def mine(column: str) -> pa.ChunkedArray:
            if column in made.spool.schema.names:
                return made.spool.column_table([column]).column(column).take(at)
            return self._seen(column).take(at)

        order = (_later(rows, np.arange(len(level))),) if self.earlier else ()
        rules = Rules(len(self.parents), forbidden=order, groups=level[rows])
        targets = shares.targets(mine, self._seen, chosen)
        self.parents[rows] = calibrate(chosen, targets, rules, self.rng, NEAR * len(rows))

    def _seen(self, column: str) -> pa.ChunkedArray:
        """Return a column of all rows, or of their ancestors."""
        return above(self.run, self.name, [column]).column(column)

    def _pick(self, rows: IntArray, parents: IntArray, counts: IntArray) -> IntArray:
        """Choose for the rows of one level, and hand down what they repeat."""
        chosen = np.full(len(rows), -1, dtype=np.int64)
        own, theirs = np.zeros_like(rows), np.zeros_like(parents)
        if self.groups is not None:
            own, theirs = self.groups[0][rows], self.groups[1][parents]
        able = np.flatnonzero((own >= 0) & np.isin(own, theirs))
        own, mine = own[able], rows[able]
        if not len(able) or not counts.sum():
            return chosen
        codes: Optional[Grouping] = None
        if self.codes is not None and self.wanted is not None:
            codes = self.wanted[mine], self.codes(self._known().take(pa.array(parents)))
        dealt = assign(  # places among `parents`, -1 for none
            counts,
            len(able),
            self.seed + int(rows[0]),
            self.rng,
            groups=None if self.groups is None else (own, theirs),
            codes=codes,
            places=(mine, parents) if self.earlier else None,
        )
        if (self.bounds or self.earlier) and (dealt >= 0).all():
            children, theirs_above = self.own.take(pa.array(mine)), self._above(parents)
            rules = Rules(
                len(parents),
                forbidden=(_later(mine, parents),) if self.earlier else (),
                unwanted=tuple(breaks(order, children, theirs_above) for order in self.bounds),
                groups=own,
                theirs=theirs,
                likes=None if codes is None else codes[0],
            )
            dealt, _ = repair(dealt, rules, self.rng)
        linked = able[dealt >= 0]
        chosen[linked] = parents[dealt[dealt >= 0]]
        self._hand_down(rows[linked], chosen[linked], [*self.inherited.derivations, *self.bounds])
        return chosen

    def _known(self) -> pa.Table:
        """Return what codes are made from, as far as it was handed down by now."""
        known = self.seen
        for place, name in enumerate(known.column_names):
            column = name[len(self.name) + 1 :]
            if name.startswith(f"{self.name}.") and column in self.own.column_names:
                known = known.set_column(place, name, self.own.column(column))
        return known

    def _above(self, parents: IntArray) -> pa.Table:
        rows = self.own.take(pa.array(parents, mask=parents < 0))
        return rows.rename_columns([f"{self.name}.{c}" for c in rows.column_names])

    def _hand_down(
        self, rows: IntArray, parents: IntArray, derivations: Sequence[Derivation]
    ) -> None:
        """Repeat what is inherited; move what no parent suits."""
        if not derivations:
            return
        both = hstack(self.own.take(pa.array(rows)), self._above(parents))
        for derivation in derivations:
            both = derivation.put_right(both)
        self.own = with_rows(self.own, rows, both.select(self.own.column_names))


def _later(rows: IntArray, parents: IntArray) -> Forbids:
    """Return what tells which rows do not stand after which parents."""

    def later(at: IntArray, chosen: IntArray) -> Bools:
        return np.asarray(parents[chosen] >= rows[at], dtype=np.bool_)

    return later


def _within(run: Run, made: Generated, link: Link, model: HierarchyModel) -> Grouping:
    """Return the parent over another key that a row and its parent have both."""
    other = run.fitted.plan.tables[link.table].named(model.within)
    if other is None:
        raise ValueError(f"{model.within!r:.100} is no key of the table")
    found = run.parent_rows(link.table, other.key)
    return found, found


def _groups(made: Generated, link: Link) -> Optional[Grouping]:
    """Return the group of each row as a child and as a parent: both agree on shared columns."""
    pairs = link.shared
    if not pairs:
        return None
    names = [c for c, _ in pairs], [p for _, p in pairs]
    tables = [made.spool.column_table(list(dict.fromkeys(n))) for n in names]
    own, theirs = group_codes(tables, names)
    return own, theirs


def own_parents(
    run: Run, made: Generated, link: Link, levels: Optional[IntArray] = None
) -> tuple[Changes, Bools]:
    """Make a key to the own table, or one that closes a circle, hold for all rows.

    Rows without a parent, whose key must not be NULL, refer to themselves, or to one another.

    Parameters
    ----------
    levels : ndarray of int64, optional
        In a hierarchy: parents stand on a level above.

    Returns
    -------
    changes : Changes
    left : ndarray of bool
        The rows for which there is no parent.
    """
    if levels is not None:
        _close_loops(run, made, link)
    model = run.fitted.tables[link.table].hierarchies.get(link.label)
    groups = None if model is None or not model.within else _within(run, made, link, model)[0]

    def circle(rows: IntArray, parents: IntArray) -> Bools:
        if levels is None:
            return np.zeros(len(rows), bool)
        apart = levels[parents] >= levels[rows]
        return apart if groups is None else apart | (groups[parents] != groups[rows])

    changes, left = repair_late_key(run, made, link, circle)
    if left.any() and levels is not None:  # better a circle than none
        again, left = repair_late_key(run, made, link)
        changes = changes.and_then(again)
    return changes, left


def _close_loops(run: Run, made: Generated, link: Link) -> None:
    """Let roots refer to themselves as the real ones do; all of them where NULL is forbidden."""
    fitted, groups, key = run.fitted.tables[link.table], _groups(made, link), link.key
    columns, fixed = fitted.config.columns, {*fitted.config.pk, *(c for c, _ in link.shared)}
    model, chosen = fitted.hierarchies[link.label], made.parents[link]
    made.parents[link] = model.closed(
        chosen,
        made.depths[link.label],
        np.zeros_like(chosen) if groups is None else groups[0],
        run.rng(link.table, link.label, "loops"),
        nullable=any(columns[c].nullable for c in key.columns if c not in fixed),
        is_unique=set(key.columns) in map(set, fitted.config.unique_sets),
    )
