"""What the shapes have in common: tables from a seed, keys, and numbers to judge a copy by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable

import numpy as np
import pyarrow as pa

from synthohive import Metadata

__all__ = [
    "Facts",
    "Rows",
    "Shape",
    "Tables",
    "constants",
    "correlation",
    "days",
    "nullable",
    "ordinal",
    "positions",
    "repeats",
    "table",
]

Tables = dict[str, pa.Table]
Facts = dict[str, float]
Rows = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Shape:
    """A database of one shape.

    Attributes
    ----------
    make : callable
        From a random generator and a number of parents to tables.
    keys : callable
        The metadata, columns aside.
    facts : callable
        From tables as arrays to named numbers.
    """

    make: Callable[[np.random.Generator, int], Tables]
    keys: Callable[[], Metadata]
    facts: Callable[[Mapping[str, Rows]], Facts]

    def tables(self, seed: int, size: int = 1_000) -> Tables:
        """Return the tables; the same for the same seed."""
        return self.make(np.random.default_rng(seed), size)

    def metadata(self, tables: Tables) -> Metadata:
        """Return keys and columns."""
        metadata = self.keys()
        for name, table in tables.items():
            metadata.tables[name].columns = metadata.tables[name].described(table.schema)
        return metadata

    def facts_of(self, tables: Mapping[str, pa.Table]) -> Facts:
        """Return what tells whether the shape was kept; NaN where there is nothing to see."""
        arrays = {
            name: {c: table.column(c).to_pandas().to_numpy() for c in table.column_names}
            for name, table in tables.items()
        }
        with np.errstate(invalid="ignore"):
            return self.facts(arrays)


def table(**columns: Any) -> pa.Table:
    """Return a table of named arrays."""
    return pa.table(columns)


def constants(name: str) -> np.random.Generator:
    """Return a generator for what all databases of a shape have in common, by a name of it."""
    return np.random.default_rng(list(name.encode()))


def days(offsets: Any) -> np.ndarray:
    """Return dates by their distance from a fixed day."""
    return (np.datetime64("2023-01-01", "D") + np.asarray(offsets, np.int64)).astype("M8[D]")


def nullable(values: np.ndarray) -> pa.Array:
    """Return integers, NULL for -1."""
    return pa.array(values, mask=values < 0)


def positions(ids: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Return the place of each key among unique ids; -1 for a NULL key."""
    order = np.argsort(ids, kind="stable")
    known = ~np.isnan(np.asarray(keys, float))
    found = np.full(len(keys), -1)
    found[known] = order[np.searchsorted(ids[order], np.asarray(keys, float)[known])]
    return found


def correlation(a: Any, b: Any) -> float:
    """Return Pearson's correlation; NaN where a side is constant."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    return float(np.corrcoef(a, b)[0, 1]) if len(a) > 1 and a.std() and b.std() else float("nan")


def repeats(*columns: np.ndarray) -> float:
    """Return how many rows repeat another."""
    return float(len(columns[0]) - len(np.unique(np.stack(columns, axis=1), axis=0)))


def ordinal(groups: np.ndarray) -> np.ndarray:
    """Return 1, 2, ... inside each run of equal groups."""
    starts = np.r_[0, np.flatnonzero(np.diff(groups)) + 1]
    lengths = np.diff(np.r_[starts, len(groups)])
    return np.arange(len(groups)) - np.repeat(starts, lengths) + 1
