"""Progress bars over tables and epochs."""

from __future__ import annotations

from typing import Any

from tqdm.auto import tqdm

from synthohive.core.models.base import TrainingEvent

__all__ = ["ProgressBar"]


class ProgressBar:
    """A :class:`~synthohive.core.models.base.TrainingListener` that draws bars.

    Parameters
    ----------
    tables : int
        Number of tables to train.
    enabled : bool
        False draws nothing.
    """

    def __init__(self, tables: int, enabled: bool = True) -> None:
        self._tables: Any = tqdm(
            total=tables, desc="tables", unit="table", disable=not enabled, leave=True
        )
        self._epochs: Any = None
        self._enabled = enabled

    def on_epoch(self, table: str, epoch: int, epochs: int) -> None:
        """Advance the table's bar."""
        if self._epochs is None:
            self._epochs = tqdm(
                total=epochs, desc=table, unit="epoch", disable=not self._enabled, leave=False
            )
        self._epochs.update(epoch - self._epochs.n)

    def on_checkpoint(self, event: TrainingEvent) -> None:
        """Show the held-out metric."""
        if self._epochs is not None:
            self._epochs.set_postfix(
                distance=f"{event.metric:.3f}", best=f"{event.best_metric:.3f}"
            )

    def on_table(self, table: str) -> None:
        """Close the table's bar and advance that of the tables."""
        self._close_epochs()
        self._tables.update(1)

    def close(self) -> None:
        """Close all bars."""
        self._close_epochs()
        self._tables.close()

    def _close_epochs(self) -> None:
        if self._epochs is not None:
            self._epochs.close()
            self._epochs = None
