"""What Spark tells of one table: columns by its schema, all else by DESCRIBE."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synthohive.connectors.spark.types import described, type_text
from synthohive.schema import Column

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

__all__ = ["Details", "columns_of", "details_of"]

_SIZED = "__CHAR_VARCHAR_TYPE_STRING"
"""Where a schema keeps the type of what is read as a STRING."""


@dataclass(frozen=True)
class Details:
    """What DESCRIBE TABLE EXTENDED says of a table.

    Attributes
    ----------
    facts : dict of str to str
        By its own words: ``Provider``, ``Location``, ``Comment``.
    comments : dict of str to str
        By column.
    """

    facts: dict[str, str] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)

    @property
    def provider(self) -> str:
        """The format of its files, in small letters."""
        return self.facts.get("Provider", "").lower()


def columns_of(schema: StructType) -> dict[str, Column]:
    """Return the columns of a table, a folder or a DataFrame."""
    found: dict[str, Column] = {}
    for one in schema.fields:
        facts: Any = one.metadata or {}
        type_ = facts.get(_SIZED) or type_text(one.dataType.jsonValue())
        found[one.name] = Column(
            name=one.name,
            nullable=one.nullable,
            comment=facts.get("comment") or None,
            default=facts.get("CURRENT_DEFAULT"),
            **described(type_),
        )
    return found


def details_of(session: SparkSession, place: str) -> Details:
    """Ask about a table of a catalogue, or a view.

    Parameters
    ----------
    session : pyspark.sql.SparkSession
    place : str
        Its quoted name.
    """
    rows = session.sql(f"DESCRIBE TABLE EXTENDED {place}").toArrow()
    told = list(zip(*(rows.column(i).to_pylist() for i in range(3))))
    # Columns stand before the first blank line, or heading; what follows has names of its own.
    end = next((i for i, (name, *_) in enumerate(told) if not name or name[0] == "#"), len(told))
    comments = {name: comment for name, _, comment in told[:end] if comment}
    facts = {name.rstrip(":"): value for name, value, _ in told[end:] if name and value}
    return Details(facts, comments)
