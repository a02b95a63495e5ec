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
import pyarrow.compute as pc

from synthohive._arrays import Floats, IntArray
from synthohive.metrics.associations import association_matrix, comparable_columns
from synthohive.metrics.distances import ColumnScore, null_rate, tvd_of_shares
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

    @property
    def size(self) -> int:
        """How many numbers :meth:`counted` returns."""
        return 2 + (len(self._named) + 1 if self.view == "categories" else 2 * len(self.points) + 1)

    def counted(self, values: Any) -> IntArray:
        """Count synthetic values by what is told apart here: those of parts of a column add up.

        Returns
        -------
        ndarray of int64, shape (size,)
            NULLs; known values that have no measure (NaN); then those in each cell. Cells are
            the categories, and all others; or what lies before the first point, on it, between
            it and the next one, on that …, and after the last one.
        """
        known = values.drop_null()
        if self.view == "categories":
            # of what is no category here the place is NULL
            places = pc.index_in(as_categories(known), value_set=pa.array(self._named, pa.string()))
            codes = np.asarray(places.fill_null(len(self._named)), np.int64)
            cells = np.bincount(codes, minlength=len(self._named) + 1)
        else:
            cells = _cells(measured(self.view, known), self.points)
        unmeasured = len(known) - int(cells.sum())
        return np.concatenate([[values.null_count, unmeasured], cells]).astype(np.int64)

    def score(self, counts: IntArray) -> ColumnScore:
        """Return the distance of values that were :meth:`counted`; 1 where there is no row."""
        metric, total = METRICS[self.view], int(counts.sum())
        if not total:
            return ColumnScore(metric, 1.0)
        rate, cells = float(counts[0] / total), counts[2:]
        nulls = abs(self.nulls - rate)
        if self.view == "categories":
            named = (None, *self._named, _OTHER)
            shares = [rate, *(cells / max(1, int(cells.sum())) * (1 - rate)).tolist()]
            real = {n: s * (1 - self.nulls) for n, s in self.categories.items()}
            distance = tvd_of_shares({**real, None: self.nulls}, dict(zip(named, shares)))
            return ColumnScore(metric, distance, nulls)
        if not cells.any() or not len(self.points):
            # what is missing shows in the NULLs, but nothing but NaN does not
            nothing = len(self.points) and counts[1]
            return ColumnScore(metric, 1.0 if nothing else 0.0, nulls)
        below, upto = _shares(cells)
        gaps = np.maximum(np.abs(below - self.below), np.abs(upto - self.upto))
        return ColumnScore(metric, float(gaps.max()), nulls)

    @property
    def _named(self) -> list[str]:
        return [name for name in self.categories if name != _OTHER]


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
    return ColumnProfile(view, nulls, points, *_shares(_cells(numbers, points)))


def profile_distance(profile: ColumnProfile, values: Any) -> ColumnScore:
    """Score synthetic `values` against the profile of the real ones."""
    return profile.score(profile.counted(values))


@dataclass(frozen=True)
class TableProfile:
    """The profiles of a table's columns, and how strongly they are associated."""

    columns: dict[str, ColumnProfile]
    associated: tuple[str, ...] = ()
    associations: Floats = field(default_factory=lambda: np.zeros((0, 0)))

    def __post_init__(self) -> None:
        if self.associations.shape != (len(self.associated),) * 2:
            raise ValueError("not each pair of columns has an association")

    def counted(self, table: pa.Table) -> IntArray:
        """Return :meth:`ColumnProfile.counted` of all profiled columns, one after the other."""
        found = [own.counted(table.column(name)) for name, own in self.columns.items()]
        return np.concatenate([*found, np.zeros(0, np.int64)])

    def scored(self, counts: IntArray) -> dict[str, ColumnScore]:
        """Score each column by what was :meth:`counted` in all parts of a synthetic table."""
        ends = np.cumsum([own.size for own in self.columns.values()])[:-1]
        parts = np.split(counts, ends)
        return {name: own.score(part) for (name, own), part in zip(self.columns.items(), parts)}

    @property
    def size(self) -> int:
        """How many numbers :meth:`counted` returns."""
        return sum(own.size for own in self.columns.values())

    def score(self, table: pa.Table) -> dict[str, ColumnScore]:
        """Score each profiled column of a synthetic table."""
        return self.scored(self.counted(table))


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


def _cells(numbers: Floats, points: Floats) -> IntArray:
    """Count the numbers before, on and between points, ``(2 * points + 1,)``."""
    # on both sides of each: the distribution steps up where many rows have that value
    ordered = np.sort(numbers)
    below = np.searchsorted(ordered, points, "left")
    upto = np.searchsorted(ordered, points, "right")
    edges = np.append(np.stack([below, upto], axis=1).reshape(-1), len(ordered))
    return np.diff(edges, prepend=0).astype(np.int64)


def _shares(cells: IntArray) -> tuple[Floats, Floats]:
    """Return the shares of numbers below each point, and not above it."""
    below, upto = (np.cumsum(cells)[:-1].reshape(-1, 2) / max(1, int(cells.sum()))).T
    return below, upto


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
