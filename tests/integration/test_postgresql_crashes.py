"""The crash matrix on a real PostgreSQL."""

from __future__ import annotations

from typing import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from tests.contracts.writer import Place, make_shop
from tests.integration.crashes import Bench, Run, ServerCrashMatrix

pytestmark = [pytest.mark.integration, pytest.mark.slow]


class TestPostgresqlCrashes(ServerCrashMatrix):
    engine = "PostgreSQL"

    @pytest.fixture
    def bench(self, postgres_engine: Engine, postgres_url: str, postgres_schema: str) -> Bench:
        place = Place(postgres_engine, postgres_schema, f"{postgres_schema}_synthetic")
        make_shop(postgres_engine, postgres_schema)

        def leftovers() -> list[str]:
            names = sa.inspect(postgres_engine).get_schema_names()
            return [n for n in names if n.startswith(f"{place.target}__synthohive_")]

        return Bench(place, postgres_url, leftovers)

    def test_the_backend_is_killed_at_every_step(self, bench: Bench) -> None:
        def fault(bench: Bench, run: Run) -> None:
            with bench.place.engine.begin() as connection:
                connection.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks "
                    "WHERE locktype = 'advisory' AND granted "
                    "AND objid::bigint = hashtext(%s)::bigint & 4294967295",
                    (bench.place.target,),
                )

        self.matrix(bench, "backend killed", fault)

    def test_statements_time_out_at_every_step(self, bench: Bench) -> None:
        def fault(bench: Bench, run: Run) -> None:
            run.tell("sql", "SET statement_timeout = '1ms'")

        self.matrix(bench, "statement timeout", fault)

    def test_locks_time_out_at_every_step(self, bench: Bench) -> None:
        """Somebody holds the whole target, and does not let go while the run lasts."""

        def fault(bench: Bench, run: Run) -> Callable[[], None]:
            run.tell("sql", "SET lock_timeout = '50ms'")
            connection = bench.place.engine.connect()
            connection.exec_driver_sql(
                f"LOCK TABLE {bench.place.target}.customers IN ACCESS EXCLUSIVE MODE"
            )
            return connection.close

        self.matrix(bench, "lock timeout", fault)
