"""Gradient descent with differential privacy (DP-SGD), in which a unit with all its rows is one.

Abadi et al., "Deep learning with differential privacy" (2016), but clipped by unit: the gradients
of all rows of a unit are summed, and then scaled down to a norm. The network learns first from rows
that are drawn from noisy counts, which costs nothing, and then what counts of pairs do not tell.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np
import torch
from torch import Tensor

from synthohive._arrays import Floats, IntArray
from synthohive.encoding.encoded import Discrete, EncodedTable, Layout
from synthohive.models.autoregressive.config import AutoregressiveConfig
from synthohive.models.autoregressive.drawing import Sampler
from synthohive.models.autoregressive.network import Network
from synthohive.models.blocks import as_tensors
from synthohive.models.lean_torch import AdamW
from synthohive.models.training import one_thread

__all__ = ["Codes", "Descent", "Secret", "clipped_sum", "drawn_by_network"]


@dataclass(frozen=True)
class Descent:
    """How a network learns from real rows by noisy steps."""

    hidden: int = 24
    """Few weights: each of them gets noise."""
    clip: float = 1.0
    rate: float = 0.05
    """Chance of a unit to be in a step."""
    steps: int = 100
    lr: float = 1e-3
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
    """

    rng: np.random.Generator
    normal: Callable[[tuple[int, ...]], Floats]
    multiplier: float


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
        _learn_real(network, real.tensors(parent_sizes), mask, units, secret, own)
        network.eval()
        sampler = Sampler(network)
        shape = (2, len(sizes), len(drawn.own))
        uniforms = torch.from_numpy(rng.random(shape, dtype=np.float32))
        with torch.no_grad():
            codes, _ = sampler.draw(sampler.context(given[1], given[2]), uniforms)
    found: IntArray = codes.numpy().astype(np.int64)
    return found


def _loss(network: Network, rows: tuple[Tensor, Tensor, Tensor], mask: Tensor) -> Tensor:
    codes, parents, values = rows
    context = network.context(parents, values)
    return network.losses(codes, torch.full_like(codes, -1), context, mask).sum()


def _learn_drawn(
    network: Network,
    rows: tuple[Tensor, Tensor, Tensor],
    mask: Tensor,
    rng: np.random.Generator,
    own: Descent,
) -> None:
    """Learn rows that are private already."""
    optimizer = AdamW(network.parameters(), lr=own.first_lr, weight_decay=0.1)
    for step in range(own.first_steps):
        some = torch.from_numpy(rng.integers(0, len(rows[0]), own.first_batch))
        loss = _loss(network, (rows[0][some], rows[1][some], rows[2][some]), mask)
        optimizer.zero_grad(set_to_none=True)
        (loss / own.first_batch).backward()  # type: ignore[no-untyped-call]
        for group in optimizer.param_groups:
            group["lr"] = own.first_lr * (1 - step / own.first_steps)
        optimizer.step()


def _learn_real(
    network: Network,
    rows: tuple[Tensor, Tensor, Tensor],
    mask: Tensor,
    units: IntArray,
    secret: Secret,
    own: Descent,
) -> None:
    """Take a fixed number of noisy steps; each unit is in each of them by a coin of its own."""
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    optimizer = AdamW(weights, lr=own.lr, weight_decay=0.0)
    order = np.argsort(units, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(units[order]) > 0]) if len(order) else order
    groups = np.split(order, starts[1:])
    for _ in range(own.steps):
        chosen = [groups[n] for n in np.flatnonzero(secret.rng.random(len(groups)) < own.rate)]
        gradients = clipped_sum(network, rows, mask, chosen, weights, own.clip)
        for weight, gradient in zip(weights, gradients):
            noise = secret.normal(tuple(weight.shape)) * secret.multiplier * own.clip
            weight.grad = gradient + torch.from_numpy(noise.astype(np.float32))
        optimizer.step()


def clipped_sum(
    network: Network,
    rows: tuple[Tensor, Tensor, Tensor],
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
    clip : float
    """
    total = [torch.zeros_like(weight) for weight in weights]
    for group in groups:
        at = torch.from_numpy(np.ascontiguousarray(group))
        loss = _loss(network, (rows[0][at], rows[1][at], rows[2][at]), mask)
        found: list[Optional[Tensor]] = list(
            torch.autograd.grad(loss, list(weights), allow_unused=True)
        )
        norm = math.sqrt(sum([float((g.double() ** 2).sum()) for g in found if g is not None]))
        if not math.isfinite(norm):
            continue  # one that is no number would be in the sum whatever the noise
        for part, gradient in zip(total, found):
            if gradient is not None:
                part.add_(gradient, alpha=min(1.0, clip / max(norm, 1e-12)))
    return total
