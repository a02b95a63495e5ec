"""The rows that a sample refers to over further keys, read beside it: it is closed under all keys.

Nothing is learned of their table from them: a parent of a thousand children comes in nearly always,
one of a single child hardly ever. What children have to do with their parents is learned from whole
pairs, though: each drawn row has all of its parents, in circles and hierarchies, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa

from synthohive._logging import get_logger
from synthohive.io.keys import group_codes, match_rows
from synthohive.schema import ForeignKey, Metadata

__all__ = ["Find", "referred_rows"]

log = get_logger(__name__)
Find = Callable[[ForeignKey, pa.Table], pa.Table]
"""Returns the rows that a key leads to, given its columns' values under the parent's names."""


def referred_rows(
    metadata: Metadata, drawn: Mapping[str, pa.Table], room: Mapping[str, int], find: Find
) -> dict[str, pa.Table]:
    """Return what drawn rows refer to, and what that refers to, and is not among them.

    Parameters
    ----------
    metadata : Metadata
    drawn : mapping of str to pyarrow.Table
    room : mapping of str to int
        Most rows of each table; where there are more, some are found, evenly spread.
    find : callable

    Returns
    -------
    dict of str to pyarrow.Table
        Of the tables that have any, in an order that follows from that of the drawn rows.
    """
    found: dict[str, list[pa.Table]] = {name: [] for name in drawn}
    left, waiting = dict(room), dict(drawn)
    while waiting:  # each round has other rows, of which there are only so many
        fresh: dict[str, list[pa.Table]] = {}
        for table, key in metadata.foreign_keys():
            parent = key.parent
            if left.get(parent, 0) <= 0 or not len(waiting.get(table, ())):
                continue
            known = [drawn[parent], *found[parent]]
            keys = _lacking(waiting[table], key, known)
            more = len(keys) - left[parent]
            if more > 0:
                log.warning("parents_not_read", key=key.label(table), rows=more)
                some = np.linspace(0, len(keys) - 1, left[parent]).astype(np.int64)
                keys = keys.take(pa.array(some))
            if len(keys):
                rows = _in_order(find(key, keys), keys, key)
                left[parent] -= len(rows)
                found[parent].append(rows)
                fresh.setdefault(parent, []).append(rows)
        waiting = {name: pa.concat_tables(parts) for name, parts in fresh.items()}
        waiting = {name: rows for name, rows in waiting.items() if len(rows)}
    tables = {name: pa.concat_tables(parts) for name, parts in found.items() if parts}
    return {name: rows.combine_chunks() for name, rows in tables.items() if len(rows)}


def _lacking(rows: pa.Table, key: ForeignKey, known: list[pa.Table]) -> pa.Table:
    """Return the values of a key, once each, that lead to none of some parents."""
    columns = list(key.parent_columns)
    keys = rows.select(key.columns).rename_columns(columns)
    there = pa.concat_tables([part.select(columns) for part in known])
    codes = group_codes([keys], [columns])[0]
    open_ = np.flatnonzero((codes >= 0) & (match_rows(keys, columns, there, columns) < 0))
    first = np.sort(np.unique(codes[open_], return_index=True)[1])
    return keys.take(pa.array(open_[first]))


def _in_order(rows: pa.Table, keys: pa.Table, key: ForeignKey) -> pa.Table:
    """Return the rows of some keys in the order of these, whatever order they came in."""
    at = match_rows(keys, key.parent_columns, rows, key.parent_columns)
    return rows.take(pa.array(at[at >= 0]))
