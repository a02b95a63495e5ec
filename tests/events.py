"""What the package logs, as data."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["captured_events"]


class _Keeper(logging.Handler):
    def __init__(self, events: list[dict[str, Any]]) -> None:
        super().__init__(logging.DEBUG)
        self._events = events

    def emit(self, record: logging.LogRecord) -> None:
        event, fields = record.__dict__["event"], record.__dict__["fields"]
        self._events.append({"event": event, "log_level": record.levelname.lower(), **fields})


@contextmanager
def captured_events(package: str = "synthohive") -> Iterator[list[dict[str, Any]]]:
    """Collect all events of a package: their name, level and fields."""
    logger, events = logging.getLogger(package), list[dict[str, Any]]()
    handler, level = _Keeper(events), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield events
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
