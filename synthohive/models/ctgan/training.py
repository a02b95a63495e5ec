"""One optimisation step of CTGAN, and its data: training-by-sampling without loops."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from synthohive._arrays import Codes, IntArray
from synthohive.encoding.encoded import EncodedTable
from synthohive.models.blocks import BlockMap, as_tensors
from synthohive.models.ctgan.networks import Discriminator
from synthohive.models.memorisation import GapWatch, closeness, commonness, repeated
from synthohive.models.metrics import distance
from synthohive.models.training import Trainable, average

if TYPE_CHECKING:
    from synthohive.models.ctgan.model import CTGAN

__all__ = ["CTGANTask"]

WATCHED, DRAWN = 500, 1_000
"""Rows of each kind at most that are compared with drawn ones, and how many of these at least."""


class ConditionSampler:
    """Draws (block, code) pairs by log-frequency, and real rows that have them.

    All blocks at once: the distribution function of block `i` is raised by `i`, so that one search
    finds the code of any block.
    """

    def __init__(self, blocks: BlockMap, codes: Codes) -> None:
        self.blocks = [i for i in blocks.small if blocks.cardinalities[i] > 1]
        counts = [np.bincount(codes[:, i], minlength=blocks.cardinalities[i]) for i in self.blocks]
        cdfs = [np.cumsum(np.log1p(c)) / np.log1p(c).sum() + i for i, c in enumerate(counts)]
        self.numbers = np.asarray(self.blocks, dtype=np.int64)
        self.cdf = np.concatenate(cdfs) if cdfs else np.empty(0)
        self.sizes = np.concatenate(counts) if counts else np.empty(0, dtype=np.int64)
        self.first = np.cumsum(self.sizes) - self.sizes  # each block has all rows
        self.begin = np.cumsum([0, *map(len, counts)])
        orders = [np.argsort(codes[:, i], kind="stable") for i in self.blocks]
        self.rows = np.concatenate(orders) if orders else np.empty(0, dtype=np.int64)

    def draw(self, size: int, rng: np.random.Generator) -> tuple[IntArray, IntArray, IntArray]:
        """Return block numbers, codes and row numbers."""
        which = rng.integers(len(self.blocks), size=size)
        u, v = rng.random((2, size))
        u *= 1 - 1e-9  # a sum that is rounded to the next whole number belongs to the next block
        place = np.searchsorted(self.cdf, which + u, side="right")
        row = self.first[place] + (v * self.sizes[place]).astype(np.int64)
        return self.numbers[which], place - self.begin[which], self.rows[row]


class CTGANTask(Trainable):
    """The training of one table."""

    def __init__(
        self,
        model: CTGAN,
        data: EncodedTable,
        context: EncodedTable,
        training: IntArray,
        held: IntArray,
        rng: np.random.Generator,
    ) -> None:
        self.model, self.config, self.rng = model, model.config, rng
        self.table = model.metadata.name
        self.generator = model.generator_
        self.generator.shares.copy_(self.generator.blocks.frequencies(data.codes))
        self.codes, self.values = as_tensors(data.take(training))
        self.context = as_tensors(context.take(training))
        self.held, self.held_context = data.take(held), context.take(held)
        self.blocks = self.generator.blocks
        self.pac = min(self.config.pac, len(training))
        self.batch = max(self.pac, min(model.batch_size, len(training)) // self.pac * self.pac)
        self.first = np.array(
            [self.blocks.start.get(i, 0) for i in range(len(data.layout.discrete))]
        )
        self.sampler = ConditionSampler(self.blocks, data.take(training).codes)
        width = self.blocks.width + self.values.shape[1] + self.generator.context.width
        width += sum(t.embedding_dim for t in self.generator.tables)
        width += self.blocks.width  # the condition
        self.critic = Discriminator(width, self.pac, self.config.discriminator, rng)
        betas = (0.5, 0.9)
        self.optimizer_g = torch.optim.Adam(
            self.generator.parameters(),
            self.config.lr,
            betas,
            weight_decay=self.config.decay,
            fused=True,
        )
        self.optimizer_d = torch.optim.Adam(
            self.critic.parameters(), self.config.lr, betas, fused=True
        )
        self.state = deepcopy(self.generator)  # the moving average, which is what samples
        self.model.generator_ = self.state
        watched = np.sort(rng.permutation(training)[: min(len(held), WATCHED)])
        compared = np.sort(rng.permutation(held)[: len(watched)])
        common = commonness(data)
        self.watch = GapWatch(
            len(data), common[watched], common[compared], repeated(data, training, held)
        )
        self.most_gap = self.watch.most
        both = np.stack([watched, compared], axis=1).ravel()
        self.watched, self.compared = data.take(watched), data.take(compared)
        self.both = context.take(np.resize(both, max(DRAWN, len(both))))

    def _batch(self) -> tuple[Tensor, Tensor]:
        """Return row numbers and condition vectors."""
        condition = torch.zeros(self.batch, self.blocks.width)
        if not self.sampler.blocks:
            rows = self.rng.integers(len(self.codes), size=self.batch)
            return torch.as_tensor(rows), condition
        block, code, rows = self.sampler.draw(self.batch, self.rng)
        chosen = np.arange(self.batch)
        if not self.generator.conditional:  # half of the rows follow the true frequencies
            free = chosen % 2 == 0
            rows = np.where(free, self.rng.integers(len(self.codes), size=self.batch), rows)
            chosen = chosen[~free]
        places = self.first[block[chosen]] + code[chosen]
        condition[torch.as_tensor(chosen), torch.as_tensor(places)] = 1.0
        return torch.as_tensor(rows), condition

    def _fake(self, condition: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Return generated rows as the critic sees them, and their wide logits."""
        noise = torch.as_tensor(
            self.rng.standard_normal((len(condition), self.config.noise), dtype=np.float32)
        )
        wide, large, floats = self.generator(noise, condition, context)
        soft = self.blocks.softmax((wide + _gumbel(wide)) / self.config.tau)
        parts = [soft, floats]
        for logits, table in zip(large, self.generator.tables):
            mix = torch.softmax((logits + _gumbel(logits)) / self.config.tau, dim=1)
            parts.append(mix @ table.weight)
        return torch.cat(parts, dim=1), wide

    def _real(self, rows: Tensor) -> Tensor:
        codes = self.codes[rows]
        parts = [self.blocks.one_hot(codes), self.values[rows]]
        parts += [t(codes[:, b]) for b, t in zip(self.blocks.large, self.generator.tables)]
        return torch.cat(parts, dim=1)

    def step(self) -> dict[str, Tensor]:
        """Improve the critic once, then the generator once, both by the same rows.

        Of two draws for each row, one is the critic's, the other the generator's; scores take both.
        """
        self.generator.train()
        rows, condition = self._batch()
        context = self.generator.context(self.context[0][rows], self.context[1][rows])
        draws = 2 if self.config.scores else 1  # of each row
        fakes, logits = self._fake(condition.repeat(draws, 1), context.repeat(draws, 1))
        with torch.no_grad():
            real = self._real(rows)
        beside = torch.cat([condition, context], dim=1)
        critic_loss = self._improve_critic(real, fakes[-self.batch :].detach(), beside.detach())
        fake, logs = fakes[: self.batch], self.blocks.log_softmax(logits)
        score = self.critic(torch.cat([fake, beside], dim=1)).mean()
        loss = -score + self._condition_loss(logs[: self.batch], condition)
        if self.config.scores:
            score = energy_score(fake, fakes[self.batch :], real)
            score = score + _brier_score(logs.exp(), real[:, : self.blocks.width])
            loss = loss + self.config.scores * score
        self.optimizer_g.zero_grad(set_to_none=True)
        loss.backward(inputs=list(self.generator.parameters()))
        self.optimizer_g.step()
        average(self.state, self.generator, self.config.average)
        return {"generator": loss.detach(), "critic": critic_loss}

    def _improve_critic(self, real: Tensor, fake: Tensor, beside: Tensor) -> Tensor:
        rows = torch.cat([torch.cat([x, beside], dim=1) for x in (fake, real)])
        hidden = self.critic.first(rows)
        made, known = self.critic.scores(hidden).chunk(2)
        loss = made.mean() - known.mean() + self._penalty(*hidden.detach().chunk(2))
        self.optimizer_d.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer_d.step()
        return loss.detach()

    def _penalty(self, fake: Tensor, real: Tensor) -> Tensor:
        """Return the gradient penalty at random points between generated and real packs.

        What the first layer makes of a point between two is between what it makes of these.
        """
        share = torch.rand(len(real), 1, device=real.device)
        length = _length(self.critic.gradient(share * real + (1 - share) * fake))
        return (length - 1).square().mean() * self.config.penalty

    def _condition_loss(self, logs: Tensor, condition: Tensor) -> Tensor:
        """Return the cross-entropy of the conditioned codes."""
        return -(logs * condition).sum() / self.batch

    def validate(self) -> float:
        """Compare rows generated for held-out contexts with the held-out rows.

        The gap is that of how near the nearest drawn row comes to learned and to held-out rows
        (as in the attack of Hilprecht, Härterich & Bernau, 2019): there is no likelihood.
        """
        rng = np.random.Generator(np.random.Philox(0))  # the same noise at each evaluation
        made = self.model._draw(self.both, rng)  # as many for learned as for held-out contexts
        near = (closeness(rows, made) for rows in (self.watched, self.compared))
        self.gap = self.watch.gap(*near)
        made = self.model._draw(self.held_context, rng)
        return distance(self.held, made, self.held_context)


def _brier_score(shares: Tensor, real: Tensor) -> Tensor:
    """Return the Brier score of the codes' probabilities, averaged over the noise.

    The product of two draws' errors is unbiased for the square of their mean's, so codes
    may depend on the noise, and through it on each other.
    """
    one, two = shares.chunk(2)
    return ((one - real) * (two - real)).sum(dim=1).mean()


def energy_score(one: Tensor, two: Tensor, real: Tensor) -> Tensor:
    """Return the energy score (Gneiting & Raftery, 2007) of two rows drawn for a real one.

    It is least where rows follow the real ``p(row | context)``. The critic sees that a row
    does not fit its context much later, because most rows fit most contexts.
    """
    near = _length(one - real) + _length(two - real)
    return 0.5 * (near - _length(one - two)).mean()


def _length(rows: Tensor) -> Tensor:
    return (rows.square().sum(dim=1) + 1e-8).sqrt()


def _gumbel(like: Tensor) -> Tensor:
    return -(-torch.rand_like(like).clamp_(1e-20, 1 - 6e-8).log()).log()
