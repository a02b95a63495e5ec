"""CTGAN's two networks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from synthohive.core.data.encoded import EncodedTable, Layout
from synthohive.core.models.blocks import as_tensors
from synthohive.core.models.heads import RowGenerator

if TYPE_CHECKING:
    from synthohive.core.models.ctgan import CTGANConfig

__all__ = ["Discriminator", "Generator"]


class Residual(nn.Module):
    """A layer whose output is joined to its input."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, out)
        self.norm = nn.LayerNorm(out)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, width)`` to ``(B, width + out)``."""
        return torch.cat([torch.relu(self.norm(self.linear(x))), x], dim=1)


class Generator(RowGenerator):
    """From noise, condition and context to logits and floats.

    Attributes
    ----------
    shares : Tensor
        True frequencies of all codes of one-hot blocks, for the conditions.
    """

    shares: Tensor

    def __init__(self, layout: Layout, context: Layout, config: CTGANConfig) -> None:
        super().__init__(layout, context)
        self.noises = config.noise
        self.conditional = not (context.discrete or context.continuous)
        width = config.noise + self.blocks.width + self.context.width
        layers: list[nn.Module] = []
        for out in config.generator:
            layers.append(Residual(width, out))
            width += out
        self.body = nn.Sequential(*layers)
        self.add_heads(width, 1)
        self.register_buffer("shares", torch.zeros(self.blocks.width))

    def forward(
        self, noise: Tensor, condition: Tensor, context: Tensor
    ) -> tuple[Tensor, list[Tensor], Tensor]:
        """Return wide logits ``(B, width)``, large logits ``[(B, K)]``, floats ``(B, C)``."""
        h = self.body(torch.cat([noise, condition, context], dim=1))
        wide, large = self.logits(h)
        return wide, large, torch.tanh(self.floats(h))

    def conditions(self, context: EncodedTable, rng: np.random.Generator) -> Tensor:
        """Draw the place of each condition's one by the true frequencies.

        None where a context conditions.
        """
        rows, count = len(context), len(self.blocks.small)
        if not self.conditional or not count:
            return torch.empty(0, dtype=torch.long)
        which = rng.integers(count, size=rows)
        uniforms = rng.random(rows, dtype=np.float32)
        places = np.empty(rows, dtype=np.int64)
        shares = self.shares.numpy()
        for place, block in enumerate(self.blocks.small):
            first = self.blocks.start[block]
            cdf = np.cumsum(shares[first : first + self.blocks.cardinalities[block]])
            mine = np.flatnonzero(which == place)
            code = np.searchsorted(cdf, uniforms[mine] * cdf[-1])
            places[mine] = first + np.minimum(code, len(cdf) - 1)
        return torch.from_numpy(places)

    def noise(self, context: EncodedTable, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Draw noise and conditions."""
        noise = rng.standard_normal((len(context), self.noises), dtype=np.float32)
        return torch.from_numpy(noise), self.conditions(context, rng)

    def rows(
        self, context: EncodedTable, noise: tuple[Tensor, ...]
    ) -> tuple[Tensor, list[Tensor], Tensor]:
        """Return wide logits, large logits, and floats; see the base class.

        As :meth:`forward`, but that a condition, zeros and a one, picks a column of each
        layer's weights.
        """
        normal, places = noise
        apply = partial(self._without, places=places)
        h = torch.cat([normal, self.context(*as_tensors(context))], dim=1)
        for layer in self.body:
            residual = cast(Residual, layer)
            h = torch.cat([torch.relu(residual.norm(apply(residual.linear, h))), h], dim=1)
        wide, large = self.logits(h, apply)
        return wide, large, torch.tanh(apply(self.floats, h))

    def _without(self, layer: nn.Module, x: Tensor, places: Tensor) -> Tensor:
        """Apply a layer to inputs from which the condition is left out."""
        if not isinstance(layer, nn.Linear):
            return cast(Tensor, layer(x))
        stop = layer.in_features - self.context.width
        start = stop - self.blocks.width
        others = torch.cat([layer.weight[:, :start], layer.weight[:, stop:]], dim=1)
        found = functional.linear(x, others, layer.bias)
        if len(places):
            columns = layer.weight[:, start:stop].t().contiguous()
            found += functional.embedding(places, columns)
        return found


class Discriminator(nn.Module):
    """Scores packs of rows."""

    def __init__(self, width: int, pac: int, hidden: tuple[int, ...]) -> None:
        super().__init__()
        self.pac = pac
        layers: list[nn.Module] = []
        size = width * pac
        for out in hidden:
            layers += [nn.Linear(size, out), nn.LeakyReLU(0.2), nn.Dropout(0.5)]
            size = out
        self.body = nn.Sequential(*layers, nn.Linear(size, 1))

    def forward(self, rows: Tensor) -> Tensor:
        """Map ``(B, width)`` to ``(B / pac, 1)``."""
        return self.body(rows.view(len(rows) // self.pac, -1))  # type: ignore[no-any-return]
