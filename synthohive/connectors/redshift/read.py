"""Redshift: rows by the driver's cursor on the server, as values that pass it without loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pyarrow as pa
from sqlalchemy.engine import Connection, Engine

from synthohive.connectors.dialect import Catalogue, Dialect
from synthohive.connectors.redshift import catalogue
from synthohive.connectors.redshift.text import reason
from synthohive.connectors.special_values import MIDNIGHT, reading
from synthohive.exceptions import ConnectorError
from synthohive.schema import Column, ColumnKind

__all__ = ["READER", "Redshift", "set_up"]

_TIME = "CAST({0} AS time)"
_SETTINGS = (
    "SET TIMEZONE TO 'UTC'",
    "SET enable_case_sensitive_identifier TO true",  # else quoted names, too, are in small letters
)


def set_up(run: Any) -> None:
    """Have a session mean what is written: moments of UTC, and names as they are."""
    for sql in _SETTINGS:
        run(sql)


class Redshift(Dialect):
    """See the module."""

    CATALOGUE: ClassVar[type[Catalogue]] = catalogue.RedshiftCatalogue
    reason = staticmethod(reason)

    READS: ClassVar[Mapping[ColumnKind, str]] = {
        ColumnKind.JSON: "JSON_SERIALIZE({0})",
        ColumnKind.BINARY: "TO_HEX({0})",
        ColumnKind.INTERVAL: "CAST(EXTRACT(EPOCH FROM {0}) * 1000000 AS bigint)",
        ColumnKind.DATE: reading("{0}", "date", endless=False),
        ColumnKind.TIME: f"CASE WHEN {_TIME} = '24:00' THEN time '{MIDNIGHT}' ELSE {_TIME} END",
    }

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        if engine.dialect.driver != "psycopg2":
            raise ConnectorError(
                f"Redshift is not read by the driver {engine.dialect.driver!r}.",
                hint="Use the driver psycopg2: redshift+psycopg2://…; its password may be that of "
                "GetClusterCredentials.",
            )

    def begin(self, connection: Connection) -> None:
        """See the base class: a transaction of Redshift sees what was committed when it began."""
        set_up(lambda sql: self.execute(connection, sql))

    def expression(self, column: Column, quoted: str) -> str:
        """See the base class; the blanks that fill up a CHAR are no part of its value."""
        if column.kind is ColumnKind.TIMESTAMP:
            plain = f"({quoted} AT TIME ZONE 'UTC')" if column.timezone else quoted
            return reading(plain, "timestamp", endless=False)
        if (column.sql_type or "").startswith(("character(", "bpchar", "char(")):
            return f"RTRIM({quoted})"
        return super().expression(column, quoted)

    def hashed(self, expressions: Sequence[str], seed: int) -> str:
        """See the base class: FNV_HASH takes all types, MD5 mixes."""
        each = [f"COALESCE(CAST(FNV_HASH({e}) AS varchar), '~')" for e in expressions]
        joined = " || '|' || ".join([f"'{int(seed)}'", *each])
        return f"STRTOL(SUBSTRING(MD5({joined}), 1, 8), 16)"

    def array(self, column: Column, values: Sequence[Any]) -> pa.Array:
        """See the base class."""
        if column.kind is ColumnKind.BINARY:
            values = [None if v is None else bytes.fromhex(v) for v in values]
        elif column.kind is ColumnKind.FLOAT:  # sums of whole numbers come as decimals
            values = [None if v is None else float(v) for v in values]
        return pa.array(values, column.arrow_type)


READER = Redshift
