"""From the columns that are left to a model, to its training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

from synthohive.encoding.base import EncoderSettings
from synthohive.encoding.encoded import EncodedTable
from synthohive.encoding.table import TableEncoder
from synthohive.learn.attribute_table import Modelled
from synthohive.learn.fit_context import Fit
from synthohive.learn.fitted import FittedTable
from synthohive.privacy.entities import Entities
from synthohive.tables import random_streams as seeds
from synthohive.train.job import TrainingJob

__all__ = ["encoder_of", "training"]


def encoder_of(
    fit: Fit,
    table: FittedTable,
    modelled: Modelled,
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
        modelled.rows,
        modelled.columns,
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
