"""Rows beside those of their ancestors over driving keys, by row number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.schema import ForeignKey
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.base import Tables
from synthohive.tables.joins import match_rows

__all__ = ["WithParents", "ancestor_columns", "hstack", "with_column", "with_rows"]


def ancestor_columns(
    source: Tables, plan: RelationalPlan, table: str, rows: IntArray, names: Iterable[str]
) -> pa.Table:
    """Return columns of rows of a table and of their ancestors, as ``table.column``.

    Parameters
    ----------
    rows : ndarray of int64
        Row numbers of `table`; -1 gives NULL.
    names : iterable of str
        As ``table.column``; those of tables that are neither it nor ancestors are passed over.
    """
    names, gathered = list(dict.fromkeys(names)), dict[str, pa.ChunkedArray]()
    for current in (table, *plan.tables[table].ancestors):
        start = f"{current}."
        columns = [name[len(start) :] for name in names if name.startswith(start)]
        if columns:
            values = source.take(current, columns, rows)
            gathered.update({f"{start}{name}": values.column(name) for name in columns})
        driver = plan.tables[current].driver
        if driver is not None:
            rows = source.parents_of(current, driver, rows)
    return pa.table(gathered)


class WithParents:
    """Gives rows of a table the columns of some of their parents, as ``table.column``.

    Parameters
    ----------
    above : sequence of (str, ForeignKey)
        The columns, of parents and of their ancestors, each with the key to it.
    plan : RelationalPlan
    source : Tables
        Where these tables are.
    """

    def __init__(
        self, above: Sequence[tuple[str, ForeignKey]], plan: RelationalPlan, source: Tables
    ) -> None:
        self._parents: list[tuple[ForeignKey, pa.Table, pa.Table]] = []
        for key in {key.label(""): key for _, key in above}.values():
            names = sorted(name for name, one in above if one == key)
            keys = source.columns(key.parent, key.parent_columns)
            # as many as are read: a live database may have more by now than were counted
            everyone = np.arange(len(keys), dtype=np.int64)
            values = ancestor_columns(source, plan, key.parent, everyone, names)
            self._parents.append((key, keys, values))

    def __call__(self, rows: pa.Table) -> pa.Table:
        """Return rows, which hold the keys, with the columns."""
        for key, keys, values in self._parents:
            at = match_rows(rows, key.columns, keys, key.parent_columns)
            rows = hstack(rows, values.take(pa.array(at, mask=at < 0)))
        return rows


def hstack(rows: pa.Table, above: pa.Table) -> pa.Table:
    """Return rows with the columns of others, row by row; own names come first."""
    if not rows.num_columns:
        return above
    for name in above.column_names:
        if name not in rows.column_names:
            rows = rows.append_column(name, above.column(name))
    return rows


def with_column(rows: pa.Table, name: str, values: Any) -> pa.Table:
    """Return rows with other values in one of their columns, of the same type.

    Parameters
    ----------
    rows : pyarrow.Table
    name : str
        One of its columns; where it stands, and its field, stay.
    values : pyarrow.Array or ChunkedArray
        One for each row. A value that the column's type cannot hold raises ``ArrowInvalid``.
    """
    position = rows.column_names.index(name)
    field = rows.field(position)
    return rows.set_column(position, field, values.cast(field.type))


def with_rows(rows: pa.Table, at: IntArray, fresh: pa.Table) -> pa.Table:
    """Return rows of which some have other values, in the columns of `fresh`.

    Parameters
    ----------
    rows : pyarrow.Table
    at : ndarray of int64, shape (n,)
        Row numbers, each once.
    fresh : pyarrow.Table
        One row for each of them, in their order; cast to the types of `rows`.
    """
    source = np.arange(len(rows), dtype=np.int64)
    # Behind the old rows stand the new ones: one gather, for types that no replacement knows, too.
    source[at] = len(rows) + np.arange(len(at))
    for name in fresh.column_names:
        type_ = rows.schema.field(name).type
        parts = [*rows.column(name).chunks, *fresh.column(name).cast(type_).chunks]
        both = pa.chunked_array(parts, type_).combine_chunks()
        rows = with_column(rows, name, both.take(pa.array(source)))
    return rows
