"""What is made up in a table: rare cities, texts that begin with others, persons."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pyarrow as pa

from synthohive._logging import get_logger
from synthohive.derive.composed import is_text, mark
from synthohive.derive.keys.choice import learn_beginnings
from synthohive.derive.keys.patterns import BegunTextMaker
from synthohive.derive.persons.alias import Alias
from synthohive.derive.persons.given import beside_of, find_given, is_placed
from synthohive.learn.alias_search import NEAR
from synthohive.learn.fit_context import Fit
from synthohive.learn.fitted import FittedTable
from synthohive.privacy.columns import fit_columns
from synthohive.privacy.content import are_cities
from synthohive.privacy.fake import FakeColumn
from synthohive.privacy.kinds import NAMES, PiiKind, cleared_columns
from synthohive.schema import ColumnKind, TableConfig, UniqueConstraint
from synthohive.tables.ancestors import hstack

__all__ = ["alone", "beginnings", "copied_cities", "made_up", "rare_cities"]

log = get_logger(__name__)
MOST_SHARED = 0.5
"""Share of the rows whose city enough entities share, from which on cities are learned."""
SOME = 1_000
"""Different values at most that are judged by whether they are cities."""


def rare_cities(fit: Fit, name: str) -> dict[str, PiiKind]:
    """Return the columns of cities, most of them rare, that go by a country or a region.

    They are made up, never learned. Where nothing says in which country they lie, that is learned.
    """
    config, data = fit.sample.metadata.tables[name], fit.sample.tables[name]
    entities = fit.entities.of(name)
    found: dict[str, PiiKind] = {}
    if fit.options.privacy.pii_strategy != "fake" or not fit.options.relations:
        return found
    out = {*config.key_columns, *config.derived, *fit.database.personal(name)}
    out |= cleared_columns(config, fit.options.privacy)
    out |= {*fit.options.privacy.pii_strategies.get(name, {})}
    for column in config.stored:
        if column in out or config.columns[column].kind is not ColumnKind.TEXT:
            continue
        encoded = data.column(column).combine_chunks().dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        shared = entities.holders(codes, len(encoded.dictionary)) >= fit.k
        rows, values = codes[codes >= 0], encoded.dictionary.to_pylist()[:SOME]
        # By rows, not by values: a few large cities may be all that most rows hold.
        rare = len(rows) > 0 and shared[rows].mean() < MOST_SHARED
        if rare and are_cities(column, values) and is_placed(fit.sample, name, column):
            found[column] = PiiKind.CITY
    return found


def copied_cities(fit: Fit, name: str, cities: Iterable[str]) -> dict[str, Alias]:
    """Return how made-up cities are filled that are those of the rows' parents.

    Parameters
    ----------
    fit : Fit
        Its database has the parents of the table by now.
    name : str
    cities : iterable of str
        The columns of the table that :func:`rare_cities` returned.
    """
    found: dict[str, Alias] = {}
    for key in fit.sample.metadata.tables[name].foreign_keys:
        parent = fit.database.tables.get(key.parent)
        made = {} if parent is None else parent.roles.personal
        for source in (column for column, kind in made.items() if kind is PiiKind.CITY):
            for target in cities:
                copy = Alias(name, target, ((name, key),), key.parent, (source,), mark(0))
                copy = copy.measured(fit.sample.around)
                if copy.share >= NEAR and (target not in found or copy.share > found[target].share):
                    found[target] = copy
    return found


def beginnings(fit: Fit, table: FittedTable) -> dict[str, BegunTextMaker]:
    """Return what makes unique texts that begin with others: of their row, of a parent."""
    name, sample, roles = table.config.name, fit.sample, table.roles
    plan = sample.plan.tables[name]
    if not fit.options.relations:
        return {}
    keys = [*plan.keys("free", "grouped"), *plan.keys("driving")]
    later = fit.summed(name)
    own = [c for c in (*roles.attributes, *roles.key) if c not in later]
    rows = {"": sample.tables[name].select(own)}
    for key in keys:
        parents, above = sample.parents_around(name, key), sample.around.tables[key.parent]
        above = above.select([f.name for f in above.schema if is_text(f.type)])
        above = above.take(pa.array(parents, mask=parents < 0))
        above = above.rename_columns([f"{key.parent}.{c}" for c in above.column_names])
        rows[key.label(name)] = hstack(rows[""], above)
    known = fit.entities.of(name)
    found = learn_beginnings(table.makers, sample.tables[name], rows, fit.k, known)
    log.relations(name, found.values())
    return found


def made_up(fit: Fit, table: FittedTable) -> dict[str, FakeColumn]:
    """Return what makes the personal columns; find what their form goes by (`table.given`)."""
    name, personal = table.config.name, table.roles.personal
    data, entities = fit.sample.tables[name], fit.entities.of(name)
    if fit.options.relations:
        addresses = [
            column
            for column, kind in personal.items()
            if kind is PiiKind.EMAIL
            and column not in {*table.aliases, *table.namesakes}
            and fit.database.strategy_of(name, column) == "fake"
        ]
        table.given = find_given(fit.sample, name, personal, entities, fit.k, addresses)
    others = {
        target: one.persons(fit.sample, fit.database.personal(one.source))
        for target, one in table.namesakes.items()
    }
    beside = {t: beside_of(table.given, t, fit.sample) for one in table.given for t in one.targets}
    labels = {t: b.labels for t, b in beside.items() if b is not None and b.labels is not None}
    described, privacy = alone(fit, table), fit.options.privacy
    strategies = {column: fit.database.strategy_of(name, column) for column in personal}
    fakes = fit_columns(described, personal, data, privacy, entities, others, labels, strategies)
    for target, namesake in table.namesakes.items():  # in the language of the person's name
        theirs = fit.database.tables[namesake.source].fakes
        named = (f for f in theirs.values() if f.kind in NAMES and f.variants)
        voices = next(named, fakes[target]).variants
        spoken = tuple((n, replace(fakes[target], blocks=f.blocks)) for n, f in voices)
        fakes[target] = replace(fakes[target], variants=spoken)
    for number, one in enumerate(table.given):
        if one.women:  # a title tells of the first person of a row
            first = tuple(t for t in one.targets if fakes[t].person == 0)
            table.given[number] = replace(one, targets=first)
    return fakes


def alone(fit: Fit, table: FittedTable) -> TableConfig:
    """Return a table's description in which columns that are unique in some rows always are."""
    rules = table.unique_rules(fit.sample.metadata.dialect)
    alone = [r for r in rules if r.special and len(r.columns) == 1]
    unique = [UniqueConstraint(columns=list(rule.columns)) for rule in alone]
    single = {columns[0] for columns in table.config.unique_sets if len(columns) == 1}
    for alias in table.aliases.values():
        if alias.domain and alias.target in single:  # as its first part must be
            unique.append(UniqueConstraint(columns=[alias.columns[0]]))
    return table.config.model_copy(update={"unique": [*table.config.unique, *unique]})
