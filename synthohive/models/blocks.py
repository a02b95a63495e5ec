"""Encoded rows as tensors, and generator outputs as encoded rows.

Blocks of similar cardinality stand side by side, padded to a common power of two, so that
a softmax over *all* blocks takes a handful of tensor operations, however many columns
there are. Columns of padding are never hot and have a logit of minus infinity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from synthohive._arrays import Bools, Codes
from synthohive.encoding.encoded import EncodedTable, Layout

__all__ = [
    "BlockMap",
    "Rows",
    "TableInput",
    "active",
    "as_tensors",
    "drawn_codes",
    "embedding_size",
]

MASKED = -1e9
"""Logit of what is padded: minus infinity would make NaN of a gradient."""


class BlockMap(nn.Module):
    """Where each discrete block stands in the wide matrix ``(B, width)``."""

    mask: Tensor  # (width,), what is added to logits
    starts: Tensor  # (small blocks,), first column of each
    places: Tensor  # (small blocks,), its place among the codes

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        cards = [b.cardinality for b in layout.discrete]
        self.large = [i for i, b in enumerate(layout.discrete) if b.embed]  # the others: one-hot
        small = [i for i, b in enumerate(layout.discrete) if not b.embed]
        # blocks of 5, 7 and 8 codes become one tensor (B, 3, 8): as many operations as there are
        # powers of two, for a hundred columns too; at most half of it is padding
        padded = {i: 1 << max(cards[i] - 1, 0).bit_length() for i in small}
        self.small = sorted(small, key=lambda i: (padded[i], i))
        self.cardinalities = cards
        self.start: dict[int, int] = {}
        # first column, number of blocks, and padded width of each
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
        own = self.own(codes)
        # one write a block, also where the code is -1: a zero into the block's first column
        wide = torch.zeros(len(codes), self.width)
        return wide.scatter_(1, own.clamp(min=0) + self.starts, (own >= 0).to(wide.dtype))

    def softmax(self, logits: Tensor) -> Tensor:
        """Return the softmax within each block of ``(B, width)`` logits."""
        return self._within(torch.softmax, logits)

    def log_softmax(self, logits: Tensor) -> Tensor:
        """Return the logarithm of :meth:`softmax`."""
        # not the logarithm of what is rounded to 0: an improbable code would have an infinite loss
        return self._within(torch.log_softmax, logits)

    def _within(self, function: Callable[..., Tensor], logits: Tensor) -> Tensor:
        parts = [
            function(logits[:, a : a + n * w].view(-1, n, w), dim=2).flatten(1)
            for a, n, w in self.buckets
        ]
        return torch.cat(parts, dim=1) if parts else logits

    def draw(self, logits: Tensor, uniforms: Tensor, codes: Tensor) -> None:
        """Draw the codes of the one-hot blocks.

        Parameters
        ----------
        logits : Tensor, shape (B, width)
            Padding is masked.
        uniforms : Tensor, shape (B, small blocks)
            In [0, 1), in the order of :attr:`small`.
        codes : Tensor of int, shape (B, blocks)
            Its columns of :attr:`small` are overwritten; those of large blocks stay.
        """
        done = 0
        for first, count, wide in self.buckets:  # (B, count, wide), as it is padded
            own = logits[:, first : first + count * wide].view(-1, count, wide)
            code = drawn_codes(own, uniforms[:, done : done + count])
            codes[:, self.small[done : done + count]] = code.to(codes.dtype)
            done += count

    def frequencies(self, codes: Codes) -> Tensor:
        """Return the share of each code, as one wide row; 0 of padding."""
        out = torch.zeros(self.width)
        for i, first in self.start.items():
            share = shares(codes[:, i], self.cardinalities[i])
            out[first : first + len(share)] = share
        return out


def shares(codes: Codes, cardinality: int) -> Tensor:
    """Return the share of each code among the rows that have one, ``(cardinality,)``."""
    counts = np.bincount(codes[codes >= 0], minlength=cardinality)
    return torch.from_numpy((counts / max(counts.sum(), 1)).astype(np.float32))


def drawn_codes(logits: Tensor, uniforms: Tensor) -> Tensor:
    """Draw codes ``(…)`` from logits ``(…, K)``, by inverting the distribution functions."""
    cdf = torch.softmax(logits, dim=-1).cumsum_(dim=-1)
    places = uniforms * cdf[..., -1]  # sums of float32 do not end at 1
    # of equal places the search takes the first: one of padding, which comes last, is never drawn
    return torch.searchsorted(cdf, places.unsqueeze(-1)).squeeze(-1)


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


@dataclass
class Rows:
    """Rows and their context as tensors."""

    codes: Tensor  # (B, blocks)
    values: Tensor  # (B, floats)
    active: Tensor  # (B, floats), 1 where a float means something
    context: tuple[Tensor, Tensor]  # codes and values

    @classmethod
    def of(cls, data: EncodedTable, context: EncodedTable) -> Rows:
        """Convert encoded rows."""
        told = [active(data, i) for i in range(len(data.layout.continuous))]
        marks = np.stack(told, axis=1) if told else np.empty(data.values.shape)
        tensor = torch.from_numpy(marks.astype(np.float32))
        return cls(*as_tensors(data), tensor, as_tensors(context))

    def take(self, rows: Tensor) -> Rows:
        """Return some of the rows."""
        context = self.context[0][rows], self.context[1][rows]
        return Rows(self.codes[rows], self.values[rows], self.active[rows], context)

    def __len__(self) -> int:
        return len(self.codes)


def active(table: EncodedTable, i: int) -> Bools:
    """Return in which rows a float means something, ``(rows,)``."""
    block = table.layout.continuous[i]
    if block.modes is None:
        return np.ones(len(table), dtype=bool)
    found: Bools = table.codes[:, block.modes] < block.active
    return found


def embedding_size(cardinality: int) -> int:
    """Return the usual rule of thumb for entity embeddings, at most 32."""
    return int(min(32, round(1.6 * cardinality**0.56)))


def as_tensors(table: EncodedTable) -> tuple[Tensor, Tensor]:
    """Return codes as int64 and values as float32 tensors."""
    return torch.from_numpy(table.codes.astype(np.int64)), torch.from_numpy(table.values)
