"""How SQLite writes what every engine has."""

from __future__ import annotations

from typing import Any, Optional

import sqlalchemy as sa
from sqlglot import exp
from sqlglot.dialects.sqlite import SQLite

from synthohive.ddl.spelling import Spelling, Type
from synthohive.schema import Column, ColumnKind

__all__ = ["SPELLING"]
_FORMATS = {"YEAR": "%Y", "MONTH": "%m", "DAY": "%d"}


def _part(generator: Any, node: Any) -> str:
    """Write a part of a date, which is a text here."""
    unit = _FORMATS[node.this.name.upper()]
    return f"CAST(STRFTIME('{unit}', {generator.sql(node, 'expression')}) AS INTEGER)"


def _cast(generator: Any, node: Any) -> str:
    """Write a constant moment as the text that it is here: a cast would make a number of it."""
    if node.is_type(*exp.DataType.TEMPORAL_TYPES):
        return str(generator.sql(node, "this"))
    return str(generator.cast_sql(node))


class _Sqlite(SQLite):
    """Writes what sqlglot leaves as other engines have it."""

    class Generator(SQLite.Generator):  # type: ignore[misc, valid-type]
        """Knows how dates are kept."""

        TRANSFORMS = {  # noqa: RUF012 - the form that sqlglot reads
            **SQLite.Generator.TRANSFORMS,
            exp.Extract: _part,
            exp.Cast: _cast,
        }


class SqliteSpelling(Spelling):
    """See the base class; any words are a type."""

    grammar = SQLite
    writes = _Sqlite
    partial_indexes = True
    expression_indexes = True
    doubles = True
    digits = 15
    typed = False

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
