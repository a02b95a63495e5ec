"""An autoregressive model of discretised rows, conditioned on parents.

A row is a sequence of small integers (floats as quantile bins); a network gives each one's
distribution, given the context and the integers before it: the neural autoregressive
distribution estimator (Larochelle & Murray, 2011) with one fused, masked layer for all
variables (as MADE, Germain et al., 2015), trained in any order (Uria, Murray & Larochelle,
2014) as TabularARGN does (Tiwald et al., 2025). Exact likelihood, so training stops by that of
held-out rows, and drawing is one pass of inverse distribution functions.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Optional

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from synthohive.core.data.encoded import EncodedTable, Layout
from synthohive.core.models.autoregressive_network import Network, context_tensors
from synthohive.core.models.base import ConditionalGenerativeModel, TrainingListener
from synthohive.core.models.discretise import Discretiser
from synthohive.core.models.training import Schedule, Trainable, one_thread, split, train
from synthohive.exceptions import SchemaError, SerializationError, did_you_mean
from synthohive.schema import TableConfig

__all__ = ["Autoregressive", "AutoregressiveConfig"]

SLICE = 8192
LEAST_STEPS = 20
CALIBRATION_ROWS = 20_000
CALIBRATIONS = 4


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
        Weight decay.
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

    embedding: int = 16
    hidden: int = 64
    context: int = 128
    lr: float = 2e-3
    decay: float = 0.1
    dropout: float = 0.25
    average: float = 0.99
    natural: float = 0.7
    steps: int = 100
    evaluate_every: int = 1
    patience: int = 6

    @classmethod
    def of(cls, settings: dict[str, Any]) -> AutoregressiveConfig:
        """Build from keywords; refuse unknown ones."""
        known = [f.name for f in fields(cls)]
        for name in settings:
            if name not in known:
                raise SchemaError(
                    f"The autoregressive model has no setting {name!r}.",
                    hint=did_you_mean(name, known),
                )
        return cls(**settings)


class Autoregressive(ConditionalGenerativeModel):
    """Discretised autoregressive network.

    Parameters
    ----------
    metadata : TableConfig
    batch_size, epochs : int
    **kwargs
        See :class:`AutoregressiveConfig`.
    """

    name = "autoregressive"

    def __init__(
        self, metadata: TableConfig, batch_size: int = 500, epochs: int = 300, **kwargs: Any
    ) -> None:
        super().__init__(metadata, batch_size, epochs, **kwargs)
        self.config = AutoregressiveConfig.of(kwargs)

    def fit(
        self,
        data: EncodedTable,
        context: Optional[EncodedTable] = None,
        *,
        seed: Optional[np.random.SeedSequence] = None,
        listener: Optional[TrainingListener] = None,
        **kwargs: Any,
    ) -> Autoregressive:
        """Train on encoded rows; see the base class."""
        given = EncodedTable.empty(len(data)) if context is None else context
        rng = np.random.Generator(
            np.random.Philox(np.random.SeedSequence() if seed is None else seed)
        )
        self.discretiser_ = Discretiser.fit(data)
        self.context_layout_ = given.layout
        training, held = split(len(data), rng)
        with one_thread(int(rng.integers(2**62))):
            self.network_ = self._network()
            if self.discretiser_.variables:
                task = _Task(self, data, given, training, held, rng)
                steps = min(self.config.steps, max(LEAST_STEPS, len(training) // task.batch))
                every = max(self.config.evaluate_every, -(-50 // steps))
                train(task, Schedule(self.epochs, steps, every, self.config.patience), listener)
                self.network_ = task.state
                self._calibrate(data, given, rng)
            self.network_.eval()
        return self

    def _calibrate(
        self, data: EncodedTable, context: EncodedTable, rng: np.random.Generator
    ) -> None:
        """Correct the heads' biases until rows drawn for real contexts have the real shares."""
        real = self.discretiser_.encode(data)
        rows = np.resize(rng.permutation(len(data)), CALIBRATION_ROWS).astype(np.int64)
        vector_of = context_tensors(context.take(rows))
        for _ in range(CALIBRATIONS):
            uniforms = rng.random((len(rows), real.shape[1]), dtype=np.float32)
            with torch.no_grad():
                vectors = self.network_.context(*vector_of)
                made = self.network_.draw(vectors, torch.from_numpy(uniforms), self._inactive())
            sizes = self.network_.cardinalities
            pairs = zip(_log_shares(real, sizes), _log_shares(made.numpy(), sizes))
            self.network_.shift([0.7 * (a - b).clamp(-1, 1) for a, b in pairs])

    def _network(self) -> Network:
        return Network(
            [variable.cardinality for variable in self.discretiser_.variables],
            self.context_layout_,
            embedding=self.config.embedding,
            hidden=self.config.hidden,
            context_width=self.config.context,
            dropout=self.config.dropout,
        )

    def sample(
        self,
        num_rows: int,
        context: Optional[EncodedTable] = None,
        *,
        rng: Optional[np.random.Generator] = None,
        **kwargs: Any,
    ) -> EncodedTable:
        """Draw rows; see the base class."""
        given = EncodedTable.empty(num_rows) if context is None else context
        generator = np.random.default_rng() if rng is None else rng
        starts = range(0, max(num_rows, 1), SLICE)
        with one_thread(), torch.no_grad():
            parts = [self._draw(given, s, min(s + SLICE, num_rows), generator) for s in starts]
        return EncodedTable.stack(parts)

    def _draw(
        self, context: EncodedTable, start: int, stop: int, rng: np.random.Generator
    ) -> EncodedTable:
        part = EncodedTable(context.layout, context.codes[start:stop], context.values[start:stop])
        variables = self.discretiser_.variables
        uniforms = torch.from_numpy(rng.random((len(part), len(variables)), dtype=np.float32))
        vector = self.network_.context(*context_tensors(part))
        codes = self.network_.draw(vector, uniforms, self._inactive())
        return self.discretiser_.decode(codes.numpy(), rng)

    def _inactive(self) -> list[Optional[Callable[[Tensor], Tensor]]]:
        """Return for each variable what tells where it means nothing: its mode says so."""
        variables, layout = self.discretiser_.variables, self.discretiser_.layout
        place = {v.block: k for k, v in enumerate(variables) if not v.continuous}
        found: list[Optional[Callable[[Tensor], Tensor]]] = []
        for variable in variables:
            floats = layout.continuous[variable.block] if variable.continuous else None
            if floats is None or floats.modes is None or floats.modes not in place:
                found.append(None)
            else:
                found.append(_Above(place[floats.modes], floats.active))
        return found

    def save(self, path: Path) -> None:
        """Write ``model.json`` and ``model.safetensors``."""
        state = {
            "config": asdict(self.config),
            "batch_size": self.batch_size,
            "epochs": self.epochs,
            "layout": self.discretiser_.layout.to_dict(),
            "context_layout": self.context_layout_.to_dict(),
        }
        (path / "model.json").write_text(json.dumps(state), encoding="utf-8")
        tensors = {f"network.{k}": v.contiguous() for k, v in self.network_.state_dict().items()}
        for i, edges in enumerate(self.discretiser_.edges):
            tensors[f"edges.{i}"] = torch.from_numpy(edges)
        save_file(tensors, str(path / "model.safetensors"))

    @classmethod
    def load(cls, path: Path) -> Autoregressive:
        """Read what :meth:`save` wrote."""
        try:
            state = json.loads((path / "model.json").read_text(encoding="utf-8"))
            model = cls(
                TableConfig(name="loaded"), state["batch_size"], state["epochs"], **state["config"]
            )
            tensors = load_file(str(path / "model.safetensors"))
            layout = Layout.from_dict(state["layout"])
            edges = [tensors[f"edges.{i}"].numpy() for i in range(len(layout.continuous))]
            model.discretiser_ = Discretiser(layout, edges)
            model.context_layout_ = Layout.from_dict(state["context_layout"])
            with one_thread(0):
                model.network_ = model._network()
            own = {k[8:]: v for k, v in tensors.items() if k.startswith("network.")}
            model.network_.load_state_dict(own)
        except Exception as exc:
            raise SerializationError(f"The model in {path.name!r} cannot be read: {exc}") from exc
        model.network_.eval()
        return model


@dataclass(frozen=True)
class _Above:
    """Tells in which rows a variable's code is at or above a bound."""

    place: int
    bound: int

    def __call__(self, codes: Tensor) -> Tensor:
        return codes[:, self.place] >= self.bound


class _Task(Trainable):
    """Training by the likelihood of batches, in any order of the variables."""

    def __init__(
        self,
        model: Autoregressive,
        data: EncodedTable,
        context: EncodedTable,
        training: npt.NDArray[np.int64],
        held: npt.NDArray[np.int64],
        rng: np.random.Generator,
    ) -> None:
        self.table = model.metadata.name
        self.network = model.network_
        self.config, self.rng = model.config, rng
        codes = model.discretiser_.encode(data)
        self.codes = torch.from_numpy(codes[training])
        self.held = torch.from_numpy(codes[held])
        self.context = context_tensors(context.take(training))
        self.held_context = context_tensors(context.take(held))
        self.batch = max(1, min(model.batch_size, len(training)))
        self.order = np.empty(0, dtype=np.int64)
        self.network.start_at(_log_shares(codes[training], self.network.cardinalities))
        self.state: Network = copy.deepcopy(self.network).eval()
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=self.config.lr * math.sqrt(self.batch / 500),
            weight_decay=self.config.decay,
        )
        self.best, self.waited = math.inf, 0

    def step(self) -> dict[str, Tensor]:
        """Take one batch; see the base class."""
        if len(self.order) < self.batch:
            self.order = self.rng.permutation(len(self.codes))
        rows, self.order = self.order[: self.batch], self.order[self.batch :]
        taken = torch.from_numpy(np.ascontiguousarray(rows))
        self.network.train()
        context = self.network.context(self.context[0][taken], self.context[1][taken])
        loss = self.network.losses(self.codes[taken], context, self._mask()).sum(dim=1).mean()
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        with torch.no_grad():
            pairs = zip(self.state.parameters(), self.network.parameters())
            for mean, own in pairs:
                mean.lerp_(own, 1 - self.config.average)
        return {"likelihood": loss.detach()}

    def _mask(self, natural: bool = False) -> Tensor:
        count = len(self.network.cardinalities)
        rank = np.arange(count)
        if not natural and self.rng.random() >= self.config.natural:
            rank = self.rng.permutation(count)
        return torch.from_numpy((rank[:, None] < rank[None, :]).astype(np.float32))

    def validate(self) -> float:
        """Return the negative log-likelihood per variable of held-out rows."""
        total = 0.0
        with torch.no_grad():
            for start in range(0, len(self.held), SLICE):
                part = slice(start, start + SLICE)
                context = self.state.context(*(t[part] for t in self.held_context))
                losses = self.state.losses(self.held[part], context, self._mask(True))
                total += float(losses.sum())
        metric = total / max(1, self.held.numel())
        self.waited = 0 if metric < self.best else self.waited + 1
        self.best = min(metric, self.best)
        if self.waited and self.waited % max(1, self.config.patience // 3) == 0:
            for group in self.optimizer.param_groups:
                group["lr"] *= 0.5
        return metric


def _log_shares(codes: npt.NDArray[np.int64], cardinalities: list[int]) -> list[Tensor]:
    found = []
    for j, size in enumerate(cardinalities):
        column = codes[:, j]
        counts = np.bincount(column[column >= 0], minlength=size).astype(np.float32)
        found.append(torch.from_numpy(np.log((counts + 0.1) / (counts.sum() + 0.1 * size))))
    return found
