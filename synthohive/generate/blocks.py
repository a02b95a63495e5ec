"""The blocks in which a table is generated, each bounded in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

import numpy as np

from synthohive._arrays import IntArray
from synthohive.generate.run import Groups

__all__ = ["BLOCK_ROWS", "Block", "cut_blocks"]

BLOCK_ROWS = 16_384
"""Rows per block. A constant, because the bytes of the output depend on it."""
IN_TURN = 4
"""So many times as many where groups are drawn row after row: a step has one row of each group, and
takes nearly the same time for four times as many."""


@dataclass(frozen=True)
class Block:
    """The rows ``start … stop - 1`` of a table, and their place among their siblings.

    Attributes
    ----------
    number : int
        Of the block; names its stream of random numbers.
    start, stop : int
    parents, positions, sizes : ndarray of int64, shape (stop - start,)
        Of each row: its driving parent's row (-1: none), its place in the group, from 0 on, and
        the rows of the group.
    """

    number: int
    start: int
    stop: int
    parents: IntArray
    positions: IntArray
    sizes: IntArray

    @property
    def rows(self) -> IntArray:
        """The numbers of the rows."""
        return np.arange(self.start, self.stop, dtype=np.int64)


def cut_blocks(
    rows: int, groups: Optional[Groups], whole_groups: bool, in_turn: bool = False
) -> Iterator[Block]:
    """Cut a table into blocks; never inside a group if `whole_groups`.

    Parameters
    ----------
    rows : int
        Rows of the table.
    groups : Groups, optional
        None: no row has a parent, and each is a group of its own.
    whole_groups : bool
        Cuts move back to where a group begins, so a block with a large group has more than
        `BLOCK_ROWS` rows. The rows without a parent then count as one group.
    in_turn : bool, default False
        Groups are drawn row after row, so blocks are larger.

    Yields
    ------
    Block
    """
    size = BLOCK_ROWS * (IN_TURN if in_turn else 1)
    cuts = np.arange(0, rows, size, dtype=np.int64)
    if groups is not None and whole_groups:  # move each cut back to the start of its group
        offsets = groups.offsets
        cuts = np.unique(offsets[np.searchsorted(offsets, cuts, side="right") - 1])
        cuts = cuts[cuts < rows]
    for number, (start, stop) in enumerate(zip(cuts, np.append(cuts[1:], rows))):
        numbers = np.arange(start, stop, dtype=np.int64)
        if groups is None:
            parents = np.full(len(numbers), -1, dtype=np.int64)
            positions, sizes = np.zeros_like(parents), np.ones_like(parents)
        else:
            parents = groups.parents_of(numbers)
            positions, sizes = groups.places(numbers, parents)
        yield Block(number, int(start), int(stop), parents, positions, sizes)
