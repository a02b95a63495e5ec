"""What codes of a column stand for; nothing in a domain was learned but by noisy counts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Floats, IntArray
from synthohive.learn.private.scales import Scale
from synthohive.learn.private.settings import SETTINGS
from synthohive.schema import Column

__all__ = ["Categories", "Counts", "Domain", "Filled", "Numbers"]


class Domain(ABC):
    """Codes from 0 to :attr:`size` for the values of one column."""

    size: int
    places: int = 0  # the first so many codes are places on a scale
    holders: Optional[Floats] = None  # of the first codes: how many units have them, with noise

    @abstractmethod
    def encode(self, values: Any) -> IntArray:
        """Return the code of each value."""

    @abstractmethod
    def decode(self, codes: IntArray, within: Floats, rng: np.random.Generator) -> Any:
        """Return a value for each code, and where within its part of a scale each lies."""


class Categories(Domain):
    """Some values, any others, and NULL.

    Parameters
    ----------
    values : sequence
        Without NULL.
    column : Column
    is_open : bool
        There may be others, which become some of these.
    holders : ndarray, optional
        How many units have each, with noise.
    """

    def __init__(
        self,
        values: Sequence[Any],
        column: Column,
        is_open: bool,
        holders: Optional[Floats] = None,
    ) -> None:
        self.column, self.is_open = column, is_open
        self.holders = None if holders is None else np.maximum(holders, 0.0)
        self.values = pa.array(values, column.arrow_type)
        self.size = len(values) + int(is_open) + int(column.nullable)

    def encode(self, values: Any) -> IntArray:
        """See the base class; a value that is not known, and cannot be, counts nowhere."""
        codes = pc.index_in(values, value_set=self.values)
        other = len(self.values) if self.is_open else -1
        found: IntArray = codes.fill_null(other).to_numpy(zero_copy_only=False).astype(np.int64)
        null = values.is_null().to_numpy(zero_copy_only=False)
        return np.where(null, self.size - 1 if self.column.nullable else -1, found)

    def decode(self, codes: IntArray, within: Floats, rng: np.random.Generator) -> Any:
        """See the base class."""
        codes = codes.copy()
        other = self.is_open & (codes == len(self.values))
        null = self.column.nullable & (codes == self.size - 1)
        known = codes[~other & ~null]
        if len(self.values):
            shown = known if len(known) else np.arange(len(self.values))
            codes[other] = rng.choice(shown, int(other.sum()))
        elif self.column.nullable:
            null |= other
        else:
            return pa.array([f"text {n}" for n in range(len(codes))], self.column.arrow_type)
        return self.values.take(pa.array(np.where(null, 0, codes), mask=null))


class Filled(Domain):
    """Whether there is a value at all, for columns whose values are made up."""

    size = 2

    def encode(self, values: Any) -> IntArray:
        """See the base class."""
        found: IntArray = values.is_null().to_numpy(zero_copy_only=False).astype(np.int64)
        return found

    def decode(self, codes: IntArray, within: Floats, rng: np.random.Generator) -> Any:
        """Return whether each is NULL."""
        return codes == 1


class Counts(Domain):
    """Numbers of children: one by one as long as they are few, then in steps of a quarter."""

    def __init__(self) -> None:
        starts = [*range(9)]
        while starts[-1] < 10**6:
            starts.append(max(starts[-1] + 1, starts[-1] * 5 // 4))
        self.starts = np.array(starts, dtype=np.int64)
        self.size = self.places = len(starts)

    def encode(self, values: Any) -> IntArray:
        """See the base class."""
        found: IntArray = np.searchsorted(self.starts, values, side="right") - 1
        return found.astype(np.int64)

    def decode(self, codes: IntArray, within: Floats, rng: np.random.Generator) -> Any:
        """See the base class."""
        ends = np.append(self.starts[1:], self.starts[-1] + 1)
        low = self.starts[codes]
        return low + ((ends[codes] - low) * np.minimum(within, 1 - 1e-9)).astype(np.int64)


class Numbers(Domain):
    """Bins of a number's line, and cells within them.

    Parameters
    ----------
    scale : Scale
    edges : ndarray, shape (cells + 1,)
    masses : ndarray, shape (cells,)
        Noisy counts, not negative.
    nullable : bool
    """

    def __init__(self, scale: Scale, edges: Floats, masses: Floats, nullable: bool) -> None:
        self.scale, self.edges, self.nullable = scale, edges, nullable
        middle = (np.cumsum(masses) - masses / 2) / max(float(masses.sum()), 1e-9)
        bins = np.minimum((middle * SETTINGS.bins).astype(np.int64), SETTINGS.bins - 1)
        self.bins: IntArray = np.unique(bins, return_inverse=True)[1].astype(np.int64)
        self.masses = np.maximum(masses, 1e-9)
        self.places = int(self.bins[-1]) + 1
        self.size = self.places + int(nullable)

    def encode(self, values: Any) -> IntArray:
        """See the base class."""
        places = self.scale.place(values)
        cells = np.searchsorted(self.edges[1:-1], places, side="right")
        null = np.isnan(places)
        codes = self.bins[np.where(null, 0, cells)]
        return np.where(null, self.size - 1 if self.nullable else -1, codes)

    def decode(self, codes: IntArray, within: Floats, rng: np.random.Generator) -> Any:
        """Return values anywhere in cells of the bins, in proportion to what these hold."""
        null = self.nullable & (codes == self.size - 1)
        codes = np.where(null, 0, codes)
        upto = np.cumsum(self.masses)
        first = np.searchsorted(self.bins, codes, side="left")
        last = np.searchsorted(self.bins, codes, side="right")
        before = np.where(first > 0, upto[first - 1], 0.0)
        drawn = before + within * (upto[last - 1] - before)
        cells = np.clip(np.searchsorted(upto, drawn, side="right"), first, last - 1)
        low, high = self.edges[cells], self.edges[cells + 1]
        start = upto[cells] - self.masses[cells]
        along = np.clip((drawn - start) / self.masses[cells], 0.0, 1.0)
        return self.scale.array(self.scale.values(low + along * (high - low)), null)
