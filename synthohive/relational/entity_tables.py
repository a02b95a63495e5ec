"""Tables within tables: whoever repeats in a column without having a table gets one.

In a flat table of orders, a customer's name stands in many rows, beside one e-mail and one city.
Read as a table of customers and a key to it, all that holds for declared ones holds here: one
made-up person for each, as many rows as real ones have, and what is a customer's stays so. Only
the fit knows these tables; users neither pass nor get them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._logging import get_logger
from synthohive.connectors.base import FanOut, Reader
from synthohive.privacy.kinds import NAMES, PiiFinding, PiiKind, cleared_columns
from synthohive.privacy.subjects import is_key_name
from synthohive.relational.aliases.alias import Alias
from synthohive.relational.attribute_table import any_blank
from synthohive.relational.entity_paths import IDENTIFYING, EntityFinder
from synthohive.relational.rows import group_codes, match_rows
from synthohive.relational.sample import Sample
from synthohive.schema import Column, ColumnKind, ForeignKey, Metadata, PrivacyConfig, TableConfig

__all__ = ["EntityReader", "EntityTable", "find_entity_tables", "with_entities", "without_entities"]

log = get_logger(__name__)
IntArray = npt.NDArray[np.int64]

ALONE = 0.8
"""Share of the rows that may be a value each: a few that have many rows are enough."""
REPEATED = 5
"""Rows beyond the first of each value: a few namesakes are no entity."""
FOLLOWS = 0.95
"""Share of the rows in which what follows from an entity is the same; a few may have changed."""
OCCASIONS = 10
"""Rows in which chance would have broken what follows."""
CLEARLY = 0.2
"""Rows in which it is broken, as a share of those in which chance would have broken it."""
DEEPEST = 3


@dataclass(frozen=True)
class EntityTable:
    """A table that is found within another one.

    Attributes
    ----------
    name : str
    table, column : str
        Where the entity is named: the key.
    follows : tuple of str
        What follows from it.
    """

    name: str
    table: str
    column: str
    follows: tuple[str, ...] = ()

    @property
    def key(self) -> ForeignKey:
        """The key of the table within which it is."""
        return ForeignKey(columns=[self.column], parent=self.name, parent_columns=[self.column])

    def findings(self, known: Sequence[PiiFinding]) -> list[PiiFinding]:
        """Return what is personal in it, as in the table within which it is."""
        mine = {self.column, *self.follows}
        return [
            replace(f, table=self.name) for f in known if f.table == self.table and f.column in mine
        ]

    def rows(self, rows: pa.Table) -> pa.Table:
        """Return a row for each entity: what most of its rows hold."""
        codes = group_codes([rows], [[self.column]])[0]
        known = np.flatnonzero(codes >= 0)
        _, first = np.unique(codes[known], return_index=True)
        found = {self.column: rows.column(self.column).take(pa.array(known[first]))}
        for name in self.follows:
            at = _usual_rows(codes, _codes(rows, name))
            found[name] = rows.column(name).take(pa.array(at))
        order = pc.sort_indices(found[self.column].cast(pa.string()))
        return pa.table(found).take(order)


def with_entities(
    metadata: Metadata, tables: Sequence[EntityTable], privacy: PrivacyConfig
) -> Metadata:
    """Describe the tables within others, and the keys to them."""
    made = metadata.model_copy(deep=True)
    for one in tables:
        config = made.tables[one.table]
        described = {n: config.columns[n].model_copy() for n in (one.column, *one.follows)}
        for column in described.values():
            column.computed, column.identity, column.default = None, None, None
        described[one.column].nullable = False
        made.tables[one.name] = TableConfig(
            name=one.name,
            schema_name=config.schema_name,
            pk=[one.column],
            columns=described,
            pii_cols=dict.fromkeys(cleared_columns(config, privacy) & set(described), "none"),
            reference=False,
        )
        config.foreign_keys = [*config.foreign_keys, one.key]
    return made


def without_entities(metadata: Metadata, tables: Sequence[EntityTable]) -> Metadata:
    """Return the description as users know it."""
    if not tables:
        return metadata
    out = {one.name for one in tables}
    kept = {}
    for name, config in metadata.tables.items():
        if name not in out:
            keys = [key for key in config.foreign_keys if key.parent not in out]
            kept[name] = config.model_copy(update={"foreign_keys": keys})
    return metadata.model_copy(update={"tables": kept})


class EntityReader(Reader):
    """Reads tables, and those that are found within them.

    Parameters
    ----------
    reader : Reader
    tables : sequence of EntityTable
        Each after the one that it is within.
    privacy : PrivacyConfig
    """

    def __init__(
        self, reader: Reader, tables: Sequence[EntityTable], privacy: PrivacyConfig
    ) -> None:
        self._reader = reader
        self._found = {one.name: one for one in tables}
        self._metadata = with_entities(reader.metadata, tables, privacy)
        self._rows: dict[str, pa.Table] = {}

    @property
    def metadata(self) -> Metadata:
        """The tables, with those within others."""
        return self._metadata

    def fingerprint(self) -> frozenset[str]:
        """Return that of the place itself."""
        return self._reader.fingerprint()

    def entities(self, table: str) -> pa.Table:
        """Return all rows of a table that is within another one."""
        if table not in self._rows:
            one = self._found[table]
            inside = list(self.read(one.table, [one.column, *one.follows]))
            self._rows[table] = one.rows(pa.Table.from_batches(inside)).combine_chunks()
        return self._rows[table]

    def count(self, table: str) -> int:
        """Return the number of rows."""
        return len(self.entities(table)) if table in self._found else self._reader.count(table)

    def read(self, table: str, columns: Optional[Sequence[str]] = None) -> Iterator[pa.RecordBatch]:
        """Stream all rows."""
        if table not in self._found:
            yield from self._reader.read(table, columns)
            return
        rows = self.entities(table)
        rows = rows if columns is None else rows.select(list(columns))
        yield from rows.to_batches() or [pa.RecordBatch.from_pylist([], schema=rows.schema)]

    def fan_out(self, table: str, key: ForeignKey) -> FanOut:
        """Count children per parent."""
        if key.parent not in self._found:
            return self._reader.fan_out(table, key)
        rows = pa.Table.from_batches(list(self.read(table, key.columns)))
        codes = group_codes([rows], [key.columns])[0]
        sizes = np.unique(codes[codes >= 0], return_counts=True)[1]
        numbers, entities = np.unique(sizes, return_counts=True)
        histogram = dict(zip(numbers.tolist(), entities.tolist()))
        return FanOut(histogram, int((codes < 0).sum()))

    def sample(
        self, drivers: Mapping[str, Optional[ForeignKey]], size: int, seed: int
    ) -> dict[str, pa.Table]:
        """Read a sample, with the entities that are in it."""
        own = {
            name: None if key is not None and key.parent in self._found else key
            for name, key in drivers.items()
            if name not in self._found
        }
        return self.beside(self._reader.sample(own, size, seed))

    def beside(self, tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
        """Return tables with those within them: the entities of their rows."""
        found = dict(tables)
        for one in self._found.values():
            rows = self.entities(one.name)
            there = match_rows(found[one.table], [one.column], rows, [one.column])
            found[one.name] = rows.take(pa.array(np.unique(there[there >= 0])))
        return found


def find_entity_tables(
    sample: Sample,
    privacy: PrivacyConfig,
    findings: Sequence[PiiFinding],
    aliases: Mapping[str, Mapping[str, Alias]],
) -> list[EntityTable]:
    """Return the tables within a sample's tables, and those within these.

    Parameters
    ----------
    aliases : mapping of str to mapping of str to Alias
        By table and column: what has its value from elsewhere.
    """
    search = _Search(sample, privacy, findings, aliases)
    for name in sample.plan.order:
        search.within(name, sample.metadata.tables[name], sample.tables[name], DEEPEST)
    for one in search.found:
        log.info("entities_found", table=one.table, column=one.column, decides=list(one.follows))
    return search.found


@dataclass
class _Search:
    sample: Sample
    privacy: PrivacyConfig
    findings: Sequence[PiiFinding]
    aliases: Mapping[str, Mapping[str, Alias]]
    found: list[EntityTable] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.finder = EntityFinder(self.sample, self.privacy, self.findings)
        self.names = set(self.sample.metadata.tables)

    def within(self, name: str, config: TableConfig, rows: pa.Table, depth: int) -> None:
        """Find the tables within one, and those within these."""
        if not depth or config.reference or not len(rows):
            return
        base = name
        while base not in self.sample.metadata.tables:
            base = next(one.table for one in self.found if one.name == base)
        kinds = {f.column: f.kind for f in self.findings if f.table == base}
        free = self._free(base, config, rows)
        codes = {column: _codes(rows, column) for column in free}
        whole = [c for c in free if not any_blank(rows.column(c)).any()]  # "" names nobody
        named = [c for c in whole if self._may_name(config, c, kinds, codes[c])]
        named.sort(key=lambda c: (-int(codes[c].max()), _rank(kinds.get(c)), free.index(c)))
        taken: set[str] = set()
        for column in named:
            if column in taken:
                continue
            others = [c for c in free if c != column and c not in taken]
            follows = tuple(c for c in others if _decides(codes[column], codes[c]))
            number = config.columns[column].kind is not ColumnKind.TEXT
            if number and column not in kinds and not follows:
                continue  # numbers that decide nothing are learned as such
            if kinds.get(column) is PiiKind.USER_NAME and any(
                kind in NAMES and other not in follows for other, kind in kinds.items()
            ):
                continue  # initials of the row's person
            taken |= {column, *follows}
            one = EntityTable(self._name(name, column), name, column, follows)
            self.found.append(one)
            inside = one.rows(rows.select([column, *follows]))
            described = with_entities(Metadata(tables={name: config}), [one], self.privacy)
            self.within(one.name, described.tables[one.name], inside, depth - 1)

    def _free(self, base: str, config: TableConfig, rows: pa.Table) -> list[str]:
        """Return the columns that are no keys, declared or not, and that may be decided."""
        guessed = {c for key in self.finder.undeclared(base) for c in key.columns}
        repeated = {c for c, one in self.aliases.get(base, {}).items() if one.path}
        out = {*config.key_columns, *guessed, *config.derived, *repeated}
        out |= {columns[0] for columns in config.unique_sets if len(columns) == 1}
        kinds = {n: rows.schema.field(n).type for n in rows.column_names}
        return [n for n in config.stored if n not in out and not pa.types.is_nested(kinds[n])]

    def _may_name(
        self, config: TableConfig, column: str, kinds: Mapping[str, PiiKind], codes: IntArray
    ) -> bool:
        """Tell whether a column repeats those whom it names."""
        kind, described = kinds.get(column), config.columns[column]
        told = self.privacy.entities
        if told is not None and kind not in IDENTIFYING and f"{config.name}.{column}" not in told:
            return False
        if column in cleared_columns(config, self.privacy) or not _is_namable(described):
            return False
        if kind not in IDENTIFYING and not (kind in (None, PiiKind.OTHER) and is_key_name(column)):
            return False
        known, distinct = int((codes >= 0).sum()), int(codes.max(initial=-1)) + 1
        return 1 < distinct <= min(ALONE * known, known - REPEATED)

    def _name(self, table: str, column: str) -> str:
        name = f"{table}[{column}]"
        while name in self.names:
            name += "'"
        self.names.add(name)
        return name


def _is_namable(column: Column) -> bool:
    kinds = (ColumnKind.TEXT, ColumnKind.CATEGORICAL, ColumnKind.INTEGER, ColumnKind.UUID)
    return column.kind in kinds


def _rank(kind: Optional[PiiKind]) -> int:
    """Return how well a column tells entities apart: codes do, names may be those of several."""
    if kind is PiiKind.NAME:
        return 2
    return 0 if kind in (None, PiiKind.OTHER) else 1


def _codes(rows: pa.Table, column: str) -> IntArray:
    return group_codes([rows], [[column]])[0]


def _pairs(one: IntArray, other: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return the first row of each entity's commonest value, its entity, and its rows."""
    there = np.flatnonzero(one >= 0)
    span = int(other.max(initial=-1)) + 2
    pairs, first, counts = np.unique(
        one[there] * span + other[there] + 1, return_index=True, return_counts=True
    )
    order = np.lexsort((first, -counts, pairs // span))
    entity = pairs[order] // span
    best = order[np.flatnonzero(np.diff(entity, prepend=-1))]
    return there[first[best]], pairs[best] // span, counts[best]


def _usual_rows(one: IntArray, other: IntArray) -> IntArray:
    """Return a row with the commonest value of each entity, in the order of the codes."""
    known = np.where(np.isin(one, one[other >= 0]) & (other < 0), -1, one)  # no NULL if it can be
    return _pairs(known, other)[0]


def _decides(one: IntArray, other: IntArray) -> bool:
    """Tell whether an entity's rows hold the same in another column, and not by chance."""
    sizes = np.bincount(one[one >= 0])
    rows = np.flatnonzero((one >= 0) & (sizes[np.maximum(one, 0)] > 1))
    if not len(rows):
        return False
    one, other = one[rows], other[rows]
    broken = len(rows) - int(_pairs(one, other)[2].sum())
    if broken > (1 - FOLLOWS) * len(rows):
        return False
    mixed = np.random.default_rng(0).permutation(other)
    chance = len(rows) - int(_pairs(one, mixed)[2].sum())
    return chance >= OCCASIONS and broken <= CLEARLY * chance
