"""How many children parents have, over one key and over several at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Union

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive import _arguments as arguments
from synthohive._arrays import Floats
from synthohive.metrics.distances import ks_of_counts, tvd_of_codes
from synthohive.metrics.harmonise import Tables
from synthohive.metrics.joins import key_sides, parent_rows, read_tables, rows_of
from synthohive.schema import Metadata

__all__ = ["fan_out_histogram", "fan_out_ks", "joint_fan_out_tvd", "joint_fan_outs", "orphans"]

Names = Union[str, Sequence[str]]

_BINS = 8  # of numbers of children


def fan_out_ks(real: Mapping[int, int], synthetic: Mapping[int, int]) -> float:
    """Return how far apart the numbers of children per parent are.

    Parameters
    ----------
    real, synthetic : dict of int to int
        ``{children: number of parents}``, as :func:`fan_out_histogram` counts them; of any
        two sizes.

    Returns
    -------
    float
        The Kolmogorov-Smirnov statistic, from 0 (equal) to 1.

    Examples
    --------
    >>> fan_out_ks({0: 1, 2: 1}, {0: 10, 2: 10})
    0.0
    >>> fan_out_ks({0: 1, 2: 1}, {1: 20})
    0.5
    """
    for side in (real, synthetic):
        if not isinstance(side, Mapping):
            arguments.refuse("A fan-out", side, "a dict {children: number of parents}")
    sizes = sorted({*real, *synthetic})
    return ks_of_counts(*([side.get(size, 0) for size in sizes] for side in (real, synthetic)))


def fan_out_histogram(
    child: Any, columns: Names, parent: Any, parent_columns: Names
) -> dict[int, int]:
    """Count the parents with each number of children.

    Parameters
    ----------
    child, parent : DataFrame, pyarrow.Table or dict of columns
    columns, parent_columns : str or list of str
        The key, and what it refers to. A key with a NULL in it refers to nothing.

    Returns
    -------
    dict of int to int
        ``{children: number of parents}``, childless ones included.

    Examples
    --------
    >>> fan_out_histogram({"shop": [1, 1, 3]}, "shop", {"id": [1, 2, 3]}, "id")
    {0: 1, 1: 1, 2: 1}
    """
    keys, known = _keys(child, columns, parent, parent_columns)
    # parents first: those without children count, too, and children without a parent do not
    counted = keys.group_by(known.column_names).aggregate([([], "count_all")])
    joined = known.join(counted, keys=known.column_names, join_type="left outer")
    counts = np.asarray(pc.fill_null(joined.column("count_all"), 0), np.int64)
    sizes, parents = np.unique(counts, return_counts=True)
    return dict(zip(sizes.tolist(), parents.tolist()))


def orphans(child: Any, columns: Names, parent: Any, parent_columns: Names) -> int:
    """Count the child rows whose complete key has no parent.

    Parameters
    ----------
    child, parent : DataFrame, pyarrow.Table or dict of columns
    columns, parent_columns : str or list of str
        The key, and what it refers to. A key with a NULL in it refers to nothing, as in SQL
        (MATCH SIMPLE).

    Returns
    -------
    int
        From 0 to the number of child rows.

    Examples
    --------
    >>> orphans({"shop": [1, 1, 4, None]}, "shop", {"id": [1, 2, 3]}, "id")
    1
    """
    keys, known = _keys(child, columns, parent, parent_columns)
    return int(keys.join(known, keys=known.column_names, join_type="left anti").num_rows)


def _keys(
    child: Any, columns: Names, parent: Any, parent_columns: Names
) -> tuple[pa.Table, pa.Table]:
    """Return the child's complete keys, and the parent's, of the same names and types."""
    own, theirs = ([n] if isinstance(n, str) else list(n) for n in (columns, parent_columns))
    keys, known = key_sides(child, own, parent, theirs)
    return keys.drop_null(), known


def joint_fan_outs(
    real: Tables, synthetic: Tables, metadata: Metadata
) -> dict[tuple[str, str], float]:
    """Compare the joint numbers of children over each two keys to one parent.

    Parameters
    ----------
    real, synthetic : dict of str to DataFrame, pyarrow.Table or dict of columns
    metadata : Metadata

    Returns
    -------
    dict of tuple of str to float
        :func:`joint_fan_out_tvd` by the labels of both keys.

    Examples
    --------
    >>> metadata = Metadata().add_table("shops", "id")
    >>> for name in ("sales", "visits"):
    ...     metadata = metadata.add_table(name, fk={"shop": "shops.id"})
    >>> shops = {"id": [1, 2]}
    >>> real = {"shops": shops, "sales": {"shop": [1]}, "visits": {"shop": [1]}}
    >>> fake = {"shops": shops, "sales": {"shop": [1]}, "visits": {"shop": [2]}}
    >>> joint_fan_outs(real, fake, metadata)
    {('sales(shop) -> shops(id)', 'visits(shop) -> shops(id)'): 1.0}
    """
    found = {}
    real, synthetic = read_tables(real, metadata), read_tables(synthetic, metadata)
    for parent in metadata.tables:
        left, right = (_child_counts(side, metadata, parent) for side in (real, synthetic))
        for a, b in combinations(left, 2):
            found[a, b] = joint_fan_out_tvd((left[a], left[b]), (right[a], right[b]))
    return found


def joint_fan_out_tvd(real: tuple[Any, Any], synthetic: tuple[Any, Any]) -> float:
    """Return the total variation distance of two keys' joint numbers of children.

    Equal histograms of each key do not hide that the two no longer go together.

    Parameters
    ----------
    real, synthetic : tuple of two arrays or lists, of shape (parents,)
        The number of children of each parent over both keys. Where there are more than eight
        different ones, they are put into bins at the real data's quantiles.

    Returns
    -------
    float
        From 0 (equal) to 1.

    Examples
    --------
    >>> joint_fan_out_tvd(([0, 0], [0, 3]), ([0, 3], [0, 0]))
    0.5
    """
    edges = [_edges(np.asarray(counts)) if len(counts) else np.zeros(0) for counts in real]
    codes = []
    for side in (real, synthetic):
        # by the real edges: (parents,) numbers of bins, the same on both sides
        a, b = (np.searchsorted(e, c, side="right") for e, c in zip(edges, side))
        # both bins as one number
        codes.append(np.asarray(a * (len(edges[1]) + 1) + b, np.int64))
    return tvd_of_codes(*codes)


def _child_counts(
    tables: Mapping[str, pa.Table], metadata: Metadata, parent: str
) -> dict[str, Floats]:
    """Return the number of children of each row of `parent`, by label of incoming key."""
    rows, counts = rows_of(tables, parent), {}
    for child, key in metadata.foreign_keys():
        if key.parent == parent:
            at = parent_rows(rows_of(tables, child), key, rows)
            found = np.bincount(at[at >= 0], minlength=len(rows))  # (parents,)
            counts[key.label(child)] = found.astype(np.float64)
    return counts


def _edges(counts: Floats) -> Floats:
    distinct = np.unique(counts)
    if len(distinct) <= _BINS:  # a bin for each, and one beyond the greatest
        return np.append(distinct, distinct[-1] + 1)[1:]
    return np.unique(np.quantile(counts, np.linspace(0, 1, _BINS + 1)[1:-1]))
