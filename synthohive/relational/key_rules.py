"""What holds between the keys of a row: two never meet, or two routes end at the same row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt

from synthohive.relational.lineage import taken
from synthohive.schema import ForeignKey

__all__ = ["Apart", "KeyRule", "Meeting", "Route", "follow", "rule_from_state", "rule_to_state"]

IntArray = npt.NDArray[np.int64]
Route = tuple[ForeignKey, ...]
"""Keys that are followed one after the other; none stays at the row itself."""


@dataclass(frozen=True)
class Apart:
    """Two keys of a row that never refer to the same parent row.

    Attributes
    ----------
    table : str
    key : ForeignKey
    other : ForeignKey, optional
        None for the row itself: it is never its own parent.
    """

    table: str
    key: ForeignKey
    other: Optional[ForeignKey] = None

    @property
    def target(self) -> str:
        """The columns of the key."""
        return _dotted((self.key,))

    def __str__(self) -> str:
        if self.other is None:
            return f"{self.target} never refers to the row itself"
        return f"{self.target} <> {_dotted((self.other,))}"


@dataclass(frozen=True)
class Meeting:
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
    def key(self) -> ForeignKey:
        """The key that is chosen."""
        return self.route[0]

    @property
    def target(self) -> str:
        """The columns of the key."""
        return _dotted(self.route[:1])

    def __str__(self) -> str:
        other = _dotted(self.other) if self.other else "the row itself"
        return f"{_dotted(self.route)} = {other}"


KeyRule = Union[Apart, Meeting]


def _dotted(route: Route) -> str:
    names = [", ".join(key.columns) for key in route]
    return ".".join(n if len(k.columns) == 1 else f"({n})" for n, k in zip(names, route))


def follow(source: Any, table: str, route: Route, rows: IntArray) -> IntArray:
    """Return the row that each row's route ends at; -1 for none.

    Parameters
    ----------
    source : object
        Its ``parent_rows(table, key)`` gives each row's parent row.
    """
    for key in route:
        rows = taken(source.parent_rows(table, key), rows)
        table = key.parent
    return rows


def rule_to_state(rule: KeyRule) -> dict[str, Any]:
    """Return a JSON-able form."""
    if isinstance(rule, Apart):
        other = None if rule.other is None else rule.other.model_dump()
        return {"kind": "apart", "table": rule.table, "key": rule.key.model_dump(), "other": other}
    routes = {name: [k.model_dump() for k in getattr(rule, name)] for name in ("route", "other")}
    return {"kind": "meeting", "table": rule.table, **routes}


def rule_from_state(state: Mapping[str, Any]) -> KeyRule:
    """Rebuild from :func:`rule_to_state`."""
    if state["kind"] == "apart":
        other = None if state["other"] is None else ForeignKey(**state["other"])
        return Apart(state["table"], ForeignKey(**state["key"]), other)
    route, other_route = (
        tuple(ForeignKey(**key) for key in state[name]) for name in ("route", "other")
    )
    return Meeting(state["table"], route, other_route)
