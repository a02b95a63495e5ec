"""How Oracle writes what every engine has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import pyarrow as pa
from sqlglot.dialects.oracle import Oracle

from synthohive.ddl.spelling import Named, Spelling, Type, quote, text_length
from synthohive.schema import Column, ColumnKind

__all__ = ["MARK", "SPELLING", "folded"]

MARK = "$synthohive$"
"""Begins the name of what waits beside the tables that it will replace."""
_PLAIN = re.compile(r"[a-z][a-z0-9_$#]*")
_CHARS = 1_000
"""Of the longest VARCHAR2 that takes any characters: it has 4,000 bytes."""
_KEY_CHARS, _BYTES = 255, 2_000
_DIGITS = {8: 3, 16: 5, 32: 10}
"""Of whole numbers, by their bits."""


class OracleSpelling(Spelling):
    """See the base class; an empty text is NULL."""

    grammar = Oracle
    late = frozenset({"primary key", "check", "unique", "foreign key"})
    actions = frozenset({"DELETE CASCADE", "DELETE SET NULL"})
    comments = "after"
    computed = ""  # it is never kept
    now = "SYSTIMESTAMP"
    today = "TRUNC(SYSDATE)"
    zones = True
    stand_ins = Spelling.stand_ins - {ColumnKind.INTERVAL} | {ColumnKind.BOOLEAN, ColumnKind.TIME}
    digits = 38
    like_ignores_case = False
    conditions = False
    empty_texts = False
    longest_decimal = 38
    types: ClassVar[Mapping[ColumnKind, Any]] = {
        ColumnKind.BOOLEAN: Named("NUMBER(1)"),
        ColumnKind.DATE: Named("DATE"),
        ColumnKind.TIME: Named("INTERVAL DAY(0) TO SECOND(6)"),
        ColumnKind.INTERVAL: Named("INTERVAL DAY(9) TO SECOND(6)"),
        ColumnKind.UUID: Named("CHAR(36)"),
        **dict.fromkeys(
            (
                ColumnKind.JSON, ColumnKind.ARRAY, ColumnKind.COMPOSITE, ColumnKind.RANGE,
                ColumnKind.POINT, ColumnKind.EMPTY,
            ),
            Named("CLOB"),
        ),
    }  # fmt: skip
    type_names = frozenset(
        name.replace("-", " ")
        for name in """
        binary_double binary_float blob boolean char clob date float interval-day-to-second
        interval-year-to-month json long nchar nclob number nvarchar2 raw rowid timestamp
        timestamp-with-local-time-zone timestamp-with-time-zone urowid varchar2 vector xmltype
        """.split()
    )

    def table(self, name: str) -> str:
        """See the base class."""
        return quote(MARK + name)

    part = table

    def type_of(self, column: Column, *, in_key: bool, sole_key: bool) -> Type:
        """See the base class."""
        kind, type_ = column.kind, column.arrow_type
        if kind in self.types:
            found: Type = self.types[kind]
            return found
        if kind is ColumnKind.TIMESTAMP:
            return Named(f"TIMESTAMP(6){' WITH TIME ZONE' if column.timezone else ''}")
        if kind is ColumnKind.DECIMAL:
            return Named(f"NUMBER({min(type_.precision, self.longest_decimal)}, {type_.scale})")
        if kind is ColumnKind.FLOAT:
            return Named("BINARY_FLOAT" if pa.types.is_float32(type_) else "BINARY_DOUBLE")
        if kind is ColumnKind.BINARY:
            size = column.length or (_KEY_CHARS if in_key else None)
            return Named(f"RAW({size})" if size and size <= _BYTES else "BLOB")
        if kind is ColumnKind.INTEGER:
            return self.integer(column)
        length = text_length(column) or (_KEY_CHARS if in_key else None)
        return Named(f"VARCHAR2({length} CHAR)" if length and length <= _CHARS else "CLOB")

    def integer(self, column: Column) -> Type:
        """See the base class."""
        type_ = column.arrow_type
        bits = type_.bit_width if pa.types.is_integer(type_) else 64
        wide = 20 if pa.types.is_unsigned_integer(type_) else 19
        return Named(f"NUMBER({_DIGITS.get(bits, wide)})")

    def indexable(self, type_: str) -> bool:
        """See the base class."""
        return type_.upper() not in ("CLOB", "NCLOB", "BLOB", "JSON")

    def counter(self, table: str, column: Column, *, sole_key: bool) -> str:
        """See the base class."""
        how, counted = "BY DEFAULT", column.identity
        start, step = (1, 1) if counted is None else (counted.start, counted.increment)
        return f"GENERATED {how} AS IDENTITY (START WITH {start} INCREMENT BY {step})"

    def advance(self, table: str, column: Column) -> str:
        """See the base class; what counts always does so from here on."""
        always = column.identity is not None and column.identity.always
        return (
            f"ALTER TABLE {self.table(table)} MODIFY {quote(column.name)} GENERATED "
            f"{'ALWAYS' if always else 'BY DEFAULT'} AS IDENTITY (START WITH LIMIT VALUE)"
        )


def folded(name: str) -> str:
    """Return a name as the catalogue has it: plain small letters are written without quotes.

    Examples
    --------
    >>> folded("shop_2"), folded("Shop")
    ('SHOP_2', 'Shop')
    """
    return name.upper() if _PLAIN.fullmatch(name) else name


SPELLING = OracleSpelling()
