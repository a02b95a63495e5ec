"""Periods of one entity that do not overlap: prices, salaries and addresses that were valid once.

Each row of a group ends before the next one begins, often just before. A model sees one row
after the other, so it ends a period without knowing the next one: that is put right here. A group
are the rows of a driving parent, or of a further one (managers of a department): these are known
when it has been chosen, and lie anywhere in the table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, Floats, IntArray
from synthohive._readable import Readable
from synthohive.derive.base import Derivation
from synthohive.derive.columns import Columns
from synthohive.derive.order import Order
from synthohive.derive.points import at_points, regular
from synthohive.io.questions import CannotAsk
from synthohive.schema import ForeignKey
from synthohive.tables.ancestors import with_column
from synthohive.tables.joins import group_codes
from synthohive.tables.numbers import as_numbers, from_numbers, is_time
from synthohive.tables.source import SourceTables

__all__ = ["Periods", "find_periods", "never_overlap"]

MOST_GROUPS = 100
"""In doubt, that are looked at: of those that overlap, the first one tells."""
LEAST_PAIRS = 30
"""Rows that are followed by others of their group."""
LEAST_EXACT = 8
"""The same where each period ends as the next one begins: no chance does that even so often."""
CONTRADICTIONS = 12.0
"""Periods of the same lengths would have overlapped so often, were they shuffled."""
EXACT = 0.95
"""Share of the periods that follow each other at one and the same distance."""


@dataclass(frozen=True)
class Periods(Readable):
    """Rows of a group from `start` to `end`, one after the other.

    Attributes
    ----------
    start, end : str
    pause : float
        Least distance from an end to the next start, in seconds.
    exact : bool
        That is always the distance.
    points : tuple of float
        Ends that mean "none", in seconds; NULL is another such.
    share : float
        Of the last periods of groups, those that are open.
    null : bool
        Open ends are NULL.
    key : ForeignKey, optional
        A further key whose parents' rows are the groups; None for the driving one.
    """

    start: str
    end: str
    pause: float
    exact: bool
    points: tuple[float, ...]
    share: float
    null: bool
    key: Optional[ForeignKey] = None

    def is_open(self, end: Floats) -> Bools:
        """Return which ends mean "none"."""
        return np.asarray(np.isnan(end) | at_points(end, self.points), dtype=np.bool_)

    def proved(self, whole: SourceTables, table: str, over: ForeignKey) -> Optional[bool]:
        """Return whether no group overlaps, as a database says; None where it cannot tell."""
        questions, period = whole.questions(table), (self.start, self.end)
        if questions is None:
            return None
        try:
            groups = questions.overlapping(table, over.columns, period, self.points, MOST_GROUPS)
        except CannotAsk:
            return None
        if not groups:
            return True
        keys = pa.table(dict(zip(over.parent_columns, map(list, zip(*groups)))))
        rows = pa.concat_tables(whole.children(table, [*over.columns, *period], over, keys))
        if not self.never_overlaps(rows, over):
            return False
        return True if len(groups) < MOST_GROUPS else None

    def never_overlaps(self, rows: pa.Table, over: ForeignKey) -> bool:
        """Whether no period of rows ends after the next one of its group begins."""
        return bool((self.pauses(rows, group_codes([rows], [over.columns])[0]) >= 0).all())

    def pauses(self, rows: pa.Table, groups: IntArray) -> Floats:
        """Return how long after each end the next period of its group begins; NaN for unknown."""
        start, end = (as_numbers(rows.column(name)) for name in (self.start, self.end))
        follows = following(groups, start)
        inner = np.flatnonzero(follows >= 0)
        return start[follows[inner]] - regular(end, self.points)[inner]

    def apart(self, rows: pa.Table, groups: IntArray, rng: np.random.Generator) -> pa.Table:
        """Return the rows of whole groups with periods that do not overlap.

        Those before others cannot be open. So that as many are as in the real rows, last ones of
        groups are opened where too few of them are: first where a period before was to be.

        Parameters
        ----------
        rows : pyarrow.Table
        groups : ndarray of int64, shape (rows,)
            Each row's parent over the key of these periods; -1 for none.
        rng : numpy.random.Generator
            Says which last periods are opened.
        """
        start, end = (as_numbers(rows.column(name)) for name in (self.start, self.end))
        follows = following(groups, start)
        inner, last = follows >= 0, np.flatnonzero(follows == -1)
        # Of a row that none follows, this is some other row's: `inner` leaves it out below.
        latest = start[follows] - self.pause
        before = latest if self.exact else np.fmin(regular(end, self.points), latest)
        before = np.fmax(np.where(np.isnan(before), latest, before), start)
        closed = np.where(self.is_open(end), end, np.fmax(end, start))
        found = np.where(inner, before, closed)
        ended = last[~self.is_open(end[last])]
        lacking = int(np.rint(self.share * len(last))) - (len(last) - len(ended))
        if lacking > 0:
            was = np.isin(groups[ended], groups[inner & self.is_open(end)])
            # Last key first: groups in which an earlier period was open, then by chance.
            chosen = ended[np.lexsort((rng.random(len(ended)), ~was))[:lacking]]
            found[chosen] = np.nan if self.null else self.points[0]
        type_ = rows.schema.field(self.end).type
        return with_column(rows, self.end, from_numbers(found, type_))

    def __str__(self) -> str:
        group = "inside a group" if self.key is None else f"for one {', '.join(self.key.columns)}"
        return f"periods from {self.start} to {self.end} do not overlap {group}"


def never_overlap(
    periods: Iterable[Periods], whole: SourceTables, table: str, over: ForeignKey
) -> list[Periods]:
    """Return the periods that do not overlap in any group of all rows.

    Parameters
    ----------
    periods : iterable of Periods
    whole : SourceTables
    table : str
    over : ForeignKey
        Whose parents' rows are the groups.
    """
    found, rest = [], []
    for one in periods:
        known = one.proved(whole, table, over)
        if known is None:
            rest.append(one)
        elif known:
            found.append(one)
    if rest:
        named = sorted({c for one in rest for c in (one.start, one.end)} | {*over.columns})
        rows = whole.columns(table, named)
        found += [one for one in rest if one.never_overlaps(rows, over)]
    return found


def following(groups: IntArray, start: Floats) -> IntArray:
    """Return the next row of each row's group: -1 for the last one, -2 for a row of no group."""
    # By group, then by start: who follows is the neighbour, if it is of the same group.
    order = np.lexsort((start, groups))
    found = np.full(len(groups), -1, dtype=np.int64)
    same = groups[order[1:]] == groups[order[:-1]]
    found[order[:-1][same]] = order[1:][same]
    found[groups < 0] = -2
    return found


def find_periods(
    columns: Columns,
    derivations: Iterable[Derivation],
    groups: IntArray,
    key: Optional[ForeignKey] = None,
    ends: Collection[str] = (),
) -> list[Periods]:
    """Return the periods that never overlap.

    Parameters
    ----------
    columns : Columns
        Of whole groups.
    derivations : iterable of Derivation
        Periods have ends that never come before their starts.
    groups : ndarray of int64, shape (rows,)
        Each row's group, -1 for none.
    key : ForeignKey, optional
        The further key that makes the groups: periods are exact there, since rows are not
        drawn one after the other.
    ends : collection of str
        Columns that may also end a period for which there are too few rows to show an order.
    """
    times = [name for name in columns.rows.column_names if is_time(columns.type(name))]
    by_end: dict[str, Periods] = {}
    for order in (r for r in derivations if isinstance(r, Order) and r.after and r.target in times):
        for start in (n for n in (order.source, *order.beyond) if n in columns.rows.column_names):
            period = _periods(columns, start, order.target, order.points, groups)
            if period is not None and (key is None or period.exact):
                by_end.setdefault(order.target, period)
    for end in (name for name in times if name in ends and name not in by_end):
        for start in (name for name in times if name != end):
            period = _periods(columns, start, end, columns.points(end), groups)
            if period is not None and period.exact:
                by_end.setdefault(end, period)
    return [replace(period, key=key) for period in by_end.values()]


def _periods(
    columns: Columns, begin: str, target: str, points: tuple[float, ...], groups: IntArray
) -> Optional[Periods]:
    start, raw = columns.numbers(begin), columns.numbers(target)
    end = regular(raw, points)
    if (end < start).any():
        return None
    follows = following(groups, start)
    inner = np.flatnonzero(follows >= 0)
    pauses = start[follows[inner]] - end[inner]
    if len(inner) < LEAST_EXACT or not (pauses >= 0).all():  # NaN: open, or not known
        return None
    values, counts = np.unique(pauses, return_counts=True)
    usual = float(values[counts.argmax()])
    exact = float(counts.max()) >= EXACT * len(inner)
    exact &= bool((start[follows[inner]] > start[inner]).all())
    if len(inner) < LEAST_PAIRS and not exact:
        return None
    # The same lengths, dealt anew: how many overlap then is what chance would do.
    lengths = np.random.default_rng(0).permutation(end[inner] - start[inner])
    overlapping = int((start[inner] + lengths > start[follows[inner]]).sum())
    if not exact and overlapping < CONTRADICTIONS:
        return None
    step = columns.step(target)
    pause = usual if exact else step if step and (pauses >= step).all() else 0.0
    last = np.flatnonzero(follows == -1)
    null, open_end = np.isnan(raw[last]), at_points(raw[last], points)
    share = float((null | open_end).mean())
    mostly_null = bool(null.sum() >= open_end.sum())
    return Periods(begin, target, pause, exact, points, share, mostly_null)
