"""Views and triggers of a MySQL source, as its catalogue has them now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Optional

from synthohive.connectors.mysql.spelling import quote
from synthohive.ddl.statements import SchemaObject

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

__all__ = ["objects"]

_VIEWS = """
SELECT TABLE_NAME, VIEW_DEFINITION, SECURITY_TYPE, CHECK_OPTION FROM information_schema.VIEWS
WHERE TABLE_SCHEMA = %(schema)s ORDER BY TABLE_NAME"""
_TRIGGERS = """
SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS
WHERE TRIGGER_SCHEMA = %(schema)s ORDER BY TRIGGER_NAME"""


def objects(
    connection: Connection, schema: Optional[str], tables: Collection[str], beside: Sequence[str]
) -> list[SchemaObject]:
    """Return the views of a database, then its triggers, each by their names.

    Parameters
    ----------
    connection : sqlalchemy.engine.Connection
    schema : str, optional
        The connection's database if None.
    tables : collection of str
        Those of the copy; triggers of others are left out.
    beside : sequence of str
        Not used: the server shows a view's query with all its names written out.
    """
    del beside
    place = schema or str(connection.exec_driver_sql("SELECT DATABASE()").scalar())
    found = []
    for name, definition, security, check in _asked(connection, _VIEWS, place):
        option = "" if check == "NONE" else f" WITH {check} CHECK OPTION"
        where = f"{quote(place)}.{quote(name)}"
        sql = f"SQL SECURITY {security} VIEW {where} AS {definition}{option}"
        why = "" if definition else "this user may not read its definition (SHOW VIEW)"
        found.append(SchemaObject("views", name, sql, refused=why))
    why = "MySQL does not move tables with triggers: the copy could never be replaced"
    return found + [
        SchemaObject("triggers", name, table=table, refused=why)
        for name, table in _asked(connection, _TRIGGERS, place)
        if table in tables
    ]


def _asked(connection: Connection, sql: str, schema: Any) -> Sequence[Any]:
    return connection.exec_driver_sql(sql, {"schema": schema}).all()
