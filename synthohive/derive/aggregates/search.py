"""Search for parents' columns that follow from their children."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, permutations
from typing import Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._logging import get_logger
from synthohive.derive.aggregates.asking import AllParents
from synthohive.derive.aggregates.base import Aggregate
from synthohive.derive.aggregates.sets import (
    MOST_VALUES,
    ValueSet,
    find_value_set,
)
from synthohive.derive.aggregates.totals import Amount, Function, Total, Totals
from synthohive.derive.aggregates.trial import Trial
from synthohive.derive.columns import LEAST_ROWS, Columns, spaced
from synthohive.derive.mostly import agreement, same
from synthohive.derive.presence import is_category
from synthohive.derive.search import discover_links
from synthohive.derive.stated import stated_relations
from synthohive.privacy.entities import Entities, entities_or_rows
from synthohive.schema import ForeignKey, Metadata
from synthohive.tables.ancestors import WithParents, hstack
from synthohive.tables.joins import match_rows
from synthohive.tables.numbers import as_numbers, is_number, is_time
from synthohive.tables.sample import Sample
from synthohive.tables.source import SourceTables

__all__ = ["find_aggregates"]

log = get_logger(__name__)
MOST_PARENTS = 2_000_000
TRIAL_PARENTS, TRIAL_ROWS = 100, 5_000
"""Enough to refute what does not hold; what is left is confirmed on all rows."""
MOST_CATEGORIES = 20
MERE: tuple[Function, ...] = ("min", "max", "mean")
"""What children that follow from their parent may give by the way."""
MOSTLY = 0.9


def find_aggregates(
    sample: Sample,
    whole: SourceTables,
    k: int,
    entities: Optional[Callable[[str], Entities]] = None,
) -> dict[str, list[Aggregate]]:
    """Find, for each table, the columns that follow from the rows of a child table.

    Children must be whole, and so are looked at in the source.

    Parameters
    ----------
    whole : SourceTables
    k : int
        Values that fewer entities share are not kept.
    entities : callable, optional
        Those behind the rows of a table; each row is one by default.
    """
    found, used = defaultdict[str, list[Aggregate]](list), defaultdict[str, set[str]](set)
    declared = [(child, key, False) for child, key in sample.metadata.foreign_keys()]
    shared = [(child, key, True) for child, key in _shared_keys(sample.metadata)]
    order, children = sample.plan.order, _Children(sample, "", k, entities)
    for child, key, beside_it in (*declared, *shared):
        parent = key.parent
        if child == parent or not LEAST_ROWS <= whole.size(parent) <= MOST_PARENTS:
            continue
        taken = {a.target for a in found[parent]} | used[parent]
        targets = [c for c in _targets(sample, parent) if c not in taken]
        if not targets or not whole.size(child):
            continue
        summed = {name: {a.target for a in those} for name, those in found.items()}
        if children.table != child:  # the keys of a table follow one another
            children = _Children(sample, child, k, entities)
        search = _Search(sample, whole, child, key, k, children, summed)
        for aggregate in search.run(targets):
            if beside_it:
                if order.index(child) < order.index(parent) and found[child]:
                    continue  # whose own sums are not known yet
                used[child].update(aggregate.columns)
            for name, _ in aggregate.above:  # is not to be summed up later
                table, _, column = name.rpartition(".")
                used[table].add(column)
            used[parent].update(aggregate.beside)
            log.relations(parent, [aggregate])
            found[parent].append(aggregate)
    return {table: those for table, those in found.items() if those}


def _shared_keys(metadata: Metadata) -> Iterator[tuple[str, ForeignKey]]:
    """Yield what leads to a row without a key: both refer to the same parents, one of them alone.

    ``stock.sold = sum(order_item.quantity)``, of the product that each line of stock is of.
    """
    refers: dict[str, dict[tuple[str, str], str]] = {}
    for table, key in metadata.foreign_keys():
        for column, parent_column in zip(key.columns, key.parent_columns):
            refers.setdefault(table, {}).setdefault((key.parent, parent_column), column)
    declared = {(t, k.parent, tuple(k.columns)) for t, k in metadata.foreign_keys()}
    for parent, child in permutations(refers, 2):
        ends = {column: end for end, column in refers[parent].items()}
        for unique in metadata.tables[parent].unique_sets:
            columns = [refers[child].get(ends.get(c, ("", "")), "") for c in unique]
            if all(columns) and (child, parent, tuple(columns)) not in declared:
                key = ForeignKey(columns=columns, parent=parent, parent_columns=list(unique))
                yield child, key


def _targets(sample: Sample, table: str) -> list[str]:
    """Return the columns that may follow from children: no keys, and not unique."""
    config = sample.metadata.tables[table]
    fixed = config.key_columns | {c for unique in config.unique_sets for c in unique}
    fixed |= set(config.derived)
    fixed |= {stated.relation.target for stated in stated_relations(sample, table)}
    names = sample.tables[table].column_names
    return [c for c in names if c not in fixed]


def _categories(columns: Columns, names: list[str]) -> dict[str, tuple[str, ...]]:
    """Return the columns of a few values, each shared by enough entities, and those values."""
    found = {}
    for name in names:
        if is_category(columns.type(name)) and 2 <= columns.distinct(name) <= MOST_VALUES:
            codes = columns.codes(name)
            if columns.entities.holders(codes).min() >= columns.k:
                texts = pc.unique(columns.rows.column(name).cast(pa.string()).drop_null())
                found[name] = tuple(sorted(texts.to_pylist()))
    return found


@dataclass(frozen=True)
class _Children:
    """What is known of the rows of a table, whichever key is looked at."""

    sample: Sample
    table: str
    k: int
    entities: Optional[Callable[[str], Entities]]

    @cached_property
    def columns(self) -> Columns:
        """The columns that are no keys."""
        config, rows = self.sample.metadata.tables[self.table], self.sample.tables[self.table]
        names = [c for c in rows.column_names if c not in config.key_columns]
        owners = None if self.entities is None else self.entities(self.table)
        return Columns(rows.select(names), names, owners, self.k)

    @cached_property
    def values(self) -> dict[str, tuple[str, ...]]:
        """The values of those that have a few."""
        return _categories(self.columns, self.columns.rows.column_names)


@dataclass(frozen=True)
class _Search:
    """The search over one key."""

    sample: Sample
    whole: SourceTables
    child: str
    key: ForeignKey
    k: int
    children: _Children
    summed: Mapping[str, set[str]]

    def run(self, targets: list[str]) -> Iterator[Aggregate]:
        """Yield what follows from the children; each target once."""
        parent = self.sample.tables[self.key.parent]
        columns = Columns(parent.select(targets), targets)
        numeric = [c for c in columns.numeric if columns.distinct(c) > 2]
        few = [
            c for c in targets
            if is_category(columns.type(c)) and 2 <= columns.distinct(c) <= MOST_CATEGORIES
        ]  # fmt: skip
        values = self.children.values if numeric or few else {}
        trial = self._trial(values) if numeric or (few and values) else None
        if trial is None:
            return
        steps = {target: columns.step(target) for target in numeric}
        candidates: list[Aggregate] = [*self._totals(trial, steps)]
        candidates += (one for target in few for one in self._sets(trial, target, values))
        if candidates:
            yield from self._confirmed(candidates, steps)

    def _totals(self, trial: Trial, steps: Mapping[str, float]) -> list[Total]:
        """Return what may sum up to some targets, by a few parents."""
        found, above = dict[str, list[Total]](), self._above
        empty = Total(self.key.parent, "", self.child, self.key, "count", Amount())
        for target, step in steps.items():
            totals = trial.find(replace(empty, target=target), step)
            mere = any(total.function in MERE for total in totals)
            copied = mere and self._is_source(target)
            found[target] = [t for t in totals if not (copied and t.function in MERE)]
        for target, step in steps.items():
            if not found[target] and not is_time(trial.own.type(target)):
                known = [name for name, totals in found.items() if totals]
                formulas = trial.find_formulas(replace(empty, target=target), step, known)
                found[target] = [] if formulas and self._is_source(target) else formulas
        return [
            replace(one, above=tuple((n, above[n]) for n in one.amount.columns if n in above))
            for one in chain.from_iterable(found.values())
        ]

    def _sets(
        self, trial: Trial, target: str, values: Mapping[str, tuple[str, ...]]
    ) -> Iterator[ValueSet]:
        """Yield the columns of the children whose set of values a target may follow from."""
        for name, among in values.items():
            one = ValueSet(self.key.parent, target, self.child, self.key, name, among)
            sets = one.running(len(trial.parents))
            sets.take(trial.at, trial.children)
            given = trial.parents.column(target)
            if find_value_set(given, sets.sets, 1, strict=False) is not None:
                yield one

    def _confirmed(
        self, candidates: list[Aggregate], steps: Mapping[str, float]
    ) -> Iterator[Aggregate]:
        """Yield what holds for all parents, the first for each target."""
        held = self._all_parents.confirmed(candidates, steps, self.k)
        rest = [i for i in range(len(candidates)) if i not in held]
        held.update(zip(rest, self._read([candidates[i] for i in rest], steps)))
        done: set[str] = set()
        for found in (held[i] for i in range(len(candidates))):
            if found is not None and found.target not in done and self._shared(found):
                done.add(found.target)
                yield found

    def _read(
        self, candidates: list[Aggregate], steps: Mapping[str, float]
    ) -> list[Optional[Aggregate]]:
        """Return what holds for all parents by their children, which are read once."""
        if not candidates:
            return []
        named = [c for one in candidates for c in (one.target, *one.beside)]
        parents = self.whole.columns(self.key.parent, [*self.key.parent_columns, *named])
        counted = [one.running(len(parents)) for one in candidates]
        named_above = [pair for one in candidates for pair in one.above]
        above = WithParents(named_above, self.sample.plan, self.whole)
        for block in self.whole.batches(self.child, [c for one in candidates for c in one.columns]):
            at = match_rows(block, self.key.columns, parents, self.key.parent_columns)
            rows = above(block)
            for running in counted:
                running.take(at, rows)
        return [
            one.confirmed(parents, running, steps.get(one.target, 0.0), self.k)
            for one, running in zip(candidates, counted)
        ]

    @cached_property
    def _all_parents(self) -> AllParents:
        parents = self.sample.tables[self.key.parent]
        return AllParents(self.whole, self.sample.plan, self.child, self.key, parents)

    @cached_property
    def _above(self) -> dict[str, ForeignKey]:
        """The numbers of the children's other parents, and of their ancestors, by key."""
        found: dict[str, ForeignKey] = {}
        plan, tables = self.sample.plan, self.sample.metadata.tables
        barred = {self.child, self.key.parent, *plan.tables[self.key.parent].ancestors}
        for key in tables[self.child].foreign_keys:
            if key.parent in barred or self.whole.size(key.parent) > MOST_PARENTS:
                continue
            for table in (key.parent, *plan.tables[key.parent].ancestors):
                if table in barred:
                    break
                out = tables[table].key_columns | self.summed.get(table, set())
                for field in self.sample.tables[table].schema:
                    if field.name not in out and is_number(field.type) and not is_time(field.type):
                        found.setdefault(f"{table}.{field.name}", key)
        return found

    def _trial(self, values: Mapping[str, tuple[str, ...]]) -> Optional[Trial]:
        """Return a few parents and all of their children."""
        parents, theirs = self.sample.tables[self.key.parent], self._theirs
        at = self.sample.parent_rows(self.child, self.key)
        chosen, sizes = np.unique(at[at >= 0], return_counts=True)
        if len(chosen) < LEAST_ROWS:
            return None
        some = spaced(len(chosen), TRIAL_PARENTS)
        if sizes[some].sum() > TRIAL_ROWS:
            some = np.sort(some[np.argsort(sizes[some], kind="stable")[:LEAST_ROWS]])
        chosen = chosen[some]
        keys = [c for key in (self.key, *self._above.values()) for c in key.columns]
        names = list(dict.fromkeys([*theirs.numeric, *values]))
        few, beside = parents.take(pa.array(chosen)), self._all_parents.above(self._above.items())
        children = self._all_parents.children(few, [*keys, *names], beside)
        at = match_rows(children, self.key.columns, parents, self.key.parent_columns)
        out = self.sample.metadata.tables[self.key.parent].key_columns
        attributes = parents.select([c for c in parents.column_names if c not in out])
        numbers = np.searchsorted(chosen, at)
        counted = pa.table({"": pa.nulls(len(at))})  # a table without columns forgets its rows
        children = hstack(counted, children.select([*names, *self._above]))
        return Trial(attributes.take(pa.array(chosen)), children, numbers, values)

    def _is_source(self, target: str) -> bool:
        """Whether the children follow from the parent: a price is the least of quantity * price."""
        config, name = self.sample.metadata.tables[self.child], f"{self.key.parent}.{target}"
        rows = self._theirs.rows
        parents = self.sample.parent_rows(self.child, self.key)
        above = self.sample.take(self.key.parent, [target], parents).rename_columns([name])
        targets = set(rows.column_names) - set(config.derived)
        linked = bool(discover_links(rows, above, targets, {})) or self._repeated(target)
        return linked or _begins_others(self.sample, self.key, self.child, target)

    def _repeated(self, target: str) -> bool:
        """Whether many children, besides one of each parent, hold the parent's value."""
        rows, parents = self._theirs.rows, self.sample.parent_rows(self.child, self.key)
        above = self.sample.take(self.key.parent, [target], parents).column(0)
        for name in rows.column_names:
            both = pa.table({"own": rows.column(name), "above": above})
            if is_number(above.type) != is_number(both.column("own").type):
                continue
            rest = same(both, "own", "above") & (parents >= 0)
            first = np.flatnonzero(rest)[np.unique(parents[rest], return_index=True)[1]]
            others = np.delete(np.arange(len(rows)), first)
            if agreement(both.take(pa.array(others)), "own", "above") > 0:
                return True
        return False

    @property
    def _theirs(self) -> Columns:
        return self.children.columns

    def _shared(self, found: Aggregate) -> bool:
        """Whether enough entities share each of the values of a parent that are to be kept."""
        if not isinstance(found, ValueSet):
            return True
        texts = sorted({value for _, value in found.entries})
        array = self.sample.tables[found.parent].column(found.target).cast(pa.string())
        place = pc.index_in(array.combine_chunks(), value_set=pa.array(texts))
        codes = pc.fill_null(place, -1).to_numpy().astype(np.int64)
        entities = self.children.entities
        owners = None if entities is None else entities(found.parent)
        holders = entities_or_rows(owners, len(codes)).holders(codes, len(texts))
        return bool(holders.min() >= self.k)


def _begins_others(sample: Sample, key: ForeignKey, child: str, target: str) -> bool:
    """Whether the children of other tables begin (or end) with a parent's point in time, too.

    Then all follow from it: the day on which somebody was hired is the first of their salaries,
    titles and posts, and the sum of none.
    """
    parents = sample.tables[key.parent].column(target)
    given = as_numbers(parents) if is_time(parents.type) else np.empty(0)
    for other, own in sample.metadata.foreign_keys() if len(given) else ():
        if own.parent != key.parent or other in (child, key.parent):
            continue
        rows = sample.parent_rows(other, own)
        for column in sample.tables[other].columns:
            if is_time(column.type):
                found = Totals(len(given))
                found.add(rows, as_numbers(column))
                some = (found.number > 0) & ~np.isnan(given)
                ends = (found.low[some], found.high[some])
                same = max((np.mean(end == given[some]) for end in ends), default=0.0)
                if some.sum() >= LEAST_ROWS and same >= MOSTLY:
                    return True
    return False
