"""The crash matrix on databases that are files: SQLite and DuckDB."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from synthohive.connectors.sqlite import file
from synthohive.schema import Metadata
from tests.contracts.writer import ODD, Place, make_shop, shop
from tests.integration.crashes import Bench, CrashMatrix, Run

pytestmark = [pytest.mark.slow]


class DuckdbBench(Bench):
    """DuckDB: the shop without the keys that it cannot hold."""

    def tables(self) -> Metadata:
        meta = shop()
        del meta.tables[ODD]
        meta.tables["orders"].foreign_keys.pop()
        meta.tables["customers"].foreign_keys.pop()
        return meta


IMPATIENT = ("synthohive.connectors.sqlite.file", "BUSY_SECONDS", 0.05)


def impatient(bench: Bench) -> Bench:
    """Have runs wait for SQLite's locks for a moment only."""
    return replace(bench, settings=[IMPATIENT])


class FilePlace(Place):
    """A file, and the file beside it."""

    def open_target(self) -> sa.Engine:
        url, patience = f"sqlite:///{self.target}", {"timeout": 0.1}  # where a run has locked it
        return sa.create_engine(url, poolclass=NullPool, connect_args=patience)

    def target_schema(self) -> None:
        return None


def die(step: str) -> None:
    """End this process at once."""
    os.kill(os.getpid(), signal.SIGKILL)


def full_disk(bench: Bench, run: Run) -> None:
    """No file of the run grows any more."""
    run.tell("fill", 0)


class TestSqliteCrashes(CrashMatrix):
    engine = "SQLite"

    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        url = f"sqlite:///{tmp_path / 'shop.db'}"
        source = sa.create_engine(url, poolclass=NullPool)
        place = FilePlace(source, None, str(tmp_path / "out.db"))
        make_shop(source, None)

        def leftovers() -> list[str]:
            names = {path.name for path in tmp_path.iterdir()}
            return sorted(names - {"shop.db", "out.db"})

        return Bench(place, url, leftovers, drop=lambda: os.unlink(place.target))

    def test_the_disk_is_full_at_every_step(self, bench: Bench) -> None:
        self.matrix(bench, "disk full", full_disk)

    def test_killed_while_pages_are_copied(self, bench: Bench) -> None:
        bench.write("a")
        run = Run(bench, "b", "target held")
        assert run.stopped
        run.tell("set", "synthohive.connectors.sqlite.file", "_PAGES", 3)
        run.tell("set", "synthohive.connectors.sqlite.file", "step", die)
        assert run.go_on() == "killed"
        assert Path(f"{bench.place.target}-journal").stat().st_size > 0
        assert bench.holds() == "a"
        bench.write("b")
        assert bench.holds() == "b"
        assert bench.leftovers() == []

    def test_a_reader_at_every_step(self, bench: Bench) -> None:
        def fault(bench: Bench, run: Run) -> Callable[[], None]:
            reader = sqlite3.connect(bench.place.target, isolation_level=None, timeout=0)
            reader.execute("BEGIN")
            with suppress(sqlite3.OperationalError):  # locked, while the swap is going on
                assert reader.execute("SELECT count(*) FROM customers").fetchone() == (3,)
            return reader.close

        self.matrix(impatient(bench), "reader", fault)

    def test_two_writers_at_every_step(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(file, *IMPATIENT[1:])  # of the second writer, in this process
        super().test_two_writers_at_every_step(bench)

    def test_locks_time_out_at_every_step(self, bench: Bench) -> None:
        """Somebody writes to the target, and does not end while the run lasts."""

        def fault(bench: Bench, run: Run) -> Callable[[], None]:
            other = sqlite3.connect(bench.place.target, isolation_level=None, timeout=0)
            with suppress(sqlite3.OperationalError):  # locked, while the swap is going on
                other.execute("BEGIN IMMEDIATE")
                other.execute("UPDATE customers SET email = 'half-done' || id")
            return other.close  # rolls back

        self.matrix(impatient(bench), "another writer's transaction", fault)


SHOP = """
CREATE SCHEMA raw; SET schema = 'raw';
CREATE TABLE customers (id BIGINT PRIMARY KEY, email VARCHAR NOT NULL UNIQUE, referrer_id BIGINT);
CREATE TABLE orders (id BIGINT PRIMARY KEY, customer_id BIGINT NOT NULL REFERENCES customers (id),
  first_line BIGINT);
CREATE TABLE order_items (order_id BIGINT REFERENCES orders (id), line BIGINT, note VARCHAR,
  PRIMARY KEY (order_id, line));
"""

ENDLESS = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE sin(a.range) < b.range"


class TestDuckdbCrashes(CrashMatrix):
    engine = "DuckDB"
    few = ("batch sent", "old tables dropped", "schema proved", "committed")

    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        duckdb = pytest.importorskip("duckdb")
        pytest.importorskip("duckdb_sqlalchemy")
        file = tmp_path / "shop.duckdb"
        with duckdb.connect(str(file)) as connection:
            connection.execute(SHOP)
        url = f"duckdb:///{file}"
        place = Place(sa.create_engine(url, poolclass=NullPool), "raw", "copy")

        def drop() -> None:
            with duckdb.connect(str(file)) as connection:
                connection.execute("DROP SCHEMA IF EXISTS copy CASCADE")

        def leftovers() -> list[str]:
            with duckdb.connect(str(file)) as connection:
                sql = "SELECT schema_name FROM duckdb_schemas() WHERE NOT internal"
                schemas = {name for (name,) in connection.execute(sql).fetchall()}
            names = {path.name for path in tmp_path.iterdir()}
            return sorted((schemas - {"main", "raw", "copy"}) | (names - {file.name}))

        return DuckdbBench(place, url, leftovers, drop)

    def test_the_disk_is_full_at_every_step(self, bench: Bench) -> None:
        self.matrix(bench, "disk full", full_disk)

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_query_is_broken_off_at_every_step(self, bench: Bench, number: int) -> None:
        def fault(bench: Bench, run: Run) -> None:
            run.ask(ENDLESS, number)

        found = self.matrix(bench, f"{signal.Signals(number).name} in a query", fault)
        ended = "killed" if number == signal.SIGTERM else "KeyboardInterrupt: "
        assert {outcome.ended for outcome in found} == {ended}
        assert not any(outcome.left for outcome in found)

    def test_a_reader_at_every_step(self, bench: Bench) -> None:
        """DuckDB lets one process at a time have the file: a reader has to wait."""

        def fault(bench: Bench, run: Run) -> None:
            with pytest.raises(sa.exc.OperationalError, match="lock"):
                bench.holds()

        self.matrix(bench, "reader", fault)
