"""An autoregressive model of discretised rows, conditioned on parents.

A row is a sequence of small integers (floats as quantile bins); a network gives each one's
distribution, given the context and the integers before it: the neural autoregressive
distribution estimator (Larochelle & Murray, 2011) with one fused, masked layer for all
variables (as MADE, Germain et al., 2015), trained in any order (Uria, Murray & Larochelle,
2014) as TabularARGN does (Tiwald et al., 2025). Exact likelihood, so training stops by that of
held-out rows, and drawing is one pass of inverse distribution functions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Optional

import numpy as np
import torch
from safetensors.torch import save_file

from synthohive.encoding.encoded import ABSENT, SILENT, EncodedTable, Layout
from synthohive.exceptions import SerializationError
from synthohive.models.autoregressive.discretise import Bins, Discretiser
from synthohive.models.autoregressive.network import Network, context_tensors
from synthohive.models.autoregressive.training import AutoregressiveTask, log_shares
from synthohive.models.base import (
    ConditionalGenerativeModel,
    Memorisation,
    TrainingListener,
)
from synthohive.models.memorisation import measure
from synthohive.models.settings import settings_of
from synthohive.models.tensors import read_tensors, restored
from synthohive.models.training import Schedule, one_thread, split, train
from synthohive.schema import TableConfig
from synthohive.storage.codec import Packed, pack, unpack
from synthohive.storage.components import read_json

__all__ = ["Autoregressive", "AutoregressiveConfig"]

SLICE = 4096
LEAST_STEPS, CHEAP_STEPS = 20, 50
"""Batches of an epoch at least; of small tables, whose batches are small, more for less time."""
EVALUATED_STEPS = 50
"""Batches between evaluations at least."""
CALIBRATION_ROWS = 20_000
CALIBRATIONS = 4
MOST_WEIGHTS, LEAST_WIDTH = 16_000_000, 8
"""Of wide tables, layers are narrower: every pair of variables has a matrix."""
WIDE_ROWS = 500
"""Of fewer rows, layers are narrower."""


@dataclass(frozen=True)
class AutoregressiveConfig:
    """Settings.

    Attributes
    ----------
    embedding, hidden, context : int
        Widths: of a code's vector, of each variable's layer, of the context.
    lr : float
        Learning rate for a batch of 500; it grows with the root of the batch.
    decay : float
        Weight decay at least; more of it where rows are few.
    dropout : float
    average : float
        Decay of the weights' moving average, which is what is validated and draws.
    natural : float
        Share of the batches that are learned in the order in which rows are drawn; the
        others take any order.
    steps : int
        Most batches per epoch.
    evaluate_every, patience : int
        Epochs between evaluations; evaluations without improvement before stopping. The
        learning rate is halved after half of them.
    """

    embedding: int = 8
    hidden: int = 64
    context: int = 128
    lr: float = 5e-3
    decay: float = 0.1
    dropout: float = 0.25
    average: float = 0.99
    natural: float = 0.7
    steps: int = 100
    evaluate_every: int = 1
    patience: int = 6


@dataclass
class State:
    """What a trained model is, its weights aside."""

    config: AutoregressiveConfig
    batch_size: int
    epochs: int
    widths: tuple[int, int]
    memorisation: Optional[Memorisation]
    layout: Layout
    context_layout: Layout


class Autoregressive(ConditionalGenerativeModel):
    """Discretised autoregressive network.

    Parameters
    ----------
    metadata : TableConfig
    batch_size, epochs : int
    **kwargs
        See :class:`AutoregressiveConfig`.

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
    max_modes = 1
    siblings = True
    conditional = True
    least_epochs = 0

    def __init__(
        self, metadata: TableConfig, batch_size: int = 500, epochs: int = 300, **kwargs: Any
    ) -> None:
        super().__init__(metadata, batch_size, epochs, **kwargs)
        self.config = settings_of(AutoregressiveConfig, kwargs, "The autoregressive model")

    def fit(
        self,
        data: EncodedTable,
        context: Optional[EncodedTable] = None,
        *,
        seed: Optional[np.random.SeedSequence] = None,
        listener: Optional[TrainingListener] = None,
        device: str = "cpu",
        max_memorisation: Optional[float] = None,
        **kwargs: Any,
    ) -> Autoregressive:
        """Train on encoded rows; see the base class."""
        given = EncodedTable.empty(len(data)) if context is None else context
        rng = np.random.Generator(
            np.random.Philox(np.random.SeedSequence() if seed is None else seed)
        )
        self.discretiser_ = Discretiser.fit(data)
        self.widths_ = self._widths(len(data))
        self.context_layout_ = given.layout
        training, held = split(len(data), rng)
        with one_thread(int(rng.integers(2**62))):
            self.network_ = self._network()
            if self.discretiser_.variables:
                task = AutoregressiveTask(self, data, given, training, held, rng)
                schedule = self._schedule(len(training), task.batch)
                train(task, schedule, listener, device, max_memorisation)
                self.network_ = task.state
                if self.epochs:
                    self._calibrate(data, given, rng)
            self.network_.eval()
            if self.discretiser_.variables and self.epochs:
                self.memorisation = measure(self, data, context, (training, held), task.gap, rng)
        return self

    def _schedule(self, rows: int, batch: int) -> Schedule:
        """Return how long to train; of short epochs, several pass between evaluations."""
        config = self.config
        least = CHEAP_STEPS if batch < self.batch_size else LEAST_STEPS
        steps = min(config.steps, max(least, rows // batch))
        every = max(config.evaluate_every, -(-EVALUATED_STEPS // steps))
        return Schedule(self.epochs, steps, every, config.patience)

    def _calibrate(
        self, data: EncodedTable, context: EncodedTable, rng: np.random.Generator
    ) -> None:
        """Correct the heads' biases until rows drawn for real contexts have the real shares."""
        real = self.discretiser_.encode(data)[0]
        sizes = self.network_.cardinalities
        wanted = log_shares(real, sizes)
        rows = np.resize(rng.permutation(len(data)), CALIBRATION_ROWS).astype(np.int64)
        with torch.no_grad():
            vectors = self.network_.context(*context_tensors(context.take(rows)))
        silent = real[rows] < 0
        given = torch.from_numpy(np.where(silent, SILENT, ABSENT)), torch.full(silent.shape, -1)
        for _ in range(CALIBRATIONS):
            uniforms = rng.random((2, real.shape[1], len(rows)), dtype=np.float32)
            with torch.no_grad():
                made, _ = self.network_.draw(vectors, torch.from_numpy(uniforms), given)
            told = np.where(silent, ABSENT, made.numpy())
            pairs = zip(wanted, log_shares(told, sizes))
            self.network_.shift([0.7 * (a - b).clamp(-1, 1) for a, b in pairs])

    def _widths(self, rows: int) -> tuple[int, int]:
        """Return the widths of a code's vector and of a variable's layer.

        Half as wide for each half of the rows: what is wide learns few rows by heart.
        """
        embedding, hidden, count = self.config.embedding, self.config.hidden, WIDE_ROWS
        while rows < count and hidden > LEAST_WIDTH:
            embedding, hidden, count = max(embedding // 2, 4), hidden // 2, count // 2
        variables = len(self.discretiser_.variables)
        while variables**2 * embedding * hidden > MOST_WEIGHTS and hidden > LEAST_WIDTH:
            embedding, hidden = max(embedding // 2, 2), hidden // 2
        return embedding, hidden

    def _network(self) -> Network:
        variables = self.discretiser_.variables
        embedding, hidden = self.widths_
        return Network(
            [variable.cardinality for variable in variables],
            [variable.width for variable in variables],
            self.context_layout_,
            embedding=embedding,
            hidden=hidden,
            context_width=self.config.context,
            dropout=self.config.dropout,
            wide=[j for j, variable in enumerate(variables) if variable.many],
        )

    def sample(
        self,
        num_rows: int,
        context: Optional[EncodedTable] = None,
        *,
        rng: Optional[np.random.Generator] = None,
        given: Optional[EncodedTable] = None,
        never: Optional[Sequence[int]] = None,
        **kwargs: Any,
    ) -> EncodedTable:
        """Draw rows; see the base class."""
        context = EncodedTable.empty(num_rows) if context is None else context
        generator = np.random.default_rng() if rng is None else rng
        barred = self.discretiser_.places(never or ())
        parts = []
        with one_thread(), torch.no_grad():
            for start in range(0, max(num_rows, 1), SLICE):
                rows = np.arange(start, min(start + SLICE, num_rows))
                known = None if given is None else given.take(rows)
                parts.append(self._draw(context.take(rows), known, barred, generator))
        return EncodedTable.stack(parts)

    def _draw(
        self,
        context: EncodedTable,
        given: Optional[EncodedTable],
        never: Mapping[int, tuple[int, int]],
        rng: np.random.Generator,
    ) -> EncodedTable:
        shape = (2, len(self.discretiser_.variables), len(context))
        uniforms = torch.from_numpy(rng.random(shape, dtype=np.float32))
        vector = self.network_.context(*context_tensors(context))
        known = None
        if given is not None:
            coarse, fine = self.discretiser_.encode(given)
            known = torch.from_numpy(coarse), torch.from_numpy(fine)
        drawn = self.network_.draw(vector, uniforms, known, never)
        made = self.discretiser_.decode(drawn[0].numpy(), drawn[1].numpy(), rng)
        if given is None:
            return made
        codes = np.where(given.codes >= 0, given.codes, made.codes)
        values = np.where(np.isnan(given.values), made.values, given.values)
        return EncodedTable(made.layout, codes, values)

    def save(self, path: Path) -> None:
        """Write ``model.json`` and ``model.safetensors``."""
        state = State(
            self.config, self.batch_size, self.epochs, self.widths_, self.memorisation,
            self.discretiser_.layout, self.context_layout_,
        )  # fmt: skip
        (path / "model.json").write_text(json.dumps(pack(state).state), encoding="utf-8")
        tensors = {f"network.{k}": v.contiguous() for k, v in self.network_.state_dict().items()}
        for i, bins in enumerate(self.discretiser_.bins):
            tensors |= {f"bins.{i}.{k}": torch.from_numpy(v) for k, v in vars(bins).items()}
        save_file(tensors, str(path / "model.safetensors"))

    @classmethod
    def load(cls, path: Path) -> Autoregressive:
        """Read what :meth:`save` wrote."""
        try:
            state = unpack(State, Packed(read_json(path / "model.json")))
            model = cls(
                TableConfig(name="loaded"), state.batch_size, state.epochs, **asdict(state.config)
            )
            tensors = read_tensors(path / "model.safetensors")
            parts = [f.name for f in fields(Bins)]
            bins = [
                Bins(*(tensors[f"bins.{i}.{part}"].numpy() for part in parts))
                for i in range(len(state.layout.continuous))
            ]
            model.discretiser_ = Discretiser(state.layout, bins)
            model.context_layout_, model.widths_ = state.context_layout, state.widths
            model.memorisation = state.memorisation
            own = {k[8:]: v for k, v in tensors.items() if k.startswith("network.")}
            model.network_ = restored(model._network, own)
        except Exception as exc:
            raise SerializationError(f"The model in {path.name!r} cannot be read: {exc}") from exc
        model.network_.eval()
        return model
