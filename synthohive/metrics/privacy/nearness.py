"""Whether synthetic entities lie nearer to those that were learned than to others like them."""

from __future__ import annotations

from typing import Any

import numpy as np

from synthohive._arrays import Floats, IntArray
from synthohive.metrics.harmonise import Columns
from synthohive.metrics.privacy.model import Copies, DistanceRatio
from synthohive.metrics.privacy.points import Points, distances, exact, nearest
from synthohive.metrics.privacy.shares import Share
from synthohive.metrics.privacy.sides import Sides

__all__ = ["distance_ratio", "nearest_record_share", "record_copies"]

PARTS = 9
"""Parts of the training entities, each as many as are held out, that are asked in turn."""
NEAR = 0.05
"""Share of held-out entities that lie so near to a training one that this is called near."""


def nearest_record_share(
    training: Any, heldout: Any, synthetic: Any, columns: Columns = None, *, seed: int = 0
) -> Share:
    """Return the share of synthetic rows nearer to a training than to a held-out row.

    Of each number the rank counts, of categories and texts whether they are equal; ties count
    half. As many training as held-out rows are compared at a time.

    Parameters
    ----------
    training, heldout, synthetic : DataFrame, pyarrow.Table or dict of columns
        Real rows that were learned, real rows that were not, and the copy.
    columns : collection of str, or dict of str to Column, optional
        Those to look at, and what they are; leave out keys.
    seed : int, default 0

    Returns
    -------
    Share
        0.5 is safe, 1 is a copy of the training rows. The interval is that of chance, which
        decides who is held out: a real row that many synthetic rows are near to counts as often.

    References
    ----------
    Platzer and Reutterer, "Holdout-based empirical assessment of mixed-type synthetic data", 2021.

    Examples
    --------
    >>> import numpy as np
    >>> learned, other, fresh = np.random.default_rng(1).normal(size=(3, 200, 2))
    >>> sides = [{"x": side[:, 0], "y": side[:, 1]} for side in (learned, other)]
    >>> nearest_record_share(*sides, sides[0]).value  # the training rows themselves
    1.0
    >>> share = nearest_record_share(*sides, {"x": fresh[:, 0], "y": fresh[:, 1]})
    >>> share.low < 0.5 < share.high
    True
    """
    return nearer(Sides.of(training, heldout, synthetic, columns, seed))


def nearer(sides: Sides) -> Share:
    """Return :func:`nearest_record_share` of points."""
    size = min(len(sides.training), len(sides.heldout))
    parts = min(PARTS, len(sides.training) // size)
    learned = sides.training.take(sides.rng(5).permutation(len(sides.training))[: parts * size])
    held = sides.some(4, sides.heldout, size)
    other, nearest_held = _least(sides.synthetic, held, 1)
    own, nearest_own = _least(sides.synthetic, learned, parts)
    gap = own - other  # (synthetic, parts) against (synthetic, 1)
    won = np.where(gap < 0, 1.0, np.where(gap > 0, 0.0, 0.5))
    # how often each real one was the nearest: the fewer they are that decide, the more is chance
    wins = np.bincount(nearest_own.ravel(), weights=won.ravel(), minlength=len(learned)) / parts
    lost = np.bincount(nearest_held[:, 0], weights=(1 - won).mean(axis=1), minlength=size)
    count = len(sides.synthetic)
    error = float(np.sqrt((wins**2).sum() + (lost**2).sum())) / (2 * count)
    return Share.about(float(won.mean()), error, count)


def _least(points: Points, others: Points, parts: int) -> tuple[Floats, IntArray]:
    """Return the least squared distance to each part of the others, and the row."""
    size = len(others) // parts
    row_of = np.zeros((len(points), parts), np.int64)
    for part, far in distances(points, others):
        rows = far.reshape(len(far), parts, size).argmin(axis=2)
        row_of[part] = rows + np.arange(parts) * size
    return exact(points, others, row_of), row_of


def distance_ratio(
    training: Any, heldout: Any, synthetic: Any, columns: Columns = None, *, seed: int = 0
) -> DistanceRatio:
    """Return the distance to the nearest training row by that to the second nearest.

    Parameters
    ----------
    training, heldout, synthetic : DataFrame, pyarrow.Table or dict of columns
    columns : collection of str, or dict of str to Column, optional
    seed : int, default 0

    Returns
    -------
    DistanceRatio
        Near 0: a synthetic row lies at one real row alone. 1 where both are equal to it.

    References
    ----------
    Zhao, Kunar, Birke and Chen, "CTAB-GAN: Effective table data synthesizing", 2021.

    Examples
    --------
    >>> import numpy as np
    >>> learned, other = np.random.default_rng(1).normal(size=(2, 200))
    >>> distance_ratio({"x": learned}, {"x": other}, {"x": learned}).synthetic
    0.0
    """
    return ratio(to_training(Sides.of(training, heldout, synthetic, columns, seed)))


def record_copies(
    training: Any, heldout: Any, synthetic: Any, columns: Columns = None, *, seed: int = 0
) -> Copies:
    """Return how many synthetic rows are, or nearly are, training rows; and held-out rows.

    Parameters
    ----------
    training, heldout, synthetic : DataFrame, pyarrow.Table or dict of columns
    columns : collection of str, or dict of str to Column, optional
    seed : int, default 0

    Returns
    -------
    Copies
        Where real rows often repeat, held-out rows are "copies", too.

    References
    ----------
    Platzer and Reutterer, "Holdout-based empirical assessment of mixed-type synthetic data", 2021.

    Examples
    --------
    >>> learned, other = {"x": range(20)}, {"x": range(100, 120)}
    >>> found = record_copies(learned, other, {"x": [3] * 10 + list(range(200, 210))})
    >>> found.exact.value, found.exact_heldout.value
    (0.5, 0.0)
    """
    return copies(to_training(Sides.of(training, heldout, synthetic, columns, seed)))


Near = tuple[Floats, Floats]
"""Distances of synthetic, and of held-out entities to the two nearest training ones."""


def to_training(sides: Sides) -> Near:
    """Return how far synthetic and held-out points are from training ones."""
    near = (nearest(side, sides.training, 2)[0] for side in (sides.synthetic, sides.heldout))
    synthetic, heldout = near
    return synthetic, heldout


def copies(near: Near) -> Copies:
    """Return :func:`record_copies` of distances."""
    synthetic, heldout = (side[:, 0] for side in near)
    limit = float(np.quantile(heldout, NEAR))
    equal, near_equal = (
        [Share.of(int((side <= most).sum()), len(side)) for side in (synthetic, heldout)]
        for most in (0.0, limit)
    )
    return Copies(equal[0], equal[1], near_equal[0], near_equal[1], limit)


def ratio(near: Near) -> DistanceRatio:
    """Return :func:`distance_ratio` of distances."""
    found = []
    for side in near:
        first, second = side[:, 0], side[:, -1]
        ratios = np.where(second > 0, first / np.where(second > 0, second, 1), 1.0)
        found.append(ratios)
    middle, low = ([float(np.quantile(side, at)) for side in found] for at in (0.5, 0.05))
    return DistanceRatio(middle[0], middle[1], low[0], low[1])
