"""What is proved and scored of synthetic tables that are in Spark, with what `fit` has kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._logging import get_logger
from synthohive.constrain.unique import UniqueRule
from synthohive.constrain.validity import refuse
from synthohive.learn.fitted import FittedDatabase
from synthohive.metrics.distances import ColumnScore
from synthohive.metrics.fan_out import fan_out_ks
from synthohive.metrics.gate import check_quality, emit_scores

if TYPE_CHECKING:
    from synthohive.connectors.spark.proof import DatabaseProof, UniqueRows

__all__ = ["fan_out_distances", "prove_frames", "score_frames", "unique_rows"]

log = get_logger(__name__)
Frames = Mapping[str, Any]


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


def score_frames(
    fitted: FittedDatabase, frames: Frames, quality_threshold: Optional[float] = None
) -> dict[str, ColumnScore]:
    """Score each modelled column of synthetic tables, on all rows.

    Parameters
    ----------
    fitted : FittedDatabase
    frames : mapping of str to pyspark DataFrame
        Each is read once.
    quality_threshold : float, optional
        The largest distance allowed.

    Returns
    -------
    dict of str to ColumnScore
        By ``"table.column"``: the distance to the profile that `fit` kept.

    Raises
    ------
    QualityError
        A column is further from the real one than `quality_threshold`.
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
    scores = {
        f"{name}.{column}": score
        for (name, profile), own in zip(profiles.items(), counts)
        if own.any()  # of a table without rows, there is nothing to score
        for column, score in profile.scored(own).items()
    }
    emit_scores(scores)
    if quality_threshold is not None:
        check_quality(scores, quality_threshold)
    return scores


def _schema(fitted: FittedDatabase, name: str) -> pa.Schema:
    """Return the profiled columns, as rows are made."""
    table = fitted.tables[name]
    assert table.profile is not None
    columns = table.config.columns
    return pa.schema([pa.field(n, columns[n].arrow_type) for n in table.profile.columns])


@dataclass(frozen=True)
class _RuleValues:
    """What a unique index calculates of rows, as texts; of rows that it is not about, nothing."""

    rule: UniqueRule

    def __call__(self, rows: pa.Table) -> pa.Table:
        try:
            made = self.rule.values(rows)
        except duckdb.Error as exc:  # overflow, a malformed value: as on one machine
            reason = str(exc).split("\n", maxsplit=1)[0]
            log.warning("unique_index_not_evaluated", index=self.rule.name, reason=reason)
            made = self.rule.values(rows.slice(0, 0))
        texts = [pc.cast(column, pa.string(), safe=False) for column in made.columns]
        return pa.Table.from_arrays(texts, names=made.column_names)


def unique_rows(rule: UniqueRule) -> UniqueRows:
    """Return what is asked of Spark about a rule of uniqueness."""
    from synthohive.connectors.spark.proof import UniqueRows

    if not rule.parts and rule.where is None:
        return UniqueRows(rule.columns, rule.label, rule.nulls_distinct)
    width = len(rule.parts or rule.columns)
    return UniqueRows(
        tuple(rule.all_columns), rule.label, rule.nulls_distinct, _RuleValues(rule), width
    )
