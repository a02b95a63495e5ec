"""From the columns that are left to a model, to its training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Optional

import pyarrow as pa

from synthohive._arrays import Floats, IntArray
from synthohive._logging import get_logger
from synthohive.encoding.base import EncoderSettings
from synthohive.encoding.encoded import EncodedTable
from synthohive.encoding.table import TableEncoder
from synthohive.learn.fit_context import Fit
from synthohive.learn.fitted import FittedTable
from synthohive.privacy.entities import Entities
from synthohive.schema import Column
from synthohive.tables import random_streams as seeds
from synthohive.tables.ancestors import hstack
from synthohive.train.job import TrainingJob

__all__ = ["Modelled", "encoder_of", "training"]

log = get_logger(__name__)


@dataclass
class Modelled:
    """What is left to a model of the rows of a table, from stage to stage.

    Attributes
    ----------
    rows : pyarrow.Table
    columns : dict of str to Column
    sources : dict of str to ndarray of int64
        By column that is filled where it means nothing: the rows that its values are of.
    rooms : dict of str to ndarray of float
        How much room there is for distances to parents.
    """

    rows: pa.Table
    columns: dict[str, Column]
    sources: dict[str, IntArray] = field(default_factory=dict)
    rooms: dict[str, Floats] = field(default_factory=dict)

    def add(self, rows: pa.Table, columns: Mapping[str, Column]) -> None:
        """Have more columns."""
        self.rows = hstack(self.rows, rows)
        self.columns.update(columns)


def encoder_of(
    fit: Fit,
    table: FittedTable,
    attributes: pa.Table,
    columns: dict[str, Column],
    entities: Optional[Entities],
    behind: Optional[Mapping[str, Entities]] = None,
) -> TableEncoder:
    """Learn how to encode the columns that are left to a model.

    Parameters
    ----------
    behind : mapping of str to Entities, optional
        Those behind the values of single columns.
    """
    options = fit.options
    settings = EncoderSettings(
        k=fit.k,
        embedding_threshold=options.embedding_threshold,
        high_cardinality=frozenset(table.config.high_cardinality_cols),
        max_modes=options.model.abilities.max_modes,
    )
    return TableEncoder.fit(
        attributes,
        columns,
        seed=seeds.sequence(options.seed, table.config.name, "encoder"),
        settings=settings,
        entities=entities,
        behind=behind,
    )


def training(
    fit: Fit, table: FittedTable, encoded: EncodedTable, context: EncodedTable
) -> Optional[TrainingJob]:
    """Return the training of a model; None where every column is constant or made up.

    Parameters
    ----------
    fit : Fit
    table : FittedTable
    encoded : EncodedTable
        A code of -1, or NaN, where a column tells nothing in a row.
    context : EncodedTable
        As many rows; it may have no blocks.
    """
    if not encoded.layout.discrete and not encoded.layout.continuous:
        return None
    options = fit.options
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
    )
