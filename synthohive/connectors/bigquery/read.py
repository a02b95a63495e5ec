"""BigQuery: a query's rows as Arrow batches, by the Storage Read API where it is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Optional

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy.engine import Connection, CursorResult

from synthohive.connectors.bigquery import CAPABILITIES, catalogue
from synthohive.connectors.bigquery.service import (
    ERRORS,
    client_of,
    labelled,
    query_config,
    reason,
)
from synthohive.connectors.bigquery.types import reading
from synthohive.connectors.dialect import Catalogue, Dialect
from synthohive.exceptions import ConnectorError
from synthohive.io.base import BATCH_ROWS
from synthohive.schema import Column, ColumnKind

__all__ = ["READER", "BigQuery"]


class BigQuery(Dialect):
    """See the module.

    There is no transaction: what belongs together is read as it was at one moment.
    """

    CATALOGUE: ClassVar[type[Catalogue]] = catalogue.BigqueryCatalogue
    MOST_VALUES: ClassVar[int] = 10_000
    reason = staticmethod(reason)

    def execute(self, connection: Connection, sql: str) -> CursorResult[Any]:
        """See the base class; the driver reads two percent signs as one."""
        return labelled(connection).exec_driver_sql(sql.replace("%", "%%"))

    def moments(self, connection: Connection, places: Sequence[str]) -> Mapping[str, str]:
        """See the base class."""
        now = self.execute(connection, "SELECT CURRENT_TIMESTAMP()").scalar()
        return dict.fromkeys(places, f"TIMESTAMP '{now:%Y-%m-%d %H:%M:%S.%f}+00'")

    def source(self, place: str, alias: str, moment: Optional[str] = None) -> str:
        """See the base class."""
        when = f" FOR SYSTEM_TIME AS OF {moment}" if moment else ""
        return f"{place} {alias}{when}"

    def expression(self, column: Column, quoted: str) -> str:
        """See the base class."""
        return reading(column, quoted)

    def hashed(self, expressions: Sequence[str], seed: int) -> str:
        """See the base class."""
        texts = ", '|', ".join(f"TO_JSON_STRING({e})" for e in expressions)
        return f"(FARM_FINGERPRINT(CONCAT('{int(seed)}', '|', {texts})) & 4294967295)"

    def read(
        self, connection: Connection, sql: str, columns: Sequence[Column], table: str
    ) -> Iterator[pa.RecordBatch]:
        """See the base class."""
        client, dbapi = client_of(connection), connection.connection.dbapi_connection
        config = query_config(client, "read")
        storage: Any = getattr(dbapi, "_bqstorage_client", None)
        schema = self.schema(columns)
        try:
            rows = client.query_and_wait(sql, job_config=config, page_size=BATCH_ROWS)
            for batch in rows.to_arrow_iterable(bqstorage_client=storage):
                if batch.num_rows:
                    arrays = [_typed(a, c) for a, c in zip(batch.columns, columns)]
                    yield pa.RecordBatch.from_arrays(arrays, schema=schema)
        except (*ERRORS, pa.ArrowException) as exc:
            said = type(exc).__name__ if isinstance(exc, pa.ArrowException) else reason(exc)
            raise ConnectorError(
                f"Table {table!r} could not be read: {said}.",
                hint=CAPABILITIES.remedy(said, "…") or "Leave the table out with exclude=[…].",
            ) from None  # the message repeats values


def _typed(array: pa.Array, column: Column) -> pa.Array:
    if column.kind is ColumnKind.INTERVAL:  # microseconds
        return pc.cast(pc.cast(array, pa.int64()), column.arrow_type)
    return pc.cast(array, column.arrow_type)


READER = BigQuery
