"""Search for what holds between the keys of a row, on all rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations, permutations
from typing import Optional, Union

import numpy as np

from synthohive._logging import get_logger
from synthohive.constrain.key_rules import (
    CommutingKeys,
    DisjointKeys,
    InclusionDependency,
    KeyRule,
    Route,
    UniqueWithinParent,
)
from synthohive.derive.columns import CONTRADICTIONS
from synthohive.io.base import FanOut
from synthohive.schema import ForeignKey, Metadata
from synthohive.schema.plan import Link, RelationalPlan
from synthohive.tables.base import Tables
from synthohive.tables.joins import never_repeat
from synthohive.tables.sample import Sample
from synthohive.tables.source import SourceTables

__all__ = ["find_key_rules"]

log = get_logger(__name__)
PairRule = Union[DisjointKeys, CommutingKeys]
LEAST_ROWS = 30
MOST_KEYS = 3
"""That are looked at together."""


def find_key_rules(
    sample: Sample, whole: SourceTables, table: str, fan_outs: Mapping[str, FanOut]
) -> list[KeyRule]:
    """Find the rules of one table: in the sample, then verified on all rows.

    Parameters
    ----------
    whole : SourceTables
    fan_outs : mapping of str to FanOut
        Children per parent over each key, by label.
    """
    candidates = list(_candidates(sample.metadata, sample.plan, table))
    # The sample first, as all rows cost: what it breaks needs no other look.
    hopeful = [c for c in candidates if _holds(c, sample.around)]
    found = [c for c in hopeful if _holds(c, whole, proven=True)]
    found = list(_feasible(found, sample.plan.tables[table].driver, fan_outs))
    kept: list[KeyRule] = [*_without_circles(found, table)]
    for company in _companies(sample, table, fan_outs):
        mine, theirs = (table, company.key), (company.other_table, company.other)
        if not (whole.alone(mine, theirs) if company.needs else whole.alone(theirs, mine)):
            kept.append(company)
    kept += _never_together(sample, table, whole)
    log.relations(table, kept)
    return kept


def _candidates(metadata: Metadata, plan: RelationalPlan, table: str) -> Iterator[PairRule]:
    """Yield what may hold: pairs of keys to one parent, pairs of routes that end in one table."""
    keys = _known_keys(plan, table)
    for first, second in combinations(keys, 2):
        if first.parent == second.parent and first.parent_columns == second.parent_columns:
            yield DisjointKeys(table, second, first)
    table_plan = plan.tables[table]
    routes = [route for key in keys for route in _routes(metadata, plan, key)]
    for left, right in combinations(routes, 2):
        if left[0] == right[0] or left[-1].parent != right[-1].parent:
            continue
        driven = left[0] == table_plan.driver
        late = _is_late(plan, table, right[0])
        # the coarse key first: the fine one follows from it
        turned = not driven and not late and len(left) > len(right)
        anchor, route = (right, left) if turned else (left, right)
        if not _is_shared(plan, table, route):
            yield CommutingKeys(table, route, anchor)
    for route in routes:
        if route[-1].parent == table and len(route) == 2 and route[0] != table_plan.driver:
            yield CommutingKeys(table, route, ())
    # an answer that its question names as the best
    for route in permutations(table_plan.keys("self"), 2):
        yield CommutingKeys(table, route, ())


def _companies(
    sample: Sample, table: str, fan_outs: Mapping[str, FanOut]
) -> Iterator[InclusionDependency]:
    """Yield what the numbers of parents without children allow, and chance would break."""
    plan = sample.plan
    earlier = plan.order[: plan.order.index(table)]
    for key in _known_keys(plan, table):
        for child, other in sample.incoming(key.parent):
            if child not in earlier or _is_late(plan, child, other):
                continue
            if key.parent_columns != other.parent_columns or _is_late(plan, table, key):
                continue
            histograms = [fan_outs[k.label(t)].histogram for t, k in ((table, key), (child, other))]
            parents = max(sum(histograms[0].values()), 1)
            filled = [parents - histogram.get(0, 0) for histogram in histograms]
            for needs, (few, many) in ((True, filled), (False, filled[::-1])):
                if few <= many and few * (1.0 - many / parents) >= CONTRADICTIONS:
                    yield InclusionDependency(table, key, child, other, needs)


def _never_together(
    sample: Sample, table: str, whole: SourceTables
) -> Iterator[UniqueWithinParent]:
    """Yield the least sets of keys that never repeat together, though no constraint says so."""
    sample = sample.around
    everyone = np.arange(sample.size(table), dtype=np.int64)
    places: list[Tables] = [sample, whole]  # the sample first: what it breaks, needs no other look
    keys = _known_keys(sample.plan, table)
    alone = [sample.parents_of(table, key, everyone) for key in keys]
    keys = [key for key, one in zip(keys, alone) if not never_repeat([one])]  # quotas see to it
    known = [set(unique) for unique in sample.metadata.tables[table].unique_sets]
    for some in (s for n in range(2, MOST_KEYS + 1) for s in combinations(keys, n)):
        columns = tuple(dict.fromkeys(c for key in some[1:] for c in key.columns))
        every = {*some[0].columns, *columns}
        if any(unique <= every for unique in known) or any(set(k.columns) >= every for k in some):
            continue
        if all(source.never_together(table, some, CONTRADICTIONS) for source in places):
            known.append(every)
            yield UniqueWithinParent(table, columns, some[0])


def _is_late(plan: RelationalPlan, table: str, key: ForeignKey) -> bool:
    """Whether a key is chosen only when all tables are there."""
    return key in plan.tables[table].keys("deferred")


def _known_keys(plan: RelationalPlan, table: str) -> list[ForeignKey]:
    """Return the keys in the order in which parents are known; hierarchies are apart."""
    return plan.tables[table].keys("driving", "free", "grouped", "deferred")


def _routes(metadata: Metadata, plan: RelationalPlan, key: ForeignKey) -> Iterator[Route]:
    """Yield a key alone, and with each further step that is known when rows are linked."""
    yield (key,)
    for step in metadata.tables[key.parent].foreign_keys:
        if step.parent != key.parent and not _is_late(plan, key.parent, step):
            yield (key, step)


def _is_shared(plan: RelationalPlan, table: str, route: Route) -> bool:
    """Whether the route follows from columns which an earlier key sets."""
    shared = plan.tables[table].link(route[0]).shared
    return len(route) > 1 and set(route[1].columns) <= {parent for _, parent in shared}


def _holds(rule: PairRule, source: Tables, *, proven: bool = False) -> bool:
    """Whether no row breaks a rule; of a proven one, also where chance would have broken it."""
    apart = isinstance(rule, DisjointKeys)
    one, two = ((rule.key,), (rule.other,)) if isinstance(rule, DisjointKeys) else _routes_of(rule)
    found = source.meetings(rule.table, one, two, apart=apart)
    if found.equal if apart else found.equal < found.count:
        return False
    if not proven or found.count < LEAST_ROWS:
        return not proven
    if apart:  # where no row is referred to over both keys, nothing is to do
        return found.shared
    if found.lacking:
        return False
    # One minus the squared shares is the chance that two routes end at different rows.
    return found.count * (1.0 - found.squares / found.count**2) >= CONTRADICTIONS


def _routes_of(rule: CommutingKeys) -> tuple[Route, Route]:
    return rule.route, rule.other


def _feasible(
    found: list[PairRule], driver: Optional[ForeignKey], fan_outs: Mapping[str, FanOut]
) -> Iterator[PairRule]:
    """Turn rules that would ask too much of a key which follows from the driving one.

    A payment's rental is one of its customer's. Were it to be one of a clerk's, too, whom the
    payment had before, there might be none: so the clerk follows from the rental.
    """
    meetings = [rule for rule in found if isinstance(rule, CommutingKeys)]
    driven = {Link(rule.table, rule.key) for rule in meetings if rule.other[:1] == (driver,)}
    for rule in found:
        link = Link(rule.table, rule.key)
        if (
            isinstance(rule, CommutingKeys)
            and len(rule.route) > 1
            and len(rule.other) == 1
            and rule.other != (driver,)
            and link in driven
            and not fan_outs[link.label].nulls
        ):
            yield CommutingKeys(rule.table, rule.other, rule.route)
        else:
            yield rule


def _without_circles(found: list[PairRule], table: str) -> list[PairRule]:
    """Drop rules that would need a key to be known before itself."""
    kept: list[PairRule] = []
    follows: dict[Link, set[Link]] = {}

    def reaches(start: Link, goal: Link) -> bool:
        return start == goal or any(reaches(n, goal) for n in follows.get(start, ()))

    for rule in found:
        if isinstance(rule, CommutingKeys) and (rule.other or rule.key.parent == table):
            link, other = Link(table, rule.key), Link(table, (rule.other or rule.route[1:])[0])
            if reaches(other, link):
                continue
            follows.setdefault(link, set()).add(other)
        kept.append(rule)
    return kept
