"""What follows from a change of generated rows: the one place where derivations are repaired."""

from __future__ import annotations

from collections.abc import Collection
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.constrain.checks import TableChecks
from synthohive.derive.not_null import none_null
from synthohive.learn.fitted import FittedTable

__all__ = ["changed_columns", "follow", "moved_apart"]


def changed_columns(before: pa.Table, after: pa.Table) -> list[str]:
    """Return the columns of rows that a change has touched."""
    return [n for n in after.column_names if not after.column(n).equals(before.column(n))]


def follow(
    table: FittedTable,
    checks: TableChecks,
    before: pa.Table,
    after: pa.Table,
    rng: np.random.Generator,
    *,
    changed: Optional[Collection[str]] = None,
    also: Collection[str] = (),
    above: Optional[pa.Table] = None,
    groups: Optional[IntArray] = None,
) -> pa.Table:
    """Return rows after a change, with all that follows from it.

    Rows in which that would break a CHECK keep what they had; so they do where a column that
    must not be NULL would be.

    Parameters
    ----------
    before, after : pyarrow.Table
        The rows before and after the change.
    changed : collection of str, optional
        The columns that were changed; where before and after differ by default.
    also : collection of str
        Columns that go back to what they were where a CHECK would be broken, besides those that
        follow from others.
    above : pyarrow.Table, optional
        The columns of parents that derivations need; without them, what needs them stays.
    groups : ndarray of int64, optional
        The driving parent of each row of whole groups, in which periods are kept apart.
    """
    if changed is None:
        changed = changed_columns(before, after)
    rows = table.program.repair(after, above, changed=changed)
    if groups is not None:
        rows = moved_apart(table, rows, groups, rng, above)
    return checks.keep_unbroken(
        before, none_null(table.attributes, before, rows, rng), [*also, *table.program.targets]
    )


def moved_apart(
    table: FittedTable,
    rows: pa.Table,
    groups: IntArray,
    rng: np.random.Generator,
    above: Optional[pa.Table] = None,
) -> pa.Table:
    """Return the rows of whole groups with periods that do not overlap, and what follows.

    Parameters
    ----------
    table : FittedTable
        Without periods inside driving parents, the rows come back as they are.
    rows : pyarrow.Table
        All rows of each group, or its end would not be known.
    groups : ndarray of int64, shape (rows,)
        The driving parent of each row; -1 for none.
    rng : Generator
    above : pyarrow.Table, optional
        The columns of parents that derivations need; without them, what needs them stays.
    """
    if not table.driven_periods:
        return rows
    for one in table.driven_periods:
        rows = one.apart(rows, groups, rng)
    ends = [one.end for one in table.driven_periods]
    return table.program.repair(rows, above, changed=ends)
