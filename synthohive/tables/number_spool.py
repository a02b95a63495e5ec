"""One whole number for each row of a table, on disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from synthohive._arrays import AnyArray, Bools, IntArray

__all__ = ["PIECE", "NumberSpool", "stretches"]

PIECE = 262_144
"""Rows of a whole table that are looked at together. A constant: parents are chosen in such pieces,
so that the bytes of the output depend on it."""


def stretches(rows: int, most: int = PIECE) -> Iterator[tuple[int, int]]:
    """Yield where pieces of at most so many rows begin and end; an empty one if there are none."""
    for start in range(0, max(rows, 1), most):
        yield start, min(start + most, rows)


class NumberSpool:
    """Numbers of rows, from -1 on, in a file: held are only those that are looked at.

    Parameters
    ----------
    path : Path
        The file; what it held before is gone.
    parts : iterable of ndarray of int64
        One behind the other.
    """

    def __init__(self, path: Path, parts: Iterable[AnyArray]) -> None:
        self.path, self.rows = path, 0
        fresh = path.with_suffix(f"{path.suffix}.rewrite")  # parts may be read from the old one
        with fresh.open("wb") as file:
            for part in parts:
                file.write(np.ascontiguousarray(part, dtype=np.int64).tobytes())
                self.rows += len(part)
        os.replace(fresh, path)

    def move(self, folder: Path) -> None:
        """See :meth:`TableSpool.move`."""
        self.path = folder / self.path.name

    def __len__(self) -> int:
        return self.rows

    def slice(self, start: int, stop: int) -> IntArray:
        """Return the numbers of rows ``start … stop - 1``; as far as there are such."""
        count = max(min(stop, self.rows) - start, 0)
        return np.fromfile(self.path, dtype=np.int64, count=count, offset=8 * start)

    def whole(self) -> IntArray:
        """Return all numbers."""
        return self.slice(0, self.rows)

    def pieces(self) -> Iterator[IntArray]:
        """Yield all numbers, piece by piece."""
        for start, stop in stretches(self.rows):
            yield self.slice(start, stop)

    def take(self, rows: IntArray) -> IntArray:
        """Return the numbers of some rows; -1 for row -1. Only their span is read."""
        known = rows >= 0
        if not known.any():
            return np.full_like(rows, -1)
        low = int(rows[known].min())
        span = self.slice(low, int(rows[known].max()) + 1)
        return np.where(known, span[np.where(known, rows - low, 0)], -1)

    def kept(self, rows: Bools) -> NumberSpool:
        """Return the numbers of some rows only, in the place of all."""
        parts = zip(stretches(self.rows), self.pieces())
        return NumberSpool(self.path, (part[rows[at:end]] for (at, end), part in parts))
