"""From one vector per row to a row: the output heads that generators share, and drawing."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from synthohive.encoding.encoded import EncodedTable, Layout
from synthohive.models.blocks import BlockMap, TableInput, active, drawn_codes, embedding_size

__all__ = ["RowGenerator"]


class Nothing(nn.Module):
    """The head of a table that has no such column."""

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, width)`` to ``(B, 0)``."""
        return x[:, :0]


def head(width: int, out: int) -> nn.Module:
    """Return a linear layer; one of nothing for a table without such a column."""
    return nn.Linear(width, out) if out else Nothing()


class RowGenerator(nn.Module):
    """Base of the networks that turn noise and a context into rows.

    Attributes
    ----------
    bias, large_bias : Tensor, list of Tensor
        Calibration of the logits, set after training.
    """

    bias: Tensor

    def __init__(self, layout: Layout, context: Layout) -> None:
        super().__init__()
        self.layout = layout
        self.blocks = BlockMap(layout)
        self.context = TableInput(context)

    def add_heads(self, width: int, floats: int) -> None:
        """Add the heads for all blocks, `floats` outputs for each continuous one."""
        self.wide = head(width, self.blocks.width)
        self.floats = head(width, floats * len(self.layout.continuous))
        cards = [self.layout.discrete[i].cardinality for i in self.blocks.large]
        # logits (B, K) of a large block are products with its embedding, of rank 32 at most: a
        # matrix of its own would have width * K weights, most of them of codes that few rows have
        self.query = nn.ModuleList(nn.Linear(width, embedding_size(k)) for k in cards)
        self.tables = [nn.Embedding(k, embedding_size(k)) for k in cards]
        self.embeddings = nn.ModuleList(self.tables)
        # buffers: saved with the weights, but nothing that training moves, decays or averages
        self.register_buffer("bias", torch.zeros(self.blocks.width))
        for i, k in enumerate(cards):
            self.register_buffer(f"large_bias{i}", torch.zeros(k))

    @property
    def large_bias(self) -> list[Tensor]:
        """The calibration of each large block."""
        return [getattr(self, f"large_bias{i}") for i in range(len(self.blocks.large))]

    def logits(
        self, hidden: Tensor, apply: Callable[[nn.Module, Tensor], Tensor] = nn.Module.__call__
    ) -> tuple[Tensor, list[Tensor]]:
        """Return wide logits ``(B, width)`` and those of large blocks ``[(B, K)]``."""
        wide = apply(self.wide, hidden) + (self.blocks.mask + self.bias)  # padding: never drawn
        large = [
            apply(query, hidden) @ table.weight.t() + bias
            for query, table, bias in zip(self.query, self.tables, self.large_bias)
        ]
        return wide, large

    @abstractmethod
    def noise(self, context: EncodedTable, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Draw what makes the rows of the same context differ."""

    @abstractmethod
    def rows(
        self, context: EncodedTable, noise: tuple[Tensor, ...]
    ) -> tuple[Tensor, list[Tensor], Tensor]:
        """Return wide logits, large logits, and drawn floats."""

    @torch.no_grad()
    def draw(self, context: EncodedTable, rng: np.random.Generator) -> EncodedTable:
        """Draw a row for each of the context."""
        self.eval()
        noise = self.noise(context, rng)
        shape = len(context), len(self.layout.discrete)
        uniforms = torch.from_numpy(rng.random(shape, dtype=np.float32))
        wide, large, floats = self.rows(context, noise)
        codes = torch.zeros(shape, dtype=torch.int32)
        small = len(self.blocks.small)
        # drawn, not the largest: a code that is nowhere the most probable one would never come
        self.blocks.draw(wide, uniforms[:, :small], codes)
        for place, (block, logits) in enumerate(zip(self.blocks.large, large), small):
            codes[:, block] = drawn_codes(logits, uniforms[:, place]).to(torch.int32)
        made = EncodedTable(self.layout, codes.numpy(), floats.numpy())
        # floats of rows whose code stands for NULL were drawn, too: one tensor for all rows
        for i in range(len(self.layout.continuous)):
            made.values[~active(made, i), i] = 0.0
        return made
