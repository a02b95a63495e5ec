"""The network of the autoregressive model: every variable's distribution given those before it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Optional

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from synthohive.encoding.encoded import EncodedTable, Layout
from synthohive.models.autoregressive.drawing import Step, steps_of
from synthohive.models.autoregressive.heads import FineHeads, Heads

__all__ = ["ContextNetwork", "Network", "context_tensors"]

WIDE, PACE = 64, 30.0
"""Further width of the vectors of many codes; how much faster these are learned.

A code that few rows have is in few batches: it has to go far in few steps.
"""
KNOTS = 33
WAVES = (1.0, 2.0, 4.0)


class Network(nn.Module):
    """Embeddings, masked sums of those before, one residual layer, and heads per variable.

    All variables' layers are fused: the sums are one product with a masked matrix, the
    layers and the heads batched ones. B rows, J variables, E embedding, H hidden.

    Parameters
    ----------
    cardinalities, widths : sequence of int
        Of each variable's coarse and fine integer.
    context : Layout
    embedding, hidden, context_width : int
    dropout : float
    wide : sequence of int
        Variables of many codes, each of which means something of its own.
    """

    def __init__(
        self,
        cardinalities: Sequence[int],
        widths: Sequence[int],
        context: Layout,
        *,
        embedding: int,
        hidden: int,
        context_width: int,
        dropout: float,
        wide: Sequence[int] = (),
    ) -> None:
        super().__init__()
        count = len(cardinalities)
        self.cardinalities, self.widths = list(cardinalities), list(widths)
        self.embedding, self.hidden = embedding, hidden
        sizes = [c * w for c, w in zip(cardinalities, widths)]
        self.offsets: Tensor
        self.fine_offsets: Tensor
        self.fine_width: Tensor
        self.register_buffer("offsets", _offsets(cardinalities), persistent=False)
        self.register_buffer("fine_offsets", _offsets(sizes), persistent=False)
        self.register_buffer("fine_width", torch.tensor(self.widths), persistent=False)
        self.embed = nn.Embedding(sum(cardinalities) or 1, embedding)
        self.embed_fine = nn.Embedding(sum(sizes) or 1, embedding)
        nn.init.zeros_(self.embed_fine.weight)
        self.context = ContextNetwork(context, context_width)
        self.from_context = nn.Linear(context_width, max(count, 1) * hidden)
        self.before = nn.Parameter(torch.randn(count, embedding, count, hidden))
        self.norm = nn.LayerNorm(hidden)
        self.layer = nn.Parameter(torch.randn(count, hidden, hidden) / math.sqrt(hidden))
        self.layer_bias = nn.Parameter(torch.zeros(count, 1, hidden))
        self.drop = nn.Dropout(dropout)
        with torch.no_grad():
            self.before.mul_(1 / math.sqrt(embedding * max(count, 1)))
        self.heads = Heads(cardinalities, hidden)
        self.fine = FineHeads(cardinalities, widths, hidden, wide)
        self.wide = list(wide)
        self.spans = [embedding + WIDE * (j in self.wide) for j in range(count)]
        self.wide_offsets: Tensor
        self.register_buffer(
            "wide_offsets", _offsets([sizes[j] for j in self.wide]), persistent=False
        )
        if self.wide:
            self.embed_wide = nn.Embedding(sum(sizes[j] for j in self.wide), WIDE)
            self.before_wide = nn.Parameter(torch.randn(len(self.wide), WIDE, count, hidden))
            with torch.no_grad():
                self.embed_wide.weight.div_(PACE)
                self.before_wide.mul_(1 / math.sqrt(WIDE * count))
        self._laid_out: dict[bool, list[Step]] = {}

    def embedded(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Return (B, J, E); zeros where a coarse code is -1."""
        known = (coarse >= 0).unsqueeze(-1)
        place = coarse.clamp(min=0)
        within = place * self.fine_width + fine.clamp(min=0) + self.fine_offsets
        found: Tensor = self.embed(place + self.offsets) + self.embed_fine(within)
        return found * known

    def embedded_wide(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Return (B, L, WIDE) of the variables of many codes."""
        own = coarse[:, self.wide]
        within = own.clamp(min=0) * self.fine_width[self.wide] + fine[:, self.wide].clamp(min=0)
        found: Tensor = PACE * self.embed_wide(within + self.wide_offsets)
        return found * (own >= 0).unsqueeze(-1)

    def weights_before(self, j: int, count: int) -> Tensor:
        """Return the weights of the vectors of the first variables in one's layer, (_, H)."""
        parts = []
        for i in range(count):
            parts.append(self.before[i, :, j])
            if i in self.wide:
                parts.append(self.before_wide[self.wide.index(i), :, j])
        return torch.cat(parts) if parts else self.before.new_zeros(0, self.hidden)

    def embedded_codes(self, j: int) -> Tensor:
        """Return the vectors of all pairs of codes of one variable, (K * W, E or more)."""
        size, width = self.cardinalities[j], self.widths[j]
        start, first = int(self.offsets[j]), int(self.fine_offsets[j])
        coarse = self.embed.weight[start : start + size].repeat_interleave(width, dim=0)
        found: Tensor = coarse + self.embed_fine.weight[first : first + size * width]
        if j in self.wide:
            begin = int(self.wide_offsets[self.wide.index(j)])
            own = self.embed_wide.weight[begin : begin + size * width]
            found = torch.cat([found, PACE * own], dim=1)
        return found

    def losses(self, coarse: Tensor, fine: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """Return the negative log-likelihoods, (B, J); 0 where a code is -1.

        Parameters
        ----------
        coarse, fine : Tensor of int, shape (B, J)
        context : Tensor, shape (B, C)
        mask : Tensor, shape (J, J)
            1 where the row's variable is known to the column's.
        """
        hidden = self._hidden_of_all(coarse, fine, context, mask)
        return self.heads.losses(hidden, coarse) + self.fine.losses(hidden, coarse, fine)

    def shrink(
        self, coarse: Tensor, fine: Tensor, context: Tensor, mask: Tensor
    ) -> tuple[float, Tensor]:
        """Scale each head as rows that were not learned bear out.

        Returns
        -------
        float
            Their total loss.
        Tensor, shape (B, J)
            What :meth:`losses` are, of heads that are not scaled.
        """
        hidden = self._hidden_of_all(coarse, fine, context, mask)
        plain = self.heads.losses(hidden, coarse) + self.fine.losses(hidden, coarse, fine)
        losses = self.heads.shrink(hidden, coarse).sum()
        return float(losses + self.fine.shrink(hidden, coarse, fine).sum()), plain

    def _hidden_of_all(self, coarse: Tensor, fine: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """Return (J, B, H)."""
        count = len(self.cardinalities)
        weights = (self.before * mask[:, None, :, None]).view(-1, count * self.hidden)
        sums = self.from_context(context) + self.embedded(coarse, fine).flatten(1) @ weights
        if self.wide:
            further = (self.before_wide * mask[self.wide][:, None, :, None]).flatten(0, 1)
            sums = sums + self.embedded_wide(coarse, fine).flatten(1) @ further.flatten(1)
        sums = sums.view(len(coarse), count, self.hidden).transpose(0, 1)
        hidden = self.drop(functional.relu(self.norm(sums)))
        layered = functional.relu(torch.baddbmm(self.layer_bias, hidden, self.layer))
        deeper: Tensor = hidden + layered
        return deeper

    @torch.inference_mode()
    def draw(
        self,
        context: Tensor,
        uniforms: Tensor,
        given: Optional[tuple[Tensor, Tensor]] = None,
        never: Optional[Mapping[int, tuple[int, int]]] = None,
    ) -> tuple[Tensor, Tensor]:
        """Draw all variables in their order by inverting each one's distribution function.

        Parameters
        ----------
        context : Tensor, shape (B, C)
        uniforms : Tensor, shape (2, J, B)
        given : (Tensor, Tensor), optional
            Coarse and fine codes of shape (B, J) that are known and stay; a coarse one of -1
            for what is drawn, of -2 for what tells nothing, and comes back as 0.
        never : dict of int to (int, int), optional
            Of some variables, a coarse and fine code that is not drawn; a fine one of -1 bars
            the coarse one.

        Returns
        -------
        coarse, fine : Tensor of int, shape (B, J)
        """
        rows, count = len(context), len(self.cardinalities)
        if given is None:
            coarse, fine = (torch.full((count, rows), -1, dtype=torch.long) for _ in range(2))
        else:
            coarse, fine = (codes.T.clone() for codes in given)
        known = torch.zeros(rows, sum(self.spans))
        ordered = given is None or not bool((given[0] >= 0).any())
        places = [slice(end - own, end) for end, own in zip(accumulate(self.spans), self.spans)]
        steps = self._steps(ordered, never or {})
        if given is not None:
            for j, step in enumerate(steps):
                step.embed(coarse[j], fine[j], known[:, places[j]])
        for j, step in enumerate(steps):
            if given is not None and bool((coarse[j] != -1).all()):
                continue
            hidden = None if step.layer is None else step.layer(context, known)
            drawn, finer = step.coarse.draw(hidden, uniforms[0, j]), fine[j]
            if step.fine is not None:
                finer = step.fine.draw(hidden, drawn, uniforms[1, j])
            if given is not None:
                stays = coarse[j] != -1
                drawn = torch.where(stays, coarse[j], drawn)
                finer = torch.where(stays, fine[j], finer)
            coarse[j], fine[j] = drawn, finer
            step.embed(coarse[j], fine[j], known[:, places[j]])
        return coarse.clamp_(min=0).T, fine.T

    def _steps(self, ordered: bool, never: Mapping[int, tuple[int, int]]) -> list[Step]:
        if ordered not in self._laid_out:
            self._laid_out[ordered] = steps_of(self, ordered)
        steps = list(self._laid_out[ordered])
        for j, codes in never.items():
            steps[j] = steps[j].without(*codes)
        return steps

    def train(self, mode: bool = True) -> Network:
        """Turn training on or off; what was laid out for drawing is forgotten."""
        self._laid_out.clear()
        return super().train(mode)

    def shift(self, biases: Sequence[Tensor]) -> None:
        """Add to the biases of the coarse codes."""
        self.heads.shift(biases)
        self._laid_out.clear()


class ContextNetwork(nn.Module):
    """Context rows as one vector: embedded codes, and floats by value and rank."""

    def __init__(self, layout: Layout, width: int, embedding: int = 8) -> None:
        super().__init__()
        sizes = [block.cardinality + 1 for block in layout.discrete]  # 0: an absent parent
        self.offsets: Tensor
        self.knots: Tensor
        self.register_buffer("offsets", _offsets(sizes), persistent=False)
        ranks = torch.linspace(-1, 1, KNOTS).repeat(len(layout.continuous), 1)
        self.register_buffer("knots", ranks)
        self.embed = nn.Embedding(sum(sizes) or 1, embedding)
        inputs = len(sizes) * embedding + len(layout.continuous) * (2 + 2 * len(WAVES))
        self.layers = nn.Sequential(
            nn.Linear(max(inputs, 1), width), nn.ReLU(), nn.Linear(width, width)
        )
        self.width = width
        self.given = inputs > 0

    def start_at(self, values: Tensor) -> None:
        """Take the ranks from the floats of the training rows."""
        if values.shape[1]:
            marks = np.quantile(values.numpy(), np.linspace(0, 1, KNOTS), axis=0).T
            self.knots.copy_(torch.from_numpy(np.ascontiguousarray(marks, dtype=np.float32)))

    def forward(self, codes: Tensor, values: Tensor) -> Tensor:
        """Return (B, width) from codes (B, D) and floats (B, F)."""
        if not self.given:
            return torch.zeros(1, self.width).expand(len(codes), -1)
        vectors = self.embed(codes + 1 + self.offsets).flatten(1)
        ranks = self._ranks(values)
        waves = [f(math.pi * w * ranks) for w in WAVES for f in (torch.sin, torch.cos)]
        found: Tensor = self.layers(torch.cat([vectors, values, 2 * ranks - 1, *waves], dim=1))
        return found

    def _ranks(self, values: Tensor) -> Tensor:
        """Return ranks in [0, 1], linear between the knots."""
        knots = self.knots
        wanted = values.T.contiguous()
        upper = torch.searchsorted(knots, wanted).clamp(1, KNOTS - 1)
        low, high = knots.gather(1, upper - 1), knots.gather(1, upper)
        part = ((wanted - low) / (high - low).clamp(min=1e-9)).clamp(0, 1)
        return ((upper - 1 + part) / (KNOTS - 1)).T


def context_tensors(context: EncodedTable) -> tuple[Tensor, Tensor]:
    """Return the codes and values of context rows."""
    return torch.from_numpy(context.codes.astype("int64")), torch.from_numpy(context.values)


def _offsets(sizes: Sequence[int]) -> Tensor:
    starts = [0]
    for size in sizes:
        starts.append(starts[-1] + size)
    return torch.tensor(starts[:-1], dtype=torch.long)
