"""The derivations of one table of a database: its own rows beside their driving parents'."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, IntArray
from synthohive._logging import get_logger
from synthohive.derive.base import Derivation
from synthohive.derive.columns import Columns, spaced
from synthohive.derive.composed import Composed, find_composed, is_text
from synthohive.derive.formula_search import find_steps
from synthohive.derive.hours import day_of
from synthohive.derive.kinds import LINKS, NEARLY_LINKS, Search
from synthohive.derive.lookup import Copy
from synthohive.derive.mostly import Mostly, find_mostly, is_open
from synthohive.derive.order import Order
from synthohive.derive.pattern_search import FEW, find_copies, of_days, orders_between
from synthohive.derive.program import Program
from synthohive.derive.search import discover, discover_links
from synthohive.derive.verification import AllRows
from synthohive.derive.years import are_years, years_of
from synthohive.privacy.entities import Entities
from synthohive.schema import Column, ColumnKind, ForeignKey
from synthohive.tables.ancestors import ancestor_columns, hstack
from synthohive.tables.nulls import any_null
from synthohive.tables.numbers import as_numbers, is_time
from synthohive.tables.sample import Sample
from synthohive.tables.source import SourceTables

__all__ = ["DerivationFinder"]

log = get_logger(__name__)
_LABELS = (ColumnKind.CODE, ColumnKind.TEXT, ColumnKind.CATEGORICAL, ColumnKind.INTEGER)
MOST_BOUNDS = 8
"""Orders to one parent: each is one more rule for its choice."""


@dataclass(frozen=True)
class DerivationFinder:
    """Finds the derivations of `table` in the sample, and verifies them on all rows.

    Attributes
    ----------
    attributes : mapping of str to Column
        The columns in which derivations are looked for.
    summed : mapping of str to set of str
        Columns, by table, that follow from children, and are known only at the end.
    fixed : frozenset of str
        Columns that follow from others in another way.
    given : tuple of str
        Columns that are made before all others, so that others may follow from them.
    made_up : frozenset of str
        Columns of ancestors, as ``table.column``, with other values in the copy.
    entities : Entities, optional
        Those behind the table's rows.
    k : int
        What fewer of them share is not kept.
    """

    sample: Sample
    whole: SourceTables
    table: str
    attributes: Mapping[str, Column]
    summed: Mapping[str, set[str]]
    fixed: frozenset[str] = frozenset()
    given: tuple[str, ...] = ()
    made_up: frozenset[str] = frozenset()
    entities: Optional[Entities] = None
    k: int = 5

    def find(self, stated: Sequence[Derivation] = ()) -> Program:
        """Return what holds in a table's rows, beside those of its driving parent.

        Parameters
        ----------
        stated : sequence of Derivation
            What is known beforehand.
        """
        driver = self.sample.plan.tables[self.table].driver
        rows, above = self._own(), self.above(driver)
        if driver is not None:
            named = {source for derivation in stated for source in derivation.needs}
            kept = [*_parent_and_copies(self._parents(driver), rows, above), *named]
            above = above.select([name for name in above.column_names if name in kept])
        columns = Columns(
            hstack(rows, above),
            self._free(),
            self.entities,
            self.k,
            self._in_keys(),
            self.made_up,
            self._labels(),
        )
        return self._verified(discover(columns, stated), driver)

    def _parents(self, key: ForeignKey) -> tuple[str, ...]:
        """Return the parent over a key; of one within a table, that above it, too: it is shown."""
        driver = self.sample.plan.tables[key.parent].driver
        if key.parent not in self.sample.inside or driver is None:
            return (key.parent,)
        return (key.parent, *self._parents(driver))

    def find_links(self, key: ForeignKey, known: Program, *search: Search) -> Program:
        """Return what follows from the parent over a further key.

        Parameters
        ----------
        known : Program
            What other columns follow from.
        *search : callable
            The searches of :func:`discover_links`; all without any.
        """
        whole = {r.target: r for r in known.derivations if r.whole}
        rows, above, all_read = self._own(), self.above(key), self._read(key)
        entities = self.entities
        if not all_read.all():  # of some rows, the parent was not read
            rows, above = (_filtered(t, all_read) for t in (rows, above))
            entities = None if entities is None else entities.take(all_read)
        found = discover_links(
            rows,
            above,
            self._free(),
            whole,
            search or (*LINKS, NEARLY_LINKS),
            entities=entities,
            k=self.k,
        )
        return self._verified(found, key, partial=not bool(all_read.all()))

    def _read(self, key: ForeignKey) -> Bools:
        """Return the rows whose parent over a key is in the sample, or that have none."""
        empty = any_null(self.sample.tables[self.table], key.columns)
        linked = self.sample.parents_around(self.table, key) >= 0
        return np.asarray(empty | linked, dtype=np.bool_)

    def find_bounds(self, key: ForeignKey, targets: Collection[str]) -> list[Order]:
        """Return the orders between own columns and those of the parent over a key.

        The choice of the parent keeps them, the narrowest first.
        """
        linked, above = self.sample.parents_around(self.table, key) >= 0, self.above(key)
        further = key.parent != self.table  # a hierarchy knows the level above alone
        above = above.select(
            [
                field.name
                for field in above.schema
                if field.name.startswith(f"{key.parent}.") or (further and is_time(field.type))
            ]
        )
        rows, above = (_filtered(table, linked) for table in (self._own(), above))
        columns, free = Columns(hstack(rows, above), rows.column_names), self._free() & set(targets)
        few, found = spaced(len(columns.rows), FEW), list[tuple[float, Order]]()
        for target in (name for name in columns.numeric if name in free):
            for source in (n for n in columns.numeric if n in above.column_names):
                if is_time(columns.type(target)) != is_time(columns.type(source)):
                    continue
                gaps = columns.numbers(target)[few] - columns.numbers(source)[few]
                if of_days(columns, target, [source])[0]:
                    gaps = columns.numbers(target)[few] - day_of(columns.numbers(source)[few])
                if not ((gaps > 0).any() and (gaps < 0).any()):
                    found += orders_between(columns, target, source)
        found.sort(key=lambda pair: (pair[0], pair[1].target, pair[1].source))
        kept = [order for _, order in found[:MOST_BOUNDS]]
        if kept and not self.whole.in_sample(self.table):
            kept = AllRows(self.whole, self.sample.plan, self.table, key).bounds(kept)
        log.relations(self.table, kept)
        return kept

    def find_inherited(self, key: ForeignKey, known: Program) -> tuple[Program, Program]:
        """Return what rows have from their parent in a hierarchy, and the same of roots.

        The column of that name, a step (``depth = parent.depth + 1``), or texts that are put
        together: ``path = parent.path || '/' || id``. So may another key to the own table: the
        root of a thread.

        Parameters
        ----------
        known : Program
            What columns follow from otherwise.
        """
        config, data = self.sample.metadata.tables[self.table], self.sample.tables[self.table]
        ids = {unique[0] for unique in config.unique_sets if len(unique) == 1}
        keys = [k for k in config.foreign_keys if k.parent == self.table and k != key]
        alike = [k for k in keys if k.parent_columns == key.parent_columns]
        routes = {k.columns[0] for k in alike if len(k.columns) == 1}  # else others fill a part
        named = {*self.attributes, *self.given, *ids, *routes}
        names = [n for n in data.column_names if n in named]
        rows, parents = data.select(names), self.sample.others_around(self.table, key)
        above = self.sample.around.take(self.table, names, parents)
        above = above.rename_columns([f"{self.table}.{n}" for n in names])
        others = {r.target: r for r in known.derivations}
        free = self._free() - {n for n, r in others.items() if r.whole}
        search = (find_copies, find_composed, find_steps, find_mostly)
        linked = parents >= 0
        candidates = discover_links(
            _filtered(rows, linked),
            _filtered(above, linked),
            free | routes | {n for n in ids if is_text(rows.schema.field(n).type)},
            {n: r for n, r in others.items() if r.whole},
            search,
            entities=None if self.entities is None else self.entities.take(linked),
            k=self.k,
        )
        own_parents = self.sample.parents_around(self.table, key) > parents
        roots = _filtered(rows, any_null(data, key.columns) | own_parents)
        kept, alone = [], []
        for derivation in candidates.derivations:
            same = derivation.needs[0] == f"{self.table}.{derivation.target}"
            tops = derivation.alone(roots)
            if isinstance(derivation, Composed):
                fits = derivation.target in free or bool(ids & set(derivation.needs))
            elif derivation.target in routes:  # each root is one of its own, or has none
                copies = (Copy(derivation.target, column) for column in key.parent_columns)
                tops = next((r for r in copies if not r.violations(roots).any()), None)
                fits = same and isinstance(derivation, Copy) and tops is not None
            else:
                open_ = not isinstance(derivation, Mostly) or is_open(others.get(derivation.target))
                fits = same and open_ and derivation.target in free
            if fits:
                kept.append(derivation)
                alone += [] if tops is None else [tops]
        inherited, of_roots = self._verified(Program(tuple(kept)), key), Program(tuple(alone))
        return inherited, of_roots.without(set(of_roots.targets) - set(inherited.targets))

    def excluding(self, copied: Collection[str]) -> DerivationFinder:
        """Return a finder for which some more columns do not follow from others."""
        return replace(self, fixed=self.fixed | frozenset(copied))

    def _free(self) -> set[str]:
        """Return the columns that may follow from others."""
        config = self.sample.metadata.tables[self.table]
        unique = {c for columns in config.unique_sets for c in columns}
        return set(self.attributes) - unique - self.fixed - set(config.derived)

    def _in_keys(self) -> set[str]:
        """Return the points in time and years that are modelled, and are unique beside others."""
        config = self.sample.metadata.tables[self.table]
        alone = {unique[0] for unique in config.unique_sets if len(unique) == 1}
        unique = {c for columns in config.unique_sets for c in columns} & set(self.attributes)
        rows = self.sample.tables[self.table]
        times = {c for c in unique if is_time(config.columns[c].arrow_type)}
        times |= {c for c in unique if are_years(rows.column(c))}
        return times - alone - self.fixed - set(config.derived)

    def _labels(self) -> set[str]:
        """Return the labels and whole numbers that are modelled and unique beside other columns."""
        config = self.sample.metadata.tables[self.table]
        unique = {c for u in config.unique_sets for c in u if len(u) > 1} & set(self.attributes)
        return {c for c in unique if config.columns[c].kind in _LABELS}

    def _verified(
        self, found: Program, key: Optional[ForeignKey], *, partial: bool = False
    ) -> Program:
        """Return what holds in all rows; `partial` where not all that were searched are known."""
        if found and (partial or not self.whole.in_sample(self.table)):
            found = AllRows(self.whole, self.sample.plan, self.table, key).verified(found)
        log.relations(self.table, found.steps)
        return found

    def _own(self) -> pa.Table:
        return self.sample.tables[self.table].select([*self.attributes, *self.given])

    def above(self, key: Optional[ForeignKey]) -> pa.Table:
        """Return the columns of each sampled row's parent over a key, and of its ancestors."""
        if key is None:
            return pa.table({})
        plan, tables = self.sample.plan, self.sample.metadata.tables
        rows = self.sample.parents_around(self.table, key)
        wanted: list[str] = []
        for name in (key.parent, *plan.tables[key.parent].ancestors):
            if name == self.table != key.parent:
                continue  # the row itself, over a circle: what it holds follows from nothing
            left_out = tables[name].key_columns | self.summed.get(name, set())
            left_out -= self._years(name, rows) if name == key.parent != self.table else set()
            names = self.sample.tables[name].column_names
            wanted += [f"{name}.{c}" for c in names if c not in left_out]
        return ancestor_columns(self.sample.around, plan, key.parent, rows, wanted)

    def _years(self, parent: str, at: IntArray) -> set[str]:
        """Return the keys of a parent that are the years of a date in all rows: such say something.

        Parameters
        ----------
        at : ndarray of int64
            The parent of each row; -1 for none.
        """
        config, rows = self.sample.metadata.tables[parent], self.sample.around.tables[parent]
        index, own = pa.array(at, mask=at < 0), self._own()
        dates = [as_numbers(c) for c in own.columns if is_time(c.type)]
        found = set()
        for name in config.key_columns & set(rows.column_names) if dates else ():
            if pa.types.is_integer(rows.schema.field(name).type):
                years = as_numbers(rows.column(name).take(index))
                off = [np.abs(years_of(date) - years) for date in dates]
                if any((o[~np.isnan(o)] == 0).all() and not np.isnan(o).all() for o in off):
                    found.add(name)
        return found


def _filtered(rows: pa.Table, mask: Bools) -> pa.Table:
    """Return some rows; a table without columns does not know how many it had."""
    return rows.filter(pa.array(mask)) if rows.num_columns else rows


def _parent_and_copies(parents: Sequence[str], rows: pa.Table, above: pa.Table) -> list[str]:
    """Return the parents' columns, and those of their ancestors that own ones may repeat or follow.

    These are points in time; other columns of ancestors would only make the search slow.
    """
    own = {(column.type, pc.count_distinct(column).as_py()) for column in rows.columns}
    times = any(is_time(column.type) for column in rows.columns)
    return [
        name
        for name, column in zip(above.column_names, above.columns)
        if name.startswith(tuple(f"{parent}." for parent in parents))
        or (column.type, pc.count_distinct(column).as_py()) in own
        or (times and is_time(column.type))
    ]
