"""Temporary folders: nothing real stays in one when a process is ended, however it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path

import pytest

from synthohive._signals import terminable
from synthohive._workspace import MARK, Workspace, sweep

FIT = """
import pandas as pd
from synthohive import Metadata, Synthesizer
meta = Metadata().add_table("a", "id").add_table("b", "id")
frame = pd.DataFrame({"id": range(2000), "x": [i % 7 for i in range(2000)]})
Synthesizer(meta).fit(
    {"a": frame, "b": frame}, epochs=5000, seed=1, progress=False, n_jobs=JOBS, patience=5000)
"""


def started(
    code: str, temporary: Path, files: str = "*", least: int = 3
) -> subprocess.Popen[bytes]:
    """Run code until its first temporary folder holds something, or files that are named so."""
    env = {**os.environ, "TMPDIR": str(temporary)}
    process = subprocess.Popen([sys.executable, "-c", code], env=env)
    deadline = time.monotonic() + 60
    while there(temporary, files) < least and process.poll() is None:
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise TimeoutError("no temporary folder after a minute")
        time.sleep(0.1)
    return process


def there(temporary: Path, pattern: str) -> int:
    """Count files and folders of such names, while others come and go."""
    # not rglob, which fails at a folder that goes while it looks
    names = (name for _, folders, files in os.walk(temporary) for name in (*folders, *files))
    return sum(fnmatch(name, pattern) for name in names)


def ours(temporary: Path) -> list[str]:
    return [p.name for p in temporary.iterdir() if p.name.startswith("synthohive-")]


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_training_rows_do_not_outlive_the_process(tmp_path: Path, end: signal.Signals) -> None:
    process = started(FIT.replace("JOBS", "2"), tmp_path, "*.npz", 1)  # rows, as jobs get them
    process.send_signal(end)
    assert process.wait(30) == -end
    if end == signal.SIGKILL:
        assert ours(tmp_path)
        deadline = time.monotonic() + 10
        while ours(tmp_path) and time.monotonic() < deadline:  # its workers end a second later
            sweep(tmp_path)
            time.sleep(0.2)
    assert not ours(tmp_path)


def test_what_is_written_while_it_is_removed_does_not_keep_it(tmp_path: Path) -> None:
    with Workspace(tmp_path) as folder:
        for number in range(2000):  # so that removal takes a while
            (folder / str(number)).touch()
        end = time.monotonic() + 0.3

        def write() -> None:
            with suppress(OSError):  # the folder has gone
                while time.monotonic() < end:
                    (folder / "new").write_text("rows")
                    (folder / "new").replace(folder / "rows")

        writer = threading.Thread(target=write)
        writer.start()
    writer.join()
    assert not folder.exists()


HOLD = """
import sys, time
from synthohive._workspace import Workspace
with Workspace(sys.argv[1] if len(sys.argv) > 1 else None) as folder:
    (folder / "rows").write_text("real")
    time.sleep(60)
"""


def test_a_folder_in_use_stays(tmp_path: Path) -> None:
    process = started(HOLD, tmp_path)
    try:
        with Workspace(tmp_path) as own:
            assert own.stat().st_mode & 0o777 == 0o700
            assert (next(tmp_path.glob("synthohive-*")) / "rows").exists()
        assert not own.exists()
    finally:
        process.kill()
        process.wait()
    sweep(tmp_path)
    assert not list(tmp_path.iterdir())


def test_only_marked_folders_of_this_user_are_swept(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / MARK).touch()
    (tmp_path / "synthohive-link").symlink_to(precious)
    (tmp_path / "synthohive-file").touch()
    unmarked = tmp_path / "synthohive-results"
    unmarked.mkdir()
    (unmarked / "mine.txt").touch()
    os.utime(unmarked, (0, 0))
    linked = tmp_path / "synthohive-marked-by-link"
    linked.mkdir()
    (linked / MARK).symlink_to(precious / MARK)
    left = tmp_path / "synthohive-left"
    left.mkdir()
    (left / MARK).touch()
    (left / "rows").mkdir()
    (left / "rows" / "link").symlink_to(precious)
    before = {p.name for p in tmp_path.iterdir()}
    if os.getuid() == 0:
        foreign = tmp_path / "synthohive-foreign"
        foreign.mkdir()
        (foreign / MARK).touch()
        os.chown(foreign, 12345, 12345)
        before.add(foreign.name)
    sweep(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == before - {left.name}
    assert (precious / MARK).exists()


def test_a_handler_of_the_users_own_stays_in_charge() -> None:
    heard = []

    @terminable
    def work() -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        return "done"

    before = signal.signal(signal.SIGTERM, lambda *_: heard.append(1))
    try:
        assert work() == "done"
        assert heard == [1]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_termination_unwinds_and_then_ends_the_process() -> None:
    code = """
import os, signal
from synthohive._signals import terminable
@terminable
def work():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        print("removed", flush=True)
work()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGTERM, "removed\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interruption_shows_as_one_where_a_driver_covers_it(
    tmp_path: Path, number: signal.Signals
) -> None:
    """DuckDB's queries raise a RuntimeError of their own, here while a schema is read."""
    pytest.importorskip("duckdb_sqlalchemy")
    code = """
import os, sys, threading
import sqlalchemy as sa
from synthohive import Synthesizer
engine = sa.create_engine("duckdb:///:memory:")
endless = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE sin(a.range) < b.range"
@sa.event.listens_for(engine, "before_cursor_execute", retval=True)
def slow(connection, cursor, statement, parameters, context, executemany):
    threading.Timer(0.3, os.kill, (os.getpid(), int(sys.argv[1]))).start()
    return endless, ()
try:
    Synthesizer.from_database(engine)
except KeyboardInterrupt:
    print("interrupted", end="")
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(int(number))],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    ended = (0, "interrupted", "") if number == signal.SIGINT else (-number, "", "")
    assert (done.returncode, done.stdout, done.stderr) == ended
