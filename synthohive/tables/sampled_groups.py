"""The groups of siblings of a sampled table, and whether all of their rows were read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

import numpy as np

from synthohive._arrays import Bools, IntArray
from synthohive.io.base import GroupPlaces
from synthohive.tables.context import positions_in_groups
from synthohive.tables.sample import Sample
from synthohive.tables.siblings import previous_siblings, sibling_ranks

__all__ = ["SampledGroups", "Stretches", "sampled_groups"]


MOST_THINNING = 1.2
"""Of groups that were read in part, siblings are not learned."""


@dataclass(frozen=True)
class Stretches:
    """Where the rows of groups stand of which stretches were read.

    Attributes
    ----------
    positions, sizes : ndarray of int64
        Each row's place in its group in the full table, and the rows of that.
    joints : ndarray of bool
        The rows whose row before was not read.
    """

    positions: IntArray
    sizes: IntArray
    joints: Bools


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
    stretches : Stretches, optional
        Where rows stand, of groups that were read in stretches.
    """

    parents: IntArray
    positions: IntArray
    sizes: IntArray
    largest: int
    thinning: float
    stretches: Optional[Stretches] = None

    @property
    def whole(self) -> bool:
        """Whether siblings are known to each other, and groups can be made as a whole."""
        return self.largest > 1 and not self.in_part

    @property
    def in_part(self) -> bool:
        """Whether some rows of each group were read only, one by one."""
        return self.thinning >= MOST_THINNING

    @property
    def places(self) -> tuple[IntArray, IntArray]:
        """The place of each row in its group, and the group's rows, as far as these are known."""
        if self.stretches is None:
            return self.positions, self.sizes
        return self.stretches.positions, self.stretches.sizes

    @property
    def joints(self) -> Optional[Bools]:
        """The rows whose row before was not read; None where there are none."""
        return None if self.stretches is None else self.stretches.joints

    @property
    def runs(self) -> tuple[IntArray, IntArray]:
        """Groups, and places in them, in which each row follows the sibling before it."""
        joints = self.joints
        if joints is None:
            return self.parents, self.positions
        order = np.lexsort((self.positions, self.parents))
        begins = (joints | (self.positions == 0))[order]
        run = np.empty_like(self.parents)
        run[order] = np.cumsum(begins) - 1
        run[self.parents < 0] = -1
        return run, positions_in_groups(run, self.positions)[0]


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
    places = sample.places.get(table)
    if places is not None and places.key == driver:
        return _in_stretches(parents, places, largest)
    ranks = sibling_ranks(sample.metadata.tables[table], sample.tables[table], driver)
    positions, sizes = positions_in_groups(parents, ranks)
    groups = len(np.unique(parents[parents >= 0]))
    filled = sum(number for size, number in histogram.items() if size)
    # Rows of a group, of parents that have any: in the full table, and in the sample.
    real_mean = sum(size * number for size, number in histogram.items()) / max(filled, 1)
    thinning = real_mean * groups / max(int((parents >= 0).sum()), 1) if groups else 1.0
    return SampledGroups(parents, positions, sizes, largest, max(thinning, 1.0))


def _in_stretches(parents: IntArray, places: GroupPlaces, largest: int) -> SampledGroups:
    """Return groups of which stretches were read."""
    alone = parents < 0
    among = np.where(alone, 0, places.positions), np.where(alone, 1, places.sizes)
    positions, sizes = positions_in_groups(parents, among[0])
    before = previous_siblings(parents, positions)[0]
    joints = among[0] != np.where(before >= 0, among[0][before] + 1, 0)
    return SampledGroups(parents, positions, sizes, largest, 1.0, Stretches(*among, joints))
