"""Where a sample is drawn: at the topmost table that has rows enough, with all below it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

from synthohive.schema import ForeignKey, Metadata

__all__ = ["Levels"]

ENTITIES = 500
"""A table with fewer rows is no place to sample at: its rows would be too few draws."""
CHOSEN = 4
"""How many times more rows are read of tables that are chosen from."""


@dataclass(frozen=True)
class Levels:
    """The levels of one sample.

    Attributes
    ----------
    drivers : dict of str to ForeignKey or None
    counts : dict of str to int
        Rows of each table.
    size : int
        Most rows per table, on average.
    chosen : frozenset of str
        Tables whose rows are chosen as parents over further keys. Several times as many of
        them are read, so that rows that refer to them find them.
    """

    drivers: Mapping[str, Optional[ForeignKey]]
    counts: Mapping[str, int]
    size: int
    chosen: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        metadata: Metadata,
        drivers: Mapping[str, Optional[ForeignKey]],
        counts: Mapping[str, int],
        size: int,
    ) -> Levels:
        """Return the levels of a database's sample.

        Parameters
        ----------
        metadata : Metadata
        drivers : dict of str to ForeignKey or None
            Each table's driving key.
        counts : dict of str to int
            Rows of each table.
        size : int
            Most rows per table; of parents over further keys, four times as many.
        """
        further = (key.parent for child, key in metadata.foreign_keys() if drivers[child] != key)
        return cls(drivers, counts, size, frozenset(further))

    def chain(self, table: str) -> list[str]:
        """Return the table and its ancestors over driving keys, nearest first."""
        found = [table]
        while (driver := self.drivers.get(found[-1])) is not None:
            found.append(driver.parent)
        return found

    def level(self, table: str) -> str:
        """Return the topmost of a table and its ancestors that has enough rows."""
        large = [name for name in self.chain(table) if self.counts[name] >= ENTITIES]
        return large[-1] if large else table

    def fraction(self, level: str) -> float:
        """Return the share of a level's rows such that no table below exceeds the size.

        A level with few rows, as of a look-up table, is read whole.
        """
        if self.counts[level] < ENTITIES:
            return 1.0
        below = [name for name in self.drivers if self.level(name) == level]
        return min([1.0, *(self._most(name) / max(self.counts[name], 1) for name in below)])

    @property
    def small(self) -> frozenset[str]:
        """The tables that have too few rows to sample at."""
        return frozenset(name for name, count in self.counts.items() if count < ENTITIES)

    def _most(self, name: str) -> int:
        return self.size * (CHOSEN if name in self.chosen else 1)
