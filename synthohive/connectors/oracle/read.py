"""Oracle: the driver's cursor, in a read-only transaction that sees one state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pyarrow as pa
from sqlalchemy.engine import Connection

from synthohive.connectors.dialect import Catalogue, Dialect
from synthohive.connectors.oracle import catalogue
from synthohive.schema import Column, ColumnKind

__all__ = ["READER", "Oracle"]


class Oracle(Dialect):
    """See the module."""

    CATALOGUE: ClassVar[type[Catalogue]] = catalogue.OracleCatalogue
    EMPTY: ClassVar[str] = "NULL"  # no type without an end can be cast to
    ASKED: ClassVar[tuple[str, ...]] = (
        "SELECT {0} FROM (SELECT {1} FROM DUAL) t",
        "SELECT 1 AS a FROM (SELECT {1} FROM DUAL) t WHERE {0}",  # a condition is no value
    )
    READS: ClassVar[Mapping[ColumnKind, str]] = {
        ColumnKind.JSON: "JSON_SERIALIZE({0} RETURNING CLOB)",
    }

    def begin(self, connection: Connection) -> None:
        """See the base class; what is set must not reach who gets the connection next."""
        connection.detach()
        self.execute(connection, "SET TRANSACTION READ ONLY")  # has to come first

    def expression(self, column: Column, quoted: str) -> str:
        """See the base class; the driver leaves out the zone of a moment."""
        if column.kind is ColumnKind.TIMESTAMP and column.timezone:
            return f"SYS_EXTRACT_UTC({quoted})"
        if column.kind is ColumnKind.DECIMAL and column.sql_type == "NUMBER":
            return f"ROUND({quoted}, {column.scale})"
        return super().expression(column, quoted)

    def hashed(self, expressions: Sequence[str], seed: int) -> str:
        """See the base class."""
        joined = " || '|' || ".join(expressions)
        return f"ORA_HASH({joined}, 4294967295, {int(seed) % 2**32})"

    def array(self, column: Column, values: Sequence[Any]) -> pa.Array:
        """See the base class."""
        type_ = column.arrow_type
        if column.kind is ColumnKind.BOOLEAN:
            return pa.array([None if v is None else bool(v) for v in values], type_)
        if column.kind is ColumnKind.FLOAT:  # a FLOAT is a number of decimal digits
            return pa.array([None if v is None else float(v) for v in values], type_)
        if column.kind is ColumnKind.INTEGER:
            return pa.array([None if v is None else int(v) for v in values], type_)
        return super().array(column, values)


READER = Oracle
