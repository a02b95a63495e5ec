"""What the models of this package share: settings, files, how they are fitted and drawn from."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Optional, TypeVar

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from synthohive._arrays import AnyArray, IntArray
from synthohive.encoding.encoded import EncodedTable, Layout
from synthohive.exceptions import SerializationError
from synthohive.models.base import ConditionalGenerativeModel, Memorisation, TrainingListener
from synthohive.models.lean_torch import Unfilled
from synthohive.models.memorisation import measure
from synthohive.models.settings import Config, TrainingConfig, settings_of
from synthohive.models.training import Trainable, TrainingSet, one_thread, split, train
from synthohive.privacy.entities import Entities
from synthohive.schema import TableConfig
from synthohive.storage.codec import Packed, pack, unpack
from synthohive.storage.components import check_size, read_json
from synthohive.tables.in_turn import Lineup

__all__ = ["Arrays", "StoredModel", "TrainedModel"]

DESCRIPTION, WEIGHTS = "model.json", "model.safetensors"

Stored = TypeVar("Stored", bound="StoredModel")
Trained = TypeVar("Trained", bound="TrainedModel")

Arrays = Mapping[str, AnyArray]


class StoredModel(ConditionalGenerativeModel):
    """A model with settings, described by a dataclass in ``model.json``."""

    title: ClassVar[str]
    """What messages call it."""
    settings: ClassVar[type[Config]]
    state: ClassVar[type[Any]]
    """A dataclass, with `config`, `batch_size` and `epochs` among its fields."""
    config: Any

    def __init__(
        self, metadata: TableConfig, batch_size: int = 500, epochs: int = 300, **kwargs: Any
    ) -> None:
        super().__init__(metadata, batch_size, epochs, **kwargs)
        self.config = settings_of(self.settings, kwargs, self.title)

    @abstractmethod
    def _write(self, path: Path) -> Any:
        """Write all else that a fitted model is to a folder; return its description."""

    @abstractmethod
    def _read(self, path: Path, state: Any) -> None:
        """Read what :meth:`_write` wrote, and returned."""

    def save(self, path: Path) -> None:
        """Write the description, and the files of the model."""
        text = json.dumps(pack(self._write(path)).state)
        (path / DESCRIPTION).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls: type[Stored], path: Path) -> Stored:
        """Read what :meth:`save` wrote."""
        try:
            state = unpack(cls.state, Packed(read_json(path / DESCRIPTION)))
            model = cls(
                TableConfig(name="loaded"), state.batch_size, state.epochs, **asdict(state.config)
            )
            model._read(path, state)
        except Exception as exc:
            raise SerializationError(f"The model in {path.name!r} cannot be read: {exc}") from exc
        return model


@dataclass
class State:
    """What a trained model is, its weights aside."""

    config: TrainingConfig
    batch_size: int
    epochs: int
    memorisation: Optional[Memorisation]
    layout: Layout
    context_layout: Layout


class TrainedModel(StoredModel):
    """Base of the models that learn by gradients."""

    state = State
    rows_at_once: ClassVar[int] = 8192
    """Rows drawn at once, which bounds the memory."""
    layout_: Layout
    context_layout_: Layout
    network_: Any
    entities_: Optional[Entities] = None
    k_: int = 1

    def fit(
        self: Trained,
        data: EncodedTable,
        context: Optional[EncodedTable] = None,
        *,
        seed: Optional[np.random.SeedSequence] = None,
        listener: Optional[TrainingListener] = None,
        device: str = "cpu",
        max_memorisation: Optional[float] = None,
        typical: Optional[IntArray] = None,
        lineup: Optional[Lineup] = None,
        shares: Optional[EncodedTable] = None,
        entities: Optional[Entities] = None,
        k: int = 1,
        **kwargs: Any,
    ) -> Trained:
        """Train on encoded rows; see the base class."""
        given = EncodedTable.empty(len(data)) if context is None else context
        sequence = np.random.SeedSequence() if seed is None else seed
        rng = np.random.Generator(np.random.Philox(sequence))
        self.layout_, self.context_layout_ = data.layout, given.layout
        self.entities_, self.k_ = entities, k
        self._prepare(data, given)
        parts = split(len(data), rng)
        rows = TrainingSet(self.metadata.name, data, given, *parts, self.batch_size, self.epochs)
        with one_thread(int(rng.integers(2**62))):
            self.network_ = self._network()
            task = self._task(rows, rng)
            self.entities_ = None  # a model knows no entity
            if task is not None:
                train(task, listener, device, max_memorisation)
                self.network_ = task.drawn
            self._settle()
            if task is not None and self.epochs:
                counted, early = task.counts_rest, None
                if counted:  # measured as long as rows are held out
                    early = measure(self, data, context, parts, task.gap, rng)
                    task.count_rest()
                    self._settle()
                shown = data, given
                if typical is not None:
                    shown = data.take(typical), given.take(typical)
                self._calibrate(*shown, rng, shares)
                if lineup is not None:
                    everyone = np.arange(len(data), dtype=np.int64)
                    some = everyone if typical is None else typical
                    self._calibrate_groups(data, given, lineup, some, rng, shares)
                if counted:
                    attack = Memorisation.attack_of(task.gap)
                    self.memorisation = early and replace(early, attack=attack)
                else:
                    self.memorisation = measure(self, data, context, parts, task.gap, rng)
        return self

    @abstractmethod
    def _prepare(self, data: EncodedTable, context: EncodedTable) -> None:
        """Take from the rows, and what they are given, what the network is built for."""

    @abstractmethod
    def _network(self) -> Any:
        """Build the network, for the layouts and settings."""

    @abstractmethod
    def _task(self, rows: TrainingSet, rng: np.random.Generator) -> Optional[Trainable]:
        """Return the training of :attr:`network_`; None where there is nothing to learn."""

    @abstractmethod
    def _calibrate(
        self,
        data: EncodedTable,
        context: EncodedTable,
        rng: np.random.Generator,
        shares: Optional[EncodedTable],
    ) -> None:
        """Correct the marginals on rows drawn for real contexts."""

    def _calibrate_groups(
        self,
        data: EncodedTable,
        context: EncodedTable,
        lineup: Lineup,
        rows: IntArray,
        rng: np.random.Generator,
        shares: Optional[EncodedTable],
    ) -> None:
        """Correct the marginals, on the given rows, where each row follows drawn ones."""
        return

    def _settle(self) -> None:
        """Make the network ready to draw."""
        self.network_.eval()

    @abstractmethod
    def _draw(self, context: EncodedTable, rng: np.random.Generator, **known: Any) -> EncodedTable:
        """Draw a row for each of the context."""

    def sample(
        self,
        num_rows: int,
        context: Optional[EncodedTable] = None,
        *,
        rng: Optional[np.random.Generator] = None,
        **kwargs: Any,
    ) -> EncodedTable:
        """Draw rows; see the base class."""
        context = EncodedTable.empty(num_rows) if context is None else context
        generator = np.random.default_rng() if rng is None else rng
        given: Optional[EncodedTable] = kwargs.pop("given", None)
        parts = []
        with one_thread(), torch.no_grad():
            for start in range(0, max(num_rows, 1), self.rows_at_once):
                rows = slice(start, min(start + self.rows_at_once, num_rows))
                known = None if given is None else given[rows]
                parts.append(self._draw(context[rows], generator, given=known, **kwargs))
        return EncodedTable.stack(parts)

    def _arrays(self) -> Arrays:
        """Return what was learned beside the weights."""
        return {}

    def _restore(self, arrays: Arrays) -> None:
        """Take what :meth:`_arrays` returned, before the network is built."""

    def _write(self, path: Path) -> State:
        tensors = {f"network.{k}": v.contiguous() for k, v in self.network_.state_dict().items()}
        for name, array in self._arrays().items():
            tensors[f"beside.{name}"] = torch.from_numpy(np.ascontiguousarray(array))
        save_file(tensors, str(path / WEIGHTS))
        return State(
            self.config, self.batch_size, self.epochs, self.memorisation, self.layout_,
            self.context_layout_,
        )  # fmt: skip

    def _read(self, path: Path, state: State) -> None:
        self.layout_, self.context_layout_ = state.layout, state.context_layout
        self.memorisation = state.memorisation
        own: dict[str, dict[str, torch.Tensor]] = {"network": {}, "beside": {}}
        check_size(path / WEIGHTS)
        for key, values in load_file(str(path / WEIGHTS)).items():
            if not bool(torch.isfinite(values).all()):  # rows drawn with it would be wrong silently
                raise ValueError(f"{key!r} holds values that are not finite")
            part, _, name = key.partition(".")
            own[part][name] = values
        self._restore({name: values.numpy() for name, values in own["beside"].items()})
        # settings that describe another network than the weights are of may ask for any memory:
        # the meta device has shapes alone
        with torch.device("meta"), Unfilled():
            expected = {n: values.shape for n, values in self._network().state_dict().items()}
        found = {name: values.shape for name, values in own["network"].items()}
        for name in {**expected, **found}:
            if expected.get(name) != found.get(name):
                raise ValueError(f"the weights {name!r:.100} are missing, or of another shape")
        with one_thread(0):  # first weights are drawn: the caller's generator must not notice
            self.network_ = self._network()
        self.network_.load_state_dict(own["network"])
        self._settle()
