"""Which parent row a child row refers to, and how many children a parent row has."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthohive.schema import Column, ForeignKey, Metadata
from synthohive.validation.encode import Floats

__all__ = ["child_counts", "parent_rows", "with_parent"]


def parent_rows(child: pa.Table, key: ForeignKey, parent: pa.Table) -> NDArray[np.int64]:
    """Return each child row's parent row; -1 for none."""
    left = child.select(key.columns).rename_columns(key.parent_columns)
    right = parent.select(key.parent_columns).cast(left.schema)
    right = right.append_column("__row__", pa.array(np.arange(len(parent))))
    left = left.append_column("__child__", pa.array(np.arange(len(child))))
    joined = left.join(right, keys=key.parent_columns, join_type="left outer")
    order = np.argsort(joined.column("__child__").to_numpy(), kind="stable")
    found = pc.fill_null(joined.column("__row__"), -1).to_numpy()
    return np.asarray(found[order], np.int64)


def child_counts(
    tables: Mapping[str, pa.Table], metadata: Metadata, parent: str
) -> dict[str, Floats]:
    """Return the number of children of each row of `parent`, by label of incoming key."""
    rows = tables[parent]
    counts = {}
    for child, key in metadata.foreign_keys():
        if key.parent == parent:
            at = parent_rows(tables[child], key, rows)
            found = np.bincount(at[at >= 0], minlength=len(rows))
            counts[key.label(child)] = found.astype(np.float64)
    return counts


def with_parent(
    tables: Mapping[str, pa.Table], metadata: Metadata, child: str, key: ForeignKey
) -> tuple[pa.Table, dict[str, Column]]:
    """Return the columns of the parent over one key, for each child row; no key columns."""
    parent = tables[key.parent]
    at = parent_rows(tables[child], key, parent)
    index = pa.array(at, mask=at < 0)
    config = metadata.tables[key.parent]
    arrays, columns = {}, {}
    for column in config.stored.values():
        if column.name not in config.key_columns:
            name = f"{column.name} over ({', '.join(key.columns)})"
            arrays[name] = parent.column(column.name).take(index)
            columns[name] = column.model_copy(update={"name": name})
    return pa.table(arrays), columns
