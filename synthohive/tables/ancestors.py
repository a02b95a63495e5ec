"""Rows beside those of their ancestors over driving keys, by row number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.base import Tables

__all__ = ["hstack", "by_table", "ancestor_columns", "with_column"]


def ancestor_columns(
    source: Tables,
    plan: RelationalPlan,
    table: str,
    rows: IntArray,
    wanted: Mapping[str, Sequence[str]],
) -> pa.Table:
    """Return columns of rows of a table and of their ancestors, as ``table.column``.

    Parameters
    ----------
    rows : ndarray of int64
        Row numbers of `table`; -1 gives NULL.
    wanted : mapping of str to sequence of str
        Columns of the table itself and of its driving ancestors.
    """
    gathered: dict[str, pa.ChunkedArray] = {}
    for current in (table, *plan.tables[table].ancestors):
        columns = wanted.get(current, ())
        if columns:
            values = source.take(current, columns, rows)
            gathered.update({f"{current}.{name}": values.column(name) for name in columns})
        driver = plan.tables[current].driver
        if driver is not None:
            rows = source.parents_of(current, driver, rows)
    return pa.table(gathered)


def by_table(names: Iterable[str], tables: Sequence[str]) -> dict[str, list[str]]:
    """Group names written as ``table.column``."""
    names = sorted(set(names))
    return {
        table: [n[len(table) + 1 :] for n in names if n.startswith(f"{table}.")] for table in tables
    }


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
