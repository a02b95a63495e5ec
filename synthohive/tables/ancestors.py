"""Rows beside those of their ancestors over driving keys, by row number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.io.questions import Route
from synthohive.schema import ForeignKey
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.base import Tables
from synthohive.tables.joins import match_rows

__all__ = [
    "WithParents",
    "ancestor_columns",
    "hstack",
    "routes",
    "with_column",
    "with_rows",
    "with_values",
]


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


def routes(plan: RelationalPlan, key: Optional[ForeignKey]) -> Iterator[tuple[str, Route]]:
    """Yield the tables above the rows of a key, nearest first, each with the keys that lead there.

    Parameters
    ----------
    plan : RelationalPlan
    key : ForeignKey, optional
        The first of them; the others are driving keys. None: there is nothing above.
    """
    route: Route = ()
    while key is not None and all(key.parent != before.parent for before in route):
        route = (*route, key)
        yield key.parent, route
        key = plan.tables[key.parent].driver


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

    @property
    def keys(self) -> list[ForeignKey]:
        """Those to the parents whose columns are given."""
        return [key for key, _, _ in self._parents]

    def __call__(self, rows: pa.Table, known: Optional[Mapping[str, IntArray]] = None) -> pa.Table:
        """Return rows, which hold the keys, with the columns.

        Parameters
        ----------
        rows : pyarrow.Table
        known : mapping of str to ndarray of int64, optional
            The parent row of each over each key, by ``key.label("")``; else they are found by
            values.
        """
        for key, keys, values in self._parents:
            if known is None:
                at = match_rows(rows, key.columns, keys, key.parent_columns)
            else:
                at = known[key.label("")]
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
    for name in fresh.column_names:
        rows = with_column(rows, name, with_values(rows.column(name), at, fresh.column(name)))
    return rows


def with_values(values: Any, at: IntArray, fresh: Any) -> pa.Array:
    """Return values of which some are others.

    Parameters
    ----------
    values, fresh : pyarrow.Array or ChunkedArray
        The old ones, and one for each of `at`, which is cast to their type.
    at : ndarray of int64, shape (n,)
        Their places, each once.
    """
    old, new = (pa.chunked_array([v]) if isinstance(v, pa.Array) else v for v in (values, fresh))
    both = pa.chunked_array([*old.chunks, *new.cast(old.type).chunks], old.type).combine_chunks()
    # Behind the old values stand the new ones: one gather, as pc.replace_with_mask knows few types.
    source = np.arange(len(values), dtype=np.int64)
    source[at] = len(values) + np.arange(len(at))
    return both.take(pa.array(source))
