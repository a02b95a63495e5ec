"""Tables are loaded while others are made: what is written, and what is left, does not tell."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from synthohive import Synthesizer
from synthohive.connectors.writers import _check_resumes
from synthohive.exceptions import ConnectorError, QualityError, SchemaError
from synthohive.generate import foreign_keys, making
from synthohive.generate.schedule import schedule
from synthohive.interface.requests import Request
from synthohive.interface.resuming import facts_of
from synthohive.io.staged import StagedSchema
from synthohive.io.steps import observe
from synthohive.tables.block_store import Tail
from tests.interface.resuming import fit, make
from tests.interface.tiny import tiny

SMALL = {"hidden": 8, "embedding": 4, "context": 8}


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
    steps = list(schedule(fitted._state(), lambda run, name: None, fitted._state().tables))
    finals = [(step.table, final) for step, final in steps]
    assert finals[:2] == [("customer", ["customer"]), ("purchase", ["purchase"])]
    assert finals[2][0] == "line"
    assert sorted(name for _, names in finals for name in names) == ["customer", "line", "purchase"]


def test_the_same_rows_whoever_is_slower(
    fitted: Synthesizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first table waits for the last one to be made, then all rows wait for the loading."""
    made, loaded = threading.Event(), threading.Event()
    keep = making.assign_foreign_keys

    def slow_load(name: str) -> None:
        if name == "batch sent":
            assert threading.current_thread() is not threading.main_thread()
            assert made.wait(20)

    def last_made(run: Any, name: str, rows: Any) -> None:
        keep(run, name, rows)
        if name == "line":
            made.set()

    monkeypatch.setattr(making, "assign_foreign_keys", last_made)
    observe(slow_load)
    fitted.to_database(f"sqlite:///{tmp_path / 'one.db'}", seed=3)

    def slow_rows(run: Any, name: str, rows: Any) -> None:
        if name == "line":
            assert loaded.wait(20)  # a table of rows that are final
        keep(run, name, rows)

    monkeypatch.setattr(making, "assign_foreign_keys", slow_rows)
    observe(lambda name: loaded.set() if name == "table loaded" else None)
    fitted.to_database(f"sqlite:///{tmp_path / 'two.db'}", seed=3)
    assert contents(tmp_path / "one.db") == contents(tmp_path / "two.db")


@pytest.mark.parametrize("withdrawn", [False, True])
def test_rows_are_loaded_while_a_table_is_completed(
    fitted: Synthesizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, withdrawn: bool
) -> None:
    """The first rows are there before the last are; what is changed after all is loaded anew."""
    sent, send = threading.Event(), StagedSchema._conform
    keep = foreign_keys.finish

    def seen(self: StagedSchema, table: str, batches: Any) -> Iterator[Any]:
        for batch in send(self, table, batches):
            if table == "line":
                sent.set()
            yield batch

    def slow(run: Any, name: str, *given: Any, **more: Any) -> Any:
        left = keep(run, name, *given, **more)
        if name == "line":
            assert sent.wait(20)
            time.sleep(0.5 * (not withdrawn))
            left[:7] = withdrawn  # rows for which no keys hold
        return left

    monkeypatch.setattr(StagedSchema, "_conform", seen)
    monkeypatch.setattr(foreign_keys, "finish", slow)
    summary = fitted.to_database(f"sqlite:///{tmp_path / 'one.db'}", seed=3)
    monkeypatch.undo()
    fitted.to_database(f"sqlite:///{tmp_path / 'two.db'}", seed=3)
    one, two = contents(tmp_path / "one.db"), contents(tmp_path / "two.db")
    assert len(two["line"]) - len(one["line"]) == 7 * withdrawn
    assert summary.rows == sum(map(len, one.values()))
    assert max(table.seconds for table in summary.tables) < 0.5  # without what it waited for
    assert set(one["line"]) <= set(two["line"])
    assert sorted(left(tmp_path)) == ["one.db", "two.db"]


def test_what_ends_a_run_ends_the_reading_of_a_table(
    fitted: Synthesizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose last rows never come."""
    keep = foreign_keys.finish

    def broken(run: Any, name: str, *given: Any, **more: Any) -> Any:
        found = keep(run, name, *given, **more)
        if name == "line":
            raise MemoryError("no more")
        return found

    monkeypatch.setattr(foreign_keys, "finish", broken)
    with pytest.raises(MemoryError, match="no more"):
        fitted.to_database(f"sqlite:///{tmp_path / 'one.db'}", seed=3)
    assert left(tmp_path) == []
    assert not [t for t in threading.enumerate() if t.name.startswith("loading")]


def test_an_interruption_before_the_last_rows_are_told_ends_their_reading(
    fitted: Synthesizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Tail) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(Tail, "end", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fitted.to_database(f"sqlite:///{tmp_path / 'one.db'}", seed=3)
    assert left(tmp_path) == []
    assert not [t for t in threading.enumerate() if t.name.startswith("loading")]


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
    keep, made = making.assign_foreign_keys, []

    def slow(run: Any, name: str, rows: Any) -> None:
        keep(run, name, rows)
        made.append(name)
        time.sleep(0.3)

    monkeypatch.setattr(making, "assign_foreign_keys", slow)
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

    monkeypatch.setattr(making, "assign_foreign_keys", raising(making.assign_foreign_keys))
    observe(lambda name: begun.set() if name == "batch sent" else None)
    with pytest.raises(error if isinstance(error, type) else type(error)):
        fitted.to_database(f"sqlite:///{tmp_path / 'one.db'}", seed=3)
    assert left(tmp_path) == []
    assert not [t for t in threading.enumerate() if t.name.startswith("loading")]


def killed(fitted: Synthesizer, target: Path, step: str, number: int, **asked: Any) -> None:
    """Write in a fork that is killed when it comes to a step for the n-th time."""
    child = os.fork()
    if child == 0:
        left = [number]

        def observer(name: str) -> None:
            left[0] -= name == step
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        observe(observer)
        fitted.to_database(f"sqlite:///{target}", resume=True, **asked)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"the run ended before {step!r} number {number}"


@pytest.mark.parametrize(
    ("step", "number"), [("batch sent", 1), ("table loaded", 2), ("keys proved", 1)]
)
def test_a_killed_run_goes_on_to_the_same_result(
    fitted: Synthesizer, tmp_path: Path, step: str, number: int
) -> None:
    whole, target = tmp_path / "whole" / "out.db", tmp_path / "killed" / "out.db"
    whole.parent.mkdir()
    target.parent.mkdir()
    told = fitted.to_database(f"sqlite:///{whole}", seed=3)
    killed(fitted, target, step, number, seed=3)
    assert not target.exists()
    summary = fitted.to_database(f"sqlite:///{target}", seed=3, resume=True)
    assert contents(target) == contents(whole)
    assert left(target.parent) == ["out.db"]
    for one, other in zip(summary.tables, told.tables):
        assert (one.name, one.rows, one.distance) == (other.name, other.rows, other.distance)
    assert summary.orphans == 0


def test_nothing_is_made_again_when_all_is_loaded(
    fitted: Synthesizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(fitted, tmp_path / "out.db", "keys proved", 1, seed=3)
    monkeypatch.setattr(making, "generate_attributes", None)
    with pytest.raises(QualityError):
        fitted.to_database(
            f"sqlite:///{tmp_path / 'out.db'}", seed=3, resume=True, quality_threshold=1e-9
        )
    summary = fitted.to_database(f"sqlite:///{tmp_path / 'out.db'}", seed=3, resume=True)
    assert summary.rows == sum(map(len, contents(tmp_path / "out.db").values()))


def test_another_run_does_not_go_on(fitted: Synthesizer, tmp_path: Path) -> None:
    target = tmp_path / "out.db"
    url = f"sqlite:///{target}"
    killed(fitted, target, "keys proved", 1, seed=3)
    (there,) = (name for name in left(tmp_path) if not name.endswith("-journal"))
    for asked, told in (
        ({"seed": 4}, "its seed is 3, not 4"),
        ({"seed": 3, "scale": 2.0}, r"its scale is 1\.0, not 2\.0"),
        ({"seed": 3, "conditions": {"customer": {"kind": "a"}}}, "its conditions is another one"),
    ):
        with pytest.raises(ConnectorError, match=told):
            fitted.to_database(url, resume=True, **asked)
    other = tiny("autoregressive", **SMALL)
    with pytest.raises(ConnectorError, match=r"its fit is .*, its source's schema is another"):
        other.to_database(url, seed=3, resume=True)
    with pytest.raises(SchemaError, match="seed"):
        fitted.to_database(url, resume=True)
    assert there in left(tmp_path)
    fitted.to_database(url, seed=4)  # removes what is left
    assert left(tmp_path) == ["out.db"]


def test_a_changed_source_is_told(fitted: Synthesizer, tmp_path: Path) -> None:
    source = fitted._source
    assert source is not None
    killed(fitted, tmp_path / "out.db", "keys proved", 1, seed=3)
    with source.engine.begin() as connection:  # type: ignore[attr-defined]
        connection.exec_driver_sql("CREATE INDEX later ON line (pieces)")
    try:
        with pytest.raises(ConnectorError, match="its source's schema is another one"):
            fitted.to_database(f"sqlite:///{tmp_path / 'out.db'}", seed=3, resume=True)
    finally:
        with source.engine.begin() as connection:  # type: ignore[attr-defined]
            connection.exec_driver_sql("DROP INDEX later")
    fitted.to_database(f"sqlite:///{tmp_path / 'out.db'}", seed=3, resume=True)


def test_a_loaded_fit_is_the_same_fit(fitted: Synthesizer, tmp_path: Path) -> None:
    fitted.save(tmp_path / "saved")
    loaded = Synthesizer.load(tmp_path / "saved")
    facts = [facts_of(Request(each._state(), seed=3), seeded=True) for each in (fitted, loaded)]
    assert facts[0] == facts[1]


def test_duckdb_in_memory_keeps_nothing(fitted: Synthesizer) -> None:
    pytest.importorskip("duckdb_sqlalchemy")
    with pytest.raises(ConnectorError, match="in memory ends with its process"):
        fitted.to_database("duckdb:///:memory:", seed=3, resume=True)


def test_what_an_engine_cannot_is_said_before_any_work() -> None:
    with pytest.raises(ConnectorError, match="writes to snowflake cannot be resumed") as caught:
        _check_resumes("snowflake")
    assert "write to postgresql, mysql, mariadb, sqlite, duckdb" in str(caught.value)


def test_a_loaded_table_is_indexed_while_others_are_made(
    fitted: Synthesizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each once: what is left at the end is only what was not made before."""
    source, indexed = fitted._source, threading.Event()
    assert source is not None
    keep, run, ran = making.assign_foreign_keys, StagedSchema.run, []

    def spied(self: StagedSchema, statement: Any) -> None:
        run(self, statement)
        if "INDEX" in statement.sql:
            ran.append((statement.table, threading.current_thread().name.partition("_")[0]))
            indexed.set()

    def waiting(run: Any, name: str, rows: Any) -> None:
        keep(run, name, rows)
        assert name != "line" or indexed.wait(20)

    monkeypatch.setattr(StagedSchema, "run", spied)
    monkeypatch.setattr(making, "assign_foreign_keys", waiting)
    with source.engine.begin() as connection:  # type: ignore[attr-defined]
        connection.exec_driver_sql("CREATE INDEX paid_how ON purchase (paid)")
    try:
        fitted.to_database(f"sqlite:///{tmp_path / 'out.db'}", seed=3)
    finally:
        with source.engine.begin() as connection:  # type: ignore[attr-defined]
            connection.exec_driver_sql("DROP INDEX paid_how")
    assert ran == [("purchase", "loading")]
