"""Tables within tables: whoever repeats in a column without having a table gets one.

In a flat table of orders, a customer's name stands in many rows, beside one e-mail and one city.
Read as a table of customers and a key to it, all that holds for declared ones holds here: one
made-up person for each, as many rows as real ones have, and what is a customer's stays so. If
another table names the same ones, its table of them gets a key to this one. Only the fit knows
these tables; users neither pass nor get them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import IntArray
from synthohive._logging import get_logger
from synthohive.derive.level import levels_of
from synthohive.derive.monotone import LEAST_STEPS
from synthohive.derive.persons.alias import Alias
from synthohive.derive.sticky import LEAST_KAPPA
from synthohive.io.base import FanOut
from synthohive.learn.entity_paths import IDENTIFYING, EntityFinder
from synthohive.learn.hidden_entities import codes_of, repeats
from synthohive.metrics.associations import kappa
from synthohive.privacy.kinds import NAMES, PiiFinding, PiiKind, cleared_columns
from synthohive.schema import (
    Column,
    ColumnKind,
    ForeignKey,
    Metadata,
    PrivacyConfig,
    TableConfig,
    UniqueConstraint,
)
from synthohive.tables.context import positions_in_groups
from synthohive.tables.joins import group_codes, match_rows
from synthohive.tables.nulls import any_blank, any_null
from synthohive.tables.numbers import as_numbers
from synthohive.tables.roles import level_column
from synthohive.tables.sample import Sample
from synthohive.tables.siblings import previous_siblings, sibling_ranks
from synthohive.tables.source import SourceTables

__all__ = [
    "EntityTable",
    "add_entities",
    "decides",
    "find_entity_tables",
    "with_entities",
    "without_entities",
]

log = get_logger(__name__)

REPEATED = 5
"""Rows beyond the first of each value: a few namesakes are no entity."""
FOLLOWS = 0.95
"""Share of the rows in which what follows from an entity is the same; a few may have changed."""
OCCASIONS = 10
"""Rows in which chance would have broken what follows."""
CLEARLY = 0.2
"""Rows in which it is broken, as a share of those in which chance would have broken it."""
NAMESAKES = 1.5
"""First and last names are persons where chance would put together this many times as many."""
SAME = 0.95
"""Share of the entities of a table that another one names, too."""
LEAST_SAME = 10
"""Entities that two tables must both name."""
DEEPEST = 3
"""Tables within tables within tables."""
PLACES = frozenset({PiiKind.ADDRESS, PiiKind.IP, PiiKind.MAC})
PERSONS = NAMES | {PiiKind.EMAIL}
ACCOUNTS = frozenset({PiiKind.EMAIL, PiiKind.USER_NAME, PiiKind.SSN, PiiKind.NATIONAL_ID})


@dataclass(frozen=True)
class EntityTable:
    """A table that is found within another one.

    Attributes
    ----------
    name : str
    table : str
    columns : tuple of str
        Where the entity is named: the key, of a first and a last name where they are two columns.
    follows : tuple of str
        What follows from it.
    parent : ForeignKey, optional
        The key to a table of the same entities that is within another table.
    above : tuple of ForeignKey
        The keys of the table within which it is that its own columns hold: whose entities they are.
    labels : tuple of str
        What tells its entities apart beside those whose they are, and others' again.
    alone : tuple of str
        What tells them apart whosever they are.
    kept : bool
        Whether it is a look-up table: of labels that rows show anyhow.
    time : str, optional
        The date that never repeats among its rows in the table within which it is.
    stated : bool
        Whether that table has a constraint that says so.
    levels : tuple of str
        Numbers of that table whose level in each entity's rows is a column of this one.
    drives : bool
        As of its key: its rows there are a series, or it changes along those of a parent.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    follows: tuple[str, ...] = ()
    parent: Optional[ForeignKey] = None
    above: tuple[ForeignKey, ...] = ()
    labels: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    kept: bool = False
    time: Optional[str] = None
    stated: bool = False
    levels: tuple[str, ...] = ()
    drives: bool = True

    @property
    def key(self) -> ForeignKey:
        """The key of the table within which it is."""
        columns, name = list(self.columns), self.name
        return ForeignKey(columns=columns, parent=name, parent_columns=columns, drives=self.drives)

    @property
    def keys(self) -> list[tuple[str, ForeignKey]]:
        """All keys that there are because of it, each with the table that has it."""
        return [(self.table, self.key), *((self.name, key) for key in self.own_keys)]

    @property
    def own_keys(self) -> list[ForeignKey]:
        """The keys that it has itself."""
        return [*self.above, *(() if self.parent is None else (self.parent,))]

    @property
    def series(self) -> list[UniqueConstraint]:
        """What never repeats in the table within which it is, though nothing there says so."""
        found = self.time is not None and not self.stated
        return [UniqueConstraint(columns=[*self.columns, self.time])] if found else []

    @property
    def read(self) -> list[str]:
        """The columns, of the table within which it is, that its rows are made of."""
        return [*self.columns, *self.follows, *self.levels]

    @property
    def stored(self) -> list[str]:
        """The columns of its rows."""
        return [*self.columns, *self.follows, *map(level_column, self.levels)]

    @property
    def place(self) -> str:
        """What names its rows, for users: ``table.column``."""
        return f"{self.table}.{'+'.join(self.columns)}"

    def findings(self, known: Sequence[PiiFinding]) -> list[PiiFinding]:
        """Return what is personal in it, as in the table within which it is."""
        mine = {*self.columns, *self.follows}
        return [
            replace(f, table=self.name) for f in known if f.table == self.table and f.column in mine
        ]

    def rows(self, rows: pa.Table) -> pa.Table:
        """Return a row for each entity: what most of its rows hold."""
        codes = codes_of(rows, self.columns)
        known = np.flatnonzero(codes >= 0)
        _, first = np.unique(codes[known], return_index=True)
        found = {name: rows.column(name).take(pa.array(known[first])) for name in self.columns}
        texts = pa.table({name: found[name].cast(pa.string()) for name in self.columns})
        for name in self.follows:
            at = _usual_rows(codes, codes_of(rows, [name]))
            found[name] = rows.column(name).take(pa.array(at))
        for name in self.levels:
            levels = levels_of(as_numbers(rows.column(name)), codes)
            found[level_column(name)] = pa.chunked_array([levels])
        order = pc.sort_indices(texts, [(name, "ascending") for name in self.columns])
        return pa.table(found).take(order)


def with_entities(
    metadata: Metadata, tables: Sequence[EntityTable], privacy: PrivacyConfig
) -> Metadata:
    """Describe the tables within others, and the keys to them.

    Parameters
    ----------
    metadata : Metadata
        Stays as it is.
    tables : sequence of EntityTable
        Each after the one that it is within.
    privacy : PrivacyConfig
        Columns that users say are not personal are not so in the tables within, either.
    """
    made = metadata.model_copy(deep=True)
    for one in tables:
        config = made.tables[one.table]
        described = {n: config.columns[n].model_copy() for n in (*one.columns, *one.follows)}
        for name, column in described.items():
            column.computed, column.identity, column.default = None, None, None
            column.nullable = column.nullable and name not in one.columns
            if name in one.labels and column.kind is ColumnKind.INTEGER:
                column.kind = ColumnKind.CODE
        for name in map(level_column, one.levels):
            described[name] = Column(
                name=name, kind=ColumnKind.FLOAT, nullable=False, arrow="double"
            )
        cleared = cleared_columns(config, privacy)
        made.tables[one.name] = TableConfig(
            name=one.name,
            schema_name=config.schema_name,
            pk=list(one.columns),
            foreign_keys=one.own_keys,
            columns=described,
            unique=[UniqueConstraint(columns=[name]) for name in one.alone],
            pii_cols={n: "none" for n in described if n in cleared},
            reference=one.kept,
        )
        config.foreign_keys = [*config.foreign_keys, one.key]
        config.unique = [*config.unique, *one.series]
    for key in (one.parent for one in tables if one.parent is not None):
        above = made.tables[key.parent]
        if tuple(key.parent_columns) not in above.unique_sets:
            above.unique = [*above.unique, UniqueConstraint(columns=key.parent_columns)]
    return made


def without_entities(metadata: Metadata, tables: Sequence[EntityTable]) -> Metadata:
    """Return the description as users know it."""
    if not tables:
        return metadata
    out = {one.name for one in tables}
    series = {one.table: one.series for one in tables}
    kept = {}
    for name, config in metadata.tables.items():
        if name not in out:
            keys = [key for key in config.foreign_keys if key.parent not in out]
            unique = [one for one in config.unique if one not in series.get(name, ())]
            kept[name] = config.model_copy(update={"foreign_keys": keys, "unique": unique})
    return metadata.model_copy(update={"tables": kept})


def add_entities(
    source: SourceTables, sample: Sample, tables: Sequence[EntityTable]
) -> dict[str, FanOut]:
    """Let a source, and its sample, have tables that are found within their own.

    Parameters
    ----------
    source : SourceTables
    sample : Sample
        Gets the rows of each that is found: the entities of the rows of the others.
    tables : sequence of EntityTable
        Each after the one that it is within.

    Returns
    -------
    dict of str to FanOut
        By label, of all keys that there are because of the tables.
    """
    for one in tables:
        inside = source.columns(one.table, one.read)
        source.add(one.name, one.rows(inside).combine_chunks())
    around = _entities_of(source, sample.around.tables, tables)
    drawn = _entities_of(source, sample.tables, tables)
    for one in tables:
        rows = source.columns(one.name, one.stored)
        sample.tables[one.name] = rows.take(pa.array(drawn[one.name]))
        beside = np.setdiff1d(around[one.name], drawn[one.name])
        sample.referred[one.name] = rows.take(pa.array(beside))
    keys = [pair for one in tables for pair in one.keys]
    return {key.label(name): _fan_out(source, name, key) for name, key in keys}


def _entities_of(
    source: SourceTables, sampled: Mapping[str, pa.Table], tables: Sequence[EntityTable]
) -> dict[str, IntArray]:
    """Return which rows of the tables that are found some rows of the others refer to."""
    at: dict[str, IntArray] = {}
    found: dict[str, pa.Table] = {}
    for one in tables:
        rows = source.columns(one.name, one.stored)
        naming = [(one.table, one.columns, one.columns)]
        for other in tables:
            if other.parent is not None and other.parent.parent == one.name:
                theirs = tuple(other.parent.parent_columns)
                naming.append((other.table, other.columns, theirs))
        there = [
            match_rows(found.get(table, sampled.get(table)), columns, rows, theirs)
            for table, columns, theirs in naming
        ]
        numbers = np.unique(np.concatenate(there))
        at[one.name] = numbers[numbers >= 0]
        found[one.name] = rows.take(pa.array(at[one.name]))
    return at


def _fan_out(source: SourceTables, table: str, key: ForeignKey) -> FanOut:
    """Count children per parent."""
    sizes, parents = np.unique(source.child_counts(table, key), return_counts=True)
    nulls = int(any_null(source.columns(table, key.columns), key.columns).sum())
    orphans = int((source.parent_rows(table, key) < 0).sum()) - nulls
    return FanOut(dict(zip(sizes.tolist(), parents.tolist())), nulls, orphans)


def find_entity_tables(
    sample: Sample,
    privacy: PrivacyConfig,
    findings: Sequence[PiiFinding],
    aliases: Mapping[str, Mapping[str, Alias]],
) -> list[EntityTable]:
    """Return the tables within a sample's tables, and those within these.

    Parameters
    ----------
    aliases : mapping of str to mapping of str to Alias
        By table and column: what has its value from elsewhere.
    """
    search = _Search(sample, privacy, findings, aliases)
    for name in sample.plan.order:
        search.within(name, sample.metadata.tables[name], sample.tables[name], DEEPEST)
    found = [replace(one, drives=not _changes_along(sample, one)) for one in search.linked()]
    for one in found:
        same = "" if one.parent is None else one.parent.parent
        log.info("entities_found", of=one.place, decides=list(one.follows), same=same)
    return found


def _changes_along(sample: Sample, one: EntityTable) -> bool:
    """Whether rows of a parent, in order, keep their entity more than those of one their parent.

    Whoever runs a machine for some hours is a column of the machine's series, who comes to a shop
    now and then has a series.
    """
    if one.table not in sample.tables:  # within one that is found
        return False
    driver, rows = sample.plan.tables[one.table].driver, sample.tables[one.table]
    if driver is None:
        return False
    ranks = sibling_ranks(sample.metadata.tables[one.table], rows, driver)
    parents, own = sample.parent_rows(one.table, driver), codes_of(rows, one.columns)
    keeps = _stays(own, parents, ranks)
    return keeps >= LEAST_KAPPA and keeps > _stays(parents, own, ranks)


def _stays(codes: IntArray, groups: IntArray, ranks: IntArray) -> float:
    """Return how far rows have the code of the row before in their group, beyond chance."""
    before = previous_siblings(groups, positions_in_groups(groups, ranks)[0])[0]
    later = (before >= 0) & (codes >= 0) & (codes[before] >= 0)
    if int(later.sum()) < LEAST_STEPS:
        return 0.0
    shares = np.bincount(codes[codes >= 0]) / (codes >= 0).sum()
    return kappa(float((codes == codes[before])[later].mean()), float(shares @ shares))


@dataclass
class _Search:
    sample: Sample
    privacy: PrivacyConfig
    findings: Sequence[PiiFinding]
    aliases: Mapping[str, Mapping[str, Alias]]
    found: list[EntityTable] = field(default_factory=list)
    rows: dict[str, pa.Table] = field(default_factory=dict)  # of what is found

    def __post_init__(self) -> None:
        self.finder = EntityFinder(self.sample, self.privacy, self.findings)
        self.names = set(self.sample.metadata.tables)

    def within(self, name: str, config: TableConfig, rows: pa.Table, depth: int) -> None:
        """Find the tables within one, and those within these."""
        if not depth or config.reference or not len(rows):
            return
        base, kinds = self._base(name), self._kinds(name)
        free = self._free(base, config, rows)
        codes = {column: codes_of(rows, [column]) for column in free}
        whole = {c for c in free if not any_blank(rows.column(c)).any()}  # "" names nobody
        named = self._persons(config, rows, kinds, whole)
        for column in (c for c in free if c in whole):
            may = self._may_name(base, config, column)
            if may and repeats(codes[column], REPEATED):
                named[column,] = codes[column]
        if self._is_of_persons(config, rows, kinds):
            named = {g: c for g, c in named.items() if kinds.get(g[0]) not in NAMES}
        # What tells most entities apart comes first; the columns it decides are no entity then.
        order = sorted(
            named, key=lambda g: (-int(named[g].max()), _rank(g, kinds), free.index(g[0]))
        )
        taken: set[str] = set()
        for group in order:
            if taken & set(group):
                continue
            others = [c for c in free if c not in group and c not in taken]
            follows = tuple(c for c in others if decides(named[group], codes[c]))
            number = config.columns[group[0]].kind is not ColumnKind.TEXT
            if number and group[0] not in kinds and not follows:
                continue  # numbers that decide nothing are learned as such
            if kinds.get(group[0]) is PiiKind.USER_NAME and any(
                kind in NAMES and other not in follows for other, kind in kinds.items()
            ):
                continue  # initials of the row's person
            taken |= {*group, *follows}
            one = EntityTable(self._name(name, group), name, group, follows)
            self.found.append(one)
            inside = self.rows[one.name] = one.rows(rows.select([*group, *follows]))
            described = with_entities(Metadata(tables={name: config}), [one], self.privacy)
            self.within(one.name, described.tables[one.name], inside, depth - 1)

    def linked(self) -> list[EntityTable]:
        """Return what is found; what names the same entities as a larger one has a key to it.

        Tables with a key to another one come after those without, each before those within it.
        """
        kept = {one.name: one for one in self.found}
        order = sorted(self.found, key=lambda one: -len(self.rows[one.name]))
        late: list[str] = []
        for number, one in enumerate(order):
            if one.table not in self.sample.metadata.tables:
                continue
            larger = [kept[o.name] for o in order[:number] if o.name in kept]
            keys = (self._same(one, other) for other in larger if other.parent is None)
            key = next((key for key in keys if key is not None), None)
            if key is None:
                continue
            there = {c for c in one.follows if self._repeats(one, key, c)}
            follows = tuple(c for c in one.follows if c not in there)  # the others are copied
            kept[one.name] = replace(one, parent=key, follows=follows)
            late.append(one.name)
            for part in [part for part in self.found if part.table == one.name]:
                if there & set(part.columns):
                    for name in self._beneath(part.name):
                        del kept[name]
        moved = [name for top in late for name in self._beneath(top)]
        early = [name for name in kept if name not in moved]
        return [kept[name] for name in (*early, *moved) if name in kept]

    def _beneath(self, name: str) -> list[str]:
        """Return a table that is found, and those within it."""
        within = (self._beneath(one.name) for one in self.found if one.table == name)
        return [name, *(other for names in within for other in names)]

    def _same(self, one: EntityTable, other: EntityTable) -> Optional[ForeignKey]:
        """Return the key by which nearly all entities of a table are those of another one."""
        if self._base(one.name) == self._base(other.name):
            return None
        rows, above = self.rows[one.name], self.rows[other.name]
        for columns, kinds in self._naming(other):
            codes = codes_of(above, columns)
            # Codes are dense: fewer of them than rows is a name that two entities share.
            if (codes < 0).any() or int(codes.max()) + 1 < len(codes):
                continue  # they do not tell the others apart
            for own, mine in self._naming(one):
                if mine != kinds or (None in kinds and own != columns):
                    continue
                if rows.select(own).schema.types != above.select(columns).schema.types:
                    continue
                # Nearly all of the smaller table's entities are in the larger one, and not few.
                known = int((match_rows(rows, own, above, columns) >= 0).sum())
                if known >= max(SAME * len(rows), LEAST_SAME):
                    theirs = list(columns)
                    return ForeignKey(columns=list(own), parent=other.name, parent_columns=theirs)
        return None

    def _repeats(self, one: EntityTable, key: ForeignKey, column: str) -> bool:
        """Tell whether a column is that of the same entities in the table of a key."""
        rows, above = self.rows[one.name], self.rows[key.parent]
        if column in key.columns or column not in above.column_names:
            return False
        if rows.schema.field(column).type != above.schema.field(column).type:
            return False
        at = match_rows(rows, key.columns, above, key.parent_columns)
        own, theirs = group_codes([rows, above.take(pa.array(at[at >= 0]))], [[column], [column]])
        return bool((own[at >= 0] == theirs).mean() >= FOLLOWS)

    def _naming(self, one: EntityTable) -> list[tuple[tuple[str, ...], list[Optional[PiiKind]]]]:
        """Return the columns that name the entities of a table, each with their kinds.

        What is no kind of personal data is None: codes are the same if they are called so.
        """
        kinds, columns = self._kinds(one.name), {*one.columns, *one.follows}
        groups = [one.columns, *((c,) for c in one.follows if kinds.get(c) in IDENTIFYING)]
        groups += [pair for pair in _full_names(kinds) if set(pair) <= columns]
        found: dict[tuple[str, ...], list[Optional[PiiKind]]] = {}
        for group in groups:
            known = [kinds.get(column) for column in group]
            found[group] = [None if kind is PiiKind.OTHER else kind for kind in known]
        return list(found.items())

    def _base(self, name: str) -> str:
        """Return the table of users within which one is."""
        while name not in self.sample.metadata.tables:
            name = next(one.table for one in self.found if one.name == name)
        return name

    def _kinds(self, name: str) -> dict[str, PiiKind]:
        base = self._base(name)
        return {f.column: f.kind for f in self.findings if f.table == base}

    def _persons(
        self,
        config: TableConfig,
        rows: pa.Table,
        kinds: Mapping[str, PiiKind],
        whole: set[str],
    ) -> dict[tuple[str, ...], IntArray]:
        """Return first and last names that together repeat those whom they name."""
        found: dict[tuple[str, ...], IntArray] = {}
        cleared = cleared_columns(config, self.privacy)
        for pair in _full_names(kinds):
            if not set(pair) <= whole or set(pair) & cleared:
                continue
            first, last = (codes_of(rows, [column]) for column in pair)
            codes = codes_of(rows, pair)
            # chance puts together many more first and last names than there are persons
            mixed = np.random.default_rng(0).permutation(last)
            chance = np.unique(np.stack([first, mixed]), axis=1).shape[1]
            together = bool(((first < 0) == (last < 0)).all())
            apart = chance >= NAMESAKES * (int(codes.max(initial=-1)) + 1)
            if together and apart and repeats(codes, REPEATED):
                found[pair] = codes
        return found

    def _is_of_persons(
        self, config: TableConfig, rows: pa.Table, kinds: Mapping[str, PiiKind]
    ) -> bool:
        """Tell whether each row has an account of its own: who has the same name is another one."""
        told = [c for c, kind in kinds.items() if kind in ACCOUNTS and c in config.stored]
        unique = [columns[0] for columns in config.unique_sets if len(columns) == 1]
        for codes in (codes_of(rows, [c]) for c in told if c not in unique):
            known = int((codes >= 0).sum())
            if 2 * known > len(rows) and int(codes.max()) + 1 == known:
                return True
        return not set(told).isdisjoint(unique)

    def _free(self, base: str, config: TableConfig, rows: pa.Table) -> list[str]:
        """Return the columns that are no keys, declared or not, and that may be decided."""
        guessed = {c for key in self.finder.undeclared(base) for c in key.columns}
        repeated = {c for c, one in self.aliases.get(base, {}).items() if one.path}
        out = {*config.key_columns, *guessed, *config.derived, *repeated}
        out |= {columns[0] for columns in config.unique_sets if len(columns) == 1}
        kinds = {n: rows.schema.field(n).type for n in rows.column_names}
        return [n for n in config.stored if n not in out and not pa.types.is_nested(kinds[n])]

    def _may_name(self, base: str, config: TableConfig, column: str) -> bool:
        """Tell whether a column may name someone."""
        kinds, described = self._kinds(base), config.columns[column]
        kind, told = kinds.get(column), self.privacy.entities
        if told is not None and kind not in IDENTIFYING and f"{config.name}.{column}" not in told:
            return False
        if column in cleared_columns(config, self.privacy) or not _is_namable(described):
            return False
        if kind in PLACES and PERSONS & set(kinds.values()):
            return False  # where persons are, not who they are
        unknown = kind in (None, PiiKind.OTHER)
        return kind in IDENTIFYING or (unknown and self.finder.may_be_key(base, column))

    def _name(self, table: str, columns: Sequence[str]) -> str:
        name = f"{table}[{', '.join(columns)}]"
        while name in self.names:
            name += "'"
        self.names.add(name)
        return name


def _is_namable(column: Column) -> bool:
    kinds = (ColumnKind.TEXT, ColumnKind.CATEGORICAL, ColumnKind.INTEGER, ColumnKind.UUID)
    return column.kind in kinds


def _full_names(kinds: Mapping[str, PiiKind]) -> list[tuple[str, ...]]:
    """Return first names with the last ones beside them: the buyer's, the seller's."""
    first = [column for column, kind in kinds.items() if kind is PiiKind.FIRST_NAME]
    last = [column for column, kind in kinds.items() if kind is PiiKind.LAST_NAME]
    return list(zip(first, last))


def _rank(columns: Sequence[str], kinds: Mapping[str, PiiKind]) -> int:
    """Return how well columns tell entities apart: codes do, names may be those of several."""
    found = [kinds.get(column) for column in columns]
    if found[0] in NAMES:
        return 2
    return 0 if found[0] in (None, PiiKind.OTHER) else 1


def _pairs(one: IntArray, other: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return the first row of each entity's commonest value, its entity, and its rows."""
    there = np.flatnonzero(one >= 0)
    span = int(other.max(initial=-1)) + 2  # a pair of codes is one number; NULL (-1) counts as 0
    pairs, first, counts = np.unique(
        one[there] * span + other[there] + 1, return_index=True, return_counts=True
    )
    # By entity, its commonest value first; of equally common ones, that of the earlier row.
    order = np.lexsort((first, -counts, pairs // span))
    entity = pairs[order] // span
    best = order[np.flatnonzero(np.diff(entity, prepend=-1))]
    return there[first[best]], pairs[best] // span, counts[best]


def _usual_rows(one: IntArray, other: IntArray) -> IntArray:
    """Return a row with the commonest value of each entity, in the order of the codes."""
    known = np.where(np.isin(one, one[other >= 0]) & (other < 0), -1, one)  # no NULL if it can be
    return _pairs(known, other)[0]


def decides(one: IntArray, other: IntArray) -> bool:
    """Tell whether an entity's rows hold the same in another column, and not by chance."""
    # An entity of one row agrees with itself: it is no evidence.
    sizes = np.bincount(one[one >= 0])
    rows = np.flatnonzero((one >= 0) & (sizes[np.maximum(one, 0)] > 1))
    if not len(rows):
        return False
    one, other = one[rows], other[rows]
    # Rows that hold another value than the commonest of their entity.
    broken = len(rows) - int(_pairs(one, other)[2].sum())
    if broken > (1 - FOLLOWS) * len(rows):
        return False
    # the same values in other rows: how often would groups of these sizes agree by chance?
    mixed = np.random.default_rng(0).permutation(other)
    chance = len(rows) - int(_pairs(one, mixed)[2].sum())
    return chance >= OCCASIONS and broken <= CLEARLY * chance
