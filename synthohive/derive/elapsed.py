"""How far what grows in a group has come: the value of the row before, beside its gaps.

Gaps alone add up to anything; knowing how far they have come, a model ends where real groups do,
and what jumps back does so where real ones do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Optional, Union

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats, IntArray
from synthohive.derive.monotone import Monotone, filled
from synthohive.derive.sawtooth import Sawtooth
from synthohive.encoding.encoded import Continuous, EncodedTable, Layout
from synthohive.encoding.table import TableEncoder
from synthohive.tables.numbers import as_numbers
from synthohive.tables.sampled_groups import Stretches
from synthohive.tables.siblings import group_sizes, previous_siblings

__all__ = ["Elapsed"]


LEAST_PACE = 1e-5


class Elapsed:
    """The values of some columns in the row before each, filled in as rows become known.

    Parameters
    ----------
    columns : sequence of Monotone and Sawtooth
    parents, positions : ndarray of int64
        Of each row of whole groups.
    rooms : mapping of str to ndarray of float64, optional
        By column, what the values of each row may at most be, NaN for no limit.
    rows : pyarrow.Table, optional
        Where they are known: the columns themselves, not their gaps; NULL is filled in.
    encoder : TableEncoder, optional
        What decodes rows that are drawn, to first values and gaps.
    stretches : Stretches, optional
        Where rows stand, if stretches of groups are known alone: each begins where its first row
        is, whatever is drawn before.
    """

    def __init__(
        self,
        columns: Sequence[Union[Monotone, Sawtooth]],
        parents: IntArray,
        positions: IntArray,
        rooms: Optional[Mapping[str, Floats]] = None,
        rows: Optional[pa.Table] = None,
        encoder: Optional[TableEncoder] = None,
        stretches: Optional[Stretches] = None,
    ) -> None:
        self.columns = [one for one in columns if one.by_gap]
        self._names = [name for one in self.columns for name in one.names]
        self._encoder = encoder
        self._ends = np.empty((len(parents), len(self.columns)))
        for i, one in enumerate(self.columns):
            room = one.room(rooms or {})
            self._ends[:, i] = one.high if room is None else room
        self._values = np.zeros((len(parents), len(self.columns)))
        if rows is not None:
            for i, one in enumerate(self.columns):
                known = filled(as_numbers(rows.column(one.column)), parents, positions, one.step)
                self._values[:, i] = np.nan_to_num(known)
        left = group_sizes(parents) - positions
        self._joints = np.zeros(len(parents), dtype=np.bool_)
        if stretches is not None:
            left, self._joints = stretches.sizes - stretches.positions, stretches.joints
        self._left = np.maximum(left, 1)
        self._line_up(parents, positions)

    def _line_up(self, parents: IntArray, positions: IntArray) -> None:
        self._before, self._first = previous_siblings(parents, positions)
        # The row before a stretch is not known, and stands about where that begins.
        self._from = np.where(self._joints, np.arange(len(parents)), self._before)

    def of(self, rows: IntArray, parents: IntArray, positions: IntArray) -> Elapsed:
        """Return the same of some rows, of whole groups, that may be there several times.

        Parameters
        ----------
        rows : ndarray of int64
        parents, positions : ndarray of int64
            Their new groups, and their places in these.
        """
        some = copy(self)
        some._ends, some._values = self._ends[rows], self._values[rows]
        some._left, some._joints = self._left[rows], self._joints[rows]
        some._line_up(parents, positions)
        return some

    @property
    def layout(self) -> Layout:
        """Layout of :meth:`history`."""
        names = [f"{what}.{one.column}" for what in ("so far", "pace") for one in self.columns]
        return Layout(continuous=tuple(Continuous(name) for name in names))

    def put(self, place: IntArray, drawn: EncodedTable) -> None:
        """Fill in the rows of one position from their gaps, or first values.

        Parameters
        ----------
        place : ndarray of int64
            Row numbers, of one position (or step of a piece); the rows before them are filled in.
        drawn : EncodedTable
            These rows, as the model drew them.
        """
        encoder, names = self._encoder, self._names
        if not names or encoder is None:
            return
        rows = encoder.only(names).decode(encoder.part(drawn, names), np.random.default_rng(0))
        before, joints = self._before[place], self._joints[place]
        for i, one in enumerate(self.columns):
            first, gap = (as_numbers(rows.column(name)) for name in (one.column, one.gap))
            first = one.begun(first, self._left[place], self._ends[place, i])
            after = one.following(self._values[before, i], gap)
            grown = np.where((before < 0) | one.jumps(rows), first, after)
            self._values[place, i] = np.where(joints, self._values[place, i], grown)

    def guess(self, starts: IntArray) -> None:
        """Let the rows before some lie between the first ones of their groups and the end."""
        ends, first = self._before[starts], self._first[starts]
        # As if a group came to its end evenly, row by row; what jumps back stays where it begins.
        begin, share = self._values[first], 1.0 - self._left[ends] / self._left[first]
        grows = np.array([one.grows for one in self.columns], dtype=np.bool_)
        room = np.where(grows, np.maximum(self._ends[ends] - begin, 0.0), 0.0)
        self._values[ends] = begin + room * share[:, None]

    def history(self, place: IntArray) -> EncodedTable:
        """Return what the rows of one position know; 0 in first rows.

        It is where the row before stands between the column's bounds, and how long a gap would
        be if all that are left ended at the upper one, on a log scale.
        """
        before = self._from[place]
        low, high = np.array([one.low for one in self.columns]), self._ends[place]
        share = np.clip((self._values[before] - low) / np.maximum(high - low, 1e-9), 0.0, 1.0)
        # On a log scale, as gaps are: a hundred rows left differ from a thousand as one from ten.
        pace = np.log10(np.maximum((1.0 - share) / self._left[place, None], LEAST_PACE))
        parts = [2.0 * share - 1.0, 1.0 - 2.0 * pace / np.log10(LEAST_PACE)]
        values = np.where(before[:, None] < 0, 0.0, np.concatenate(parts, axis=1))
        nothing = np.empty((len(place), 0), dtype=np.int32)
        return EncodedTable(self.layout, nothing, values.astype(np.float32))
