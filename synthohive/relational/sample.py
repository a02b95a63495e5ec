"""The real rows that training reads, and how they hang together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from synthohive.core.data.encoded import EncodedTable
from synthohive.relational.context import (
    group_block,
    keep_columns,
    parent_context,
    positions_in_groups,
)
from synthohive.relational.lineage import taken
from synthohive.relational.plan import RelationalPlan
from synthohive.relational.rows import match_rows
from synthohive.schema import ForeignKey, Metadata

__all__ = ["Sample", "incoming_keys", "root_entities", "training_context"]

IntArray = npt.NDArray[np.int64]

ENTITY_GROUPS = 20
"""An ancestor counts as the protected entity if at least this many times k of it occur."""


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
    """

    metadata: Metadata
    plan: RelationalPlan
    tables: dict[str, pa.Table]
    parents: dict[str, IntArray] = field(default_factory=dict)
    encoded: dict[str, EncodedTable] = field(default_factory=dict)

    def parent_rows(self, table: str, key: ForeignKey) -> IntArray:
        """Return each row's parent row over `key`; computed once."""
        label = key.label(table)
        if label not in self.parents:
            self.parents[label] = match_rows(
                self.tables[table], key.columns, self.tables[key.parent], key.parent_columns
            )
        return self.parents[label]

    def take(self, table: str, columns: Sequence[str], rows: IntArray) -> pa.Table:
        """Return columns of some rows; NULL for row -1."""
        return self.tables[table].select(list(columns)).take(pa.array(rows, mask=rows < 0))

    def parents_of(self, table: str, key: ForeignKey, rows: IntArray) -> IntArray:
        """Return the parent row of some rows; -1 for none, and for row -1."""
        return taken(self.parent_rows(table, key), rows)

    def child_counts(self, child: str, key: ForeignKey) -> IntArray:
        """Return the number of children of each parent row over `key`."""
        rows = self.parent_rows(child, key)
        counts = np.bincount(rows[rows >= 0], minlength=len(self.tables[key.parent]))
        return counts.astype(np.int64)


def root_entities(sample: Sample, table: str, k: int) -> Optional[IntArray]:
    """Return the root entity of each row: what k-anonymity counts.

    It is the row of the topmost ancestor over driving keys of which at least
    ``20 * k`` distinct ones occur (smaller ancestors are look-up tables, whose rows
    are no persons), or None where each row is an entity of its own.
    """
    rows = np.arange(len(sample.tables[table]), dtype=np.int64)
    best: Optional[IntArray] = None
    current = table
    while (driver := sample.plan.tables[current].driver) is not None:
        parents = sample.parent_rows(current, driver)
        rows = np.where(rows < 0, -1, parents[rows]) if len(parents) else rows
        current = driver.parent
        if len(np.unique(rows[rows >= 0])) >= ENTITY_GROUPS * k:
            # a row without ancestor is an entity of its own
            own = np.arange(len(rows), dtype=np.int64) + len(sample.tables[current])
            best = np.where(rows < 0, own, rows)
    return best


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


def training_context(
    sample: Sample, table: str, histogram: Mapping[int, int]
) -> tuple[EncodedTable, int]:
    """Return each row's context, and the size of the largest group of the full table.

    The context is the position in the group of siblings, its size, and all ancestors
    over driving keys as they were encoded.
    """
    driver = sample.plan.tables[table].driver
    count = len(sample.tables[table])
    if driver is None:
        return EncodedTable.empty(count), 1
    parents = sample.parent_rows(table, driver)
    positions, sizes = positions_in_groups(parents)
    largest = max(histogram, default=1)
    groups = len(np.unique(parents[parents >= 0]))
    filled = sum(number for size, number in histogram.items() if size)
    real_mean = sum(size * number for size, number in histogram.items()) / max(filled, 1)
    thinning = real_mean * groups / max(int((parents >= 0).sum()), 1) if groups else 1.0
    config = sample.metadata.tables[table]
    parts, names = [group_block(positions, sizes, largest, max(thinning, 1.0))], []
    rows, current = parents, driver
    ancestors = []
    while True:
        ancestors.append(
            keep_columns(sample.encoded[current.parent], config.parent_context_cols).take(rows)
        )
        names.append(current.parent)
        above = sample.plan.tables[current.parent].driver
        if above is None:
            break
        grand = sample.parent_rows(current.parent, above)
        rows = np.where(rows < 0, -1, grand[rows]) if len(grand) else np.full_like(rows, -1)
        current = above
    parts.append(parent_context(ancestors, names))
    return EncodedTable.side_by_side(parts), largest
