"""One class per way of making a key column."""

from __future__ import annotations

import re
import uuid
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import IntArray
from synthohive._random import Permutation, hashed, uniform
from synthohive.derive.years import are_years
from synthohive.exceptions import SchemaError
from synthohive.privacy.entities import Entities
from synthohive.schema import Column, ColumnKind
from synthohive.schema.arrow_types import limits
from synthohive.tables.context import positions_in_groups
from synthohive.tables.degrees import FanOutModel

__all__ = [
    "SPARSE",
    "CounterMaker",
    "GridMaker",
    "KeyMaker",
    "ListedMaker",
    "Places",
    "RealKeys",
    "SequenceMaker",
    "UuidMaker",
    "common_step",
    "no_room",
]

_NUMBERS = (ColumnKind.INTEGER, ColumnKind.DECIMAL)
SPARSE = 20.0
"""Numbers farther apart than that are not counted up, but natural: of members, of passports."""
LEAST_FILLED = 0.5
"""Share of slots that moments of a regular grid take up: hours of a station, days of a shop."""
_SEEN = 20_000
# With dashes; or without, where version and variant say that it is none of the other hashes.
_UUIDS = tuple(
    re.compile(f"{h}{{8}}-{h}{{4}}-{h}{{4}}-{h}{{4}}-{h}{{12}}|{h}{{12}}[1-8]{h}{{3}}{v}{h}{{15}}")
    for h, v in (("[0-9a-f]", "[89ab]"), ("[0-9A-F]", "[89AB]"))
)
_MOMENTS = (ColumnKind.DATE, ColumnKind.TIMESTAMP, ColumnKind.TIME)


@dataclass(frozen=True)
class RealKeys:
    """The real values of a key column.

    Attributes
    ----------
    groups : ndarray of int64, optional
        Each row's group, inside which the values are unique; None where they are so alone.
    k : int
        What fewer entities, or groups, share is not kept.
    entities : Entities, optional
        Those behind the rows.
    """

    column: Column
    values: pa.ChunkedArray
    groups: Optional[IntArray] = None
    k: int = 5
    entities: Optional[Entities] = None

    def integers(self) -> Optional[IntArray]:
        """Return the keys as whole numbers (moments: in the units of their type), without NULLs.

        None for other keys, fractions and what is beyond 64 bits.
        """
        values = self.values.drop_null()
        try:
            if self.column.kind in _NUMBERS:
                return np.asarray(pc.cast(values, pa.int64()).to_numpy())
            if self.column.kind in _MOMENTS:
                return np.asarray(pc.cast(values.cast(_unit(values.type)), pa.int64()).to_numpy())
        except pa.ArrowInvalid:
            return None
        return None

    def grouped(self) -> Optional[tuple[IntArray, IntArray]]:
        """Return them beside their groups, if all rows have both."""
        numbers = None if self.values.null_count else self.integers()
        if self.groups is None or numbers is None or not len(numbers):
            return None
        return numbers, self.groups


@dataclass(frozen=True)
class Places:
    """Rows that get keys.

    Attributes
    ----------
    rows : ndarray of int64
        Their numbers in the table.
    groups, positions, sizes : ndarray of int64
        Of each row, its parent, its place among its siblings, and how many these are.
    """

    rows: IntArray
    groups: IntArray
    positions: IntArray
    sizes: IntArray


@dataclass
class KeyMaker(ABC):
    """Makes one key column from row numbers and places in groups.

    Attributes
    ----------
    unique_by : {"row", "place", "other"}
        What keys follow from, and differ by: the row's number, its place among its siblings (among
        these alone), or more than that.
    """

    column: Column
    unique_by: ClassVar[Literal["row", "place", "other"]] = "row"

    @classmethod
    def learn(cls, real: RealKeys) -> Optional[KeyMaker]:
        """Return a maker if the real values are of its kind.

        What is kept is shared by `k` groups, or `k` of the entities behind the rows.
        """
        return None  # other things than values tell of it

    @abstractmethod
    def make(self, at: Places, seed: int) -> pa.Array:
        """Make the keys of rows."""

    def stretch(self, rows: int, sampled: int) -> None:
        """Adapt to a table of which only a sample was seen; most makers need not."""

    def fitting(self, rows: int) -> KeyMaker:
        """Return a maker of so many different keys that the column's type can hold.

        Raises
        ------
        SchemaError
            There are not so many.
        """
        return self


def _unit(type_: pa.DataType) -> pa.DataType:
    """Return the integers of which a moment is one."""
    return pa.int32() if type_.bit_width == 32 else pa.int64()


def _bounds(column: Column) -> tuple[int, int]:
    """Return the least and the largest key, as whole numbers, that a column can hold."""
    type_ = column.arrow_type
    low, high = limits(type_)
    if pa.types.is_decimal(type_):
        unit = 10 ** max(type_.scale, 0)
        low, high = -(high // unit), high // unit
    whole = np.iinfo(np.int64)
    return max(low, int(whole.min)), min(high, int(whole.max))


def no_room(column: Column, what: str) -> SchemaError:
    """Return the error of a key column that cannot hold so many keys."""
    return SchemaError(
        f"The key column {column.name!r} has no room for {what}.",
        hint="Sample fewer rows, or at a smaller scale.",
    )


def _different(column: Column, rows: int) -> str:
    return f"{rows:,} different values of {column.sql_type or column.arrow_type}"


def _from_integers(column: Column, numbers: IntArray) -> pa.Array:
    low, high = _bounds(column)
    if len(numbers) and (numbers.min() < low or numbers.max() > high):
        raise no_room(column, _different(column, len(numbers)))
    type_ = column.arrow_type
    if column.kind in _MOMENTS:
        return pc.cast(pc.cast(pa.array(numbers), _unit(type_)), type_)
    if column.kind is ColumnKind.DECIMAL:
        return pc.cast(pc.cast(pa.array(numbers), pa.decimal128(19, 0)), type_)
    return pc.cast(pa.array(numbers), type_)


def _in_strata(places: IntArray, width: Any, rows: IntArray, seed: int) -> IntArray:
    """Return a number in the stratum of each place, from `place * width` to the next one's.

    It has that for itself, so that numbers ascend, and none repeats.
    """
    low, high = np.floor(places * width), np.floor((places + 1) * width)
    inside = np.floor(uniform(rows, seed) * np.maximum(high - low, 1.0))
    return np.asarray((low + inside).astype(np.int64))


def common_step(numbers: IntArray) -> int:
    """Return the greatest common divisor of the gaps."""
    gaps = np.diff(np.unique(numbers))
    return int(np.gcd.reduce(gaps)) if len(gaps) else 1


@dataclass
class SequenceMaker(KeyMaker):
    """Ascending numbers: the real start and step; where the real ones have gaps, so have these."""

    start: int = 1
    step: int = 1
    gap: float = 1.0

    @classmethod
    def learn(cls, real: RealKeys) -> Optional[SequenceMaker]:
        """Accept whole numbers and moments."""
        column, numbers = real.column, real.integers()
        if numbers is None:
            return None
        if not len(numbers):
            return cls(column)
        step = max(common_step(numbers), 1)
        low, high = int(numbers.min()), int(numbers.max())
        gap = (high - low) / step / max(len(numbers) - 1, 1)
        if gap > SPARSE:  # no counter: the least one is somebody's own number
            low -= (low % 10 ** int(np.log10(max(gap * step, 1.0)) + 1)) // step * step
        return cls(column, low, step, max(gap, 1.0))

    def stretch(self, rows: int, sampled: int) -> None:
        """Correct the average gap where only a sample of the keys was seen."""
        if sampled > 1 and rows > sampled:
            # n keys have n - 1 gaps between the same ends.
            self.gap = max(self.gap * (sampled - 1) / (rows - 1), 1.0)

    def fitting(self, rows: int) -> KeyMaker:
        """Leave smaller gaps, begin lower, or take smaller steps, where numbers would not do."""
        start, step, gap = self.start, self.step, self.gap
        low, high = _bounds(self.column)
        if rows < 1 or start + int(rows * gap) * step <= high:
            return self
        if low + (rows - 1) * step > high:
            step = 1
        if low + (rows - 1) * step > high:
            raise no_room(self.column, _different(self.column, rows))
        start = min(start, high - (rows - 1) * step)
        slots = (high - start) // step + 1
        gap = max(slots / rows * (1.0 - 1e-9), 1.0)  # a float of 2**63 may be one too large
        return SequenceMaker(self.column, start, step, gap)

    def make(self, at: Places, seed: int) -> pa.Array:
        """Jitter inside strata of the average gap: unique and ascending without memory."""
        rows = at.rows if self.gap <= 1.0 else _in_strata(at.rows, self.gap, at.rows, seed)
        return _from_integers(self.column, self.start + rows * self.step)


@dataclass
class UuidMaker(KeyMaker):
    """Random UUIDs of the real ones' version."""

    version: int
    upper: bool
    dashes: bool

    @classmethod
    def learn(cls, real: RealKeys) -> Optional[KeyMaker]:
        """Accept UUID columns, and text that is UUIDs throughout, all written alike."""
        column = real.column
        if column.kind not in (ColumnKind.UUID, ColumnKind.TEXT, ColumnKind.CATEGORICAL):
            return None
        seen = real.values.drop_null().slice(0, _SEEN).to_pylist()
        if column.kind is not ColumnKind.UUID:
            forms = [form for form in _UUIDS if seen and all(map(form.fullmatch, seen))]
            if not forms:
                return None
        versions = Counter(uuid.UUID(v).version or 4 for v in seen)
        upper = bool(seen) and all(v == v.upper() for v in seen) and seen[0] != seen[0].lower()
        dashes = not seen or "-" in seen[0]
        version = versions.most_common(1)[0][0] if versions else 4
        return cls(column, version, upper, dashes)

    def make(self, at: Places, seed: int) -> pa.Array:
        """Hash the row number into 122 bits."""
        high, low = hashed(at.rows, seed), hashed(at.rows, seed + 1)
        version = np.uint64(self.version)
        # RFC 9562: four bits say the version, two the variant.
        high = (high & np.uint64(0xFFFFFFFFFFFF0FFF)) | (version << np.uint64(12))
        low = (low & np.uint64(0x3FFFFFFFFFFFFFFF)) | np.uint64(0x8000000000000000)
        # The bytes of both halves, the highest first: 32 digits a row.
        digits = np.stack([high, low], axis=1).astype(">u8").tobytes().hex()
        text = pa.array([digits[i : i + 32] for i in range(0, len(digits), 32)], pa.string())
        if self.dashes:
            text = pc.replace_substring_regex(text, "^(.{8})(.{4})(.{4})(.{4})", r"\1-\2-\3-\4-")
        return pc.cast(pc.utf8_upper(text) if self.upper else text, self.column.arrow_type)


@dataclass
class ListedMaker(KeyMaker):
    """Values of a list that the schema itself gives: BOOLEAN, an enum, ``CHECK (x IN (…))``.

    Rows between are NULL where real ones are; else the list starts over, and rows that repeat a
    value are left out later.
    """

    unique_by = "other"
    labels: pa.Array
    stride: int

    @classmethod
    def of(cls, column: Column, labels: Sequence[Any], values: pa.ChunkedArray) -> ListedMaker:
        """Return a maker of some labels, as often NULL as the real values.

        Parameters
        ----------
        column : Column
        labels : sequence
            All that the column may hold, but for NULL.
        values : pyarrow.ChunkedArray
            The real values: of them, only the share of NULL is kept.
        """
        if any(isinstance(label, Decimal) for label in labels):
            labels = [Decimal(label) for label in labels]  # beside which Arrow takes no numbers
        known = max(len(values) - values.null_count, 1)
        stride = max(len(values) // known, 1) if values.null_count else 0
        return cls(column, pa.array(labels), stride)

    def make(self, at: Places, seed: int) -> pa.Array:
        """Take the labels in a random order, at even distances."""
        labels, stride = self.labels, self.stride
        turn, between = np.divmod(at.rows, max(stride, 1))
        place = Permutation(len(labels), seed)(turn % len(labels))
        empty = (between > 0) | (turn >= len(labels)) if stride else np.zeros(len(turn), bool)
        found = labels.cast(self.column.arrow_type)
        return found.take(pa.array(place, mask=empty))


@dataclass
class CounterMaker(KeyMaker):
    """Counts inside the parent's group: line 1, 2, 3; in every one, or in nearly every.

    With `runs`, it starts over inside a group: after as many rows as share a further parent, too.
    """

    unique_by = "place"
    start: int
    step: int
    exact: bool = True
    runs: Optional[FanOutModel] = None

    @classmethod
    def learn(cls, real: RealKeys) -> Optional[KeyMaker]:
        """Accept whole numbers that are start, start + step, … in nearly every group."""
        column, known = real.column, real.grouped()
        if known is None or column.kind not in _NUMBERS:
            return None
        numbers, groups = known
        order, position = np.lexsort((numbers, groups)), positions_in_groups(groups, numbers)[0]
        start = _middle(numbers[position == 0])
        inside = np.diff(numbers[order])[position[order][1:] > 0]
        step = _middle(inside) if len(inside) else 1
        fits = np.mean(numbers == start + position * step)
        if step <= 0 or fits < 0.98:
            return None
        return cls(column, start, step, bool(fits == 1.0))

    def make(self, at: Places, seed: int) -> pa.Array:
        """Count."""
        positions = at.positions
        if self.runs is not None and len(positions):
            positions = _inside_runs(self.runs, at.groups, positions, at.sizes, seed)
        return _from_integers(self.column, self.start + positions * self.step)


def _inside_runs(
    runs: FanOutModel, groups: IntArray, positions: IntArray, sizes: IntArray, seed: int
) -> IntArray:
    """Return places inside runs, into which each group is cut; its end cuts the last one.

    As many lengths are drawn as a group has rows: they depend on it alone, in whatever parts its
    rows are asked for.
    """
    distinct, first, number = np.unique(groups, return_index=True, return_inverse=True)
    group_sizes = np.maximum(sizes[first], 1)
    offsets = np.cumsum(group_sizes) - group_sizes
    group = np.repeat(np.arange(len(group_sizes)), group_sizes)
    streams = hashed(distinct, seed).view(np.int64)[group]
    lengths = runs.drawn(uniform(streams + np.arange(len(group)) - offsets[group], seed + 1))
    before = np.cumsum(lengths) - lengths
    starts = before - before[offsets][group]
    # Where runs begin, of all groups in one line: the last one before a row is its own.
    begins = (offsets[group] + starts)[starts < group_sizes[group]]
    at = offsets[number.reshape(-1)] + positions
    return np.asarray(at - begins[np.searchsorted(begins, at, side="right") - 1])


def _middle(numbers: IntArray) -> int:
    """Return the median, one of the numbers: floats do not tell whole ones beyond 2**53 apart."""
    return int(np.sort(numbers)[len(numbers) // 2])


def _filled(slots: IntArray, groups: IntArray) -> float:
    """Return the share of the slots between the first and the last of each group that are taken."""
    known = groups >= 0
    sizes = np.bincount(groups[known])
    low, high = np.full(len(sizes), np.iinfo(np.int64).max), np.full(len(sizes), -(2**62))
    np.minimum.at(low, groups[known], slots[known])
    np.maximum.at(high, groups[known], slots[known])
    several = sizes > 1
    return float(sizes[several].sum() / max((high - low + 1)[several].sum(), 1))


@dataclass
class GridMaker(KeyMaker):
    """Distinct slots of a regular grid inside each group: days, hours, numbers with gaps."""

    unique_by = "place"
    start: int
    step: int
    slots: int

    @classmethod
    def learn(cls, real: RealKeys) -> Optional[KeyMaker]:
        """Accept whole numbers; moments and years only where groups leave few slots free.

        Others (the days from which salaries are paid, the years in which contracts begin) say more
        than a grid can tell: they are learned like attributes.
        """
        column, k, known = real.column, real.k, real.grouped()
        if known is None:
            return None
        numbers, groups = known
        step, first = max(common_step(numbers), 1), int(numbers.min())
        if column.kind in _MOMENTS and _filled(numbers // step, groups) < LEAST_FILLED:
            return None
        places = ((numbers - first) // step).astype(np.float64)
        ends = Entities.over(groups + 1, k).ends(places, k, 1.0) or (0.0, places.max())
        slots = int(ends[1] - ends[0]) + 1
        room = slots * len(np.unique(groups))
        if are_years(real.values) and len(numbers) < LEAST_FILLED * room:
            return None  # a career has its own years
        return cls(column, first + int(ends[0]) * step, step, slots)

    def make(self, at: Places, seed: int) -> pa.Array:
        """Jitter inside equal strata of the grid: distinct and ascending in each group."""
        positions, sizes = at.positions, at.sizes
        # One stratum for each row of the group: what is drawn inside is distinct and ascending.
        width = np.maximum(self.slots, sizes) / np.maximum(sizes, 1)
        slots = _in_strata(positions, width, at.rows, seed)
        return _from_integers(self.column, self.start + slots * self.step)
