"""Projects whose tests stand on models: keys are found, and the project runs alike on the copy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from sqlalchemy import text
from sqlalchemy.engine import Engine, make_url

from dbt_synthohive import synthesizer_from_project
from tests.conftest import fresh_schema
from tests.dbt import shapes
from tests.dbt.project import ROOT, Project, server_environment


@dataclass
class Shaped:
    """The project, its warehouse, and the schema of its raw tables."""

    project: Project
    engine: Engine
    raw: str
    models: str

    def built(self, schema: str) -> tuple[dict[str, str], dict[str, int]]:
        """Build the project over a schema; return the tests' results and the marts' row counts."""
        redirect = ["--vars", f"{{synthohive_schemas: {{{self.raw}: {schema}}}}}"]
        outcome = self.project.dbt("build", *redirect, check=False)
        tests = {k: v["status"] for k, v in outcome.nodes.items() if "test." in v["unique_id"]}
        with self.engine.connect() as connection:
            counts = {
                name: connection.execute(
                    text(f"SELECT count(*) FROM {self.models}.{name}")
                ).scalar_one()
                for name in shapes.MARTS
            }
        return tests, counts


def _stated(printed: str) -> tuple[set[str], set[str]]:
    """Return the foreign keys and the unique columns of a printed properties file."""
    foreign, unique = set(), set()
    for table in (t for s in yaml.safe_load(printed)["sources"] for t in s["tables"]):
        for test in table.get("data_tests", []):
            columns = test["synthohive.unique_key"]["arguments"]["columns"]
            unique.add(f"{table['name']}({', '.join(columns)})")
        for column in table["columns"]:
            own = f"{table['name']}({column['name']})"
            for test in column["data_tests"]:
                if test == "unique":
                    unique.add(own)
                elif test != "not_null":
                    to = test["relationships"]["arguments"]
                    parent = to["to"].split("'")[3]
                    foreign.add(f"{own} -> {parent}({to['field']})")
    return foreign, unique


@pytest.fixture
def shaped(postgres_url: str, postgres_engine: Engine, tmp_path: Path) -> Iterator[Shaped]:
    """Give the project on PostgreSQL, which is stricter than DuckDB."""
    url = make_url(postgres_url).render_as_string(False)
    with fresh_schema(postgres_engine) as schema:
        environment = server_environment(url, f"{schema}_models")
        project = Project(tmp_path / "shapes", "postgres", environment)
        yield _loaded(Shaped(project, postgres_engine, schema, f"{schema}_models"))


def _loaded(shaped: Shaped) -> Shaped:
    shapes.write_project(shaped.project.folder, ROOT, shaped.raw)
    for name, frame in shapes.frames().items():
        frame.to_sql(
            name, shaped.engine, schema=shaped.raw, index=False, method="multi", chunksize=400
        )
    return shaped


@pytest.mark.slow
def test_a_project_runs_alike_on_the_copy(shaped: Shaped, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in shaped.project.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    folder, target = shaped.project.folder, shaped.project.target
    synth = synthesizer_from_project(folder, target=target, profiles_dir=folder)
    assert {key.label(table) for table, key in synth.metadata.foreign_keys()} == shapes.KEYS
    assert {n: t.pk for n, t in synth.metadata.tables.items()} == shapes.PRIMARY
    assert ("id", "sku") in synth.metadata.tables["raw_costs"].unique_sets

    synth.fit(epochs=1, seed=1, progress=False)
    copy = f"{shaped.raw}_synthetic"
    synth.to_database(schema=copy, seed=1)
    real_tests, real = shaped.built(shaped.raw)
    copied_tests, copied = shaped.built(copy)
    assert set(real_tests.values()) == {"pass"}
    assert copied_tests == real_tests
    assert len(real_tests) > 40
    for mart, rows in real.items():
        assert copied[mart] == pytest.approx(rows, rel=0.02), mart


@pytest.mark.slow
def test_operations_find_keys_by_tests_of_models_and_by_names(shaped: Shaped) -> None:
    def operate(name: str, arguments: str) -> str:
        command = ("--quiet", "run-operation", f"synthohive.{name}", "--args", arguments)
        return shaped.project.dbt(*command).output

    foreign, unique = _stated(operate("suggest_keys", f"{{schema: {shaped.raw}}}"))
    assert foreign == shapes.KEYS
    assert "jobdetails(jobnumber, linenumber)" in unique
    compare = f"{{reference: {shaped.raw}, candidate: {shaped.raw}, tables: [clients]}}"
    (orphans,) = (x for x in operate("profile_drift", compare).splitlines() if "no_orphans" in x)
    assert orphans.split()[1] == "repstaffnumber"
    assert orphans.endswith("ok")

    models = shaped.project.folder / "models" / "_models.yml"
    tested = yaml.safe_load(models.read_text("utf-8"))["models"]
    facts = [m for m in tested if m["name"] == "fct_job_lines"]
    models.write_text(yaml.safe_dump({"version": 2, "models": facts}), "utf-8")
    # Partial parsing keeps tests that have gone.
    (shaped.project.folder / "target" / "partial_parse.msgpack").unlink()
    command = ("run-operation", "synthohive.profile_drift", "--args", compare)
    warned = shaped.project.dbt(*command).output
    assert "though 2 relationships of models over them are tested" in warned
    by_names = _stated(operate("suggest_keys", f"{{schema: {shaped.raw}}}"))[0]
    assert by_names == shapes.KEYS - {"staff(reportsto) -> staff(staffnumber)"}  # no name tells
