"""Which derivations hold in a table: found in a sample, verified on all rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive.derive.base import Derivation
from synthohive.derive.columns import LEAST_ROWS, Chosen, Columns
from synthohive.derive.formula import Formula
from synthohive.derive.kinds import LINKS, SEARCHES, Search
from synthohive.derive.lookup import Lookup
from synthohive.derive.monotone import Monotone, find_monotone
from synthohive.derive.presence import Presence, find_nulls
from synthohive.derive.program import Program
from synthohive.derive.residuals import find_residuals
from synthohive.privacy.entities import Entities
from synthohive.tables.ancestors import hstack
from synthohive.tables.numbers import is_number, nulls
from synthohive.tables.sampled_groups import SampledGroups

__all__ = ["discover", "discover_links", "take", "verified", "with_moves"]


def discover(
    rows: pa.Table,
    targets: Collection[str],
    entities: Optional[Entities] = None,
    k: int = 5,
    stated: Sequence[Derivation] = (),
    ordered: Collection[str] = (),
    made_up: Collection[str] = (),
) -> Program:
    """Search a sample of rows for derivations.

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
    stated : sequence of Derivation
        What is known beforehand.
    ordered : collection of str
        Columns that follow wholly from no others, but may have an order (dates in a key).
    made_up : collection of str
        Columns of parents with other values in the copy.
    """
    columns = Columns(rows, targets, entities, k, ordered, made_up)
    chosen = Chosen(columns)
    take(stated)(columns, chosen)
    if len(rows) < LEAST_ROWS:
        return _assembled(chosen.ordered(), {}, columns)
    for find in SEARCHES:
        find(columns, chosen)
    found = chosen.ordered()
    return _assembled(found, find_nulls(columns, chosen, _flags(found, columns)), columns)


def take(stated: Iterable[Derivation]) -> Search:
    """Return the search that finds what is known beforehand."""

    def find(columns: Columns, chosen: Chosen) -> None:
        for derivation in stated:
            if derivation.target in chosen.free():
                chosen.derivations[derivation.target] = derivation

    return find


def discover_links(
    rows: pa.Table,
    above: pa.Table,
    targets: Collection[str],
    known: Mapping[str, Derivation],
    search: Sequence[Search] = LINKS,
) -> Program:
    """Search for columns that follow wholly from those of a parent, perhaps beside others.

    Parameters
    ----------
    rows, above : pyarrow.Table
        The table's columns; those of the parent and its ancestors, as ``table.column``.
    targets : collection of str
        Columns that may follow from others.
    known : mapping of str to Derivation
        What other columns follow from; no circle may arise.
    """
    columns = Columns(hstack(rows, above), targets)
    chosen = Chosen(columns)
    chosen.derivations.update(known)
    for find in search:
        find(columns, chosen)
    found = [r for r in chosen.ordered() if r.target not in known]
    linked = (r for r in found if not set(r.needs) <= set(rows.column_names))
    return _assembled(tuple(linked), {}, columns)


def _assembled(
    derivations: tuple[Derivation, ...], presences: dict[str, Presence], columns: Columns
) -> Program:
    flags = _flags(derivations, columns)
    # A sum or product of drawn numbers may lie where no real one does: these are its bounds.
    ends = {
        r.target: columns.entities.ends(
            columns.numbers(r.target), columns.k, columns.step(r.target)
        )
        for r in derivations
        if isinstance(r, Formula) and is_number(columns.type(r.target))
    }
    known = {name: end for name, end in ends.items() if end is not None}
    return Program(derivations, presences, flags, known)


def _flags(derivations: Iterable[Derivation], columns: Columns) -> frozenset[str]:
    """Return the targets that follow wholly from others, and have NULLs that do not."""
    missing = columns.missing
    return frozenset(
        r.target
        for r in derivations
        if r.whole and (missing[r.target] & ~np.any([missing[s] for s in r.needs], axis=0)).any()
    )


def with_moves(
    program: Program,
    rows: pa.Table,
    names: Sequence[str],
    groups: Optional[SampledGroups],
    k: int,
    entities: Optional[Entities] = None,
    *,
    by_gap: bool,
) -> Program:
    """Return a program with the gaps and differences in which columns are modelled best.

    Parameters
    ----------
    rows : pyarrow.Table
        What the program leaves to model.
    names : sequence of str
        The columns to look at.
    groups : SampledGroups, optional
        They are looked at only if they were read whole.
    k : int
        Extremes of fewer entities are not kept.
    entities : Entities, optional
        Those behind the rows.
    by_gap : bool
        The model knows the rows before.
    """
    monotone: list[Monotone] = []
    if groups is not None and groups.whole:
        order = groups.parents, groups.positions
        monotone = find_monotone(rows, names, *order, k, entities, by_gap=by_gap)
    taken = {one.column for one in monotone}
    rest = [name for name in names if name not in taken]
    residuals = find_residuals(rows, rest, k, entities)
    return replace(program, monotone=tuple(monotone), residuals=tuple(residuals))


def verified(found: Program, batches: Iterable[pa.Table]) -> Program:
    """Drop what does not hold in all rows.

    Parameters
    ----------
    batches : iterable of pyarrow.Table
        All rows of the table, with every column that the derivations name.
    """
    broken: set[str] = set()
    presences = dict(found.presences)
    combinations: dict[str, pa.Table] = {}
    for rows in batches:
        for derivation in found.derivations:
            name = derivation.target
            if isinstance(derivation, Lookup) and derivation.exact:
                # Two blocks may contradict each other: all rows together show if it is a function.
                seen = [combinations[name]] if name in combinations else []
                columns = [*derivation.needs, name]
                both = pa.concat_tables([*seen, rows.select(columns)])
                combinations[name] = both.group_by(columns).aggregate([])
            elif not _covers(derivation, rows) or derivation.violations(rows).any():
                broken.add(name)
        narrowed = {target: rule.narrowed(rows) for target, rule in presences.items()}
        presences = {target: rule for target, rule in narrowed.items() if rule is not None}
    kept = (_as_seen(r, combinations) for r in found.derivations if r.target not in broken)
    ends = {name: end for name, end in found.ends.items() if name not in broken}
    return Program(tuple(kept), presences, found.flags - broken, ends)


def _as_seen(derivation: Derivation, combinations: Mapping[str, pa.Table]) -> Derivation:
    """Return a look-up without claiming that it is exact where it is not."""
    rows = combinations.get(derivation.target)
    if rows is None or not isinstance(derivation, Lookup) or derivation.is_function(rows):
        return derivation
    return derivation.loosened()


def _covers(derivation: Derivation, rows: pa.Table) -> bool:
    if not derivation.needs or not derivation.strict:
        return True
    missing = np.any([nulls(rows.column(s)) for s in derivation.needs], axis=0)
    return not bool((missing & ~nulls(rows.column(derivation.target))).any())
