"""What a row knows of the rows of its group before it: order, timing, what they share.

Of the siblings before it, a row sees the previous one, the first one's codes, and the mean of
their floats: the one tells of sequences, the others of what all of a group have in common.
Rows are drawn position by position, so that each sees drawn ones.

Long groups are drawn in pieces, all at the same time. A piece begins beside the row before it as
it was drawn in the pass before, from the same uniform numbers: what begins differently soon
agrees, as far as rows forget. Passes are repeated until most pieces begin where the ones before
them end (one break in 1,250 rows), after as many passes as a group has pieces at the latest: then
rows are as if they had been drawn one after the other, in as many steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import IntArray
from synthohive.encoding.encoded import EncodedTable, Layout
from synthohive.schema import ForeignKey, TableConfig
from synthohive.schema.sibling_order import sibling_order

__all__ = [
    "PIECE",
    "Carried",
    "Siblings",
    "alike",
    "group_sizes",
    "previous_siblings",
    "sibling_ranks",
]


PIECE = 250
"""Rows of a group that are drawn one after the other; all pieces of a block, at the same time."""
SAME, MOST_BREAKS = 0.1, 0.2
"""Floats from -1 to 1 that differ by less tell the same; pieces that may begin with a break."""


def sibling_ranks(config: TableConfig, data: pa.Table, driver: ForeignKey) -> IntArray:
    """Return the place of each row among all, in the order of siblings. NULL comes last.

    Parameters
    ----------
    config : TableConfig
    data : pyarrow.Table
        Rows of the table, with its primary key.
    driver : ForeignKey
        The key that makes the groups.
    """
    by = sibling_order(config, data.column_names, driver)
    ranks = np.arange(len(data), dtype=np.int64)
    if by:
        keys = [(name, "ascending") for name in by]
        # The inverse of a stable sort: rows that are equal stay as they come.
        ranks[pc.sort_indices(data.select(by), sort_keys=keys).to_numpy()] = ranks.copy()
    return ranks


def group_sizes(parents: IntArray) -> IntArray:
    """Return the number of rows of each row's group; those without a parent (-1) are alone."""
    # + 1: these are counted in 0
    sizes: IntArray = np.bincount(parents + 1, minlength=1)[parents + 1]
    return np.where(parents < 0, 1, sizes)


def previous_siblings(parents: IntArray, positions: IntArray) -> tuple[IntArray, IntArray]:
    """Return for each row the sibling just before it, and the first of its group; -1 for none."""
    order = np.lexsort((positions, parents))
    before = np.full(len(parents), -1, dtype=np.int64)
    before[order[1:]] = order[:-1]
    # A group's first row stands behind the last one of another group.
    before[positions == 0] = -1
    starts = np.flatnonzero(positions[order] == 0)
    first = np.empty(len(parents), dtype=np.int64)
    first[order] = np.repeat(order[starts], np.diff(np.append(starts, len(order))))
    first[positions == 0] = -1
    return before, first


def alike(one: EncodedTable, other: EncodedTable) -> bool:
    """Whether most rows know the same."""
    far = np.abs(one.values - other.values) > SAME
    breaks = (one.codes != other.codes).any(axis=1) | far.any(axis=1)
    return int(breaks.sum()) <= MOST_BREAKS * len(breaks)


@dataclass(frozen=True)
class Carried:
    """A column that has the cells of the row before where others have certain codes.

    Attributes
    ----------
    when : tuple of (int, int)
        Discrete blocks, and the code of each.
    codes, values : tuple of int
        The column's discrete and continuous blocks.
    """

    when: tuple[tuple[int, int], ...]
    codes: tuple[int, ...]
    values: tuple[int, ...]


class Siblings:
    """The history of each row of whole groups, filled in as their rows become known.

    Parameters
    ----------
    layout : Layout
        Of the table's own encoded rows.
    parents, positions : ndarray of int64
        Of each row: its parent's row (-1: none), and its place among its siblings.
    piece : int, optional
        Rows of a group that are made one after the other; all of them by default.

    Attributes
    ----------
    starts : ndarray of int64
        The rows that pieces begin with, but for the first piece of each group.
    """

    def __init__(
        self,
        layout: Layout,
        parents: IntArray,
        positions: IntArray,
        piece: Optional[int] = None,
    ) -> None:
        rows = len(parents)
        self.layout, self.positions = layout, positions
        self._before, self._first = previous_siblings(parents, positions)
        piece = piece or len(parents) + 1
        # Step 0 has the first rows of all groups; rows 1 to `piece` behind each start are the steps
        # after it, of all pieces at once.
        self._steps = np.where(positions > 0, (positions - 1) % piece + 1, 0)
        self.starts = np.flatnonzero((self._steps == 1) & (positions > 1))
        self.rows = EncodedTable(
            layout,
            np.zeros((rows, len(layout.discrete)), dtype=np.int32),
            np.zeros((rows, len(layout.continuous)), dtype=np.float32),
        )
        self._sums = np.zeros((rows, len(layout.continuous)))

    @classmethod
    def of(
        cls,
        encoded: EncodedTable,
        parents: IntArray,
        positions: IntArray,
        piece: Optional[int] = None,
    ) -> Siblings:
        """Return the history of rows that are all known.

        Parameters
        ----------
        encoded : EncodedTable
            The table's own columns, of whole groups.
        parents, positions : ndarray of int64, shape (rows,)
            A row without a parent (-1) is a group of its own, at position 0.
        piece : int, optional
            As above, where they are to be drawn again.
        """
        siblings = cls(encoded.layout, parents, positions, piece)
        siblings.rows = EncodedTable(encoded.layout, encoded.codes.copy(), encoded.values.copy())
        order = np.lexsort((positions, parents))
        heads = np.flatnonzero(positions[order] == 0)
        # One sum runs over all groups; what it was before a group is taken off. In float64: it
        # grows far beyond what one group adds up to.
        total = np.cumsum(encoded.values[order].astype(np.float64), axis=0)
        before = np.concatenate([np.zeros_like(total[:1]), total])[heads]
        sizes = np.diff(np.append(heads, len(order)))
        siblings._sums[order] = total - np.repeat(before, sizes, axis=0)
        return siblings

    def places(self) -> list[IntArray]:
        """Return the rows of each step, in order: of one position in each group, or piece."""
        order = np.argsort(self._steps, kind="stable")
        cuts = np.flatnonzero(np.diff(self._steps[order])) + 1
        return [part for part in np.split(order, cuts) if len(part)]

    def carried(
        self, place: IntArray, drawn: EncodedTable, columns: Sequence[Carried]
    ) -> EncodedTable:
        """Return the rows of one step with what they have from the rows before.

        Parameters
        ----------
        place : ndarray of int64
        drawn : EncodedTable
            These rows; not changed.
        columns : sequence of Carried
        """
        if not columns:
            return drawn
        codes, values, before = drawn.codes.copy(), drawn.values.copy(), self._before[place]
        for one in columns:
            stays = before >= 0
            for block, code in one.when:
                stays = stays & (drawn.codes[:, block] == code)
            rows = np.flatnonzero(stays)[:, None]
            source = before[rows]
            codes[rows, one.codes] = self.rows.codes[source, one.codes]
            values[rows, one.values] = self.rows.values[source, one.values]
        return EncodedTable(drawn.layout, codes, values)

    def put(self, place: IntArray, drawn: EncodedTable) -> None:
        """Fill in the rows of one step."""
        self.rows.codes[place], self.rows.values[place] = drawn.codes, drawn.values
        self._sums[place] = drawn.values
        later = self._before[place] >= 0
        self._sums[place[later]] += self._sums[self._before[place[later]]]

    def guess(self) -> None:
        """Let pieces begin after rows like the first ones of their groups, which are drawn."""
        ends, first = self._before[self.starts], self._first[self.starts]
        self.rows.codes[ends] = self.rows.codes[first]
        self.rows.values[ends] = self.rows.values[first]
        # As if all rows up to there were like the first one.
        self._sums[ends] = self.rows.values[first] * (self.positions[ends, None] + 1)

    def history(self, place: IntArray) -> EncodedTable:
        """Return what the rows of one position know, once all before them are filled in."""
        previous = self.rows.take(self._before[place])
        first = self.rows.take(self._first[place])
        known = self._first[place] >= 0
        values = np.zeros_like(first.values)
        sums = self._sums[self._before[place[known]]]
        # The position is the number of rows before: the sum becomes their mean.
        values[known] = sums / self.positions[place[known], None]
        shared = EncodedTable(self.layout, first.codes, values)
        parts = [previous.prefixed("previous"), shared.prefixed("siblings")]
        return EncodedTable.side_by_side(parts)
