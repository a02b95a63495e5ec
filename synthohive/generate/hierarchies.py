"""Hierarchies: each row gets a parent one level above that suits it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, IntArray
from synthohive.derive.base import Derivation
from synthohive.generate.key_repair import Changes, repair_late_key
from synthohive.generate.parent_choice import breaks
from synthohive.generate.run import Generated, Run
from synthohive.link.assignment import NEAR, Forbids, Grouping, Rules, assign, calibrate, repair
from synthohive.link.association import PairShares
from synthohive.link.hierarchy import HierarchyModel
from synthohive.schema.plan import Link
from synthohive.tables.ancestors import hstack, with_rows
from synthohive.tables.joins import group_codes
from synthohive.tables.nulls import any_null
from synthohive.tables.roles import code_column, depth_column

__all__ = ["Tree", "own_parents"]


class Tree:
    """The rows of a table that refers to itself, from the top down.

    Attributes
    ----------
    parents : ndarray of int64
        Each row's parent row, -1 for roots.
    levels : ndarray of int64
        How far each row is from its root.
    changed : pyarrow.Table
        The columns that rows repeat from their parents, or that had to be moved.
    """

    def __init__(self, run: Run, made: Generated, link: Link, model: HierarchyModel) -> None:
        name, label, key = link.table, link.label, link.key
        learned = run.fitted.tables[name].keys[label]
        self.run, self.name, self.codes = run, name, learned.codes
        self.wanted = made.numbers(code_column(label))
        self.inherited, self.bounds = learned.program, learned.bounds
        kept = [*self.inherited.derivations, *self.bounds, *model.alone.derivations]
        targets = list(dict.fromkeys(derivation.target for derivation in kept))
        sources = (source for derivation in kept for source in derivation.needs)
        own = dict.fromkeys([*targets, *(s.removeprefix(f"{name}.") for s in sources)])
        self.own = made.spool.column_table([c for c in own if c in made.spool.schema.names])
        self.own = hstack(self.own, made.drawn_columns(list(own)))
        names = [] if self.codes is None else self.codes.columns
        self.seen = run.above(name, names)
        self.seed = run.drawn_seed(name, label)
        self.rng = run.rng(name, label, "hierarchy")
        self.model, self.earlier = model, model.earlier
        self.within = _within(run, link, model) if model.within else None
        self.groups = _groups(made, link)
        if self.groups is None and self.within is not None:
            self.groups = self.within, self.within
        keys = made.spool.column_table(list(dict.fromkeys(key.parent_columns)))
        every = np.arange(len(self.own), dtype=np.int64)  # who will be a root is not known yet
        # What holds in roots holds for everyone until a parent is found.
        self._hand_down(every, np.full_like(every, -1), model.alone.derivations)
        self.parents, self.levels = model.link(
            made.numbers(depth_column(label)),
            self.rng,
            self._pick,
            ~any_null(keys, key.parent_columns),
            1 if _is_unique(run, link) else None,
            None if self.within is None or self.groups is None else self.groups[0],
            None if model.roots is None else made.spool.column_table([model.roots.source]),
        )
        if learned.pairs is not None and not kept:  # what was handed down would not move along
            self._match(learned.pairs, made)
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
        # Swaps stay inside a level, so that no row becomes its own ancestor.
        rules = Rules(len(self.parents), forbidden=order, groups=level[rows])
        targets = shares.targets(mine, self._seen, chosen)
        near, rounds = NEAR * len(rows), self.run.swap_rounds
        self.parents[rows] = calibrate(chosen, targets, rules, self.rng, near, rounds)

    def _seen(self, column: str) -> pa.ChunkedArray:
        """Return a column of all rows, or of their ancestors."""
        return self.run.above(self.name, [column]).column(column)

    def _pick(self, rows: IntArray, parents: IntArray, counts: IntArray) -> IntArray:
        """Choose for the rows of one level, and hand down what they repeat."""
        chosen = np.full(len(rows), -1, dtype=np.int64)
        # One group for all unless rows and parents have to agree on something.
        own, theirs = np.zeros_like(rows), np.zeros_like(parents)
        if self.groups is not None:
            own, theirs = self.groups[0][rows], self.groups[1][parents]
        # A group without anybody on the level above has no parent for its rows.
        able = np.flatnonzero((own >= 0) & np.isin(own, theirs))
        own, mine = own[able], rows[able]
        if not len(able) or not counts.sum():
            return chosen
        codes: Optional[Grouping] = None
        if self.codes is not None:
            codes = self.wanted[mine], self.codes(self._known().take(pa.array(parents)))
        dealt = assign(  # places among `parents`, -1 for none
            counts,
            len(able),
            self.seed + int(rows[0]),  # else the i-th rows of all levels would be dealt alike
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


def _is_unique(run: Run, link: Link) -> bool:
    """Whether nobody has two children."""
    unique = run.fitted.tables[link.table].config.unique_sets
    return set(link.key.columns) in map(set, unique)


def _later(rows: IntArray, parents: IntArray) -> Forbids:
    """Return what tells which rows do not stand after which parents."""

    def later(at: IntArray, chosen: IntArray) -> Bools:
        return np.asarray(parents[chosen] >= rows[at], dtype=np.bool_)

    return later


def _within(run: Run, link: Link, model: HierarchyModel) -> IntArray:
    """Return the parent over another key that a row and its parent have both."""
    other = run.fitted.plan.tables[link.table].named(model.within)
    if other is None:
        raise ValueError(f"{model.within!r:.100} is no key of the table")
    return run.parent_rows(link.table, other.key)


def _groups(made: Generated, link: Link) -> Optional[Grouping]:
    """Return the group of each row as a child and as a parent: both agree on shared columns."""
    if not link.shared:
        return None
    names = [c for c, _ in link.shared], [p for _, p in link.shared]
    tables = [made.spool.column_table(list(dict.fromkeys(n))) for n in names]
    own, theirs = group_codes(tables, names)
    return own, theirs


def own_parents(
    run: Run, made: Generated, link: Link, tree: Optional[Tree] = None
) -> tuple[Changes, Bools]:
    """Make a key to the own table, or one that closes a circle, hold for all rows.

    Rows without a parent, whose key must not be NULL, refer to themselves, or to one another.

    Parameters
    ----------
    run : Run
    made : Generated
    link : Link
    tree : Tree, optional
        Of a hierarchy: parents stand on a level above.

    Returns
    -------
    changes : Changes
    left : ndarray of bool
        The rows for which there is no parent.
    """
    if tree is None:
        return repair_late_key(run, made, link)
    _close_loops(run, made, link, tree)
    levels, within = tree.levels, tree.within

    def circle(rows: IntArray, parents: IntArray) -> Bools:
        apart = levels[parents] >= levels[rows]
        return apart if within is None else apart | (within[parents] != within[rows])

    changes, left = repair_late_key(run, made, link, circle)
    if left.any():  # better a circle than none
        again, left = repair_late_key(run, made, link)
        changes = changes.and_then(again)
    return changes, left


def _close_loops(run: Run, made: Generated, link: Link, tree: Tree) -> None:
    """Let roots refer to themselves as the real ones do; all of them where NULL is forbidden."""
    config, groups = run.fitted.tables[link.table].config, _groups(made, link)
    fixed = {*config.pk, *(c for c, _ in link.shared)}
    chosen = made.parents[link].whole()
    closed = tree.model.closed(
        chosen,
        made.numbers(depth_column(link.label)),
        np.zeros_like(chosen) if groups is None else groups[0],
        run.rng(link.table, link.label, "loops"),
        nullable=any(config.columns[c].nullable for c in link.key.columns if c not in fixed),
        is_unique=_is_unique(run, link),
    )
    made.choose(link, closed)
