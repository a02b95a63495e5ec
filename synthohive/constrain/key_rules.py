"""What holds between the keys of a row: two never meet, or two routes end at the same row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Union

from synthohive._readable import Readable
from synthohive.io.questions import Route
from synthohive.schema import ForeignKey
from synthohive.tables.degrees import FanOutModel

__all__ = [
    "DisjointKeys",
    "InclusionDependency",
    "PositionInParent",
    "UniqueWithinParent",
    "KeyRule",
    "CommutingKeys",
    "Route",
]


class _OfKey(Readable):
    """A rule about one key of a table."""

    table: str
    key: ForeignKey

    @property
    def target(self) -> str:
        """The columns that it is about."""
        return _dotted((self.key,))


@dataclass(frozen=True)
class DisjointKeys(_OfKey):
    """Two keys of a row that never refer to the same parent row."""

    table: str
    key: ForeignKey
    other: ForeignKey

    def __str__(self) -> str:
        return f"{self.target} <> {_dotted((self.other,))}"


@dataclass(frozen=True)
class CommutingKeys(_OfKey):
    """Two routes from a row that end at the same row, where both end at one.

    Attributes
    ----------
    table : str
    route : tuple of ForeignKey
        Its first key is chosen so that the routes meet.
    other : tuple of ForeignKey
        What is known before: none is the row itself.
    """

    table: str
    route: Route
    other: Route

    @property
    def key(self) -> ForeignKey:  # type: ignore[override]
        """The key that is chosen."""
        return self.route[0]

    def __str__(self) -> str:
        other = _dotted(self.other) if self.other else "the row itself"
        return f"{_dotted(self.route)} = {other}"


@dataclass(frozen=True)
class InclusionDependency(_OfKey):
    """Parents that have rows of one table only beside rows of another.

    Attributes
    ----------
    table, key
        Of the one of the two that is made later.
    other_table, other
        The other one, and its key to the same parent.
    needs : bool
        Whether rows of `table` need such of the other one; else it is the other way round.
    """

    table: str
    key: ForeignKey
    other_table: str
    other: ForeignKey
    needs: bool

    def __str__(self) -> str:
        mine = f"{self.table}({_dotted((self.key,))})"
        theirs = f"{self.other_table}({_dotted((self.other,))})"
        one, two = (mine, theirs) if self.needs else (theirs, mine)
        return f"{self.key.parent} with {one} have {two}"


@dataclass(frozen=True)
class PositionInParent(Readable):
    """A column that counts inside the rows of each parent, or of each two parents.

    Attributes
    ----------
    table, column : str
    key : ForeignKey
        The driving one.
    start, step : int
    beside : ForeignKey, optional
        A further key: rows count on as long as they share both parents.
    runs : FanOutModel, optional
        How many rows share both.
    """

    table: str
    column: str
    key: ForeignKey
    start: int
    step: int
    beside: Optional[ForeignKey] = None
    runs: Optional[FanOutModel] = None

    @property
    def target(self) -> str:
        """The column."""
        return self.column

    def __str__(self) -> str:
        numbers = ", ".join(str(self.start + i * self.step) for i in range(3))
        keys = [self.key] if self.beside is None else [self.key, self.beside]
        of = " and ".join(_dotted((key,)) for key in keys)
        return f"{self.column} counts {numbers} … for each {of}"


@dataclass(frozen=True)
class UniqueWithinParent(Readable):
    """Columns whose values never repeat inside the rows of a parent; or at all, without a key.

    These are one attribute, or the columns of further keys.
    """

    table: str
    columns: tuple[str, ...]
    key: Optional[ForeignKey]

    @property
    def target(self) -> str:
        """The columns."""
        return ", ".join(self.columns)

    @property
    def all_columns(self) -> tuple[str, ...]:
        """The columns that never repeat together, those of the key first."""
        own = () if self.key is None else self.key.columns
        return tuple(dict.fromkeys([*own, *self.columns]))

    def __str__(self) -> str:
        of = "" if self.key is None else f" for one {_dotted((self.key,))}"
        return f"{self.target} never repeat{'s' * (len(self.columns) == 1)}{of}"


KeyRule = Union[
    DisjointKeys, CommutingKeys, InclusionDependency, PositionInParent, UniqueWithinParent
]


def _dotted(route: Route) -> str:
    names = [", ".join(key.columns) for key in route]
    return ".".join(n if len(k.columns) == 1 else f"({n})" for n, k in zip(names, route))
