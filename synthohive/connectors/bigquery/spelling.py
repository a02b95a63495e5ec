"""How BigQuery writes what every engine has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Optional

import pyarrow as pa
from sqlglot.dialects.bigquery import BigQuery

from synthohive.ddl.spelling import Named, Spelling, Type, text_length
from synthohive.schema import Column, ColumnKind

__all__ = ["SPELLING", "decimal_type", "literal", "quote"]

_NUMERIC = (29, 9)
"""Digits before and behind the point of a NUMERIC; a BIGNUMERIC has 38 and 38."""
_EMPTY_SHAPE = "ST_GEOGPOINT(0, 0)"  # of all functions that make shapes, the one a DEFAULT takes
_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\0": "\\0"}


def quote(name: str) -> str:
    """Quote an identifier; no name of BigQuery has a backtick in it, yet one may be asked for."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def literal(text: str) -> str:
    r"""Quote a string, in which a backslash escapes and a line cannot end.

    Examples
    --------
    >>> print(literal("it's\n"))
    'it\'s\n'
    """
    return "'" + "".join(_ESCAPES.get(c, c) for c in text) + "'"


def decimal_type(precision: int, scale: int) -> str:
    """Return the type of decimals with so many digits, some of them behind the point.

    Examples
    --------
    >>> decimal_type(9, 2), decimal_type(38, 0), decimal_type(20, 12)
    ('NUMERIC(9, 2)', 'BIGNUMERIC(38)', 'BIGNUMERIC(20, 12)')
    """
    before, behind = _NUMERIC
    name = "NUMERIC" if scale <= behind and precision - scale <= before else "BIGNUMERIC"
    return f"{name}({precision}, {scale})" if scale else f"{name}({precision})"


class BigquerySpelling(Spelling):
    """See the base class; keys are noted and never checked, and CHECK, UNIQUE, indexes unknown."""

    grammar = BigQuery
    has = frozenset({"primary key", "foreign key"})
    late = frozenset({"primary key", "foreign key"})
    keys_enforced = False
    unenforced = " NOT ENFORCED"
    key_actions = False
    keys_to_unique = False
    names_in_bytes = False
    longest_column = 300
    comments = "options"
    backslashes = True
    like_ignores_case = False
    longest_decimal = 38  # a BIGNUMERIC has more, which no Arrow column of ours brings
    type_names = frozenset(
        """
        int64 int smallint integer bigint tinyint byteint float64 numeric decimal bignumeric
        bigdecimal bool boolean string bytes date time datetime timestamp interval json geography
        array struct range
        """.split()
    )
    types: ClassVar[Mapping[ColumnKind, Any]] = {
        ColumnKind.BOOLEAN: "BOOL",
        ColumnKind.DATE: "DATE",
        ColumnKind.TIME: "TIME",
        ColumnKind.INTERVAL: "INTERVAL",
        ColumnKind.UUID: "STRING(36)",
        ColumnKind.JSON: "JSON",
        ColumnKind.ARRAY: "JSON",  # an array has one type for all its members, and no NULL
        ColumnKind.COMPOSITE: "JSON",
        ColumnKind.RANGE: "STRING",
        ColumnKind.POINT: "STRING",
        ColumnKind.EMPTY: "STRING",
        ColumnKind.BINARY: "BYTES",
        ColumnKind.FLOAT: "FLOAT64",
    }

    quote = staticmethod(quote)
    literal = staticmethod(literal)

    def moment(self, column: Column) -> str:
        """See the base class."""
        return "CURRENT_TIMESTAMP()" if column.timezone else "CURRENT_DATETIME()"

    def empty_value(self, definition: str) -> Optional[str]:
        """See the base class: shapes are not read, but for points."""
        return _EMPTY_SHAPE if definition.upper().startswith("GEOGRAPHY") else None

    def type_of(self, column: Column, *, in_key: bool, sole_key: bool) -> Type:
        """See the base class."""
        kind = column.kind
        if kind is ColumnKind.INTEGER:
            return self.integer(column)
        if kind is ColumnKind.TIMESTAMP:
            return Named("TIMESTAMP" if column.timezone else "DATETIME")
        if kind is ColumnKind.DECIMAL:
            return Named(decimal_type(*self.decimal(column)))
        if kind in self.types:
            return Named(self.types[kind])
        length = text_length(column)
        return Named("STRING" if length is None else f"STRING({length})")

    def integer(self, column: Column) -> Type:
        """See the base class: there is one type of 64 bits, with a sign."""
        unsigned = column.arrow_type == pa.uint64()
        return Named("NUMERIC(20)" if unsigned else "INT64")


SPELLING = BigquerySpelling()
