"""Databases like the public ones: written at the first try, and their reports are close."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from synthohive import Metadata, Synthesizer
from tests.conftest import fresh_schema
from tests.databases.adventure_works import ADVENTURE_WORKS
from tests.databases.chinook import CHINOOK
from tests.databases.employees import EMPLOYEES
from tests.databases.films import PAGILA, SAKILA
from tests.databases.harness import ENGINES, Database, Engine
from tests.databases.northwind import NORTHWIND
from tests.databases.opencart import OPENCART

CLOSE = [(PAGILA, "postgres"), (OPENCART, "mysql"), (CHINOOK, "mysql"), (EMPLOYEES, "mysql"),
         (NORTHWIND, "postgres"), (ADVENTURE_WORKS, "postgres")]  # fmt: skip
GOING_THROUGH = [(SAKILA, "mysql")]
"""What a model learns of the same rows is the same on another server: one database (films and their
reports are Pagila's) and one epoch are enough to see the two servers answer alike."""
RUNS = [(d, name, True) for d, name in CLOSE] + [(d, name, False) for d, name in GOING_THROUGH]


@contextmanager
def copied(url: str, database: Database, engine: Engine, epochs: int) -> Iterator[tuple[Any, ...]]:
    """Build a database and its copy; give an engine, the place, and what was said."""
    server = sa.create_engine(url)
    place = f"like_{database.name}"  # the same each time: seeds follow from names of tables
    with fresh_schema(server, place):
        with server.begin() as connection:
            for schema in database.schemas and database.places(place):
                connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
            database.build(connection, engine, place)
        server.dispose()  # its connections are in the schema
        source = database.places(place) if database.schemas else place
        metadata = Metadata.from_database(server, source)
        for child, key in database.keys:
            metadata.tables[child].foreign_keys.append(key)
        for name in database.kept:
            metadata.tables[name].reference = True
        synthesizer = Synthesizer.from_database(server, source, metadata=metadata)
        synthesizer.fit(seed=42, epochs=epochs, progress=False)
        yield server, place, synthesizer.to_database(seed=7, include=("views",))
    server.dispose()


def asked(
    server: sa.Engine, engine: Engine, database: Database, place: str, sql: str, copy: str
) -> list[Any]:
    """Return what a query finds in the source, or in its copy."""
    here = place if database.schemas else place + copy
    with server.connect() as connection:
        connection.exec_driver_sql(engine.switch.format(f"{database.places(here)[0]}"))
        found = connection.exec_driver_sql(database.named(sql, place, copy)).all()
        connection.invalidate()
        return [tuple(row) for row in found]


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.parametrize(
    ("database", "name", "close"), RUNS, ids=[f"{d.name}-{n}" for d, n, _ in RUNS]
)
def test_goes_through_and_answers(
    database: Database, name: str, close: bool, request: pytest.FixtureRequest
) -> None:
    engine = ENGINES[name]
    url = request.getfixturevalue(f"{name}_url")
    epochs = database.epochs if close else 1
    with copied(url, database, engine, epochs) as (server, place, summary):
        assert summary.orphans == 0
        faults = [
            fault
            for report in database.reports(engine)
            for fault in report.faults(
                asked(server, engine, database, place, report.sql, ""),
                asked(server, engine, database, place, report.sql, "_synthetic"),
                close=close,
            )
        ]
    assert faults == []
