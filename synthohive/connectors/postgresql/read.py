"""PostgreSQL: ``COPY … TO STDOUT`` as CSV, parsed by Arrow with the reflected types."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv
from sqlalchemy.engine import Connection, Engine

from synthohive.connectors.dialect import Catalogue, Dialect
from synthohive.connectors.postgresql import CAPABILITIES, catalogue
from synthohive.connectors.special_values import AFTER, BEFORE, MIDNIGHT, reading
from synthohive.exceptions import ConnectorError
from synthohive.schema import Column, ColumnKind

__all__ = ["PostgreSQL"]

BLOCK_BYTES = 1 << 24
_LONGEST = 9_223_372_036_000  # seconds of a span, as microseconds in 64 bits
_TIME = "({0})::time"
_SPAN = f"least(greatest(extract(epoch FROM {{0}}), -{_LONGEST}), {_LONGEST})"


class PostgreSQL(Dialect):
    """See the module."""

    CATALOGUE: ClassVar[type[Catalogue]] = catalogue.PostgresqlCatalogue

    READS: ClassVar[Mapping[ColumnKind, str]] = {
        **dict.fromkeys((ColumnKind.TEXT, ColumnKind.JSON, ColumnKind.CATEGORICAL), "{0}::text"),
        **dict.fromkeys((ColumnKind.UUID, ColumnKind.RANGE, ColumnKind.POINT), "{0}::text"),
        ColumnKind.ARRAY: "array_to_json({0})::text",
        ColumnKind.COMPOSITE: "to_json({0})::text",
        ColumnKind.BINARY: "encode({0}, 'hex')",
        ColumnKind.INTERVAL: f"CASE WHEN isfinite({{0}}) THEN ({_SPAN} * 1000000)::bigint END",
        ColumnKind.DATE: reading("{0}", "date"),
        ColumnKind.TIME: f"CASE WHEN {_TIME} = '24:00' THEN time '{MIDNIGHT}' ELSE {_TIME} END",
    }

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        if engine.dialect.driver != "psycopg2":
            raise ConnectorError(
                f"PostgreSQL is not read by the driver {engine.dialect.driver!r}.",
                hint="Use the driver psycopg2: postgresql+psycopg2://…",
            )

    def begin(self, connection: Connection) -> None:
        """See the base class."""
        self.execute(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        self.execute(connection, "SET LOCAL TIME ZONE 'UTC'")
        self.execute(connection, catalogue.LOCK_TIMEOUT)
        self.execute(connection, "SET LOCAL datestyle = 'ISO'")
        self.execute(connection, "SET LOCAL extra_float_digits = 1")

    def expression(self, column: Column, quoted: str) -> str:
        """See the base class.

        Infinite moments, those outside the years 1 to 9999 and 24:00 are read as what stands
        for them; spans of over 292,000 years as such ones; infinite spans and decimals,
        and NaN decimals that are no floats, as NULL; the zone of a ``timetz`` is left out.
        """
        kind = column.kind
        if kind is ColumnKind.EMPTY:
            value = self.spelling.empty_value(column.sql_type or "")
            return f"CASE WHEN {quoted} IS NOT NULL THEN {value} END"
        if kind is ColumnKind.POINT and column.sql_type != "point":  # PostGIS: its text is binary
            schema = re.match(r"\w+\.", column.sql_type or "")
            return f"{schema[0] if schema else ''}st_asewkt({quoted})"
        if kind is ColumnKind.DECIMAL:
            number = f"{quoted}::numeric"
            if column.precision is not None:  # such a one holds no infinity
                return f"nullif({number}, 'NaN')"
            finite = f"{quoted}::text NOT IN ('NaN', 'Infinity', '-Infinity')"
            return f"CASE WHEN {finite} THEN {number} END"
        if kind is ColumnKind.TIMESTAMP:
            plain = f"({quoted} AT TIME ZONE 'UTC')" if column.timezone else quoted
            return reading(plain, "timestamp")
        sql = super().expression(column, quoted)
        days = column.sql_type in ("daterange", "tsrange", "tstzrange")
        return _shown_bounds(sql) if days and kind is ColumnKind.RANGE else sql

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
            self._copy(connection, sql, file, table)
            if file.tell() == 0:
                return
            file.seek(0)
            try:
                reader = csv.open_csv(
                    file,
                    csv.ReadOptions(column_names=list(raw), block_size=BLOCK_BYTES),
                    csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
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
                raise _unreadable(table, columns, str(exc)) from None  # it repeats the value

    @staticmethod
    def _copy(connection: Connection, sql: str, file: IO[bytes], table: str) -> None:
        import psycopg2

        dbapi: Any = connection.connection.dbapi_connection
        try:
            with dbapi.cursor() as cursor:
                cursor.copy_expert(f"COPY ({sql}) TO STDOUT (FORMAT csv)", file, 1 << 20)
        except (psycopg2.Error, OSError) as exc:
            reason = str(exc).strip().split("\n")[0]
            raise ConnectorError(
                f"Table {table!r} could not be read: {reason}.",
                hint=CAPABILITIES.missing_grant(reason, ""),
            ) from exc


def _shown_bounds(text: str) -> str:
    """Return SQL that reads a range's text, with what stands for bounds that cannot be shown."""
    day = "-[0-9]{2}-[0-9]{2}( [0-9:.+-]+)?"
    text = f"regexp_replace({text}, '\"?[0-9]+{day} BC\"?', '{BEFORE.date()}', 'g')"
    return f"regexp_replace({text}, '\"?[0-9]{{5,}}{day}\"?', '{AFTER.date()}', 'g')"


def _unreadable(table: str, columns: Sequence[Column], message: str) -> ConnectorError:
    """Name the column in which the parser found a value beyond the type's range."""
    if "straddling" in message:
        return ConnectorError(
            f"Table {table!r} holds a row of over {BLOCK_BYTES >> 20} MB.",
            hint="Exclude the table, or read it through a view without its largest column.",
        )
    found = re.search(r"CSV column #(\d+)", message)
    place = f"{table}.{columns[int(found[1])].name}" if found else f"Table {table!r}"
    return ConnectorError(
        f"{place} holds a value that cannot be carried.",
        hint=f"Leave the column out: metadata.exclude({place!r}), or correct the source.",
    )


def _raw_type(column: Column) -> pa.DataType:
    if column.kind in (ColumnKind.BINARY, ColumnKind.ARRAY):
        return pa.string()
    if pa.types.is_decimal256(column.arrow_type):  # which the parser does not know
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
            # Arrow decodes no hexadecimal
            values = [None if v is None else bytes.fromhex(v) for v in array.to_pylist()]
            arrays.append(pa.array(values, column.arrow_type))
        elif array.type != column.arrow_type:
            arrays.append(pc.cast(array, column.arrow_type))
        else:
            arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, schema=Dialect.schema(columns))


READER = PostgreSQL
