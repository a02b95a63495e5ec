"""What every place of rows offers (:class:`Reader`), and what is told of one that was written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Literal, Optional, TypeVar, get_args

from synthohive._arrays import Bools, IntArray
from synthohive._files import FileIdentity
from synthohive.exceptions import ConnectorError
from synthohive.io.questions import CannotAsk, Joined, Questions
from synthohive.io.sample_levels import Strategy
from synthohive.schema import ForeignKey, Metadata

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "REAL_ROWS",
    "TABLE_FORMATS",
    "FanOut",
    "GroupPlaces",
    "IfExists",
    "Include",
    "KeyCheck",
    "NoPlaceError",
    "OpenedTo",
    "Provenance",
    "Reader",
    "SampledRows",
    "TableFormat",
    "Violation",
]

IfExists = Literal["fail", "replace", "replace_foreign"]
Include = Literal["views", "materialized_views", "triggers"]
"""What a copy may have beside its tables."""
TableFormat = Literal["delta", "parquet"]
TABLE_FORMATS: tuple[str, ...] = get_args(TableFormat)
"""Of tables that Spark writes."""
OpenedTo = Literal["fail", "replace", "replace_foreign", "rehearse"]
"""What a writer may do to what the target holds; a rehearsal never comes to its place."""
_Answer = TypeVar("_Answer")
BATCH_ROWS = 65_536
REAL_ROWS = "none: these are REAL rows"
"""What the note of a written schema has for a model, where no model made the rows."""


@dataclass(frozen=True)
class FanOut:
    """How many child rows each parent row has, over the full tables.

    Attributes
    ----------
    histogram : dict of int to int
        Number of children -> number of parents with that many; zero included.
    nulls : int
        Child rows with a NULL in the key (they refer to nothing, MATCH SIMPLE).
    orphans : int
        Child rows whose complete key has no parent. Zero where the key is enforced.
    """

    histogram: dict[int, int]
    nulls: int = 0
    orphans: int = 0

    @classmethod
    def childless(cls, parents: int) -> FanOut:
        """Return that of an empty child table."""
        return cls({0: parents} if parents else {})


class NoPlaceError(ConnectorError):
    """Nothing may be written there, or there is no such place: the tables are not to blame."""


@dataclass(frozen=True)
class KeyCheck:
    """Proof for one foreign key of a written schema, counted by SQL.

    Attributes
    ----------
    table : str
        The child.
    key : ForeignKey
    rows : int
        Of the child, those with NULL in the key included.
    orphans : int
        Rows whose complete key has no parent (MATCH SIMPLE).
    enforced : bool
        The database accepted the constraint itself.
    """

    table: str
    key: ForeignKey
    rows: int
    orphans: int
    enforced: bool


@dataclass(frozen=True)
class Violation:
    """Rows that a database would refuse.

    Attributes
    ----------
    table : str
    what : str
        The constraint, as it is named to users.
    rows : int
    """

    table: str
    what: str
    rows: int

    def __str__(self) -> str:
        return f"{self.table}: {self.rows:,} rows break {self.what}"


@dataclass(frozen=True)
class Provenance:
    """What the `_synthohive` table of a written schema tells about its origin, in its order."""

    version: str
    model: str
    seed: Optional[int]
    scale: float
    created: str  # ISO 8601, UTC
    source: str = field(default="", compare=False)  # source schema's name, never a URL

    @property
    def real(self) -> bool:
        """Whether the rows are real ones."""
        return self.model == REAL_ROWS


@dataclass(frozen=True)
class GroupPlaces:
    """Where the rows of groups that were read in part stand among all.

    Attributes
    ----------
    key : ForeignKey
        What makes the groups.
    positions, sizes : ndarray of int64
        Of each row: its place in its group, from 0 on, and the rows that this has.
    """

    key: ForeignKey
    positions: IntArray
    sizes: IntArray

    def where(self, kept: Bools) -> GroupPlaces:
        """Return those of some rows."""
        return GroupPlaces(self.key, self.positions[kept], self.sizes[kept])


@dataclass(frozen=True)
class SampledRows:
    """Rows of all tables that were drawn, and what else they refer to.

    Attributes
    ----------
    drawn : dict of str to pyarrow.Table
        They stand for all rows of their table.
    referred : dict of str to pyarrow.Table
        Of some tables, rows that are there only since others refer to them: those that many refer
        to are over-represented, so that they stand for none.
    typical : dict of str to ndarray of bool
        Of tables in which rare categories have more rows than their share: the drawn rows that
        would have been drawn, too, had all rows had the same chance. The shares are theirs.
    places : dict of str to GroupPlaces
        Of tables whose groups were read in stretches.
    """

    drawn: dict[str, pa.Table]
    referred: dict[str, pa.Table] = field(default_factory=dict)
    typical: dict[str, Bools] = field(default_factory=dict)
    places: dict[str, GroupPlaces] = field(default_factory=dict)


class Reader(ABC):
    """Rows of one schema. Reading never changes the source.

    Attributes
    ----------
    files : frozenset of FileIdentity
        Those that the rows were read from, if any.
    """

    files: frozenset[FileIdentity] = frozenset()

    @property
    @abstractmethod
    def metadata(self) -> Metadata:
        """The tables, with every column described."""

    def fingerprint(self) -> frozenset[str]:
        """Return hashes of what tells this schema from all others, which hold no secret.

        Two places are the same if they share one. Empty where the rows are in no database.
        """
        return frozenset()

    @contextmanager
    def one_state(self) -> Iterator[None]:
        """While entered, see all rows as they were at its beginning, where that can be had."""
        yield

    def not_cloned(self) -> dict[str, tuple[str, ...]]:
        """Return what there is beside the tables (views, triggers …), by kind: no copy has it."""
        return {}

    @abstractmethod
    def count(self, table: str) -> int:
        """Return the exact number of rows."""

    def counts(self, tables: Sequence[str]) -> dict[str, int]:
        """Return the exact number of rows of each table, in as few round trips as there can be."""
        return {name: self.count(name) for name in tables}

    @abstractmethod
    def read(self, table: str, columns: Optional[Sequence[str]] = None) -> Iterator[pa.RecordBatch]:
        """Stream all rows, with each column in its ``Column.arrow_type``."""

    def questions(self) -> Optional[Questions]:
        """Return whom to ask of all rows; None where only reading them tells."""
        return None

    def nulls(self, table: str, columns: Sequence[str]) -> dict[str, int]:
        """Return the number of NULLs of some columns, in one pass over the table."""
        rows, conditions = (
            Joined(table, tuple(columns)),
            [methodcaller("missing", c) for c in columns],
        )
        counts = self._answer(lambda asked: asked.counted(rows, conditions))
        if counts is None:
            counts = [column.null_count for column in self._rows(table, columns).columns]
        return dict(zip(columns, counts))

    def distinct(self, table: str, columns: Sequence[str]) -> tuple[int, int]:
        """Return the number of rows without NULL in some columns, and of their values together."""
        shares = self._answer(lambda asked: asked.spread(table, [columns]))
        if shares is not None:
            return shares.count, shares.distinct[0]
        rows = self._rows(table, columns).drop_null()
        return len(rows), len(rows.group_by(list(columns)).aggregate([]))

    def values(self, table: str, column: str, most: int) -> Optional[list[Any]]:
        """Return the values of a column, NULL aside; None if there are more than `most`."""
        facts = self._answer(lambda asked: asked.facts(table, [column], top=most + 1))
        if facts is not None:
            found = [value for value, _ in facts[column].top]
        else:
            found = self._rows(table, [column]).column(column).drop_null().unique().to_pylist()
        return found if len(found) <= most else None

    def _answer(self, question: Callable[[Questions], _Answer]) -> Optional[_Answer]:
        """Return what the database tells; None where only the rows do."""
        asked = self.questions()
        try:
            return None if asked is None else question(asked)
        except CannotAsk:
            return None

    def _rows(self, table: str, columns: Sequence[str]) -> pa.Table:
        import pyarrow as pa

        return pa.Table.from_batches(self.read(table, columns)).select(list(columns))

    @abstractmethod
    def fan_out(self, table: str, key: ForeignKey) -> FanOut:
        """Count children per parent over the full tables."""

    def fan_outs(
        self, keys: Sequence[tuple[str, ForeignKey]], counts: Mapping[str, int]
    ) -> list[FanOut]:
        """Return :meth:`fan_out` of each ``(table, key)``; empty tables are not asked about.

        Parameters
        ----------
        keys : sequence of (str, ForeignKey)
        counts : dict of str to int
            The number of rows of each table.
        """
        return [
            self.fan_out(table, key) if counts[table] else FanOut.childless(counts[key.parent])
            for table, key in keys
        ]

    @abstractmethod
    def sample(
        self,
        drivers: Mapping[str, Optional[ForeignKey]],
        size: int,
        seed: int,
        strategy: Strategy = "relational",
        most_bytes: Optional[int] = None,
    ) -> SampledRows:
        """Read a bounded sample in which every row finds its parents over all keys.

        Parameters
        ----------
        drivers : dict of str to ForeignKey or None
            Each table's driving key; None for a root. Never cyclic, never to itself.
        size : int
            Upper bound of the rows that are drawn per table, kept within a few per cent.
            Tables (and subtrees) that fit are read whole; of tables that others refer to over
            further keys, there are up to four times as many in all.
        seed : int
            Selects the sample; the same seed gives the same rows.
        strategy : {"relational", "stratified", "recent"}
            Which rows are drawn first, of the tables at which entities are drawn: any, some of
            each value of their columns of few values, or the newest by their first date.
        most_bytes : int, optional
            Of all values together, likewise within a few per cent.

        Returns
        -------
        SampledRows
            Whole rows. A child row whose driving parent does not exist is left out.
        """
