"""Whether columns go together as they do in the real data, in a table and across a key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import AnyArray, Bools, Floats, IntArray
from synthohive.metrics.distances import tvd_of_codes
from synthohive.metrics.encode import as_categories, as_numbers, floats_of, ranked, view_of
from synthohive.metrics.harmonise import Columns, Tables, harmonised
from synthohive.metrics.joins import (
    Described,
    attributes,
    read_tables,
    routes_up,
    with_ancestor,
    with_parents,
)
from synthohive.schema import Column, ForeignKey, Metadata

__all__ = [
    "Associated",
    "Pair",
    "associated",
    "association",
    "association_matrix",
    "column_pairs",
    "comparable_columns",
    "kappa",
    "key_pairs",
    "pair_tvd",
    "k_hop_distances",
    "ranks",
    "variance_within",
]

_SAMPLE = 5000  # rows: a correlation is right to 0.014
_COLUMNS = 40  # each is paired with each
_BINS = 8  # of numbers: 64 cells a pair, some rows in each
_MAX_LEVELS = 50  # of categories; the rest is one


@dataclass(frozen=True)
class Associated:
    """How strongly two columns go together, in real and in synthetic rows."""

    a: str
    b: str
    real: float
    synthetic: float

    @property
    def difference(self) -> float:
        """How far apart the strengths of association are."""
        return abs(self.real - self.synthetic)


@dataclass(frozen=True)
class Pair(Associated):
    """Two columns, beside each other in real and in synthetic rows.

    Attributes
    ----------
    a, b : str
        The columns; one of a parent as ``column over (key)``.
    real, synthetic : float
        The strength of their association on each side.
    tvd : float
        Total variation distance of their joint distributions.

    Examples
    --------
    >>> Pair("price", "cost", real=0.9, synthetic=0.75, tvd=0.1).difference  # doctest: +ELLIPSIS
    0.15...
    """

    tvd: float


@dataclass(frozen=True)
class _Encoded:
    """A column as ranks (numbers) or codes (categories), -1 and NaN for NULL."""

    ordered: bool
    values: AnyArray

    @property
    def known(self) -> Bools:
        return ~np.isnan(self.values) if self.ordered else self.values >= 0


def association(a: Any, b: Any) -> float:
    """Return how strongly two columns go together.

    Parameters
    ----------
    a, b : Series, array or list, of shape (rows,)
        Of the same rows. Those with a NULL in either are left out.

    Returns
    -------
    float
        From 0 (not at all) to 1. Two columns of numbers or times: absolute rank correlation
        (Spearman, 1904). Two of categories: Cramér's V, corrected for bias; the 49 most
        frequent apart. One of each: the correlation ratio of the ranks, less what chance would
        explain.

    References
    ----------
    Bergsma, "A bias-correction for Cramér's V and Tschuprow's T", 2013; Kelley, "An unbiased
    correlation ratio measure", 1935.

    Examples
    --------
    >>> association([1, 2, 3, 4], [10, 20, 30, 400])
    1.0
    >>> association([1, 2, 3, 4], ["a", "b", "a", "b"])
    0.0
    """
    columns, (rows,) = harmonised(None, {"a": a, "b": b})
    return _associated(*(_encode(column, rows.column(n)) for n, column in columns.items()))


def association_matrix(table: pa.Table, columns: Sequence[Column]) -> Floats:
    """Return the association of each pair of `columns`, (columns, columns), 1 in the diagonal."""
    matrix = np.eye(len(columns))
    found = _strengths(_thinned(table), list(combinations(columns, 2)))
    for (i, j), strength in zip(combinations(range(len(columns)), 2), found):
        matrix[i, j] = matrix[j, i] = strength
    return matrix


def associated(real: pa.Table, synthetic: pa.Table, columns: Sequence[Column]) -> list[Associated]:
    """Return the associations of each two columns on both sides, in their order.

    Parameters
    ----------
    real, synthetic : pyarrow.Table
        In one form (:func:`~synthohive.metrics.harmonise.harmonised`).
    columns : sequence of Column
        That both have.
    """
    pairs = list(combinations(columns, 2))
    sides = [_strengths(_thinned(side), pairs) for side in (real, synthetic)]
    return [Associated(a.name, b.name, *both) for (a, b), *both in zip(pairs, *sides)]


def _thinned(table: pa.Table) -> pa.Table:
    # an even sample: nothing is drawn, so that both sides are looked at alike
    step = max(1, table.num_rows // _SAMPLE)
    return table.take(pa.array(np.arange(0, table.num_rows, step)))


def _strengths(table: pa.Table, pairs: Sequence[tuple[Column, Column]]) -> list[float]:
    """Return the association of each pair; every column is ranked once."""
    columns = {column.name: column for pair in pairs for column in pair}
    encoded = {name: _encode(column, table.column(name)) for name, column in columns.items()}
    return [_associated(encoded[a.name], encoded[b.name]) for a, b in pairs]


def comparable_columns(
    table: pa.Table, columns: Mapping[str, Column], most: Optional[int] = _COLUMNS
) -> list[Column]:
    """Return the first columns of `table` that an association can be computed of."""
    found = [
        column
        for name, column in columns.items()
        if name in table.column_names
        and table.column(name).null_count < len(table)
        and view_of(column, table.column(name)) != "lengths"
    ]
    return found[:most]


def pair_tvd(real: Any, synthetic: Any, a: str, b: str) -> float:
    """Return the total variation distance of two columns' joint distribution.

    Parameters
    ----------
    real, synthetic : DataFrame, pyarrow.Table or dict of columns
    a, b : str
        The columns. Numbers and times are put into eight bins at the real data's quantiles;
        NULL is a bin of its own.

    Returns
    -------
    float
        From 0 (equal) to 1 (no cell in common).

    Examples
    --------
    >>> real = {"size": ["S", "S", "L", "L"], "colour": ["red", "red", "blue", "blue"]}
    >>> fake = {"size": ["S", "S", "L", "L"], "colour": ["red", "blue", "red", "blue"]}
    >>> pair_tvd(real, fake, "size", "colour")
    0.5
    """
    columns, (left, right) = harmonised([a, b], real, synthetic)
    return _pair_tvds(left, right, [(columns[a], columns[b])])[0]


def column_pairs(real: Any, synthetic: Any, columns: Columns = None) -> list[Pair]:
    """Compare each two columns of a table, the worst first.

    Parameters
    ----------
    real, synthetic : DataFrame, pyarrow.Table or dict of columns
    columns : collection of str, or dict of str to Column, optional
        Those to compare, and what they are; by default all that both sides have, and what
        their values can be read as. Texts that hardly repeat are left out, and of those left
        the first 40 are compared.

    Returns
    -------
    list of Pair
        Distances as by :func:`pair_tvd`; strengths as by :func:`association`, on 5,000 to
        10,000 rows spread evenly.

    Examples
    --------
    >>> real = {"size": ["S", "S", "L", "L"] * 9, "colour": ["red", "red", "blue", "blue"] * 9}
    >>> fake = {"size": ["S", "S", "L", "L"] * 9, "colour": ["red", "blue", "red", "blue"] * 9}
    >>> (pair,) = column_pairs(real, fake)
    >>> pair.a, pair.b, round(pair.real, 3), pair.synthetic, pair.tvd
    ('size', 'colour', 1.0, 0.0, 0.5)
    """
    found, (left, right) = harmonised(columns, real, synthetic)
    chosen = comparable_columns(left, found)
    distances = _pair_tvds(left, right, list(combinations(chosen, 2)))
    both = associated(left, right, chosen)
    compared = [Pair(p.a, p.b, p.real, p.synthetic, tvd) for p, tvd in zip(both, distances)]
    return sorted(compared, key=lambda pair: -pair.tvd)


def key_pairs(
    real: Tables, synthetic: Tables, metadata: Metadata, child: str, key: ForeignKey
) -> list[Pair]:
    """Compare each column of a child with each of its parent's, the worst first.

    Parameters
    ----------
    real, synthetic : dict of str to DataFrame, pyarrow.Table or dict of columns
    metadata : Metadata
        Keys, and columns where they are described.
    child : str
    key : ForeignKey
        One of the child's.

    Returns
    -------
    list of Pair
        `a` is the child's column. Key columns are not compared.

    Examples
    --------
    >>> metadata = Metadata().add_table("shops", "id")
    >>> metadata = metadata.add_table("sales", fk={"shop": "shops.id"})
    >>> real = {"shops": {"id": [1, 2], "town": ["Ulm", "Bonn"]},
    ...         "sales": {"shop": [1, 2] * 9, "paid": ["cash", "card"] * 9}}
    >>> fake = {**real, "sales": {"shop": [1, 1, 2, 2] * 9, "paid": ["cash", "card"] * 18}}
    >>> (pair,) = key_pairs(real, fake, metadata, "sales", metadata.table("sales").foreign_keys[0])
    >>> pair.a, pair.b, round(pair.real, 3), pair.synthetic, pair.tvd
    ('paid', 'town over (shop)', 1.0, 0.0, 0.5)
    """
    real, synthetic = read_tables(real, metadata), read_tables(synthetic, metadata)
    joined = [with_parents(tables, metadata, child, key) for tables in (real, synthetic)]
    left, right, pairs = _across(joined, attributes(real, metadata, child)[1])
    found_of = _strengths(left, pairs), _strengths(right, pairs), _pair_tvds(left, right, pairs)
    compared = [Pair(a.name, b.name, *figures) for (a, b), *figures in zip(pairs, *found_of)]
    return sorted(compared, key=lambda pair: -pair.tvd)


def _across(
    joined: Sequence[tuple[pa.Table, Described]], own: Described
) -> tuple[pa.Table, pa.Table, list[tuple[Column, Column]]]:
    """Return both sides in one form, and each own column with each that was put beside them."""
    found, (left, right) = harmonised(joined[0][1], *(rows for rows, _ in joined))
    mine = comparable_columns(left, {n: c for n, c in found.items() if n in own})
    theirs = comparable_columns(left, {n: c for n, c in found.items() if n not in own})
    return left, right, list(product(mine, theirs))


def k_hop_distances(real: Tables, synthetic: Tables, metadata: Metadata) -> dict[int, float]:
    """Return how far apart pairs of columns are that lie 0, 1, 2, … foreign keys apart.

    Copies often keep a table's pairs, some of those across a key, and lose what grandchildren
    have of their grandparents.

    Parameters
    ----------
    real, synthetic : dict of str to DataFrame, pyarrow.Table or dict of columns
    metadata : Metadata
        Keys, and columns where they are described.

    Returns
    -------
    dict of int to float
        By the number of keys that lead from rows up to the others (0: columns of one table), the
        mean of :func:`pair_tvd` over all pairs of their columns, of all such routes.

    References
    ----------
    Pang, Shafieinejad, Liu, Hazlewood and He, "ClavaDDPM: Multi-relational data synthesis with
    cluster-guided diffusion models", 2024 (long-range dependency of columns k hops apart).

    Examples
    --------
    >>> metadata = Metadata().add_table("shops", "id")
    >>> metadata = metadata.add_table("sales", fk={"shop": "shops.id"})
    >>> real = {"shops": {"id": [1, 2], "town": ["Ulm", "Bonn"]},
    ...         "sales": {"shop": [1, 2] * 9, "paid": ["cash", "card"] * 9}}
    >>> fake = {**real, "sales": {"shop": [1, 1, 2, 2] * 9, "paid": ["cash", "card"] * 18}}
    >>> k_hop_distances(real, fake, metadata)
    {1: 0.5}
    """
    real, synthetic = read_tables(real, metadata), read_tables(synthetic, metadata)
    found: dict[int, list[float]] = {}
    for name in metadata.tables:
        own = attributes(real, metadata, name)[1]
        sides = [attributes(tables, metadata, name)[0] for tables in (real, synthetic)]
        columns, (left, right) = harmonised(own, *sides)
        pairs = list(combinations(comparable_columns(left, columns), 2))
        found.setdefault(0, []).extend(_pair_tvds(left, right, pairs))
        for route in routes_up(metadata, name):
            joined = [with_ancestor(side, metadata, name, route) for side in (real, synthetic)]
            if own and len(joined[0][1]) > len(own):
                hops = found.setdefault(len(route), [])
                hops.extend(_pair_tvds(*_across(joined, own)))
    return {hops: float(np.mean(tvds)) for hops, tvds in sorted(found.items()) if tvds}


def _pair_tvds(
    real: pa.Table, synthetic: pa.Table, pairs: Sequence[tuple[Column, Column]]
) -> list[float]:
    """Return the distance of each pair; every column is put into bins once."""
    if not real.num_rows or not synthetic.num_rows:
        return [float(real.num_rows != synthetic.num_rows)] * len(pairs)
    columns = {column.name: column for pair in pairs for column in pair}
    codes = {name: _binned(real, synthetic, column) for name, column in columns.items()}
    found = []
    for a, b in pairs:
        # a pair of bins as one number, on both sides
        span = max(int(part.max()) for part in codes[b.name]) + 1
        both = (x * span + y for x, y in zip(codes[a.name], codes[b.name]))
        found.append(tvd_of_codes(*both))
    return found


def _binned(real: pa.Table, synthetic: pa.Table, column: Column) -> list[IntArray]:
    tables = [real.column(column.name), synthetic.column(column.name)]
    if view_of(column, tables[0]) == "numbers":
        edges = (
            # of the real values alone: the same bins, whatever is compared with them; quantiles
            # that fall together, where many rows have one value, are one edge
            np.unique(np.quantile(as_numbers(tables[0]), np.linspace(0, 1, _BINS + 1)[1:-1]))
            if len(tables[0]) > tables[0].null_count
            else np.zeros(0)
        )
        binned = []
        for values in tables:
            floats = floats_of(values)
            bins = np.searchsorted(edges, floats, side="right") + 1  # 0 is NULL's
            binned.append(np.where(np.isnan(floats), 0, bins).astype(np.int64))
        return binned
    texts = [as_categories(values) for values in tables]
    codes = pa.concat_arrays(texts).dictionary_encode(null_encoding="encode").indices
    return np.split(np.asarray(codes, np.int64), [len(texts[0])])


def _encode(column: Column, values: Any) -> _Encoded:
    if view_of(column, values) == "numbers":
        return _Encoded(True, floats_of(values))
    return _Encoded(False, ranked(values, _MAX_LEVELS - 1))


def _associated(a: _Encoded, b: _Encoded) -> float:
    both = a.known & b.known
    if both.sum() < 2:
        return 0.0
    x, y = a.values[both], b.values[both]
    if a.ordered and b.ordered:
        return _correlation(x, y)
    if not a.ordered and not b.ordered:
        return _cramers_v(x, y)
    return _correlation_ratio(y, x) if a.ordered else _correlation_ratio(x, y)


def kappa(agreement: float, chance: float) -> float:
    """Return how much more often two agree than by chance, of what chance leaves: Cohen's kappa."""
    return (agreement - chance) / max(1.0 - chance, 1e-9)


def ranks(values: AnyArray) -> Floats:
    """Return the rank of each value, ``(rows,)``, ties at their mean."""
    _, place, times = np.unique(values, return_inverse=True, return_counts=True)
    found: Floats = np.cumsum(times) - (times - 1) / 2.0
    return found[place.reshape(-1)]


def _correlation(x: AnyArray, y: AnyArray) -> float:
    # Pearson's formula on ranks, ties at their mean: one far value then decides nothing, and what
    # only grows together is as strong as what lies on a line
    left, right = ranks(x), ranks(y)
    left, right = left - left.mean(), right - right.mean()
    scale = float(np.sqrt((left**2).sum() * (right**2).sum()))
    return min(1.0, abs(float((left * right).sum())) / scale) if scale else 0.0


def _correlation_ratio(codes: AnyArray, numbers: AnyArray) -> float:
    # Sums of floats depend on their order in the last digits: that of the values is the same
    # however the rows of a table were read.
    order = np.lexsort((codes, numbers))
    codes, numbers = codes[order], numbers[order]
    # What chance alone would explain is taken off (epsilon squared, Kelley, 1935).
    explained = 1.0 - variance_within(ranks(numbers)[:, None], codes)
    return float(np.sqrt(min(1.0, max(0.0, explained))))


def variance_within(scores: Floats, groups: AnyArray) -> float:
    """Return the variance inside groups (rows,) relative to that of all rows, both unbiased.

    Several scores a row, (rows, numbers), count together, as the indicators of categories do. 1
    where there is but one row a group, or where all rows are alike.
    """
    _, group = np.unique(groups, return_inverse=True)
    counts = np.bincount(group)
    rows, number = len(group), len(counts)
    total = float(((scores - scores.mean(axis=0)) ** 2).sum())
    if rows == number or not total:
        return 1.0
    inside = 0.0
    for part in scores.T:
        means = np.bincount(group, weights=part) / counts
        inside += float(((part - means[group]) ** 2).sum())
    # a mean is fitted to each group: by (rows - groups), or groups of two rows would look alike
    return inside / (rows - number) / (total / (rows - 1))


def _cramers_v(x: AnyArray, y: AnyArray) -> float:
    _, left = np.unique(x, return_inverse=True)
    _, right = np.unique(y, return_inverse=True)
    r, c, n = int(left.max()) + 1, int(right.max()) + 1, len(left)
    if r == 1 or c == 1:
        return 0.0
    seen = np.bincount(left * c + right, minlength=r * c).reshape(r, c)
    # (r, c): no row or column of it is empty, since only what was seen has a number
    expected = seen.sum(axis=1, keepdims=True) * seen.sum(axis=0, keepdims=True) / n
    phi = float(((seen - expected) ** 2 / expected).sum()) / n
    # what independent columns show by chance, or few rows would look associated (Bergsma, 2013)
    phi = max(0.0, phi - (r - 1) * (c - 1) / (n - 1))
    smaller = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    return float(np.sqrt(min(1.0, phi / smaller))) if smaller > 0 else 0.0
