"""Search for what holds between the keys of a row, on all rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from synthohive._logging import get_logger
from synthohive.connectors.base import Reader
from synthohive.relational.key_rules import Apart, KeyRule, Meeting, Route, follow
from synthohive.relational.plan import RelationalPlan
from synthohive.relational.rows import match_rows
from synthohive.relational.sample import Sample
from synthohive.schema import ForeignKey, Metadata

__all__ = ["find_key_rules"]

log = get_logger(__name__)
IntArray = npt.NDArray[np.int64]
LEAST_ROWS = 30
CONTRADICTIONS = 30.0
"""Chance alone would have parted two routes this many times."""


def find_key_rules(
    sample: Sample, reader: Reader, table: str, counts: Mapping[str, int]
) -> list[KeyRule]:
    """Find the rules of one table: in the sample, then verified on all rows.

    Parameters
    ----------
    counts : mapping of str to int
        Rows of each whole table.
    """
    candidates = list(_candidates(sample.metadata, sample.plan, table))
    whole = _WholeKeys(sample, reader, counts)
    everyone = np.arange(len(sample.tables[table]), dtype=np.int64)
    hopeful = [c for c in candidates if not _is_broken(c, sample, everyone)]
    if not hopeful:
        return []
    rows = np.arange(counts[table], dtype=np.int64)
    found = [c for c in hopeful if not _is_broken(c, whole, rows) and _is_proven(c, whole, rows)]
    kept = _without_circles(found)
    for rule in kept:
        log.info("relation_found", table=table, relation=str(rule))
    return kept


def _candidates(metadata: Metadata, plan: RelationalPlan, table: str) -> Iterator[KeyRule]:
    """Yield what may hold: pairs of keys to one parent, pairs of routes that end in one table."""
    rank = _ranks(plan, table)
    for (_, first), (_, second) in combinations(rank.values(), 2):
        if first.parent == second.parent and first.parent_columns == second.parent_columns:
            yield Apart(table, second, first)
    own = plan.tables[table]
    for _, key in rank.values():
        if key.parent == table:
            yield Apart(table, key)
    routes = [r for _, key in rank.values() for r in _routes(metadata, plan, key)]
    routes.sort(key=lambda route: (rank[route[0].label(table)][0], len(route)))
    for one, two in combinations(routes, 2):
        if one[0] == two[0] or one[-1].parent != two[-1].parent:
            continue
        driven = one[0] == own.driver
        late = _mode(plan, table, two[0]) == "deferred"
        # the coarse key first: the fine one follows from it
        turned = not driven and not late and len(one) > len(two)
        known, route = (two, one) if turned else (one, two)
        if not _is_shared(plan, table, route):
            yield Meeting(table, route, known)
    for route in routes:
        if route[-1].parent == table and len(route) == 2 and route[0] != own.driver:
            yield Meeting(table, route, ())


def _mode(plan: RelationalPlan, table: str, key: ForeignKey) -> Optional[str]:
    """Return the mode of a further key; None for the driving one."""
    return next((f.mode for f in plan.tables[table].further if f.key == key), None)


def _ranks(plan: RelationalPlan, table: str) -> dict[str, tuple[int, ForeignKey]]:
    """Return the keys in the order in which parents are known; hierarchies are apart."""
    own = plan.tables[table]
    keys = [] if own.driver is None else [own.driver]
    modes = ("free", "grouped"), ("deferred",)
    keys += [f.key for among in modes for f in own.further if f.mode in among]
    return {key.label(table): (number, key) for number, key in enumerate(keys)}


def _routes(metadata: Metadata, plan: RelationalPlan, key: ForeignKey) -> Iterator[Route]:
    """Yield a key alone, and with each further step that is known when rows are linked."""
    yield (key,)
    for step in metadata.tables[key.parent].foreign_keys:
        if step.parent != key.parent and _mode(plan, key.parent, step) != "deferred":
            yield (key, step)


def _is_shared(plan: RelationalPlan, table: str, route: Route) -> bool:
    """Whether the route follows from columns which an earlier key sets."""
    further = next((f for f in plan.tables[table].further if f.key == route[0]), None)
    if further is None or len(route) < 2:
        return False
    return set(route[1].columns) <= {parent_column for _, parent_column in further.shared}


@dataclass
class _WholeKeys:
    """Each row's parent row over the whole tables."""

    sample: Sample
    reader: Reader
    counts: Mapping[str, int]
    found: dict[str, IntArray] = field(default_factory=dict)

    def parent_rows(self, table: str, key: ForeignKey) -> IntArray:
        label = key.label(table)
        if label not in self.found:
            if all(len(self.sample.tables[t]) == self.counts[t] for t in (table, key.parent)):
                self.found[label] = self.sample.parent_rows(table, key)
            else:
                children = self._read(table, key.columns)
                parents = self._read(key.parent, key.parent_columns)
                self.found[label] = match_rows(children, key.columns, parents, key.parent_columns)
        return self.found[label]

    def _read(self, table: str, columns: list[str]) -> pa.Table:
        batches = list(self.reader.read(table, columns))
        schema = self.sample.tables[table].select(columns).schema
        return pa.Table.from_batches(batches, schema=batches[0].schema if batches else schema)


def _ends(rule: KeyRule, source: object, rows: IntArray) -> tuple[IntArray, IntArray]:
    """Return the rows at which both sides of a rule end."""
    if isinstance(rule, Apart):
        route: Route = (rule.key,)
        other: Route = () if rule.other is None else (rule.other,)
    else:
        route, other = rule.route, rule.other
    return follow(source, rule.table, route, rows), follow(source, rule.table, other, rows)


def _is_broken(rule: KeyRule, source: object, rows: IntArray) -> bool:
    one, two = _ends(rule, source, rows)
    both = (one >= 0) & (two >= 0)
    equal = one[both] == two[both]
    return bool(equal.any() if isinstance(rule, Apart) else not equal.all())


def _is_proven(rule: KeyRule, source: object, rows: IntArray) -> bool:
    """Whether enough rows show a rule, and chance would have broken it."""
    one, two = _ends(rule, source, rows)
    both = (one >= 0) & (two >= 0)
    count = int(both.sum())
    if count < LEAST_ROWS:
        return False
    if isinstance(rule, Apart):  # where no row is referred to over both keys, nothing is to do
        return bool(len(np.intersect1d(one[both], two[both])))
    if ((follow(source, rule.table, rule.route[:1], rows) >= 0) & (two >= 0) & (one < 0)).any():
        return False
    shares = np.unique(one[both], return_counts=True)[1] / count
    return count * (1.0 - float(shares @ shares)) >= CONTRADICTIONS


def _without_circles(found: list[KeyRule]) -> list[KeyRule]:
    """Drop rules that would need a key to be known before itself."""
    kept: list[KeyRule] = []
    follows: dict[str, set[str]] = {}

    def reaches(start: str, goal: str) -> bool:
        return start == goal or any(reaches(n, goal) for n in follows.get(start, ()))

    for rule in found:
        if isinstance(rule, Meeting) and rule.other:
            key, other = rule.key.label(rule.table), rule.other[0].label(rule.table)
            if reaches(other, key):
                continue
            follows.setdefault(key, set()).add(other)
        kept.append(rule)
    return kept
