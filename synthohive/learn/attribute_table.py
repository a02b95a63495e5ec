"""The columns of a table that are modelled, beside what its keys leave to be modelled."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, IntArray
from synthohive.derive.persons.alias import Alias
from synthohive.schema import Column, ColumnKind
from synthohive.tables.nulls import any_blank, any_null
from synthohive.tables.roles import (
    depth_column,
    differs_column,
    fan_out_column,
    null_column,
)
from synthohive.tables.sample import Sample

__all__ = ["NullByKey", "attribute_table", "nulls_by_key", "own_columns"]

NullByKey = tuple[str, bool]
"""The label of a key, and whether something is NULL where that is; else where it is not."""

CONTRADICTIONS = 30.0
"""Rows in which chance alone would have broken that."""


def attribute_table(
    sample: Sample,
    table: str,
    attributes: tuple[str, ...],
    made: tuple[str, ...],
    depths: Mapping[str, IntArray],
    aliases: Iterable[Alias] = (),
    personal: Collection[str] = (),
    by_key: Collection[str] = (),
) -> tuple[pa.Table, dict[str, Column]]:
    """Collect all that is modelled of a table.

    These are its attributes, whether further keys and the columns `made` otherwise
    are NULL (but `by_key`, which follow from other keys), where aliases are no copies, the depths
    in hierarchies (by key), and the number of children over each key.

    Parameters
    ----------
    sample : Sample
    table : str
    attributes : tuple of str
        The columns that are modelled themselves.
    made : tuple of str
        Those of which only is modelled whether they are NULL.
    depths : mapping of str to ndarray of int64, shape (rows,)
        By label of each key to the table itself.
    aliases : iterable of Alias
        Those of the table.
    personal : collection of str
        Columns in which an empty text counts as NULL.
    by_key : collection of str
        Columns, and labels of keys, that are NULL where another key is, or is not.

    Returns
    -------
    rows : pyarrow.Table
        A row for each of the sample's. A flag that is the same in all rows is left out.
    columns : dict of str to Column
        What each column is.
    """
    data = sample.tables[table]
    made = tuple(name for name in made if name not in by_key)
    rows, columns = own_columns(sample, table, attributes, made, personal)
    arrays: dict[str, Any] = dict(zip(rows.column_names, rows.columns))

    def add(name: str, values: Any, kind: ColumnKind) -> None:
        _add(arrays, columns, name, values, kind)

    for link in sample.plan.tables[table].of("free", "grouped", "deferred"):
        missing = any_null(data, link.key.columns)
        if missing.any() and link.label not in by_key:
            add(null_column(link.label), missing, ColumnKind.BOOLEAN)
    for alias in aliases:
        differs = alias.real_differs(sample.tables, sample)
        if differs.any():
            add(differs_column(alias.target), differs, ColumnKind.BOOLEAN)
    for label, depth in depths.items():
        add(depth_column(label), depth, ColumnKind.INTEGER)
    for child, key in sample.incoming(table):
        add(fan_out_column(child, key), sample.child_counts(child, key), ColumnKind.INTEGER)
    return pa.table(arrays), columns


def own_columns(
    sample: Sample,
    table: str,
    attributes: Sequence[str],
    made: Sequence[str],
    personal: Collection[str] = (),
) -> tuple[pa.Table, dict[str, Column]]:
    """Collect some columns of a table, and whether the columns `made` otherwise are NULL.

    Parameters
    ----------
    sample : Sample
    table : str
    attributes : sequence of str
        The columns that are modelled themselves.
    made : sequence of str
        Those of which only is modelled whether they are NULL, if they ever are.
    personal : collection of str
        Columns in which an empty text counts as NULL.

    Returns
    -------
    rows : pyarrow.Table
        A row for each of the sample's.
    columns : dict of str to Column
        What each column is.
    """
    data, config = sample.tables[table], sample.metadata.tables[table]
    columns: dict[str, Column] = {name: config.columns[name] for name in attributes}
    arrays: dict[str, Any] = {name: data.column(name) for name in attributes}
    for name in made:
        missing = _missing(data, name, personal)
        if missing.any():
            _add(arrays, columns, null_column(name), missing, ColumnKind.BOOLEAN)
    return pa.table(arrays), columns


def nulls_by_key(
    sample: Sample, table: str, made: Sequence[str], personal: Collection[str], k: int
) -> dict[str, NullByKey]:
    """Return what is NULL exactly where a key is, or exactly where it is not.

    Of the name of somebody without an account, nobody knows whose rows these are: as a category
    it would be that of a single one, though the key's own NULLs are kept. It has `k` values.

    Parameters
    ----------
    made : sequence of str
        Columns that are not modelled; further keys are looked at, too.

    Returns
    -------
    dict of str to (str, bool)
        By column, or by label of a further key, which comes after the one that decides.
    """
    data, plan = sample.tables[table], sample.plan.tables[table]
    nulls = {link.label: any_null(data, link.key.columns) for link in plan.of("driving", "free")}
    drawn = {name: _missing(data, name, personal) for name in made}
    found: dict[str, NullByKey] = {}
    for name, missing in [*list(nulls.items())[1:], *drawn.items()]:
        share = float(missing.mean()) if len(missing) else 0.0
        if 2.0 * share * (1.0 - share) * len(missing) < CONTRADICTIONS:
            continue
        if name in drawn and pc.count_distinct(data.column(name)).as_py() < k:
            continue
        for label, empty in nulls.items():
            if label == name:
                break  # each key follows from one before it
            alike = bool(empty[0] == missing[0])
            if label not in found and ((empty == missing) == alike).all():
                found[name] = label, alike
                break
    return found


def _missing(data: pa.Table, name: str, personal: Collection[str]) -> Bools:
    """Return in which rows nothing stands; an empty `personal` text (``fax = ''``) is nothing."""
    missing = any_null(data, [name])
    return missing | any_blank(data.column(name)) if name in personal else missing


def _add(
    arrays: dict[str, Any], columns: dict[str, Column], name: str, values: Any, kind: ColumnKind
) -> None:
    array = pa.array(values)
    columns[name] = Column(name=name, kind=kind, nullable=False, arrow=str(array.type))
    arrays[name] = array
