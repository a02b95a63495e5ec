"""Degree allocation: how many children each parent gets, where other keys have a say in it."""

from __future__ import annotations

import numpy as np

from synthohive._arrays import Bools, IntArray
from synthohive.tables.context import positions_in_groups

__all__ = ["Members", "apportion", "at_least_one", "in_parents_order", "move_spare"]

ROUNDS = 200
MOST_IDLE = 6
"""Rounds without any move, after which none is expected."""
NEAR = 0.0005
"""Share of the parents by which the distributions may differ."""

NOISE = (1e9, 8.0, 4.0, 2.0, 1.0, 0.5)
"""How much chance says beside numbers of children, from all to little."""
Members = tuple[IntArray, IntArray]
"""The group of each row or parent, and its number in the order of the table."""


def apportion(
    totals: IntArray, groups: IntArray, quota: IntArray, rng: np.random.Generator
) -> IntArray:
    """Return the number of children of each parent, its group's total in sum.

    Parameters
    ----------
    totals : ndarray of int64
        Children per group.
    groups : ndarray of int64
        The group of each parent; -1 for none, and no child.
    quota : ndarray of int64
        The number that each parent would have; their distribution is kept as far as the
        totals allow, and so is their order inside each group.
    """
    counts = np.zeros(len(groups), dtype=np.int64)
    inside = np.flatnonzero(groups >= 0)
    if not len(inside):
        return counts
    own, wish = groups[inside], quota[inside]
    found = _in_proportion(totals, own, wish, rng)
    _towards(found, own, _cumulated(wish, int(found.max(initial=0))), rng)
    # Both orders begin with the group: the i-th smallest number of a group goes to the parent
    # with its i-th smallest wish.
    low = np.lexsort((rng.random(len(own)), found, own))
    first = np.lexsort((rng.random(len(own)), wish, own))
    ranked = np.empty_like(found)
    ranked[first] = found[low]
    counts[inside] = ranked
    return counts


def in_parents_order(
    rows: Members, parents: Members, quota: IntArray, rng: np.random.Generator
) -> IntArray:
    """Deal numbers of children anew, the larger ones to earlier parents as far as it takes.

    So that each row finds a parent before it: of the first rows of a group, there are never more
    than the children of the parents before.

    Parameters
    ----------
    rows, parents : tuple of ndarray of int64
    quota : ndarray of int64
        The number that each parent would have.
    """
    own, number = rows
    theirs, place = parents
    here, size = np.lexsort((place, theirs)), int(max(number.max(), place.max())) + 1
    # Group and number in one integer, ascending by group: one search serves all groups.
    child = np.sort(own * size + number)
    rank = positions_in_groups(child // size)[0]
    dealt: IntArray = quota
    for noise in (*NOISE, 0.0):
        # Noise without end is a random order, none is by size: the first, most random order counts
        # in which each row has a parent before it.
        key = -quota + noise * quota.std() * rng.standard_normal(len(quota))
        dealt = quota.copy()
        dealt[here] = quota[np.lexsort((key, theirs))]
        # Of the rows of a group, the r-th needs more than r stubs of parents before it.
        stubs = np.repeat((theirs * size + place)[here], dealt[here])
        start = np.searchsorted(stubs, (child // size) * size)
        if (np.searchsorted(stubs, child) - start > rank).all():
            break
    return dealt


def move_spare(counts: IntArray, able: Bools, rng: np.random.Generator) -> IntArray:
    """Move children that are left, as the distribution has too few zeros, to other parents.

    Parameters
    ----------
    counts : ndarray of int64, shape (parents,)
        Children per parent.
    able : ndarray of bool, shape (parents,)
        The parents that may have children; one at least must.
    rng : numpy.random.Generator
        Draws who gets each child that is left, in proportion to what parents have already.

    Returns
    -------
    ndarray of int64, shape (parents,)
        Of the same sum; 0 for parents that are not able.
    """
    spare = int(counts[~able].sum())
    counts = np.where(able, counts, 0)
    # A little for those without children: else none could be drawn where none has any.
    weights = np.maximum(counts, able / len(able)).astype(np.float64)
    np.add.at(counts, rng.choice(len(counts), spare, p=weights / weights.sum()), 1)
    return counts


def at_least_one(counts: IntArray, needed: Bools) -> IntArray:
    """Let parents that need children swap with the others that have fewest."""
    without = np.flatnonzero(needed & (counts == 0))
    donors = np.flatnonzero(~needed & (counts > 0))
    donors = donors[np.argsort(counts[donors], kind="stable")][: len(without)]
    without = without[: len(donors)]
    counts[without], counts[donors] = counts[donors], counts[without]
    return counts


def _in_proportion(
    totals: IntArray, groups: IntArray, wish: IntArray, rng: np.random.Generator
) -> IntArray:
    """Scale what parents would have to their group's total, by the largest remainders."""
    weights = wish.astype(np.float64)
    sums = np.bincount(groups, weights=weights, minlength=len(totals))
    # A group whose parents would have none shares evenly.
    weights = np.where(sums[groups] > 0, weights, 1.0)
    sums = np.bincount(groups, weights=weights, minlength=len(totals))
    exact = weights * totals[groups] / sums[groups]
    # 1e-9: what division leaves a little below a whole number is that number.
    whole = np.floor(exact + 1e-9).astype(np.int64)
    missing = totals - np.bincount(groups, weights=whole, minlength=len(totals)).astype(np.int64)
    order = np.lexsort((rng.random(len(groups)), whole - exact, groups))
    whole[order] += positions_in_groups(groups[order])[0] < missing[groups[order]]
    return whole


def _towards(counts: IntArray, groups: IntArray, goal: IntArray, rng: np.random.Generator) -> None:
    """Move single children inside groups, in place, until the distribution is as wished."""
    idle = 0
    for number in range(ROUNDS):
        surplus = _cumulated(counts, len(goal) - 1) - goal  # of parents with so many or fewer
        if np.abs(surplus).max() <= NEAR * len(counts) or idle == MOST_IDLE:
            return
        order = np.lexsort((rng.random(len(groups)), groups))[number % 2 :]
        # Neighbours of a random order inside groups, in both directions; the start is shifted in
        # every other round, for groups that begin at an odd place.
        order = order[: len(order) // 2 * 2].reshape(-1, 2)
        gives, takes = np.concatenate([order, order[:, ::-1]]).T
        fits = (groups[gives] == groups[takes]) & (counts[gives] > 0)
        fits &= counts[takes] < len(goal) - 1
        gives, takes = gives[fits], takes[fits]
        down, up = counts[gives] - 1, counts[takes]
        # One parent falls to `down`, which adds to the parents with so many or fewer; another rises
        # from `up`, which takes from them: both are wanted.
        good = (surplus[down] < 0) & (surplus[up] > 0)
        gives, takes, down, up = gives[good], takes[good], down[good], up[good]
        # Half of the surplus at a time: all of these moves are judged by the same one.
        few = (positions_in_groups(down)[0] < np.maximum(-surplus[down] // 2, 1)) & (
            positions_in_groups(up)[0] < np.maximum(surplus[up] // 2, 1)
        )
        idle = 0 if few.any() else idle + 1
        np.subtract.at(counts, gives[few], 1)
        np.add.at(counts, takes[few], 1)


def _cumulated(counts: IntArray, largest: int) -> IntArray:
    """Return how many are at most 0, 1, … `largest`; more count as that."""
    top = max(largest, 0)
    numbers = np.bincount(np.minimum(counts, top), minlength=top + 1)
    return np.cumsum(numbers).astype(np.int64)
