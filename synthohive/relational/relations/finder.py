"""The relations of one table of a database: its own rows beside their driving parents'."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from synthohive._logging import get_logger
from synthohive.connectors.base import Reader
from synthohive.relational.relations.discover import discover, verified
from synthohive.relational.relations.table import TableRelations
from synthohive.relational.rows import match_rows
from synthohive.relational.sample import Sample
from synthohive.schema import Column, ForeignKey

__all__ = ["RelationFinder"]

log = get_logger(__name__)
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RelationFinder:
    """Finds the relations of `table` in the sample, and verifies them on all rows."""

    sample: Sample
    reader: Reader
    table: str
    attributes: Mapping[str, Column]

    @property
    def _driver(self) -> Optional[ForeignKey]:
        return self.sample.plan.tables[self.table].driver

    def find(self, entities: Optional[IntArray], k: int, *, whole: bool) -> TableRelations:
        """Return what holds; `whole` says that the sample is the whole table."""
        config = self.sample.metadata.tables[self.table]
        fixed = {c for unique in config.unique_sets for c in unique}
        fixed |= set(config.derived)
        rows = self.beside(self.sample.tables[self.table].select(list(self.attributes)))
        found = discover(rows, set(self.attributes) - fixed, entities, k)
        if found and not whole:
            found = verified(found, self._all_rows(found))
        for relation in found.relations:
            log.info("relation_found", table=self.table, relation=str(relation))
        return found

    def beside(self, rows: pa.Table) -> pa.Table:
        """Return rows of the sample with their driving parent's columns."""
        driver = self._driver
        if driver is None:
            return rows
        parents = self.sample.parent_rows(self.table, driver)
        above = self.sample.tables[driver.parent]
        keys = self.sample.metadata.tables[driver.parent].key_columns
        index = pa.array(parents, mask=parents < 0)
        for name in (c for c in above.column_names if c not in keys):
            rows = rows.append_column(f"{driver.parent}.{name}", above.column(name).take(index))
        return rows

    def _all_rows(self, found: TableRelations) -> Iterator[pa.Table]:
        """Stream the whole table, with the parent's columns that are needed."""
        driver = self._driver
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
