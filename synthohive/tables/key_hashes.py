"""Hashes of key values: independent of the block that they stand in, and of their Arrow type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, IntArray
from synthohive._random import hashed

__all__ = ["NO_KEY", "Seen", "combined", "key_hashes", "repeats"]

U64 = npt.NDArray[np.uint64]
NO_KEY = np.uint64(0)
"""The hash of a key with a NULL in it, which repeats and refers to nothing (SQL)."""
MOST_BYTES = 512
"""Longer texts are hashed one by one: a matrix of their bytes would be mostly padding."""


def key_hashes(
    rows: pa.Table,
    columns: Sequence[str],
    types: Sequence[pa.DataType],
    *,
    nulls_distinct: bool = True,
) -> U64:
    """Hash each row's values of some columns; :data:`NO_KEY` where one is NULL.

    Parameters
    ----------
    rows : pyarrow.Table
    columns : sequence of str
    types : sequence of pyarrow.DataType
        To which values are cast before: those of the columns referred to, so that equal
        keys have equal hashes in both tables.
    nulls_distinct : bool, default True
        False hashes NULL as a value like others.
    """
    return combined(len(rows), _hashed_columns(rows, columns, types, nulls_distinct))


def combined(size: int, parts: Iterable[tuple[U64, Bools]]) -> U64:
    """Hash the values of several columns together; :data:`NO_KEY` where one is NULL.

    Parts are, for each column, 64 bits for each of `size` rows, and where these are NULL.
    """
    total, null = np.zeros(size, dtype=np.uint64), np.zeros(size, dtype=np.bool_)
    for position, (values, empty) in enumerate(parts):
        null |= empty
        # The position is the seed: (1, 2) and (2, 1) are not the same.
        total = hashed(total ^ values, position + 1)
    # | 1: no hash is 0, which is NO_KEY.
    return np.where(null, NO_KEY, total | np.uint64(1))


def _hashed_columns(
    rows: pa.Table, columns: Sequence[str], types: Sequence[pa.DataType], nulls_distinct: bool
) -> Iterator[tuple[U64, Bools]]:
    for name, type_ in zip(columns, types):
        column = rows.column(name)
        column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if column.type != type_:
            column = pc.cast(column, type_)
        empty = pc.is_null(column).to_numpy(zero_copy_only=False)
        yield np.where(empty, np.uint64(0), _values(column)), empty & nulls_distinct


class Seen:
    """Hashes that stood before, in sorted runs.

    A run is merged with the one before it when that is no more than twice as long: each hash is so
    often merged as the number of blocks can be halved, where one sorted array would be sorted anew
    for each block.
    """

    def __init__(self) -> None:
        self.runs: list[U64] = []

    def add(self, hashes: U64) -> None:
        """Take hashes in, but :data:`NO_KEY`."""
        run = np.sort(hashes[hashes != NO_KEY])
        while self.runs and len(self.runs[-1]) <= 2 * len(run):
            # stable: an order of runs that are sorted is found in one pass over them
            run = np.sort(np.concatenate([self.runs.pop(), run]), kind="stable")
        if len(run):
            self.runs.append(run)

    def holds(self, hashes: U64) -> Bools:
        """Return which of some hashes stood before."""
        found = np.zeros(len(hashes), dtype=np.bool_)
        for run in self.runs:
            found |= run[np.minimum(np.searchsorted(run, hashes), len(run) - 1)] == hashes
        return found


def repeats(hashes: U64, seen: Optional[Seen] = None) -> IntArray:
    """Return the rows whose hash stands before them, or in `seen`."""
    # Stable: of equal hashes, the first row repeats nothing.
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    again = np.r_[False, ordered[1:] == ordered[:-1]][: len(ordered)]
    if seen is not None:
        again = again | seen.holds(ordered)
    return np.sort(order[again & (ordered != NO_KEY)]).astype(np.int64)


def _values(column: pa.Array) -> U64:
    """Return 64 bits for each value, the same for equal ones; anything where it is NULL."""
    type_ = column.type
    if pa.types.is_boolean(type_):
        column, type_ = pc.cast(column, pa.int8()), pa.int8()
    if pa.types.is_temporal(type_) and type_.bit_width in (32, 64):
        column = column.view(pa.int32() if type_.bit_width == 32 else pa.int64())
        type_ = column.type
    if pa.types.is_integer(type_):
        numbers = pc.fill_null(column, 0).to_numpy(zero_copy_only=False)
        return hashed(numbers.astype(np.int64).view(np.uint64), 11)
    if pa.types.is_floating(type_):
        floats = pc.fill_null(pc.cast(column, pa.float64()), 0.0).to_numpy(zero_copy_only=False)
        return hashed((floats + 0.0).view(np.uint64), 12)  # +0.0: the two zeros are equal
    if pa.types.is_decimal(type_):
        width = type_.bit_width // 64
        words = np.frombuffer(column.buffers()[1], dtype=np.uint64)
        own = words[column.offset * width : (column.offset + len(column)) * width]
        return _mixed(own.reshape(len(column), width))
    if pa.types.is_string(type_) or pa.types.is_binary(type_):
        return _texts(column)
    coded = column.dictionary_encode() if not pa.types.is_nested(type_) else column
    known = coded.dictionary if isinstance(coded, pa.DictionaryArray) else coded
    texts = _texts(pa.array([repr(v) for v in known.to_pylist()], pa.string()))
    if not isinstance(coded, pa.DictionaryArray):
        return texts
    index = pc.fill_null(coded.indices, 0).to_numpy(zero_copy_only=False)
    return texts[index] if len(texts) else np.zeros(len(column), dtype=np.uint64)


def _texts(column: pa.Array) -> U64:
    """Hash the bytes of texts: in the words of a matrix, as no loop over rows is needed so."""
    offsets, data = _buffers(column)
    lengths = np.diff(offsets)
    longest = int(lengths.max(initial=0))
    if longest > MOST_BYTES:
        return _long_texts(column, lengths)
    width = -(-longest // 8)
    matrix = np.zeros((len(column), width * 8), dtype=np.uint8)
    inside = np.arange(width * 8) < lengths[:, None]
    # The bytes of all texts lie one behind the other, as the matrix is filled: row by row.
    matrix[inside] = data[offsets[0] : offsets[-1]] if len(offsets) else data
    words = matrix.view(np.uint64)
    total = hashed(lengths.astype(np.uint64), 13)
    for place in range(width):  # words beyond a text's end must not count
        more = hashed(total ^ words[:, place], 14)
        total = np.where(lengths > place * 8, more, total)
    return total


def _buffers(column: pa.Array) -> tuple[IntArray, npt.NDArray[np.uint8]]:
    """Return where each value begins and ends, and the bytes of all."""
    large = pa.types.is_large_string(column.type) or pa.types.is_large_binary(column.type)
    _, ends, data = column.buffers()
    kind = np.int64 if large else np.int32
    own = np.frombuffer(ends, dtype=kind) if ends is not None else np.zeros(1, dtype=kind)
    offsets = own[column.offset : column.offset + len(column) + 1].astype(np.int64)
    flat = np.frombuffer(data, dtype=np.uint8) if data is not None else np.zeros(0, np.uint8)
    return offsets, flat


def _long_texts(column: pa.Array, lengths: IntArray) -> U64:
    """Hash texts in pieces of equal length classes, so that padding stays small."""
    total = np.zeros(len(column), dtype=np.uint64)
    short = lengths <= MOST_BYTES
    total[short] = _texts(pa.concat_arrays([column.filter(pa.array(short))]))
    for row in np.flatnonzero(~short):
        value: Any = column[int(row)].as_py()
        data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else (value or b"")
        padded = data + b"\0" * (-len(data) % 8)
        words = hashed(np.frombuffer(padded, dtype=np.uint64), 14)
        places = hashed(np.arange(len(words), dtype=np.uint64), len(data))
        total[row] = np.bitwise_xor.reduce(hashed(words ^ places, 15))
    return total


def _mixed(words: U64) -> U64:
    total = np.zeros(len(words), dtype=np.uint64)
    for place in range(words.shape[1]):
        total = hashed(total ^ words[:, place], 16)
    return total
