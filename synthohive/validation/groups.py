"""How much the children of one parent differ from each other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthohive.schema import Column, ForeignKey, Metadata
from synthohive.validation.association import comparable_columns, floats_of
from synthohive.validation.encode import Floats, as_categories, view_of
from synthohive.validation.joins import parent_rows

__all__ = ["within_group_variance", "within_groups"]

_LEVELS = 20


def within_groups(
    tables: Mapping[str, pa.Table], metadata: Metadata, child: str, key: ForeignKey
) -> dict[str, float]:
    """Return :func:`within_group_variance` of each column of a child over one key."""
    config, rows = metadata.tables[child], tables[child]
    own = {n: c for n, c in config.stored.items() if n not in config.key_columns}
    groups = parent_rows(rows, key, tables[key.parent])
    return {
        column.name: within_group_variance(column, rows.column(column.name), groups)
        for column in comparable_columns(rows, own)
    }


def within_group_variance(
    column: Column, values: pa.ChunkedArray, groups: NDArray[np.int64]
) -> float:
    """Return the variance inside groups, relative to that of all rows.

    1 where the group tells nothing of the value, 0 where a group has one value, above 1
    where the values of a group avoid each other. Both variances are unbiased, so small groups
    do not look alike by chance. Numbers count by rank; categories, the 20 most frequent
    apart and the others together, by their indicators.

    Parameters
    ----------
    groups : ndarray of int64
        The group of each row; -1 (none) and NULL values are left out.

    Examples
    --------
    >>> from synthohive._arrow import column_from_arrow
    >>> number = column_from_arrow(pa.field("x", pa.int64()))
    >>> within_group_variance(number, pa.chunked_array([[5, 5, 9, 9]]), np.array([0, 0, 1, 1]))
    0.0
    """
    from scipy.stats import rankdata

    if view_of(column, values) == "numbers":
        floats = floats_of(values)
        known = ~np.isnan(floats) & (groups >= 0)
        scores: Floats = np.asarray(rankdata(floats[known]), np.float64).reshape(-1, 1)
    else:
        codes = _codes(values)
        known = (codes >= 0) & (groups >= 0)
        scores = np.eye(_LEVELS + 1)[codes[known]]
    if not known.any():
        return 1.0
    _, group = np.unique(groups[known], return_inverse=True)
    counts = np.bincount(group)
    rows, number = len(group), len(counts)
    total = float(((scores - scores.mean(axis=0)) ** 2).sum())
    if rows == number or not total:
        return 1.0
    inside = 0.0
    for part in scores.T:
        means = np.bincount(group, weights=part) / counts
        inside += float(((part - means[group]) ** 2).sum())
    return inside / (rows - number) / (total / (rows - 1))


def _codes(values: pa.ChunkedArray) -> NDArray[np.int64]:
    encoded = as_categories(values).dictionary_encode()
    codes = np.asarray(encoded.indices.fill_null(-1), np.int64)
    counts = np.bincount(codes[codes >= 0], minlength=1)
    rank = np.argsort(np.argsort(-counts, kind="stable"), kind="stable")
    return np.where(codes >= 0, np.minimum(rank[codes], _LEVELS), -1)
