"""Drawing the rows of groups one after the other, each knowing its siblings before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Optional, Protocol

import numpy as np

from synthohive._arrays import Bools, IntArray
from synthohive.encoding.encoded import EncodedTable, Layout
from synthohive.tables.siblings import Carried, Siblings, alike

__all__ = ["Beside", "Draw", "Lineup", "Turns", "draw_in_turn"]

Draw = Callable[[int, IntArray, EncodedTable], EncodedTable]
"""From the number of a step, its rows, and what they know, to these rows."""


class Beside(Protocol):
    """What rows know of those before them beside their encoded cells."""

    @property
    def layout(self) -> Layout:
        """Layout of :meth:`history`."""

    def put(self, place: IntArray, drawn: EncodedTable) -> None:
        """Fill in the rows of one step; those before them are filled in."""

    def guess(self, starts: IntArray) -> None:
        """Let the rows before some be like any."""

    def history(self, place: IntArray) -> EncodedTable:
        """Return what the rows of one step know."""

    def of(self, rows: IntArray, parents: IntArray, positions: IntArray) -> Beside:
        """Return the same of some rows, whole groups, that may be there several times.

        Parameters
        ----------
        rows : ndarray of int64
        parents, positions : ndarray of int64
            Their new groups, and their places in these.
        """


class Turns:
    """The rows of whole groups while they are drawn step by step.

    Parameters
    ----------
    context : EncodedTable
        What rows know but for those before them.
    siblings : Siblings
    beside : Beside
    carried : sequence of Carried, optional
        Columns that rows may have from the row before.
    """

    def __init__(
        self,
        context: EncodedTable,
        siblings: Siblings,
        beside: Beside,
        carried: Sequence[Carried] = (),
    ) -> None:
        self.context, self.siblings, self.beside = context, siblings, beside
        self.carried = carried
        self.steps = list(enumerate(siblings.places()))

    def known(self, place: IntArray) -> EncodedTable:
        """Return all that some rows are given."""
        history = [self.siblings.history(place), self.beside.history(place)]
        return EncodedTable.side_by_side([self.context.take(place), *history])

    def draw(self, draw: Draw, first: int = 0, last: int = -1) -> None:
        """Draw the steps from `first` to before `last`, all by default."""
        for number, place in self.steps[first : None if last < 0 else last]:
            drawn = draw(number, place, self.known(place))
            drawn = self.siblings.carried(place, drawn, self.carried)
            self.siblings.put(place, drawn)
            self.beside.put(place, drawn)


def draw_in_turn(turns: Turns, draw: Draw) -> tuple[EncodedTable, EncodedTable]:
    """Draw the rows of whole groups; return them, and all that each was given."""
    siblings = turns.siblings
    turns.draw(draw, last=1)
    siblings.guess()
    turns.beside.guess(siblings.starts)
    # pieces begin with a guess of what stands before them, and are drawn again, by the same random
    # numbers, until hardly any beginning changes: nearly as if drawn one after the other
    agreed = False
    while not agreed:
        before = turns.known(siblings.starts)
        turns.draw(draw, first=1)
        agreed = alike(before, turns.known(siblings.starts))
    return siblings.rows, turns.known(np.arange(len(turns.context), dtype=np.int64))


@dataclass(frozen=True)
class Lineup:
    """The groups of rows that a model learns, so that it can draw whole ones.

    Attributes
    ----------
    parents, positions : ndarray of int64
        Of each row: its driving parent's row (-1: none), and its place among its siblings.
    beside : Beside
        As it is in the real rows.
    carried : tuple of Carried
    joints : ndarray of bool, optional
        The rows whose row before was not read: they teach nothing, and are drawn as any other.
    """

    parents: IntArray
    positions: IntArray
    beside: Beside
    carried: tuple[Carried, ...] = ()
    joints: Optional[Bools] = None
