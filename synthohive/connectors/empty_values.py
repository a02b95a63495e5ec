"""The empty value of types that are not read, for columns that must hold something.

Pagila's ``film.fulltext tsvector NOT NULL`` and Sakila's ``address.location geometry NOT NULL``
have no default and may not be NULL. The copy holds the value of their type that says nothing.
"""

from __future__ import annotations

from synthohive.ddl.spelling import Spelling
from synthohive.schema import Column, ColumnKind

__all__ = ["fill_known", "needs_value"]


def needs_value(column: Column) -> bool:
    """Whether rows of a copy must hold a value that neither they nor the database bring."""
    brought = column.default is not None or column.identity is not None
    return not (column.nullable or brought or column.computed is not None)


def fill_known(columns: list[Column], spelling: Spelling) -> None:
    """Mark the columns of unknown types for which a copy has an empty value.

    Those that may be NULL hold it in as many rows as the real ones hold anything.
    """
    for column in columns:
        known = spelling.empty_value(column.sql_type or "") is not None
        if column.kind is not ColumnKind.UNSUPPORTED or not known or column.computed is not None:
            continue
        if column.nullable:
            column.kind = ColumnKind.EMPTY
        elif needs_value(column):
            column.filled = True
