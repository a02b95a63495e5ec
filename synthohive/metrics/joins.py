"""Which parent row a child row refers to; rows beside their parents and children."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Floats, IntArray
from synthohive.exceptions import SchemaError
from synthohive.metrics.encode import floats_of, ranked, view_of
from synthohive.metrics.harmonise import Tables, as_text, table_of
from synthohive.schema import Column, ForeignKey, Metadata
from synthohive.schema.checks import joinable
from synthohive.schema.columns import column_from_arrow

__all__ = [
    "Described",
    "attributes",
    "child_shares",
    "key_sides",
    "numbered",
    "parent_rows",
    "read_tables",
    "routes_up",
    "rows_of",
    "series_of",
    "with_ancestor",
    "with_children",
    "with_parents",
]

_SHARES = 5  # most frequent categories of children
Described = dict[str, Optional[Column]]
"""Columns, and what they are where that was said."""


def read_tables(tables: Tables, metadata: Metadata) -> dict[str, pa.Table]:
    """Return the tables of a database that are there, each read once."""
    return {name: table_of(tables[name], name) for name in metadata.tables if name in tables}


def rows_of(tables: Mapping[str, pa.Table], name: str) -> pa.Table:
    """Return one table of a database, which has to be there."""
    if name not in tables:
        raise SchemaError.unknown_table(name, tables, "the data")
    return tables[name]


def attributes(
    tables: Mapping[str, pa.Table], metadata: Metadata, name: str
) -> tuple[pa.Table, Described]:
    """Return a table's columns besides its keys, and what is said of them.

    Parameters
    ----------
    tables : mapping of str to pyarrow.Table
    metadata : Metadata
        Where it describes columns of the table, these are taken; else all.
    name : str
    """
    config, rows = metadata.table(name), rows_of(tables, name)
    names = [n for n in config.stored or rows.column_names if n not in config.key_columns]
    return _chosen(rows, names), {n: config.columns.get(n) for n in names}


def parent_rows(child: Any, key: ForeignKey, parent: Any) -> IntArray:
    """Return each child row's parent row.

    Parameters
    ----------
    child, parent : DataFrame, pyarrow.Table or dict of columns
    key : ForeignKey
        Its columns may have other types than the parent's.

    Returns
    -------
    ndarray of int64, of shape (child rows,)
        From 0; -1 for none: the key has a NULL, or nothing to refer to.

    Examples
    --------
    >>> key = ForeignKey(columns=["customer"], parent="customers", parent_columns=["id"])
    >>> parent_rows({"customer": [7, 9, None, 1]}, key, {"id": [9, 7]})
    array([ 1,  0, -1, -1])
    """
    left, right = key_sides(child, key.columns, parent, key.parent_columns)
    names = left.column_names
    right = right.append_column("row", pa.array(np.arange(len(right))))
    # a hash join gives rows in any order: the numbers put them back
    left = left.append_column("child", pa.array(np.arange(len(left))))
    joined = left.join(right, keys=names, join_type="left outer")
    order = np.argsort(joined.column("child").to_numpy(), kind="stable")
    rows = pc.fill_null(joined.column("row"), -1).to_numpy()
    return np.asarray(rows[order], np.int64)


def key_sides(
    child: Any, columns: Sequence[str], parent: Any, parent_columns: Sequence[str]
) -> tuple[pa.Table, pa.Table]:
    """Return both ends of a key, all rows, under the same names and types.

    Parameters
    ----------
    child, parent : DataFrame, pyarrow.Table or dict of columns
    columns, parent_columns : sequence of str
        The key, and what it refers to, in the same order.
    """
    ends = [
        _chosen(table_of(table), names)
        for table, names in ((child, columns), (parent, parent_columns))
    ]
    joined = joinable(*ends)
    if joined is None:  # of types that cannot be joined, as text
        names = [f"k{i}" for i in range(len(columns))]
        left, right = (pa.table([as_text(c) for c in end.columns], names=names) for end in ends)
        return left, right
    return joined


def _chosen(rows: pa.Table, names: Sequence[str]) -> pa.Table:
    for name in names:
        if name not in rows.column_names:
            raise SchemaError.unknown_column("rows", name, rows.column_names)
    return rows.select(list(names))


def with_parents(
    tables: Tables, metadata: Metadata, table: str, *keys: ForeignKey
) -> tuple[pa.Table, Described]:
    """Return a table's rows beside the columns of their parents.

    Parameters
    ----------
    tables : dict of str to DataFrame, pyarrow.Table or dict of columns
    metadata : Metadata
        Keys, and columns where they are described.
    table : str
    *keys : ForeignKey
        Over which; all of the table's by default.

    Returns
    -------
    pyarrow.Table
        As many rows as the table has, in its order; without key columns. Parents' columns are
        called ``column over (key)``.
    dict of str to Column or None
        What is known of the columns, for the other metrics' `columns`.

    Examples
    --------
    >>> metadata = Metadata().add_table("shops", "id")
    >>> metadata = metadata.add_table("sales", fk={"shop": "shops.id"})
    >>> tables = {"shops": {"id": [1, 2], "town": ["Ulm", "Bonn"]},
    ...           "sales": {"shop": [2, 1, 2], "price": [3.0, 4.0, 5.0]}}
    >>> beside, _ = with_parents(tables, metadata, "sales")
    >>> beside.column_names, beside["town over (shop)"].to_pylist()
    (['price', 'town over (shop)'], ['Bonn', 'Ulm', 'Bonn'])
    """
    tables = read_tables(tables, metadata)
    rows, columns = attributes(tables, metadata, table)
    arrays: dict[str, Any] = {name: rows.column(name) for name in columns}
    # by the key in the name: two keys to one parent (from and to) lead to columns of the same name
    for key in keys or metadata.table(table).foreign_keys:
        above, known = attributes(tables, metadata, key.parent)
        at = parent_rows(rows_of(tables, table), key, rows_of(tables, key.parent))
        index = pa.array(at, mask=at < 0)  # a NULL index takes NULL: there is no parent
        for name, column in known.items():
            label = f"{name} over ({', '.join(key.columns)})"
            arrays[label] = above.column(name).take(index)
            columns[label] = column and column.model_copy(update={"name": label})
    return pa.table(arrays), columns


def numbered(column: pa.ChunkedArray) -> IntArray:
    """Return a number for each value of a column; NULL is one, too."""
    codes = column.combine_chunks().dictionary_encode(null_encoding="encode").indices
    return np.asarray(codes, np.int64)


def series_of(at: IntArray, *codes: IntArray) -> IntArray:
    """Return a dense number for each parent row with each combination of codes; -1 without one.

    Examples
    --------
    >>> series_of(np.array([4, -1, 4, 7]), np.array([0, 0, 1, 0]))
    array([ 0, -1,  1,  2])
    """
    known, found = at >= 0, np.full(len(at), -1)
    number = np.unique(at[known], return_inverse=True)[1].reshape(-1)
    for each in codes:
        # dense each time: products of many would not fit
        pairs = number * (int(each.max(initial=0)) + 1) + each[known]
        number = np.unique(pairs, return_inverse=True)[1].reshape(-1)
    found[known] = number
    return found


def routes_up(metadata: Metadata, table: str) -> list[tuple[ForeignKey, ...]]:
    """Return the keys that lead from a table to each above it, no table twice in a route."""
    found: list[tuple[ForeignKey, ...]] = []
    # of each route the tables it has been to, which a circle would lead to again
    ends: list[tuple[tuple[ForeignKey, ...], tuple[str, ...]]] = [((), (table,))]
    while ends:
        route, seen = ends.pop(0)
        for key in metadata.table(seen[-1]).foreign_keys:
            if key.parent not in seen:
                found.append((*route, key))
                ends.append((found[-1], (*seen, key.parent)))
    return found


def with_ancestor(
    tables: Mapping[str, pa.Table], metadata: Metadata, table: str, route: Sequence[ForeignKey]
) -> tuple[pa.Table, Described]:
    """Return a table's rows beside the columns of the rows that keys lead to, one after another.

    Parameters
    ----------
    tables : mapping of str to pyarrow.Table
    metadata : Metadata
    table : str
    route : sequence of ForeignKey
        The first of the table, each other of the parent of the one before.
    """
    rows, columns = attributes(tables, metadata, table)
    arrays: dict[str, Any] = {name: rows.column(name) for name in columns}
    at, below = np.arange(len(rows_of(tables, table))), table
    for key in route:
        step = parent_rows(rows_of(tables, below), key, rows_of(tables, key.parent))
        at = np.append(step, -1)[at]  # who has no parent has no grandparent: -1 takes the last
        below = key.parent
    above, known = attributes(tables, metadata, below)
    index = pa.array(at, mask=at < 0)
    for name, column in known.items():
        label = f"{name} of {below}"
        arrays[label] = above.column(name).take(index)
        columns[label] = column and column.model_copy(update={"name": label})
    return pa.table(arrays), columns


def with_children(
    tables: Tables, metadata: Metadata, table: str, *, spread: bool = False
) -> tuple[pa.Table, Described]:
    """Return a table's rows beside aggregates of their children over each key.

    Parameters
    ----------
    tables : dict of str to DataFrame, pyarrow.Table or dict of columns
    metadata : Metadata
        Keys, and columns where they are described.
    table : str
    spread : bool, default False
        Also the standard deviation of each such column, and of each category how many different
        values there are.

    Returns
    -------
    pyarrow.Table
        As many rows as the table has, in its order; without key columns. Added are the number
        of children, and the mean, least and greatest of each of their columns of numbers or
        times.
    dict of str to Column or None
        What is known of the columns, for the other metrics' `columns`.

    Examples
    --------
    >>> metadata = Metadata().add_table("shops", "id")
    >>> metadata = metadata.add_table("sales", fk={"shop": "shops.id"})
    >>> tables = {"shops": {"id": [1, 2], "town": ["Ulm", "Bonn"]},
    ...           "sales": {"shop": [2, 1, 2], "price": [3.0, 4.0, 5.0]}}
    >>> beside, _ = with_children(tables, metadata, "shops")
    >>> beside["count of sales(shop)"].to_pylist(), beside["mean price of sales(shop)"].to_pylist()
    ([1.0, 2.0], [4.0, 4.0])
    """
    tables = read_tables(tables, metadata)
    rows, columns = attributes(tables, metadata, table)
    arrays: dict[str, Any] = {name: rows.column(name) for name in columns}
    for child, key in metadata.foreign_keys():
        if key.parent == table:
            for name, values in _aggregates(tables, metadata, child, key, spread).items():
                arrays[name] = values
                columns[name] = Column(name=name, kind="float", arrow="double")
    return pa.table(arrays), columns


def _aggregates(
    tables: Mapping[str, pa.Table], metadata: Metadata, name: str, key: ForeignKey, spread: bool
) -> dict[str, Floats]:
    child, known = attributes(tables, metadata, name)
    parents = rows_of(tables, key.parent)
    at, size = parent_rows(rows_of(tables, name), key, parents), len(parents)
    label = f"{name}({', '.join(key.columns)})"
    held = np.flatnonzero(at >= 0)  # NULL, and orphans, belong to no parent's aggregates
    number = np.bincount(at[held], minlength=size).astype(np.float64)
    found = {f"count of {label}": number}
    for column, said in known.items():
        array = child.column(column)
        view = view_of(said or column_from_arrow(child.schema.field(column)), array)
        if view == "categories" and spread:
            found[f"different {column} of {label}"] = _different(array, at, size)
        if view != "numbers":
            continue
        values = floats_of(array)
        rows = held[~np.isnan(values[held])]
        # `.at` counts each child, where plain indexing would keep one for each parent
        low, high = np.full(size, np.inf), np.full(size, -np.inf)
        np.minimum.at(low, at[rows], values[rows])
        np.maximum.at(high, at[rows], values[rows])
        total = np.bincount(at[rows], weights=values[rows], minlength=size)
        count = np.bincount(at[rows], minlength=size)
        empty = count == 0  # a mean of none is no 0, and the least of none is not infinite
        for what, made in (("mean", total / np.maximum(count, 1)), ("min", low), ("max", high)):
            found[f"{what} {column} of {label}"] = np.where(empty, np.nan, made)
        if spread:
            mean = total / np.maximum(count, 1)
            squares = (values[rows] - mean[at[rows]]) ** 2
            variance = np.bincount(at[rows], weights=squares, minlength=size)
            # of one child it says nothing, and 0 would be a value
            made = np.sqrt(variance / np.maximum(count - 1, 1))
            found[f"deviation of {column} of {label}"] = np.where(count < 2, np.nan, made)
    return found


def child_shares(
    tables: Mapping[str, pa.Table], real: Mapping[str, pa.Table], metadata: Metadata, table: str
) -> dict[str, Floats]:
    """Return the shares of frequent categories among each row's children.

    Parameters
    ----------
    tables, real : mapping of str to pyarrow.Table
        Whose shares, and which values are looked at: the five most frequent real ones.
    metadata : Metadata
    table : str

    Returns
    -------
    dict of str to ndarray of float, of shape (rows,)
        By label; NaN of a row without children.
    """
    found: dict[str, Floats] = {}
    for name, key in metadata.foreign_keys():
        if key.parent != table:
            continue
        child, known = attributes(real, metadata, name)
        parents = rows_of(tables, table)
        at, size = parent_rows(rows_of(tables, name), key, parents), len(parents)
        number = np.bincount(at[at >= 0], minlength=size)
        for column, said in known.items():
            array = child.column(column)
            if view_of(said or column_from_arrow(child.field(column)), array) != "categories":
                continue
            counts = pc.value_counts(as_text(array).drop_null()).to_pylist()
            values = as_text(rows_of(tables, name).column(column))
            for one in sorted(counts, key=lambda c: (-c["counts"], c["values"]))[:_SHARES]:
                holds = np.asarray(pc.fill_null(pc.equal(values, one["values"]), False))
                held = np.bincount(at[holds & (at >= 0)], minlength=size)
                label = f"share of {column} {one['values']} of {name}({', '.join(key.columns)})"
                found[label] = np.where(number > 0, held / np.maximum(number, 1), np.nan)
    return found


def _different(array: pa.ChunkedArray, at: IntArray, size: int) -> Floats:
    """Return how many different values each parent's children have; NULL is none."""
    codes = ranked(array, len(array))
    held = (at >= 0) & (codes >= 0)
    pairs = np.unique(at[held] * (len(array) + 1) + codes[held])
    return np.bincount(pairs // (len(array) + 1), minlength=size).astype(np.float64)
