"""The validation report, from whatever users hold their tables in."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any, Optional, Union

import pyarrow as pa

from synthohive._display import counted
from synthohive._files import FileIdentity
from synthohive._version import __version__
from synthohive.exceptions import SchemaError
from synthohive.interface.derivations import derivations_kept
from synthohive.interface.inputs import of_spark, tables_of
from synthohive.interface.privacy_reporting import measure_privacy
from synthohive.interface.real_rows import MOST, whole_or_sampled
from synthohive.interface.requests import Request
from synthohive.interface.state import SynthesizerState
from synthohive.interface.writing import generated
from synthohive.io.base import FanOut, Reader
from synthohive.io.dataframe import read_loosely
from synthohive.learn.entity_paths import EntityFinder
from synthohive.learn.fitted import FittedDatabase
from synthohive.metrics.copies import copied_values, copies_of_rows
from synthohive.metrics.harmonise import harmonised_database
from synthohive.metrics.report import (
    PersonalColumn,
    Provenance,
    ValidationReport,
    build_report,
    check_report,
)
from synthohive.privacy.entities import Entities
from synthohive.schema import Metadata, PrivacyConfig
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.sample import Sample

__all__ = ["compare", "synthetic_side"]


def compare(
    known: SynthesizerState,
    real_data: Optional[Mapping[str, Any]],
    synthetic_data: Optional[Mapping[str, Any]],
    output_path: Union[str, os.PathLike[str]],
    if_exists: str,
    seed: Optional[int] = None,
    queries: Sequence[str] = (),
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
    queries : sequence of str
        SQL that is run on both sides.
    """
    check_report(output_path, if_exists)
    fitted = known.fitted_
    theirs = _real_side(known, real_data)
    made = synthetic_side(known, synthetic_data, seed)
    check_report(output_path, if_exists, [*theirs.files, *made.files])
    metadata, real, synthetic = harmonised_database(known.metadata, theirs.tables, made.tables)
    personal: dict[str, set[str]] = {}
    if fitted is not None:  # without what was kept by the user: that is learned
        personal = {name: set(fitted.personal(name)) for name in known.metadata.tables}
    privacy = PrivacyConfig() if fitted is None else fitted.privacy
    report = build_report(
        metadata,
        real,
        synthetic,
        theirs.fan_outs,
        synthetic_fan_outs=made.fan_outs,
        personal=personal,
        copied_rows=_copied_rows(metadata, real, synthetic, personal),
        copied_values={
            f"{name}.{column}": copied_values(
                real[name].column(column), synthetic[name].column(column)
            )
            for name, columns in personal.items()
            for column in sorted(columns)
        },
        k=privacy.k_anonymity_threshold,
        entities=_entities(metadata, real, privacy, fitted),
        totals={n: (theirs.total(n), made.total(n)) for n in metadata.tables},
        cut_keys=theirs.cut_keys | made.cut_keys,
        provenance=_provenance(fitted, theirs, made),
        queries=queries,
    )
    if fitted is not None:
        report = _with_facts(report, known, fitted, theirs, made)
    report.write(output_path, if_exists)
    return report


@dataclass(frozen=True)
class _Side:
    """Real or synthetic tables; of large ones a sample, and how many children rows truly have."""

    tables: dict[str, pa.Table]
    files: frozenset[FileIdentity] = frozenset()
    fan_outs: dict[str, FanOut] = field(default_factory=dict)
    origin: str = "given tables"
    counts: dict[str, int] = field(default_factory=dict)  # of all rows, where these are a sample
    cut_keys: frozenset[str] = frozenset()  # over which rows of the sample lack parents or children
    seed: Optional[int] = None  # of generated rows

    def total(self, name: str) -> int:
        """Return how many rows a table truly has."""
        return self.counts.get(name, len(self.tables[name]))


def _real_side(known: SynthesizerState, data: Optional[Mapping[str, Any]]) -> _Side:
    if data is not None:
        return _given(known, data)
    if known.source is None:
        raise SchemaError(
            "There is no real data to compare with.",
            hint="Pass real_data: a checkpoint holds no rows, and knows no database.",
        )
    return _read(known.source, known)


def synthetic_side(
    known: SynthesizerState, data: Optional[Mapping[str, Any]], seed: Optional[int]
) -> _Side:
    """Return synthetic tables that were passed, or make some: about 100,000 rows at most.

    Parameters
    ----------
    known : SynthesizerState
    data : dict of str to table, optional
    seed : int, optional
        Of rows that are made.
    """
    if data is not None:
        return _given(known, data)
    fitted = known.fitted_
    assert fitted is not None  # who asks for fresh rows has fitted
    largest = max((table.rows for table in fitted.tables.values()), default=0)
    request = Request(fitted, scale=min(1.0, MOST / max(largest, 1)), seed=seed)
    with generated(request) as made:
        tables = {n: s.column_table(s.schema.names) for n, s in made.spools.items()}
        return _Side(tables, origin="generated for this report", seed=request.seed)


def _given(known: SynthesizerState, data: Mapping[str, Any]) -> _Side:
    """Return tables that were passed; what is in Spark is sampled there."""
    source = of_spark(data, known.metadata, known.spark)
    if source is not None:
        return _read(source, known)
    tables, files = tables_of(data, known.metadata)
    return _Side({n: read_loosely(n, t) for n, t in tables.items()}, files)


def _read(source: Reader, known: SynthesizerState) -> _Side:
    """Read small tables, and a sample of large ones that belongs together, all of one moment."""
    with source.one_state():
        counts = source.counts(list(known.metadata.tables))
        plan = RelationalPlan.build(known.metadata, counts)
        rows = whole_or_sampled(source, plan, counts, MOST)
        if max(counts.values(), default=0) <= MOST:
            return _Side(rows, source.files, origin=_origin(source))
        keys = list(known.metadata.foreign_keys())
        fan_outs = {
            key.label(name): found
            for (name, key), found in zip(keys, source.fan_outs(keys, counts))
        }
        cut = {key.label(name) for name, key in keys if key != plan.drivers[name]}
        return _Side(rows, source.files, fan_outs, _origin(source), counts, frozenset(cut))


def _origin(source: Reader) -> str:
    """Return where rows are from, without anything of a URL."""
    described = source.metadata
    if source.files:
        return counted(len(source.files), "file")
    if described.dialect is None:
        return "given tables"
    named = ", ".join(described.schemas) or described.schema_name
    return f"{described.dialect}, schema {named}" if named else described.dialect


def _provenance(fitted: Optional[FittedDatabase], real: _Side, synthetic: _Side) -> Provenance:
    ledger = None if fitted is None else fitted.privacy_ledger
    return Provenance(
        datetime.now(timezone.utc).isoformat(timespec="seconds"),
        real.origin,
        synthetic.origin,
        __version__,
        None if fitted is None else fitted.model_name,
        None if fitted is None else fitted.seed,
        synthetic.seed,
        None if ledger is None else str(ledger),
        None if ledger is None else ledger.promise,
    )


def _with_facts(
    report: ValidationReport,
    known: SynthesizerState,
    fitted: FittedDatabase,
    real: _Side,
    synthetic: _Side,
) -> ValidationReport:
    """Return a report with what the fit found and did."""
    cut = real.cut_keys | synthetic.cut_keys
    personal = tuple(
        PersonalColumn(
            f.table,
            f.column,
            f.kind.value,
            f.why,
            fitted.strategy_of(f.table, f.column),
            report.copied_values.get(f"{f.table}.{f.column}"),
        )
        for f in fitted.shown_findings
    )
    held_out = fitted.draw is not None and known.source is not None
    return replace(
        report,
        derivations=derivations_kept(fitted, real.tables, synthetic.tables, cut),
        personal=personal,
        look_ups={name: tuple(columns) for name, columns in known.kept_tables.items()},
        privacy=measure_privacy(known, synthetic.tables) if held_out else None,
    )


def _copied_rows(
    metadata: Metadata,
    real: Mapping[str, pa.Table],
    synthetic: Mapping[str, pa.Table],
    personal: Mapping[str, set[str]],
) -> dict[str, float]:
    """Return the shares of copies by table; made-up columns are none by which a row is known."""
    rows = {}
    for name, table in metadata.tables.items():
        made_up = table.key_columns | personal.get(name, set())
        stored = table.stored or real[name].column_names
        learned = [c for c in stored if c not in made_up]
        share = copies_of_rows(real[name], synthetic[name], learned)
        if share is not None:
            rows[name] = share
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
