"""The crash matrix on a real MySQL and MariaDB."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable

import pytest
import sqlalchemy as sa

from synthohive.connectors.mysql import write
from tests.contracts.writer import Place, make_shop
from tests.integration.crashes import Bench, Run, ServerCrashMatrix, interrupted, reader

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def bench_on(engine: sa.Engine, url: str, database: str) -> Bench:
    """Make the source, and return a bench on it."""
    place = Place(engine, database, f"{database}_synthetic")
    make_shop(engine, database)

    def leftovers() -> list[str]:
        names = sa.inspect(engine).get_schema_names()
        return [n for n in names if n.startswith(f"{place.target}__synthohive_")]

    def drop() -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {place.target}")

    return Bench(place, url, leftovers, drop)


def impatient(bench: Bench) -> Bench:
    """Have runs wait for locks once, and a second only: the least that the servers know."""
    module = "synthohive.connectors.mysql.write"
    return replace(bench, settings=[(module, "_TRIES", 1), (module, "_LOCK_SECONDS", 1)])


class MysqlCrashMatrix(ServerCrashMatrix):
    """What both servers meet."""

    few = ("database created", "batch sent", "schema proved", "trash created", "tables renamed")

    def test_an_interrupted_start_leaves_nothing(self, bench: Bench) -> None:
        bench.write("a")
        run = Run(bench, "b", "database created")
        interrupted(bench, run)
        assert run.go_on().startswith("KeyboardInterrupt")
        assert bench.leftovers() == []
        assert bench.holds() == "a"

    def test_a_reader_at_every_step(self, bench: Bench) -> None:
        found = self.matrix(impatient(bench), "reader", reader)
        assert any("a lock was not to be had" in outcome.ended for outcome in found)

    def test_two_writers_at_every_step(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(write, "_LOCK_SECONDS", 1)  # of the second writer, in this process
        super().test_two_writers_at_every_step(bench)

    def test_the_connection_is_killed_at_every_step(self, bench: Bench) -> None:
        def fault(bench: Bench, run: Run) -> None:
            with bench.place.engine.connect() as connection:
                lock = f"{bench.place.target}__synthohive"
                sql = sa.text("SELECT IS_USED_LOCK(:lock)")
                number = connection.execute(sql, {"lock": lock}).scalar()
                connection.exec_driver_sql(f"KILL {number}")

        self.matrix(bench, "connection killed", fault)

    def test_the_spool_s_disk_is_full_at_every_step(self, bench: Bench) -> None:
        def fault(bench: Bench, run: Run) -> None:
            run.tell("fill", 0)

        self.matrix(bench, "disk full", fault)

    def test_locks_time_out_at_every_step(self, bench: Bench) -> None:
        """Somebody holds a table of the target, and does not let go while the run lasts."""

        def fault(bench: Bench, run: Run) -> Callable[[], None]:
            connection = bench.place.engine.connect()
            connection.detach()
            connection.exec_driver_sql("SET lock_wait_timeout = 1")
            connection.exec_driver_sql(f"LOCK TABLES {bench.place.target}.customers WRITE")
            return connection.close

        self.matrix(impatient(bench), "lock timeout", fault)


class TestMysqlCrashes(MysqlCrashMatrix):
    engine = "MySQL"

    @pytest.fixture
    def bench(self, mysql_engine: sa.Engine, mysql_url: str, mysql_database: str) -> Bench:
        return bench_on(mysql_engine, mysql_url, mysql_database)

    def test_statements_time_out_at_every_step(self, bench: Bench) -> None:
        def fault(bench: Bench, run: Run) -> None:
            run.tell("sql", "SET SESSION max_execution_time = 1")

        self.matrix(bench, "statement timeout", fault)


class TestMariadbCrashes(MysqlCrashMatrix):
    engine = "MariaDB"
    # the writer is the same; what differs is the server's RENAME
    few = ("trash created",)
    killed_at = ("batch sent", "table loaded", "schema proved", "target created", "trash created",
                 "tables renamed")  # fmt: skip

    @pytest.fixture
    def bench(self, mariadb_engine: sa.Engine, mariadb_url: str, mariadb_database: str) -> Bench:
        return bench_on(mariadb_engine, mariadb_url, mariadb_database)

    def test_statements_time_out_at_every_step(self, bench: Bench) -> None:
        def fault(bench: Bench, run: Run) -> None:
            run.tell("sql", "SET SESSION max_statement_time = 0.0005")

        self.matrix(bench, "statement timeout", fault)
