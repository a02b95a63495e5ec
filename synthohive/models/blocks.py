"""Encoded rows as tensors, and generator outputs as encoded rows.

Blocks of similar cardinality stand side by side, padded to a common power of two, so that
a softmax over *all* blocks takes a handful of tensor operations, however many columns
there are. Columns of padding are never hot and have a logit of minus infinity.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from synthohive._arrays import Codes
from synthohive.encoding.encoded import EncodedTable, Layout

__all__ = ["BlockMap", "TableInput"]

MASKED = -1e9


class BlockMap(nn.Module):
    """Where each discrete block stands in the wide matrix ``(B, width)``.

    Attributes
    ----------
    small, large : list of int
        Discrete blocks that are one-hot, and those that are embedded.
    buckets : list of (int, int, int)
        First column, number of blocks, and padded width of each bucket.
    width : int
        Columns of the wide matrix.
    """

    mask: Tensor
    starts: Tensor
    places: Tensor

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        cards = [b.cardinality for b in layout.discrete]
        self.large = [i for i, b in enumerate(layout.discrete) if b.embed]
        small = [i for i, b in enumerate(layout.discrete) if not b.embed]
        padded = {i: 1 << max(cards[i] - 1, 0).bit_length() for i in small}
        self.small = sorted(small, key=lambda i: (padded[i], i))
        self.cardinalities = cards
        self.start: dict[int, int] = {}
        self.buckets: list[tuple[int, int, int]] = []
        column = 0
        for wide in sorted(set(padded.values())):
            members = [i for i in self.small if padded[i] == wide]
            self.buckets.append((column, len(members), wide))
            for i in members:
                self.start[i] = column
                column += wide
        self.width = column
        mask = torch.zeros(self.width)
        for i, first in self.start.items():
            mask[first + cards[i] : first + padded[i]] = MASKED
        starts = torch.tensor([self.start[i] for i in self.small], dtype=torch.long)
        self.register_buffer("mask", mask, persistent=False)
        self.register_buffer("starts", starts, persistent=False)
        places = torch.tensor(self.small, dtype=torch.long)
        self.register_buffer("places", places, persistent=False)

    def own(self, codes: Tensor) -> Tensor:
        """Return the codes of the blocks in :attr:`small`, in their order."""
        return codes.index_select(1, self.places)

    def one_hot(self, codes: Tensor) -> Tensor:
        """Return ``(B, width)`` from codes ``(B, blocks)``; a code of -1 gives zeros."""
        wide = torch.zeros(len(codes), self.width)
        if self.small:
            own = self.own(codes)
            wide.scatter_(1, (own.clamp(min=0) + self.starts), (own >= 0).to(wide.dtype))
        return wide

    def softmax(self, logits: Tensor) -> Tensor:
        """Return the softmax within each block of ``(B, width)`` logits."""
        return self._within(torch.softmax, logits)

    def log_softmax(self, logits: Tensor) -> Tensor:
        """Return the logarithm of :meth:`softmax`."""
        return self._within(torch.log_softmax, logits)

    def _within(self, function: Callable[..., Tensor], logits: Tensor) -> Tensor:
        parts = [
            function(logits[:, a : a + n * w].view(-1, n, w), dim=2).flatten(1)
            for a, n, w in self.buckets
        ]
        return torch.cat(parts, dim=1) if parts else logits

    def log_sums(self, logits: Tensor) -> Tensor:
        """Return the logarithm of each block's sum of exponentials, ``(B, blocks)``."""
        parts = [
            torch.logsumexp(logits[:, a : a + n * w].view(-1, n, w), dim=2)
            for a, n, w in self.buckets
        ]
        return torch.cat(parts, dim=1)

    def draw(self, logits: Tensor, uniforms: Tensor, codes: Tensor) -> None:
        """Fill `codes` by inverse CDF, with one uniform ``(B, blocks)`` for each block."""
        done = 0
        for first, count, wide in self.buckets:
            own = logits[:, first : first + count * wide].view(-1, count, wide)
            cdf = torch.softmax(own, dim=2).cumsum_(dim=2)
            u = uniforms[:, done : done + count] * cdf[:, :, -1]
            code = torch.searchsorted(cdf, u.unsqueeze(2)).squeeze(2)
            members = self.small[done : done + count]
            limits = torch.tensor([self.cardinalities[i] - 1 for i in members])
            codes[:, members] = torch.minimum(code, limits).to(codes.dtype)
            done += count

    def frequencies(self, codes: Codes) -> Tensor:
        """Return the share of each code, as one wide row."""
        out = torch.zeros(self.width)
        for i, first in self.start.items():
            column = codes[:, i]
            counts = np.bincount(column[column >= 0], minlength=self.cardinalities[i])
            share = counts / max(counts.sum(), 1)
            out[first : first + len(share)] = torch.from_numpy(share.astype(np.float32))
        return out


class TableInput(nn.Module):
    """Turns codes and floats into one matrix; large blocks pass an entity embedding."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.map = BlockMap(layout)
        sizes = [layout.discrete[i].cardinality for i in self.map.large]
        self.embeddings = nn.ModuleList(nn.Embedding(k, embedding_size(k)) for k in sizes)
        self.floats = len(layout.continuous)
        self.width = self.map.width + self.floats + sum(embedding_size(k) for k in sizes)

    def forward(self, codes: Tensor, values: Tensor) -> Tensor:
        """Return ``(B, width)``; absent rows (code -1) are zeros."""
        parts = [self.map.one_hot(codes), values]
        for block, table in zip(self.map.large, self.embeddings):
            present = (codes[:, block] >= 0).unsqueeze(1)
            parts.append(table(codes[:, block].clamp(min=0)) * present)
        return torch.cat(parts, dim=1)


def embedding_size(cardinality: int) -> int:
    """Return the usual rule of thumb for entity embeddings, at most 32."""
    return int(min(32, round(1.6 * cardinality**0.56)))


def as_tensors(table: EncodedTable) -> tuple[Tensor, Tensor]:
    """Return codes as int64 and values as float32 tensors."""
    return torch.from_numpy(table.codes.astype(np.int64)), torch.from_numpy(table.values)
