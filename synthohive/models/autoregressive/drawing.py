"""The autoregressive network laid out for drawing: what each variable's code is drawn from.

A distribution that is the same in all rows, or for all rows of a coarse code, is calculated
once. Memory for results is taken where it is at hand: to get it takes longer than to fill it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Optional

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from synthohive.models.autoregressive.network import Network

__all__ = ["Step", "steps_of"]

BASE = 1 / math.log(2)
"""Logits count powers of two, which take half the time of powers of e."""


@dataclass(frozen=True)
class Layer:
    """One variable's layer, from the context (B, C) and what is known (B, J * E) to (B, H).

    The weights of the first variables known; those of the context, unless there is none.
    """

    before: Tensor
    context: Optional[Tensor]
    bias: Tensor
    norm: tuple[Tensor, Tensor]
    inner: Tensor
    inner_bias: Tensor

    @classmethod
    def of(cls, network: Network, j: int, count: int) -> Layer:
        """Take the weights of variable `j`, which knows the first `count`."""
        width = network.hidden
        rows = slice(j * width, (j + 1) * width)
        return cls(
            network.weights_before(j, count),
            network.from_context.weight[rows].T if network.context.given else None,
            network.from_context.bias[rows],
            (network.norm.weight, network.norm.bias),
            network.layer[j],
            network.layer_bias[j],
        )

    def __call__(self, context: Tensor, known: Tensor) -> Tensor:
        sums = torch.addmm(self.bias, known[:, : len(self.before)], self.before)
        if self.context is not None:
            sums.addmm_(context, self.context)
        hidden = functional.layer_norm(sums, sums.shape[1:], *self.norm).relu_()
        return torch.addmm(self.inner_bias, hidden, self.inner).relu_().add_(hidden)


class CoarseHead:
    """Draws one variable's coarse codes.

    Parameters
    ----------
    weight : Tensor, shape (H, K), optional
        None: the distribution is the same in all rows.
    bias : Tensor, shape (1, K)
    """

    def __init__(self, weight: Optional[Tensor], bias: Tensor) -> None:
        self.weight = None if weight is None else weight * BASE
        self.bias = bias * BASE
        self.cumulated = _cumulated(bias)[0]

    def draw(self, hidden: Optional[Tensor], uniforms: Tensor) -> Tensor:
        """Return (B,) from hidden (B, H)."""
        if self.weight is None or hidden is None:
            return torch.searchsorted(self.cumulated, uniforms, right=True)
        return _inverse(torch.addmm(self.bias, hidden, self.weight), uniforms)

    def without(self, code: int) -> CoarseHead:
        """Return the same, but for a code that is never drawn."""
        barred = self.bias.index_fill(1, torch.tensor([code]), -math.inf)
        made = CoarseHead(None, barred / BASE)
        made.weight = self.weight
        return made


class FineHead:
    """Draws one variable's fine codes.

    Parameters
    ----------
    shares : Tensor, shape (K, W)
        Logits that the coarse codes give.
    layer : tuple of Tensor, optional
        Weights of the vector of a row (H, F), of its coarse code (K, F), of their sum (F, W),
        and those that coarse codes may have for themselves (K, O, W). None: it depends
        on the coarse code alone.
    """

    def __init__(self, shares: Tensor, layer: Optional[tuple[Tensor, ...]]) -> None:
        self.shares = shares * BASE
        self.layer = (
            None if layer is None else (*layer[:2], *(weight * BASE for weight in layer[2:]))
        )
        self.cumulated = _cumulated(shares)

    def draw(self, hidden: Optional[Tensor], coarse: Tensor, uniforms: Tensor) -> Tensor:
        """Return (B,) from hidden (B, H) and the coarse codes (B,)."""
        if self.layer is None or hidden is None:
            rows = functional.embedding(coarse, self.cumulated)
            return torch.searchsorted(rows, uniforms.unsqueeze(1), right=True).squeeze(1)
        enter, vectors, leave, *further = self.layer
        inner = functional.embedding(coarse, vectors).addmm_(hidden, enter).relu_()
        logits = functional.embedding(coarse, self.shares).addmm_(inner, leave)
        for own in further:
            logits += (inner[:, None, : own.shape[1]] @ own[coarse]).squeeze(1)
        return _inverse(logits, uniforms)

    def without(self, coarse: int, code: int) -> FineHead:
        """Return the same, but for a code that is never drawn within a coarse one."""
        barred = self.shares / BASE
        barred[coarse, code] = -math.inf
        made = FineHead(barred, None)
        made.layer = self.layer
        return made


@dataclass(frozen=True)
class Step:
    """What draws one variable.

    Attributes
    ----------
    layer : Layer, optional
        None: the variable depends on nothing.
    coarse, fine : CoarseHead, FineHead, optional
    width : int
        Number of fine codes.
    vectors : Tensor, shape (1 + K * W, E or more)
        Zeros, for what is not known; then each pair of codes, embedded.
    """

    layer: Optional[Layer]
    coarse: CoarseHead
    fine: Optional[FineHead]
    width: int
    vectors: Tensor

    def without(self, coarse: int, fine: int) -> Step:
        """Return the same, but for a pair of codes that is never drawn; -1: any fine code."""
        if fine < 0 or self.fine is None:
            return replace(self, coarse=self.coarse.without(coarse))
        return replace(self, fine=self.fine.without(coarse, fine))

    def embed(self, coarse: Tensor, fine: Tensor, out: Tensor) -> None:
        """Fill (B, E), with zeros where the coarse code is -1."""
        place = (coarse * self.width).add_(fine.clamp(min=0)) if self.width > 1 else coarse
        torch.index_select(self.vectors, 0, place.clamp(min=-1).add_(1), out=out)


def steps_of(network: Network, ordered: bool) -> list[Step]:
    """Return what draws each variable: given those before it or, if not `ordered`, all.

    Scales hold for the order of drawing; of other variables, more may be told.
    """
    count, one = len(network.cardinalities), torch.ones(())
    steps = []
    for j, width in enumerate(network.widths):
        scale, finer = (network.heads.scales[j], network.fine.scale(j)) if ordered else (one, one)
        vectors = network.embedded_codes(j)
        step = Step(
            Layer.of(network, j, j if ordered else count) if scale or finer else None,
            CoarseHead(*network.heads.head(j, scale)),
            FineHead(*network.fine.head(j, finer)) if width > 1 else None,
            width,
            torch.cat([torch.zeros_like(vectors[:1]), vectors]),
        )
        steps.append(step)
    return steps


def _cumulated(logits: Tensor) -> Tensor:
    """Return distribution functions; above 1 from the last possible code on, which draws it."""
    found = torch.softmax(logits, dim=1).cumsum_(dim=1)
    return found.masked_fill_(found == found[:, -1:], 2)


def _inverse(logits: Tensor, uniforms: Tensor) -> Tensor:
    """Return for each row the code at which the distribution function passes its uniform.

    The logits are overwritten.
    """
    last = logits.shape[1] - 1
    cumulated = logits.sub_(logits.amax(dim=1, keepdim=True)).exp2_().cumsum_(dim=1)
    target = (uniforms * cumulated[:, last]).unsqueeze(1)
    return torch.searchsorted(cumulated, target, right=True).squeeze(1).clamp_(max=last)
