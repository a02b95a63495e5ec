"""What is wanted of the parents that rows have, all columns at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats, IntArray
from synthohive.link.association import PairShares, rank_scores
from synthohive.link.calibration import Correlated, Goal, Wanted
from synthohive.tables.numbers import as_numbers

__all__ = ["association_targets"]

Read = Callable[[str], pa.ChunkedArray]
NEAR = 0.6
"""How near neighbouring bins of a number are."""


def association_targets(
    shares: PairShares, mine: Read, theirs: Read, chosen: IntArray
) -> list[Goal]:
    """Return the goals for rows with these parents, whose numbers of children stay.

    Parameters
    ----------
    mine, theirs : callable
        Give a column of the rows, and of all parents.
    chosen : ndarray of int64
        The parent of each row.
    """
    own, other = shares.binned("mine", mine), shares.binned("theirs", theirs)
    ones, weights = (
        np.ones(len(chosen)),
        np.bincount(chosen, minlength=len(next(iter(other.values())))),
    )
    ranked: dict[tuple[str, int], Floats] = {}
    found: list[Goal] = []
    for table in shares.tables:
        one, two = shares.mine[table.mine], shares.theirs[table.theirs]
        a, b = own[table.mine], other[table.theirs]
        numbers = np.bincount(a, minlength=one.size)
        there = np.bincount(b[chosen], minlength=two.size)
        wanted = table.wanted(one, two, numbers, there)
        found.append(Wanted(a, b, wanted, (one.near(NEAR), two.near(NEAR))))
        if table.correlation is None:
            continue
        sides = (
            ("mine", table.mine, mine, one.column, ones),
            ("theirs", table.theirs, theirs, two.column, weights),
        )
        for side, number, read, column, copies in sides:
            if (side, number) not in ranked:
                ranked[side, number] = rank_scores(as_numbers(read(column)), copies)
        pair = ranked["mine", table.mine], ranked["theirs", table.theirs]
        found.append(Correlated(*pair, table.correlation))
    return found
