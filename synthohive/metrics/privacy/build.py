"""All privacy figures of a synthetic copy."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Optional

import pyarrow as pa

from synthohive.metrics.encode import view_of
from synthohive.metrics.harmonise import Tables
from synthohive.metrics.privacy.attacks import inferred, linked, singled_out
from synthohive.metrics.privacy.disclosure import disclosed
from synthohive.metrics.privacy.entities import Database, Drivers
from synthohive.metrics.privacy.membership import by_density, by_distance
from synthohive.metrics.privacy.model import Attack, EntityPrivacy, Membership, PrivacyReport
from synthohive.metrics.privacy.nearness import copies, nearer, ratio, to_training
from synthohive.metrics.privacy.sides import LEAST, Sides
from synthohive.schema import Column, Metadata

__all__ = ["privacy_report"]

SECRETS = 12
"""Columns that are inferred, of each entity."""
KEYS = 3
"""Columns by which others are found out."""
LEVELS = 20
"""Values of such a column at most: of more, hardly any two entities agree in all keys."""


def privacy_report(
    training: Any,
    heldout: Any,
    synthetic: Any,
    metadata: Optional[Metadata] = None,
    *,
    drivers: Optional[Drivers] = None,
    leave: Collection[tuple[str, str]] = (),
    left: Optional[Mapping[str, str]] = None,
    memberships: Optional[Mapping[str, Membership]] = None,
    share: float = 0.0,
    seed: int = 0,
) -> PrivacyReport:
    """Measure what a synthetic copy tells of those it was learned from.

    Parameters
    ----------
    training, heldout, synthetic : dict of str to table, or a table
        Real rows that were learned, real rows that were not, and the copy: databases where
        there is `metadata`, else DataFrames, Arrow tables or dicts of columns.
    metadata : Metadata, optional
        Tables and keys: a row of a table whose rows belong to no others, with all rows below it,
        is one entity.
    drivers : mapping of str to ForeignKey or None, optional
        Over which key rows belong to others; by default as a fit would decide.
    leave : collection of (table, column)
        Columns that are not looked at: those that are replaced make each row different.
    left : mapping of str to str, optional
        Tables that are not looked at, such as look-up tables, and why.
    memberships : mapping of str to Membership, optional
        Of tables: what else tells who was learned from (:func:`membership_by_scores`).
    share : float, default 0
        What is said of how many were set aside.
    seed : int, default 0

    Returns
    -------
    PrivacyReport

    Examples
    --------
    >>> import numpy as np
    >>> learned, other, fresh = np.random.default_rng(1).normal(size=(3, 300, 3))
    >>> sides = [dict(zip("abc", side.T)) for side in (learned, other, fresh)]
    >>> privacy_report(*sides).safe
    True
    >>> report = privacy_report(sides[0], sides[1], sides[0])  # the rows themselves
    >>> report.safe, round(report.entities[0].nearer.value, 1)
    (False, 1.0)
    """
    sides: list[Tables] = [training, heldout, synthetic]
    if metadata is None:
        metadata, sides = Metadata().add_table("rows"), [{"rows": side} for side in sides]
    database = Database(metadata, *sides, drivers=drivers, leave=leave)
    found, skipped = [], dict(left or {})
    for table in database.roots:
        if table in skipped:
            continue
        sizes = [len(side[table]) for side in database.sides]
        columns, tables = database.entities(table)
        if min(sizes) < LEAST:
            kinds = ("training", "held-out", "synthetic")
            few = ", ".join(f"{size} {kind}" for size, kind in zip(sizes, kinds))
            skipped[table] = f"too few entities: {few}"
        elif not columns:
            skipped[table] = "it has no column besides keys, and nothing below it"
        else:
            below = tuple(database.below(table))
            told = (memberships or {}).get(table)
            more = () if told is None else (told,)
            found.append(_measured(table, below, columns, tables, more, seed))
    return PrivacyReport(tuple(found), skipped, share)


def _measured(
    table: str,
    below: tuple[str, ...],
    columns: Mapping[str, Column],
    tables: list[pa.Table],
    memberships: tuple[Membership, ...],
    seed: int,
) -> EntityPrivacy:
    sides = Sides.of(tables[0], tables[1], tables[2], columns, seed)
    near = to_training(sides)
    return EntityPrivacy(
        table,
        below,
        len(columns),
        len(tables[0]),
        len(tables[1]),
        len(tables[2]),
        nearer(sides),
        copies(near),
        ratio(near),
        (by_distance(sides), by_density(sides), *memberships),
        _attacks(sides, columns, tables[0]),
        _disclosures(sides, columns, tables[0]),
    )


def _attacks(sides: Sides, columns: Mapping[str, Column], rows: pa.Table) -> tuple[Attack, ...]:
    found = [singled_out(sides, False), singled_out(sides, True), linked(sides)]
    names = [name for name in columns if view_of(columns[name], rows.column(name)) != "lengths"]
    if len(columns) > 1:
        found += [inferred(sides, name) for name in names[:SECRETS]]
    return tuple(one for one in found if one is not None)


def _disclosures(sides: Sides, columns: Mapping[str, Column], rows: pa.Table) -> tuple[Attack, ...]:
    """Return what the first categories tell of the others."""
    few = [
        name
        for name in columns
        if view_of(columns[name], rows.column(name)) == "categories"
        and 2 <= len(rows.column(name).unique()) <= LEVELS
    ]
    keys, targets = few[:KEYS], few[KEYS:][:SECRETS]
    if len(few) <= KEYS:
        keys, targets = few[:-1], few[-1:]
    return tuple(disclosed(sides, name, set(keys)) for name in targets) if keys else ()
