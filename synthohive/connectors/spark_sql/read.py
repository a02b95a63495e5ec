"""How rows of Delta tables are read, whatever brings them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Optional

from sqlalchemy.engine import Connection

from synthohive.connectors.dialect import Dialect
from synthohive.connectors.spark_sql.text import reason
from synthohive.connectors.spark_sql.types import reading
from synthohive.schema import Column

__all__ = ["SparkSql"]

_COMMITS = 1_000
"""More than a table gets while the histories of others are asked for."""


class SparkSql(Dialect):
    """See the base class.

    No transaction keeps later changes out: what belongs together is read at one version of each
    table.
    """

    MOST_VALUES: ClassVar[int] = 10_000
    reason = staticmethod(reason)

    def moments(self, connection: Connection, places: Sequence[str]) -> Mapping[str, str]:
        """See the base class: versions, as TIMESTAMP AS OF refuses what is after the last change.

        A table's is the one that it had at the moment of asking about the first.
        """
        now = self.execute(connection, "SELECT CURRENT_TIMESTAMP()").scalar_one()
        found = {place: self.version(connection, place, now) for place in places}
        return {place: str(version) for place, version in found.items() if version is not None}

    def version(self, connection: Connection, place: str, now: Any) -> Optional[int]:
        """Return the version that a quoted table had at a moment; None where it has none."""
        history = f"DESCRIBE HISTORY {place} LIMIT {_COMMITS}"  # the latest first
        versions = self.execute(connection, history).mappings().all()
        before = [v["version"] for v in versions if v["timestamp"] <= now]
        return int(before[0] if before else versions[-1]["version"])

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
