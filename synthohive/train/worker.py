"""A training job in another process: its rows and its progress go through files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Optional

import numpy as np

from synthohive.encoding.encoded import EncodedTable
from synthohive.models.base import TrainingEvent, TrainingListener
from synthohive.models.progress import log_checkpoint
from synthohive.train.job import TrainingJob, keep_model

__all__ = ["Shelved", "train_shelved"]

_PARTS = ("data", "context", "shares")


class Shelved:
    """A job whose rows lie on the disk until a process takes them, and what that tells.

    Parameters
    ----------
    job : TrainingJob
        Its rows are written to the disk; :attr:`job` has none.
    digest : str
        That of the job with its rows.
    place : path
        Where the trained model goes.
    folder : path
        Is made; of the rows, and of the events that the process writes down.
    """

    def __init__(self, job: TrainingJob, digest: str, place: Path, folder: Path) -> None:
        self.work, self.digest, self.place, self.folder = job.work, digest, place, folder
        self._heard = 0
        folder.mkdir()
        bare = {}
        for part in _PARTS:
            rows: Optional[EncodedTable] = getattr(job, part)
            if rows is not None:
                np.savez(folder / f"{part}.npz", codes=rows.codes, values=rows.values)
                bare[part] = EncodedTable(rows.layout, rows.codes[:0], rows.values[:0])
        self.job = replace(job, **bare)  # type: ignore[arg-type]

    def tell(self, listener: Optional[TrainingListener]) -> None:
        """Pass on what the process has told since the last time."""
        events = self.folder / "events"
        if not events.exists():
            return
        with events.open("rb") as file:
            file.seek(self._heard)
            lines = file.read()
        lines = lines[: lines.rfind(b"\n") + 1]  # the last one may be half written
        self._heard += len(lines)
        for line in lines.splitlines():
            told = json.loads(line)
            if isinstance(told, list):
                if listener is not None:
                    listener.on_epoch(*told)
                continue
            event = TrainingEvent(**told)
            log_checkpoint(event)
            if listener is not None:
                listener.on_checkpoint(event)

    def whole(self) -> TrainingJob:
        """Return the job with its rows."""
        whole = {}
        for part in _PARTS:
            bare: Optional[EncodedTable] = getattr(self.job, part)
            if bare is not None:
                with np.load(self.folder / f"{part}.npz") as arrays:
                    whole[part] = EncodedTable(bare.layout, arrays["codes"], arrays["values"])
        return replace(self.job, **whole)  # type: ignore[arg-type]

    def drop(self) -> None:
        """Remove the rows."""
        shutil.rmtree(self.folder)


def train_shelved(shelved: Shelved) -> None:
    """Train, telling what is done, and keep the model."""
    model = shelved.whole().run(_Teller(shelved.folder / "events"))
    keep_model(model, shelved.digest, shelved.place)


class _Teller:
    """A listener that writes down what it hears of this table."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_plan(self, works: Mapping[str, int]) -> None:
        """Say nothing: it concerns all tables."""

    def on_epoch(self, table: str, epoch: int, epochs: int) -> None:
        self._write([table, epoch, epochs])

    def on_checkpoint(self, event: TrainingEvent) -> None:
        self._write(asdict(event))

    def on_table(self, table: str) -> None:
        """Say nothing: who waits for the table sees it."""

    def _write(self, told: object) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")
