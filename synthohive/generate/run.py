"""The state of one call of `sample` or `to_database`: what is fitted, asked for, and made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import AnyArray, Bools, Floats, IntArray
from synthohive._random import subkey
from synthohive.generate.block_pool import BlockPool
from synthohive.generate.conditions import Conditions
from synthohive.learn.fitted import FittedDatabase
from synthohive.link.assignment import REHEARSED, ROUNDS
from synthohive.schema import ForeignKey
from synthohive.schema.plan import Link
from synthohive.tables import random_streams as seeds
from synthohive.tables.ancestors import ancestor_columns, hstack
from synthohive.tables.base import Tables, gather
from synthohive.tables.block_store import EncodedSpool, TableSpool, Tail
from synthohive.tables.number_spool import NumberSpool, stretches
from synthohive.tables.roles import is_children_column

__all__ = ["Early", "Generated", "Groups", "Run", "flags_of", "numbers_of"]

Early = Callable[[str, Tail], None]
"""Takes a table's name, and its rows while their last blocks are made."""

PIECE = 65_536
"""Rows whose ancestors' columns are looked at together."""


@dataclass(frozen=True)
class Groups:
    """How the rows of a child table are dealt out to its driving parents.

    Rows are numbered parent by parent; rows without a parent come last.

    Attributes
    ----------
    counts : ndarray of int64, shape (parents,)
        Rows of each parent.
    without_parent : int
    parents : ndarray of int64, shape (rows,), optional
        Of each row, -1 for none: where rows were moved or left out, and instead of the counts.
    """

    counts: IntArray
    without_parent: int = 0
    parents: Optional[IntArray] = None

    @cached_property
    def offsets(self) -> IntArray:
        """First row of each parent, then the end."""
        return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(self.counts)])

    def parents_of(self, rows: IntArray) -> IntArray:
        """Return the parent of some rows; -1 for none, and for row -1."""
        if self.parents is not None:
            return gather(self.parents, rows)
        linked = (rows >= 0) & (rows < self.offsets[-1])
        # parents without rows have the same offset as the next one: right of all is who has the row
        return np.where(linked, np.searchsorted(self.offsets, rows, side="right") - 1, -1)

    def places(self, rows: IntArray, parents: IntArray) -> tuple[IntArray, IntArray]:
        """Return the place of each row among its siblings, from 0 on, and how many these are.

        Parameters
        ----------
        rows, parents : ndarray of int64, shape (n,)
            As :meth:`parents_of` returns these. Who has no parent is alone.
        """
        if not len(self.counts):
            return np.zeros_like(rows), np.ones_like(rows)
        linked, at = parents >= 0, np.maximum(parents, 0)
        # Rows are numbered parent by parent: a place is the distance to the parent's first row.
        positions, sizes = rows - self.offsets[at], self.counts[at]
        return np.where(linked, positions, 0), np.where(linked, sizes, 1)

    @property
    def rows(self) -> int:
        """Rows of the child table."""
        if self.parents is not None:
            return len(self.parents)
        return int(self.counts.sum()) + self.without_parent


@dataclass
class Generated:
    """One generated table.

    Attributes
    ----------
    spool : TableSpool
        The finished rows.
    groups : Groups, optional
        None for a root table, and for a look-up table that is kept.
    context : EncodedSpool or None
        Encoded rows beside their own ancestors, for children driven by this table.
    preferences : dict of str to ndarray
        Per incoming key (by label): the fan-out that the model gave each row.
    drawn : TableSpool, optional
        What was drawn with the rows, but is no column of theirs (`tables/roles.py` names it): where
        keys are NULL, which codes of parents they ask for, depths, what a column is that repeats
        one of a further parent in most rows. What never varied in the real rows is not there.
    parents : dict of Link to NumberSpool
        Each row's parent row over keys beside the driving one, where it is known.
    left_out : int
        Rows that were there, and for which no keys hold.
    """

    spool: TableSpool
    groups: Optional[Groups] = None
    context: Optional[EncodedSpool] = None
    preferences: dict[str, Floats] = field(default_factory=dict)
    drawn: Optional[TableSpool] = None
    parents: dict[Link, NumberSpool] = field(default_factory=dict)
    left_out: int = 0

    def move(self, folder: Path) -> None:
        """Find all files in another folder from now on."""
        for file in (self.spool, self.context, self.drawn, *self.parents.values()):
            if file is not None:
                file.move(folder)

    def keep(self, rows: Bools) -> None:
        """Leave out all rows but some, before any child refers to one."""
        self.left_out += int((~rows).sum())
        self.spool.keep(rows)
        if self.context is not None:
            self.context.keep(rows)
        if self.groups is not None:
            kept = self.groups.parents_of(np.flatnonzero(rows))
            self.groups = replace(self.groups, parents=kept)
        if self.drawn is not None:
            self.drawn.keep(rows)
        self.preferences = {label: v[rows] for label, v in self.preferences.items()}
        self.parents = {link: v.kept(rows) for link, v in self.parents.items()}

    def drawn_columns(
        self, names: Sequence[str], start: int = 0, stop: Optional[int] = None
    ) -> pa.Table:
        """Return what was drawn beside some rows, of these names what there is.

        Parameters
        ----------
        names : sequence of str
        start, stop : int
            The rows; all by default.
        """
        known = [] if self.drawn is None else self.drawn.schema.names
        there = [name for name in names if name in known]
        if self.drawn is None or not there:
            return pa.table({})
        return self.drawn.slice(start, self.spool.rows if stop is None else stop, there)

    def flags(self, name: str, start: int = 0, stop: Optional[int] = None) -> Bools:
        """Return a drawn column of yes and no, of some rows; see :func:`flags_of`."""
        rows = (self.spool.rows if stop is None else stop) - start
        return flags_of(self.drawn_columns([name], start, stop), name, rows)

    def numbers(self, name: str, start: int = 0, stop: Optional[int] = None) -> IntArray:
        """Return a drawn column of whole numbers, of some rows; zeros where it was constant."""
        rows = (self.spool.rows if stop is None else stop) - start
        return numbers_of(self.drawn_columns([name], start, stop), name, rows).astype(np.int64)

    def chosen(self, link: Link) -> Optional[IntArray]:
        """Return each row's parent row over a key, -1 for none; None where it is not known yet."""
        return self.chosen_of(link, 0, self.spool.rows)

    def chosen_of(self, link: Link, start: int, stop: int) -> Optional[IntArray]:
        """Return what :meth:`chosen` does of the rows ``start … stop - 1``."""
        if link.role == "driving" and self.groups is not None:
            return self.groups.parents_of(np.arange(start, stop, dtype=np.int64))
        known = self.parents.get(link)
        return None if known is None else known.slice(start, stop)

    def some_alone(self, link: Link) -> bool:
        """Whether a row has no parent over a key; so it is where none is known yet."""
        parts = (self.chosen_of(link, *stretch) for stretch in stretches(self.spool.rows))
        return any(part is None or bool((part < 0).any()) for part in parts)

    def choose(self, link: Link, parents: IntArray) -> None:
        """Let rows have other parents over a key."""
        if link.role == "driving" and self.groups is not None:
            self.groups = replace(self.groups, parents=parents)
        else:
            self.put(link, [parents])

    def put(self, link: Link, parts: Iterable[AnyArray]) -> None:
        """Let all rows have parents over a key beside the driving one, one part after the other."""
        known = self.parents.get(link)
        self.parents[link] = NumberSpool(
            self.number_place(link) if known is None else known.path, parts
        )

    def number_place(self, link: Link) -> Path:
        """Return the file of the parents over a key."""
        return self.spool.path.with_suffix(f".{subkey(0, link.label):016x}")


def _apart(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the columns of rows, and the codes of their children beside them."""
    inner = [name for name in names if is_children_column(name)]
    return [name for name in names if name not in inner], inner


def flags_of(drawn: pa.Table, name: str, rows: int) -> Bools:
    """Return a boolean column, all False where it was never modelled (no NULL was seen).

    Parameters
    ----------
    drawn : pyarrow.Table
    name : str
    rows : int
        Rows of the table, which may have no column at all.
    """
    if name not in drawn.column_names:
        return np.zeros(rows, dtype=np.bool_)
    flags: Bools = pc.fill_null(drawn.column(name), False).to_numpy()
    return flags


def numbers_of(drawn: pa.Table, name: str, rows: int) -> Floats:
    """Return a structural column as floats, zeros where it was constant.

    Parameters
    ----------
    drawn : pyarrow.Table
    name : str
    rows : int
        Rows of the table, which may have no column at all.
    """
    if name not in drawn.column_names:
        return np.zeros(rows)
    return np.asarray(pc.fill_null(drawn.column(name).cast(pa.float64()), 0.0).to_numpy())


@dataclass(frozen=True)
class Shard:
    """The part of a run that one shard is; see :mod:`synthohive.generate.shards`.

    Attributes
    ----------
    number : int
    first, rows, whole : dict of str to int
        Of each table that is cut: the number of the shard's first row among all, its rows, and
        those of all shards.
    linked : dict of str to int
        Its rows with a driving parent, where that is cut as well.
    limits : dict of str to (int or None)
        Of these: the most rows of one parent.
    groups : dict of str to Groups
        Of tables that are cut, and whose driving parents are not.
    quotas : dict of str to ndarray of int64
        By the label of a key to a table that is not cut: the children of each row that is here.
    given : dict of str to ndarray of int64
        Of tables that are not cut, the numbers of the rows that are here.
    dealt : dict of str to int
        Of tables whose rows are numbered in turn over all shards, so that what rises with the
        number rises in all of them: the most rows in one shard.
    """

    number: int
    shards: int
    first: dict[str, int]
    rows: dict[str, int]
    whole: dict[str, int]
    linked: dict[str, int] = field(default_factory=dict)
    limits: dict[str, Optional[int]] = field(default_factory=dict)
    groups: dict[str, Groups] = field(default_factory=dict)
    quotas: dict[str, IntArray] = field(default_factory=dict)
    given: dict[str, IntArray] = field(default_factory=dict)
    dealt: dict[str, int] = field(default_factory=dict)

    def among(self, table: str) -> tuple[int, int]:
        """Return the number of a table's first row here, and the rows of all shards."""
        return self.first[table], self.whole[table]


@dataclass
class Run(Tables):
    """One call of `sample` or `to_database`, or a shard of one.

    Attributes
    ----------
    fitted : FittedDatabase
    seed : int
        All random streams of the run are derived from it, by name.
    scale : float
        Rows of a root table, as a multiple of the real ones.
    folder : Path
        Has a file of rows for each table.
    num_rows : dict of str to int
        Rows of tables that the scale is not for.
    enforce_constraints : bool
        Raise where a drawn row breaks a CHECK, instead of repairing it.
    conditions : dict of str to Conditions
        What the caller fixes, by table.
    tables : dict of str to Generated
        Those that are there by now.
    blocks : BlockPool
        Makes the blocks of tables.
    early : callable, optional
        Wants rows while they are made.
    final : frozenset of str
        Tables that no step changes after the one that is being done.
    shard : Shard, optional
        Which part of the rows is made; None: all of them.
    people : int, optional
        What persons are made up from, in place of the seed: it follows from the user's key.
    """

    fitted: FittedDatabase
    seed: int
    scale: float
    folder: Path
    num_rows: dict[str, int] = field(default_factory=dict)
    enforce_constraints: bool = False
    conditions: dict[str, Conditions] = field(default_factory=dict)
    tables: dict[str, Generated] = field(default_factory=dict)
    blocks: BlockPool = field(default_factory=BlockPool)
    early: Optional[Early] = None
    final: frozenset[str] = frozenset()
    shard: Optional[Shard] = None
    people: Optional[int] = None

    def people_seed(self, table: str) -> int:
        """Return the seed of the persons of a table's rows."""
        return seeds.seed_int(self.seed if self.people is None else self.people, table, "people")

    @property
    def own(self) -> list[str]:
        """The tables that this run makes, of those that are there by now."""
        given = () if self.shard is None else self.shard.given
        return [name for name in self.tables if name not in given]

    def before(self, tables: Collection[str]) -> Run:
        """Return what blocks are made from, small enough to be handed to other processes.

        Parameters
        ----------
        tables : collection of str
            The one that is made, and its ancestors.
        """
        kept = {
            name: replace(made, preferences={})
            for name, made in self.tables.items()
            if name in tables
        }
        fitted = replace(
            self.fitted, tables={n: t for n, t in self.fitted.tables.items() if n in tables}
        )
        return replace(self, fitted=fitted, tables=kept, early=None)

    def place(self, table: str) -> Path:
        """Return the file of a table's rows; names of tables are no names of files."""
        return self.folder / f"{self.fitted.plan.order.index(table)}.arrow"

    def size(self, table: str) -> int:
        """See the base class."""
        return self.tables[table].spool.rows

    def schema(self, table: str) -> pa.Schema:
        """Return columns and types."""
        return self.tables[table].spool.schema

    def batches(self, table: str, names: Sequence[str]) -> Iterator[pa.Table]:
        """Yield some columns of all generated rows, block by block."""
        for batch in self.tables[table].spool.batches(names):
            yield pa.Table.from_batches([batch])

    def columns(self, table: str, names: Sequence[str]) -> pa.Table:
        """Return some columns of all generated rows, codes of their children among them."""
        made, (own, inner) = self.tables[table], _apart(names)
        rows = made.spool.column_table(own) if own or not inner else pa.table({})
        return hstack(rows, made.drawn_columns(inner)) if inner else rows

    def parent_rows(self, table: str, key: ForeignKey) -> IntArray:
        """Return the parent row of each row over any key whose columns are filled; found once."""
        made, link = self.tables[table], self.fitted.plan.tables[table].link(key)
        known = made.chosen(link)
        if known is None:
            known = super().parent_rows(table, key)
            made.put(link, [known])
        return known

    def take(self, table: str, names: Sequence[str], rows: IntArray) -> pa.Table:
        """See the base class; only blocks that have some of these rows are read, one at a time."""
        made, (own, inner) = self.tables[table], _apart(names)
        found = made.spool.take(rows, own) if own or not inner else pa.table({})
        if inner and made.drawn is not None:
            found = hstack(found, made.drawn.take(rows, inner))
        return found

    def parents_of(self, table: str, key: ForeignKey, rows: IntArray) -> IntArray:
        """See the base class; where parents are known, no other rows need be looked at."""
        if key != self.fitted.plan.tables[table].driver:
            known = self.tables[table].parents.get(self.fitted.plan.tables[table].link(key))
            return super().parents_of(table, key, rows) if known is None else known.take(rows)
        reference, groups = self.fitted.tables[table].reference, self.tables[table].groups
        if reference is not None:
            kept = reference.parents
            return np.full_like(rows, -1) if kept is None else gather(kept, rows)
        return np.full_like(rows, -1) if groups is None else groups.parents_of(rows)

    def above(self, table: str, names: Iterable[str]) -> pa.Table:
        """Return columns, as ``table.column``, of all rows of a table and of their ancestors."""
        rows = np.arange(self.size(table), dtype=np.int64)
        return ancestor_columns(self, self.fitted.plan, table, rows, names)

    @property
    def swap_rounds(self) -> int:
        """Most rounds of swaps towards targets."""
        return REHEARSED if self.fitted.rehearsed else ROUNDS

    def above_in_pieces(self, table: str, names: Sequence[str]) -> Iterator[pa.Table]:
        """Yield what :meth:`above` returns in pieces, for what needs no more than one at a time."""
        rows = np.arange(self.size(table), dtype=np.int64)
        for start in range(0, max(len(rows), 1), PIECE):
            part = rows[start : start + PIECE]
            yield ancestor_columns(self, self.fitted.plan, table, part, names)

    def numbers(self, table: str, rows: IntArray) -> IntArray:
        """Return the numbers of some rows in the whole table; -1 for row -1.

        Keys and made-up persons are functions of these, and so the same in whatever shard.
        """
        if self.shard is None:
            return rows
        if table in self.shard.given:
            return gather(self.shard.given[table], rows)
        if table in self.shard.dealt:
            return np.where(rows < 0, -1, rows * self.shard.shards + self.shard.number)
        return np.where(rows < 0, -1, rows + self.shard.first[table])

    def numbered(self, table: str, rows: int) -> int:
        """Return below which number all are that :meth:`numbers` gives, of so many rows here."""
        if self.shard is None or table in self.shard.given:
            return rows
        if table in self.shard.dealt:
            return self.shard.dealt[table] * self.shard.shards
        return self.shard.whole[table]

    def up_to(self, table: str, share: float, start: int, stop: int) -> int:
        """Return how many rows of ``start … stop - 1`` are a share of the whole table.

        Those of all parts of a table add up to those of all of it, however small the parts are.
        """
        first = 0 if self.shard is None else self.shard.first[table]
        return round(share * (first + stop)) - round(share * (first + start))

    @property
    def _part(self) -> tuple[Any, ...]:
        return () if self.shard is None else ("shard", self.shard.number)

    def rng(self, *path: Any) -> np.random.Generator:
        """Return the stream of a named part of this run, or of this shard."""
        return seeds.generator(self.seed, *self._part, *path)

    def drawn_seed(self, *path: Any) -> int:
        """Return a seed of a named part of this run, or of this shard, as a plain integer."""
        return seeds.seed_int(self.seed, *self._part, *path)
