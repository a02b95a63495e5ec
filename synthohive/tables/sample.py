"""The real rows that training reads, and how they hang together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.encoding.encoded import EncodedTable
from synthohive.schema import ForeignKey, Metadata
from synthohive.schema.plan import Link, RelationalPlan
from synthohive.tables.base import Tables

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
        The tables found within others, each with the one ``table.column`` that refers to it.
    """

    metadata: Metadata
    plan: RelationalPlan
    tables: dict[str, pa.Table]
    parents: dict[Link, IntArray] = field(default_factory=dict)
    encoded: dict[str, EncodedTable] = field(default_factory=dict)
    inside: Mapping[str, str] = field(default_factory=dict)

    def size(self, table: str) -> int:
        """Return the number of rows."""
        return len(self.tables[table])

    def schema(self, table: str) -> pa.Schema:
        """Return columns and types."""
        return self.tables[table].schema

    def columns(self, table: str, names: Sequence[str]) -> pa.Table:
        """Return some columns of all rows."""
        return self.tables[table].select(list(names))

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
