"""The choice of the parents over one further key, for all rows of a table at once.

Quotas, repeats and what holds between keys are properties of the whole table; one row
number per row is held for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, IntArray
from synthohive._logging import get_logger
from synthohive.constrain.key_rules import (
    CommutingKeys,
    DisjointKeys,
    PositionInParent,
    UniqueWithinParent,
)
from synthohive.derive.order import Order
from synthohive.generate.feasibility import ParentsOver
from synthohive.generate.run import Generated, Run
from synthohive.link.assignment import (
    NEAR,
    NEAR_ROWS,
    Distinct,
    Forbids,
    Grouping,
    Margin,
    Rules,
    assign,
    calibrate,
    joined,
    repair,
)
from synthohive.schema import ForeignKey, TableConfig
from synthohive.schema.plan import Link
from synthohive.tables import random_streams as seeds
from synthohive.tables.joins import group_codes
from synthohive.tables.roles import code_column, depth_column, null_column

__all__ = ["breaks", "choose"]

log = get_logger(__name__)


def choose(run: Run, made: Generated, link: Link) -> IntArray:
    """Return the parent row of each row over a further key; -1 for NULL.

    Parameters
    ----------
    run : Run
        Has the key's parent among its tables.
    made : Generated
        The child's rows; which of them are NULL, and which codes they ask for, was drawn with them.
    link : Link
        The key.

    Returns
    -------
    ndarray of int64, shape (rows,)
    """
    choice = _Choice(run, made, link)
    return choice.parents() if choice.count else np.full(made.spool.rows, -1, dtype=np.int64)


class _Choice:
    """The choice over one key."""

    def __init__(self, run: Run, made: Generated, link: Link) -> None:
        self.run, self.made, self.link = run, made, link
        self.name, self.key, self.label = link.table, link.key, link.label
        self.fitted = run.fitted.tables[self.name]
        self.learned = self.fitted.keys[link.label]
        self.count = run.tables[self.key.parent].spool.rows

    def parents(self) -> IntArray:
        """Choose: allot numbers of children, deal parents by these, then swap them.

        Rows of a group without any parent get one of any group, if the key allows.
        """
        everyone = np.arange(self.made.spool.rows, dtype=np.int64)
        groups, heads = self._groups(), self._heads(everyone)
        able = np.isin(*groups) if groups is not None else np.ones(len(everyone), dtype=np.bool_)
        asking = ~self._nulls(able) & (heads == everyone)
        # Only heads choose; the rows of a count that follow them take the same parent.
        linked, stray = np.flatnonzero(asking & able), np.flatnonzero(asking & ~able)
        quota = self._quota(len(linked))
        room = int(quota.sum())
        if groups is None and room < len(linked):  # of a unique key, and without parents left out
            linked = np.sort(self._rng("room").permutation(linked)[:room])
        inside = None if groups is None else (groups[0][linked], groups[1])
        codes = self._codes(linked)
        chosen = np.full(len(everyone), -1, dtype=np.int64)
        chosen[linked] = assign(
            quota,
            len(linked),
            seeds.seed_int(self.run.seed, self.name, self.label),
            self._rng("shares"),
            groups=inside,
            codes=codes,
            margins=self._margins(len(linked)),
            rounds=self.run.swap_rounds,
        )
        if len(stray):
            log.warning("no_parent_that_fits", key=self.label, rows=len(stray))
        if not self.link.shared:  # else another parent would not agree on the shared columns
            chosen[stray] = self._rng("stray").integers(0, self.count, len(stray))
        # What a row asked for, so that later swaps prefer rows that asked for the same.
        likes = np.full(len(everyone), -1, dtype=np.int64)
        if codes is not None:
            likes[linked] = codes[0]
        settled = self._settled(chosen, groups, None if codes is None else likes)
        return settled if heads is everyone else settled[heads]

    def _rng(self, part: str) -> np.random.Generator:
        return self.run.rng(self.name, self.label, part)

    def _heads(self, rows: IntArray) -> IntArray:
        """Return the row that each row has its parent from: itself, or that a count begins with."""
        groups = self.made.groups
        for rule in self.fitted.key_rules:
            if (
                isinstance(rule, PositionInParent)
                and rule.beside == self.key
                and groups is not None
            ):
                counts = self.made.spool.column_table([rule.column]).column(0)
                parents = groups.parents_of(rows)
                first = pc.equal(counts, pa.scalar(rule.start, counts.type)).to_numpy()
                first = first | np.r_[True, parents[1:] != parents[:-1]][: len(rows)]
                # row numbers rise, so the largest so far is that of the last head
                return np.maximum.accumulate(np.where(first, rows, 0))
        return rows

    def _groups(self) -> Optional[Grouping]:
        """Return the group of each row and of each parent: a parent is chosen of one's own."""
        pairs: list[Grouping] = []
        shared = self.link.shared
        if shared:
            keys = self.run.tables[self.key.parent].spool.column_table([p for _, p in shared])
            own, theirs = group_codes(
                [self._columns([c for c, _ in shared]), keys],
                [[c for c, _ in shared], keys.column_names],
            )
            pairs.append((own, theirs))
        everyone = np.arange(self.made.spool.rows, dtype=np.int64)
        parents = np.arange(self.count, dtype=np.int64)
        for rule in self.fitted.key_rules:
            if isinstance(rule, CommutingKeys) and rule.key == self.key:
                own = self.run.follow(self.name, rule.other, everyone)
                theirs = self.run.follow(self.key.parent, rule.route[1:], parents)
                pairs.append((own, theirs))
        return joined(pairs) if pairs else None

    def _columns(self, names: list[str]) -> pa.Table:
        """Return columns of the table, also of keys that were chosen just now."""
        plan = self.run.fitted.plan.tables[self.name]
        filled: dict[str, Any] = {}
        for link in plan.of("free", "grouped", "implied", "deferred"):
            chosen = self.made.parents.get(link)
            if chosen is None or link == self.link:
                continue
            keys = self.run.tables[link.key.parent].spool.column_table(link.key.parent_columns)
            index = pa.array(chosen, mask=chosen < 0)
            for column, parent_column in zip(link.key.columns, link.key.parent_columns):
                if (column, parent_column) not in link.shared and column in names:
                    filled[column] = keys.column(parent_column).take(index)
        rest = [c for c in names if c not in filled]
        known = self.made.spool.column_table(rest) if rest else pa.table({})
        return pa.table({c: filled[c] if c in filled else known.column(c) for c in names})

    def _nulls(self, able: Bools) -> Bools:
        """Turn as few rows as it takes, so that the share of NULLs is the real one."""
        for leader in self.run.fitted.plan.tables[self.name].links:
            alike = self.fitted.keys[leader.label].nulls.get(self.label)
            leading = None if alike is None else self.made.chosen(leader)
            if leading is not None:
                return np.asarray((leading < 0) == alike) | ~able
        share, rows = self.learned.null_share, self.made.spool.rows
        if share == 0.0:
            return np.zeros(rows, dtype=np.bool_)
        if self.link.role == "self":  # roots have none
            nulls: Bools = (self.made.numbers(depth_column(self.label)) == 0) | ~able
        else:
            nulls = self.made.flags(null_column(self.label)) | ~able
        # The model says which rows, the full table how many: drawn flags drift by its error.
        surplus = int(nulls.sum()) - round(share * rows)
        # Rows that are not able stay NULL: no parent agrees with them.
        turned = np.flatnonzero(nulls & able if surplus > 0 else ~nulls)
        rng = self._rng("nulls")
        nulls[rng.permutation(turned)[: abs(surplus)]] = surplus < 0
        return nulls

    def _quota(self, wanted: int) -> IntArray:
        """Return the number of children for each parent row, `wanted` in total."""
        # Of a unique key, nobody has two children, whatever the distribution says.
        unique = set(self.key.columns) in [set(u) for u in self.fitted.config.unique_sets]
        count = partial(
            self.learned.fan_out.counts,
            self.count,
            wanted,
            rng=self._rng("quota"),
            limit=1 if unique else None,
        )
        return ParentsOver(self.run, self.name, self.key).children(count)

    def _margins(self, total: int) -> Optional[list[Margin]]:
        """Return how many children which parents are to have; None where they have their own."""
        if self.run.fitted.tables[self.key.parent].reference is not None:
            return None
        shares = self.learned.pairs
        if shares is None:
            return []
        # Shares of the real rows: a bin of few parents with many children wants many here, too.
        bins, wanted = shares.binned("theirs", self._above), shares.margins()
        return [(bins[i], wanted[i] * total) for i in bins]

    def _above(self, column: str) -> pa.ChunkedArray:
        """Return a column of the parents, or of their ancestors."""
        return self.run.above(self.key.parent, [column]).column(column)

    def _codes(self, linked: IntArray) -> Optional[Grouping]:
        """Return the code that each row asks for, and each parent's; None without any."""
        codes = self.learned.codes
        if codes is None:
            return None
        theirs = np.arange(self.count, dtype=np.int64)
        if codes.columns:  # else it is a look-up table, with a code for each row
            parts = self.run.above_in_pieces(self.key.parent, codes.columns)
            theirs = np.concatenate([codes(part) for part in parts])
        return self.made.numbers(code_column(self.label))[linked], theirs

    def _settled(
        self, chosen: IntArray, groups: Optional[Grouping], likes: Optional[IntArray]
    ) -> IntArray:
        """Swap parents among rows until no pair repeats, and keys are apart that must be.

        Then, as far as that allows, until rows and parents go together as the real ones do.
        """
        # Rows without a parent take no part in swaps: how many there are was settled before.
        rows = np.flatnonzero(chosen >= 0)
        parents = np.arange(self.count, dtype=np.int64)
        rules = Rules(
            self.count,
            tuple(
                Distinct(self._pair_codes(columns)[rows], parents)
                for columns in self._never_repeated()
            ),
            tuple(_same_as(other[rows]) for other in self._apart()),
            self._out_of_order(rows),
            None if groups is None else groups[0][rows],
            None if groups is None else groups[1],
            None if likes is None else likes[rows],
        )
        if rules.distinct or rules.forbidden or rules.unwanted:
            chosen[rows], left = repair(chosen[rows], rules, self._rng("pairs"))
            if left.any():
                log.warning("repeated_pairs_left", key=self.label, rows=int(left.sum()))
        shares, codes = self.learned.pairs, self.learned.codes
        if shares is not None and len(rows):
            targets = shares.targets(
                lambda name: self._column(name).take(pa.array(rows)), self._above, chosen[rows]
            )
            # A code of each row of a look-up table says more than bins of its columns can.
            near = NEAR_ROWS if codes is not None and codes.features is None else NEAR
            near *= len(rows)
            chosen[rows] = calibrate(
                chosen[rows], targets, rules, self._rng("matching"), near, self.run.swap_rounds
            )
        return chosen

    def _never_repeated(self) -> list[list[str]]:
        """Return the columns which, with this key, must not repeat.

        Those of many-to-many tables, the start of periods of which one follows the other, and the
        driving key where rows that share both parents are chosen for together.
        """
        rules = self.fitted.key_rules
        undeclared = [rule.all_columns for rule in rules if isinstance(rule, UniqueWithinParent)]
        found = _fixed_columns(self.fitted.config, self.key, undeclared)
        found += [[p.start] for p in self.fitted.periods if p.key == self.key and p.exact]
        counted = (rule for rule in rules if isinstance(rule, PositionInParent))
        return [*found, *(rule.key.columns for rule in counted if rule.beside == self.key)]

    def _pair_codes(self, columns: list[str]) -> IntArray:
        """Return a number for each combination of values; NULL is the same as nothing."""
        codes = group_codes([self._columns(columns)], [columns])[0]
        empty = codes < 0
        # a code of its own for each: NULL repeats nothing
        codes[empty] = int(codes.max(initial=0)) + 1 + np.arange(int(empty.sum()))
        return codes

    def _column(self, name: str) -> pa.ChunkedArray:
        """Return a column of the table, or of a driving ancestor."""
        if name in self.fitted.config.columns:
            return self.made.spool.column_table([name]).column(name)
        return self.run.above(self.name, [name]).column(name)

    def _out_of_order(self, rows: IntArray) -> tuple[Forbids, ...]:
        """Return what keeps rows from parents that they would be out of order with."""
        bounds = self.learned.bounds
        if not bounds:
            return ()
        own = self.made.spool.column_table(list({order.target for order in bounds}))
        theirs = self.run.above(self.key.parent, [order.source for order in bounds])
        own = own.take(pa.array(rows))
        return tuple(breaks(order, own, theirs) for order in bounds)

    def _apart(self) -> list[IntArray]:
        """Return the parent rows, known by now, that must not be chosen again."""
        plan, rules = self.run.fitted.plan.tables[self.name], self.fitted.key_rules
        pairs = [(rule.key, rule.other) for rule in rules if isinstance(rule, DisjointKeys)]
        others = [other for pair in pairs for key, other in (pair, pair[::-1]) if key == self.key]
        known = [self.made.chosen(plan.link(other)) for other in others]
        return [parents for parents in known if parents is not None]


def breaks(order: Order, rows: pa.Table, parents: pa.Table) -> Forbids:
    """Return what tells which rows would be out of order beside which parents.

    Parameters
    ----------
    order : Order
    rows : pyarrow.Table
        Has the order's target.
    parents : pyarrow.Table
        Has its source, as ``table.column``.

    Returns
    -------
    callable
        Takes row numbers of `rows` and of `parents`, both of shape (n,), and returns which of these
        pairs are out of order. NULL on either side is in order.
    """
    own, theirs = order.target_values(rows), order.source_values(parents)

    def out_of_order(at: IntArray, chosen: IntArray) -> Bools:
        beyond = own[at] - theirs[chosen]
        return np.asarray(beyond < 0 if order.after else beyond > 0, dtype=np.bool_)

    return out_of_order


def _same_as(other: IntArray) -> Forbids:
    def same(rows: IntArray, parents: IntArray) -> Bools:
        return np.asarray(other[rows] == parents, dtype=np.bool_)

    return same


def _fixed_columns(
    config: TableConfig, key: ForeignKey, undeclared: Sequence[tuple[str, ...]]
) -> list[list[str]]:
    """Return the columns which, with this key, must not repeat (many-to-many tables)."""
    foreign = {c for fk in config.foreign_keys for c in fk.columns}
    found = []
    for unique in [*config.unique_sets, *undeclared]:
        rest = [c for c in unique if c not in key.columns]
        if rest and set(key.columns) & set(unique) and set(unique) <= foreign:
            found.append(rest)
    return found
