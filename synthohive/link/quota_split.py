"""Numbers of children dealt among pieces of the rows, so that parents are chosen piece by piece.

All sums are exact: each piece gets as many children as it has rows, each parent gives as many as
it is to have. Nothing is drawn but an order: what one piece gets is each parent's share of what is
left, so that pieces differ by less than by chance.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from synthohive._arrays import AnyArray, IntArray
from synthohive.link.assignment import order_in_classes

__all__ = ["class_shares", "split_evenly", "split_quota", "take_evenly", "to_total"]


def take_evenly(left: AnyArray, number: int) -> IntArray:
    """Return how many of what is left to take, in proportion: of each no more than there is.

    Examples
    --------
    >>> take_evenly(np.array([4, 0, 8, 4]), 4)
    array([1, 0, 2, 1])
    """
    ends = np.cumsum(left, dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    # Shares of the running sum, rounded: steps between them are whole, and their sum is right.
    upto = (ends * number + total // 2) // max(total, 1)
    return np.asarray(np.diff(upto, prepend=0), dtype=np.int64)


def to_total(quota: IntArray, total: int) -> IntArray:
    """Return numbers of children with another sum, each as near to what it was as can be.

    Examples
    --------
    >>> to_total(np.array([2, 0, 2]), 4), to_total(np.array([2, 0, 2]), 6)
    (array([2, 0, 2]), array([3, 0, 3]))
    """
    missing = total - int(quota.sum())
    if missing <= 0:
        return take_evenly(quota, total) if missing else quota
    weights = quota if quota.any() else np.ones_like(quota)
    more, rest = divmod(missing, max(int(weights.sum()), 1))
    return np.asarray(quota + more * weights + take_evenly(weights, rest), dtype=np.int64)


def split_evenly(
    quota: IntArray, classes: AnyArray, sizes: IntArray, seed: int
) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield, for each shard, the parents that give children there, ascending, and how many.

    Where it is not known yet what rows of a shard will ask for, each gets the same part of the
    children of each class.

    Parameters
    ----------
    quota : ndarray of int64, shape (parents,)
    classes : ndarray of integers, shape (parents,)
    sizes : ndarray of int64, shape (shards,)
        The children in each; as many as `quota` has in all.
    seed : int
        As of :func:`split_quota`.
    """
    order = order_in_classes(classes, seed)
    order = order[quota[order] > 0]
    left = quota[order]
    for size in sizes:
        given = take_evenly(left, int(size))
        left = left - given
        at = np.flatnonzero(given)
        at = at[np.argsort(order[at])]
        yield order[at].astype(np.int64), given[at].astype(np.int64)


def class_shares(asked: IntArray, stubs: IntArray) -> IntArray:
    """Return the children that each piece gets from parents of each class.

    Parameters
    ----------
    asked : ndarray of int64, shape (pieces, classes)
        Rows that ask for a parent of each class.
    stubs : ndarray of int64, shape (classes,)
        Children of all parents of each class; as many as rows.

    Returns
    -------
    ndarray of int64, shape (pieces, classes)
        Its sums are those of the rows of each piece, and of the children of each class. As far as
        there are such, rows get what they ask for.
    """
    found = np.zeros_like(asked)
    right = np.minimum(asked.sum(axis=0), stubs)
    for number, wanted in enumerate(asked.T):
        found[:, number] = take_evenly(wanted, int(right[number]))
    left = stubs - right
    for piece, missing in enumerate(asked.sum(axis=1) - found.sum(axis=1)):
        some = take_evenly(left, int(missing))
        found[piece] += some
        left = left - some
    return found


def split_quota(
    quota: IntArray, classes: AnyArray, shares: IntArray, seed: int
) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield, for each piece, the parents that give children there, ascending, and how many.

    Parameters
    ----------
    quota : ndarray of int64, shape (parents,)
    classes : ndarray of integers, shape (parents,)
        The class of each parent.
    shares : ndarray of int64, shape (pieces, classes)
        As :func:`class_shares` returns them.
    seed : int
        Of the order of the parents inside a class, by which what is left over by rounding is
        given out: no parent's number has a say in it.
    """
    order = order_in_classes(classes, seed)
    order = order[quota[order] > 0].astype(np.int32)
    left, number = quota[order].astype(np.int32), classes[order]
    sizes = np.bincount(number, minlength=shares.shape[1])
    ends = np.cumsum(sizes)
    for share in shares:
        given = np.zeros_like(left)
        for some in np.flatnonzero(share):
            inside = slice(int(ends[some] - sizes[some]), int(ends[some]))
            given[inside] = take_evenly(left[inside], int(share[some]))
        left -= given
        at = np.flatnonzero(given)
        at = at[np.argsort(order[at])]
        yield order[at].astype(np.int64), given[at].astype(np.int64)
