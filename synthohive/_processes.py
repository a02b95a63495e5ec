"""Other processes of one run: started when they are needed, ended with it, however it ends."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["ProcessEnded", "Processes"]


class ProcessEnded(Exception):
    """A process came to a sudden end, killed or for want of memory; its results are lost."""


class Processes:
    """So many processes beside this one; none is started before the first call is handed over.

    Parameters
    ----------
    count : int
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._executor: Any = None
        self._first: Any = None

    def start(self, function: Callable[..., Any]) -> None:
        """Start them now, and have a function called that makes ready what is called later.

        Raises
        ------
        ProcessEnded
        """
        if self.count and self._first is None:
            self._first = self.submit(function)

    @property
    def ready(self) -> bool:
        """Whether what is handed over now is begun at once: one has come up after :meth:`start`."""
        return self._first is not None and bool(self._first.done())

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Have a function called in one of them; return the future of its result.

        Raises
        ------
        ProcessEnded
        """
        from joblib.externals.loky import ProcessPoolExecutor

        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                self.count, initializer=_watch, initargs=(os.getpid(),)
            )
        with _ended():
            return self._executor.submit(function, *arguments)

    def result(self, future: Any) -> Any:
        """Wait for a result, and return it.

        Raises
        ------
        ProcessEnded
        """
        with _ended():
            return future.result()

    def close(self) -> None:
        """End them, whatever they are at."""
        if self._executor is None:
            return
        with warnings.catch_warnings():  # of loky, where there is no pgrep
            warnings.simplefilter("ignore")
            self._executor.shutdown(wait=True, kill_workers=True)
        self._executor = None


@contextmanager
def _ended() -> Iterator[None]:
    from joblib.externals.loky.process_executor import BrokenProcessPool, ShutdownExecutorError

    try:
        yield
    except (BrokenProcessPool, ShutdownExecutorError) as exc:
        raise ProcessEnded(str(exc)) from exc


def _watch(parent: int) -> None:
    """End this process soon after its parent, who may have been killed."""

    def wait() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
