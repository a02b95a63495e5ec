"""Entities that are set aside: a source without them, and they alone.

Whose rows are set aside follows from a hash of the key and the fit's seed, so that it can be told
again, and a checkpoint holds no list of keys. A table is divided where its rows may be entities:
rows of the topmost table that is no look-up table, with all rows that belong to them. What rows of
several entities refer to belongs to none of them, and stays.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools
from synthohive._random import hashed, subkey
from synthohive.exceptions import SchemaError
from synthohive.io.base import FanOut, Reader, SampledRows
from synthohive.io.dataframe import children_of
from synthohive.io.keys import match_rows
from synthohive.io.sample_levels import Strategy
from synthohive.learn.draw import Draw
from synthohive.privacy.look_ups import is_of_schema
from synthohive.privacy.subjects import is_about_persons, is_about_things
from synthohive.schema import ForeignKey, Metadata, TableConfig
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.key_hashes import key_hashes

__all__ = ["WithoutHeldOut", "divided"]

_Told = Callable[[pa.Table], Bools]

LEAST = 100
"""A table with fewer rows is not divided: too few of its rows would be left to compare with."""
LOOK_UP = 256
"""Tables that others refer to, and that have no more rows, may be look-up tables; unless their name
says that they hold persons."""
Owners = Mapping[str, Optional[ForeignKey]]
"""By table, parents first: the key to whom its rows belong; None where they belong to nobody."""


def owners_of(metadata: Metadata, counts: Mapping[str, int]) -> dict[str, Optional[ForeignKey]]:
    """Return to whom rows belong: to a person where they refer to one, else over the driving key.

    Parameters
    ----------
    metadata : Metadata
    counts : mapping of str to int
        Rows of each table.
    """
    plan = RelationalPlan.build(metadata, counts)
    found: dict[str, Optional[ForeignKey]] = {}
    personal: set[str] = set()
    for name in plan.order:
        driver = plan.tables[name].driver
        keys = [k for k in metadata.tables[name].foreign_keys if k.parent in found]
        # of several, over the driving key, else to those who are most: customers, not employees
        ranked = sorted(keys, key=lambda k: (k != driver, -counts[k.parent]))
        key = next((k for k in ranked if k.parent in personal), driver)
        found[name] = key
        if is_about_persons(metadata.tables[name].own_name) or (key and key.parent in personal):
            personal.add(name)
    return found


def divided(metadata: Metadata, owners: Owners, counts: Mapping[str, int]) -> dict[str, str]:
    """Return tables whose rows are entities to be divided (with ""), and why others are not.

    Parameters
    ----------
    metadata : Metadata
    owners : mapping of str to ForeignKey or None
    counts : mapping of str to int

    Returns
    -------
    dict of str to str
        Without the tables whose rows belong to those of a divided one.
    """
    found: dict[str, str] = {}
    inside: set[str] = set()
    for name, owner in owners.items():
        if owner is not None and owner.parent in inside:
            inside.add(name)
            continue
        found[name] = _why_not(metadata, owners, name, counts[name])
        if not found[name]:
            inside.add(name)
    return found


def _why_not(metadata: Metadata, owners: Owners, name: str, rows: int) -> str:
    """Return why the rows of a table are no entities to be divided; nothing if they are."""
    config = metadata.tables[name]
    below = _below(owners, name)
    incoming = [(c, k) for c, k in metadata.foreign_keys() if k.parent in below]
    used = any(key.parent == name for _, key in incoming)
    if is_of_schema(config):
        return "tools note in it what they did to the schema"
    if config.reference or (used and is_about_things(config.own_name)):
        return "its rows are things that others refer to"
    if used and rows <= LOOK_UP and not is_about_persons(config.own_name):
        return "it may be a look-up table"
    if rows < LEAST:
        return f"it has less than {LEAST} rows"
    for child, key in incoming:
        if key == owners[child]:
            continue
        if key.parent == name and child != name:
            return f"rows of several entities refer to one of its rows over {key.label(child)}"
        if not _may_be_null(metadata.tables[child], key):
            return f"{key.label(child)} leads to rows of other entities, and may not be NULL"
    return ""


def _below(owners: Owners, name: str) -> set[str]:
    found = {name}
    for child, owner in owners.items():  # parents first
        if owner is not None and owner.parent in found:
            found.add(child)
    return found


def _may_be_null(table: TableConfig, key: ForeignKey) -> bool:
    free = [c for c in key.columns if c in table.columns and table.columns[c].nullable]
    return any(c not in table.pk for c in free)


@dataclass
class WithoutHeldOut(Reader):
    """A source without the entities that are set aside.

    Keys of other entities' rows that lead to them are NULL. A database is read, not asked: what its
    SQL tells is of all rows.

    Attributes
    ----------
    source : Reader
    draw : Draw
    seed : int
    """

    source: Reader
    draw: Draw
    seed: int
    _held: dict[str, tuple[pa.Table, int]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.files = self.source.files

    @property
    def metadata(self) -> Metadata:
        """The tables, with every column described."""
        return self.source.metadata

    def fingerprint(self) -> frozenset[str]:
        """See the base class."""
        return self.source.fingerprint()

    @contextmanager
    def one_state(self) -> Iterator[None]:
        """See the base class."""
        with self.source.one_state():
            yield

    def not_cloned(self) -> dict[str, tuple[str, ...]]:
        """See the base class."""
        return self.source.not_cloned()

    @cached_property
    def all_counts(self) -> dict[str, int]:
        """The number of all rows, those set aside among them."""
        return self.source.counts(list(self.metadata.tables))

    @cached_property
    def owners(self) -> dict[str, Optional[ForeignKey]]:
        """See :func:`owners_of`."""
        return owners_of(self.metadata, self.all_counts)

    @cached_property
    def divided(self) -> dict[str, str]:
        """See :func:`divided`."""
        return divided(self.metadata, self.owners, self.all_counts)

    @cached_property
    def touched(self) -> set[str]:
        """The tables some of whose rows are set aside."""
        roots = [name for name, why in self.divided.items() if not why]
        return {table for root in roots for table in _below(self.owners, root)}

    def check_divided(self) -> None:
        """Refuse a database in which nobody can be set aside.

        Raises
        ------
        SchemaError
            Naming each table, and why it is not divided.
        """
        if not self.touched:
            why = "".join(f"\n  - {name}: {reason}" for name, reason in self.divided.items())
            raise SchemaError(
                f"No entities can be set aside with holdout={self.draw.holdout:g}:{why}",
                hint="Fit without holdout.",
            )

    def is_held(self, table: str, rows: pa.Table) -> Bools:
        """Return which of some rows are set aside; these have all key columns.

        Parameters
        ----------
        table : str
        rows : pyarrow.Table
        """
        return self._told(table, Counter())(rows)

    def _told(self, table: str, seen: Counter[int]) -> _Told:
        """Return what tells rows that are set aside, of a table that comes in pieces."""
        if self.divided.get(table) == "":
            return lambda rows: self._is_drawn(table, rows, seen)
        owner = self.owners[table]
        if table not in self.touched or owner is None:
            return lambda rows: np.zeros(len(rows), np.bool_)
        parents, _ = self._set_aside(owner.parent)
        return lambda rows: match_rows(rows, owner.columns, parents, owner.parent_columns) >= 0

    def _is_drawn(self, table: str, rows: pa.Table, seen: Counter[int]) -> Bools:
        config = self.metadata.tables[table]
        names = config.pk or list(config.stored)
        types = [config.columns[name].arrow_type for name in names]
        hashes = key_hashes(rows, names, types, nulls_distinct=False)
        if not config.pk:  # equal rows are as many entities: which of them is which is all the same
            numbers = np.empty(len(hashes), np.uint64)
            for i, value in enumerate(hashes.tolist()):
                numbers[i] = seen[value]
                seen[value] += 1
            hashes = hashed(hashes ^ hashed(numbers, 1), 2)
        keyed = hashed(hashes, subkey(self.seed, "holdout", table))
        return np.asarray(keyed < np.uint64(int(self.draw.holdout * 2.0**64)))

    def _set_aside(self, table: str) -> tuple[pa.Table, int]:
        """Return the columns that keys refer to of the rows set aside, and their number."""
        if table not in self._held:
            names = list(self._columns(table, ()))
            wanted = {c for _, k in self.metadata.foreign_keys() if k.parent == table
                      for c in k.parent_columns}  # fmt: skip
            told, parts, count = self._told(table, Counter()), [], 0
            for batch in self.source.read(table, names or None):
                rows = pa.Table.from_batches([batch])
                held = told(rows)
                count += int(held.sum())
                parts.append(rows.filter(pa.array(held)).select(sorted(wanted)))
            self._held[table] = pa.concat_tables(parts), count
        return self._held[table]

    def _columns(self, table: str, names: Sequence[str]) -> dict[str, None]:
        """Return columns with those that tell whose rows they are."""
        config, found = self.metadata.tables[table], dict.fromkeys(names)
        found.update(dict.fromkeys(config.pk))
        for child, key in self.metadata.foreign_keys():
            found.update(dict.fromkeys(key.columns if child == table else ()))
            found.update(dict.fromkeys(key.parent_columns if key.parent == table else ()))
        if self.divided.get(table) == "" and not config.pk:
            found.update(dict.fromkeys(config.stored))
        return found

    def count(self, table: str) -> int:
        """Return the number of rows that are left."""
        return self.all_counts[table] - (self._set_aside(table)[1] if table in self.touched else 0)

    def read(self, table: str, columns: Optional[Sequence[str]] = None) -> Iterator[pa.RecordBatch]:
        """Stream all rows that are left."""
        names = list(self.metadata.tables[table].stored) if columns is None else list(columns)
        if table not in self.touched and not self._leading_to_held(table):
            yield from self.source.read(table, columns)
            return
        told = self._told(table, Counter())
        for batch in self.source.read(table, list(self._columns(table, names))):
            rows = pa.Table.from_batches([batch])
            rows = self._without_keys(table, rows.filter(pa.array(~told(rows))))
            yield from rows.select(names).combine_chunks().to_batches() or [
                pa.RecordBatch.from_pylist([], rows.select(names).schema)
            ]

    def fan_out(self, table: str, key: ForeignKey) -> FanOut:
        """Count children per parent among the rows that are left.

        Of parents that are in no divided table, all children count: that is how many there are of
        those, and says nothing of any of them. Which share has no parent is one of the rows left.
        """
        if not {table, key.parent} & self.touched:
            return self.source.fan_out(table, key)
        child, parent = (
            pa.Table.from_batches(list(self.read(name, columns)))
            for name, columns in ((table, key.columns), (key.parent, key.parent_columns))
        )
        found = children_of(table, key, child, parent)
        if key.parent in self.touched:
            return found
        return replace(found, histogram=self.source.fan_out(table, key).histogram)

    def sample(
        self,
        drivers: Mapping[str, Optional[ForeignKey]],
        size: int,
        seed: int,
        strategy: Strategy = "relational",
        most_bytes: Optional[int] = None,
    ) -> SampledRows:
        """Read a sample of the rows that are left; see the base class."""
        drawn = self._drawn(drivers, size, seed, strategy, most_bytes)
        held = {name: self.is_held(name, rows) for name, rows in drawn.drawn.items()}
        return SampledRows(
            {n: self._left(n, rows, held[n]) for n, rows in drawn.drawn.items()},
            {n: self._left(n, rows, self.is_held(n, rows)) for n, rows in drawn.referred.items()},
            {n: typical[~held[n]] for n, typical in drawn.typical.items()},
            {n: places.where(~held[n]) for n, places in drawn.places.items()},
        )

    def parts(self) -> tuple[dict[str, pa.Table], dict[str, pa.Table]]:
        """Return the rows that the fit drew, and those that were set aside in the same draw.

        Tables that are not divided are in both.
        """
        draw, plan = self.draw, RelationalPlan.build(self.metadata, self.all_counts)
        drivers = plan.drivers
        drawn = self._drawn(drivers, draw.size, self.seed, draw.strategy, draw.most_bytes).drawn
        left, held = {}, {}
        for name, rows in drawn.items():
            is_held = self.is_held(name, rows)
            left[name] = rows.filter(pa.array(~is_held))
            held[name] = rows.filter(pa.array(is_held)) if name in self.touched else rows
        return left, held

    def _drawn(
        self,
        drivers: Mapping[str, Optional[ForeignKey]],
        size: int,
        seed: int,
        strategy: Strategy,
        most_bytes: Optional[int],
    ) -> SampledRows:
        # so many more that about `size` are left
        share = 1 - self.draw.holdout
        larger = None if most_bytes is None else math.ceil(most_bytes / share)
        return self.source.sample(drivers, math.ceil(size / share), seed, strategy, larger)

    def _left(self, table: str, rows: pa.Table, held: Bools) -> pa.Table:
        return self._without_keys(table, rows.filter(pa.array(~held))).combine_chunks()

    def _leading_to_held(self, table: str) -> list[ForeignKey]:
        """Return the keys by which rows of one entity may refer to those of another."""
        keys = self.metadata.tables[table].foreign_keys
        return [k for k in keys if k.parent in self.touched and k != self.owners[table]]

    def _without_keys(self, table: str, rows: pa.Table) -> pa.Table:
        """Return rows with NULL in keys that lead to what is set aside."""
        config = self.metadata.tables[table]
        for key in self._leading_to_held(table):
            parents, _ = self._set_aside(key.parent)
            lost = match_rows(rows, key.columns, parents, key.parent_columns) >= 0
            for name in key.columns:
                if name in rows.column_names and config.columns[name].nullable and lost.any():
                    place = rows.column_names.index(name)
                    type_ = rows.schema.field(name).type
                    values = rows.column(name).combine_chunks()
                    index = pa.array(np.arange(len(rows)), mask=lost)
                    rows = rows.set_column(place, pa.field(name, type_), values.take(index))
        return rows
