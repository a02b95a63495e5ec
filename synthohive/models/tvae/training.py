"""TVAE's training: the evidence lower bound of batches, and of held-out rows."""

from __future__ import annotations

import math
from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from synthohive._arrays import Codes, Floats, IntArray
from synthohive.encoding.encoded import EncodedTable
from synthohive.models.blocks import BlockMap, as_tensors
from synthohive.models.memorisation import GapWatch, commonness, repeated
from synthohive.models.training import Trainable, average, batch_of
from synthohive.models.tvae.networks import TAU, Encoder, TVAEGenerator

if TYPE_CHECKING:
    from synthohive.models.tvae.model import TVAE

__all__ = ["TVAETask"]

SMALL_BATCH = 32
"""Rows at least in a batch; smaller ones hardly cost less.

Of 400 learned rows, batches of 32 instead of 400 bring the bound on held-out rows from 24 to 16, at
the same gap to learned ones.
"""
WATCHED = 1_000
"""Learned rows at most whose bound is compared with that of held-out rows."""


class Pair(nn.Module):
    """Encoder and generator, trained and averaged together."""

    def __init__(self, encoder: Encoder, generator: TVAEGenerator) -> None:
        super().__init__()
        self.encoder, self.generator = encoder, generator

    def forward(self, rows: Rows, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return each row's reconstruction loss and KL divergence, ``(B,)`` each."""
        context = self.generator.vector(*rows.context)
        means, logs = self.encoder(rows.codes, rows.values, context)
        z = means + logs.exp() * noise
        posterior = -(0.5 * (noise.square() + TAU) + logs).sum(dim=1)
        divergence = posterior - self.generator.prior.log_density(z, context)
        return self._losses(rows, *self.generator(z, context)), divergence

    def _losses(
        self, rows: Rows, wide: Tensor, large: list[Tensor], floats: tuple[Tensor, Tensor]
    ) -> Tensor:
        means, logs = floats
        far = (rows.values - means) * torch.exp(-logs)
        found = (rows.active * (0.5 * (far.square() + TAU) + logs)).sum(dim=1)
        blocks = self.generator.blocks
        found = found + small_losses(blocks, wide, rows.codes)
        for block, logits in zip(blocks.large, large):
            found = found + functional.cross_entropy(logits, rows.codes[:, block], reduction="none")
        return found


class Rows:
    """Rows and their contexts as tensors.

    Attributes
    ----------
    active : Tensor
        1 where a float means something.
    """

    def __init__(
        self, codes: Tensor, values: Tensor, active: Tensor, context: tuple[Tensor, Tensor]
    ) -> None:
        self.codes, self.values, self.active, self.context = codes, values, active, context

    @classmethod
    def of(cls, data: EncodedTable, context: EncodedTable) -> Rows:
        """Convert encoded rows."""
        active = np.ones(data.values.shape, dtype=np.float32)
        for i, block in enumerate(data.layout.continuous):
            if block.modes is not None:
                active[:, i] = data.codes[:, block.modes] < block.active
        return cls(*as_tensors(data), torch.from_numpy(active), as_tensors(context))

    def take(self, rows: Tensor) -> Rows:
        """Return some of the rows."""
        context = self.context[0][rows], self.context[1][rows]
        return Rows(self.codes[rows], self.values[rows], self.active[rows], context)

    def __len__(self) -> int:
        return len(self.codes)


def small_losses(blocks: BlockMap, wide: Tensor, codes: Tensor) -> Tensor:
    """Return each row's cross-entropy of its one-hot blocks, added."""
    if not blocks.small:
        return torch.zeros(len(codes))
    own = wide.gather(1, blocks.own(codes) + blocks.starts)
    return (blocks.log_sums(wide) - own).sum(dim=1)


class TVAETask(Trainable):
    """The training of one table."""

    def __init__(
        self,
        model: TVAE,
        data: EncodedTable,
        context: EncodedTable,
        training: IntArray,
        held: IntArray,
        rng: np.random.Generator,
    ) -> None:
        self.table, self.config, self.rng = model.metadata.name, model.config, rng
        self.rows = Rows.of(data.take(training), context.take(training))
        self.held = Rows.of(data.take(held), context.take(held))
        self.held_noise = self._noise(len(held))  # the same at each evaluation
        self.batch = batch_of(model.batch_size, len(training), SMALL_BATCH)
        self.order = np.empty(0, dtype=np.int64)
        self.networks = Pair(Encoder(data.layout, self.config), model.generator_)
        start_at_shares(model.generator_, data.take(training).codes)
        self.optimizer = torch.optim.AdamW(
            self.networks.parameters(),
            lr=self.config.lr * math.sqrt(max(self.batch, 500) / 500),
            weight_decay=self.config.decay,
            fused=True,
        )
        self.state: Pair = deepcopy(self.networks).eval()  # the moving average
        self.steps, self.best, self.waited = 0, math.inf, 0
        self.patience = self.config.patience
        watched = np.sort(rng.permutation(training)[:WATCHED])
        self.watched = Rows.of(data.take(watched), context.take(watched))
        self.watched_noise = self._noise(len(watched))
        common = commonness(data)
        self.watch = GapWatch(
            len(data), common[watched], common[held], repeated(data, training, held)
        )
        self.most_gap = self.watch.most

    def _noise(self, rows: int) -> Tensor:
        noise = self.rng.standard_normal((rows, self.config.latent), dtype=np.float32)
        return torch.from_numpy(noise)

    def step(self) -> dict[str, Tensor]:
        """Take one batch; see the base class."""
        if len(self.order) < self.batch:
            self.order = self.rng.permutation(len(self.rows))
        chosen, self.order = self.order[: self.batch], self.order[self.batch :]
        rows = self.rows.take(torch.from_numpy(np.ascontiguousarray(chosen)))
        self.steps += 1
        self.networks.train()
        errors, divergences = self.networks(rows, self._noise(self.batch))
        error, divergence = errors.mean(), divergences.mean()
        loss = error + self._beta() * divergence
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.networks.parameters(), 25.0)
        self.optimizer.step()
        average(self.state, self.networks, min(self.config.average, self.steps / (self.steps + 9)))
        return {"reconstruction": error.detach(), "divergence": divergence.detach()}

    def _beta(self) -> float:
        """Weight the divergence; less at first, so that the decoder learns to use the code."""
        return self.config.beta * min(1.0, self.steps / max(1, self.config.warm_up))

    @torch.no_grad()
    def validate(self) -> float:
        """Return the loss of held-out rows; lower the learning rate where it stays; set the gap."""
        held = self._scores(self.held, self.held_noise)
        metric = -float(held.mean())
        self.gap = self.watch.gap(self._scores(self.watched, self.watched_noise), held)
        self.waited = 0 if metric < self.best else self.waited + 1
        self.best = min(metric, self.best)
        if self.waited and self.waited % max(1, self.patience // 3) == 0:
            for group in self.optimizer.param_groups:
                group["lr"] *= 0.5
        return metric

    def _scores(self, rows: Rows, noise: Tensor) -> Floats:
        """Return the bound on the log-likelihood of each row."""
        errors, divergences = self.state(rows, noise)
        found: Floats = -(errors + self.config.beta * divergences).double().numpy()
        return found


def start_at_shares(generator: TVAEGenerator, codes: Codes) -> None:
    """Let the logits of one-hot blocks begin with the logarithms of the real shares."""
    if not generator.blocks.small:
        return
    shares = generator.blocks.frequencies(codes)
    with torch.no_grad():
        generator.wide.bias.copy_(torch.log(shares + 1e-4))  # type: ignore[operator]
