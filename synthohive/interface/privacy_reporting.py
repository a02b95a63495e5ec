"""What a synthetic copy tells of those it was learned from, beside those who were set aside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats
from synthohive.exceptions import SchemaError
from synthohive.generate.likelihoods import likelihoods
from synthohive.interface.state import SynthesizerState
from synthohive.io.base import Reader
from synthohive.learn.fitted import FittedDatabase
from synthohive.learn.heldout import WithoutHeldOut
from synthohive.metrics.privacy import (
    Membership,
    PrivacyReport,
    membership_by_scores,
    privacy_report,
)
from synthohive.metrics.privacy.entities import owners_of, routes_to
from synthohive.schema import ForeignKey

__all__ = ["check_heldout", "measure_privacy"]


def check_heldout(known: SynthesizerState) -> tuple[FittedDatabase, Reader]:
    """Return what was fitted, and where the entities are that were set aside.

    Raises
    ------
    SchemaError
        There are none, or the rows are not at hand.
    """
    fitted = known.fitted_
    assert fitted is not None  # who asks has fitted
    if fitted.draw is None:
        hint = "Fit with holdout=0.1."
        if fitted.privacy_ledger is not None:
            hint = "With differential privacy none are: what it promises is in privacy_ledger."
        raise SchemaError("No entities were set aside to compare with.", hint=hint)
    if known.source is None:
        raise SchemaError(
            "There is no real data to compare with.",
            hint="A checkpoint holds no rows: call fit, or measure with "
            "synthohive.metrics.privacy_report.",
        )
    return fitted, known.source


def measure_privacy(known: SynthesizerState, synthetic: Mapping[str, pa.Table]) -> PrivacyReport:
    """Draw the rows of the fit again, and compare a copy with both parts of them.

    Parameters
    ----------
    known : SynthesizerState
    synthetic : mapping of str to pyarrow.Table
    """
    fitted, reader = check_heldout(known)
    assert fitted.draw is not None
    source = WithoutHeldOut(reader, fitted.draw, fitted.seed)
    with source.one_state():
        training, heldout = source.parts()
        divided = source.divided
        # an entity belongs to nobody here, whatever it refers to
        drivers = {n: None if n in divided else key for n, key in source.owners.items()}
    replaced = {(finding.table, finding.column) for finding in fitted.findings}
    return privacy_report(
        training,
        heldout,
        synthetic,
        known.metadata,
        drivers=drivers,
        leave=replaced,
        left={name: why for name, why in divided.items() if why},
        memberships=_by_likelihood(fitted, training, heldout, drivers),
        share=fitted.draw.holdout,
    )


def _by_likelihood(
    fitted: FittedDatabase,
    training: Mapping[str, pa.Table],
    heldout: Mapping[str, pa.Table],
    drivers: Mapping[str, Optional[ForeignKey]],
) -> dict[str, Membership]:
    """Return how well the models' likelihood tells who was learned from, by table of entities."""
    sides = [(tables, likelihoods(fitted, tables)) for tables in (training, heldout)]
    found = {}
    for table, key in drivers.items():
        if key is not None:
            continue
        routes = {table: (), **routes_to(table, drivers, training)}
        means = [_mean_of_entities(tables, scores, routes) for tables, scores in sides]
        if all(map(len, means)):
            found[table] = membership_by_scores(*means)
    return found


def _mean_of_entities(
    tables: Mapping[str, pa.Table],
    scores: Mapping[str, Floats],
    routes: Mapping[str, tuple[ForeignKey, ...]],
) -> Floats:
    """Return the mean score of all rows of each entity; those without a score are left out."""
    size = len(tables[next(iter(routes))])
    total, count = np.zeros(size), np.zeros(size)
    for name, route in routes.items():
        if name in scores:
            owner = owners_of(tables, name, route)
            held = owner >= 0
            total += np.bincount(owner[held], scores[name][held], minlength=size)
            count += np.bincount(owner[held], minlength=size)
    return np.asarray(total[count > 0] / count[count > 0])
