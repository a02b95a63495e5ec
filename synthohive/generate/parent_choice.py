"""The choice of the parents over one further key, in pieces of a bounded number of rows.

Each parent's number of children is one of the whole table. It is dealt among the pieces
(:mod:`synthohive.link.quota_split`); inside each, parents are then chosen as if it were a table of
its own, by any process. What cannot be said of a piece alone is chosen for all rows at once: see
:meth:`_Choice._pieces`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import AnyArray, Bools, Floats, IntArray
from synthohive._logging import get_logger
from synthohive.constrain.key_rules import (
    CommutingKeys,
    DisjointKeys,
    PositionInParent,
    UniqueWithinParent,
)
from synthohive.derive.order import Order
from synthohive.encoding.categorical import Categorical
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
    deal,
    exchange_degrees,
    joined,
    repair,
)
from synthohive.link.quota_split import class_shares, split_quota, take_evenly, to_total
from synthohive.schema import ForeignKey, TableConfig
from synthohive.schema.plan import Link, Role
from synthohive.tables.ancestors import ancestor_columns
from synthohive.tables.joins import group_codes
from synthohive.tables.number_spool import PIECE
from synthohive.tables.roles import code_column, depth_column, null_column, stays_column

__all__ = ["breaks", "choose", "planned_quota"]

log = get_logger(__name__)
ROLES: tuple[Role, ...] = ("free", "grouped", "implied", "deferred")
"""Of the keys whose columns are filled after those of the rows."""


def choose(run: Run, made: Generated, link: Link) -> Iterator[IntArray]:
    """Yield the parent row of each row over a further key, -1 for NULL, piece by piece.

    Parameters
    ----------
    run : Run
        Has the key's parent among its tables.
    made : Generated
        The child's rows; which of them are NULL, and which codes they ask for, was drawn with them.
    link : Link
        The key.
    """
    choice = _Choice(run, made, link, _Piece(0, made.spool.rows))
    if not choice.count:
        yield np.full(made.spool.rows, -1, dtype=np.int64)
    elif len(pieces := choice.pieces()) == 1:
        yield choice.parents()
    else:
        yield from _choose_in_pieces(choice, pieces)


def planned_quota(run: Run, link: Link, total: int) -> tuple[IntArray, AnyArray]:
    """Return the children of each parent over a further key, before any child is there.

    Parameters
    ----------
    run : Run
        Has the key's parent among its tables.
    link : Link
    total : int
        The children that have a parent.

    Returns
    -------
    quota, classes : ndarray of integers, shape (parents,)
        `total` in all, or fewer where nobody may have two; and the code of each parent.
    """
    parents = _Parents(run, link, _Piece(0, total))
    quota, codes = parents.quota(total), parents.parent_codes()
    margins = parents.margins(int(quota.sum()))
    asked = parents.expected_codes(int(quota.sum()))
    if margins is not None and codes is not None and asked is not None:
        margins = [(codes, asked), *margins]
    if margins:
        quota = exchange_degrees(quota, margins, None, parents.rng("shares"), run.swap_rounds)
    return quota, np.zeros(len(quota), dtype=np.uint8) if codes is None else codes


@dataclass(frozen=True)
class _Piece:
    """Some of the rows, and what of the whole table is dealt to them.

    Attributes
    ----------
    start, stop : int
    number : int
        Of the piece; -1 where it is the whole table.
    turned : int, optional
        Rows that are NULL by what was drawn, and must not be; below 0 the other way round.
    parents, quota : ndarray of int64, optional
        The parents that have children here, ascending, and how many; None: all of them.
    """

    start: int
    stop: int
    number: int = -1
    turned: Optional[int] = None
    parents: Optional[IntArray] = None
    quota: Optional[IntArray] = None

    @property
    def rows(self) -> int:
        return self.stop - self.start


class _InPiece:
    """Chooses in one piece: a pure function of it, and of what other processes can be handed."""

    def __init__(self, choice: _Choice, codes: Optional[AnyArray]) -> None:
        plan, link = choice.run.fitted.plan, choice.link
        parents = {one.parent for one in plan.tables[link.table].keys(*ROLES)} | {link.key.parent}
        named = {link.table, *parents}
        self.run = choice.run.before(named.union(*(plan.tables[n].ancestors for n in named)))
        self.link, self.codes = link, codes

    def __call__(self, piece: _Piece) -> tuple[IntArray, int]:
        """Return the parent of each row, and how many are left beside one that they must not have.

        What comes from another process is bounded by the piece.
        """
        choice = _Choice(self.run, self.run.tables[self.link.table], self.link, piece)
        return choice.parents_in_piece(self.codes)


def _choose_in_pieces(whole: _Choice, pieces: list[_Piece]) -> Iterator[IntArray]:
    """Allot numbers of children, deal these to the pieces, and choose in each."""
    rng = whole.rng("shares")
    pieces = whole.with_nulls(pieces)
    codes = whole.parent_codes()
    asked = np.stack([whole.within(piece).asked(codes) for piece in pieces])
    total = int(asked.sum())
    quota = whole.quota(total)
    spare = total - int(quota.sum())
    if spare > 0:  # of a unique key, and without parents left out
        left = take_evenly(asked.sum(axis=1), total - spare)
        asked = np.stack([take_evenly(row, int(rest)) for row, rest in zip(asked, left)])
    margins = whole.margins(int(quota.sum()))
    if margins is not None:
        if codes is not None:
            margins = [(codes, asked.sum(axis=0).astype(np.float64)), *margins]
        quota = exchange_degrees(quota, margins, None, rng, whole.run.swap_rounds)
    classes = np.zeros(len(quota), dtype=np.uint8) if codes is None else codes
    stubs = np.bincount(classes, weights=quota, minlength=asked.shape[1]).astype(np.int64)
    shares = class_shares(asked, stubs)
    split = split_quota(quota, classes, shares, whole.seed)
    given = (replace(one, parents=p, quota=q) for one, (p, q) in zip(pieces, split))
    wrong = 0
    for chosen, left_over in whole.run.blocks.map(_InPiece(whole, codes), given, len(pieces)):
        wrong += left_over
        yield chosen
    whole.warn(wrong)


class _Parents:
    """The parents over one key, and how many children each is to have, whoever these are."""

    def __init__(self, run: Run, link: Link, piece: _Piece) -> None:
        self.run, self.link, self.piece = run, link, piece
        self.name, self.key, self.label = link.table, link.key, link.label
        self.fitted = run.fitted.tables[self.name]
        self.learned = self.fitted.keys[link.label]
        self.count = run.tables[self.key.parent].spool.rows
        self._part = () if piece.number < 0 else (piece.number,)
        self.seed = run.drawn_seed(self.name, self.label, *self._part)

    def rng(self, part: str) -> np.random.Generator:
        """Return a stream of this choice, and of this piece."""
        return self.run.rng(self.name, self.label, part, *self._part)

    def quota(self, wanted: int) -> IntArray:
        """Return the number of children for each parent row, `wanted` in total."""
        if (dealt := self._dealt()) is not None:  # among shards
            return to_total(dealt, wanted)
        # Of a unique key, nobody has two children, whatever the distribution says.
        unique = set(self.key.columns) in [set(u) for u in self.fitted.config.unique_sets]
        count = partial(
            self.learned.fan_out.counts,
            self.count,
            wanted,
            rng=self.rng("quota"),
            limit=1 if unique else None,
        )
        return ParentsOver(self.run, self.name, self.key).children(count)

    def _dealt(self) -> Optional[IntArray]:
        """Return the children of each parent row in this shard; None where nothing was dealt."""
        return None if self.run.shard is None else self.run.shard.quotas.get(self.label)

    def margins(self, total: int) -> Optional[list[Margin]]:
        """Return how many children which parents are to have; None where they have their own."""
        kept = self.run.fitted.tables[self.key.parent].reference is not None
        if kept or self._dealt() is not None:
            return None
        shares = self.learned.pairs
        if shares is None:
            return []
        # Shares of the real rows: a bin of few parents with many children wants many here, too.
        bins, wanted = shares.binned("theirs", self._above), shares.margins()
        return [(bins[i], wanted[i] * total) for i in bins]

    def _above(self, column: str) -> pa.ChunkedArray:
        """Return a column of the parents, or of their ancestors."""
        run, here = self.run, self.piece.parents
        if here is None:
            return run.above(self.key.parent, [column]).column(column)
        return ancestor_columns(run, run.fitted.plan, self.key.parent, here, [column]).column(
            column
        )

    def parent_codes(self) -> Optional[AnyArray]:
        """Return the code of each parent; None without any."""
        codes = self.learned.codes
        if codes is None:
            return None
        if not codes.columns:  # it is a look-up table, with a code for each row
            return np.arange(self.count, dtype=np.int64)
        parts = self.run.above_in_pieces(self.key.parent, codes.columns)
        return np.concatenate([codes(part).astype(np.int16) for part in parts])

    def expected_codes(self, total: int) -> Optional[Floats]:
        """Return how many rows will ask for a parent of each code, as far as learned rows tell."""
        codes, encoder = self.learned.codes, self.fitted.encoder
        found = None if encoder is None else encoder.transforms.get(code_column(self.label))
        if codes is None or not isinstance(found, Categorical):
            return None
        asked = np.zeros(codes.count)
        asked[found.categories_.cast(pa.int64()).to_numpy()] = found.counts_
        return np.asarray(asked * (total / max(asked.sum(), 1.0)))


class _Choice(_Parents):
    """The choice over one key, for the rows of one piece."""

    def __init__(self, run: Run, made: Generated, link: Link, piece: _Piece) -> None:
        super().__init__(run, link, piece)
        self.made = made

    def pieces(self) -> list[_Piece]:
        """Return the rows in pieces; all of them in one where more than quotas is of the table.

        That is so where parents are chosen inside groups that other keys decide, where rows that
        count inside two parents share one, and where a pair of keys that never repeats has not
        the driving parent in it, whose rows are all in one piece.
        """
        driver, groups = self.run.fitted.plan.tables[self.name].driver, self.made.groups
        grouped = driver is not None and groups is not None and groups.parents is None
        inside = set(driver.columns) if driver is not None and grouped else set()
        alone = all(inside and inside <= set(columns) for columns in self._never_repeated())
        for rule in self.fitted.key_rules:
            alone &= not (isinstance(rule, CommutingKeys) and rule.key == self.key)
            alone &= not (isinstance(rule, PositionInParent) and rule.beside == self.key)
        if self.link.role != "free" or not alone:
            return [self.piece]
        cuts, starts = [0], self.made.spool.starts  # blocks of a table with such keys hold groups
        for start, end in zip(starts, [*starts[1:], self.piece.rows]):
            if end - cuts[-1] > PIECE and start > cuts[-1]:
                cuts.append(start)
        ends = [*cuts[1:], self.piece.rows]
        return [_Piece(start, end, i) for i, (start, end) in enumerate(zip(cuts, ends))]

    def within(self, piece: _Piece) -> _Choice:
        """Return the choice for a piece."""
        return _Choice(self.run, self.made, self.link, piece)

    def parents(self) -> IntArray:
        """Choose: allot numbers of children, deal parents by these, then swap them.

        Rows of a group without any parent get one of any group, if the key allows.
        """
        everyone = np.arange(self.piece.rows, dtype=np.int64)
        groups, heads = self._groups(), self._heads(everyone)
        able = np.isin(*groups) if groups is not None else np.ones(len(everyone), dtype=np.bool_)
        asking = ~self._nulls(able) & (heads == everyone)
        # Only heads choose; the rows of a count that follow them take the same parent.
        linked, stray = np.flatnonzero(asking & able), np.flatnonzero(asking & ~able)
        quota = self.quota(len(linked))
        room = int(quota.sum())
        if groups is None and room < len(linked):  # of a unique key, and without parents left out
            linked = self._some(linked, room)
        inside = None if groups is None else (groups[0][linked], groups[1])
        theirs = self.parent_codes()
        codes = None if theirs is None else (self._asked_codes()[linked], theirs)
        units = self._units
        chosen = np.full(len(everyone), -1, dtype=np.int64)
        chosen[linked] = assign(
            quota,
            len(linked),
            self.seed,
            self.rng("shares"),
            groups=inside,
            codes=codes,
            margins=self.margins(len(linked)),
            units=None if units is None else units[linked],
            rounds=self.run.swap_rounds,
        )
        if len(stray):
            log.warning("no_parent_that_fits", key=self.label, rows=len(stray))
        if not self.link.shared:  # else another parent would not agree on the shared columns
            chosen[stray] = self.rng("stray").integers(0, self.count, len(stray))
        settled, left = self._settled(chosen, groups, self._likes(linked, codes))
        self.warn(left)
        return settled if heads is everyone else settled[heads]

    def parents_in_piece(self, theirs: Optional[AnyArray]) -> tuple[IntArray, int]:
        """Deal the parents of a piece, and swap them; return also how many rows are left wrong.

        Parameters
        ----------
        theirs : ndarray of integers, optional
            The code of each parent of the table.
        """
        here, quota = self.piece.parents, self.piece.quota
        if here is None or quota is None:
            raise RuntimeError(f"no parents were dealt to a piece of {self.label!r}")
        linked, room = self._linked(), int(quota.sum())
        if room < len(linked):
            linked = self._some(linked, room)
        own = self._asked_codes()[linked]
        codes = None if theirs is None else (own, theirs[here].astype(np.int64))
        chosen = np.full(self.piece.rows, -1, dtype=np.int64)
        together = None if self._units is None else self._units[linked]
        chosen[linked] = deal(quota, len(linked), self.seed, codes=codes, units=together)
        settled, left = self._settled(chosen, None, self._likes(linked, codes))
        known = np.flatnonzero(settled >= 0)
        settled[known] = here[settled[known]]
        return settled, left

    def warn(self, left: int) -> None:
        """Tell of rows whose parents no swap could make right."""
        if left:
            log.warning("repeated_pairs_left", key=self.label, rows=left)

    def _some(self, linked: IntArray, room: int) -> IntArray:
        return np.sort(self.rng("room").permutation(linked)[:room])

    def _likes(self, linked: IntArray, codes: Optional[Grouping]) -> Optional[IntArray]:
        """Return what rows asked for, so that swaps prefer rows that asked for the same."""
        if codes is None:
            return None
        likes = np.full(self.piece.rows, -1, dtype=np.int64)
        likes[linked] = codes[0]
        return likes

    def _linked(self) -> IntArray:
        """Return the rows of a piece that have a parent."""
        return np.flatnonzero(~self._nulls(np.ones(self.piece.rows, dtype=np.bool_)))

    def asked(self, theirs: Optional[AnyArray]) -> IntArray:
        """Return how many rows of a piece ask for a parent of each code."""
        linked = self._linked()
        if theirs is None or self.learned.codes is None:
            return np.array([len(linked)])
        own = self._asked_codes()[linked]
        return np.bincount(own, minlength=self.learned.codes.count)

    def with_nulls(self, pieces: list[_Piece]) -> list[_Piece]:
        """Return pieces that know how many of their rows turn to NULL, or back."""
        if self._led() is not None or self.learned.null_share == 0.0:
            return pieces
        able = [np.ones(piece.rows, dtype=np.bool_) for piece in pieces]
        drawn = np.array([self.within(p)._drawn_nulls(a).sum() for p, a in zip(pieces, able)])
        share, rows = self.learned.null_share, self.piece.rows
        surplus = int(drawn.sum()) - self.run.up_to(self.name, share, 0, rows)
        of = drawn if surplus > 0 else np.array([piece.rows for piece in pieces]) - drawn
        turned = take_evenly(of, min(abs(surplus), int(of.sum()))) * np.sign(surplus)
        return [replace(piece, turned=int(t)) for piece, t in zip(pieces, turned)]

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
        everyone = np.arange(self.piece.rows, dtype=np.int64)
        parents = np.arange(self.count, dtype=np.int64)
        for rule in self.fitted.key_rules:
            if isinstance(rule, CommutingKeys) and rule.key == self.key:
                own = self.run.follow(self.name, rule.other, everyone)
                theirs = self.run.follow(self.key.parent, rule.route[1:], parents)
                pairs.append((own, theirs))
        return joined(pairs) if pairs else None

    def _slice(self, names: Sequence[str]) -> pa.Table:
        """Return columns of the piece's rows."""
        return self.made.spool.slice(self.piece.start, self.piece.stop, names)

    def _known(self, link: Link) -> Optional[IntArray]:
        """Return the parents of the piece's rows over another key."""
        return self.made.chosen_of(link, self.piece.start, self.piece.stop)

    def _columns(self, names: list[str]) -> pa.Table:
        """Return columns of the table, also of keys that were chosen just now."""
        plan = self.run.fitted.plan.tables[self.name]
        filled: dict[str, Any] = {}
        for link in plan.of(*ROLES):
            if link == self.link or link not in self.made.parents:
                continue
            pairs = zip(link.key.columns, link.key.parent_columns)
            wanted = {c: p for c, p in pairs if (c, p) not in link.shared and c in names}
            chosen = self._known(link)
            if wanted and chosen is not None:
                columns = list(dict.fromkeys(wanted.values()))
                keys = self.run.take(link.key.parent, columns, chosen)
                filled.update({column: keys.column(parent) for column, parent in wanted.items()})
        rest = [c for c in names if c not in filled]
        known = self._slice(rest) if rest else pa.table({})
        return pa.table({c: filled[c] if c in filled else known.column(c) for c in names})

    def _led(self) -> Optional[tuple[Link, bool]]:
        """Return the key, chosen by now, that decides where this one is NULL, and how."""
        for leader in self.run.fitted.plan.tables[self.name].links:
            alike = self.fitted.keys[leader.label].nulls.get(self.label)
            known = leader.role == "driving" and self.made.groups is not None
            if alike is not None and (known or leader in self.made.parents):
                return leader, alike
        return None

    def _drawn_nulls(self, able: Bools) -> Bools:
        """Return where the key is NULL by what was drawn with the rows."""
        start, stop = self.piece.start, self.piece.stop
        if self.link.role == "self":  # roots have none
            at_root = self.made.numbers(depth_column(self.label), start, stop) == 0
            return np.asarray(at_root | ~able)
        return self.made.flags(null_column(self.label), start, stop) | ~able

    def _nulls(self, able: Bools) -> Bools:
        """Turn as few rows as it takes, so that the share of NULLs is the real one."""
        led = self._led()
        leading = None if led is None else self._known(led[0])
        if led is not None and leading is not None:
            return np.asarray((leading < 0) == led[1]) | ~able
        share, rows = self.learned.null_share, self.piece.rows
        if share == 0.0:
            return np.zeros(rows, dtype=np.bool_)
        nulls = self._drawn_nulls(able)
        # The model says which rows, the full table how many: drawn flags drift by its error.
        surplus = self.piece.turned
        if surplus is None:
            of_all = self.run.up_to(self.name, share, self.piece.start, self.piece.stop)
            surplus = int(nulls.sum()) - of_all
        # Rows that are not able stay NULL: no parent agrees with them.
        turned = np.flatnonzero(nulls & able if surplus > 0 else ~nulls)
        nulls[self.rng("nulls").permutation(turned)[: abs(surplus)]] = surplus < 0
        return nulls

    def _asked_codes(self) -> IntArray:
        """Return the code that each row asks for: that of the row with which it stays."""
        own = self.made.numbers(code_column(self.label), self.piece.start, self.piece.stop)
        units = self._units
        return own if units is None else own[units]

    @cached_property
    def _units(self) -> Optional[IntArray]:
        """Of each row, the first one of those that stay with one parent; None where none is to."""
        groups, (start, stop) = self.made.groups, (self.piece.start, self.piece.stop)
        if not self.learned.stays or groups is None:
            return None
        stays = self.made.flags(stays_column(self.label), start, stop)
        rows, parents = np.arange(stop - start), groups.parents_of(np.arange(start, stop))
        empty = self._drawn_nulls(np.ones(len(rows), dtype=np.bool_))
        ends = (parents < 0) | empty
        ends[1:] |= (parents[1:] != parents[:-1]) | empty[:-1]
        ends[:1] = True
        return np.asarray(np.maximum.accumulate(np.where(ends | ~stays, rows, 0)), dtype=np.int64)

    def _settled(
        self, chosen: IntArray, groups: Optional[Grouping], likes: Optional[IntArray]
    ) -> tuple[IntArray, int]:
        """Swap parents among rows until no pair repeats, and keys are apart that must be.

        Then, as far as that allows, until rows and parents go together as the real ones do.
        Parents are told by their places among those of the piece.
        """
        # Rows without a parent take no part in swaps: how many there are was settled before.
        rows, here, wrong = np.flatnonzero(chosen >= 0), self.piece.parents, 0
        parents = np.arange(self.count if here is None else len(here), dtype=np.int64)
        rules = Rules(
            len(parents),
            tuple(
                Distinct(self._pair_codes(columns)[rows], parents)
                for columns in self._never_repeated()
            ),
            tuple(_same_as(other[rows], here) for other in self._apart()),
            self._out_of_order(rows),
            None if groups is None else groups[0][rows],
            None if groups is None else groups[1],
            None if likes is None else likes[rows],
        )
        if rules.distinct or rules.forbidden or rules.unwanted:
            chosen[rows], left = repair(chosen[rows], rules, self.rng("pairs"))
            wrong = int(left.sum())
        shares, codes = self.learned.pairs, self.learned.codes
        if shares is not None and len(rows):
            targets = shares.targets(
                lambda name: self._column(name).take(pa.array(rows)), self._above, chosen[rows]
            )
            # A code of each row of a look-up table says more than bins of its columns can.
            near = NEAR_ROWS if codes is not None and codes.features is None else NEAR
            near *= len(rows)
            units = self._units
            if units is not None:  # a swap would take a row out of those that it stays with
                rules = replace(rules, groups=_kept_together(units[rows], rules.groups))
            chosen[rows] = calibrate(
                chosen[rows], targets, rules, self.rng("matching"), near, self.run.swap_rounds
            )
        return chosen, wrong

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
            return self._slice([name]).column(name)
        rows = np.arange(self.piece.start, self.piece.stop, dtype=np.int64)
        plan = self.run.fitted.plan
        return ancestor_columns(self.run, plan, self.name, rows, [name]).column(name)

    def _out_of_order(self, rows: IntArray) -> tuple[Forbids, ...]:
        """Return what keeps rows from parents that they would be out of order with."""
        bounds = self.learned.bounds
        if not bounds:
            return ()
        own = self._slice(list({order.target for order in bounds})).take(pa.array(rows))
        sources = dict.fromkeys(order.source for order in bounds)
        theirs = pa.table({source: self._above(source) for source in sources})
        return tuple(breaks(order, own, theirs) for order in bounds)

    def _apart(self) -> list[IntArray]:
        """Return the parent rows, known by now, that must not be chosen again."""
        plan, rules = self.run.fitted.plan.tables[self.name], self.fitted.key_rules
        pairs = [(rule.key, rule.other) for rule in rules if isinstance(rule, DisjointKeys)]
        others = [other for pair in pairs for key, other in (pair, pair[::-1]) if key == self.key]
        known = [self._known(plan.link(other)) for other in others]
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


def _kept_together(units: IntArray, groups: Optional[IntArray]) -> IntArray:
    """Return groups in which rows of units of several are alone."""
    own = np.zeros(len(units), dtype=np.int64) if groups is None else groups.copy()
    several = np.bincount(units)[units] > 1
    own[several] = int(own.max(initial=0)) + 1 + np.arange(int(several.sum()))
    return own


def _same_as(other: IntArray, here: Optional[IntArray]) -> Forbids:
    def same(rows: IntArray, parents: IntArray) -> Bools:
        numbers = parents if here is None else here[parents]
        return np.asarray(other[rows] == numbers, dtype=np.bool_)

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
