"""TVAE's training: the evidence lower bound of batches, and of held-out rows."""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from synthohive._arrays import Floats
from synthohive.models.blocks import Rows
from synthohive.models.lean_torch import AdamW
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
        """Return each row's reconstruction loss and KL divergence, ``(B,)`` each, in nats."""
        context = self.generator.vector(*rows.context)
        means, logs = self.encoder(rows.codes, rows.values, context)
        z = means + logs.exp() * noise  # so that gradients reach the encoder through the draw
        # one draw's log-densities, not the closed form: the prior is no Gaussian
        posterior = -(0.5 * (noise.square() + TAU) + logs).sum(dim=1)
        divergence = posterior - self.generator.prior.log_density(z, context)
        wide, large, (means, logs) = self.generator(z, context)
        # minus the log-density of a normal; where a float means nothing, neither does its error
        far = (rows.values - means) * torch.exp(-logs)
        errors = (rows.active * (0.5 * (far.square() + TAU) + logs)).sum(dim=1)
        blocks = self.generator.blocks
        # all one-hot blocks at once, (B, blocks): the log-probability of each one's code
        own = blocks.log_softmax(wide).gather(1, blocks.own(rows.codes) + blocks.starts)
        errors = errors - own.sum(dim=1)
        for block, logits in zip(blocks.large, large):
            own = functional.cross_entropy(logits, rows.codes[:, block], reduction="none")
            errors = errors + own
        return errors, divergence


class TVAETask(DescentTask):
    """The training of one table."""

    network: Pair
    state: Pair

    def __init__(
        self,
        rows: TrainingSet,
        network: TVAEGenerator,
        config: TVAEConfig,
        rng: np.random.Generator,
    ) -> None:
        batch = batch_of(rows.batch_size, len(rows.learned), TUNING.small_batch)
        super().__init__(rows, config, batch, rng)
        self.config = config
        plain = Schedule.of(config, rows, batch, TUNING.least_steps)
        # a fixed number of epochs of few batches each would be over before anything is learned
        short = -(-TUNING.patient_steps // plain.steps)  # epochs of as many batches
        patience = plain.patience * max(1, short // plain.evaluate_every)
        self.schedule = replace(plain, patience=patience)
        learned = rows.take(rows.learned)
        self.learned, self.held = Rows.of(*learned), Rows.of(*rows.take(rows.held))
        self.held_noise = self._noise(len(self.held))  # the same at each evaluation
        self.network = Pair(Encoder(rows.data.layout, config), network)
        if network.blocks.small:
            # begins with the shares, or the first batches would be spent on learning them;
            # 1e-4: a code without learned rows has a finite logit
            shares = network.blocks.frequencies(learned[0].codes)
            network.wide.bias.data.copy_(torch.log(shares + 1e-4))  # type: ignore[operator]
        self.optimizer = AdamW(
            self.network.parameters(),
            # with the root of the batch, as the noise of a gradient falls (Malladi et al., 2022)
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

    @property
    def drawn(self) -> TVAEGenerator:
        """The generator alone: who draws does not need the encoder."""
        return self.state.generator

    def step(self) -> dict[str, Tensor]:
        """Take one batch; see the base class."""
        rows = self.learned.take(self.next_rows())
        self.network.train()
        errors, divergences = self.network(rows, self._noise(self.batch))
        error, divergence = errors.mean(), divergences.mean()
        # less of the divergence at first (Bowman et al., 2016): while the decoder knows nothing, a
        # posterior equal to the prior costs least, and the vector would never be used
        beta = self.config.beta * min(1.0, (self.steps + 1) / max(1, self.config.warm_up))
        self.descend(error + beta * divergence, 25.0, 9)
        return {"reconstruction": error.detach(), "divergence": divergence.detach()}

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
