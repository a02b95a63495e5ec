"""DuckDB: its Arrow record batches, cast to each column's type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy.engine import Connection

from synthohive.connectors.dialect import Catalogue, Dialect
from synthohive.connectors.duckdb import catalogue
from synthohive.connectors.duckdb.text import nested_type, reason
from synthohive.connectors.special_values import reading
from synthohive.exceptions import ConnectorError
from synthohive.io.base import BATCH_ROWS
from synthohive.schema import Column, ColumnKind

__all__ = ["DuckDB"]

_NESTED = "CAST(to_json({0}) AS VARCHAR)"


class DuckDB(Dialect):
    """See the module."""

    CATALOGUE: ClassVar[type[Catalogue]] = catalogue.DuckdbCatalogue

    READS: ClassVar[Mapping[ColumnKind, str]] = {
        **dict.fromkeys((ColumnKind.TEXT, ColumnKind.JSON), "CAST({0} AS VARCHAR)"),
        **dict.fromkeys((ColumnKind.CATEGORICAL, ColumnKind.UUID), "CAST({0} AS VARCHAR)"),
        ColumnKind.ARRAY: _NESTED,
        ColumnKind.INTERVAL: "epoch_us({0})",
        ColumnKind.DATE: reading("{0}", "DATE"),
        ColumnKind.TIME: "CAST({0} AS TIME)",
    }

    def expression(self, column: Column, quoted: str) -> str:
        """See the base class.

        Infinite dates and moments, and those outside the years 1 to 9999, are read as what stands
        for them; the zone of a ``TIME WITH TIME ZONE`` and what is finer than microseconds are
        left out.
        """
        if nested_type(column.sql_type or ""):
            return _NESTED.format(quoted)
        if column.kind is ColumnKind.TIMESTAMP:
            if column.timezone:
                return reading(quoted, "TIMESTAMPTZ", "+00")
            return reading(f"CAST({quoted} AS TIMESTAMP)", "TIMESTAMP")
        if column.kind is ColumnKind.DECIMAL and (column.sql_type or "").endswith("HUGEINT"):
            return f"CAST({quoted} AS DECIMAL(38, 0))"
        return super().expression(column, quoted)

    def hashed(self, expressions: Sequence[str], seed: int) -> str:
        """See the base class."""
        joined = ", ".join(f"CAST({e} AS VARCHAR)" for e in expressions)
        return f"(md5_number_lower(concat_ws('|', '{int(seed)}', {joined})) & 4294967295)"

    def read(
        self, connection: Connection, sql: str, columns: Sequence[Column], table: str
    ) -> Iterator[pa.RecordBatch]:
        """See the base class."""
        import duckdb

        dbapi: Any = connection.connection.dbapi_connection
        try:
            result = dbapi.execute(sql)
            stream = getattr(result, "to_arrow_reader", None) or result.fetch_record_batch
            for batch in stream(BATCH_ROWS):
                if batch.num_rows:
                    yield _typed(batch, columns)
        except (duckdb.Error, pa.ArrowException) as exc:
            raise ConnectorError(
                f"Table {table!r} could not be read: {reason(exc)}.",
                hint="Leave the table out with exclude=[…], or read it through a view's copy.",
            ) from None  # the message repeats values


def _typed(batch: pa.RecordBatch, columns: Sequence[Column]) -> pa.RecordBatch:
    arrays = [pc.cast(a, c.arrow_type) for a, c in zip(batch.columns, columns)]
    return pa.RecordBatch.from_arrays(arrays, schema=Dialect.schema(columns))


READER = DuckDB
