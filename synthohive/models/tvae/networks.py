"""TVAE's networks: the encoder, and the generator with its prior."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from synthohive.encoding.encoded import EncodedTable, Layout
from synthohive.models.blocks import TableInput, as_tensors
from synthohive.models.heads import RowGenerator
from synthohive.models.tvae.config import TUNING, TVAEConfig

__all__ = ["TAU", "Encoder", "TVAEGenerator"]

TAU = math.log(2 * math.pi)


class Body(nn.Module):
    """Residual layers, each normalised before."""

    def __init__(self, width: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.first = nn.Linear(width, hidden)
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(hidden),
                nn.Linear(hidden, hidden),
                nn.SiLU(),
                nn.Linear(hidden, hidden),
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, width)`` to ``(B, hidden)``."""
        # residual, unlike the paper's: gradients reach the first layer however many there are
        hidden = self.first(x)
        for layer in self.layers:
            hidden = hidden + layer(hidden)
        return functional.silu(self.norm(hidden))


class Coupling(nn.Module):
    """Shifts and scales one half of a vector by what the other half and the context say."""

    def __init__(self, latent: int, context: int, hidden: int) -> None:
        super().__init__()
        self.kept = latent // 2
        self.net = nn.Sequential(
            nn.Linear(self.kept + context, hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Linear(hidden, 2 * (latent - self.kept)),
        )
        # begins as the identity: the prior is the paper's normal one, until rows ask for another
        for parameter in self.net[-1].parameters():
            nn.init.zeros_(parameter)

    def _terms(self, kept: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        shift, log = self.net(torch.cat([kept, context], dim=1)).chunk(2, dim=1)
        return shift, 2 * torch.tanh(log / 2)  # within e**-2 … e**2: no coupling can explode

    def forward(self, z: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Return the vector one step nearer to noise, and the logarithm of its stretch."""
        kept, other = z[:, : self.kept], z[:, self.kept :]
        shift, log = self._terms(kept, context)
        # the halves change places, so that the next coupling moves what this one kept
        turned = torch.cat([(other - shift) * torch.exp(-log), kept], dim=1)
        return turned, -log.sum(dim=1)

    def inverse(self, z: Tensor, context: Tensor) -> Tensor:
        """Return the vector one step further from noise."""
        other, kept = z[:, : z.shape[1] - self.kept], z[:, z.shape[1] - self.kept :]
        shift, log = self._terms(kept, context)
        return torch.cat([kept, other * torch.exp(log) + shift], dim=1)


class Flow(nn.Module):
    """The prior: a normal distribution bent by couplings that see the context.

    Learned with the rest. One Gaussian leaves holes: vectors that it draws but that no
    real row has.
    """

    def __init__(self, latent: int, context: int, hidden: int, couplings: int) -> None:
        super().__init__()
        self.couplings = nn.ModuleList(Coupling(latent, context, hidden) for _ in range(couplings))

    def log_density(self, z: Tensor, context: Tensor) -> Tensor:
        """Return the logarithmic density of each row, ``(B,)``."""
        total = torch.zeros(len(z))
        for coupling in self.couplings:
            z, stretch = coupling(z, context)
            total = total + stretch
        # change of variables: the density of the noise, and by how much each step stretched it
        return total - 0.5 * (z.square() + TAU).sum(dim=1)

    def draw(self, noise: Tensor, context: Tensor) -> Tensor:
        """Return vectors ``(B, latent)``."""
        z = noise
        for coupling in reversed(list(self.couplings)):
            z = cast(Coupling, coupling).inverse(z, context)
        return z


class Encoder(nn.Module):
    """From a row and its context to a Gaussian over latent vectors."""

    def __init__(self, layout: Layout, config: TVAEConfig) -> None:
        super().__init__()
        self.input = TableInput(layout)
        self.body = Body(self.input.width + config.context, config.hidden, config.layers)
        self.out = nn.Linear(config.hidden, 2 * config.latent)

    def forward(self, codes: Tensor, values: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Return means and logarithms of the deviations, ``(B, latent)`` each.

        Parameters
        ----------
        codes : Tensor of int, shape (B, blocks)
        values : Tensor, shape (B, floats)
        context : Tensor, shape (B, context)
        """
        hidden = self.body(torch.cat([self.input(codes, values), context], dim=1))
        means, logs = self.out(hidden).chunk(2, dim=1)
        return means, logs.clamp(-6, 3)  # e**-6 … e**3: none vanishes or explodes


class TVAEGenerator(RowGenerator):
    """The prior and the decoder, which make rows, and the vector of a context."""

    def __init__(self, layout: Layout, context: Layout, config: TVAEConfig) -> None:
        super().__init__(layout, context)
        self.latent, self.given = config.latent, config.context
        if self.context.width:
            self.above = nn.Sequential(
                nn.Linear(self.context.width, config.hidden),
                nn.SiLU(),
                nn.Linear(config.hidden, config.context),
            )
        self.prior = Flow(config.latent, config.context, config.prior, config.couplings)
        self.body = Body(config.latent + config.context, config.hidden, config.layers)
        self.add_heads(config.hidden, 2)

    def vector(self, codes: Tensor, values: Tensor) -> Tensor:
        """Return the vector of a context; zeros where there is none to see."""
        if not self.context.width:
            return torch.zeros(len(codes), self.given)
        # (B, 32), once for encoder, prior and decoder, instead of all columns of all parents in the
        # first layer of each
        found: Tensor = self.above(self.context(codes, values))
        return found

    def forward(
        self, z: Tensor, context: Tensor
    ) -> tuple[Tensor, list[Tensor], tuple[Tensor, Tensor]]:
        """Return wide logits, large logits, and the floats' means and log deviations."""
        hidden = self.body(torch.cat([z, context], dim=1))
        wide, large = self.logits(hidden)
        means, logs = self.floats(hidden).chunk(2, dim=1)
        return wide, large, (means, logs.clamp(TUNING.least_log, TUNING.most_log))

    def noise(self, context: EncodedTable, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Draw what becomes the latent vector, and the floats' noise."""
        rows, floats = len(context), len(self.layout.continuous)
        parts = [rng.standard_normal((rows, n), dtype=np.float32) for n in (self.latent, floats)]
        return tuple(map(torch.from_numpy, parts))

    def rows(
        self, context: EncodedTable, noise: tuple[Tensor, ...]
    ) -> tuple[Tensor, list[Tensor], Tensor]:
        """Return wide logits, large logits, and drawn floats; see the base class."""
        normal, own = noise
        vector = self.vector(*as_tensors(context))
        wide, large, (means, logs) = self(self.prior.draw(normal, vector), vector)
        # a normal has no ends; beyond those of a mode there is no value that decoding knows
        return wide, large, (means + logs.exp() * own).clamp(-1, 1)
