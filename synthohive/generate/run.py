"""The state of one call of `sample` or `to_database`: what is fitted, asked for, and made."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.generate.block_pool import BlockPool
from synthohive.generate.conditions import Conditions
from synthohive.learn.fitted import FittedDatabase
from synthohive.link.assignment import REHEARSED, ROUNDS
from synthohive.schema import ForeignKey
from synthohive.schema.plan import Link
from synthohive.tables import random_streams as seeds
from synthohive.tables.ancestors import ancestor_columns
from synthohive.tables.base import Tables, gather
from synthohive.tables.block_store import EncodedSpool, TableSpool

__all__ = ["Generated", "Groups", "Run", "flags_of", "numbers_of"]

PIECE = 65_536
"""Rows of a whole table that are looked at together."""


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
    drawn : pyarrow.Table
        What was drawn with the rows, but is no column of theirs (`tables/roles.py` names it): where
        keys are NULL, which codes of parents they ask for, depths, what a column is that repeats
        one of a further parent in most rows. What never varied in the real rows is not there.
    parents : dict of Link to ndarray of int64
        Each row's parent row over keys beside the driving one, where it is known.
    """

    spool: TableSpool
    groups: Optional[Groups] = None
    context: Optional[EncodedSpool] = None
    preferences: dict[str, Floats] = field(default_factory=dict)
    drawn: pa.Table = field(default_factory=lambda: pa.table({}))
    parents: dict[Link, IntArray] = field(default_factory=dict)

    def keep(self, rows: Bools) -> None:
        """Leave out all rows but some, before any child refers to one."""
        self.spool.keep(rows)
        if self.context is not None:
            self.context.keep(rows)
        if self.groups is not None:
            kept = self.groups.parents_of(np.flatnonzero(rows))
            self.groups = replace(self.groups, parents=kept)
        if self.drawn.num_columns:
            self.drawn = self.drawn.filter(pa.array(rows))
        self.preferences = {label: v[rows] for label, v in self.preferences.items()}
        self.parents = {link: v[rows] for link, v in self.parents.items()}

    def flags(self, name: str) -> Bools:
        """Return a drawn column of yes and no; see :func:`flags_of`."""
        return flags_of(self.drawn, name, self.spool.rows)

    def numbers(self, name: str) -> IntArray:
        """Return a drawn column of whole numbers, zeros where it was constant."""
        return numbers_of(self.drawn, name, self.spool.rows).astype(np.int64)

    def chosen(self, link: Link) -> Optional[IntArray]:
        """Return each row's parent row over a key, -1 for none; None where it is not known yet."""
        if link.role == "driving" and self.groups is not None:
            return self.groups.parents_of(np.arange(self.spool.rows, dtype=np.int64))
        return self.parents.get(link)

    def choose(self, link: Link, parents: IntArray) -> None:
        """Let rows have other parents over a key."""
        if link.role == "driving" and self.groups is not None:
            self.groups = replace(self.groups, parents=parents)
        else:
            self.parents[link] = parents


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


@dataclass
class Run(Tables):
    """One call of `sample` or `to_database`.

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

    def before(self, tables: Collection[str]) -> Run:
        """Return what blocks are made from, small enough to be handed to other processes.

        Parameters
        ----------
        tables : collection of str
            The one that is made, and its ancestors.
        """
        kept = {
            name: Generated(made.spool, made.groups, made.context, parents=made.parents)
            for name, made in self.tables.items()
            if name in tables
        }
        fitted = replace(
            self.fitted, tables={n: t for n, t in self.fitted.tables.items() if n in tables}
        )
        return replace(self, fitted=fitted, tables=kept)

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
        """Return some columns of all generated rows."""
        return self.tables[table].spool.column_table(names)

    def parent_rows(self, table: str, key: ForeignKey) -> IntArray:
        """Return the parent row of each row over any key whose columns are filled; found once."""
        made, link = self.tables[table], self.fitted.plan.tables[table].link(key)
        known = made.chosen(link)
        if known is None:
            known = made.parents[link] = super().parent_rows(table, key)
        return known

    def take(self, table: str, names: Sequence[str], rows: IntArray) -> pa.Table:
        """See the base class; only the span of these rows is read."""
        spool, known = self.tables[table].spool, rows[rows >= 0]
        if not len(known):
            fields = [spool.schema.field(name) for name in names]
            return pa.table({f.name: pa.nulls(len(rows), f.type) for f in fields})
        # children stand in their parents' order: the span is little more than the rows themselves
        low, high = int(known.min()), int(known.max()) + 1
        index = pa.array(rows - low, mask=rows < 0)
        return spool.slice(low, high, names).take(index)

    def parents_of(self, table: str, key: ForeignKey, rows: IntArray) -> IntArray:
        """See the base class; over the driving key, no other rows need be looked at."""
        if key != self.fitted.plan.tables[table].driver:
            return super().parents_of(table, key, rows)
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

    def rng(self, *path: Any) -> np.random.Generator:
        """Return the stream of a named part of this run."""
        return seeds.generator(self.seed, *path)
