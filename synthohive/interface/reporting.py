"""The validation report, from whatever users hold their tables in."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

import pyarrow as pa

from synthohive._files import FileIdentity
from synthohive.exceptions import SchemaError
from synthohive.interface.inputs import tables_of
from synthohive.interface.requests import Request
from synthohive.interface.state import SynthesizerState
from synthohive.interface.writing import generated
from synthohive.io.base import Reader
from synthohive.io.dataframe import read_loosely
from synthohive.learn.entity_paths import EntityFinder
from synthohive.learn.fitted import FittedDatabase
from synthohive.metrics.copies import copied_rows, copied_values
from synthohive.metrics.harmonise import harmonised_database
from synthohive.metrics.report import ValidationReport, build_report, check_report
from synthohive.privacy.entities import Entities
from synthohive.schema import Metadata, PrivacyConfig
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.sample import Sample

__all__ = ["compare"]

Sizes = dict[int, int]

MOST = 100_000
"""Rows of a table that are read from a database, or generated, to be compared."""


def compare(
    known: SynthesizerState,
    real_data: Optional[Mapping[str, Any]],
    synthetic_data: Optional[Mapping[str, Any]],
    output_path: Union[str, os.PathLike[str]],
    if_exists: str,
    seed: Optional[int] = None,
) -> ValidationReport:
    """Compare real and synthetic tables, and write the report.

    What is personal is known from the fit.

    Parameters
    ----------
    known : SynthesizerState
    real_data, synthetic_data : dict of str to table, optional
        DataFrames, Arrow tables or paths. If None, the source's rows, and generated ones:
        about 100,000 of a table at most.
    output_path : path
        The HTML page; the figures go to the same name with ``.json``.
    if_exists : {"fail", "replace"}
        Only reports are ever replaced.
    seed : int, optional
        Of rows that are generated; drawn if None.
    """
    check_report(output_path, if_exists)
    fitted = known.fitted_
    real, files, true_sizes = _real_side(known, real_data)
    synthetic, other_files = _synthetic_side(known, synthetic_data, seed)
    check_report(output_path, if_exists, [*files, *other_files])
    metadata, real, synthetic = harmonised_database(known.metadata, real, synthetic)
    personal: dict[str, set[str]] = {}
    for finding in [] if fitted is None else fitted.shown_findings:
        personal.setdefault(finding.table, set()).add(finding.column)
    privacy = PrivacyConfig() if fitted is None else fitted.privacy
    report = build_report(
        metadata,
        real,
        synthetic,
        true_sizes,
        personal=personal,
        copied_rows=_copied_rows(metadata, real, synthetic),
        copied_values={
            f"{name}.{column}": copied_values(
                real[name].column(column), synthetic[name].column(column)
            )
            for name, columns in personal.items()
            for column in sorted(columns)
        },
        k=privacy.k_anonymity_threshold,
        entities=_entities(metadata, real, privacy, fitted),
    )
    report.write(output_path, if_exists)
    return report


def _real_side(
    known: SynthesizerState, data: Optional[Mapping[str, Any]]
) -> tuple[dict[str, pa.Table], frozenset[FileIdentity], dict[str, Sizes]]:
    """Return the real tables; of a large database a sample, and its true numbers of children."""
    if data is not None:
        tables, files = tables_of(data, known.metadata)
        return {n: read_loosely(n, t) for n, t in tables.items()}, files, {}
    source = known.source
    if source is None:
        raise SchemaError(
            "There is no real data to compare with.",
            hint="Pass real_data: a checkpoint holds no rows, and knows no database.",
        )
    with source.one_state():
        return _read(source, list(known.metadata.tables), known)  # of one moment


def _read(
    source: Reader, names: Sequence[str], known: SynthesizerState
) -> tuple[dict[str, pa.Table], frozenset[FileIdentity], dict[str, Sizes]]:
    counts = source.counts(names)
    plan = RelationalPlan.build(known.metadata, counts)
    if max(counts.values(), default=0) <= MOST:
        whole = {n: pa.Table.from_batches(list(source.read(n))) for n in names}
        return whole, source.files, {}
    drivers = {name: plan.tables[name].driver for name in plan.order}
    keys = list(known.metadata.foreign_keys())
    fan_outs = source.fan_outs(keys, counts)
    sizes = {key.label(name): fan.histogram for (name, key), fan in zip(keys, fan_outs)}
    return source.sample(drivers, MOST, 0).drawn, source.files, sizes


def _synthetic_side(
    known: SynthesizerState, data: Optional[Mapping[str, Any]], seed: Optional[int]
) -> tuple[dict[str, pa.Table], frozenset[FileIdentity]]:
    if data is not None:
        tables, files = tables_of(data, known.metadata)
        return {n: read_loosely(n, t) for n, t in tables.items()}, files
    fitted = known.fitted_
    assert fitted is not None  # who asks for fresh rows has fitted
    largest = max((table.rows for table in fitted.tables.values()), default=0)
    request = Request(fitted, scale=min(1.0, MOST / max(largest, 1)), seed=seed)
    with generated(request) as made:
        return {n: s.column_table(s.schema.names) for n, s in made.spools.items()}, frozenset()


def _copied_rows(
    metadata: Metadata, real: Mapping[str, pa.Table], synthetic: Mapping[str, pa.Table]
) -> dict[str, float]:
    rows = {}
    for name, table in metadata.tables.items():
        shared = [c for c in real[name].column_names if c in synthetic[name].column_names]
        columns = [c for c in shared if c not in table.key_columns]
        if _tells_rows_apart(real[name].select(columns)):
            rows[name] = copied_rows(real[name], synthetic[name], columns)
    return rows


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
    findings = [] if fitted is None else fitted.shown_findings
    finder = EntityFinder(Sample(metadata, plan, real), privacy, findings, kept)
    return {name: finder.of(name) for name in real if name not in kept}


def _tells_rows_apart(rows: pa.Table) -> bool:
    """Whether equal rows mean copied rows: not where real rows are often equal themselves.

    Look-up tables, which are kept on purpose, have too few rows to tell.
    """
    if not rows.column_names or len(rows) < 300:
        return False
    return len(rows.group_by(rows.column_names).aggregate([])) > 0.9 * len(rows)
