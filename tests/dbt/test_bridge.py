"""From a dbt project to a tested synthetic schema, and the properties file between."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml

import dbt_synthohive
from dbt_synthohive import build, package_path, synthesizer_from_project, write_properties
from dbt_synthohive.limits import fan_out_limit, limit_of, table_limits
from dbt_synthohive.properties import _references
from dbt_synthohive.relations import Manifest
from synthohive import Metadata, SchemaError, Synthesizer, SynthoHiveError
from synthohive.exceptions import ConnectorError
from tests.dbt.project import ROOT
from tests.dbt.test_operations import Pair, installed, pair  # noqa: F401 - fixtures

USERS = """\
# Ours.
version: 2
anchors:
  - &tags [ours]
models:
  - name: mart
    config: {{tags: *tags}}
sources:
  - name: {schema}
    description: made up   # keep this
    tables:
      - name: orders
        columns:
          - name: amount
            data_tests:
              - synthohive.ks_drift:
                  arguments: {{reference: "source('shop', 'orders')", max_ks: 0.5}}
              - synthohive.conditional_drift:
                  name: never_near_enough
                  arguments:
                    by: '"order"'
                    reference: source('shop', 'orders')
                    max_difference: -1
                  config: {{tags: [synthetic]}}
"""


def _environment(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    for name, value in pair.project.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    # The sources' schema is a variable of this project; dbt's own defaults lie in the project.
    file = pair.project.folder / "dbt_project.yml"
    file.write_text(file.read_text("utf-8") + f"\nvars: {{real_schema: {pair.real}}}\n", "utf-8")


@pytest.mark.parametrize("pair", ["duckdb"], indirect=True)  # PostgreSQL: test_public_shapes
def test_build(
    pair: Pair,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _environment(pair, monkeypatch)
    folder, target = pair.project.folder, pair.project.target
    schema = f"{pair.real}_copy"
    file = folder / "models" / "_copy.yml"
    file.write_text(USERS.format(schema=schema), "utf-8")
    result = build(folder, schema, target=target, properties=file, seed=1, epochs=2, progress=False)
    # refunds leads to orders by a test of the project only, the rest by the database.
    keys = {check.key.label(check.table) for check in result.summary.keys}
    assert keys == {
        "orders(customer) -> customers(id)",
        "refunds(customer, line) -> orders(customer, line)",
    }
    assert {check.orphans for check in result.summary.keys} == {0}
    rows = pair.sql(f"SELECT count(*) FROM {schema}.orders")
    assert rows[0][0] == 1200

    statuses = {test.name: test.status for test in result.tests}
    assert set(statuses.values()) <= {"pass", "fail"}, result
    assert len(statuses) > 20
    exact = [k for k in statuses if any(n in k for n in ("no_orphans", "unique_key", "row_count"))]
    assert len(exact) >= 6
    assert {statuses[k] for k in exact} == {"pass"}
    (email,) = (k for k in statuses if "no_copied_values" in k)
    assert statuses[email] == "pass"
    assert result.success == (not result.failed)
    (far,) = (test for test in result.failed if test.name == "never_near_enough")
    assert far.value is not None
    assert (0 <= far.value <= 1, far.allowed, far.group in ("a", "b")) == (True, -1, True)
    assert f"  fail  never_near_enough: {far.value:.4g}, allowed -1, in group" in str(result)
    assert f"{len(result.tests)} dbt tests, {len(result.failed)} failed" in str(result)

    text = file.read_text("utf-8")
    assert text.startswith("# Ours.\n")
    assert "description: made up   # keep this" in text
    assert not re.findall(r"[&*]id\d", text)  # each block can be deleted for itself
    assert "max_ks: 0.5" in text
    assert text.count("reference: \"source('shop', 'orders')\", max_ks: 0.5") == 1
    written = yaml.safe_load(text)
    assert "  - &tags [ours]\n" in text
    assert "config: {tags: *tags}\n" in text
    assert written["models"] == [{"name": "mart", "config": {"tags": ["ours"]}}]
    (own,) = (s for s in written["sources"] if s["name"] == schema)
    (orders,) = (t for t in own["tables"] if t["name"] == "orders")
    (amount,) = (c for c in orders["columns"] if c["name"] == "amount")
    limits = [
        t["synthohive.ks_drift"]["arguments"]
        for t in amount["data_tests"]
        if "synthohive.ks_drift" in t
    ]
    assert len(limits) == 1  # the user's, and no second one
    (odd,) = (t for t in own["tables"] if t["name"] == "customers")
    assert {c["name"] for c in odd["columns"] if c.get("quote")} == {"Odd Name"}
    write_properties(result.synthesizer, schema, file)
    assert file.read_text("utf-8") == text
    again = synthesizer_from_project(folder, target=target)  # the copy is not taken for a source
    assert again.metadata.schema_name == pair.real
    assert [p.name for p in file.parent.glob(".*")] == []


def test_real_tables_are_called_what_the_project_calls_them() -> None:
    place = {"database": "d", "schema": "raw"}
    seed = {**place, "resource_type": "seed", "name": "people", "alias": "raw_people"}
    model = {**place, "resource_type": "model", "name": "m", "schema": "analytics"}
    source = {**place, "resource_type": "source", "name": "o"}
    nodes = {"seed.p.people": seed, "model.p.m": model}
    sources = {
        name: {**source, "source_name": name, "identifier": identifier}
        for name, identifier in (("shop", "orders"), ("copy", "people"))
    }
    manifest = Manifest({"nodes": nodes, "sources": sources})
    assert _references(manifest, "raw", file_schema="copy") == {
        "raw_people": "ref('people')",
        "orders": "source('shop', 'o')",
    }
    assert _references(None, "raw", file_schema="copy") == {}


@pytest.mark.slow
def test_a_project_without_the_package_is_refused_before_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "dbt_project.yml").write_text("name: p\nprofile: p\nversion: '1.0'\n", "utf-8")
    profiles = "p: {outputs: {default: {type: duckdb, path: p.duckdb, schema: main}}}\n"
    (tmp_path / "profiles.yml").write_text(profiles, "utf-8")
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
    with pytest.raises(SchemaError, match=r"does not use the package .*packages\.yml"):
        build(tmp_path, "copy")
    (tmp_path / "models" / "broken.yml").write_text("version: 2\nmodels: [{nme: x}]\n", "utf-8")
    with pytest.raises(SynthoHiveError, match="dbt parse could not be run"):
        build(tmp_path, "copy")
    with pytest.raises(ConnectorError, match="is no dbt project"):
        synthesizer_from_project(tmp_path / "models")


def test_properties_need_a_database_and_a_fit(tmp_path: Path) -> None:
    synth = Synthesizer(Metadata().add_table("t", "id"))
    with pytest.raises(SchemaError, match="does not read from a database"):
        write_properties(synth, "s", tmp_path / "p.yml")
    with sqlite3.connect(tmp_path / "a.db") as db:
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
    synth = Synthesizer.from_database(f"sqlite:///{tmp_path / 'a.db'}")
    with pytest.raises(SchemaError, match="not fitted"):
        write_properties(synth, "s", tmp_path / "p.yml")
    assert not (tmp_path / "p.yml").exists()


@pytest.mark.parametrize("content", ["- a\n", "sources: {a: b}\n", "a: [\n"])
def test_a_file_that_is_no_properties_file_stays(tmp_path: Path, content: str) -> None:
    with sqlite3.connect(tmp_path / "a.db") as db:
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
        db.executemany("INSERT INTO t VALUES (?, ?)", [(i, "xy"[i % 2]) for i in range(60)])
    synth = Synthesizer.from_database(f"sqlite:///{tmp_path / 'a.db'}")
    synth.fit(epochs=1, seed=1, progress=False)
    file = tmp_path / "p.yml"
    file.write_text(content, "utf-8")
    with pytest.raises(SchemaError, match=r"p\.yml"):
        write_properties(synth, "s", file)
    assert file.read_text("utf-8") == content


def test_limits_hold_for_other_halves_and_not_for_drifted_rows() -> None:
    rng = np.random.default_rng(5)
    n = 6000
    kind = rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1])
    amount = rng.normal(0, 1, n) + (kind == "a") * 3
    rows = pa.table({"kind": kind, "amount": amount, "tax": amount * 0.2 + rng.normal(0, 0.1, n)})
    meta = Metadata().add_table("t")
    from synthohive import Column, ColumnKind

    table = meta.table("t")
    for name, column_kind in (("kind", "TEXT"), ("amount", "FLOAT"), ("tax", "FLOAT")):
        table.columns[name] = Column(name=name, kind=ColumnKind[column_kind])
    limits = {
        (limit.test, limit.column): limit.value
        for limit in table_limits(table, rows, set(), np.random.default_rng(0))
    }
    assert limits["tvd_drift", "kind"] == 0.1
    assert limits["ks_drift", "amount"] == 0.1
    assert limits["correlation_drift", "amount"] == 0.1
    assert limits["conditional_drift", "amount"] == 0.15
    assert limits["no_copied_rows", ""] == 0.01
    few = {
        (limit.test, limit.column): limit.value
        for limit in table_limits(table, rows.slice(0, 60), set(), np.random.default_rng(0))
    }
    assert few["ks_drift", "amount"] > 0.2  # sixty rows are that far from themselves
    assert limit_of([], 0.1) == 0.1
    rng = np.random.default_rng(0)
    assert fan_out_limit({0: 50_000, 1: 30_000, 7: 20_000}, rng) == 0.05
    assert fan_out_limit({0: 5, 9: 5}, rng) > 0.05
    assert fan_out_limit({}, rng) == 0.05


def test_the_package_lies_where_it_says() -> None:
    assert package_path() == ROOT
    assert (package_path() / "dbt_project.yml").is_file()


def test_the_wheel_carries_the_dbt_package(tmp_path: Path) -> None:
    """A user without this repository gets the macros by pip."""
    code = (
        "from hatchling.builders.wheel import WheelBuilder; import sys;"
        "print(*WheelBuilder(sys.argv[1]).build(directory=sys.argv[2], versions=['standard']))"
    )
    run = [sys.executable, "-c", code, str(ROOT), str(tmp_path)]
    subprocess.run(run, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(site)], check=True)
    environment = {**os.environ, "PYTHONPATH": str(site)}
    code = "import dbt_synthohive as d; print(d.package_path())"
    run = [sys.executable, "-c", code]
    said = subprocess.run(
        run, env=environment, cwd=tmp_path, check=True, capture_output=True, text=True
    )
    folder = Path(said.stdout.strip())
    assert folder == site / "dbt_synthohive" / "dbt_package"
    names = {str(p.relative_to(ROOT)) for p in (ROOT / "macros").rglob("*.sql")}
    assert names == {str(p.relative_to(folder)) for p in (folder / "macros").rglob("*.sql")}
    assert (folder / "models" / "synthohive_drift_report.sql").is_file()


def test_public_names_are_sorted_and_there() -> None:
    names: list[str] = dbt_synthohive.__all__
    assert names == sorted(names)
    values: list[Any] = [getattr(dbt_synthohive, name) for name in names]
    assert all(value.__doc__ for value in values)


@pytest.mark.parametrize(
    ("table", "column", "schema"),
    [
        ("{{ env_var('HOME') }}", "a", "copy"),
        ("t", "{% do x() %}", "copy"),
        ("t') ~ env_var('HOME", "a", "copy"),
        ("t", "a", "{{ x }}"),
        ("t", "a", "../../copy"),
        ("t\nu", "a", "copy"),
    ],
)
def test_no_name_is_run_by_dbt(tmp_path: Path, table: str, column: str, schema: str) -> None:
    def quoted(name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    with sqlite3.connect(tmp_path / "a.db") as db:
        db.execute(f"CREATE TABLE {quoted(table)} (id INTEGER PRIMARY KEY, {quoted(column)} TEXT)")
    synth = Synthesizer.from_database(f"sqlite:///{tmp_path / 'a.db'}")
    with pytest.raises(SchemaError, match=r"Jinja|source\(|file.s name"):
        write_properties(synth, schema, tmp_path / "p.yml")
    assert not (tmp_path / "p.yml").exists()
