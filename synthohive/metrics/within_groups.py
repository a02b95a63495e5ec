"""How much the children of one parent differ, and what they are by how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats, IntArray
from synthohive.metrics.associations import comparable_columns, ranks, variance_within
from synthohive.metrics.distances import ColumnScore, column_scores
from synthohive.metrics.encode import floats_of, ranked, view_of
from synthohive.metrics.harmonise import Tables, harmonised
from synthohive.metrics.joins import attributes, parent_rows, read_tables, rows_of
from synthohive.schema import Column, ForeignKey, Metadata

__all__ = ["column_scores_by_group_size", "within_group_variance", "within_group_variances"]

_LEVELS = 20  # of categories; the rest is one
_SIZES = (10, 100, 1_000, 10_000)
_LEAST = 30  # rows of both sides, below which a distance is chance


def within_group_variances(
    tables: Tables, metadata: Metadata, child: str, key: ForeignKey
) -> dict[str, float]:
    """Return :func:`within_group_variance` of each column of a child, grouped by its parents.

    Parameters
    ----------
    tables : dict of str to DataFrame, pyarrow.Table or dict of columns
        One side: compare what comes out for real and for synthetic tables.
    metadata : Metadata
        Keys, and columns where they are described.
    child : str
    key : ForeignKey
        One of the child's.

    Returns
    -------
    dict of str to float
        By column; texts that hardly repeat are left out.

    Examples
    --------
    >>> metadata = Metadata().add_table("shops", "id")
    >>> metadata = metadata.add_table("sales", fk={"shop": "shops.id"})
    >>> tables = {"shops": {"id": [1, 2]}, "sales": {"shop": [1, 1, 2, 2], "price": [5, 5, 9, 9]}}
    >>> key = metadata.table("sales").foreign_keys[0]
    >>> within_group_variances(tables, metadata, "sales", key)
    {'price': 0.0}
    """
    tables = read_tables(tables, metadata)
    rows, said = attributes(tables, metadata, child)
    columns, (own,) = harmonised(said, rows)
    groups = parent_rows(rows_of(tables, child), key, rows_of(tables, key.parent))
    return {
        column.name: _variance(column, own.column(column.name), groups)
        for column in comparable_columns(own, columns)
    }


def column_scores_by_group_size(
    real: Tables,
    synthetic: Tables,
    metadata: Metadata,
    child: str,
    key: ForeignKey,
    sizes: Sequence[int] = _SIZES,
) -> dict[int, dict[str, ColumnScore]]:
    """Compare the columns of a child apart for small and large groups.

    Where rows are drawn after each other, errors add up along a group: columns that are right
    over all rows can be wrong in the long ones.

    Parameters
    ----------
    real, synthetic : dict of str to DataFrame, pyarrow.Table or dict of columns
    metadata : Metadata
        Keys, and columns where they are described.
    child : str
    key : ForeignKey
        One of the child's: whose rows are a group.
    sizes : sequence of int
        Where longer groups begin.

    Returns
    -------
    dict of int to dict of str to ColumnScore
        By the fewest rows that the groups have (1 for those below all `sizes`), as
        :func:`column_scores`; of where there are 30 rows on both sides.

    Examples
    --------
    >>> metadata = Metadata().add_table("shops", "id")
    >>> metadata = metadata.add_table("sales", fk={"shop": "shops.id"})
    >>> shop = [i for i in range(40) for _ in range(1 + i % 2 * 11)]
    >>> real = {"shops": {"id": range(40)}, "sales": {"shop": shop, "price": [5] * len(shop)}}
    >>> fake = {**real, "sales": {"shop": shop, "price": [5 + i % 13 // 9 for i in range(260)]}}
    >>> found = column_scores_by_group_size(
    ...     real, fake, metadata, "sales", metadata.table("sales").foreign_keys[0])
    >>> {size: round(scores["price"].value, 2) for size, scores in found.items()}
    {10: 0.33}
    """
    sides = []
    for tables in (read_tables(real, metadata), read_tables(synthetic, metadata)):
        rows, said = attributes(tables, metadata, child)
        at = parent_rows(rows_of(tables, child), key, rows_of(tables, key.parent))
        # of a row without a parent the last of these: no group, of no size
        number = np.append(np.bincount(at[at >= 0], minlength=at.max(initial=0) + 1), 0)[at]
        sides.append((rows, said, np.searchsorted(np.sort(sizes), number, side="right"), number))
    found: dict[int, dict[str, ColumnScore]] = {}
    for place, least in enumerate([1, *sorted(sizes)]):
        held = [np.flatnonzero((bins == place) & (number > 0)) for *_, bins, number in sides]
        if min(map(len, held)) >= _LEAST:
            a, b = (rows.take(pa.array(own)) for (rows, *_), own in zip(sides, held))
            found[least] = column_scores(a, b, sides[0][1])
    return found


def within_group_variance(values: Any, groups: Any, *, column: Optional[Column] = None) -> float:
    """Return the variance inside groups, relative to that of all rows.

    Both variances are unbiased, so small groups do not look alike by chance. Numbers and times
    count by rank; categories, the 20 most frequent apart and the others together, by their
    indicators.

    Parameters
    ----------
    values, groups : Series, array or list, of shape (rows,)
        A value and the group of each row; where either is NULL, the row is left out.
    column : Column, optional
        What the values are; by default what they can be read as.

    Returns
    -------
    float
        1 where the group tells nothing of the value, 0 where a group has one value, above 1
        where the values of a group avoid each other: about 1 less the intraclass correlation
        (Fisher, 1925).

    Examples
    --------
    >>> within_group_variance([5, 5, 9, 9], ["a", "a", "b", "b"])
    0.0
    >>> round(within_group_variance([5, 9, 5, 9], ["a", "a", "b", "b"]), 2)
    1.5
    """
    found, (rows,) = harmonised(
        {"values": column, "groups": None}, {"values": values, "groups": groups}
    )
    # -1 is NULL's: a row without a group says nothing of how groups differ
    labels = rows.column("groups").combine_chunks().dictionary_encode().indices
    own = np.asarray(labels.fill_null(-1), np.int64)
    return _variance(found["values"], rows.column("values"), own)


def _variance(column: Column, values: pa.ChunkedArray, groups: IntArray) -> float:
    """Return it for groups from 0; -1 is none."""
    if view_of(column, values) == "numbers":
        # ranks: of a skewed column, the variance is that of its few largest values
        floats = floats_of(values)
        known = ~np.isnan(floats) & (groups >= 0)
        scores: Floats = ranks(floats[known])[:, None]
    else:
        # indicators, (rows, levels): their variances add up to what categories differ by
        codes = ranked(values, _LEVELS)
        known = (codes >= 0) & (groups >= 0)
        scores = np.eye(_LEVELS + 1)[codes[known]]
    if not known.any():
        return 1.0
    return variance_within(scores, groups[known])
