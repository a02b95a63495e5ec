"""Loading tables that are final while others are still made."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Optional

from synthohive.io.staged import Withdrawn
from synthohive.io.writer import Writer
from synthohive.tables.block_store import TableSpool, Tail

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Loaded", "Loading", "loading"]

Loaded = tuple[int, float]
"""The rows of a table, and the seconds that they took, without those of waiting for them."""


class _Failed(BaseException):
    """A table could not be loaded: what makes the others ends by it, and explains nothing of it."""

    def __init__(self, reason: BaseException) -> None:
        super().__init__(reason)
        self.reason = reason


class _Ended(Exception):
    """The run ends: the rest of a table is not wanted."""


class Loading:
    """Threads that load tables into an open writer, as many as it has streams.

    See :func:`loading`.

    Parameters
    ----------
    writer : Writer
        Used by nobody else until :meth:`finish` has returned.

    Attributes
    ----------
    done : dict of str to (int, object)
        What an interrupted run has loaded: see :meth:`Writer.loaded`.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._threads = ThreadPoolExecutor(writer.streams, "loading")
        self._tables: dict[str, Future[Loaded]] = {}
        self._tails: dict[str, tuple[Tail, dict[str, Any]]] = {}
        self._ends = threading.Event()
        self.done = writer.loaded()

    @property
    def early(self) -> bool:
        """Whether :meth:`begin` may be called."""
        # Windows renames no file that is being read, as a table's is when it is whole.
        return self._writer.takes_back and os.name != "nt"

    def begin(self, name: str, tail: Tail) -> None:
        """Load a table while its last blocks are still made; :meth:`add` has to follow.

        Parameters
        ----------
        name : str
        tail : Tail
        """
        if name in self.done:  # by an interrupted run
            return
        beside: dict[str, Any] = {}
        self._tails[name] = tail, beside
        self._tables[name] = self._threads.submit(self._load, name, tail.batches(), beside)

    def add(self, name: str, spool: TableSpool, beside: Mapping[str, Any]) -> None:
        """Load a table, which changes no more, as soon as those before it are.

        Parameters
        ----------
        name : str
        spool : TableSpool
        beside : mapping of str to object
            In the form of JSON, for a run that goes on where this one is interrupted.
        """
        # It stays known: an interruption before it has ended must find it, or its reader waits on.
        tail, noted = self._tails.get(name, (None, {}))
        noted.update(beside)  # before the rows end: it is looked at then
        if tail is not None and tail.end():
            return
        before = self._tables.get(name)  # what was withdrawn has to be gone
        self._tables[name] = self._threads.submit(self._load, name, spool.batches(), beside, before)

    def check(self) -> None:
        """Raise what a table met, if one has failed."""
        for future in self._tables.values():
            if future.done() and (reason := future.exception()) is not None:
                raise _Failed(reason)

    def finish(self) -> dict[str, Loaded]:
        """Wait for all tables."""
        wait(self._tables.values(), return_when=FIRST_EXCEPTION)
        self.check()
        loaded = {name: future.result() for name, future in self._tables.items()}
        return {**{name: (rows, 0.0) for name, (rows, _) in self.done.items()}, **loaded}

    def end(self) -> None:
        """Let no batch be sent any more, and wait until none is."""
        self._ends.set()
        for tail, _ in self._tails.values():
            tail.withdraw()
        self._threads.shutdown(cancel_futures=True)

    def _load(
        self,
        name: str,
        batches: Iterator[pa.RecordBatch],
        beside: Mapping[str, Any],
        before: Optional[Future[Loaded]] = None,
    ) -> Loaded:
        if before is not None:
            before.result()
        started, waits = time.perf_counter(), list[float]()
        try:
            rows = self._writer.fill(name, self._wanted(batches, waits), beside)
        except Withdrawn:
            return 0, 0.0
        spent = time.perf_counter() - started - sum(waits)
        if not self._ends.is_set():
            self._writer.index(name)
        return rows, spent

    def _wanted(
        self, batches: Iterator[pa.RecordBatch], waits: list[float]
    ) -> Iterator[pa.RecordBatch]:
        """Yield batches; what they let one wait for is generation, and told apart."""
        while True:
            before = time.perf_counter()
            batch = next(batches, None)
            waits.append(time.perf_counter() - before)
            if batch is None:
                return
            if self._ends.is_set():
                raise _Ended
            yield batch


@contextmanager
def loading(writer: Writer) -> Iterator[Loading]:
    """Load in the background while the block lasts; whatever leaves it, leaves it after the thread.

    Raises
    ------
    BaseException
        What a table met, whatever the block was at.
    """
    one = Loading(writer)
    try:
        yield one
    except _Failed as exc:
        raise exc.reason from exc.reason.__cause__
    finally:
        one.end()
