"""Whether two columns go together as they do in the real data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthohive.schema import Column
from synthohive.validation.encode import as_categories, as_numbers, view_of

__all__ = [
    "association",
    "association_matrix",
    "comparable_columns",
    "floats_of",
    "pair_association_difference",
    "pair_tvd",
    "pair_tvds",
]

Codes = NDArray[np.int64]

_SAMPLE = 5000
_COLUMNS = 40
_BINS = 8
_MAX_LEVELS = 50


@dataclass(frozen=True)
class _Encoded:
    """A column as ranks (numbers) or codes (categories), -1 and NaN for NULL."""

    ordered: bool
    values: NDArray[Any]

    @property
    def known(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.values) if self.ordered else self.values >= 0


def association(table: pa.Table, a: Column, b: Column) -> float:
    """Return the strength of association of two columns, from 0 to 1.

    Two numeric columns: absolute rank correlation (Spearman). Two categorical ones:
    Cramér's V, corrected for bias (Bergsma, 2013). One of each: the correlation ratio of
    the ranks. Rows with a NULL in either are left out.
    """
    return _associated(_encode(a, table.column(a.name)), _encode(b, table.column(b.name)))


def association_matrix(table: pa.Table, columns: Sequence[Column]) -> NDArray[np.float64]:
    """Return the association of each pair of `columns`, on an even sample of the rows."""
    step = max(1, table.num_rows // _SAMPLE)
    part = table.take(pa.array(np.arange(0, table.num_rows, step)))
    encoded = [_encode(column, part.column(column.name)) for column in columns]
    matrix = np.eye(len(columns))
    for i, left in enumerate(encoded):
        for j in range(i):
            matrix[i, j] = matrix[j, i] = _associated(left, encoded[j])
    return matrix


def comparable_columns(table: pa.Table, columns: Mapping[str, Column]) -> list[Column]:
    """Return the first columns of `table` that an association can be computed of."""
    found: list[Column] = []
    for name, column in columns.items():
        if name in table.column_names and len(found) < _COLUMNS:
            values = table.column(name)
            varied = len(values) > values.null_count
            if varied and view_of(column, values) != "lengths":
                found.append(column)
    return found


def pair_association_difference(real: pa.Table, synthetic: pa.Table, a: Column, b: Column) -> float:
    """Return how far apart the strengths of association are."""
    return abs(association(real, a, b) - association(synthetic, a, b))


def pair_tvd(real: pa.Table, synthetic: pa.Table, a: Column, b: Column) -> float:
    """Return the total variation distance of two columns' joint distribution.

    Numbers are put into bins at the real data's quantiles; NULL is a bin of its own.
    """
    return pair_tvds(real, synthetic, [(a, b)])[0]


def pair_tvds(
    real: pa.Table, synthetic: pa.Table, pairs: Sequence[tuple[Column, Column]]
) -> list[float]:
    """Return :func:`pair_tvd` of each pair; every column is put into bins once."""
    if not real.num_rows or not synthetic.num_rows:
        return [float(real.num_rows != synthetic.num_rows)] * len(pairs)
    columns = {column.name: column for pair in pairs for column in pair}
    codes = {name: _binned(real, synthetic, column) for name, column in columns.items()}
    return [_joint_tvd(codes[a.name], codes[b.name]) for a, b in pairs]


def _joint_tvd(left: list[Codes], right: list[Codes]) -> float:
    span = max(int(part.max()) for part in right) + 1
    joint = [a * span + b for a, b in zip(left, right)]
    size = max(int(part.max()) for part in joint) + 1
    shares = [np.bincount(part, minlength=size) / len(part) for part in joint]
    return float(0.5 * np.abs(shares[0] - shares[1]).sum())


def _binned(real: pa.Table, synthetic: pa.Table, column: Column) -> list[Codes]:
    tables = [real.column(column.name), synthetic.column(column.name)]
    if view_of(column, tables[0]) == "numbers":
        edges = (
            np.unique(np.quantile(as_numbers(tables[0]), np.linspace(0, 1, _BINS + 1)[1:-1]))
            if len(tables[0]) > tables[0].null_count
            else np.zeros(0)
        )
        made = []
        for values in tables:
            floats = floats_of(values)
            bins = np.searchsorted(edges, floats, side="right") + 1
            made.append(np.where(np.isnan(floats), 0, bins).astype(np.int64))
        return made
    texts = [as_categories(values) for values in tables]
    codes = pa.concat_arrays(texts).dictionary_encode(null_encoding="encode").indices
    return np.split(np.asarray(codes, np.int64), [len(texts[0])])


def floats_of(values: Any) -> NDArray[np.float64]:
    """Return all values as floats, NaN for NULL."""
    floats = np.full(len(values), np.nan)
    valid = np.asarray(values.is_valid())
    known = as_numbers(values)
    if len(known) == int(valid.sum()):
        floats[valid] = known
        return floats
    floats[valid] = np.asarray(values.drop_null().cast(pa.float64()))  # NaN among the values
    return floats


def _encode(column: Column, values: Any) -> _Encoded:
    if view_of(column, values) == "numbers":
        floats = floats_of(values)
        return _Encoded(True, floats)
    encoded = as_categories(values).dictionary_encode()
    codes = np.asarray(encoded.indices.fill_null(-1), np.int64)
    if len(encoded.dictionary) > _MAX_LEVELS:
        counts = np.bincount(codes[codes >= 0])
        kept = np.full(len(counts), _MAX_LEVELS - 1)
        kept[np.argsort(-counts, kind="stable")[: _MAX_LEVELS - 1]] = np.arange(_MAX_LEVELS - 1)
        codes = np.where(codes >= 0, kept[codes], -1)
    return _Encoded(False, codes)


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


def _ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    from scipy.stats import rankdata

    return np.asarray(rankdata(values), np.float64)


def _correlation(x: NDArray[Any], y: NDArray[Any]) -> float:
    left, right = _ranks(x), _ranks(y)
    left, right = left - left.mean(), right - right.mean()
    scale = float(np.sqrt((left**2).sum() * (right**2).sum()))
    return min(1.0, abs(float((left * right).sum())) / scale) if scale else 0.0


def _correlation_ratio(codes: NDArray[Any], numbers: NDArray[Any]) -> float:
    ranks = _ranks(numbers)
    total = float(((ranks - ranks.mean()) ** 2).sum())
    if not total:
        return 0.0
    _, group = np.unique(codes, return_inverse=True)
    counts = np.bincount(group)
    means = np.bincount(group, weights=ranks) / counts
    between = float((counts * (means - ranks.mean()) ** 2).sum())
    rows, groups = len(ranks), len(counts)
    if rows <= groups:
        return 0.0
    # What chance alone would explain is taken off (epsilon squared, Kelley, 1935).
    explained = (between - (groups - 1) * (total - between) / (rows - groups)) / total
    return float(np.sqrt(min(1.0, max(0.0, explained))))


def _cramers_v(x: NDArray[Any], y: NDArray[Any]) -> float:
    _, left = np.unique(x, return_inverse=True)
    _, right = np.unique(y, return_inverse=True)
    r, c, n = int(left.max()) + 1, int(right.max()) + 1, len(left)
    if r == 1 or c == 1:
        return 0.0
    seen = np.bincount(left * c + right, minlength=r * c).reshape(r, c)
    expected = seen.sum(axis=1, keepdims=True) * seen.sum(axis=0, keepdims=True) / n
    phi = float(((seen - expected) ** 2 / expected).sum()) / n
    phi = max(0.0, phi - (r - 1) * (c - 1) / (n - 1))
    smaller = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    return float(np.sqrt(min(1.0, phi / smaller))) if smaller > 0 else 0.0
