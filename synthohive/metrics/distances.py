"""Distances between a real and a synthetic column: 0 is equal, 1 has nothing in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthohive import _arguments as arguments
from synthohive._arrays import AnyArray
from synthohive.metrics.encode import METRICS, as_categories, measured, view_of
from synthohive.metrics.harmonise import (
    Columns,
    array_of,
    harmonised,
    harmonised_numbers,
    harmonised_pair,
)
from synthohive.schema import Column

__all__ = [
    "ColumnScore",
    "column_distance",
    "column_scores",
    "ks",
    "ks_of_counts",
    "ks_of_numbers",
    "null_rate",
    "null_rate_difference",
    "psi",
    "shares",
    "tvd",
    "tvd_of_codes",
    "tvd_of_shares",
]

_EMPTY_BIN = 1e-4  # an empty bin would make the index infinite; the dbt test has the same share


@dataclass(frozen=True)
class ColumnScore:
    """How far a synthetic column is from the real one.

    Attributes
    ----------
    metric : str
        ``"KS"`` (numbers and times), ``"TVD"`` (categories, NULL among them) or
        ``"KS of lengths"`` (texts that hardly repeat, JSON, UUIDs, binary).
    value : float
        The distance, from 0 to 1.
    nulls : float
        The difference between the shares of NULLs.

    Examples
    --------
    >>> ColumnScore("KS", 0.02, nulls=0.05).worst
    0.05
    """

    metric: str
    value: float
    nulls: float = 0.0

    @property
    def worst(self) -> float:
        """The larger of the two distances: what a threshold is held against."""
        return max(self.value, self.nulls)


def ks(real: Any, synthetic: Any) -> float:
    """Return the two-sample Kolmogorov-Smirnov statistic of numbers or times.

    Parameters
    ----------
    real, synthetic : Series, array or list, of shape (rows,)
        Of any two lengths. NULLs are left out.

    Returns
    -------
    float
        The largest gap between the two distribution functions, from 0 (equal) to 1 (apart,
        or only one side has values).

    References
    ----------
    Smirnov, "Table for estimating the goodness of fit of empirical distributions", 1948.

    Examples
    --------
    >>> ks([1, 2, 3, None], [1, 2, 3, 3, 2, 1])
    0.0
    >>> ks([1, 2, 3, 4], [3, 4, 5, 6])
    0.5
    """
    return ks_of_numbers(*harmonised_numbers(real, synthetic))


def ks_of_numbers(real: AnyArray, synthetic: AnyArray) -> float:
    """Return the Kolmogorov-Smirnov statistic of two samples without NaN."""
    if not len(real) or not len(synthetic):
        return float(len(real) != len(synthetic))
    points = np.concatenate([real, synthetic])  # the gap is widest at a value of either side
    # the share of each side that is not above each point
    upto = [np.searchsorted(np.sort(side), points, "right") for side in (real, synthetic)]
    return float(np.abs(upto[0] / len(real) - upto[1] / len(synthetic)).max())


def ks_of_counts(real: Sequence[int], synthetic: Sequence[int]) -> float:
    """Return the Kolmogorov-Smirnov statistic of how often each value is there, in order."""
    upto = np.cumsum(real), np.cumsum(synthetic)
    totals = [int(side[-1]) if len(side) else 0 for side in upto]
    if not all(totals):
        return float(any(totals))
    return float(np.abs(upto[0] / totals[0] - upto[1] / totals[1]).max())


def tvd(real: Any, synthetic: Any) -> float:
    """Return the total variation distance of categories; NULL is one of them.

    Parameters
    ----------
    real, synthetic : Series, array or list, of shape (rows,)
        Of any two lengths.

    Returns
    -------
    float
        Half the sum of the differences of shares, from 0 (equal) to 1 (none in common).

    Examples
    --------
    >>> tvd(["a", "a", "b", None], ["a", "a", "b", "b"])
    0.25
    """
    left, right = array_of(real), array_of(synthetic)
    if left.type != right.type:
        left, right = harmonised_pair(None, left, right)[1]
    return tvd_of_shares(shares(left), shares(right))


def tvd_of_codes(real: NDArray[np.integer[Any]], synthetic: NDArray[np.integer[Any]]) -> float:
    """Return the total variation distance of whole numbers from 0."""
    if not len(real) or not len(synthetic):
        return float(len(real) != len(synthetic))
    size = int(max(real.max(), synthetic.max())) + 1
    parts = [np.bincount(side, minlength=size) / len(side) for side in (real, synthetic)]
    return float(0.5 * np.abs(parts[0] - parts[1]).sum())


def shares(values: Any) -> dict[Any, float]:
    """Return the frequency of each category, NULL (None) included."""
    if not len(values):
        return {}
    # as text, so that a flag and the word "true" of another source are one category
    counted = pc.value_counts(as_categories(values))
    counts = np.asarray(counted.field("counts"), np.float64)
    return dict(zip(counted.field("values").to_pylist(), (counts / counts.sum()).tolist()))


def tvd_of_shares(real: Mapping[Any, float], synthetic: Mapping[Any, float]) -> float:
    """Return the total variation distance of two frequency tables."""
    if not real or not synthetic:
        return float(bool(real) != bool(synthetic))
    keys = {**real, **synthetic}
    distance = 0.5 * sum(abs(real.get(key, 0.0) - synthetic.get(key, 0.0)) for key in keys)
    return min(1.0, distance)  # shares may add up to a little more than 1


def psi(real: Any, synthetic: Any, *, bins: int = 10) -> float:
    """Return the population stability index of numbers or times.

    Parameters
    ----------
    real, synthetic : Series, array or list, of shape (rows,)
        NULLs are left out.
    bins : int, default 10
        Quantiles of the real values. What one side has none of counts as a share of 0.0001.

    Returns
    -------
    float
        From 0 (equal), without an end. Below 0.1 is commonly taken for stable, above 0.25 for
        shifted. 0 where a side has no values.

    References
    ----------
    Siddiqi, "Credit Risk Scorecards", 2006. It is the sum of both Kullback-Leibler
    divergences of the binned values (Jeffreys, 1946).

    Examples
    --------
    >>> psi(range(100), range(100))
    0.0
    >>> round(psi(range(100), range(50, 150)), 2)
    4.35
    """
    bins = arguments.whole("bins", bins, 2)
    left, right = harmonised_numbers(real, synthetic)
    if not len(left) or not len(right):
        return 0.0
    # the inverse of the real distribution function, nothing interpolated, as in the dbt test
    edges = np.quantile(left, np.arange(1, bins) / bins, method="inverted_cdf")
    parts = []
    for values in (right, left):
        counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=bins)
        parts.append(np.where(counts == 0, _EMPTY_BIN, counts / len(values)))
    return float(((parts[0] - parts[1]) * np.log(parts[0] / parts[1])).sum())


def null_rate(values: Any) -> float:
    """Return the share of NULLs; 0 without rows."""
    return values.null_count / len(values) if len(values) else 0.0


def null_rate_difference(real: Any, synthetic: Any) -> float:
    """Return how far apart the shares of NULLs are.

    Parameters
    ----------
    real, synthetic : Series, array or list, of shape (rows,)

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> null_rate_difference([None, "x"], ["x", "y"])
    0.5
    """
    return abs(null_rate(array_of(real)) - null_rate(array_of(synthetic)))


def column_scores(real: Any, synthetic: Any, columns: Columns = None) -> dict[str, ColumnScore]:
    """Score each column by the metric that suits what it holds.

    Parameters
    ----------
    real, synthetic : DataFrame, pyarrow.Table or dict of columns
    columns : collection of str, or dict of str to Column, optional
        Those to compare, and what they are; by default all that both sides have, and what
        their values can be read as.

    Returns
    -------
    dict of str to ColumnScore

    Examples
    --------
    >>> real = {"price": [1.0, 2.0, 3.0, None], "colour": ["red", "red", "blue", "blue"]}
    >>> fake = {"price": [1.0, 2.0, 3.0, 3.0], "colour": ["red", "blue", "blue", "blue"]}
    >>> scores = column_scores(real, fake)
    >>> scores["colour"]
    ColumnScore(metric='TVD', value=0.25, nulls=0.0)
    >>> scores["price"].worst
    0.25
    """
    found, (left, right) = harmonised(columns, real, synthetic)
    return {n: column_distance(c, left.column(n), right.column(n)) for n, c in found.items()}


def column_distance(column: Column, real: Any, synthetic: Any) -> ColumnScore:
    """Score one column.

    Parameters
    ----------
    column : Column
        Its kind says which metric suits; of texts, the real values do.
    real, synthetic : pyarrow.Array or ChunkedArray
        In one form (:func:`~synthohive.metrics.harmonise.harmonised`).

    Returns
    -------
    ColumnScore
        Of numbers and lengths, the value is 0 where one side has only NULLs: their shares tell
        that.
    """
    nulls = abs(null_rate(real) - null_rate(synthetic))
    # by the real values alone: a copy must not choose how it is measured
    view = view_of(column, real)
    if view == "categories":
        return ColumnScore(METRICS[view], tvd_of_shares(shares(real), shares(synthetic)), nulls)
    left, right = measured(view, real), measured(view, synthetic)
    # what is missing shows in the NULLs
    distance = ks_of_numbers(left, right) if len(left) and len(right) else 0.0
    return ColumnScore(METRICS[view], distance, nulls)
