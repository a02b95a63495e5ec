"""What a row knows of the rows of its group before it: order, timing, what they share.

Of the siblings before it, a row sees the previous one, the first one's codes, and the mean of
their floats: the one tells of sequences, the others of what all of a group have in common.
Rows are drawn position by position, so that each sees drawn ones.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.core.data.encoded import EncodedTable, Layout
from synthohive.schema import ColumnKind, ForeignKey, TableConfig

__all__ = ["MOST_SIBLINGS", "Siblings", "previous_siblings", "sibling_ranks"]

IntArray = npt.NDArray[np.int64]

MOST_SIBLINGS = 1000
"""Larger groups are not drawn position by position."""
_SORTED = frozenset({ColumnKind.INTEGER, ColumnKind.DATE, ColumnKind.TIMESTAMP})
_TIMES = frozenset({ColumnKind.DATE, ColumnKind.TIMESTAMP})


def sibling_ranks(config: TableConfig, data: pa.Table, driver: ForeignKey) -> IntArray:
    """Return the order of rows: by the primary key, by time, or as they come.

    A primary key that counts tells the order in which rows were added; one of random
    characters does not.
    """
    own = [c for c in config.pk if c not in driver.columns]
    by = own if own and all(config.columns[c].kind in _SORTED for c in own) else []
    if not by:
        by = [n for n in data.column_names if config.columns[n].kind in _TIMES][:1]
    ranks = np.arange(len(data), dtype=np.int64)
    if by:
        keys = [(name, "ascending") for name in by]
        ranks[pc.sort_indices(data.select(by), sort_keys=keys).to_numpy()] = ranks.copy()
    return ranks


def previous_siblings(parents: IntArray, positions: IntArray) -> tuple[IntArray, IntArray]:
    """Return for each row the sibling just before it, and the first of its group; -1 for none."""
    order = np.lexsort((positions, parents))
    before = np.full(len(parents), -1, dtype=np.int64)
    before[order[1:]] = order[:-1]
    before[positions == 0] = -1
    starts = np.flatnonzero(positions[order] == 0)
    first = np.empty(len(parents), dtype=np.int64)
    first[order] = np.repeat(order[starts], np.diff(np.append(starts, len(order))))
    first[positions == 0] = -1
    return before, first


class Siblings:
    """The history of each row of whole groups, filled in as their rows become known.

    Parameters
    ----------
    layout : Layout
        Of the table's own encoded rows.
    parents, positions : ndarray of int64
        Of each row: its parent's row (-1: none), and its place among its siblings.
    """

    def __init__(self, layout: Layout, parents: IntArray, positions: IntArray) -> None:
        rows = len(parents)
        self.layout, self.positions = layout, positions
        self._before, self._first = previous_siblings(parents, positions)
        self.rows = EncodedTable(
            layout,
            np.zeros((rows, len(layout.discrete)), dtype=np.int32),
            np.zeros((rows, len(layout.continuous)), dtype=np.float32),
        )
        self._sums = np.zeros((rows, len(layout.continuous)))

    @classmethod
    def of(cls, encoded: EncodedTable, parents: IntArray, positions: IntArray) -> Siblings:
        """Return the history of rows that are all known."""
        siblings = cls(encoded.layout, parents, positions)
        for place in siblings.places():
            siblings.put(place, encoded.take(place))
        return siblings

    def places(self) -> list[IntArray]:
        """Return the rows of each position, in order."""
        order = np.argsort(self.positions, kind="stable")
        cuts = np.flatnonzero(np.diff(self.positions[order])) + 1
        return [part for part in np.split(order, cuts) if len(part)]

    def put(self, place: IntArray, drawn: EncodedTable) -> None:
        """Fill in the rows of one position."""
        self.rows.codes[place], self.rows.values[place] = drawn.codes, drawn.values
        self._sums[place] = drawn.values
        later = self._before[place] >= 0
        self._sums[place[later]] += self._sums[self._before[place[later]]]

    def history(self, place: IntArray) -> EncodedTable:
        """Return what the rows of one position know, once all before them are filled in."""
        previous = self.rows.take(self._before[place])
        first = self.rows.take(self._first[place])
        known = self._first[place] >= 0
        values = np.zeros_like(first.values)
        sums = self._sums[self._before[place[known]]]
        values[known] = sums / self.positions[place[known], None]
        shared = EncodedTable(self.layout, first.codes, values)
        return EncodedTable.side_by_side(
            [
                EncodedTable(part.layout.prefixed(name), part.codes, part.values)
                for name, part in (("previous", previous), ("siblings", shared))
            ]
        )
