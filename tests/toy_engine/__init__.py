"""An engine of another distribution: SQLite under another name, with spellings of its own.

All of it lies in this folder. :func:`install` is what such a distribution does once: SQLAlchemy
hears of the dialect, and SynthoHive's registry of the folder.
"""

from __future__ import annotations

import sqlalchemy.dialects

from synthohive.connectors import registry
from synthohive.connectors.capabilities import Capabilities

__all__ = ["CAPABILITIES", "install"]

CAPABILITIES = Capabilities("toy-engine", "toy", is_file=True, several_schemas=False)


def install() -> None:
    """Register the dialect and the engine."""
    sqlalchemy.dialects.registry.register("toy", f"{__name__}.dialect", "ToyDialect")
    registry.register("toy", __name__)
