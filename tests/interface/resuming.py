"""Run by ``test_resuming``: fits that are killed, and the one that goes on after each.

A process of its own, so that it may fork: the children need not import everything again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import torch

from synthohive import Synthesizer
from synthohive.io.steps import observe

TABLES = """
CREATE TABLE customer (id INTEGER PRIMARY KEY, kind TEXT NOT NULL);
CREATE TABLE purchase (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customer,
    paid REAL NOT NULL);
CREATE TABLE line (id INTEGER PRIMARY KEY, purchase INTEGER NOT NULL REFERENCES purchase,
    pieces INTEGER NOT NULL CHECK (pieces > 0));
"""


def make(path: Path) -> None:
    """Make the source."""
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(TABLES)
        db.executemany("INSERT INTO customer VALUES (?, ?)", [(i, "abc"[i % 3]) for i in range(90)])
        rows = [(i, i * 7 % 90, (i * 13 % 50) / 4) for i in range(200)]
        db.executemany("INSERT INTO purchase VALUES (?, ?, ?)", rows)
        lines = [(i, i * 11 % 200, 1 + i * i % 8) for i in range(300)]
        db.executemany("INSERT INTO line VALUES (?, ?, ?)", lines)


def fit(source: Path, place: Path) -> Synthesizer:
    """Fit the source, going on where an earlier fit was."""
    synth = Synthesizer.from_database(f"sqlite:///{source}", model="autoregressive")
    small = {"hidden": 8, "embedding": 4, "context": 8}
    return synth.fit(
        seed=5, epochs=1, batch_size=50, n_jobs=1, progress=False, checkpoint_dir=place, **small
    )


def killed_at(step: str, number: int, source: Path, place: Path) -> list[str]:
    """Fit in a fork that is killed when it comes to a step for the n-th time.

    Return the folders of the models that it wrote, kept or not.
    """
    child = os.fork()
    if child == 0:
        left = [number]

        def observer(name: str) -> None:
            left[0] -= name == step
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        observe(observer)
        fit(source, place)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"the fit ended before {step!r} number {number}"
    return sorted(p.parent.name for p in place.rglob("trained.json"))


def sums(synth: Synthesizer, place: Path) -> dict[str, str]:
    """Return a sum over what is sampled, and one for each file of the checkpoint."""
    made = synth.sample(seed=6, output_format="arrow")
    text = json.dumps({name: table.to_pydict() for name, table in made.items()})
    found = {"sample": hashlib.sha256(text.encode()).hexdigest()}
    for path in sorted(place.rglob("*")):
        # The manifest tells the time; folders may be named by the save.
        if path.is_file() and path.name != "manifest.json":
            name = "/".join(path.relative_to(place).parts[-3:])
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def main(folder: Path) -> None:
    """Print what a whole fit gives, and what one gives that was killed after each table."""
    torch.set_num_threads(1)
    source = folder / "shop.db"
    make(source)
    whole = fit(source, folder / "whole")
    report = {"whole": sums(whole, folder / "whole"), "kept": {}, "resumed": {}}
    for step in ("model staged", "model kept"):
        for number in (1, 2, 3):
            place = folder / "killed"
            kept = killed_at(step, number, source, place)
            report["kept"][f"{step} {number}"] = len(kept)
            report["resumed"][f"{step} {number}"] = sums(fit(source, place), place)
            shutil.rmtree(place)
    print(json.dumps(report))  # noqa: T201 - the test reads it


if __name__ == "__main__":
    main(Path(sys.argv[1]))
