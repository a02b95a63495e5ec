"""What the children of each parent have in common, for all tables, children first."""

from __future__ import annotations

from collections.abc import Mapping

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

__all__ = ["children_columns", "find_children_codes"]

log = get_logger(__name__)


def find_children_codes(fit: Fit) -> dict[str, IntArray]:
    """Return the codes of each table's rows over the driving keys of others, by label.

    Parameters
    ----------
    fit : Fit
        Its database has all tables as they were begun.
    """
    found: dict[str, IntArray] = {}
    plan, tables = fit.sample.plan, fit.database.tables
    values: dict[str, Floats] = {}
    for name in reversed(plan.order):
        driven = [(c, key) for c, key in plan.tables[name].children if c in values]
        if tables[name].reference is None:
            _add_codes(fit, name, driven, values, found)
            values[name] = _values(fit, name, found)
    return found


def _add_codes(
    fit: Fit,
    name: str,
    driven: list[tuple[str, ForeignKey]],
    values: Mapping[str, Floats],
    found: dict[str, IntArray],
) -> None:
    """Find the codes of one table's rows."""
    sample, size = fit.sample, fit.sample.size(name)
    owners = [sample.parent_rows(child, key) for child, key in driven]
    sets = [ChildSets.of(values[child], at, size) for (child, _), at in zip(driven, owners)]
    told = _told(fit, name) if driven else np.zeros((size, 0))
    for i, (child, key) in enumerate(driven):
        label = key.label(child)
        codes = children_codes(
            values[child],
            owners[i],
            told,
            sets[:i] + sets[i + 1 :],
            entities=fit.entities.of(name),
            k=fit.k,
            seed=seeds.sequence(fit.options.seed, name, label, "children"),
        )
        if codes is not None:
            found[label] = codes
            log.info("children_summarised", key=label, codes=int(codes.max()) + 1)


def _values(fit: Fit, name: str, codes: Mapping[str, IntArray]) -> Floats:
    """Return a table's rows as numbers, with what their own children are like."""
    sample, table = fit.sample, fit.database.tables[name]
    rows = sample.tables[name].select(list(table.roles.attributes))
    for child, key in sample.incoming(name):
        label, counts = key.label(child), sample.child_counts(child, key)
        rows = hstack(rows, pa.table({fan_out_column(child, key): counts}))
        if label in codes:
            rows = hstack(rows, children_columns(codes, [label]).rows)
    if not rows.num_columns or not len(rows):
        return np.zeros((sample.size(name), 0))
    return _weighed(Features.of(rows, fit.entities.of(name), fit.k), rows)


def _weighed(features: Features, rows: pa.Table) -> Floats:
    """Return numbers by rank, and flags; each column of the table varies as much as any other."""
    values = features(rows)
    ranks = [np.unique(v, return_inverse=True)[1].reshape(-1) for v in values.T]
    columns = [*features.numbers, *(name for name, _ in features.flags)]
    found: list[Floats] = []
    for name in features.columns:
        own = np.stack([r for r, one in zip(ranks, columns) if one == name], axis=1)
        spread = np.sqrt(own.var(axis=0).sum())
        found += [(own - own.mean(axis=0)) / spread] if spread > 0 else []
    if not found:
        return np.zeros((len(rows), 0))
    return np.asarray(np.concatenate(found, axis=1) / np.sqrt(len(found)))


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
    if not names:
        return own
    rows = ancestor_columns(sample, plan, name, everyone, names)
    return np.column_stack([own, Features.of(rows, fit.entities.of(name), fit.k)(rows)])


def children_columns(codes: Mapping[str, IntArray], labels: list[str]) -> Modelled:
    """Return codes over some keys as columns of text: they are categories, not numbers."""
    found = Modelled()
    for label in labels:
        if label in codes:
            name = children_column(label)
            column = Column(name=name, kind=ColumnKind.CATEGORICAL, arrow="string")
            rows = pa.table({name: pa.array(codes[label]).cast(pa.string())})
            found.add(Modelled(rows, {name: column}))
    return found
