"""Where a sample is drawn: at the topmost table that has rows enough, with all below it.

Where that is a table of long groups, as few parents have, rows that follow each other are drawn
together: of rows drawn one by one, none would know the row before it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Optional

from synthohive._display import listed
from synthohive.exceptions import SchemaError
from synthohive.schema import ColumnKind, ForeignKey, Metadata, TableConfig
from synthohive.schema.sibling_order import TIMES, sibling_order

__all__ = [
    "CATEGORIES",
    "STEPS",
    "Levels",
    "Strategy",
    "Stretches",
    "candidates",
    "date_of",
    "without_dates",
]

Strategy = Literal["relational", "stratified", "recent"]
"""Which entities are drawn first: any, some of each category, or the newest."""
CATEGORIES = 50
"""A column with more values than that is no category."""
STEPS = (1, 4, 16)
"""Stratified, one row of each category comes first, then up to so many, then all others."""
_KINDS = (ColumnKind.CATEGORICAL, ColumnKind.BOOLEAN, ColumnKind.TEXT, ColumnKind.INTEGER)

ENTITIES = 500
"""A table with fewer rows is no place to sample at: its rows would be too few draws."""
CHOSEN = 4
"""How many times more rows there may be of tables that rows refer to over further keys: those that
are drawn, and those that drawn rows refer to. A table of up to so many is read whole."""
_HALVINGS = 30
"""Of the share that is drawn within a number of bytes."""
STRETCH = 100
"""Rows of a group that are drawn together, at most: what the first of them follows is not known."""
LEAST_STRETCHES = 100
"""Of a sample, since rows of one are alike: in small samples, stretches are shorter."""
ROWS_A_GROUP = 50
"""That are drawn at least, on average: the first row of each group always is."""
MOST_RANKED = 50_000_000
"""Rows of a table that a database is asked to sort; those of a larger one are drawn one by one."""


@dataclass(frozen=True)
class Stretches:
    """How groups are read in part: first their first rows, then stretches by hash.

    Attributes
    ----------
    key : ForeignKey
        What makes the groups.
    order : tuple of str
        The columns by which the rows of a group are sorted.
    pieces : int
        The stretches that each group is cut into.
    """

    key: ForeignKey
    order: tuple[str, ...]
    pieces: int


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
    keys : tuple of (str, str, bool)
        The child, the parent, and whether it is the child's driving key, of each key.
    widths : dict of str to float
        Bytes of a row of each table, on average.
    most_bytes : int, optional
        Of all rows together.
    """

    drivers: Mapping[str, Optional[ForeignKey]]
    counts: Mapping[str, int]
    size: int
    keys: tuple[tuple[str, str, bool], ...] = ()
    widths: Mapping[str, float] = field(default_factory=dict)
    most_bytes: Optional[int] = None

    @classmethod
    def of(
        cls,
        metadata: Metadata,
        drivers: Mapping[str, Optional[ForeignKey]],
        counts: Mapping[str, int],
        size: int,
        widths: Optional[Mapping[str, float]] = None,
        most_bytes: Optional[int] = None,
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
            Most rows per table that are drawn.
        widths, most_bytes
            See the class.

        Raises
        ------
        SchemaError
            The tables that are read whole are more than `most_bytes`.
        """
        found = ((c, key.parent, drivers[c] == key) for c, key in metadata.foreign_keys())
        levels = cls(drivers, counts, size, tuple(found), widths or {}, most_bytes)
        _ = levels._within_bytes  # also where no table has rows enough to be drawn from
        return levels

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
        return self._by_rows(level) * self._within_bytes

    def room(self, drawn: Mapping[str, int]) -> dict[str, int]:
        """Return how many more rows of each table may come since drawn ones refer to them.

        Parameters
        ----------
        drawn : mapping of str to int
            The rows of each table that were drawn.
        """
        left = {n: max(CHOSEN * self.size - rows, 0) for n, rows in drawn.items()}
        if self.most_bytes is not None:
            expected = self._referred(self._within_bytes)
            left = {name: min(rows, math.ceil(expected[name])) for name, rows in left.items()}
        # Of a table that was read whole, what is not there leads to no row.
        return {n: rows if self.fraction(self.level(n)) < 1.0 else 0 for n, rows in left.items()}

    def stretches(self, config: TableConfig) -> Optional[Stretches]:
        """Return how the groups of a table are read, where rows in them follow each other in time.

        None where they are read whole, or row by row.
        """
        name, key = config.name, self.drivers[config.name]
        share = self.fraction(name)
        if key is None or self.level(name) != name or share >= 1.0:
            return None
        columns, order = config.stored, sibling_order(config, list(config.stored), key)
        forms = [columns[c].text_form or "%Y" for c in order if columns[c].kind in TIMES]
        timed = any(column.kind in TIMES for column in columns.values())
        if not order or not timed or not all(form.startswith("%Y") for form in forms):
            return None  # nothing happens one after the other, or SQL cannot tell in which order
        rows, groups = share * self.counts[name], max(self.counts[key.parent], 1)
        if rows < ROWS_A_GROUP * groups or self.counts[name] > MOST_RANKED:
            return None
        length = min(STRETCH, max(rows / LEAST_STRETCHES, 1.0))
        return Stretches(key, tuple(order), math.ceil(self.counts[name] / groups / length))

    def _by_rows(self, level: str) -> float:
        below = [n for n in self.drivers if self.counts[n] and self.level(n) == level]
        return min([1.0, *(self._most(name) / self.counts[name] for name in below)])

    @cached_property
    def _within_bytes(self) -> float:
        """By how much all fractions are smaller, so that the bytes are kept.

        Raises
        ------
        SchemaError
            The tables that are read whole are more than that.
        """
        if self.most_bytes is None:
            return 1.0
        whole = self._bytes(0.0)
        if whole >= self.most_bytes:
            raise SchemaError(
                f"{self.most_bytes:,} bytes are too few for a sample: tables of less than "
                f"{ENTITIES} rows are read whole, and hold {whole:,.0f} bytes with what they refer "
                "to.",
                hint="Raise sample_bytes, or exclude large columns.",
            )
        if self._bytes(1.0) <= self.most_bytes:
            return 1.0
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self._bytes(middle) <= self.most_bytes else (low, middle)
        return low

    def _bytes(self, share: float) -> float:
        """Return the bytes of all rows, if such a share of what their number allows is drawn."""
        drawn, referred = self._drawn(share), self._referred(share)
        return sum((drawn[name] + referred[name]) * self.widths[name] for name in drawn)

    def _drawn(self, share: float) -> dict[str, float]:
        levels = {name: self.level(name) for name in self.counts}
        return {
            name: count * (1.0 if self.counts[at] < ENTITIES else self._by_rows(at) * share)
            for (name, count), at in zip(self.counts.items(), levels.values())
        }

    def _referred(self, share: float) -> dict[str, float]:
        """Return how many rows of each table may be there only since others refer to them."""
        drawn = self._drawn(share)
        room = {n: min(c - drawn[n], CHOSEN * self.size) for n, c in self.counts.items()}
        found = dict.fromkeys(self.counts, 0.0)
        for _ in self.counts:  # as long as a chain of tables can be
            more = dict.fromkeys(self.counts, 0.0)
            for child, parent, driving in self.keys:
                # drawn rows have their driving parents; a hierarchy counts for one level
                more[parent] += 0.0 if driving else drawn[child]
                more[parent] += found[child] if child != parent else 0.0
            more = {name: min(rows, room[name]) for name, rows in more.items()}
            if more == found:
                break
            found = more
        return found

    @property
    def entities(self) -> list[str]:
        """The tables at which entities are drawn."""
        return list(dict.fromkeys(map(self.level, self.counts)))

    @property
    def small(self) -> frozenset[str]:
        """The tables that have too few rows to sample at."""
        return frozenset(name for name, count in self.counts.items() if count < ENTITIES)

    def _most(self, name: str) -> int:
        """Return how many rows of a table are drawn; one that others refer to is rather whole."""
        whole = CHOSEN * self.size if name in self._parents else 0
        return whole if self.counts[name] <= whole else self.size

    @cached_property
    def _parents(self) -> frozenset[str]:
        """The tables whose rows are chosen as parents over further keys."""
        return frozenset(parent for _, parent, driving in self.keys if not driving)


def date_of(table: TableConfig) -> Optional[str]:
    """Return the column that tells which rows are the newest; None where there is none."""
    dates = [
        column
        for column in table.stored.values()
        if column.kind in (ColumnKind.DATE, ColumnKind.TIMESTAMP)
        and (column.text_form or "%Y").startswith("%Y")  # others do not sort as text
    ]
    return min(dates, key=lambda column: column.nullable).name if dates else None


def candidates(table: TableConfig) -> list[str]:
    """Return the columns that may hold categories."""
    return [c.name for c in table.stored.values() if c.kind in _KINDS and c.name not in table.pk]


def without_dates(tables: Iterable[str]) -> SchemaError:
    """Return the error for tables of which nothing tells the newest rows."""
    return SchemaError(
        f'sampling_strategy="recent" needs a date or moment in {listed(sorted(tables), 5)}, where '
        "rows are drawn.",
        hint='Use "relational", or describe such a column.',
    )
