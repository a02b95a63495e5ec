"""An autoregressive model of discretised rows, conditioned on parents.

A row is a sequence of small integers (floats as quantile bins); a network gives each one's
distribution, given the context and the integers before it: the neural autoregressive
distribution estimator (Larochelle & Murray, 2011) with one fused, masked layer for all
variables (as MADE, Germain et al., 2015), trained in any order (Uria, Murray & Larochelle,
2014) as TabularARGN does (Tiwald et al., 2025). Exact likelihood, so training stops by that of
held-out rows, and drawing is one pass of inverse distribution functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Optional

import numpy as np
import torch
from torch import Tensor

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.encoding.encoded import ABSENT, SILENT, EncodedTable
from synthohive.models.autoregressive.config import TUNING, AutoregressiveConfig
from synthohive.models.autoregressive.context_trees import seldom_told
from synthohive.models.autoregressive.copying import own_places, sources_of, tied
from synthohive.models.autoregressive.crosses import Cross, find_crosses
from synthohive.models.autoregressive.discretise import Bins, Discretiser
from synthohive.models.autoregressive.drawing import Sampler
from synthohive.models.autoregressive.network import Network
from synthohive.models.autoregressive.rollout import Rollout
from synthohive.models.autoregressive.strata import first_rows, stratified
from synthohive.models.autoregressive.training import AutoregressiveTask, fine_counts, log_shares
from synthohive.models.base import Abilities, Pace
from synthohive.models.blocks import as_tensors
from synthohive.models.trained import Arrays, TrainedModel
from synthohive.models.training import TrainingSet
from synthohive.privacy.entities import entities_or_rows
from synthohive.tables.in_turn import Lineup

__all__ = ["Autoregressive"]


class Autoregressive(TrainedModel):
    """Discretised autoregressive network.

    Parameters
    ----------
    metadata : TableConfig
    batch_size, epochs : int
    **kwargs
        See :class:`~synthohive.models.autoregressive.config.AutoregressiveConfig`.

    Examples
    --------
    >>> from synthohive import Autoregressive, EncodedTable, TableConfig
    >>> from synthohive.encoding.encoded import Discrete, Layout
    >>> codes = np.arange(200, dtype=np.int32)[:, None] % 3
    >>> rows = EncodedTable(Layout((Discrete("colour", 3),)), codes, np.empty((200, 0), np.float32))
    >>> model = Autoregressive(TableConfig(name="t"), epochs=1)
    >>> _ = model.fit(rows, seed=np.random.SeedSequence(1))
    >>> model.sample(5, rng=np.random.default_rng(1)).codes.shape
    (5, 1)
    """

    name = "autoregressive"
    title = "The autoregressive model"
    settings = AutoregressiveConfig
    abilities = Abilities(
        max_modes=1,
        conditional=True,
        siblings=True,
        least_epochs=0,
        pace=Pace(TUNING.least_steps, 0.0, 2.0),
    )
    rows_at_once = 4096
    config: AutoregressiveConfig
    network_: Network

    def _prepare(self, data: EncodedTable, context: EncodedTable) -> None:
        self.discretiser_, self.rows_ = Discretiser.fit(data), len(data)
        known = sources_of(self.discretiser_, context.layout)
        codes = self.discretiser_.encode(data)[0] if known else None
        layout = context.layout
        given = bool(layout.discrete or layout.continuous)
        self.seldom_ = seldom_told(data, self.discretiser_.variables) if given else []
        self.copied_ = np.zeros(0, np.bool_)
        if codes is not None:
            self.copied_ = tied(known, codes, context, data.layout)
        self.crosses_ = self._crosses(data)

    def _crosses(self, data: EncodedTable) -> list[Cross]:
        """Return the combinations that tell variables; none where a copula comes first."""
        sizes = [variable.cardinality for variable in self.discretiser_.variables]
        if self._begins_with_copula(len(sizes)) or len(sizes) > TUNING.paired or not self.epochs:
            return []
        entities, least = entities_or_rows(self.entities_, len(data)), TUNING.cross_least

        def shared(codes: IntArray, size: int) -> Bools:
            return entities.holders(codes, size) >= max(least, self.k_)

        # a generator of its own: all else that is drawn stays as it was without combinations
        rng = np.random.default_rng(len(data))
        return find_crosses(self.discretiser_.encode(data)[0], sizes, rng, shared)

    def _task(self, rows: TrainingSet, rng: np.random.Generator) -> Optional[AutoregressiveTask]:
        if not self.discretiser_.variables:
            return None
        codes = self.discretiser_.encode(rows.data)
        with_copula = self.network_.copula is not None and self.epochs > 0
        bins = self.discretiser_.scales() if with_copula else None
        return AutoregressiveTask(
            rows, *codes, self.network_, self.config, rng, bins, self.entities_, self.k_
        )

    def _network(self) -> Network:
        variables = self.discretiser_.variables
        known = sources_of(self.discretiser_, self.context_layout_)
        return Network(
            [variable.cardinality for variable in variables],
            [variable.width for variable in variables],
            self.context_layout_,
            self.config.for_table(self.rows_, len(variables)),
            wide=[j for j, variable in enumerate(variables) if variable.many],
            copied=[source for source, told in zip(known, self.copied_.tolist()) if told],
            with_copula=self._begins_with_copula(len(variables)),
            seldom=self.seldom_,
            crosses=self.crosses_,
            places=self.discretiser_.scales(),
        )

    def _begins_with_copula(self, variables: int) -> bool:
        most = max(TUNING.copula_rows, TUNING.copula_share * variables)
        if own_places(self.context_layout_):
            most = max(most, min(TUNING.copula_series, TUNING.copula_spread * variables))
        return 1 < variables <= TUNING.copula_variables and self.rows_ < most

    def _settle(self) -> None:
        super()._settle()
        self.sampler_ = Sampler(self.network_)

    def _calibrate(
        self,
        data: EncodedTable,
        context: EncodedTable,
        rng: np.random.Generator,
        shares: Optional[EncodedTable],
    ) -> None:
        """Correct the heads' biases until rows drawn for real contexts have the real shares."""
        self.network_.forget()
        real, fine = self.discretiser_.encode(data)  # (rows, J)
        sizes = self.network_.cardinalities
        wanted = log_shares(real, sizes)
        if shares is not None:
            more = self.discretiser_.encode(shares)
            wanted = _better_known(wanted, more[0], sizes)
            counts = (fine_counts(*codes, self.network_) for codes in ((real, fine), more))
            self.network_.fine.shift(*counts)
        cells = TUNING.calibrated_cells // real.shape[1]
        count = min(TUNING.calibrated_rows, cells, TUNING.calibrated_repeats * len(data))
        rows = rng.permutation(len(data))[:count].astype(np.int64)
        with torch.no_grad():
            vectors = self.sampler_.context(*as_tensors(context.take(rows)))
        # of few rows each is drawn several times, with other noise, for the same context
        again = np.resize(np.arange(len(rows)), count)
        rows, vectors = rows[again], vectors[torch.from_numpy(again)]
        # what tells nothing in a row is left out on both sides, or it would count as its first code
        silent = real[rows] < 0
        given = torch.from_numpy(np.where(silent, SILENT, ABSENT)), torch.full(silent.shape, -1)
        for _ in range(TUNING.calibrations):
            uniforms = rng.random((2, real.shape[1], len(rows)), dtype=np.float32)
            with torch.no_grad():
                made, _ = self.sampler_.draw(vectors, torch.from_numpy(uniforms), given)
            told = np.where(silent, ABSENT, made.numpy())
            pairs = zip(wanted, log_shares(told, sizes))
            # at most by 1: the share of a code that was hardly drawn is mostly chance; less than
            # the whole way, since the columns after it move as well
            self.network_.heads.shift([0.7 * (a - b).clamp(-1, 1) for a, b in pairs])
            self._settle()

    def _calibrate_groups(
        self,
        data: EncodedTable,
        context: EncodedTable,
        lineup: Lineup,
        rows: IntArray,
        rng: np.random.Generator,
        shares: Optional[EncodedTable],
    ) -> None:
        """Correct the heads' biases until whole groups, drawn row after row, have the real shares.

        Parameters
        ----------
        data, context : EncodedTable
        lineup : Lineup
            Their groups.
        rows : ndarray of int64
            Those that have the real shares, of whole groups.
        rng : numpy.random.Generator
        shares : EncodedTable, optional
            More rows, of which each tells some columns.
        """
        sizes = self.network_.cardinalities
        cells = TUNING.calibrated_cells // len(sizes)
        most = min(TUNING.calibrated_rows, cells, TUNING.calibrated_repeats * len(rows))
        rollout = Rollout(data, context, lineup, rows, most, rng)
        real = self.discretiser_.encode(data.take(rows))[0]
        wanted, goals = log_shares(real, sizes), list(real.T)
        if shares is not None:
            more = self.discretiser_.encode(shares)[0]
            wanted = _better_known(wanted, more, sizes)
            goals = [m if (m >= 0).any() else r for m, r in zip(more.T, goals)]

        def sample(known: EncodedTable, given: EncodedTable) -> EncodedTable:
            return self._draw(known, rng, given=given)

        for number in range(TUNING.rounds):
            with torch.no_grad():
                made = self.discretiser_.encode(rollout.draw(sample))[0]
            if not any(_beyond_chance(*pair) for pair in zip(goals, made.T)):
                return
            # shorter and shorter steps average out what single rounds have by chance
            pace = TUNING.group_pace / (1 + number / 2)
            pairs = zip(wanted, log_shares(made, sizes))
            self.network_.heads.shift([pace * (a - b).clamp(-1, 1) for a, b in pairs])
            self._settle()

    def log_likelihood(
        self, data: EncodedTable, context: Optional[EncodedTable] = None
    ) -> Optional[Floats]:
        """Return the logarithmic likelihood of rows; see the base class.

        The heads are not scaled as for drawing: who holds the weights can scale them back.
        """
        if not self.discretiser_.variables:
            return None
        given = EncodedTable.empty(len(data)) if context is None else context
        coarse, fine = (torch.from_numpy(codes) for codes in self.discretiser_.encode(data))
        natural = torch.ones(coarse.shape[1], coarse.shape[1]).triu(1)
        found = np.empty(len(data))
        with torch.no_grad():
            for start in range(0, len(data), self.rows_at_once):
                part = slice(start, start + self.rows_at_once)
                rows = np.arange(len(data))[part]
                vectors = self.network_.context(*as_tensors(given.take(rows)))
                losses = self.network_.losses(coarse[part], fine[part], vectors, natural)
                found[part] = -losses.clamp(max=TUNING.most_loss).sum(dim=1).double().numpy()
        return found

    def _draw(
        self,
        context: EncodedTable,
        rng: np.random.Generator,
        *,
        given: Optional[EncodedTable] = None,
        never: Optional[Sequence[int]] = None,
        **known: Any,
    ) -> EncodedTable:
        shape = (2, len(self.discretiser_.variables), len(context))
        uniforms = rng.random(shape, dtype=np.float32)
        beginning = first_rows(context)
        if len(beginning) > 1:
            uniforms[0][:, beginning] = stratified(uniforms[0][:, beginning], rng)
        vector = self.sampler_.context(*as_tensors(context))
        codes = None
        if given is not None:
            coarse, fine = self.discretiser_.encode(given)
            codes = torch.from_numpy(coarse), torch.from_numpy(fine)
        barred = self.discretiser_.places(never or ())
        drawn = self.sampler_.draw(vector, torch.from_numpy(uniforms), codes, barred)
        coarse, fine = (c.numpy() for c in drawn)
        made = self.discretiser_.decode(coarse, fine, rng)
        if given is None:
            return made
        # what was given comes back to the bit, not as a value within its bin
        return EncodedTable(
            made.layout,
            np.where(given.codes >= 0, given.codes, made.codes),
            np.where(np.isnan(given.values), made.values, given.values),
        )

    def _arrays(self) -> Arrays:
        bins = enumerate(self.discretiser_.bins)
        found = {f"bins.{i}.{name}": array for i, own in bins for name, array in vars(own).items()}
        for x, cross in enumerate(self.crosses_):
            found[f"cross.{x}.path"] = np.array([cross.target, *cross.path])
            for level, parts in enumerate(zip(cross.keys, cross.rows)):
                found[f"cross.{x}.{level}"] = np.stack(parts)
        seldom = np.array(self.seldom_, dtype=np.int64)
        return {"rows": np.array([self.rows_]), "copied": self.copied_, "seldom": seldom, **found}

    def _restore(self, arrays: Arrays) -> None:
        parts = [f.name for f in fields(Bins)]
        bins = [
            Bins(*(arrays[f"bins.{i}.{part}"] for part in parts))
            for i in range(len(self.layout_.continuous))
        ]
        self.discretiser_, self.rows_ = Discretiser(self.layout_, bins), int(arrays["rows"][0])
        self.copied_ = arrays["copied"].astype(np.bool_)
        self.seldom_ = [int(j) for j in arrays["seldom"]]
        self.crosses_ = []
        while f"cross.{len(self.crosses_)}.path" in arrays:
            x = len(self.crosses_)
            target, *path = arrays[f"cross.{x}.path"].tolist()
            levels = [arrays[f"cross.{x}.{level}"] for level in range(len(path) - 1)]
            keys, rows = (tuple(level[i] for level in levels) for i in (0, 1))
            self.crosses_.append(Cross(target, tuple(path), keys, rows))


def _better_known(known: list[Tensor], more: IntArray, sizes: Sequence[int]) -> list[Tensor]:
    """Return the shares of codes (rows, J), and those that are known where these tell nothing."""
    better = zip(known, log_shares(more, sizes), more.T)
    return [new if (codes >= 0).any() else old for old, new, codes in better]


def _beyond_chance(real: IntArray, made: IntArray) -> bool:
    """Return whether shares are further apart than by chance, and than is worth a correction.

    Parameters
    ----------
    real, made : ndarray of int64
        Codes; those below 0 tell nothing.
    """
    size = int(max(real.max(initial=0), made.max(initial=0))) + 1
    counts = np.array([np.bincount(codes[codes >= 0], minlength=size) for codes in (real, made)])
    rows = counts.sum(axis=1, keepdims=True)
    if not rows.all():
        return False
    shares, pooled = counts / rows, counts.sum(axis=0) / rows.sum()
    # a normal number is .8 deviations from its mean; half of that, as distances count shares twice
    usual = 0.4 * np.sqrt(pooled * (1 - pooled) * (1 / rows).sum()).sum()
    distance = np.abs(shares[0] - shares[1]).sum() / 2
    return bool(distance > max(TUNING.chance_factor * usual, TUNING.negligible))
