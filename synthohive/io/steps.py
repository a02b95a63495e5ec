"""Named points in what the writers do, at which the tests of crashes stop, kill or break a run.

A writer calls :func:`step` between two things that outlive its process: what a kill leaves
differs before and after. Without an observer the call does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Optional

__all__ = ["observe", "step"]

_observer: Optional[Callable[[str], None]] = None


def observe(observer: Optional[Callable[[str], None]]) -> None:
    """Have `observer` called with the name of each step; None ends it."""
    global _observer  # noqa: PLW0603 - one process, one run under test
    _observer = observer


def step(name: str) -> None:
    """Mark a point that a run has reached.

    Examples
    --------
    >>> step("schema swapped")
    """
    if _observer is not None:
        _observer(name)
