"""Databricks: Arrow batches of the driver, cast to each column's type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
from databricks.sql.exc import Error
from sqlalchemy.engine import Connection

from synthohive.connectors.databricks import CAPABILITIES, catalogue
from synthohive.connectors.dialect import Catalogue
from synthohive.connectors.spark_sql.read import SparkSql
from synthohive.connectors.spark_sql.text import reason
from synthohive.exceptions import ConnectorError
from synthohive.io.base import BATCH_ROWS
from synthohive.schema import Column

__all__ = ["READER", "DatabricksSql"]


class DatabricksSql(SparkSql):
    """See the module."""

    CATALOGUE: ClassVar[type[Catalogue]] = catalogue.DatabricksCatalogue

    def begin(self, connection: Connection) -> None:
        """Have moments be those of UTC; there is no transaction."""
        self.execute(connection, "SET TIME ZONE 'UTC'")

    def read(
        self, connection: Connection, sql: str, columns: Sequence[Column], table: str
    ) -> Iterator[pa.RecordBatch]:
        """See the base class."""
        driver: Any = connection.connection.driver_connection
        try:
            with driver.cursor() as cursor:
                cursor.execute(sql)
                while (found := cursor.fetchmany_arrow(BATCH_ROWS)).num_rows:
                    arrays = [pc.cast(a, c.arrow_type) for a, c in zip(found.columns, columns)]
                    yield from pa.Table.from_arrays(
                        arrays, schema=self.schema(columns)
                    ).to_batches()
        except (Error, pa.ArrowException) as exc:
            said = reason(exc)
            raise ConnectorError(
                f"Table {table!r} could not be read: {said}.",
                hint=CAPABILITIES.remedy(said, "")
                or "Grant SELECT on it, or leave it out with exclude=[…].",
            ) from None  # the message repeats values


READER = DatabricksSql
