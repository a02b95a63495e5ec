"""Which tables of a run are cut into shards, and which are made first, as a whole.

A table is cut with all that driving keys lead to it from a row of the topmost such table: what
belongs together stays together. Whatever rows of many shards refer to is made as a whole, and so
is a table that a rule binds over more rows than lie in one shard. The number of shards follows from
the numbers of rows alone, and so do all bytes: whoever makes the shards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from synthohive._logging import get_logger
from synthohive.constrain.exclusions import exclusion_rules
from synthohive.constrain.key_rules import (
    CommutingKeys,
    DisjointKeys,
    InclusionDependency,
    KeyRule,
    PositionInParent,
)
from synthohive.constrain.unique import UniqueRule
from synthohive.derive.keys.makers import CounterMaker
from synthohive.learn.fitted import FittedDatabase, FittedTable
from synthohive.schema import ForeignKey
from synthohive.schema.plan import Link, may_be_null

__all__ = ["SHARD_SIZE", "Cut", "ShardSize", "cut_tables"]

log = get_logger(__name__)


@dataclass(frozen=True)
class ShardSize:
    """How a run is cut. Constants, because the bytes of the output depend on them.

    Attributes
    ----------
    rows : int
        Rows of all cut tables in a shard, about: what bounds its memory, and what is made again
        where a shard is lost.
    least : int
        Rows of these tables from which on they are cut.
    roots : int
        Least rows in each shard of a table at which others are cut: of fewer, one could have much
        of what is below.
    """

    rows: int = 1_000_000
    least: int = 4_000_000
    roots: int = 64


SHARD_SIZE = ShardSize()


@dataclass(frozen=True)
class Cut:
    """The tables that are cut, and the number of shards; one if nothing is cut."""

    tables: frozenset[str] = frozenset()
    shards: int = 1


def cut_tables(
    fitted: FittedDatabase, rows: Mapping[str, int], size: ShardSize = SHARD_SIZE
) -> Cut:
    """Decide which tables are cut.

    Parameters
    ----------
    fitted : FittedDatabase
    rows : mapping of str to int
        About how many rows each table gets.
    size : ShardSize, optional
    """
    whole = {name for name, table in fitted.tables.items() if table.reference is not None}
    while True:
        trees = _Trees(fitted, whole)
        total = sum(rows[name] for name in trees.top)
        shards = -(-total // size.rows)
        if total < max(size.least, size.rows + 1):
            return Cut()
        few = {top for top in trees.tops if trees.entities(top, rows) < size.roots * shards}
        more = {**dict.fromkeys(few, "few rows"), **dict(trees.bound())}
        for name in whole & more.keys():
            del more[name]
        if not more:
            return Cut(frozenset(trees.top), shards)
        for name, reason in more.items():
            log.info("table_made_as_a_whole", table=name, rows=rows[name], reason=reason)
        whole |= more.keys()


class _Trees:
    """Tables that are cut, by where the keys over which rows are generated begin."""

    def __init__(self, fitted: FittedDatabase, whole: set[str]) -> None:
        self.fitted, self.whole = fitted, whole
        self.top: dict[str, str] = {}
        for name in fitted.plan.order:
            driver = fitted.plan.tables[name].driver
            if name not in whole:
                below = driver is not None and driver.parent in self.top
                self.top[name] = self.top[driver.parent] if driver is not None and below else name

    @property
    def tops(self) -> set[str]:
        """The tables at which others are cut."""
        return set(self.top.values())

    def entities(self, top: str, rows: Mapping[str, int]) -> float:
        """Return into how many parts of one size its rows can be cut, if no group is cut."""
        driver, fitted = self.fitted.plan.tables[top].driver, self.fitted.tables[top]
        if driver is None or not fitted.rows:
            return rows[top]
        parent, growth = self.fitted.tables[driver.parent], rows[top] / fitted.rows
        if parent.reference is None and rows[driver.parent]:  # parents are as many more
            growth *= parent.rows / rows[driver.parent]
        return rows[top] / max(fitted.keys[driver.label(top)].fan_out.largest * growth, 1.0)

    def bound(self) -> Iterator[tuple[str, str]]:
        """Yield tables that cannot be cut after all, and why."""
        for name, fitted in self.fitted.tables.items():
            links = self.fitted.plan.tables[name].links
            if name in self.whole:
                yield from ((link.key.parent, f"{name} refers to it") for link in links)
                yield from ((one.child, f"{name} sums it up") for one in fitted.aggregates)
            elif reason := self._binds(name, fitted):
                yield name, reason
            else:
                for link in links:
                    if not self._stays(name, link):
                        yield link.key.parent, f"rows of {name} in any shard refer to it"

    def _same(self, name: str, other: str) -> bool:
        """Whether rows of two tables that belong together are in one shard."""
        return self.top.get(other) == self.top[name]

    def _binds(self, name: str, fitted: FittedTable) -> str:
        """Return what binds rows of a table over more than one shard; nothing if nothing does."""
        links = self.fitted.plan.tables[name].links
        for link in links:
            if link.role in ("grouped", "self", "deferred") and not self._stays(name, link):
                return f"its key {link.label}"
        for rule in fitted.key_rules:
            if not self._rule_apart(name, rule):
                return str(rule)
        if not self._in_groups(name, fitted):
            return "what holds among the rows of each parent"
        for unique in self._unique(fitted):
            if not self._different(name, fitted, unique):
                return unique.label
        if not all(self._same(name, one.child) for one in fitted.aggregates):
            return "what it sums up"
        if not all(self._declared(table, key) for table, key in _steps(fitted)):
            return "a key that nobody declared"
        return ""

    def _stays(self, name: str, link: Link) -> bool:
        """Whether a row's parent over a key is one of its shard, or given, by what the key is.

        A free key within a tree may lead to any row of it: shards would be islands.
        """
        same = self._same(name, link.key.parent)
        if link.role in ("driving", "implied"):
            return same or link.key.parent in self.whole
        if not same:
            return link.role == "free" and link.key.parent in self.whole
        fitted = self.fitted.tables[name]
        if any(isinstance(r, CommutingKeys) and r.key == link.key for r in fitted.key_rules):
            return True
        if link.role == "self":
            tree = fitted.keys[link.label].hierarchy
            return self.top[name] != name and tree is not None and bool(tree.within)
        driver = self.fitted.plan.tables[name].driver
        inside = driver is not None and self._same(name, driver.parent)
        shared = {column for column, _ in link.shared}
        return driver is not None and inside and set(driver.columns) <= shared

    def _rule_apart(self, name: str, rule: KeyRule) -> bool:
        if isinstance(rule, DisjointKeys):  # of a row
            return True
        if isinstance(rule, PositionInParent):
            return rule.beside is None or self._same(name, rule.beside.parent)
        if isinstance(rule, InclusionDependency):
            tables = (rule.key.parent, rule.other_table)
            return all(self._same(name, other) for other in tables)
        if isinstance(rule, CommutingKeys):
            return self._same(name, rule.key.parent)
        columns = UniqueRule(rule.all_columns, declared=False)
        return self._different(name, self.fitted.tables[name], columns)

    def _in_groups(self, name: str, fitted: FittedTable) -> bool:
        """Whether what holds among the rows of a parent is about rows of one shard."""
        driver = self.fitted.plan.tables[name].driver
        keys = [one.key if one.key is not None else driver for one in fitted.periods]
        keys += [driver] if fitted.program.monotone else []
        return all(key is None or self._same(name, key.parent) for key in keys)

    def _unique(self, fitted: FittedTable) -> Iterator[UniqueRule]:
        dialect = self.fitted.metadata.dialect
        yield from fitted.unique_rules(dialect)
        for overlap in exclusion_rules(fitted.config, dialect):
            yield UniqueRule(tuple(overlap.all_columns), nulls_distinct=False)

    def _different(self, name: str, fitted: FittedTable, rule: UniqueRule) -> bool:
        """Whether rows of two shards never break a rule, as they differ in what they are made of.

        That is the number of the row, or a parent of one shard.
        """
        columns = set(rule.columns)
        for link in self.fitted.plan.tables[name].of("driving", "free", "grouped"):
            inside = self._same(name, link.key.parent) and set(link.key.columns) <= columns
            null = not rule.nulls_distinct and may_be_null(fitted.config, link.key)
            if inside and link.key.parent != name and not null and not rule.parts:
                return True
        if rule.special:
            return False
        moved = {t for one in fitted.given for t in one.targets}
        moved |= {one.target for one in fitted.aliases.values()}
        moved |= {one.target for one in fitted.namesakes.values()}
        for column in columns - moved:
            maker, fake = fitted.makers.get(column), fitted.fakes.get(column)
            by = "" if maker is None else maker.unique_by
            if by == "row" or (fake is not None and fake.unique):
                return True
            if by == "place" and not (isinstance(maker, CounterMaker) and maker.runs is not None):
                driver = self.fitted.plan.tables[name].driver
                if driver is not None and set(driver.columns) <= columns:
                    return True
        return False

    def _declared(self, table: str, key: ForeignKey) -> bool:
        """Whether the plan knows a key: the parents of others are not looked for in all shards."""
        return any(link.key == key for link in self.fitted.plan.tables[table].links)


def _steps(fitted: FittedTable) -> Iterator[tuple[str, ForeignKey]]:
    """Yield the keys that lead to what made-up columns repeat or go by, each with its table."""
    paths = [alias.path for alias in fitted.aliases.values()]
    paths += [one.path for one in fitted.namesakes.values()]
    paths += [one.path for one in fitted.given]
    for path in paths:
        yield from path
