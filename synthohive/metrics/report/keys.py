"""What the report says of one foreign key."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.io.base import FanOut
from synthohive.metrics.associations import Pair, key_pairs
from synthohive.metrics.distances import null_rate
from synthohive.metrics.fan_out import fan_out_histogram, fan_out_ks, joint_fan_outs, orphans
from synthohive.metrics.report.chance import ks_chance
from synthohive.schema import ForeignKey, Metadata

__all__ = [
    "FanOutChart",
    "JointFanOut",
    "KeyReport",
    "fan_out_chart",
    "joint_reports",
    "key_report",
]

_STEPS = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 100, 200, 300, 500, 1_000, 2_000, 5_000, 10_000)
"""Numbers of children at which bars begin: fixed, so that they tell of no single parent."""
_TRENDS = 20  # pairs of columns across a key that are listed
_TREND_ROWS = 5_000  # of the child: a correlation is right to 0.014


@dataclass(frozen=True)
class FanOutChart:
    """Shares of the parents by their number of children, childless ones first.

    Attributes
    ----------
    labels : tuple of str
        ``"0"``, ``"6–7"``, ``"100+"``.
    real, synthetic : tuple of float
        One for each label.
    """

    labels: tuple[str, ...] = ()
    real: tuple[float, ...] = ()
    synthetic: tuple[float, ...] = ()


@dataclass(frozen=True)
class JointFanOut:
    """How far apart the joint numbers of children over two keys to one parent are.

    Attributes
    ----------
    parent : str
    a, b : str
        The labels of the keys.
    tvd : float
        Total variation distance, from 0 (equal) to 1.
    """

    parent: str
    a: str
    b: str
    tvd: float


@dataclass(frozen=True)
class KeyReport:
    """One foreign key: orphans in the synthetic data, children per parent, trends across it.

    Attributes
    ----------
    label : str
    orphans : int
        Synthetic rows whose key has no parent.
    fan_out_ks : float
        Kolmogorov-Smirnov distance of the numbers of children per parent.
    child, parent : str
        The tables.
    columns : tuple of str
        Of the child.
    fan_out : FanOutChart
    real_children, synthetic_children : float
        Children per parent, on average.
    real_nulls, synthetic_nulls : float
        Shares of child rows with a NULL in the key: they refer to nothing.
    trends : tuple of Pair
        Columns of the child with columns of the parent, the furthest apart first.
    chance : float
        What `fan_out_ks` exceeds once in twenty times between two samples of one source
        of as many parents.
    """

    label: str
    orphans: int
    fan_out_ks: float
    child: str = ""
    parent: str = ""
    columns: tuple[str, ...] = ()
    fan_out: FanOutChart = field(default_factory=FanOutChart)
    real_children: float = 0.0
    synthetic_children: float = 0.0
    real_nulls: float = 0.0
    synthetic_nulls: float = 0.0
    trends: tuple[Pair, ...] = ()
    chance: float = 0.0

    @property
    def told(self) -> float:
        """The distance of the numbers of children; 0 where chance alone may give it."""
        return self.fan_out_ks if self.fan_out_ks > self.chance else 0.0


def key_report(
    metadata: Metadata,
    tables: tuple[Mapping[str, pa.Table], Mapping[str, pa.Table]],
    child: str,
    key: ForeignKey,
    counted: tuple[Optional[FanOut], Optional[FanOut]],
    trends: bool,
    k: int,
) -> KeyReport:
    """Compare one foreign key.

    Parameters
    ----------
    metadata : Metadata
        Without the columns that are made up, and shall not be like the real ones.
    tables : tuple of two dicts of str to pyarrow.Table
        Real and synthetic, in one form.
    child : str
    key : ForeignKey
        One of the child's.
    counted : tuple of two FanOut, optional
        Of all rows, where `tables` are samples.
    trends : bool
        Whether rows have their parents in `tables`, so that their columns can be compared.
    k : int
        Parents behind each real bar.
    """
    left, right = (given or _counted(side, child, key) for given, side in zip(counted, tables))
    nulls = tuple(_nulls(side[child], key) for side in tables)
    thin, made = ({**side, child: _thinned(side[child])} for side in tables)
    across = key_pairs(thin, made, metadata, child, key) if trends else []
    return KeyReport(
        key.label(child),
        right.orphans,
        fan_out_ks(left.histogram, right.histogram),
        child,
        key.parent,
        tuple(key.columns),
        fan_out_chart(left.histogram, right.histogram, k),
        _mean(left.histogram),
        _mean(right.histogram),
        nulls[0],
        nulls[1],
        tuple(across[:_TRENDS]),
        ks_chance(sum(left.histogram.values()), sum(right.histogram.values())),
    )


def joint_reports(
    metadata: Metadata,
    tables: tuple[Mapping[str, pa.Table], Mapping[str, pa.Table]],
    cut: Collection[str],
) -> tuple[JointFanOut, ...]:
    """Compare the numbers of children over each two keys to one parent, the worst first.

    Parameters
    ----------
    metadata : Metadata
    tables : tuple of two dicts of str to pyarrow.Table
        Real and synthetic, in one form.
    cut : collection of str
        Labels of keys over which children are missing in a sample: they are left out.
    """
    parents = {key.label(child): key.parent for child, key in metadata.foreign_keys()}
    found = [
        JointFanOut(parents[a], a, b, tvd)
        for (a, b), tvd in joint_fan_outs(*tables, metadata).items()
        if a not in cut and b not in cut
    ]
    return tuple(sorted(found, key=lambda two: -two.tvd))


def _counted(tables: Mapping[str, pa.Table], child: str, key: ForeignKey) -> FanOut:
    side = tables[child], key.columns, tables[key.parent], key.parent_columns
    return FanOut(fan_out_histogram(*side), orphans=orphans(*side))


def _thinned(rows: pa.Table) -> pa.Table:
    return rows.take(pa.array(np.arange(0, len(rows), max(1, len(rows) // _TREND_ROWS))))


def _nulls(rows: pa.Table, key: ForeignKey) -> float:
    """Return the share of rows with a NULL in the key."""
    if len(key.columns) == 1:
        return null_rate(rows.column(key.columns[0]))
    whole = len(rows.select(key.columns).drop_null())
    return 1.0 - whole / len(rows) if len(rows) else 0.0


def _mean(histogram: Mapping[int, int]) -> float:
    parents = sum(histogram.values())
    return sum(size * count for size, count in histogram.items()) / parents if parents else 0.0


def fan_out_chart(real: Mapping[int, int], synthetic: Mapping[int, int], k: int) -> FanOutChart:
    """Return the bars of both sides; what fewer than `k` real parents have is one with the next.

    Parameters
    ----------
    real, synthetic : dict of int to int
        ``{children: number of parents}``.
    k : int

    Examples
    --------
    >>> fan_out_chart({0: 5, 1: 9, 7: 5, 400: 1}, {0: 6, 1: 14}, k=5).labels
    ('0', '1', '2', '3', '4', '5', '6+')
    """
    starts = np.array((0, *_STEPS))
    sides = []
    for side in (real, synthetic):
        bins = np.searchsorted(starts, list(side), side="right") - 1
        sides.append(np.bincount(bins, weights=list(side.values()), minlength=len(starts)))
    top = max((i for i in range(len(starts)) if any(side[i] for side in sides)), default=-1)
    if top < 0 or sum(real.values()) < k:
        return FanOutChart()
    bars = _merged([_Bar(i, i, sides[0][i], sides[1][i]) for i in range(top + 1)], k)
    totals = [max(1.0, sum(side)) for side in sides]
    return FanOutChart(
        tuple(_label(bar, starts, bar is bars[-1]) for bar in bars),
        tuple(float(bar.real / totals[0]) for bar in bars),
        tuple(float(bar.synthetic / totals[1]) for bar in bars),
    )


@dataclass(frozen=True)
class _Bar:
    """Parents whose numbers of children begin at the steps from `first` to `last`."""

    first: int
    last: int
    real: float
    synthetic: float

    def with_next(self, upper: _Bar) -> _Bar:
        both = self.real + upper.real, self.synthetic + upper.synthetic
        return _Bar(self.first, upper.last, *both)


def _merged(bars: list[_Bar], k: int) -> list[_Bar]:
    """Return bars of no or of at least `k` real parents, who are at least `k`."""
    found: list[_Bar] = []  # from the greatest number of children down
    for bar in reversed(bars):
        few = bool(found) and 0 < found[-1].real < k
        found.append(bar.with_next(found.pop()) if few else bar)
    while len(found) > 1 and 0 < found[-1].real < k:  # the first has nothing before it
        found.append(found.pop().with_next(found.pop()))
    return found[::-1]


def _label(bar: _Bar, starts: IntArray, final: bool) -> str:
    start, after = int(starts[bar.first]), bar.last + 1
    end = int(starts[after]) - 1 if after < len(starts) else None
    if start == end:
        return f"{start:,}"
    return f"{start:,}+" if final or end is None else f"{start:,}–{end:,}"
