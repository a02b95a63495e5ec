"""Fitting one table, stage by stage: from a sample of real rows to what generation needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Optional, TypeVar

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, IntArray
from synthohive._logging import Told, get_logger
from synthohive.constrain.checks import TableChecks
from synthohive.constrain.group_rule_search import counters, find_group_rules
from synthohive.constrain.key_rule_search import find_key_rules
from synthohive.constrain.key_rules import KeyRule, PositionInParent
from synthohive.constrain.unique import special_rules
from synthohive.derive.columns import Columns
from synthohive.derive.dates import calendar_of, skips_days
from synthohive.derive.elapsed import Elapsed
from synthohive.derive.falling import find_falling
from synthohive.derive.keys.choice import learn_key_makers
from synthohive.derive.keys.makers import KeyMaker, SequenceMaker
from synthohive.derive.keys.patterns import BegunTextMaker, CountedTextMaker
from synthohive.derive.keys.rising import find_rising
from synthohive.derive.periods import find_periods, never_overlap
from synthohive.derive.program import Program
from synthohive.derive.search import with_moves
from synthohive.derive.sticky import carried
from synthohive.derive.table_search import DerivationFinder
from synthohive.encoding.encoded import EncodedTable
from synthohive.encoding.table import TableEncoder
from synthohive.learn.attribute_table import (
    Modelled,
    attribute_table,
    differences,
    made_columns,
    nulls_by_key,
    parent_codes,
    stays_in_groups,
)
from synthohive.learn.children import children_columns
from synthohive.learn.derivations import relate
from synthohive.learn.fit_context import Fit
from synthohive.learn.fitted import FittedTable
from synthohive.learn.links import counted_keys, hierarchies, joint_counts, learn_key
from synthohive.learn.look_up_table import keep_table, kept_columns
from synthohive.learn.made_up import beginnings, copied_cities, made_up, rare_cities
from synthohive.learn.spikes import without_spikes
from synthohive.learn.training_context import training_context
from synthohive.learn.whole_shares import shares_of_all
from synthohive.metrics.profile import profile_table
from synthohive.privacy.kinds import PiiKind
from synthohive.schema import ColumnKind, ForeignKey
from synthohive.schema.sibling_order import sibling_order
from synthohive.tables import random_streams as seeds
from synthohive.tables.ancestors import hstack
from synthohive.tables.in_turn import Lineup
from synthohive.tables.roles import Roles
from synthohive.tables.sampled_groups import SampledGroups, sampled_groups
from synthohive.train.job import TrainingJob

__all__ = ["Begun", "Finished", "begin_table", "finish_table"]

log = get_logger(__name__)
Maker = TypeVar("Maker", bound=KeyMaker)


@dataclass(frozen=True)
class Begun:
    """A table of which the keys are known, and whether it is kept as it is.

    Attributes
    ----------
    table : FittedTable
    cities : tuple of str
        Columns of cities that are made up because most are rare.
    kept : frozenset of str
        The look-up tables before it that are kept.
    job : TrainingJob, optional
        What is left to train of a table that is kept.
    finished : bool
        Nothing else is to be found out.
    """

    table: FittedTable
    cities: tuple[str, ...]
    kept: frozenset[str]
    job: Optional[TrainingJob] = None
    finished: bool = False


@dataclass(frozen=True)
class Finished:
    """A table of which all is known but its model.

    Attributes
    ----------
    table : FittedTable
    encoded : EncodedTable
        Its rows, as its children see them.
    data, context : EncodedTable
        What its model learns, and is given.
    lineup : Lineup, optional
        The groups of its rows, if they are given the siblings before.
    shares : EncodedTable, optional
        All rows, where the sample has few of them.
    told : list of Told
        What was logged.
    """

    table: FittedTable
    encoded: EncodedTable
    data: EncodedTable
    context: EncodedTable
    lineup: Optional[Lineup] = None
    shares: Optional[EncodedTable] = None
    told: list[Told] = field(default_factory=list)


def begin_table(fit: Fit, name: str) -> Begun:
    """Find out what a table's keys are, and whether it is kept; its parents were begun before."""
    cities = rare_cities(fit, name)
    personal = {**fit.database.personal(name), **cities}
    table = _described(fit, name, personal)
    begun = Begun(table, tuple(cities), frozenset(fit.entities.kept))
    if not len(fit.sample.tables[name]):
        log.warning("table_without_rows", table=name)
        fit.sample.encoded[name] = EncodedTable.empty(0)
        return replace(begun, finished=True)
    kept = kept_columns(fit, name, personal)
    if kept:
        return replace(begun, job=keep_table(fit, table, kept), finished=True)
    return begun


def finish_table(fit: Fit, begun: Begun) -> Finished:
    """Find out all else but the model; the driving ancestors must have been finished before.

    Parameters
    ----------
    fit : Fit
        Its database has the tables before this one.
    begun : Begun
        Its table gets what is found.
    """
    table, name = begun.table, begun.table.config.name
    copies = copied_cities(fit, name, begun.cities)
    table.aliases = {**fit.aliases.get(name, {}), **copies}
    table.namesakes = fit.namesakes.get(name, {})
    table.makers.update(_stretched(fit, name, beginnings(fit, table)))
    stages = _TableFit(fit, table)
    data, context, lineup = stages.learned()
    shares = shares_of_all(fit, name, stages.modelled.rows, table.encoder)
    return Finished(table, fit.sample.encoded[name], data, context, lineup, shares)


def _described(fit: Fit, name: str, personal: Mapping[str, PiiKind]) -> FittedTable:
    """Return a table of which keys, and what is stated of it, are known."""
    config, data = fit.sample.metadata.tables[name], fit.sample.tables[name]
    driver, dialect = fit.sample.plan.tables[name].driver, fit.sample.metadata.dialect
    listed = TableChecks.compile(config, dialect, set()).listed_values(config, data)
    filled = fit.sample.plan.tables[name].filled
    makers = learn_key_makers(config, data, driver, fit.entities.of(name), fit.k, listed, filled)
    for date in fit.database.series_dates(name):  # gaps, and when a series ends, are learned
        makers.pop(date, None)
    rules: list[KeyRule] = []
    if fit.options.relations:
        rules += find_key_rules(fit.sample, fit.whole, name, fit.fan_outs)
        rules += find_group_rules(fit.sample, fit.whole, name, rules, fit.k)
    makers.update(counters(config, rules))
    table = FittedTable(config, fit.whole.size(name), Roles.of(config, filled, personal, makers))
    table.makers = _stretched(fit, name, {c: makers[c] for c in table.roles.key})
    table.key_rules = rules
    table.keys = counted_keys(fit, name)
    table.misread_checks = _misread_checks(fit, name, table)
    return table


def _stretched(fit: Fit, name: str, makers: Mapping[str, Maker]) -> dict[str, Maker]:
    """Let makers of keys have room for all rows of the real table."""
    for maker in makers.values():
        maker.stretch(fit.whole.size(name), len(fit.sample.tables[name]))
    return dict(makers)


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


class _TableFit:
    """The stages of fitting one table, each of which leaves fewer columns to a model."""

    def __init__(self, fit: Fit, table: FittedTable) -> None:
        self.fit, self.table, self.name = fit, table, table.config.name
        self.plan = fit.sample.plan.tables[self.name]
        self.entities = fit.entities.of(self.name)
        self.by_gap = fit.options.model.abilities.siblings

    def learned(self) -> tuple[EncodedTable, EncodedTable, Optional[Lineup]]:
        """Fit encoder, made-up columns and profile; return what a model learns, and is given.

        Beside these, the groups of the rows, if they are given the siblings before.
        """
        fit, table, data = self.fit, self.table, self.fit.sample.tables[self.name]
        fit.entities.report(self.name)
        depths = hierarchies(fit, table)
        self._find_nulls_by_key()
        self.groups = self._sampled_groups()
        self._find_keys_that_stay()
        self.modelled = attribute_table(fit.sample, table, depths)
        real = self.modelled.rows  # as read: gaps and distances come in the place of columns below
        table.joint_counts = joint_counts(fit, self.name, real)
        self._derive()
        self._find_rising()
        plain = self.modelled.rows
        if fit.options.relations:
            self._find_periods(real)
            self._move()
        encoder, encoded, masked = self._encoded()
        elapsed, lineup = None, None
        if self.groups is not None:
            table.largest_group = self.groups.largest
            table.siblings = self.groups.whole and self.by_gap
            if table.siblings:
                order = self.groups.parents, self.groups.positions
                rooms, program = self.modelled.rooms, table.program
                elapsed = Elapsed(
                    program.by_step, *order, rooms, plain, encoder, self.groups.stretches
                )
                held = carried(program.held, encoder)
                lineup = Lineup(*order, elapsed, held, self.groups.joints)
        context = training_context(
            fit.sample, self.name, self.groups, encoded, times=table.times, elapsed=elapsed
        )
        table.context_layout = context.layout
        table.fakes = made_up(fit, table)
        profiled = table.attributes
        rows, behind = data.select(list(profiled)), self.entities
        typical = fit.sample.typical_rows(self.name)
        if typical is not None:
            rows, behind = rows.take(pa.array(typical)), behind.take(typical)
        table.profile = profile_table(rows, profiled, behind, fit.k)
        return TableEncoder.without(encoded, masked), context, lineup

    def _rng(self, part: str) -> np.random.Generator:
        return seeds.generator(self.fit.options.seed, self.name, part)

    def _find_nulls_by_key(self) -> None:
        """Find which made-up columns and keys are NULL by another key; no CHECK names these."""
        checks = self.table.checks(self.fit.sample.metadata.dialect).checks
        checked = {column for check in checks.values() for column in check.columns}
        free = [column for column in made_columns(self.table) if column not in checked]
        for what, key, alike in nulls_by_key(self.fit.sample, self.table, free, self.fit.k):
            said = f"{what} is NULL exactly where {key} is{'' if alike else ' not'}"
            log.relations(self.name, [said])
            self.table.keys[key].nulls[what] = alike

    def _find_keys_that_stay(self) -> None:
        """Find over which further keys rows mostly have the parent of the row before."""
        table, groups = self.table, self.groups
        if groups is None or not groups.whole or not self.by_gap or not self.fit.options.relations:
            return
        counted = [r.beside for r in table.key_rules if isinstance(r, PositionInParent)]
        for link in self.plan.of("free"):
            if link.key not in counted and stays_in_groups(self.fit.sample, self.name, link.key):
                table.keys[link.label].stays = True
                log.relations(self.name, [f"{link.label} mostly stays as in the row before"])

    def _derive(self) -> None:
        """Find what follows from what, also over keys; what is left has codes of parents."""
        fit, table, modelled = self.fit, self.table, self.modelled
        links, own = self.plan.of("free", "grouped", "deferred", "self"), self.plan.of("self")
        table.aggregates = list(fit.aggregates.get(self.name, []))
        finder = DerivationFinder(
            fit.sample,
            fit.whole,
            self.name,
            table.attributes,
            {parent: fit.summed(parent) for parent in fit.aggregates},
            frozenset(fit.summed(self.name)),
            table.times,
            _made_up_texts(fit, self.plan.ancestors),
            self.entities,
            fit.k,
        )
        times = fit.sample.tables[self.name].select(table.times)
        above = hstack(finder.above(self.plan.driver), times)
        rows = hstack(modelled.rows, above)
        if fit.options.relations and (table.attributes or own):
            relate(fit, table, finder)
            table.program = table.program.and_also(self._calendar())
            table.program = table.program.and_also(self._falling(rows))
            modelled.rows, modelled.columns = table.program.encode(
                rows, modelled.columns, self._rng("relations"), modelled.sources
            )
            modelled.rooms, modelled.ends = table.program.rooms(above), table.program.ends(above)
            modelled.add(differences(fit.sample, table, fit.options.seed))
        for link in links:
            learn_key(fit, table, link, rows)
        modelled.add(parent_codes(fit.sample, table, fit.options.seed))
        modelled.add(children_columns(fit, self.name))

    def _sorted_by(self, data: pa.Table) -> list[str]:
        """Return the first column by which the rows of a group are sorted, if there is any."""
        driver = self.plan.driver
        if driver is None:
            return []
        return sibling_order(self.table.config, data.column_names, driver)[:1]

    def _calendar(self) -> Program:
        """Return how the date of a series becomes its place in the calendar of all series."""
        table, data, found = self.table, self.fit.sample.tables[self.name], []
        dates = self.fit.database.series_dates(self.name)
        by = self._sorted_by(data)
        if self.groups is not None and self.groups.whole and self.by_gap:
            dates += [n for n in by if n not in dates and skips_days(data.column(n))]
        for name in dates:
            follows = {name} & {*table.program.by_target, *table.program.presences}
            if name in table.attributes and not follows:
                found.append(calendar_of(name, data.column(name), self.entities, self.fit.k))
        return Program(tuple(one for one in found if one is not None))

    def _falling(self, rows: pa.Table) -> Program:
        """Return which numbers, that nothing is known of, never rise inside a group."""
        table, groups = self.table, self.groups
        if groups is None or not groups.whole or not self.by_gap:
            return Program()
        known = {*table.program.by_target, *table.program.presences, *table.config.derived}
        needed = {name for step in table.program.steps for name in step.needs}
        names = [n for n in table.attributes if n not in known | needed]
        columns = Columns(rows.select(names), names, self.entities, self.fit.k)
        found = find_falling(columns, names, groups.runs)
        log.relations(self.name, found)
        return Program(tuple(found))

    def _find_rising(self) -> None:
        """Find keys that rise with a column which is final as soon as all rows are there."""
        table, data = self.table, self.fit.sample.tables[self.name]
        begun = [m.start.needs for m in table.makers.values() if isinstance(m, BegunTextMaker)]
        steps = [step.needs for step in table.program.steps]
        needed = {name for names in (*begun, *steps) for name in names}
        counting = (SequenceMaker, CountedTextMaker)
        keys = [n for n, m in table.makers.items() if isinstance(m, counting) and n not in needed]
        late = {*table.linked_targets, *(one.target for one in table.aggregates)}
        names = [name for name in table.roles.attributes if name not in late]
        found = find_rising(keys, data, names) if self.fit.options.relations else []
        whole = self.fit.whole
        if whole.questions(self.name) is not None:
            found = []  # a database would have to send all rows
        elif found and not whole.in_sample(self.name):
            named = sorted({name for one in found for name in (one.key, one.column)})
            every = whole.columns(self.name, named)
            found = [one for one in found if one.holds(every)]
        log.relations(self.name, found)
        table.rising = found

    def _sampled_groups(self) -> Optional[SampledGroups]:
        driver, histogram, largest = self.plan.driver, dict[int, int](), 1
        if driver is not None:
            label = driver.label(self.name)
            histogram = dict(self.fit.fan_outs[label].histogram)
            largest = self.table.keys[label].fan_out.largest
        groups = sampled_groups(self.fit.sample, self.name, histogram, largest)
        if groups is not None and groups.in_part and self.by_gap:
            share, lost = round(1 / groups.thinning, 3), "what rows have from the row before"
            size = self.fit.options.sample_size
            log.warning(
                "groups_read_in_part", table=self.name, share=share, sample_size=size, lost=lost
            )
        return groups

    def _find_periods(self, rows: pa.Table) -> None:
        """Find what never overlaps for one parent, first the driving one; verify it on all rows."""
        fit, table, groups = self.fit, self.table, self.groups
        keys: list[tuple[Optional[ForeignKey], IntArray]] = []
        if groups is not None and groups.whole:
            keys.append((None, groups.parents))
        chosen = self.plan.keys("free", "grouped")
        keys += [(key, fit.sample.parents_around(self.name, key)) for key in chosen]
        known = [*table.program.derivations]
        known += [r for key in table.keys.values() for r in key.program.derivations]
        free = set(table.roles.attributes) - {r.target for r in known if r.whole}
        columns = Columns(rows, (), self.entities, fit.k)
        for key, owners in keys:
            ends = free - {one.end for one in table.periods}
            found = find_periods(columns, table.program.derivations, owners, key, ends)
            over = self.plan.driver if key is None else key
            # Of a sample of the rows, two that overlap may be missing one of them.
            if found and over is not None and table.rows > len(rows):
                found = never_overlap(found, fit.whole, self.name, over)
            found = [one for one in found if one.end in ends]
            log.relations(self.name, found)
            table.periods += found

    def _move(self) -> None:
        """Put gaps and differences in the place of columns."""
        table, modelled, groups = self.table, self.modelled, self.groups
        names = table.attributes.keys() & modelled.columns.keys() - table.config.derived.keys()
        names -= {n for n in names if modelled.columns[n].kind is ColumnKind.CODE}  # no scale
        searched = Columns(modelled.rows, names, self.entities, self.fit.k)
        by = self._sorted_by(self.fit.sample.tables[self.name])
        table.program = with_moves(
            table.program,
            searched,
            groups,
            by_gap=self.by_gap,
            sorts=by,
            farthest=modelled.ends,
        )
        log.relations(self.name, [*table.program.never_falling, *table.program.held])
        order, joints = (None, None) if groups is None else (groups.runs, groups.joints)
        modelled.rows, modelled.columns = table.program.move(
            modelled.rows, modelled.columns, order, self._rng("monotone"), modelled.sources, joints
        )

    def _encoded(self) -> tuple[TableEncoder, EncodedTable, dict[str, Bools]]:
        """Return encoder and encoded rows, and in which of them columns tell nothing."""
        fit, table, modelled, entities = self.fit, self.table, self.modelled, self.entities
        behind = {c: entities.behind(rows, fit.k) for c, rows in modelled.sources.items()}
        # Blurred before anything is learned from them, encoders included.
        rows = without_spikes(
            modelled.rows, modelled.columns, entities, fit.k, self._rng("spikes"), behind
        )
        encoder = fit.encoder_of(table, Modelled(rows, modelled.columns), entities, behind)
        table.encoder = encoder
        encoded = encoder.encode(rows, self._rng("encode"))
        if not rows.num_columns:  # keys only: a table without columns forgets its rows
            encoded = EncodedTable.empty(len(fit.sample.tables[self.name]))
        # First rows of groups have no gap: their cells are filled, and must teach nothing.
        masked = {} if self.groups is None else table.program.masked(self.groups.positions)
        encoded = fit.sample.encoded[self.name] = TableEncoder.without(encoded, masked, 0, 0.0)
        if self.by_gap:  # what was drawn where nothing is known must teach nothing, either
            for name, untold in encoder.untold(rows).items():
                masked[name] = masked[name] | untold if name in masked else untold
        joints = None if self.groups is None else self.groups.joints
        if joints is not None:  # what they follow was not read
            layout = encoded.layout
            names = [b.column for b in layout.discrete] + [b.column for b in layout.continuous]
            for name in dict.fromkeys(names):
                masked[name] = masked[name] | joints if name in masked else joints
        return encoder, encoded, masked


def _made_up_texts(fit: Fit, names: Sequence[str]) -> frozenset[str]:
    """Return the columns of some tables of which the copy has none of the real values."""
    found: set[str] = set()
    for name in names:
        table = fit.database.tables[name]
        kinds = {} if table.encoder is None else table.encoder.kinds
        texts = [column for column, kind in kinds.items() if kind in ("text", "uuid")]
        found.update(f"{name}.{column}" for column in (*texts, *table.roles.personal))
    return frozenset(found)
