"""Parents swap their numbers of children until these suit what the rows ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import numpy as np

from synthohive._arrays import Floats, IntArray

__all__ = ["exchange_degrees"]

Margin = tuple[IntArray, Floats]

ROUNDS = 200
MOST_IDLE = 30
NEAR = 0.005
"""Share of the rows that may find no parent of their kind."""
MOST_COUPLES = 100_000
LEAST_STEP = 0.002


def exchange_degrees(
    quota: IntArray,
    margins: Sequence[Margin],
    groups: Optional[IntArray],
    rng: np.random.Generator,
) -> IntArray:
    """Return the number of children of each parent: the given ones, among other parents.

    Parents without children stay so.

    Parameters
    ----------
    margins : sequence of (ndarray of int64, ndarray of float)
        The bin of each parent, and the rows that want a parent of each bin.
    groups : ndarray of int64, optional
        Parents swap inside their group only.
    """
    quota = quota.copy()
    fertile = np.flatnonzero(quota > 0)
    off = [np.bincount(b, weights=quota, minlength=len(w)) - w for b, w in margins]
    idle, before = 0, np.inf
    for _ in range(ROUNDS):
        gap = float(np.mean([np.abs(o).sum() for o in off])) / (2 * max(int(quota.sum()), 1))
        idle = 0 if gap < before * (1 - LEAST_STEP) else idle + 1
        before = min(gap, before)
        if gap <= NEAR or idle == MOST_IDLE:
            break
        a, b = _couples(fertile, groups, rng)
        less = (quota[a] - quota[b]).astype(np.float64)
        gain = _gains(margins, off, a, b, less)
        few = np.flatnonzero(
            (gain > 0) & (rng.random(len(a)) < _step(margins, off, a, b, less, gain))
        )
        if not len(few) and len(gain) and gain.max() > 0:
            few = np.array([gain.argmax()])
        a, b, less = a[few], b[few], less[few]
        quota[a], quota[b] = quota[b], quota[a]
        off = [o + c for o, c in zip(off, _changes(margins, a, b, less))]
    return quota


def _gains(
    margins: Sequence[Margin], off: Sequence[Floats], a: IntArray, b: IntArray, less: Floats
) -> Floats:
    """Return how much nearer each swap alone would bring the numbers."""
    gain = np.zeros(len(a))
    for (bins, _), surplus in zip(margins, off):
        one, two = bins[a], bins[b]
        moved = less * (surplus[one] - surplus[two] - less)
        gain += len(surplus) * np.where(one != two, moved, 0.0)
    return gain


def _changes(margins: Sequence[Margin], a: IntArray, b: IntArray, less: Floats) -> list[Floats]:
    """Return what swaps add to each bin."""
    return [
        np.asarray(
            np.bincount(bins[b], weights=less, minlength=len(w))
            - np.bincount(bins[a], weights=less, minlength=len(w)),
            dtype=np.float64,
        )
        for bins, w in margins
    ]


def _couples(
    parents: IntArray, groups: Optional[IntArray], rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Return disjoint couples of parents of one group, at random."""
    order = rng.permutation(parents)
    if groups is not None:
        order = order[np.argsort(groups[order], kind="stable")]
    order = order[int(rng.integers(2)) :]
    couples = order[: len(order) // 2 * 2].reshape(-1, 2)[:MOST_COUPLES]
    if groups is not None:
        couples = couples[groups[couples[:, 0]] == groups[couples[:, 1]]]
    return couples[:, 0], couples[:, 1]


def _step(
    margins: Sequence[Margin],
    off: Sequence[Floats],
    a: IntArray,
    b: IntArray,
    less: Floats,
    gain: Floats,
) -> float:
    """Return the share of the good swaps after which the numbers suit best."""
    good = gain > 0
    along, length = 0.0, 0.0
    for change, surplus in zip(_changes(margins, a[good], b[good], less[good]), off):
        along -= float(change @ surplus) * len(surplus)
        length += float(change @ change) * len(surplus)
    return float(np.clip(along / length, 0.0, 1.0)) if length else 0.0
