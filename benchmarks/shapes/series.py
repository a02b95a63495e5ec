"""Numbers of rows in an order: steps, changes, runs, and what is inside a group."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.shapes.base import correlation

__all__ = ["Series", "between", "codes", "distinct_per", "exceptions", "holders", "repeated"]


def codes(*columns: Any) -> np.ndarray:
    """Return a number for each combination of values; NULL is a value."""
    frame = pd.DataFrame({str(i): np.asarray(c) for i, c in enumerate(columns)})
    return frame.groupby(list(frame), sort=False, dropna=False).ngroup().to_numpy()


def repeated(*columns: Any) -> float:
    """Return how many rows repeat another."""
    found = codes(*columns)
    return float(len(found) - len(np.unique(found)))


def holders(of: Any, *columns: Any) -> float:
    """Return how many combinations of columns have more than one value of `of`."""
    return float((np.bincount(_counted(columns, of)) > 1).sum())


def distinct_per(of: Any, *columns: Any) -> float:
    """Return the mean number of values of `of` per combination of columns."""
    counts = np.bincount(_counted(columns, of))
    return float(counts.mean()) if len(counts) else float("nan")


def _counted(columns: tuple[Any, ...], of: Any) -> np.ndarray:
    """Return the combination of each distinct pair of one and a value."""
    groups = codes(*columns)
    first = np.unique(codes(groups, of), return_index=True)[1]
    return groups[first]


def exceptions(holds: Any) -> float:
    """Return the share of rows in which a relation does not hold."""
    return float(1 - np.asarray(holds, bool).mean()) if len(holds) else float("nan")


def between(values: Any, groups: Any) -> float:
    """Return the share of the variance that lies between groups (intraclass correlation)."""
    found, x = np.unique(groups, return_inverse=True)[1], np.asarray(values, float)
    known = ~np.isnan(x)
    found, x = found[known], x[known]
    n = np.bincount(found)
    n = n[n > 0]
    found = np.unique(found, return_inverse=True)[1]
    if len(n) < 2 or len(x) <= len(n):
        return float("nan")
    means = np.bincount(found, weights=x) / n
    inside = ((x - means[found]) ** 2).sum() / (len(x) - len(n))
    outside = (n * (means - x.mean()) ** 2).sum() / (len(n) - 1)
    size = (len(x) - (n**2).sum() / len(x)) / (len(n) - 1)
    return float((outside - inside) / (outside + (size - 1) * inside))


class Series:
    """Rows of groups, each in its order.

    Parameters
    ----------
    order : array
        By what the rows of a group are in order.
    groups : arrays
        Whose combinations are the groups.
    """

    def __init__(self, order: Any, *groups: Any) -> None:
        at = codes(*groups)
        by = pd.Series(np.asarray(order)).rank(method="dense").to_numpy()
        self._rows = np.lexsort((by, at))
        self._follows = np.diff(at[self._rows]) == 0

    def pairs(self, values: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return values, and those of the row before."""
        ordered = np.asarray(values)[self._rows]
        return ordered[1:][self._follows], ordered[:-1][self._follows]

    def lag(self, values: Any) -> float:
        """Return the correlation with the row before."""
        after, before = (np.asarray(side, float) for side in self.pairs(values))
        both = ~np.isnan(after) & ~np.isnan(before)
        return correlation(after[both], before[both])

    def changes(self, values: Any) -> float:
        """Return the share of rows that differ from the one before."""
        after, before = self.pairs(codes(values))
        return float((after != before).mean()) if len(after) else float("nan")

    def step(self, values: Any) -> float:
        """Return the mean size of a step, in standard deviations of all values."""
        after, before = (np.asarray(side, float) for side in self.pairs(values))
        spread = np.nanstd(np.asarray(values, float))
        return float(np.nanmean(np.abs(after - before)) / spread) if spread else float("nan")

    def run(self, values: Any) -> float:
        """Return the mean number of rows in turn that have one value."""
        ordered = codes(values)[self._rows]
        starts = 1 + int((~(self._follows & (ordered[1:] == ordered[:-1]))).sum())
        return len(ordered) / starts

    def gaps(self, values: Any, unit: Any = 1) -> np.ndarray:
        """Return the differences to the row before, in a unit."""
        after, before = self.pairs(values)
        return np.asarray((after - before) / unit, float)

    def placed(self, values: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return values in order, and where in its group each is, from 0 to 1."""
        starts = np.flatnonzero(np.r_[True, ~self._follows])
        lengths = np.diff(np.r_[starts, len(self._rows)])
        place = np.arange(len(self._rows)) - np.repeat(starts, lengths)
        return np.asarray(values)[self._rows], place / np.repeat(lengths, lengths)
