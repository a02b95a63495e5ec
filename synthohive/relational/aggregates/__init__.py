"""Parents' columns that follow from their children: ``order total = sum of its lines``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthohive.relational.aggregates.base import Aggregate
from synthohive.relational.aggregates.sets import ValueSet
from synthohive.relational.aggregates.totals import Total

__all__ = ["Aggregate", "from_state", "to_state"]

KINDS: dict[str, type[Aggregate]] = {kind.kind: kind for kind in (Total, ValueSet)}


def to_state(aggregate: Aggregate) -> dict[str, Any]:
    """Return a JSON-able form."""
    return {"kind": aggregate.kind, "state": aggregate.to_state()}


def from_state(state: Mapping[str, Any]) -> Aggregate:
    """Rebuild from :func:`to_state`."""
    return KINDS[state["kind"]].from_state(state["state"])
