"""What is kept of the real data after fitting, so that every sample can be scored.

A profile holds no single person's value: each of its points is the mean of neighbouring
values of at least `k` entities, and categories with fewer are pooled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats
from synthohive.metrics.associations import association_matrix, comparable_columns
from synthohive.metrics.distances import ColumnScore, null_rate, shares, tvd_of_shares
from synthohive.metrics.encode import METRICS, View, as_categories, measured, view_of
from synthohive.privacy.entities import Entities, entities_or_rows
from synthohive.schema import Column

__all__ = [
    "frequent_categories",
    "ColumnProfile",
    "TableProfile",
    "profile_column",
    "profile_distance",
    "profile_table",
]

_POINTS = 513  # of a distribution function: each is 0.002 of it
_OTHER = "\0other"


@dataclass(frozen=True)
class ColumnProfile:
    """The distribution of one column."""

    view: View
    nulls: float  # share of NULLs
    # points of the distribution function, of the numbers or of the lengths, (points,)
    points: Floats = field(default_factory=lambda: np.zeros(0))
    below: Floats = field(default_factory=lambda: np.zeros(0))  # share of the values below each
    upto: Floats = field(default_factory=lambda: np.zeros(0))  # and of those not above it
    # shares among known values of the categories that enough entities have
    categories: dict[str, float] = field(default_factory=dict)


def profile_column(
    column: Column, values: Any, entities: Optional[Entities] = None, k: int = 5
) -> ColumnProfile:
    """Summarise one column.

    Parameters
    ----------
    column : Column
    values : pyarrow array
    entities : Entities, optional
        Those behind the rows; by default every row is one of its own.
    k : int
        Entities that must stand behind everything that is kept.
    """
    view = view_of(column, values)
    nulls = null_rate(values)
    known = entities_or_rows(entities, len(values)).take(np.asarray(values.is_valid()))
    if view == "categories":
        return ColumnProfile(
            view, nulls, categories=frequent_categories(values.drop_null(), known, k)
        )
    numbers = measured(view, values)
    if len(known) != len(numbers):  # NaN is no NULL, but not measured either
        known = known.take(~np.isnan(np.asarray(values.drop_null().cast(pa.float64()))))
    points = _points(numbers, known, k)
    return ColumnProfile(view, nulls, points, *_shares(numbers, points))


def profile_distance(profile: ColumnProfile, values: Any) -> ColumnScore:
    """Score synthetic `values` against the profile of the real ones."""
    nulls = abs(profile.nulls - null_rate(values))
    metric = METRICS[profile.view]
    made = values.drop_null()
    if profile.view == "categories":
        return ColumnScore(metric, _category_distance(profile, made, null_rate(values)), nulls)
    numbers = measured(profile.view, made)
    if not len(numbers) or not len(profile.points):
        return ColumnScore(metric, 0.0, nulls)  # what is missing shows in the NULLs
    below, upto = _shares(numbers, profile.points)
    distance = np.maximum(np.abs(below - profile.below), np.abs(upto - profile.upto)).max()
    return ColumnScore(metric, float(distance), nulls)


def _shares(numbers: Floats, points: Floats) -> tuple[Floats, Floats]:
    """Return the shares of numbers below each point, and not above it."""
    # on both sides of each: the distribution steps up where many rows have that value
    ordered, size = np.sort(numbers), max(1, len(numbers))
    return (
        np.searchsorted(ordered, points, "left") / size,
        np.searchsorted(ordered, points, "right") / size,
    )


@dataclass(frozen=True)
class TableProfile:
    """The profiles of a table's columns, and how strongly they are associated."""

    columns: dict[str, ColumnProfile]
    associated: tuple[str, ...] = ()
    associations: Floats = field(default_factory=lambda: np.zeros((0, 0)))

    def __post_init__(self) -> None:
        if self.associations.shape != (len(self.associated),) * 2:
            raise ValueError("not each pair of columns has an association")

    def score(self, table: pa.Table) -> dict[str, ColumnScore]:
        """Score each profiled column of a synthetic table."""
        return {
            name: profile_distance(own, table.column(name)) for name, own in self.columns.items()
        }


def profile_table(
    data: pa.Table, columns: Mapping[str, Column], entities: Optional[Entities] = None, k: int = 5
) -> TableProfile:
    """Summarise columns of a table of real rows, and their associations, which are of all rows.

    Parameters
    ----------
    data : pyarrow.Table
    columns : mapping of str to Column
    entities : Entities, optional
    k : int, default 5
        As in :func:`profile_column`.
    """
    profiles = {
        name: profile_column(column, data.column(name), entities, k)
        for name, column in columns.items()
    }
    chosen = comparable_columns(data, columns)
    matrix = association_matrix(data, chosen)
    return TableProfile(profiles, tuple(column.name for column in chosen), matrix)


def frequent_categories(values: Any, entities: Entities, k: int) -> dict[str, float]:
    """Return the shares of categories; those that fewer than `k` entities have are pooled.

    Parameters
    ----------
    values : pyarrow.Array or ChunkedArray
        Without NULL.
    entities : Entities
        Those behind `values`.
    k : int
    """
    encoded = as_categories(values).dictionary_encode()
    codes = np.asarray(encoded.indices, np.int64)
    counts = np.bincount(codes, minlength=len(encoded.dictionary))
    holders = entities.holders(codes, len(counts))
    names = encoded.dictionary.to_pylist()
    total = max(1, int(counts.sum()))
    kept = {names[i]: float(counts[i] / total) for i in np.flatnonzero(holders >= k)}
    rest = float(counts[holders < k].sum() / total)
    return {**kept, _OTHER: rest} if rest else kept


def _category_distance(profile: ColumnProfile, made: Any, nulls: float) -> float:
    other = 0.0
    frequencies: dict[Any, float] = {None: nulls}
    for name, share in shares(made).items():
        if name in profile.categories:
            frequencies[name] = share * (1 - nulls)
        else:
            other += share * (1 - nulls)
    frequencies[_OTHER] = other
    real: dict[Any, float] = {n: s * (1 - profile.nulls) for n, s in profile.categories.items()}
    return tvd_of_shares({**real, None: profile.nulls}, frequencies)


def _points(values: Floats, entities: Entities, k: int) -> Floats:
    """Return values that `k` entities share, and means of neighbouring values.

    What lies beyond the protected bounds counts as they do, and repeats of a value as often
    as different entities hold it.
    """
    ends = entities.ends(values, k)
    if ends is None:
        return np.zeros(0)
    distinct, codes = np.unique(values, return_inverse=True)
    codes = codes.reshape(-1)
    order = np.argsort(codes, kind="stable")
    # how many equal values come before each: 0, 1, 2 … in every run of them
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    nth = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    held = entities.holders(codes)
    shared = distinct[held >= k]
    shared = shared[np.linspace(0, len(shared) - 1, min(len(shared), _POINTS)).astype(np.int64)]
    chosen = order[nth < held[codes[order]]]
    # (points, width): neighbouring rows; twice as many where several may be of one entity
    width = 2 * k if entities.paths else k
    if len(chosen) < width:
        return np.zeros(0)
    count = min(_POINTS, len(chosen) // k)
    starts = np.linspace(0, len(chosen) - width, count).round().astype(np.int64)
    windows = chosen[starts[:, None] + np.arange(width)[None, :]]
    rows = windows.reshape(-1)
    owners = entities.take(rows).holders(np.repeat(np.arange(count), width), count)
    block = np.clip(values[windows[owners >= k]], *ends)
    same = block[:, 0] == block[:, -1]
    with np.errstate(invalid="ignore"):  # infinities
        middle = np.where(same, block[:, 0], block.mean(axis=1))
    middle = np.concatenate([middle, shared])
    return np.unique(middle[np.isfinite(middle)])
