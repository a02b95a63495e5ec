"""How Snowflake writes what every engine has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import pyarrow as pa
from sqlglot.dialects.snowflake import Snowflake

from synthohive.ddl.spelling import Named, Spelling, Type, text_length
from synthohive.schema import Column, ColumnKind

__all__ = ["SPELLING", "folded"]

_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
_LONGEST = 16_777_216  # characters of a VARCHAR


class SnowflakeSpelling(Spelling):
    """See the base class; keys are declared, and nothing but NOT NULL is enforced."""

    grammar = Snowflake
    has = frozenset({"primary key", "unique", "foreign key"})
    late = frozenset({"foreign key"})
    keys_enforced = False
    unenforced = " NOT ENFORCED"
    key_actions = False
    names_in_bytes = False
    comments = "after"
    now = "CURRENT_TIMESTAMP()"
    backslashes = True
    longest_decimal = 38
    longest_fraction = 37
    like_ignores_case = False
    types: ClassVar[Mapping[ColumnKind, Any]] = {
        ColumnKind.BOOLEAN: Named("BOOLEAN"),
        ColumnKind.DATE: Named("DATE"),
        ColumnKind.TIME: Named("TIME(6)"),
        ColumnKind.INTERVAL: Named("TIMESTAMP_NTZ(6)"),  # from 1970 on, as in the base class
        ColumnKind.UUID: Named("VARCHAR(36)"),
        ColumnKind.JSON: Named("VARIANT"),
        ColumnKind.ARRAY: Named("ARRAY"),
        ColumnKind.COMPOSITE: Named("OBJECT"),
        **dict.fromkeys((ColumnKind.RANGE, ColumnKind.POINT, ColumnKind.EMPTY), Named("VARCHAR")),
    }
    type_names = frozenset(
        name.replace("-", " ")
        for name in """
        array bigint binary boolean byteint char character date datetime decimal double
        double-precision float float4 float8 geography geometry int integer number numeric object
        real smallint string text time timestamp timestamp_ltz timestamp_ntz timestamp_tz tinyint
        varbinary varchar variant vector
        """.split()
    )

    @staticmethod
    def literal(text: str) -> str:
        r"""Quote a string, in which a backslash escapes.

        Examples
        --------
        >>> SnowflakeSpelling.literal("it's a\\b")
        "'it''s a\\\\b'"
        """
        return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"

    def type_of(self, column: Column, *, in_key: bool, sole_key: bool) -> Type:
        """See the base class."""
        kind = column.kind
        if kind is ColumnKind.TIMESTAMP:
            return Named(f"TIMESTAMP_{'TZ' if column.timezone else 'NTZ'}(6)")
        if kind is ColumnKind.DECIMAL:
            digits, scale = self.decimal(column)
            return Named(f"NUMBER({digits}, {scale})")
        if kind is ColumnKind.FLOAT:
            return Named("FLOAT")
        if kind is ColumnKind.BINARY:
            return Named("BINARY")
        if kind in self.types:
            found: Type = self.types[kind]
            return found
        if kind is ColumnKind.INTEGER:
            return self.integer(column)
        length = text_length(column)
        return Named(f"VARCHAR({length})" if length and length <= _LONGEST else "VARCHAR")

    def integer(self, column: Column) -> Type:
        """Return what INTEGER is another name of; of unsigned ones, the type of their digits."""
        return Named("NUMBER(20, 0)" if pa.types.is_uint64(column.arrow_type) else "NUMBER(38, 0)")

    def counter(self, table: str, column: Column, *, sole_key: bool) -> str:
        """See the base class; the writer begins it after the rows."""
        step = column.identity.increment if column.identity is not None else 1
        return f"IDENTITY START 1 INCREMENT {step}"


def folded(name: str) -> str:
    """Return a name as SQLAlchemy's dialect means it: plain small letters are written unquoted.

    Examples
    --------
    >>> folded("shop_2"), folded("Shop"), folded("my shop")
    ('SHOP_2', 'Shop', 'my shop')
    """
    return name.upper() if _PLAIN.fullmatch(name) else name


SPELLING = SnowflakeSpelling()
