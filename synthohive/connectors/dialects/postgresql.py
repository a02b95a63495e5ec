"""PostgreSQL: ``COPY … TO STDOUT`` as CSV, parsed by Arrow with the reflected types."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv
from sqlalchemy.engine import Connection

from synthohive.connectors.capabilities import Capabilities
from synthohive.connectors.dialects.base import Dialect
from synthohive.exceptions import ConnectorError
from synthohive.schema import Column, ColumnKind

__all__ = ["PostgreSQL"]

BLOCK_BYTES = 1 << 24


class PostgreSQL(Dialect):
    """See the module."""

    capabilities: ClassVar[Capabilities] = Capabilities("postgresql", transactional_ddl=True)

    def begin(self, connection: Connection) -> None:
        """See the base class."""
        self.execute(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        self.execute(connection, "SET LOCAL TIME ZONE 'UTC'")
        self.execute(connection, "SET LOCAL datestyle = 'ISO'")
        self.execute(connection, "SET LOCAL extra_float_digits = 1")

    def expression(self, column: Column, quoted: str) -> str:
        """See the base class; infinite moments and NaN decimals are read as NULL."""
        kind = column.kind
        if kind is ColumnKind.ARRAY:
            return f"array_to_json({quoted})::text"
        if kind is ColumnKind.BINARY:
            return f"encode({quoted}, 'hex')"
        if kind is ColumnKind.INTERVAL:
            return f"(extract(epoch FROM {quoted}) * 1000000)::bigint"
        if kind is ColumnKind.DECIMAL:
            return f"nullif({quoted}::numeric, 'NaN')"
        if kind is ColumnKind.TIMESTAMP:
            plain = f"({quoted} AT TIME ZONE 'UTC')" if column.timezone else quoted
            return f"CASE WHEN isfinite({quoted}) THEN {plain} END"
        if kind is ColumnKind.DATE:
            return f"CASE WHEN isfinite({quoted}) THEN {quoted} END"
        if kind is ColumnKind.TIME:
            return f"({quoted})::time"
        if kind in (ColumnKind.TEXT, ColumnKind.JSON, ColumnKind.CATEGORICAL, ColumnKind.UUID):
            return f"{quoted}::text"
        return quoted

    def hashed(self, expressions: Sequence[str], seed: int) -> str:
        """See the base class."""
        joined = ", ".join(f"({e})::text" for e in expressions)
        digest = f"md5(concat_ws('|', '{int(seed)}', {joined}))"
        return f"('x' || substr({digest}, 1, 8))::bit(32)::bigint & 4294967295"

    def read(
        self, connection: Connection, sql: str, columns: Sequence[Column], table: str
    ) -> Iterator[pa.RecordBatch]:
        """See the base class."""
        raw = {c.name: _raw_type(c) for c in columns}
        with tempfile.TemporaryFile() as file:
            dbapi: Any = connection.connection.dbapi_connection
            with dbapi.cursor() as cursor:
                cursor.copy_expert(f"COPY ({sql}) TO STDOUT (FORMAT csv)", file, 1 << 20)
            if file.tell() == 0:
                return
            file.seek(0)
            try:
                reader = csv.open_csv(
                    file,
                    csv.ReadOptions(column_names=list(raw), block_size=BLOCK_BYTES),
                    csv.ParseOptions(newlines_in_values=True),
                    csv.ConvertOptions(
                        column_types=raw,
                        strings_can_be_null=True,
                        quoted_strings_can_be_null=False,
                        null_values=[""],
                        true_values=["t"],
                        false_values=["f"],
                    ),
                )
                for batch in reader:
                    yield _typed(batch, columns)
            except pa.ArrowInvalid as exc:
                raise ConnectorError(
                    f"Table {table!r} holds a value that its declared type does not describe "
                    f"({type(exc).__name__}).",
                    hint="Dates before the year 1 and decimals of over 76 digits are not read.",
                ) from exc


def _raw_type(column: Column) -> pa.DataType:
    if column.kind in (ColumnKind.BINARY, ColumnKind.ARRAY):
        return pa.string()
    if column.kind is ColumnKind.INTERVAL:
        return pa.int64()
    if column.kind is ColumnKind.TIMESTAMP:
        return pa.timestamp("us")
    return column.arrow_type


def _typed(batch: pa.RecordBatch, columns: Sequence[Column]) -> pa.RecordBatch:
    arrays = []
    for array, column in zip(batch.columns, columns):
        if column.kind is ColumnKind.BINARY:
            values = [None if v is None else bytes.fromhex(v) for v in array.to_pylist()]
            arrays.append(pa.array(values, column.arrow_type))
        elif array.type != column.arrow_type:
            arrays.append(pc.cast(array, column.arrow_type))
        else:
            arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, schema=Dialect.schema(columns))
