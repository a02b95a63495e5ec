"""What a MySQL or MariaDB database holds, what outside hangs on it, and who is in the way."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import pymysql

from synthohive._logging import get_logger
from synthohive.connectors.loaders.staged import Found

__all__ = [
    "Tables",
    "broken_views",
    "columns",
    "contents",
    "holders",
    "referring",
    "tables",
]

log = get_logger(__name__)
Rows = Callable[..., list[Any]]
Tables = dict[str, set[str]]
"""The columns of each table."""

_PARTS = """
SELECT 'column', TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s
UNION SELECT 'index', TABLE_NAME, INDEX_NAME FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = %s
UNION ALL SELECT 'trigger', EVENT_OBJECT_TABLE, TRIGGER_NAME FROM information_schema.TRIGGERS
WHERE TRIGGER_SCHEMA = %s"""
_BESIDE = """
SELECT LOWER(ROUTINE_TYPE), ROUTINE_NAME FROM information_schema.ROUTINES
WHERE ROUTINE_SCHEMA = %s AND ROUTINE_TYPE <> 'PACKAGE BODY'
UNION ALL SELECT 'event', EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %s"""
_KINDS = {"BASE TABLE": "table", "SYSTEM VERSIONED": "table", "TEMPORARY": "table"}

# Where the server says which locks are held; MariaDB does so only with a plugin.
_LOCKS = """
SELECT DISTINCT t.PROCESSLIST_ID, t.PROCESSLIST_USER, t.PROCESSLIST_HOST, t.PROCESSLIST_COMMAND,
    t.PROCESSLIST_TIME
FROM performance_schema.metadata_locks l
JOIN performance_schema.threads t ON t.THREAD_ID = l.OWNER_THREAD_ID
WHERE l.OBJECT_SCHEMA = %s AND l.LOCK_STATUS = 'GRANTED' AND l.LOCK_TYPE <> 'INTENTION_EXCLUSIVE'
AND t.PROCESSLIST_ID <> CONNECTION_ID()"""
_LOCKS_OF_THE_PLUGIN = """
SELECT DISTINCT p.ID, p.USER, p.HOST, p.COMMAND, p.TIME
FROM information_schema.METADATA_LOCK_INFO l
JOIN information_schema.PROCESSLIST p ON p.ID = l.THREAD_ID
WHERE l.TABLE_SCHEMA = %s AND l.LOCK_MODE <> 'MDL_INTENTION_EXCLUSIVE'
AND p.ID <> CONNECTION_ID()"""
_TRANSACTIONS = """
SELECT p.ID, p.USER, p.HOST, p.COMMAND, p.TIME FROM information_schema.INNODB_TRX x
JOIN information_schema.PROCESSLIST p ON p.ID = x.TRX_MYSQL_THREAD_ID
WHERE p.ID <> CONNECTION_ID()"""
_BUSY = """
SELECT ID, USER, HOST, COMMAND, TIME FROM information_schema.PROCESSLIST
WHERE ID <> CONNECTION_ID() AND COMMAND NOT IN ('Daemon', 'Binlog Dump', 'Slave_IO', 'Slave_SQL')
AND USER <> 'event_scheduler'"""


def contents(rows: Rows, database: str, name: str) -> list[Found]:
    """Return all that a database holds; `name` stands for it in the keys.

    A note that was copied into another database tells nothing there.
    """
    place = name.lower()
    found = [
        Found(f"{kind} {place}.{table}", f"{kind} {table}")
        for table, kind in tables(rows, database).items()
    ]
    wholes = {thing.shown.partition(" ")[2]: thing.key for thing in found}
    views = {thing.shown.partition(" ")[2] for thing in found if thing.key.startswith("view ")}
    found += [
        Found(f"{kind} {place}.{table}.{part}", f"{kind} {table}.{part}", wholes.get(table))
        for kind, table, part in rows(_PARTS, (database,) * 3)
        if table not in views or kind == "trigger"
    ]
    found += [
        Found(f"{kind} {place}.{routine}", f"{kind} {routine}")
        for kind, routine in rows(_BESIDE, (database,) * 2)
    ]
    return found


def tables(rows: Rows, database: str) -> dict[str, str]:
    """Return the tables, views and (MariaDB) sequences of a database with their kinds."""
    sql = "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s"
    return {name: _KINDS.get(kind, kind.lower()) for name, kind in rows(sql, (database,))}


def columns(rows: Rows, database: str) -> Tables:
    """Return the names of the columns of each table."""
    sql = "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s"
    found: Tables = {}
    for table, column in rows(sql, (database,)):
        found.setdefault(table, set()).add(column)
    return found


def referring(rows: Rows, database: str) -> list[str]:
    """Return the tables of other databases with foreign keys into this one."""
    sql = """SELECT DISTINCT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME)
        FROM information_schema.KEY_COLUMN_USAGE
        WHERE REFERENCED_TABLE_SCHEMA = %s AND TABLE_SCHEMA <> %s"""
    return sorted(row[0] for row in rows(sql, (database, database)))


def broken_views(rows: Rows, database: str, old: Tables, new: Tables) -> list[str]:
    """Return the views, of any database, that name what the new tables no longer have.

    The server shows a view's query with all its names written out.
    """
    lost = {table: names - new.get(table, set()) for table, names in old.items()}
    lost = {table: names for table, names in lost.items() if names}
    if not lost:
        return []
    sql = "SELECT TABLE_SCHEMA, TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS"
    return sorted(
        f"view {schema}.{view}"
        for schema, view, text in rows(sql)
        for table, names in lost.items()
        if f"{_quoted(database)}.{_quoted(table)}" in text
        and (table not in new or any(_quoted(name) in text for name in names))
    )


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


def holders(rows: Rows, databases: Collection[str]) -> str:
    """Return who holds locks on databases, as far as the server tells this user.

    Never what they run: a statement may hold values.
    """
    for sql in (_LOCKS, _LOCKS_OF_THE_PLUGIN):
        found = [row for database in databases for row in _asked(rows, sql, (database,))]
        if found:
            return f"held by {_shown(found)}"
    for sql in (_TRANSACTIONS, _BUSY):
        if found := _asked(rows, sql):
            return f"which one of these may hold: {_shown(found)}"
    return "held by a connection that this user may not see"


def _asked(rows: Rows, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
    try:
        return rows(sql, values or None)
    except pymysql.err.Error as exc:  # no such table, or no right to it
        log.debug("locks_not_told", code=exc.args[0] if exc.args else None)
        return []


def _shown(found: list[Any]) -> str:
    return ", ".join(
        f"connection {number} ({user}@{host}, {command.lower()} for {seconds} s)"
        for number, user, host, command, seconds in sorted(set(found))[:5]
    )
