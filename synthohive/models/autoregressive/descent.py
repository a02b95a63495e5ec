"""Gradient descent with differential privacy (DP-SGD), in which a unit with all its rows is one.

Abadi et al., "Deep learning with differential privacy" (2016), but clipped by unit: the gradients
of all rows of a unit are summed, and then scaled down to a norm. The network learns first from rows
that are drawn from noisy counts, which costs nothing, and its heads then what counts of pairs do
not tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from synthohive._arrays import Floats, IntArray
from synthohive.encoding.encoded import Discrete, EncodedTable, Layout
from synthohive.models.autoregressive.config import TUNING, AutoregressiveConfig
from synthohive.models.autoregressive.drawing import Sampler
from synthohive.models.autoregressive.network import Network
from synthohive.models.autoregressive.training import log_shares
from synthohive.models.blocks import as_tensors
from synthohive.models.lean_torch import AdamW
from synthohive.models.training import one_thread

__all__ = ["Codes", "Descent", "Secret", "clipped_sum", "drawn_by_network"]

Rows = tuple[Tensor, Tensor, Tensor]
_NUMBERS = 2**24
"""Numbers of single units' gradients at once."""


@dataclass(frozen=True)
class Descent:
    """How a network learns from real rows by noisy steps."""

    hidden: int = 24
    """Few weights: each of them gets noise."""
    clip: float = 1.0
    """Nearly all units' gradients are longer (of flights by aircraft, 35 to 205): each counts as
    one direction. With a clip of 50, pairs come no nearer."""
    rate: float = 0.1
    """Chance of a unit to be in a step."""
    steps: int = 60
    lr: float = 1.0
    """What a step would be if all units' clipped gradients were one. No Adam: it divides by what
    is noise for the most part, and so makes steps of weights that hardly matter as long."""
    momentum: float = 0.9
    fall: float = 0.3
    """Share of the steps over which they fall to nothing."""
    first_steps: int = 600
    first_batch: int = 500
    first_lr: float = 5e-3


@dataclass(frozen=True)
class Secret:
    """Chance that nobody may foresee, and how much of it there has to be.

    Attributes
    ----------
    rng : Generator
    normal : callable
        Returns independent normal numbers in a shape.
    multiplier : float
        Standard deviation of the noise on sums of gradients, in units of the clip.
    units : float
        How many units there are, as noise has it.
    """

    rng: np.random.Generator
    normal: Callable[[tuple[int, ...]], Floats]
    multiplier: float
    units: float


@dataclass(frozen=True)
class Codes:
    """Rows as codes: their own (rows, J), and those of their parents (rows, P); -1: unknown."""

    own: IntArray
    parents: IntArray

    def tensors(self, sizes: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Return the own codes, and what the network sees of the parents.

        Parameters
        ----------
        sizes : sequence of int
            Codes of each of the parents' variables.
        """
        count = len(self.own)
        layout = Layout(tuple(Discrete(f"p{n}", size, True) for n, size in enumerate(sizes)))
        encoded = EncodedTable(
            layout, self.parents.astype(np.int32), np.empty((count, 0), dtype=np.float32)
        )
        return torch.from_numpy(np.ascontiguousarray(self.own)), *as_tensors(encoded)


def drawn_by_network(
    sizes: Sequence[int],
    parent_sizes: Sequence[int],
    units: IntArray,
    real: Codes,
    drawn: Codes,
    secret: Secret,
    own: Descent,
) -> IntArray:
    """Train a network, and return codes that it draws for the parents of `drawn`.

    Parameters
    ----------
    sizes, parent_sizes : sequence of int
        Codes of each variable.
    units : ndarray of int64, shape (rows,)
        Of the real rows.
    real, drawn : Codes
        Real rows, and those made of noisy counts.
    secret : Secret
    own : Descent
    """
    rng = secret.rng
    with one_thread(int(rng.integers(2**62))):
        given = drawn.tensors(parent_sizes)
        layout = Layout(tuple(Discrete(f"p{n}", k, True) for n, k in enumerate(parent_sizes)))
        config = AutoregressiveConfig(hidden=own.hidden, context=own.hidden, dropout=0.0)
        network = Network(list(sizes), [1] * len(sizes), layout, config)
        mask = torch.triu(torch.ones(len(sizes), len(sizes)), diagonal=1)
        _learn_drawn(network, given, mask, rng, own)
        network.eval()
        shape = (2, len(sizes), len(drawn.own))
        uniforms = torch.from_numpy(rng.random(shape, dtype=np.float32))
        with torch.no_grad():
            _learn_real(network, real.tensors(parent_sizes), mask, units, secret, own)
            codes = _calibrated(network, given, uniforms, sizes)
    found: IntArray = codes.numpy().astype(np.int64)
    return found


def _learn_drawn(
    network: Network, rows: Rows, mask: Tensor, rng: np.random.Generator, own: Descent
) -> None:
    """Learn rows that are private already."""
    optimizer = AdamW(network.parameters(), lr=own.first_lr, weight_decay=0.1)
    for step in range(own.first_steps):
        some = torch.from_numpy(rng.integers(0, len(rows[0]), own.first_batch))
        codes, parents, values = (part[some] for part in rows)
        context = network.context(parents, values)
        loss = network.losses(codes, torch.full_like(codes, -1), context, mask).sum()
        optimizer.zero_grad(set_to_none=True)
        (loss / own.first_batch).backward()  # type: ignore[no-untyped-call]
        for group in optimizer.param_groups:
            group["lr"] = own.first_lr * (1 - step / own.first_steps)
        optimizer.step()


def _learn_real(
    network: Network, rows: Rows, mask: Tensor, units: IntArray, secret: Secret, own: Descent
) -> None:
    """Take a fixed number of noisy steps; each unit is in each of them by a coin of its own.

    The heads alone are learned, on what the layers below make of a row: where the noise is as long
    as the gradient, each further weight is a further direction of noise. All others stay as the
    drawn rows have them, so that a gradient is a product which is known without a backward pass.
    """
    order = np.argsort(units, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(units[order]) > 0]) if len(order) else order
    groups = np.split(order, starts[1:])
    heads = network.heads
    weights = [torch.cat([w, b], dim=1) for w, b in zip(heads.weights, heads.biases)]
    moments = [torch.zeros_like(weight) for weight in weights]
    # never the number of real units, which is as private as they are
    length = own.lr / (own.clip * max(own.rate * secret.units, 1.0))
    for step in range(own.steps):
        chosen = [groups[n] for n in np.flatnonzero(secret.rng.random(len(groups)) < own.rate)]
        gradients = clipped_sum(network, rows, mask, chosen, weights, own.clip)
        fall = min(1.0, (own.steps - step) / (own.fall * own.steps))
        for weight, moment, gradient in zip(weights, moments, gradients):
            noise = secret.normal(tuple(weight.shape)) * secret.multiplier * own.clip
            noisy = gradient + torch.from_numpy(noise)
            moment.mul_(own.momentum).add_(noisy.float(), alpha=1 - own.momentum)
            weight.sub_(moment, alpha=length * fall / (1 - own.momentum ** (step + 1)))
    for at, weight in enumerate(weights):
        heads.weights[at].copy_(weight[:, :-1])
        heads.biases[at].copy_(weight[:, -1:])


@torch.no_grad()
def clipped_sum(
    network: Network,
    rows: Rows,
    mask: Tensor,
    groups: Sequence[IntArray],
    weights: Sequence[Tensor],
    clip: float,
) -> list[Tensor]:
    """Return the sum of the units' gradients, each of which has a norm of `clip` at most.

    Parameters
    ----------
    network : Network
    rows : tuple of three Tensors
        Own codes, and what is seen of the parents.
    mask : Tensor
    groups : sequence of ndarray of int64
        The rows of each unit.
    weights : sequence of Tensor
        Of the heads, (variables, hidden + 1, codes); the last one is the bias.
    clip : float
    """
    total = [torch.zeros(weight.shape, dtype=torch.float64) for weight in weights]
    size = sum(weight.numel() for weight in weights)
    for block in _blocks(groups, max(_NUMBERS // size, 1)):
        at = torch.from_numpy(np.concatenate(block))
        unit = torch.from_numpy(np.repeat(np.arange(len(block)), [len(group) for group in block]))
        taken = rows[0][at], rows[1][at], rows[2][at]
        found = _gradients(network, taken, mask, unit, weights)
        squares = sum(((g.double() ** 2).flatten(1).sum(dim=1) for g in found), torch.zeros(1))
        scales = clip / squares.sqrt().clamp(min=clip)
        for part, gradients in zip(total, found):
            part.add_(torch.tensordot(scales, gradients.double(), dims=1))
    return total


def _blocks(groups: Sequence[IntArray], most: int) -> Iterator[list[IntArray]]:
    """Yield units together, of so many rows at most, or one of more: memory is bounded."""
    block: list[IntArray] = []
    count = 0
    for group in groups:
        if block and count + len(group) > most:
            yield block
            block, count = [], 0
        block.append(group)
        count += len(group)
    if block:
        yield block


def _gradients(
    network: Network, rows: Rows, mask: Tensor, unit: Tensor, weights: Sequence[Tensor]
) -> list[Tensor]:
    """Return the gradients of each unit, (units, variables, hidden + 1, codes)."""
    codes, parents, values = rows
    context = network.context(parents, values)
    hidden = network.hidden_of_all(codes, torch.full_like(codes, -1), context, mask)
    inputs = torch.cat([hidden, torch.ones(*hidden.shape[:2], 1)], dim=2)  # (J, B, H + 1)
    count, found = int(unit[-1]) + 1, []
    for group, weight in zip(network.heads.groups, weights):
        own = codes[:, group].T
        # of the cross entropy by logits: what is told of each code, less the one that is there
        apart = (inputs[group] @ weight).softmax(dim=2)
        apart.scatter_add_(2, own.clamp(min=0)[..., None], -torch.ones(*own.shape, 1))
        apart *= (own >= 0)[..., None]
        each = torch.zeros(count, *weight.shape)
        for j in range(len(group)):
            products = inputs[group[j], :, :, None] * apart[j, :, None, :]
            each[:, j].index_add_(0, unit, products)
        # one that is no number would be in the sum whatever the noise
        found.append(each.nan_to_num(0.0, 0.0, 0.0))
    return found


def _calibrated(network: Network, given: Rows, uniforms: Tensor, sizes: Sequence[int]) -> Tensor:
    """Draw codes, and correct the biases until single columns are as they were counted.

    Counts of single columns have less noise than gradients.
    """
    wanted = log_shares(given[0].numpy(), list(sizes))
    for left in reversed(range(TUNING.calibrations + 1)):
        sampler = Sampler(network)
        codes, _ = sampler.draw(sampler.context(given[1], given[2]), uniforms)
        if left:
            told = log_shares(codes.numpy(), list(sizes))
            network.heads.shift([0.7 * (a - b).clamp(-1, 1) for a, b in zip(wanted, told)])
    return codes
