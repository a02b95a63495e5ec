"""The network of the autoregressive model: every variable's distribution given those before it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Optional

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from synthohive.core.data.encoded import EncodedTable, Layout
from synthohive.core.models.autoregressive_heads import FineHeads, Heads

__all__ = ["ContextNetwork", "Network", "context_tensors"]

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
        self.fine = FineHeads(cardinalities, widths, hidden)

    def embedded(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Return (B, J, E); zeros where a coarse code is -1."""
        return self._vectors(coarse, fine, slice(None))

    def _vectors(self, coarse: Tensor, fine: Tensor, j: slice) -> Tensor:
        known = (coarse >= 0).unsqueeze(-1)
        place = coarse.clamp(min=0)
        within = place * self.fine_width[j] + fine.clamp(min=0) + self.fine_offsets[j]
        found: Tensor = self.embed(place + self.offsets[j]) + self.embed_fine(within)
        return found * known

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

    def shrink(self, coarse: Tensor, fine: Tensor, context: Tensor, mask: Tensor) -> float:
        """Scale each head as rows that were not learned bear out; return their total loss."""
        hidden = self._hidden_of_all(coarse, fine, context, mask)
        losses = self.heads.shrink(hidden, coarse).sum()
        return float(losses + self.fine.shrink(hidden, coarse, fine).sum())

    def _hidden_of_all(self, coarse: Tensor, fine: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """Return (J, B, H)."""
        count = len(self.cardinalities)
        weights = (self.before * mask[:, None, :, None]).view(-1, count * self.hidden)
        sums = self.from_context(context) + self.embedded(coarse, fine).flatten(1) @ weights
        sums = sums.view(len(coarse), count, self.hidden).transpose(0, 1)
        hidden = self.drop(functional.relu(self.norm(sums)))
        layered = functional.relu(torch.baddbmm(self.layer_bias, hidden, self.layer))
        deeper: Tensor = hidden + layered
        return deeper

    def _hidden(self, j: int, known: Tensor, sums: Tensor, before: int) -> Tensor:
        """Return (B, H) of one variable, given the embedded variables before it."""
        width = before * self.embedding
        weights = self.before[:before, :, j].reshape(width, self.hidden)
        hidden = functional.relu(self.norm(torch.addmm(sums[:, j], known[:, :width], weights)))
        return hidden + functional.relu(torch.addmm(self.layer_bias[j], hidden, self.layer[j]))

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
            Coarse and fine codes of shape (B, J) that are known and stay; -1 for what is drawn.
        never : dict of int to (int, int), optional
            Of some variables, a coarse and fine code that is not drawn; a fine one of -1 bars
            the coarse one.

        Returns
        -------
        coarse, fine : Tensor of int, shape (B, J)
        """
        rows, count = len(context), len(self.cardinalities)
        if given is None:
            coarse, fine = (torch.full((rows, count), -1, dtype=torch.long) for _ in range(2))
            known = torch.zeros(rows, count * self.embedding)
        else:
            coarse, fine = given[0].clone(), given[1].clone()
            known = self.embedded(coarse, fine).flatten(1)
        sums = self._from_context(context).view(rows, max(count, 1), self.hidden)
        one, barred = torch.ones(()), never or {}
        for j in range(count):
            stays = None if given is None else given[0][:, j] >= 0
            if stays is not None and stays.all():
                continue
            # scales hold for the order of drawing; of what is given, more may be told
            scale, finer = (one, one) if given else (self.heads.scales[j], self.fine.scale(j))
            hidden = None
            if scale or finer:
                hidden = self._hidden(j, known, sums, count if given else j)
            logits = self.heads.logits(j, hidden, scale)
            drawn = _inverse(_without(logits, barred.get(j)), uniforms[0, j])
            drawn_fine = torch.full_like(drawn, -1)
            if self.widths[j] > 1:
                logits = self.fine.logits(j, hidden, drawn, finer)
                steps = _inverse(_within(logits, drawn, barred.get(j)), uniforms[1, j])
                drawn_fine = torch.where(self.fine.told(j, drawn), steps, -1)
            if stays is not None:
                drawn = torch.where(stays, coarse[:, j], drawn)
                drawn_fine = torch.where(stays, fine[:, j], drawn_fine)
            coarse[:, j], fine[:, j] = drawn, drawn_fine
            self._remember(known, coarse, fine, j)
        return coarse, fine

    def _from_context(self, context: Tensor) -> Tensor:
        if self.context.given:
            found: Tensor = self.from_context(context)
            return found
        return self.from_context.bias.expand(len(context), -1)

    def _remember(self, known: Tensor, coarse: Tensor, fine: Tensor, j: int) -> None:
        one = slice(j, j + 1)
        vectors = self._vectors(coarse[:, one], fine[:, one], one)
        known[:, j * self.embedding : (j + 1) * self.embedding] = vectors[:, 0]


def _without(logits: Tensor, barred: Optional[tuple[int, int]]) -> Tensor:
    """Return coarse logits under which a barred code is never drawn."""
    if barred is None or barred[1] >= 0:
        return logits
    return logits.index_fill(1, torch.tensor([barred[0]]), -math.inf)


def _within(logits: Tensor, coarse: Tensor, barred: Optional[tuple[int, int]]) -> Tensor:
    """Return fine logits under which a barred code is never drawn."""
    if barred is None or barred[1] < 0:
        return logits
    logits = logits.clone()
    logits[coarse == barred[0], barred[1]] = -math.inf
    return logits


def _inverse(logits: Tensor, uniforms: Tensor) -> Tensor:
    """Return for each row the code at which the distribution function passes its uniform.

    Logits of shape (1, K) are those of all rows.
    """
    cumulated = torch.softmax(logits, dim=1).cumsum(dim=1)
    last = logits.shape[1] - 1
    if len(logits) == 1:
        return torch.searchsorted(cumulated[0], uniforms * cumulated[0, -1], right=True).clamp(
            max=last
        )
    target = (uniforms * cumulated[:, -1]).unsqueeze(1)
    return torch.searchsorted(cumulated, target, right=True).squeeze(1).clamp(max=last)


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
            return torch.zeros(len(codes), self.width)
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
