"""A few rows of each table that belong together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools
from synthohive.learn.fitted import FittedDatabase

__all__ = ["few_rows", "preview_sizes"]


def preview_sizes(fitted: FittedDatabase, rows: int) -> dict[str, int]:
    """Return the number of rows to make of each table: the same of all but look-up tables."""
    return {
        name: rows for name, table in fitted.shown.items() if table.reference is None and table.rows
    }


def few_rows(
    fitted: FittedDatabase, tables: Mapping[str, pa.Table], rows: int
) -> dict[str, pa.Table]:
    """Cut look-up tables, which are always whole, to what the other rows refer to.

    Children come first, as what is left of a look-up table decides about those it refers to.

    Parameters
    ----------
    fitted : FittedDatabase
    tables : dict of str to pyarrow.Table
        Those that users see, whole.
    rows : int
        How many a look-up table keeps; more, where more are referred to.
    """
    shown = dict(tables)
    for name in reversed(fitted.shown):
        if fitted.tables[name].reference is not None and len(shown[name]) > rows:
            used = _used(fitted, shown, name)
            spare = np.flatnonzero(~used)[: max(rows - int(used.sum()), 0)]
            used[spare] = True
            shown[name] = shown[name].filter(pa.array(used))
    return shown


def _used(fitted: FittedDatabase, shown: Mapping[str, pa.Table], name: str) -> Bools:
    """Return the rows that others refer to; over a key to the table itself, to any depth."""
    keys = [(c, k) for c, k in fitted.described.foreign_keys() if k.parent == name]
    used: Bools = np.zeros(len(shown[name]), dtype=np.bool_)
    # Rows of the table itself that are used may refer to others of it: until none is added.
    while True:
        before = int(used.sum())
        for child, key in keys:
            rows = shown[child] if child != name else shown[name].filter(pa.array(used))
            wanted = set(_tuples(rows, key.columns))
            used |= np.array([r in wanted for r in _tuples(shown[name], key.parent_columns)])
        if int(used.sum()) == before:
            return used


def _tuples(rows: pa.Table, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*(rows.column(name).to_pylist() for name in columns))
