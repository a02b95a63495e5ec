"""The one training loop: seeds, early stopping, best state, progress, divergence."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Optional

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from synthohive.core.models.base import TrainingEvent, TrainingListener
from synthohive.core.models.progress import log_checkpoint
from synthohive.exceptions import TrainingError

__all__ = ["Schedule", "Trainable", "one_thread", "split", "train"]


@dataclass(frozen=True)
class Schedule:
    """How long to train.

    Attributes
    ----------
    epochs : int
    steps : int
        Batches per epoch.
    evaluate_every : int
        Epochs between evaluations on held-out rows.
    patience : int
        Evaluations without improvement after which training stops.
    """

    epochs: int
    steps: int
    evaluate_every: int
    patience: int


class Trainable(ABC):
    """What the loop needs of a model."""

    table: str
    state: nn.Module

    @abstractmethod
    def step(self) -> dict[str, Tensor]:
        """Take one optimisation step; return the losses (detached scalars)."""

    @abstractmethod
    def validate(self) -> float:
        """Return the metric on held-out rows; lower is better."""


def train(task: Trainable, schedule: Schedule, listener: Optional[TrainingListener]) -> float:
    """Run the loop and leave the best state in `task.state`; return its metric.

    Raises
    ------
    TrainingError
        A loss is no longer a number.
    """
    best, best_state, waited = math.inf, _snapshot(task.state), 0
    started = time.perf_counter()
    for epoch in range(1, schedule.epochs + 1):
        sums: dict[str, Tensor] = {}
        for _ in range(schedule.steps):
            for name, loss in task.step().items():
                sums[name] = sums[name] + loss if name in sums else loss
        losses = {name: float(total) / schedule.steps for name, total in sums.items()}
        _check(task.table, epoch, losses)
        if listener is not None:
            listener.on_epoch(task.table, epoch, schedule.epochs)
        if epoch % schedule.evaluate_every and epoch != schedule.epochs:
            continue
        metric = task.validate()
        _check(task.table, epoch, {**losses, "validation": metric})
        waited += 1
        if metric < best:
            best, best_state, waited = metric, _snapshot(task.state), 0
        spent = time.perf_counter() - started
        eta = spent / epoch * (schedule.epochs - epoch)
        event = TrainingEvent(task.table, epoch, schedule.epochs, losses, metric, best, eta)
        log_checkpoint(event)
        if listener is not None:
            listener.on_checkpoint(event)
        if waited >= schedule.patience:
            break
    task.state.load_state_dict(best_state)
    return best


def _snapshot(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


def _check(table: str, epoch: int, losses: dict[str, float]) -> None:
    for name, value in losses.items():
        if not math.isfinite(value):
            raise TrainingError(
                f"Training of table {table!r} diverged in epoch {epoch}: the {name} is {value}.",
                hint="Fit with a lower learning rate (lr=…) or a larger batch_size.",
            )


@contextmanager
def one_thread(seed: Optional[int] = None) -> Iterator[None]:
    """Run torch on one thread, so that sums are added in the same order on any machine.

    With a seed, torch's global generator is seeded inside and restored after.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if seed is None:
            yield
        else:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                yield
    finally:
        torch.set_num_threads(threads)


def split(
    rows: int, rng: np.random.Generator, *, share: float = 0.1, most: int = 3000, least: int = 100
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return training and held-out row numbers; a small table is both."""
    order = rng.permutation(rows)
    if rows < least:
        return order, order
    held = min(most, int(rows * share))
    return np.sort(order[held:]), np.sort(order[:held])
