"""MySQL and MariaDB: a server-side cursor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pyarrow as pa
from sqlalchemy.engine import Connection

from synthohive.connectors.dialect import Catalogue, Dialect
from synthohive.connectors.mysql import catalogue
from synthohive.connectors.mysql.spelling import empty_geometry, point_text
from synthohive.connectors.special_values import EARLY, stand_in
from synthohive.schema import Column, ColumnKind

__all__ = ["MySQL"]


class MySQL(Dialect):
    """See the module; something stands for zero dates ('0000-00-00')."""

    CATALOGUE: ClassVar[type[Catalogue]] = catalogue.MysqlCatalogue
    EMPTY: ClassVar[str] = "NULL"

    READS: ClassVar[Mapping[ColumnKind, str]] = {
        ColumnKind.POINT: "HEX({0})",
        ColumnKind.JSON: "CAST({0} AS CHAR)",
    }

    def begin(self, connection: Connection) -> None:
        """See the base class."""
        connection.detach()  # what is set here must not reach who gets it from the pool next
        self.execute(connection, "SET time_zone = '+00:00'")
        self.execute(connection, "SET sql_mode = ''")  # texts are written, and read, as we know
        self.execute(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        self.execute(connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

    def expression(self, column: Column, quoted: str) -> str:
        """See the base class.

        A FLOAT is widened because the server shows six digits of it, BIT read as a number.
        """
        if (column.sql_type or "").upper().startswith("BIT"):
            return f"({quoted} + 0)"
        if column.kind is ColumnKind.EMPTY:
            shape = f"ST_GeomFromText('{empty_geometry(column.sql_type or '')}', ST_SRID({quoted}))"
            return f"CASE WHEN {quoted} IS NOT NULL THEN HEX({shape}) END"
        if column.kind is ColumnKind.FLOAT and pa.types.is_float32(column.arrow_type):
            return f"({quoted} + 0e0)"
        return super().expression(column, quoted)

    def hashed(self, expressions: Sequence[str], seed: int) -> str:
        """See the base class."""
        parts = ", ".join(f"CAST({e} AS BINARY)" for e in expressions)  # whatever their collations
        digest = f"SHA2(CONCAT_WS('|', '{int(seed)}', {parts}), 256)"
        return f"CONV(LEFT({digest}, 8), 16, 10) + 0"

    def array(self, column: Column, values: Sequence[Any]) -> pa.Array:
        """See the base class."""
        if column.kind in (ColumnKind.DATE, ColumnKind.TIMESTAMP):
            zero = stand_in(EARLY, column.arrow_type)  # a zero date comes as text
            values = [zero if isinstance(v, str) else v for v in values]
        if column.kind is ColumnKind.TIMESTAMP and column.timezone:
            return pa.array(values, pa.timestamp("us")).cast(column.arrow_type)
        if column.kind is ColumnKind.POINT:
            values = [None if v is None else point_text(v) for v in values]
        if column.kind is ColumnKind.BOOLEAN:
            values = [None if v is None else bool(v) for v in values]
        if column.kind is ColumnKind.TEXT:
            values = [_text(v) for v in values]
        return super().array(column, values)


def _text(value: Any) -> Any:
    if isinstance(value, set):
        return ",".join(sorted(value))
    return value.decode() if isinstance(value, bytes) else value


READER = MySQL
