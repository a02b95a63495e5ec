"""Distances between real and synthetic data: 0 is equal, 1 has nothing in common.

Pure functions of Arrow or numpy arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.schema import Column
from synthohive.validation.encode import Floats, as_categories, as_lengths, as_numbers, view_of

__all__ = [
    "ColumnScore",
    "column_distance",
    "fan_out_histogram",
    "fan_out_ks",
    "ks",
    "ks_of_numbers",
    "null_rate",
    "null_rate_difference",
    "orphans",
    "shares",
    "tvd",
    "tvd_of_shares",
]


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
    """

    metric: str
    value: float
    nulls: float = 0.0

    @property
    def worst(self) -> float:
        """The larger of the two distances: what a threshold is held against."""
        return max(self.value, self.nulls)


def ks(real: Any, synthetic: Any) -> float:
    """Return the two-sample Kolmogorov-Smirnov statistic of numbers or times, NULLs dropped.

    Examples
    --------
    >>> ks(pa.array([1, 2, 3, None]), pa.array([1, 2, 3, 3, 2, 1]))
    0.0
    """
    return ks_of_numbers(as_numbers(real), as_numbers(synthetic))


def ks_of_numbers(real: Floats, synthetic: Floats) -> float:
    """Return the Kolmogorov-Smirnov statistic; 1 where only one side has values."""
    if not len(real) or not len(synthetic):
        return float(len(real) != len(synthetic))
    real, synthetic = np.sort(real), np.sort(synthetic)
    points = np.concatenate([real, synthetic])
    share = np.searchsorted(real, points, "right") / len(real)
    other = np.searchsorted(synthetic, points, "right") / len(synthetic)
    return float(np.abs(share - other).max())


def tvd(real: Any, synthetic: Any) -> float:
    """Return the total variation distance of categories; NULL is one of them.

    Examples
    --------
    >>> tvd(pa.array(["a", "a", "b", None]), pa.array(["a", "a", "b", "b"]))
    0.25
    """
    return tvd_of_shares(shares(real), shares(synthetic))


def shares(values: Any) -> dict[Any, float]:
    """Return the frequency of each category, NULL (None) included."""
    if not len(values):
        return {}
    counted = pc.value_counts(as_categories(values))
    counts = np.asarray(counted.field("counts"), np.float64)
    return dict(zip(counted.field("values").to_pylist(), (counts / counts.sum()).tolist()))


def tvd_of_shares(real: Mapping[Any, float], synthetic: Mapping[Any, float]) -> float:
    """Return the total variation distance of two frequency tables."""
    if not real or not synthetic:
        return float(bool(real) != bool(synthetic))
    keys = {*real, *synthetic}
    distance = 0.5 * sum(abs(real.get(key, 0.0) - synthetic.get(key, 0.0)) for key in keys)
    return min(1.0, distance)


def null_rate(values: Any) -> float:
    """Return the share of NULLs; 0 without rows."""
    return values.null_count / len(values) if len(values) else 0.0


def null_rate_difference(real: Any, synthetic: Any) -> float:
    """Return how far apart the shares of NULLs are."""
    return abs(null_rate(real) - null_rate(synthetic))


def column_distance(column: Column, real: Any, synthetic: Any) -> ColumnScore:
    """Score one column by the metric that suits what it holds."""
    nulls = null_rate_difference(real, synthetic)
    view = view_of(column, real)
    if view == "categories":
        return ColumnScore("TVD", tvd(real, synthetic), nulls)
    measure = as_numbers if view == "numbers" else as_lengths
    name = "KS" if view == "numbers" else "KS of lengths"
    made, known = measure(synthetic), measure(real)
    if not len(known) or not len(made):
        return ColumnScore(name, 0.0, nulls)  # what is missing shows in the NULLs
    return ColumnScore(name, ks_of_numbers(known, made), nulls)


def fan_out_ks(real: Mapping[int, int], synthetic: Mapping[int, int]) -> float:
    """Return the KS statistic of two histograms ``{children: number of parents}``.

    Examples
    --------
    >>> fan_out_ks({0: 1, 2: 1}, {0: 10, 2: 10})
    0.0
    """
    totals = sum(real.values()), sum(synthetic.values())
    if not all(totals):
        return float(any(totals))
    sizes = sorted({*real, *synthetic})
    left = np.cumsum([real.get(size, 0) for size in sizes]) / totals[0]
    right = np.cumsum([synthetic.get(size, 0) for size in sizes]) / totals[1]
    return float(np.abs(left - right).max())


def fan_out_histogram(
    child: pa.Table,
    columns: Sequence[str],
    parent: pa.Table,
    parent_columns: Sequence[str],
) -> dict[int, int]:
    """Return ``{children: number of parents}`` of one key, childless parents included."""
    known = parent.select(list(parent_columns))
    counted = (
        _keys(child, columns, known).group_by(list(parent_columns)).aggregate([([], "count_all")])
    )
    joined = known.join(counted, keys=list(parent_columns), join_type="left outer")
    counts = np.asarray(pc.fill_null(joined.column("count_all"), 0), np.int64)
    sizes, parents = np.unique(counts, return_counts=True)
    return dict(zip(sizes.tolist(), parents.tolist()))


def orphans(
    child: pa.Table,
    columns: Sequence[str],
    parent: pa.Table,
    parent_columns: Sequence[str],
) -> int:
    """Return the number of child rows whose complete key has no parent.

    A key with a NULL in it refers to nothing, as in SQL (MATCH SIMPLE).
    """
    known = parent.select(list(parent_columns))
    keys = _keys(child, columns, known)
    return int(keys.join(known, keys=list(parent_columns), join_type="left anti").num_rows)


def _keys(child: pa.Table, columns: Sequence[str], parent: pa.Table) -> pa.Table:
    """Return the child's complete keys, named and typed like the parent's."""
    arrays = [child.column(c).cast(f.type) for c, f in zip(columns, parent.schema)]
    return pa.table(arrays, names=parent.column_names).drop_null()
