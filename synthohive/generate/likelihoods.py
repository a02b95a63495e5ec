"""How likely a fitted database finds given rows: who holds the models can ask them of anybody."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats
from synthohive.derive.elapsed import Elapsed
from synthohive.encoding.encoded import SILENT, EncodedTable
from synthohive.generate.imputing.known_cells import Evidence
from synthohive.learn.fitted import FittedDatabase, FittedTable
from synthohive.learn.training_context import training_context
from synthohive.tables import random_streams as seeds
from synthohive.tables.joins import match_rows
from synthohive.tables.sample import Sample

__all__ = ["likelihoods"]

_SEED = 0
"""Of what encoding draws, such as places within steps: the same for all rows that are compared."""


def likelihoods(fitted: FittedDatabase, tables: Mapping[str, pa.Table]) -> dict[str, Floats]:
    """Return the logarithmic likelihood of each row, given its parents and the rows before it.

    Parameters
    ----------
    fitted : FittedDatabase
    tables : mapping of str to pyarrow.Table
        All tables that users know, with the types that were fitted.

    Returns
    -------
    dict of str to ndarray of float64
        Of the tables whose models tell.
    """
    rows = dict(tables)
    for one in fitted.entity_tables:
        rows[one.name] = one.rows(rows[one.table])
    sample = Sample(fitted.metadata, fitted.plan, rows)
    found: dict[str, Floats] = {}
    for name in fitted.plan.order:
        table = fitted.tables[name]
        if table.reference is not None:
            kept = table.reference.rows
            at = match_rows(rows[name], table.config.pk, kept, table.config.pk)
            sample.encoded[name] = table.reference.encode(fitted.embedding_threshold).take(at)
        elif table.encoder is None or not table.encoder.transforms:  # nothing but keys
            sample.encoded[name] = EncodedTable.empty(len(rows[name]))
        else:
            data, context = _as_learned(sample, table)
            told = None if table.model is None else table.model.log_likelihood(data, context)
            if told is not None:
                found[name] = told
    return found


def _as_learned(sample: Sample, table: FittedTable) -> tuple[EncodedTable, EncodedTable]:
    """Return rows, and what they are conditioned on, as in training."""
    name, encoder = table.config.name, table.encoder
    assert encoder is not None
    evidence = Evidence(sample, table, {}, _SEED)
    known = evidence.known()
    encoded = encoder.encode(known, seeds.generator(_SEED, name, "encode"))
    groups, elapsed = evidence.groups, None
    masked = {} if groups is None else table.program.masked(groups.positions)
    sample.encoded[name] = encoder.without(encoded, masked, 0, 0.0)
    if groups is not None and table.siblings:
        order, rooms = (groups.parents, groups.positions), table.program.rooms(evidence.above)
        elapsed = Elapsed(table.program.by_step, *order, rooms, evidence.plain)
    context = training_context(
        sample, name, groups, sample.encoded[name], times=table.times, elapsed=elapsed
    )
    summaries = dict.fromkeys(evidence.summaries, np.ones(len(known), dtype=np.bool_))
    if summaries and table.model is not None and table.model.abilities.conditional:
        # what the children have in common is not known of given rows: it is drawn for theirs
        given = encoder.without(encoder.without(encoded, masked, SILENT), summaries)
        rng = seeds.generator(_SEED, name, "children")
        drawn = table.model.sample(len(known), context, rng=rng, given=given)
        sample.encoded[name] = encoder.without(drawn, masked, 0, 0.0)
        evidence.take_codes(drawn)
    return encoder.without(encoded, {**masked, **summaries}), context
