"""How Spark SQL writes what every engine has: Apache Spark's, and Databricks', which adds to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pyarrow as pa
from sqlglot.dialects.spark import Spark

from synthohive.connectors.spark_sql.text import literal, quote
from synthohive.ddl.spelling import Named, Spelling, Type, text_length
from synthohive.schema import Column, ColumnKind

__all__ = ["SparkSqlSpelling"]

_LONGEST = 65_535  # characters of a VARCHAR


class SparkSqlSpelling(Spelling):
    """See the base class; keys, where a catalogue notes any, are never checked."""

    grammar = Spark
    has = frozenset()
    keys_enforced = False
    key_actions = False
    keys_to_unique = False
    names_in_bytes = False
    comments = "inside"
    computed = ""
    now = "CURRENT_TIMESTAMP()"
    today = "CURRENT_DATE()"
    zones = True
    longest_decimal = 38
    backslashes = True
    like_ignores_case = False
    like_escapes = True
    types: ClassVar[Mapping[ColumnKind, Any]] = {
        ColumnKind.BOOLEAN: Named("BOOLEAN"),
        ColumnKind.DATE: Named("DATE"),
        ColumnKind.TIME: Named("STRING"),
        ColumnKind.INTERVAL: Named("TIMESTAMP_NTZ"),  # from 1970 on, as in the base class
        ColumnKind.BINARY: Named("BINARY"),
        **dict.fromkeys(
            (
                ColumnKind.JSON, ColumnKind.ARRAY, ColumnKind.COMPOSITE, ColumnKind.UUID,
                ColumnKind.RANGE, ColumnKind.POINT, ColumnKind.EMPTY,
            ),
            Named("STRING"),
        ),
    }  # fmt: skip
    stand_ins = Spelling.stand_ins | {ColumnKind.TIME}
    type_names = frozenset(
        """
        array bigint binary boolean byte char date dec decimal double float geography geometry int
        integer interval long map numeric object real short smallint string struct time timestamp
        timestamp_ltz timestamp_ntz tinyint varchar variant void
        """.split()
    )

    quote = staticmethod(quote)
    literal = staticmethod(literal)

    def type_of(self, column: Column, *, in_key: bool, sole_key: bool) -> Type:
        """See the base class."""
        kind = column.kind
        if kind is ColumnKind.INTEGER:
            return self.integer(column)
        if kind is ColumnKind.TIMESTAMP:
            return Named("TIMESTAMP" if column.timezone else "TIMESTAMP_NTZ")
        if kind is ColumnKind.DECIMAL:
            digits, scale = self.decimal(column)
            return Named(f"DECIMAL({digits}, {scale})")
        if kind is ColumnKind.FLOAT:
            return Named("FLOAT" if pa.types.is_float32(column.arrow_type) else "DOUBLE")
        if kind in self.types:
            found: Type = self.types[kind]
            return found
        length = text_length(column)
        return Named(f"VARCHAR({length})" if length and length <= _LONGEST else "STRING")

    def integer(self, column: Column) -> Type:
        """See the base class; a counter has 64 bits, unsigned ones the type of their digits."""
        type_ = column.arrow_type
        if pa.types.is_uint64(type_):
            return Named("DECIMAL(20, 0)")
        if column.identity is not None or not pa.types.is_integer(type_):
            return Named("BIGINT")
        bits = type_.bit_width * (2 if pa.types.is_unsigned_integer(type_) else 1)
        return Named({8: "TINYINT", 16: "SMALLINT", 32: "INT"}.get(bits, "BIGINT"))
