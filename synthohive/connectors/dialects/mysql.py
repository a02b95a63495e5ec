"""MySQL and MariaDB: a server-side cursor."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import pyarrow as pa
from sqlalchemy.engine import Connection

from synthohive.connectors.capabilities import Capabilities
from synthohive.connectors.dialects.base import Dialect
from synthohive.connectors.dialects.rows import batches
from synthohive.schema import Column, ColumnKind

__all__ = ["MySQL"]


class MySQL(Dialect):
    """See the module; zero dates ('0000-00-00') are read as NULL."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        "mysql", schemas_are_databases=True, max_identifier=64
    )

    def begin(self, connection: Connection) -> None:
        """See the base class."""
        self.execute(connection, "SET time_zone = '+00:00'")
        self.execute(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        self.execute(connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

    def expression(self, column: Column, quoted: str) -> str:
        """See the base class."""
        return f"CAST({quoted} AS CHAR)" if column.kind is ColumnKind.JSON else quoted

    def hashed(self, expressions: Sequence[str], seed: int) -> str:
        """See the base class."""
        digest = f"SHA2(CONCAT_WS('|', '{int(seed)}', {', '.join(expressions)}), 256)"
        return f"CONV(LEFT({digest}, 8), 16, 10) + 0"

    def read(
        self, connection: Connection, sql: str, columns: Sequence[Column], table: str
    ) -> Iterator[pa.RecordBatch]:
        """See the base class."""
        streaming = connection.execution_options(stream_results=True)
        with self.execute(streaming, sql) as result:
            yield from batches(result, columns, table, _array)


def _array(column: Column, values: Sequence[Any]) -> pa.Array:
    if column.kind in (ColumnKind.DATE, ColumnKind.TIMESTAMP):  # a zero date comes as text
        values = [v if isinstance(v, dt.date) else None for v in values]
    if column.kind is ColumnKind.TIMESTAMP and column.timezone:
        return pa.array(values, pa.timestamp("us")).cast(column.arrow_type)
    if column.kind is ColumnKind.TEXT:
        values = [
            ",".join(sorted(v)) if isinstance(v, set) else v.decode() if isinstance(v, bytes) else v
            for v in values
        ]
    return pa.array(values, column.arrow_type)
