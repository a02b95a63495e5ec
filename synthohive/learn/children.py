"""What the children of each parent have in common, for all tables, children first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats, IntArray
from synthohive._logging import get_logger
from synthohive.learn.attribute_table import Modelled
from synthohive.learn.fit_context import Fit
from synthohive.link.children_codes import ChildSets, children_codes
from synthohive.link.parent_codes import Features
from synthohive.schema import Column, ColumnKind, ForeignKey
from synthohive.tables import random_streams as seeds
from synthohive.tables.ancestors import ancestor_columns, hstack
from synthohive.tables.roles import children_column, fan_out_column

__all__ = ["children_columns", "codes_above", "find_children_codes"]

log = get_logger(__name__)


def find_children_codes(fit: Fit) -> dict[str, IntArray]:
    """Return the codes of each table's rows, (rows, codes), by the label of a driving key to it.

    Parameters
    ----------
    fit : Fit
        Its database has all tables as they were begun.
    """
    found: dict[str, IntArray] = {}
    plan, tables = fit.sample.plan, fit.database.tables
    values: dict[str, RowValues] = {}
    for name in reversed(plan.order):
        driven = [(c, key) for c, key in plan.tables[name].children if c in values]
        size = fit.sample.size(name)
        if size and tables[name].reference is None:
            owners = [fit.sample.parent_rows(child, key) for child, key in driven]
            sets = [ChildSets.of(values[c].scaled, at, size) for (c, _), at in zip(driven, owners)]
            _add_codes(fit, name, driven, owners, sets, values, found)
            values[name] = _values(fit, name, [(s, values[c]) for (c, _), s in zip(driven, sets)])
    return found


def _add_codes(
    fit: Fit,
    name: str,
    driven: list[tuple[str, ForeignKey]],
    owners: list[IntArray],
    sets: list[ChildSets],
    values: Mapping[str, RowValues],
    found: dict[str, IntArray],
) -> None:
    """Find the codes of one table's rows."""
    told = _told(fit, name) if driven else np.zeros((fit.sample.size(name), 0))
    for i, (child, key) in enumerate(driven):
        label = key.label(child)
        codes = children_codes(
            values[child].scaled,
            owners[i],
            told,
            sets[:i] + sets[i + 1 :],
            entities=fit.entities.of(name),
            k=fit.k,
            seed=seeds.sequence(fit.options.seed, name, label, "children"),
        )
        if codes is not None:
            found[label] = codes
            log.info("children_summarised", key=label, codes=(codes.max(axis=0) + 1).tolist())


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


def _values(fit: Fit, name: str, driven: list[tuple[ChildSets, RowValues]]) -> RowValues:
    """Return a table's rows as numbers: what they are, whom they refer to, and their children."""
    sample, table = fit.sample, fit.database.tables[name]
    rows = sample.tables[name].select(list(table.roles.attributes))
    for child, key in sample.incoming(name):
        rows = hstack(rows, pa.table({fan_out_column(child, key): sample.child_counts(child, key)}))
    rows = hstack(rows, _referred(fit, name))
    found = RowValues(np.zeros((sample.size(name), 0)), np.zeros(0, np.int64))
    if rows.num_columns and len(rows):
        found = RowValues.of(rows, Features.of(rows, fit.entities.of(name), fit.k))
    for sets, theirs in driven:
        found = found.beside(RowValues.centred(sets.mean, theirs.column))
    return found


def _referred(fit: Fit, name: str) -> pa.Table:
    """Return the columns of the parents that rows refer to over further keys."""
    found, around = pa.table({}), fit.sample.around
    for link in fit.sample.plan.tables[name].of("free", "grouped"):
        key = link.key
        if key.parent == name:
            continue
        columns = list(fit.database.tables[key.parent].roles.attributes)
        parents = fit.sample.parents_around(name, key)
        theirs = around.take(key.parent, columns, parents)
        found = hstack(found, theirs.rename_columns([f"{link.label}.{c}" for c in columns]))
    return found


def _told(fit: Fit, name: str) -> Floats:
    """Return what rows and their ancestors tell before there are children, as numbers."""
    sample, plan, tables = fit.sample, fit.sample.plan, fit.database.tables
    names = [
        f"{n}.{column}"
        for n in (name, *plan.tables[name].ancestors)
        for column in tables[n].roles.attributes
        if column not in fit.summed(n)
    ]
    everyone = np.arange(sample.size(name), dtype=np.int64)
    counts = [sample.child_counts(child, key) for child, key in sample.incoming(name)]
    own = np.stack(counts, axis=1).astype(np.float64)
    rows = ancestor_columns(sample, plan, name, everyone, names) if names else pa.table({})
    rows = hstack(rows, _referred(fit, name))
    if not rows.num_columns:
        return own
    return np.column_stack([own, Features.of(rows, fit.entities.of(name), fit.k)(rows)])


def codes_above(fit: Fit, name: str) -> pa.Table:
    """Return the codes of rows and of their driving ancestors, as ``table.column``."""
    sample, plan, found = fit.sample, fit.sample.plan, pa.table({})
    rows = np.arange(sample.size(name), dtype=np.int64)
    for current in (name, *plan.tables[name].ancestors):
        labels = [key.label(child) for child, key in plan.tables[current].children]
        own = children_columns(fit.children, labels).rows
        if own.num_columns:
            theirs = own.take(pa.array(rows, mask=rows < 0))
            names = [f"{current}.{column}" for column in own.column_names]
            found = hstack(found, theirs.rename_columns(names))
        driver = plan.tables[current].driver
        if driver is not None:
            rows = sample.parents_of(current, driver, rows)
    return found


def children_columns(codes: Mapping[str, IntArray], labels: list[str]) -> Modelled:
    """Return codes over some keys as columns of text: they are categories, not numbers."""
    found = Modelled()
    for label in labels:
        for number, own in enumerate(codes[label].T if label in codes else (), start=1):
            name = children_column(label, number)
            column = Column(name=name, kind=ColumnKind.CATEGORICAL, arrow="string")
            rows = pa.table({name: pa.array(own).cast(pa.string())})
            found.add(Modelled(rows, {name: column}))
    return found
