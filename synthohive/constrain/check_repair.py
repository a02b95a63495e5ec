"""How rows that break a CHECK are repaired: by values of other rows, or the nearest allowed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, IntArray
from synthohive.constrain.base import TRIES, Offer, Repair, Repairing
from synthohive.constrain.sql_expressions import Check, all_hold
from synthohive.tables.ancestors import with_column
from synthohive.tables.key_hashes import key_hashes

__all__ = ["CheckRepair", "all_broken", "nearest"]

OFTEN, FEW = 0.02, 20


class CheckRepair(Repair):
    """One CHECK; see :class:`Repair`.

    Parameters
    ----------
    label : str
        As it is named to users.
    check : Check
    moves : sequence of str
    """

    alone = True

    def __init__(self, label: str, check: Check, moves: Sequence[str]) -> None:
        super().__init__(sorted(check.columns), moves)
        self.label, self.check = label, check

    def broken(self, rows: pa.Table, later: Optional[Bools] = None) -> Bools:
        """Return the rows for which the condition is false."""
        return ~self.check.holds(rows)

    def trades(self, now: Repairing) -> Iterator[Offer]:
        """Pair two compared columns by rank where many rows break their order.

        Both keep their values, and so their distributions, which redrawing only the broken
        rows would shift: a model that drew start and end apart breaks ``start <= end`` in
        half of the rows.
        """
        for pair in self.check.comparisons:
            often = len(now.wrong(self)) > max(FEW, OFTEN * len(now.rows))
            if pair.right is None or pair.op == "=" or not often:
                continue
            moved, anchor = pair.right, pair.left
            if moved not in self.moves:
                moved, anchor = anchor, moved
            if moved in self.moves:
                yield self._by_rank(now, moved, anchor)

    def _by_rank(self, now: Repairing, moved: str, anchor: str) -> Offer:
        rows = np.flatnonzero(now.known([moved, anchor]))
        known = now.rows.take(pa.array(rows))
        order, place = (pc.array_sort_indices(_one(known, n)).to_numpy() for n in (moved, anchor))
        source = np.empty_like(rows)
        # The i-th smallest moved value goes to the row with the i-th smallest anchor.
        source[place] = order
        values = _one(known, moved).take(pa.array(source))
        changed, names = with_column(known, moved, values), [moved]
        fixed = _one(known, anchor)
        if fixed.type == values.type and anchor in self.moves:
            # neighbours in rank differ little, so that exchanging them costs little
            wrong, names = pa.array(self.broken(changed)), [moved, anchor]
            changed = with_column(changed, moved, pc.if_else(wrong, fixed, values))
            changed = with_column(changed, anchor, pc.if_else(wrong, values, fixed))
        return Offer(rows, changed.select(names), np.zeros_like(rows))

    def offers(self, now: Repairing) -> Iterator[Offer]:
        """Yield values of other rows, then swapped and moved ones, at last what the text names."""
        known = now.known(self.moves)
        for _ in range(TRIES if len(self.columns) == 1 else 0):
            rows, donors = now.wrong(self), np.flatnonzero(known)
            donors = np.setdiff1d(donors, rows)
            if len(donors):
                yield now.copied(rows, now.rng.choice(donors, len(rows)), self.moves)
        yield from self._borrowed(now)
        yield from self._arranged(now)
        for name in self.moves if now.last else ():
            values = _cast(self.check.constants, now.rows.schema.field(name).type)
            for _ in range(TRIES if len(values) else 0):
                rows = now.wrong(self)
                chosen = values.take(pa.array(now.rng.integers(0, len(values), len(rows))))
                yield Offer(rows, pa.table({name: chosen}))

    def _borrowed(self, now: Repairing) -> Iterator[Offer]:
        """Copy the free columns together from rows that break nothing, alike in the others."""
        fixed = [name for name in self.columns if name not in self.moves]
        together = sorted({name for one in now.repairs if one.alone for name in one.moves})
        for names, alike, whole in (
            (self.moves, fixed, True),  # without NULL, so that a repair adds none where it can
            (self.moves, fixed, False),
            (self.moves, [], True),
            (together, [], False),
        ):
            right = ~now.broken.any(axis=0) & (now.known(names) | (not whole))
            yield now.copied(*self._donors(now, np.flatnonzero(right), alike), names)

    def _donors(
        self, now: Repairing, donors: IntArray, alike: Sequence[str]
    ) -> tuple[IntArray, IntArray]:
        """Draw one of some rows for each broken row, with the same values in `alike`.

        Rows for which there is none are left out.
        """
        rows = now.wrong(self)
        if not len(donors):
            return rows[:0], donors
        if not alike:
            return rows, now.rng.choice(donors, len(rows))
        types = [now.rows.schema.field(name).type for name in alike]
        group = key_hashes(now.rows, alike, types, nulls_distinct=False)
        # Sorted by group, the donors of each row are one span, in which a number is drawn.
        donors = donors[np.argsort(group[donors], kind="stable")]
        first = np.searchsorted(group[donors], group[rows], side="left")
        last = np.searchsorted(group[donors], group[rows], side="right")
        some = last > first
        return rows[some], donors[now.rng.integers(first[some], last[some])]

    def _arranged(self, now: Repairing) -> Iterator[Offer]:
        """Swap the columns of a comparison, or move a value to its nearest bound."""
        for demand in self.check.comparisons:
            if demand.right is not None and {demand.left, demand.right} <= set(self.moves):
                pair = [demand.left, demand.right]
                types = [now.rows.schema.field(name).type for name in pair]
                if types[0] == types[1]:
                    rows = now.wrong(self)
                    swapped = now.rows.select(pair[::-1]).take(pa.array(rows))
                    yield Offer(rows, swapped.rename_columns(pair))
            for name, op, other in demand.sides:
                if name in self.moves:
                    yield from self._clipped(now, name, op, other, demand.value)

    def _clipped(
        self, now: Repairing, name: str, op: str, other: Optional[str], value: Any
    ) -> Iterator[Offer]:
        rows, type_ = now.wrong(self), now.rows.schema.field(name).type
        some = now.rows.take(pa.array(rows))
        bound = _one(some, other) if other is not None else pa.array([value])
        moved = nearest(bound, op, type_)
        if moved is None:
            return
        if other is None:
            moved = pa.repeat(moved[0], len(rows))
        kept = _one(some, name)
        # Only what lies on the wrong side moves: a row may break the CHECK by another column.
        values = pc.if_else(_compare(op, kept, moved), moved, kept)
        yield Offer(rows, pa.table({name: values}))


def all_broken(repairs: Sequence[CheckRepair], rows: pa.Table) -> list[Bools]:
    """Return which rows break each CHECK, all of which are asked at once."""
    return [~held for held in all_hold([repair.check for repair in repairs], rows)]


def _cast(values: Sequence[Any], type_: pa.DataType) -> pa.Array:
    """Return those of some constants that a type can hold."""
    fitting = []
    for value in values:
        try:
            fitting.append(pc.cast(pa.array([value]), type_))
        except (pa.ArrowException, TypeError):
            continue
    return pa.concat_arrays(fitting) if fitting else pa.array([], type_)


def _compare(op: str, values: pa.Array, bound: pa.Array) -> pa.BooleanArray:
    """Return where `values` lie on the wrong side of the nearest allowed value."""
    if op == "=":
        wrong = pc.not_equal(values, bound)
    else:
        wrong = (pc.less if op in (">", ">=") else pc.greater)(values, bound)
    return pc.fill_null(wrong, False)


def _one(rows: pa.Table, name: str) -> pa.Array:
    return rows.column(name).combine_chunks()


def nearest(bound: pa.Array, op: str, target: pa.DataType) -> Optional[pa.Array]:
    """Return the value of a type nearest to `bound` for which ``value op bound``; NULL stays.

    None where the types have no such step between values.

    Parameters
    ----------
    bound : pyarrow.Array
        Numbers or times.
    op : {"<", "<=", ">", ">=", "="}
    target : pyarrow.DataType
        A value is one step from the next: 1, a last digit, a day, a unit of time, the next float.

    Examples
    --------
    >>> nearest(pa.array([0.5]), ">", pa.int64()).to_pylist()
    [1]
    """
    try:
        if pa.types.is_floating(target):
            return _nearest_float(bound, op, target)
        step = _step(target)
        if step is None:
            return bound.cast(target) if op == "=" else None
        moved = _whole_steps(bound, target, up=op in (">=", "<")).cast(target)
        if op == ">":
            return pc.add(moved, step).cast(target)
        return pc.subtract(moved, step).cast(target) if op == "<" else moved
    except pa.ArrowException:
        return None


def _step(target: pa.DataType) -> Optional[pa.Scalar]:
    """Return the distance of neighbouring values."""
    if pa.types.is_integer(target):
        return pa.scalar(1, target)
    if pa.types.is_decimal(target):
        return pa.scalar(Decimal(1).scaleb(-target.scale), target)
    if pa.types.is_date32(target):
        return pa.scalar(86_400, pa.duration("s"))
    if pa.types.is_timestamp(target) or pa.types.is_duration(target):
        return pa.scalar(1, pa.duration(target.unit))
    return None


def _whole_steps(bound: pa.Array, target: pa.DataType, up: bool) -> pa.Array:
    """Round to what `target` can hold."""
    if pa.types.is_timestamp(bound.type) and pa.types.is_date32(target):
        return (pc.ceil_temporal if up else pc.floor_temporal)(bound, unit="day")
    if pa.types.is_decimal(bound.type):  # rounding up may need one more digit
        bound = bound.cast(pa.decimal256(76, bound.type.scale))
    if pa.types.is_floating(bound.type) or pa.types.is_decimal(bound.type):
        digits = target.scale if pa.types.is_decimal(target) else 0
        return pc.round(bound, digits, round_mode="up" if up else "down")
    return bound


def _nearest_float(bound: pa.Array, op: str, target: pa.DataType) -> pa.Array:
    exact = bound.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    values = exact.astype(target.to_pandas_dtype())
    upward = op in (">", ">=")
    # A cast to float32 may round across the bound: the next float is on the right side again.
    beyond = np.nextafter(values, values.dtype.type(np.inf if upward else -np.inf))
    short = values < exact if upward else values > exact
    if op in ("<", ">"):
        short = short | (values == exact)
    chosen = values if op == "=" else np.where(short, beyond, values)
    return pa.array(chosen, target, mask=pc.is_null(bound).to_numpy(zero_copy_only=False))
