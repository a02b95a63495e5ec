"""What CONTRIBUTING.md promises: a dbt test is a statistic, a test and a page; the rest follows."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.dbt.pages import dbt_tests, described
from tests.dbt.project import ROOT, consumer

FILES = {
    "macros/statistics/mean_difference.sql": """
{#- How far the means of a column are apart: one row (value, n_rows, n_reference). -#}
{% macro mean_difference(candidate, reference, column) %}
  select abs(c.m - r.m) as value, c.n as n_rows, r.n as n_reference
  from (select avg({{ column }}) as m, count({{ column }}) as n from {{ candidate }}) c
  cross join (select avg({{ column }}) as m, count({{ column }}) as n from {{ reference }}) r
{%- endmacro %}
""",
    "macros/generic_tests/mean_drift.sql": """
{#- The mean is that of the reference, give or take `max_difference`. -#}
{% test mean_drift(model, column_name, reference, max_difference=0.5) %}
  {%- set statistic = synthohive.mean_difference(model, reference, column_name) -%}
  {{ synthohive.drift_failures(statistic, model, reference, column_name, "mean", max_difference) }}
{% endtest %}
""",
    "docs/dbt/tests/mean_drift.md": """# mean_drift

The mean of a number is that of the reference.

## Arguments

| Argument | Type | Meaning |
|---|---|---|
| `reference` | relation | What the table is compared with. |
| `max_difference` | float | Largest difference that passes. Default: 0.5. |
""",
}
TESTED = "{synthohive.mean_drift: {arguments: {reference: ref('real')}}}"
MODELS = "models:\n" + "".join(
    f"  - name: {name}\n    columns: [{{name: x, data_tests: [{TESTED}]}}]\n"
    for name in ("near", "far")
)


def test_a_dbt_test_is_three_files(tmp_path: Path) -> None:
    package = tmp_path / "package"
    for part in ("macros", "models", "docs/dbt"):
        shutil.copytree(ROOT / part, package / part)
    shutil.copy(ROOT / "dbt_project.yml", package)
    for name, text in FILES.items():
        assert not (package / name).exists()
        (package / name).write_text(text, encoding="utf-8")

    for path, text in dbt_tests.written(package).items():
        path.write_text(text, encoding="utf-8")
    macro = described(package)["test_mean_drift"]
    assert macro["description"] == "The mean of a number is that of the reference."
    assert [a["name"] for a in macro["arguments"]] == [
        "model", "column_name", "reference", "max_difference",
    ]  # fmt: skip
    assert "[mean_drift](tests/mean_drift.md)" in (package / "docs/dbt/index.md").read_text("utf-8")

    project = consumer(tmp_path / "project", "duckdb", {}, f"local: {package}")
    for part in ("models", "seeds"):
        shutil.rmtree(project.folder / part)
    (project.folder / "models").mkdir()
    for name, x in (("real", "2.0"), ("near", "2.2"), ("far", "3.0")):
        (project.folder / "models" / f"{name}.sql").write_text(f"select {x} as x", "utf-8")
    (project.folder / "models" / "tests.yml").write_text(MODELS, "utf-8")
    project.dbt("deps")
    built = project.dbt("build", check=False)
    tests = [node for node in built.nodes.values() if node["generic"]]
    found = {node["unique_id"].split("mean_drift_")[1].split("_")[0]: node for node in tests}
    assert {name: node["status"] for name, node in found.items()} == {
        "near": "pass",
        "far": "fail",
    }, built.output
