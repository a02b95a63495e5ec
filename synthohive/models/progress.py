"""Progress: bars over tables and epochs, and log events."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Mapping
from typing import Any

from tqdm.auto import tqdm

from synthohive._logging import get_logger
from synthohive.models.base import TrainingEvent

__all__ = ["ProgressBar", "log_checkpoint"]

log = get_logger(__name__)


def log_checkpoint(event: TrainingEvent) -> None:
    """Log one checkpoint of a training run."""
    log.debug(
        "training_checkpoint",
        table=event.table,
        epoch=event.epoch,
        epochs=event.epochs,
        **{f"loss_{name}": round(value, 4) for name, value in event.losses.items()},
        distance=round(event.metric, 4),
        best=round(event.best_metric, 4),
        eta_seconds=round(event.eta_seconds, 1),
    )


class ProgressBar:
    """A :class:`~synthohive.models.base.TrainingListener` that draws bars.

    One is of the whole database, with the time that is left if no training stops early;
    the others are of the tables in training, as far as users know these. Where nothing can be
    drawn over (a file, a pipe, a job's log), each table is one line when it is done.
    """

    def __init__(self, tables: Collection[str], enabled: bool = True) -> None:
        self._drawn = enabled and _is_redrawn()
        self._told = enabled and not self._drawn and sys.stderr is not None
        self._start = time.monotonic()
        self._tables, self._done = frozenset(tables), 0
        self._share: dict[str, float] = {}
        self._reached: dict[str, float] = {}
        self._epochs: dict[str, Any] = {}
        self._all: Any = tqdm(
            total=1.0,
            desc=f"0/{len(tables)} tables",
            bar_format="{desc}: {percentage:3.0f}%|{bar}| [{elapsed}<{remaining}]",
            smoothing=0.0,
            miniters=0,
            disable=not self._drawn,
        )

    def on_plan(self, works: Mapping[str, int]) -> None:
        """Learn how far each table takes the whole."""
        total = sum(works.values())
        self._share = {table: work / total for table, work in works.items()}

    def on_epoch(self, table: str, epoch: int, epochs: int) -> None:
        """Advance the table's bar; see the base class."""
        if table not in self._epochs and table in self._tables:
            self._epochs[table] = tqdm(
                total=epochs, desc=table, unit="epoch", disable=not self._drawn, leave=False
            )
        if table in self._epochs:
            self._epochs[table].update(epoch - self._epochs[table].n)
        self._reach(table, epoch / epochs)

    def on_checkpoint(self, event: TrainingEvent) -> None:
        """Show the held-out metric."""
        if event.table in self._epochs:
            self._epochs[event.table].set_postfix(
                distance=f"{event.metric:.3f}", best=f"{event.best_metric:.3f}"
            )

    def on_table(self, table: str) -> None:
        """Close the table's bar and advance that of the tables, or tell that it is done."""
        if table in self._epochs:
            self._epochs.pop(table).close()
        if table in self._tables:  # what was found within one is no table of the user's
            self._done += 1
            done = f"{self._done}/{len(self._tables)} tables"
            self._all.set_description_str(done, refresh=False)
            if self._told:
                spent = time.monotonic() - self._start
                sys.stderr.write(f"{done}, {spent:.0f} s: {table}\n")
                sys.stderr.flush()
        self._reach(table, 1.0)

    def close(self) -> None:
        """Close all bars."""
        for bar in [*self._epochs.values(), self._all]:
            bar.close()

    def _reach(self, table: str, part: float) -> None:
        step = (part - self._reached.get(table, 0.0)) * self._share.get(table, 0.0)
        self._reached[table] = part
        self._all.update(min(step, 1.0 - self._all.n))  # sums of floats may pass 1


def _is_redrawn() -> bool:
    """Whether what is printed can be drawn over: on a terminal, and in a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel") or bool(getattr(sys.stderr, "isatty", lambda: False)())
