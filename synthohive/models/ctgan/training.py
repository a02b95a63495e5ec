"""One optimisation step of CTGAN, and its data: training-by-sampling without loops."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import torch
from torch import Tensor

from synthohive._arrays import Codes, IntArray
from synthohive.models.blocks import BlockMap, Rows
from synthohive.models.ctgan.config import TUNING, CTGANConfig
from synthohive.models.ctgan.networks import Discriminator, Generator
from synthohive.models.lean_torch import Adam
from synthohive.models.memorisation import GapWatch, closeness
from synthohive.models.metrics import distance
from synthohive.models.training import Schedule, Trainable, TrainingSet, average

__all__ = ["CTGANTask"]


class ConditionSampler:
    """Draws (block, code) pairs by log-frequency, and real rows that have them.

    All blocks at once: the distribution function of block `i` is raised by `i`, so that one search
    finds the code of any block.
    """

    def __init__(self, blocks: BlockMap, codes: Codes) -> None:
        own = [i for i in blocks.small if blocks.cardinalities[i] > 1]
        counts = [np.bincount(codes[:, i], minlength=blocks.cardinalities[i]) for i in own]
        # logarithms, as in the paper: by their shares, rare codes would be asked for too seldom to
        # be learned, and all alike would ask for single rows again and again
        cdfs = [np.cumsum(np.log1p(c)) / np.log1p(c).sum() + i for i, c in enumerate(counts)]
        columns = [blocks.start[i] + np.arange(len(c)) for i, c in zip(own, counts)]
        orders = [np.argsort(codes[:, i], kind="stable") for i in own]
        whole = np.empty(0, dtype=np.int64)  # no block at all
        self.blocks, self.cdf = len(own), np.concatenate([whole, *cdfs])
        self.columns = np.concatenate([whole, *columns])
        self.rows, self.sizes = np.concatenate([whole, *orders]), np.concatenate([whole, *counts])
        self.first = np.cumsum(self.sizes) - self.sizes  # each block has all rows

    def draw(self, size: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        """Return columns of the wide matrix, and numbers of rows that have a one there."""
        which = rng.integers(self.blocks, size=size)
        u, v = rng.random((2, size))
        u *= 1 - 1e-9  # a sum that is rounded to the next whole number belongs to the next block
        place = np.searchsorted(self.cdf, which + u, side="right")
        row = self.first[place] + (v * self.sizes[place]).astype(np.int64)
        return self.columns[place], self.rows[row]


class CTGANTask(Trainable):
    """The training of one table."""

    state: Generator

    def __init__(
        self,
        rows: TrainingSet,
        network: Generator,
        config: CTGANConfig,
        rng: np.random.Generator,
    ) -> None:
        self.table, self.config, self.rng = rows.table, config, rng
        self.generator, self.blocks = network, network.blocks
        network.shares.copy_(self.blocks.frequencies(rows.data.codes))
        learned = rows.take(rows.learned)
        self.rows = Rows.of(*learned)
        self.held, self.held_context = rows.take(rows.held)
        # packs (Lin et al., 2018): of rows that the generator repeats, each looks real, two of them
        # side by side do not
        self.pac = min(config.pac, len(self.rows))
        most = min(rows.batch_size, len(self.rows))
        self.batch = max(self.pac, most // self.pac * self.pac)  # whole packs
        bounds = TUNING.least_steps, TUNING.evaluated_steps
        self.schedule = Schedule.of(config, rows, self.batch, *bounds)
        self.sampler = ConditionSampler(self.blocks, learned[0].codes)
        # the critic sees codes, floats, embedded codes of large blocks, condition and context
        width = 2 * self.blocks.width + self.rows.values.shape[1] + network.context.width
        width += sum(t.embedding_dim for t in network.tables)
        self.critic = Discriminator(width, self.pac, config.discriminator, rng)
        betas = (0.5, 0.9)  # as in the paper: a long memory runs after where the other network was
        self.optimizer_g = Adam(
            network.parameters(), config.lr, betas, weight_decay=config.decay, fused=True
        )
        self.optimizer_d = Adam(self.critic.parameters(), config.lr, betas, fused=True)
        self.state = deepcopy(network)  # the moving average, which is what samples
        watched = np.sort(rng.permutation(rows.learned)[: min(len(rows.held), TUNING.watched)])
        compared = np.sort(rng.permutation(rows.held)[: len(watched)])
        self.watch = GapWatch.of(rows, watched, compared)
        self.most_gap = self.watch.most
        self.watched, self.compared = rows.data.take(watched), rows.data.take(compared)
        # by turns, so that both kinds are repeated as often where rows are few
        both = np.stack([watched, compared], axis=1).ravel()
        self.both = rows.context.take(np.resize(both, max(TUNING.drawn, len(both))))

    def _batch(self) -> tuple[Tensor, Tensor]:
        """Return row numbers and condition vectors."""
        condition = torch.zeros(self.batch, self.blocks.width)
        if not self.sampler.blocks:
            rows = self.rng.integers(len(self.rows), size=self.batch)
            return torch.as_tensor(rows), condition
        places, rows = self.sampler.draw(self.batch, self.rng)
        chosen = np.arange(self.batch)
        if not self.generator.conditional:
            # half of the rows follow the true frequencies, without a condition, as all rows do that
            # are drawn for a context later
            free = chosen % 2 == 0
            rows = np.where(free, self.rng.integers(len(self.rows), size=self.batch), rows)
            chosen = chosen[~free]
        condition[torch.as_tensor(chosen), torch.as_tensor(places[chosen])] = 1.0
        return torch.as_tensor(rows), condition

    def _fake(self, condition: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Return generated rows as the critic sees them, and their wide logits."""
        noise = torch.as_tensor(
            self.rng.standard_normal((len(condition), self.config.noise), dtype=np.float32)
        )
        wide, large, floats = self.generator(noise, condition, context)
        # Gumbel noise before the softmax (Jang et al., 2017): nearly one drawn code, through which
        # gradients pass; a plain softmax would show the critic mixtures that no real row has
        soft = self.blocks.softmax((wide + _gumbel(wide)) / self.config.tau)
        parts = [soft, floats]
        for logits, table in zip(large, self.generator.tables):
            mix = torch.softmax((logits + _gumbel(logits)) / self.config.tau, dim=1)
            # (B, K) @ (K, E): nearly one code's vector, and gradients reach the logits through it
            parts.append(mix @ table.weight)
        return torch.cat(parts, dim=1), wide

    def _real(self, rows: Tensor) -> Tensor:
        codes = self.rows.codes[rows]
        parts = [self.blocks.one_hot(codes), self.rows.values[rows]]
        parts += [t(codes[:, b]) for b, t in zip(self.blocks.large, self.generator.tables)]
        return torch.cat(parts, dim=1)

    def step(self) -> dict[str, Tensor]:
        """Improve the critic once, then the generator once, both by the same rows.

        Of two draws for each row, one is the critic's, the other the generator's; scores take both.
        """
        self.generator.train()
        rows, condition = self._batch()
        codes, values = self.rows.context
        context = self.generator.context(codes[rows], values[rows])
        draws = 2 if self.config.scores else 1  # of each row
        fakes, logits = self._fake(condition.repeat(draws, 1), context.repeat(draws, 1))
        with torch.no_grad():
            real = self._real(rows)
        beside = torch.cat([condition, context], dim=1)
        critic_loss = self._improve_critic(real, fakes[-self.batch :].detach(), beside.detach())
        fake, logs = fakes[: self.batch], self.blocks.log_softmax(logits)
        score = self.critic(torch.cat([fake, beside], dim=1)).mean()
        # as in the paper, the cross-entropy of the codes that conditions ask for: that they are
        # ignored, the critic alone finds late
        loss = -score - (logs[: self.batch] * condition).sum() / self.batch
        if self.config.scores:
            score = _energy_score(fake, fakes[self.batch :], real)
            score = score + _brier_score(logs.exp(), real[:, : self.blocks.width])
            loss = loss + self.config.scores * score
        self.optimizer_g.zero_grad(set_to_none=True)
        # through the critic, but not to its weights, whose turn is over
        weights = list(self.generator.parameters())
        loss.backward(inputs=weights)
        self.optimizer_g.step()
        average(list(self.state.parameters()), weights, self.config.average)
        return {"generator": loss.detach(), "critic": critic_loss}

    def _improve_critic(self, real: Tensor, fake: Tensor, beside: Tensor) -> Tensor:
        # both kinds in one pass, with what they are conditioned on beside: (2 * B, width)
        rows = torch.cat([torch.cat([x, beside], dim=1) for x in (fake, real)])
        hidden = self.critic.first(rows)
        made, known = self.critic.scores(hidden).chunk(2)
        loss = made.mean() - known.mean() + self._penalty(*hidden.detach().chunk(2))
        self.optimizer_d.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer_d.step()
        return loss.detach()

    def _penalty(self, fake: Tensor, real: Tensor) -> Tensor:
        """Return the gradient penalty at random points between generated and real packs."""
        share = torch.rand(len(real), 1, device=real.device)
        # mixed after the first layer, (B / pac, hidden), which is affine: what it makes of a point
        # between two packs lies between what it makes of these
        length = _length(self.critic.gradient(share * real + (1 - share) * fake))
        # towards 1 between both kinds: there, the best critic's is 1, and only while slopes are
        # bounded do its scores measure the earth mover's distance (Gulrajani et al., 2017)
        return (length - 1).square().mean() * self.config.penalty

    def validate(self) -> float:
        """Compare rows generated for held-out contexts with the held-out rows.

        The gap is that of how near the nearest drawn row comes to learned and to held-out rows
        (as in the attack of Hilprecht, Härterich & Bernau, 2019): there is no likelihood.
        """
        rng = np.random.Generator(np.random.Philox(0))  # the same noise at each evaluation
        made = self.state.draw(self.both, rng)  # as many for learned as for held-out contexts
        near = (closeness(rows, made) for rows in (self.watched, self.compared))
        self.gap = self.watch.gap(*near)
        made = self.state.draw(self.held_context, rng)
        return distance(self.held, made, self.held_context)


def _brier_score(shares: Tensor, real: Tensor) -> Tensor:
    """Return the Brier score of the codes' probabilities, averaged over the noise.

    The product of two draws' errors is unbiased for the square of their mean's, so codes
    may depend on the noise, and through it on each other.
    """
    one, two = shares.chunk(2)
    return ((one - real) * (two - real)).sum(dim=1).mean()


def _energy_score(one: Tensor, two: Tensor, real: Tensor) -> Tensor:
    """Return the energy score (Gneiting & Raftery, 2007) of two rows drawn for each real one.

    It is least where rows follow the real ``p(row | context)``. The critic sees that a row
    does not fit its context much later, because most rows fit most contexts.
    """
    # as the critic sees them, (B, W) each; without the second term, the best draw for a context
    # would be the middle of its rows, again and again
    near = _length(one - real) + _length(two - real)
    return 0.5 * (near - _length(one - two)).mean()


def _length(rows: Tensor) -> Tensor:
    return (rows.square().sum(dim=1) + 1e-8).sqrt()  # the root has no gradient at 0


def _gumbel(like: Tensor) -> Tensor:
    # kept off 0 and 1, whose Gumbel values are infinite; as near as float32 comes
    return -(-torch.rand_like(like).clamp_(1e-20, 1 - 6e-8).log()).log()
