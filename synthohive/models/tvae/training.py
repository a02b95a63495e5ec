"""TVAE's training: the evidence lower bound of batches, and of held-out rows."""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from synthohive._arrays import Codes, Floats
from synthohive.models.blocks import BlockMap, Rows
from synthohive.models.memorisation import GapWatch
from synthohive.models.training import DescentTask, Schedule, TrainingSet, batch_of
from synthohive.models.tvae.config import TUNING, TVAEConfig
from synthohive.models.tvae.networks import TAU, Encoder, TVAEGenerator

__all__ = ["TVAETask"]


class Pair(nn.Module):
    """Encoder and generator, trained and averaged together."""

    def __init__(self, encoder: Encoder, generator: TVAEGenerator) -> None:
        super().__init__()
        self.encoder, self.generator = encoder, generator

    def forward(self, rows: Rows, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return each row's reconstruction loss and KL divergence, ``(B,)`` each."""
        context = self.generator.vector(*rows.context)
        means, logs = self.encoder(rows.codes, rows.values, context)
        z = means + logs.exp() * noise  # so that gradients reach the encoder through the draw
        # one draw's log-densities, not the closed form: the prior is no Gaussian
        posterior = -(0.5 * (noise.square() + TAU) + logs).sum(dim=1)
        divergence = posterior - self.generator.prior.log_density(z, context)
        return self._losses(rows, *self.generator(z, context)), divergence

    def _losses(
        self, rows: Rows, wide: Tensor, large: list[Tensor], floats: tuple[Tensor, Tensor]
    ) -> Tensor:
        means, logs = floats
        # minus the log-density of a normal; where a float means nothing, neither does its error
        far = (rows.values - means) * torch.exp(-logs)
        found = (rows.active * (0.5 * (far.square() + TAU) + logs)).sum(dim=1)
        blocks = self.generator.blocks
        found = found + small_losses(blocks, wide, rows.codes)
        for block, logits in zip(blocks.large, large):
            found = found + functional.cross_entropy(logits, rows.codes[:, block], reduction="none")
        return found


def small_losses(blocks: BlockMap, wide: Tensor, codes: Tensor) -> Tensor:
    """Return each row's cross-entropy of its one-hot blocks, added.

    Parameters
    ----------
    blocks : BlockMap
    wide : Tensor, shape (B, width)
        Logits, those of padding masked.
    codes : Tensor of int, shape (B, blocks)
        Of all blocks, from 0 on.

    Returns
    -------
    Tensor, shape (B,)
        In nats.
    """
    if not blocks.small:
        return torch.zeros(len(codes))
    own = wide.gather(1, blocks.own(codes) + blocks.starts)
    return (blocks.log_sums(wide) - own).sum(dim=1)


class TVAETask(DescentTask):
    """The training of one table; `least` batches make an epoch at least."""

    network: Pair
    state: Pair

    def __init__(
        self,
        rows: TrainingSet,
        network: TVAEGenerator,
        config: TVAEConfig,
        least: int,
        rng: np.random.Generator,
    ) -> None:
        batch = batch_of(rows.batch_size, len(rows.learned), TUNING.small_batch)
        super().__init__(rows, config, batch, rng)
        self.config = config
        plain = Schedule.of(config, rows, batch, least)
        short = -(-TUNING.patient_steps // plain.steps)  # epochs of as many batches
        patience = plain.patience * max(1, short // plain.evaluate_every)
        self.schedule = replace(plain, patience=patience)
        learned = rows.take(rows.learned)
        self.learned, self.held = Rows.of(*learned), Rows.of(*rows.take(rows.held))
        self.held_noise = self._noise(len(self.held))  # the same at each evaluation
        self.network = Pair(Encoder(rows.data.layout, config), network)
        start_at_shares(network, learned[0].codes)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=config.lr * math.sqrt(max(batch, 500) / 500),
            weight_decay=config.decay,
            fused=True,
        )
        self.state = deepcopy(self.network).eval()  # the moving average
        watched = np.sort(rng.permutation(rows.learned)[: TUNING.watched])
        self.watched = Rows.of(*rows.take(watched))
        self.watched_noise = self._noise(len(watched))
        self.watch = GapWatch.of(rows, watched, rows.held)
        self.most_gap = self.watch.most

    def _noise(self, rows: int) -> Tensor:
        """Return ``(rows, latent)``."""
        noise = self.rng.standard_normal((rows, self.config.latent), dtype=np.float32)
        return torch.as_tensor(noise)

    def step(self) -> dict[str, Tensor]:
        """Take one batch; see the base class."""
        rows = self.learned.take(self.next_rows())
        self.network.train()
        errors, divergences = self.network(rows, self._noise(self.batch))
        error, divergence = errors.mean(), divergences.mean()
        self.descend(error + self._beta() * divergence, 25.0, 9)
        return {"reconstruction": error.detach(), "divergence": divergence.detach()}

    def _beta(self) -> float:
        """Weight the divergence; less at first, so that the decoder learns to use the code."""
        return self.config.beta * min(1.0, (self.steps + 1) / max(1, self.config.warm_up))

    @torch.no_grad()
    def validate(self) -> float:
        """Return the loss of held-out rows; set the gap."""
        held = self._scores(self.held, self.held_noise)
        metric = -float(held.mean())
        self.gap = self.watch.gap(self._scores(self.watched, self.watched_noise), held)
        self.slow_down(metric)
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
        # 1e-4: a code without learned rows has a finite logit
        generator.wide.bias.copy_(torch.log(shares + 1e-4))  # type: ignore[operator]
