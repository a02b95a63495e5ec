"""The relations of one table of a database: its own rows beside their driving parents'."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from synthohive._logging import get_logger
from synthohive.connectors.base import Reader
from synthohive.relational.relations.columns import Chosen, Columns
from synthohive.relational.relations.discover import discover, verified
from synthohive.relational.relations.lookup import Copy
from synthohive.relational.relations.patterns import find_copies
from synthohive.relational.relations.table import TableRelations
from synthohive.relational.rows import match_rows
from synthohive.relational.sample import Sample
from synthohive.schema import Column, ForeignKey

__all__ = ["RelationFinder"]

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
    """

    sample: Sample
    reader: Reader
    table: str
    attributes: Mapping[str, Column]
    rows: int
    summed: Mapping[str, set[str]]
    fixed: frozenset[str] = frozenset()

    def find(self, entities: Optional[IntArray], k: int) -> TableRelations:
        """Return what holds in a table's rows, beside those of its driving parent."""
        driver = self.sample.plan.tables[self.table].driver
        found = discover(self._beside(driver), self._free(), entities, k)
        return self._verified(found, driver)

    def find_copies(self, key: ForeignKey) -> tuple[Copy, ...]:
        """Return the columns that repeat one of the parent over `key`."""
        chosen = Chosen(Columns(self._beside(key), self._free()))
        find_copies(chosen.columns, chosen)
        copies = tuple(r for r in chosen.relations.values() if r.sources[0] not in self.attributes)
        kept = self._verified(TableRelations(copies), key).relations
        return tuple(r for r in kept if isinstance(r, Copy))

    def excluding(self, copied: Collection[str]) -> RelationFinder:
        """Return a finder for which some columns do not follow from others."""
        return replace(self, fixed=frozenset(copied))

    def _free(self) -> set[str]:
        """Return the columns that may follow from others."""
        config = self.sample.metadata.tables[self.table]
        unique = {c for columns in config.unique_sets for c in columns}
        return set(self.attributes) - unique - self.fixed - set(config.derived)

    def _verified(self, found: TableRelations, key: Optional[ForeignKey]) -> TableRelations:
        if found and len(self.sample.tables[self.table]) < self.rows:
            found = verified(found, self._all_rows(found, key))
        for relation in found.relations:
            log.info("relation_found", table=self.table, relation=str(relation))
        return found

    def _beside(self, key: Optional[ForeignKey]) -> pa.Table:
        rows = self.sample.tables[self.table].select(list(self.attributes))
        return self.beside(rows, key)

    def beside(self, rows: pa.Table, driver: Optional[ForeignKey]) -> pa.Table:
        """Return rows of the sample with the columns of their parent over a key."""
        if driver is None:
            return rows
        parents = self.sample.parent_rows(self.table, driver)
        above = self.sample.tables[driver.parent]
        keys = self.sample.metadata.tables[driver.parent].key_columns
        keys |= self.summed.get(driver.parent, set())
        index = pa.array(parents, mask=parents < 0)
        for name in (c for c in above.column_names if c not in keys):
            rows = rows.append_column(f"{driver.parent}.{name}", above.column(name).take(index))
        return rows

    def _all_rows(self, found: TableRelations, driver: Optional[ForeignKey]) -> Iterator[pa.Table]:
        """Stream the whole table, with the parent's columns that are needed."""
        prefix = "" if driver is None else f"{driver.parent}."
        wanted = found.above(prefix) if driver is not None else []
        named = {c for r in found.relations for c in (r.target, *r.sources)}
        named |= {*found.null_with, *found.null_with.values()}
        columns = [c for c in self.attributes if c in named]
        parents: Any = None
        if driver is not None and wanted:
            columns += [c for c in driver.columns if c not in columns]
            keys = dict.fromkeys([*driver.parent_columns, *wanted])
            parents = pa.Table.from_batches(list(self.reader.read(driver.parent, list(keys))))
        for batch in self.reader.read(self.table, columns):
            rows = pa.Table.from_batches([batch])
            if driver is not None and parents is not None:
                at = match_rows(rows, driver.columns, parents, driver.parent_columns)
                index = pa.array(at, mask=at < 0)
                for name in wanted:
                    rows = rows.append_column(f"{prefix}{name}", parents.column(name).take(index))
            yield rows
