"""Numbers that count inside a parent's rows, and values that never repeat in them, undeclared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import methodcaller
from typing import Optional, Union

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive._logging import get_logger
from synthohive.constrain.key_rules import (
    CommutingKeys,
    KeyRule,
    PositionInParent,
    UniqueWithinParent,
)
from synthohive.constrain.unique_search import told_apart
from synthohive.derive.columns import CONTRADICTIONS
from synthohive.derive.keys.makers import CounterMaker, KeyMaker, RealKeys
from synthohive.io.questions import CannotAsk, Joined
from synthohive.schema import ColumnKind, ForeignKey, TableConfig
from synthohive.schema.sibling_order import TIMES
from synthohive.tables.degrees import FanOutModel
from synthohive.tables.joins import group_codes, may_never_repeat, never_repeat
from synthohive.tables.sample import Sample
from synthohive.tables.source import SourceTables
from synthohive.texts.words import vocabulary_of

__all__ = ["counters", "find_group_rules"]

log = get_logger(__name__)
GroupRule = Union[PositionInParent, UniqueWithinParent]
LEAST_NAMED, MOST_NAMED = 3, 300
MOST_IN_GRID = 100_000
"""Of more rows, what must not repeat would keep all of them from being made in pieces."""
FILLED = 0.5
"""Share of a grid's places that rows have; fewer are events, of which the next may repeat one."""
_TEXTS = (ColumnKind.TEXT, ColumnKind.CATEGORICAL)
_KINDS = (
    ColumnKind.INTEGER,
    ColumnKind.DECIMAL,
    ColumnKind.DATE,
    ColumnKind.TIMESTAMP,
    ColumnKind.TEXT,
    ColumnKind.CATEGORICAL,
)


def find_group_rules(
    sample: Sample, whole: SourceTables, table: str, known: Iterable[KeyRule], k: int
) -> list[KeyRule]:
    """Find what holds among the rows of one driving parent: in the sample, then in all rows.

    Parameters
    ----------
    whole : SourceTables
    known : iterable of KeyRule
        What holds between its keys.
    k : int
        Parents that must share a number of rows.
    """
    driver = sample.plan.tables[table].driver
    data, all_read = sample.tables[table], whole.in_sample(table)
    named = list(_of_vocabularies(sample, table)) if all_read else []
    if driver is None:
        grid = _grid(sample, whole, table)
        log.relations(table, grid)
        return [*named, *grid]
    late = [r.key for r in known if isinstance(r, CommutingKeys) and r.other[:1] != (driver,)]
    further = sample.plan.tables[table].keys("free")
    found: list[GroupRule] = []
    for beside in (None, *(key for key in further if key not in late)):
        if not len(data) or any(isinstance(r, PositionInParent) and r.beside for r in found):
            break  # rows are chosen for together over one key
        some = list(_Search(sample, table, driver, data, beside, k, all_read).rules())
        asked = None
        if some and not all_read and beside is None:
            asked = _asked(whole, sample.metadata.tables[table], driver, some)
        if asked is not None:
            some = asked
        elif some and not all_read:
            keys = [driver] if beside is None else [driver, beside]
            names = [c for key in keys for c in key.columns] + [r.target for r in some]
            every = whole.columns(table, names)
            some = list(_Search(sample, table, driver, every, beside, k, True).rules())
        found += some
    found += _together(sample, whole, table, driver, found)
    log.relations(table, found)
    return [*named, *found]


def _together(
    sample: Sample,
    whole: SourceTables,
    table: str,
    driver: ForeignKey,
    known: Iterable[GroupRule],
) -> list[UniqueWithinParent]:
    """Return the labels and dates that never repeat together: at most one set, the clearest."""
    config, rows = sample.metadata.tables[table], sample.tables[table]
    out = config.key_columns | set(config.derived) | {rule.target for rule in known}
    out |= {unique[0] for unique in config.unique_sets if len(unique) == 1}
    for some in told_apart(config, rows, group_codes([rows], [driver.columns])[0], out):
        if any(set(unique) <= {*driver.columns, *some} for unique in config.unique_sets):
            continue
        if whole.differ(table, [*driver.columns, *some]):
            return [UniqueWithinParent(table, some, driver)]
    return []


def _grid(sample: Sample, whole: SourceTables, table: str) -> list[UniqueWithinParent]:
    """Return the labels and dates of a table without parents that never repeat together.

    They fill :data:`FILLED` of all places at least.
    """
    config, rows = sample.metadata.tables[table], sample.tables[table]
    if len(rows) < LEAST_NAMED or whole.size(table) > MOST_IN_GRID:
        return []
    out = config.key_columns | set(config.derived)
    out |= {unique[0] for unique in config.unique_sets if len(unique) == 1}
    for some in told_apart(config, rows, np.zeros(len(rows), dtype=np.int64), out):
        sizes = [len(rows.column(name).unique()) for name in some]
        if not any(config.columns[name].kind in TIMES for name in some):
            continue
        if any(set(unique) <= set(some) for unique in config.unique_sets):
            continue
        if len(rows) >= FILLED * np.prod(sizes) and whole.differ(table, list(some)):
            return [UniqueWithinParent(table, some, None)]
    return []


def _asked(
    whole: SourceTables, config: TableConfig, driver: ForeignKey, rules: Iterable[GroupRule]
) -> Optional[list[GroupRule]]:
    """Return what a database says of rules over one parent; None where it cannot tell."""
    questions = whole.questions(config.name)
    if questions is None:
        return None
    found: list[GroupRule] = []
    rules = list(rules)
    try:
        named = (*driver.columns, *(rule.target for rule in rules))
        unknown = questions.counted(
            Joined(config.name, named), [methodcaller("missing", name) for name in named]
        )
        if any(unknown[: len(driver.columns)]):
            return None
        for rule, empty in zip(rules, unknown[len(driver.columns) :]):
            name = rule.target
            spread = questions.spread(config.name, [driver.columns, [name]])
            if empty or not may_never_repeat(spread, CONTRADICTIONS):
                continue
            if questions.repeated(config.name, [*driver.columns, name]):
                continue
            kind, counter = config.columns[name].kind, None
            if kind in (ColumnKind.INTEGER, ColumnKind.DECIMAL):
                counter = questions.counter(config.name, driver.columns, name)
            if counter is None:
                found.append(UniqueWithinParent(config.name, (name,), driver))
            else:
                found.append(PositionInParent(config.name, name, driver, *counter))
    except CannotAsk:
        return None
    return found


def _of_vocabularies(sample: Sample, table: str) -> Iterator[UniqueWithinParent]:
    """Yield the columns of which each row is another member of a public list: countries, months."""
    config, data = sample.metadata.tables[table], sample.tables[table]
    if not LEAST_NAMED <= len(data) <= MOST_NAMED:
        return
    alone = {unique[0] for unique in config.unique_sets if len(unique) == 1}
    for name in data.column_names:
        if name in alone | config.key_columns or config.columns[name].kind not in _TEXTS:
            continue
        texts = data.column(name).unique().to_pylist()
        if len(texts) == len(data) and None not in texts and vocabulary_of(list(map(str, texts))):
            log.info("relation_found", table=table, relation=f"{name} never repeats")
            yield UniqueWithinParent(table, (name,), None)


def counters(table: TableConfig, rules: Iterable[KeyRule]) -> dict[str, KeyMaker]:
    """Return a maker for each column that counts though no constraint says so."""
    return {
        rule.column: CounterMaker(table.columns[rule.column], rule.start, rule.step, runs=rule.runs)
        for rule in rules
        if isinstance(rule, PositionInParent)
    }


@dataclass
class _Search:
    """The columns of a table beside the groups of its driving parents, or of two parents."""

    sample: Sample
    table: str
    driver: ForeignKey
    data: pa.Table
    beside: Optional[ForeignKey]
    k: int
    whole: bool
    groups: IntArray = field(init=False)

    def __post_init__(self) -> None:
        keys = [self.driver] if self.beside is None else [self.driver, self.beside]
        columns = list(dict.fromkeys(c for key in keys for c in key.columns))
        codes = group_codes([self.data], [columns])[0]
        self.groups = np.searchsorted(np.unique(codes[codes >= 0]), codes)  # dense, to be counted
        self.groups[codes < 0] = -1

    def rules(self) -> Iterator[GroupRule]:
        return self._of_one_parent() if self.beside is None else self._of_two_parents()

    def _of_two_parents(self) -> Iterator[GroupRule]:
        """Yield the first column that counts inside the rows of each two parents.

        Of a sample, which may thin groups, all that may do so.
        """
        config = self.sample.metadata.tables[self.table]
        unique = {columns[0] for columns in config.unique_sets if len(columns) == 1}
        out = self.sample.plan.tables[self.table].filled | set(config.derived) | unique
        for name in self.data.column_names:
            column, values = config.columns[name], self.data.column(name)
            if name in out or column.kind is not ColumnKind.INTEGER or (self.groups < 0).any():
                continue
            if values.null_count or not self._is_distinct(name):
                continue
            if not self.whole:
                yield UniqueWithinParent(self.table, (name,), self.driver)
                continue
            maker = CounterMaker.learn(RealKeys(column, values, self.groups))
            groups = group_codes([self.data], [self.driver.columns])[0]
            alone = CounterMaker.learn(RealKeys(column, values, groups))
            if isinstance(maker, CounterMaker) and maker.exact and alone is None:
                sizes, times = np.unique(np.bincount(self.groups), return_counts=True)
                runs = FanOutModel.fit(dict(zip(sizes.tolist(), times.tolist())), k=self.k)
                start, step = maker.start, maker.step
                yield PositionInParent(
                    self.table, name, self.driver, start, step, self.beside, runs
                )
                return

    def _of_one_parent(self) -> Iterator[GroupRule]:
        config = self.sample.metadata.tables[self.table]
        fixed = config.key_columns | set(config.derived)
        fixed |= {column for unique in config.unique_sets for column in unique}
        for name in self.data.column_names:
            column = config.columns[name]
            if name in fixed or column.kind not in _KINDS:
                continue
            if self.data.column(name).null_count or not self._is_distinct(name):
                continue
            maker = CounterMaker.learn(RealKeys(column, self.data.column(name), self.groups))
            if isinstance(maker, CounterMaker) and maker.exact:
                yield PositionInParent(self.table, name, self.driver, maker.start, maker.step)
            else:
                yield UniqueWithinParent(self.table, (name,), self.driver)

    def _is_distinct(self, name: str) -> bool:
        """Whether a value never repeats in a group, where chance would have repeated it."""
        values = group_codes([self.data], [[name]])[0]
        return never_repeat([self.groups, values], CONTRADICTIONS)
