"""The network of the autoregressive model: every variable's distribution given those before it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Optional

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from synthohive.encoding.encoded import Layout
from synthohive.models.autoregressive.config import TUNING, AutoregressiveConfig
from synthohive.models.autoregressive.context_trees import ContextTrees
from synthohive.models.autoregressive.copula import Copula
from synthohive.models.autoregressive.copying import (
    CopyHeads,
    Source,
    before_history,
    own_places,
    references,
)
from synthohive.models.autoregressive.crosses import Cross, Crosses
from synthohive.models.autoregressive.heads import FineHeads, Heads
from synthohive.models.autoregressive.slopes import Slopes
from synthohive.models.autoregressive.sums import Sums

__all__ = ["ContextNetwork", "Network"]

EMBEDDING = 8
"""Width of the vector of a context's code."""


class Network(nn.Module):
    """Embeddings, masked sums of those before, one residual layer, and heads per variable.

    All variables' layers are fused: the sums are one product with a masked matrix, the
    layers and the heads batched ones. Of many variables, what is before one are a few
    :class:`~.sums.Sums`. B rows, J variables, E embedding, H hidden.

    Parameters
    ----------
    cardinalities, widths : sequence of int
        Of each variable's coarse and fine integer.
    context : Layout
    config : AutoregressiveConfig
    wide : sequence of int
        Variables of many codes, each of which means something of its own.
    copied : sequence of Source
        Those of which the context tells what they were in the rows before.
    with_copula : bool, default False
        Whether a :class:`~.copula.Copula` says first what variables tell of each other.
    seldom : sequence of int
        Variables that few rows tell of, which have :class:`~.context_trees.ContextTrees`.
    crosses : sequence of Cross
        Combinations of variables that tell others.
    places : sequence of int, optional
        Of each variable: how many of its first codes are places on a scale; see
        :class:`~.slopes.Slopes`.
    """

    def __init__(
        self,
        cardinalities: Sequence[int],
        widths: Sequence[int],
        context: Layout,
        config: AutoregressiveConfig,
        wide: Sequence[int] = (),
        copied: Sequence[Source] = (),
        with_copula: bool = False,
        seldom: Sequence[int] = (),
        crosses: Sequence[Cross] = (),
        places: Optional[Sequence[int]] = None,
    ) -> None:
        super().__init__()
        count = len(cardinalities)
        places = [0] * count if places is None else places
        self.cardinalities, self.widths = list(cardinalities), list(widths)
        self.embedding, self.hidden = embedding, hidden = config.embedding, config.hidden
        # all pairs of a coarse and a fine code stand in one table, each variable's after the last's
        sizes = [c * w for c, w in zip(cardinalities, widths)]
        self.offsets: Tensor
        self.fine_offsets: Tensor
        self.fine_width: Tensor
        self.register_buffer("offsets", _offsets(cardinalities), persistent=False)
        self.register_buffer("fine_offsets", _offsets(sizes), persistent=False)
        self.register_buffer("fine_width", torch.tensor(self.widths), persistent=False)
        self.embed = nn.Embedding(sum(cardinalities) or 1, embedding)
        self.embed_fine = nn.Embedding(sum(sizes) or 1, embedding)
        self.slopes = Slopes(places, embedding, max(places, default=0))
        # where the places of each variable begin among all codes, and how many there are
        starts = list(accumulate(cardinalities, initial=0))
        self.scales = [(starts[j], places[j]) for j in self.slopes.variables]
        with torch.no_grad():
            for start, size in self.scales:
                nn.init.zeros_(self.embed.weight[start : start + size])
        nn.init.zeros_(self.embed_fine.weight)  # a fine code says little beside its coarse one
        self.copies = CopyHeads(copied, hidden)
        own = own_places(context) if with_copula else []
        self.copula = Copula(cardinalities, widths, len(own)) if with_copula else None
        trees = ContextTrees(seldom, cardinalities, before_history(context))
        self.crosses = Crosses(crosses, cardinalities, hidden) if crosses else None
        self.context = ContextNetwork(context, config.context, copied, trees, own)
        self.from_context = nn.Linear(config.context, max(count, 1) * hidden)
        self.sums: Optional[Sums] = None
        if count > TUNING.paired:
            self.sums = Sums(count, embedding, hidden, wide)
        else:
            # sums of J * E terms: a variance of about 1, however many columns there are
            # (divided by: a product on the meta device imports torch's compiler)
            unit = math.sqrt(embedding * max(count, 1))
            self.before = nn.Parameter(torch.randn(count, embedding, count, hidden) / unit)
        self.norm = nn.LayerNorm(hidden)
        self.layer = nn.Parameter(torch.randn(count, hidden, hidden) / math.sqrt(hidden))
        self.layer_bias = nn.Parameter(torch.zeros(count, 1, hidden))
        self.drop = nn.Dropout(config.dropout)
        self.heads = Heads(cardinalities, hidden, places)
        self.fine = FineHeads(cardinalities, widths, hidden, wide)
        self._add_wide(wide, sizes)

    def _add_wide(self, wide: Sequence[int], sizes: Sequence[int]) -> None:
        """Add the further vectors of variables of many codes, of so many pairs of codes each."""
        self.wide, count = list(wide), len(sizes)
        self.spans = [self.embedding + TUNING.wide * (j in self.wide) for j in range(count)]
        self.wide_offsets: Tensor
        far = [sizes[j] for j in self.wide]
        self.register_buffer("wide_offsets", _offsets(far), persistent=False)
        if self.wide:
            self.embed_wide = nn.Embedding(sum(far), TUNING.wide)
            with torch.no_grad():
                # small, and multiplied by the pace where it is used: Adam's steps are as long as
                # ever, so the product moves as many times further
                self.embed_wide.weight.div_(TUNING.pace)
        if self.wide and self.sums is None:
            unit = math.sqrt(TUNING.wide * count)
            self.before_wide = nn.Parameter(
                torch.randn(len(far), TUNING.wide, count, self.hidden) / unit
            )

    def embedded_coarse(self) -> Tensor:
        """Return the vectors of all coarse codes, each variable's after the last's, (sum K, E)."""
        if not self.slopes.variables:
            return self.embed.weight
        codes = torch.cat([torch.arange(s, s + n) for s, n in self.scales])
        told = torch.cat([own[:n] for own, (_, n) in zip(self.slopes(), self.scales)])
        return self.embed.weight.index_add(0, codes, told)

    def embedded(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Return (B, J, E); zeros where a coarse code is -1."""
        known = (coarse >= 0).unsqueeze(-1)
        place = coarse.clamp(min=0)
        within = place * self.fine_width + fine.clamp(min=0) + self.fine_offsets
        of_coarse = functional.embedding(place + self.offsets, self.embedded_coarse())
        found: Tensor = of_coarse + self.embed_fine(within)
        return found * known  # looked up as code 0, and then left out: no branch by row

    def embedded_wide(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Return (B, L, wide) of the variables of many codes."""
        own = coarse[:, self.wide]
        within = own.clamp(min=0) * self.fine_width[self.wide] + fine[:, self.wide].clamp(min=0)
        found: Tensor = TUNING.pace * self.embed_wide(within + self.wide_offsets)
        return found * (own >= 0).unsqueeze(-1)

    def weights_before(self, j: int, count: int) -> Tensor:
        """Return the weights of the vectors of the first variables in one's layer, (_, H).

        Of the sums, where these stand for all vectors.
        """
        if self.sums is not None:
            return self.sums.leave[j]
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
        coarse = self.embedded_coarse()[start : start + size].repeat_interleave(width, dim=0)
        found: Tensor = coarse + self.embed_fine.weight[first : first + size * width]
        if j in self.wide:
            begin = int(self.wide_offsets[self.wide.index(j)])
            own = self.embed_wide.weight[begin : begin + size * width]
            found = torch.cat([found, TUNING.pace * own], dim=1)
        return found

    def losses(
        self, coarse: Tensor, fine: Tensor, context: Tensor, mask: Tensor, kept: bool = False
    ) -> Tensor:
        """Return the negative log-likelihoods, (B, J); 0 where a code is -1.

        Parameters
        ----------
        coarse, fine : Tensor of int, shape (B, J)
        context : Tensor, shape (B, C)
        mask : Tensor, shape (J, J)
            1 where the row's variable is known to the column's.
        kept : bool, default False
            Of what is left after :meth:`forget`.
        """
        hidden = self.hidden_of_all(coarse, fine, context, mask)
        known, finer = self._known(hidden, coarse, fine, context, mask)
        fines = self.fine.losses(hidden, coarse, fine, kept, finer)
        return self.heads.losses(hidden, coarse, kept, known) + fines

    def _known(
        self, hidden: Tensor, coarse: Tensor, fine: Tensor, context: Tensor, mask: Tensor
    ) -> tuple[dict[int, Tensor], Optional[Tensor]]:
        """Return what is added to logits and not scaled: (B, K) of some, and of fine codes."""
        found = self.copies.logits(hidden, context[:, self.context.width :])
        for j, own in self.context.trees.logits(context[:, self.context.of_trees]).items():
            found[j] = found[j] + own if j in found else own
        if self.copula is None:
            return found, None
        # scores stand last; without context, one row stands for all
        given = context[:, context.shape[1] - self.copula.given :].expand(len(coarse), -1)
        told, finer = self.copula.logits(coarse, fine, mask, given)
        for j, own in told.items():
            found[j] = found[j] + own if j in found else own
        return found, finer

    def forget(self) -> None:
        """Drop all that serves variables which rows that were not learned tell nothing of.

        Their distributions are their shares; what the layers of their own know is known by heart.
        """
        self.heads.forget()
        self.fine.forget()
        count = len(self.cardinalities)
        used = torch.tensor([
            float(self.heads.used[j] > 0 or self.fine.is_used(j) or j in self.copies)
            for j in range(count)
        ])  # fmt: skip
        with torch.no_grad():
            if self.sums is not None:
                self.sums.forget(used)
            else:
                self.before.mul_(used[None, None, :, None])
                if self.wide:
                    self.before_wide.mul_(used[None, None, :, None])
            if self.crosses is not None:
                self.crosses.forget(used)
            of_context = used.repeat_interleave(self.hidden)
            self.from_context.weight.mul_(of_context[:, None])
            self.from_context.bias.mul_(of_context)
            self.layer.mul_(used[:, None, None])
            self.layer_bias.mul_(used[:, None, None])

    def shrink(
        self, coarse: Tensor, fine: Tensor, context: Tensor, mask: Tensor
    ) -> tuple[float, Tensor]:
        """Scale each head as rows that were not learned bear out.

        Parameters
        ----------
        coarse, fine : Tensor of int, shape (B, J)
        context : Tensor, shape (B, C)
        mask : Tensor, shape (J, J)
            The order of drawing, which scales are used for.

        Returns
        -------
        float, and Tensor of shape (B, J)
            The total loss, and what :meth:`losses` are of what is kept, without scales.
        """
        hidden = self.hidden_of_all(coarse, fine, context, mask)
        known, finer = self._known(hidden, coarse, fine, context, mask)
        losses = self.heads.shrink(hidden, coarse, known).sum()
        total = float(losses + self.fine.shrink(hidden, coarse, fine, finer).sum())
        others = 1 - torch.eye(len(self.cardinalities), device="cpu")
        beside = self.hidden_of_all(coarse, fine, context, others)
        by_all, finer_by_all = self._known(beside, coarse, fine, context, others)
        self.heads.judge(beside, coarse, by_all)
        self.fine.judge(beside, coarse, fine, finer_by_all)
        fines = self.fine.losses(hidden, coarse, fine, True, finer)
        return total, self.heads.losses(hidden, coarse, True, known) + fines

    def hidden_of_all(self, coarse: Tensor, fine: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """Return what heads are given, (J, B, H); see :meth:`losses`."""
        sums = self._given(coarse, fine, context, mask)  # (J, B, H)
        hidden = self.drop(functional.relu(self.norm(sums)))
        layered = functional.relu(torch.baddbmm(self.layer_bias, hidden, self.layer))
        deeper: Tensor = hidden + layered
        if self.crosses is not None:  # behind the layer: as logits, not as what it makes of them
            told = self.drop(self.crosses(coarse, mask))
            deeper = deeper.index_add(0, torch.tensor(self.crosses.targets), told)
        return deeper

    def _given(self, coarse: Tensor, fine: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        count, mask = len(self.cardinalities), mask.to(coarse.device)
        if self.sums is not None:
            vectors = self.embedded(coarse, fine)
            further = self.embedded_wide(coarse, fine) if self.wide else vectors[:, :0]
            given = self.from_context(context[:, : self.context.width])
            shared = given.view(len(context), count, self.hidden).transpose(0, 1)
            known: Tensor = shared + self.sums(vectors, further, mask)
            return known
        # one product (B, J * E) @ (J * E, J * H) for all variables: what one must not see is masked
        # in the weights, so that J forward passes become one
        weights = (self.before * mask[:, None, :, None]).view(-1, count * self.hidden)
        sums = (
            self.from_context(context[:, : self.context.width])
            + self.embedded(coarse, fine).flatten(1) @ weights
        )
        if self.wide:
            further = (self.before_wide * mask[self.wide][:, None, :, None]).flatten(0, 1)
            sums = sums + self.embedded_wide(coarse, fine).flatten(1) @ further.flatten(1)
        found: Tensor = sums.view(len(coarse), count, self.hidden).transpose(0, 1)
        return found


class ContextNetwork(nn.Module):
    """Context rows as one vector: embedded codes, and floats by value and rank."""

    def __init__(
        self,
        layout: Layout,
        width: int,
        copied: Sequence[Source],
        trees: ContextTrees,
        places: Sequence[int],
    ) -> None:
        super().__init__()
        self.copied, self.trees, self.places = list(copied), trees, list(places)
        sizes = [block.cardinality + 1 for block in layout.discrete]  # 0: an absent parent
        self.offsets: Tensor
        self.knots: Tensor
        self.register_buffer("offsets", _offsets(sizes), persistent=False)
        # Not on the meta device, where torch imports SymPy to tell the shape: 0.8 s.
        ranks = torch.linspace(-1, 1, TUNING.knots, device="cpu").repeat(len(layout.continuous), 1)
        self.register_buffer("knots", ranks)
        self.embed = nn.Embedding(sum(sizes) or 1, EMBEDDING)
        inputs = len(sizes) * EMBEDDING + len(layout.continuous) * (2 + 2 * len(TUNING.waves))
        self.layers = nn.Sequential(
            nn.Linear(max(inputs, 1), width), nn.ReLU(), nn.Linear(width, width)
        )
        self.width = width
        self.given = inputs > 0
        # behind the vector stand what is copied, two numbers each, and leaves
        behind = width + 2 * len(self.copied) if self.given else 0
        self.of_trees = slice(behind, behind + len(trees.variables) * self.given)

    def start_at(self, values: Tensor) -> None:
        """Take the ranks from the floats of the training rows."""
        if values.shape[1]:
            marks = np.quantile(values.numpy(), np.linspace(0, 1, TUNING.knots), axis=0).T
            self.knots.copy_(torch.from_numpy(np.ascontiguousarray(marks, dtype=np.float32)))

    def forward(self, codes: Tensor, values: Tensor) -> Tensor:
        """Return (B, width) from codes (B, D) and floats (B, F), and behind it :meth:`behind`."""
        if not self.given:
            return torch.zeros(1, self.width).expand(len(codes), -1)  # one row's memory
        vectors = self.embed(codes + 1 + self.offsets).flatten(1)
        found: Tensor = self.layers(torch.cat([vectors, self.told(values)], dim=1))
        return torch.cat([found, *self.behind(codes, values)], dim=1)

    def behind(self, codes: Tensor, values: Tensor) -> list[Tensor]:
        """Return what goes past the layers: what is copied, leaves, scores of places."""
        found = [references(self.copied, codes, values)] if self.copied else []
        if self.trees.variables:
            found.append(self.trees.leaves(codes, values))
        if self.places:
            # of what many rows have, the middle of its ranks: so scores have a mean of about 0
            ranks = (self._ranks(values) + self._ranks(values, right=True)) / 2
            least = 0.5 / TUNING.knots
            found.append(torch.special.ndtri(ranks.clamp(least, 1 - least))[:, self.places])
        return found

    def told(self, values: Tensor) -> Tensor:
        """Return what the first layer sees of floats."""
        ranks = self._ranks(values)
        waves = [f(math.pi * w * ranks) for w in TUNING.waves for f in (torch.sin, torch.cos)]
        # ranks beside values: of a skewed float, nearly all rows lie in a corner of [-1, 1], where
        # a layer cannot tell them apart
        return torch.cat([values, 2 * ranks - 1, *waves], dim=1)

    def _ranks(self, values: Tensor, right: bool = False) -> Tensor:
        """Return ranks in [0, 1], linear between the knots; the last of equal ones if `right`."""
        knots = self.knots
        wanted = values.T.contiguous()
        upper = torch.searchsorted(knots, wanted, right=right).clamp(1, TUNING.knots - 1)
        low, high = knots.gather(1, upper - 1), knots.gather(1, upper)
        # quantiles are equal where many rows have one value: no division by 0
        part = ((wanted - low) / (high - low).clamp(min=1e-9)).clamp(0, 1)
        return ((upper - 1 + part) / (TUNING.knots - 1)).T


def _offsets(sizes: Sequence[int]) -> Tensor:
    """Return where each begins if they stand one after the other."""
    return torch.tensor(list(accumulate(sizes, initial=0))[:-1], dtype=torch.long)
