"""The generic tests under each configuration and on each kind of node, and runs without rows."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from tests.dbt.project import GENERIC, ROOT, Outcome, Project, consumer

pytestmark = pytest.mark.slow  # it runs macros, not lines of ours: see CONTRIBUTING.md
TYPED = [{"name": "amount", "statistic": "ks"}, {"name": "category", "statistic": "tvd"}]
# What each test takes. It fails on the table `mixed`, and passes on its rows that are good.
ARGUMENTS: dict[str, tuple[str | None, dict[str, Any]]] = {
    "conditional_drift": ("category", {"by": "region"}),
    "correlation_drift": ("tax", {"other_column": "amount"}),
    "domain_drift": ("category", {}),
    "fan_out_drift": (
        None,
        {
            "columns": ["parent"],
            "to": "ref('parents')",
            "to_columns": ["id"],
            "reference_to": "ref('parents')",
        },
    ),
    "ks_drift": ("amount", {}),
    "no_copied_rows": (None, {"columns": ["email", "region"]}),
    "no_copied_values": ("email", {}),
    "no_orphans": (None, {"columns": ["parent"], "to": "ref('parents')", "to_columns": ["id"]}),
    "null_rate_drift": ("note", {}),
    "psi_drift": ("amount", {}),
    "range_drift": ("placed_at", {}),
    "row_count_ratio": (None, {}),
    "row_drift": (None, {"columns": ["amount", "category"]}),
    "table_drift": (None, {"columns": TYPED}),
    "tvd_drift": ("category", {}),
    "unique_key": (None, {"columns": ["code"]}),
}
ALONE = ("no_orphans", "unique_key")  # tests without a reference
STORED = ("stored_drift",)  # needs what an operation stores first
GOOD = """
select
  i as id, i % 10 as parent, 'c' || i as code,
  cast((i * 37) % 200 + 0.5 as decimal(12, 2)) as amount, (i * 37) % 200 / 5.0 as tax,
  substr('abcd', cast(i % 4 + 1 as integer), 1) as category,
  'r' || (i % 3) as region, '{who}' || i as email, 'x' as note, i % 2 = 0 as even,
  cast('2024-01-01' as timestamp) + to_hours(cast(i as integer)) as placed_at,
  time '12:00' as of_day
from range(200) t(i)
"""
BAD = """
select
  1000 + i as id, case when i % 2 = 0 then 3 else 999 end as parent, 'c1' as code,
  5000 + i as amount, (i * 91) % 200 as tax, 'z' as category, 'r' || (i % 3) as region,
  'real' || i as email, null as note, true as even, cast('2030-01-01' as timestamp) as placed_at,
  time '12:00' as of_day
from range(200) t(i)
"""
SNAPSHOT = """{{% snapshot snapped %}}
{{{{ config(unique_key='id', strategy='check', check_cols=['amount']) }}}}
{}
{{% endsnapshot %}}
"""
NEW = GOOD.format(who="new")
MODELS = {
    "parents": "select i as id from range(10) t(i)",
    "real": GOOD.format(who="real"),
    "real_cte": "{{ config(materialized='ephemeral') }} select * from {{ ref('real') }}",
    "mixed": f"{NEW} union all {BAD}",
    "grown": f"{{{{ config(materialized='incremental', unique_key='id') }}}} {NEW}",
    "cte": f"{{{{ config(materialized='ephemeral') }}}} {NEW}",
    # NaN in every third row of floats, where the reference has decimals.
    "floats": "select id, case when id % 3 = 0 then 'nan'::float else amount end as amount "
    "from {{ ref('real') }}",
}
CASES: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "stored": ("mixed", "ref('real')", {"store_failures": True, "tags": ["stored"]}, "fail"),
    "limited": ("mixed", "ref('real')", {"limit": 1, "severity": "warn", "tags": ["full"]}, "warn"),
    "warned": (
        "mixed",
        "ref('real')",
        {"error_if": ">100000", "warn_if": ">0", "tags": ["full"]},
        "warn",
    ),
    "where": ("mixed", "ref('real')", {"where": "id < 1000", "tags": ["empty"]}, "pass"),
    "incremental": ("grown", "(select * from {{ ref('real') }})", {"tags": ["empty"]}, "pass"),
    "snapshot": ("snapped", "ref('real')", {"tags": ["empty"]}, "pass"),
    "ephemeral": ("cte", "ref('real_cte')", {"tags": ["empty"]}, "pass"),
    "ephemeral_where": ("cte", "ref('real')", {"where": "id >= 0", "tags": ["full"]}, "pass"),
}
REPORT = ["--vars", "{synthohive_drift_report: {reference: raw, candidate: copy}}"]
REAL: dict[str, Any] = {"reference": "ref('real')"}
# Name, table, column, test, arguments, condition on the table, what it says.
SINGLE: list[tuple[str, str, str | None, str, dict[str, Any], str | None, str]] = [
    ("nan", "floats", "amount", "ks_drift", {**REAL, "max_ks": 0.05}, None, "pass"),
    ("nan_where", "floats", "amount", "ks_drift", {**REAL, "max_ks": 0.05}, "id >= 0", "pass"),
    ("nan_binned", "floats", "amount", "ks_drift", {**REAL, "exact_rows": 0}, None, "pass"),
    ("nan_cte", "floats", "amount", "ks_drift", {"reference": "ref('real_cte')"}, None, "pass"),
    (
        "nan_cte_binned",
        "floats",
        "amount",
        "ks_drift",
        {"reference": "ref('real_cte')", "exact_rows": 0},
        None,
        "pass",
    ),
    ("nan_range", "floats", "amount", "range_drift", REAL, None, "pass"),
    (
        "part",
        "mixed",
        "amount",
        "ks_drift",
        {**REAL, "reference_where": "id < 50", "exact_rows": 100},
        "id < 1000",
        "pass",
    ),
    (
        "cte_rows",
        "grown",
        None,
        "row_drift",
        {"columns": ["amount", "tax"], "reference": "ref('real_cte')"},
        None,
        "pass",
    ),
    ("text", "mixed", "category", "ks_drift", REAL, None, "mixed is a text"),
    (
        "bucket",
        "mixed",
        "amount",
        "ks_drift",
        {**REAL, "group_by": "category", "time_bucket": "month"},
        None,
        "is a text; `time_bucket` needs a date or timestamp",
    ),
    (
        "time",
        "mixed",
        "amount",
        "correlation_drift",
        {**REAL, "other_column": "of_day"},
        None,
        "is a value of another kind; this test is for numbers",
    ),
    ("boolean", "mixed", "even", "range_drift", REAL, "id < 9", "is a boolean"),
    (
        "pair",
        "mixed",
        "amount",
        "correlation_drift",
        {**REAL, "other_column": "category"},
        None,
        "is a text; this test is for numbers, dates and timestamps",
    ),
    (
        "kinds",
        "mixed",
        "amount",
        "ks_drift",
        {**REAL, "reference_column": "placed_at"},
        None,
        "is a number, placed_at of",
    ),
]


def _properties() -> dict[str, Any]:
    assert sorted([*ARGUMENTS, *STORED]) == GENERIC, "a test without arguments here"
    models: dict[str, dict[str, Any]] = {}

    def add(model: str, column: str | None, test: dict[str, Any]) -> None:
        node = models.setdefault(model, {"name": model, "data_tests": [], "columns": []})
        if column is None:
            node["data_tests"].append(test)
        else:
            node["columns"].append({"name": column, "data_tests": [test]})

    for test, (column, given) in ARGUMENTS.items():
        for case, (model, reference, config, _) in CASES.items():
            arguments = given if test in ALONE else {**given, "reference": reference}
            body = {"name": f"{test}__{case}", "arguments": arguments, "config": config}
            add(model, column, {f"synthohive.{test}": body})
    for name, model, column, test, arguments, where, _ in SINGLE:
        config = {"tags": ["full"], **({"where": where} if where else {})}
        body = {"name": name, "arguments": arguments, "config": config}
        add(model, column, {f"synthohive.{test}": body})
    for node in models.values():
        merged: dict[str, list[Any]] = {}
        for column in node["columns"]:
            merged.setdefault(column["name"], []).extend(column["data_tests"])
        node["columns"] = [{"name": k, "data_tests": v} for k, v in merged.items()]
    snapshots = [models.pop("snapped")]
    return {"version": 2, "models": list(models.values()), "snapshots": snapshots}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give the project, with the package in it as `dbt deps` would lay it."""
    folder = tmp_path_factory.mktemp("runs") / "consumer"
    made = consumer(folder, "duckdb", {"SYNTHOHIVE_DBT_DUCKDB": "built.duckdb"}, f"local: {ROOT}")
    for part in ("models", "seeds"):
        shutil.rmtree(folder / part)
    settings = yaml.safe_load((folder / "dbt_project.yml").read_text("utf-8"))
    del settings["seeds"]
    settings["on-run-end"] = "{{ synthohive.store_results(results) if flags.EMPTY }}"
    settings["flags"] = {"validate_macro_args": True}  # dbt 1.12's default
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(settings), "utf-8")
    for part in ("models", "snapshots", "dbt_packages"):
        (folder / part).mkdir()
    os.symlink(ROOT, folder / "dbt_packages" / "synthohive")
    for name, sql in MODELS.items():
        (folder / "models" / f"{name}.sql").write_text(sql, "utf-8")
    snapshot = SNAPSHOT.format(NEW)
    (folder / "snapshots" / "snapped.sql").write_text(snapshot, "utf-8")
    (folder / "models" / "tests.yml").write_text(yaml.safe_dump(_properties()), "utf-8")
    return made


@dataclass
class Built:
    """What a build said, and the file of its tables."""

    outcome: Outcome
    file: Path


@pytest.fixture(scope="module")
def built(project: Project) -> Built:
    return Built(project.dbt("build", check=False), project.folder / "built.duckdb")


def test_each_test_under_each_configuration_and_on_each_kind_of_node(built: Built) -> None:
    expected = {
        f"{test}__{case}": status for test in ARGUMENTS for case, (*_, status) in CASES.items()
    }
    found = {k: v["status"] for k, v in built.outcome.nodes.items() if "__" in k and v["generic"]}
    assert found == expected, built.outcome.output
    limited = {k: v["failures"] for k, v in built.outcome.nodes.items() if k.endswith("__limited")}
    assert set(limited.values()) == {1}
    assert set(built.outcome.statuses("stored")) == {f"{test}__stored" for test in ARGUMENTS}
    with duckdb.connect(str(built.file), read_only=True) as connection:
        for name in built.outcome.statuses("stored"):
            relation = built.outcome.nodes[name]["relation_name"]
            (rows,) = connection.execute(f"SELECT count(*) FROM {relation}").fetchone() or (0,)
            assert rows == built.outcome.nodes[name]["failures"] > 0


@pytest.mark.parametrize(("name", "said"), [(case[0], case[-1]) for case in SINGLE])
def test_what_a_column_holds_is_looked_up_on_both_sides(built: Built, name: str, said: str) -> None:
    node = built.outcome.nodes[name]
    if said == "pass":
        assert node["status"] == "pass", node
    else:
        assert node["status"] == "error"
        assert f"{node['generic']}: " in node["message"]
        assert said in node["message"]


def test_rows_of_the_reference_are_counted_under_its_condition(built: Built) -> None:
    for name in ("nan_binned", "nan_cte_binned"):
        assert "lower_bound" in built.outcome.nodes[name]["compiled_code"]
    assert "lower_bound" not in built.outcome.nodes["part"]["compiled_code"]


def test_an_empty_build_passes(project: Project) -> None:
    project.environment = {"SYNTHOHIVE_DBT_DUCKDB": "empty.duckdb"}
    most = ["--exclude", "tag:full", "tag:stored"]
    outcome = project.dbt("--warn-error", "build", "--empty", *REPORT, *most)
    found = {k: v["status"] for k, v in outcome.nodes.items() if v["generic"]}
    assert set(found.values()) == {"pass"}, outcome.output
    with duckdb.connect(str(project.folder / "empty.duckdb"), read_only=True) as connection:
        tables = connection.execute("SELECT table_name FROM information_schema.tables").fetchall()
    assert ("synthohive_history",) not in tables  # what holds of no rows is no history
    assert len(found) == 4 * len(ARGUMENTS)


@pytest.mark.parametrize("command", [["compile"], ["docs", "generate", "--empty-catalog"]])
def test_what_only_compiles_asks_the_warehouse_nothing(
    project: Project, command: list[str]
) -> None:
    project.environment = {"SYNTHOHIVE_DBT_DUCKDB": "nothing.duckdb"}
    some = ["--select", "tag:empty", "synthohive_drift_report"]
    outcome = project.dbt("--warn-error", "--debug", *command, *REPORT, *some)
    assert len(outcome.nodes) > 4 * len(ARGUMENTS)
    assert "On test." not in outcome.output
    assert "On model." not in outcome.output
    assert not [k for k, v in outcome.nodes.items() if v["status"] != "success"]
