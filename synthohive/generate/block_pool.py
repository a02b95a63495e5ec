"""The one place that runs blocks: here and in other processes, with the same results in order."""

from __future__ import annotations

import multiprocessing
import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Optional, TypeVar

import joblib

from synthohive._logging import get_logger
from synthohive._processes import ProcessEnded, Processes

__all__ = ["BlockPool", "nothing"]

log = get_logger(__name__)
Item = TypeVar("Item")
Result = TypeVar("Result")

WORTH = 16
"""Blocks of all tables from which on other processes start, unless asked for: to start one takes
seconds, though of another core."""
FEW = 2
"""Blocks of a table from which on its function is handed over."""
AHEAD = 2
"""Blocks that wait for each process, so that none idles between two."""
GENERATING = ("synthohive.generate.attributes", "synthohive.models.autoregressive.model")
ANALYSING = ("synthohive.learn.table_fits", "sklearn.mixture")
"""Modules that take as long to load as many blocks."""
KEPT = 4
"""Results for each process that wait for the one before them: what bounds the memory."""


def nothing() -> None:
    """Be in nobody's way."""


class BlockPool:
    """Calls a function for each block of a table, on as many cores as there are.

    Blocks are pure functions of what they are made from; so who makes which does not matter.
    This process makes blocks as well: all of them until another one is ready, and all that are
    left where another one was killed. So it waits for none to start.

    Parameters
    ----------
    n_jobs : int, optional
        Processes, with this one; -1 takes all cores, None decides by the number of blocks.
    folder : Path, optional
        Where functions are handed over in a file; needed for more than one process.
    go_on : callable, optional
        Called between two blocks: what it raises ends the run.
    imports : sequence of str
        Modules that functions are made of, which other processes load at once.
    """

    def __init__(
        self,
        n_jobs: Optional[int] = 1,
        folder: Optional[Path] = None,
        go_on: Callable[[], None] = nothing,
        imports: Sequence[str] = GENERATING,
    ) -> None:
        self._go_on, self._imports = go_on, tuple(imports)
        cores = joblib.cpu_count()  # those that this process may use, also in a container
        count = cores if n_jobs in (None, -1) else int(n_jobs or 1)
        if multiprocessing.current_process().daemon:
            count = 1  # Python forbids it to have children
        self._worth = WORTH if n_jobs is None else FEW
        self._folder, self._number = folder, 0
        self._others = Processes(0 if folder is None else count - 1)

    def __reduce__(self) -> tuple[type[BlockPool], tuple[()]]:
        """Blocks that another process makes, it makes alone."""
        return BlockPool, ()

    def __enter__(self) -> BlockPool:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the other processes."""
        self._others.close()

    def expect(self, blocks: int) -> None:
        """Start the other processes, beside what comes first, if it is worth it for so many."""
        if self._folder is not None and blocks >= self._worth:
            try:
                self._others.start(partial(_get_ready, self._imports))
            except ProcessEnded as exc:
                self._go_on_alone(exc)

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item], count: int
    ) -> Iterator[Result]:
        """Yield ``function(item)`` for each item, in their order.

        Parameters
        ----------
        function : callable
            Pure: the same for the same item, whoever calls it.
        items : iterable
        count : int
            About how many there are.
        """
        place: Optional[Path] = None
        waiting: deque[tuple[Item, Any]] = deque()  # each with its future
        for item in items:
            self._go_on()
            if place is None and count >= FEW and self._others.ready:
                place = self._handed_over(function)
            future = None if place is None else self._submitted(place, item, waiting)
            if future is None:
                future = Future[Result]()
                future.set_result(function(item))
            waiting.append((item, future))
            while waiting and (waiting[0][1].done() or len(waiting) > KEPT * self._others.count):
                yield self._result(function, *waiting.popleft())
        while waiting:
            yield self._result(function, *waiting.popleft())
        if place is not None:
            place.unlink(missing_ok=True)

    def _handed_over(self, function: Callable[[Item], Result]) -> Optional[Path]:
        """Write a function down for the other processes; None where there are none."""
        if self._folder is None or not self._others.count:
            return None
        from joblib.externals.loky import wrap_non_picklable_objects

        self._number += 1
        place = self._folder / f"{self._number}.function"
        try:
            # Models may be of the user's own classes, which other processes may not know.
            known = wrap_non_picklable_objects(function, keep_wrapper=False)
            place.write_bytes(pickle.dumps(known))
        except (OSError, pickle.PicklingError, TypeError, AttributeError) as exc:
            # No room on the disk, or something that cannot be written down.
            self._go_on_alone(exc)
            return None
        return place

    def _submitted(self, place: Path, item: Item, waiting: Iterable[tuple[Item, Any]]) -> Any:
        """Hand an item over; None where the other processes have enough, or none is left."""
        if sum(not future.done() for _, future in waiting) >= AHEAD * self._others.count:
            return None
        try:
            return self._others.submit(_call, str(place), item)
        except ProcessEnded as exc:
            self._go_on_alone(exc)
            return None

    def _result(self, function: Callable[[Item], Result], item: Item, future: Any) -> Result:
        try:
            made: Result = self._others.result(future)
        except (ProcessEnded, _Failed) as exc:
            self._go_on_alone(exc)
            return function(item)  # what was wrong with the block itself, is so here as well
        return made

    def _go_on_alone(self, reason: Exception) -> None:
        if self._others.count:
            log.warning("blocks_made_in_one_process", reason=f"{reason!s:.300}")
        self._others.close()
        self._others.count = 0


class _Failed(Exception):
    """Another process could not make a block, in words: not all errors can be handed back."""


def _get_ready(names: Sequence[str]) -> None:
    """Import what functions are made of, which takes as long as many blocks."""
    for name in names:
        import_module(name)


_KNOWN: dict[str, Callable[[Any], Any]] = {}
"""The function that this process was called for last, by its file."""


def _call(place: str, item: Any) -> Any:
    """Call a function that was handed over, in another process."""
    try:
        if place not in _KNOWN:
            # Written by this run's own process, in a folder that only its user may enter.
            function = pickle.loads(Path(place).read_bytes())  # noqa: S301
            _KNOWN.clear()
            _KNOWN[place] = function
        return _KNOWN[place](item)
    except Exception as exc:
        raise _Failed(f"{type(exc).__name__}: {exc}") from exc
