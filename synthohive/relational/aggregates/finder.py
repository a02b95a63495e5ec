"""Search for parents' columns that follow from their children."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._entities import Entities, entities_or_rows
from synthohive._logging import get_logger
from synthohive.connectors.base import Reader
from synthohive.relational.aggregates.base import Aggregate
from synthohive.relational.aggregates.sets import (
    MOST_VALUES,
    ValueSet,
    find_value_set,
    value_sets,
)
from synthohive.relational.aggregates.totals import Amount, Function, Total, Totals, find_function
from synthohive.relational.checks import TableChecks
from synthohive.relational.relations.columns import LEAST_ROWS, Columns
from synthohive.relational.relations.discover import discover_links
from synthohive.relational.relations.formula import Factor, Term
from synthohive.relational.relations.numbers import Floats, as_numbers, is_time
from synthohive.relational.relations.stated import stated_relations
from synthohive.relational.rows import match_rows
from synthohive.relational.sample import Sample
from synthohive.schema import ForeignKey

__all__ = ["find_aggregates"]

log = get_logger(__name__)
IntArray = npt.NDArray[np.int64]
MOST_PARENTS = 2_000_000
MOST_AMOUNTS = 60
MOST_CATEGORIES = 20
MERE: tuple[Function, ...] = ("min", "max", "mean")
"""What children that follow from their parent may give by the way."""
MOSTLY = 0.9


def find_aggregates(
    sample: Sample,
    reader: Reader,
    counts: Mapping[str, int],
    k: int,
    entities: Optional[Callable[[str], Entities]] = None,
) -> dict[str, list[Aggregate]]:
    """Find, for each table, the columns that follow from the rows of a child table.

    Children must be whole: where the sample holds only a part of a table, its columns that
    matter are read once.

    Parameters
    ----------
    counts : mapping of str to int
        Rows of each whole table.
    k : int
        Values that fewer entities share are not kept.
    entities : callable, optional
        Those behind the rows of a table; each row is one by default.
    """
    found: dict[str, list[Aggregate]] = {}
    for child, key in sample.metadata.foreign_keys():
        parent = key.parent
        if child == parent or not LEAST_ROWS <= counts[parent] <= MOST_PARENTS:
            continue
        taken = {a.target for a in found.get(parent, [])}
        targets = [c for c in _targets(sample, parent) if c not in taken]
        if not targets or not counts[child]:
            continue
        for aggregate in _Search(sample, reader, counts, child, key, k, entities).run(targets):
            log.info("relation_found", table=parent, relation=str(aggregate))
            found.setdefault(parent, []).append(aggregate)
    return found


def _targets(sample: Sample, table: str) -> list[str]:
    """Return the columns that may follow from children: no keys, and in no constraint."""
    config = sample.metadata.tables[table]
    fixed = config.key_columns | {c for unique in config.unique_sets for c in unique}
    # a sum could leave what a constraint allows, and the database would refuse the table
    checks = TableChecks.compile(config, sample.metadata.dialect, set()).checks
    fixed |= {c for check in checks.values() for c in check.columns} | set(config.derived)
    fixed |= {stated.relation.target for stated in stated_relations(sample, table)}
    names = sample.tables[table].column_names
    return [c for c in names if c not in fixed]


def _amounts(columns: Columns) -> list[Amount]:
    """Return what may be summed up: the rows, a number, a number times shares."""
    tops = {c: float(np.nanmax(np.abs(columns.numbers(c)))) for c in columns.numeric}
    times = [c for c in tops if is_time(columns.type(c))]
    shares = [Factor(c, 1.0, s) for c in tops if 0 < tops[c] <= 1.0 for s in (-1.0, 1.0)]
    plain = [Factor(c) for c in tops if tops[c] > 1.0 and c not in times]
    terms = [Term(1.0, (f,)) for f in (*plain, *map(Factor, times))]
    terms += [Term(1.0, pair) for pair in combinations(plain, 2)]
    for factor in plain:
        terms += [Term(1.0, (factor, share)) for share in shares]
        terms += [Term(1.0, (factor, *two)) for two in combinations(shares, 2)]
    return [Amount(), *map(Amount, terms)][:MOST_AMOUNTS]


def _categories(columns: Columns, names: list[str]) -> dict[str, tuple[str, ...]]:
    """Return the columns of a few values, each shared by enough entities, and those values."""
    found = {}
    for name in names:
        if _is_category(columns.type(name)) and 2 <= columns.distinct(name) <= MOST_VALUES:
            codes = columns.codes(name)
            if columns.entities.holders(codes).min() >= columns.k:
                texts = pc.unique(columns.rows.column(name).cast(pa.string()).drop_null())
                found[name] = tuple(sorted(texts.to_pylist()))
    return found


def _is_category(type_: pa.DataType) -> bool:
    tests = (pa.types.is_string, pa.types.is_boolean, pa.types.is_integer)
    return any(test(type_) for test in tests)


@dataclass(frozen=True)
class _Search:
    """The search over one key."""

    sample: Sample
    reader: Reader
    counts: Mapping[str, int]
    child: str
    key: ForeignKey
    k: int
    entities: Optional[Callable[[str], Entities]] = None

    def run(self, targets: list[str]) -> Iterator[Aggregate]:
        """Yield what follows from the children; each target once."""
        names = list(dict.fromkeys([*self.key.parent_columns, *targets]))
        parents = pa.Table.from_batches(list(self._rows(self.key.parent, names)))
        columns = Columns(parents, targets)
        numeric = [c for c in columns.numeric if c in targets and columns.distinct(c) > 2]
        few = [
            c for c in targets
            if _is_category(columns.type(c)) and 2 <= columns.distinct(c) <= MOST_CATEGORIES
        ]  # fmt: skip
        if not numeric and not few:
            return
        theirs = self._child_columns()
        steps = {columns.step(c) for c in numeric if 0 < columns.step(c) < 1}
        whole = _amounts(theirs) if numeric else []
        products = [a.term for a in whole if a.term is not None and len(a.term.factors) > 1]
        amounts = [*whole, *(Amount(term, step) for term in products for step in sorted(steps))]
        values = _categories(theirs, theirs.rows.column_names) if few else {}
        totals, sets = self._summed(parents, amounts, values)
        for target in targets:
            found: Optional[Aggregate] = None
            if target in numeric:
                given, step = columns.numbers(target), columns.step(target)
                found = self._total(target, given, step, list(zip(amounts, totals)))
            if isinstance(found, Total) and found.function in MERE and self._is_source(target):
                found = None
            if found is None and target in few:
                found = self._value_set(target, parents.column(target), values, sets)
            if found is not None:
                yield found

    def _is_source(self, target: str) -> bool:
        """Whether the children follow from the parent: a price is the least of quantity * price."""
        config, name = self.sample.metadata.tables[self.child], f"{self.key.parent}.{target}"
        rows = self._child_columns().rows
        parents = self.sample.parent_rows(self.child, self.key)
        above = self.sample.take(self.key.parent, [target], parents).rename_columns([name])
        targets = set(rows.column_names) - set(config.derived)
        linked = bool(discover_links(rows, above, targets, {}))
        return linked or _begins_others(self.sample, self.key, self.child, target)

    def _child_columns(self) -> Columns:
        config, rows = self.sample.metadata.tables[self.child], self.sample.tables[self.child]
        names = [c for c in rows.column_names if c not in config.key_columns]
        owners = None if self.entities is None else self.entities(self.child)
        return Columns(rows.select(names), names, owners, self.k)

    def _summed(
        self, parents: pa.Table, amounts: list[Amount], values: Mapping[str, tuple[str, ...]]
    ) -> tuple[list[Totals], dict[str, IntArray]]:
        """Read the children once; return the totals of each amount, and the sets of values."""
        totals = [Totals(len(parents)) for _ in amounts]
        sets = {name: np.zeros(len(parents), dtype=np.int64) for name in values}
        used = [name for amount in amounts for name in amount.columns]
        names = list(dict.fromkeys([*self.key.columns, *used, *values]))
        for batch in self._rows(self.child, names):
            rows = pa.Table.from_batches([batch])
            at = match_rows(rows, self.key.columns, parents, self.key.parent_columns)
            for amount, total in zip(amounts, totals):
                total.add(at, amount.of(rows))
            for name, among in values.items():
                sets[name] |= value_sets(at, rows.column(name), among, len(parents))
        return totals, sets

    def _rows(self, table: str, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Yield all rows, from the sample if it holds them."""
        if len(self.sample.tables[table]) == self.counts[table]:
            yield from self.sample.tables[table].select(columns).to_batches()
        else:
            yield from (batch.select(columns) for batch in self.reader.read(table, columns))

    def _total(
        self, target: str, given: Floats, step: float, totals: list[tuple[Amount, Totals]]
    ) -> Optional[Total]:
        for amount, sums in totals:
            function = find_function(given, sums, amount, step)
            if function is not None:
                parent, empty = self.key.parent, _empty(given, sums)
                return Total(parent, target, self.child, self.key, function, amount, empty)
        return None

    def _value_set(
        self,
        target: str,
        given: pa.ChunkedArray,
        values: Mapping[str, tuple[str, ...]],
        sets: Mapping[str, IntArray],
    ) -> Optional[ValueSet]:
        for column, among in values.items():
            entries = find_value_set(given, sets[column], self.k)
            parent = self.key.parent
            if entries is not None and self._shared(target, {value for _, value in entries}):
                return ValueSet(parent, target, self.child, self.key, column, among, entries)
        return None

    def _shared(self, target: str, texts: set[str]) -> bool:
        """Whether enough entities share each of some values of the parent."""
        array = self.sample.tables[self.key.parent].column(target).cast(pa.string())
        found = pc.index_in(array.combine_chunks(), value_set=pa.array(sorted(texts)))
        codes = pc.fill_null(found, -1).to_numpy().astype(np.int64)
        owners = None if self.entities is None else self.entities(self.key.parent)
        holders = entities_or_rows(owners, len(codes)).holders(codes, len(texts))
        return bool(holders.min() >= self.k)


def _empty(given: Floats, sums: Totals) -> Optional[float]:
    """Return the value of all parents without children; None if they differ, or are NULL."""
    values = np.unique(given[sums.number == 0])
    return float(values[0]) if len(values) == 1 and not np.isnan(values[0]) else None


def _begins_others(sample: Sample, key: ForeignKey, child: str, target: str) -> bool:
    """Whether the children of other tables begin (or end) with a parent's point in time, too.

    Then all follow from it: the day on which somebody was hired is the first of their salaries,
    titles and posts, and the sum of none.
    """
    parents = sample.tables[key.parent].column(target)
    given = as_numbers(parents) if is_time(parents.type) else np.empty(0)
    for other, beside in sample.metadata.foreign_keys() if len(given) else ():
        if beside.parent != key.parent or other in (child, key.parent):
            continue
        rows = sample.parent_rows(other, beside)
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
