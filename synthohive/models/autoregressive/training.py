"""The training of the autoregressive model: likelihood of batches, variables in any order."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Optional

import numpy as np
import torch
from torch import Tensor
from torch.nn import Parameter

from synthohive._arrays import Floats, IntArray
from synthohive.models.autoregressive.config import TUNING, AutoregressiveConfig
from synthohive.models.autoregressive.copula_fit import MOST_OPTIMISM, Cells, fitted
from synthohive.models.autoregressive.network import Network
from synthohive.models.blocks import as_tensors
from synthohive.models.lean_torch import AdamW
from synthohive.models.memorisation import GapWatch
from synthohive.models.training import DescentTask, Schedule, TrainingSet, batch_of
from synthohive.privacy.entities import Entities, entities_or_rows

__all__ = ["AutoregressiveTask", "fine_counts", "log_shares"]

UNDECAYED = ("biases", "shares", "bias", "norm")  # shares and scales: no dependence to unlearn


class AutoregressiveTask(DescentTask):
    """The training of one table, of codes (rows, J); it begins with independent columns."""

    counters = usable = True
    network: Network
    state: Network

    def __init__(
        self,
        rows: TrainingSet,
        coarse: IntArray,
        fine: IntArray,
        network: Network,
        config: AutoregressiveConfig,
        rng: np.random.Generator,
        bins: Optional[list[int]] = None,
        entities: Optional[Entities] = None,
        k: int = 1,
    ) -> None:
        super().__init__(rows, config, batch_of(rows.batch_size, len(rows.learned)), rng)
        self.network, self.config = network, config
        least = TUNING.cheap_steps if self.batch < rows.batch_size else TUNING.least_steps
        self.schedule = Schedule.of(config, rows, self.batch, least, TUNING.evaluated_steps)
        both = torch.from_numpy(coarse), torch.from_numpy(fine)
        self.codes = both[0][rows.learned], both[1][rows.learned]
        self.held = both[0][rows.held], both[1][rows.held]
        self.context = as_tensors(rows.context.take(rows.learned))
        self.held_context = as_tensors(rows.context.take(rows.held))
        network.heads.shift(log_shares(coarse[rows.learned], network.cardinalities))
        network.fine.start_at(fine_counts(coarse, fine, network))
        network.context.start_at(self.context[1])
        behind = entities_or_rows(entities, len(rows.data)).take(rows.learned)
        network.context.trees.fit(*self.context, self.codes[0], rng, behind, k)
        # Tensors are cloned: to copy them deeply, torch copies their storage item by item.
        own = {id(t): t.detach().clone() for t in network.buffers()}
        own |= {id(t): Parameter(t.detach().clone()) for t in network.parameters()}
        self.state = copy.deepcopy(network, own).eval()
        self.rate, (least_lost, lost) = 1.0, TUNING.forgotten
        few = TUNING.decay_rows / max(len(rows.data), 1)  # the fewer, the more weights decay
        self.optimizer = AdamW(
            _groups(network),
            # with the root of the batch, as the noise of its gradient falls (Malladi et al., 2022)
            lr=config.lr * math.sqrt(max(self.batch, 100) / 500),
            betas=(0.9, 1 - max(least_lost, lost * min(self.batch / 500, 1))),
            weight_decay=max(config.decay, min(few**2, TUNING.strong_decay)),
            fused=True,
        )
        self.bins, self.most_optimism, self.all_rows = bins, MOST_OPTIMISM, rows
        apart = not np.isin(rows.held, rows.learned).any()
        self.counts_rest = bins is not None and apart
        # optimism of the copula that training begins with, and what its gap is beyond that
        self.begun = self.chance = 0.0
        self.shrinkage: Optional[tuple[float, float]] = None
        watched = rng.permutation(self.rows)[: TUNING.watched]
        self.watched = torch.from_numpy(np.sort(watched))
        with torch.no_grad():
            # untrained, but with the heads' shares: how common each row is, were its columns
            # independent, is what the gap is corrected for
            if bins is None:
                common = self._learned(), self._held()
            else:
                common = self._begin_with_copula(bins)
            self.watch = GapWatch(rows, *common)
        self.most_gap = self.watch.most
        # what is left instead are independent columns, or a copula, which has most of it already
        gives_way = bins is None and len(rows.held) >= TUNING.least_held
        self.worth = TUNING.worth if gives_way else math.inf

    def begin(self, done: float) -> None:
        """Let the steps fall at the end; see the base class."""
        rate = min(1.0, (1.0 - done) / TUNING.fall)
        for group in self.optimizer.param_groups:
            group["lr"] *= rate / self.rate
        self.rate = rate

    def step(self) -> dict[str, Tensor]:
        """Take one batch; see the base class."""
        taken = self.next_rows()
        if not self.network.training:  # to tell each part so takes as long as its arithmetic
            self.network.train()
        context = self.network.context(*(t[taken] for t in self.context))
        coarse, fine = (c[taken] for c in self.codes)  # (B, J)
        # one order for the whole batch: the mask is one of weights, not of rows
        loss = self.network.losses(coarse, fine, context, self._mask()).sum(dim=1).mean()
        self.descend(loss, 5.0, min(self.batch, 500) / TUNING.settling)
        return {"likelihood": loss.detach()}

    def _mask(self, natural: bool = False) -> Tensor:
        """Return what each variable knows: all before it, in the order of drawing or another.

        Of the other orders, half begin with some variables that are given.
        """
        count = len(self.network.cardinalities)
        rank = np.arange(count)
        if not natural and self.rng.random() >= self.config.natural:
            if self.rng.random() < 0.5:
                rank = self.rng.permutation(count)
            else:
                # given ones first; the share of them is drawn, too: few are given as often as many
                rank = np.where(self.rng.random(count) < self.rng.random(), rank - count, rank)
        return torch.from_numpy((rank[:, None] < rank[None, :]).astype(np.float32))

    def validate(self) -> float:
        """Return the negative log-likelihood per variable of held-out rows, heads shrunk."""
        with torch.no_grad():
            context = self.state.context(*self.held_context)
            total, losses = self.state.shrink(*self.held, context, self._mask(True))
            # of heads that are not scaled: who holds the weights can scale them back
            gap = self.watch.gap(self._learned(), _scores(losses))
        if self.bins is not None and not self.steps:
            # cross-validation has seen all rows, where those held out differ by chance: of 29 rows
            # of wine, a gap of .2 is no more than that
            self.chance = gap - self.begun
        self.gap = gap - self.chance
        metric = total / max(1, self.held[0].numel())
        self.slow_down(metric)
        return metric

    def retreat(self) -> bool:
        """Let the copula say less; see the base class."""
        if self.bins is None or self.most_optimism <= self.most_gap:
            return False
        self.most_optimism = self.most_gap
        with torch.no_grad():
            self.watch = GapWatch(self.all_rows, *self._begin_with_copula(self.bins))
        self.best, self.waited = math.inf, 0
        return True

    def counter(self, best: Mapping[str, Tensor]) -> bool:
        """Raise the weight decay, and go on from the best state.

        Decay alone would take long to undo what was learned by heart.
        """
        group = self.optimizer.param_groups[0]
        if group["weight_decay"] >= TUNING.most_decay:
            return False
        # in short steps: of 3,000 answers, longer ones pass by what leaves the gap within the limit
        group["weight_decay"] *= 2
        self.network.load_state_dict(best)
        self.state.load_state_dict(best)
        # the best so far may be of a state that was not kept: beside it, steps would be halved soon
        self.best, self.waited = math.inf, 0
        return True

    def _begin_with_copula(self, bins: list[int]) -> tuple[Floats, Floats]:
        """Fit the copula; return how common watched and held-out rows are under others' copulas.

        Parameters
        ----------
        bins : list of int
            How many codes of each variable are places on a scale.
        """
        for network in (self.network, self.state):
            assert network.copula is not None
            network.copula.forget()
        learned, held = self._learned(torch.arange(self.rows)), self._held()
        parts = (self.codes, self.context), (self.held, self.held_context)
        own, others = (self._cells(codes, context, bins) for codes, context in parts)
        found = fitted(own, others, self.rng, self.most_optimism)
        self.begun, self.shrinkage = found.optimism, found.shrinkage
        for network in (self.network, self.state):
            assert network.copula is not None
            network.copula.take(found.copula)
        return (learned + found.learned)[self.watched.numpy()], held + found.others

    @torch.no_grad()
    def count_rest(self) -> None:
        """Fit the copula to all rows; see the base class.

        What the network learned stands on it as before: of the rows that it has not seen, it knows
        nothing by heart, and of the others the copula knows less, since they are more.
        """
        assert self.bins is not None
        assert self.state.copula is not None
        coarse, fine = (torch.cat(parts) for parts in zip(self.codes, self.held))
        context = tuple(torch.cat(parts) for parts in zip(self.context, self.held_context))
        everyone = self._cells((coarse, fine), context, self.bins)
        # what the network has added to it stays as it is
        added = max(self.gap - self.begun, 0.0)
        room = min(self.most_optimism, self.most_gap - added)
        found = fitted(everyone, everyone, self.rng, room, self.shrinkage)
        if not found.copula.used.any():
            return
        used = found.copula.used | np.array(self.state.copula.serves())
        self.state.copula.take(replace(found.copula, used=used))
        self.gap = max(self.gap, found.optimism + added)

    def _cells(
        self, codes: tuple[Tensor, Tensor], context: tuple[Tensor, ...], bins: list[int]
    ) -> Cells:
        coarse, fine = codes
        sizes = list(zip(self.network.cardinalities, self.network.widths))
        cells = coarse * torch.tensor(self.network.widths) + fine.clamp(min=0)
        vectors = self.network.context(*context)
        assert self.network.copula is not None
        given = vectors[:, vectors.shape[1] - self.network.copula.given :]
        scores = given.expand(len(coarse), -1).double().numpy()
        return Cells(cells.where(coarse >= 0, -1).numpy(), sizes, bins, scores)

    def _held(self) -> Floats:
        """Return the log-likelihood of held-out rows."""
        vectors = self.state.context(*self.held_context)
        return _scores(self.state.losses(*self.held, vectors, self._mask(True), kept=True))

    def _learned(self, rows: Optional[Tensor] = None) -> Floats:
        """Return the log-likelihood of learned rows, the watched ones if not told which."""
        rows = self.watched if rows is None else rows
        coarse, fine = (c[rows] for c in self.codes)
        context = self.state.context(*(t[rows] for t in self.context))
        return _scores(self.state.losses(coarse, fine, context, self._mask(True), kept=True))


def _scores(losses: Tensor) -> Floats:
    """Return log-likelihoods, ``(B,)``."""
    found: Floats = -losses.clamp(max=TUNING.most_loss).sum(dim=1).double().numpy()
    return found


def _groups(network: Network) -> list[dict[str, Any]]:
    """Return all parameters; biases and norms do not decay."""
    groups: list[dict[str, Any]] = [{"params": []}, {"params": [], "weight_decay": 0.0}]
    for name, parameter in network.named_parameters():
        groups[any(part in name for part in UNDECAYED)]["params"].append(parameter)
    return groups


def fine_counts(coarse: IntArray, fine: IntArray, network: Network) -> list[Tensor]:
    """Count the fine codes within each coarse one, of the variables that have some."""
    found = []
    for j in network.fine.split:
        size, width = network.cardinalities[j], network.widths[j]
        known = fine[:, j] >= 0
        both = coarse[known, j] * width + fine[known, j]
        counts = np.bincount(both, minlength=size * width).reshape(size, width)
        found.append(torch.from_numpy(counts.astype(np.float32)))
    return found


def log_shares(codes: IntArray, cardinalities: Sequence[int]) -> list[Tensor]:
    """Return the logarithms of the shares of each variable's codes."""
    found = []
    for j, size in enumerate(cardinalities):
        column = codes[:, j]
        counts = np.bincount(column[column >= 0], minlength=size).astype(np.float32)
        # a tenth of a row for each code: one that never occurred keeps a finite logit
        found.append(torch.from_numpy(np.log((counts + 0.1) / (counts.sum() + 0.1 * size))))
    return found
