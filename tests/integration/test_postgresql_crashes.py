"""The crash matrix on a real PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from tests.contracts.writer import Place, make_shop
from tests.integration.crashes import Bench, Run, ServerCrashMatrix, reader

pytestmark = [pytest.mark.integration, pytest.mark.slow]


# Whoever holds the lock on a target of these tests; other tests may use the server.
WRITERS = (
    "FROM pg_locks l, pg_namespace n WHERE l.locktype = 'advisory' AND l.granted "
    "AND l.objid::bigint = hashtext(n.nspname)::bigint & 4294967295 AND n.nspname LIKE 't%%'"
)

IMPATIENT = [("synthohive.connectors.postgresql.write", "_PATIENCE_MS", 50)]
"""A run does not wait for those who read what it is about to drop."""


class TestPostgresqlCrashes(ServerCrashMatrix):
    engine = "PostgreSQL"
    few = ("staging created", "batch sent", "schema proved", "schemas renamed", "swap committed")

    @pytest.fixture
    def bench(self, postgres_engine: Engine, postgres_url: str, postgres_schema: str) -> Bench:
        place = Place(postgres_engine, postgres_schema, f"{postgres_schema}_synthetic")
        make_shop(postgres_engine, postgres_schema)

        def leftovers() -> list[str]:
            names = sa.inspect(postgres_engine).get_schema_names()
            return [n for n in names if n.startswith(f"{place.target}__synthohive_")]

        def drop() -> None:
            with postgres_engine.begin() as connection:
                connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {place.target} CASCADE")

        return Bench(place, postgres_url, leftovers, drop)

    def test_the_backend_is_killed_at_every_step(self, bench: Bench) -> None:
        def fault(bench: Bench, run: Run) -> None:
            with bench.place.engine.begin() as connection:
                connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid, 5000) {WRITERS}")

        self.matrix(bench, "backend killed", fault)

    def test_statements_time_out_at_every_step(self, bench: Bench) -> None:
        """COPY is a statement that is under way while its batches are sent."""

        def fault(bench: Bench, run: Run) -> None:
            if run.step != "batch sent":
                run.tell("sql", "SET statement_timeout = '1ms'")
                return
            with bench.place.engine.begin() as connection:
                connection.exec_driver_sql(f"SELECT pg_cancel_backend(pid) {WRITERS}")

        self.matrix(bench, "statement timeout", fault)

    def test_locks_time_out_at_every_step(self, bench: Bench) -> None:
        """Somebody holds the whole target, and does not let go while the run lasts."""

        def fault(bench: Bench, run: Run) -> Callable[[], None]:
            connection = bench.place.engine.connect()
            connection.exec_driver_sql(
                f"LOCK TABLE {bench.place.target}.customers IN ACCESS EXCLUSIVE MODE"
            )
            return connection.close

        url = sa.make_url(bench.url).update_query_dict({"options": "-c lock_timeout=300ms"})
        impatient = url.render_as_string(hide_password=False)
        self.matrix(replace(bench, url=impatient, settings=IMPATIENT), "lock timeout", fault)

    def test_a_reader_at_every_step(self, bench: Bench) -> None:
        self.matrix(replace(bench, settings=IMPATIENT), "reader", reader)

    def test_the_disk_is_full_at_every_step(self, bench: Bench) -> None:
        """The run's tables go to a small file system of the server, which somebody fills."""
        admin = bench.place.engine.execution_options(isolation_level="AUTOCOMMIT")
        name = f"{bench.place.schema}_tiny"
        folder = f"/dev/shm/{name}"

        def server(command: str) -> list[str]:
            with admin.connect() as connection:
                connection.exec_driver_sql("CREATE TEMP TABLE said (line text)")
                connection.exec_driver_sql(f"COPY said FROM PROGRAM '{command}'")
                lines = [row[0] for row in connection.exec_driver_sql("TABLE said")]
                connection.exec_driver_sql("DROP TABLE said")
                return lines

        free = int(server("df -kP /dev/shm | tail -1").pop().split()[3])
        if free > 1 << 18:
            pytest.skip(f"/dev/shm of the server has {free >> 10} MB free: too many to fill")
        server(f"mkdir {folder}")

        def fault(bench: Bench, run: Run) -> Callable[[], None]:
            server(f"cat /dev/zero > {folder}.filler 2>/dev/null || true")
            return lambda: server(f"rm {folder}.filler").clear()

        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE TABLESPACE {name} LOCATION '{folder}'")
            url = sa.make_url(bench.url).update_query_dict(
                {"options": f"-c default_tablespace={name}"}
            )
            small = replace(bench, url=url.render_as_string(hide_password=False))
            try:
                found = self.matrix(small, "disk full", fault)
            finally:
                connection.exec_driver_sql(f"DROP TABLESPACE {name}")
                server(f"rm -r {folder}")
        assert any("No space left" in outcome.ended for outcome in found)
