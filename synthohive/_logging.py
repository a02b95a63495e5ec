"""The package's structured events.

An application that configures structlog gets every event, with ``module`` naming its origin.
Where nobody configures it, only warnings and errors are printed: a library does not chat.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import structlog

__all__ = ["get_logger"]

_QUIET = ("debug", "info")


def _drop_quiet(_: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop the package's own events below a warning; other loggers' pass."""
    if method in _QUIET and str(event.get("module", "")).startswith("synthohive"):
        raise structlog.DropEvent
    return event


def get_logger(name: str) -> Any:
    """Return the logger of a module."""
    if not structlog.is_configured():
        structlog.configure(processors=[_drop_quiet, *structlog.get_config()["processors"]])
    return structlog.get_logger(module=name)
