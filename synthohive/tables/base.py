"""Numbered rows with keys: the sample, the source database, or what is being generated."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.io.questions import Above, Meetings, Route
from synthohive.schema import ForeignKey
from synthohive.tables.joins import match_rows, never_repeat

__all__ = ["Tables", "gather"]


class Tables(ABC):
    """Tables whose rows are numbered from 0, and which row each refers to over its keys.

    A subclass says how many rows a table has, how its columns are read, and where the parent
    rows are kept that were found. A row -1 is none: its columns are NULL, its parent is -1.
    """

    @abstractmethod
    def size(self, table: str) -> int:
        """Return the number of rows."""

    @abstractmethod
    def schema(self, table: str) -> pa.Schema:
        """Return columns and types."""

    @abstractmethod
    def columns(self, table: str, names: Sequence[str]) -> pa.Table:
        """Return some columns of all rows."""

    def batches(self, table: str, names: Sequence[str]) -> Iterator[pa.Table]:
        """Yield some columns of all rows, block by block."""
        yield self.columns(table, names)

    def take(self, table: str, names: Sequence[str], rows: IntArray) -> pa.Table:
        """Return columns of some rows, in the order of these.

        Parameters
        ----------
        table : str
        names : sequence of str
        rows : ndarray of int64
            Row numbers, in any order and repeated at will; -1 gives NULL.
        """
        return self.columns(table, names).take(pa.array(rows, mask=rows < 0))

    def parent_rows(self, table: str, key: ForeignKey) -> IntArray:
        """Return the parent row of each row of a table."""
        rows = self.columns(table, key.columns)
        parents = self.columns(key.parent, key.parent_columns)
        return match_rows(rows, key.columns, parents, key.parent_columns)

    def parents_of(self, table: str, key: ForeignKey, rows: IntArray) -> IntArray:
        """Return the parent row of some rows; -1 where the key is NULL or has no parent.

        Parameters
        ----------
        table : str
            The one that holds the key.
        key : ForeignKey
        rows : ndarray of int64
            Row numbers of `table`; -1 for none.
        """
        return gather(self.parent_rows(table, key), rows)

    def others(self, table: str, key: ForeignKey) -> IntArray:
        """Return the parent row of each row, but none for rows that are their own parents."""
        parents = self.parent_rows(table, key)
        refers_to_itself = (parents == np.arange(len(parents))) & (key.parent == table)
        return np.where(refers_to_itself, -1, parents)

    def follow(self, table: str, route: Sequence[ForeignKey], rows: IntArray) -> IntArray:
        """Return the row that each row's route ends at; -1 where any key on the way leads nowhere.

        Parameters
        ----------
        table : str
            The one that the route begins in.
        route : sequence of ForeignKey
            Each is a key of the parent of the one before; none stays at the rows themselves.
        rows : ndarray of int64
            Row numbers of `table`; -1 for none.
        """
        for key in route:
            rows = gather(self.parent_rows(table, key), rows)
            table = key.parent
        return rows

    def children(
        self,
        table: str,
        names: Sequence[str],
        key: ForeignKey,
        parents: pa.Table,
        above: Optional[Above] = None,
    ) -> Iterator[pa.Table]:
        """Yield some columns of the rows that refer to some parents, perhaps of more.

        Parameters
        ----------
        table : str
        names : sequence of str
        key : ForeignKey
        parents : pyarrow.Table
            Rows with the columns that the key refers to.
        above : mapping of str to (route, column), optional
            Columns that stand beside them where it saves reading tables of parents.
        """
        return self.batches(table, names)

    def meetings(self, table: str, one: Route, two: Route, *, apart: bool) -> Meetings:
        """Return where two routes of all rows end.

        Parameters
        ----------
        table : str
        one, two : tuple of ForeignKey
            Both lead to one table.
        apart : bool
            They are thought never to end at the same row; else always.
        """
        rows = np.arange(self.size(table), dtype=np.int64)
        first, last, other = (self.follow(table, route, rows) for route in (one[:1], one, two))
        both = (last >= 0) & (other >= 0)
        equal = int((last[both] == other[both]).sum())
        lacking = bool(((first >= 0) & (other >= 0) & (last < 0)).any())
        sizes = np.unique(last[both], return_counts=True)[1].astype(np.float64)
        shared = apart and bool(len(np.intersect1d(last[both], other[both])))
        return Meetings(int(both.sum()), equal, lacking, shared, float(sizes @ sizes))

    def alone(self, one: tuple[str, ForeignKey], two: tuple[str, ForeignKey]) -> bool:
        """Whether a parent has rows over one key (a table, and a key of it), and none over another.

        Both keys refer to the same columns.
        """
        mine, theirs = (self.child_counts(*child) > 0 for child in (one, two))
        return bool((mine & ~theirs).any())

    def never_together(self, table: str, keys: Sequence[ForeignKey], least: float) -> bool:
        """Whether no two rows have the same parents over all of some keys.

        Parameters
        ----------
        table : str
        keys : sequence of ForeignKey
        least : float
            As of :func:`~synthohive.tables.joins.never_repeat`.
        """
        rows = np.arange(self.size(table), dtype=np.int64)
        return never_repeat([self.parents_of(table, key, rows) for key in keys], least)

    def child_counts(self, child: str, key: ForeignKey) -> IntArray:
        """Return the number of children of each parent row over `key`."""
        rows = self.parent_rows(child, key)
        return np.bincount(rows[rows >= 0], minlength=self.size(key.parent)).astype(np.int64)


def gather(parents: IntArray, rows: IntArray) -> IntArray:
    """Return ``parents[rows]``; -1 for row -1."""
    if not len(parents):
        return np.full_like(rows, -1)
    return np.where(rows < 0, -1, parents[rows])
