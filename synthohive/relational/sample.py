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
    time_block,
)
from synthohive.relational.elapsed import Elapsed
from synthohive.relational.lineage import taken
from synthohive.relational.plan import RelationalPlan
from synthohive.relational.rows import match_rows
from synthohive.relational.siblings import Siblings, sibling_ranks
from synthohive.schema import ForeignKey, Metadata

__all__ = [
    "Sample",
    "SampledGroups",
    "incoming_keys",
    "sampled_groups",
    "training_context",
]

IntArray = npt.NDArray[np.int64]

MOST_THINNING = 1.2
"""Of groups that were read in part, siblings are not learned."""


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
        return taken(self.parent_rows(table, key), rows)

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


@dataclass(frozen=True)
class SampledGroups:
    """The groups of siblings of a sampled table.

    Attributes
    ----------
    parents, positions, sizes : ndarray of int64
        Of each row: its driving parent's row (-1: none), its place in the group, and the
        number of rows in it.
    largest : int
        Rows of the largest group that is generated.
    thinning : float
        How many times larger the groups of the full table are.
    """

    parents: IntArray
    positions: IntArray
    sizes: IntArray
    largest: int
    thinning: float

    @property
    def whole(self) -> bool:
        """Whether there are groups that were read completely, and can be made as a whole."""
        return self.largest > 1 and not self.in_part

    @property
    def in_part(self) -> bool:
        """Whether some rows of each group were read only."""
        return self.thinning >= MOST_THINNING


def sampled_groups(
    sample: Sample, table: str, histogram: Mapping[int, int], largest: int
) -> Optional[SampledGroups]:
    """Return the groups of a table, None for a root table.

    Parameters
    ----------
    histogram : mapping of int to int
        Parents of the full table by their number of children.
    largest : int
        Most children of one parent, as far as that may be stored.
    """
    driver = sample.plan.tables[table].driver
    if driver is None:
        return None
    parents = sample.parent_rows(table, driver)
    ranks = sibling_ranks(sample.metadata.tables[table], sample.tables[table], driver)
    positions, sizes = positions_in_groups(parents, ranks)
    groups = len(np.unique(parents[parents >= 0]))
    filled = sum(number for size, number in histogram.items() if size)
    real_mean = sum(size * number for size, number in histogram.items()) / max(filled, 1)
    thinning = real_mean * groups / max(int((parents >= 0).sum()), 1) if groups else 1.0
    return SampledGroups(parents, positions, sizes, largest, max(thinning, 1.0))


def training_context(
    sample: Sample,
    table: str,
    groups: Optional[SampledGroups],
    encoded: EncodedTable,
    *,
    times: Sequence[str],
    elapsed: Optional[Elapsed] = None,
) -> EncodedTable:
    """Return the context of each row.

    It is the position in the group of siblings, its size, all ancestors over driving keys
    as they were encoded, the key columns `times` and, if `elapsed` is given, the siblings
    before.
    """
    driver = sample.plan.tables[table].driver
    parts = [time_block(sample.tables[table].select(list(times)))]
    if groups is not None and driver is not None:
        place = group_block(groups.positions, groups.sizes, groups.largest, groups.thinning)
        parts = [place, _ancestors(sample, table, driver), *parts]
        if elapsed is not None:
            everyone = np.arange(len(groups.positions), dtype=np.int64)  # also of keys alone
            before = Siblings.of(encoded, groups.parents, groups.positions)
            parts += [before.history(everyone), elapsed.history(everyone)]
    return EncodedTable.side_by_side(parts)


def _ancestors(sample: Sample, table: str, driver: ForeignKey) -> EncodedTable:
    """Return each row's encoded ancestors, nearest first."""
    config = sample.metadata.tables[table]
    rows, current = sample.parent_rows(table, driver), driver
    ancestors, names = [], []
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
    return parent_context(ancestors, names)
