"""Rows that have an order, such as a customer's orders: gaps, and how each follows the last one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.metrics.associations import comparable_columns, ranks
from synthohive.metrics.distances import ks_of_numbers
from synthohive.metrics.encode import floats_of, ranked, view_of
from synthohive.metrics.harmonise import Tables, harmonised
from synthohive.metrics.joins import (
    Described,
    attributes,
    numbered,
    parent_rows,
    read_tables,
    rows_of,
    series_of,
)
from synthohive.schema import Column, ForeignKey, Metadata
from synthohive.schema.arrow_types import PER_SECOND
from synthohive.schema.columns import column_from_arrow

__all__ = ["SequenceScore", "Steps", "order_column", "sequence_scores", "with_previous"]

_LEAST = 30  # neighbouring rows, below which there is no sequence
_LEVELS = 200  # of a category; the rest is one
_TIED = 0.5  # neighbours that may be of one moment, so that it is still an order
_DAY = 86_400


@dataclass(frozen=True)
class Steps:
    """How one column goes from row to row.

    Attributes
    ----------
    column : str
    real_lag, synthetic_lag : float, optional
        Rank correlation of values with those of the row before, of numbers and times: lag-1
        autocorrelation.
    real_changes, synthetic_changes : float
        Share of rows that differ from the one before.
    count_ks : float
        Kolmogorov-Smirnov distance of the numbers of changes in a group.
    real_run, synthetic_run : float
        Mean number of rows in turn that have one value.
    run_ks : float
        Kolmogorov-Smirnov distance of these numbers.
    step_ks : float, optional
        Kolmogorov-Smirnov distance of the sizes of changes, of numbers and times.

    Examples
    --------
    >>> Steps("status", None, None, real_changes=0.2, synthetic_changes=0.7).difference
    0.5
    """

    column: str
    real_lag: Optional[float]
    synthetic_lag: Optional[float]
    real_changes: float
    synthetic_changes: float
    count_ks: float = 0.0
    real_run: float = 1.0
    synthetic_run: float = 1.0
    run_ks: float = 0.0
    step_ks: Optional[float] = None

    @property
    def difference(self) -> float:
        """The greater of both differences, to a millionth."""
        lag = abs((self.real_lag or 0.0) - (self.synthetic_lag or 0.0))
        return round(max(lag, abs(self.real_changes - self.synthetic_changes)), 6)


@dataclass(frozen=True)
class SequenceScore:
    """Rows of a child in their order below each parent, in real and in synthetic data.

    Attributes
    ----------
    table : str
    key : str
        The label of the key to the parent.
    order : str
        The column that orders them.
    gap_ks : float
        Kolmogorov-Smirnov distance of the gaps between neighbouring rows.
    real_gap, synthetic_gap : float
        Their means: days of times, else in the column's own numbers.
    steps : tuple of Steps
        By column, the furthest apart first.

    Examples
    --------
    >>> SequenceScore("sales", "sales(shop) -> shops(id)", "day", 0.1, 2.0, 2.5).gap_ks
    0.1
    """

    table: str
    key: str
    order: str
    gap_ks: float
    real_gap: float
    synthetic_gap: float
    steps: tuple[Steps, ...] = ()


def sequence_scores(
    real: Tables,
    synthetic: Tables,
    metadata: Metadata,
    child: str,
    key: ForeignKey,
    order: Optional[str] = None,
    within: Sequence[str] = (),
) -> Optional[SequenceScore]:
    """Compare how the rows of each parent follow each other.

    Parameters
    ----------
    real, synthetic : dict of str to DataFrame, pyarrow.Table or dict of columns
    metadata : Metadata
        Keys, and columns where they are described.
    child : str
    key : ForeignKey
        One of the child's: whose rows are in order.
    order : str, optional
        A column of numbers or times; :func:`order_column` by default.
    within : sequence of str
        Columns of which each combination below a parent is a series of its own, such as the
        departments of a shop.

    Returns
    -------
    SequenceScore, optional
        None where nothing orders the rows, or fewer than 30 have one before them.

    Examples
    --------
    >>> metadata = Metadata().add_table("shops", "id")
    >>> metadata = metadata.add_table("sales", fk={"shop": "shops.id"})
    >>> shops, shop, day = {"id": [*range(40)]}, [*range(40)] * 2, [1] * 40 + [3] * 40
    >>> real = {"shops": shops, "sales": {"shop": shop, "day": day, "paid": ["cash"] * 80}}
    >>> paid = ["cash"] * 40 + ["card"] * 40
    >>> fake = {"shops": shops, "sales": {"shop": shop, "day": day, "paid": paid}}
    >>> key = metadata.table("sales").foreign_keys[0]
    >>> score = sequence_scores(real, fake, metadata, "sales", key, "day")
    >>> score.gap_ks, score.real_gap, score.steps[0].column, score.steps[0].synthetic_changes
    (0.0, 2.0, 'paid', 1.0)
    """
    real, synthetic = read_tables(real, metadata), read_tables(synthetic, metadata)
    order = order or order_column(real, metadata, child, key, within)
    if order is None:
        return None
    said = attributes(real, metadata, child)[1]
    rows = [rows_of(tables, child) for tables in (real, synthetic)]
    if order in metadata.table(child).key_columns:
        said[order] = metadata.table(child).columns.get(order)
    shared = {name: column for name, column in said.items() if name in rows[1].column_names}
    columns, both = harmonised(shared, *rows)
    sides = [
        _Sequence.of(_groups(tables, child, key, within), table.column(order))
        for tables, table in zip((real, synthetic), both)
    ]
    if min(int(side.follows.sum()) for side in sides) < _LEAST:
        return None
    left, right = both
    others = {name: c for name, c in columns.items() if name not in (order, *within)}
    steps = [
        _steps(column, (left.column(column.name), right.column(column.name)), sides)
        for column in comparable_columns(left, others)
    ]
    gaps = [side.gaps for side in sides]
    return SequenceScore(
        child,
        key.label(child),
        order,
        ks_of_numbers(*gaps),
        float(gaps[0].mean()),
        float(gaps[1].mean()),
        tuple(sorted(steps, key=lambda one: -one.difference)),
    )


def with_previous(
    tables: Tables,
    metadata: Metadata,
    child: str,
    key: ForeignKey,
    order: str,
    within: Sequence[str] = (),
) -> tuple[pa.Table, Described]:
    """Return a child's rows, each beside what differs from the row before it.

    Parameters
    ----------
    tables : dict of str to DataFrame, pyarrow.Table or dict of columns
    metadata : Metadata
        Keys, and columns where they are described.
    child : str
    key : ForeignKey
        One of the child's: whose rows are in order.
    order : str
        A column of numbers or times.
    within : sequence of str
        Columns of which each combination below a parent is a series of its own.

    Returns
    -------
    pyarrow.Table
        As many rows as the child has, in its order; without key columns. Numbers and times have
        a ``step of`` column, the difference to the row before, all others a ``new`` column, 1
        where the value is another one. NULL for the first row of each series.
    dict of str to Column or None
        What is known of the columns, for the other metrics' `columns`.

    Examples
    --------
    >>> metadata = Metadata().add_table("shops", "id")
    >>> metadata = metadata.add_table("sales", fk={"shop": "shops.id"})
    >>> tables = {"shops": {"id": [1, 2]},
    ...           "sales": {"shop": [1, 2, 1], "day": [4, 5, 6], "paid": ["cash", "cash", "card"]}}
    >>> key = metadata.table("sales").foreign_keys[0]
    >>> rows, _ = with_previous(tables, metadata, "sales", key, "day")
    >>> rows["step of day"].to_pylist(), rows["new paid"].to_pylist()
    ([None, None, 2.0], [None, None, 1.0])
    """
    read = read_tables(tables, metadata)
    rows, columns = attributes(read, metadata, child)
    whole = rows_of(read, child)
    sequence = _Sequence.of(_groups(read, child, key, within), whole.column(order))
    arrays: dict[str, Any] = {name: rows.column(name) for name in columns}
    followed = dict(columns) if order in columns else {**columns, order: None}
    for name, said in followed.items():
        if name in within:
            continue
        values = whole.column(name)
        numeric = view_of(said or column_from_arrow(whole.field(name)), values) == "numbers"
        label = f"step of {name}" if numeric else f"new {name}"
        found = np.full(len(whole), np.nan)
        after, before = sequence.pairs(_comparable(values, numeric))
        step = after - before if numeric else (after != before).astype(np.float64)
        found[sequence.rows[sequence.follows]] = step
        arrays[label] = pa.array(found, mask=np.isnan(found))
        columns[label] = Column(name=label, kind="float", arrow="double")
    return pa.table(arrays), columns


def _comparable(values: pa.ChunkedArray, numeric: bool) -> Floats:
    return floats_of(values) if numeric else ranked(values, len(values)).astype(np.float64)


def _groups(
    tables: Mapping[str, pa.Table], child: str, key: ForeignKey, within: Sequence[str]
) -> IntArray:
    """Return a number for the series of each row; -1 where it has no parent."""
    rows = rows_of(tables, child)
    at = parent_rows(rows, key, rows_of(tables, key.parent))
    return series_of(at, *(numbered(rows.column(name)) for name in within))


def order_column(
    tables: Tables,
    metadata: Metadata,
    child: str,
    key: ForeignKey,
    within: Sequence[str] = (),
) -> Optional[str]:
    """Return the column that orders the rows of each parent.

    That is what a primary key has besides the key to the parent, where it is a number or a time;
    else the time that orders most neighbours, of those that tell half of them apart.

    Parameters
    ----------
    tables : dict of str to DataFrame, pyarrow.Table or dict of columns
        Real ones.
    metadata : Metadata
    child : str
    key : ForeignKey
    within : sequence of str
        Columns of which each combination below a parent is a series of its own.

    Returns
    -------
    str, optional
        None where nothing orders them.

    Examples
    --------
    >>> metadata = Metadata().add_table("bills", "id").add_table(
    ...     "lines", ["bill", "number"], fk={"bill": "bills.id"})
    >>> tables = {"bills": {"id": [1]}, "lines": {"bill": [1, 1], "number": [1, 2]}}
    >>> order_column(tables, metadata, "lines", metadata.table("lines").foreign_keys[0])
    'number'
    """
    read, config = read_tables(tables, metadata), metadata.table(child)
    rows = rows_of(read, child)
    rest = [name for name in config.pk if name not in key.columns]
    if len(rest) == 1 and {*key.columns} <= {*config.pk} and _orders(rows, rest[0]):
        return rest[0]
    found: list[tuple[float, str]] = []
    at = _groups(read, child, key, within)
    for name in attributes(read, metadata, child)[1]:
        if _is_moment(rows.field(name).type):
            sequence = _Sequence.of(at, rows.column(name))
            if sequence.follows.sum() >= _LEAST:
                found.append((float((sequence.gaps == 0).mean()), name))
    tied, name = min(found, key=lambda item: item[0], default=(1.0, ""))
    return name if tied <= _TIED else None


def _is_moment(type_: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(type_) or pa.types.is_date(type_))


def _orders(rows: pa.Table, name: str) -> bool:
    type_ = rows.field(name).type
    return bool(pa.types.is_integer(type_) or _is_moment(type_))


@dataclass(frozen=True)
class _Sequence:
    """Rows in the order of their group, and within it.

    Attributes
    ----------
    rows : ndarray of int64
        Which row comes where.
    follows : ndarray of bool
        Whether the row before it is of the same group.
    order : ndarray of float
        The values that order them.
    """

    rows: IntArray
    follows: Bools
    order: Floats

    @classmethod
    def of(cls, at: IntArray, values: pa.ChunkedArray) -> _Sequence:
        """Order rows by values, below the parent row of each; -1 is none."""
        numbers, type_ = floats_of(values), values.type
        if pa.types.is_timestamp(type_) or pa.types.is_date64(type_):
            unit = type_.unit if pa.types.is_timestamp(type_) else "ms"
            numbers = numbers / (_DAY * PER_SECOND[unit])
        known = np.flatnonzero((at >= 0) & ~np.isnan(numbers))
        # stable: rows of one moment stay as they are
        rows = known[np.lexsort((numbers[known], at[known]))]
        group = at[rows]
        follows = np.append([False], group[1:] == group[:-1])[: len(rows)]
        return cls(rows, follows, numbers[rows])

    @property
    def starts(self) -> IntArray:
        """Where in the order groups begin."""
        return np.flatnonzero(~self.follows)

    @property
    def gaps(self) -> Floats:
        """Differences to the row before, of those that have one."""
        return np.diff(self.order, prepend=0.0)[self.follows]

    def pairs(self, values: Any) -> tuple[Any, Any]:
        """Return the values of rows, and those of the ones before them."""
        at = np.flatnonzero(self.follows)
        ordered = values[self.rows]
        return ordered[at], ordered[at - 1]


def _steps(column: Column, sides: tuple[Any, Any], sequences: list[_Sequence]) -> Steps:
    lags: list[Optional[float]] = []
    changes, counts, runs, sizes = [], [], [], []
    numeric = view_of(column, sides[0]) == "numbers"
    for values, sequence in zip(sides, sequences):
        numbers = floats_of(values) if numeric else ranked(values, _LEVELS).astype(np.float64)
        after, before = sequence.pairs(numbers)
        both = ~np.isnan(after) & ~np.isnan(before)
        lags.append(_lag(after[both], before[both]) if numeric else None)
        # NULL follows NULL without a change; NaN would equal nothing
        changed = (after != before) & ~(np.isnan(after) & np.isnan(before))
        changes.append(float(changed.mean()))
        moved = np.zeros(len(sequence.rows), np.bool_)
        moved[sequence.follows] = changed
        counts.append(np.add.reduceat(moved.astype(np.float64), sequence.starts))
        first = np.flatnonzero(moved | ~sequence.follows)
        runs.append(np.diff(first, append=len(moved)).astype(np.float64))
        sizes.append(np.abs(after - before)[both & changed])
    return Steps(
        column.name,
        lags[0],
        lags[1],
        changes[0],
        changes[1],
        ks_of_numbers(*counts),
        float(runs[0].mean()),
        float(runs[1].mean()),
        ks_of_numbers(*runs),
        ks_of_numbers(*sizes) if numeric and all(map(len, sizes)) else None,
    )


def _lag(after: Floats, before: Floats) -> float:
    if len(after) < 2:
        return 0.0
    x, y = ranks(after), ranks(before)
    x, y = x - x.mean(), y - y.mean()
    scale = float(np.sqrt((x**2).sum() * (y**2).sum()))
    return float((x * y).sum()) / scale if scale else 0.0
