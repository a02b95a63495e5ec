"""The autoregressive network laid out for drawing: what each variable's code is drawn from.

A distribution that is the same in all rows, or for all rows of a coarse code, is calculated
once. Memory for results is taken where it is at hand: to get it takes longer than to fill it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import Optional

import torch
from torch import Tensor
from torch.nn import functional

from synthohive.models.autoregressive.copula import Conditional
from synthohive.models.autoregressive.copying import Shown, weighed
from synthohive.models.autoregressive.crosses import Crosses
from synthohive.models.autoregressive.network import EMBEDDING, Network

__all__ = ["Sampler"]

BASE = 1 / math.log(2)
"""Logits count powers of two, which take half the time of powers of e."""


class Context:
    """The network of contexts, with its products carried out as far as codes alone decide them.

    Parameters
    ----------
    network : Network
    """

    def __init__(self, network: Network) -> None:
        own = network.context
        self.network, self.given, blocks = own, own.given, len(own.offsets)
        weights = {name: value.detach() for name, value in own.layers.named_parameters()}
        # (codes of all blocks, C): what each code adds to the first layer; a row is a sum of these
        enter, table = weights["0.weight"].T, own.embed.weight.detach()
        ends = [int(end) for end in own.offsets] + [len(table)]
        codes = [
            table[low:high] @ enter[i * EMBEDDING : (i + 1) * EMBEDDING]
            for i, (low, high) in enumerate(zip(ends, ends[1:]))
        ]
        self.codes = torch.cat(codes) if codes else table.new_zeros(0, own.width)
        self.floats, self.bias = enter[blocks * EMBEDDING :], weights["0.bias"]
        # the second layer is followed by those of the variables, with nothing between: one product
        after, bias = network.from_context.weight.detach(), network.from_context.bias.detach()
        self.after = (after @ weights["2.weight"]).T if own.given else None
        self.after_bias = bias + after @ weights["2.bias"] if own.given else bias
        self.width = own.width if own.given else 0

    def __call__(self, codes: Tensor, values: Tensor) -> Tensor:
        """Return (B, C) of codes (B, D) and floats (B, F); (B, 0) without either.

        Behind the vector stands what is copied.
        """
        if not self.given:
            return values.new_zeros(len(codes), 0)
        sums = self.bias.expand(len(codes), -1)
        if values.shape[1]:
            sums = torch.addmm(sums, self.network.told(values), self.floats)
        if codes.shape[1]:
            place = codes + 1 + self.network.offsets
            sums = sums + functional.embedding_bag(place, self.codes, mode="sum")
        told = functional.relu(sums)
        behind = self.network.behind(codes, values)
        return torch.cat([told, *behind], dim=1) if behind else told


@dataclass(frozen=True)
class Layer:
    """One variable's layer, from what the context gives and what is known to (B, H).

    The weights of the first variables known, and the stretch of what the context gives to all.
    """

    before: Tensor
    start: slice
    norm: tuple[Tensor, Tensor]
    inner: Tensor
    inner_bias: Tensor

    @classmethod
    def of(cls, network: Network, j: int, count: int) -> Layer:
        """Take the weights of variable `j`, which knows the first `count`; views where they do.

        Parameters
        ----------
        network : Network
        j : int
        count : int
            All in front of it in the order of drawing, or all there are.
        """
        rows = slice(j * network.hidden, (j + 1) * network.hidden)
        return cls(
            network.weights_before(j, count),
            rows,
            (network.norm.weight, network.norm.bias),
            network.layer[j],
            network.layer_bias[j],
        )

    def __call__(self, given: Tensor, known: Tensor) -> Tensor:
        # only what stands before: (B, j * E) @ (j * E, H), a triangle of the masked product
        sums = torch.addmm(given, known[:, : len(self.before)], self.before)
        hidden = functional.layer_norm(sums, sums.shape[1:], *self.norm).relu_()
        return torch.addmm(self.inner_bias, hidden, self.inner).relu_().add_(hidden)


@dataclass(frozen=True)
class Crossed:
    """What combinations of variables add to the layer of another."""

    network: Crosses
    place: int
    sums: Tensor  # (1 + nodes, H)

    def __call__(self, coarse: Tensor) -> Tensor:
        """Return (B, H) of the codes that are known so far, (J, B)."""
        return self.sums.index_select(0, self.network.deepest(self.place, coarse))


@dataclass(frozen=True)
class Copying:
    """Adds what one variable was before to its logits: weights (H, M), biases (1, M)."""

    weight: Tensor
    bias: Tensor
    shown: Optional[Shown]  # None of a category
    size: int
    place: slice  # of its references, in the context's vector

    def __call__(self, hidden: Tensor, context: Tensor) -> Tensor:
        """Return (B, K) from hidden (B, H) and contexts (B, C)."""
        weights = torch.addmm(self.bias, hidden, self.weight)
        return weighed(weights, context[:, self.place].long(), self.shown, self.size)


@dataclass(frozen=True)
class CoarseHead:
    """Draws one variable's coarse codes: weights (H, K) and biases (1, K), in powers of two.

    Without weights, and with nothing copied, the distribution is the same in all rows.
    """

    weight: Optional[Tensor]
    bias: Tensor
    copying: Optional[Copying] = None

    @cached_property
    def cumulated(self) -> Tensor:
        """The distribution function without weights, (K,)."""
        return _cumulated(self.bias)[0]

    def draw(
        self,
        hidden: Optional[Tensor],
        uniforms: Tensor,
        context: Tensor,
        told: Optional[Tensor] = None,
    ) -> Tensor:
        """Return (B,) codes.

        Parameters
        ----------
        hidden : Tensor, shape (B, H), optional
        uniforms : Tensor, shape (B,)
        context : Tensor, shape (B, C)
        told : Tensor, shape (B, K), optional
            What the copula adds.
        """
        weighs = hidden is not None and (self.weight is not None or self.copying is not None)
        if told is None and not weighs:
            return torch.searchsorted(self.cumulated, uniforms, right=True)
        known = self.bias if told is None else self.bias + told * BASE
        if hidden is not None and self.copying is not None:
            known = known + self.copying(hidden, context)
        if hidden is None or self.weight is None:
            return _inverse(known, uniforms)
        return _inverse(torch.addmm(known, hidden, self.weight), uniforms)

    def without(self, code: int) -> CoarseHead:
        """Return the same, but for a code that is never drawn."""
        return replace(self, bias=self.bias.index_fill(1, torch.tensor([code]), -math.inf))


@dataclass(frozen=True)
class FineHead:
    """Draws one variable's fine codes, by their coarse one alone where there is no layer."""

    shares: Tensor  # (K, W), logits that the coarse codes give, in powers of two
    # weights of the vector of a row (H, F), of its coarse code (K, F), of their sum (F, W), and
    # those that coarse codes may have for themselves (K, O, W)
    layer: Optional[tuple[Tensor, ...]]

    @cached_property
    def cumulated(self) -> Tensor:
        """The distribution function of each coarse code, without the layer, (K, W)."""
        return _cumulated(self.shares)

    def draw(
        self,
        hidden: Optional[Tensor],
        coarse: Tensor,
        uniforms: Tensor,
        told: Optional[Tensor] = None,
    ) -> Tensor:
        """Return (B,) fine codes.

        Parameters
        ----------
        hidden : Tensor, shape (B, H), optional
            None only where the coarse code alone decides.
        coarse : Tensor of int, shape (B,)
        uniforms : Tensor, shape (B,)
            In [0, 1); at these, distribution functions are inverted.
        told : Tensor, shape (B, W), optional
            What the copula adds.
        """
        if told is not None and (self.layer is None or hidden is None):
            return _inverse(functional.embedding(coarse, self.shares) + told * BASE, uniforms)
        if self.layer is None or hidden is None:
            # (K, W) looked up as (B, W): the same for all rows of a coarse code, so summed up once
            rows = functional.embedding(coarse, self.cumulated)
            return torch.searchsorted(rows, uniforms.unsqueeze(1), right=True).squeeze(1)
        enter, vectors, leave, *further = self.layer
        inner = functional.embedding(coarse, vectors).addmm_(hidden, enter).relu_()
        logits = functional.embedding(coarse, self.shares).addmm_(inner, leave)
        if told is not None:
            logits += told * BASE
        for own in further:
            # (B, 1, O) @ (B, O, W): each row has the weights of its own coarse code
            logits += (inner[:, None, : own.shape[1]] @ own[coarse]).squeeze(1)
        return _inverse(logits, uniforms)

    def without(self, coarse: int, code: int) -> FineHead:
        """Return the same, but for a code that is never drawn within a coarse one."""
        barred = self.shares.clone()
        barred[coarse, code] = -math.inf
        return replace(self, shares=barred)


@dataclass(frozen=True)
class Step:
    """What draws one variable."""

    layer: Optional[Layer]  # None: it depends on nothing
    coarse: CoarseHead
    fine: Optional[FineHead]
    width: int  # number of fine codes
    vectors: Tensor  # (1 + K * W, E or more): zeros, for what is not known, then all pairs embedded
    enter: Optional[Tensor]  # (E or more, R): they are added to sums of all variables
    crossed: Optional[Crossed] = None

    def without(self, coarse: int, fine: int) -> Step:
        """Return the same, but for a pair of codes that is never drawn; -1: any fine code."""
        if fine < 0 or self.fine is None:
            return replace(self, coarse=self.coarse.without(coarse))
        return replace(self, fine=self.fine.without(coarse, fine))

    def embed(self, coarse: Tensor, fine: Tensor, out: Tensor) -> None:
        """Fill (B, E), with zeros where the coarse code is -1.

        Parameters
        ----------
        coarse, fine : Tensor of int, shape (B,)
            A negative coarse one: nothing is known. A negative fine one counts as 0.
        out : Tensor, shape (B, E or more)
            The variable's stretch of what is known, overwritten; or the sums, added to.
        """
        # -1 * width + fine is at most -1: what is not known stays below 0, whatever the fine code
        place = (coarse * self.width).add_(fine.clamp(min=0)) if self.width > 1 else coarse
        place = place.clamp(min=-1).add_(1)
        if self.enter is None:
            torch.index_select(self.vectors, 0, place, out=out)
        else:
            out.addmm_(self.vectors[place], self.enter)


class Sampler:
    """A network laid out for drawing, with the weights that it has now.

    B rows, J variables, C and E the widths of a context's vector and of a code's.
    """

    def __init__(self, network: Network) -> None:
        self.network, self.context = network, Context(network)
        ends = accumulate(network.spans)  # each variable's stretch of what is known, (B, J * E)
        self.places = [slice(end - own, end) for end, own in zip(ends, network.spans)]
        if network.sums is not None:  # which all variables share
            self.places = [slice(network.sums.leave.shape[1])] * len(network.spans)
        self._steps: dict[bool, list[Step]] = {}

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
            What :attr:`context` returns.
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
        shape = uniforms.shape[1:]
        both = given or (torch.full(shape[::-1], -1, dtype=torch.long),) * 2
        coarse, fine = (codes.T.clone() for codes in both)  # (J, B): a variable is one stretch
        stays = coarse != -1
        conditional = None
        if self.network.copula is not None:
            parts = Conditional.parts(stays)
            if len(parts) > 1:
                return self._drawn_in_parts(parts, context, uniforms, (coarse.T, fine.T), never)
            scores = context[:, context.shape[1] - self.network.copula.given :]
            conditional = Conditional(self.network.copula, coarse, fine, stays, scores)
        some, whole = stays.any(dim=1).tolist(), stays.all(dim=1).tolist()
        width = max((place.stop for place in self.places), default=0)
        known = torch.zeros(len(context), width)  # (B, J * E), or the sums
        steps = self._laid_out(ordered=not bool((coarse >= 0).any()))
        for j, codes in (never or {}).items():
            steps[j] = steps[j].without(*codes)
        # what is given is known to all from the start, those drawn before it as well
        for j in (j for j, any_stay in enumerate(some) if any_stay):
            steps[j].embed(coarse[j], fine[j], known[:, self.places[j]])
        given_all = self._given(context, [step for j, step in enumerate(steps) if not whole[j]])
        for j, step in enumerate(steps):
            if whole[j]:
                continue
            hidden = None if step.layer is None else step.layer(next(given_all), known)
            if hidden is not None and step.crossed is not None:
                hidden.add_(step.crossed(coarse))
            told = None if conditional is None else conditional.coarser(j)
            told = _sum(self._by_tree(j, context), told)
            drawn, finer = step.coarse.draw(hidden, uniforms[0, j], context, told), fine[j]
            if step.fine is not None:
                told = None if conditional is None else conditional.finer(j, drawn)
                finer = step.fine.draw(hidden, drawn, uniforms[1, j], told)
            if some[j]:  # drawn for all rows, put where it is not given: one product, no selection
                drawn = torch.where(stays[j], coarse[j], drawn)
                finer = torch.where(stays[j], fine[j], finer)
            coarse[j], fine[j] = drawn, finer
            if conditional is not None:
                conditional.see(j, drawn, finer)
            if some[j] and step.enter is not None:  # what is given is in the sums already
                drawn = torch.where(stays[j], -1, drawn)
            step.embed(drawn, finer, known[:, self.places[j]])
        return coarse.clamp_(min=0).T, fine.T

    def _drawn_in_parts(
        self,
        parts: Sequence[slice],
        context: Tensor,
        uniforms: Tensor,
        given: tuple[Tensor, Tensor],
        never: Optional[Mapping[int, tuple[int, int]]],
    ) -> tuple[Tensor, Tensor]:
        """Draw stretches of the rows by themselves, for the memory; see :meth:`draw`."""
        found = [
            self.draw(context[p], uniforms[..., p], (given[0][p], given[1][p]), never)
            for p in parts
        ]
        return torch.cat([c for c, _ in found]), torch.cat([f for _, f in found])

    def _given(self, context: Tensor, steps: Sequence[Step]) -> Iterator[Tensor]:
        """Yield what the context gives to each of some steps with a layer, (B, H)."""
        spans = [step.layer.start for step in steps if step.layer is not None]
        after, bias = self.context.after, self.context.after_bias
        if after is None or not spans:
            yield from (bias[span].expand(len(context), -1) for span in spans)
            return
        # one product for all of them, which are wide enough together to be worth a full one
        weights, biases = (
            torch.cat([whole[..., span] for span in spans], dim=-1) for whole in (after, bias)
        )
        found = torch.addmm(biases, context[:, : self.context.width], weights)
        width = self.network.hidden
        yield from (found[:, i * width : (i + 1) * width] for i in range(len(spans)))

    def _laid_out(self, ordered: bool) -> list[Step]:
        """Return what draws each variable: given those before it or, if not `ordered`, all.

        Scales hold for the order of drawing; of other variables, more may be told.
        """
        if ordered not in self._steps:
            count = len(self.places)
            self._steps[ordered] = [self._step(j, j if ordered else count) for j in range(count)]
        return list(self._steps[ordered])

    def _step(self, j: int, count: int) -> Step:
        network, one = self.network, torch.ones(())
        scales = network.heads.scales[j], network.fine.scale(j)
        scale, finer = scales if count == j else (one, one)
        width, vectors = network.widths[j], network.embedded_codes(j)
        weight, bias = network.heads.head(j, scale)
        fine = None
        if width > 1:
            shares, layer = network.fine.head(j, finer)
            # the last layers alone are scaled: what is before a rectifier is no logit
            own = layer and (*layer[:2], *(part * BASE for part in layer[2:]))
            fine = FineHead(shares * BASE, own)
        copying = self._copying(j)
        return Step(
            Layer.of(network, j, count) if scale or finer or copying else None,
            CoarseHead(None if weight is None else weight * BASE, bias * BASE, copying),
            fine,
            width,
            torch.cat([torch.zeros_like(vectors[:1]), vectors]),
            None if network.sums is None else network.sums.entering(j),
            self._crossed(j),
        )

    def _by_tree(self, j: int, context: Tensor) -> Optional[Tensor]:
        """Return what the context's tree adds to one variable's logits, (B, K)."""
        own = self.network.context
        if j not in own.trees or not own.given:
            return None
        leaves = context[:, own.of_trees.start + own.trees.place[j]]
        return functional.embedding(leaves.long(), own.trees.told(j))

    def _crossed(self, j: int) -> Optional[Crossed]:
        crosses = self.network.crosses
        if crosses is None or j not in crosses.place:
            return None
        return Crossed(crosses, crosses.place[j], crosses.summed(crosses.place[j]))

    def _copying(self, j: int) -> Optional[Copying]:
        copies = self.network.copies
        if j not in copies:
            return None
        i, start = copies.place[j], self.context.width
        pair = slice(start + 2 * i, start + 2 * i + 2)
        weight, bias = copies.weight.detach()[i], copies.bias.detach()[i]
        shown, size = copies.shown(i), copies.sources[i].cardinality
        own = copies.sources[i].features
        return Copying(weight[:, :own] * BASE, bias[:, :own] * BASE, shown, size, pair)


def _sum(one: Optional[Tensor], other: Optional[Tensor]) -> Optional[Tensor]:
    if one is None or other is None:
        return other if one is None else one
    return one + other


def _cumulated(logits: Tensor) -> Tensor:
    """Return distribution functions; above 1 from the last possible code on, which draws it."""
    found = torch.softmax(logits / BASE, dim=1).cumsum_(dim=1)
    # sums of float32 may end below a uniform, and codes behind the last possible one have shares of
    # 0: the search must stop before either
    return found.masked_fill_(found == found[:, -1:], 2)


def _inverse(logits: Tensor, uniforms: Tensor) -> Tensor:
    """Return for each row the code at which the distribution function passes its uniform.

    The logits are overwritten.
    """
    last = logits.shape[1] - 1
    # the largest is taken off: powers of large logits would be infinite
    cumulated = logits.sub_(logits.amax(dim=1, keepdim=True)).exp2_().cumsum_(dim=1)
    # not divided by their sum: the uniform is multiplied by it, one number a row instead of K
    target = (uniforms * cumulated[:, last]).unsqueeze(1)
    return torch.searchsorted(cumulated, target, right=True).squeeze(1).clamp_(max=last)
