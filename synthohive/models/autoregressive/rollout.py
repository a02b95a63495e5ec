"""Whole groups drawn as they will be, beside real parents: what calibration looks at.

Beside real siblings each column can be right, and yet errors add up along a group when each row
follows a drawn one. Here all rows follow drawn ones. Pieces of long groups go on where the ones
before them ended in the round before (as persistent chains do; Tieleman, 2008), the first time
behind real rows: a round has as many steps as a piece has rows, whatever the groups are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from synthohive._arrays import IntArray
from synthohive.encoding.encoded import ABSENT, SILENT, EncodedTable, Layout
from synthohive.tables.in_turn import Lineup, Turns
from synthohive.tables.siblings import PIECE, Siblings, previous_siblings

__all__ = ["Rollout"]

Sample = Callable[[EncodedTable, EncodedTable], EncodedTable]
"""From what rows are given, and which of their cells tell nothing, to these rows."""


class Rollout:
    """The groups of real rows, to be drawn again and again.

    Parameters
    ----------
    data, context : EncodedTable
        What the model learned; a code of -1, or NaN, tells nothing.
    lineup : Lineup
        Of these rows.
    rows : ndarray of int64
        Those that may be drawn, of whole groups.
    most : int
        About how many rows are drawn; fewer real ones are drawn several times.
    rng : numpy.random.Generator
        Chooses among more groups.
    """

    def __init__(
        self,
        data: EncodedTable,
        context: EncodedTable,
        lineup: Lineup,
        rows: IntArray,
        most: int,
        rng: np.random.Generator,
    ) -> None:
        self.origin, parents, positions = _some_groups(lineup, rows, most, rng)
        like = _drawn_like(lineup)
        self.silent = data.codes[like] < 0, np.isnan(data.values[like])
        told = EncodedTable(
            data.layout,
            np.maximum(data.codes, 0),
            np.nan_to_num(data.values),
        )
        siblings = Siblings.of(told.take(self.origin), parents, positions, piece=PIECE)
        beside = lineup.beside.of(self.origin, parents, positions)
        own = _without_history(context, data.layout, beside.layout).take(self.origin)
        self.turns = Turns(own, siblings, beside, lineup.carried)

    def draw(self, sample: Sample) -> EncodedTable:
        """Draw all rows once more; return them, -1 and NaN where they tell nothing."""

        def step(number: int, place: IntArray, known: EncodedTable) -> EncodedTable:
            codes, values = (part[self.origin[place]] for part in self.silent)
            given = EncodedTable(
                self.turns.siblings.layout,
                np.where(codes, SILENT, ABSENT).astype(np.int32),
                np.full(values.shape, np.nan, dtype=np.float32),
            )
            drawn = sample(known, given)
            shown = np.where(codes, 0, drawn.codes), np.where(values, np.float32(0), drawn.values)
            return EncodedTable(drawn.layout, *shown)

        self.turns.draw(step)
        made = self.turns.siblings.rows
        codes, values = (part[self.origin] for part in self.silent)
        return EncodedTable(
            made.layout,
            np.where(codes, ABSENT, made.codes).astype(np.int32),
            np.where(values, np.float32(np.nan), made.values),
        )


def _some_groups(
    lineup: Lineup, rows: IntArray, most: int, rng: np.random.Generator
) -> tuple[IntArray, IntArray, IntArray]:
    """Return rows of whole groups, at random, with numbers of these and places in them."""
    groups = lineup.parents[rows].copy()
    alone = groups < 0  # each is a group of its own
    groups[alone] = groups.max(initial=0) + 1 + np.arange(int(alone.sum()))
    _, groups, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = rng.permutation(len(sizes))
    taken = order[: max(1, int(np.searchsorted(np.cumsum(sizes[order]), most, side="right")))]
    kept = np.isin(groups, taken)
    origin, parents = rows[kept], groups[kept]
    again = max(1, most // max(len(origin), 1))
    copies = np.repeat(np.arange(again), len(origin)) * len(sizes)
    return (
        np.tile(origin, again),
        np.tile(parents, again) + copies,
        np.tile(lineup.positions[origin], again),
    )


def _drawn_like(lineup: Lineup) -> IntArray:
    """Return the row whose cells tell nothing where each one's do: its own, mostly.

    Where the row before was not read, a row is drawn as the one after it.
    """
    found = np.arange(len(lineup.parents), dtype=np.int64)
    if lineup.joints is not None:
        before = previous_siblings(lineup.parents, lineup.positions)[0]
        later = np.flatnonzero((before >= 0) & ~lineup.joints)
        later = later[lineup.joints[before[later]] & (before[before[later]] >= 0)]
        found[before[later]] = later
    return found


def _without_history(context: EncodedTable, own: Layout, beside: Layout) -> EncodedTable:
    """Return what rows are given beside the siblings before them, which stands last."""
    codes = context.codes.shape[1] - 2 * len(own.discrete) - len(beside.discrete)
    values = context.values.shape[1] - 2 * len(own.continuous) - len(beside.continuous)
    layout = Layout(context.layout.discrete[:codes], context.layout.continuous[:values])
    return EncodedTable(layout, context.codes[:, :codes], context.values[:, :values])
