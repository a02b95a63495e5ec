"""How SQL Server writes what every engine has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Optional

import pyarrow as pa
from sqlglot import exp
from sqlglot.dialects.tsql import TSQL

from synthohive.ddl.spelling import Named, Spelling, Type, text_length
from synthohive.schema import Column, ColumnKind

__all__ = ["HERE", "SPELLING", "literal", "quote"]

HERE = "[$synthohive$]"
"""Stands for the staging schema: a session has no schema of its own choice."""
_NATIONAL = re.compile(r"(?P<text>'(?:[^']|'')*')|\bN(?=')")
_CHARS, _BYTES = 4_000, 8_000
"""Of the longest NVARCHAR and VARBINARY that are not MAX."""
_KEY_CHARS, _KEY_BYTES = 450, 900
"""Of texts and bytes without an end that an index has."""


def quote(name: str) -> str:
    """Quote an identifier.

    Examples
    --------
    >>> quote("a]b")
    '[a]]b]'
    """
    return "[" + name.replace("]", "]]") + "]"


def literal(text: str) -> str:
    """Quote a string of any characters.

    Examples
    --------
    >>> literal("it's")
    "N'it''s'"
    """
    return "N'" + text.replace("'", "''") + "'"


class _Tsql(TSQL):
    """Writes days and lengths: sqlglot's are moments, and leave out blanks at the end."""

    class Generator(TSQL.Generator):  # type: ignore[misc, valid-type]
        """Counts a character more, and takes it off again; cuts a moment to its day."""

        TRANSFORMS = {  # noqa: RUF012 - the form that sqlglot reads
            **TSQL.Generator.TRANSFORMS,
            exp.CurrentDate: lambda self, node: "CAST(GETDATE() AS DATE)",
            exp.Length: lambda self, node: f"(LEN({self.sql(node, 'this')} + N'.') - 1)",
        }


class MssqlSpelling(Spelling):
    """See the base class."""

    grammar = TSQL
    writes = _Tsql
    late = frozenset({"primary key", "check", "unique", "foreign key"})
    actions = frozenset(
        f"{when} {what}"
        for when in ("DELETE", "UPDATE")
        for what in ("CASCADE", "SET NULL", "SET DEFAULT")
    )
    nulls_equal = True
    names_in_bytes = False
    names_per_schema = False
    comments = "after"
    now = "SYSDATETIME()"
    today = "CAST(GETDATE() AS DATE)"
    new_uuid = "NEWID()"
    clock_in_checks = True
    partial_indexes = True
    zones = True
    stand_ins = Spelling.stand_ins - {ColumnKind.UUID}
    digits = 38
    exact = "Latin1_General_100_BIN2"
    like_ranges = True
    conditions = False
    longest_decimal = 38
    types: ClassVar[Mapping[ColumnKind, Any]] = {
        ColumnKind.BOOLEAN: Named("BIT"),
        ColumnKind.DATE: Named("DATE"),
        ColumnKind.TIME: Named("TIME(6)"),
        ColumnKind.INTERVAL: Named("DATETIME2(6)"),  # from 1970 on, as in the base class
        ColumnKind.UUID: Named("UNIQUEIDENTIFIER"),
        **dict.fromkeys(
            (
                ColumnKind.JSON, ColumnKind.ARRAY, ColumnKind.COMPOSITE, ColumnKind.RANGE,
                ColumnKind.POINT, ColumnKind.EMPTY,
            ),
            Named("NVARCHAR(MAX)"),
        ),
    }  # fmt: skip
    type_names = frozenset(
        """
        bigint binary bit char date datetime datetime2 datetimeoffset decimal float geography
        geometry hierarchyid image int json money nchar ntext numeric nvarchar real rowversion
        smalldatetime smallint smallmoney sql_variant text time timestamp tinyint uniqueidentifier
        varbinary varchar vector xml
        """.split()
    )
    type_signs = frozenset({"persisted"})
    quote = staticmethod(quote)
    literal = staticmethod(literal)

    def table(self, name: str) -> str:
        """See the base class."""
        return f"{HERE}.{quote(name)}"

    def plain(self, sql: str) -> str:
        """Drop the mark of strings of any characters.

        Examples
        --------
        >>> SPELLING.plain("[a]=N'N''x' OR [b]='N'")
        "[a]='N''x' OR [b]='N'"
        """
        return _NATIONAL.sub(lambda found: found["text"] or "", sql)

    def commented(self, table: str, column: Optional[str], text: str) -> str:
        """See the base class: an extended property, as the tools of SQL Server show it."""
        at = f", N'COLUMN', {literal(column)}" if column is not None else ""
        return (
            f"EXEC sys.sp_addextendedproperty N'MS_Description', {literal(text)}, N'SCHEMA', "
            f"N'{HERE[1:-1]}', N'TABLE', {literal(table)}{at}"
        )

    def calculated(self, type_: str, sql: str, *, own: bool) -> str:
        """See the base class; a type of the catalogue's says whether values are kept."""
        if own:
            return f"AS {sql}{' PERSISTED' if type_.endswith(' PERSISTED') else ''}"
        return f"AS CAST({sql} AS {type_}) PERSISTED"

    def type_of(self, column: Column, *, in_key: bool, sole_key: bool) -> Type:
        """See the base class."""
        kind, type_ = column.kind, column.arrow_type
        if kind in self.types:
            found: Type = self.types[kind]
            return found
        if kind is ColumnKind.TIMESTAMP:
            return Named("DATETIMEOFFSET(6)" if column.timezone else "DATETIME2(6)")
        if kind is ColumnKind.DECIMAL:
            digits, scale = self.decimal(column)
            return Named(f"DECIMAL({digits}, {scale})")
        if kind is ColumnKind.FLOAT:
            return Named("REAL" if pa.types.is_float32(type_) else "FLOAT")
        if kind is ColumnKind.BINARY:
            size = column.length or (_KEY_BYTES if in_key else None)
            return Named(f"VARBINARY({size if size and size <= _BYTES else 'MAX'})")
        if kind is ColumnKind.INTEGER:
            return self.integer(column)
        length = text_length(column) or (_KEY_CHARS if in_key else None)
        return Named(f"NVARCHAR({length if length and length <= _CHARS else 'MAX'})")

    def indexable(self, type_: str) -> bool:
        """See the base class."""
        return "(MAX)" not in type_.upper()

    def counter(self, table: str, column: Column, *, sole_key: bool) -> str:
        """See the base class; it goes on behind the rows by itself."""
        counted = column.identity
        start, step = (1, 1) if counted is None else (counted.start, counted.increment)
        return f"IDENTITY({start}, {step})"

    def nullable(self, type_: str) -> str:
        """See the base class; the server numbers the versions of rows."""
        return "NOT NULL" if type_ == "ROWVERSION" else "NULL"


SPELLING = MssqlSpelling()
