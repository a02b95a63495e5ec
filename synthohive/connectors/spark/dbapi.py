"""A DBAPI (PEP 249) over a Spark session, as far as reading needs one.

What a cursor runs is bounded: its rows come as one Arrow table. Many rows are streamed, by
:func:`~synthohive.connectors.spark.stream.batches`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Optional, Union
from weakref import WeakKeyDictionary

from synthohive.exceptions import SynthoHiveError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

__all__ = ["Connection", "Cursor", "Error", "apilevel", "connect", "paramstyle", "threadsafety"]

apilevel = "2.0"
threadsafety = 1
paramstyle = "named"
Row = tuple[Any, ...]

_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",  # moments are compared, and become texts, as everywhere
    "spark.sql.ansi.enabled": "true",  # a sum that is too large is an error, and no other number
}
_lock = threading.Lock()
_held: WeakKeyDictionary[SparkSession, tuple[int, dict[str, str]]] = WeakKeyDictionary()
"""How many connections a session has, and its own settings until the last one ends."""


class Error(Exception):
    """What Spark said."""


@contextmanager
def _told() -> Iterator[None]:
    """Raise what Spark, its connection or Arrow raise as the one error that a DBAPI has."""
    try:
        yield
    except SynthoHiveError:
        raise
    except Exception as exc:
        raise Error(str(exc)) from exc


class Connection:
    """A session, with the settings that queries rely on until it is closed.

    Parameters
    ----------
    session : pyspark.sql.SparkSession
        Classic, or of Spark Connect.
    """

    def __init__(self, session: SparkSession) -> None:
        self.session = session
        self._open = True
        with _told(), _lock:
            count, own = _held.get(session, (0, {}))
            if not count:
                own = {name: str(session.conf.get(name)) for name in _SETTINGS}
                for name, value in _SETTINGS.items():
                    session.conf.set(name, value)
            _held[session] = count + 1, own

    def cursor(self) -> Cursor:
        """Return what runs statements."""
        return Cursor(self)

    def commit(self) -> None:
        """Do nothing: there is no transaction."""

    def rollback(self) -> None:
        """Do nothing: there is no transaction."""

    def close(self) -> None:
        """Give the session its own settings back, if no other connection is left."""
        if not self._open:
            return
        self._open = False
        with _told(), _lock:
            count, own = _held.pop(self.session)
            if count > 1:
                _held[self.session] = count - 1, own
                return
            for name, value in own.items():
                self.session.conf.set(name, value)


class Cursor:
    """Runs statements, and has the rows of the last one.

    Attributes
    ----------
    description : list of tuple, optional
        Of each column, its name first.
    """

    arraysize = 1
    rowcount = -1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: Iterator[Row] = iter(())
        self.description: Optional[list[tuple[Any, ...]]] = None

    def execute(
        self, sql: str, parameters: Optional[Union[Mapping[str, Any], Sequence[Any]]] = None
    ) -> None:
        """Run a statement with parameters like ``:schema``."""
        with _told():
            frame = self._connection.session.sql(sql, dict(parameters) if parameters else None)
            found = frame.toArrow()
            columns = [column.to_pylist() for column in found.columns]
        self._rows = zip(*columns) if columns else iter(())
        self.description = [(n, None, None, None, None, None, None) for n in found.column_names]

    def fetchone(self) -> Optional[Row]:
        """Return the next row."""
        return next(self._rows, None)

    def fetchmany(self, size: int = 1) -> list[Row]:
        """Return the next rows."""
        return [row for _, row in zip(range(size), self._rows)]

    def fetchall(self) -> list[Row]:
        """Return all rows that are left."""
        return list(self._rows)

    def close(self) -> None:
        """Forget the rows."""
        self._rows = iter(())


def connect(session: Optional[SparkSession] = None) -> Connection:
    """Return a connection on a session, which no URL names."""
    if session is None:
        raise Error("Spark is reached by a session: Synthesizer(metadata, spark_session=spark)")
    return Connection(session)
