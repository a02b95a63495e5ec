"""Views and triggers of a SQLite source, as its file has them now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Optional

from synthohive.ddl.spelling import quote
from synthohive.ddl.statements import SchemaObject

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

__all__ = ["objects"]


def objects(
    connection: Connection, schema: Optional[str], tables: Collection[str], beside: Sequence[str]
) -> list[SchemaObject]:
    """Return the views of a file, then its triggers, each in the order in which they were made.

    Parameters
    ----------
    connection : sqlalchemy.engine.Connection
    schema : str, optional
        The name of an attached file; the main one if None.
    tables : collection of str
        Those of the copy; triggers of other tables are left out.
    beside : sequence of str
        Not used: a copy is one file.
    """
    del beside
    place = quote(schema or "main")
    rows: Sequence[Any] = connection.exec_driver_sql(
        f"SELECT type || 's', name, tbl_name, sql FROM {place}.sqlite_master "
        "WHERE type IN ('view', 'trigger') ORDER BY type DESC, rowid"
    ).all()
    known = {*tables, *(name for kind, name, *_ in rows if kind == "views")}
    return [
        SchemaObject(kind, name, sql, table=table if kind == "triggers" else "")
        for kind, name, table, sql in rows
        if table in known
    ]
