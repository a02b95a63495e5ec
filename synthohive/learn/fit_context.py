"""What the fitting of each table of a database is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from synthohive.derive.aggregates import Aggregate
from synthohive.derive.persons.alias import Alias
from synthohive.derive.persons.namesake import Namesake
from synthohive.io.base import FanOut
from synthohive.learn.entity_paths import EntityFinder
from synthohive.learn.fitted import FittedDatabase, FittedTable
from synthohive.learn.options import FitOptions
from synthohive.tables.ancestors import ancestor_columns
from synthohive.tables.sample import Sample
from synthohive.tables.source import SourceTables

__all__ = ["Fit"]


@dataclass(frozen=True)
class Fit:
    """One fit of a database: what is known before its tables are fitted, parents first.

    Attributes
    ----------
    sample : Sample
    whole : SourceTables
        On which what the sample suggests is verified.
    database : FittedDatabase
        Gets the tables, one by one.
    options : FitOptions
    fan_outs : mapping of str to FanOut
        Children per parent over each key, by label.
    aggregates : mapping of str to list of Aggregate
        The columns, by table, that follow from the rows of a child table.
    entities : EntityFinder
    aliases, namesakes : mapping of str to dict
        By table and column: what repeats personal data.
    """

    sample: Sample
    whole: SourceTables
    database: FittedDatabase
    options: FitOptions
    fan_outs: Mapping[str, FanOut]
    aggregates: Mapping[str, list[Aggregate]]
    entities: EntityFinder
    aliases: Mapping[str, dict[str, Alias]]
    namesakes: Mapping[str, dict[str, Namesake]]

    @property
    def k(self) -> int:
        """How many entities must share what is shown."""
        return self.options.privacy.k_anonymity_threshold

    def summed(self, table: str) -> set[str]:
        """Return the columns that follow from a table's children, known only at the end."""
        return {aggregate.target for aggregate in self.aggregates.get(table, [])}

    def parents_of(self, table: str, own: FittedTable) -> pa.Table:
        """Return the attributes of a table's rows and of their ancestors.

        In a hierarchy, the table that is being fitted (`own`) is its own parent.
        """
        plan, tables = self.sample.plan, {**self.database.tables, own.config.name: own}
        names = [
            f"{n}.{column}"
            for n in (table, *plan.tables[table].ancestors)
            for column in (tables[n].attributes if n in tables else ())
            if column not in self.summed(n)
        ]
        rows = np.arange(len(self.sample.tables[table]), dtype=np.int64)
        return ancestor_columns(self.sample, plan, table, rows, names)
