"""The validation report, from whatever users hold their tables in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Optional, Union

import pyarrow as pa

from synthohive._entities import Entities
from synthohive.connectors.base import Reader
from synthohive.interface.inputs import reader_for
from synthohive.privacy.metrics import copied_rows, copied_values
from synthohive.relational.entity_paths import EntityFinder
from synthohive.relational.fitted import FittedDatabase
from synthohive.relational.plan import RelationalPlan
from synthohive.relational.sample import Sample
from synthohive.schema import Metadata, PrivacyConfig
from synthohive.validation.report import ValidationReport, build_report, check_report

__all__ = ["compare"]


def compare(
    metadata: Metadata,
    real_data: Mapping[str, Any],
    synthetic_data: Mapping[str, Any],
    fitted: Optional[FittedDatabase],
    output_path: Union[str, os.PathLike[str]],
    if_exists: str,
) -> ValidationReport:
    """Compare real and synthetic tables, and write the report.

    What is personal is known from the fit.
    """
    check_report(output_path, if_exists)
    sides = [reader_for(data, metadata) for data in (real_data, synthetic_data)]
    check_report(output_path, if_exists, [file for side in sides for file in side.files])
    real, synthetic = ({n: _whole(side, n) for n in metadata.tables} for side in sides)
    personal: dict[str, set[str]] = {}
    for finding in [] if fitted is None else fitted.findings:
        personal.setdefault(finding.table, set()).add(finding.column)
    rows = {}
    for name, table in metadata.tables.items():
        columns = [c for c in real[name].column_names if c not in table.key_columns]
        if _tells_rows_apart(real[name].select(columns)):
            rows[name] = copied_rows(real[name], synthetic[name], columns)
    values = {
        f"{name}.{column}": copied_values(real[name].column(column), synthetic[name].column(column))
        for name, columns in personal.items()
        for column in sorted(columns)
    }
    privacy = PrivacyConfig() if fitted is None else fitted.privacy
    report = build_report(
        metadata,
        real,
        synthetic,
        personal=personal,
        copied_rows=rows,
        copied_values=values,
        k=privacy.k_anonymity_threshold,
        entities=_entities(sides[0].metadata, real, privacy, fitted),
    )
    report.write(output_path, if_exists)
    return report


def _entities(
    metadata: Metadata,
    real: dict[str, pa.Table],
    privacy: PrivacyConfig,
    fitted: Optional[FittedDatabase],
) -> dict[str, Entities]:
    """Return who stands behind the real rows, as for all else that is shown of them."""
    plan = RelationalPlan.build(metadata, {name: len(rows) for name, rows in real.items()})
    kept: set[str] = set()
    if fitted is not None:
        kept = {name for name, table in fitted.tables.items() if table.kept}
    findings = [] if fitted is None else fitted.findings
    finder = EntityFinder(Sample(metadata, plan, real), privacy, findings, kept)
    return {name: finder.of(name) for name in real if name not in kept}


def _tells_rows_apart(rows: pa.Table) -> bool:
    """Whether equal rows mean copied rows: not where real rows are often equal themselves.

    Look-up tables, which are kept on purpose, have too few rows to tell.
    """
    if not rows.column_names or len(rows) < 300:
        return False
    return len(rows.group_by(rows.column_names).aggregate([])) > 0.9 * len(rows)


def _whole(reader: Reader, name: str) -> pa.Table:
    return pa.Table.from_batches(list(reader.read(name)))
