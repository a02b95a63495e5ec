"""Tables train in any number of processes with the same result, and nothing is left behind."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pytest

from synthohive.encoding.encoded import Continuous, EncodedTable, Layout
from synthohive.exceptions import (
    QualityError,
    SchemaValidationError,
    SynthoHiveError,
    TrainingError,
)
from synthohive.models.base import (
    ConditionalGenerativeModel,
    TrainingEvent,
    TrainingListener,
)
from synthohive.schema import TableConfig
from synthohive.train.job import TrainingJob
from synthohive.train.pool import TrainingPool, processes
from tests.events import captured_events

TABLES = ("orders", "lines", "parts")


class Noise(ConditionalGenerativeModel):
    """Learns a number that follows from the seed and the rows."""

    name = "noise"
    fails = ""

    def __init__(self, metadata: TableConfig, batch_size: int, epochs: int, pids: str) -> None:
        super().__init__(metadata, batch_size, epochs)
        self.pids = pids

    def fit(
        self,
        data: EncodedTable,
        context: Optional[EncodedTable] = None,
        *,
        seed: Optional[np.random.SeedSequence] = None,
        listener: Optional[TrainingListener] = None,
        **kwargs: Any,
    ) -> Noise:
        table = self.metadata.name
        Path(self.pids, table).write_text(str(os.getpid()), encoding="utf-8")
        self.learned = float(np.random.default_rng(seed).random() + data.values.sum())
        self.learned += 0.0 if context is None else float(context.values.sum())
        assert listener is not None
        for epoch in range(1, self.epochs + 1):
            listener.on_epoch(table, epoch, self.epochs)
        listener.on_checkpoint(TrainingEvent(table, 2, 2, {"loss": 0.5}, 0.25, 0.125, 0.0))
        if self.fails == "slow":
            time.sleep(10)
            Path(self.pids, "late").write_text(str(os.getpid()), encoding="utf-8")
        if self.fails == "error":
            raise QualityError(f"{table} is bad.", {"a": 1.0}, hint="Do better.")
        if self.fails == "death":
            os._exit(3)
        return self

    def sample(self, num_rows: int, context: Any = None, **kwargs: Any) -> EncodedTable:
        return EncodedTable.empty(num_rows)

    def save(self, path: Path) -> None:
        if self.fails != "save":
            (path / "noise.json").write_text(json.dumps(self.learned), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Noise:
        model = cls(TableConfig(name="loaded"), 1, 1, "")
        model.learned = json.loads((path / "noise.json").read_text(encoding="utf-8"))
        return model


def failing(how: str) -> type[Noise]:
    """Return a class that no other process can import."""
    return type("Failing", (Noise,), {"fails": how})


class Recorder:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.epochs: list[tuple[str, int, int]] = []
        self.events: list[TrainingEvent] = []

    def on_plan(self, works: Mapping[str, int]) -> None:
        raise AssertionError("told by the orchestrator")

    def on_epoch(self, table: str, epoch: int, epochs: int) -> None:
        self.epochs.append((table, epoch, epochs))

    def on_checkpoint(self, event: TrainingEvent) -> None:
        self.events.append(event)

    def on_table(self, table: str) -> None:
        raise AssertionError("told by the orchestrator")


class Interrupting(Recorder):
    """Somebody presses Ctrl-C while two tables are in training."""

    def on_epoch(self, table: str, epoch: int, epochs: int) -> None:
        super().on_epoch(table, epoch, epochs)
        if len({table for table, _, _ in self.epochs}) == 2:
            raise KeyboardInterrupt


def job(number: int, model: type[Noise], pids: Path) -> TrainingJob:
    layout = Layout(continuous=(Continuous("a"),))
    rows = 10 * (number + 1)
    values = np.linspace(-1, number, rows, dtype=np.float32).reshape(-1, 1)
    data = EncodedTable(layout, np.empty((rows, 0), dtype=np.int32), values)
    return TrainingJob(
        TableConfig(name=TABLES[number]), model, 1, 2, {"pids": str(pids)},
        np.random.SeedSequence(number), "cpu", data, data if number else None,
    )  # fmt: skip


def trained(
    count: int,
    model: type[Noise],
    pids: Path,
    listener: Optional[Recorder] = None,
    keep: Optional[Path] = None,
) -> dict[str, Noise]:
    found: dict[str, Any] = {}
    heard = Recorder() if listener is None else listener
    with TrainingPool(count, found.__setitem__, heard, keep) as pool:
        for number in range(len(TABLES)):
            pool.submit(number, job(number, model, pids))
        pool.finish()
    return found


def alive(pids: Path) -> list[int]:
    """Return which of the processes that trained still run."""
    found = []
    for path in pids.iterdir():
        pid = int(path.read_text(encoding="utf-8"))
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            continue
        found.append(pid)
    return [pid for pid in found if pid != os.getpid()]


def test_any_number_of_processes(tmp_path: Path) -> None:
    made, heard, logged = [], [], []
    pids, kept = tmp_path / "pids", tmp_path / "kept"
    for folder in (pids, kept):
        folder.mkdir()
    for count, keep in ((1, None), (2, kept)):
        listener = Recorder()
        with captured_events() as logs:
            models = trained(count, failing(""), pids, listener, keep)
        assert {name: model.metadata.name for name, model in models.items()} == {
            name: name for name in TABLES
        }
        made.append({name: models[name].learned for name in TABLES})
        heard.append((sorted(listener.epochs), sorted(map(repr, listener.events))))
        logged.append([e for e in logs if e["event"] == "training_checkpoint"])
    assert made[0] == made[1]
    assert heard[0] == heard[1]
    assert heard[0][0] == sorted((name, e, 2) for name in TABLES for e in (1, 2))
    assert {e["table"]: e["distance"] for e in logged[1]} == dict.fromkeys(TABLES, 0.25)
    assert alive(pids) == []
    again = trained(1, failing("error"), pids, keep=kept)  # would fail if it trained
    assert {name: again[name].learned for name in TABLES} == made[0]


def test_an_error_is_the_same_error(tmp_path: Path) -> None:
    with pytest.raises(QualityError, match=r"^\w+ is bad\. Do better\.$") as caught:
        trained(2, failing("error"), tmp_path)
    assert (caught.value.scores, caught.value.hint) == ({"a": 1.0}, "Do better.")
    assert alive(tmp_path) == []


def test_sudden_death_of_a_process(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"sudden end; table '\w+' is not trained.*n_jobs=1"):
        trained(2, failing("death"), tmp_path)


def test_ctrl_c_leaves_no_process(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        trained(2, failing("slow"), tmp_path, Interrupting())
    assert len(list(tmp_path.iterdir())) >= 2
    assert not (tmp_path / "late").exists()
    assert alive(tmp_path) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.train.test_training_pool import Interrupting, failing, trained

class Killed(Interrupting):
    def on_epoch(self, *told):
        try:
            super().on_epoch(*told)
        except KeyboardInterrupt:
            os.kill(os.getpid(), signal.SIGKILL)

trained(2, failing("slow"), Path(sys.argv[1]), Killed())
"""


@pytest.mark.slow
def test_a_kill_leaves_no_process(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    for _ in range(80):
        if not alive(tmp_path):
            break
        time.sleep(0.1)
    assert len(list(tmp_path.iterdir())) >= 2
    assert not (tmp_path / "late").exists()
    assert alive(tmp_path) == []


def test_a_model_that_does_not_save_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"table '\w+' cannot be loaded.*Failing.save"):
        trained(2, failing("save"), tmp_path)


@pytest.mark.parametrize(
    "error",
    [
        SynthoHiveError("What.", hint="Do."),
        SchemaValidationError(["one", "two"], hint="Do."),
        QualityError("What.", {"a.b": 0.5}),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_come_whole_from_another_process(error: SynthoHiveError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_processes_are_worth_their_start() -> None:
    small, large = {"a": 500, "b": 400}, {"a": 90_000, "b": 90_000}
    assert processes(None, small, "cpu") == 1
    assert processes(None, {"a": 900_000, "b": 400}, "cpu") == 1  # the other waits for this one
    assert 1 <= processes(None, large, "cpu") <= 2
    assert processes(None, large, "cuda") == 1
    assert [processes(n, small, "cpu") for n in (1, 2, 9)] == [1, 2, 2]
    assert processes(-1, large, "cpu") == processes(None, large, "cpu")
