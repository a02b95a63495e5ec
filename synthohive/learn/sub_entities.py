"""Panels: what stands in many rows of a parent, in a row for each date, is a table of its own.

A row for each store, department and week has a key that nobody need declare: the three never
repeat together. A department of a store is then an entity within the table, as persons are
(:mod:`.entity_tables`): driven by the store, it has its label, what is the same in all of its rows,
and drives these, so that its series is a group of rows in which no date repeats. Where there is no
table of stores, the stores are found within that of the departments.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import IntArray
from synthohive._logging import get_logger
from synthohive.constrain.unique_search import told_apart
from synthohive.derive.series_level import share_between
from synthohive.learn.entity_paths import EntityFinder
from synthohive.learn.entity_tables import EntityTable, decides
from synthohive.learn.hidden_entities import codes_of
from synthohive.schema import ColumnKind, TableConfig
from synthohive.schema.sibling_order import TIMES
from synthohive.tables.numbers import as_numbers
from synthohive.tables.sample import Sample
from synthohive.tables.source import SourceTables

__all__ = ["find_sub_entities"]

log = get_logger(__name__)
SERIES = 4.0
"""Rows of an entity on average: fewer are no series."""
LEAST_SERIES = 100
"""Of fewer, a model learns too little of where series begin and how they go on."""
SIDE_BY_SIDE = 2.0
"""Rows of a parent and a date on average: fewer are events, one after the other."""
BETWEEN = 0.5
"""Share of the variance between series, from which a number has a level in each of them."""
LEAST_DISTINCT = 20
_MEASURES = frozenset({ColumnKind.INTEGER, ColumnKind.FLOAT, ColumnKind.DECIMAL})
FILLED = 0.5
"""Share of the dates between the first and the last of a series that it has: else it is none."""


def find_sub_entities(
    sample: Sample,
    whole: SourceTables,
    entities: EntityFinder,
    known: Sequence[EntityTable],
) -> list[EntityTable]:
    """Return the tables within tables whose rows are series, verified on all rows.

    Parameters
    ----------
    sample : Sample
    whole : SourceTables
    entities : EntityFinder
        Knows which columns are personal, and how many entities share a label.
    known : sequence of EntityTable
        What is found within tables by other means; it has its columns.
    """
    found = []
    for name in sample.plan.order:
        config, rows = sample.metadata.tables[name], sample.tables[name]
        if config.reference or not len(rows):
            continue
        taken = {c for one in known if one.table == name for c in (*one.columns, *one.follows)}
        personal = {f.column for f in entities.findings if f.table == name}
        search = _Search(sample, name, config, rows, personal | taken, entities)
        panel = next((p for p in search.panels() if whole.differ(name, [*p.entity, p.time])), None)
        if panel is None:
            continue
        one, *outer = search.entities(panel)
        found += [one, *outer]
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
    finder: EntityFinder

    def panels(self) -> Iterator[_Panel]:
        """Yield panels, those with the longest series first."""
        found = {}
        for names in self._keys():
            for time in self._times(names):
                entity = tuple(n for n in self.config.stored if n in names and n != time)
                length, width = self._mean(entity), self._width(entity, time)
                if set(entity) <= set(self._group) or self._size(entity) < LEAST_SERIES:
                    continue
                if length < SERIES or width < SIDE_BY_SIDE:
                    continue
                if self._filled(entity, time) >= FILLED:
                    found[_Panel(entity, time)] = length
        yield from sorted(found, key=lambda panel: -found[panel])

    def entities(self, panel: _Panel) -> list[EntityTable]:
        """Return the table of a panel's entities, and of those whose they are, if none is there."""
        keys, sets = self.config.foreign_keys, self.config.unique_sets
        above = tuple(key for key in keys if set(key.columns) < set(panel.entity))
        stated = any(set(unique) == {*panel.entity, panel.time} for unique in sets)
        name = f"{self.table}[{', '.join(panel.entity)}]"
        follows = self._follows(panel.entity, panel)
        one = EntityTable(
            name,
            self.table,
            panel.entity,
            follows,
            above=above,
            time=panel.time,
            stated=stated,
            levels=self._levels(panel, follows),
        )
        if above:
            return [self._labelled(one, {column for key in above for column in key.columns})]
        if len(panel.entity) == 1:
            return [self._kept(one)]
        # Whoever decides most, then whoever has most of the others.
        decided = {column: self._follows([column], panel) for column in panel.entity}
        over = min(panel.entity, key=lambda c: (-len(decided[c]), self._size([c])))
        outer = EntityTable(f"{name}[{over}]", name, (over,), decided[over])
        return [self._labelled(one, {over}), self._kept(outer)]

    def _labelled(self, one: EntityTable, over: Collection[str]) -> EntityTable:
        """Return entities with what tells them apart beside those whose they are."""
        own, count = [c for c in one.columns if c not in over], self._size(one.columns)
        alone = tuple(column for column in own if self._size([column]) == count)
        return replace(one, alone=alone, labels=tuple(c for c in own if c not in alone))

    def _kept(self, one: EntityTable) -> EntityTable:
        """Return entities whose names stay what they are, if enough others share each of them."""
        name = one.columns[0]
        if self.config.columns[name].kind not in (ColumnKind.TEXT, ColumnKind.CATEGORICAL):
            return one  # a number is made
        holders = self.finder.of(self.table).holders(codes_of(self.rows, [name]))
        shared = bool((holders >= self.finder.privacy.k_anonymity_threshold).all())
        return replace(one, follows=(), kept=True) if shared else one

    def _follows(self, entity: Sequence[str], panel: _Panel) -> tuple[str, ...]:
        """Return what is the same in all rows of an entity."""
        codes, free = codes_of(self.rows, entity), self._beside(panel)
        return tuple(n for n in free if n in self._plain and self._is_constant(codes, n))

    def _beside(self, panel: _Panel) -> list[str]:
        """Return the columns that may tell of a panel's entities: no keys, and none of its own."""
        out = {*self.config.key_columns, *self.config.derived, *self.out, *panel.entity, panel.time}
        return [name for name in self.config.stored if name not in out]

    def _levels(self, panel: _Panel, follows: Collection[str]) -> tuple[str, ...]:
        """Return the numbers that differ more between series than within one."""
        codes, found = codes_of(self.rows, panel.entity), []
        for name in self._beside(panel):
            if name in follows or self.config.columns[name].kind not in _MEASURES:
                continue
            numbers = as_numbers(self.rows.column(name))
            if len(np.unique(numbers[~np.isnan(numbers)])) < LEAST_DISTINCT:
                continue
            if share_between(numbers, codes) >= BETWEEN:
                found.append(name)
        return tuple(found)

    def _size(self, names: Sequence[str]) -> int:
        return int(codes_of(self.rows, names).max(initial=-1)) + 1

    @property
    def _group(self) -> list[str]:
        return self.sample.plan.tables[self.table].driving_columns

    @property
    def _plain(self) -> set[str]:
        return {f.name for f in self.rows.schema if not pa.types.is_nested(f.type)}

    def _keys(self) -> Iterator[tuple[str, ...]]:
        """Yield the columns that never repeat together, with the driving key's: declared, found."""
        fixed = {c for unique in self.config.unique_sets for c in unique if len(unique) == 1}
        sets = self.config.unique_sets
        declared = [u for u in sets if set(u) > set(self._group) and len(u) > 1]
        for unique in declared:
            if not set(unique) & set(self.out):
                yield unique
        if declared:
            return
        groups = np.zeros(len(self.rows), dtype=np.int64)
        if self._group:
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

    def _width(self, entity: Sequence[str], time: str) -> float:
        """Return the rows of a parent and a date on average, of the parent that has most.

        A product may be in few shops of many, and yet a shop have many products each week.
        """
        keys = [key.columns for key in self.config.foreign_keys]
        parents = [self._group, *(key for key in keys if set(key) < set(entity))]
        return max(self._mean((*parent, time)) for parent in parents)

    def _mean(self, names: Sequence[str]) -> float:
        """Return the rows that share some columns, on average."""
        codes = codes_of(self.rows, names)
        return int((codes >= 0).sum()) / max(int(codes.max(initial=-1)) + 1, 1)

    def _filled(self, entity: Sequence[str], time: str) -> float:
        """Return the share of the dates, of all that occur, that series have within their ends."""
        dates = self.rows.column(time).combine_chunks()
        place = pc.rank(dates, tiebreaker="dense").to_numpy().astype(np.int64)
        codes = codes_of(self.rows, entity)
        low, high = np.full(int(codes.max()) + 1, len(dates)), np.zeros(int(codes.max()) + 1)
        np.minimum.at(low, codes[codes >= 0], place[codes >= 0])
        np.maximum.at(high, codes[codes >= 0], place[codes >= 0])
        return float((codes >= 0).sum() / max((high - low + 1).sum(), 1))

    def _is_constant(self, codes: IntArray, name: str) -> bool:
        """Whether all rows of an entity hold the same, and not by chance."""
        values = codes_of(self.rows, [name])
        pairs = np.unique(np.stack([codes, values], axis=1)[codes >= 0], axis=0)
        return len(pairs) == int(codes.max()) + 1 and decides(codes, values)
