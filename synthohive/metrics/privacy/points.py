"""Entities as points, and which of them lie nearest to each other: a search block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import AnyArray, Floats, Floats32, IntArray
from synthohive.metrics.encode import floats_of, view_of
from synthohive.metrics.harmonise import Columns, as_text, harmonised

__all__ = ["Points", "distances", "exact", "nearest", "points_of"]

BLOCK = 1 << 21
"""Distances that are held at once: 8 MB, which stay near the processor."""
DIRECT = 4
"""So few ranks are subtracted from each other: a product would cost as much, and lose digits."""


@dataclass(frozen=True)
class Points:
    """Entities in a space where each column counts the same, from 0 (equal) to 1.

    Attributes
    ----------
    ranks : ndarray of float32, shape (rows, numbers)
        Numbers and times: their place among the real ones, from 0 to 1.
    codes : ndarray of int32, shape (rows, codes)
        Categories, texts, and where numbers are NULL: as far as the two ends of a number, or equal.
    numbers : tuple of str
        The column of each rank.
    categories : tuple of str
        The column of each code.
    """

    ranks: Floats32
    codes: AnyArray
    numbers: tuple[str, ...]
    categories: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ranks)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, each once."""
        return tuple(dict.fromkeys((*self.numbers, *self.categories)))

    def take(self, rows: AnyArray) -> Points:
        """Return some rows."""
        return Points(self.ranks[rows], self.codes[rows], self.numbers, self.categories)

    def of(self, columns: set[str]) -> Points:
        """Return some columns."""
        ranks = [i for i, name in enumerate(self.numbers) if name in columns]
        codes = [i for i, name in enumerate(self.categories) if name in columns]
        return Points(
            np.ascontiguousarray(self.ranks[:, ranks]),
            self.codes[:, codes],
            tuple(self.numbers[i] for i in ranks),
            tuple(self.categories[i] for i in codes),
        )


def points_of(columns: Columns, training: Any, heldout: Any, *others: Any) -> list[Points]:
    """Return tables as points of one space.

    Parameters
    ----------
    columns : dict of str to Column, collection of str, optional
        Those to look at, and what they are; by default all that the tables share.
    training, heldout, *others : DataFrame, pyarrow.Table or dict of columns
        The first two are the real ones, whose numbers give the ranks.
    """
    found, tables = harmonised(columns, training, heldout, *others)
    ranks: list[list[Floats]] = [[] for _ in tables]
    codes: list[list[IntArray]] = [[] for _ in tables]
    numbers: list[str] = []
    categories: list[str] = []
    for name, column in found.items():
        arrays = [table.column(name).combine_chunks() for table in tables]
        if view_of(column, arrays[0]) == "numbers":
            values = [floats_of(array) for array in arrays]
            numbers.append(name)
            for side, one in zip(ranks, _ranks(values)):
                side.append(one)
            if not any(np.isnan(one).any() for one in values):
                continue
            # NULL is as near to NULL as can be, and as far from any number
            coded = [np.isnan(one).astype(np.int64) for one in values]
        else:
            coded = _codes(arrays)
        categories.append(name)
        for place, one_coded in zip(codes, coded):
            place.append(one_coded)
    return [
        Points(
            _stacked(ranks[i], len(table), np.float32),
            _stacked(codes[i], len(table), np.int32),
            tuple(numbers),
            tuple(categories),
        )
        for i, table in enumerate(tables)
    ]


def _stacked(columns: list[Any], rows: int, dtype: Any) -> AnyArray:
    return np.stack(columns, axis=1).astype(dtype) if columns else np.zeros((rows, 0), dtype)


def _ranks(values: list[Floats]) -> list[Floats]:
    """Return places among the numbers of the first two; ends are drawn in, NULL in the middle."""
    real = np.concatenate(values[:2])
    known = np.sort(real[~np.isnan(real)])
    found = []
    for side in values:
        # the middle of equal ones: a frequent value is as far from the next on both sides
        below, upto = np.searchsorted(known, side, "left"), np.searchsorted(known, side, "right")
        place = (below + upto) / 2 / max(len(known), 1)
        found.append(np.where(np.isnan(side), 0.5, place))
    return found


def _codes(arrays: list[pa.Array]) -> list[IntArray]:
    """Return texts by number, one for each distinct one in all tables; -1 for NULL."""
    texts = [_text(array) for array in arrays]
    coded = pa.chunked_array(texts, pa.string()).combine_chunks().dictionary_encode()
    ends = np.cumsum([len(text) for text in texts])[:-1]
    return np.split(np.asarray(pc.fill_null(coded.indices, -1), np.int64), ends)


def _text(array: pa.Array) -> pa.Array:
    if pa.types.is_nested(array.type):
        return pa.array([None if v is None else str(v) for v in array.to_pylist()], pa.string())
    text = as_text(pa.chunked_array([array]))
    return pc.cast(text, pa.string()).combine_chunks()


def distances(points: Points, others: Points) -> Iterator[tuple[slice, Floats32]]:
    """Yield squared distances, ``(some points, others)``, until all points had their turn.

    A squared distance is the sum over columns of squared differences of ranks, and of one for each
    code that differs.
    """
    squares = _squares(points.ranks, others.ranks)
    kind = np.int16 if _fits(points, others) else np.int32
    codes = np.ascontiguousarray(others.codes.T.astype(kind))
    own_codes = points.codes.astype(kind)
    step = max(1, BLOCK // max(len(others), 1))
    counts = np.uint8 if codes.shape[0] < 256 else np.uint16
    differ = np.empty((step, len(others)), np.bool_)
    for start in range(0, len(points), step):
        part = slice(start, min(start + step, len(points)))
        far = squares(part)
        if codes.shape[0]:
            buffer, total = differ[: len(far)], np.zeros(far.shape, counts)
            for i, theirs in enumerate(codes):
                np.not_equal(own_codes[part, i][:, None], theirs[None, :], out=buffer)
                total += buffer.view(np.uint8)  # a byte each: sixteen at once
            far += total
        yield part, far


def _squares(ranks: Floats32, others: Floats32) -> Callable[[slice], Floats32]:
    """Return what gives the squared distances of some ranks to all others."""
    if ranks.shape[1] <= DIRECT:

        def direct(part: slice) -> Floats32:
            far = np.zeros((len(ranks[part]), len(others)), np.float32)
            for own, other in zip(ranks[part].T, others.T):
                gap = own[:, None] - other[None, :]
                gap *= gap
                far += gap
            return far

        return direct
    # the middle at 0: products of small numbers lose fewer digits in the difference below
    own, known = ranks - np.float32(0.5), others - np.float32(0.5)
    lengths = np.einsum("ij,ij->i", known, known)

    def product(part: slice) -> Floats32:
        # |a - b|² = |a|² + |b|² - 2ab: one product of matrices for all columns
        far: Floats32 = own[part] @ known.T
        far *= np.float32(-2.0)
        far += lengths
        far += np.einsum("ij,ij->i", own[part], own[part])[:, None]
        return np.maximum(far, 0, out=far)

    return product


def exact(points: Points, others: Points, rows: IntArray) -> Floats:
    """Return squared distances to some others, ``(points, k)``, to the last digit.

    Those of :func:`distances` are near enough to choose by, and 0 of equal ones is not quite 0.

    Parameters
    ----------
    points, others : Points
    rows : ndarray of int64, shape (points, k)
    """
    found = np.empty(rows.shape)
    for i, chosen in enumerate(rows.T):
        gaps = points.ranks.astype(np.float64) - others.ranks[chosen]
        differ = points.codes != others.codes[chosen]
        found[:, i] = (gaps**2).sum(axis=1) + differ.sum(axis=1)
    return found


def _fits(*sides: Points) -> bool:
    return all(side.codes.max(initial=0) < 2**15 for side in sides)


def nearest(points: Points, others: Points, k: int = 1) -> tuple[Floats, IntArray]:
    """Return distances to the `k` nearest others, nearest first, and their rows.

    Parameters
    ----------
    points, others : Points
    k : int, default 1

    Returns
    -------
    distances : ndarray of float64, shape (points, k)
        From 0 (equal) to 1 (different in everything).
    rows : ndarray of int64, shape (points, k)
    """
    k = min(k, len(others))
    row_of = np.zeros((len(points), k), np.int64)
    for part, far in distances(points, others):
        if k <= 2:
            for i in range(k):
                rows = far.argmin(axis=1)
                row_of[part, i] = rows
                far[np.arange(len(far)), rows] = np.inf
        else:
            row_of[part] = np.argpartition(far, k - 1, axis=1)[:, :k]
    far_of = exact(points, others, row_of)
    order = np.lexsort((row_of, far_of), axis=1)
    far_of = np.take_along_axis(far_of, order, axis=1)
    row_of = np.take_along_axis(row_of, order, axis=1)
    return np.sqrt(far_of / max(len(points.names), 1)), row_of
