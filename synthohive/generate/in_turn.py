"""Drawing the rows of groups one after the other, each knowing its siblings before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Optional

import numpy as np

from synthohive._arrays import Floats, IntArray
from synthohive.derive.elapsed import Elapsed
from synthohive.derive.program import Groups
from synthohive.encoding.encoded import EncodedTable
from synthohive.encoding.table import TableEncoder
from synthohive.learn.fitted import FittedTable
from synthohive.tables.siblings import Siblings, alike

__all__ = ["draw_in_turn"]

Draw = Callable[[int, IntArray, EncodedTable], EncodedTable]
"""From the number of a step, its rows, and what they know, to these rows."""


def draw_in_turn(
    table: FittedTable,
    encoder: TableEncoder,
    context: EncodedTable,
    groups: Groups,
    rooms: Mapping[str, Floats],
    draw: Draw,
    *,
    piece: Optional[int] = None,
) -> tuple[EncodedTable, EncodedTable]:
    """Draw the rows of whole groups; return them, and all that each was given.

    Parameters
    ----------
    context : EncodedTable
        What the rows know but for their siblings.
    groups : (ndarray, ndarray)
        Each row's parent and its place among its siblings.
    rooms : mapping of str to ndarray of float64
        By column that never falls, what the values of each row may at most be.
    draw : callable
        Draws the rows of one step.
    piece : int, optional
        Rows of a group that are drawn one after the other: longer groups are drawn in pieces, all
        at once, until they begin where the ones before them end.
    """
    siblings = Siblings(encoder.layout, *groups, piece=piece)
    elapsed = Elapsed(table.program.monotone, *groups, rooms)

    def known(place: IntArray) -> EncodedTable:
        history = [siblings.history(place), elapsed.history(place)]
        return EncodedTable.side_by_side([context.take(place), *history])

    def step(number: int, place: IntArray) -> None:
        drawn = draw(number, place, known(place))
        siblings.put(place, drawn)
        elapsed.put(place, drawn, encoder)

    steps = list(enumerate(siblings.places()))
    for number, place in steps[:1]:
        step(number, place)
    siblings.guess()
    elapsed.guess(siblings.starts)
    # pieces begin with a guess of what stands before them, and are drawn again, by the same random
    # numbers, until hardly any beginning changes: nearly as if drawn one after the other
    agreed = False
    while not agreed:
        before = known(siblings.starts)
        for number, place in steps[1:]:
            step(number, place)
        agreed = alike(before, known(siblings.starts))
    return siblings.rows, known(np.arange(len(context), dtype=np.int64))
