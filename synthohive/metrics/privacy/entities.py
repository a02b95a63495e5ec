"""Entities with all that belongs to them: a row of a root table beside what is below it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.metrics.encode import as_categories, floats_of, view_of
from synthohive.metrics.harmonise import Tables, harmonised
from synthohive.metrics.joins import parent_rows, read_tables
from synthohive.schema import Column, ForeignKey, Metadata
from synthohive.schema.plan import RelationalPlan

__all__ = ["Database", "drivers_of", "entity_tables", "owners_of", "routes_to"]

Drivers = Mapping[str, Optional[ForeignKey]]
"""Each table's key to those whom its rows belong to; None for a root."""


def drivers_of(metadata: Metadata, tables: Tables) -> dict[str, Optional[ForeignKey]]:
    """Return over which key the rows of each table belong to others, as a fit would decide.

    Parameters
    ----------
    metadata : Metadata
    tables : dict of str to DataFrame, pyarrow.Table or dict of columns
        Their numbers of rows.
    """
    read = read_tables(tables, metadata)
    plan = RelationalPlan.build(metadata, {name: len(rows) for name, rows in read.items()})
    return plan.drivers


def entity_tables(
    metadata: Metadata,
    table: str,
    *sides: Tables,
    drivers: Optional[Drivers] = None,
    leave: Collection[tuple[str, str]] = (),
) -> tuple[dict[str, Column], list[pa.Table]]:
    """Return entities, one in each row, with aggregates of all rows that belong to them.

    Parameters
    ----------
    metadata : Metadata
    table : str
        Whose rows are the entities.
    *sides : dict of str to DataFrame, pyarrow.Table or dict of columns
        Databases that are compared. The first says which texts are categories.
    drivers : mapping of str to ForeignKey or None, optional
        Over which key rows belong to others; by default as :func:`drivers_of` finds.
    leave : collection of (table, column)
        Columns that are not looked at, such as names that are replaced.

    Returns
    -------
    dict of str to Column
        What the columns are.
    list of pyarrow.Table
        Of each side: the table's own columns without keys, and of each table below it the number
        of rows, the mean, least and greatest of each number, and of each category the most
        frequent value and how many there are.

    Examples
    --------
    >>> metadata = Metadata().add_table("shops", "id")
    >>> metadata = metadata.add_table("sales", fk={"shop": "shops.id"})
    >>> tables = {"shops": {"id": [1, 2], "town": ["Ulm", "Bonn"]},
    ...           "sales": {"shop": [2, 1, 2], "price": [3.0, 4.0, 5.0]}}
    >>> columns, (side,) = entity_tables(metadata, "shops", tables)
    >>> list(columns)
    ['town', 'sales: rows', 'sales: mean price', 'sales: min price', 'sales: max price']
    >>> side["sales: mean price"].to_pylist()
    [4.0, 4.0]
    """
    return Database(metadata, *sides, drivers=drivers, leave=leave).entities(table)


class Database:
    """Databases that are compared, each table in one form.

    Parameters
    ----------
    metadata : Metadata
    *sides : dict of str to DataFrame, pyarrow.Table or dict of columns
    drivers : mapping of str to ForeignKey or None, optional
    leave : collection of (table, column)
    """

    def __init__(
        self,
        metadata: Metadata,
        *sides: Tables,
        drivers: Optional[Drivers] = None,
        leave: Collection[tuple[str, str]] = (),
    ) -> None:
        self.metadata = metadata
        self.sides = [read_tables(side, metadata) for side in sides]
        self.drivers = drivers_of(metadata, self.sides[0]) if drivers is None else drivers
        left = set(leave)
        self.columns: dict[str, dict[str, Column]] = {}
        self._rows: dict[str, list[pa.Table]] = {}
        for name, config in metadata.tables.items():
            tables = [side[name] for side in self.sides if name in side]
            if len(tables) < len(self.sides):
                continue
            known = {
                column: config.columns.get(column)
                for column in config.stored or tables[0].column_names
                if column not in config.key_columns
                and (name, column) not in left
                and all(column in rows.column_names for rows in tables)
            }
            self.columns[name], self._rows[name] = harmonised(known, *tables)

    @property
    def roots(self) -> list[str]:
        """Tables whose rows belong to no others."""
        return [name for name in self.columns if self.drivers.get(name) is None]

    def below(self, table: str) -> dict[str, tuple[ForeignKey, ...]]:
        """Return the tables whose rows belong to a table's, and the keys that lead there."""
        return routes_to(table, self.drivers, self.columns)

    def entities(self, table: str) -> tuple[dict[str, Column], list[pa.Table]]:
        """Return :func:`entity_tables`."""
        columns = dict(self.columns[table])
        arrays = [dict(zip(rows.column_names, rows.columns)) for rows in self._rows[table]]
        for name, route in self.below(table).items():
            views = {
                column: view_of(said, self._rows[name][0].column(column))
                for column, said in self.columns[name].items()
            }
            for side, made in enumerate(arrays):
                owner = owners_of(self.sides[side], name, route)
                rows, size = self._rows[name][side], len(self.sides[side][table])
                for label, values in _aggregates(rows, views, owner, size):
                    made[f"{name}: {label}"] = values
                    kind = "float" if pa.types.is_floating(values.type) else "categorical"
                    columns[f"{name}: {label}"] = Column(
                        name=label, kind=kind, arrow=str(values.type)
                    )
        return columns, [self._table(side, table, made) for side, made in enumerate(arrays)]

    def _table(self, side: int, table: str, arrays: Mapping[str, Any]) -> pa.Table:
        # rows without any column are lost in Arrow's tables
        return pa.table(arrays) if arrays else self.sides[side][table].select([])


def routes_to(
    table: str, drivers: Drivers, names: Iterable[str]
) -> dict[str, tuple[ForeignKey, ...]]:
    """Return the tables whose rows belong to a table's, and the keys that lead there.

    Parameters
    ----------
    table : str
    drivers : mapping of str to ForeignKey or None
    names : iterable of str
        The tables that are looked at.
    """
    found: dict[str, tuple[ForeignKey, ...]] = {}
    for name in names:
        route: list[ForeignKey] = []
        at, seen = name, {name}
        while (key := drivers.get(at)) is not None and key.parent not in seen:
            route.append(key)
            at = key.parent
            seen.add(at)
            if at == table:
                found[name] = tuple(route)
                break
    return found


def owners_of(tables: Mapping[str, pa.Table], table: str, route: Sequence[ForeignKey]) -> IntArray:
    """Return the row that each row of a table belongs to; -1 where it belongs to none.

    Parameters
    ----------
    tables : mapping of str to pyarrow.Table
    table : str
    route : sequence of ForeignKey
        The keys that lead there.
    """
    at, rows = table, None
    for key in route:
        step = parent_rows(tables[at], key, tables[key.parent])
        # a row without a parent takes the last of these, which is -1, too
        rows = step if rows is None else np.append(step, -1)[rows]
        at = key.parent
    return np.arange(len(tables[table])) if rows is None else rows


def _aggregates(
    rows: pa.Table, views: Mapping[str, str], owner: IntArray, size: int
) -> Iterator[tuple[str, pa.Array]]:
    """Yield what rows give together, by owner."""
    held = np.flatnonzero(owner >= 0)
    at = owner[held]
    yield "rows", pa.array(np.bincount(at, minlength=size).astype(np.float64))
    for name, view in views.items():
        column = rows.column(name).take(pa.array(held)).combine_chunks()
        if view == "numbers":
            values = floats_of(column)
            known = ~np.isnan(values)
            yield from _of_numbers(name, values[known], at[known], size)
        elif view == "categories":
            yield from _of_categories(name, column, at, size)


def _of_numbers(name: str, values: Any, at: IntArray, size: int) -> Iterator[tuple[str, pa.Array]]:
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(low, at, values)
    np.maximum.at(high, at, values)
    count = np.bincount(at, minlength=size)
    mean = np.bincount(at, weights=values, minlength=size) / np.maximum(count, 1)
    for what, made in (("mean", mean), ("min", low), ("max", high)):
        yield f"{what} {name}", pa.array(made, mask=count == 0)


def _of_categories(
    name: str, column: pa.Array, at: IntArray, size: int
) -> Iterator[tuple[str, pa.Array]]:
    coded = as_categories(column).dictionary_encode()
    codes = np.asarray(coded.indices.fill_null(-1), np.int64)
    known = codes >= 0
    width = max(len(coded.dictionary), 1)
    pairs, counts = np.unique(at[known] * width + codes[known], return_counts=True)
    owners, values = pairs // width, pairs % width
    # the last of each owner is the most frequent; of equal ones the first in order of text
    place = np.argsort(np.argsort(np.asarray(coded.dictionary.to_pylist(), dtype=object)))
    order = np.lexsort((-place[values], counts, owners)) if len(pairs) else np.zeros(0, np.int64)
    last = np.full(size, -1, np.int64)
    last[owners[order]] = values[order]
    yield f"most frequent {name}", coded.dictionary.take(pa.array(last, mask=last < 0))
    distinct = np.bincount(owners, minlength=size).astype(np.float64)
    yield f"different {name}", pa.array(distinct)
