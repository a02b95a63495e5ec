"""Which derivations hold in a table: found in a sample, verified on all rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats
from synthohive.derive.base import Derivation
from synthohive.derive.columns import LEAST_ROWS, Chosen, Columns
from synthohive.derive.formula import Formula
from synthohive.derive.kinds import LINKS, SEARCHES, Search
from synthohive.derive.monotone import Monotone, find_monotone, pinned_share
from synthohive.derive.mostly import Mostly, confirmed, rule_of
from synthohive.derive.order import Order
from synthohive.derive.presence import Presence, find_nulls
from synthohive.derive.program import Program
from synthohive.derive.residuals import find_residuals
from synthohive.derive.sawtooth import Sawtooth, find_sawteeth
from synthohive.derive.sticky import Sticky, find_sticky
from synthohive.privacy.entities import Entities
from synthohive.tables.ancestors import hstack
from synthohive.tables.numbers import is_number
from synthohive.tables.sampled_groups import SampledGroups

__all__ = ["discover", "discover_links", "take", "verified", "with_moves"]


def discover(columns: Columns, stated: Sequence[Derivation] = ()) -> Program:
    """Search a sample of rows for derivations, beside those that are known beforehand.

    What is easiest to explain is looked for first, and each column follows from others
    in one way only.
    """
    chosen = Chosen(columns)
    take(stated)(columns, chosen)
    enough = len(columns.rows) >= LEAST_ROWS
    for find in SEARCHES if enough else ():
        find(columns, chosen)
    found = chosen.ordered()
    nulls = find_nulls(columns, chosen, _flags(found, columns)) if enough else {}
    return _assembled(found, nulls, columns)


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
    *,
    entities: Optional[Entities] = None,
    k: int = 5,
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
    search : sequence of callable
    entities : Entities, optional
        Those behind the rows; each row is one by default.
    k : int
        Exceptions of fewer entities are not kept.
    """
    columns = Columns(hstack(rows, above), targets, entities, k)
    chosen = Chosen(columns)
    chosen.derivations.update(known)
    for find in search:
        find(columns, chosen)
    found = [r for r in chosen.ordered() if r.target not in known]
    linked = (r for r in found if not set(rule_of(r).needs) <= set(rows.column_names))
    return _assembled(tuple(linked), {}, columns)


def _assembled(
    derivations: Iterable[Derivation], presences: dict[str, Presence], columns: Columns
) -> Program:
    found = tuple(_with_ends(derivation, columns) for derivation in derivations)
    return Program(found, presences, _flags(found, columns))


def _with_ends(derivation: Derivation, columns: Columns) -> Derivation:
    name = derivation.target
    if isinstance(derivation, Mostly):
        return replace(derivation, rule=_with_ends(derivation.rule, columns))
    if not isinstance(derivation, Formula) or not is_number(columns.type(name)):
        return derivation
    ends = columns.entities.ends(columns.numbers(name), columns.k, columns.step(name))
    return replace(derivation, ends=ends)


def _flags(derivations: Iterable[Derivation], columns: Columns) -> frozenset[str]:
    """Return the targets that follow wholly from others, and have NULLs that do not."""
    return frozenset(r.target for r in derivations if r.whole and r.extra_nulls(columns.rows).any())


def with_moves(
    program: Program,
    columns: Columns,
    groups: Optional[SampledGroups],
    *,
    by_gap: bool,
    sorts: Collection[str] = (),
    farthest: Optional[Mapping[str, Floats]] = None,
) -> Program:
    """Return a program with the gaps and differences in which columns are modelled best.

    Parameters
    ----------
    program : Program
    columns : Columns
        What it leaves to model.
    groups : SampledGroups, optional
        They are looked at only if they were read whole.
    by_gap : bool
        The model knows the rows before.
    sorts : collection of str, optional
        The columns that the order of siblings is made of.
    farthest : mapping of str to ndarray of float64, optional
        By column, where the parent of each row says that its group ends.
    """
    monotone: list[Monotone] = []
    if groups is not None and groups.whole:
        monotone = find_monotone(columns, *groups.runs, by_gap=by_gap, sorts=sorts)
        # distances to a column of the parent end where that says; how groups of which only
        # stretches were read begin and end is not known
        ends = {name for name, one in program.by_target.items() if isinstance(one, Order)}
        if groups.stretches is not None:
            ends |= {one.column for one in monotone}
        monotone = [replace(m, spacing=0.0) if m.column in ends else m for m in monotone]
        if groups.stretches is None:
            monotone = [_pinned(one, columns, groups, farthest or {}) for one in monotone]
    rest = set(columns.targets) - {one.column for one in monotone}
    sawteeth: list[Sawtooth] = []
    sticky: list[Sticky] = []
    if groups is not None and groups.whole and by_gap:
        # beside what a column follows from (a part, a distance), its steps mean nothing
        plain = rest - set(program.targets) - set(program.presences)
        sawteeth = find_sawteeth(
            Columns(columns.rows, plain, columns.entities, columns.k), *groups.runs
        )
        rest -= {one.column for one in sawteeth}
        left = Columns(columns.rows, rest, columns.entities, columns.k)
        sticky = find_sticky(left, *groups.runs)
        rest -= {one.column for one in sticky}
    residuals = find_residuals(Columns(columns.rows, rest, columns.entities, columns.k))
    return replace(
        program,
        monotone=tuple(monotone),
        residuals=tuple(residuals),
        sticky=tuple(sticky),
        sawteeth=tuple(sawteeth),
    )


def _pinned(
    one: Monotone, columns: Columns, groups: SampledGroups, farthest: Mapping[str, Floats]
) -> Monotone:
    """Return a column that knows how many of its groups end where their parents say."""
    if one.column not in farthest or not one.by_gap or not one.step or one.clock:
        return one
    said = np.flatnonzero(~np.isnan(farthest[one.column]))
    if columns.entities.take(said).passed(columns.k) is None:
        return one
    values = columns.numbers(one.column)
    return replace(one, pinned=pinned_share(values, farthest[one.column], *groups.runs))


def verified(found: Program, batches: Iterable[pa.Table]) -> Program:
    """Drop what does not hold in all rows, or in nearly all.

    Parameters
    ----------
    batches : iterable of pyarrow.Table
        All rows of the table, with every column that the derivations name.
    """
    count, broken = 0, dict.fromkeys(found.targets, 0)
    presences = dict(found.presences)
    for rows in batches:
        count += len(rows)
        for derivation in found.derivations:
            broken[derivation.target] += int(rule_of(derivation).broken(rows).sum())
        narrowed = {target: rule.narrowed(rows) for target, rule in presences.items()}
        presences = {target: rule for target, rule in narrowed.items() if rule is not None}
    seen = (confirmed(one, broken[one.target], count) for one in found.derivations)
    kept = tuple(one for one in seen if one is not None)
    lost = set(found.targets) - {one.target for one in kept}
    return replace(found.without(lost), derivations=kept, presences=presences)
