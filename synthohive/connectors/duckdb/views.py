"""Views of a DuckDB source, as its catalogue has them now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Optional

from synthohive.ddl.spelling import literal
from synthohive.ddl.statements import SchemaObject

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

__all__ = ["objects"]


def objects(
    connection: Connection, schema: Optional[str], tables: Collection[str], beside: Sequence[str]
) -> list[SchemaObject]:
    """Return the views of a schema, in the order in which they were made.

    Parameters
    ----------
    connection : sqlalchemy.engine.Connection
    schema : str, optional
        The connection's current one if None.
    tables, beside : collection of str
        Not used: there are no triggers, and the writer moves the names in a view's text.
    """
    del tables, beside
    place = schema or connection.exec_driver_sql("SELECT current_schema()").scalar()
    rows: Sequence[Any] = connection.exec_driver_sql(
        "SELECT view_name, sql, comment FROM duckdb_views() WHERE NOT internal AND NOT temporary "
        "AND database_name = current_database() AND schema_name = ? ORDER BY view_oid",
        (place,),
    ).all()
    return [
        SchemaObject("views", name, sql, comment=literal(comment) if comment else "")
        for name, sql, comment in rows
    ]
