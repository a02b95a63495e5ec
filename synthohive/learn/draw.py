"""How a fit drew its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from synthohive.io.sample_levels import Strategy

__all__ = ["Draw"]


@dataclass(frozen=True)
class Draw:
    """How a fit drew its rows, so that the same can be drawn again.

    Attributes
    ----------
    holdout : float
        Share of the entities that is set aside.
    size : int
        Most rows of each table that are learned from.
    strategy : str
    most_bytes : int, optional
    """

    holdout: float
    size: int
    strategy: Strategy = "relational"
    most_bytes: Optional[int] = None
