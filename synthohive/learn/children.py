"""What the children of each parent have in common, for all tables, children first."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats, IntArray
from synthohive._logging import get_logger
from synthohive.learn.attribute_table import Modelled
from synthohive.learn.fit_context import Fit
from synthohive.link.children_codes import MOST_TREES, ChildSets, children_codes
from synthohive.link.parent_codes import Features
from synthohive.schema import Column, ColumnKind
from synthohive.schema.plan import Link
from synthohive.tables import random_streams as seeds
from synthohive.tables.ancestors import ancestor_columns, hstack
from synthohive.tables.roles import children_column, fan_out_column

__all__ = ["children_columns", "codes_above", "codes_of", "find_children_codes", "steady_codes"]

log = get_logger(__name__)
SIBLINGS = 3
"""Children per parent."""


def find_children_codes(fit: Fit) -> None:
    """Put codes beside the rows of each table, one or several for each key to it.

    Over a driving key, these are the rows of the sample; over a further one, those of the sample
    that is closed under all keys: children choose their parents by what they have in common, too.

    Parameters
    ----------
    fit : Fit
        Its database has all tables as they were begun; its sample gets the codes.
    """
    plan, tables = fit.sample.plan, fit.database.tables
    values: dict[str, _Numbers] = {}
    for name in reversed(plan.order):
        size = fit.sample.size(name)
        if not size or tables[name].reference is not None:
            continue
        kin = [_Kin.of(fit, link, values[link.table]) for link in _links_to(fit, name, values)]
        codes = _codes(fit, name, kin)
        if codes:
            fit.sample.beside[name] = _texts(codes, fit.sample.around.size(name))
        own = [one for one in kin if one.link.role == "driving"]
        values[name] = _numbers(fit, name, [(k.sets.first(size), k.values) for k in own])


def _links_to(fit: Fit, name: str, known: Collection[str]) -> list[Link]:
    """Return the keys to a table whose children have something in common, driving ones first."""
    plan = fit.sample.plan
    links = [plan.tables[child].link(key) for child, key in plan.tables[name].children]
    further = [
        link
        for child in plan.order
        for link in plan.tables[child].of("free")
        if link.key.parent == name
    ]
    return [link for link in (*links, *further) if link.table in known]


@dataclass(frozen=True)
class _Kin:
    """The children over one key.

    Attributes
    ----------
    link : Link
    values : RowValues
        What they are, beside what their parents are.
    owners : ndarray of int64
        Each one's parent row, of the sample that is closed under all keys; -1 for none.
    sets : ChildSets
        Of these parents.
    """

    link: Link
    values: RowValues
    owners: IntArray
    sets: ChildSets

    @classmethod
    def of(cls, fit: Fit, link: Link, numbers: _Numbers) -> _Kin:
        """Take the children of the sample over a key."""
        values, around = numbers.but(link.label), fit.sample.around
        owners = fit.sample.parents_around(link.table, link.key)
        sets = ChildSets.of(values.scaled, owners, around.size(link.key.parent))
        return cls(link, values, owners, sets)


def _codes(fit: Fit, name: str, kin: list[_Kin]) -> dict[str, IntArray]:
    """Return the codes of one table's rows, (rows, codes), by the label of the key."""
    found: dict[str, IntArray] = {}
    told = _told(fit, name) if kin else np.zeros((0, 0))
    for one in kin:
        driving = one.link.role == "driving"
        size = fit.sample.size(name) if driving else fit.sample.around.size(name)
        codes = children_codes(
            one.values.scaled,
            one.owners,
            told[:size],
            [other.sets.first(size) for other in kin if other is not one],
            entities=fit.entities.of(name) if driving else fit.entities.around(name),
            k=fit.k,
            seed=seeds.sequence(fit.options.seed, name, one.link.label, "children"),
        )
        if codes is not None:
            found[one.link.label] = codes
            log.info(
                "children_summarised", key=one.link.label, codes=(codes.max(axis=0) + 1).tolist()
            )
    return found


@dataclass(frozen=True)
class RowValues:
    """Rows as numbers, by rank, and flags.

    Attributes
    ----------
    values : ndarray of float, shape (rows, numbers)
        Of mean 0.
    column : ndarray of int64, shape (numbers,)
        The column that each is of: a text has several.
    """

    values: Floats
    column: IntArray

    @classmethod
    def of(cls, rows: pa.Table, features: Features) -> RowValues:
        """Read columns of rows."""
        values = features(rows)
        ranks = [np.unique(v, return_inverse=True)[1].reshape(-1) for v in values.T]
        named = [*features.numbers, *(name for name, _ in features.flags)]
        column = np.unique(np.array(named, dtype=str), return_inverse=True)[1].reshape(-1)
        return cls.centred(np.stack(ranks, axis=1) if ranks else values, column)

    @classmethod
    def centred(cls, values: Floats, column: IntArray) -> RowValues:
        """Take what varies."""
        off = values - values.mean(axis=0) if len(values) else values
        varies = off.any(axis=0)
        return cls(off[:, varies], column[varies])

    def beside(self, other: RowValues) -> RowValues:
        """Return the numbers of both."""
        column = other.column + self.column.max(initial=-1) + 1
        return RowValues(
            np.concatenate([self.values, other.values], axis=1), np.r_[self.column, column]
        )

    @cached_property
    def scaled(self) -> Floats:
        """The numbers so that each column varies as much as any other, and all by 1."""
        names, at = np.unique(self.column, return_inverse=True)
        spread = np.bincount(at.reshape(-1), weights=self.values.var(axis=0), minlength=len(names))
        spread[spread == 0.0] = 1.0  # of what never varies
        return np.asarray(self.values / np.sqrt(spread[at.reshape(-1)] * max(len(names), 1)))


@dataclass(frozen=True)
class _Numbers:
    """A table's rows as numbers: what they are, whom they refer to, and their children.

    Attributes
    ----------
    own, children : RowValues
    referred : dict of str to RowValues
        By the label of each further key.
    """

    own: RowValues
    children: RowValues
    referred: Mapping[str, RowValues]

    def but(self, label: str) -> RowValues:
        """Return all numbers, but for those of the parents over a key."""
        found = self.own
        for other, values in self.referred.items():
            found = found if other == label else found.beside(values)
        return found.beside(self.children)


def _numbers(fit: Fit, name: str, driven: list[tuple[ChildSets, RowValues]]) -> _Numbers:
    """Return a table's rows as numbers."""
    sample, table = fit.sample, fit.database.tables[name]

    def values(rows: pa.Table) -> RowValues:
        if not rows.num_columns or not len(rows):
            return RowValues(np.zeros((sample.size(name), 0)), np.zeros(0, np.int64))
        return RowValues.of(rows, Features.of(rows, fit.entities.of(name), fit.k))

    rows = sample.tables[name].select(list(table.roles.attributes))
    for child, key in sample.incoming(name):
        rows = hstack(rows, pa.table({fan_out_column(child, key): sample.child_counts(child, key)}))
    children = values(pa.table({}))
    for sets, theirs in driven:
        children = children.beside(RowValues.centred(sets.mean, theirs.column))
    referred = _referred(fit, name, sample.size(name))
    return _Numbers(values(rows), children, {n: values(t) for n, t in referred.items()})


def _referred(fit: Fit, name: str, rows: int) -> dict[str, pa.Table]:
    """Return the columns of the parents over further keys, by label.

    Of the first rows of the sample that is closed under all keys.
    """
    found, around = dict[str, pa.Table](), fit.sample.around
    for link in fit.sample.plan.tables[name].of("free", "grouped"):
        key = link.key
        if key.parent == name:
            continue
        columns = list(fit.database.tables[key.parent].roles.attributes)
        theirs = around.take(key.parent, columns, around.parent_rows(name, key)[:rows])
        found[link.label] = theirs.rename_columns([f"{link.label}.{c}" for c in columns])
    return found


def _told(fit: Fit, name: str) -> Floats:
    """Return what rows and their ancestors tell before there are children, as numbers.

    Of the rows of the sample that is closed under all keys.
    """
    sample, plan, tables = fit.sample, fit.sample.plan, fit.database.tables
    names = [
        f"{n}.{column}"
        for n in (name, *plan.tables[name].ancestors)
        for column in tables[n].roles.attributes
        if column not in fit.summed(n)
    ]
    everyone = np.arange(sample.around.size(name), dtype=np.int64)
    owners = [sample.parents_around(child, key) for child, key in sample.incoming(name)]
    counts = [np.bincount(at[at >= 0], minlength=len(everyone)) for at in owners]
    own = np.stack(counts, axis=1).astype(np.float64)
    rows = ancestor_columns(sample.around, plan, name, everyone, names) if names else pa.table({})
    for theirs in _referred(fit, name, len(everyone)).values():
        rows = hstack(rows, theirs)
    if not rows.num_columns:
        return own
    return np.column_stack([own, Features.of(rows, fit.entities.around(name), fit.k)(rows)])


def codes_of(fit: Fit, name: str) -> pa.Table:
    """Return all codes of rows, as ``table.column``, of the sample that is closed under all keys.

    What is there only since others refer to it has none over driving keys.
    """
    codes = fit.sample.beside.get(name, pa.table({}))
    return codes.rename_columns([f"{name}.{column}" for column in codes.column_names])


def codes_above(fit: Fit, name: str) -> pa.Table:
    """Return the codes of rows and of their driving ancestors, as ``table.column``."""
    sample, plan = fit.sample, fit.sample.plan
    names = [c for n in (name, *plan.tables[name].ancestors) for c in codes_of(fit, n).column_names]
    rows = np.arange(sample.size(name), dtype=np.int64)
    return ancestor_columns(sample, plan, name, rows, names)


def steady_codes(fit: Fit, codes: pa.Table) -> pa.Table:
    """Return the codes, as ``table.column``, behind which there are `SIBLINGS` children or more.

    What two children have in common is mostly what each is by chance. As part of a table that is
    met exactly, chance would come twice.
    """
    few = set()
    for child, key in fit.sample.metadata.foreign_keys():
        counts = fit.sample.child_counts(child, key)
        if counts.sum() < SIBLINGS * np.count_nonzero(counts):
            few |= {
                f"{key.parent}.{name}"
                for name in (children_column(key.label(child), n) for n in range(1, MOST_TREES + 1))
            }
    return codes.select([name for name in codes.column_names if name not in few])


def children_columns(fit: Fit, name: str) -> Modelled:
    """Return the codes of a table's rows as columns of text: they are categories, not numbers."""
    codes = fit.sample.beside.get(name, pa.table({})).slice(0, fit.sample.size(name))
    columns = {
        column: Column(name=column, kind=ColumnKind.CATEGORICAL, arrow="string")
        for column in codes.column_names
    }
    return Modelled(codes, columns)


def _texts(codes: Mapping[str, IntArray], rows: int) -> pa.Table:
    """Return the codes of one table as columns; NULL behind the rows that have any."""
    found = dict[str, pa.Array]()
    for label, own in codes.items():
        for number, column in enumerate(own.T, start=1):
            known = pa.array(column).cast(pa.string())
            behind = pa.nulls(rows - len(known), pa.string())
            found[children_column(label, number)] = pa.concat_arrays([known, behind])
    return pa.table(found)
