"""How PostgreSQL writes what every engine has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Optional

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlglot.dialects.postgres import Postgres

from synthohive.connectors.special_values import MIDNIGHT, UNSEEN
from synthohive.ddl.spelling import Spelling, Type, quote
from synthohive.ddl.spelling import literal as plain_literal
from synthohive.schema import Column, ColumnKind

__all__ = ["SPELLING", "advance", "literal"]

_EMPTY = {
    "tsvector": "",
    "tsquery": "",
    "point": "(0,0)",
    "line": "{1,0,0}",
    "lseg": "[(0,0),(0,0)]",
    "box": "(0,0),(0,0)",
    "path": "((0,0))",
    "polygon": "((0,0))",
    "circle": "<(0,0),0>",
    "jsonpath": "$",
    "pg_lsn": "0/0",
    "regclass": "-",
}
_POSTGIS = re.compile(r"(?:\w+\.)?(geometry|geography)(?:\((\w+?)(z?m?)(?:,(\d+))?\))?")


def literal(text: str) -> str:
    """Quote a string for any setting of ``standard_conforming_strings``."""
    found = plain_literal(text)
    return f"E{found}".replace("\\", "\\\\") if "\\" in text else found


def advance(
    place: str, columns: Sequence[tuple[str, str]], increment: int, low: int, high: int
) -> str:
    """Return the statement that moves a sequence past all values of its columns.

    Parameters
    ----------
    place : str
        The expression of the sequence.
    columns : sequence of (table, column)
    increment, low, high : int
        Of the sequence.
    """
    pick = "max" if increment > 0 else "min"
    parts = " UNION ALL ".join(
        f"SELECT {pick}({quote(column)})::numeric AS m FROM {quote(table)}"
        for table, column in columns
    )
    return (
        f"SELECT setval({place}, m::bigint) FROM (SELECT {pick}(m) AS m FROM ({parts}) v) s "
        f"WHERE m BETWEEN {low} AND {high}"
    )


class PostgresqlSpelling(Spelling):
    """See the base class."""

    grammar = Postgres
    late = frozenset({"primary key", "check", "unique", "foreign key"})
    nulls_not_distinct = True
    comments = "after"
    enums = "type"
    new_uuid = "gen_random_uuid()"
    clock_in_checks = True
    zones = True
    stand_ins = Spelling.stand_ins - {ColumnKind.INTERVAL, ColumnKind.UUID}
    partial_indexes = True
    expression_indexes = True
    quoted_collations = True
    index_methods = True
    like_ignores_case = False
    like_escapes = True
    moments = UNSEEN
    times: ClassVar[Mapping[Any, str]] = {MIDNIGHT: "24:00:00"}
    types: ClassVar[Mapping[ColumnKind, Any]] = {
        **Spelling.types,
        ColumnKind.INTERVAL: postgresql.INTERVAL,
        ColumnKind.UUID: postgresql.UUID,
        ColumnKind.JSON: postgresql.JSONB,
        ColumnKind.ARRAY: postgresql.JSONB,
        ColumnKind.COMPOSITE: postgresql.JSONB,
    }
    type_names = frozenset(
        name.replace("-", " ")
        for name in """
        bigint bit bit-varying boolean bpchar bytea char character character-varying cidr citext
        date datemultirange daterange double-precision float hstore inet int int2 int4
        int4multirange int4range int8 int8multirange int8range integer interval json jsonb ltree
        macaddr macaddr8 money name numeric decimal nummultirange numrange oid real smallint text
        time time-with-time-zone time-without-time-zone timestamp timestamptz
        timestamp-with-time-zone timestamp-without-time-zone tsmultirange tsquery tsrange
        tstzmultirange tstzrange tsvector uuid varbit varchar xml point line lseg box path polygon
        circle bool float4 float8 timetz smallserial serial bigserial interval-year-to-month
        interval-day-to-second interval-year interval-month interval-day interval-hour
        interval-minute interval-second interval-day-to-hour interval-day-to-minute
        interval-hour-to-minute interval-hour-to-second interval-minute-to-second
        """.split()
    )
    literal = staticmethod(literal)

    def described(self, type_: Any, name: str) -> Optional[dict[str, Any]]:
        """See the base class."""
        return {"kind": ColumnKind.FLOAT, "arrow": "float"} if name == "REAL" else None

    def empty_value(self, definition: str) -> Optional[str]:
        """See the base class.

        Examples
        --------
        >>> SPELLING.empty_value("tsvector"), SPELLING.empty_value("int4range")
        ("''", "'empty'")
        >>> SPELLING.empty_value("geometry(Point,4326)")
        "'SRID=4326;POINT EMPTY'"
        """
        definition = definition.lower()
        if definition in _EMPTY:
            return f"'{_EMPTY[definition]}'"
        if re.fullmatch(r"(?:int4|int8|num|ts|tstz|date)range", definition):
            return "'empty'"
        if re.fullmatch(r"(?:int4|int8|num|ts|tstz|date)multirange", definition):
            return "'{}'"
        if (match := _POSTGIS.fullmatch(definition)) is not None:
            shape = "point" if match[2] in (None, "geometry") else match[2]
            srid = f"SRID={match[4]};" if match[4] else ""
            return f"'{srid}{shape.upper()} {(match[3] or '').upper()} EMPTY'".replace("  ", " ")
        return None

    def type_of(self, column: Column, *, in_key: bool, sole_key: bool) -> Type:
        """See the base class."""
        if column.kind is ColumnKind.DECIMAL and column.precision is None:
            return sa.Numeric()
        if column.kind is ColumnKind.TIMESTAMP:
            return sa.TIMESTAMP(timezone=column.timezone)
        if column.kind is ColumnKind.BINARY:
            return postgresql.BYTEA()
        return super().type_of(column, in_key=in_key, sole_key=sole_key)

    def counter(self, table: str, column: Column, *, sole_key: bool) -> str:
        """See the base class."""
        always = column.identity is not None and column.identity.always
        return f"GENERATED {'ALWAYS' if always else 'BY DEFAULT'} AS IDENTITY"

    def advance(self, table: str, column: Column) -> Optional[str]:
        """See the base class."""
        place = f"pg_get_serial_sequence({literal(quote(table))}, {literal(column.name)})"
        high = 2 ** (min(column.arrow_type.bit_width, 64) - 1) - 1
        return advance(place, [(table, column.name)], 1, 1, high)


SPELLING = PostgresqlSpelling()
