"""SIGTERM and Ctrl-C as interruptions: what is unfinished is removed before the process ends."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

__all__ = ["Terminated", "terminable"]

Verb = TypeVar("Verb", bound=Callable[..., Any])


class Terminated(BaseException):
    """SIGTERM arrived."""


@contextmanager
def _unwinding() -> Iterator[None]:
    """Let SIGTERM unwind the block, and then end the process as if nobody had listened.

    A handler of the user's own stays in charge, and so does every process that sets none in its
    main thread: Python runs handlers only there.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    ):
        yield
        return

    def stop(number: int, frame: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one would break the removal off
        raise Terminated

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except Terminated:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
        raise
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def _uncovered() -> Iterator[None]:
    """Raise the interruption itself where a driver covers it by an error of its own.

    DuckDB calls what a signal's handler raises during a query ``RuntimeError: Query
    interrupted``, with the handler's exception as its cause.
    """
    try:
        yield
    except Exception as exc:
        cause = exc.__cause__
        while isinstance(cause, Exception):
            cause = cause.__cause__
        if cause is None:
            raise
        raise cause from None


def terminable(verb: Verb) -> Verb:
    """Wrap a function, so that SIGTERM leaves nothing behind, and an interruption shows as one."""

    @wraps(verb)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with _unwinding(), _uncovered():
            return verb(*args, **kwargs)

    return wrapped  # type: ignore[return-value]
