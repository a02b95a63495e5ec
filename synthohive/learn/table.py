"""Fitting one table: from a sample of real rows to what generation needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats, IntArray
from synthohive._logging import get_logger
from synthohive.constrain.checks import TableChecks
from synthohive.constrain.group_rule_search import counters, find_group_rules
from synthohive.constrain.key_rule_search import find_key_rules
from synthohive.constrain.key_rules import KeyRule
from synthohive.constrain.listed_values import listed_values
from synthohive.constrain.unique_rules import special_rules
from synthohive.derive.aggregates import Aggregate
from synthohive.derive.columns import Columns
from synthohive.derive.composed import is_text
from synthohive.derive.elapsed import Elapsed
from synthohive.derive.keys.choice import learn_beginnings, learn_key_makers
from synthohive.derive.keys.makers import ListedMaker
from synthohive.derive.keys.patterns import BegunTextMaker
from synthohive.derive.periods import find_periods, unbroken
from synthohive.derive.persons.alias import Alias
from synthohive.derive.persons.given import find_given, labels_of
from synthohive.derive.persons.namesake import Namesake
from synthohive.derive.presence import Presence, nulls_by_category
from synthohive.derive.program import Program
from synthohive.derive.search import with_moves
from synthohive.derive.table_search import DerivationFinder
from synthohive.encoding.base import EncoderSettings
from synthohive.encoding.encoded import EncodedTable
from synthohive.encoding.table import TableEncoder
from synthohive.io.base import FanOut
from synthohive.learn.alias_search import NEAR
from synthohive.learn.attribute_table import NullByKey, attribute_table, nulls_by_key, own_columns
from synthohive.learn.beside_parents import differences, parent_codes
from synthohive.learn.derivations import relate
from synthohive.learn.entity_paths import EntityFinder
from synthohive.learn.fitted import FittedDatabase, FittedKey, FittedTable, LookUpRows
from synthohive.learn.spikes import without_spikes
from synthohive.learn.training_context import training_context
from synthohive.link.association import PairShares
from synthohive.link.hierarchy import HierarchyModel
from synthohive.link.joint_degrees import JointCounts
from synthohive.link.parent_codes import ParentCodes
from synthohive.metrics.profile import profile_table
from synthohive.privacy.columns import fit_columns
from synthohive.privacy.content import are_cities
from synthohive.privacy.entities import Entities
from synthohive.privacy.fake import FakeColumn
from synthohive.privacy.kinds import NAMES, PiiKind, cleared_columns
from synthohive.privacy.look_ups import judge_look_up
from synthohive.schema import Column, ColumnKind, ForeignKey, TableConfig, UniqueConstraint
from synthohive.tables import random_streams as seeds
from synthohive.tables.ancestors import ancestor_columns, hstack
from synthohive.tables.degrees import FanOutModel
from synthohive.tables.joins import group_codes
from synthohive.tables.roles import Roles
from synthohive.tables.sample import Sample, incoming_keys
from synthohive.tables.sampled_groups import SampledGroups, sampled_groups
from synthohive.tables.source import SourceTables
from synthohive.train.job import TrainingJob

if TYPE_CHECKING:
    from synthohive.learn.options import FitOptions

__all__ = ["TableFitter"]

log = get_logger(__name__)
MOST_SHARED, SOME = 0.5, 1_000
LEAST_LINKED = 30
MOST_READ = 0.8
"""Share of their children that parents have in the sample at least, to count these."""


@dataclass(frozen=True)
class TableFitter:
    """Fits the tables of one database, parents first."""

    sample: Sample
    whole: SourceTables
    database: FittedDatabase
    options: FitOptions
    fan_outs: Mapping[str, FanOut]
    aggregates: Mapping[str, list[Aggregate]]
    entities: EntityFinder
    aliases: Mapping[str, dict[str, Alias]]
    namesakes: Mapping[str, dict[str, Namesake]]

    def fit(self, name: str) -> tuple[FittedTable, Optional[TrainingJob]]:
        """Fit all of a table but its model; its driving ancestors must have been fitted before.

        Returns
        -------
        FittedTable
        TrainingJob or None
            What is left to train.
        """
        config = self.sample.metadata.tables[name]
        plan = self.sample.plan.tables[name]
        data, entities = self.sample.tables[name], self.entities.of(name)
        cities = self._cities(name, entities)
        personal = {**self.database.personal(name), **cities}
        listed = listed_values(config, data, self.sample.metadata.dialect)
        makers = learn_key_makers(config, data, plan.driver, entities, self._k, listed)
        rules = self._key_rules(name)
        makers.update(counters(config, rules))
        table = FittedTable(config, self.whole.size(name), Roles.of(config, personal, makers))
        table.makers = {c: makers[c] for c in table.roles.key}
        for maker in table.makers.values():
            maker.stretch(self.whole.size(name), len(self.sample.tables[name]))
        table.key_rules = rules
        table.keys = {fk.label(name): self._key(name, fk) for fk in config.foreign_keys}
        table.misread_checks = self._misread_checks(name, table)
        if len(self.sample.tables[name]) == 0:
            log.warning("table_without_rows", table=name)
            self.sample.encoded[name] = EncodedTable.empty(0)
            return table, None
        kept = self._kept(name, personal)
        if kept:
            return table, self._keep(name, table, kept)
        table.aliases = {**self.aliases.get(name, {}), **self._copied_cities(name, cities)}
        table.namesakes = self.namesakes.get(name, {})
        begun = self._beginnings(name, table)
        for maker in begun.values():
            maker.stretch(self.whole.size(name), len(self.sample.tables[name]))
        table.makers.update(begun)
        return table, self._learn(name, table)

    @property
    def _k(self) -> int:
        return self.options.privacy.k_anonymity_threshold

    def _cities(self, name: str, entities: Entities) -> dict[str, PiiKind]:
        """Return the columns of cities most of which are rare: made up, never learned."""
        config, data = self.sample.metadata.tables[name], self.sample.tables[name]
        found: dict[str, PiiKind] = {}
        if self.options.privacy.pii_strategy != "fake":
            return found
        out = {*config.key_columns, *config.derived, *self.database.personal(name)}
        out |= cleared_columns(config, self.options.privacy)
        for column in config.stored:
            if column in out or config.columns[column].kind is not ColumnKind.TEXT:
                continue
            encoded = data.column(column).combine_chunks().dictionary_encode()
            codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
            shared = entities.holders(codes, len(encoded.dictionary)) >= self._k
            rows, values = codes[codes >= 0], encoded.dictionary.to_pylist()[:SOME]
            rare = len(rows) > 0 and shared[rows].mean() < MOST_SHARED
            if rare and are_cities(column, values):
                found[column] = PiiKind.CITY
        return found

    def _beginnings(self, name: str, table: FittedTable) -> dict[str, BegunTextMaker]:
        """Return what makes unique texts that begin with others: of their row, of a parent."""
        plan, sample, roles = self.sample.plan.tables[name], self.sample, table.roles
        if not self.options.relations:
            return {}
        keys = [*plan.keys("free", "grouped"), *plan.keys("driving")]
        later = self._summed(name)
        own = [c for c in (*roles.attributes, *roles.key) if c not in later]
        rows = {"": sample.tables[name].select(own)}
        for key in keys:
            parents, above = sample.parent_rows(name, key), sample.tables[key.parent]
            above = above.select([f.name for f in above.schema if is_text(f.type)])
            above = above.take(pa.array(parents, mask=parents < 0))
            above = above.rename_columns([f"{key.parent}.{c}" for c in above.column_names])
            rows[key.label(name)] = hstack(rows[""], above)
        known = self.entities.of(name)
        found = learn_beginnings(table.makers, sample.tables[name], rows, self._k, known)
        for one in found.values():
            log.info("relation_found", table=name, relation=str(one))
        return found

    def _copied_cities(self, name: str, cities: Iterable[str]) -> dict[str, Alias]:
        """Return how made-up cities are filled that are those of the rows' parents."""
        found: dict[str, Alias] = {}
        for key in self.sample.metadata.tables[name].foreign_keys:
            parent = self.database.tables.get(key.parent)
            made = {} if parent is None else parent.roles.personal
            for source in (column for column, kind in made.items() if kind is PiiKind.CITY):
                for target in cities:
                    copy = Alias(name, target, ((name, key),), key.parent, (source,), Alias.mark(0))
                    copy = copy.with_share(copy.real_differs(self.sample.tables, self.sample))
                    if copy.share >= NEAR and (
                        target not in found or copy.share > found[target].share
                    ):
                        found[target] = copy
        return found

    def _key_rules(self, name: str) -> list[KeyRule]:
        if not self.options.relations:
            return []
        found = find_key_rules(self.sample, self.whole, name, self.fan_outs)
        return [*found, *find_group_rules(self.sample, self.whole, name, found, self._k)]

    def _misread_checks(self, name: str, table: FittedTable) -> list[str]:
        """Find the CHECKs and indexes that real rows, which are valid, appear to break."""
        dialect = self.sample.metadata.dialect
        stated = TableChecks.compile(table.config, dialect, set()).checks
        broken = table.checks(dialect).violations(self.sample.tables[name])
        found = [stated[label].sqltext for label in broken]
        for sqltext in found:
            log.info("check_not_understood", table=name, check=sqltext, reason="real rows break it")
        for index in table.config.indexes:
            alone = table.config.model_copy(update={"indexes": [index], "unique": []})
            if any(r.misread(self.sample.tables[name]) for r in special_rules(alone, dialect)):
                log.info("unique_index_not_understood", table=name, index=index.name,
                         reason="real rows break it")  # fmt: skip
                found.append(index.definition or "")
        return found

    def _key(self, name: str, key: ForeignKey) -> FittedKey:
        facts, count = self.fan_outs[key.label(name)], max(self.whole.size(name), 1)
        alone = facts.nulls + facts.orphans if facts.nulls else 0  # as NULL, where that is known
        method = self.sample.metadata.tables[name].linkage_method
        k = self._k if self.entities.may_be(key.parent) else 1
        fan_out = FanOutModel.fit(facts.histogram, method=method, k=k)
        return FittedKey(fan_out, alone / count)

    def _kept(self, name: str, personal: Mapping[str, PiiKind]) -> tuple[str, ...]:
        """Return the columns that are kept as they are; none but of harmless look-up tables."""
        config = self.sample.metadata.tables[name]
        parents = [
            self.database.tables[fk.parent].reference is not None
            for fk in config.foreign_keys
            if fk.parent != name and fk.parent in self.database.tables
        ]
        others = [fk for fk in config.foreign_keys if fk.parent != name]
        verdict = judge_look_up(
            config,
            self.sample.tables[name],
            self._users(name),
            personal,
            self._k,
            parents_are_reference=len(parents) == len(others) and all(parents),
        )
        if not verdict.kept:
            log.info("table_not_kept", table=name, reason=verdict.why_not)
        return verdict.kept

    def _users(self, name: str) -> IntArray:
        """Return by how many distinct entities each row of a table is used; 0 only if by none."""
        users = self.entities.users(name)
        for child, key in incoming_keys(self.sample.plan, self.sample.metadata, name):
            if not self.entities.of(child, frozenset({name})).paths:  # each of its rows is one
                least = min(self.fan_outs[key.label(child)].histogram, default=0)
                users = np.maximum(users, least)  # of all rows, not of those that were read
            unused = int((self.sample.child_counts(child, key) == 0).sum())
            if unused > self.fan_outs[key.label(child)].histogram.get(0, 0):
                return np.maximum(users, 1)  # some users were not read
        return users

    def _keep(self, name: str, table: FittedTable, kept: tuple[str, ...]) -> Optional[TrainingJob]:
        """Keep a look-up table as it is; learn its other columns, which hold no vocabulary."""
        data = self.sample.tables[name]
        driver = self.sample.plan.tables[name].driver
        table.reference = LookUpRows(
            data.select(kept),
            {
                key.label(child): self.sample.child_counts(child, key).astype(np.float64)
                for child, key in incoming_keys(self.sample.plan, self.sample.metadata, name)
            },
            None if driver is None else self.sample.parent_rows(name, driver),
        )
        self.entities.kept.add(name)
        self.sample.encoded[name] = table.reference.encode(self.options.embedding_threshold)
        log.warning(
            "table_kept", table=name, columns=list(kept), rows=len(data), modelled=table.free
        )
        table.fakes = fit_columns(
            self._alone(table), table.roles.personal, data, self.options.privacy
        )
        personal = table.roles.personal
        made = (*personal, *(c for c in table.makers if c not in kept))
        attributes, columns = own_columns(self.sample, name, table.free, made, personal)
        if not columns:
            return None
        table.encoder = self._encoder(table, attributes, columns, None)
        rng = seeds.generator(self.options.seed, name, "encode")
        encoded = table.encoder.encode(attributes, rng)
        free = {c: table.config.columns[c] for c in table.free}
        table.profile = profile_table(data.select(list(free)), free, None, self._k)
        return self._training(table, encoded, EncodedTable.empty(len(data)))

    def _learn(self, name: str, table: FittedTable) -> Optional[TrainingJob]:
        """Fit encoder, made-up columns and the profile; return the training of the model."""
        data, options = self.sample.tables[name], self.options
        depths = self._hierarchies(name, table)
        drawn = [c for c, m in table.makers.items() if not isinstance(m, ListedMaker)]
        made = (*drawn, *table.roles.personal)  # what is listed has its NULLs from its maker
        k = self._k
        entities = self.entities.of(name)
        self.entities.report(name)
        table.null_by_key = self._nulls_by_key(table, made)
        attributes, columns = attribute_table(
            self.sample,
            name,
            table.roles.attributes,
            made,
            depths,
            table.aliases.values(),
            table.roles.personal,
            table.null_by_key,
        )
        table.joint_counts = self._joint_counts(name, attributes, entities)
        sources: dict[str, IntArray] = {}
        real = attributes
        attributes, columns, rooms = self._related(table, attributes, columns, entities, sources)
        groups, plain = self._groups(table), attributes
        if self.options.relations:
            self._find_periods(table, groups, real, entities)
            attributes, columns = self._moved(table, groups, attributes, columns, entities, sources)
        behind = {column: entities.behind(rows, k) for column, rows in sources.items()}
        rng = seeds.generator(options.seed, name, "spikes")
        attributes = without_spikes(attributes, columns, entities, k, rng, behind)
        table.encoder = self._encoder(table, attributes, columns, entities, behind)
        encoded = table.encoder.encode(attributes, seeds.generator(options.seed, name, "encode"))
        if not attributes.num_columns:  # keys only: a table without columns forgets its rows
            encoded = EncodedTable.empty(len(data))
        silent = table.program.masked(groups.positions) if groups else {}
        encoded = self.sample.encoded[name] = table.encoder.without(encoded, silent, 0, 0.0)
        elapsed = None
        if groups is not None:
            table.largest_group = groups.largest
            table.siblings = groups.whole and options.model.abilities.siblings
            if table.siblings:
                order = groups.parents, groups.positions
                elapsed = Elapsed.of(table.program.monotone, plain, *order, rooms)
        context = training_context(
            self.sample, name, groups, encoded, times=table.times, elapsed=elapsed
        )
        table.context_layout = context.layout
        table.fakes = self._made_up(name, table, entities)
        profiled = table.attributes
        table.profile = profile_table(data.select(list(profiled)), profiled, entities, k)
        return self._training(table, table.encoder.without(encoded, silent), context)

    def _nulls_by_key(self, table: FittedTable, made: Sequence[str]) -> dict[str, NullByKey]:
        """Return which made-up columns and keys are NULL by another key; no CHECK names these."""
        name, checks = table.config.name, table.checks(self.sample.metadata.dialect).checks
        checked = {column for check in checks.values() for column in check.columns}
        free = [column for column in made if column not in checked]
        found = nulls_by_key(self.sample, name, free, table.roles.personal, self._k)
        for what, (key, alike) in found.items():
            said = f"{what} is NULL exactly where {key} is{'' if alike else ' not'}"
            log.info("relation_found", table=name, relation=said)
        return found

    def _made_up(self, name: str, table: FittedTable, entities: Entities) -> dict[str, FakeColumn]:
        """Return what makes the personal columns, in the form of what stands beside them."""
        data, personal = self.sample.tables[name], table.roles.personal
        if self.options.relations:
            table.given = find_given(self.sample, name, personal, entities, self._k)
        others = {
            target: one.persons(self.sample.tables, self.database.personal(one.source), self.sample)
            for target, one in table.namesakes.items()
        }
        by = [(one, labels_of(self.sample, one).labels) for one in table.given if not one.women]
        labels = {t: found for one, found in by if found is not None for t in one.targets}
        alone, privacy = self._alone(table), self.options.privacy
        fakes = fit_columns(alone, personal, data, privacy, entities, others, labels)
        for target, namesake in table.namesakes.items():  # in the language of the person's name
            theirs = self.database.tables[namesake.source].fakes
            named = (f for f in theirs.values() if f.kind in NAMES and f.variants)
            voices = next(named, fakes[target]).variants
            spoken = tuple((n, replace(fakes[target], blocks=f.blocks)) for n, f in voices)
            fakes[target] = replace(fakes[target], variants=spoken)
        for number, one in enumerate(table.given):
            if one.women:  # a title tells of the first person of a row
                first = tuple(t for t in one.targets if fakes[t].person == 0)
                table.given[number] = replace(one, targets=first)
        return fakes

    def _alone(self, table: FittedTable) -> TableConfig:
        """Return a table's description in which columns that are unique in some rows always are."""
        rules = table.unique_rules(self.sample.metadata.dialect)
        alone = [r for r in rules if r.special and len(r.columns) == 1]
        unique = [UniqueConstraint(columns=list(rule.columns)) for rule in alone]
        single = {columns[0] for columns in table.config.unique_sets if len(columns) == 1}
        for alias in table.aliases.values():
            if alias.domain and alias.target in single:  # as its first part must be
                unique.append(UniqueConstraint(columns=[alias.columns[0]]))
        return table.config.model_copy(update={"unique": [*table.config.unique, *unique]})

    def _encoder(
        self,
        table: FittedTable,
        attributes: pa.Table,
        columns: dict[str, Column],
        entities: Optional[Entities],
        behind: Optional[Mapping[str, Entities]] = None,
    ) -> TableEncoder:
        options = self.options
        settings = EncoderSettings(
            k=self._k,
            embedding_threshold=options.embedding_threshold,
            high_cardinality=frozenset(table.config.high_cardinality_cols),
            max_modes=options.model.abilities.max_modes,
        )
        return TableEncoder.fit(
            attributes,
            columns,
            seed=seeds.sequence(options.seed, table.config.name, "encoder"),
            settings=settings,
            entities=entities,
            behind=behind,
        )

    def _joint_counts(
        self, name: str, attributes: pa.Table, entities: Optional[Entities]
    ) -> JointCounts:
        """Learn how numbers of children go together, over keys whose children were all read."""
        counts: dict[str, IntArray] = {}
        for child, key in incoming_keys(self.sample.plan, self.sample.metadata, name):
            label, found = key.label(child), self.sample.child_counts(child, key)
            mean = FanOutModel.fit(self.fan_outs[label].histogram, k=1).mean
            if found.any() and found.mean() > MOST_READ * mean:
                counts[label] = found
        known = {*self._summed(name), *(c for c in attributes.column_names if c.startswith("__"))}
        rows = attributes.select([c for c in attributes.column_names if c not in known])
        return JointCounts.fit(rows, counts, entities, self._k)

    def _groups(self, table: FittedTable) -> Optional[SampledGroups]:
        name = table.config.name
        driver = self.sample.plan.tables[name].driver
        histogram = {} if driver is None else self.fan_outs[driver.label(name)].histogram
        largest = 1 if driver is None else table.keys[driver.label(name)].fan_out.largest
        groups = sampled_groups(self.sample, name, histogram, largest)
        if groups is not None and groups.in_part and self.options.model.abilities.siblings:
            share, lost = round(1 / groups.thinning, 3), "what rows have from the row before"
            size = self.options.sample_size
            log.warning("groups_read_in_part", table=name, share=share, sample_size=size, lost=lost)
        return groups

    def _find_periods(
        self,
        table: FittedTable,
        groups: Optional[SampledGroups],
        rows: pa.Table,
        entities: Entities,
    ) -> None:
        """Find what never overlaps for one parent, first the driving one; verify it on all rows."""
        name, plan = table.config.name, self.sample.plan.tables[table.config.name]
        keys: list[tuple[Optional[ForeignKey], IntArray]] = []
        if groups is not None and plan.driver is not None and groups.whole:
            keys.append((None, groups.parents))
        chosen = plan.keys("free", "grouped")
        keys += [(key, self.sample.parent_rows(name, key)) for key in chosen]
        every = [table.program, *table.linked.values()]
        free = set(table.roles.attributes) - {
            r.target for f in every for r in f.derivations if r.whole
        }
        for key, owners in keys:
            ends = free - {one.end for one in table.periods}
            found = find_periods(
                rows, table.program.derivations, owners, key, ends, entities, self._k
            )
            over = plan.driver if key is None else key
            if found and over is not None and table.rows > len(rows):
                named = sorted({c for one in found for c in (one.start, one.end)} | {*over.columns})
                whole = self.whole.columns(name, named)
                found = list(unbroken(found, whole, group_codes([whole], [over.columns])[0]))
            for one in found:
                if one.end in ends:
                    log.info("relation_found", table=name, relation=str(one))
                    table.periods.append(one)

    def _moved(
        self,
        table: FittedTable,
        groups: Optional[SampledGroups],
        attributes: pa.Table,
        columns: dict[str, Column],
        entities: Entities,
        sources: dict[str, IntArray],
    ) -> tuple[pa.Table, dict[str, Column]]:
        """Return gaps and differences in the place of columns."""
        name, k = table.config.name, self.options.privacy.k_anonymity_threshold
        names = [c for c in columns if c in table.attributes and c not in table.config.derived]
        by_gap = self.options.model.abilities.siblings
        table.program = with_moves(
            table.program, attributes, names, groups, k, entities, by_gap=by_gap
        )
        for one in table.program.monotone:
            log.info("relation_found", table=name, relation=str(one))
        rng = seeds.generator(self.options.seed, name, "monotone")
        order = None if groups is None else (groups.parents, groups.positions)
        return table.program.move(attributes, columns, order, rng, sources)

    def _related(
        self,
        table: FittedTable,
        attributes: pa.Table,
        columns: dict[str, Column],
        entities: Optional[Entities],
        sources: dict[str, IntArray],
    ) -> tuple[pa.Table, dict[str, Column], dict[str, Floats]]:
        """Find what is exact; return what is left to model, and codes of further parents.

        Last, how much room there is for distances to parents.
        """
        name, plan = table.config.name, self.sample.plan.tables[table.config.name]
        keys = plan.keys("free", "grouped", "deferred")
        table.aggregates = list(self.aggregates.get(name, []))
        summed = {parent: self._summed(parent) for parent in self.aggregates}
        finder = DerivationFinder(
            self.sample,
            self.whole,
            name,
            table.attributes,
            summed,
            frozenset(self._summed(name)),
            table.times,
            self._made_up_texts(plan.ancestors),
        )
        given = self.sample.tables[name].select(table.times)
        above = hstack(finder.above(plan.driver), given)
        rows, rooms = hstack(attributes, above), {}
        for key in keys:
            self._code(table, key, rows)
        if self.options.relations and (table.attributes or plan.keys("self")):
            relate(self.sample, table, finder, keys, entities, self._k)
            rng = seeds.generator(self.options.seed, name, "relations")
            attributes, columns = table.program.encode(rows, columns, rng, sources)
            rooms = table.program.rooms(above)
            arrays, described = differences(self.sample, table, self.options.seed)
            columns.update(described)
            attributes = hstack(attributes, arrays)
        for key in plan.keys("self"):
            self._code(table, key, rows)
            model = table.hierarchies[key.label(name)]
            if self.options.relations and not model.loops and not model.circles:
                model.roots = self._roots(table, key)
        keys += plan.keys("self")
        for key in keys:
            self._count_pairs(table, key, rows, entities)
        arrays, described = parent_codes(self.sample, table, self.options.seed)
        columns.update(described)
        attributes = hstack(attributes, arrays)
        return attributes, columns, rooms

    def _made_up_texts(self, names: Sequence[str]) -> frozenset[str]:
        """Return the columns of some tables of which the copy has none of the real values."""
        found: set[str] = set()
        for name in names:
            table = self.database.tables[name]
            kinds = {} if table.encoder is None else table.encoder.kinds
            texts = [column for column, kind in kinds.items() if kind in ("text", "uuid")]
            found.update(f"{name}.{column}" for column in (*texts, *table.roles.personal))
        return frozenset(found)

    def _code(self, table: FittedTable, key: ForeignKey, rows: pa.Table) -> None:
        """Learn what the children over a further key have in common with their parents."""
        name, tables = table.config.name, self.database.tables
        parent = table if key.parent == name else tables.get(key.parent)
        if parent is None or not rows.num_columns:
            return
        parents, inherited = self._parents(key.parent, table), []
        if key.parent == name and key.label(name) in table.linked:
            targets = table.linked[key.label(name)].targets  # copied, so need no choice
            inherited = [c for c in targets if c in table.attributes]
            parents = parents.drop_columns([f"{name}.{c}" for c in inherited])
        codes = ParentCodes.fit(
            parents,
            rows.drop_columns([*inherited, *table.times]),
            self.sample.others(name, key),
            kept=parent.reference is not None,
            k=self._k,
            seed=seeds.sequence(self.options.seed, name, key.label(name), "codes"),
            entities=self.entities.of(key.parent),
        )
        if codes is not None:
            table.codes[key.label(name)] = codes

    def _count_pairs(
        self, table: FittedTable, key: ForeignKey, rows: pa.Table, entities: Optional[Entities]
    ) -> None:
        """Learn how rows go together with their parents over a further key."""
        name, label = table.config.name, key.label(table.config.name)
        if key.parent not in {*self.database.tables, name} or not rows.num_columns:
            return
        known = table.linked.get(label, Program()).targets
        free = [c for c in rows.column_names if c not in {*known, *self._summed(name)}]
        shares = PairShares.fit(
            rows.select(free),
            self._parents(key.parent, table),
            self.sample.others(name, key),
            (entities, self.entities.of(key.parent)),
            self._k,
        )
        if shares is not None:
            table.pair_shares[label] = shares

    def _parents(self, table: str, own: FittedTable) -> pa.Table:
        """Return the attributes of a table's rows and of their ancestors.

        Parameters
        ----------
        own : FittedTable
            The one that is being fitted; in a hierarchy it is its own parent.
        """
        plan, tables = self.sample.plan, {**self.database.tables, own.config.name: own}
        names = (table, *plan.tables[table].ancestors)
        wanted = {
            n: [c for c in tables[n].attributes if c not in self._summed(n)]
            for n in names
            if n in tables
        }
        rows = np.arange(len(self.sample.tables[table]), dtype=np.int64)
        return ancestor_columns(self.sample, plan, table, rows, wanted)

    def _summed(self, table: str) -> set[str]:
        """Return the columns that follow from a table's children, known only at the end."""
        return {aggregate.target for aggregate in self.aggregates.get(table, [])}

    def _hierarchies(self, name: str, table: FittedTable) -> dict[str, IntArray]:
        """Learn the references of a table to itself; return each row's depth in each."""
        found = {}
        for key in self.sample.plan.tables[name].keys("self"):
            parents, label = self.sample.parent_rows(name, key), key.label(name)
            found[label], model = HierarchyModel.fit(parents, k=self._k)
            linked = np.flatnonzero(self.sample.others(name, key) >= 0)
            if self.options.relations and len(linked) >= LEAST_LINKED:
                self._order_of(name, key, model, parents, linked)
            table.hierarchies[label] = model
        return found

    def _roots(self, table: FittedTable, key: ForeignKey) -> Optional[Presence]:
        """Find whether a category, or a row of a look-up table that is kept, decides on NULL."""
        if len(key.columns) > 1:
            return None
        name, tables = table.config.name, self.database.tables
        known = [
            fk.columns[0]
            for fk in table.config.foreign_keys
            if fk.parent in tables and fk.parent_columns[0] in tables[fk.parent].kept
        ]
        later = self._summed(name) | {t for found in table.linked.values() for t in found.targets}
        for relation in table.program.derivations:  # what follows from parents is not there by then
            later |= {relation.target} if later & set(relation.needs) else set()
        known += [c for c in table.roles.attributes if c not in later]
        names = dict.fromkeys([key.columns[0], *known])
        rows = self.sample.tables[name].select(list(names))
        columns = Columns(rows, names, self.entities.of(name), self._k)
        found = nulls_by_category(columns, key.columns[0])
        if found is not None and table.rows > len(rows):
            found = found.narrowed(self.whole.columns(name, [found.target, found.source]))
        if found is not None:
            log.info("relation_found", table=name, relation=str(found))
        return found

    def _order_of(
        self,
        name: str,
        key: ForeignKey,
        model: HierarchyModel,
        parents: IntArray,
        linked: IntArray,
    ) -> None:
        """Find whether parents stand before their children, and over which key they are alike."""
        numbers = self.sample.tables[name].select(key.parent_columns).column(0)
        if len(key.columns) == 1 and pa.types.is_integer(numbers.type):
            order = numbers.to_numpy()
            model.earlier = bool((order[parents[linked]] < order[linked]).all())
        plan = self.sample.plan.tables[name]
        for other in plan.keys("driving", "free", "grouped"):
            theirs = self.sample.parent_rows(name, other)
            pairs = theirs[linked], theirs[parents[linked]]
            shares = np.unique(pairs[0], return_counts=True)[1] / len(linked)
            proven = len(linked) * (1.0 - float(shares @ shares)) >= LEAST_LINKED
            if proven and (pairs[0] >= 0).all() and (pairs[0] == pairs[1]).all():
                model.within = other.label(name)
                break

    def _training(
        self, table: FittedTable, encoded: EncodedTable, context: EncodedTable
    ) -> Optional[TrainingJob]:
        if not encoded.layout.discrete and not encoded.layout.continuous:
            return None  # every column is constant or made up
        options = self.options
        has_context = bool(context.layout.discrete or context.layout.continuous)
        return TrainingJob(
            table.config,
            options.model,
            options.batch_size,
            options.epochs,
            options.model_kwargs,
            seeds.sequence(options.seed, table.config.name, "model"),
            options.device,
            encoded,
            context if has_context else None,
            options.privacy.max_memorisation,
        )
