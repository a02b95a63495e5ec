"""What models with a :class:`~synthohive.models.heads.RowGenerator` share.

Drawing in slices, calibrating the marginals, and the files.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Optional, TypeVar

import numpy as np
import torch
from safetensors.torch import save_file

from synthohive.encoding.encoded import EncodedTable, Layout
from synthohive.exceptions import SerializationError
from synthohive.models.base import ConditionalGenerativeModel, Memorisation
from synthohive.models.calibration import QuantileMaps, block_bias, wide_bias
from synthohive.models.heads import RowGenerator
from synthohive.models.tensors import read_tensors, restored
from synthohive.models.training import one_thread
from synthohive.schema import TableConfig
from synthohive.storage.codec import Packed, pack, unpack
from synthohive.storage.components import read_json

__all__ = ["CalibratedModel"]

SLICE = 8192
"""Rows drawn at once."""
CALIBRATION_ROWS = 20_000

Model = TypeVar("Model", bound="CalibratedModel")


@dataclass(frozen=True)
class CalibratedConfig:
    """Settings of a model below."""


@dataclass
class State:
    """What a trained model is, its weights aside."""

    config: CalibratedConfig
    batch_size: int
    epochs: int
    memorisation: Optional[Memorisation]
    layout: Layout
    context_layout: Layout


class CalibratedModel(ConditionalGenerativeModel):
    """A model whose rows come from a generator network.

    Attributes
    ----------
    config : Any
        The settings, a dataclass.
    generator_ : RowGenerator
    maps_ : QuantileMaps, optional
        None until calibrated.
    """

    least_epochs = 0
    config: Any
    layout_: Layout
    context_layout_: Layout
    generator_: RowGenerator
    maps_: Optional[QuantileMaps] = None

    @abstractmethod
    def _generator(self) -> RowGenerator:
        """Build the network for the layouts and settings."""

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
        generator.eval()
        blocks = generator.blocks
        with torch.no_grad():
            wide, large, _ = generator.rows(given, generator.noise(given, rng))
            generator.bias.copy_(wide_bias(blocks, wide, blocks.frequencies(data.codes)))
            for i, logits in enumerate(large):
                column = data.codes[:, blocks.large[i]]
                share = np.bincount(column[column >= 0], minlength=logits.shape[1]) / len(data)
                target = torch.from_numpy(share.astype(np.float32))
                generator.large_bias[i].copy_(block_bias(logits, target))
        del wide, large
        made = self._draw(given, rng)
        self.maps_ = QuantileMaps.fit(data, made)

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
        noise = self.generator_.noise(context, rng)
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
        state = State(
            self.config, self.batch_size, self.epochs, self.memorisation, self.layout_,
            self.context_layout_,
        )  # fmt: skip
        (path / "model.json").write_text(json.dumps(pack(state).state), encoding="utf-8")
        tensors = {
            f"generator.{k}": v.contiguous() for k, v in self.generator_.state_dict().items()
        }
        if self.maps_ is not None:
            for name, array in vars(self.maps_).items():
                tensors[f"maps.{name}"] = torch.from_numpy(np.ascontiguousarray(array))
        save_file(tensors, str(path / "model.safetensors"))

    @classmethod
    def load(cls: type[Model], path: Path) -> Model:
        """Read what :meth:`save` wrote."""
        try:
            state = unpack(State, Packed(read_json(path / "model.json")))
            model = cls(
                TableConfig(name="loaded"), state.batch_size, state.epochs, **asdict(state.config)
            )
            model.layout_, model.context_layout_ = state.layout, state.context_layout
            model.memorisation = state.memorisation
            tensors = read_tensors(path / "model.safetensors")
            maps = {k[5:]: v.numpy() for k, v in tensors.items() if k.startswith("maps.")}
            model.maps_ = QuantileMaps(**maps) if maps else None
            own = {k[10:]: v for k, v in tensors.items() if k.startswith("generator.")}
            model.generator_ = restored(model._generator, own)
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
