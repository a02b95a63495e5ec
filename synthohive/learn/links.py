"""What is learned of the foreign keys of a table: degrees, hierarchies, associations."""

from __future__ import annotations

from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive._logging import get_logger
from synthohive.derive.columns import Columns
from synthohive.derive.presence import Presence, nulls_by_category
from synthohive.derive.program import Program
from synthohive.learn.fit_context import Fit
from synthohive.learn.fitted import FittedKey, FittedTable
from synthohive.link.association import PairShares
from synthohive.link.hierarchy import HierarchyModel
from synthohive.link.joint_degrees import JointCounts
from synthohive.link.parent_codes import ParentCodes
from synthohive.privacy.entities import Entities
from synthohive.schema import ForeignKey
from synthohive.tables import random_streams as seeds
from synthohive.tables.degrees import FanOutModel

__all__ = ["fitted_key", "hierarchies", "joint_counts", "learn_codes", "learn_pairs", "roots"]

log = get_logger(__name__)
LEAST_LINKED = 30
"""Rows with a parent that tell what holds in a hierarchy."""
MOST_READ = 0.8
"""Share of their children that parents have in the sample at least, to count these."""


def fitted_key(fit: Fit, name: str, key: ForeignKey) -> FittedKey:
    """Return what is known of a key from the full tables: children per parent, and its NULLs.

    Parameters
    ----------
    fit : Fit
    name : str
        The child table.
    key : ForeignKey
        One of its keys.

    Returns
    -------
    FittedKey
        Its share of NULLs, 0 to 1, counts rows without their parent, too, where any is NULL.
    """
    facts, count = fit.fan_outs[key.label(name)], max(fit.whole.size(name), 1)
    alone = facts.nulls + facts.orphans if facts.nulls else 0  # as NULL, where that is known
    method = fit.sample.metadata.tables[name].linkage_method
    k = fit.k if fit.entities.may_be(key.parent) else 1
    fan_out = FanOutModel.fit(facts.histogram, method=method, k=k)
    return FittedKey(fan_out, alone / count)


def joint_counts(
    fit: Fit, name: str, attributes: pa.Table, entities: Optional[Entities]
) -> JointCounts:
    """Learn how numbers of children go together, over keys whose children were all read.

    Parameters
    ----------
    fit : Fit
    name : str
        The parent table.
    attributes : pyarrow.Table
        What is modelled of its rows. Columns that follow from children, and structural ones
        (``__…``), are passed over.
    entities : Entities, optional
        Those behind the rows.
    """
    counts: dict[str, IntArray] = {}
    for child, key in fit.sample.incoming(name):
        label, children = key.label(child), fit.sample.child_counts(child, key)
        mean = FanOutModel.fit(fit.fan_outs[label].histogram, k=1).mean
        if children.any() and children.mean() > MOST_READ * mean:
            counts[label] = children
    out = {*fit.summed(name), *(c for c in attributes.column_names if c.startswith("__"))}
    rows = attributes.select([c for c in attributes.column_names if c not in out])
    return JointCounts.fit(rows, counts, entities, fit.k)


def hierarchies(fit: Fit, name: str, table: FittedTable) -> dict[str, IntArray]:
    """Learn the references of a table to itself; return each row's depth in each.

    Parameters
    ----------
    fit : Fit
    name : str
    table : FittedTable
        Gets the models, by label of the key.

    Returns
    -------
    dict of str to ndarray of int64, shape (rows,)
        By label of the key.
    """
    depths = {}
    for key in fit.sample.plan.tables[name].keys("self"):
        parents, label = fit.sample.parent_rows(name, key), key.label(name)
        depths[label], model = HierarchyModel.fit(parents, k=fit.k)
        linked = np.flatnonzero(fit.sample.others(name, key) >= 0)
        if fit.options.relations and len(linked) >= LEAST_LINKED:
            _order_of(fit, name, key, model, parents, linked)
        table.hierarchies[label] = model
    return depths


def _order_of(
    fit: Fit,
    name: str,
    key: ForeignKey,
    model: HierarchyModel,
    parents: IntArray,
    linked: IntArray,
) -> None:
    """Find whether parents stand before their children, and over which key they are alike."""
    numbers = fit.sample.tables[name].select(key.parent_columns).column(0)
    if len(key.columns) == 1 and pa.types.is_integer(numbers.type):
        order = numbers.to_numpy()
        model.earlier = bool((order[parents[linked]] < order[linked]).all())
    plan = fit.sample.plan.tables[name]
    for other in plan.keys("driving", "free", "grouped"):
        theirs = fit.sample.parent_rows(name, other)
        pairs = theirs[linked], theirs[parents[linked]]
        shares = np.unique(pairs[0], return_counts=True)[1] / len(linked)
        proven = len(linked) * (1.0 - float(shares @ shares)) >= LEAST_LINKED
        if proven and (pairs[0] >= 0).all() and (pairs[0] == pairs[1]).all():
            model.within = other.label(name)
            break


def roots(fit: Fit, table: FittedTable, key: ForeignKey) -> Optional[Presence]:
    """Find whether a category, or a row of a look-up table that is kept, decides on NULL.

    Parameters
    ----------
    fit : Fit
    table : FittedTable
    key : ForeignKey
        One to the table itself.

    Returns
    -------
    Presence or None
        None where nothing decides, and for a key of several columns.
    """
    if len(key.columns) > 1:
        return None
    name, tables = table.config.name, fit.database.tables
    sources = [
        fk.columns[0]
        for fk in table.config.foreign_keys
        if fk.parent in tables and fk.parent_columns[0] in tables[fk.parent].kept
    ]
    later = fit.summed(name) | {t for found in table.linked.values() for t in found.targets}
    for relation in table.program.derivations:  # what follows from parents is not there by then
        later |= {relation.target} if later & set(relation.needs) else set()
    sources += [c for c in table.roles.attributes if c not in later]
    names = dict.fromkeys([key.columns[0], *sources])
    rows = fit.sample.tables[name].select(list(names))
    columns = Columns(rows, names, fit.entities.of(name), fit.k)
    found = nulls_by_category(columns, key.columns[0])
    if found is not None and table.rows > len(rows):
        found = found.narrowed(fit.whole.columns(name, [found.target, found.source]))
    if found is not None:
        log.info("relation_found", table=name, relation=str(found))
    return found


def learn_codes(fit: Fit, table: FittedTable, key: ForeignKey, rows: pa.Table) -> None:
    """Learn what the children over a further key have in common with their parents.

    Parameters
    ----------
    fit : Fit
    table : FittedTable
        Gets the codes, by label of the key, if parents tell anything of their children.
    key : ForeignKey
        One over which parents are chosen, or to the table itself.
    rows : pyarrow.Table
        What is known of the children before their parents: a row for each of the sample's.
    """
    name, tables = table.config.name, fit.database.tables
    parent = table if key.parent == name else tables.get(key.parent)
    if parent is None or not rows.num_columns:
        return
    parents, inherited = fit.parents_of(key.parent, table), []
    if key.parent == name and key.label(name) in table.linked:
        targets = table.linked[key.label(name)].targets  # copied, so need no choice
        inherited = [c for c in targets if c in table.attributes]
        parents = parents.drop_columns([f"{name}.{c}" for c in inherited])
    codes = ParentCodes.fit(
        parents,
        rows.drop_columns([*inherited, *table.times]),
        fit.sample.others(name, key),
        kept=parent.reference is not None,
        k=fit.k,
        seed=seeds.sequence(fit.options.seed, name, key.label(name), "codes"),
        entities=fit.entities.of(key.parent),
    )
    if codes is not None:
        table.codes[key.label(name)] = codes


def learn_pairs(
    fit: Fit, table: FittedTable, key: ForeignKey, rows: pa.Table, entities: Optional[Entities]
) -> None:
    """Learn how rows go together with their parents over a further key.

    Parameters
    ----------
    fit : Fit
    table : FittedTable
        Gets the shares, by label of the key, if any differ from independence.
    key : ForeignKey
        One over which parents are chosen, or to the table itself.
    rows : pyarrow.Table
        What is known of the children before their parents: a row for each of the sample's.
    entities : Entities, optional
        Those behind the children.
    """
    name, label = table.config.name, key.label(table.config.name)
    if key.parent not in {*fit.database.tables, name} or not rows.num_columns:
        return
    copied = table.linked.get(label, Program()).targets
    free = [c for c in rows.column_names if c not in {*copied, *fit.summed(name)}]
    shares = PairShares.fit(
        rows.select(free),
        fit.parents_of(key.parent, table),
        fit.sample.others(name, key),
        (entities, fit.entities.of(key.parent)),
        fit.k,
    )
    if shares is not None:
        table.pair_shares[label] = shares
