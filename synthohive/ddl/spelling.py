"""How an engine writes what every engine has: names, texts, types, keys. Shared code reads it here.

What stands below is the plainest SQL, for engines that nobody built. Each folder of an engine has
a ``spelling.py`` that states what is different there; it needs no driver.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Optional

import pyarrow as pa
import sqlalchemy as sa

from synthohive.schema import Column, ColumnKind

if TYPE_CHECKING:
    from sqlglot.dialects.dialect import Dialect as Grammar

__all__ = ["Named", "Spelling", "Type", "literal", "quote", "text_length"]

Type = sa.types.TypeEngine[Any]
_TYPES: Mapping[ColumnKind, Any] = {
    ColumnKind.BOOLEAN: sa.Boolean,
    ColumnKind.DATE: sa.Date,
    ColumnKind.TIME: sa.Time,
    ColumnKind.TIMESTAMP: sa.DateTime,
    ColumnKind.INTERVAL: sa.DateTime,  # how SQLAlchemy's Interval counts: from 1970 on
    ColumnKind.UUID: sa.CHAR(36),
    ColumnKind.JSON: sa.JSON,
    ColumnKind.ARRAY: sa.JSON,
    ColumnKind.COMPOSITE: sa.JSON,
    ColumnKind.RANGE: sa.Text,
    ColumnKind.POINT: sa.Text,
    ColumnKind.EMPTY: sa.Text,
}


def quote(name: str) -> str:
    """Quote an identifier as the standard does.

    Examples
    --------
    >>> quote('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a string where a backslash is a character like others."""
    return "'" + text.replace("'", "''") + "'"


class Named(sa.types.UserDefinedType[Any]):
    """A type by its name, so that no driver is needed to write it."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        """Return the name."""
        return self.name


class Spelling:
    """What is written differently from engine to engine.

    Attributes
    ----------
    grammar : type of sqlglot.Dialect, optional
        Reads its expressions; None of an engine whose SQL is not read.
    writes : type of sqlglot.Dialect, optional
        Writes them, where that is another one.
    has : frozenset of {"primary key", "check", "unique", "foreign key", "index", "computed"}
        What of these there is; a copy leaves out what another engine declared.
    late : frozenset of {"primary key", "check", "unique", "foreign key"}
        What can wait for the rows; all else is part of CREATE TABLE.
    keys_enforced : bool
        The engine checks keys. One that only notes them may take them for true all the same: rows
        are proved by SQL before any key is declared.
    unenforced : str
        What stands behind keys that the engine notes, and does not check.
    cyclic_keys, key_actions, keys_to_unique, nulls_not_distinct : bool
        Tables may refer to each other in a circle; keys have ON DELETE and ON UPDATE; they may lead
        to a UNIQUE; a UNIQUE may take NULL for equal to NULL.
    actions : frozenset of str, optional
        What keys do beside refusing (``"DELETE CASCADE"``), where that is not all of it.
    nulls_equal : bool
        Each UNIQUE does; where NULLs are to differ, a unique index of some rows stands for it.
    names_in_bytes, names_per_schema : bool
        The longest name is counted in bytes; no two indexes of a schema have one name.
    longest_column : int, optional
        The longest name of a column, where it is not that of a table.
    comments : {"inside", "options", "after", ""}
        Those on columns are part of CREATE TABLE (as a clause, or as an option), or statements of
        their own, or there are none.
    enums : {"type", "column", ""}
        A type with a name, or one of the column; where there are none, a CHECK lists the values.
    computed, now, today, new_uuid : str
        How a computed column is kept; the defaults that are the moment, the day, and a new UUID.
    clock_in_checks, partial_indexes, expression_indexes : bool
        A CHECK may ask the clock; an index may be of some rows only, or of expressions.
    updating_defaults : bool
        A default may go on by ON UPDATE.
    stand_ins : frozenset of ColumnKind
        Kinds that it has no type of its own for: their values are kept as another's.
    zones : bool
        There are moments with a time zone.
    digits : int, optional
        The most that decimals keep, where the type says more.
    longest_decimal, longest_fraction : int, optional
        The most digits that a decimal may have, and behind the point: one with more is refused.
    checks_named : bool
        A CHECK has to have a name.
    table_end : str
        What stands behind the parenthesis of CREATE TABLE.
    compares : bool
        A CHECK has to be a comparison, or a combination of such; see
        :func:`~synthohive.ddl.carried.as_condition`.
    exact : str
        The collation by which only the same texts are equal, where that is not so anyway.
    type_names : frozenset of str, optional
        Types that a description may name; None where any words are a type.
    type_signs : frozenset of str
        Words that may follow a type.
    backslashes, quoted_collations, index_methods, index_clauses : bool
        A backslash escapes in strings; names of collations are quoted; CREATE INDEX says USING;
        an index is known by its clause of CREATE TABLE, whose columns may have a prefix's length.
    like_ignores_case, like_escapes, doubles, typed : bool
        LIKE takes upper and lower case for one, and a backslash for an escape; decimals are
        calculated with as doubles; a moment is no text.
    like_ranges, conditions, empty_texts : bool
        LIKE knows ranges of characters (``[a-z]``); a condition is a value, and a flag one; an
        empty text is not NULL.
    moments, times : mapping of moment or time to str
        What values that no Arrow type has are written as; see
        :mod:`~synthohive.connectors.special_values`.
    """

    grammar: ClassVar[Optional[type[Grammar]]] = None
    writes: ClassVar[Optional[type[Grammar]]] = None
    has: ClassVar[frozenset[str]] = frozenset(
        {"primary key", "check", "unique", "foreign key", "index", "computed"}
    )
    late: ClassVar[frozenset[str]] = frozenset()
    keys_enforced: ClassVar[bool] = True
    unenforced: ClassVar[str] = ""
    cyclic_keys: ClassVar[bool] = True
    key_actions: ClassVar[bool] = True
    actions: ClassVar[Optional[frozenset[str]]] = None
    keys_to_unique: ClassVar[bool] = True
    nulls_not_distinct: ClassVar[bool] = False
    nulls_equal: ClassVar[bool] = False
    names_in_bytes: ClassVar[bool] = True
    names_per_schema: ClassVar[bool] = True
    longest_column: ClassVar[Optional[int]] = None
    comments: ClassVar[Literal["inside", "options", "after", ""]] = ""
    enums: ClassVar[Literal["type", "column", ""]] = ""
    computed: ClassVar[str] = "STORED"
    now: ClassVar[str] = "CURRENT_TIMESTAMP"
    today: ClassVar[str] = "CURRENT_DATE"
    new_uuid: ClassVar[str] = ""
    clock_in_checks: ClassVar[bool] = False
    partial_indexes: ClassVar[bool] = False
    expression_indexes: ClassVar[bool] = False
    updating_defaults: ClassVar[bool] = False
    stand_ins: ClassVar[frozenset[ColumnKind]] = frozenset(
        {
            ColumnKind.INTERVAL, ColumnKind.UUID, ColumnKind.ARRAY, ColumnKind.COMPOSITE,
            ColumnKind.RANGE, ColumnKind.POINT,
        }
    )  # fmt: skip
    zones: ClassVar[bool] = False
    digits: ClassVar[Optional[int]] = None
    longest_decimal: ClassVar[Optional[int]] = None
    longest_fraction: ClassVar[Optional[int]] = None
    checks_named: ClassVar[bool] = False
    table_end: ClassVar[str] = ""
    compares: ClassVar[bool] = False
    exact: ClassVar[str] = ""
    type_names: ClassVar[Optional[frozenset[str]]] = None
    type_signs: ClassVar[frozenset[str]] = frozenset()
    backslashes: ClassVar[bool] = False
    quoted_collations: ClassVar[bool] = False
    index_methods: ClassVar[bool] = False
    index_clauses: ClassVar[bool] = False
    like_ignores_case: ClassVar[bool] = True
    like_escapes: ClassVar[bool] = False
    like_ranges: ClassVar[bool] = False
    conditions: ClassVar[bool] = True
    empty_texts: ClassVar[bool] = True
    doubles: ClassVar[bool] = False
    typed: ClassVar[bool] = True
    moments: ClassVar[Mapping[Any, str]] = {}
    times: ClassVar[Mapping[Any, str]] = {}
    types: ClassVar[Mapping[ColumnKind, Any]] = _TYPES

    quote = staticmethod(quote)
    literal = staticmethod(literal)

    def table(self, name: str) -> str:
        """Return a table's name in the statements of a staging place."""
        return self.quote(name)

    def part(self, name: str) -> str:
        """Return the name of a constraint or an index there."""
        return self.quote(name)

    def commented(self, table: str, column: Optional[str], text: str) -> str:
        """Return the statement that comments on a table, or on a column of it."""
        thing = self.table(table) + (f".{self.quote(column)}" if column is not None else "")
        kind = "TABLE" if column is None else "COLUMN"
        return f"COMMENT ON {kind} {thing} IS {self.literal(text)}"

    def calculated(self, type_: str, sql: str, *, own: bool) -> str:
        """Return what stands behind the name of a computed column.

        Parameters
        ----------
        type_, sql : str
        own : bool
            Both are the engine's own, and not translated.
        """
        return f"{type_} GENERATED ALWAYS AS ({sql}) {self.computed}".rstrip()

    def collation(self, name: str) -> str:
        """Return a collation's name after COLLATE."""
        return self.quote(name) if self.quoted_collations else name

    def described_by(self, text: str) -> str:
        """Return the clause that comments on a column inside CREATE TABLE."""
        if self.comments == "options":
            return f"OPTIONS (description = {self.literal(text)})"
        return f"COMMENT {self.literal(text)}"

    def moment(self, column: Column) -> str:
        """Return the default of a column that is the moment of its row."""
        return self.now

    def plain(self, sql: str) -> str:
        """Return an expression of the catalogue as the grammar reads it."""
        return sql

    def described(self, type_: Any, name: str) -> Optional[dict[str, Any]]:
        """Return what a reflected type means here, as fields of a column; None where as elsewhere.

        Parameters
        ----------
        type_ : sqlalchemy.types.TypeEngine
        name : str
            Of its class, in capitals.
        """
        return None

    def empty_value(self, definition: str) -> Optional[str]:
        """Return the SQL of the value of a type that says nothing; None where it has none.

        Parameters
        ----------
        definition : str
            The engine's own text of the type, perhaps with what follows it.
        """
        return None

    def loses(self, column: Column) -> str:
        """Return why no type of the engine holds all values of a column; empty if one does."""
        if column.kind is not ColumnKind.DECIMAL:
            return ""
        digits, scale = _digits(column)
        for has, most, where in (
            (digits, self.longest_decimal, ""),
            (scale, self.longest_fraction, " behind the point"),
        ):
            if most is not None and has > most:
                return f"its decimals have at most {most} digits{where}, not {has}"
        return ""

    def decimal(self, column: Column) -> tuple[int, int]:
        """Return the digits of a decimal, and those behind the point, as CREATE TABLE states them.

        No more than the engine has: a column of more is refused (:meth:`loses`), or excluded.
        """
        digits, scale = _digits(column)
        most = self.longest_decimal or digits
        return min(digits, most), min(scale, most if self.longest_fraction is None
                                      else self.longest_fraction)  # fmt: skip

    def type_of(self, column: Column, *, in_key: bool, sole_key: bool) -> Type:
        """Return the type that holds all values of a column of another engine.

        Parameters
        ----------
        column : Column
        in_key, sole_key : bool
            Whether some key or index has the column; whether it is the primary key.
        """
        kind = column.kind
        if kind is ColumnKind.INTEGER:
            return self.integer(column)
        if kind is ColumnKind.DECIMAL:
            type_ = column.arrow_type
            return sa.Numeric(type_.precision, type_.scale)
        if kind is ColumnKind.FLOAT:
            return sa.REAL() if pa.types.is_float32(column.arrow_type) else sa.Double()
        if kind is ColumnKind.BINARY:
            return sa.BLOB()
        if kind in self.types:
            return sa.types.to_instance(self.types[kind])
        length = text_length(column)
        return sa.String(length) if length is not None else sa.Text()

    def integer(self, column: Column) -> Type:
        """Return the type of whole numbers; unsigned ones get the next wider type."""
        type_ = column.arrow_type
        bits = type_.bit_width if pa.types.is_integer(type_) else 64
        bits *= 2 if pa.types.is_unsigned_integer(type_) else 1
        if bits > 64:
            return sa.Numeric(20, 0)
        return {8: sa.SmallInteger(), 16: sa.SmallInteger(), 32: sa.Integer()}.get(
            bits, sa.BigInteger()
        )

    def indexable(self, type_: str) -> bool:
        """Whether columns of a type are indexed whole, and have constants for defaults."""
        return True

    def counter(self, table: str, column: Column, *, sole_key: bool) -> str:
        """Return the clause of a column that the database counts.

        Parameters
        ----------
        table : str
            Not quoted.
        column : Column
        sole_key : bool
            Whether it is all of the primary key.

        Returns
        -------
        str
            What stands behind the type; empty where there is no such clause.
        """
        return ""

    def nullable(self, type_: str) -> str:
        """Return the clause of a column that may be NULL."""
        return ""

    def advance(self, table: str, column: Column) -> Optional[str]:
        """Return the statement that moves a counter past the rows; None where it goes by itself."""
        return None


def _digits(column: Column) -> tuple[int, int]:
    """Return how many digits a decimal needs, and behind the point: some state -2, or 5 of 3."""
    precision, scale = column.arrow_type.precision, column.arrow_type.scale
    return max(precision, scale, precision - scale), max(scale, 0)


def text_length(column: Column) -> Optional[int]:
    """Return the most characters that a column of text takes, where that is known."""
    values = column.enum_values
    return column.length or (max(map(len, values)) if values else None)
