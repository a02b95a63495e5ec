"""What is wanted of the parents that rows have, all columns at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from synthohive.relational.parents.matching import Correlated, Goal, Wanted
from synthohive.relational.parents.pair_shares import PairShares, rank_scores
from synthohive.relational.relations.numbers import as_numbers

__all__ = ["goals"]

IntArray = npt.NDArray[np.int64]
Read = Callable[[str], pa.ChunkedArray]
NEAR = 0.6
"""How near neighbouring bins of a number are."""


def goals(shares: PairShares, mine: Read, theirs: Read, chosen: IntArray) -> list[Goal]:
    """Return the goals for rows with these parents, whose numbers of children stay.

    Parameters
    ----------
    mine, theirs : callable
        Give a column of the rows, and of all parents.
    chosen : ndarray of int64
        The parent of each row.
    """
    own, other = shares.binned("mine", mine), shares.binned("theirs", theirs)
    found: list[Goal] = []
    for table in shares.tables:
        one, two = shares.mine[table.mine], shares.theirs[table.theirs]
        a, b = own[table.mine], other[table.theirs]
        numbers = np.bincount(a, minlength=one.size)
        there = np.bincount(b[chosen], minlength=two.size)
        wanted = table.wanted(one, two, numbers, there)
        found.append(Wanted(a, b, wanted, (one.near(NEAR), two.near(NEAR))))
        if table.correlation is not None:
            values = as_numbers(theirs(two.column))
            scores = rank_scores(values, np.bincount(chosen, minlength=len(values)))
            rows = rank_scores(as_numbers(mine(one.column)), np.ones(len(chosen)))
            found.append(Correlated(rows, scores, table.correlation))
    return found
