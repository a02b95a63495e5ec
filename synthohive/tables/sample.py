"""The real rows that training reads, and how they hang together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, IntArray
from synthohive.encoding.encoded import EncodedTable
from synthohive.io.base import GroupPlaces
from synthohive.schema import ForeignKey, Metadata
from synthohive.schema.plan import Link, RelationalPlan
from synthohive.tables.ancestors import hstack
from synthohive.tables.base import Tables
from synthohive.tables.roles import is_children_column

__all__ = ["Sample"]


@dataclass
class Sample(Tables):
    """The rows that training reads, and how they hang together.

    Attributes
    ----------
    parents : dict of Link to ndarray of int64
        Each row's parent row in the sample, -1 for none.
    encoded : dict of str to EncodedTable
        Filled table by table while fitting.
    inside : dict of str to str
        The tables found within others, each with the one within which it is.
    referred : dict of str to pyarrow.Table
        Rows that are there only since others refer to them: nothing is learned of their table.
    beside : dict of str to pyarrow.Table
        Of the first rows of :attr:`around`, what is no column of theirs: codes of their children.
    typical : dict of str to ndarray of bool
        Of some tables, the rows whose shares are the real ones; of others, all are.
    places : dict of str to GroupPlaces
        Of tables whose groups were read in stretches.
    """

    metadata: Metadata
    plan: RelationalPlan
    tables: dict[str, pa.Table]
    parents: dict[Link, IntArray] = field(default_factory=dict)
    encoded: dict[str, EncodedTable] = field(default_factory=dict)
    inside: Mapping[str, str] = field(default_factory=dict)
    referred: dict[str, pa.Table] = field(default_factory=dict)
    typical: Mapping[str, Bools] = field(default_factory=dict)
    places: Mapping[str, GroupPlaces] = field(default_factory=dict)
    beside: dict[str, pa.Table] = field(default_factory=dict)

    @cached_property
    def around(self) -> Sample:
        """The sample closed under all keys: behind the rows of each table, those referred to.

        What holds between rows and their parents is found here; the first rows of each table are
        those of the sample, in their order.
        """
        if not any(len(rows) for rows in self.referred.values()):
            return self
        tables = {
            name: pa.concat_tables([rows, self.referred[name]]) if name in self.referred else rows
            for name, rows in self.tables.items()
        }
        return Sample(self.metadata, self.plan, tables, inside=self.inside, beside=self.beside)

    def base(self, table: str) -> str:
        """Return the table of users within which one is, or that it is."""
        while table in self.inside:
            table = self.inside[table]
        return table

    def parents_around(self, table: str, key: ForeignKey) -> IntArray:
        """Return the row of :attr:`around` that each row refers to over `key`; -1 for none."""
        return self.around.parent_rows(table, key)[: self.size(table)]

    def others_around(self, table: str, key: ForeignKey) -> IntArray:
        """Return :meth:`parents_around`, but none for rows that are their own parents."""
        return self.around.others(table, key)[: self.size(table)]

    def typical_rows(self, table: str) -> Optional[IntArray]:
        """Return the rows whose shares are the real ones; None where all are."""
        rows = self.typical.get(table)
        return None if rows is None else np.flatnonzero(rows).astype(np.int64)

    def size(self, table: str) -> int:
        """Return the number of rows."""
        return len(self.tables[table])

    def schema(self, table: str) -> pa.Schema:
        """Return columns and types."""
        return self.tables[table].schema

    def columns(self, table: str, names: Sequence[str]) -> pa.Table:
        """Return some columns of all rows; NULL for what is not known beside them."""
        inner = [name for name in names if is_children_column(name)]
        rows = self.tables[table].select([name for name in names if name not in inner])
        known = self.beside.get(table, pa.table({})).slice(0, self.size(table))
        for name in inner:
            there = name in known.column_names
            codes = known.column(name) if there else pa.nulls(self.size(table), pa.string())
            rows = hstack(rows, pa.table({name: codes}))
        return rows

    def parent_rows(self, table: str, key: ForeignKey) -> IntArray:
        """Return each row's parent row over `key`; computed once."""
        link = Link(table, key)
        if link not in self.parents:
            self.parents[link] = super().parent_rows(table, key)
        return self.parents[link]

    def incoming(self, table: str) -> list[tuple[str, ForeignKey]]:
        """Return each child and its key to a table, but keys of its own and implied ones.

        The children over an implied key follow from other keys.
        """
        return [
            (child, key)
            for child, key in self.metadata.foreign_keys()
            if key.parent == table != child and key not in self.plan.tables[child].keys("implied")
        ]
