"""The relations of one table of a database: its own rows beside their driving parents'."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._entities import Entities
from synthohive._logging import get_logger
from synthohive.connectors.base import Reader
from synthohive.relational.attribute_table import any_null
from synthohive.relational.lineage import beside, by_table, lineage, taken
from synthohive.relational.relations.base import Relation
from synthohive.relational.relations.bounds import find_bounds, unbroken
from synthohive.relational.relations.composed import Composed, find_composed
from synthohive.relational.relations.discover import Search, discover, discover_links, verified
from synthohive.relational.relations.numbers import is_time
from synthohive.relational.relations.order import Order
from synthohive.relational.relations.patterns import find_copies
from synthohive.relational.relations.table import TableRelations
from synthohive.relational.rows import match_rows
from synthohive.relational.sample import Sample
from synthohive.schema import Column, ForeignKey

__all__ = ["AllRows", "RelationFinder"]

log = get_logger(__name__)
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RelationFinder:
    """Finds the relations of `table` in the sample, and verifies them on all rows.

    Attributes
    ----------
    attributes : mapping of str to Column
        The columns in which relations are looked for.
    rows : int
        Of the whole table.
    summed : mapping of str to set of str
        Columns, by table, that follow from children, and are known only at the end.
    fixed : frozenset of str
        Columns that follow from others in another way.
    given : tuple of str
        Columns that are made before all others, so that others may follow from them.
    made_up : frozenset of str
        Columns of ancestors, as ``table.column``, with other values in the copy.
    """

    sample: Sample
    reader: Reader
    table: str
    attributes: Mapping[str, Column]
    rows: int
    summed: Mapping[str, set[str]]
    fixed: frozenset[str] = frozenset()
    given: tuple[str, ...] = ()
    made_up: frozenset[str] = frozenset()

    def find(
        self, entities: Optional[Entities], k: int, stated: Sequence[Relation] = ()
    ) -> TableRelations:
        """Return what holds in a table's rows, beside those of its driving parent.

        Parameters
        ----------
        stated : sequence of Relation
            What is known beforehand.
        """
        driver = self.sample.plan.tables[self.table].driver
        rows, above = self._own(), self.above(driver)
        if driver is not None:
            named = {source for relation in stated for source in relation.sources}
            kept = [*_parent_and_copies(driver.parent, rows, above), *named]
            above = above.select([name for name in above.column_names if name in kept])
        found = discover(
            beside(rows, above), self._free(), entities, k, stated, self._in_keys(), self.made_up
        )
        return self._verified(found, driver)

    def find_links(self, key: ForeignKey, known: TableRelations, *search: Search) -> TableRelations:
        """Return what follows from the parent over a further key.

        Parameters
        ----------
        known : TableRelations
            What other columns follow from.
        *search : callable
            The searches of :func:`discover_links`; all without any.
        """
        whole = {r.target: r for r in known.relations if r.whole}
        options = {"search": search} if search else {}
        rows, above, all_read = self._own(), self.above(key), self._read(key)
        if not all_read.all():  # of some rows, the parent was not read
            rows, above = (_filtered(t, all_read) for t in (rows, above))
        found = discover_links(rows, above, self._free(), whole, **options)
        return self._verified(found, key, partial=not bool(all_read.all()))

    def _read(self, key: ForeignKey) -> npt.NDArray[np.bool_]:
        """Return the rows whose parent over a key is in the sample, or that have none."""
        empty = any_null(self.sample.tables[self.table], key.columns)
        return np.asarray(empty | (self.sample.parent_rows(self.table, key) >= 0), dtype=np.bool_)

    def find_bounds(self, key: ForeignKey, targets: Collection[str]) -> list[Order]:
        """Return the orders between some own columns and those of the parent over a key."""
        linked = self.sample.parent_rows(self.table, key) >= 0
        above = self.above(key)
        further = key.parent != self.table  # a hierarchy knows the level above alone
        names = [
            name
            for name, column in zip(above.column_names, above.columns)
            if name.startswith(f"{key.parent}.") or (further and is_time(column.type))
        ]
        rows = _filtered(self._own(), linked)
        free = self._free() & set(targets)
        found = find_bounds(rows, _filtered(above.select(names), linked), free)
        if found and len(self.sample.tables[self.table]) < self.rows:
            found = unbroken(found, self.all_rows(TableRelations(tuple(found)), key))
        for order in found:
            log.info("relation_found", table=self.table, relation=str(order))
        return found

    def find_inherited(self, key: ForeignKey) -> TableRelations:
        """Return the columns that all rows but roots repeat from their parent in a hierarchy.

        Or texts that are put together from the parent's: ``path = parent.path || '/' || slug``.
        """
        linked = self.sample.parent_rows(self.table, key) >= 0
        rows, above = _filtered(self._own(), linked), self.above(key)
        names = [f"{key.parent}.{n}" for n in rows.column_names]
        above = _filtered(above.select([n for n in names if n in above.column_names]), linked)
        found = discover_links(rows, above, self._free(), {}, (find_copies, find_composed))
        roots = _filtered(self._own(), ~linked)
        found = TableRelations(
            tuple(
                r.with_alone(roots) if isinstance(r, Composed) else r
                for r in found.relations
                if isinstance(r, Composed) or r.sources == (f"{key.parent}.{r.target}",)
            )
        )
        if found and len(self.sample.tables[self.table]) < self.rows:
            label = key.columns[0]
            batches = self.all_rows(found, key)
            found = verified(found, (b.filter(pc.is_valid(b.column(label))) for b in batches))
        for relation in found.relations:
            log.info("relation_found", table=self.table, relation=str(relation))
        return found

    def excluding(self, copied: Collection[str]) -> RelationFinder:
        """Return a finder for which some more columns do not follow from others."""
        return replace(self, fixed=self.fixed | frozenset(copied))

    def _free(self) -> set[str]:
        """Return the columns that may follow from others."""
        config = self.sample.metadata.tables[self.table]
        unique = {c for columns in config.unique_sets for c in columns}
        return set(self.attributes) - unique - self.fixed - set(config.derived)

    def _in_keys(self) -> set[str]:
        """Return the points in time that are modelled, and are unique beside other columns."""
        config = self.sample.metadata.tables[self.table]
        alone = {unique[0] for unique in config.unique_sets if len(unique) == 1}
        unique = {c for columns in config.unique_sets for c in columns} & set(self.attributes)
        times = {c for c in unique if is_time(config.columns[c].arrow_type)}
        return times - alone - self.fixed - set(config.derived)

    def _verified(
        self, found: TableRelations, key: Optional[ForeignKey], *, partial: bool = False
    ) -> TableRelations:
        partial = partial or len(self.sample.tables[self.table]) < self.rows
        if found and partial:
            found = verified(found, self.all_rows(found, key))
        for relation in (*found.relations, *found.presences.values()):
            log.info("relation_found", table=self.table, relation=str(relation))
        return found

    def _own(self) -> pa.Table:
        return self.sample.tables[self.table].select([*self.attributes, *self.given])

    def above(self, key: Optional[ForeignKey]) -> pa.Table:
        """Return the columns of each sampled row's parent over a key, and of its ancestors."""
        if key is None:
            return pa.table({})
        plan, tables = self.sample.plan, self.sample.metadata.tables
        rows = self.sample.parent_rows(self.table, key)
        wanted = {}
        for name in (key.parent, *plan.tables[key.parent].ancestors):
            left_out = tables[name].key_columns | self.summed.get(name, set())
            names = self.sample.tables[name].column_names
            wanted[name] = [c for c in names if c not in left_out]
        return lineage(self.sample, plan, key.parent, rows, wanted)

    def all_rows(self, found: TableRelations, key: Optional[ForeignKey]) -> Iterator[pa.Table]:
        """Stream the whole table, with the ancestors' columns that are needed."""
        wanted = found.above(self.attributes)
        named = {c for r in found.relations for c in (r.target, *r.sources)}
        named |= {c for p in found.presences.values() for c in (p.target, p.source)}
        columns = [c for c in (*self.attributes, *self.given) if c in named]
        above: Optional[pa.Table] = None
        if key is not None and wanted:
            columns += [c for c in key.columns if c not in columns]
            source, plan = AllRows(self.reader), self.sample.plan
            parents = source.table(key.parent, key.parent_columns)
            ancestors = (key.parent, *plan.tables[key.parent].ancestors)
            everyone = np.arange(len(parents), dtype=np.int64)
            above = lineage(source, plan, key.parent, everyone, by_table(wanted, ancestors))
        for batch in self.reader.read(self.table, columns):
            rows = pa.Table.from_batches([batch])
            if key is not None and above is not None:
                at = match_rows(rows, key.columns, parents, key.parent_columns)
                rows = beside(rows, above.take(pa.array(at, mask=at < 0)))
            yield rows


def _filtered(rows: pa.Table, mask: npt.NDArray[np.bool_]) -> pa.Table:
    """Return some rows; a table without columns does not know how many it had."""
    return rows.filter(pa.array(mask)) if rows.num_columns else rows


@dataclass(frozen=True)
class AllRows:
    """Whole real tables, a few columns at a time, in memory."""

    reader: Reader

    def table(self, name: str, columns: Sequence[str]) -> pa.Table:
        """Return some columns of a table."""
        batches = self.reader.read(name, list(columns))
        return pa.Table.from_batches(list(batches)).select(list(columns))

    def take(self, table: str, columns: Sequence[str], rows: IntArray) -> pa.Table:
        """Return columns of some rows; NULL for row -1."""
        return self.table(table, columns).take(pa.array(rows, mask=rows < 0))

    def parents_of(self, table: str, key: ForeignKey, rows: IntArray) -> IntArray:
        """Return the parent row of some rows; -1 for none, and for row -1."""
        children = self.table(table, key.columns)
        parents = self.table(key.parent, key.parent_columns)
        return taken(match_rows(children, key.columns, parents, key.parent_columns), rows)


def _parent_and_copies(parent: str, rows: pa.Table, above: pa.Table) -> list[str]:
    """Return the parent's columns, and those of its ancestors that own ones may repeat or follow.

    These are points in time; other columns of ancestors would only make the search slow.
    """
    own = {(column.type, pc.count_distinct(column).as_py()) for column in rows.columns}
    times = any(is_time(column.type) for column in rows.columns)
    return [
        name
        for name, column in zip(above.column_names, above.columns)
        if name.startswith(f"{parent}.")
        or (column.type, pc.count_distinct(column).as_py()) in own
        or (times and is_time(column.type))
    ]
