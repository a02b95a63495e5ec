"""Snowflake: Arrow batches of the driver, cast to each column's type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timezone
from typing import Any, ClassVar, Optional

import pyarrow as pa
import pyarrow.compute as pc
from snowflake.connector.errors import Error
from sqlalchemy.engine import Connection

from synthohive.connectors.dialect import Catalogue, Dialect
from synthohive.connectors.snowflake import CAPABILITIES, catalogue
from synthohive.connectors.snowflake.text import reason
from synthohive.exceptions import ConnectorError
from synthohive.schema import Column, ColumnKind

__all__ = ["READER", "Snowflake"]

_NO_VALUE = "'~'"  # which CONCAT takes for a value: with NULL among them, all would be NULL


class Snowflake(Dialect):
    """See the module.

    Each query sees what was committed when it began, and no transaction keeps later changes out:
    what belongs together is read as it was at one moment.
    """

    CATALOGUE: ClassVar[type[Catalogue]] = catalogue.SnowflakeCatalogue
    MOST_VALUES: ClassVar[int] = 10_000
    reason = staticmethod(reason)

    # Moments go as numbers: as such they pass the driver's nanoseconds, which end in 2262, and
    # mean the same in any time zone of the session.
    READS: ClassVar[Mapping[ColumnKind, str]] = {
        **dict.fromkeys((ColumnKind.JSON, ColumnKind.ARRAY), "TO_JSON({0})"),
        ColumnKind.TIMESTAMP: "DATE_PART(EPOCH_MICROSECOND, {0})",
    }

    def moments(self, connection: Connection, places: Sequence[str]) -> Mapping[str, str]:
        """See the base class."""
        now = self.execute(connection, "SELECT CURRENT_TIMESTAMP()").scalar_one()
        utc = now.astimezone(timezone.utc)
        return dict.fromkeys(places, f"'{utc:%Y-%m-%d %H:%M:%S.%f} +00:00'::TIMESTAMP_TZ")

    def source(self, place: str, alias: str, moment: Optional[str] = None) -> str:
        """See the base class."""
        return f"{place}{f' AT(TIMESTAMP => {moment})' if moment else ''} {alias}"

    def hashed(self, expressions: Sequence[str], seed: int) -> str:
        """See the base class."""
        joined = ", ".join(f"COALESCE(CAST({e} AS VARCHAR), {_NO_VALUE})" for e in expressions)
        return f"MOD(MD5_NUMBER_LOWER64(CONCAT_WS('|', '{int(seed)}', {joined})), 4294967296)"

    def read(
        self, connection: Connection, sql: str, columns: Sequence[Column], table: str
    ) -> Iterator[pa.RecordBatch]:
        """See the base class."""
        driver: Any = connection.connection.driver_connection
        before = driver.arrow_number_to_decimal
        driver.arrow_number_to_decimal_setter = True  # else decimals come as floats
        try:
            with driver.cursor() as cursor:
                cursor.execute(sql)
                for found in cursor.fetch_arrow_batches():
                    yield from _typed(found, columns).to_batches()
        except (Error, pa.ArrowException) as exc:
            said = reason(exc)
            raise ConnectorError(
                f"Table {table!r} could not be read: {said}.",
                hint=CAPABILITIES.remedy(said, "")
                or "Grant SELECT on it, or leave it out with exclude=[…].",
            ) from None  # the message repeats values
        finally:
            driver.arrow_number_to_decimal_setter = before


def _typed(found: pa.Table, columns: Sequence[Column]) -> pa.Table:
    # What is finer than a microsecond is left out, hence not safe.
    arrays = [
        pc.cast(a, c.arrow_type, safe=c.kind is not ColumnKind.TIME)
        for a, c in zip(found.columns, columns)
    ]
    return pa.Table.from_arrays(arrays, schema=Dialect.schema(columns))


READER = Snowflake
