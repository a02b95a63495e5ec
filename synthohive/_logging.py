"""The package's structured events, by the standard :mod:`logging`.

A library does not chat: nothing is printed unless the application asks for it, by
``logging.basicConfig(level="INFO")`` or by a handler of its own for the logger ``synthohive``.
A record's message is the event with its fields; ``record.event`` and ``record.fields`` have both
apart, for handlers that write JSON.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Optional

__all__ = ["EventLogger", "Told", "get_logger", "held", "quiet", "tell"]

Told = tuple[str, int, str, dict[str, Any]]
"""A module, a level, an event and its fields."""

_QUIET: ContextVar[bool] = ContextVar("synthohive_quiet", default=False)
_HELD: ContextVar[Optional[list[Told]]] = ContextVar("synthohive_held", default=None)


class EventLogger:
    """Logs events with named fields; those of a level that nobody listens to cost nothing.

    Parameters
    ----------
    name : str
        The module's.
    """

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, **fields: Any) -> None:
        """Log what only a developer wants to know."""
        self._log(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: Any) -> None:
        """Log what was done, or found."""
        self._log(logging.INFO, event, fields)

    def relations(self, table: str, found: Iterable[object]) -> None:
        """Log what was found to hold in the rows of a table."""
        for one in found:
            self._log(logging.INFO, "relation_found", {"table": table, "relation": str(one)})

    def warning(self, event: str, **fields: Any) -> None:
        """Log what the user may want to act on."""
        self._log(logging.WARNING, event, fields)

    def _log(self, level: int, event: str, fields: dict[str, Any]) -> None:
        waiting = _HELD.get()
        if waiting is not None and not _QUIET.get():
            waiting.append((self._logger.name, level, event, fields))
        elif self._logger.isEnabledFor(level) and not _QUIET.get():
            extra = {"event": event, "fields": fields}
            message = " ".join([event, *(f"{name}={value!r}" for name, value in fields.items())])
            # Not as a format: a value may hold a percent sign. The caller is two frames up.
            self._logger.log(level, "%s", message, extra=extra, stacklevel=3)


@contextmanager
def quiet() -> Iterator[None]:
    """Log nothing of what is done inside, which is no part of what was asked for."""
    before = _QUIET.set(True)
    try:
        yield
    finally:
        _QUIET.reset(before)


@contextmanager
def held(events: list[Told]) -> Iterator[None]:
    """Hold back what is logged inside, for :func:`tell`, perhaps in another process."""
    before = _HELD.set(events)
    try:
        yield
    finally:
        _HELD.reset(before)


def tell(events: Iterable[Told]) -> None:
    """Log what was held back."""
    for name, level, event, fields in events:
        EventLogger(name)._log(level, event, fields)


def get_logger(name: str) -> EventLogger:
    """Return the logger of a module.

    Examples
    --------
    >>> import logging, sys
    >>> handler = logging.StreamHandler(sys.stdout)
    >>> logging.getLogger("synthohive").addHandler(handler)
    >>> get_logger("synthohive.example").warning("rows_left_out", table="orders", rows=3)
    rows_left_out table='orders' rows=3
    >>> logging.getLogger("synthohive").removeHandler(handler)
    """
    package = logging.getLogger(name.partition(".")[0])
    if not package.handlers:
        package.addHandler(logging.NullHandler())  # else Python prints warnings by itself
    return EventLogger(name)
