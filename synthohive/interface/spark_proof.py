"""What is proved and scored of synthetic tables that are in Spark, with what `fit` has kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional

import pyarrow as pa

from synthohive._logging import get_logger
from synthohive.constrain.unique import UniqueRule
from synthohive.constrain.validity import refuse
from synthohive.interface.measures import Measures
from synthohive.interface.result import WriteSummary
from synthohive.interface.writing import summary_of
from synthohive.learn.fitted import FittedDatabase
from synthohive.metrics.distances import ColumnScore
from synthohive.metrics.fan_out import fan_out_ks

if TYPE_CHECKING:
    from synthohive.connectors.spark.proof import DatabaseProof, UniqueRows

__all__ = ["LastLook", "fan_out_distances", "prove_frames", "score_frames", "unique_rows"]

log = get_logger(__name__)
Frames = Mapping[str, Any]


class LastLook:
    """What looks at all tables of a run in Spark before they are published.

    Parameters
    ----------
    fitted : FittedDatabase
    measures : Measures, optional
        By default, nothing is limited.

    Attributes
    ----------
    proof : DatabaseProof
    scores : dict of str to ColumnScore
    """

    proof: DatabaseProof
    scores: dict[str, ColumnScore]

    def __init__(self, fitted: FittedDatabase, measures: Optional[Measures] = None) -> None:
        self._fitted = fitted
        self._measures = Measures(fitted) if measures is None else measures

    def __call__(self, frames: Frames) -> None:
        """Prove and score tables that are written, but not published; raise if they may not be."""
        self.proof = prove_frames(self._fitted, frames)
        self.scores = score_frames(self._fitted, frames)
        self._measures.judge(self.scores, {}, self.proof.keys)

    def summary(self, target: str, seed: int, seconds: Mapping[str, float]) -> WriteSummary:
        """Tell what was written, as of any other place.

        Parameters
        ----------
        target : str
        seed : int
        seconds : mapping of str to float
            Of the phases; Spark loads tables while it makes them.
        """
        loaded = {name: (rows, 0.0) for name, rows in self.proof.rows.items()}
        keys, scores = self.proof.keys, self.scores
        return summary_of(self._fitted, target, loaded, keys, scores, seed, seconds)


def prove_frames(fitted: FittedDatabase, frames: Frames) -> DatabaseProof:
    """Count what a database would refuse in synthetic tables, and refuse it.

    Parameters
    ----------
    fitted : FittedDatabase
    frames : mapping of str to pyspark DataFrame
        All tables as users know them; better cached, or written.

    Returns
    -------
    DatabaseProof
        Rows, orphans and numbers of children, for the summary.

    Raises
    ------
    ConstraintViolationError
        Rows have a NULL where there must be none, repeat a key or refer to no parent.
    """
    from synthohive.connectors.spark.proof import prove

    described = fitted.described
    rules = {
        name: [
            unique_rows(rule)
            for rule in fitted.tables[name].unique_rules(described.dialect)
            if rule.special
        ]
        for name in described.tables
    }
    proof = prove(described, frames, rules)
    for label, distance in fan_out_distances(fitted, proof).items():
        log.info("fan_out_quality", key=label, distance=round(distance, 4))
    refuse(proof.violations)
    return proof


def fan_out_distances(fitted: FittedDatabase, proof: DatabaseProof) -> dict[str, float]:
    """Return how far apart the numbers of children are from those that `fit` kept, by key.

    Parameters
    ----------
    fitted : FittedDatabase
    proof : DatabaseProof

    Returns
    -------
    dict of str to float
        The Kolmogorov-Smirnov statistic, by the key's label.
    """
    found = {}
    for check in proof.keys:
        label = check.key.label(check.table)
        key = fitted.tables[check.table].keys.get(label)
        if key is not None:
            counts, parents = key.fan_out.counts_.tolist(), key.fan_out.parents_.tolist()
            real = dict(zip(counts, parents))
            found[label] = fan_out_ks(real, proof.fan_outs[label].histogram)
    return found


def score_frames(fitted: FittedDatabase, frames: Frames) -> dict[str, ColumnScore]:
    """Score each modelled column of synthetic tables, on all rows.

    Parameters
    ----------
    fitted : FittedDatabase
    frames : mapping of str to pyspark DataFrame
        Each is read once.

    Returns
    -------
    dict of str to ColumnScore
        By ``"table.column"``: the distance to the profile that `fit` kept.
    """
    from synthohive.connectors.spark.counting import Counted, added_up

    found = {n: t.profile for n, t in fitted.shown.items() if t.profile is not None}
    profiles = {name: profile for name, profile in found.items() if profile.columns}
    counts = added_up(
        [
            Counted(frames[name], _schema(fitted, name), profile)
            for name, profile in profiles.items()
        ]
    )
    return {
        f"{name}.{column}": score
        for (name, profile), own in zip(profiles.items(), counts)
        for column, score in profile.scored(own).items()
    }


def _schema(fitted: FittedDatabase, name: str) -> pa.Schema:
    """Return the profiled columns, as rows are made."""
    table = fitted.tables[name]
    assert table.profile is not None
    columns = table.config.columns
    return pa.schema([pa.field(n, columns[n].arrow_type) for n in table.profile.columns])


def unique_rows(rule: UniqueRule) -> UniqueRows:
    """Return what is asked of Spark about a rule of uniqueness."""
    from synthohive.connectors.spark.proof import UniqueRows

    if not rule.parts and rule.where is None:
        return UniqueRows(rule.columns, rule.label, rule.nulls_distinct)
    width = len(rule.parts or rule.columns)
    return UniqueRows(tuple(rule.all_columns), rule.label, rule.nulls_distinct, rule.texts, width)
