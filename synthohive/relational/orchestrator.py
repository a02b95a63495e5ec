"""Fitting and generating a whole database, in the order of one plan."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np
import pyarrow as pa

from synthohive._logging import get_logger
from synthohive._workspace import Workspace
from synthohive.connectors.base import FanOut, Reader
from synthohive.core.models.base import ConditionalGenerativeModel, TrainingListener
from synthohive.exceptions import ConnectorError, SchemaError, SchemaValidationError
from synthohive.privacy.detect import PiiFinding, check_named, detect_pii
from synthohive.privacy.kinds import NAMES, PiiKind
from synthohive.privacy.places import guess_locale
from synthohive.relational.aggregates import Aggregate
from synthohive.relational.aggregates.finder import find_aggregates
from synthohive.relational.aliases.alias import Alias
from synthohive.relational.aliases.filling import fill_aliases, suit_rows
from synthohive.relational.aliases.finder import AliasFinder
from synthohive.relational.aliases.namesake import Namesake
from synthohive.relational.checks import TableChecks
from synthohive.relational.damage import using
from synthohive.relational.entity_paths import EntityFinder, check_entities
from synthohive.relational.entity_tables import EntityReader, find_entity_tables
from synthohive.relational.fitted import FittedDatabase
from synthohive.relational.fitting import TableFitter
from synthohive.relational.making.conditions import Conditions
from synthohive.relational.making.generation import generate_attributes
from synthohive.relational.making.kept_rows import keep_rows
from synthohive.relational.making.run import Groups, Run
from synthohive.relational.making.spool import TableSpool
from synthohive.relational.parents.dealing import adjust_counts, driving_counts
from synthohive.relational.parents.holding import can_have_rows
from synthohive.relational.parents.linking import link, link_deferred, sum_up
from synthohive.relational.parents.reach import possible
from synthohive.relational.plan import RelationalPlan, may_be_null
from synthohive.relational.rehearsal import Rehearse, analysed
from synthohive.relational.relations.stated import check_stated
from synthohive.relational.sample import Sample
from synthohive.relational.training.check_memorisation import check_memorisation
from synthohive.relational.training.fit_record import recorded_fit
from synthohive.relational.training.training_job import TrainingJob, work
from synthohive.relational.training.training_pool import TrainingPool, processes
from synthohive.relational.validity import check_validity
from synthohive.schema import Metadata, PrivacyConfig

__all__ = ["FitOptions", "fit_database", "generate_database"]

_TELL_LOCALE = NAMES | {PiiKind.ADDRESS}
_LOCALE_ROWS = 5_000
log = get_logger(__name__)


@dataclass
class FitOptions:
    """What `Synthesizer.fit` was asked for."""

    model: type[ConditionalGenerativeModel]
    privacy: PrivacyConfig
    seed: int
    sample_size: int
    epochs: int
    batch_size: int
    embedding_threshold: int
    validate: bool = False
    relations: bool = True
    model_kwargs: dict[str, Any] = field(default_factory=dict)
    n_jobs: Optional[int] = None
    device: str = "cpu"
    unfinished: Optional[Path] = None  # where trained models are kept until all are


def fit_database(
    reader: Reader,
    options: FitOptions,
    listener: Optional[TrainingListener] = None,
    rehearse: Optional[Rehearse] = None,
) -> FittedDatabase:
    """Read a sample, and fit every table to it.

    Parameters
    ----------
    rehearse : callable, optional
        Called when all but the models is fitted; what it raises ends the fit.

    Raises
    ------
    SchemaValidationError
        The metadata has problems, or (with ``validate``) the rows have orphans.
    TrainingError
        A model diverged.
    PrivacyError
        A table is to be kept whose key is personal, a kind of personal data does not suit its
        column, or a model has memorised more than ``max_memorisation`` allows.
    SerializationError
        What is unfinished belongs to another fit.
    """
    metadata = reader.metadata
    metadata.validate_schema()
    check_named(metadata, options.privacy)
    check_entities(metadata, options.privacy)
    counts = reader.counts(list(metadata.tables))
    if not any(counts.values()):
        raise SchemaError("No table has a row.", hint="There is nothing to learn from.")
    plan = RelationalPlan.build(metadata, counts)
    fan_outs = _fan_outs(reader, counts, options)
    drivers = {name: plan.tables[name].driver for name in plan.order}
    tables = reader.sample(drivers, options.sample_size, options.seed)
    _check_keepable(metadata, tables)
    fitted = _begun(reader, options, plan, tables)
    sample = Sample(metadata, plan, tables)
    aliases, namesakes = _find_aliases(sample, options, fitted.replaced)
    reader, more = _with_entities(reader, fitted, sample, counts, aliases)
    if more:
        metadata, plan, fan_outs = fitted.metadata, fitted.plan, {**fan_outs, **more}
        inside = {one.name: one.place for one in fitted.entity_tables}
        sample = Sample(metadata, plan, tables, inside=inside)
        aliases, namesakes = _find_aliases(sample, options, fitted.replaced)
    fitted.check_described()
    if options.relations:
        check_stated(sample, reader, counts, {name: fitted.personal(name) for name in plan.order})
    k = options.privacy.k_anonymity_threshold
    entities = EntityFinder(sample, options.privacy, fitted.replaced)
    aggregates: dict[str, list[Aggregate]] = {}
    if options.relations:
        aggregates = find_aggregates(sample, reader, counts, k, entities.of)
    fitter = TableFitter(
        sample,
        reader,
        fitted,
        _with_locale(options, sample, fitted),
        fan_outs,
        counts,
        aggregates,
        entities,
        aliases,
        namesakes,
    )
    with recorded_fit(options, metadata, tables):
        _fit_tables(fitter, listener, rehearse)
    return fitted


def _fan_outs(reader: Reader, counts: Mapping[str, int], options: FitOptions) -> dict[str, FanOut]:
    """Count the children of all parents, and report orphans."""
    keys = list(reader.metadata.foreign_keys())
    found = {
        key.label(name): fan_out
        for (name, key), fan_out in zip(keys, reader.fan_outs(keys, counts))
    }
    _report_orphans(found, refuse=options.validate)
    return found


def _begun(
    reader: Reader, options: FitOptions, plan: RelationalPlan, tables: Mapping[str, pa.Table]
) -> FittedDatabase:
    """Return what is known before any table is fitted, with the columns that are personal."""
    return FittedDatabase(
        metadata=reader.metadata,
        plan=plan,
        tables={},
        privacy=options.privacy,
        model_name=options.model.name,
        seed=options.seed,
        embedding_threshold=options.embedding_threshold,
        findings=_find_personal_data(reader.metadata, tables, options.privacy),
        sources=reader.fingerprint(),
    )


def _with_locale(options: FitOptions, sample: Sample, fitted: FittedDatabase) -> FitOptions:
    """Let personal data be made up in the language that the real names and addresses are of."""
    if options.privacy.locale is not None:
        return options
    texts: set[str] = set()
    for table in sample.tables:
        for column, kind in fitted.personal(table).items():
            if kind in _TELL_LOCALE and column in sample.tables[table].column_names:
                values = sample.tables[table].column(column).slice(0, _LOCALE_ROWS).drop_null()
                texts.update(map(str, values.to_pylist()))
    privacy = options.privacy.model_copy(update={"locale": guess_locale(sorted(texts))})
    return replace(options, privacy=privacy)


def _fit_tables(
    fitter: TableFitter, listener: Optional[TrainingListener], rehearse: Optional[Rehearse]
) -> None:
    """Fit all but the models, table by table, parents first; rehearse; then train."""
    fitted, options = fitter.database, fitter.options

    def done(name: str, model: Optional[ConditionalGenerativeModel]) -> None:
        fitted.tables[name].model = model
        if model is not None:
            check_memorisation(name, model, options.privacy.max_memorisation)
        if listener is not None:
            listener.on_table(name)

    works = {
        name: options.epochs * work(len(rows), rows.num_columns, options.batch_size)
        for name, rows in fitter.sample.tables.items()
    }
    if listener is not None:
        listener.on_plan(works)
    count = processes(options.n_jobs, works, options.device)
    few: dict[str, TrainingJob] = {}
    with TrainingPool(count, done, listener, options.unfinished) as pool:
        for number, name in enumerate(fitted.plan.order):
            with analysed(name):
                fitted.tables[name], job = fitter.fit(name)
            if job is None:
                done(name, None)
                continue
            if rehearse is not None:
                few[name] = job.few()
            pool.submit(number, job)
        if rehearse is not None:
            rehearse(fitted, few)
        pool.finish()


def _check_keepable(metadata: Metadata, tables: Mapping[str, pa.Table]) -> None:
    """Refuse CHECKs that made-up rows would break.

    These are the ones that rows break without an excluded column, and those that compare a key
    to what is counted inside its parents, which another parent would number anew.
    """
    problems = []
    for name, config in metadata.tables.items():
        compiled = TableChecks.compile(config, metadata.dialect, set())
        if config.exclude_columns and config.checks:
            for label, columns in compiled.needing(config, tables[name]).items():
                out = ", ".join(f"{name}.{column}" for column in columns)
                problems.append(
                    f"{out} is excluded, but rows where it is NULL break the CHECK {label}. Keep "
                    f"the column, give it a default, or exclude the table: exclude=[{name!r}]."
                )
        foreign = config.filled_by_keys
        counted = set(config.pk) - foreign if foreign & set(config.pk) else set()
        for label, check in compiled.checks.items():
            compared = [{c.left, c.right} for c in check.comparisons if c.right is not None]
            if any(pair & foreign and pair & counted for pair in compared):
                what = ", ".join(sorted(check.columns & counted))
                problems.append(
                    f"The CHECK {label} of table {name!r} compares a foreign key to {what}, which "
                    "is numbered inside its parents, and cannot be kept. Exclude the table: "
                    f"exclude=[{name!r}], or drop the CHECK in the database."
                )
    if problems:
        raise SchemaValidationError(problems)


def _report_orphans(fan_outs: Mapping[str, FanOut], *, refuse: bool) -> None:
    orphans = {label: f.orphans for label, f in fan_outs.items() if f.orphans}
    for label, count in orphans.items():
        log.warning("orphans_in_source", key=label, rows=count)
    if orphans and refuse:
        raise SchemaValidationError(
            [f"{label}: {count:,} rows refer to no parent" for label, count in orphans.items()],
            hint="Repair the rows, drop the key, or fit with validate=False to learn without them.",
        )


def _find_personal_data(
    metadata: Metadata, tables: Mapping[str, pa.Table], privacy: PrivacyConfig
) -> list[PiiFinding]:
    findings: list[PiiFinding] = []
    for name, config in metadata.tables.items():
        findings += detect_pii(config, tables[name], privacy)
    if findings:
        kinds = {f"{f.table}.{f.column}": f.kind.value for f in findings}
        log.warning("personal_data_found", strategy=privacy.pii_strategy, columns=kinds)
    return findings


def _with_entities(
    reader: Reader,
    fitted: FittedDatabase,
    sample: Sample,
    counts: dict[str, int],
    aliases: Mapping[str, Mapping[str, Alias]],
) -> tuple[Reader, dict[str, FanOut]]:
    """Add the tables that are found within others; return what reads them, and their fan-outs."""
    found = find_entity_tables(sample, fitted.privacy, fitted.replaced, aliases)
    if not found:
        return reader, {}
    inside = EntityReader(reader, found, fitted.privacy)
    sample.tables.update(inside.beside(sample.tables))
    counts.update({one.name: inside.count(one.name) for one in found})
    for one in found:
        fitted.findings += one.findings(fitted.findings)
    fitted.metadata, fitted.entity_tables = inside.metadata, found
    fitted.plan = RelationalPlan.build(fitted.metadata, counts)
    keys = [pair for one in found for pair in one.keys]
    return inside, {key.label(name): inside.fan_out(name, key) for name, key in keys}


def _find_aliases(
    sample: Sample, options: FitOptions, findings: list[PiiFinding]
) -> tuple[dict[str, dict[str, Alias]], dict[str, dict[str, Namesake]]]:
    """Find what is personal because it repeats what is; return how it is filled."""
    if not findings:
        return {}, {}
    finder = AliasFinder(sample, options.privacy, findings)
    found = finder.find()
    return (found, finder.find_namesakes(found)) if options.relations else ({}, {})


@contextmanager
def generate_database(
    fitted: FittedDatabase,
    *,
    seed: int,
    scale: float = 1.0,
    num_rows: Optional[Mapping[str, int]] = None,
    enforce_constraints: bool = False,
    conditions: Optional[Mapping[str, Conditions]] = None,
) -> Iterator[dict[str, TableSpool]]:
    """Generate all tables into a temporary folder; yield them by name, parents first.

    The folder is removed when the block is left.

    Raises
    ------
    ConstraintViolationError
        A row has NULL in a NOT NULL column, repeats a key, or refers to nothing.
    """
    with Workspace() as folder:
        run = Run(
            fitted, seed, scale, folder, fitted.with_entity_rows(num_rows or {}),
            enforce_constraints, dict(conditions or {}),
        )  # fmt: skip
        try:
            spools = _generate(run)
        except OSError as exc:  # nothing but the folder's files is written or read here
            reason = os.strerror(exc.errno) if exc.errno else str(exc)
            raise ConnectorError(
                f"The temporary folder {str(folder.parent)!r} cannot take the generated rows: "
                f"{reason}.",
                hint="Make room there, or set TMPDIR to another folder.",
            ) from exc
        yield spools


def _generate(run: Run) -> dict[str, TableSpool]:
    fitted = run.fitted
    order = fitted.plan.order
    steps = [_generate_table, link_deferred, suit_rows, fill_aliases]
    for step, names in [*((step, order) for step in steps), (sum_up, order[::-1])]:
        for name in names:
            with using(fitted, name):
                step(run, name)
    spools = {name: run.tables[name].spool for name in fitted.plan.order}
    check_validity(fitted.metadata, spools, fitted.special_rules())
    for name, spool in spools.items():
        if no_parents := fitted.metadata.tables[name].no_parents:
            spool.rewrite(partial(_without_nulls, no_parents))
    return {name: spools[name] for name in fitted.shown}


def _without_nulls(
    no_parents: Mapping[str, Union[int, str]], block: pa.Table, start: int
) -> pa.Table:
    """Write what stands for no parent in the place of NULL."""
    for column, value in no_parents.items():
        place = block.column_names.index(column)
        values = block.column(place).fill_null(pa.scalar(value).cast(block.field(place).type))
        block = block.set_column(place, block.field(place), values)
    return block


def _generate_table(run: Run, name: str) -> None:
    fitted, driver = run.fitted.tables[name], run.fitted.plan.tables[name].driver
    if fitted.reference is not None:
        made = keep_rows(run, name)
    elif driver is None:
        made = generate_attributes(run, name, _root_rows(run, name), None)
    else:
        groups = _groups(run, name)
        made = generate_attributes(run, name, groups.rows, groups)
    run.tables[name] = made
    if fitted.reference is None:
        link(run, name, made)
        adjust_counts(run, name, made)


def _root_rows(run: Run, name: str) -> int:
    """Return the rows of a root table: none only where the real one has none."""
    rows = run.num_rows.get(name)
    if rows is None:
        rows = _scaled(run, run.fitted.tables[name].rows)
    return rows if can_have_rows(run, name) else 0


def _scaled(run: Run, rows: int) -> int:
    """Return a number of rows at the run's scale; a row alone stays."""
    return max(round(rows * run.scale), min(rows, 1)) if run.scale > 0 else 0


def _groups(run: Run, name: str) -> Groups:
    """Deal out the rows of a child table to its driving parents."""
    driver = run.fitted.plan.tables[name].driver
    if driver is None:
        raise RuntimeError(f"{name!r} has no driving key")
    label = driver.label(name)
    key = run.fitted.tables[name].keys[label]
    parent = run.tables[driver.parent]
    if not can_have_rows(run, name):
        return Groups(np.zeros(parent.spool.rows, dtype=np.int64))
    asked, share, real = run.num_rows.get(name), key.null_share, run.fitted.tables[name].rows
    total = None if asked is None else round(asked * (1.0 - share))
    count = partial(
        key.fan_out.counts,
        parent.spool.rows,
        total,
        rng=run.rng(name, label, "fan-out"),
        growth=_growth(run, driver.parent) if total is None else 1.0,
        limit=_limit(run, name),
    )
    counts = driving_counts(run, name, count)
    linked = int(counts.sum())
    if asked is not None and total is not None:
        if linked != total:
            log.warning("rows_not_reached", table=name, asked=asked, key=label)
        return Groups(counts, asked - total)
    without = round(linked * share / (1.0 - share)) if share < 1.0 else _scaled(run, real)
    if not linked + without and real and not run.num_rows:  # else all below it were gone, too
        able = np.flatnonzero(possible(run, name, driver))
        counts[able[:1]] = 1
        without = int(not len(able) and may_be_null(run.fitted.metadata.tables[name], driver))
    return Groups(counts, without)


def _growth(run: Run, parent: str) -> float:
    """Return how much larger groups get because there are not as many parents as scaled."""
    fitted = run.fitted.tables[parent]
    if fitted.reference is not None:
        return run.scale
    rows, wanted = run.tables[parent].spool.rows, run.scale * fitted.rows
    if run.num_rows or not rows or run.fitted.plan.tables[parent].driver is not None:
        return min(wanted, 1.0) if rows == 1 and not run.num_rows else 1.0
    return wanted / rows if rows == 1 or rows < round(wanted) else 1.0  # none, or no more allowed


def _limit(run: Run, name: str) -> Optional[int]:
    """Return the largest group that keeps pairs of keys distinct (many-to-many tables)."""
    config, plan = run.fitted.metadata.tables[name], run.fitted.plan.tables[name]
    driving = set() if plan.driver is None else set(plan.driver.columns)
    limits = []
    for unique in config.unique_sets:
        rest = set(unique) - driving
        keys = [f.key for f in plan.further if f.mode == "free" and rest & set(f.key.columns)]
        covered = {c for key in keys for c in key.columns}
        empty = any(c not in config.pk and config.columns[c].nullable for c in unique)
        if rest and rest < set(unique) and rest <= covered and not empty:
            limits.append(math.prod(run.tables[key.parent].spool.rows for key in keys))
    return min(limits, default=None)
