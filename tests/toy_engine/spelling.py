"""How the toy writes: other quotes, other types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import sqlalchemy as sa

from synthohive.connectors.sqlite.spelling import SqliteSpelling
from synthohive.schema import ColumnKind

__all__ = ["SPELLING"]


class ToySpelling(SqliteSpelling):
    """See the module."""

    types: ClassVar[Mapping[ColumnKind, Any]] = {**SqliteSpelling.types, ColumnKind.UUID: sa.Text}

    @staticmethod
    def quote(name: str) -> str:
        """Quote an identifier."""
        return "`" + name.replace("`", "``") + "`"


SPELLING = ToySpelling()
