"""The groups of siblings of a sampled table, and whether all of their rows were read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

import numpy as np

from synthohive._arrays import IntArray
from synthohive.tables.context import positions_in_groups
from synthohive.tables.sample import Sample
from synthohive.tables.siblings import sibling_ranks

__all__ = ["SampledGroups", "sampled_groups"]


MOST_THINNING = 1.2
"""Of groups that were read in part, siblings are not learned."""


@dataclass(frozen=True)
class SampledGroups:
    """The groups of siblings of a sampled table.

    Attributes
    ----------
    parents, positions, sizes : ndarray of int64
        Of each row: its driving parent's row (-1: none), its place in the group, the group's rows.
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
    # Rows of a group, of parents that have any: in the full table, and in the sample.
    real_mean = sum(size * number for size, number in histogram.items()) / max(filled, 1)
    thinning = real_mean * groups / max(int((parents >= 0).sum()), 1) if groups else 1.0
    return SampledGroups(parents, positions, sizes, largest, max(thinning, 1.0))
