"""Training many tables: in this process, or in others beside, with the same result."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, wait
from pathlib import Path
from types import TracebackType
from typing import Any, Optional

import joblib

from synthohive._processes import ProcessEnded, Processes
from synthohive._workspace import Workspace
from synthohive.exceptions import TrainingError
from synthohive.models.base import ConditionalGenerativeModel, TrainingListener
from synthohive.train.job import TrainingJob, keep_model, kept_model
from synthohive.train.worker import Shelved, train_shelved

__all__ = ["TrainingPool", "processes"]

WORTH = 10_000
"""Least work beside that of the largest table for which processes start: half a minute."""
POLL = 0.2
"""Seconds between two looks at what other processes have written."""

Done = Callable[[str, ConditionalGenerativeModel], None]


def processes(n_jobs: Optional[int], works: Mapping[str, int], device: str) -> int:
    """Return how many processes train the tables; 1 is this one.

    Parameters
    ----------
    n_jobs : int, optional
        As asked for; None decides by cores and work.
    works : dict of str to int
        The work of each table, over all epochs.
    device : str
        On a graphics card, tables are trained one after the other unless asked for.
    """
    if multiprocessing.current_process().daemon:
        return 1  # Python forbids it to have children
    cores = joblib.cpu_count()  # those that this process may use, also in a container
    if n_jobs is not None:
        return min(cores if n_jobs == -1 else n_jobs, max(len(works), 1))
    beside = sum(works.values()) - max(works.values(), default=0)
    return min(cores, len(works)) if device == "cpu" and beside >= WORTH else 1


class TrainingPool:
    """Trains tables, and hands back their models.

    Nothing is trained before :meth:`finish`: until then the rows of a table wait on the disk,
    so that memory holds those of one table for each process. With one process, tables are
    trained in their order. With more, the longest training goes first; the process saves its
    model, and this one loads it.

    Parameters
    ----------
    count : int
        Processes; 1 is this one.
    done : callable
        Gets a table's name and its trained model, in any order.
    listener : TrainingListener, optional
    keep : path, optional
        Folder where trained models are kept for a later fit, and looked for.
    """

    def __init__(
        self,
        count: int,
        done: Done,
        listener: Optional[TrainingListener] = None,
        keep: Optional[Path] = None,
    ) -> None:
        self.count, self.done, self.listener, self.keep = count, done, listener, keep
        self._folder = Workspace()
        self._processes = Processes(count)
        self._waiting: list[Shelved] = []
        self._running: dict[Any, Shelved] = {}

    def __enter__(self) -> TrainingPool:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        try:
            self._processes.close()
        finally:
            self._folder.cleanup()

    def submit(self, number: int, job: TrainingJob) -> None:
        """Take a table that is to be trained; its number among the tables names its folder."""
        name, folder = f"{number:04d}", self._folder.path
        place = (folder if self.keep is None else self.keep) / name
        digest = job.digest() if self.keep is not None else ""
        model = None if self.keep is None else kept_model(job, digest, place)
        if model is None:
            self._waiting.append(Shelved(job, digest, place, folder / f"{name}.rows"))
        else:
            self.done(job.config.name, model)

    def finish(self) -> None:
        """Train all tables."""
        if self.count == 1:
            for shelved in sorted(self._waiting, key=lambda shelved: shelved.folder.name):
                model = shelved.whole().run(self.listener)
                if self.keep is not None:
                    keep_model(model, shelved.digest, shelved.place)
                self._hand_back(shelved, model)
            return
        self._waiting.sort(key=lambda shelved: shelved.work)
        self._advance(0.0)
        while self._running:
            self._advance(POLL)

    def _advance(self, timeout: float) -> None:
        """Pass on what is told, take what is trained, start what waits."""
        finished = wait(self._running, timeout, FIRST_COMPLETED).done
        for shelved in self._running.values():
            shelved.tell(self.listener)
        for future in finished:
            self._take(future, self._running.pop(future))
        while self._waiting and len(self._running) < self.count:
            shelved = self._waiting.pop()
            self._running[self._processes.submit(train_shelved, shelved)] = shelved

    def _take(self, future: Any, shelved: Shelved) -> None:
        table = shelved.job.config.name
        try:
            self._processes.result(future)
        except ProcessEnded as exc:
            raise TrainingError(
                f"A process that trained came to a sudden end; table {table!r} is not trained.",
                hint="If memory ran out, fit with n_jobs=1 or a smaller sample_size.",
            ) from exc
        model = kept_model(shelved.job, shelved.digest, shelved.place)
        if model is None:
            raise TrainingError(
                f"The trained model of table {table!r} cannot be loaded from what it saved.",
                hint=f"Repair {shelved.job.model.__name__}.save or load, or fit with n_jobs=1.",
            )
        self._hand_back(shelved, model)

    def _hand_back(self, shelved: Shelved, model: ConditionalGenerativeModel) -> None:
        shelved.drop()
        self.done(shelved.job.config.name, model)
