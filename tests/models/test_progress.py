"""Progress: bars where they can be drawn over, else one line for each table."""

from __future__ import annotations

import os
import struct
import subprocess
import sys

import pytest

from synthohive.models.base import TrainingEvent
from synthohive.models.progress import ProgressBar

SCRIPT = "from tests.models.test_progress import trained; trained()"


def trained(enabled: bool = True) -> None:
    bar = ProgressBar(["customers", "orders"], enabled)
    bar.on_plan({"customers": 1, "orders": 9, "orders[payer]": 2})  # within one: not told of
    for table in ("customers", "orders[payer]", "orders"):
        for epoch in range(1, 4):
            bar.on_epoch(table, epoch, 3)
            bar.on_checkpoint(TrainingEvent(table, epoch, 3, {}, 0.25, 0.125, 1.0))
        bar.on_table(table)
    bar.close()


def test_can_be_silent(capfd: pytest.CaptureFixture[str]) -> None:
    trained(enabled=False)
    assert capfd.readouterr() == ("", "")


def test_one_line_for_each_table_without_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    trained()
    shown = capfd.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == ["1/2 tables, 0 s: customers", "2/2 tables, 0 s: orders"]


def test_bars_on_a_terminal() -> None:
    termios = pytest.importorskip("termios", reason="needs pseudo-terminals")
    ours, theirs = os.openpty()
    fcntl = pytest.importorskip("fcntl")
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            shown += part
    os.close(ours)
    assert process.returncode == 0
    for words in (b"orders:", b"distance=0.250", b"2/2 tables: 100%"):
        assert words in shown


def test_bars_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel's stderr is no terminal, and redraws all the same."""

    class Shell:
        kernel = object()

    class IPython:
        @staticmethod
        def get_ipython() -> Shell:
            return Shell()

    monkeypatch.setitem(sys.modules, "IPython", IPython)
    bar = ProgressBar(["orders"])
    drawn = not bar._all.disable
    bar.close()
    assert drawn
