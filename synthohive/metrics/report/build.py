"""Building the validation report: each measure of both sides, in the order of the page."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Optional

import pyarrow as pa

from synthohive.exceptions import SchemaError
from synthohive.io.base import FanOut
from synthohive.metrics.report.classifiers import learned
from synthohive.metrics.report.examples import example_rows
from synthohive.metrics.report.halves import learned_columns
from synthohive.metrics.report.keys import joint_reports, key_report
from synthohive.metrics.report.model import ValidationReport
from synthohive.metrics.report.provenance import NotCompared, Provenance, not_compared, unsampled
from synthohive.metrics.report.queries import run_queries
from synthohive.metrics.report.tables import TableReport, table_report
from synthohive.metrics.sequences import SequenceScore, sequence_scores
from synthohive.privacy.entities import Entities
from synthohive.schema import Metadata
from synthohive.schema.plan import RelationalPlan

__all__ = ["build_report"]


def build_report(
    metadata: Metadata,
    real: Mapping[str, pa.Table],
    synthetic: Mapping[str, pa.Table],
    fan_outs: Optional[Mapping[str, FanOut]] = None,
    *,
    synthetic_fan_outs: Optional[Mapping[str, FanOut]] = None,
    personal: Optional[Mapping[str, Collection[str]]] = None,
    copied_rows: Optional[Mapping[str, float]] = None,
    copied_values: Optional[Mapping[str, float]] = None,
    k: int = 5,
    entities: Optional[Mapping[str, Entities]] = None,
    totals: Optional[Mapping[str, tuple[int, int]]] = None,
    cut_keys: Collection[str] = (),
    provenance: Optional[Provenance] = None,
    queries: Sequence[str] = (),
) -> ValidationReport:
    """Compare a synthetic database with the real one.

    Keys and personal columns are not compared: they are made, not learned.

    Parameters
    ----------
    metadata : Metadata
        Tables, columns and keys to compare.
    real, synthetic : mapping of str to pyarrow.Table
        In one form (:func:`~synthohive.metrics.harmonise.harmonised_database`).
    fan_outs, synthetic_fan_outs : dict of str to FanOut, optional
        By key label, where `real`, or `synthetic`, is only a sample. Counted from the tables by
        default.
    personal : dict of str to collection of str, optional
        Columns with made-up personal data, by table.
    copied_rows, copied_values : dict of str to float, optional
        See :mod:`synthohive.metrics.copies`.
    k : int
        Entities that must stand behind every real bar and category that is shown.
    entities : dict of str to Entities, optional
        Those behind the real rows of each table; every row is one by default.
    totals : dict of str to tuple of two int, optional
        Rows that there are on each side, by table, where `real` or `synthetic` is a sample.
    cut_keys : collection of str
        Labels of keys over which rows of a sample lack parents, or children.
    provenance : Provenance, optional
    queries : sequence of str
        Run on both sides (:func:`~synthohive.metrics.report.queries.run_queries`).

    Raises
    ------
    SchemaError
        A table or a column is missing on either side.
    """
    _check(metadata, real, synthetic)
    sides, whole = (real, synthetic), totals or {}
    tables: list[TableReport] = []
    left_out: list[NotCompared] = []
    for name, table in metadata.tables.items():
        made, behind = set((personal or {}).get(name, ())), (entities or {}).get(name)
        rows = real[name], synthetic[name]
        kept = entities is not None and name not in entities  # nobody stands behind look-ups
        size = whole.get(name, (None, None))
        tables.append(table_report(table, *rows, made, k, behind, size, kept))
        left_out += not_compared(table, *rows, made)
    left_out += unsampled(metadata, cut_keys)
    keys = []
    known = learned_columns(metadata, *sides, personal or {}, cut_keys)
    for child, key in metadata.foreign_keys():
        label = key.label(child)
        counted = (fan_outs or {}).get(label), (synthetic_fan_outs or {}).get(label)
        keys.append(key_report(known, sides, child, key, counted, label not in cut_keys, k))
    ordered = sorted(tables, key=lambda table: -table.distance)
    models = learned(known, real, synthetic)
    return ValidationReport(
        tuple(ordered),
        tuple(sorted(keys, key=lambda key: (-key.orphans, -key.fan_out_ks))),
        dict(copied_rows or {}),
        dict(copied_values or {}),
        k,
        provenance,
        tuple(left_out),
        joint_reports(metadata, sides, cut_keys),
        models.classifiers,
        models.usefulness,
        _sequences(known, sides),
        examples=tuple(example_rows(table, synthetic[table.name]) for table in ordered),
        queries=run_queries(queries, metadata, *sides, k, entities) if queries else (),
    )


def _sequences(
    metadata: Metadata, tables: tuple[Mapping[str, pa.Table], Mapping[str, pa.Table]]
) -> tuple[SequenceScore, ...]:
    plan = RelationalPlan.build(metadata, {name: len(rows) for name, rows in tables[0].items()})
    drivers = {name: plan.tables[name].driver for name in metadata.tables}
    found = (
        sequence_scores(*tables, metadata, name, key)
        for name, key in drivers.items()
        if key is not None
    )
    scores = [score for score in found if score is not None]
    return tuple(sorted(scores, key=lambda score: -score.gap_ks))


def _check(
    metadata: Metadata, real: Mapping[str, pa.Table], synthetic: Mapping[str, pa.Table]
) -> None:
    for side, tables in (("real data", real), ("synthetic data", synthetic)):
        for name, table in metadata.tables.items():
            if name not in tables:
                raise SchemaError.unknown_table(name, tables, f"the {side}")
            for column in {**table.stored, **dict.fromkeys(sorted(table.key_columns))}:
                if column not in tables[name].column_names:
                    raise SchemaError(
                        f"Column {name}.{column} is missing from the {side}.",
                        hint="Pass whole tables, or take the column out of the metadata.",
                    )
