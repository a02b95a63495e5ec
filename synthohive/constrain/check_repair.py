"""Repair of rows that break constraints, by values that other rows show to be possible.

A change is kept only where it leaves the row with fewer broken constraints than before;
so every step helps, none undoes another, and the number of steps is fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, IntArray
from synthohive._logging import get_logger
from synthohive.constrain.sql_expressions import Check, Comparison

__all__ = ["Repair", "Resample", "nearest"]

log = get_logger(__name__)

Resample = Callable[[IntArray, np.random.Generator], pa.Table]

OFTEN, FEW = 0.02, 20
TRIES = 3
PASSES = 2


class Repair:
    """One table under repair.

    Parameters
    ----------
    name : str
        Of the table, for the log.
    checks : mapping of str to Check
        All constraints that the columns of `table` can be tested for.
    free : set of str
        Columns that may be changed.
    table : pyarrow.Table
    rng : numpy.random.Generator
    """

    def __init__(
        self,
        name: str,
        checks: Mapping[str, Check],
        free: AbstractSet[str],
        table: pa.Table,
        rng: np.random.Generator,
    ) -> None:
        self.name = name
        self.labels = list(checks)
        self.checks = list(checks.values())
        self.columns = [n for n in table.column_names if n in free]
        self.free = [[n for n in self.columns if n in c.columns] for c in self.checks]
        self.table = table
        self.rng = rng
        self.broken = self._broken(table)  # (constraints, rows)

    def run(self, resample: Optional[Resample]) -> tuple[pa.Table, int]:
        """Repair what can be repaired; return the table and the number of rows repaired."""
        before = self._pending()
        if not before.any():
            return self.table, 0
        self._couple()
        for _ in range(PASSES):
            if resample is not None:  # first, as it keeps to what the model and relations say
                self._resample(resample)
            self._redraw()
            self._borrow()
            self._arrange()
            if not self._pending().any():
                break
        self._name()
        self._report()
        return self.table, int((before & ~self._pending()).sum())

    def _broken(self, table: pa.Table) -> Bools:
        masks = [~c.evaluate(table).to_numpy(zero_copy_only=False) for c in self.checks]
        return np.array(masks, dtype=bool).reshape(len(self.checks), table.num_rows)

    def _pending(self) -> Bools:
        """Return the rows that break a constraint with a free column."""
        repairable = np.flatnonzero([bool(free) for free in self.free])
        return np.asarray(np.any(self.broken[repairable], axis=0), dtype=np.bool_)

    def _report(self) -> None:
        left = {
            label: int(mask.sum()) for label, mask in zip(self.labels, self.broken) if mask.any()
        }
        if left:
            log.warning("checks_still_violated", table=self.name, rows=left)

    def _offer(self, rows: IntArray, values: Mapping[str, pa.Array]) -> None:
        """Change `rows` to `values` where that breaks fewer constraints."""
        if not len(rows):
            return
        candidate = self.table.take(rows)
        for name, array in values.items():
            at = candidate.column_names.index(name)
            candidate = candidate.set_column(at, candidate.field(at), array)
        broken = self._broken(candidate)
        better = np.flatnonzero(broken.sum(axis=0) < self.broken[:, rows].sum(axis=0))
        if not len(better):
            return
        changed = rows[better]
        self.broken[:, changed] = broken[:, better]
        # The candidates stand behind all rows; one `take` puts the better ones in place.
        source = np.arange(self.table.num_rows)
        source[changed] = self.table.num_rows + better
        for name, array in values.items():
            at = self.table.column_names.index(name)
            both = pa.chunked_array([*self.table.column(name).chunks, array])
            self.table = self.table.set_column(at, self.table.field(at), both.take(source))

    def _couple(self) -> None:
        """Pair two compared columns by rank where many rows break their order.

        Both keep their values, and so their distributions, which redrawing only the broken
        rows would shift: a model that drew start and end apart breaks ``start <= end`` in
        half of the rows.
        """
        for number, check in enumerate(self.checks):
            for pair in check.comparisons:
                often = int(self.broken[number].sum()) > max(FEW, OFTEN * self.table.num_rows)
                if pair.right is None or pair.op == "=" or not often:
                    continue
                moved, anchor = pair.right, pair.left
                if moved not in self.columns:
                    moved, anchor = anchor, moved
                if moved in self.columns:
                    self._permute(number, moved, anchor)

    def _permute(self, number: int, moved: str, anchor: str) -> None:
        rows = np.flatnonzero(self._known([moved, anchor]))
        pairs = self.table.select([moved, anchor]).take(rows)
        ranks = [pc.array_sort_indices(_one_array(c)).to_numpy() for c in pairs.columns]
        source = np.arange(self.table.num_rows)
        # The i-th smallest moved value goes to the row with the i-th smallest anchor.
        source[rows[ranks[1]]] = rows[ranks[0]]
        at = self.table.column_names.index(moved)
        values = _one_array(self.table.column(moved)).take(pa.array(source))
        candidate = self.table.set_column(at, self.table.field(at), values)
        both = self.table.field(anchor).type == values.type and anchor in self.columns
        if both:  # neighbours in rank differ little, so that exchanging them costs little
            wrong = pa.array(self._broken(candidate)[number])
            fixed = _one_array(candidate.column(anchor))
            candidate = candidate.set_column(
                at, self.table.field(at), pc.if_else(wrong, fixed, values)
            )
            there = self.table.column_names.index(anchor)
            candidate = candidate.set_column(
                there, self.table.field(there), pc.if_else(wrong, values, fixed)
            )
        broken = self._broken(candidate)
        if broken.sum() < self.broken.sum():
            self.table, self.broken = candidate, broken

    def _redraw(self) -> None:
        """Replace a value outside its column's own constraint by one inside."""
        for number, free in enumerate(self.free):
            if len(self.checks[number].columns) != 1 or not free:
                continue
            known = self._known(free)
            for _ in range(TRIES):
                rows = np.flatnonzero(self.broken[number])
                donors = np.flatnonzero(known & ~self.broken[number])
                if not len(rows) or not len(donors):
                    break
                self._offer(rows, self._values(free, self.rng.choice(donors, len(rows))))

    def _values(self, names: Sequence[str], rows: IntArray) -> dict[str, pa.Array]:
        taken = self.table.select(list(names)).take(rows)
        return {name: _one_array(taken.column(name)) for name in names}

    def _resample(self, resample: Resample) -> None:
        """Draw the free columns of broken rows anew."""
        for _ in range(TRIES):
            rows = np.flatnonzero(self._pending())
            if not len(rows):
                return
            drawn = resample(rows, self.rng)
            names = [n for n in self.columns if n in drawn.column_names]
            arrays = {n: drawn.column(n).cast(self.table.field(n).type) for n in names}
            self._offer(rows, {n: _one_array(a) for n, a in arrays.items()})

    def _borrow(self) -> None:
        """Copy the constraint's free columns together from a row that breaks nothing."""
        together = sorted({name for free in self.free for name in free})
        for number, free in enumerate(self.free):
            if not free:
                continue
            fixed = [n for n in self.table.column_names if n in self.checks[number].columns]
            fixed = [n for n in fixed if n not in free]
            attempts: tuple[tuple[list[str], list[str], Optional[Bools]], ...] = (
                (free, fixed, self._known(free)),
                (free, fixed, None),
                (free, [], self._known(free)),
                (together, [], None),
            )
            for names, alike, among in attempts:
                rows = np.flatnonzero(self.broken[number])
                if not len(rows):
                    break
                rows, donors = self._donors(rows, alike, among)
                self._offer(rows, self._values(names, donors))

    def _known(self, names: Sequence[str]) -> Bools:
        """Return the rows without NULL, so that a repair adds none where it can."""
        valid = [pc.is_valid(self.table.column(n)).to_numpy() for n in names]
        return np.asarray(np.all(valid, axis=0), dtype=np.bool_)

    def _donors(
        self, rows: IntArray, alike: Sequence[str], among: Optional[Bools]
    ) -> tuple[IntArray, IntArray]:
        """Draw a faultless row for each of `rows`, with the same values in `alike`.

        Rows for which there is none are left out.
        """
        faultless = ~self.broken.any(axis=0)
        donors = np.flatnonzero(faultless if among is None else faultless & among)
        if not len(donors):
            return rows[:0], donors
        if not alike:
            return rows, self.rng.choice(donors, len(rows))
        group = _groups([_one_array(self.table.column(n)) for n in alike])
        # Sorted by group, the donors of each row are one span, in which a number is drawn.
        donors = donors[np.argsort(group[donors], kind="stable")]
        first = np.searchsorted(group[donors], group[rows], side="left")
        last = np.searchsorted(group[donors], group[rows], side="right")
        some = last > first
        return rows[some], donors[self.rng.integers(first[some], last[some])]

    def _arrange(self) -> None:
        """Swap the columns of a comparison, or move a value to its nearest bound."""
        for number, check in enumerate(self.checks):
            for demand in check.comparisons:
                if demand.right is not None and {demand.left, demand.right} <= set(self.columns):
                    self._swap(number, demand.left, demand.right)
                for name, op, other in _sides(demand):
                    if name in self.columns:
                        self._clip(number, name, op, other, demand.value)

    def _name(self) -> None:
        """Give a column one of the constants that the constraint itself names."""
        for number, check in enumerate(self.checks):
            for name in self.free[number]:
                values = _cast(check.constants, self.table.field(name).type)
                for _ in range(TRIES):
                    rows = np.flatnonzero(self.broken[number])
                    if len(rows) and len(values):
                        chosen = self.rng.integers(0, len(values), len(rows))
                        self._offer(rows, {name: values.take(pa.array(chosen))})

    def _swap(self, number: int, left: str, right: str) -> None:
        if self.table.field(left).type != self.table.field(right).type:
            return
        rows = np.flatnonzero(self.broken[number])
        values = self._values([left, right], rows)
        self._offer(rows, {left: values[right], right: values[left]})

    def _clip(self, number: int, name: str, op: str, other: Optional[str], value: Any) -> None:
        rows = np.flatnonzero(self.broken[number])
        if not len(rows):
            return
        bound = self._values([other], rows)[other] if other is not None else pa.array([value])
        moved = nearest(bound, op, self.table.field(name).type)
        if moved is None:
            return
        if other is None:
            moved = pa.repeat(moved[0], len(rows))
        kept = self._values([name], rows)[name]
        # Only what lies on the wrong side moves: a row may break the CHECK by another column.
        broken = _compare(op, kept, moved)
        self._offer(rows, {name: pc.if_else(broken, moved, kept)})


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


def _sides(demand: Comparison) -> list[tuple[str, str, Optional[str]]]:
    """Return which column has to stand how to what."""
    sides: list[tuple[str, str, Optional[str]]] = [(demand.left, demand.op, demand.right)]
    if demand.right is not None:
        mirrored = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}[demand.op]
        sides.append((demand.right, mirrored, demand.left))
    return sides


def nearest(bound: pa.Array, op: str, target: pa.DataType) -> Optional[pa.Array]:
    """Return the value of type `target` nearest to `bound` for which ``value op bound``.

    None where the types have no such step between values.

    Parameters
    ----------
    bound : pyarrow.Array
        Numbers or times; NULL stays NULL.
    op : {"<", "<=", ">", ">=", "="}
    target : pyarrow.DataType
        A value of it is one step away from the next: 1, a last digit, a day, a unit of time, or the
        next float.

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


def _groups(columns: Sequence[pa.Array]) -> IntArray:
    """Return the number of each row's combination of values; NULL is a value."""
    group = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        codes = column.dictionary_encode(null_encoding="encode").indices.to_numpy()
        pairs = group * (int(codes.max(initial=0)) + 1) + codes
        # Dense after each column, so that products fit in 64 bits.
        group = np.unique(pairs, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return group


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
