"""SQL Server: the driver's cursor, moments as numbers, in a transaction that sees one state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy.engine import Connection

from synthohive._logging import get_logger
from synthohive.connectors.dialect import Catalogue, Dialect
from synthohive.connectors.mssql import catalogue
from synthohive.connectors.mssql.text import reason
from synthohive.schema import Column, ColumnKind

__all__ = ["READER", "Mssql"]

log = get_logger(__name__)
_DAY = "DATEDIFF(DAY, '19700101', {0})"
_MICROSECONDS = "DATEDIFF_BIG(MICROSECOND, CAST('{start}' AS {type}), {value})"
_ALLOWED = "SELECT snapshot_isolation_state FROM sys.databases WHERE database_id = DB_ID()"


class Mssql(Dialect):
    """See the module."""

    CATALOGUE: ClassVar[type[Catalogue]] = catalogue.MssqlCatalogue
    reason = staticmethod(reason)
    ASKED: ClassVar[tuple[str, ...]] = (
        *Dialect.ASKED,
        "SELECT 1 AS a FROM (SELECT {1}) t WHERE {0}",  # a condition is no value
    )

    # Counted from a start, each driver and each setting of the session tells the same.
    READS: ClassVar[Mapping[ColumnKind, str]] = {
        ColumnKind.DATE: _DAY,
        ColumnKind.TIME: _MICROSECONDS.format(start="00:00:00", type="TIME", value="{0}"),
        ColumnKind.UUID: "LOWER(CAST({0} AS CHAR(36)))",
        ColumnKind.JSON: "CAST({0} AS NVARCHAR(MAX))",
    }

    def begin(self, connection: Connection) -> None:
        """See the base class; what is set must not reach who gets the connection next."""
        connection.detach()
        dialect: Any = connection.dialect
        if connection.exec_driver_sql(_ALLOWED).scalar() == 1:
            dialect.set_isolation_level(connection.connection.dbapi_connection, "SNAPSHOT")
        else:
            log.info("no_snapshot", hint="ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON")

    def expression(self, column: Column, quoted: str) -> str:
        """See the base class."""
        if column.kind is ColumnKind.TIMESTAMP:
            utc = f"SWITCHOFFSET({quoted}, '+00:00')" if column.timezone else quoted
            value = f"CAST({utc} AS DATETIME2(7))"
            return _MICROSECONDS.format(start="19700101", type="DATETIME2(7)", value=value)
        type_ = (column.sql_type or "").upper()
        if type_ in ("XML", "TEXT", "NTEXT"):
            return f"CAST({quoted} AS NVARCHAR(MAX))"
        if type_ in ("MONEY", "SMALLMONEY"):
            return f"CAST({quoted} AS DECIMAL({column.precision}, 4))"
        return super().expression(column, quoted)

    def hashed(self, expressions: Sequence[str], seed: int) -> str:
        """See the base class; the text of a value begins with a sign, as NULL adds nothing."""
        parts = ", ".join(f"'|' + CAST({e} AS NVARCHAR(MAX))" for e in expressions)
        digest = f"HASHBYTES('SHA2_256', CONCAT('{int(seed)}', {parts}))"
        return f"CAST(SUBSTRING({digest}, 1, 4) AS BIGINT)"

    def array(self, column: Column, values: Sequence[Any]) -> pa.Array:
        """See the base class."""
        if column.kind is ColumnKind.DATE:
            return pc.cast(pa.array(values, pa.int32()), column.arrow_type)
        if column.kind in (ColumnKind.TIME, ColumnKind.TIMESTAMP):
            return pc.cast(pa.array(values, pa.int64()), column.arrow_type)
        if column.kind is ColumnKind.BOOLEAN:
            return pa.array([None if v is None else bool(v) for v in values], column.arrow_type)
        return super().array(column, values)


READER = Mssql
