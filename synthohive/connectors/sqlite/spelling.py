"""How SQLite writes what every engine has."""

from __future__ import annotations

from typing import Any, Optional

import sqlalchemy as sa
from sqlglot.dialects.sqlite import SQLite

from synthohive.ddl.spelling import Spelling, Type
from synthohive.schema import Column, ColumnKind

__all__ = ["SPELLING"]


class SqliteSpelling(Spelling):
    """See the base class; any words are a type."""

    grammar = SQLite
    doubles = True

    def described(self, type_: Any, name: str) -> Optional[dict[str, Any]]:
        """See the base class."""
        if isinstance(type_, sa.Integer):  # of eight bytes, whatever it is called
            return {"kind": ColumnKind.INTEGER, "arrow": "int64"}
        return None

    def type_of(self, column: Column, *, in_key: bool, sole_key: bool) -> Type:
        """See the base class; only an INTEGER takes its numbers from the row's."""
        if sole_key and column.kind is ColumnKind.INTEGER:
            return sa.Integer()
        return super().type_of(column, in_key=in_key, sole_key=sole_key)


SPELLING = SqliteSpelling()
