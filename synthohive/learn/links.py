"""What is learned of the foreign keys of a table: degrees, hierarchies, associations."""

from __future__ import annotations

from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive._logging import get_logger
from synthohive.derive.columns import Columns, spaced
from synthohive.derive.presence import Presence, nulls_by_category
from synthohive.derive.program import Program
from synthohive.derive.verification import AllRows
from synthohive.learn.children import children_columns, codes_above, codes_of, steady_codes
from synthohive.learn.fit_context import Fit
from synthohive.learn.fitted import FittedKey, FittedTable
from synthohive.link.association import PairShares
from synthohive.link.hierarchy import HierarchyModel
from synthohive.link.joint_degrees import JointCounts
from synthohive.link.parent_codes import ParentCodes
from synthohive.schema import ForeignKey
from synthohive.schema.plan import Link
from synthohive.tables import random_streams as seeds
from synthohive.tables.ancestors import hstack
from synthohive.tables.degrees import FanOutModel
from synthohive.tables.joins import match_rows

__all__ = ["counted_keys", "hierarchies", "joint_counts", "learn_key"]

log = get_logger(__name__)
LEAST_LINKED = 30
"""Rows with a parent that tell what holds in a hierarchy."""
MOST_COUNTED = 5_000
"""Rows of a hierarchy of which the children are counted, where these were not all read."""
COUNTED_AT_ONCE = 1_000
MOST_READ = 0.8
"""Share of their children that parents have in the sample at least, to count these."""


def counted_keys(fit: Fit, name: str) -> dict[str, FittedKey]:
    """Return the keys of a table with what the full tables tell: children per parent, and NULLs.

    Where any row has a NULL, rows without their parent count as such, too.
    """
    found, count = {}, max(fit.whole.size(name), 1)
    method = fit.sample.metadata.tables[name].linkage_method
    for link in fit.sample.plan.tables[name].links:
        facts = fit.fan_outs[link.label]
        # Orphans get no parent in the copy; where NULL is known, that is what they become.
        alone = facts.nulls + facts.orphans if facts.nulls else 0
        # The most active parents are blurred where they may be persons, not those of countries.
        k = fit.k if fit.entities.may_be(link.key.parent) else 1
        fan_out = FanOutModel.fit(facts.histogram, method=method, k=k)
        found[link.label] = FittedKey(fan_out, alone / count)
    return found


def joint_counts(fit: Fit, name: str, attributes: pa.Table) -> JointCounts:
    """Learn how numbers of children go together, over keys whose children were all read.

    Parameters
    ----------
    fit : Fit
    name : str
        The parent table.
    attributes : pyarrow.Table
        What is modelled of its rows. Columns that follow from children, and structural ones
        (``__…``), are passed over; codes of what children have in common count.
    """
    counts: dict[str, IntArray] = {}
    for child, key in fit.sample.incoming(name):
        label, children = key.label(child), fit.sample.child_counts(child, key)
        # Parents of which only some children were read would teach too small numbers.
        mean = FanOutModel.fit(fit.fan_outs[label].histogram, k=1).mean
        if children.any() and children.mean() > MOST_READ * mean:
            counts[label] = children
    out = {*fit.summed(name), *(c for c in attributes.column_names if c.startswith("__"))}
    rows = attributes.select([c for c in attributes.column_names if c not in out])
    rows = hstack(children_columns(fit, name).rows, rows)
    return JointCounts.fit(rows, counts, fit.entities.of(name), fit.k)


def hierarchies(fit: Fit, table: FittedTable) -> dict[str, IntArray]:
    """Learn the references of a table to itself; return each row's depth in each, by label."""
    depths, name = {}, table.config.name
    for link in fit.sample.plan.tables[name].of("self"):
        parents = fit.sample.around.parent_rows(name, link.key)
        counted = _children_of_some(fit, name, link.key)
        depth, model = HierarchyModel.fit(parents, k=fit.k, counted=counted)
        depths[link.label] = depth[: fit.sample.size(name)]
        linked = np.flatnonzero(fit.sample.others_around(name, link.key) >= 0)
        if fit.options.relations and len(linked) >= LEAST_LINKED:
            _order_of(fit, name, link.key, model, parents, linked)
        table.keys[link.label].hierarchy = model
    return depths


def _children_of_some(fit: Fit, name: str, key: ForeignKey) -> Optional[tuple[IntArray, IntArray]]:
    """Return rows, and how many children each has; None where the sample has all of them."""
    if fit.whole.in_sample(name):
        return None
    rows = fit.sample.columns(name, key.parent_columns)
    some = spaced(len(rows), MOST_COUNTED)
    counts = -(fit.sample.parents_around(name, key)[some] == some).astype(np.int64)  # not itself
    for start in range(0, len(some), COUNTED_AT_ONCE):
        asked = rows.take(pa.array(some[start : start + COUNTED_AT_ONCE]))
        for children in fit.whole.children(name, key.columns, key, asked):
            at = match_rows(children, key.columns, asked, key.parent_columns)
            own = np.bincount(at[at >= 0], minlength=len(asked))
            counts[start : start + COUNTED_AT_ONCE] += own
    return some, counts


def _order_of(
    fit: Fit,
    name: str,
    key: ForeignKey,
    model: HierarchyModel,
    parents: IntArray,
    linked: IntArray,
) -> None:
    """Find whether parents stand before their children, and over which key they are alike."""
    around = fit.sample.around
    numbers = around.columns(name, key.parent_columns).column(0)
    if len(key.columns) == 1 and pa.types.is_integer(numbers.type):
        order = numbers.to_numpy()
        model.earlier = bool((order[parents[linked]] < order[linked]).all())
    plan = fit.sample.plan.tables[name]
    for other in plan.keys("driving", "free", "grouped"):
        theirs = around.parent_rows(name, other)
        pairs = theirs[linked], theirs[parents[linked]]
        shares = np.unique(pairs[0], return_counts=True)[1] / len(linked)
        # Rows times the chance that two rows differ in it: occasions to be broken by chance.
        proven = len(linked) * (1.0 - float(shares @ shares)) >= LEAST_LINKED
        if proven and (pairs[0] >= 0).all() and (pairs[0] == pairs[1]).all():
            model.within = other.label(name)
            break


def learn_key(fit: Fit, table: FittedTable, link: Link, rows: pa.Table) -> None:
    """Learn by what children choose their parents over a key: codes, and what goes together.

    Parameters
    ----------
    fit : Fit
    table : FittedTable
        What follows from parents is known by now; its key gets the rest.
    link : Link
        One over which parents are chosen, or to the table itself.
    rows : pyarrow.Table
        What is known of the children before their parents: a row for each of the sample's.
    """
    name, key, learned = table.config.name, link.key, table.keys[link.label]
    model = learned.hierarchy
    if model is not None and fit.options.relations and not model.loops and not model.circles:
        model.roots = _roots(fit, table, key)
    tables = {**fit.database.tables, name: table}
    if key.parent not in tables or not rows.num_columns:
        return
    parents, above = fit.parents_of(key.parent, table), codes_above(fit, name)
    if link.role == "free":
        parents = hstack(parents, codes_of(fit, key.parent))
    chosen = fit.sample.others_around(name, key)
    behind, copied = fit.entities.around(key.parent), learned.program.targets
    # What a hierarchy hands down needs no choice, and would hide what does.
    inherited = [c for c in copied if c in table.attributes and key.parent == name]
    learned.codes = ParentCodes.fit(
        parents.drop_columns([f"{name}.{c}" for c in inherited]),
        hstack(rows.drop_columns([*inherited, *table.times]), above),
        chosen,
        kept=tables[key.parent].reference is not None,
        k=fit.k,
        seed=seeds.sequence(fit.options.seed, name, link.label, "codes"),
        entities=behind,
    )
    free = [c for c in rows.column_names if c not in {*copied, *fit.summed(name)}]
    mine = (
        hstack(rows.select(free), steady_codes(fit, above))
        if link.role == "free"
        else rows.select(free)
    )
    both = fit.entities.of(name), behind
    learned.pairs = PairShares.fit(mine, parents, chosen, both, fit.k)


def _roots(fit: Fit, table: FittedTable, key: ForeignKey) -> Optional[Presence]:
    """Find whether a category, or a row of a look-up table that is kept, decides on NULL."""
    if len(key.columns) > 1:
        return None
    name, tables = table.config.name, fit.database.tables
    sources = [
        fk.columns[0]
        for fk in table.config.foreign_keys
        if fk.parent in tables and fk.parent_columns[0] in tables[fk.parent].kept
    ]
    later = fit.summed(name) | table.linked_targets
    for relation in table.program.derivations:  # what follows from parents is not there by then
        later |= {relation.target} if later & set(relation.needs) else set()
    sources += [c for c in table.roles.attributes if c not in later]
    names = dict.fromkeys([key.columns[0], *sources])
    rows = fit.sample.tables[name].select(list(names))
    columns = Columns(rows, names, fit.entities.of(name), fit.k)
    found = nulls_by_category(columns, key.columns[0])
    if found is not None and table.rows > len(rows):
        alone = Program((), {found.target: found})
        kept = AllRows(fit.whole, fit.sample.plan, name).verified(alone)
        found = kept.presences.get(found.target)
    if found is not None:
        log.info("relation_found", table=name, relation=str(found))
    return found
