"""Joins by key on Arrow tables: which parent row a child row refers to, and what never repeats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthohive._arrays import IntArray
from synthohive.io.keys import column_codes, group_codes, match_rows
from synthohive.io.questions import Shares

__all__ = [
    "column_codes",
    "distinct_pairs",
    "group_codes",
    "joint_codes",
    "match_rows",
    "may_never_repeat",
    "never_repeat",
]


def distinct_pairs(left: IntArray, right: IntArray) -> tuple[IntArray, IntArray]:
    """Return the distinct ``(left, right)`` pairs without negative members."""
    valid = (left >= 0) & (right >= 0)
    pairs = np.unique(np.stack([left[valid], right[valid]], axis=1), axis=0)
    return pairs[:, 0], pairs[:, 1]


def joint_codes(codes: Sequence[IntArray]) -> IntArray:
    """Return a dense number for what rows are in all places, of rows without a negative one.

    Examples
    --------
    >>> joint_codes([np.array([3, 3, -1, 4]), np.array([5, 5, 5, 5])])
    array([0, 0, 1])
    """
    known = np.all([each >= 0 for each in codes], axis=0)
    code = np.zeros(int(known.sum()), dtype=np.int64)
    for each in codes:
        code = code * (int(each.max(initial=0)) + 1) + each[known]
        # Dense after each place, so that products fit in 64 bits.
        code = np.unique(code, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return code


def never_repeat(codes: Sequence[IntArray], least: float = 0.0) -> bool:
    """Whether no two rows have the same number in all places, where chance would let some.

    Parameters
    ----------
    codes : sequence of ndarray of int64, shape (rows,)
        The numbers of each place; a row with a negative one says nothing.
    least : float
        Pairs of rows that would be equal in all places, were these independent.
    """
    linked = np.all([each >= 0 for each in codes], axis=0)
    count = int(linked.sum())
    sizes = [np.unique(each[linked], return_counts=True)[1].astype(np.float64) for each in codes]
    shares = Shares(count, tuple(map(len, sizes)), tuple(float(one @ one) for one in sizes))
    if not may_never_repeat(shares, least):
        return False
    return int(joint_codes(codes).max(initial=-1)) == count - 1


def may_never_repeat(shares: Shares, least: float) -> bool:
    """Whether rows could differ in some place, all of them, though chance would make some equal.

    Examples
    --------
    >>> may_never_repeat(Shares(100, (10, 10), (1000.0, 1000.0)), 30.0)
    True
    >>> may_never_repeat(Shares(101, (10, 10), (1021.0, 1021.0)), 30.0)
    False
    """
    count = shares.count
    pairs, distinct = count * (count - 1) / 2.0, 1.0
    for number, (values, squares) in enumerate(zip(shares.distinct, shares.squares)):
        # The chance that two rows are equal here. Of the first place, which groups rows, without
        # the row itself: groups of one row say nothing.
        less = 1 if number == 0 else 0
        pairs *= (squares - less * count) / max(count * (count - less), 1)
        distinct *= values
    # More rows than combinations: some must repeat.
    return pairs >= least and count <= distinct
