"""Columns that never come before others: modelled by the distance to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.derive.base import Derivation, Modelled, Rng, Values
from synthohive.derive.hours import DAY, day_of
from synthohive.derive.points import at_points, regular
from synthohive.derive.years import years_of
from synthohive.io.questions import CannotAsk, Terms
from synthohive.privacy.entities import on_grid
from synthohive.tables.ancestors import with_values
from synthohive.tables.numbers import as_numbers, from_numbers

__all__ = ["Order", "among"]

_MARKS = (np.inf, -np.inf, np.nan)
"""What stands for each point mass among distances: special values have codes of their own."""
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Order(Derivation):
    """``target >= source`` or ``target <= source``; perhaps between two columns.

    Attributes
    ----------
    after : bool
        Whether the target is the greater one.
    step : float
        The grid of the distances; 0 for none.
    distance : bool
        The distance is modelled in place of the target.
    beyond, limits : tuple of str
        More columns on the source's side of the target, and on its other side.
    low, high : float, optional
        Protected bounds of the target, which it keeps whatever the distance.
    points : tuple of float
        Values of the target to which there is no distance ("no end"); they stay as they are.
    unknown : dict of str to tuple of float
        The same of the other columns: there, they tell nothing of the target.
    centre : float, optional
        From where distances count where no source is known. None: the target is NULL there.
    clock : bool
        Distances count from midnight, and are modelled as moments with the target's time of day.
    days : tuple of str
        Other columns of which the day alone counts: the target is a date, and may be the same day.
    years : tuple of str
        Other columns, dates, of which the year counts: the target is one, such as a season.
    """

    source: str
    after: bool
    step: float
    distance: bool = True
    beyond: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    low: Optional[float] = None
    high: Optional[float] = None
    points: tuple[float, ...] = ()
    unknown: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    centre: Optional[float] = None
    clock: bool = False
    days: tuple[str, ...] = ()
    years: tuple[str, ...] = ()

    named = ("source", "beyond", "limits")
    whole = False  # the distance is to be modelled

    @property
    def strict(self) -> bool:
        """Whether the target is NULL wherever no source is known."""
        return self.centre is None

    @property
    def _sign(self) -> float:
        return 1.0 if self.after else -1.0

    def _known(self, rows: pa.Table, names: tuple[str, ...], after: bool) -> Floats:
        """Return the greatest of some columns if `after`, else the least; NaN where unknown."""
        extreme = np.full(len(rows), np.nan)
        for name in names:
            numbers = self.beside_target(rows, name, after)
            # fmax, not maximum: where one column is unknown, the others still tell.
            extreme = np.fmax(extreme, numbers) if after else np.fmin(extreme, numbers)
        return extreme

    def beside_target(self, rows: pa.Table, name: str, after: bool) -> Floats:
        """Return another column as it compares to the target, NaN where it tells nothing."""
        numbers = regular(as_numbers(rows.column(name)), self.unknown.get(name, ()))
        if name in self.years:
            return years_of(numbers)
        return day_of(numbers) if name in self.days else numbers

    def beside(self, other: Order) -> Order:
        """Return the order to the sources of both, of one target; distances are to its own first.

        If they are on two sides of the target, distances are to the other's.
        """
        if self.after != other.after:
            return replace(other, limits=(*other.limits, self.source), **self.read_as(other))
        centre = None if other.strict or self.strict else other.centre
        both = replace(self, beyond=(other.source, *other.beyond), limits=other.limits)
        return replace(both, centre=centre, **self.read_as(other))

    def read_as(self, other: Order) -> dict[str, Any]:
        """Return how the other columns of two orders of one target are read."""
        days, years = (*self.days, *other.days), (*self.years, *other.years)
        return {"unknown": {**other.unknown, **self.unknown}, "days": days, "years": years}

    def target_values(self, rows: pa.Table) -> Floats:
        """Return the target as numbers, NaN where it is no place on its scale."""
        return regular(as_numbers(rows.column(self.target)), self.points)

    def source_values(self, rows: pa.Table) -> Floats:
        """Return the first source as numbers, NaN where it is no place on its scale."""
        return self._known(rows, (self.source,), self.after)

    def _first(self, rows: pa.Table) -> Floats:
        """Return what the target may be on the side of the sources."""
        return self._known(rows, (self.source, *self.beyond), self.after)

    def start(self, rows: pa.Table) -> Floats:
        """Return the same on the target's grid: where the target may begin."""
        first = self._first(rows)
        if not self.step:
            return first
        # 1e-6: a source on the grid, but for a float's error, does not lose a step.
        steps = self._sign * first / self.step - 1e-6
        return np.asarray(self._sign * np.ceil(steps) * self.step)

    def _origin(self, rows: pa.Table) -> Floats:
        """Return from where distances count: the first place for a target, or midnight."""
        if not self.clock:
            return self.start(rows)
        return np.asarray(self._sign * day_of(self._sign * self._first(rows)))

    @property
    def _unit(self) -> float:
        """What distances are counted in: steps; of moments, seconds."""
        return 1.0 if self.clock else self.step or 1.0

    def _end(self, rows: pa.Table) -> Floats:
        """Return what the target may at most be, away from the source; NaN for no limit."""
        bound = self.high if self.after else self.low
        edge = np.full(len(rows), np.nan if bound is None else bound)
        limits = self._known(rows, self.limits, not self.after)
        return np.asarray(np.fmin(edge, limits) if self.after else np.fmax(edge, limits))

    def room(self, rows: pa.Table) -> Floats:
        """Return the longest distance that each row has room for, as modelled; NaN for no limit."""
        return self._sign * (self._end(rows) - self._origin(rows)) / self._unit

    def farthest(self, rows: pa.Table) -> Floats:
        """Return the distance, as modelled, at which another column ends it; NaN for none."""
        limits = self._known(rows, self.limits, not self.after)
        return self._sign * (limits - self._origin(rows)) / self._unit

    def violations(self, rows: pa.Table) -> Bools:
        """Return the rows in which the target lies on the wrong side."""
        target = self.target_values(rows)
        wrong = self._sign * (target - self._first(rows)) < 0
        wrong |= self._sign * (self._known(rows, self.limits, not self.after) - target) < 0
        # Comparisons with NaN are false: what is unknown breaks nothing.
        return np.asarray(wrong, dtype=np.bool_)

    def fine(self, ask: Terms) -> Any:
        """See the base class."""
        right = ask.plain(True)
        for name in (self.source, *self.beyond, *self.limits):
            greater = self.after if name not in self.limits else not self.after
            own, other = self._compared(ask, name)
            high, low = (own, other) if greater else (other, own)
            beside = ask.missing(name) | (high >= low)
            for point in self.unknown.get(name, ()):
                beside |= ask.number(name) == ask.plain(point)
            right &= beside
        for point in self.points:
            right |= ask.number(self.target) == ask.plain(point)
        return ask.missing(self.target) | right

    def _compared(self, ask: Terms, name: str) -> tuple[Any, Any]:
        """Return the target and another column as they compare."""
        if name in self.years:
            raise CannotAsk(f"the year of {name!r}")
        if name in self.days:
            days = ask.floor(ask.ratio(ask.number(name), ask.plain(DAY)))
            return ask.number(self.target), days * ask.plain(DAY)
        try:
            return ask.pair(self.target, name)
        except CannotAsk:  # of two types, only the numbers compare
            return ask.number(self.target), ask.number(name)

    def encode(self, rows: pa.Table) -> pa.Array:
        """Return the distance, in steps where there are any; a moment by the clock."""
        column = rows.column(self.target)
        if not self.distance:
            return column.combine_chunks()
        target, start = as_numbers(column), self._origin(rows)
        if self.centre is not None:
            start = np.where(np.isnan(start), self.centre, start)
        gaps = self._sign * (target - start)
        if self.clock:
            return from_numbers(gaps, pa.timestamp(column.type.unit))
        if self.step:
            gaps = np.rint(gaps / self.step)
        null = np.isnan(gaps)
        if not self.points:
            return from_numbers(gaps, pa.int64() if self.step else pa.float64())
        for point, mark in zip(self.points, _MARKS):
            gaps[target == point] = mark
        return pa.array(gaps, mask=null)

    def limited(
        self,
        modelled: pa.Array,
        rows: pa.Table,
        rng: Rng,
        silent: Optional[Bools] = None,
    ) -> pa.Array:
        """Return distances without those that lead beyond the bounds of the target.

        In their place are those of other rows, drawn among all that fit: to cut them would make
        a heap at the end of the column.

        Parameters
        ----------
        silent : ndarray of bool, optional
            The rows in which the distance tells nothing.
        """
        gaps, room, origin = as_numbers(modelled), self.room(rows), self._origin(rows)
        bound = self.low if self.after else self.high
        near = np.full(len(rows), np.nan if bound is None else self._sign * bound)
        if self.clock:  # some moments of the first day are too early
            near = np.fmax(near, self._sign * self.start(rows))
        least = np.nan_to_num((near - self._sign * origin) / self._unit)
        if silent is not None:
            gaps = np.where(silent, np.nan, gaps)
        slack = _ROUNDING * np.maximum(np.abs(np.nan_to_num(room)), 1.0)
        far = np.flatnonzero((gaps > room + slack) | (np.maximum(gaps, 0.0) < least - slack))
        if not len(far):
            return modelled
        low = np.maximum(least[far] - slack[far], 0.0)
        high = np.fmax(np.where(np.isnan(room[far]), np.inf, room[far] + slack[far]), low)
        found = np.where(gaps[far] > high, high, low)
        if rng is not None:  # where no other row's fits, any in the room that there is
            taken = among(gaps[gaps >= 0], low, high, rng)
            if self.clock:
                there = _on_that_day(gaps, far, low, high, rng)
                taken = np.where(np.isnan(there), taken, there)
            width = np.where(np.isinf(high), 0.0, high - low)
            found = np.where(np.isnan(taken), low + width * rng.random(len(far)), taken)
        if self.step:
            # Whole steps, on that side on which there is room.
            grid = self.step / self._unit
            above = np.ceil(found / grid - _ROUNDING) * grid
            found = np.where(above > high, np.floor(found / grid) * grid, above)
        return with_values(modelled, far, from_numbers(found, modelled.type))

    def decode(self, rows: pa.Table, rng: Rng = None) -> Values:
        """Add the distance; a negative one counts as none."""
        modelled = rows.column(self.target)
        if not self.distance:
            return self.clipped(self._drawn(as_numbers(modelled), rows, rng), rows)
        modelled, start = self.limited(modelled, rows, rng), self._origin(rows)
        gaps = as_numbers(modelled) * self._unit
        # A model may draw a distance below 0; the target then is where the source is.
        numbers = start + self._sign * np.maximum(gaps, 0.0)
        if self.centre is not None:
            numbers = np.where(np.isnan(start), self.centre + self._sign * gaps, numbers)
            numbers = np.where(np.isnan(start), self._within(numbers), numbers)
        numbers = self._beside(numbers, rows)
        for mark, point in zip(_MARKS, self.points):
            numbers[self._marked(modelled, mark)] = point
        return on_grid(numbers, self.step)

    def _drawn(self, numbers: Floats, rows: pa.Table, rng: Rng) -> Floats:
        """Return values that were modelled themselves, those on the wrong side drawn anew.

        In their place are those of other rows that lie on the right one.
        """
        if rng is None:
            return numbers
        start, end = self.start(rows), self._end(rows)
        wrong = (self._sign * (numbers - start) < 0) | (self._sign * (end - numbers) < 0)
        far = np.flatnonzero(wrong & ~at_points(numbers, self.points))
        # Shape (2, rows): from where to where each value may be; not bounded where unknown.
        edges = np.stack([start, end] if self.after else [end, start])[:, far]
        edges = np.where(np.isnan(edges), np.array([[-np.inf], [np.inf]]), edges)
        usual = regular(numbers, self.points)
        taken = among(usual[~np.isnan(usual)], edges[0], edges[1], rng)
        numbers = numbers.copy()
        numbers[far] = np.where(np.isnan(taken), numbers[far], taken)
        return numbers

    def _marked(self, modelled: pa.Array, mark: float) -> Bools:
        """Return where a special value stands among distances."""
        plain = modelled.cast(pa.float64(), safe=False).fill_null(0.0)
        values = plain.to_numpy(zero_copy_only=False)
        same = np.isnan(values) if np.isnan(mark) else values == mark
        return np.asarray(same, dtype=np.bool_)

    def _within(self, numbers: Floats) -> Floats:
        """Return numbers inside the target's own bounds."""
        low, high = (np.nan if end is None else end for end in (self.low, self.high))
        return np.where(np.isnan(numbers), numbers, np.fmin(np.fmax(numbers, low), high))

    def _beside(self, numbers: Floats, rows: pa.Table) -> Floats:
        """Move what lies beyond a limit, then what lies on the wrong side of the source."""
        first, last = (np.fmax, np.fmin) if self.after else (np.fmin, np.fmax)
        right = last(numbers, self._known(rows, self.limits, not self.after))
        return np.where(np.isnan(numbers), numbers, first(right, self.start(rows)))

    def clipped(self, numbers: Floats, rows: pa.Table) -> Floats:
        """Return values on the right side of all other columns; point masses stay."""
        right = self._beside(numbers, rows)
        return np.where(at_points(numbers, self.points), numbers, right)

    def repair(self, rows: pa.Table) -> Values:
        """Move the target to the source where it lies on the wrong side."""
        target = rows.column(self.target)
        if not self.violations(rows).any():
            return target
        return self.clipped(as_numbers(target), rows)

    def invert(self, rows: pa.Table, source: str, modelled: Modelled, rng: Rng) -> Optional[Values]:
        """Take the distance off the target; see the base class."""
        if source != self.source or modelled is None or not self.distance:
            return None
        if source in (*self.days, *self.years):
            return None  # the target does not tell the time of day, or the day
        gaps, target = np.maximum(as_numbers(modelled), 0.0) * self._unit, self.target_values(rows)
        if not self.clock:
            return target - self._sign * gaps
        # The days between are told; the source's own time of day is as it was drawn.
        own = self.source_values(rows)
        days = self._sign * day_of(self._sign * target) - self._sign * day_of(gaps)
        moments = days + np.nan_to_num(own - self._sign * day_of(self._sign * own))
        return np.minimum(moments, target) if self.after else np.maximum(moments, target)

    def __str__(self) -> str:
        sign, other = (">=", "<=") if self.after else ("<=", ">=")
        sides = [*((sign, self._said(name)) for name in (self.source, *self.beyond))]
        sides += [(other, self._said(name)) for name in self.limits]
        return f"{self.target} " + ", ".join(f"{symbol} {name}" for symbol, name in sides)

    def _said(self, name: str) -> str:
        return f"year of {name}" if name in self.years else name


def among(values: Floats, low: Floats, high: Floats, rng: np.random.Generator) -> Floats:
    """Return one of some values at random between each two ends; NaN where there is none."""
    values = np.append(np.sort(values), np.nan)
    # What lies between two ends is one span of the sorted values.
    first = np.searchsorted(values[:-1], low)
    last = np.searchsorted(values[:-1], high, "right")
    place = first + np.floor(rng.random(len(low)) * (last - first)).astype(np.int64)
    return np.where(last > first, values[np.minimum(place, len(values) - 1)], np.nan)


def _on_that_day(
    gaps: Floats, rows: IntArray, low: Floats, high: Floats, rng: np.random.Generator
) -> Floats:
    """Return other times, of any rows, on the same days between two ends; NaN where none is."""
    day = day_of(gaps[rows])
    latest = np.minimum(high - day, np.nextafter(DAY, 0.0))
    return day + among(gaps[gaps >= 0] % DAY, np.maximum(low - day, 0.0), latest, rng)
