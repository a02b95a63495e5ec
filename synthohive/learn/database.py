"""Fitting a whole database, in the order of one plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Optional

import pyarrow as pa

from synthohive._logging import get_logger
from synthohive._workspace import Workspace
from synthohive.constrain.checks import TableChecks
from synthohive.derive.aggregates import Aggregate
from synthohive.derive.aggregates.search import find_aggregates
from synthohive.derive.persons.alias import Alias
from synthohive.derive.persons.namesake import Namesake
from synthohive.derive.stated import check_stated
from synthohive.exceptions import SchemaError, SchemaValidationError
from synthohive.io.base import FanOut, Reader
from synthohive.learn.alias_search import AliasFinder
from synthohive.learn.children import find_children_codes
from synthohive.learn.draw import Draw
from synthohive.learn.entity_paths import EntityFinder, check_entities
from synthohive.learn.entity_tables import add_entities, find_entity_tables, with_entities
from synthohive.learn.fit_context import Fit
from synthohive.learn.fit_record import recorded_fit
from synthohive.learn.fitted import FittedDatabase
from synthohive.learn.heldout import WithoutHeldOut
from synthohive.learn.options import FitOptions
from synthohive.learn.private.source import private_source
from synthohive.learn.rehearsal import Rehearse, analysed
from synthohive.learn.sub_entities import find_sub_entities
from synthohive.learn.table import Begun, begin_table
from synthohive.learn.table_fits import Here, Pool, elsewhere, finish_tables, units
from synthohive.models.base import ConditionalGenerativeModel, TrainingListener
from synthohive.privacy.detect import PiiFinding, check_named, detect_pii
from synthohive.privacy.kinds import NAMES, PiiKind
from synthohive.privacy.places import ENGLISH, guess_locale
from synthohive.schema import Metadata, PiiStrategy
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.sample import Sample
from synthohive.tables.source import SourceTables
from synthohive.train.check_memorisation import check_memorisation
from synthohive.train.job import TrainingJob, work
from synthohive.train.pool import TrainingPool, processes

__all__ = ["fit_database"]

_TELL_LOCALE = NAMES | {PiiKind.ADDRESS}
_LOCALE_ROWS = 5_000
log = get_logger(__name__)


def fit_database(
    reader: Reader,
    options: FitOptions,
    listener: Optional[TrainingListener] = None,
    rehearse: Optional[Rehearse] = None,
    pool: Optional[Pool] = None,
) -> FittedDatabase:
    """Read a sample, and fit every table to it.

    Parameters
    ----------
    reader : Reader
    options : FitOptions
    listener : TrainingListener, optional
    rehearse : callable, optional
        Called when all but the models is fitted; what it raises ends the fit.
    pool : Pool, optional
        Who finds out what is to be learned of tables; closed before models are trained.

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
    if options.privacy.epsilon is not None:
        with reader.one_state():
            private = private_source(reader, options)
        fitted = _fit_database(private.reader, private.options, listener, rehearse, pool or Here())
        fitted.sources, fitted.privacy_ledger = reader.fingerprint(), private.ledger
        return fitted
    if not options.holdout:
        with reader.one_state():
            return _fit_database(reader, options, listener, rehearse, pool or Here())
    draw = Draw(
        options.holdout, options.sample_size, options.sampling_strategy, options.sample_bytes
    )
    left = WithoutHeldOut(reader, draw, options.seed)
    with left.one_state():
        left.check_divided()
        fitted = _fit_database(left, options, listener, rehearse, pool or Here())
        fitted.draw = draw
        _count_all(fitted, left)
    return fitted


def _count_all(fitted: FittedDatabase, left: WithoutHeldOut) -> None:
    """Have as many rows made as there are, those that were set aside among them."""
    rows = {name: table.rows for name, table in fitted.tables.items()}
    for name in left.touched:
        rows[name] = left.all_counts[name]
    for one in fitted.entity_tables:  # as many more as there are of the rows that they are in
        share = rows[one.table] / max(fitted.tables[one.table].rows, 1)
        rows[one.name] = round(rows[one.name] * share)
    # a plan goes by numbers of rows, and a checkpoint's is made anew
    if RelationalPlan.build(fitted.metadata, rows) == fitted.plan:
        for name, table in fitted.tables.items():
            table.rows = rows[name]


def _fit_database(
    reader: Reader,
    options: FitOptions,
    listener: Optional[TrainingListener],
    rehearse: Optional[Rehearse],
    pool: Pool,
) -> FittedDatabase:
    metadata, keyed = reader.metadata, options.privacy.pii_key is not None
    options = replace(options, privacy=options.privacy.without_key())
    metadata.validate_schema()
    check_named(metadata, options.privacy)
    check_entities(metadata, options.privacy)
    counts = reader.counts(list(metadata.tables))
    if not any(counts.values()):
        raise SchemaError("No table has a row.", hint="There is nothing to learn from.")
    plan = RelationalPlan.build(metadata, counts)
    fan_outs = _fan_outs(reader, counts, options)
    drivers = plan.drivers
    read = reader.sample(
        drivers, options.sample_size, options.seed, options.sampling_strategy, options.sample_bytes
    )
    tables, referred = read.drawn, read.referred
    _check_keepable(metadata, plan, tables)
    sample = Sample(metadata, plan, tables, {}, {}, {}, referred, read.typical, read.places)
    whole = SourceTables(reader, tables, counts)
    pool.expect(units(elsewhere(metadata, plan, whole), tables))
    fitted = _begun(reader, options, plan, tables)
    fitted.keyed = keyed
    aliases, namesakes = _find_aliases(sample, options, fitted)
    more = _with_entities(whole, fitted, sample, aliases, relations=options.relations)
    if more:
        metadata, plan, fan_outs = fitted.metadata, fitted.plan, {**fan_outs, **more}
        inside = {one.name: one.table for one in fitted.entity_tables}
        sample = Sample(metadata, plan, tables, {}, {}, inside, referred, read.typical, read.places)
        aliases, namesakes = _find_aliases(sample, options, fitted)
    fitted.check_described()
    if options.relations:
        check_stated(sample, whole, {name: fitted.personal(name) for name in plan.order})
    k = options.privacy.k_anonymity_threshold
    entities = EntityFinder(sample, options.privacy, fitted.findings)
    aggregates: dict[str, list[Aggregate]] = {}
    if options.relations:
        aggregates = find_aggregates(sample, whole, k, entities.of)
    options = _with_locale(options, sample, fitted)
    fitted.locale = options.privacy.locale or ENGLISH
    fit = Fit(
        sample,
        whole,
        fitted,
        options,
        fan_outs,
        aggregates,
        entities,
        aliases,
        namesakes,
    )
    with recorded_fit(options, metadata, sample.around.tables):
        _fit_tables(fit, listener, rehearse, pool)
    return fitted


def _fan_outs(reader: Reader, counts: Mapping[str, int], options: FitOptions) -> dict[str, FanOut]:
    """Count the children of all parents; report orphans, or refuse them."""
    keys = list(reader.metadata.foreign_keys())
    labels = [key.label(name) for name, key in keys]
    found = dict(zip(labels, reader.fan_outs(keys, counts)))
    orphans = {label: f.orphans for label, f in found.items() if f.orphans}
    for label, count in orphans.items():
        log.warning("orphans_in_source", key=label, rows=count)
    if orphans and options.validate:
        raise SchemaValidationError(
            [f"{label}: {count:,} rows refer to no parent" for label, count in orphans.items()],
            hint="Repair the rows, drop the key, or fit with validate=False to learn without them.",
        )
    return found


def _begun(
    reader: Reader, options: FitOptions, plan: RelationalPlan, tables: Mapping[str, pa.Table]
) -> FittedDatabase:
    """Return what is known before any table is fitted, with the columns that are personal."""
    findings: list[PiiFinding] = []
    for name, config in reader.metadata.tables.items():
        findings += detect_pii(config, tables[name], options.privacy)
    strategies: dict[str, dict[str, PiiStrategy]] = {}
    for f in findings:
        strategy = options.privacy.strategy_of(f.table, f.column)
        strategies.setdefault(f.table, {})[f.column] = strategy
    if findings:
        kinds = {f"{f.table}.{f.column}": f.kind.value for f in findings}
        own = {f"{t}.{c}": s for t, of in options.privacy.pii_strategies.items()
               for c, s in of.items()}  # fmt: skip
        general = options.privacy.pii_strategy
        log.warning("personal_data_found", strategy=general, columns=kinds, strategies=own)
    return FittedDatabase(
        metadata=reader.metadata,
        plan=plan,
        tables={},
        privacy=options.privacy,
        model_name=options.model.name,
        seed=options.seed,
        embedding_threshold=options.embedding_threshold,
        findings=[f for f in findings if strategies[f.table][f.column] != "keep"],
        kept_findings=[f for f in findings if strategies[f.table][f.column] == "keep"],
        strategies=strategies,
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
    fit: Fit, listener: Optional[TrainingListener], rehearse: Optional[Rehearse], pool: Pool
) -> None:
    """Fit all but the models, table by table, parents first; rehearse; then train."""
    fitted, options = fit.database, fit.options

    def done(name: str, model: Optional[ConditionalGenerativeModel]) -> None:
        fitted.tables[name].model = model
        if model is not None:
            check_memorisation(name, model, options.privacy.max_memorisation)
        if listener is not None:
            listener.on_table(name)

    works = {
        name: options.epochs * work(len(rows), rows.num_columns, options.batch_size)
        for name, rows in fit.sample.tables.items()
    }
    if listener is not None:
        listener.on_plan(works)
    count = processes(options.n_jobs, works, options.device)
    few: dict[str, TrainingJob] = {}
    with TrainingPool(count, done, listener, options.unfinished) as training:
        with Workspace() as folder:
            for name, job in _analysed(fit, pool, folder):
                if job is None:
                    done(name, None)
                    continue
                if rehearse is not None:
                    few[name] = job.few()
                training.submit(fitted.plan.order.index(name), job)
            if rehearse is not None:
                rehearse(fitted, few)
            pool.close()
        training.finish()


def _analysed(fit: Fit, pool: Pool, folder: Path) -> Iterator[tuple[str, Optional[TrainingJob]]]:
    """Find out all but the models; yield each table with what is left to train."""
    begun: dict[str, Begun] = {}
    for name in fit.database.plan.order:
        with analysed(name):
            one = begun[name] = begin_table(fit, name)
        fit.database.tables[name] = one.table
        if one.finished:
            yield name, one.job
            begun[name] = replace(one, job=None)  # its rows are on the disk by now
    find_children_codes(fit)
    for found in finish_tables(fit, begun, pool, folder):
        yield (
            found.table.config.name,
            fit.training(found.table, found.data, found.context, found.lineup, found.shares),
        )


def _check_keepable(
    metadata: Metadata, plan: RelationalPlan, tables: Mapping[str, pa.Table]
) -> None:
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
        foreign = plan.tables[name].filled
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


def _with_entities(
    whole: SourceTables,
    fitted: FittedDatabase,
    sample: Sample,
    aliases: Mapping[str, Mapping[str, Alias]],
    *,
    relations: bool,
) -> dict[str, FanOut]:
    """Add the tables that are found within others; return the fan-outs of the keys to them."""
    # whom dropped columns name, no row of the copy tells
    told = [f for f in fitted.findings if fitted.strategy_of(f.table, f.column) != "drop"]
    found = find_entity_tables(sample, fitted.privacy, told, aliases)
    if relations:
        entities = EntityFinder(sample, fitted.privacy, [*fitted.findings, *fitted.kept_findings])
        found += find_sub_entities(sample, whole, entities, found)
    if not found:
        return {}
    fan_outs = add_entities(whole, sample, found)
    for one in found:
        fitted.findings += (inside := one.findings(fitted.findings))
        own = fitted.strategies.get(one.table, {})
        fitted.strategies[one.name] = {f.column: own[f.column] for f in inside if f.column in own}
    fitted.metadata = with_entities(fitted.metadata, found, fitted.privacy)
    fitted.entity_tables, fitted.plan = found, RelationalPlan.build(fitted.metadata, whole.counts)
    return fan_outs


def _find_aliases(
    sample: Sample, options: FitOptions, fitted: FittedDatabase
) -> tuple[dict[str, dict[str, Alias]], dict[str, dict[str, Namesake]]]:
    """Find what is personal because it repeats what is; return how it is filled."""
    if not fitted.findings:
        return {}, {}
    finder = AliasFinder(sample.around, options.privacy, fitted.findings)
    found = finder.find()
    general = fitted.privacy.pii_strategy
    for finding in fitted.findings:  # what is found by and by, the user knew nothing of to keep it
        own = fitted.strategies.setdefault(finding.table, {})
        own.setdefault(finding.column, "fake" if general == "keep" else general)
    if not options.relations:
        return {}, {}
    found = {table: _suiting(table, own, fitted) for table, own in found.items()}
    return found, finder.find_namesakes(found)


def _suiting(table: str, found: Mapping[str, Alias], fitted: FittedDatabase) -> dict[str, Alias]:
    """Return what has the values of the columns that it repeats; it has their strategy, too.

    What the user gives another strategy is made for itself, and so is what repeats nothing.
    """
    kept: dict[str, Alias] = {}
    stated = fitted.privacy.pii_strategies
    for target, alias in found.items():
        theirs = {fitted.strategy_of(alias.source, column) for column in alias.columns}
        place = table, target
        for one in fitted.entity_tables:  # as users know it
            place = (one.table, target) if one.name == place[0] else place
        own = stated.get(place[0], {}).get(target)
        strategy = own or (theirs.pop() if len(theirs) == 1 else fitted.privacy.pii_strategy)
        fitted.strategies.setdefault(table, {})[target] = strategy
        if strategy != "drop" and (own is None or theirs <= {own}):
            kept[target] = alias
    return kept
