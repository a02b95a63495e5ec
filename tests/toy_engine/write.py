"""Writing, as SQLite does."""

from __future__ import annotations

from typing import ClassVar

from synthohive.connectors.sqlite.write import SqliteWriter
from synthohive.ddl.spelling import Spelling
from tests.toy_engine.spelling import SPELLING

__all__ = ["WRITER"]


class ToyWriter(SqliteWriter):
    """See the module."""

    engine_name: ClassVar[str] = "Toy"
    spelling: ClassVar[Spelling] = SPELLING


WRITER = ToyWriter
