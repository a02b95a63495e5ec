"""The real rows that training reads, and how they hang together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.encoding.encoded import EncodedTable
from synthohive.schema import ForeignKey, Metadata
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.ancestors import gather
from synthohive.tables.joins import match_rows

__all__ = ["Sample", "incoming_keys"]


@dataclass
class Sample:
    """The rows that training reads, and how they hang together.

    Attributes
    ----------
    tables : dict of str to pyarrow.Table
    parents : dict of (str, str) to ndarray of int64
        Per table and key label: each row's parent row in the sample, -1 for none.
    encoded : dict of str to EncodedTable
        Filled table by table while fitting.
    inside : dict of str to str
        The tables that were found within others, each with the column (``table.column``) that
        names its rows; no other column refers to them.
    """

    metadata: Metadata
    plan: RelationalPlan
    tables: dict[str, pa.Table]
    parents: dict[str, IntArray] = field(default_factory=dict)
    encoded: dict[str, EncodedTable] = field(default_factory=dict)
    inside: Mapping[str, str] = field(default_factory=dict)

    def parent_rows(self, table: str, key: ForeignKey) -> IntArray:
        """Return each row's parent row over `key`; computed once."""
        label = key.label(table)
        if label not in self.parents:
            self.parents[label] = match_rows(
                self.tables[table], key.columns, self.tables[key.parent], key.parent_columns
            )
        return self.parents[label]

    def others(self, table: str, key: ForeignKey) -> IntArray:
        """Return the same, but -1 for rows that are their own parents."""
        found = self.parent_rows(table, key)
        own = (found == np.arange(len(found))) & (key.parent == table)
        return np.where(own, -1, found)

    def take(self, table: str, columns: Sequence[str], rows: IntArray) -> pa.Table:
        """Return columns of some rows; NULL for row -1."""
        return self.tables[table].select(list(columns)).take(pa.array(rows, mask=rows < 0))

    def parents_of(self, table: str, key: ForeignKey, rows: IntArray) -> IntArray:
        """Return the parent row of some rows; -1 for none, and for row -1."""
        return gather(self.parent_rows(table, key), rows)

    def child_counts(self, child: str, key: ForeignKey) -> IntArray:
        """Return the number of children of each parent row over `key`."""
        rows = self.parent_rows(child, key)
        counts = np.bincount(rows[rows >= 0], minlength=len(self.tables[key.parent]))
        return counts.astype(np.int64)


def incoming_keys(
    plan: RelationalPlan, metadata: Metadata, table: str
) -> list[tuple[str, ForeignKey]]:
    """List the keys to `table` whose fan-out is to be kept: not implied, not its own."""
    found = []
    for child, key in metadata.foreign_keys():
        if key.parent != table or child == table:
            continue
        implied = any(f.mode == "implied" and f.key == key for f in plan.tables[child].further)
        if not implied:
            found.append((child, key))
    return found
