"""A run in a process of its own, which is killed (SIGKILL) at a step of its writer.

``python -m tests.contracts.killed opener url target step``: `opener` is ``module:function``, a
context manager that gives an engine for the URL.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pyarrow as pa
from sqlalchemy import Engine

from synthohive.connectors.writers import open_writer
from synthohive.io.steps import observe
from synthohive.schema import Column, ColumnKind, Metadata
from tests.contracts.writer import ORIGIN

__all__ = ["killed_at", "write_row"]

ROOT = Path(__file__).parents[2]


def one_table() -> Metadata:
    """Return a table of one column."""
    meta = Metadata()
    meta.add_table("t", None, columns={"x": Column(name="x", kind=ColumnKind.INTEGER)})
    return meta


def write_row(engine: Engine, target: str, value: int) -> None:
    """Put one row in the place of what the target holds."""
    with open_writer(
        None, one_table(), target_schema=target, target_engine=engine, provenance=ORIGIN,
        if_exists="replace",
    ) as writer:  # fmt: skip
        writer.load("t", [pa.record_batch({"x": pa.array([value], pa.int64())})])
        writer.finish()


def killed_at(opener: str, url: str, target: str, step: str) -> None:
    """Have a run write the row 2, and be killed at a step."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.contracts.killed", opener, url, target, step],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]


def main(opener: str, url: str, target: str, at: str) -> None:
    """Write, and die."""

    def look(step: str) -> None:
        if step == at:
            os.kill(os.getpid(), signal.SIGKILL)

    module, _, function = opener.partition(":")
    with getattr(import_module(module), function)(url) as engine:
        observe(look)
        write_row(engine, target, 2)


if __name__ == "__main__":
    main(*sys.argv[1:])
