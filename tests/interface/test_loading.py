"""Tables are loaded while others are made: what is written, and what is left, does not tell."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from synthohive import Synthesizer
from synthohive.exceptions import ConnectorError
from synthohive.generate import database
from synthohive.generate.schedule import schedule
from synthohive.io.steps import observe
from tests.interface.resuming import fit, make


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Synthesizer:
    """Return a synthesizer of customers, their purchases, and the lines of these."""
    folder = tmp_path_factory.mktemp("loading")
    make(folder / "source.db")
    return fit(folder / "source.db", folder / "checkpoint")


@pytest.fixture(autouse=True)
def _unobserved() -> Iterator[None]:
    yield
    observe(None)


def contents(path: Path) -> dict[str, list[Any]]:
    """Return the rows of all tables."""
    with closing(sqlite3.connect(path)) as db:
        return {
            name: db.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall()
            for name in ("customer", "purchase", "line")
        }


def left(folder: Path) -> list[str]:
    """Return what a run has left in a folder."""
    return [path.name for path in folder.iterdir()]


def test_a_table_is_final_before_its_children_are_made(fitted: Synthesizer) -> None:
    steps = list(schedule(fitted._state(), lambda run, name: None))
    finals = [(step.table, final) for step, final in steps]
    assert finals[:2] == [("customer", ["customer"]), ("purchase", ["purchase"])]
    assert finals[2][0] == "line"
    assert sorted(name for _, names in finals for name in names) == ["customer", "line", "purchase"]


def test_the_same_rows_whoever_is_slower(
    fitted: Synthesizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first table waits for the last one to be made, then all rows wait for the loading."""
    made, loaded = threading.Event(), threading.Event()
    keep = database.assign_foreign_keys

    def slow_load(name: str) -> None:
        if name == "batch sent":
            assert threading.current_thread() is not threading.main_thread()
            assert made.wait(20)

    def last_made(run: Any, name: str, rows: Any) -> None:
        keep(run, name, rows)
        if name == "line":
            made.set()

    monkeypatch.setattr(database, "assign_foreign_keys", last_made)
    observe(slow_load)
    fitted.to_database(f"sqlite:///{tmp_path / 'one.db'}", seed=3)

    def slow_rows(run: Any, name: str, rows: Any) -> None:
        if name == "line":
            assert loaded.wait(20)  # a table of rows that are final
        keep(run, name, rows)

    monkeypatch.setattr(database, "assign_foreign_keys", slow_rows)
    observe(lambda name: loaded.set() if name == "table loaded" else None)
    fitted.to_database(f"sqlite:///{tmp_path / 'two.db'}", seed=3)
    assert contents(tmp_path / "one.db") == contents(tmp_path / "two.db")


def refuse(name: str) -> None:
    """Refuse all rows."""
    if name == "batch sent":
        raise ConnectorError("disk full")


def test_what_a_table_meets_ends_the_run(fitted: Synthesizer, tmp_path: Path) -> None:
    observe(refuse)
    with pytest.raises(ConnectorError, match="disk full"):
        fitted.to_database(f"sqlite:///{tmp_path / 'one.db'}", seed=3)
    assert left(tmp_path) == []


def test_no_rows_are_made_for_nobody(
    fitted: Synthesizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run whose first table is refused makes no block of the last one."""
    keep, made = database.assign_foreign_keys, []

    def slow(run: Any, name: str, rows: Any) -> None:
        keep(run, name, rows)
        made.append(name)
        time.sleep(0.3)

    monkeypatch.setattr(database, "assign_foreign_keys", slow)
    observe(refuse)
    with pytest.raises(ConnectorError, match="disk full"):
        fitted.to_database(f"sqlite:///{tmp_path / 'one.db'}", seed=3)
    assert "line" not in made


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError("no more")])
def test_what_the_rows_meet_ends_the_loading(
    fitted: Synthesizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    begun = threading.Event()

    def raising(keep: Callable[..., None]) -> Callable[..., None]:
        def assign(run: Any, name: str, rows: Any) -> None:
            keep(run, name, rows)
            if name == "line":
                assert begun.wait(20)
                raise error

        return assign

    monkeypatch.setattr(database, "assign_foreign_keys", raising(database.assign_foreign_keys))
    observe(lambda name: begun.set() if name == "batch sent" else None)
    with pytest.raises(error if isinstance(error, type) else type(error)):
        fitted.to_database(f"sqlite:///{tmp_path / 'one.db'}", seed=3)
    assert left(tmp_path) == []
    assert not [t for t in threading.enumerate() if t.name.startswith("loading")]
