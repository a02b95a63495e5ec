"""How far two halves of the real rows are apart: what a drift test has to allow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive import Column, ColumnKind, TableConfig
from synthohive.metrics import fan_out_ks, ks, null_rate_difference, psi, tvd

__all__ = ["Limit", "fan_out_limit", "limit_of", "table_limits"]

_ORDERED = (
    ColumnKind.INTEGER,
    ColumnKind.DECIMAL,
    ColumnKind.FLOAT,
    ColumnKind.DATE,
    ColumnKind.TIMESTAMP,
)
_SPLITS = 5
_PAIRS = 6  # of this many numbers all pairs are compared
_GROUPS = 20


@dataclass(frozen=True)
class Limit:
    """A drift test of a table, and the limit that two real halves keep.

    Attributes
    ----------
    column : str
        Empty for a test of the whole table.
    """

    test: str
    column: str
    name: str
    value: float
    other: str = ""
    columns: tuple[str, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()


def limit_of(found: list[float], least: float) -> float:
    """Return twice the largest distance of the splits, and never less than `least`.

    Examples
    --------
    >>> limit_of([0.01, 0.02], 0.1), limit_of([0.01, 0.07211], 0.1)
    (0.1, 0.145)
    """
    return max(least, math.ceil(2000 * max(found, default=0.0)) / 1000)


def fan_out_limit(histogram: dict[int, int], rng: np.random.Generator) -> float:
    """Return the limit for KS of the children per parent, from {children: parents}."""
    sizes = sorted(histogram)
    counts = np.array([histogram[size] for size in sizes], dtype=np.int64)
    half = int(counts.sum()) // 2
    found = []
    for _ in range(_SPLITS if half else 0):
        one = rng.multivariate_hypergeometric(counts, half)
        found.append(fan_out_ks(*(dict(zip(sizes, part)) for part in (one, counts - one))))
    return limit_of(found, 0.05)


def table_limits(
    table: TableConfig, rows: pa.Table, personal: set[str], rng: np.random.Generator
) -> Iterator[Limit]:
    """Yield the drift tests of a table's columns with their limits.

    Parameters
    ----------
    rows : pyarrow.Table
        Real rows.
    personal : set of str
        Columns with personal data.
    """
    halves = [_halves(rows.num_rows, rng) for _ in range(_SPLITS)]
    numbers, categories = [], []
    for name, column in table.stored.items():
        if name not in rows.column_names:
            continue
        values = rows[name].combine_chunks()
        if values.null_count and values.null_count < len(values):
            found = [null_rate_difference(values.take(a), values.take(b)) for a, b in halves]
            yield Limit("null_rate_drift", name, "max_difference", limit_of(found, 0.02))
        if name in personal:
            yield from _personal(name, values)
        elif name in table.key_columns or values.null_count == len(values):
            continue
        elif column.kind in _ORDERED:
            numbers.append((name, column))
            yield from _ordered(name, _numbers(values), halves)
        elif _is_category(column, values):
            categories.append(name)
            yield from _category(name, _codes(values), halves)
    yield from _correlations(rows, numbers, halves)
    yield from _conditionals(rows, categories, [name for name, _ in numbers], halves)
    yield from _copies(table, rows, personal, halves)


def _halves(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    order = rng.permutation(count)
    return order[: count // 2], order[count // 2 :]


def _numbers(values: pa.Array) -> np.ndarray:
    """Return floats, NaN for NULL; dates as microseconds."""
    if pa.types.is_date(values.type) or pa.types.is_timestamp(values.type):
        values = pc.cast(pc.cast(values, pa.timestamp("us")), pa.int64(), safe=False)
    return np.asarray(pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False))


def _codes(values: pa.Array) -> np.ndarray:
    """Return an integer for each distinct value, NULL being one."""
    coded = values.dictionary_encode(null_encoding="encode")
    return np.asarray(coded.indices.to_numpy(zero_copy_only=False))


def _is_category(column: Column, values: pa.Array) -> bool:
    if column.kind not in (ColumnKind.BOOLEAN, ColumnKind.CATEGORICAL, ColumnKind.TEXT):
        return False
    distinct = pc.count_distinct(values).as_py()
    return bool(distinct <= 1000 and distinct * 2 <= len(values))


def _ks(one: np.ndarray, other: np.ndarray) -> float:
    """Return the distance; a half without values tells nothing."""
    return 0.0 if np.isnan(one).all() or np.isnan(other).all() else ks(one, other)


def _ordered(name: str, values: np.ndarray, halves: list[Any]) -> Iterator[Limit]:
    found = [_ks(values[a], values[b]) for a, b in halves]
    yield Limit("ks_drift", name, "max_ks", limit_of(found, 0.1))
    if len(np.unique(values)) > _GROUPS:
        found = [psi(values[b], values[a]) for a, b in halves]
        yield Limit("psi_drift", name, "max_psi", limit_of(found, 0.2))
    found = [
        float(np.mean((values[a] < np.nanmin(values[b])) | (values[a] > np.nanmax(values[b]))))
        for a, b in halves
        if not np.isnan(values[b]).all()
    ]
    yield Limit("range_drift", name, "max_share", limit_of(found, 0.01))


def _category(name: str, codes: np.ndarray, halves: list[Any]) -> Iterator[Limit]:
    found = [tvd(codes[b], codes[a]) for a, b in halves]
    yield Limit("tvd_drift", name, "max_tvd", limit_of(found, 0.1))
    found = [float(np.mean(~np.isin(codes[a], codes[b]))) for a, b in halves]
    yield Limit("domain_drift", name, "max_share", limit_of(found, 0.01))


def _personal(name: str, values: pa.Array) -> Iterator[Limit]:
    """Values that all differ must not come back; a first name may, being nobody's own."""
    filled = values.drop_null()
    if len(filled) and pc.count_distinct(filled).as_py() >= 0.99 * len(filled):
        yield Limit("no_copied_values", name, "max_values", 0)


def _correlations(rows: pa.Table, numbers: list[Any], halves: list[Any]) -> Iterator[Limit]:
    quantities = [
        (name, _numbers(rows[name].combine_chunks()))
        for name, column in numbers
        if column.kind in _ORDERED[:3]
    ][:_PAIRS]
    for (one, x), (other, y) in combinations(quantities, 2):
        found = [abs(_pearson(x[a], y[a]) - _pearson(x[b], y[b])) for a, b in halves]
        if not np.isnan(found).any():
            limit = limit_of(found, 0.1)
            yield Limit("correlation_drift", one, "max_difference", limit, other=other)


def _pearson(x: np.ndarray, y: np.ndarray) -> float:
    filled = ~(np.isnan(x) | np.isnan(y))
    x, y = x[filled], y[filled]
    if len(x) < 3 or x.std() == 0 or y.std() == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])


def _conditionals(
    rows: pa.Table, categories: list[str], numbers: list[str], halves: list[Any]
) -> Iterator[Limit]:
    """Compare categories, and the first number, within the groups of the category before."""
    measured = [*categories[1:], *numbers[:1]]
    for column, by in zip(measured, categories):
        groups = _codes(rows[by].combine_chunks())
        if len(np.unique(groups)) > _GROUPS or column == by:
            continue
        values = rows[column].combine_chunks()
        distance, kept = (_ks, _numbers(values)) if column in numbers else (tvd, _codes(values))
        found = [_within(kept, groups, a, b, distance) for a, b in halves]
        measure = "ks" if column in numbers else "tvd"
        limit = limit_of(found, 0.15)
        options = (("by", by), ("measure", measure))
        yield Limit("conditional_drift", column, "max_difference", limit, other=by, options=options)


def _within(values: np.ndarray, groups: np.ndarray, a: Any, b: Any, distance: Any) -> float:
    found, weights = [0.0], [0]
    for group in np.unique(groups[b]):
        one, other = values[a][groups[a] == group], values[b][groups[b] == group]
        if len(other) >= 30 and len(one):
            found.append(distance(one, other))
            weights.append(len(other))
    return float(np.average(found, weights=weights)) if sum(weights) else 0.0


def _copies(
    table: TableConfig, rows: pa.Table, personal: set[str], halves: list[Any]
) -> Iterator[Limit]:
    """Whole rows must not come back, where they tell one real row from another."""
    columns = [
        name
        for name, column in table.columns.items()
        if name in rows.column_names
        and name not in table.key_columns | personal
        and column.kind in (*_ORDERED, ColumnKind.TEXT, ColumnKind.CATEGORICAL, ColumnKind.BOOLEAN)
    ]
    if len(columns) < 3 or not rows.num_rows:
        return
    whole = np.array(
        ["\x1f".join(map(str, row)) for row in zip(*(rows[name].to_pylist() for name in columns))]
    )
    found = [float(np.mean(np.isin(whole[a], whole[b]))) for a, b in halves]
    if max(found) <= 0.02:
        limit = limit_of(found, 0.01)
        yield Limit("no_copied_rows", "", "max_share", limit, columns=tuple(columns))
