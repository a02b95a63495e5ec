"""Whether a parent's numbers of children, over several keys, go together as in the real data."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pyarrow as pa

from synthohive.schema import Metadata
from synthohive.validation.encode import Floats
from synthohive.validation.joins import child_counts

__all__ = ["joint_fan_out_tvd", "joint_fan_outs"]

_BINS = 8


def joint_fan_outs(
    real: Mapping[str, pa.Table], synthetic: Mapping[str, pa.Table], metadata: Metadata
) -> dict[tuple[str, str], float]:
    """Return the distance of joint fan-outs, by the labels of each two keys to one parent."""
    found = {}
    for parent in metadata.tables:
        left = child_counts(real, metadata, parent)
        right = child_counts(synthetic, metadata, parent)
        for a, b in combinations(left, 2):
            found[a, b] = joint_fan_out_tvd((left[a], left[b]), (right[a], right[b]))
    return found


def joint_fan_out_tvd(real: tuple[Floats, Floats], synthetic: tuple[Floats, Floats]) -> float:
    """Return the total variation distance of two keys' joint numbers of children.

    Each row of a parent has a number over both keys. Where there are more than eight
    different ones, they are put into bins at the real data's quantiles.

    Examples
    --------
    >>> few, many = np.array([0.0, 0.0]), np.array([0.0, 3.0])
    >>> joint_fan_out_tvd((few, many), (many, few))
    0.5
    """
    if not len(real[0]) or not len(synthetic[0]):
        return float(len(real[0]) != len(synthetic[0]))
    edges = [_edges(counts) for counts in real]
    shares = []
    for side in (real, synthetic):
        a, b = (np.searchsorted(e, counts, side="right") for e, counts in zip(edges, side))
        size = (len(edges[0]) + 1) * (len(edges[1]) + 1)
        shares.append(np.bincount(a * (len(edges[1]) + 1) + b, minlength=size) / len(a))
    return float(0.5 * np.abs(shares[0] - shares[1]).sum())


def _edges(counts: Floats) -> Floats:
    distinct = np.unique(counts)
    if len(distinct) <= _BINS:
        return np.append(distinct, distinct[-1] + 1)[1:]
    return np.unique(np.quantile(counts, np.linspace(0, 1, _BINS + 1)[1:-1]))
