"""The integration project, run once on each warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import create_engine, text

from tests.conftest import fresh_schema
from tests.dbt.project import ROOT, Outcome, Project, consumer, server_environment

# `warm` runs dbt when it is imported: in the process that forks, and in no other. dbt needs
# Python 3.10.
collect_ignore = ["warm.py"]
if find_spec("dbt.cli" if find_spec("dbt") else "dbt") is None:
    needing = "bridge docs manifest operations package public_shapes recipe runs"
    collect_ignore += [f"test_{name}.py" for name in needing.split()]


@dataclass
class FinishedRun:
    """The project after `dbt seed`, `dbt run` and `dbt test --store-failures`."""

    project: Project
    outcome: Outcome
    url: str
    schema: str

    def rows(self, table: str, place: str = "_dbt_test__audit") -> list[tuple[object, ...]]:
        """Return a table of stored failures, or of another schema beside the project's."""
        audit = f"{self.schema}{place}"
        if self.url.endswith(".duckdb"):
            with duckdb.connect(self.url, read_only=True) as connection:
                return connection.execute(f'SELECT * FROM {audit}."{table}"').fetchall()
        engine = create_engine(self.url)
        with engine.connect() as connection:
            found = connection.execute(text(f'SELECT * FROM {audit}."{table}"')).all()
        engine.dispose()
        return [tuple(row) for row in found]


@pytest.fixture(scope="session", params=["duckdb", "postgres"])
def tested(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FinishedRun]:
    folder = tmp_path_factory.mktemp("consumer") / request.param
    package = f"local: {ROOT}"
    if request.param == "duckdb":
        file = str(folder.parent / "tests.duckdb")
        project = consumer(folder, "duckdb", {"SYNTHOHIVE_DBT_DUCKDB": file}, package)
        yield _run(project, file, "synthohive_tests")
        return
    engine = request.getfixturevalue("postgres_engine")
    url: str = request.getfixturevalue("postgres_url")
    with fresh_schema(engine) as schema:
        project = consumer(folder, "postgres", server_environment(url, schema), package)
        yield _run(project, url, schema)


def _run(project: Project, url: str, schema: str) -> FinishedRun:
    for command in ("deps", "seed", "run"):
        project.dbt(command)
    arguments = f"{{schema: {schema}, profile: seeds, tables: [real_customers]}}"
    for _ in range(2):  # the second replaces the first
        project.dbt("run-operation", "synthohive.store_profile", "--args", arguments)
    return FinishedRun(project, project.dbt("test", "--store-failures", check=False), url, schema)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a path at which a project can be made."""
    return tmp_path / "consumer"
