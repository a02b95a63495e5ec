"""CTGAN's two networks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from synthohive.encoding.encoded import EncodedTable, Layout
from synthohive.models.blocks import as_tensors
from synthohive.models.ctgan.config import CTGANConfig
from synthohive.models.heads import RowGenerator

__all__ = ["Discriminator", "Generator"]


class Residual(nn.Module):
    """A layer whose output is joined to its input."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, out)
        # by layer, not by batch as in the paper: a row must not depend on its neighbours, or
        # the size of a block would change what is drawn
        self.norm = nn.LayerNorm(out)


class Generator(RowGenerator):
    """From noise, condition and context to logits and floats.

    Attributes
    ----------
    shares : Tensor
        True frequencies of all codes of one-hot blocks, for the conditions.
    """

    shares: Tensor

    def __init__(self, layout: Layout, context: Layout, config: CTGANConfig) -> None:
        super().__init__(layout, context)
        self.noises = config.noise
        # a condition says what a context says better, and is then left out when rows are drawn
        self.conditional = not (context.discrete or context.continuous)
        width = config.noise + self.blocks.width + self.context.width
        self.body = nn.ModuleList()
        for out in config.generator:
            self.body.append(Residual(width, out))
            width += out
        self.add_heads(width, 1)
        self.register_buffer("shares", torch.zeros(self.blocks.width))

    def forward(
        self, noise: Tensor, condition: Tensor, context: Tensor
    ) -> tuple[Tensor, list[Tensor], Tensor]:
        """Return wide logits ``(B, width)``, large logits ``[(B, K)]``, floats ``(B, C)``.

        Parameters
        ----------
        noise : Tensor, shape (B, noises)
        condition : Tensor, shape (B, width)
            A one in the column of the code that is asked for; zeros where none is.
        context : Tensor, shape (B, context width)
            As :class:`~synthohive.models.blocks.TableInput` makes it.
        """
        return self._through(torch.cat([noise, condition, context], dim=1), nn.Module.__call__)

    def _through(
        self, h: Tensor, apply: Callable[[nn.Module, Tensor], Tensor]
    ) -> tuple[Tensor, list[Tensor], Tensor]:
        for layer in self.body:
            residual = cast(Residual, layer)
            # in front, so that the condition stays at a fixed distance from the end: (B, width +
            # out), of which all further layers see noise, condition and context as they were
            h = torch.cat([torch.relu(residual.norm(apply(residual.linear, h))), h], dim=1)
        wide, large = self.logits(h, apply)
        return wide, large, torch.tanh(apply(self.floats, h))

    def noise(self, context: EncodedTable, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Draw noise, and by the true frequencies the place of each condition's one.

        No places where a context conditions.
        """
        rows, blocks = len(context), self.blocks
        noise = torch.from_numpy(rng.standard_normal((rows, self.noises), dtype=np.float32))
        if not self.conditional or not blocks.small:
            return noise, torch.empty(0, dtype=torch.long)
        which = rng.integers(len(blocks.small), size=rows)
        # the distribution functions of all blocks, one on top of the other, so that one search
        # finds the code of any; padding, with a share of 0, adds nothing and is never found
        cdf = np.cumsum(self.shares.numpy(), dtype=np.float64)
        tops = cdf[np.append(blocks.starts[1:], blocks.width) - 1]
        below = np.append(0.0, tops[:-1])[which]
        wanted = below + rng.random(rows, dtype=np.float32) * (tops[which] - below)
        return noise, torch.from_numpy(np.searchsorted(cdf, wanted, side="right"))

    def rows(
        self, context: EncodedTable, noise: tuple[Tensor, ...]
    ) -> tuple[Tensor, list[Tensor], Tensor]:
        """Return what :meth:`forward` does, of conditions by their places; see the base class."""
        normal, places = noise
        h = torch.cat([normal, self.context(*as_tensors(context))], dim=1)
        return self._through(h, partial(self._without, places=places))

    def _without(self, layer: nn.Module, x: Tensor, places: Tensor) -> Tensor:
        """Apply a layer to inputs from which the condition is left out."""
        if not isinstance(layer, nn.Linear):
            return cast(Tensor, layer(x))
        stop = layer.in_features - self.context.width
        start = stop - self.blocks.width
        # weights (out, noise + codes + context): of the product with a condition, zeros and a one,
        # a single column is left
        others = torch.cat([layer.weight[:, :start], layer.weight[:, stop:]], dim=1)
        found = functional.linear(x, others, layer.bias)
        if len(places):
            columns = layer.weight[:, start:stop].t().contiguous()
            found += functional.embedding(places, columns)
        return found


class Discriminator(nn.Module):
    """Scores packs of rows: layers of leaky rectifiers, half of whose outputs are left out.

    Each such layer multiplies by slopes that do not change near its input. So the gradient of the
    scores by the packs is a product of weights and slopes, and takes no second derivatives.
    """

    LEAK = 0.2

    def __init__(
        self, width: int, pac: int, hidden: tuple[int, ...], rng: np.random.Generator
    ) -> None:
        super().__init__()
        self.pac, self.rng = pac, rng  # rows of a pack; what decides what is left out
        sizes = [width * pac, *hidden, 1]
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in zip(sizes, sizes[1:]))

    def first(self, rows: Tensor) -> Tensor:
        """Map ``(B, width)`` to the first layer, ``(B / pac, hidden)``: an affine function."""
        found: Tensor = self.layers[0](rows.view(len(rows) // self.pac, -1))
        return found

    def scores(self, hidden: Tensor) -> Tensor:
        """Map what :meth:`first` gave to ``(B / pac, 1)``."""
        for layer in self.layers[1:]:
            hidden = layer(hidden * self._slopes(hidden.detach()))
        return hidden

    def forward(self, rows: Tensor) -> Tensor:
        """Map ``(B, width)`` to ``(B / pac, 1)``."""
        return self.scores(self.first(rows))

    def gradient(self, hidden: Tensor) -> Tensor:
        """Return the scores' gradients by the packs, ``(B / pac, width * pac)``.

        `hidden` is what :meth:`first` gives of the packs.
        """
        slopes, hidden = [], hidden.detach()
        # backwards through the layers by hand: the penalty's own gradient then needs no graph of
        # the graph, which autograd would keep
        with torch.no_grad():
            for layer in self.layers[1:]:
                slopes.append(self._slopes(hidden))
                hidden = layer(hidden * slopes[-1])
        weights = [cast(Tensor, layer.weight) for layer in self.layers]
        found = weights[-1].expand(len(hidden), -1)
        for slope, weight in zip(reversed(slopes), reversed(weights[:-1])):
            found = (found * slope) @ weight
        return found

    def _slopes(self, hidden: Tensor) -> Tensor:
        """Return what each output is multiplied by; 2 or 0, and less where it is negative."""
        count = hidden.numel()
        octets = np.frombuffer(self.rng.bytes(-(-count // 8)), dtype=np.uint8)
        kept = np.unpackbits(octets, count=count).reshape(hidden.shape)
        left = torch.as_tensor(kept).to(hidden)  # bits cost a tenth of uniforms
        return left * torch.where(hidden > 0, 2.0, 2.0 * self.LEAK)
