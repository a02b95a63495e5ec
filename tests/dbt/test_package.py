"""The generic tests, run by dbt: each fails on what is planted and passes on its repaired twin."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.dbt.conftest import FinishedRun
from tests.dbt.project import CONFIGURED, GENERIC

pytestmark = pytest.mark.slow  # it runs macros, not lines of ours: see CONTRIBUTING.md


def _of(tested: FinishedRun, tag: str, name: str) -> list[str]:
    found = tested.outcome.nodes.values()
    return [n["status"] for n in found if tag in n["tags"] and n["generic"] == name]


def test_nothing_ends_in_an_error(tested: FinishedRun) -> None:
    wrong = [
        k for k, v in tested.outcome.nodes.items() if v["status"] not in ("pass", "fail", "warn")
    ]
    assert not wrong, tested.outcome.output
    assert len(tested.outcome.nodes) >= 70


@pytest.mark.parametrize("name", GENERIC)
def test_each_fails_on_what_is_planted_and_passes_when_repaired(
    tested: FinishedRun, name: str
) -> None:
    planted, repaired = _of(tested, "planted", name), _of(tested, "repaired", name)
    assert planted, "nothing is planted for this test"
    assert set(planted) == {"fail"}
    assert repaired, "this test has no repaired twin"
    assert set(repaired) == {"pass"}


def test_where_severity_limit_and_arguments(tested: FinishedRun) -> None:
    assert tested.outcome.statuses("configured") == CONFIGURED


def test_a_project_overrides_what_is_dispatched(tested: FinishedRun) -> None:
    nodes = tested.outcome.nodes.values()
    sql = next(n["compiled_code"] for n in nodes if n["generic"] == "conditional_drift")
    assert "partition by (g)" in sql


def test_a_failure_names_table_and_column(tested: FinishedRun) -> None:
    failed = [k for k, v in tested.outcome.nodes.items() if v["status"] == "fail"]
    drifted = next(k for k in failed if "tvd_drift_customers_drifted" in k)
    orphans = next(k for k in failed if "no_orphans_orders_orphaned_customer_id__ref" in k)
    for name, column in ((drifted, "region"), (orphans, "customer_id")):
        assert column in name
        assert f"in test {name} (" in tested.outcome.output


def _stored(tested: FinishedRun, prefix: str) -> list[tuple[object, ...]]:
    (node,) = (v for k, v in tested.outcome.nodes.items() if k.startswith(prefix))
    assert node["relation_name"], "the failures were not stored"
    return tested.rows(node["relation_name"].split(".")[-1].strip('"'))


def test_stored_failures_tell_what_was_found(tested: FinishedRun) -> None:
    (drift,) = _stored(tested, "synthohive_tvd_drift_customers_drifted")
    table, column, reference, statistic, value, allowed, rows, reference_rows, group, message = (
        drift
    )
    assert group is None
    assert str(table).endswith("customers_drifted")
    assert (column, statistic) == ("region", "tvd")
    assert str(reference).endswith("real_customers")
    assert float(value) > float(allowed)  # type: ignore[arg-type]
    assert (int(rows), int(reference_rows)) == (80, 80)  # type: ignore[call-overload]
    assert message == "the statistic is above what is allowed"
    (orphan,) = _stored(tested, "synthohive_no_orphans_orders_orphaned_customer_id__ref")
    assert "no row of" in str(orphan[-1])
    assert "customers has this key" in str(orphan[-1])


def test_a_table_fails_with_a_row_for_each_column_over_its_limit(tested: FinishedRun) -> None:
    rows = _stored(tested, "drifted_columns")
    found = {
        (column, statistic, float(str(allowed))) for _, column, _, statistic, _, allowed, *_ in rows
    }
    assert found == {
        ("balance", "psi", 0.1),
        ("balance", "null_rate", 0.02),
        ("region", "tvd", 0.1),
    }


def test_an_empty_table_and_missing_values_are_told_apart(tested: FinishedRun) -> None:
    (empty,) = _stored(tested, "synthohive_ks_drift_customers_empty_balance")
    assert empty[-1] == "nothing to test: no rows, or only NULLs"
    (row,) = _stored(tested, "synthohive_unique_key_customers_empty")
    assert row[-1] == "the table is empty"


def test_the_terminal_tells_value_limit_group_and_keys(tested: FinishedRun) -> None:
    said = tested.outcome.output
    header = next(line for line in said.splitlines() if re.match(r"\s+test +table", line))
    assert header.split() == ["test", "table", "column", "value", "allowed", "group"]
    number = r" +\d\.\d{4}"
    line = rf"^FAIL  tvd_drift +customers_drifted +region{number} +0\.1000$"
    assert re.search(line, said, re.MULTILINE), said
    groups = (
        rf"^FAIL +conditional_drift +orders_uncorrelated +status by region(?:{number}){{2}}  \w+\n"
    )
    assert re.search(groups, said, re.MULTILINE), said
    orphan = (
        r"^FAIL +no_orphans +orders_orphaned +customer_id +1 +0 +e\.g\. \(999\)\n +select \* from "
    )
    assert re.search(orphan, said, re.MULTILINE), said
    for child in ("orders_orphaned", "orders_wrong_pair"):  # by its own mark, and by its parent's
        hidden = rf"^FAIL +no_orphans +{child} +customer_id, badge +1 +0 +keys of personal"
        assert re.search(hidden, said, re.MULTILINE), said
    hidden = rf"^FAIL +conditional_drift +orders_uncorrelated +amount by status(?:{number}){{2}}$"
    assert re.search(hidden, said, re.MULTILINE), said
    assert re.search(r"^WARN +ks_drift +customers_drifted +balance", said, re.MULTILINE)
    assert re.search(r"ks_drift +customers_empty .* nothing to test: no rows", said)
    (passed, ran) = re.findall(r"SynthoHive: (\d+) of (\d+) tests passed", said)[0]
    assert int(ran) == len(tested.outcome.nodes)
    assert int(passed) == sum(n["status"] == "pass" for n in tested.outcome.nodes.values())
    assert "@example" not in said.split(header)[1]


def test_the_history_has_all_tests_that_ran(tested: FinishedRun) -> None:
    rows = tested.rows("synthohive_history", place="")
    rows = [row for row in rows if row[0] == rows[0][0]]  # of the first run
    assert {row[2] for row in rows} == {*tested.outcome.nodes}
    for _, _, name, statistic, _, _, group, status, value, allowed, n_rows, _ in rows:
        assert status == tested.outcome.nodes[str(name)]["status"]
        if status == "pass" and n_rows:
            assert float(value) <= float(allowed), (name, statistic, group)  # type: ignore[arg-type]
    assert {row[6] for row in rows if row[2] == "ks_by_region_repaired"} >= {"north", "east"}


def test_a_profile_is_stored_once(tested: FinishedRun) -> None:
    rows = tested.rows("synthohive_profiles", place="")
    assert {(row[0], row[2]) for row in rows} == {("seeds", "real_customers")}
    columns = [row[3] for row in rows if row[4] == "edge" and float(row[7]) == 0]  # type: ignore[arg-type]
    assert sorted(map(str, columns)) == ["balance", "customer_id", "signed_up"]
    regions = {row[5]: row[8] for row in rows if row[3] == "region"}
    assert sum(map(float, regions.values())) == 80  # type: ignore[arg-type]


def test_rows_that_differ_by_a_tie_name_its_columns(tested: FinishedRun) -> None:
    groups = [row[-2] for row in _stored(tested, "rows_uncorrelated")]
    assert "amount, tax" in groups
    assert not {"status", "amount", "tax"} & {*groups}


def test_failures_show_no_personal_value(tested: FinishedRun) -> None:
    (copied,) = _stored(tested, "synthohive_no_copied_values_customers_copied_email")
    assert "person7" not in str(copied)


def test_arguments_are_refused_with_the_tests_name(tested: FinishedRun) -> None:
    wrong = tested.project.folder / "models" / "_wrong.yml"
    arguments = {
        "columns": ["customer_id", "line"],
        "to": "ref('customers')",
        "to_columns": ["customer_id"],
    }
    test = {"synthohive.no_orphans": {"name": "wrong_arguments", "arguments": arguments}}
    source = {"name": "raw", "tables": [{"name": "orders", "data_tests": [test]}]}
    models = {"version": 2, "sources": [source]}
    wrong.write_text(yaml.safe_dump(models), encoding="utf-8")
    try:
        outcome = tested.project.dbt("test", "--select", "wrong_arguments", check=False)
    finally:
        wrong.unlink()
    assert outcome.code != 0
    assert "no_orphans: 2 columns cannot lead to 1 to_columns" in outcome.output
