"""What the fitting of each table of a database is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive.derive.aggregates import Aggregate
from synthohive.derive.persons.alias import Alias
from synthohive.derive.persons.namesake import Namesake
from synthohive.encoding.base import EncoderSettings
from synthohive.encoding.encoded import EncodedTable
from synthohive.encoding.table import TableEncoder
from synthohive.io.base import FanOut
from synthohive.learn.attribute_table import Modelled
from synthohive.learn.entity_paths import EntityFinder
from synthohive.learn.fitted import FittedDatabase, FittedTable
from synthohive.learn.options import FitOptions
from synthohive.privacy.entities import Entities
from synthohive.tables import random_streams as seeds
from synthohive.tables.ancestors import ancestor_columns
from synthohive.tables.in_turn import Lineup
from synthohive.tables.sample import Sample
from synthohive.tables.source import SourceTables
from synthohive.train.job import TrainingJob

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
        """Return the attributes of a table's rows and of their ancestors, of the closed sample.

        In a hierarchy, the table that is being fitted (`own`) is its own parent.
        """
        plan, tables = self.sample.plan, {**self.database.tables, own.config.name: own}
        names = [
            f"{n}.{column}"
            for n in (table, *plan.tables[table].ancestors)
            for column in (tables[n].attributes if n in tables else ())
            if column not in self.summed(n)
        ]
        around = self.sample.around
        rows = np.arange(around.size(table), dtype=np.int64)
        return ancestor_columns(around, plan, table, rows, names)

    def encoder_of(
        self,
        table: FittedTable,
        modelled: Modelled,
        entities: Optional[Entities] = None,
        behind: Optional[Mapping[str, Entities]] = None,
    ) -> TableEncoder:
        """Learn how to encode the columns that are left to a model.

        Parameters
        ----------
        table : FittedTable
        modelled : Modelled
        entities : Entities, optional
            Those behind the rows; each is one by default.
        behind : mapping of str to Entities, optional
            Those behind the values of single columns.
        """
        settings = EncoderSettings(
            k=self.k,
            embedding_threshold=self.options.embedding_threshold,
            high_cardinality=frozenset(table.config.high_cardinality_cols),
            max_modes=self.options.model.abilities.max_modes,
        )
        return TableEncoder.fit(
            modelled.rows,
            modelled.columns,
            seed=seeds.sequence(self.options.seed, table.config.name, "encoder"),
            settings=settings,
            entities=entities,
            behind=behind,
        )

    def training(
        self,
        table: FittedTable,
        encoded: EncodedTable,
        context: EncodedTable,
        lineup: Optional[Lineup] = None,
        shares: Optional[EncodedTable] = None,
    ) -> Optional[TrainingJob]:
        """Return the training of a model; None where every column is constant or made up.

        Parameters
        ----------
        table : FittedTable
        encoded : EncodedTable
            A code of -1, or NaN, where a column tells nothing in a row.
        context : EncodedTable
            As many rows; it may have no blocks.
        lineup : Lineup, optional
            The groups of the rows, if the context tells of the siblings before.
        shares : EncodedTable, optional
            All rows, where the sample has few of them.
        """
        if not encoded.layout.discrete and not encoded.layout.continuous:
            return None
        options = self.options
        has_context = bool(context.layout.discrete or context.layout.continuous)
        return TrainingJob(
            table.config,
            options.model,
            options.batch_size,
            options.epochs,
            options.model_kwargs,
            seeds.sequence(options.seed, table.config.name, "model"),
            options.device,
            encoded,
            context if has_context else None,
            options.privacy.max_memorisation,
            self.sample.typical_rows(table.config.name),
            lineup,
            shares,
            self.entities.of(table.config.name),
            self.k,
        )
