"""Fitting one table, stage by stage: from a sample of real rows to what generation needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Optional, TypeVar

import pyarrow as pa

from synthohive._arrays import Bools, IntArray
from synthohive._logging import get_logger
from synthohive.constrain.checks import TableChecks
from synthohive.constrain.group_rule_search import counters, find_group_rules
from synthohive.constrain.key_rule_search import find_key_rules
from synthohive.constrain.key_rules import KeyRule
from synthohive.constrain.unique import special_rules
from synthohive.derive.columns import Columns
from synthohive.derive.elapsed import Elapsed
from synthohive.derive.keys.choice import learn_key_makers
from synthohive.derive.keys.makers import KeyMaker, ListedMaker
from synthohive.derive.periods import find_periods
from synthohive.derive.search import with_moves
from synthohive.derive.table_search import DerivationFinder
from synthohive.encoding.encoded import EncodedTable
from synthohive.encoding.table import TableEncoder
from synthohive.learn.attribute_table import NullByKey, attribute_table, nulls_by_key
from synthohive.learn.beside_parents import differences, parent_codes
from synthohive.learn.derivations import relate
from synthohive.learn.fit_context import Fit
from synthohive.learn.fitted import FittedTable
from synthohive.learn.links import (
    fitted_key,
    hierarchies,
    joint_counts,
    learn_codes,
    learn_pairs,
    roots,
)
from synthohive.learn.look_up_table import keep_table, kept_columns
from synthohive.learn.made_up import beginnings, copied_cities, made_up, rare_cities
from synthohive.learn.modelled import Modelled, encoder_of, training
from synthohive.learn.spikes import without_spikes
from synthohive.learn.training_context import training_context
from synthohive.metrics.profile import profile_table
from synthohive.privacy.entities import Entities
from synthohive.privacy.kinds import PiiKind
from synthohive.schema import ForeignKey
from synthohive.tables import random_streams as seeds
from synthohive.tables.ancestors import hstack
from synthohive.tables.joins import group_codes
from synthohive.tables.roles import Roles
from synthohive.tables.sampled_groups import SampledGroups, sampled_groups
from synthohive.train.job import TrainingJob

__all__ = ["fit_table"]

log = get_logger(__name__)
Maker = TypeVar("Maker", bound=KeyMaker)


def fit_table(fit: Fit, name: str) -> tuple[FittedTable, Optional[TrainingJob]]:
    """Fit all of a table but its model; its driving ancestors must have been fitted before.

    Returns
    -------
    FittedTable
    TrainingJob or None
        What is left to train.
    """
    cities = rare_cities(fit, name, fit.entities.of(name))
    personal = {**fit.database.personal(name), **cities}
    table = _described(fit, name, personal)
    if not len(fit.sample.tables[name]):
        log.warning("table_without_rows", table=name)
        fit.sample.encoded[name] = EncodedTable.empty(0)
        return table, None
    kept = kept_columns(fit, name, personal)
    if kept:
        return table, keep_table(fit, name, table, kept)
    table.aliases = {**fit.aliases.get(name, {}), **copied_cities(fit, name, cities)}
    table.namesakes = fit.namesakes.get(name, {})
    table.makers.update(_stretched(fit, name, beginnings(fit, name, table)))
    return table, _learn(fit, name, table)


def _described(fit: Fit, name: str, personal: Mapping[str, PiiKind]) -> FittedTable:
    """Return a table of which keys, and what is stated of it, are known."""
    config, data = fit.sample.metadata.tables[name], fit.sample.tables[name]
    driver, dialect = fit.sample.plan.tables[name].driver, fit.sample.metadata.dialect
    listed = TableChecks.compile(config, dialect, set()).listed_values(config, data)
    makers = learn_key_makers(config, data, driver, fit.entities.of(name), fit.k, listed)
    rules = _key_rules(fit, name)
    makers.update(counters(config, rules))
    table = FittedTable(config, fit.whole.size(name), Roles.of(config, personal, makers))
    table.makers = _stretched(fit, name, {c: makers[c] for c in table.roles.key})
    table.key_rules = rules
    table.keys = {fk.label(name): fitted_key(fit, name, fk) for fk in config.foreign_keys}
    table.misread_checks = _misread_checks(fit, name, table)
    return table


def _stretched(fit: Fit, name: str, makers: Mapping[str, Maker]) -> dict[str, Maker]:
    """Let makers of keys have room for all rows of the real table."""
    for maker in makers.values():
        maker.stretch(fit.whole.size(name), len(fit.sample.tables[name]))
    return dict(makers)


def _key_rules(fit: Fit, name: str) -> list[KeyRule]:
    if not fit.options.relations:
        return []
    found = find_key_rules(fit.sample, fit.whole, name, fit.fan_outs)
    return [*found, *find_group_rules(fit.sample, fit.whole, name, found, fit.k)]


def _misread_checks(fit: Fit, name: str, table: FittedTable) -> list[str]:
    """Find the CHECKs and indexes that real rows, which are valid, appear to break."""
    dialect = fit.sample.metadata.dialect
    stated = TableChecks.compile(table.config, dialect, set()).checks
    broken = table.checks(dialect).violations(fit.sample.tables[name])
    found = [stated[label].sqltext for label in broken]
    for sqltext in found:
        log.info("check_not_understood", table=name, check=sqltext, reason="real rows break it")
    for index in table.config.indexes:
        alone = table.config.model_copy(update={"indexes": [index], "unique": []})
        if any(r.misread(fit.sample.tables[name]) for r in special_rules(alone, dialect)):
            log.info("unique_index_not_understood", table=name, index=index.name,
                     reason="real rows break it")  # fmt: skip
            found.append(index.definition or "")
    return found


def _learn(fit: Fit, name: str, table: FittedTable) -> Optional[TrainingJob]:
    """Fit encoder, made-up columns and the profile; return the training of the model."""
    data, entities = fit.sample.tables[name], fit.entities.of(name)
    fit.entities.report(name)
    modelled = _collected(fit, table)
    real = modelled.rows
    table.joint_counts = joint_counts(fit, name, real, entities)
    _derive(fit, table, modelled, entities)
    groups, plain = _groups(fit, table), modelled.rows
    if fit.options.relations:
        _find_periods(fit, table, groups, real, entities)
        _move(fit, table, modelled, groups, entities)
    encoded, masked = _encoded(fit, table, modelled, groups, entities)
    elapsed = None
    if groups is not None:
        table.largest_group = groups.largest
        table.siblings = groups.whole and fit.options.model.abilities.siblings
        if table.siblings:
            order = groups.parents, groups.positions
            elapsed = Elapsed.of(table.program.monotone, plain, *order, modelled.rooms)
    context = training_context(
        fit.sample, name, groups, encoded, times=table.times, elapsed=elapsed
    )
    table.context_layout = context.layout
    table.fakes = made_up(fit, name, table, entities)
    profiled = table.attributes
    table.profile = profile_table(data.select(list(profiled)), profiled, entities, fit.k)
    return training(fit, table, TableEncoder.without(encoded, masked), context)


def _collected(fit: Fit, table: FittedTable) -> Modelled:
    """Return all that is modelled of a table, before anything is found to follow from it."""
    depths = hierarchies(fit, table.config.name, table)
    drawn = [c for c, m in table.makers.items() if not isinstance(m, ListedMaker)]
    made = (*drawn, *table.roles.personal)  # what is listed has its NULLs from its maker
    table.null_by_key = _nulls_by_key(fit, table, made)
    rows, columns = attribute_table(
        fit.sample,
        table.config.name,
        table.roles.attributes,
        made,
        depths,
        table.aliases.values(),
        table.roles.personal,
        table.null_by_key,
    )
    return Modelled(rows, columns)


def _encoded(
    fit: Fit,
    table: FittedTable,
    modelled: Modelled,
    groups: Optional[SampledGroups],
    entities: Entities,
) -> tuple[EncodedTable, dict[str, Bools]]:
    """Return the encoded rows, and in which of them columns tell nothing."""
    name, seed, columns = table.config.name, fit.options.seed, modelled.columns
    behind = {column: entities.behind(rows, fit.k) for column, rows in modelled.sources.items()}
    rng = seeds.generator(seed, name, "spikes")
    rows = without_spikes(modelled.rows, columns, entities, fit.k, rng, behind)
    table.encoder = encoder_of(fit, table, rows, columns, entities, behind)
    encoded = table.encoder.encode(rows, seeds.generator(seed, name, "encode"))
    if not rows.num_columns:  # keys only: a table without columns forgets its rows
        encoded = EncodedTable.empty(len(fit.sample.tables[name]))
    masked = {} if groups is None else table.program.masked(groups.positions)
    encoded = fit.sample.encoded[name] = TableEncoder.without(encoded, masked, 0, 0.0)
    return encoded, masked


def _nulls_by_key(fit: Fit, table: FittedTable, made: Sequence[str]) -> dict[str, NullByKey]:
    """Return which made-up columns and keys are NULL by another key; no CHECK names these."""
    name, checks = table.config.name, table.checks(fit.sample.metadata.dialect).checks
    checked = {column for check in checks.values() for column in check.columns}
    free = [column for column in made if column not in checked]
    found = nulls_by_key(fit.sample, name, free, table.roles.personal, fit.k)
    for what, (key, alike) in found.items():
        said = f"{what} is NULL exactly where {key} is{'' if alike else ' not'}"
        log.info("relation_found", table=name, relation=said)
    return found


def _groups(fit: Fit, table: FittedTable) -> Optional[SampledGroups]:
    name = table.config.name
    driver = fit.sample.plan.tables[name].driver
    histogram = {} if driver is None else fit.fan_outs[driver.label(name)].histogram
    largest = 1 if driver is None else table.keys[driver.label(name)].fan_out.largest
    groups = sampled_groups(fit.sample, name, histogram, largest)
    if groups is not None and groups.in_part and fit.options.model.abilities.siblings:
        share, lost = round(1 / groups.thinning, 3), "what rows have from the row before"
        size = fit.options.sample_size
        log.warning("groups_read_in_part", table=name, share=share, sample_size=size, lost=lost)
    return groups


def _find_periods(
    fit: Fit,
    table: FittedTable,
    groups: Optional[SampledGroups],
    rows: pa.Table,
    entities: Entities,
) -> None:
    """Find what never overlaps for one parent, first the driving one; verify it on all rows."""
    name, plan = table.config.name, fit.sample.plan.tables[table.config.name]
    keys: list[tuple[Optional[ForeignKey], IntArray]] = []
    if groups is not None and plan.driver is not None and groups.whole:
        keys.append((None, groups.parents))
    chosen = plan.keys("free", "grouped")
    keys += [(key, fit.sample.parent_rows(name, key)) for key in chosen]
    every = [table.program, *table.linked.values()]
    free = set(table.roles.attributes) - {r.target for f in every for r in f.derivations if r.whole}
    columns = Columns(rows, (), entities, fit.k)
    for key, owners in keys:
        ends = free - {one.end for one in table.periods}
        found = find_periods(columns, table.program.derivations, owners, key, ends)
        over = plan.driver if key is None else key
        if found and over is not None and table.rows > len(rows):
            named = sorted({c for one in found for c in (one.start, one.end)} | {*over.columns})
            whole = fit.whole.columns(name, named)
            groups_ = group_codes([whole], [over.columns])[0]
            found = [one for one in found if (one.pauses(whole, groups_) >= 0).all()]
        found = [one for one in found if one.end in ends]
        log.relations(name, found)
        table.periods += found


def _move(
    fit: Fit,
    table: FittedTable,
    modelled: Modelled,
    groups: Optional[SampledGroups],
    entities: Entities,
) -> None:
    """Put gaps and differences in the place of columns."""
    columns, by_gap = modelled.columns, fit.options.model.abilities.siblings
    names = table.attributes.keys() & columns.keys() - table.config.derived.keys()
    searched = Columns(modelled.rows, names, entities, fit.k)
    table.program = with_moves(table.program, searched, groups, by_gap=by_gap)
    log.relations(table.config.name, table.program.monotone)
    rng = seeds.generator(fit.options.seed, table.config.name, "monotone")
    order = None if groups is None else (groups.parents, groups.positions)
    modelled.rows, modelled.columns = table.program.move(
        modelled.rows, columns, order, rng, modelled.sources
    )


def _derive(fit: Fit, table: FittedTable, modelled: Modelled, entities: Entities) -> None:
    """Find what follows from what, also over keys; what is left to model has codes of parents."""
    name, seed = table.config.name, fit.options.seed
    plan = fit.sample.plan.tables[name]
    keys, own = plan.keys("free", "grouped", "deferred"), plan.keys("self")
    table.aggregates = list(fit.aggregates.get(name, []))
    finder = DerivationFinder(
        fit.sample,
        fit.whole,
        name,
        table.attributes,
        {parent: fit.summed(parent) for parent in fit.aggregates},
        frozenset(fit.summed(name)),
        table.times,
        _made_up_texts(fit, plan.ancestors),
    )
    above = hstack(finder.above(plan.driver), fit.sample.tables[name].select(table.times))
    rows = hstack(modelled.rows, above)
    for key in keys:
        learn_codes(fit, table, key, rows)
    if fit.options.relations and (table.attributes or own):
        relate(fit.sample, table, finder, keys, entities, fit.k)
        rng = seeds.generator(seed, name, "relations")
        modelled.rows, modelled.columns = table.program.encode(
            rows, modelled.columns, rng, modelled.sources
        )
        modelled.rooms = table.program.rooms(above)
        modelled.add(*differences(fit.sample, table, seed))
    for key in own:
        learn_codes(fit, table, key, rows)
        model = table.hierarchies[key.label(name)]
        if fit.options.relations and not model.loops and not model.circles:
            model.roots = roots(fit, table, key)
    for key in [*keys, *own]:
        learn_pairs(fit, table, key, rows, entities)
    modelled.add(*parent_codes(fit.sample, table, seed))


def _made_up_texts(fit: Fit, names: Sequence[str]) -> frozenset[str]:
    """Return the columns of some tables of which the copy has none of the real values."""
    found: set[str] = set()
    for name in names:
        table = fit.database.tables[name]
        kinds = {} if table.encoder is None else table.encoder.kinds
        texts = [column for column, kind in kinds.items() if kind in ("text", "uuid")]
        found.update(f"{name}.{column}" for column in (*texts, *table.roles.personal))
    return frozenset(found)
