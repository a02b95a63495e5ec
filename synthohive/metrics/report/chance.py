"""How far apart two samples of one source may be by chance: less than that says nothing."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from synthohive._arrays import AnyArray
from synthohive.metrics.distances import null_rate, shares
from synthohive.metrics.encode import view_of
from synthohive.schema import Column

__all__ = ["column_chance", "ks_chance", "null_chance", "tvd_chance"]

_KS = 1.358  # of the Kolmogorov distribution, 95 % lie below; ties make it less
_MOST = 500  # categories whose correlations count
_TWO_SIDED = 1.960  # standard deviations of a normal number; 95 % lie within
_HALF_NORMAL = 1.927  # of the absolute value of one, above its mean; of sums of such, less


def ks_chance(real: int, synthetic: int) -> float:
    """Return the KS distance that one of twenty pairs of samples of one source exceeds.

    Parameters
    ----------
    real, synthetic : int
        How many values there are.

    Examples
    --------
    >>> round(ks_chance(40, 40), 3), round(ks_chance(50_000, 50_000), 3), ks_chance(0, 9)
    (0.304, 0.009, 0.0)
    """
    return min(1.0, _KS * sqrt(_spread(real, synthetic)))


def tvd_chance(shares_of_all: AnyArray, real: int, synthetic: int) -> float:
    """Return the TVD that one of twenty pairs of samples of one source exceeds.

    Each difference of shares is about normal around 0, and goes against the others, since shares
    add up to 1: half the sum of their absolute values has a mean and a variance that are known. A
    rare category adds no more than its share.

    Parameters
    ----------
    shares_of_all : array of float, of shape (categories,)
        In both samples together.
    real, synthetic : int
        How many values there are.

    Examples
    --------
    >>> import numpy as np
    >>> round(tvd_chance(np.full(4, 0.25), 40, 40), 3)
    0.282
    """
    variances = shares_of_all * (1 - shares_of_all) * _spread(real, synthetic)
    means = np.minimum(np.sqrt(2 / np.pi * variances), 2 * shares_of_all)
    odds = np.sqrt(shares_of_all / np.maximum(1 - shares_of_all, 1e-12))
    frequent = np.argsort(-odds)[:_MOST]
    against = np.clip(-np.outer(odds[frequent], odds[frequent]), -1.0, 0.0)  # their correlation
    np.fill_diagonal(against, -1.0)  # the absolute values go together as much for -1 as for 1
    together = np.sqrt(1 - against**2) + against * np.arcsin(against) - 1
    scale = np.sqrt(variances[frequent])
    variance = 2 / np.pi * float(scale @ together @ scale)
    return min(1.0, 0.5 * (float(means.sum()) + _HALF_NORMAL * sqrt(variance)))


def column_chance(column: Column, real: Any, synthetic: Any) -> float:
    """Return how far apart two samples of one column may be by chance, by its own metric.

    Parameters
    ----------
    column : Column
    real, synthetic : pyarrow.Array or ChunkedArray
        In one form; of as many values as they have.
    """
    sizes = len(real), len(synthetic)
    if not all(sizes):
        return 0.0
    if view_of(column, real) == "categories":
        left, right = shares(real), shares(synthetic)
        pooled = [
            (left.get(name, 0.0) * sizes[0] + right.get(name, 0.0) * sizes[1]) / sum(sizes)
            for name in {**left, **right}
        ]
        return tvd_chance(np.array(pooled), *sizes)
    known = [round(len(side) * (1 - null_rate(side))) for side in (real, synthetic)]
    return ks_chance(*known)


def null_chance(real: Any, synthetic: Any) -> float:
    """Return how far apart the shares of NULLs in two samples of one column may be by chance.

    Parameters
    ----------
    real, synthetic : pyarrow.Array or ChunkedArray
    """
    sizes = len(real), len(synthetic)
    if not all(sizes):
        return 0.0
    missing = (real.null_count + synthetic.null_count) / sum(sizes)
    return min(1.0, _TWO_SIDED * sqrt(missing * (1 - missing) * _spread(*sizes)))


def _spread(real: int, synthetic: int) -> float:
    return 1 / real + 1 / synthetic if real and synthetic else 0.0
