"""The last layers of the autoregressive network: distributions of coarse and fine codes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Optional, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from synthohive.models.autoregressive.config import TUNING
from synthohive.models.autoregressive.slopes import Slopes

__all__ = ["FineHeads", "Heads"]

NEVER = -1e4
"""Logit of what is padded: no infinity, which would make NaN of a gradient."""


class Heads(nn.Module):
    """A linear head per variable; those of like sizes in one batched product.

    Parameters
    ----------
    cardinalities : sequence of int
    hidden : int
    places : sequence of int, optional
        Of each variable: how many of its first codes are places on a scale.
    """

    def __init__(
        self, cardinalities: Sequence[int], hidden: int, places: Optional[Sequence[int]] = None
    ) -> None:
        super().__init__()
        places = [0] * len(cardinalities) if places is None else places
        self.cardinalities = list(cardinalities)
        groups: dict[int, list[int]] = {}
        for j, size in enumerate(cardinalities):
            fits = [most for most in TUNING.sizes if size <= most]
            groups.setdefault(fits[0] if fits else size, []).append(j)
        self.groups = [groups[size] for size in sorted(groups)]
        widest = [max(self.cardinalities[j] for j in group) for group in self.groups]
        # zeros: training begins with the marginal shares, whatever the layers below say
        self.weights = nn.ParameterList(
            torch.zeros(len(g), hidden, w) for g, w in zip(self.groups, widest)
        )
        self.slopes = nn.ModuleList(
            Slopes([places[j] for j in g], hidden, w, at_zero=True)
            for g, w in zip(self.groups, widest)
        )
        self.biases = nn.ParameterList(
            torch.full((len(g), 1, w), NEVER) for g, w in zip(self.groups, widest)
        )
        for group, bias in zip(self.groups, self.biases):
            for i, j in enumerate(group):
                bias.data[i, 0, : self.cardinalities[j]] = (
                    0.0  # behind them, padding is never drawn
                )
        self.place = {j: (g, i) for g, group in enumerate(self.groups) for i, j in enumerate(group)}
        self.scales: Tensor
        self.register_buffer("scales", torch.ones(len(self.cardinalities)))
        self.used: Tensor
        self.register_buffer("used", torch.ones(len(self.cardinalities)))

    def full(self, g: int) -> Tensor:
        """Return the weights of a group, (J', H, K): of each code by itself, and by its place."""
        slopes, weight = cast(Slopes, self.slopes[g]), cast(Tensor, self.weights[g])
        if not slopes.variables:
            return weight
        told: Tensor = slopes().transpose(1, 2)
        return weight.index_add(0, torch.tensor(slopes.variables), told)

    def shift(self, biases: Sequence[Tensor]) -> None:
        """Add to the biases: at first the logarithms of the shares, later corrections of them."""
        with torch.no_grad():
            for j, (g, i) in self.place.items():
                self.biases[g][i, 0, : self.cardinalities[j]] += biases[j]

    def losses(
        self,
        hidden: Tensor,
        codes: Tensor,
        kept: bool = False,
        copies: Optional[Mapping[int, Tensor]] = None,
    ) -> Tensor:
        """Return (B, J) from hidden (J, B, H); 0 where a code is -1.

        Parameters
        ----------
        hidden : Tensor, shape (J, B, H)
        codes : Tensor of int, shape (B, J)
        kept : bool, default False
            Without the weights that count for nothing: see :meth:`forget`.
        copies : mapping of int to Tensor, optional
            What is added to the logits (B, K) of some variables, and is not scaled.
        """
        found = torch.zeros(codes.shape, dtype=hidden.dtype)
        for g, (group, bias) in enumerate(zip(self.groups, self.biases)):
            weight = self.full(g)
            used = weight * self.used[group][:, None, None] if kept else weight
            known = _known(group, bias, copies, len(codes))
            logits = torch.baddbmm(known, hidden[group], used)  # (J', B, K)
            # variables of like sizes do not stand side by side: back to their places
            found[:, group] = _cross_entropy(logits, codes[:, group].T).T
        return found

    def shrink(
        self, hidden: Tensor, codes: Tensor, copies: Optional[Mapping[int, Tensor]] = None
    ) -> Tensor:
        """Scale each head as rows that it did not learn bear out; return their losses, (J,)."""
        found = torch.zeros(len(self.cardinalities))
        for g, (group, bias) in enumerate(zip(self.groups, self.biases)):
            weight = self.full(g)
            told, known = (
                torch.bmm(hidden[group], weight),
                _known(group, bias, copies, len(codes)),
            )
            self.scales[group], found[group] = _shrunk(told, known, codes[:, group].T)
        return found

    def judge(
        self, hidden: Tensor, codes: Tensor, copies: Optional[Mapping[int, Tensor]] = None
    ) -> None:
        """Find out which heads serve for rows that were not learned: where all else is known, too.

        Parameters
        ----------
        hidden : Tensor, shape (J, B, H)
            Of rows of which all other variables are known.
        codes : Tensor of int, shape (B, J)
        copies : mapping of int to Tensor, optional
            As for :meth:`losses`.
        """
        for g, (group, bias) in enumerate(zip(self.groups, self.biases)):
            weight = self.full(g)
            known = _known(group, bias, copies, len(codes))
            scales, _ = _shrunk(torch.bmm(hidden[group], weight), known, codes[:, group].T)
            self.used[group] = ((scales > 0) | (self.scales[group] > 0)).to(self.used.dtype)

    def forget(self) -> None:
        """Drop the weights of heads that rows that were not learned do not bear out.

        Nothing is drawn by them, and all that they know is known by heart.
        """
        with torch.no_grad():
            for group, weight, slopes in zip(self.groups, self.weights, self.slopes):
                used, own = self.used[group][:, None, None], cast(Slopes, slopes)
                weight.mul_(used)
                own.weight.mul_(used[own.variables])

    def head(self, j: int, scale: Tensor) -> tuple[Optional[Tensor], Tensor]:
        """Return the weights (H, K) of one variable, None if they count for nothing, and biases."""
        (g, i), size = self.place[j], self.cardinalities[j]
        weight = self.full(g)[i, :, :size] * scale if scale else None
        return weight, self.biases[g][i, :, :size]


class FineHeads(nn.Module):
    """The distribution of each fine code, given what is before it and its coarse code.

    Parameters
    ----------
    cardinalities, widths : sequence of int
    hidden : int
    apart : sequence of int
        Variables whose coarse codes have weights of their own: groups of categories.
    """

    def __init__(
        self,
        cardinalities: Sequence[int],
        widths: Sequence[int],
        hidden: int,
        apart: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.split = [j for j, width in enumerate(widths) if width > 1]
        self.place = {j: i for i, j in enumerate(self.split)}
        self.widths = list(widths)
        self.sizes = sizes = [cardinalities[j] for j in self.split]
        starts = torch.tensor(list(accumulate(sizes, initial=0))[:-1], dtype=torch.long)
        self.offsets: Tensor
        self.register_buffer("offsets", starts, persistent=False)
        self.widest, count = max((widths[j] for j in self.split), default=1), len(self.split)
        self.enter = nn.Parameter(
            torch.randn(count, hidden, TUNING.fine_hidden) / math.sqrt(hidden)
        )
        self.coarse = nn.Embedding(sum(sizes) or 1, TUNING.fine_hidden)
        self.leave = nn.Parameter(torch.zeros(count, TUNING.fine_hidden, self.widest))
        self.apart = [i for i, j in enumerate(self.split) if j in apart]
        rows = sum(sizes) if self.apart else 1
        self.own = nn.Parameter(torch.zeros(rows, TUNING.own * self.widest))
        # what is counted is not learned: a table of logits that gradients leave alone
        self.shares = nn.Embedding(sum(sizes) or 1, self.widest)
        nn.init.zeros_(self.shares.weight)
        self.shares.weight.requires_grad_(False)
        self.scales: Tensor
        self.register_buffer("scales", torch.ones(count))
        self.used: Tensor
        self.register_buffer("used", torch.ones(count))

    def start_at(self, counts: Sequence[Tensor]) -> None:
        """Begin with the shares within each coarse code, of counts (K, width)."""
        with torch.no_grad():
            self.shares.weight.fill_(NEVER)
            for i, (j, number) in enumerate(zip(self.split, counts)):
                start = int(self.offsets[i])
                logs = (number / number.sum(dim=1, keepdim=True).clamp(min=1)).log()
                logs[number == 0] = NEVER  # what never occurred in its coarse code is never drawn
                self.shares.weight[start : start + len(number), : self.widths[j]] = logs

    def shift(self, before: Sequence[Tensor], after: Sequence[Tensor]) -> None:
        """Move from the shares within each coarse code to others, of counts (K, width).

        What never occurred is never drawn, and coarse codes of which nothing is told stay.
        """
        with torch.no_grad():
            for i, (j, old, new) in enumerate(zip(self.split, before, after)):
                start = int(self.offsets[i])
                logs = [
                    n.clamp(min=0.5) / n.sum(dim=1, keepdim=True).clamp(min=1) for n in (old, new)
                ]
                moved = torch.where(
                    (old > 0) & (new.sum(dim=1, keepdim=True) > 0), (logs[1] / logs[0]).log(), 0.0
                )
                self.shares.weight[start : start + len(old), : self.widths[j]] += moved

    def losses(
        self,
        hidden: Tensor,
        coarse: Tensor,
        fine: Tensor,
        kept: bool = False,
        known: Optional[Tensor] = None,
    ) -> Tensor:
        """Return (B, J) in nats; 0 where a fine code is -1.

        Parameters
        ----------
        hidden : Tensor, shape (J, B, H)
        coarse, fine : Tensor of int, shape (B, J)
        kept : bool, default False
            Without the weights that count for nothing.
        known : Tensor, shape (J', B, W), optional
            What is added to the logits, and is not scaled.
        """
        found = torch.zeros(fine.shape, dtype=hidden.dtype)
        if self.split:
            told, shares = self._told(hidden, coarse, known)
            if kept:
                told = told * self.used[:, None, None]
            found[:, self.split] = _cross_entropy(told + shares, fine[:, self.split].T).T
        return found

    def _told(
        self, hidden: Tensor, coarse: Tensor, known: Optional[Tensor] = None
    ) -> tuple[Tensor, Tensor]:
        """Return what is learned and what is known, (J', B, W) each."""
        place = (coarse[:, self.split].clamp(min=0) + self.offsets).T  # (J', B), rows of one table
        inner = torch.bmm(hidden[self.split], self.enter) + self.coarse(place)  # (J', B, F)
        inner = functional.relu(inner)
        told = torch.bmm(inner, self.leave)
        if self.apart:
            own = self.own[place[self.apart]].view(len(self.apart), -1, TUNING.own, self.widest)
            # (., B, O, 1) * (., B, O, W), summed: each row has the weights of its own coarse code
            further = (inner[self.apart, :, : TUNING.own, None] * own).sum(dim=2)
            told = told.index_add(0, torch.tensor(self.apart), further)
        shares = self.shares(place)
        return told, shares if known is None else shares + known

    def shrink(
        self, hidden: Tensor, coarse: Tensor, fine: Tensor, known: Optional[Tensor] = None
    ) -> Tensor:
        """Choose the scales as :meth:`Heads.shrink` does; return the losses, (J',).

        Parameters
        ----------
        hidden : Tensor, shape (J, B, H)
            Of rows that were not learned.
        coarse, fine : Tensor of int, shape (B, J)
        known : Tensor, optional
            As for :meth:`losses`.
        """
        if not self.split:
            return torch.zeros(0)
        found: Tensor
        self.scales, found = _shrunk(*self._told(hidden, coarse, known), fine[:, self.split].T)
        return found

    def judge(
        self, hidden: Tensor, coarse: Tensor, fine: Tensor, known: Optional[Tensor] = None
    ) -> None:
        """Find out what serves, as :meth:`Heads.judge` does.

        Parameters
        ----------
        hidden : Tensor, shape (J, B, H)
        coarse, fine : Tensor of int, shape (B, J)
        known : Tensor, optional
            As for :meth:`losses`.
        """
        if self.split:
            scales, _ = _shrunk(*self._told(hidden, coarse, known), fine[:, self.split].T)
            self.used = ((scales > 0) | (self.scales > 0)).to(self.used.dtype)

    def forget(self) -> None:
        """Drop what counts for nothing, as :meth:`Heads.forget` does."""
        with torch.no_grad():
            used = self.used
            self.leave.mul_(used[:, None, None])
            self.enter.mul_(used[:, None, None])
            for i, (start, size) in enumerate(zip(self.offsets.tolist(), self.sizes)):
                part = slice(start, start + size)
                self.coarse.weight[part] *= used[i]
                if self.apart:
                    self.own[part] *= used[i]

    def is_used(self, j: int) -> bool:
        """Whether a variable's fine code depends on more than its coarse one, in any order."""
        return j in self.place and bool(self.used[self.place[j]] > 0)

    def scale(self, j: int) -> Tensor:
        """Return how much a variable's fine code depends on more than its coarse one."""
        return self.scales[self.place[j]] if j in self.place else self.scales.new_zeros(())

    def head(self, j: int, scale: Tensor) -> tuple[Tensor, Optional[tuple[Tensor, ...]]]:
        """Return logits (K, W) within each coarse code of a variable, and a layer's weights."""
        i, width = self.place[j], self.widths[j]
        rows = slice(int(self.offsets[i]), int(self.offsets[i]) + self.sizes[i])
        shares = self.shares.weight[rows, :width].clone()
        shares[(shares <= NEVER / 2).all(dim=1), 0] = 0  # a coarse code without rows: one is drawn
        if not scale:  # what held-out rows do not bear out is not calculated either
            return shares, None
        leave = self.leave[i, :, :width] * scale
        if i not in self.apart:
            return shares, (self.enter[i], self.coarse.weight[rows], leave)
        own = self.own[rows].view(-1, TUNING.own, self.widest)[..., :width] * scale
        return shares, (self.enter[i], self.coarse.weight[rows], leave, own)


def _known(
    group: Sequence[int], bias: Tensor, copies: Optional[Mapping[int, Tensor]], rows: int
) -> Tensor:
    """Return biases (J', 1, K) of some variables, (J', B, K) with what is copied, if any is."""
    own = [(i, copies[j]) for i, j in enumerate(group) if j in copies] if copies else []
    if not own:
        return bias
    # gathered by themselves: what is counted has no gradient then, and the biases have one step
    added = bias.new_zeros(len(group), rows, bias.shape[2])
    for i, logits in own:
        added[i, :, : logits.shape[1]] = logits
    return bias + added


def _shrunk(told: Tensor, known: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the best scale of what is told (J, B, K) beside what is known, and its losses."""
    # a variable that depends on nothing gets 0: its shares, without the noise that overfits first
    losses = torch.stack(
        [_cross_entropy(scale * told + known, codes).sum(dim=1) for scale in TUNING.scales]
    )
    least, best = losses.min(dim=0)
    scale = torch.tensor(TUNING.scales)[best]
    # half-way to 1: the best scale for the likelihood of few held-out rows blurs what is sharp
    return torch.where(scale > 0, (1 + scale) / 2, scale), least


def _cross_entropy(logits: Tensor, codes: Tensor) -> Tensor:
    """Return (J, B) from logits (J, B, K) and codes (J, B); 0 where a code is -1."""
    flat = functional.cross_entropy(
        logits.flatten(0, 1), codes.flatten(), ignore_index=-1, reduction="none"
    )
    return flat.view(codes.shape)
