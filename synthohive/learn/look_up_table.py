"""Look-up tables that are kept as they are: whether one is, and what of it is learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

import numpy as np

from synthohive._arrays import IntArray
from synthohive._logging import get_logger
from synthohive.encoding.encoded import EncodedTable
from synthohive.learn.attribute_table import own_columns
from synthohive.learn.fit_context import Fit
from synthohive.learn.fitted import FittedTable, LookUpRows
from synthohive.learn.made_up import alone
from synthohive.metrics.profile import profile_table
from synthohive.privacy.columns import fit_columns
from synthohive.privacy.kinds import PiiKind
from synthohive.privacy.look_ups import judge_look_up
from synthohive.tables import random_streams as seeds
from synthohive.train.job import TrainingJob

__all__ = ["keep_table", "kept_columns"]

log = get_logger(__name__)


def kept_columns(fit: Fit, name: str, personal: Mapping[str, PiiKind]) -> tuple[str, ...]:
    """Return the columns that are kept as they are; none but of harmless look-up tables.

    Parameters
    ----------
    fit : Fit
        Its database has the parents of the table by now.
    name : str
    personal : mapping of str to PiiKind
        The personal columns of the table.
    """
    config = fit.sample.metadata.tables[name]
    parents = [
        fit.database.tables[fk.parent].reference is not None
        for fk in config.foreign_keys
        if fk.parent != name and fk.parent in fit.database.tables
    ]
    others = [fk for fk in config.foreign_keys if fk.parent != name]
    verdict = judge_look_up(
        config,
        fit.sample.tables[name],
        _users(fit, name),
        personal,
        fit.k,
        parents_are_reference=len(parents) == len(others) and all(parents),
    )
    if not verdict.kept:
        log.info("table_not_kept", table=name, reason=verdict.why_not)
    return verdict.kept


def _users(fit: Fit, name: str) -> IntArray:
    """Return by how many distinct entities each row of a table is used; 0 only if by none."""
    users = fit.entities.users(name)
    for child, key in fit.sample.incoming(name):
        if not fit.entities.around(child, frozenset({name})).paths:  # each of its rows is one
            # The row with fewest children has as many users at least: each child is one.
            least = min(fit.fan_outs[key.label(child)].histogram, default=0)
            users = np.maximum(users, least)  # of all rows, not of those that were read
        unused = int((fit.sample.child_counts(child, key) == 0).sum())
        if unused > fit.fan_outs[key.label(child)].histogram.get(0, 0):
            return np.maximum(users, 1)  # some users were not read
    return users


def keep_table(fit: Fit, table: FittedTable, kept: tuple[str, ...]) -> Optional[TrainingJob]:
    """Keep a look-up table as it is; learn its other columns, which hold no vocabulary.

    Parameters
    ----------
    fit : Fit
    table : FittedTable
        Gets the kept rows, and what makes its other columns.
    kept : tuple of str
        The columns that are kept as they are.
    """
    name, data = table.config.name, fit.sample.tables[table.config.name]
    driver = fit.sample.plan.tables[name].driver
    table.reference = LookUpRows(
        data.select(kept),
        {
            key.label(child): fit.sample.child_counts(child, key).astype(np.float64)
            for child, key in fit.sample.incoming(name)
        },
        None if driver is None else fit.sample.parent_rows(name, driver),
    )
    fit.entities.kept.add(name)
    fit.sample.encoded[name] = table.reference.encode(fit.options.embedding_threshold)
    log.warning("table_kept", table=name, columns=list(kept), rows=len(data), modelled=table.free)
    personal = table.roles.personal
    strategies = {column: fit.database.strategy_of(name, column) for column in personal}
    table.fakes = fit_columns(
        alone(fit, table), personal, data, fit.options.privacy, strategies=strategies
    )
    made = (*personal, *(c for c in table.makers if c not in kept))
    modelled = own_columns(fit.sample, table, table.free, made)
    if not modelled.columns:
        return None
    table.encoder = fit.encoder_of(table, modelled)
    rng = seeds.generator(fit.options.seed, name, "encode")
    encoded = table.encoder.encode(modelled.rows, rng)
    free = {c: table.config.columns[c] for c in table.free}
    table.profile = profile_table(data.select(list(free)), free, None, fit.k)
    return fit.training(table, encoded, EncodedTable.empty(len(data)))
