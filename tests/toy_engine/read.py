"""Reading, as SQLite does."""

from __future__ import annotations

from synthohive.connectors.sqlite.read import SQLite

__all__ = ["READER"]


class Toy(SQLite):
    """See the module."""


READER = Toy
