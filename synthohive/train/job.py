"""The training of one table's model, as a thing that any process can do."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Optional

import numpy as np

from synthohive._arrays import AnyArray, IntArray
from synthohive._logging import get_logger
from synthohive._version import __version__
from synthohive._workspace import Workspace
from synthohive.encoding.encoded import EncodedTable
from synthohive.exceptions import ConnectorError, SerializationError
from synthohive.io.steps import step
from synthohive.models.base import ConditionalGenerativeModel, TrainingListener
from synthohive.privacy.entities import Entities
from synthohive.schema import TableConfig
from synthohive.storage.components import read_json
from synthohive.tables.in_turn import Lineup

__all__ = ["FEW", "TrainingJob", "keep_model", "kept_model", "work"]

log = get_logger(__name__)

RECORD = "trained.json"
LEAST_STEPS = 20
"""Batches at least that an epoch counts for; each model has its own least number."""
FEW = 200
"""Rows of a rehearsal."""


@dataclass(frozen=True)
class TrainingJob:
    """What a model learns, and how."""

    config: TableConfig
    model: type[ConditionalGenerativeModel]
    batch_size: int
    epochs: int
    settings: dict[str, Any]  # further keywords of the model
    seed: np.random.SeedSequence
    device: str
    data: EncodedTable
    context: Optional[EncodedTable]
    max_memorisation: Optional[float] = None
    typical: Optional[IntArray] = None  # the rows whose shares are the real ones; None: all
    lineup: Optional[Lineup] = None  # their groups, of a model that is given siblings
    shares: Optional[EncodedTable] = None  # all rows, where the sample has few; what they tell
    entities: Optional[Entities] = None  # who is behind the rows; None: each is an entity
    k: int = 1  # entities that must share what a model keeps as it is

    @property
    def work(self) -> int:
        """How long it takes, compared to others."""
        layout = self.data.layout
        return work(len(self.data), len(layout.discrete) + len(layout.continuous), self.batch_size)

    def run(self, listener: Optional[TrainingListener]) -> ConditionalGenerativeModel:
        """Train."""
        model = self.model(
            self.config, batch_size=self.batch_size, epochs=self.epochs, **self.settings
        )
        further: dict[str, Any] = {} if self.device == "cpu" else {"device": self.device}
        if self.max_memorisation is not None:
            further["max_memorisation"] = self.max_memorisation
        if self.typical is not None:
            further["typical"] = self.typical
        if self.lineup is not None:
            further["lineup"] = self.lineup
        if self.shares is not None:
            further["shares"] = self.shares
        if self.entities is not None:
            further.update(entities=self.entities, k=self.k)
        model.fit(self.data, self.context, seed=self.seed, listener=listener, **further)
        return model

    def few(self) -> TrainingJob:
        """Return the job for the rehearsal: a few rows, and next to no training."""
        rows = np.arange(min(len(self.data), FEW), dtype=np.int64)
        return replace(
            self,
            epochs=self.model.abilities.least_epochs,
            seed=np.random.SeedSequence(0),
            device="cpu",
            data=self.data.take(rows),
            context=None if self.context is None else self.context.take(rows),
            typical=None,
            lineup=None,
            shares=None,
            entities=None,
        )

    def digest(self) -> str:
        """Return a sum over all that the trained model follows from."""
        sums = hashlib.sha256()
        parts = [p for p in (self.data, self.context, self.shares) if p is not None]
        state = {
            "synthohive": __version__,
            "model": [self.model.__module__, self.model.__qualname__],
            "settings": [self.batch_size, self.epochs, self.settings, self.device],
            "max_memorisation": self.max_memorisation,
            "typical": None if self.typical is None else self.typical.tolist(),
            "k": self.k,
            "seed": [self.seed.entropy, self.seed.spawn_key],
            "layouts": [part.layout.to_dict() for part in parts],
        }
        sums.update(json.dumps(state, default=repr).encode())
        arrays: list[AnyArray] = [a for part in parts for a in (part.codes, part.values)]
        if self.lineup is not None:
            arrays += [self.lineup.parents, self.lineup.positions]
            arrays += [] if self.lineup.joints is None else [self.lineup.joints]
        if self.entities is not None:
            arrays += [path.codes for path in self.entities.paths]
        for array in arrays:
            sums.update(np.ascontiguousarray(array).tobytes())
        return sums.hexdigest()


def work(rows: int, columns: int, batch_size: int) -> int:
    """Estimate the batches of an epoch times the columns: about 3 ms each on one core.

    Parameters
    ----------
    rows : int
    columns : int
        Blocks of the layout; a table without any counts as one.
    batch_size : int
    """
    return max(LEAST_STEPS, -(-rows // batch_size)) * max(columns, 1)


def keep_model(model: ConditionalGenerativeModel, digest: str, place: Path) -> None:
    """Write a trained model to the folder `place`, atomically.

    Parameters
    ----------
    model : ConditionalGenerativeModel
    digest : str
        :meth:`TrainingJob.digest` of what it was trained by.
    place : Path
        What stands there is replaced.
    """
    try:
        with Workspace(place.parent) as folder:
            staging = folder / place.name
            (staging / "model").mkdir(parents=True)
            model.save(staging / "model")
            record = {"job": digest, "files": _sums(staging / "model")}
            (staging / RECORD).write_text(json.dumps(record), encoding="utf-8")
            step("model staged")
            shutil.rmtree(place, ignore_errors=True)
            staging.rename(place)
            step("model kept")
    except (OSError, ConnectorError) as exc:
        raise SerializationError(
            f"The model trained for table {model.metadata.name!r} cannot be written: {exc}"
        ) from exc


def kept_model(job: TrainingJob, digest: str, place: Path) -> Optional[ConditionalGenerativeModel]:
    """Read what :func:`keep_model` wrote, if it is whole and comes from the same job.

    One that cannot be used is logged, and is as none.

    Parameters
    ----------
    job : TrainingJob
    digest : str
        Its :meth:`~TrainingJob.digest`.
    place : Path
    """
    try:
        record = read_json(place / RECORD)
        if record != {"job": digest, "files": _sums(place / "model")}:
            raise SerializationError("it is damaged, or comes from another fit")
        model = job.model.load(place / "model")
    except FileNotFoundError:
        return None
    except (SerializationError, OSError, ValueError) as exc:
        log.warning("kept_model_not_used", table=job.config.name, reason=str(exc))
        return None
    model.metadata = job.config
    return model


def _sums(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
