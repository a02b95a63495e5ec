"""Columns that mostly stay as in the row before: whether one changes comes before to what.

A customer's tier, the code of a franchise, what holds for a quarter or for all rows of a parent: a
boolean is modelled beside the column, and where it says no, the row before says what.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, IntArray
from synthohive._display import percent
from synthohive._readable import Readable
from synthohive.derive.columns import Columns
from synthohive.derive.monotone import LEAST_STEPS
from synthohive.encoding.table import TableEncoder
from synthohive.metrics.associations import kappa
from synthohive.tables.joins import group_codes
from synthohive.tables.siblings import Carried, previous_siblings

__all__ = ["Sticky", "carried", "find_sticky"]


LEAST_KAPPA = 0.5
"""Share of them that repeat it beyond what chance gives, of what chance leaves."""
LEAST_STAY, COMMON = 0.5, 0.01
"""Share of the rows behind a value that repeat it, of each value that so many rows have: a club
that wins mostly does not the next time, though most are none that win, time after time."""


@dataclass(frozen=True)
class Sticky(Readable):
    """A column that mostly repeats the sibling before.

    Attributes
    ----------
    column : str
    share : float
        Of the real rows with a sibling before them, those that repeat it.
    """

    column: str
    share: float

    @property
    def flag(self) -> str:
        """Name of what is modelled beside it."""
        return f"{self.column} is another than in the row before"

    def __str__(self) -> str:
        return f"{self.column} is as in the row before in {percent(self.share)} of rows"

    def encode(self, rows: pa.Table, groups: tuple[IntArray, IntArray]) -> pa.Array:
        """Return in which rows it changes; nothing changes in a group's first one."""
        before = previous_siblings(*groups)[0]
        return pa.array(_changes(rows, self.column, before))

    def decode(self, rows: pa.Table, groups: tuple[IntArray, IntArray]) -> pa.Array:
        """Return the column of whole groups with what changes only where it is said to."""
        parents, positions = groups
        changes = np.asarray(rows.column(self.flag).to_numpy(zero_copy_only=False), dtype=np.bool_)
        order = np.lexsort((positions, parents))
        known = (changes | (positions == 0))[order]
        # each row has its value from the last one up to it that brings one of its own
        last = np.maximum.accumulate(np.where(known, np.arange(len(order)), 0))
        origin = np.empty(len(order), dtype=np.int64)
        origin[order] = order[last]
        return rows.column(self.column).take(pa.array(origin))


class Held(Protocol):
    """What has the cells of the row before unless a flag says that it changes."""

    @property
    def column(self) -> str:
        """Whose cells."""

    @property
    def flag(self) -> str:
        """Name of what says so."""


def carried(
    sticky: Sequence[Held], encoder: TableEncoder, but: Collection[str] = ()
) -> tuple[Carried, ...]:
    """Return which encoded cells rows have from the row before, and where.

    Parameters
    ----------
    sticky : sequence of Held
    encoder : TableEncoder
        Of the columns, and of whether they change.
    but : collection of str, optional
        Columns that are known.
    """
    layout, found = encoder.layout, []
    for one in sticky:
        if one.column in but:
            continue
        stays = pa.table({one.flag: pa.array([False])})
        own = encoder.only([one.flag]).encode(stays, np.random.default_rng(0)).codes[0]
        flags = [i for i, b in enumerate(layout.discrete) if b.column == one.flag]
        codes = tuple(i for i, b in enumerate(layout.discrete) if b.column == one.column)
        values = tuple(i for i, b in enumerate(layout.continuous) if b.column == one.column)
        found.append(Carried(tuple(zip(flags, own.tolist())), codes, values))
    return tuple(found)


def _changes(rows: pa.Table, name: str, before: IntArray) -> Bools:
    """Return in which rows a column is another than in the row before; NULL is a value, too."""
    codes = group_codes([rows], [[name]])[0]  # -1 is NULL
    return np.asarray((before >= 0) & (codes != codes[before]), dtype=np.bool_)


def find_sticky(columns: Columns, parents: IntArray, positions: IntArray) -> list[Sticky]:
    """Return the targets that repeat the sibling before far more often than by chance.

    Parameters
    ----------
    columns : Columns
        Of whole groups.
    parents, positions : ndarray of int64, shape (rows,)
        Of each row.
    """
    before, _ = previous_siblings(parents, positions)
    later = np.flatnonzero(before >= 0)
    found = []
    for name in columns.targets if len(later) >= LEAST_STEPS else ():
        if pa.types.is_boolean(columns.type(name)) or columns.distinct(name) < 2:
            continue  # of two values, whether one changes says to what
        codes = group_codes([columns.rows], [[name]])[0] + 1
        alike = float((codes[later] == codes[before[later]]).mean())
        shares = np.bincount(codes) / len(codes)
        chance = float((shares**2).sum())
        if kappa(alike, chance) < LEAST_KAPPA:
            continue
        known = np.bincount(codes[before[later]], minlength=len(shares))
        stays = np.bincount(
            codes[later][codes[later] == codes[before[later]]], minlength=len(shares)
        )
        common = known >= COMMON * len(later)
        if (stays[common] >= LEAST_STAY * known[common]).all():
            found.append(Sticky(name, alike))
    return found
