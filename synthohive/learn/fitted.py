"""What `fit` leaves behind: no row of the source, only what generation needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Optional, Union

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats, IntArray
from synthohive._readable import Readable
from synthohive.constrain.checks import TableChecks
from synthohive.constrain.key_rules import KeyRule
from synthohive.constrain.unique import UniqueRule, special_rules
from synthohive.derive.aggregates import Aggregate
from synthohive.derive.base import Derivation
from synthohive.derive.keys.choice import KeyMaker
from synthohive.derive.keys.patterns import BegunTextMaker
from synthohive.derive.keys.rising import Rising
from synthohive.derive.lookup import Copy
from synthohive.derive.monotone import Monotone
from synthohive.derive.order import Order
from synthohive.derive.periods import Periods
from synthohive.derive.persons.alias import Alias
from synthohive.derive.persons.given import Given
from synthohive.derive.persons.namesake import Namesake
from synthohive.derive.presence import Presence
from synthohive.derive.program import Program
from synthohive.encoding.encoded import EncodedTable, Layout
from synthohive.encoding.table import TableEncoder
from synthohive.io.frames import FrameForm
from synthohive.learn.draw import Draw
from synthohive.learn.entity_tables import EntityTable, without_entities
from synthohive.learn.private.ledger import PrivacyLedger
from synthohive.link.association import PairShares
from synthohive.link.hierarchy import HierarchyModel
from synthohive.link.joint_degrees import JointCounts
from synthohive.link.parent_codes import ParentCodes
from synthohive.metrics.profile import TableProfile
from synthohive.models.base import ConditionalGenerativeModel
from synthohive.privacy.fake import FakeColumn, check_makeable
from synthohive.privacy.kinds import PiiFinding, PiiKind
from synthohive.privacy.look_ups import check_look_up
from synthohive.privacy.places import ENGLISH
from synthohive.privacy.strategies import check_droppable
from synthohive.schema import Column, Metadata, PiiStrategy, PrivacyConfig, TableConfig
from synthohive.schema.plan import Link, RelationalPlan
from synthohive.tables.degrees import FanOutModel
from synthohive.tables.numbers import is_time
from synthohive.tables.roles import Roles, is_children_column


@dataclass(frozen=True)
class ShownRelation(Readable):
    """A relation with a table that users do not know, as they read it."""

    text: str

    def __str__(self) -> str:
        return self.text


AnyRelation = Union[
    ShownRelation,
    Derivation,
    Presence,
    Periods,
    Aggregate,
    KeyRule,
    Monotone,
    Alias,
    Namesake,
    Given,
    BegunTextMaker,
    Rising,
]

__all__ = ["AnyRelation", "FittedDatabase", "FittedKey", "FittedTable", "LookUpRows"]


@dataclass
class FittedKey:
    """All that was learned of one foreign key, which the plan's link finds by its label.

    Attributes
    ----------
    fan_out : FanOutModel
        Children per parent.
    null_share : float
        Share of child rows with a NULL in the key.
    nulls : dict of str to bool
        Made-up columns and further keys (by label) that are NULL exactly where this key is;
        False for exactly where it is not.
    program : Program
        What follows from the parent, once it is chosen; of the driving key, see the table's.
    bounds : list of Order
        Between a row and its parent.
    codes : ParentCodes, optional
        By which a child chooses its parent.
    pairs : PairShares, optional
        How rows and their parents go together.
    hierarchy : HierarchyModel, optional
        Of a key to the own table.
    stays : bool
        Whether it is modelled which rows have the same parent as the row before.
    """

    fan_out: FanOutModel
    null_share: float
    nulls: dict[str, bool] = field(default_factory=dict)
    program: Program = field(default_factory=Program)
    bounds: list[Order] = field(default_factory=list)
    codes: Optional[ParentCodes] = None
    pairs: Optional[PairShares] = None
    hierarchy: Optional[HierarchyModel] = None
    stays: bool = False


@dataclass
class LookUpRows:
    """A look-up table kept as it is.

    Attributes
    ----------
    rows : pyarrow.Table
        The columns that are kept; others of the table are made as those of any table.
    preferences : dict of str to ndarray
        For each incoming key (by label), the children of each row; their ranks say
        which row gets which fan-out.
    parents : ndarray of int64, shape (rows,), optional
        Each row's driving parent row; None for a root table.
    """

    rows: pa.Table
    preferences: dict[str, Floats] = field(default_factory=dict)
    parents: Optional[IntArray] = None

    def encode(self, embedding_threshold: int) -> EncodedTable:
        """Encode each row for its children: as its number, and by what it shares with others.

        Of few children for each row, what all novels have in common is hard to tell from chance;
        what all books have, is not.
        """
        from synthohive.encoding.encoded import Discrete

        count = len(self.rows)
        blocks = {"__row__": np.arange(count, dtype=np.int32)}
        plain = [
            name
            for name, type_ in zip(self.rows.schema.names, self.rows.schema.types)
            if not pa.types.is_nested(type_)
        ]
        for name in plain:
            found = (
                self.rows.column(name).combine_chunks().dictionary_encode(null_encoding="encode")
            )
            # A value for each row is the row's number over again; a constant tells nothing.
            if 1 < len(found.dictionary) <= count // 2:
                blocks[name] = found.indices.to_numpy()
        sizes = {name: max(int(codes.max(initial=0)) + 1, 1) for name, codes in blocks.items()}
        layout = Layout(
            discrete=tuple(
                Discrete(n, size, size > embedding_threshold) for n, size in sizes.items()
            )
        )
        codes = np.stack(list(blocks.values()), axis=1).astype(np.int32)
        return EncodedTable(layout, codes, np.empty((count, 0), dtype=np.float32))


@dataclass
class FittedTable:
    """One table.

    Attributes
    ----------
    config : TableConfig
    rows : int
        Rows of the real table.
    roles : Roles
        Which columns are keys, personal, modelled.
    encoder, model : TableEncoder or None, ConditionalGenerativeModel or None
        None for a look-up table that is kept, or one without any modelled column.
    makers : dict of str to KeyMaker
        By column: what makes keys.
    fakes : dict of str to FakeColumn
        By column: what makes personal data up.
    keys : dict of str to FittedKey
        By label, in the order of the plan's links.
    reference : LookUpRows, optional
        The rows of a look-up table that is kept.
    profile : TableProfile, optional
        What generated rows are scored against.
    misread_checks : list of str
        Texts of CHECKs and unique indexes that real rows seem to break: they are left to the
        database.
    largest_group : int
        Most children of one parent over the driving key.
    siblings : bool
        Rows know the siblings before them.
    context_layout : Layout
        Of what the model is conditioned on.
    program : Program
        What follows from what in its rows.
    aggregates : list of Aggregate
        The columns that sum up the rows of a child table.
    joint_counts : JointCounts
        How the numbers of children over all incoming keys go together.
    key_rules : list of KeyRule
        What holds between its keys.
    aliases : dict of str to Alias
        Personal columns that repeat others: of their own rows, or of rows that keys lead to.
    namesakes : dict of str to Namesake
        Addresses and user names made of the names of persons that keys lead to.
    given : list of Given
        What the form of made-up columns goes by.
    periods : list of Periods
        What never overlaps for one parent.
    rising : list of Rising
        Keys that rise with a column.
    """

    config: TableConfig
    rows: int
    roles: Roles
    encoder: Optional[TableEncoder] = None
    model: Optional[ConditionalGenerativeModel] = None
    makers: dict[str, KeyMaker] = field(default_factory=dict)
    fakes: dict[str, FakeColumn] = field(default_factory=dict)
    keys: dict[str, FittedKey] = field(default_factory=dict)
    reference: Optional[LookUpRows] = None
    largest_group: int = 1
    siblings: bool = False
    context_layout: Layout = field(default_factory=Layout)
    profile: Optional[TableProfile] = None
    misread_checks: list[str] = field(default_factory=list)
    program: Program = field(default_factory=Program)
    aggregates: list[Aggregate] = field(default_factory=list)
    joint_counts: JointCounts = field(default_factory=JointCounts)
    key_rules: list[KeyRule] = field(default_factory=list)
    aliases: dict[str, Alias] = field(default_factory=dict)
    namesakes: dict[str, Namesake] = field(default_factory=dict)
    given: list[Given] = field(default_factory=list)
    periods: list[Periods] = field(default_factory=list)
    rising: list[Rising] = field(default_factory=list)

    def checks(self, dialect: Optional[str]) -> TableChecks:
        """Compile what generated rows have to satisfy."""
        kept = [c for c in self.config.checks if c.sqltext not in self.misread_checks]
        config = self.config.model_copy(update={"checks": kept})
        return TableChecks.compile(config, dialect, set(self.free))

    def unique_rules(self, dialect: Optional[str]) -> list[UniqueRule]:
        """Return all that must not repeat in generated rows."""
        kept = [i for i in self.config.indexes if i.definition not in self.misread_checks]
        config = self.config.model_copy(update={"indexes": kept})
        declared = [UniqueRule(unique) for unique in self.config.unique_sets]
        return [*declared, *special_rules(config, dialect)]

    def tied(self, columns: Iterable[str]) -> tuple[str, ...]:
        """Return columns with all that relations tie to them, of those that may be changed."""
        found = set(columns)
        groups = [{step.target, *step.needs} for step in self.program.steps]
        while any(group & found and not group <= found for group in groups):
            found = found.union(*(group for group in groups if group & found))
        return tuple(name for name in self.free if name in found)

    @property
    def kept(self) -> tuple[str, ...]:
        """The columns whose real values are kept, row by row."""
        return () if self.reference is None else tuple(self.reference.rows.column_names)

    @property
    def free(self) -> tuple[str, ...]:
        """The columns that are modelled, or follow from such, and are not kept."""
        return tuple(name for name in self.roles.attributes if name not in self.kept)

    @property
    def attributes(self) -> dict[str, Column]:
        """The columns that are modelled, or follow from such."""
        return {name: self.config.columns[name] for name in self.roles.attributes}

    @property
    def withheld(self) -> dict[str, float]:
        """The share of real values that privacy lets not out, of columns made up or modelled."""
        kept = {} if self.encoder is None else self.encoder.transforms
        found = {name: one.withheld for name, one in kept.items() if one.withheld}
        return {**found, **dict.fromkeys(self.roles.personal, 1.0)}

    def is_text(self, column: str) -> bool:
        """Tell whether a column is one of the table's, and holds texts."""
        described = self.config.columns.get(column)
        return described is not None and described.kind.family == "text"

    @property
    def hierarchies(self) -> dict[str, HierarchyModel]:
        """The hierarchies over keys to the table itself, by label."""
        return {n: k.hierarchy for n, k in self.keys.items() if k.hierarchy is not None}

    def follows(self, link: Link) -> Program:
        """Return what follows from the parent over a key; over the driving one, all in a row."""
        return self.program if link.role == "driving" else self.keys[link.label].program

    @property
    def linked_targets(self) -> set[str]:
        """The columns that follow from parents over further keys, once these are chosen."""
        return {target for key in self.keys.values() for target in key.program.targets}

    @property
    def driven_periods(self) -> list[Periods]:
        """The periods that do not overlap inside a group of the driving key."""
        return [one for one in self.periods if one.key is None]

    @property
    def times(self) -> tuple[str, ...]:
        """The key columns that are points in time, never NULL: made before what is modelled."""
        columns, pk = self.config.columns, self.config.pk
        return tuple(
            name
            for name in self.roles.key
            if is_time(columns[name].arrow_type) and (name in pk or not columns[name].nullable)
        )

    @property
    def all_relations(self) -> list[AnyRelation]:
        """What is exact in the rows, also beside further parents and children."""
        linked = [r for key in self.keys.values() for r in key.program.derivations]
        bounds = [order for key in self.keys.values() for order in key.bounds]
        kept: list[AnyRelation] = [*self.key_rules, *linked, *bounds, *self.program.derivations]
        kept += self.program.presences.values()
        kept += [h.roots for h in self.hierarchies.values() if h.roots is not None]
        people: list[AnyRelation] = [*self.aliases.values(), *self.namesakes.values(), *self.given]
        kept += [m for m in self.makers.values() if isinstance(m, BegunTextMaker)]
        kept += self.rising
        return [*kept, *self.periods, *self.program.never_falling, *self.aggregates, *people]

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of generated rows: all columns that rows bring."""
        return pa.schema([pa.field(n, c.arrow_type) for n, c in self.config.stored.items()])


@dataclass
class FittedDatabase:
    """All tables, and what they share."""

    metadata: Metadata
    plan: RelationalPlan
    tables: dict[str, FittedTable]
    privacy: PrivacyConfig
    model_name: str
    seed: int
    embedding_threshold: int
    findings: list[PiiFinding] = field(default_factory=list)  # personal, and made up
    kept_findings: list[PiiFinding] = field(default_factory=list)  # personal, and kept by the user
    strategies: dict[str, dict[str, PiiStrategy]] = field(default_factory=dict)
    locale: str = ENGLISH  # in which persons are made up where nothing beside them tells
    keyed: bool = False  # persons are made up from a secret, which is not here
    sources: frozenset[str] = frozenset()  # fingerprints: these are never written to
    forms: dict[str, FrameForm] = field(default_factory=dict)  # of DataFrames that were fitted
    loaded: bool = False  # from a checkpoint, which may hold anything
    rehearsed: bool = False  # its models have learned nothing
    entity_tables: list[EntityTable] = field(default_factory=list)  # that users do not know
    draw: Optional[Draw] = None  # how rows were drawn; None where nothing is set aside
    privacy_ledger: Optional[PrivacyLedger] = None  # with differential privacy: what it cost

    def codes_asked(self, name: str) -> set[str]:
        """Return the codes of a table's children that are asked for once its rows are there.

        Its numbers of children go by some, and by some its children choose their further parents,
        and others choose it.
        """
        found, start = set(self.tables[name].joint_counts.columns), f"{name}."
        for child, plan in self.plan.tables.items():
            for link in plan.of("free"):
                learned = self.tables[child].keys[link.label] if child in self.tables else None
                if learned is None:
                    continue
                codes, pairs = learned.codes, learned.pairs
                asked = set() if codes is None else {*codes.columns}
                blocks = () if pairs is None else (*pairs.mine, *pairs.theirs)
                asked |= {block.column for block in blocks}
                found |= {c[len(start) :] for c in asked if c.startswith(start)}
        return {column for column in found if is_children_column(column)}

    @property
    def described(self) -> Metadata:
        """The tables as users know them."""
        return without_entities(self.metadata, self.entity_tables)

    @property
    def shown(self) -> dict[str, FittedTable]:
        """The tables that users know, parents first."""
        out = {one.name for one in self.entity_tables}
        return {
            name: self.tables[name] for name in self.plan.order if name in self.tables.keys() - out
        }

    def shown_relations(self, name: str) -> list[AnyRelation]:
        """Return what is exact in a table's rows, without the names of tables within tables.

        What is copied from one, follows from the columns that name its entities.
        """
        within = [one for one in self.entity_tables if one.table == name]
        named = {f"{t.name}.{c}": ", ".join(t.columns) for t in within for c in t.follows}
        found: list[AnyRelation] = []
        for relation in self.tables[name].all_relations:
            text = before = str(relation)
            if isinstance(relation, Copy) and relation.source in named:
                text = f"{named[relation.source]} -> {relation.target}"
            for one in within:
                text = text.replace(f"{one.name}.", "")
            found.append(relation if text == before else ShownRelation(text))
        return found

    @property
    def shown_findings(self) -> list[PiiFinding]:
        """The personal columns of the tables that users know."""
        out = {one.name for one in self.entity_tables}
        found = [*self.findings, *self.kept_findings]
        return [finding for finding in found if finding.table not in out]

    @property
    def withheld(self) -> dict[str, dict[str, float]]:
        """The shares of real values that privacy lets not out, by table and column, if any."""
        found: dict[str, dict[str, float]] = {}
        for name in self.plan.order:
            table, mine = self.tables.get(name), found.setdefault(name, {})
            if table is None:
                continue
            steps = [*table.program.steps]
            steps += [step for key in table.keys.values() for step in key.program.steps]
            above = {f"{t}.{c}": share for t, own in found.items() for c, share in own.items()}
            mine.update(table.withheld)
            for step in filter(lambda s: table.is_text(s.target), steps):
                # what follows from texts that are made up is made up as well
                share = max((mine.get(c, above.get(c, 0.0)) for c in step.needs), default=0.0)
                if share:
                    mine[step.target] = max(share, mine.get(step.target, 0.0))
        for one in self.entity_tables:  # their columns are those of the table that they are within
            found.setdefault(one.table, {}).update(found.pop(one.name, {}))
        columns = {name: self.tables[name].config.stored for name in self.shown}
        shown = {
            name: {column: found[name][column] for column in listed if column in found[name]}
            for name, listed in columns.items()
        }
        return {name: own for name, own in shown.items() if own}

    def series_dates(self, table: str) -> list[str]:
        """Return the dates of series in a table whose things are a table within it."""
        return [one.time for one in self.entity_tables if one.table == table and one.time]

    def with_entity_rows(self, num_rows: Mapping[str, int]) -> dict[str, int]:
        """Return rows that are asked for with as many entities as belong to so many."""
        asked = dict(num_rows)
        real = {name: table.rows for name, table in self.tables.items()}
        for one in self.entity_tables:
            rows = real[one.name]
            if one.own_keys:
                continue  # they follow from the same ones, or from those whose they are
            also = (o for o in self.entity_tables if o.parent and o.parent.parent == one.name)
            named = [one.table, *(other.table for other in also)]
            if all(name in asked and real[name] for name in named):
                parts = [round(rows * asked[name] / real[name]) for name in named]
                # Half as many orders are of half as many customers; if tables that share them
                # are asked for at several scales, of as many as lie between.
                part = min(max(rows, min(parts)), max(parts))  # more, or fewer, for all of them
                asked[one.name] = max(part, min(rows, max(asked[n] for n in named), 1))
        return asked

    def strategy_of(self, table: str, column: str) -> PiiStrategy:
        """Return what becomes of a personal column, of tables found within others, too."""
        return self.strategies.get(table, {}).get(column, self.privacy.pii_strategy)

    def special_rules(self) -> dict[str, list[UniqueRule]]:
        """Return, by table, what must not repeat beside the unique sets of the metadata."""
        dialect = self.metadata.dialect
        return {
            name: [rule for rule in table.unique_rules(dialect) if rule.special]
            for name, table in self.tables.items()
        }

    def personal(self, table: str) -> dict[str, PiiKind]:
        """Return the columns of a table that are made up, and as what."""
        return {f.column: f.kind for f in self.findings if f.table == table}

    def check_described(self) -> None:
        """Refuse what the description asks of personal columns and cannot have.

        Raises
        ------
        PrivacyError
            A table is to be kept whose key is personal, or values of a kind cannot be
            made for a column's type.
        """
        for name, config in self.metadata.tables.items():
            personal = self.personal(name)
            check_look_up(config, personal)
            filled = self.plan.tables[name].filled
            for column, kind in Roles.of(config, filled, personal, ()).personal.items():
                is_dropped = self.strategy_of(name, column) == "drop"
                if is_dropped:
                    check_droppable(self.metadata, name, column)
                if not (is_dropped and config.columns[column].nullable):  # NULL is of any type
                    check_makeable(name, config.columns[column], kind)
