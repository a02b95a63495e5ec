"""Questions about all rows of tables, which a database answers where the rows are.

What a sample suggests is to be proved on all rows. A database does not send them: it is asked
for the rows that *may* say otherwise (:meth:`Questions.doubtful`), which are few where a rule
holds, and these are looked at as all others are. So the answer is that of a look at all rows,
however the engine compares: a condition of SQL need only be true in no row that breaks the rule.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Optional, Union

from synthohive.schema import ForeignKey

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Above",
    "CannotAsk",
    "ColumnFacts",
    "Condition",
    "Joined",
    "Meetings",
    "Questions",
    "Route",
    "Shares",
    "Summed",
    "Sums",
    "Terms",
]

Route = tuple[ForeignKey, ...]
"""Keys that are followed one after the other; none stays at the row itself."""


class CannotAsk(Exception):
    """What is asked is no expression of the engine's SQL: the rows have to be read."""


Above = Mapping[str, tuple[Route, str]]
"""By name (``parent.column``): the route that leads to another row, and which of its columns."""


@dataclass(frozen=True)
class Joined:
    """Rows of a table beside columns of their parents, and of their parents' ancestors.

    Attributes
    ----------
    table : str
    columns : tuple of str
        Of the table.
    above : mapping of str to (route, column)
    linked : tuple of ForeignKey
        Only rows that have another row of the table as their parent over these keys.
    sums : Sums, optional
        What their children give together.
    """

    table: str
    columns: tuple[str, ...]
    above: Above = field(default_factory=dict)
    linked: tuple[ForeignKey, ...] = ()
    sums: Optional[Sums] = None


@dataclass(frozen=True)
class Summed:
    """What children give together.

    Attributes
    ----------
    function : {"count", "sum", "min", "max", "mean"}
        Of the values that are known.
    value : callable
        Of a child: a number.
    empty : float, optional
        Where no value is known; None: NULL, and 0 for the count.
    """

    function: Literal["count", "sum", "min", "max", "mean"]
    value: Callable[[Terms], Any]
    empty: Optional[float] = None


@dataclass(frozen=True)
class Sums:
    """Numbers that rows have from their children over one key, by the names they have beside them.

    Attributes
    ----------
    children : Joined
    key : ForeignKey
        To unique columns of the rows.
    of : mapping of str to Summed
    """

    children: Joined
    key: ForeignKey
    of: Mapping[str, Summed]


@dataclass(frozen=True)
class Meetings:
    """Where two routes of rows end that lead to one table.

    Attributes
    ----------
    count : int
        Rows for which both end at a row.
    equal : int
        Those of them for which it is the same.
    lacking : bool
        Whether, for a row, the first step of the first route leads somewhere, the whole second one
        does, and the whole first one does not.
    shared : bool
        Whether a row is the end of both routes, of the same rows or of two. False where not asked.
    squares : float
        Sum of the squared numbers of rows that end at the same row over the first route. 0 where
        not asked.
    """

    count: int
    equal: int
    lacking: bool
    shared: bool = False
    squares: float = 0.0


@dataclass(frozen=True)
class Shares:
    """How rows are spread over the values of several places, of rows with none unknown.

    Attributes
    ----------
    count : int
        The rows.
    distinct : tuple of int
        Values in each place.
    squares : tuple of float
        The sum of the squared numbers of rows that have the same value, in each place.
    """

    count: int
    distinct: tuple[int, ...]
    squares: tuple[float, ...]


@dataclass(frozen=True)
class ColumnFacts:
    """What all rows of a table say of one column.

    Attributes
    ----------
    rows, nulls : int
        Rows, and those with NULL.
    distinct : int, optional
        The distinct values of the others, if they were asked for.
    low, high : Any
        The least and the greatest value, as read; of texts, by their code points.
    quantiles : tuple of float
        Of a number, those that were asked for: the least value that so many do not exceed.
    top : tuple of (value, int)
        The most frequent values, each with its rows; of as many, the least first.
    """

    rows: int
    nulls: int
    low: Any
    high: Any
    distinct: Optional[int] = None
    quantiles: tuple[float, ...] = ()
    top: tuple[tuple[Any, int], ...] = ()


class Terms(ABC):
    """What conditions about columns consist of; comparisons and ``& | ~`` join them.

    All raise :class:`CannotAsk` where the engine has no such term.
    """

    @abstractmethod
    def missing(self, name: str) -> Any:
        """Return whether a column is NULL."""

    @abstractmethod
    def number(self, name: str) -> Any:
        """Return a column as :func:`~synthohive.tables.numbers.as_numbers` does.

        NULL, or not a number, where that is unknown there.
        """

    @abstractmethod
    def ratio(self, over: Any, under: Any) -> Any:
        """Return one number divided by another; NULL where that is 0."""

    @abstractmethod
    def floor(self, number: Any) -> Any:
        """Return the greatest whole number that does not exceed one."""

    @abstractmethod
    def where(self, condition: Any, value: Any, other: Any = None) -> Any:
        """Return a value where a condition is true, else another; NULL by default."""

    @abstractmethod
    def pair(self, left: str, right: str) -> tuple[Any, Any]:
        """Return two columns of one type, equal and in order only where what is read is so."""

    @abstractmethod
    def one_of(self, name: str, values: Sequence[Union[str, int, bool]]) -> Any:
        """Return whether a column is one of some values."""

    @abstractmethod
    def spelled(self, name: str, pieces: Sequence[tuple[str, bool]]) -> Any:
        """Return whether a text consists of pieces: texts, and (True) columns."""

    @abstractmethod
    def plain(self, value: Union[float, bool]) -> Any:
        """Return a number, or a condition that is always, or never, true."""


Condition = Callable[[Terms], Any]
"""Gives the condition that holds in no row that breaks a rule."""


class Questions(ABC):
    """What a database tells of its tables; each raises :class:`CannotAsk` where it cannot."""

    @abstractmethod
    def understood(self, rows: Joined, fine: Condition) -> bool:
        """Whether a condition about rows can be asked."""

    @abstractmethod
    def doubtful(
        self, rows: Joined, fine: Condition, most: Optional[int] = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows, or some, for which a condition does not surely hold.

        Parameters
        ----------
        rows : Joined
        fine : callable
        most : int, optional
            All such rows if None.
        """

    @abstractmethod
    def counted(self, rows: Joined, conditions: Sequence[Condition]) -> list[int]:
        """Return for how many rows each of some conditions is true; one pass over the table."""

    @abstractmethod
    def combinations(self, rows: Joined) -> Iterator[pa.RecordBatch]:
        """Yield what rows hold in all of their columns, and in what their children give, once each.

        The last column, without a name, says of how many rows it is so.
        """

    @abstractmethod
    def contradicted(self, rows: Joined, sources: Sequence[str], target: str) -> bool:
        """Whether rows that are equal in all sources differ in the target, NULL aside."""

    @abstractmethod
    def repeated(self, table: str, columns: Sequence[str]) -> bool:
        """Whether two rows are equal in all of some columns; none with a NULL in it counts."""

    @abstractmethod
    def children(
        self, rows: Joined, key: ForeignKey, values: Sequence[tuple[Any, ...]]
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows that refer to one of some parents, perhaps of more."""

    @abstractmethod
    def meetings(self, table: str, one: Route, two: Route, *, apart: bool) -> Meetings:
        """Return where two routes of all rows end.

        Parameters
        ----------
        table : str
        one, two : tuple of ForeignKey
        apart : bool
            They are thought never to end at the same row; else always. What is not needed to
            tell is not asked.
        """

    @abstractmethod
    def overlapping(
        self,
        table: str,
        groups: Sequence[str],
        period: tuple[str, str],
        points: Sequence[float],
        most: int,
    ) -> list[tuple[Any, ...]]:
        """Return at most so many groups of rows in which periods may overlap.

        Parameters
        ----------
        table : str
        groups : sequence of str
            Rows that are equal in all of these columns are a group; none with a NULL.
        period : (str, str)
            The columns in which periods start and end.
        points : sequence of float
            Ends that are no points in time, as :meth:`Terms.number` has them.
        most : int
        """

    @abstractmethod
    def alone(self, one: tuple[str, ForeignKey], two: tuple[str, ForeignKey]) -> bool:
        """Whether a parent has rows over one key (a table, and a key of it), and none over another.

        Both keys refer to the same columns.
        """

    @abstractmethod
    def facts(
        self,
        table: str,
        columns: Sequence[str],
        *,
        distinct: bool = False,
        quantiles: Sequence[float] = (),
        top: int = 0,
        exact: bool = True,
    ) -> dict[str, ColumnFacts]:
        """Return what all rows say of columns, in one pass but for what is sorted or grouped.

        Parameters
        ----------
        table : str
        columns : sequence of str
        distinct : bool
            Whether distinct values are counted.
        quantiles : sequence of float
            From 0 to 1; of numbers, dates and moments alone.
        top : int
            How many of the most frequent values.
        exact : bool
            Else distinct values and quantiles are estimated where the engine has a sketch.
        """

    @abstractmethod
    def spread(self, table: str, places: Sequence[Sequence[str]]) -> Shares:
        """Return how rows without NULL are spread over the values of some columns together."""

    @abstractmethod
    def counter(self, table: str, groups: Sequence[str], column: str) -> Optional[tuple[int, int]]:
        """Return the first number and the step, if an integer column counts in all groups of rows.

        No value may repeat inside a group. A group of one row says nothing of the step, which is 1
        if none has more.
        """

    @abstractmethod
    def shares(self, table: str, keys: Sequence[ForeignKey]) -> Shares:
        """Return how rows that have a parent over each of some keys are spread over these."""

    @abstractmethod
    def shared(self, table: str, keys: Sequence[ForeignKey]) -> bool:
        """Whether two rows have the same parents over all of some keys."""
