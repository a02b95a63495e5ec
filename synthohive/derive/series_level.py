"""Numbers around the level of their series: the sales of a department of a store.

A table that is found within another one holds, for each of its entities, the level of numbers that
differ more between series than within one. It is drawn once for each series, with all else of
the entity. What is modelled of a row is how far it is from there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats, IntArray
from synthohive.derive.columns import Chosen, Columns
from synthohive.derive.level import AroundLevel
from synthohive.tables.numbers import as_numbers, is_time, multiple_of
from synthohive.tables.roles import level_column

__all__ = ["SeriesLevel", "find_series_levels", "share_between"]

MOSTLY_POSITIVE = 0.95
GROWS = 0.4
"""Correlation of a series' spread with its level, by ranks, from which rows are ratios to it."""
SMALL = 0.01
"""Share of the middle level, below which there is nothing to divide by."""
DIGITS = 3


def share_between(numbers: Floats, codes: IntArray) -> float:
    """Return the share of the variance of a number's ranks that lies between series."""
    known = (codes >= 0) & ~np.isnan(numbers)
    if known.sum() < 2:
        return 0.0
    ranks, codes = _ranks(numbers[known]), codes[known]
    sizes = np.bincount(codes)
    left = ranks - (np.bincount(codes, ranks) / np.maximum(sizes, 1))[codes]
    # one degree of freedom for each series, or short ones would explain anything
    within = float((left**2).sum()) / max(len(ranks) - int((sizes > 0).sum()), 1)
    return 1.0 - within / max(float(ranks.var(ddof=1)), 1e-300)


@dataclass(frozen=True)
class SeriesLevel(AroundLevel):
    """A number by what it is of the level of its series.

    Attributes
    ----------
    source : str
        The level, of the entity whose series it is.
    least : float
        Of ratios, what levels below count as; of distances, the level where there is none.
    """

    source: str
    least: float

    def level(self, rows: pa.Table) -> Floats:
        """Return the level of each row's series."""
        level = as_numbers(rows.column(self.source))
        level = np.where(np.isnan(level), self.least, level)
        return np.maximum(level, self.least) if self.ratio else level

    def __str__(self) -> str:
        return f"{self.target} is around the level of its series"


def find_series_levels(columns: Columns, chosen: Chosen) -> None:
    """Find the numbers whose levels the parents have."""
    for target in chosen.free():
        ending = f".{level_column(target)}"
        sources = [name for name in columns.rows.column_names if name.endswith(ending)]
        if not sources or is_time(columns.type(target)):
            continue
        numbers, level = columns.numbers(target), columns.numbers(sources[0])
        step = multiple_of(columns.rows.column(target))
        ends = columns.entities.ends(numbers, columns.k, step)
        if ends is None:
            continue
        known = ~np.isnan(numbers) & ~np.isnan(level)
        ratio = _is_ratio(numbers[known], level[known])
        least = float(f"{np.median(level[known]) * (SMALL if ratio else 1.0):.{DIGITS}g}")
        chosen.add(SeriesLevel(target, ratio, step, *ends, source=sources[0], least=least))


def _is_ratio(numbers: Floats, level: Floats) -> bool:
    """Whether series spread in proportion to their levels, which are positive."""
    if (level > 0).mean() < MOSTLY_POSITIVE or np.median(level) <= 0:
        return False
    spread = _ranks(np.abs(numbers - level))
    ranks = _ranks(level)
    if not spread.std() or not ranks.std():
        return False
    return float(np.corrcoef(spread, ranks)[0, 1]) >= GROWS


def _ranks(values: Floats) -> Floats:
    return np.asarray(np.unique(values, return_inverse=True)[1].reshape(-1), dtype=np.float64)
