"""What a lock must do where an engine has none of its own: inherited with a way to write a copy."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar

import pyarrow as pa
import pytest
from sqlalchemy import Engine

from synthohive.connectors.sql import SqlWarehouse
from synthohive.connectors.writers import open_writer
from synthohive.exceptions import ConnectorError
from synthohive.io import lease
from synthohive.io.lease import LASTS, LOCK_MARK
from synthohive.io.writer import Writer
from tests.contracts.killed import killed_at, one_table, write_row
from tests.contracts.writer import ORIGIN
from tests.evidence import feature


@contextmanager
def renewed_each(seconds: float, monkeypatch: pytest.MonkeyPatch) -> Any:
    with monkeypatch.context() as patch:
        patch.setattr(lease, "_EACH", seconds)
        yield


class LeaseContract:
    """Inherit, and give a fixture `target`: a name of a place that is free."""

    def engine(self) -> Engine:
        """Return the engine of the target."""
        raise NotImplementedError

    def writer(self, target: str, **how: Any) -> Writer:
        """Open a writer of a table without rows."""
        return open_writer(
            None, one_table(), target_schema=target, target_engine=self.engine(),
            provenance=ORIGIN, **how,
        )  # fmt: skip

    def places(self, start: str) -> list[str]:
        """Return the names of all places that begin so."""
        raise NotImplementedError

    def held(self, opened: Any) -> Any:
        """Return the lock of an open writer."""
        return next(iter(opened.schemas.values()))._lock

    @feature("two runs do not mix")
    def test_who_writes_is_named_to_the_next(self, target: str) -> None:
        with self.writer(target) as opened:
            with pytest.raises(
                ConnectorError, match=r"Another run is writing to .* \(process \d+ on"
            ):
                self.writer(target)
            with self.writer(target, rehearsal=True) as rehearsal:  # which writes nothing there
                rehearsal.prove()
            opened.finish()
        assert self.places(target) == [target]
        with self.writer(target, if_exists="replace") as again:
            again.finish()
        assert self.places(target) == [target]

    @feature("two runs do not mix")
    def test_what_a_killed_run_left_is_removed_by_the_next(self, target: str) -> None:
        opened = self.writer(target)
        lock = self.held(opened)
        lock._ended.set()  # it is killed: nothing renews the lock, or removes it
        mine, now = dict(lock._mine), datetime.now(timezone.utc)
        young = {**mine, "process": "of another machine", "seen": now.isoformat()}
        old = {**young, "seen": (now - 2 * LASTS).isoformat()}
        dead = {**mine, "process": " ".join([*mine["process"].split()[:3], "0"])}

        def leave(text: dict[str, str]) -> None:
            lock.remove()
            assert lock.create(json.dumps(text))
            assert not lock.create(json.dumps(text))

        leave(young)
        with pytest.raises(ConnectorError, match=r"seen \d+ s ago"):
            self.writer(target)
        for ended in (old, dead):
            leave(ended)
            with self.writer(target, if_exists="replace") as again:
                assert mine["staging"] not in self.places(target)
                lock._mine = dict(mine)
                with pytest.raises(ConnectorError, match=r"taken over by process \d+"):
                    lock.confirm()
                again.finish()
            assert self.places(target) == [target]

    @feature("two runs do not mix")
    def test_a_lock_is_renewed(self, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with renewed_each(0.05, monkeypatch), self.writer(target) as opened:
            lock = self.held(opened)
            first, end = lock.read(), datetime.now(timezone.utc) + timedelta(seconds=20)
            while lock.read() == first and datetime.now(timezone.utc) < end:
                lock._ended.wait(0.3)
            assert json.loads(lock.read())["seen"] > json.loads(first)["seen"]

    @feature("what others made is kept")
    def test_what_others_called_like_a_lock_is_named(self, target: str) -> None:
        with self.writer(target) as opened:
            lock = self.held(opened)
            lock.renew(lambda _: "our own")
            with pytest.raises(
                ConnectorError, match=f"(?i){LOCK_MARK}.* no run of SynthoHive made it"
            ):
                self.writer(target)
            lock.renew(lambda _: json.dumps(lock._mine))


class InterruptionContract(LeaseContract):
    """Of engines whose rows can be looked at: what a run that is ended leaves, and who removes it.

    Beside a `target`, name what gives a process of its own an engine: ``module:function``.
    """

    opener: ClassVar[str]
    steps: ClassVar[tuple[str, ...]] = ("table loaded",)

    def url(self) -> str:
        """Return where `opener` leads, password included."""
        return self.engine().url.render_as_string(hide_password=False)

    def rows(self, target: str) -> list[int]:
        """Return what is in the table."""
        warehouse = SqlWarehouse(self.engine(), target)
        found = pa.Table.from_batches(list(warehouse.read(next(iter(warehouse.metadata.tables)))))
        return [int(value) for value in found.column(0).to_pylist()]

    @feature("a failure changes nothing")
    def test_an_interruption_while_rows_are_loaded_leaves_nothing(self, target: str) -> None:
        def batches() -> Iterator[pa.RecordBatch]:
            yield pa.record_batch({"x": pa.array([2], pa.int64())})
            signal.raise_signal(signal.SIGINT)

        write_row(self.engine(), target, 1)
        # in a shell's background, the signal is ignored
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with (
                pytest.raises(KeyboardInterrupt),
                self.writer(target, if_exists="replace") as opened,
            ):
                opened.load("t", batches())
        finally:
            signal.signal(signal.SIGINT, before)
        assert self.places(target) == [target]
        assert self.rows(target) == [1]

    @feature("a failure changes nothing")
    def test_what_a_kill_leaves_is_removed_by_the_next_run(self, target: str) -> None:
        write_row(self.engine(), target, 1)
        for step in self.steps:
            killed_at(self.opener, self.url(), target, step)
            assert len(self.places(target)) == 3  # with the lock, and what was staged
            assert self.rows(target) == [1]
        write_row(self.engine(), target, 3)
        assert self.places(target) == [target]
        assert self.rows(target) == [3]
