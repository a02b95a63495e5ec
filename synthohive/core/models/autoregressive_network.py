"""The network of the autoregressive model: every variable's distribution given those before it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from synthohive.core.data.encoded import EncodedTable, Layout

__all__ = ["Network"]

SMALL = 64
"""Heads of up to this many codes share one padded product."""


class Network(nn.Module):
    """Embeddings, masked sums of those before, one residual layer, and a head per variable.

    All variables' layers are fused: the sums are one product with a masked matrix, the
    layers and the small heads batched ones. B rows, J variables, E embedding, H hidden.

    Parameters
    ----------
    cardinalities : sequence of int
    context : Layout
    embedding, hidden, context_width : int
    dropout : float
    """

    def __init__(
        self,
        cardinalities: Sequence[int],
        context: Layout,
        *,
        embedding: int,
        hidden: int,
        context_width: int,
        dropout: float,
    ) -> None:
        super().__init__()
        count = len(cardinalities)
        self.cardinalities, self.embedding, self.hidden = list(cardinalities), embedding, hidden
        self.offsets: Tensor
        self.register_buffer("offsets", _offsets(cardinalities), persistent=False)
        self.embed = nn.Embedding(sum(cardinalities) or 1, embedding)
        self.context = _Context(context, context_width)
        self.from_context = nn.Linear(context_width, max(count, 1) * hidden)
        self.before = nn.Parameter(torch.randn(count, embedding, count, hidden))
        self.norm = nn.LayerNorm(hidden)
        self.layer = nn.Parameter(torch.randn(count, hidden, hidden) / math.sqrt(hidden))
        self.layer_bias = nn.Parameter(torch.zeros(count, 1, hidden))
        self.drop = nn.Dropout(dropout)
        with torch.no_grad():
            self.before.mul_(1 / math.sqrt(embedding * max(count, 1)))
        self.small = [j for j, size in enumerate(cardinalities) if size <= SMALL]
        self.large = [j for j, size in enumerate(cardinalities) if size > SMALL]
        widest = max((cardinalities[j] for j in self.small), default=1)
        self.small_heads = nn.Parameter(torch.zeros(len(self.small), hidden, widest))
        self.small_bias = nn.Parameter(torch.full((len(self.small), 1, widest), -1e4))
        with torch.no_grad():  # what is padded has no share
            for place, j in enumerate(self.small):
                self.small_bias[place, 0, : cardinalities[j]] = 0.0
        self.large_heads = nn.ModuleList(nn.Linear(hidden, cardinalities[j]) for j in self.large)

    def start_at(self, log_shares: Sequence[Tensor]) -> None:
        """Begin with the logarithms of the marginal shares as biases, and silent heads."""
        with torch.no_grad():
            for place, j in enumerate(self.small):
                self.small_bias[place, 0, : len(log_shares[j])] = log_shares[j]
            for head, j in zip(self.large_heads, self.large):
                nn.init.zeros_(head.weight)  # type: ignore[arg-type]
                head.bias.copy_(log_shares[j])  # type: ignore[operator]

    def shift(self, biases: Sequence[Tensor]) -> None:
        """Add to the heads' biases."""
        with torch.no_grad():
            for place, j in enumerate(self.small):
                self.small_bias[place, 0, : len(biases[j])] += biases[j]
            for head, j in zip(self.large_heads, self.large):
                head.bias.add_(biases[j])  # type: ignore[operator]

    def embedded(self, codes: Tensor) -> Tensor:
        """Return (B, J, E); zeros where a code is -1."""
        known = (codes >= 0).unsqueeze(-1)
        found: Tensor = self.embed(codes.clamp(min=0) + self.offsets)
        return found * known

    def losses(self, codes: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """Return the negative log-likelihoods, (B, J); 0 where a code is -1.

        Parameters
        ----------
        codes : Tensor of int, shape (B, J)
        context : Tensor, shape (B, C)
        mask : Tensor, shape (J, J)
            1 where the row's variable is known to the column's.
        """
        count = len(self.cardinalities)
        weights = (self.before * mask[:, None, :, None]).view(-1, count * self.hidden)
        sums = self.from_context(context) + self.embedded(codes).flatten(1) @ weights
        hidden = self._deepened(sums.view(len(codes), count, self.hidden).transpose(0, 1))
        found = torch.zeros(codes.shape, dtype=hidden.dtype)
        if self.small:
            logits = hidden[self.small] @ self.small_heads + self.small_bias  # (J', B, K)
            wanted = codes[:, self.small].T  # (J', B)
            flat = functional.cross_entropy(
                logits.flatten(0, 1), wanted.flatten(), ignore_index=-1, reduction="none"
            )
            found[:, self.small] = flat.view(wanted.shape).T
        for head, j in zip(self.large_heads, self.large):
            found[:, j] = functional.cross_entropy(
                head(hidden[j]), codes[:, j], ignore_index=-1, reduction="none"
            )
        return found

    def _deepened(self, sums: Tensor) -> Tensor:
        """Return (J, B, H) from the sums of the same shape."""
        hidden = self.drop(functional.silu(self.norm(sums)))
        layered = functional.silu(torch.baddbmm(self.layer_bias, hidden, self.layer))
        deeper: Tensor = hidden + layered
        return deeper

    def logits(self, j: int, sums: Tensor) -> Tensor:
        """Return the logits of one variable, (B, K), from its sums (B, H)."""
        hidden = functional.silu(self.norm(sums))
        hidden = hidden + functional.silu(hidden @ self.layer[j] + self.layer_bias[j])
        if j in self.large:
            found: Tensor = self.large_heads[self.large.index(j)](hidden)
            return found
        place = self.small.index(j)
        size = self.cardinalities[j]
        return hidden @ self.small_heads[place, :, :size] + self.small_bias[place, :, :size]

    def draw(self, context: Tensor, uniforms: Tensor, inactive: Sequence[object]) -> Tensor:
        """Draw all variables in their order by inverting each one's distribution function.

        Parameters
        ----------
        context : Tensor, shape (B, C)
        uniforms : Tensor, shape (B, J)
        inactive : sequence of callable or None
            For each variable, what tells from the codes so far in which rows it means nothing.

        Returns
        -------
        Tensor of int, shape (B, J)
        """
        rows, count = len(context), len(self.cardinalities)
        codes = torch.full((rows, count), -1, dtype=torch.long)
        if not count:
            return codes
        known = torch.zeros(rows, count * self.embedding)
        sums = self.from_context(context).view(rows, count, self.hidden)
        for j in range(count):
            width = j * self.embedding
            weights = self.before[:j, :, j].reshape(width, self.hidden)
            logits = self.logits(j, sums[:, j] + known[:, :width] @ weights)
            cumulated = torch.softmax(logits, dim=1).cumsum(dim=1)
            target = uniforms[:, j : j + 1] * cumulated[:, -1:]
            drawn = torch.searchsorted(cumulated, target, right=True).squeeze(1)
            drawn = drawn.clamp(max=self.cardinalities[j] - 1)
            absent = inactive[j]
            if callable(absent):
                drawn = torch.where(absent(codes), torch.full_like(drawn, -1), drawn)
            codes[:, j] = drawn
            vectors = self.embed(drawn.clamp(min=0) + self.offsets[j])
            known[:, width : width + self.embedding] = vectors * (drawn >= 0).unsqueeze(1)
        return codes


class _Context(nn.Module):
    """Context rows as one vector: embedded codes and floats through one layer."""

    def __init__(self, layout: Layout, width: int, embedding: int = 8) -> None:
        super().__init__()
        sizes = [block.cardinality + 1 for block in layout.discrete]  # 0: an absent parent
        self.offsets: Tensor
        self.register_buffer("offsets", _offsets(sizes), persistent=False)
        self.embed = nn.Embedding(sum(sizes) or 1, embedding)
        inputs = len(sizes) * embedding + len(layout.continuous)
        self.layers = nn.Sequential(
            nn.Linear(max(inputs, 1), width), nn.SiLU(), nn.Linear(width, width)
        )
        self.width = width
        self.given = inputs > 0

    def forward(self, codes: Tensor, values: Tensor) -> Tensor:
        if not self.given:
            return torch.zeros(len(codes), self.width)
        vectors = self.embed(codes + 1 + self.offsets).flatten(1)
        found: Tensor = self.layers(torch.cat([vectors, values], dim=1))
        return found


def context_tensors(context: EncodedTable) -> tuple[Tensor, Tensor]:
    """Return the codes and values of context rows."""
    return torch.from_numpy(context.codes.astype("int64")), torch.from_numpy(context.values)


def _offsets(sizes: Sequence[int]) -> Tensor:
    starts = [0]
    for size in sizes:
        starts.append(starts[-1] + size)
    return torch.tensor(starts[:-1], dtype=torch.long)
