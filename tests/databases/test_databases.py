"""Databases like the public ones: written at the first try, and their reports are close."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from synthohive import Synthesizer
from synthohive.interface.result import WriteSummary
from tests.conftest import fresh_schema
from tests.databases.chinook import CHINOOK
from tests.databases.employees import EMPLOYEES
from tests.databases.harness import ENGINES, Database, Engine

RUNS = [(database, name) for database in (CHINOOK, EMPLOYEES) for name in ENGINES]


@contextmanager
def copied(url: str, database: Database, engine: Engine) -> Iterator[tuple[Any, ...]]:
    """Build a database and its copy; give an engine, both places and what was said."""
    server = sa.create_engine(url)
    with fresh_schema(server) as place:
        with server.begin() as connection:
            database.build(connection, engine, place)
        server.dispose()  # its connections are in the schema
        synthesizer = Synthesizer.from_database(server, place)
        synthesizer.fit(seed=42, epochs=database.epochs, progress=False)
        summary = synthesizer.to_database(seed=7)
        yield server, place, summary
    server.dispose()


def asked(server: sa.Engine, engine: Engine, place: str, sql: str) -> list[Any]:
    with server.connect() as connection:
        connection.exec_driver_sql(engine.switch.format(place))
        found = [tuple(row) for row in connection.exec_driver_sql(sql)]
        connection.invalidate()
        return found


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.parametrize(("database", "name"), RUNS, ids=[f"{d.name}-{n}" for d, n in RUNS])
def test_goes_through_and_answers(
    database: Database, name: str, request: pytest.FixtureRequest
) -> None:
    engine = ENGINES[name]
    with copied(request.getfixturevalue(f"{name}_url"), database, engine) as (
        server,
        place,
        summary,
    ):
        said: WriteSummary = summary
        assert said.orphans == 0
        faults = [
            fault
            for report in database.reports(engine)
            for fault in report.faults(
                *(asked(server, engine, p, report.sql) for p in (place, said.schema))
            )
        ]
    assert faults == []
