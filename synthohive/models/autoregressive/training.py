"""The training of the autoregressive model: likelihood of batches, variables in any order."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from synthohive._arrays import Floats, IntArray
from synthohive.encoding.encoded import EncodedTable
from synthohive.models.autoregressive.network import Network, context_tensors
from synthohive.models.memorisation import GapWatch, repeated
from synthohive.models.training import Trainable, average, batch_of

if TYPE_CHECKING:
    from synthohive.models.autoregressive.model import Autoregressive

__all__ = ["AutoregressiveTask", "log_shares"]

MOST_LOSS = 20.0
"""Of one variable, in nats: one code that never occurred is not to outweigh all rows."""
WATCHED = 1_000
"""Learned rows at most whose likelihood is compared with that of held-out rows."""
DECAY_ROWS, STRONG_DECAY, MOST_DECAY = 1_400, 2.0, 60.0
"""Tables of fewer rows have more weight decay: up to a strong one, and more where that is in vain.

A weight of AdamW is at most one over its decay, and comes near that only where all batches
agree on its sign: what few rows have by chance is lost first. Of 1,000 rows of a survey in
batches of 50, decay 10 reaches a held-out loss of 1.327 with a gap of 0.23 deviations, decay
0.2 one of 0.50; in batches of 500, decay 10 reaches it with 0.86.
"""
WORTH, LEAST_HELD = 0.01, 100
"""A state with a gap beyond the limit is kept if so many held-out rows are told so much better.

What all rows have in common (sessions open before they close) is worth more than that; of
few rows that cannot be told from what is known by heart.
"""
FORGOTTEN = 1e-3, 1e-2
"""What Adam forgets of a mean square with each step: of small batches, and of 500 rows.

In proportion to the batch (Malladi et al., 2022), so that it remembers as many rows.
"""
SETTLING = 25
"""The weights' average begins short, of ``steps / (steps + batch / 25)``, up to the configured one.

That of small batches, which have more noise, is long sooner: else the gap to learned rows is seen
too early, and countered before much is learned.
"""
FALL = 0.3
"""Share of the epochs over which the steps fall to nothing, where training goes so far.

All three average the noise of batches out, which decides where few rows stand: of 150 teams that
exist in some years only, 3.8 % of the rows lay outside them with none of these, 2.9 % with all.
"""
UNDECAYED = ("biases", "shares", "bias", "norm")


class AutoregressiveTask(Trainable):
    """The training of one table; it begins with independent columns."""

    counters = usable = True

    def __init__(
        self,
        model: Autoregressive,
        data: EncodedTable,
        context: EncodedTable,
        training: IntArray,
        held: IntArray,
        rng: np.random.Generator,
    ) -> None:
        self.table = model.metadata.name
        self.network = model.network_
        self.config, self.rng = model.config, rng
        coarse, fine = model.discretiser_.encode(data)
        self.codes = [torch.from_numpy(c[training]) for c in (coarse, fine)]
        self.held = [torch.from_numpy(c[held]) for c in (coarse, fine)]
        self.context = context_tensors(context.take(training))
        self.held_context = context_tensors(context.take(held))
        self.batch = batch_of(model.batch_size, len(training))
        self.order = np.empty(0, dtype=np.int64)
        self.network.heads.start_at(log_shares(coarse[training], self.network.cardinalities))
        self.network.fine.start_at(_counts(coarse, fine, self.network))
        self.network.context.start_at(self.context[1])
        self.state: Network = copy.deepcopy(self.network).eval()
        self.optimizer = torch.optim.AdamW(
            _groups(self.network),
            lr=self.config.lr * math.sqrt(max(self.batch, 100) / 500),
            betas=(0.9, 1 - max(FORGOTTEN[0], FORGOTTEN[1] * min(self.batch / 500, 1))),
            weight_decay=decay_of(self.config.decay, len(data)),
            fused=True,
        )
        self.best, self.waited, self.patience = math.inf, 0, self.config.patience
        self.rate, self.steps = 1.0, 0
        watched = rng.permutation(len(training))[:WATCHED]
        self.watched = torch.from_numpy(np.sort(watched))
        with torch.no_grad():
            coarse_held, fine_held = self.held
            shrunk = self.state.losses(
                coarse_held, fine_held, self._held_vectors(), self._mask(True)
            )
            self.watch = GapWatch(
                len(data), self._learned(), _scores(shrunk), repeated(data, training, held)
            )
        self.most_gap = self.watch.most
        self.worth = WORTH if len(held) >= LEAST_HELD else math.inf

    def begin(self, done: float) -> None:
        """Let the steps fall at the end; see the base class."""
        rate = min(1.0, (1.0 - done) / FALL)
        for group in self.optimizer.param_groups:
            group["lr"] *= rate / self.rate
        self.rate = rate

    def step(self) -> dict[str, Tensor]:
        """Take one batch; see the base class."""
        if len(self.order) < self.batch:
            self.order = self.rng.permutation(len(self.codes[0]))
        rows, self.order = self.order[: self.batch], self.order[self.batch :]
        taken = torch.as_tensor(np.ascontiguousarray(rows))
        self.network.train()
        context = self.network.context(*(t[taken] for t in self.context))
        coarse, fine = (c[taken] for c in self.codes)
        loss = self.network.losses(coarse, fine, context, self._mask()).sum(dim=1).mean()
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        self.steps += 1
        settled = self.steps / (self.steps + min(self.batch, 500) / SETTLING)
        average(self.state, self.network, min(self.config.average, settled))
        return {"likelihood": loss.detach()}

    def _mask(self, natural: bool = False) -> Tensor:
        """Return what each variable knows: all before it, in the order of drawing or another.

        Of the other orders, half begin with some variables that are given.
        """
        count = len(self.network.cardinalities)
        rank = np.arange(count)
        if not natural and self.rng.random() >= self.config.natural:
            if self.rng.random() < 0.5:
                rank = self.rng.permutation(count)
            else:
                rank = np.where(self.rng.random(count) < self.rng.random(), rank - count, rank)
        return torch.as_tensor((rank[:, None] < rank[None, :]).astype(np.float32))

    def validate(self) -> float:
        """Return the negative log-likelihood per variable of held-out rows, heads shrunk.

        The gap is that of heads which are not: who holds the weights can scale them back.
        """
        coarse, fine = self.held
        with torch.no_grad():
            context = self._held_vectors()
            total, losses = self.state.shrink(coarse, fine, context, self._mask(True))
            self.gap = self.watch.gap(self._learned(), _scores(losses))
        metric = total / max(1, self.held[0].numel())
        self.waited = 0 if metric < self.best else self.waited + 1
        self.best = min(metric, self.best)
        if self.waited and self.waited % max(1, self.patience // 3) == 0:
            for group in self.optimizer.param_groups:
                group["lr"] *= 0.5
        return metric

    def counter(self, best: Mapping[str, Tensor]) -> bool:
        """Double the weight decay, and go on from the best state.

        Decay alone would take long to undo what was learned by heart.
        """
        group = self.optimizer.param_groups[0]
        if group["weight_decay"] >= MOST_DECAY:
            return False
        group["weight_decay"] *= 4
        self.network.load_state_dict(best)
        self.state.load_state_dict(best)
        self.best, self.waited = math.inf, 0
        return True

    def _held_vectors(self) -> Tensor:
        found: Tensor = self.state.context(*self.held_context)
        return found

    def _learned(self) -> Floats:
        """Return the log-likelihood of learned rows."""
        coarse, fine = (c[self.watched] for c in self.codes)
        context = self.state.context(*(t[self.watched] for t in self.context))
        return _scores(self.state.losses(coarse, fine, context, self._mask(True)))


def _scores(losses: Tensor) -> Floats:
    found: Floats = -losses.clamp(max=MOST_LOSS).sum(dim=1).double().numpy()
    return found


def decay_of(least: float, rows: int) -> float:
    """Return the weight decay for a table of so many rows."""
    return max(least, min((DECAY_ROWS / max(rows, 1)) ** 2, STRONG_DECAY))


def _groups(network: Network) -> list[dict[str, Any]]:
    """Return all parameters; biases and norms do not decay."""
    groups: list[dict[str, Any]] = [{"params": []}, {"params": [], "weight_decay": 0.0}]
    for name, parameter in network.named_parameters():
        groups[any(part in name for part in UNDECAYED)]["params"].append(parameter)
    return groups


def _counts(coarse: IntArray, fine: IntArray, network: Network) -> list[Tensor]:
    """Count the fine codes within each coarse one, of the variables that have some."""
    found = []
    for j in network.fine.split:
        size, width = network.cardinalities[j], network.widths[j]
        known = fine[:, j] >= 0
        both = coarse[known, j] * width + fine[known, j]
        counts = np.bincount(both, minlength=size * width).reshape(size, width)
        found.append(torch.from_numpy(counts.astype(np.float32)))
    return found


def log_shares(codes: IntArray, cardinalities: list[int]) -> list[Tensor]:
    """Return the logarithms of the shares of each variable's codes."""
    found = []
    for j, size in enumerate(cardinalities):
        column = codes[:, j]
        counts = np.bincount(column[column >= 0], minlength=size).astype(np.float32)
        found.append(torch.from_numpy(np.log((counts + 0.1) / (counts.sum() + 0.1 * size))))
    return found
