"""How DuckDB writes what every engine has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlglot.dialects.duckdb import DuckDB

from synthohive.connectors.special_values import BEFORE, UNSEEN
from synthohive.ddl.spelling import Spelling, Type
from synthohive.schema import Column, ColumnKind

__all__ = ["SPELLING"]
_MACRO = re.compile(r'\bmain\."?(\w+)"?\(')


class DuckdbSpelling(Spelling):
    """See the base class; keys are a part of CREATE TABLE, and do nothing but refuse."""

    grammar = DuckDB
    cyclic_keys = False
    key_actions = False
    comments = "after"
    computed = "VIRTUAL"
    new_uuid = "uuid()"
    clock_in_checks = True
    expression_indexes = True
    zones = True
    stand_ins = Spelling.stand_ins - {ColumnKind.INTERVAL, ColumnKind.UUID}
    like_ignores_case = False
    moments: ClassVar[Mapping[Any, str]] = {**UNSEEN, BEFORE: "0001-12-31 (BC)"}
    longest_decimal = 38
    types: ClassVar[Mapping[ColumnKind, Any]] = {
        **Spelling.types,
        ColumnKind.INTERVAL: postgresql.INTERVAL,
        ColumnKind.UUID: postgresql.UUID,
    }
    type_names = frozenset(
        name.replace("-", " ")
        for name in """
        bigint bit blob boolean bool date decimal numeric double real float hugeint uhugeint integer
        int interval json smallint time time_ns time-with-time-zone timestamp timestamp_s
        timestamp_ms timestamp_ns timestamp-with-time-zone timestamptz tinyint ubigint uinteger
        usmallint utinyint uuid varchar text enum struct map union list
        """.split()
    )

    def plain(self, sql: str) -> str:
        """Drop the schema of functions that are macros of DuckDB's own: ``main."trim"(a)``."""
        return _MACRO.sub(r"\1(", sql)

    def type_of(self, column: Column, *, in_key: bool, sole_key: bool) -> Type:
        """See the base class."""
        if column.kind is ColumnKind.TIMESTAMP:
            return sa.TIMESTAMP(timezone=column.timezone)
        return super().type_of(column, in_key=in_key, sole_key=sole_key)

    def counter(self, table: str, column: Column, *, sole_key: bool) -> str:
        """See the base class; the writer makes the sequence."""
        return f"DEFAULT nextval({self.literal(f'{table}_{column.name}_seq')})"


SPELLING = DuckdbSpelling()
