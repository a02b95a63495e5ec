"""What is modelled of a table: its columns, and what its keys leave to be modelled.

The same of real rows in training, and of given rows whose cells are to be filled.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.derive.columns import CONTRADICTIONS
from synthohive.derive.keys.makers import ListedMaker
from synthohive.derive.monotone import LEAST_STEPS
from synthohive.derive.program import Program
from synthohive.derive.sticky import LEAST_KAPPA
from synthohive.learn.fitted import FittedTable
from synthohive.metrics.associations import kappa
from synthohive.schema import Column, ColumnKind, ForeignKey
from synthohive.tables import random_streams as seeds
from synthohive.tables.ancestors import ancestor_columns, hstack
from synthohive.tables.context import positions_in_groups
from synthohive.tables.nulls import any_blank, any_null
from synthohive.tables.roles import (
    code_column,
    depth_column,
    differs_column,
    fan_out_column,
    null_column,
    stays_column,
)
from synthohive.tables.sample import Sample
from synthohive.tables.siblings import previous_siblings, sibling_ranks

__all__ = [
    "Modelled",
    "attribute_table",
    "differences",
    "made_columns",
    "nulls_by_key",
    "own_columns",
    "parent_codes",
    "stays_in_groups",
]


@dataclass
class Modelled:
    """What is left to a model of the rows of a table, from stage to stage.

    Attributes
    ----------
    rows : pyarrow.Table
    columns : dict of str to Column
    sources : dict of str to ndarray of int64
        By column that is filled where it means nothing: the rows that its values are of.
    rooms : dict of str to ndarray of float
        How much room there is for distances to parents.
    ends : dict of str to ndarray of float
        Where columns of parents say that these end.
    """

    rows: pa.Table = field(default_factory=lambda: pa.table({}))
    columns: dict[str, Column] = field(default_factory=dict)
    sources: dict[str, IntArray] = field(default_factory=dict)
    rooms: dict[str, Floats] = field(default_factory=dict)
    ends: dict[str, Floats] = field(default_factory=dict)

    def add(self, other: Modelled) -> None:
        """Have more columns."""
        self.rows = hstack(self.rows, other.rows)
        self.columns.update(other.columns)
        self.sources.update(other.sources)

    def add_values(self, name: str, values: Any, kind: ColumnKind) -> None:
        """Have one more column, which the table itself does not have."""
        array = pa.array(values)
        column = Column(name=name, kind=kind, nullable=False, arrow=str(array.type))
        self.add(Modelled(pa.table({name: array}), {name: column}))


def made_columns(table: FittedTable) -> tuple[str, ...]:
    """Return the columns of which only is modelled whether they are NULL.

    What is listed has its NULLs from its maker.
    """
    drawn = [c for c, m in table.makers.items() if not isinstance(m, ListedMaker)]
    return (*drawn, *table.roles.personal)


def attribute_table(sample: Sample, table: FittedTable, depths: Mapping[str, IntArray]) -> Modelled:
    """Collect all that is modelled of a table.

    These are its attributes, whether further keys and the columns made otherwise are NULL (but for
    what follows from other keys), whether keys stay as in the row before, where aliases are no
    copies, the depths in hierarchies, and the number of children over each key. A flag that is the
    same in all rows is left out.

    Parameters
    ----------
    sample : Sample
    table : FittedTable
    depths : mapping of str to ndarray of int64, shape (rows,)
        By label of each key to the table itself.
    """
    name = table.config.name
    by_key = {what for key in table.keys.values() for what in key.nulls}
    made = [column for column in made_columns(table) if column not in by_key]
    found = own_columns(sample, table, table.roles.attributes, made)
    for link in sample.plan.tables[name].of("free", "grouped", "deferred"):
        missing = any_null(sample.tables[name], link.key.columns)
        if missing.any() and link.label not in by_key:
            found.add_values(null_column(link.label), missing, ColumnKind.BOOLEAN)
        if table.keys[link.label].stays:
            same = _same_parent(sample, name, link.key)[0]
            found.add_values(stays_column(link.label), same, ColumnKind.BOOLEAN)
    for alias in table.aliases.values():
        differs = alias.real_differs(sample.around)[: sample.size(name)]
        if differs.any():
            found.add_values(differs_column(alias.target), differs, ColumnKind.BOOLEAN)
    for label, depth in depths.items():
        found.add_values(depth_column(label), depth, ColumnKind.INTEGER)
    for child, key in sample.incoming(name):
        counts = sample.child_counts(child, key)
        found.add_values(fan_out_column(child, key), counts, ColumnKind.INTEGER)
    return found


def own_columns(
    sample: Sample, table: FittedTable, attributes: Sequence[str], made: Sequence[str]
) -> Modelled:
    """Collect some columns of a table, and whether the columns `made` otherwise are NULL.

    Parameters
    ----------
    sample : Sample
    table : FittedTable
    attributes : sequence of str
        The columns that are modelled themselves.
    made : sequence of str
        Those of which only is modelled whether they are NULL, if they ever are.
    """
    data = sample.tables[table.config.name]
    columns = {name: table.config.columns[name] for name in attributes}
    found = Modelled(data.select(list(attributes)), columns)
    for name in made:
        missing = _missing(data, name, table.roles.personal)
        if missing.any():
            found.add_values(null_column(name), missing, ColumnKind.BOOLEAN)
    return found


def nulls_by_key(
    sample: Sample, table: FittedTable, made: Sequence[str], k: int
) -> Iterator[tuple[str, str, bool]]:
    """Return what is NULL exactly where a key is, or exactly where it is not.

    Of the name of somebody without an account, nobody knows whose rows these are: as a category
    it would be that of a single one, though the key's own NULLs are kept.

    Parameters
    ----------
    sample : Sample
    table : FittedTable
    made : sequence of str
        Columns that are not modelled; further keys are looked at, too.
    k : int
        Values that such a column must have.

    Yields
    ------
    (str, str, bool)
        A column, or the label of a further key; that of the key before it which decides; whether
        NULL stands where that is NULL, or where it is not.
    """
    data, plan = sample.tables[table.config.name], sample.plan.tables[table.config.name]
    nulls = {link.label: any_null(data, link.key.columns) for link in plan.of("driving", "free")}
    drawn = {name: _missing(data, name, table.roles.personal) for name in made}
    follow: set[str] = set()
    for name, missing in [*list(nulls.items())[1:], *drawn.items()]:
        share = float(missing.mean()) if len(missing) else 0.0
        # Two columns with this share of NULLs, drawn apart, would differ in so many rows.
        if 2.0 * share * (1.0 - share) * len(missing) < CONTRADICTIONS:
            continue
        if name in drawn and pc.count_distinct(data.column(name)).as_py() < k:
            continue
        for label, empty in nulls.items():
            if label == name:
                break  # each key follows from one before it
            # The first row tells which of the two it can be; all others must agree.
            alike = bool(empty[0] == missing[0])
            if label not in follow and ((empty == missing) == alike).all():
                follow.add(name)
                yield name, label, alike
                break


def differences(sample: Sample, table: FittedTable, seed: int) -> Modelled:
    """Return the exceptions to what holds in nearly all rows, alone and beside all parents.

    Parameters
    ----------
    sample : Sample
    table : FittedTable
        Its derivations are known by now.
    seed : int
        Decides what rows get whose parents were not read.
    """
    name, plan, found = table.config.name, sample.plan, Modelled()
    own = sample.tables[name]
    links = plan.tables[name].links
    programs: list[tuple[str, Program, Optional[ForeignKey]]] = [
        (link.label, table.follows(link), link.key) for link in links
    ]
    if plan.tables[name].driver is None:
        programs.append(("", table.program, None))
    for label, program, key in programs:
        if not program.besides:
            continue
        rows, unknown = own, np.empty(0, dtype=np.int64)
        if key is not None:
            parents = sample.others_around(name, key)
            unknown = np.flatnonzero((parents < 0) & ~any_null(own, key.columns))
            names = program.above(own.column_names)
            rows = hstack(own, ancestor_columns(sample.around, plan, key.parent, parents, names))
        rng = seeds.generator(seed, name, label, "besides")
        sources: dict[str, IntArray] = {}
        learned = program.learned_besides(rows, unknown, rng, sources)
        found.add(Modelled(*learned, sources))
    return found


def parent_codes(sample: Sample, table: FittedTable, seed: int) -> Modelled:
    """Return the codes of the parents over further keys; NULL where a key is.

    Each is a column of text: codes are categories, not numbers.

    Parameters
    ----------
    sample : Sample
    table : FittedTable
        Its codes of parents are known by now.
    seed : int
        Where the parent was not read, decides which other row's code the row gets.
    """
    name, plan, found = table.config.name, sample.plan, Modelled()
    for link in plan.tables[name].links:
        key, codes = link.key, table.keys[link.label].codes
        if codes is None:
            continue
        parents, around = sample.others_around(name, key), sample.around
        everyone = np.arange(around.size(key.parent), dtype=np.int64)
        some = (f"{key.parent}.{column}" for column in key.parent_columns)  # or there are no rows
        names = [*codes.columns, *some]
        theirs = codes(ancestor_columns(around, plan, key.parent, everyone, names))
        # Row -1 is looked up as row 0, and masked below or drawn anew.
        values = theirs[np.maximum(parents, 0)] if len(theirs) else np.zeros_like(parents)
        empty = any_null(sample.tables[name], key.columns)
        # NULL would say that there is no parent, where one was merely not read.
        unknown, known = np.flatnonzero((parents < 0) & ~empty), values[parents >= 0]
        if len(known):
            rng = seeds.generator(seed, name, link.label, "unknown")
            values[unknown] = rng.choice(known, len(unknown))
        code = code_column(link.label)
        column = Column(name=code, kind=ColumnKind.CATEGORICAL, arrow="string")
        array = pa.array(values, mask=empty).cast(pa.string())
        found.add(Modelled(pa.table({code: array}), {code: column}))
    return found


def stays_in_groups(sample: Sample, name: str, key: ForeignKey) -> bool:
    """Whether rows have the same parent as the row before far more often than by chance.

    Parameters
    ----------
    sample : Sample
        Has whole groups of the table's driving key.
    name : str
        The table.
    key : ForeignKey
        A further one.
    """
    same, later, parents = _same_parent(sample, name, key)
    if int(later.sum()) < LEAST_STEPS:
        return False
    shares = np.unique(parents[parents >= 0], return_counts=True)[1] / (parents >= 0).sum()
    return kappa(float(same[later].mean()), float(shares @ shares)) >= LEAST_KAPPA


def _same_parent(sample: Sample, name: str, key: ForeignKey) -> tuple[Bools, Bools, IntArray]:
    """Return which rows have the parent of the row before, which could have, and the parents."""
    driver, parents = sample.plan.tables[name].driver, sample.others_around(name, key)
    none = np.zeros(len(parents), dtype=np.bool_)
    if driver is None:
        return none, none, parents
    groups, rows = sample.parent_rows(name, driver), sample.tables[name]
    ranks = sibling_ranks(sample.metadata.tables[name], rows, driver)
    before = previous_siblings(groups, positions_in_groups(groups, ranks)[0])[0]
    later = (before >= 0) & (parents >= 0) & (parents[before] >= 0)
    return later & (parents == parents[before]), later, parents


def _missing(data: pa.Table, name: str, personal: Collection[str]) -> Bools:
    """Return in which rows nothing stands; an empty `personal` text (``fax = ''``) is nothing."""
    missing = any_null(data, [name])
    return missing | any_blank(data.column(name)) if name in personal else missing
