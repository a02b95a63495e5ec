"""The one training loop: seeds, device, early stopping, best state, progress, divergence."""

from __future__ import annotations

import math
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, is_dataclass
from functools import cached_property
from typing import Any, Optional

import numpy as np
import torch
from torch import Tensor, nn

from synthohive._arrays import IntArray
from synthohive.encoding.encoded import EncodedTable
from synthohive.exceptions import TrainingError
from synthohive.models.base import Memorisation, TrainingEvent, TrainingListener
from synthohive.models.lean_torch import shorten
from synthohive.models.progress import log_checkpoint
from synthohive.models.settings import TrainingConfig

__all__ = [
    "DescentTask",
    "Schedule",
    "Trainable",
    "TrainingSet",
    "average",
    "batch_of",
    "one_thread",
    "resolve_device",
    "split",
    "train",
]


@dataclass(frozen=True)
class Tuning:
    """Numbers of the loop that no model sets."""

    slight: float = 1e-3
    """Share of the metric below which an improvement is not worth waiting for more."""
    in_vain: int = 3
    """How many evaluations one counts for whose state knows learned rows too well to be kept."""
    batches: int = 20
    least_batch: int = 16
    """Batches at least in one pass over the rows, and rows at least in a batch. What few rows have
    by chance differs from batch to batch, and averages out; two batches that are most of the table
    agree on it, step after step."""
    held: float = 0.1
    most_held: int = 3000
    """Share of the rows that is held out, and most of them: more would only cost learned ones."""
    few_held: int = 500
    """A third of the rows is held out up to so many: few do not show what is memorised."""
    least_split: int = 6
    """Fewer rows than that are learned and held out at once."""


TUNING = Tuning()


@dataclass(frozen=True)
class TrainingSet:
    """The rows of a table, and which of them are learned."""

    table: str  # its name, for messages
    data: EncodedTable  # all rows
    context: EncodedTable  # what each is conditioned on
    learned: IntArray  # numbers of the rows that gradients see
    held: IntArray  # and of those that decide when to stop
    batch_size: int  # as asked for
    epochs: int

    def take(self, rows: IntArray) -> tuple[EncodedTable, EncodedTable]:
        """Return some of the rows, and their context."""
        return self.data.take(rows), self.context.take(rows)


@dataclass(frozen=True)
class Schedule:
    """How many epochs of how many batches, how often to evaluate, how long to wait in vain."""

    epochs: int
    steps: int
    evaluate_every: int
    patience: int

    @classmethod
    def of(
        cls, config: TrainingConfig, rows: TrainingSet, batch: int, least: int, apart: int = 0
    ) -> Schedule:
        """Return that of a table: an epoch is one pass over its rows, within bounds.

        Parameters
        ----------
        config : TrainingConfig
        rows : TrainingSet
        batch : int
            Rows of a batch.
        least : int
            Batches of an epoch at least: one of two batches would be mostly bookkeeping.
        apart : int
            Batches between two evaluations at least, where these cost more than batches do.
        """
        steps = min(config.steps, max(least, len(rows.learned) // batch))
        every = max(config.evaluate_every, -(-apart // steps))
        return cls(rows.epochs, steps, every, config.patience)


class Trainable(ABC):
    """What the loop needs of a model.

    On another device than the CPU, the attributes that are tensors, sequences or dataclasses of
    tensors, or modules are moved there for the steps, in which new tensors (also by
    ``as_tensor``) are made there.
    """

    table: str
    state: nn.Module  # what is kept of the training, its moving average as a rule
    schedule: Schedule
    # how much better the state knows learned than held-out rows, as the last validation found, and
    # the most of it that is kept: see GapWatch
    gap: float = 0.0
    most_gap: float = math.inf
    # share of the metric by which held-out rows must be told better for a gap beyond that
    worth: float = math.inf
    counters: bool = False  # :meth:`counter` does something
    counts_rest: bool = False  # :meth:`count_rest` does something
    usable: bool = False  # the state draws rows before any step, if only with independent columns

    @property
    def drawn(self) -> Any:
        """The part of the state that draws."""
        return self.state

    @abstractmethod
    def step(self) -> dict[str, Tensor]:
        """Take one optimisation step; return the losses (detached scalars)."""

    def begin(self, done: float) -> None:
        """Hear before each epoch which share of all epochs is done."""

    def counter(self, best: Mapping[str, Tensor]) -> bool:
        """Go on from the best state that was kept, with something done against the gap.

        Returns whether anything was done.
        """
        return False

    def retreat(self) -> bool:
        """Begin from a state that knows less by heart; returns whether there is one."""
        return False

    def count_rest(self) -> None:
        """Take what is counted, not learned, from all rows; set the gap to what is then known.

        Held-out rows have done their work: they have chosen the state that is kept.
        """

    @abstractmethod
    def validate(self) -> float:
        """Return the metric on held-out rows, lower is better; set the gap."""


class DescentTask(Trainable):
    """A training by gradients of one loss, over batches of rows in random order."""

    network: nn.Module  # what is trained; `state` is its moving average
    optimizer: torch.optim.Optimizer

    def __init__(
        self, rows: TrainingSet, config: TrainingConfig, batch: int, rng: np.random.Generator
    ) -> None:
        self.table, self.rng, self.batch = rows.table, rng, batch
        self.average, self.steps = config.average, 0
        self.rows, self.order = len(rows.learned), np.empty(0, dtype=np.int64)
        self.best, self.waited = math.inf, 0

    @cached_property
    def weights(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """The average's parameters, and the network's: to look for them takes as long as a step."""
        return list(self.state.parameters()), list(self.network.parameters())

    def next_rows(self) -> Tensor:
        """Return the rows of a batch, ``(B,)``: each comes once before any comes again."""
        if len(self.order) < self.batch:  # what fills no batch is dealt anew: all are of one size
            self.order = self.rng.permutation(self.rows)
        rows, self.order = self.order[: self.batch], self.order[self.batch :]
        return torch.as_tensor(np.ascontiguousarray(rows))

    def descend(self, loss: Tensor, most: float, settling: float) -> None:
        """Take a step, and move the weights' average.

        Parameters
        ----------
        loss : Tensor
            A scalar, with its graph.
        most : float
            Longer gradients, over all weights, are scaled down to that.
        settling : float
            In steps; of more, the average stays short for longer.
        """
        averages, weights = self.weights
        for weight in weights:
            weight.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        # one batch with a far row would undo many: Adam divides by the root of a mean square that
        # has not seen such a gradient yet
        shorten(weights, most)
        self.optimizer.step()
        self.steps += 1
        # short at first: a long average would hold the weights of the start for a hundred steps
        average(averages, weights, min(self.average, self.steps / (self.steps + settling)))

    def slow_down(self, metric: float) -> None:
        """Halve the learning rate after each third of the patience without improvement."""
        # before patience ends: steps that are too long to settle look like the end of learning
        self.waited = 0 if metric < self.best else self.waited + 1
        self.best = min(metric, self.best)
        if self.waited and self.waited % max(1, self.schedule.patience // 3) == 0:
            for group in self.optimizer.param_groups:
                group["lr"] *= 0.5


def train(
    task: Trainable,
    listener: Optional[TrainingListener],
    device: str = "cpu",
    max_memorisation: Optional[float] = None,
) -> float:
    """Run the loop and leave the best state in `task.state`; return its metric, or infinity.

    The best of the states that do not know learned rows much better than others, that before any
    step among them if it is usable: where two in a row do, the task is told to counter it.
    `task.gap` is that of the best state. Where all do, the first one is left; the metric is
    infinite.
    Only steps are taken on the device; rows are validated, and later drawn, on the CPU.

    Parameters
    ----------
    task : Trainable
    listener : TrainingListener, optional
        Hears of epochs and checkpoints.
    device : str, default "cpu"
        As :func:`resolve_device` returns it.
    max_memorisation : float, optional
        Limit for :attr:`Memorisation.excess`, 0 to 0.5, beyond which no state is kept.

    Raises
    ------
    TrainingError
        A loss is no longer a number.
    """
    schedule = task.schedule
    if max_memorisation is not None:
        limit = Memorisation.gap_of(0.5 + max_memorisation)
        task.most_gap, task.worth = min(task.most_gap, limit), math.inf
    # `best`: the metric of the state that is kept; `mark`: the last one that was worth waiting for
    best, waited, beyond, usable = math.inf, 0, 0, task.usable
    if usable and schedule.epochs:  # what is no better than no step at all is not kept
        best = _start(task)
    gap = task.gap
    mark, best_state = best, _snapshot(task.state)
    started = time.perf_counter()
    for epoch in range(1, schedule.epochs + 1):
        task.begin((epoch - 1) / schedule.epochs)
        with _on(task, torch.device(device)):
            losses = _epoch(task, schedule.steps)
        _check(task.table, epoch, losses)
        if listener is not None:
            listener.on_epoch(task.table, epoch, schedule.epochs)
        if epoch % schedule.evaluate_every and epoch != schedule.epochs:
            continue
        metric = task.validate()
        _check(task.table, epoch, {**losses, "validation": metric})
        beyond = beyond + 1 if task.gap > task.most_gap else 0
        waited += TUNING.in_vain if beyond and not task.counters else 1
        better = _below(metric, best, TUNING.slight)
        if _is_kept(task, metric, best, gap):
            best, best_state, gap, usable = metric, _snapshot(task.state), task.gap, True
            beyond = 0
            # hardly better is kept, but buys no further waiting: it would never end
            if _below(metric, mark, TUNING.slight):
                mark, waited = metric, 0
        elif not usable:  # until one may be kept
            best_state, gap, usable = _snapshot(task.state), task.gap, True
        spent = time.perf_counter() - started
        eta = spent / epoch * (schedule.epochs - epoch)
        event = TrainingEvent(task.table, epoch, schedule.epochs, losses, metric, best, eta)
        log_checkpoint(event)
        if listener is not None:
            listener.on_checkpoint(event)
        # twice in a row: the gap of one evaluation is partly chance
        if beyond > 1 and better and task.counter(best_state):
            beyond = waited = 0
        if waited >= schedule.patience:
            break
    task.state.load_state_dict(best_state)
    task.gap = gap
    return best


def _start(task: Trainable) -> float:
    """Validate the state before any step; return its metric, infinite if it is not to be kept."""
    metric = task.validate()
    while task.gap > task.most_gap and task.retreat():
        metric = task.validate()
    return metric if _is_kept(task, metric, math.inf, 0.0) else math.inf


def _is_kept(task: Trainable, metric: float, best: float, gap: float) -> bool:
    """Return whether the task's state is to be kept rather than one of another metric and gap."""
    beyond, was_beyond = task.gap > task.most_gap, gap > task.most_gap
    if not beyond:  # to be within the limit is worth as much as is asked of a state beyond it
        least = best + task.worth * abs(best) if was_beyond and task.worth < math.inf else best
        return metric < least
    if _below(metric, best, task.worth):
        return True
    return task.worth < math.inf and was_beyond and metric < best and task.gap < gap


def _below(metric: float, best: float, share: float) -> bool:
    """Return whether a metric is better by more than a share; never by an infinite one."""
    return share < math.inf and (math.isinf(best) or metric < best - share * abs(best))


def _epoch(task: Trainable, steps: int) -> dict[str, float]:
    sums: dict[str, Tensor] = {}
    for _ in range(steps):
        for name, loss in task.step().items():
            # tensors until the end: to read a number is to wait for the device
            sums[name] = sums[name] + loss if name in sums else loss
    return {name: float(total) / steps for name, total in sums.items()}


@contextmanager
def _on(task: Trainable, device: torch.device) -> Iterator[None]:
    """Hold the task on a device, where new tensors are made too."""
    if device.type == "cpu":
        yield
        return
    # the CPU's stream seeds the device's, and goes on after it as if no more had been drawn
    seed = int(torch.randint(2**62, ()))
    cards = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cards):
        torch.manual_seed(seed)
        _move(task, device)
        with device:
            yield
        _move(task, torch.device("cpu"))


def _move(holder: Any, device: torch.device) -> None:
    for name, value in vars(holder).items():
        if isinstance(value, nn.Module):
            value.to(device)  # in place: an optimizer keeps its parameters
        elif isinstance(value, Tensor):
            setattr(holder, name, value.to(device))
        elif isinstance(value, (list, tuple)) and any(isinstance(v, Tensor) for v in value):
            moved = (v.to(device) if isinstance(v, Tensor) else v for v in value)
            setattr(holder, name, type(value)(moved))
        elif is_dataclass(value):
            _move(value, device)


def _snapshot(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


def _check(table: str, epoch: int, losses: dict[str, float]) -> None:
    for name, value in losses.items():
        if not math.isfinite(value):
            raise TrainingError(
                f"Training of table {table!r} diverged in epoch {epoch}: the {name} is {value}.",
                hint="Fit with a lower learning rate (lr=…) or a larger batch_size.",
            )


def batch_of(most: int, rows: int, least: int = TUNING.least_batch) -> int:
    """Return how many of the rows that are learned make a batch.

    Parameters
    ----------
    most : int
        Rows of a batch as asked for.
    rows : int
        Rows that are learned.
    least : int
        Rows of a batch at least, if there are so many, even if a pass then has few batches.
    """
    return max(1, min(most, rows, max(rows // TUNING.batches, least)))


@torch.no_grad()
def average(
    averages: Sequence[nn.Parameter], weights: Sequence[nn.Parameter], decay: float
) -> None:
    """Move the average of the weights, which is what draws, towards the weights.

    Parameters
    ----------
    averages, weights : sequence of Parameter
        Of one structure; the averages are changed in place.
    decay : float
        0 to 1: what is kept of the average.
    """
    # one call for all weights: calls for dozens of small tensors cost more than the arithmetic
    torch._foreach_lerp_(list(averages), list(weights), 1 - decay)


def resolve_device(name: Optional[str] = None) -> str:
    """Return the device to train on: as asked for, else CUDA where it is, else the CPU.

    Raises
    ------
    TrainingError
        There is no such device here.
    """
    here = ["cpu"]
    if torch.cuda.is_available():
        here += ["cuda", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        here.append("mps")
    if name is None:
        return "cuda" if "cuda" in here else "cpu"
    if name not in here:
        raise TrainingError(
            f"There is no device {name!r} here.", hint=f"There is: {', '.join(here)}."
        )
    return name


_GENERATOR = threading.RLock()


@contextmanager
def one_thread(seed: Optional[int] = None) -> Iterator[None]:
    """Run torch on one thread, so that sums are added in the same order on any machine.

    With a seed, torch's global generator is seeded inside and restored after. It belongs to the
    process: of several threads that fit, each waits until it has the generator for itself, or
    they would take numbers from one another.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if seed is None:
            yield
        else:
            with _GENERATOR, torch.random.fork_rng(devices=[]):
                torch.default_generator.manual_seed(seed)
                yield
    finally:
        torch.set_num_threads(threads)


def split(rows: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Return the numbers of the rows that are learned, and of those that are held out."""
    order = rng.permutation(rows)
    if rows < TUNING.least_split:
        return order, order
    held = max(int(rows * TUNING.held), min(rows // 3, TUNING.few_held))
    held = min(TUNING.most_held, held)
    # ascending: what is stored or cached by row is then read in its order
    return np.sort(order[held:]), np.sort(order[:held])
