"""Panels: what stands in many rows of a parent, in a row for each date, is a table of its own.

A row for each store, department and week has a key that nobody need declare: the three never
repeat together. A department of a store is then an entity within the table, as persons are
(:mod:`.entity_tables`): driven by the store, it has its label, what is the same in all of its rows,
and drives these, so that its series is a group of rows in which no date repeats.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive._logging import get_logger
from synthohive.constrain.unique_search import told_apart
from synthohive.learn.entity_tables import EntityTable, decides
from synthohive.learn.hidden_entities import codes_of
from synthohive.schema import ColumnKind, ForeignKey, TableConfig
from synthohive.schema.plan import TIMES
from synthohive.tables.sample import Sample
from synthohive.tables.source import SourceTables

__all__ = ["find_sub_entities"]

log = get_logger(__name__)
SERIES = 4.0
"""Rows of an entity on average: fewer are no series."""
SIDE_BY_SIDE = 2.0
"""Rows of a parent and a date on average: fewer are events, one after the other."""


def find_sub_entities(
    sample: Sample,
    whole: SourceTables,
    personal: Mapping[str, Collection[str]],
    known: Sequence[EntityTable],
) -> list[EntityTable]:
    """Return the tables within tables whose rows are series, verified on all rows.

    Parameters
    ----------
    sample : Sample
    whole : SourceTables
    personal : mapping of str to collection of str
        By table, the columns that are made up.
    known : sequence of EntityTable
        What is found within tables by other means; it has its columns.
    """
    found = []
    for name in sample.plan.order:
        config, rows = sample.metadata.tables[name], sample.tables[name]
        if config.reference or not len(rows) or sample.plan.tables[name].driver is None:
            continue
        taken = {c for one in known if one.table == name for c in (*one.columns, *one.follows)}
        search = _Search(sample, name, config, rows, {*personal.get(name, ()), *taken})
        panel = next((p for p in search.panels() if whole.differ(name, [*p.entity, p.time])), None)
        if panel is None:
            continue
        one = search.entities(panel)
        found.append(one)
        key = ", ".join((*panel.entity, panel.time))
        log.info("panel_found", table=name, key=key, series_of=one.place, constant=[*one.follows])
    return found


@dataclass(frozen=True)
class _Panel:
    """Columns that never repeat together: those of an entity, and its date."""

    entity: tuple[str, ...]
    time: str


@dataclass(frozen=True)
class _Search:
    sample: Sample
    table: str
    config: TableConfig
    rows: pa.Table
    out: Collection[str]

    def panels(self) -> Iterator[_Panel]:
        """Yield panels, those with the longest series first."""
        found = {}
        for names in self._keys():
            for time in self._times(names):
                entity = tuple(n for n in names if n != time)
                length, width = self._mean(entity), self._mean((*self._group, time))
                if set(entity) > set(self._group) and length >= SERIES and width >= SIDE_BY_SIDE:
                    found[_Panel(entity, time)] = length
        yield from sorted(found, key=lambda panel: -found[panel])

    def entities(self, panel: _Panel) -> EntityTable:
        """Return the table of a panel's entities."""
        keys = self.config.foreign_keys
        kept = tuple(key for key in keys if set(key.columns) < set(panel.entity))
        out = {*self.config.key_columns, *self.config.derived, *self.out, *panel.entity, panel.time}
        codes = codes_of(self.rows, panel.entity)
        free = [name for name in self.config.stored if name in self._plain and name not in out]
        follows = tuple(name for name in free if self._is_constant(codes, name))
        own = [column for column in panel.entity if column not in self._linked]
        labels = tuple(column for column in own if not self._is_alone(codes, column))
        name = f"{self.table}[{', '.join(panel.entity)}]"
        key = {*panel.entity, panel.time}
        stated = any(set(unique) == key for unique in self.config.unique_sets)
        return EntityTable(
            name, self.table, panel.entity, follows, None, kept, labels, panel.time, stated
        )

    @property
    def _driver(self) -> ForeignKey:
        driver = self.sample.plan.tables[self.table].driver
        assert driver is not None
        return driver

    @property
    def _group(self) -> list[str]:
        return self._driver.columns

    @property
    def _plain(self) -> set[str]:
        return {f.name for f in self.rows.schema if not pa.types.is_nested(f.type)}

    def _keys(self) -> Iterator[tuple[str, ...]]:
        """Yield the columns that never repeat together, with the driving key's: declared, found."""
        fixed = {c for unique in self.config.unique_sets for c in unique if len(unique) == 1}
        declared = [u for u in self.config.unique_sets if set(u) > set(self._group)]
        for unique in declared:
            if not set(unique) & set(self.out):
                yield unique
        if declared:
            return
        groups = codes_of(self.rows, self._group)
        out = {*self._group, *fixed, *self.config.derived, *self.out}
        for some in told_apart(self.config, self.rows, groups, out):
            yield (*self._group, *some)

    def _times(self, names: Sequence[str]) -> list[str]:
        """Return what may be the date of a series: moments, else whole numbers such as years."""
        free = [name for name in names if name not in self._linked]
        moments = [name for name in free if self.config.columns[name].kind in TIMES]
        return moments or [n for n in free if self.config.columns[n].kind is ColumnKind.INTEGER]

    @property
    def _linked(self) -> set[str]:
        """The columns that lead to parents."""
        return {column for key in self.config.foreign_keys for column in key.columns}

    def _mean(self, names: Sequence[str]) -> float:
        """Return the rows that share some columns, on average."""
        codes = codes_of(self.rows, names)
        return int((codes >= 0).sum()) / max(int(codes.max(initial=-1)) + 1, 1)

    def _is_alone(self, codes: IntArray, name: str) -> bool:
        """Whether no two entities have the same label, whoever they belong to."""
        return int(codes_of(self.rows, [name]).max()) == int(codes.max())

    def _is_constant(self, codes: IntArray, name: str) -> bool:
        """Whether all rows of an entity hold the same, and not by chance."""
        values = codes_of(self.rows, [name])
        pairs = np.unique(np.stack([codes, values], axis=1)[codes >= 0], axis=0)
        return len(pairs) == int(codes.max()) + 1 and decides(codes, values)
