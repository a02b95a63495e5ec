"""What a MySQL or MariaDB database holds, what outside hangs on it, and who is in the way."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Optional

import pymysql

from synthohive._logging import get_logger
from synthohive.connectors.mysql.ddl import definitions, named_by, recommented
from synthohive.connectors.mysql.spelling import literal, quote
from synthohive.io.comments import Comments, Place
from synthohive.io.staging import STAGING_MARK, Found

__all__ = ["Holdings", "holders", "moved"]

log = get_logger(__name__)
Ask = Callable[..., list[Any]]
"""Runs SQL with the values of its marks, and returns all rows."""
Tables = dict[str, set[str]]
"""The columns of each table."""

_PARTS = """
SELECT 'column', TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s
UNION SELECT 'index', TABLE_NAME, INDEX_NAME FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = %s
UNION SELECT 'partition', TABLE_NAME, PARTITION_NAME FROM information_schema.PARTITIONS
WHERE TABLE_SCHEMA = %s AND PARTITION_NAME IS NOT NULL
UNION ALL SELECT 'trigger', EVENT_OBJECT_TABLE, TRIGGER_NAME FROM information_schema.TRIGGERS
WHERE TRIGGER_SCHEMA = %s"""
_BESIDE = """
SELECT LOWER(ROUTINE_TYPE), ROUTINE_NAME FROM information_schema.ROUTINES
WHERE ROUTINE_SCHEMA = %s AND ROUTINE_TYPE <> 'PACKAGE BODY'
UNION ALL SELECT 'event', EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %s"""
_COMMENTS = """
SELECT 'table', TABLE_NAME, NULL, TABLE_COMMENT FROM information_schema.TABLES
WHERE TABLE_SCHEMA = %s AND TABLE_TYPE <> 'VIEW' AND TABLE_COMMENT <> ''
UNION ALL SELECT 'column', TABLE_NAME, COLUMN_NAME, COLUMN_COMMENT FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = %s AND COLUMN_COMMENT <> ''
UNION SELECT 'index', TABLE_NAME, INDEX_NAME, INDEX_COMMENT FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = %s AND INDEX_COMMENT <> ''"""
_ASIDE = re.compile(re.escape(STAGING_MARK) + "[0-9a-f]{8}$")
_SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")
_QUOTED = re.compile(r"`(?:[^`]|``)*`")
_CHAIN = re.compile(
    r"(`(?:[^`]|``)*`(?:\s*\.\s*`(?:[^`]|``)*`)*)|'(?:[^'\\]|''|\\.)*'|\"(?:[^\"\\]|\"\"|\\.)*\""
    r"|[^`'\"]+",
    re.DOTALL,
)
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


class Holdings:
    """What a database holds, and what of others hangs on it.

    Parameters
    ----------
    ask : callable
        Runs SQL with the values of its marks, and returns all rows.
    database : str
    """

    def __init__(self, ask: Ask, database: str) -> None:
        self.ask, self.database = ask, database

    def _rows(self, sql: str, times: int = 1) -> list[Any]:
        return self.ask(sql, (self.database,) * times)

    def contents(self, name: Optional[str] = None) -> list[Found]:
        """Return tables and views first, then their parts, routines and events.

        A note that was copied into another database tells nothing there: keys have the database's
        name; what a staging database holds has that of its target.
        """
        place = (name or self.database).lower()
        things = [
            Found(f"{kind} {place}.{table}", f"{kind} {table}")
            for table, kind in self.tables().items()
        ]
        wholes = {thing.name: thing.key for thing in things}
        views = {thing.name for thing in things if thing.kind == "view"}
        things += [
            Found(f"{kind} {place}.{table}.{part}", f"{kind} {table}.{part}", wholes.get(table))
            for kind, table, part in self._rows(_PARTS, 4)
            if table not in views or kind == "trigger"
        ]
        things += [
            Found(f"{kind} {place}.{routine}", f"{kind} {routine}")
            for kind, routine in self._rows(_BESIDE, 2)
        ]
        return things

    def tables(self) -> dict[str, str]:
        """Return the tables, views and (MariaDB) sequences with their kinds."""
        sql = "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s"
        return {name: _KINDS.get(kind, kind.lower()) for name, kind in self._rows(sql)}

    def columns(self) -> Tables:
        """Return the names of the columns of each table."""
        found: Tables = {}
        sql = "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS "
        for table, column in self._rows(f"{sql} WHERE TABLE_SCHEMA = %s"):
            found.setdefault(table, set()).add(column)
        return found

    def comments(self) -> Comments:
        """Return the comments on tables, columns and indexes."""
        return {
            tuple(name for name in place if name is not None): text
            for *place, text in self._rows(_COMMENTS, 3)
        }

    def comment_sql(self, place: Place, text: Optional[str]) -> Optional[str]:
        """Return the statement that writes a comment (None: takes it away).

        None where there is nothing to write it on. Columns and indexes are defined anew, since
        these have no statement for a comment alone.
        """
        kind, table, *name = place
        said = "''" if text is None else literal(text)
        if table not in self.tables():
            return None
        whole = f"{quote(self.database)}.{quote(table)}"
        change = f"ALTER TABLE {whole} "
        if kind == "table":
            return f"{change}COMMENT = {said}"
        bodies, _ = definitions(self.ask(f"SHOW CREATE TABLE {whole}")[0][1])
        body = next((b for b in bodies if named_by(b) == (kind, name[0])), None)
        if body is None:
            return None
        changed = recommented(body, said)
        if kind == "column":
            return f"{change}MODIFY COLUMN {changed}"
        dropped = "PRIMARY KEY" if name[0] == "PRIMARY" else f"INDEX {quote(name[0])}"
        return f"{change}DROP {dropped}, ADD {changed}"

    def outside(self, view: str, places: Mapping[str, str]) -> list[str]:
        """Return what a view's text names in other databases than those of the copy.

        `places` leads from source to staging databases.
        """
        sql = "SELECT VIEW_DEFINITION FROM information_schema.VIEWS "
        sql += "WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
        chains = _chains(self.ask(sql, (self.database, view))[0][0])
        known = {quote(row[0]).lower() for row in self.ask("SHOW DATABASES")}
        known |= {quote(name).lower() for name in (*_SYSTEM, *places)}
        known -= {quote(place).lower() for place in places.values()}
        found = {".".join(c[:2]) for c in chains if len(c) > 1 and c[0].lower() in known}
        plain = " ".join(c[0] for c in chains if len(c) == 1 and c[0][0] not in "'\"`")
        found |= {word.lower() for word in re.findall(r"\bload_file\b", plain, re.IGNORECASE)}
        return sorted(found)

    def referring(self, group: Collection[str] = ()) -> list[str]:
        """Return the tables (``database.table``) of other databases with keys into this one.

        But for those that are written together with it, and for what runs have put aside.
        """
        found = {(k[0], k[1]) for k in self._keys_into() if k[0] not in group}
        return sorted(f"{place}.{table}" for place, table in found if not _ASIDE.search(place))

    def cut_keys(self) -> None:
        """Drop the keys into the database of others that runs have put aside."""
        for place, table, key in self._keys_into():
            if _ASIDE.search(place):
                self.ask(f"ALTER TABLE {quote(place)}.{quote(table)} DROP FOREIGN KEY {quote(key)}")

    def _keys_into(self) -> list[Any]:
        sql = """SELECT DISTINCT TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME
            FROM information_schema.KEY_COLUMN_USAGE
            WHERE REFERENCED_TABLE_SCHEMA = %s AND TABLE_SCHEMA <> %s"""
        return self._rows(sql, 2)

    def broken_views(self, old: Tables, new: Tables) -> list[str]:
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
            for schema, view, text in self.ask(sql)
            for table, names in lost.items()
            if f"{quote(self.database)}.{quote(table)}" in text
            and (table not in new or any(quote(name) in text for name in names))
        )


def _chains(sql: str) -> list[tuple[str, ...]]:
    """Cut a view's text into quoted names with what they qualify, and all else.

    Examples
    --------
    >>> _chains("select `a`.`t`.`x` from `a`.`t`")
    [('select ',), ('`a`', '`t`', '`x`'), (' from ',), ('`a`', '`t`')]
    """
    found = []
    for match in _CHAIN.finditer(sql):
        names = tuple(name[0] for name in _QUOTED.finditer(match[0])) if match[1] else (match[0],)
        found.append(names)
    return found


def moved(sql: str, places: Mapping[str, str]) -> str:
    """Return a view's text with the names of databases replaced, but nothing inside strings.

    Examples
    --------
    >>> moved("select `a`.`t`.`x`, '`a`.`t`' from `a`.`t`", {"a": "b"})
    "select `b`.`t`.`x`, '`a`.`t`' from `b`.`t`"
    """
    new = {quote(name).lower(): quote(place) for name, place in places.items()}
    parts = []
    for names in _chains(sql):
        first, *rest = names
        parts.append(".".join([new.get(first.lower(), first), *rest]) if rest else first)
    return "".join(parts)


def holders(ask: Ask, databases: Collection[str]) -> str:
    """Return who holds locks on databases, as far as the server tells this user.

    Never what they run: a statement may hold values.
    """
    for sql in (_LOCKS, _LOCKS_OF_THE_PLUGIN):
        found = [row for database in databases for row in _asked(ask, sql, (database,))]
        if found:
            return f"held by {_shown(found)}"
    for sql in (_TRANSACTIONS, _BUSY):
        if found := _asked(ask, sql):
            return f"which one of these may hold: {_shown(found)}"
    return "held by a connection that this user may not see"


def _asked(ask: Ask, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
    try:
        return ask(sql, values)
    except pymysql.err.Error as exc:  # no such table, or no right to it
        log.debug("locks_not_told", code=exc.args[0] if exc.args else None)
        return []


def _shown(found: list[Any]) -> str:
    return ", ".join(
        f"connection {number} ({user}@{host}, {command.lower()} for {seconds} s)"
        for number, user, host, command, seconds in sorted(set(found))[:5]
    )
