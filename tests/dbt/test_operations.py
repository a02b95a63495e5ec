"""profile_drift, generate_tests, the drift report, and sources that lead to a synthetic schema."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import yaml
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine

from tests.conftest import fresh_schema
from tests.dbt.project import ROOT, Project, server_environment

REAL = """
CREATE TABLE {s}.customers (id INTEGER PRIMARY KEY, region VARCHAR(9), "Odd Name" FLOAT,
  born DATE, email VARCHAR(40), doc JSON);
CREATE TABLE {s}.orders (customer INTEGER REFERENCES {s}.customers (id), line INTEGER,
  amount DECIMAL(10, 2), tax DECIMAL(10, 2), "order" VARCHAR(9), PRIMARY KEY (customer, line));
CREATE TABLE {s}.refunds (customer INTEGER, line INTEGER, why VARCHAR(9));
CREATE TABLE {s}.hollow (a INTEGER);
CREATE VIEW {s}.a_view AS SELECT 1 AS one;
CREATE TABLE {s}._synthohive (a INTEGER);
INSERT INTO {s}.customers SELECT i, CASE i % 3 WHEN 0 THEN 'north' WHEN 1 THEN 'south' END,
  CASE WHEN i % 7 <> 0 THEN (i * 37 + {d}) % 101 END, DATE '1990-01-01' + CAST(i * 5 AS INTEGER),
  '{s}' || i || '@example.org', '[]' FROM generate_series(1, 400) AS t(i);
INSERT INTO {s}.orders SELECT 1 + i % 300, CAST(floor(i / 300) AS INTEGER), (i * 13 + {d}) % 97,
  ((i * 13 + {d}) % 97) * 0.1, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END
  FROM generate_series(0, 1199) AS t(i);
INSERT INTO {s}.refunds SELECT customer, line, "order" FROM {s}.orders WHERE line = 0;
"""
DAMAGE = """
UPDATE {s}.customers SET "Odd Name" = "Odd Name" + 60;
UPDATE {s}.refunds SET customer = 100000 WHERE customer = 5;
ALTER TABLE {s}.refunds DROP COLUMN why;
DROP TABLE {s}.hollow;
"""
SOURCES = {
    "version": 2,
    "sources": [
        {
            "name": "shop",
            "schema": "{{ var('real_schema') }}",
            "tables": [
                {
                    "name": "customers",
                    "columns": [{"name": "email", "config": {"meta": {"pii": True}}}],
                },
                {
                    "name": "orders",
                    "columns": [{"name": "customer", "data_tests": ["not_null"]}],
                },
                {
                    "name": "refunds",
                    "data_tests": [
                        {
                            "synthohive.no_orphans": {
                                "arguments": {
                                    "columns": ["customer", "line"],
                                    "to": "source('shop', 'orders')",
                                }
                            }
                        }
                    ],
                },
            ],
        }
    ],
}
MART = "select o.amount, c.region from {{ source('shop', 'orders') }} o " \
    "join {{ source('shop', 'customers') }} c on c.id = o.customer"  # fmt: skip
OVERRIDE = """{% macro source() %}
  {{ return(synthohive.synthetic_source(builtins.source(*varargs))) }}
{% endmacro %}
"""
OVER_SEEDS = {
    "macros/ref.sql": """{% macro ref() %}
  {{ return(synthohive.synthetic_ref(builtins.ref(*varargs, **kwargs))) }}
{% endmacro %}
""",
    "seeds/people.csv": "id,name\n1,real\n",
    "seeds/_seeds.yml": """
seeds:
  - name: people
    columns:
      - name: name
        data_tests:
          - accepted_values:
              name: name_is_real
              arguments: {values: [real]}
              config: {severity: warn}
""",
    "snapshots/_snapshots.yml": """
snapshots:
  - name: people_history
    relation: ref('people')
    config: {unique_key: id, strategy: check, check_cols: all}
""",
    "models/_names.yml": """
unit_tests:
  - name: rows_of_one_id_meet
    model: names
    given:
      - input: ref('people')
        rows: [{id: 1, name: a}]
      - input: ref('people_history')
        rows: [{id: 1, name: b}, {id: 2, name: c}]
    expect: {rows: [{name: a, name_before: b}]}
""",
    "models/names.sql": "select p.name, h.name as name_before from {{ ref('people') }} p "
    "join {{ ref('people_history') }} h on h.id = p.id",
}


class Pair:
    """A project beside a real schema and its stand-in."""

    def __init__(self, project: Project, real: str, run: object) -> None:
        self.project, self.real, self.synthetic, self._run = project, real, f"{real}_synthetic", run

    def sql(self, statements: str) -> list[tuple[object, ...]]:
        return self._run(statements)  # type: ignore[operator, no-any-return]

    def operate(self, name: str) -> str:
        arguments = f"{{reference: {self.real}, candidate: {self.synthetic}}}"
        return self.project.dbt(
            "--quiet", "run-operation", f"synthohive.{name}", "--args", arguments, *self.vars()
        ).output

    def vars(self, **more: object) -> list[str]:
        return [
            "--vars",
            yaml.safe_dump({"real_schema": self.real, **more}, default_flow_style=True),
        ]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project that has installed the package."""
    folder = tmp_path_factory.mktemp("installed") / "shop"
    (folder / "models").mkdir(parents=True)
    (folder / "macros").mkdir()
    for name in ("dbt_project.yml", "profiles.yml"):
        (folder / name).write_text((ROOT / "integration_tests" / name).read_text("utf-8"), "utf-8")
    (folder / "packages.yml").write_text(f"packages:\n  - local: {ROOT}\n", "utf-8")
    (folder / "models" / "_sources.yml").write_text(yaml.safe_dump(SOURCES), "utf-8")
    (folder / "models" / "mart.sql").write_text(MART, "utf-8")
    (folder / "macros" / "source.sql").write_text(OVERRIDE, "utf-8")
    Project(folder, "duckdb", {}).dbt("deps")
    return folder


@pytest.fixture(params=["duckdb", "postgres"])
def pair(request: pytest.FixtureRequest, tmp_path: Path, installed: Path) -> Iterator[Pair]:
    folder = shutil.copytree(installed, tmp_path / "shop", symlinks=True)
    if request.param == "duckdb":
        file = str(tmp_path / "shop.duckdb")

        def in_file(statements: str) -> list[tuple[object, ...]]:
            with duckdb.connect(file) as connection:
                found = connection.execute(statements)
                return found.fetchall() if found.description else []

        project = Project(folder, "duckdb", {"SYNTHOHIVE_DBT_DUCKDB": file})
        in_file("CREATE SCHEMA shop_db; CREATE SCHEMA shop_db_synthetic")
        yield _filled(Pair(project, "shop_db", in_file))
        return
    engine: Engine = request.getfixturevalue("postgres_engine")
    url: str = request.getfixturevalue("postgres_url")
    with fresh_schema(engine) as schema:

        def in_server(statements: str) -> list[tuple[object, ...]]:
            own = create_engine(url)
            with own.begin() as connection:
                found = connection.execute(text(statements))
                rows = [tuple(r) for r in found.all()] if found.returns_rows else []
            own.dispose()
            return rows

        in_server(f"CREATE SCHEMA {schema}_synthetic")
        environment = server_environment(url, f"{schema}_models")
        yield _filled(Pair(Project(folder, "postgres", environment), schema, in_server))


def _filled(pair: Pair) -> Pair:
    pair.sql(REAL.format(s=pair.real, d=0))
    pair.sql(REAL.format(s=pair.synthetic, d=1))
    return pair


def _lines(output: str) -> dict[tuple[str, str, str], str]:
    """Return verdicts by (table, column, test) of what profile_drift prints."""
    rows = output.split("-" * 116)[1].strip("\n").splitlines()
    return {(r[:28].strip(), r[29:65].strip(), r[66:84].strip()): r[107:].strip() for r in rows}


@pytest.mark.slow
def test_the_whole_way(pair: Pair) -> None:
    found = _lines(pair.operate("profile_drift"))
    assert set(found.values()) == {"ok", "both are empty"}
    assert found["customers", "Odd Name", "ks_drift"] == "ok"
    assert found["customers", "email", "no_copied_values"] == "ok"
    assert found["orders", "customer, line", "unique_key"] == "ok"
    assert found["orders", "customer", "fan_out_drift"] == "ok"
    assert found["refunds", "customer, line", "no_orphans"] == "ok"  # the project's tests know it
    assert found["orders", "amount, tax", "correlation_drift"] == "ok"
    tables = {key[0] for key in found}
    assert tables == {"customers", "orders", "refunds", "hollow"}

    properties = yaml.safe_load(pair.operate("generate_tests"))
    (source, undeclared) = properties["sources"]
    assert source["name"] == pair.synthetic
    assert [t["name"] for t in undeclared["tables"]] == ["hollow"]
    file = pair.project.folder / "models" / "_synthetic.yml"
    file.write_text(yaml.safe_dump(properties), "utf-8")
    tests = pair.project.dbt("test", "--select", "tag:synthetic", *pair.vars())
    assert set(tests.statuses("synthetic").values()) == {"pass"}
    assert len(tests.nodes) >= len([k for k in found if k[0] != "hollow"])

    pair.sql(DAMAGE.format(s=pair.synthetic))
    drifted = _lines(pair.operate("profile_drift"))
    assert drifted["customers", "Odd Name", "ks_drift"] == "DRIFT"
    assert drifted["refunds", "customer, line", "no_orphans"] == "DRIFT"
    assert drifted["refunds", "why", "structure"] == "MISSING"
    assert drifted["hollow", "", "structure"] == "MISSING"
    assert drifted["customers", "region", "tvd_drift"] == "ok"

    kept = pair.vars(synthohive_schema=f"{pair.real}_kept")
    broken = pair.project.dbt("test", "--select", "tag:synthetic", *kept, check=False)
    failed = [k for k, status in broken.statuses("synthetic").items() if status == "fail"]
    assert "no_orphans_refunds_customer_line" in failed
    history = pair.sql(f"SELECT test_name, status FROM {pair.real}_kept.synthohive_history")
    assert {name for name, status in history if status == "fail"} == {*failed}
    assert "ks_drift_customers_Odd_Name" in failed
    line = r"FAIL +no_orphans +refunds +customer, line +1 +0 +e\.g\. \(100000, 0\)\n +(.*)\n"
    (shown,) = re.findall(line, broken.output)
    assert shown == "dbt show --select no_orphans_refunds_customer_line"
    seen = pair.project.dbt(*shown.split()[1:], *pair.vars())
    assert "100000" in seen.output

    switch = pair.vars(synthohive_schemas={pair.real: pair.synthetic})
    found = pair.project.dbt("--quiet", "run-operation", "synthohive.find_orphans", *switch).output
    assert re.search(r"^orders +customer +customers +1200 +0 +0\.0000$", found, re.MULTILINE)
    line = r"^refunds +customer, line +orders +300 +1 +0\.0033 +e\.g\. \(100000, 0\)$"
    assert re.search(line, found, re.MULTILINE), found
    assert "1 relationships without orphans, 1 with, 0 not checked" in found

    report = {"synthohive_drift_report": {"reference": pair.real, "candidate": pair.synthetic}}
    pair.project.dbt("run", "--select", "synthohive_drift_report", *pair.vars(**report))
    place = "synthohive_tests" if pair.project.target == "duckdb" else f"{pair.real}_models"
    rows = pair.sql(
        f"SELECT verdict, count(*) FROM {place}.synthohive_drift_report GROUP BY verdict"
    )
    counts = {str(verdict): n for verdict, n in rows}
    assert counts["MISSING"] == 2
    assert counts["ok"] == sum(v == "ok" for v in drifted.values())


@pytest.mark.slow
@pytest.mark.parametrize("pair", ["duckdb"], indirect=True)
def test_sources_seeds_and_snapshots_lead_to_the_synthetic_schema(pair: Pair) -> None:
    copy = pair.synthetic
    switch = {
        "synthohive_schemas": {pair.real: copy},
        "synthohive_refs": {"seeds": copy, "people_history": copy},
    }
    pair.sql(f"""
      UPDATE {copy}.customers SET region = 'nowhere';
      CREATE TABLE {copy}.people AS SELECT 1 AS id, 'made' AS name;
      CREATE TABLE {copy}.people_history AS SELECT 1 AS id, 'made before' AS name;
    """)
    for name, content in OVER_SEEDS.items():
        (pair.project.folder / name).parent.mkdir(exist_ok=True)
        (pair.project.folder / name).write_text(content, "utf-8")
    left = ["--exclude-resource-type", "seed", "--exclude-resource-type", "snapshot"]
    for variables, options, region, person, status in (
        ({}, [], None, ("real", "real"), "pass"),
        (switch, left, "nowhere", ("made", "made before"), "warn"),
    ):
        built = pair.project.dbt("build", *options, *pair.vars(**variables))
        regions = pair.sql("SELECT DISTINCT region FROM synthohive_tests.mart")
        assert (regions == [("nowhere",)]) == (region is not None)
        assert pair.sql("SELECT * FROM synthohive_tests.names") == [person]
        assert built.nodes["name_is_real"]["status"] == status
        assert any("rows_of_one_id_meet" in name for name in built.nodes)  # a unit test of dbt's
    # Drift tests go on comparing with the real tables.
    file = pair.project.folder / "models" / "_synthetic.yml"
    file.write_text(pair.operate("generate_tests"), "utf-8")
    tests = ["test", "--select", "tag:synthetic", *pair.vars(**switch)]
    statuses = pair.project.dbt(*tests, check=False).nodes
    found = {k: v["status"] for k, v in statuses.items()}
    (region,) = (v for k, v in found.items() if "domain_drift" in k and "customers_region" in k)
    (born,) = (v for k, v in found.items() if "ks_drift" in k and "customers_born" in k)
    assert (region, born) == ("fail", "pass")  # against itself, each would fail

    typos = {"synthohive_schemas": {"shop_bd": copy}, "synthohive_refs": {"sedes": copy}}
    outcome = pair.project.dbt("run", "--select", "mart", "names", *pair.vars(**typos), check=False)
    assert "no source lies in the schema 'shop_bd'" in outcome.output
    assert "Sources lie in: shop_db" in outcome.output
    assert "'sedes', which the variable synthohive_refs names, is none of seeds" in outcome.output


@pytest.mark.slow
@pytest.mark.parametrize("pair", ["duckdb"], indirect=True)
def test_a_table_is_not_compared_with_itself(pair: Pair) -> None:
    drift = {
        "synthohive.tvd_drift": {
            "name": "itself",
            "arguments": {"reference": "source('shop', 'orders')"},
        }
    }
    parts = {
        "synthohive.tvd_drift": {
            "name": "parts",
            "arguments": {"reference": "source('shop', 'orders')", "reference_where": "line = 1"},
        }
    }
    sources = yaml.safe_load(yaml.safe_dump(SOURCES))
    sources["sources"][0]["tables"][1]["columns"].append(
        {"name": "order", "quote": True, "data_tests": [drift, parts]}
    )
    (pair.project.folder / "models" / "_sources.yml").write_text(yaml.safe_dump(sources), "utf-8")
    nodes = pair.project.dbt("test", "--select", "itself parts", *pair.vars(), check=False).nodes
    assert {k: v["status"] for k, v in nodes.items()} == {"itself": "fail", "parts": "pass"}


@pytest.mark.slow
@pytest.mark.parametrize("pair", ["duckdb"], indirect=True)
def test_an_unknown_schema_is_named(pair: Pair) -> None:
    outcome = pair.project.dbt(
        "run-operation", "synthohive.profile_drift", "--args", "{reference: nosuch, candidate: x}",
        *pair.vars(), check=False,
    )  # fmt: skip
    assert outcome.code != 0
    assert "There are no tables in the schema 'nosuch'" in outcome.output
    outcome = pair.project.dbt(
        "run-operation", "synthohive.profile_drift", *pair.vars(), check=False
    )
    assert "Which schemas?" in outcome.output


@pytest.mark.slow
@pytest.mark.parametrize("pair", ["duckdb"], indirect=True)
def test_no_name_is_written_that_dbt_would_run(pair: Pair) -> None:
    for schema in (pair.real, pair.synthetic):
        pair.sql(f"""CREATE TABLE {schema}.odd AS SELECT 1 AS "{{{{ env_var('HOME') }}}}" """)
    outcome = pair.project.dbt(
        "run-operation", "synthohive.generate_tests", "--args",
        f"{{reference: {pair.real}, candidate: {pair.synthetic}}}", *pair.vars(), check=False,
    )  # fmt: skip
    assert outcome.code != 0
    assert "cannot stand in a properties file" in outcome.output
