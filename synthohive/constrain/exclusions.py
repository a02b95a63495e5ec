"""EXCLUDE constraints: periods of the same room, car or employee that never overlap.

A row is compared to all before it, whatever block they stand in. One that overlaps is moved to
the nearest time at which its group is free for so long, else for less; where there is none, it
is left out.
"""

from __future__ import annotations

import datetime
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from synthohive._arrays import Bools
from synthohive.constrain.base import Offer, Repair, Repairing, Rule
from synthohive.constrain.sql_expressions import Expression, compile_expression
from synthohive.encoding.structured import Range
from synthohive.schema import Exclusion, TableConfig
from synthohive.tables.key_hashes import NO_KEY, key_hashes

__all__ = ["ExclusionRepair", "ExclusionRule", "not_kept", "exclusion_rules"]

Span = tuple[int, int]
"""From a first unit of time (or a number) to the one after the last."""

ENDLESS = 1 << 80
"""Beyond all bounds, on both sides."""
FURTHEST = (16, 500)
"""Rows of a group that are looked at on each side: near ones, then more."""
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_MICRO = datetime.timedelta(microseconds=1)
_TENTHS = 10


@dataclass(frozen=True)
class ExclusionRule(Rule):
    """What no two rows of a group have in common.

    Attributes
    ----------
    equal : tuple of str
        Rows that are equal in these are a group; a NULL in one is in none.
    period : tuple of str
        A range column, or a lower and an upper bound.
    bounds : str
        Which bounds of two columns belong to the period: ``"[)"``.
    where : Expression, optional
        True of the rows that it is about.
    """

    equal: tuple[str, ...]
    period: tuple[str, ...]
    bounds: str = "[)"
    where: Optional[Expression] = None

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]
        """The columns that are compared."""
        return (*self.equal, *self.period)

    def groups(self, rows: pa.Table) -> npt.NDArray[np.uint64]:
        """Return each row's group; :data:`NO_KEY` where it is in none."""
        found = np.ones(len(rows), dtype=np.uint64)
        if self.equal:
            types = [rows.schema.field(name).type for name in self.equal]
            found = key_hashes(rows, self.equal, types)
        return found if self.where is None else np.where(self.where.holds(rows), found, NO_KEY)


def exclusion_rules(config: TableConfig, dialect: Optional[str]) -> Iterator[ExclusionRule]:
    """Yield the rules of a table's EXCLUDE constraints that are kept."""
    for exclusion in config.exclusions:
        rule = _rule_of(exclusion, config, dialect)
        if rule is not None and set(rule.all_columns) <= set(config.stored):
            yield rule


def _rule_of(
    exclusion: Exclusion, config: TableConfig, dialect: Optional[str]
) -> Optional[ExclusionRule]:
    where = None
    if exclusion.where is not None:
        where = compile_expression(exclusion.where, dialect, config.columns)
        if where is None:
            return None
    if not exclusion.period:
        return None
    return ExclusionRule(tuple(exclusion.equal), tuple(exclusion.period), exclusion.bounds, where)


def not_kept(config: TableConfig, dialect: Optional[str]) -> list[Exclusion]:
    """Return the EXCLUDE constraints that are of another form, which no rows are made to keep."""
    return [e for e in config.exclusions if _rule_of(e, config, dialect) is None]


class ExclusionRepair(Repair):
    """Keeps one rule, block after block; see :class:`Repair`.

    Parameters
    ----------
    config : TableConfig
    rule : ExclusionRule
    fixed : bool
        The period may not be changed: rows refer to it, or the caller gave it.
    """

    def __init__(self, config: TableConfig, rule: ExclusionRule, fixed: bool) -> None:
        super().__init__(rule.all_columns, () if fixed else rule.period)
        self.rule = rule
        self._spans: defaultdict[int, list[Span]] = defaultdict(list)
        self._ends = (ENDLESS, -ENDLESS)
        only = config.columns[rule.period[0]]
        self._range = Range(only) if len(rule.period) == 1 else None

    def broken(self, rows: pa.Table, later: Optional[Bools] = None) -> Bools:
        """Return the rows that overlap one before them."""
        groups, spans = self.rule.groups(rows), self._read(rows)
        order = np.arange(len(rows)) if later is None else np.argsort(later, kind="stable")
        known: dict[int, list[Span]] = {}
        found = np.zeros(len(rows), dtype=np.bool_)
        for row in order.tolist():
            span, group = spans[row], int(groups[row])
            if span is None or group == NO_KEY:
                continue
            taken = known.setdefault(group, list(self._spans.get(group, ())))
            found[row] = not _free(taken, span)
            if not found[row]:
                insort(taken, span)
        return found

    def _bar(self, block: pa.Table, broken: Bools) -> None:
        groups = self.rule.groups(block)
        for row, span in enumerate(self._read(block)):
            if groups[row] != NO_KEY and span is not None and not broken[row]:
                insort(self._spans[int(groups[row])], span)

    def offers(self, now: Repairing) -> Iterator[Offer]:
        """Move the rows that overlap to where their group is free."""
        groups, spans, wrong = self.rule.groups(now.rows), self._read(now.rows), now.wrong(self)
        self._widen(spans)
        taken: dict[int, list[Span]] = {int(g): list(self._spans.get(int(g), ())) for g in groups}
        still = set(wrong.tolist())
        for row, span in enumerate(spans):
            if span is not None and groups[row] != NO_KEY and row not in still:
                insort(taken[int(groups[row])], span)
        usual = self._usual(spans)
        moved: dict[int, Span] = {}
        for row in wrong.tolist():
            busy = taken[int(groups[row])]
            span = _moved(busy, spans[row] or (0, 0), usual, self._ends)
            if span is not None:
                moved[row] = span
                insort(busy, span)
        yield Offer(np.array(list(moved), dtype=np.int64), self._written(now.rows, moved.values()))

    def _widen(self, spans: Sequence[Optional[Span]]) -> None:
        """Take note of the earliest and the latest bounds: nothing is moved beyond them."""
        bounds = [b for span in spans if span is not None for b in span if abs(b) < ENDLESS]
        if bounds:
            first, last = self._ends
            self._ends = (min(first, *bounds), max(last, *bounds))

    @staticmethod
    def _usual(spans: Sequence[Optional[Span]]) -> int:
        """Return the usual length, for a period without an end that cannot stay so."""
        lengths = sorted(s[1] - s[0] for s in spans if s is not None and s[1] - s[0] < ENDLESS)
        return lengths[len(lengths) // 2] if lengths else 1

    def _read(self, block: pa.Table) -> list[Optional[Span]]:
        """Return the periods; None where there is none, or nothing in it."""
        low, high = (self._column(block, side) for side in (0, 1))
        return [_span(a, b) for a, b in zip(low, high)]

    def _column(self, block: pa.Table, side: int) -> list[Any]:
        if self._range is None:
            values = block.column(self.rule.period[side]).to_pylist()
            closed = self.rule.bounds[side]
            past = closed == "(" if side == 0 else closed == "]"
            empty = -ENDLESS if side == 0 else ENDLESS
            return [empty if v is None else _number(v) + past for v in values]
        texts = block.column(self.rule.period[0]).to_pylist()
        return [None if text is None else _bound(self._range, text, side) for text in texts]

    def _written(self, rows: pa.Table, spans: Collection[Span]) -> pa.Table:
        """Return periods in the columns that hold such."""
        if self._range is not None:
            made: list[list[Any]] = [[_text(self._range, span) for span in spans]]
        else:
            opens, closes = self.rule.bounds[0], self.rule.bounds[1]
            made = [
                [lower - (opens == "(") for lower, _ in spans],
                [upper - (closes == "]") for _, upper in spans],
            ]
        types = [rows.schema.field(name).type for name in self.rule.period]
        plain = [
            pa.array(values if self._range is not None else [_value(v, t) for v in values], t)
            for values, t in zip(made, types)
        ]
        return pa.table(plain, names=list(self.rule.period))


def _span(lower: Optional[int], upper: Optional[int]) -> Optional[Span]:
    return None if lower is None or upper is None or lower >= upper else (lower, upper)


def _free(taken: Sequence[Span], span: Span) -> bool:
    """Whether a span overlaps none of some sorted ones, which do not overlap each other."""
    at = bisect_left(taken, span)
    before = at == 0 or taken[at - 1][1] <= span[0]
    return before and (at == len(taken) or taken[at][0] >= span[1])


def _moved(taken: Sequence[Span], span: Span, usual: int, ends: Span) -> Optional[Span]:
    """Return the nearest free span of the same length, or else of a smaller one."""
    length = span[1] - span[0]
    if length >= ENDLESS:
        length = usual
    start = span[0] if abs(span[0]) < ENDLESS else ends[0]
    gaps: list[Span] = []
    for furthest in FURTHEST:
        gaps = _gaps(taken, start, ends, furthest)
        whole = [(abs(at - start), at, at + length) for at in _places(gaps, start, length)]
        if whole:
            return min(whole)[1:]
    parts = [(high - low, low, high) for low, high in gaps if high > low]
    return max(parts)[1:] if parts else None


def _gaps(taken: Sequence[Span], start: int, ends: Span, furthest: int) -> list[Span]:
    """Return what is free around a moment."""
    at = bisect_left(taken, (start, start))
    begin, end = max(at - furthest, 0), min(at + furthest, len(taken))
    near = taken[begin:end]
    lows = [max(upper, ends[0]) for _, upper in near]
    highs = [min(lower, ends[1]) for lower, _ in near]
    lows = [ends[0], *lows] if begin == 0 else lows
    highs = highs if begin == 0 else highs[1:]
    highs = [*highs, ends[1]] if end == len(taken) else highs
    return [(low, high) for low, high in zip(lows, highs) if low < high]


def _places(gaps: Sequence[Span], start: int, length: int) -> Iterator[int]:
    for low, high in gaps:
        if high - low >= length:
            # As near to the wished start as the gap allows: inside it, or at one of its ends.
            yield min(max(start, low), high - length)


def _number(value: Any) -> int:
    """Return a bound as a whole number of its smallest units."""
    if isinstance(value, datetime.datetime):
        zoned = value if value.tzinfo is not None else value.replace(tzinfo=datetime.timezone.utc)
        return (zoned - _EPOCH) // _MICRO
    if isinstance(value, datetime.date):
        return value.toordinal()
    if isinstance(value, Decimal):
        return int(value.scaleb(_TENTHS))
    return int(value)


def _value(number: int, type_: pa.DataType) -> Any:
    """Return the bound of a type that a whole number stands for."""
    if pa.types.is_timestamp(type_):
        moment = _EPOCH + number * _MICRO
        return moment if type_.tz is not None else moment.replace(tzinfo=None)
    if pa.types.is_date(type_):
        return datetime.date.fromordinal(number)
    if pa.types.is_decimal(type_):
        return Decimal(number).scaleb(-_TENTHS).quantize(Decimal(1).scaleb(-type_.scale))
    return number


def _bound(form: Range, text: str, side: int) -> Optional[int]:
    """Return a bound of a range's text; None of an empty one."""
    found = form.split(text)
    if found is None or text == "empty":
        return None
    shape, parts = found
    name = ("lower", "upper")[side]
    if "lower" in parts and "width" in parts and side == 1:
        parts = {**parts, "upper": form.upper(parts)}
    if name not in parts:
        return (-ENDLESS, ENDLESS)[side]
    past = shape.startswith("(") if side == 0 else shape.endswith("]")
    return _number(parts[name]) + past


def _text(form: Range, span: Span) -> str:
    kind = form.parts["lower"].arrow_type
    lower, upper = (_value(number, kind) for number in span)
    return form.join("[#,#)", {"lower": lower, "width": form.width(lower, upper)})
