"""CTGAN (Xu, Skoularidou, Cuesta-Infante & Veeramachaneni, NeurIPS 2019), conditioned on parents.

Kept from the paper: the conditional vector with training-by-sampling, Gumbel-softmax
outputs, PacGAN discriminator (Lin et al., 2018), WGAN-GP loss (Gulrajani et al., 2017) and
the residual generator. Different: conditions at generation follow the true frequencies, codes
are drawn from the softmax instead of taking the largest, the sampler has no loop over
rows, the generator is normalised by layer (so that a row depends on no other row of its
batch) and also learns from two proper scores, the best of the averaged generators is kept,
and marginals are calibrated.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Optional

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from synthohive.core.data.encoded import EncodedTable, Layout
from synthohive.core.models.base import ConditionalGenerativeModel, TrainingListener
from synthohive.core.models.calibration import QuantileMaps, block_bias, wide_bias
from synthohive.core.models.ctgan_training import CTGANTask
from synthohive.core.models.networks import Generator
from synthohive.core.models.training import Schedule, one_thread, split, train
from synthohive.exceptions import SchemaError, SerializationError, did_you_mean
from synthohive.schema import TableConfig

__all__ = ["CTGAN", "CTGANConfig"]

SLICE = 8192
"""Rows drawn at once."""
CALIBRATION_ROWS = 20_000
LEAST_STEPS = 10
"""Batches per epoch of a table that has fewer rows than that takes."""


@dataclass(frozen=True)
class CTGANConfig:
    """Settings.

    The paper has widths of 256, a learning rate of 2e-4 and packs of 10. On two cores
    these defaults reach in 400 steps of half the time what those do not in 1,000.

    Attributes
    ----------
    noise : int
        Dimensions of the generator's noise.
    generator, discriminator : tuple of int
        Widths of the hidden layers.
    lr : float
        Learning rate of both networks.
    decay : float
        Weight decay of the generator.
    pac : int
        Rows that the discriminator sees together.
    penalty : float
        Weight of the gradient penalty.
    tau : float
        Temperature of the Gumbel-softmax.
    scores : float
        Weight of the energy score and the Brier score in the generator's loss (not in the paper).
    average : float
        Decay of the generator's moving average, which is what samples (not in the paper).
    steps : int
        Most batches per epoch (not in the paper).
    evaluate_every, patience : int
        Epochs between evaluations; evaluations without improvement before stopping.
    """

    noise: int = 32
    generator: tuple[int, ...] = (128, 128)
    discriminator: tuple[int, ...] = (128, 128)
    lr: float = 1e-3
    decay: float = 1e-6
    pac: int = 2
    penalty: float = 10.0
    tau: float = 0.2
    scores: float = 1.0
    average: float = 0.99
    steps: int = 100
    evaluate_every: int = 5
    patience: int = 5

    @classmethod
    def of(cls, settings: dict[str, Any]) -> CTGANConfig:
        """Build from keywords; refuse unknown ones."""
        known = [f.name for f in fields(cls)]
        for name in settings:
            if name not in known:
                raise SchemaError(f"CTGAN has no setting {name!r}.", hint=did_you_mean(name, known))
        given: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()
        }
        return cls(**given)


class CTGAN(ConditionalGenerativeModel):
    """Conditional tabular GAN.

    Parameters
    ----------
    metadata : TableConfig
    batch_size, epochs : int
    **kwargs
        See :class:`CTGANConfig`.
    """

    name = "ctgan"

    def __init__(
        self, metadata: TableConfig, batch_size: int = 500, epochs: int = 300, **kwargs: Any
    ) -> None:
        super().__init__(metadata, batch_size, epochs, **kwargs)
        self.config = CTGANConfig.of(kwargs)

    def fit(
        self,
        data: EncodedTable,
        context: Optional[EncodedTable] = None,
        *,
        seed: Optional[np.random.SeedSequence] = None,
        listener: Optional[TrainingListener] = None,
        **kwargs: Any,
    ) -> CTGAN:
        """Train on encoded rows; see the base class."""
        given = EncodedTable.empty(len(data)) if context is None else context
        sequence = np.random.SeedSequence() if seed is None else seed
        rng = np.random.Generator(np.random.Philox(sequence))
        self.layout_, self.context_layout_ = data.layout, given.layout
        self.maps_: Optional[QuantileMaps] = None
        training, held = split(len(data), rng)
        with one_thread(int(rng.integers(2**62))):
            self.generator_ = Generator(data.layout, given.layout, self.config)
            if not data.layout.discrete and not data.layout.continuous:
                self.maps_ = QuantileMaps.fit(data, data)
                return self
            task = CTGANTask(self, data, given, training, held, rng)
            train(task, self._schedule(len(training), task.batch), listener)
            self._calibrate(data, given, rng)
        return self

    def _schedule(self, rows: int, batch: int) -> Schedule:
        config = self.config
        steps = min(config.steps, max(LEAST_STEPS, rows // batch))
        every = max(config.evaluate_every, -(-100 // steps))  # small tables: fewer evaluations
        return Schedule(self.epochs, steps, every, config.patience)

    def _calibrate(
        self, data: EncodedTable, context: EncodedTable, rng: np.random.Generator
    ) -> None:
        """Correct the marginals on rows generated for real contexts."""
        generator = self.generator_
        rows = np.sort(rng.permutation(len(data))[:CALIBRATION_ROWS])
        if len(rows) < SLICE:  # a small table: several draws for each row
            rows = np.resize(rows, min(SLICE, 20 * len(rows)))
        given = context.take(rows.astype(np.int64))
        generator.reset_calibration()
        wide, large = generator.logits_of(given, self._noise(given, rng))
        blocks = generator.blocks
        with torch.no_grad():
            generator.bias.copy_(wide_bias(blocks, wide, blocks.frequencies(data.codes)))
            for i, logits in enumerate(large):
                column = data.codes[:, blocks.large[i]]
                share = np.bincount(column[column >= 0], minlength=logits.shape[1]) / len(data)
                target = torch.from_numpy(share.astype(np.float32))
                generator.large_bias[i].copy_(block_bias(logits, target))
        del wide, large
        made = self._draw(given, rng)
        self.maps_ = QuantileMaps.fit(data, made)

    def _noise(self, context: EncodedTable, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Draw noise and condition vectors."""
        rows = len(context)
        noise = rng.standard_normal((rows, self.config.noise), dtype=np.float32)
        return torch.from_numpy(noise), self.generator_.conditions(context, rng)

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
        with one_thread():
            parts = [
                self._draw(_slice(given, start, min(start + SLICE, num_rows)), generator)
                for start in range(0, num_rows, SLICE)
            ]
        return EncodedTable.stack(parts) if parts else _nothing(self.layout_)

    def _draw(self, context: EncodedTable, rng: np.random.Generator) -> EncodedTable:
        noise = self._noise(context, rng)
        uniforms = rng.random((len(context), len(self.layout_.discrete)), dtype=np.float32)
        codes, values = self.generator_.draw(context, noise, torch.from_numpy(uniforms))
        if self.maps_ is not None:
            self.maps_.apply(self.layout_, codes, values)
        for i, block in enumerate(self.layout_.continuous):
            if block.modes is not None:
                values[codes[:, block.modes] >= block.active, i] = 0.0
        return EncodedTable(self.layout_, codes, values)

    def save(self, path: Path) -> None:
        """Write ``model.json`` and ``model.safetensors``."""
        state = {
            "config": asdict(self.config),
            "batch_size": self.batch_size,
            "epochs": self.epochs,
            "layout": self.layout_.to_dict(),
            "context_layout": self.context_layout_.to_dict(),
        }
        (path / "model.json").write_text(json.dumps(state), encoding="utf-8")
        tensors = {
            f"generator.{k}": v.contiguous() for k, v in self.generator_.state_dict().items()
        }
        if self.maps_ is not None:
            for name, array in vars(self.maps_).items():
                tensors[f"maps.{name}"] = torch.from_numpy(np.ascontiguousarray(array))
        save_file(tensors, str(path / "model.safetensors"))

    @classmethod
    def load(cls, path: Path) -> CTGAN:
        """Read what :meth:`save` wrote."""
        try:
            state = json.loads((path / "model.json").read_text(encoding="utf-8"))
            model = cls(
                TableConfig(name="loaded"), state["batch_size"], state["epochs"], **state["config"]
            )
            model.layout_ = Layout.from_dict(state["layout"])
            model.context_layout_ = Layout.from_dict(state["context_layout"])
            model.generator_ = Generator(model.layout_, model.context_layout_, model.config)
            tensors = load_file(str(path / "model.safetensors"))
            maps = {k[5:]: v.numpy() for k, v in tensors.items() if k.startswith("maps.")}
            model.maps_ = QuantileMaps(**maps) if maps else None
            own = {k[10:]: v for k, v in tensors.items() if k.startswith("generator.")}
            model.generator_.load_state_dict(own)
        except Exception as exc:
            raise SerializationError(f"The model in {path.name!r} cannot be read: {exc}") from exc
        model.generator_.eval()
        return model


def _slice(table: EncodedTable, start: int, stop: int) -> EncodedTable:
    return EncodedTable(table.layout, table.codes[start:stop], table.values[start:stop])


def _nothing(layout: Layout) -> EncodedTable:
    return EncodedTable(
        layout,
        np.empty((0, len(layout.discrete)), dtype=np.int32),
        np.empty((0, len(layout.continuous)), dtype=np.float32),
    )
