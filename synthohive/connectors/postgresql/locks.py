"""Who holds what a PostgreSQL session waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from types import TracebackType
from typing import Any, Optional

import psycopg2
from sqlalchemy.exc import SQLAlchemyError

from synthohive._logging import get_logger

__all__ = ["LOCK_CLASS", "LockWatch", "holder_of_target"]

log = get_logger(__name__)
LOCK_CLASS = 0x53594E48  # "SYNH", the first key of the advisory lock on a target

# Of other users' sessions a plain user sees the name and nothing else.
_SESSION = """
SELECT format('process %%s (user %%L%%s%%s)', a.pid, a.usename,
    ', application ' || quote_literal(nullif(a.application_name, '')),
    ', ' || a.state || ', its query began ' || date_trunc('second', a.query_start)
    || ', its transaction ' || date_trunc('second', a.xact_start))
FROM pg_stat_activity a WHERE a.pid = ANY (%s)"""


class LockWatch:
    """While entered, notes who blocks a session that waits for a lock.

    Once the wait is over nobody can tell, so a session of its own looks meanwhile; it is
    opened only if something takes long.

    Parameters
    ----------
    connect : callable
        Gives a connection.
    pid : int
        Of the session that may have to wait.
    after : float
        Seconds before it looks.

    Attributes
    ----------
    holders : list of str
        As last seen.
    """

    def __init__(self, connect: Callable[[], Any], pid: int, after: float) -> None:
        self.holders: list[str] = []
        self._connect = connect
        self._pid = pid
        self._after = after
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, name="lock watch", daemon=True)

    def __enter__(self) -> LockWatch:
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self._done.set()
        self._thread.join(5)

    def _look(self) -> None:
        if self._done.wait(self._after):
            return
        try:
            with closing(self._connect()) as connection:
                connection.autocommit = True
                while not self._done.wait(self._after):
                    with connection.cursor() as cursor:
                        cursor.execute("SELECT pg_blocking_pids(%s)", (self._pid,))
                        (pids,) = cursor.fetchone()
                        if pids:
                            self.holders = _sessions(cursor, pids)
        except (psycopg2.Error, SQLAlchemyError, OSError) as exc:  # the wait itself goes on
            log.debug("lock_watch_ended", reason=type(exc).__name__)


def _sessions(cursor: Any, pids: list[int]) -> list[str]:
    """Describe sessions: process, user, application, since when."""
    cursor.execute(_SESSION, (pids,))
    return [str(row[0]) for row in cursor.fetchall()]


def holder_of_target(cursor: Any, target: str) -> str:
    """Describe who writes to a target now."""
    cursor.execute(
        "SELECT array_agg(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted "
        "AND classid::bigint = %s AND objid::bigint = hashtext(%s)::bigint & 4294967295 "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        (LOCK_CLASS, target),
    )
    (pids,) = cursor.fetchone()
    return ", ".join(_sessions(cursor, pids or [])) or "it has just ended"
