"""CTGAN's two networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from synthohive.core.data.encoded import EncodedTable, Layout
from synthohive.core.models.blocks import BlockMap, TableInput, as_tensors, embedding_size

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


class Nothing(nn.Module):
    """The head of a table that has no such column."""

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, width)`` to ``(B, 0)``."""
        return x[:, :0]


def _head(width: int, out: int) -> nn.Module:
    return nn.Linear(width, out) if out else Nothing()


class Generator(nn.Module):
    """From noise, condition and context to logits and floats.

    Attributes
    ----------
    bias, large_bias : Tensor, list of Tensor
        Calibration of the logits, set after training.
    shares : Tensor
        True frequencies of all codes of one-hot blocks, for the conditions.
    """

    bias: Tensor
    shares: Tensor

    def __init__(self, layout: Layout, context: Layout, config: CTGANConfig) -> None:
        super().__init__()
        self.layout = layout
        self.blocks = BlockMap(layout)
        self.context = TableInput(context)
        self.conditional = not (context.discrete or context.continuous)
        width = config.noise + self.blocks.width + self.context.width
        layers: list[nn.Module] = []
        for out in config.generator:
            layers.append(Residual(width, out))
            width += out
        self.body = nn.Sequential(*layers)
        self.wide = _head(width, self.blocks.width)
        self.floats = _head(width, len(layout.continuous))
        cards = [layout.discrete[i].cardinality for i in self.blocks.large]
        # logits of a large block are the products with its embedding: rank 32 instead of K
        self.query = nn.ModuleList(nn.Linear(width, embedding_size(k)) for k in cards)
        self.tables = [nn.Embedding(k, embedding_size(k)) for k in cards]
        self.embeddings = nn.ModuleList(self.tables)
        self.register_buffer("bias", torch.zeros(self.blocks.width))
        self.register_buffer("shares", torch.zeros(self.blocks.width))
        for i, k in enumerate(cards):
            self.register_buffer(f"large_bias{i}", torch.zeros(k))

    @property
    def large_bias(self) -> list[Tensor]:
        """The calibration of each large block."""
        return [getattr(self, f"large_bias{i}") for i in range(len(self.blocks.large))]

    def reset_calibration(self) -> None:
        """Forget the calibration."""
        biases: list[Tensor] = [self.bias, *self.large_bias]
        for bias in biases:
            bias.zero_()

    def forward(
        self, noise: Tensor, condition: Tensor, context: Tensor
    ) -> tuple[Tensor, list[Tensor], Tensor]:
        """Return wide logits ``(B, width)``, large logits ``[(B, K)]``, floats ``(B, C)``."""
        h = self.body(torch.cat([noise, condition, context], dim=1))
        wide = self.wide(h) + self.blocks.mask + self.bias
        large = [
            query(h) @ table.weight.t() + bias
            for query, table, bias in zip(self.query, self.tables, self.large_bias)
        ]
        return wide, large, torch.tanh(self.floats(h))

    def conditions(self, context: EncodedTable, rng: np.random.Generator) -> Tensor:
        """Draw condition vectors by the true frequencies; zeros where a context conditions."""
        rows, count = len(context), len(self.blocks.small)
        condition = torch.zeros(rows, self.blocks.width)
        if not self.conditional or not count:
            return condition
        which = rng.integers(count, size=rows)
        uniforms = rng.random(rows, dtype=np.float32)
        codes = torch.full((rows, len(self.layout.discrete)), -1, dtype=torch.long)
        shares = self.shares.numpy()
        for place, block in enumerate(self.blocks.small):
            first = self.blocks.start[block]
            cdf = np.cumsum(shares[first : first + self.blocks.cardinalities[block]])
            mine = np.flatnonzero(which == place)
            code = np.searchsorted(cdf, uniforms[mine] * cdf[-1])
            codes[mine, block] = torch.from_numpy(np.minimum(code, len(cdf) - 1))
        return self.blocks.one_hot(codes)

    @torch.no_grad()
    def logits_of(
        self, context: EncodedTable, noise: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """Return the logits of many rows."""
        self.eval()
        wide, large, _ = self(*noise, self.context(*as_tensors(context)))
        return wide, large

    @torch.no_grad()
    def draw(
        self, context: EncodedTable, noise: tuple[Tensor, Tensor], uniforms: Tensor
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Return drawn codes and floats."""
        self.eval()
        wide, large, floats = self(*noise, self.context(*as_tensors(context)))
        codes = torch.zeros((len(context), len(self.layout.discrete)), dtype=torch.int32)
        small = len(self.blocks.small)
        self.blocks.draw(self.blocks.softmax(wide), uniforms[:, :small], codes)
        for place, (block, logits) in enumerate(zip(self.blocks.large, large)):
            cdf = torch.cumsum(torch.softmax(logits, dim=1), dim=1)
            u = uniforms[:, small + place] * cdf[:, -1]
            code = torch.searchsorted(cdf, u.unsqueeze(1)).squeeze(1)
            codes[:, block] = code.clamp(max=logits.shape[1] - 1).to(torch.int32)
        return codes.numpy(), floats.numpy()


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
