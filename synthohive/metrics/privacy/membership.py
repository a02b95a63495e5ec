"""Whether it can be told, with the copy or the model in hand, who was learned from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Union

import numpy as np

from synthohive._arrays import AnyArray, Floats
from synthohive.exceptions import SchemaError
from synthohive.metrics.harmonise import Columns
from synthohive.metrics.privacy.model import Membership
from synthohive.metrics.privacy.points import nearest
from synthohive.metrics.privacy.shares import Share
from synthohive.metrics.privacy.sides import Sides

__all__ = ["membership_by_density", "membership_by_distance", "membership_by_scores"]

TARGETS = 10_000
"""Entities of each kind that are attacked, at most."""
NEIGHBOURS = 3
"""A density is told by the mean distance to so many: one alone is mostly chance."""
FALSE_POSITIVES = 0.01


def membership_by_distance(
    training: Any, heldout: Any, synthetic: Any, columns: Columns = None, *, seed: int = 0
) -> Membership:
    """Guess who was learned from by how near the nearest synthetic row is.

    Parameters
    ----------
    training, heldout, synthetic : DataFrame, pyarrow.Table or dict of columns
    columns : collection of str, or dict of str to Column, optional
    seed : int, default 0

    Returns
    -------
    Membership

    References
    ----------
    Chen, Yu, Zhang and Fritz, "GAN-Leaks: A taxonomy of membership inference attacks against
    generative models", 2020 (the full black-box attack).

    Examples
    --------
    >>> import numpy as np
    >>> learned, other = np.random.default_rng(1).normal(size=(2, 200))
    >>> membership_by_distance({"x": learned}, {"x": other}, {"x": learned}).auc.value
    1.0
    """
    return by_distance(Sides.of(training, heldout, synthetic, columns, seed))


def by_distance(sides: Sides) -> Membership:
    """Return :func:`membership_by_distance` of points."""
    sides = _targets(sides)
    scores = [-nearest(real, sides.synthetic)[0][:, 0] for real in (sides.training, sides.heldout)]
    return _judged("distance", *scores)


def membership_by_density(
    training: Any, heldout: Any, synthetic: Any, columns: Columns = None, *, seed: int = 0
) -> Membership:
    """Guess who was learned from by how much denser synthetic rows lie about them than real ones.

    Half of the held-out rows say how dense real ones lie: the attacker knows others of the
    source. The other half is attacked.

    Parameters
    ----------
    training, heldout, synthetic : DataFrame, pyarrow.Table or dict of columns
    columns : collection of str, or dict of str to Column, optional
    seed : int, default 0

    Returns
    -------
    Membership

    References
    ----------
    Van Breugel, Sun, Qian and Van der Schaar, "Membership inference attacks against synthetic
    data through overfitting detection" (DOMIAS), 2023; here with nearest neighbours.

    Examples
    --------
    >>> import numpy as np
    >>> learned, other = np.random.default_rng(1).normal(size=(2, 200))
    >>> membership_by_density({"x": learned}, {"x": other}, {"x": learned}).auc.value > 0.7
    True
    """
    return by_density(Sides.of(training, heldout, synthetic, columns, seed))


def by_density(sides: Sides) -> Membership:
    """Return :func:`membership_by_density` of points."""
    order = sides.rng(6).permutation(len(sides.heldout))
    known, other = np.split(order, [len(order) // 2])
    reference = sides.heldout.take(np.sort(known))
    sides = Sides(sides.training, sides.heldout.take(np.sort(other)), sides.synthetic, sides.seed)
    sides = _targets(sides)
    scores = []
    for real in (sides.training, sides.heldout):
        near = [
            nearest(real, side, NEIGHBOURS)[0].mean(axis=1) for side in (reference, sides.synthetic)
        ]
        usual, synthetic = (np.log(side + 1e-4) for side in near)
        scores.append(usual - synthetic)
    return _judged("density", *scores)


def membership_by_scores(
    training: Union[AnyArray, Sequence[float]], heldout: Union[AnyArray, Sequence[float]]
) -> Membership:
    """Guess who was learned from by a score, such as the likelihood under the model.

    Parameters
    ----------
    training, heldout : array of float
        The score of each row; the higher, the likelier it was learned from.

    Returns
    -------
    Membership

    References
    ----------
    Yeom, Giacomelli, Fredrikson and Jha, "Privacy risk in machine learning: Analyzing the
    connection to overfitting", 2018; the share found at 1 % false positives: Carlini et al.,
    "Membership inference attacks from first principles", 2022.

    Examples
    --------
    >>> membership_by_scores([3.0, 2.0], [2.0, 0.0]).auc.value
    0.875
    """
    scores = [np.asarray(side, np.float64) for side in (training, heldout)]
    if not all(side.ndim == 1 and len(side) for side in scores):
        raise SchemaError("Scores are needed of training and of held-out rows, one of each row.")
    return _judged("likelihood", *scores)


def _targets(sides: Sides) -> Sides:
    even = sides.even()
    training = sides.some(7, even.training, TARGETS)
    return Sides(training, sides.some(8, even.heldout, TARGETS), even.synthetic, sides.seed)


def _judged(by: str, training: Floats, heldout: Floats) -> Membership:
    limit = np.quantile(heldout, 1 - FALSE_POSITIVES, method="higher")
    found = Share.of(int((training > limit).sum()), len(training))
    return Membership(by, area(training, heldout), found)


def area(higher: Floats, lower: Floats) -> Share:
    """Return the area under the ROC curve, ties counting half, with its interval.

    The interval is that of Hanley and McNeil, "The meaning and use of the area under a receiver
    operating characteristic curve", 1982.
    """
    ends = np.sort(lower)
    below, upto = np.searchsorted(ends, higher, "left"), np.searchsorted(ends, higher, "right")
    value = float(((below + upto) / 2).mean()) / len(lower)
    first, second = value / (2 - value), 2 * value * value / (1 + value)
    square = value * value
    variance = value * (1 - value)
    variance += (len(higher) - 1) * (first - square) + (len(lower) - 1) * (second - square)
    error = math.sqrt(max(variance, 0.0) / (len(higher) * len(lower)))
    return Share.about(value, error, len(higher) + len(lower))
