"""Joins by key on Arrow tables: which parent row a child row refers to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import IntArray
from synthohive.io.questions import Shares

__all__ = [
    "column_codes",
    "distinct_pairs",
    "group_codes",
    "match_rows",
    "may_never_repeat",
    "never_repeat",
]


def column_codes(parts: Sequence[pa.ChunkedArray]) -> tuple[list[IntArray], pa.Array]:
    """Give each distinct value of one column a number, across tables, NULL -1; and these values."""
    values = [
        part.combine_chunks() if isinstance(part, pa.ChunkedArray) else part for part in parts
    ]
    target = values[0].type
    types = {value.type for value in values}
    if len(types) > 1 and all(map(pa.types.is_integer, types)) and pa.uint64() not in types:
        target = pa.int64()  # a smallint may refer to an integer
    chunks = [v if v.type == target else pc.cast(v, target) for v in values]
    coded = pa.chunked_array(chunks, type=target).dictionary_encode()  # one dictionary for all
    indices = pa.chunked_array([c.indices for c in coded.chunks], type=pa.int32())
    codes = pc.fill_null(indices.cast(pa.int64()), -1).to_numpy()
    bounds = np.cumsum([len(v) for v in values])[:-1]  # empty parts have no chunk
    dictionary = coded.chunk(0).dictionary if coded.num_chunks else pa.array([], target)
    return [np.asarray(c, dtype=np.int64) for c in np.split(codes, bounds)], dictionary


def group_codes(tables: Sequence[pa.Table], columns: Sequence[Sequence[str]]) -> list[IntArray]:
    """Give each distinct key value a number, across tables; -1 where any column is NULL.

    Parameters
    ----------
    tables : sequence of pyarrow.Table
    columns : sequence of sequence of str
        The key's columns in each table, of the same number and comparable types.
    """
    total: list[IntArray] = [np.zeros(len(t), dtype=np.int64) for t in tables]
    for position in range(len(columns[0])):
        parts, values = column_codes([t.column(c[position]) for t, c in zip(tables, columns)])
        joined = [
            np.where((old < 0) | (new < 0), -1, old * max(len(values), 1) + new)
            for old, new in zip(total, parts)
        ]
        if position + 1 < len(columns[0]):  # so that products cannot overflow
            joined = _dense(joined)
        total = joined
    return total


def _dense(parts: list[IntArray]) -> list[IntArray]:
    """Return the codes of several tables numbered anew, from 0 on without gaps; -1 stays."""
    distinct, dense = np.unique(np.concatenate(parts), return_inverse=True)
    dense = dense.reshape(-1).astype(np.int64) - int((distinct[:1] == -1).sum())
    return list(np.split(dense, np.cumsum([len(part) for part in parts])[:-1]))


def match_rows(
    child: pa.Table, columns: Sequence[str], parent: pa.Table, parent_columns: Sequence[str]
) -> IntArray:
    """Return each child row's parent row, the first of equal ones; -1 for none or a NULL key.

    Parameters
    ----------
    child, parent : pyarrow.Table
    columns, parent_columns : sequence of str
        The key's columns in either, of the same number and comparable types.
    """
    child_codes, parent_codes = group_codes([child, parent], [columns, parent_columns])
    size = int(max(child_codes.max(initial=-1), parent_codes.max(initial=-1))) + 1
    if size > 4 * (len(child) + len(parent)) + 16:  # sparse products of composite keys
        child_codes, parent_codes = _dense([child_codes, parent_codes])
        size = len(child) + len(parent)
    # A table by code instead of a sort: one step for each row, as codes are dense.
    lookup = np.full(size + 1, -1, dtype=np.int64)  # the last slot serves code -1
    with_key = np.flatnonzero(parent_codes >= 0)[::-1]  # reversed: the first of equal rows wins
    lookup[parent_codes[with_key]] = with_key
    parent_rows: IntArray = lookup[child_codes]
    return parent_rows


def distinct_pairs(left: IntArray, right: IntArray) -> tuple[IntArray, IntArray]:
    """Return the distinct ``(left, right)`` pairs without negative members."""
    valid = (left >= 0) & (right >= 0)
    pairs = np.unique(np.stack([left[valid], right[valid]], axis=1), axis=0)
    return pairs[:, 0], pairs[:, 1]


def never_repeat(codes: Sequence[IntArray], least: float = 0.0) -> bool:
    """Whether no two rows have the same number in all places, where chance would let some.

    Parameters
    ----------
    codes : sequence of ndarray of int64, shape (rows,)
        The numbers of each place; a row with a negative one says nothing.
    least : float
        Pairs of rows that would be equal in all places, were these independent.
    """
    linked = np.all([each >= 0 for each in codes], axis=0)
    count = int(linked.sum())
    sizes = [np.unique(each[linked], return_counts=True)[1].astype(np.float64) for each in codes]
    shares = Shares(count, tuple(map(len, sizes)), tuple(float(one @ one) for one in sizes))
    if not may_never_repeat(shares, least):
        return False
    code = np.zeros(count, dtype=np.int64)
    for each in codes:
        code = code * (int(each.max(initial=0)) + 1) + each[linked]
        # Dense after each place, so that products fit in 64 bits.
        code = np.unique(code, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return int(code.max(initial=-1)) == count - 1


def may_never_repeat(shares: Shares, least: float) -> bool:
    """Whether rows could differ in some place, all of them, though chance would make some equal.

    Examples
    --------
    >>> may_never_repeat(Shares(100, (10, 10), (1000.0, 1000.0)), 30.0)
    True
    >>> may_never_repeat(Shares(101, (10, 10), (1021.0, 1021.0)), 30.0)
    False
    """
    count = shares.count
    pairs, distinct = count * (count - 1) / 2.0, 1.0
    for number, (values, squares) in enumerate(zip(shares.distinct, shares.squares)):
        # The chance that two rows are equal here. Of the first place, which groups rows, without
        # the row itself: groups of one row say nothing.
        less = 1 if number == 0 else 0
        pairs *= (squares - less * count) / max(count * (count - less), 1)
        distinct *= values
    # More rows than combinations: some must repeat.
    return pairs >= least and count <= distinct
