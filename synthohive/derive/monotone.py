"""Columns that never fall inside a group: modelled by the gap to the sibling before.

Times of events, running numbers and balances that only grow: a group's first row has its
value, each later one the distance to the row before it, so that order and timing are exact. Where
moments follow the clock, distances count from the midnight before that row (see :mod:`.hours`).

Regular series that go on until now (clubs with a row for each season) have their end in common, and
not their beginning, which follows from how many rows they have: there, first rows have how much
earlier than the latest possible one they are.

A few rows may be NULL: that is modelled besides, and a gap that nobody knows is that of another
row, so that the rows after it go on from there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, Floats, IntArray
from synthohive._readable import Readable
from synthohive.derive.columns import Columns
from synthohive.derive.hours import DAY, day_of, told_by_the_clock
from synthohive.privacy.entities import on_grid
from synthohive.tables.numbers import as_numbers, from_numbers, is_number, is_time
from synthohive.tables.siblings import group_sizes, previous_siblings

__all__ = ["Monotone", "filled", "find_monotone", "mostly_known", "pinned_share"]


LEAST_STEPS = 100
"""Rows with a sibling before them that tell of an order."""
LEAST_RISES = 0.2
"""Share of them that lie after it, not beside it."""
WIDER = 0.01
"""Of the distance between the bounds, what groups may go beyond them that do not fit between."""
LONG = 0.5
"""Rows of a group, as a share of those of the largest, from which its pace is that of long ones."""
LEFT_OUT = 0.5
"""Share of the groups with most rows that go beyond the bounds, from which on others may, too."""
MOST_EMPTY = 0.2
"""Share of the rows that may be NULL: of a column of more, gaps between rows say little."""
REGULAR = 0.95
"""Share of the gaps that are the same in a regular series."""
TOGETHER = 0.1
"""Share of the groups that end together, from which on first rows are told from there."""
PINNED, LEAST_PINNED = 0.5, 30
"""Share of the groups that end where their parent says, and groups that it knows of, at least."""


@dataclass(frozen=True)
class Monotone(Readable):
    """A column that never falls from one sibling to the next.

    Attributes
    ----------
    column : str
    step : float
        The grid of the gaps; 0 for none.
    low, high : float
        Protected bounds: what the column's values lie between, but for those of the `k`
        most extreme entities.
    by_gap : bool
        The gap is modelled, for models that know the row before; else the values are, and
        those of a group are sorted.
    rises : bool
        It never stays the same, and lies on a grid.
    clock : bool
        Gaps count from midnight, and are modelled as moments.
    sorts : bool
        The order inside groups is that of the column itself: it says nothing that it does not fall.
    pace : float
        The mean gap of the groups with most rows; 0 if most end within the bounds, or fewer than
        `k` entities have any. Of few
        groups, the bounds leave out the ends of most: those that take longer at this pace may go
        on beyond.
    spacing : float
        The usual gap where groups end together: a first row then has how much earlier it is than it
        could be at the latest. 0: it has its value.
    pinned : float
        Share of the groups of several rows that end exactly where a column of the parent says that
        they may at the latest (the last season of a career), if these are most.
    empty : bool
        Some rows are NULL, which is modelled besides.
    """

    column: str
    step: float
    low: float
    high: float
    by_gap: bool = True
    rises: bool = False
    clock: bool = False
    sorts: bool = False
    pace: float = 0.0
    spacing: float = 0.0
    pinned: float = 0.0
    empty: bool = False

    grows = True

    @property
    def gap(self) -> str:
        """Name of the modelled gap."""
        return f"{self.column} after the row before"

    @property
    def names(self) -> tuple[str, ...]:
        """All that is modelled of it by gap."""
        return self.column, self.gap

    @property
    def flag(self) -> str:
        """Name of what says where it is NULL."""
        return f"{self.column} is NULL"

    @property
    def besides(self) -> list[str]:
        """The columns that are modelled beside its own."""
        return [*([self.gap] if self.by_gap else []), *([self.flag] if self.empty else [])]

    def __str__(self) -> str:
        return f"{self.column} never falls inside a group"

    def room(self, rooms: Mapping[str, Floats]) -> Optional[Floats]:
        """Return what the values of each row may at most be; None where that is `high` alone."""
        own = rooms.get(self.column)
        return None if own is None else np.where(np.isnan(own), self.high, own)

    def encode(
        self,
        rows: pa.Table,
        groups: tuple[IntArray, IntArray],
        rng: np.random.Generator,
        origins: Optional[dict[str, IntArray]] = None,
        joints: Optional[Bools] = None,
    ) -> dict[str, pa.Array]:
        """Return first values and gaps; both mean nothing in the other's rows.

        There, they are those of rows drawn at random, so that no NULL arises.

        Parameters
        ----------
        groups : (ndarray, ndarray)
            Each row's parent and its place among its siblings.
        origins : dict, optional
            Gets, for both columns, the row that each value is of.
        joints : ndarray of bool, optional
            The rows that begin a group here, and are no first ones: they have neither.
        """
        if not self.by_gap:
            return {}
        array, before = rows.column(self.column), previous_siblings(*groups)[0]
        values = as_numbers(array)
        begin = day_of(values[before]) if self.clock else values[before]
        gaps = np.where(before >= 0, values - begin, np.nan)
        begins = before < 0
        if joints is not None and not joints[begins].all():
            begins &= ~joints
        own = values
        if np.isnan(values[begins]).all():  # the visit before: no first row has one
            own = filled(values, *groups, self.step)
        if self.spacing:
            ends = np.full(len(values), self.high)
            own = np.maximum(self.latest(group_sizes(groups[0]), ends) - own, 0.0)
        # what is NULL, or follows it, has a gap that nobody knows: NaN
        first = np.where(begins, own, np.nan)
        of_first, of_gap = _donors(first, rng), _donors(gaps, rng)
        if origins is not None:
            given = origins.get(self.column, np.arange(len(rows), dtype=np.int64))
            origins[self.column], origins[self.gap] = given[of_first], of_gap
        steps, type_ = gaps[of_gap], pa.int64() if self.step else pa.float64()
        if self.clock:
            type_ = pa.timestamp(array.type.unit)
        else:
            steps = steps / (self.step or 1.0)
        found = {
            self.column: from_numbers(first[of_first], array.type),
            self.gap: from_numbers(steps, type_),
        }
        return {**found, self.flag: pa.array(np.isnan(values))} if self.empty else found

    def latest(self, sizes: IntArray, ends: Floats) -> Floats:
        """Return the latest values that groups of so many rows can begin with, to end at some."""
        return ends - (sizes - 1) * self.spacing

    def begun(self, first: Floats, sizes: IntArray, ends: Floats) -> Floats:
        """Return the values of first rows from what is modelled of them.

        Parameters
        ----------
        first : ndarray of float64
        sizes : ndarray of int64
            Of their groups.
        ends : ndarray of float64
            What their groups may at most come to.
        """
        if not self.spacing:
            return first
        return np.clip(self.latest(sizes, ends) - first, self.low, ends)

    def jumps(self, rows: pa.Table) -> Bools:
        """Return which drawn rows begin anew: none."""
        return np.zeros(len(rows), dtype=np.bool_)

    def following(self, before: Floats, gaps: Floats) -> Floats:
        """Return the values of rows from those of the rows before, and their own gaps."""
        if self.clock:
            return np.maximum(before, day_of(before) + np.nan_to_num(gaps))
        return before + np.maximum(np.nan_to_num(gaps), 0.0) * (self.step or 1.0)

    def decode(
        self,
        rows: pa.Table,
        groups: tuple[IntArray, IntArray],
        room: Optional[Floats] = None,
        rng: Optional[np.random.Generator] = None,
        ends: Optional[Floats] = None,
    ) -> pa.Array:
        """Return the values of whole groups that their gaps make, or in order.

        Parameters
        ----------
        rows : pyarrow.Table
        groups, room, rng, ends
            See :meth:`grown`.
        """
        array = rows.column(self.column)
        if not self.by_gap:
            return self._in_order(array, *groups, room)
        gaps = as_numbers(rows.column(self.gap))
        values = self.grown(as_numbers(array), gaps, groups, room, rng, ends)
        if self.empty:
            empty = rows.column(self.flag).to_numpy()
            values = np.where(np.asarray(empty, dtype=np.bool_), np.nan, values)
        return from_numbers(values, array.type)

    def _in_order(
        self, array: Any, parents: IntArray, positions: IntArray, room: Optional[Floats]
    ) -> Any:
        """Return the values of a column, those of each group in order."""
        origin = np.empty(len(array), dtype=np.int64)
        by_place = np.lexsort((positions, parents))
        # Both orders begin with the group: its i-th row gets its i-th value.
        origin[by_place] = np.lexsort((as_numbers(array), parents))
        alone = parents < 0
        origin[alone] = np.flatnonzero(alone)
        ordered = array.take(pa.array(origin))
        if not self.rises or not len(array):
            return ordered
        unit, numbers = self.step or 1.0, as_numbers(ordered)
        heads = np.flatnonzero(np.diff(parents[by_place], prepend=parents[by_place[0]] - 1) != 0)
        sizes = np.diff(np.append(heads, len(by_place)))
        most = np.full(len(heads), self.high) if room is None else room[by_place[heads]]
        numbers[by_place] = _apart(numbers[by_place] / unit, heads, sizes, most / unit) * unit
        numbers[alone] = as_numbers(ordered)[alone]
        return from_numbers(numbers, array.type)

    def grown(
        self,
        first: Floats,
        gaps: Floats,
        groups: tuple[IntArray, IntArray],
        room: Optional[Floats] = None,
        rng: Optional[np.random.Generator] = None,
        ends: Optional[Floats] = None,
    ) -> Floats:
        """Return the values of whole groups from those of first rows, and gaps.

        What would end beyond the upper bound begins earlier; only what is longer than all there
        is between the bounds is made shorter, since gaps (of one day each) tell more.

        Parameters
        ----------
        groups : (ndarray, ndarray)
            Each row's parent and its place among its siblings.
        room : ndarray of float64, optional
            What the values of each row may at most be, where that is known; `high` else.
        rng : numpy.random.Generator, optional
            Says where groups that would go on for too long end. At the bound without one.
        ends : ndarray of float64, optional
            Where a column of the parent says that each row's group may end; NaN where none does.
        """
        if self.clock:
            return self._grown_by_day(first, gaps, groups, room, rng)
        parents, positions = groups
        order = np.lexsort((positions, parents))
        start = positions[order] == 0
        steps = np.where(start, 0.0, np.maximum(gaps[order], 0.0))
        steps = np.where(np.isnan(steps), 0.0, steps) * (self.step or 1.0)
        heads = np.flatnonzero(start)
        sizes = np.diff(np.append(heads, len(order)))
        # One sum over all rows, in order of groups; what it was at a group's start is taken off.
        total = np.cumsum(steps)
        come = total - np.repeat(total[heads], sizes)
        begin = first[order[heads]]
        most = np.full(len(heads), self.high) if room is None else room[order[heads]]
        begin = self.begun(begin, sizes, most)
        # Steps are not negative, so the largest of a group is its end.
        span = np.maximum.reduceat(come, heads) if len(heads) else begin
        if room is None:
            low, most = self._bounds(span)
            begin = on_grid(begin, self.step)
            fitting = np.clip(np.minimum(begin, most - span), low, most)
            reach = (1.0 + WIDER) * self.pace * (sizes - 1)
            longer = reach > (1.0 + 3.0 * WIDER) * (self.high - self.low)
            begin = np.where(longer, np.clip(begin, self.low, self.high), fitting)
            most = np.where(longer, begin + reach, most)
        left = np.where(begin < most, most - begin, 0.0)
        end = np.full(len(heads), np.nan) if ends is None else ends[order[heads]]
        to_end = self._at_end(end, sizes, rng)
        left = np.where(to_end, np.maximum(end - begin, 0.0), left)
        if rng is not None and to_end.any():
            come += _stretched(np.where(to_end, left - span, 0.0), sizes, rng)
        over = span > left
        if rng is not None:  # as the last of so many moments in the time that is left
            early = over & ~to_end
            left[early] *= rng.random(int(early.sum())) ** (1.0 / sizes[early])
        share = np.where(over, left / np.maximum(span, 1e-9), 1.0)
        come = come * np.repeat(share, sizes)  # no group goes on for longer than the real ones
        if self.step:
            near = np.repeat(np.where(to_end, 0.5, 1e-6), sizes)
            come = np.floor(come / self.step + near) * self.step
        if self.rises:  # scaling must not join what real rows keep apart
            unit = self.step or 1.0
            come = _apart(come / unit, heads, sizes, (most - begin) / unit) * unit
        values = np.empty(len(order))
        values[order] = np.repeat(begin, sizes) + come
        return values

    def _at_end(self, ends: Floats, sizes: IntArray, rng: Optional[np.random.Generator]) -> Bools:
        """Return which groups come to just where their parents say that they end."""
        if not self.pinned or rng is None:
            return np.zeros(len(ends), dtype=np.bool_)
        drawn = rng.random(len(ends)) < self.pinned
        return np.asarray(drawn & ~np.isnan(ends) & (sizes > 1), dtype=np.bool_)

    def _grown_by_day(
        self,
        first: Floats,
        gaps: Floats,
        groups: tuple[IntArray, IntArray],
        room: Optional[Floats],
        rng: Optional[np.random.Generator],
    ) -> Floats:
        """Return the values of whole groups: the days grow, each row has its own time of day."""
        order = np.lexsort(groups[::-1])
        start = groups[1] == 0
        moments = np.nan_to_num(np.where(start, first, gaps))
        day = day_of(moments)
        low, high = day_of(np.array([self.low, self.high])).tolist()
        days = replace(self, clock=False, step=DAY, low=low, high=high, rises=False)
        whole = days.grown(day, day / DAY, groups, None if room is None else day_of(room), rng)
        # Times of day may lead beyond the bounds on the first and the last day.
        least = np.minimum(self.low if room is None else -np.inf, whole)
        most = np.maximum(self.high if room is None else room, whole)
        values, most = np.clip(whole + moments - day, least, most)[order], most[order]
        heads = np.flatnonzero(start[order])
        sizes = np.diff(np.append(heads, len(order)))
        begin = np.repeat(values[heads], sizes)
        # On a group's first day, what would come before its first row comes on the next one.
        next_day = np.where(values + DAY <= most, values + DAY, begin)
        values = np.where(values < begin, next_day, values)
        # Several of one day: their times are in order, too.
        values = values[np.lexsort((values, np.repeat(np.arange(len(heads)), sizes)))]
        if self.rises:
            unit = self.step or 1.0
            values = _apart(values / unit, heads, sizes, most[heads] / unit) * unit
        made = np.empty(len(order))
        made[order] = values
        return made

    def _bounds(self, span: Floats) -> tuple[Floats, Floats]:
        """Return the bounds of groups, a little wider for those that just do not fit.

        Bounds leave out what few rows reach, which all groups may do (a row for each day).
        """
        room = self.high - self.low
        over = np.clip(span - room, 0.0, WIDER * room)
        low = on_grid(self.low - over / 2, self.step)
        return low, low + room + over


def find_monotone(
    columns: Columns,
    parents: IntArray,
    positions: IntArray,
    *,
    by_gap: bool = True,
    sorts: Collection[str] = (),
) -> list[Monotone]:
    """Return the targets that never fall from one sibling to the next, and mostly rise.

    Parameters
    ----------
    columns : Columns
        Of whole groups.
    parents, positions : ndarray of int64, shape (rows,)
        Of each row.
    by_gap : bool, default True
        See :class:`Monotone`.
    sorts : collection of str, optional
        The columns that the order of siblings is made of.
    """
    before, _ = previous_siblings(parents, positions)
    later = np.flatnonzero(before >= 0)
    found = []
    for name in columns.targets if len(later) >= LEAST_STEPS else ():
        if not is_number(columns.type(name)) or not mostly_known(columns, name, by_gap):
            continue
        step = columns.step(name)
        values = filled(columns.numbers(name), parents, positions, step)
        gaps = values[later] - values[before[later]]
        if not (gaps >= 0).all() or (gaps > 0).mean() < LEAST_RISES or columns.points(name):
            continue  # to a point mass ("no end"), there is no gap
        ends = columns.entities.ends(columns.numbers(name), columns.k, step)
        if ends is not None:
            missing = columns.missing[name]
            both = ~missing[later] & ~missing[before[later]]
            rises = bool(step) and bool((gaps[both] > 0).all())
            timed = by_gap and is_time(columns.type(name)) and step != DAY
            clock = timed and told_by_the_clock(values[later], values[before[later]])
            pace = _pace(columns, values, before, parents, ends) if by_gap else 0.0
            one = Monotone(name, step, *ends, by_gap, rises, clock, name in sorts, pace)
            one = replace(one, empty=columns.shared(missing))
            if by_gap and step and not is_time(columns.type(name)):
                one = replace(one, spacing=_spacing(one, values, gaps, parents, positions))
            found.append(one)
    return found


def mostly_known(columns: Columns, name: str, by_gap: bool = True) -> bool:
    """Whether no rows are NULL, or few, where a model knows the row before; others are sorted."""
    missing = columns.missing[name]
    return bool(missing.mean() <= MOST_EMPTY) if by_gap else not missing.any()


def filled(values: Floats, parents: IntArray, positions: IntArray, step: float) -> Floats:
    """Return numbers with those that are NaN between the ones known before and after them.

    At an end of its group, one is as the nearest that is known; in a group without any, as all are
    in the mean.

    Parameters
    ----------
    values : ndarray of float64
    parents, positions : ndarray of int64
        Of each row.
    step : float
        The grid that they lie on; 0 for none.

    Examples
    --------
    >>> times, group = np.array([0.0, np.nan, 5.0, np.nan]), np.zeros(4, dtype=np.int64)
    >>> filled(times, group, np.arange(4), 1.0).tolist()
    [0.0, 2.0, 5.0, 5.0]
    """
    if not np.isnan(values).any() or np.isnan(values).all():
        return values
    order = np.lexsort((positions, parents))
    given, place = values[order], np.arange(len(order))
    known = ~np.isnan(given)
    group = np.cumsum(positions[order] == 0)
    last = np.maximum.accumulate(np.where(known, place, 0))
    after = np.minimum.accumulate(np.where(known, place, len(place) - 1)[::-1])[::-1]
    has_last = known[last] & (group[last] == group)
    has_after = known[after] & (group[after] == group)
    low, high = np.where(has_last, last, after), np.where(has_after, after, last)
    share = (place - low) / np.maximum(high - low, 1)
    rise = np.where(has_last & has_after, share * (given[high] - given[low]), 0.0)
    rise = np.floor(rise / step + 1e-6) * step if step else rise
    mean = float(on_grid(np.array([np.nanmean(values)]), step)[0])
    whole: Floats = values.copy()
    whole[order] = np.where(has_last | has_after, given[low] + rise, mean)
    return whole


def _pace(
    columns: Columns,
    values: Floats,
    before: IntArray,
    parents: IntArray,
    ends: tuple[float, float],
) -> float:
    """Return the mean gap of the groups with most rows, if most of these go beyond the bounds.

    Parameters
    ----------
    columns : Columns
    values : ndarray of float64
    before, parents : ndarray of int64
        Of each row: the row before it, and its group.
    ends : (float, float)
        The bounds, which must have been told by enough entities, as the groups must.
    """
    low, high = ends
    sizes, later = group_sizes(parents), before >= 0
    long = np.flatnonzero(later & (sizes >= LONG * sizes[later].max(initial=0)))
    beyond = np.unique(parents[long[(values[long] < low) | (values[long] > high)]])
    if len(beyond) < LEFT_OUT * len(np.unique(parents[long])):
        return 0.0  # groups of all sizes end within the bounds
    if columns.entities.take(long).passed(columns.k) is None:
        return 0.0
    return float(f"{np.mean(values[long] - values[before[long]]):.4g}")


def _spacing(
    one: Monotone, values: Floats, gaps: Floats, parents: IntArray, positions: IntArray
) -> float:
    """Return the usual gap of groups that end together more often than they begin together.

    Parameters
    ----------
    one : Monotone
    values, gaps : ndarray of float64
        Of all rows; of those with a row before them.
    parents, positions : ndarray of int64
    """
    distinct, counts = np.unique(gaps, return_counts=True)
    usual = float(distinct[counts.argmax()])
    if counts.max() < REGULAR * len(gaps) or usual <= 0:
        return 0.0
    sizes, first = group_sizes(parents), positions == 0
    by_end = replace(one, spacing=usual)
    latest = by_end.latest(sizes, np.full(len(values), one.high))
    ending = float((values >= latest)[first].mean())
    beginning = np.unique(values[first], return_counts=True)[1].max() / int(first.sum())
    return usual if ending >= TOGETHER and ending > beginning else 0.0


def pinned_share(values: Floats, ends: Floats, parents: IntArray, positions: IntArray) -> float:
    """Return which share of the groups of several rows end where their parent says; 0 for few.

    Parameters
    ----------
    values, ends : ndarray of float64
        Of each row: its value, and where its group may end; NaN where nothing says.
    parents, positions : ndarray of int64
    """
    last = (positions == group_sizes(parents) - 1) & (positions > 0) & ~np.isnan(ends)
    if int(last.sum()) < LEAST_PINNED:
        return 0.0
    share = float((values == ends)[last].mean())
    return round(share, 3) if share >= PINNED else 0.0


def _stretched(lacking: Floats, sizes: IntArray, rng: np.random.Generator) -> Floats:
    """Return what the rows of groups that would end too early come later: from one of them on."""
    place = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    first = 1 + np.floor(rng.random(len(sizes)) * (sizes - 1)).astype(np.int64)
    later = place >= np.repeat(first, sizes)
    return np.asarray(np.where(later, np.repeat(np.maximum(lacking, 0.0), sizes), 0.0))


def _apart(values: Floats, heads: IntArray, sizes: IntArray, most: Floats) -> Floats:
    """Return ascending values of consecutive groups at least 1 apart, none above `most`."""
    place = np.arange(len(values)) - np.repeat(heads, sizes)
    lower = values - place
    span = float(lower.max() - lower.min()) + 1.0 if len(values) else 1.0
    lift = np.repeat(np.arange(len(heads)) * span, sizes)
    # Values less their places need not rise, only never fall: a running maximum does that. Each
    # group is lifted above all before it, so that one pass serves all.
    risen = np.maximum.accumulate(lower + lift) - lift + place
    after = np.repeat(sizes, sizes) - 1 - place
    return np.asarray(np.minimum(risen, np.floor(np.repeat(most, sizes) + 1e-6) - after))


def _donors(values: Floats, rng: np.random.Generator) -> IntArray:
    """Return the row that each value is taken from: its own, or any other if it has none."""
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):  # of rows to fill in, where all are lost, or none has one before it
        return np.arange(len(values))
    return np.where(np.isnan(values), rng.choice(known, len(values)), np.arange(len(values)))
