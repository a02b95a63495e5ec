"""Which exact relations hold in a table: found in a sample, verified on all rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive.derive.base import Relation
from synthohive.derive.calendar_search import find_calendar, find_clocks
from synthohive.derive.columns import LEAST_ROWS, Chosen, Columns
from synthohive.derive.composed import find_composed
from synthohive.derive.containing import find_containing
from synthohive.derive.formula import Formula
from synthohive.derive.formula_search import find_linear, find_products, find_sums
from synthohive.derive.level import find_levels
from synthohive.derive.lookup import Lookup
from synthohive.derive.mostly import find_mostly, find_mostly_but_times
from synthohive.derive.pattern_search import (
    find_copies,
    find_lookups,
    find_orders,
)
from synthohive.derive.presence import Presence, find_nulls
from synthohive.derive.table import TableRelations
from synthohive.privacy.entities import Entities
from synthohive.tables.ancestors import hstack
from synthohive.tables.numbers import is_number, nulls

__all__ = ["Search", "discover", "discover_links", "take", "verified"]

Search = Callable[[Columns, Chosen], None]


LINKS: tuple[Search, ...] = (find_copies, find_composed, find_sums, find_linear, find_products)
"""What may follow from a parent over a further key."""


def discover(
    rows: pa.Table,
    targets: Collection[str],
    entities: Optional[Entities] = None,
    k: int = 5,
    stated: Sequence[Relation] = (),
    ordered: Collection[str] = (),
    made_up: Collection[str] = (),
) -> TableRelations:
    """Search a sample of rows for relations.

    What is easiest to explain is looked for first, and each column follows from others
    in one way only.

    Parameters
    ----------
    rows : pyarrow.Table
        The table's columns, and its parent's as ``parent.column``.
    targets : collection of str
        Columns that may follow from others.
    entities : Entities, optional
        Those behind the rows.
    k : int
        Combinations that fewer entities share are not kept.
    stated : sequence of Relation
        What is known beforehand.
    ordered : collection of str
        Columns that follow wholly from no others, but may have an order (dates in a key).
    made_up : collection of str
        Columns of parents with other values in the copy.
    """
    columns = Columns(rows, targets, entities, k)
    chosen = Chosen(columns)
    take(stated)(columns, chosen)
    if len(rows) < LEAST_ROWS:
        return _assembled(chosen.ordered(), {}, columns)
    find_copies(columns, chosen)
    find_composed(columns, chosen)
    find_calendar(columns, chosen)
    find_sums(columns, chosen)
    find_linear(columns, chosen)
    find_products(columns, chosen)
    find_clocks(columns, chosen)
    find_lookups(columns, chosen)
    find_mostly_but_times(columns, chosen)
    find_containing(columns, chosen)
    free = columns.targets
    columns.targets = free + [name for name in rows.column_names if name in ordered]
    find_orders(columns, chosen)
    columns.targets = free
    find_mostly(columns, chosen)
    find_levels(columns, chosen, made_up)
    found = chosen.ordered()
    presences = find_nulls(columns, chosen, _flags(found, columns), ordered, made_up)
    return _assembled(found, presences, columns)


def take(stated: Iterable[Relation]) -> Search:
    """Return the search that finds what is known beforehand."""

    def find(columns: Columns, chosen: Chosen) -> None:
        for relation in stated:
            if relation.target in chosen.free():
                chosen.relations[relation.target] = relation

    return find


def discover_links(
    rows: pa.Table,
    above: pa.Table,
    targets: Collection[str],
    known: Mapping[str, Relation],
    search: Sequence[Search] = LINKS,
) -> TableRelations:
    """Search for columns that follow wholly from those of a parent, perhaps beside others.

    Parameters
    ----------
    rows, above : pyarrow.Table
        The table's columns; those of the parent and its ancestors, as ``table.column``.
    targets : collection of str
        Columns that may follow from others.
    known : mapping of str to Relation
        What other columns follow from; no circle may arise.
    """
    columns = Columns(hstack(rows, above), targets)
    chosen = Chosen(columns)
    chosen.relations.update(known)
    for find in search:
        find(columns, chosen)
    found = [r for r in chosen.ordered() if r.target not in known]
    linked = (r for r in found if not set(r.sources) <= set(rows.column_names))
    return _assembled(tuple(linked), {}, columns)


def _assembled(
    relations: tuple[Relation, ...], presences: dict[str, Presence], columns: Columns
) -> TableRelations:
    flags = _flags(relations, columns)
    ends = {
        r.target: columns.entities.ends(
            columns.numbers(r.target), columns.k, columns.step(r.target)
        )
        for r in relations
        if isinstance(r, Formula) and is_number(columns.type(r.target))
    }
    known = {name: end for name, end in ends.items() if end is not None}
    return TableRelations(relations, presences, flags, known)


def _flags(relations: Iterable[Relation], columns: Columns) -> frozenset[str]:
    """Return the targets that follow wholly from others, and have NULLs that do not."""
    missing = columns.missing
    return frozenset(
        r.target
        for r in relations
        if r.whole and (missing[r.target] & ~np.any([missing[s] for s in r.sources], axis=0)).any()
    )


def verified(found: TableRelations, batches: Iterable[pa.Table]) -> TableRelations:
    """Drop what does not hold in all rows.

    Parameters
    ----------
    batches : iterable of pyarrow.Table
        All rows of the table, with every column that the relations name.
    """
    broken: set[str] = set()
    presences = dict(found.presences)
    combinations: dict[str, pa.Table] = {}
    for rows in batches:
        for relation in found.relations:
            name = relation.target
            if isinstance(relation, Lookup) and relation.exact:
                seen = [combinations[name]] if name in combinations else []
                columns = [*relation.sources, name]
                both = pa.concat_tables([*seen, rows.select(columns)])
                combinations[name] = both.group_by(columns).aggregate([])
            elif not _covers(relation, rows) or relation.violations(rows).any():
                broken.add(name)
        narrowed = {target: rule.narrowed(rows) for target, rule in presences.items()}
        presences = {target: rule for target, rule in narrowed.items() if rule is not None}
    kept = (_as_seen(r, combinations) for r in found.relations if r.target not in broken)
    ends = {name: end for name, end in found.ends.items() if name not in broken}
    return TableRelations(tuple(kept), presences, found.flags - broken, ends)


def _as_seen(relation: Relation, combinations: Mapping[str, pa.Table]) -> Relation:
    """Return a look-up without claiming that it is exact where it is not."""
    rows = combinations.get(relation.target)
    if rows is None or not isinstance(relation, Lookup) or relation.is_function(rows):
        return relation
    return relation.loosened()


def _covers(relation: Relation, rows: pa.Table) -> bool:
    if not relation.sources or not relation.strict:
        return True
    missing = np.any([nulls(rows.column(s)) for s in relation.sources], axis=0)
    return not bool((missing & ~nulls(rows.column(relation.target))).any())
