"""Columns as numbers, categories or lengths: what the metrics are computed on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Floats, IntArray
from synthohive.schema import Column

__all__ = [
    "METRICS",
    "View",
    "as_categories",
    "as_lengths",
    "as_numbers",
    "features_of",
    "floats_of",
    "measured",
    "ranked",
    "view_of",
]

View = Literal["numbers", "categories", "lengths"]

METRICS: dict[View, str] = {"numbers": "KS", "categories": "TVD", "lengths": "KS of lengths"}
"""What columns are scored by."""
_MOST = 500  # more different texts are no categories
_ROWS_PER_CATEGORY = 5
_FEATURE_LEVELS = 200  # numbered by themselves, the rest is one: trees take 255 at most
_FEW = 20  # so few different texts are categories, however few rows there are


def view_of(column: Column, values: Any) -> View:
    """Return how to compare a column: by its numbers, its categories or its lengths.

    The table of kinds says which; text is compared by categories where they repeat, as state
    names do, and by length where hardly any value comes twice.
    """
    if column.kind.view != "repeats":
        return column.kind.view
    known = len(values) - values.null_count
    distinct = pc.count_distinct(values, mode="only_valid").as_py()
    # shares of what hardly repeats differ between two samples of one source, too: TVD near 1
    repeats = known >= _ROWS_PER_CATEGORY * distinct and distinct <= _MOST
    return "categories" if repeats or distinct <= min(_FEW, known - 1) else "lengths"


def floats_of(values: Any) -> Floats:
    """Return numbers or times as floats, ``(rows,)``; NaN for NULL.

    Points in time count in days (dates) or in the array's own unit.
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    type_ = values.type
    if pa.types.is_date32(type_) or pa.types.is_time32(type_):
        values = values.cast(pa.int32())
    elif pa.types.is_temporal(type_):
        values = values.cast(pa.int64())
    elif pa.types.is_boolean(type_):
        values = values.cast(pa.int8())
    # not safe: whole numbers beyond 2^53 are rounded, where a checked cast would refuse them
    return np.asarray(values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))


def as_numbers(values: Any) -> Floats:
    """Return the known values of a numeric or temporal array as floats."""
    floats = floats_of(values)
    return np.asarray(floats[~np.isnan(floats)], np.float64)


def as_categories(values: Any) -> Any:
    """Return values as text, NULL kept."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    return values if pa.types.is_string(values.type) else values.cast(pa.string())


def as_lengths(values: Any) -> Floats:
    """Return the lengths of the non-null values: characters, bytes or elements."""
    known = values.drop_null()
    if isinstance(known, pa.ChunkedArray):
        known = known.combine_chunks()
    if pa.types.is_list(known.type) or pa.types.is_large_list(known.type):
        return np.asarray(pc.list_value_length(known), np.float64)
    if pa.types.is_binary(known.type) or pa.types.is_large_binary(known.type):
        return np.asarray(pc.binary_length(known), np.float64)
    text = known if pa.types.is_string(known.type) else known.cast(pa.string())
    return np.asarray(pc.utf8_length(text), np.float64)


def features_of(column: Column, sides: Sequence[pa.Table]) -> list[Floats]:
    """Return one column of tables in one form as numbers in common, (rows,) each; NULL is NaN."""
    arrays = [side.column(column.name).combine_chunks() for side in sides]
    if view_of(column, arrays[0]) == "numbers":
        return [floats_of(array) for array in arrays]
    # by how frequent they are in all tables together: trees can split off the rare ones at once
    codes = ranked(pa.concat_arrays([as_categories(array) for array in arrays]), _FEATURE_LEVELS)
    ends = np.cumsum([len(array) for array in arrays])[:-1]
    return np.split(np.where(codes < 0, np.nan, codes), ends)


def measured(view: View, values: Any) -> Floats:
    """Return the numbers of known values, or else their lengths."""
    return as_numbers(values) if view == "numbers" else as_lengths(values)


def ranked(values: Any, most: int) -> IntArray:
    """Return categories by how frequent they are: 0 the most, `most` all the rest; -1 for NULL."""
    encoded = as_categories(values).dictionary_encode()
    codes = np.asarray(encoded.indices.fill_null(-1), np.int64)
    counts = np.bincount(codes[codes >= 0], minlength=1)
    # the order of an order: the place of each category; stable, so that ties go by appearance
    rank = np.argsort(np.argsort(-counts, kind="stable"), kind="stable")
    return np.where(codes >= 0, np.minimum(rank[codes], most), -1)
