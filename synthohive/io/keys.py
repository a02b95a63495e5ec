"""Which row of another table a key leads to: joins by value, on Arrow tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import IntArray

__all__ = ["column_codes", "group_codes", "match_rows"]


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
    whole = np.concatenate(parts)
    if whole.max(initial=-1) < 4 * len(whole):  # as a rule: to mark codes takes less than to sort
        there = np.zeros(int(whole.max(initial=-1)) + 2, dtype=np.bool_)
        there[whole] = True
        there[-1] = False  # where code -1 is marked
        numbers = np.cumsum(there) - 1
        numbers[-1] = -1
        dense = numbers[whole]
    else:
        distinct, dense = np.unique(whole, return_inverse=True)
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
