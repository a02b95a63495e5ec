"""Databricks: Arrow batches of the driver, cast to each column's type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Optional

import pyarrow as pa
import pyarrow.compute as pc
from databricks.sql.exc import Error
from sqlalchemy.engine import Connection

from synthohive.connectors.databricks import CAPABILITIES, catalogue
from synthohive.connectors.databricks.text import reason
from synthohive.connectors.databricks.types import reading
from synthohive.connectors.dialect import Catalogue, Dialect
from synthohive.exceptions import ConnectorError
from synthohive.io.base import BATCH_ROWS
from synthohive.schema import Column

__all__ = ["READER", "DatabricksSql"]

_COMMITS = 1_000
"""More than a table gets while the histories of others are asked for."""


class DatabricksSql(Dialect):
    """See the module.

    No transaction keeps later changes out: what belongs together is read at one version of each
    table.
    """

    CATALOGUE: ClassVar[type[Catalogue]] = catalogue.DatabricksCatalogue
    MOST_VALUES: ClassVar[int] = 10_000
    reason = staticmethod(reason)

    def begin(self, connection: Connection) -> None:
        """Have moments be those of UTC; there is no transaction."""
        self.execute(connection, "SET TIME ZONE 'UTC'")

    def moments(self, connection: Connection, places: Sequence[str]) -> Mapping[str, str]:
        """See the base class: versions, as TIMESTAMP AS OF refuses what is after the last change.

        A table's is the one that it had at the moment of asking about the first.
        """
        now = self.execute(connection, "SELECT CURRENT_TIMESTAMP()").scalar_one()
        found = {}
        for place in places:
            history = f"DESCRIBE HISTORY {place} LIMIT {_COMMITS}"  # the latest first
            versions = self.execute(connection, history).mappings().all()
            before = [v["version"] for v in versions if v["timestamp"] <= now]
            found[place] = str(before[0] if before else versions[-1]["version"])
        return found

    def source(self, place: str, alias: str, moment: Optional[str] = None) -> str:
        """See the base class."""
        return f"{place}{f' VERSION AS OF {moment}' if moment else ''} {alias}"

    def expression(self, column: Column, quoted: str) -> str:
        """See the base class."""
        return reading(column, quoted)

    def hashed(self, expressions: Sequence[str], seed: int) -> str:
        """See the base class; of a JSON text, as XXHASH64 does not take all types."""
        listed = ", ".join(expressions)
        return f"pmod(xxhash64({int(seed)}, to_json(struct({listed}))), 4294967296)"

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
