"""Spark: Arrow batches of a session, cast to each column's type."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Optional

import pyarrow as pa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from synthohive.connectors.dialect import Catalogue
from synthohive.connectors.spark import CAPABILITIES
from synthohive.connectors.spark.catalogue import SparkCatalogue
from synthohive.connectors.spark.stream import batches
from synthohive.connectors.spark.types import cast, reading
from synthohive.connectors.spark_sql.read import SparkSql
from synthohive.connectors.spark_sql.text import hidden, reason
from synthohive.exceptions import ConnectorError
from synthohive.schema import Column

__all__ = ["READER", "SessionSql"]

_CLASS = re.compile(r"[^'\"]*\[[A-Z][A-Z0-9_.]+\]")
"""The class of an error, by which Spark begins, and what stands before it."""


class SessionSql(SparkSql):
    """See the module."""

    CATALOGUE: ClassVar[type[Catalogue]] = SparkCatalogue

    @staticmethod
    def reason(exc: BaseException) -> str:
        """See the base class; what other servers than Spark say may hold values anywhere."""
        said = reason(exc)
        return said if _CLASS.match(said) else hidden(said)

    def quote(self, *names: str) -> str:
        """Quote a path of names, of which the first may be a database with its catalog."""
        if len(names) > 1:
            names = (*names[0].split("."), *names[1:])
        return super().quote(*names)

    def version(self, connection: Connection, place: str, now: Any) -> Optional[int]:
        """See the base class: of Delta tables alone, as all others have no versions."""
        if not self._is_delta(connection, place):
            return None
        try:
            return super().version(connection, place, now)
        except SQLAlchemyError:  # some servers keep versions, and tell of no history
            return self._newest(connection, place)

    def _is_delta(self, connection: Connection, place: str) -> bool:
        if place.startswith(("delta.", "parquet.")):  # a path
            return place.startswith("delta.")
        return bool(self.catalogue(connection).details(place).provider == "delta")

    def _newest(self, connection: Connection, place: str) -> int:
        """Return the last version that can be read, by trying few of them."""

        def there(version: int) -> bool:
            source = self.source(place, "t", str(version))
            try:
                self.execute(connection, f"SELECT 1 FROM {source} WHERE 1 = 0").close()
            except SQLAlchemyError:
                return False
            return True

        end = 1
        while there(end):
            end *= 2
        low = end // 2  # is there; end is not
        while end - low > 1:
            middle = (low + end) // 2
            low, end = (middle, end) if there(middle) else (low, middle)
        return low

    def expression(self, column: Column, quoted: str) -> str:
        """See the base class."""
        return reading(column, quoted)

    def read(
        self, connection: Connection, sql: str, columns: Sequence[Column], table: str
    ) -> Iterator[pa.RecordBatch]:
        """See the base class."""
        driver: Any = connection.connection.driver_connection
        schema = self.schema(columns)
        try:
            for batch in batches(driver.session.sql(sql)):
                arrays = [cast(a, c.arrow_type) for a, c in zip(batch.columns, columns)]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)
        except Exception as exc:  # noqa: BLE001 - of Spark, py4j, gRPC and Arrow, each has its own
            said = self.reason(exc)
            raise ConnectorError(
                f"Table {table!r} could not be read: {said}.",
                hint=CAPABILITIES.remedy(said, "")
                or "Grant SELECT on it, or leave it out with exclude=[…].",
            ) from None  # the message repeats values


READER = SessionSql
