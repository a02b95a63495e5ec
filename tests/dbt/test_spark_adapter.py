"""The dbt package on a local Spark, by dbt-spark in session mode, where that is installed.

What its statistics calculate there is tested without the adapter, in `test_statistics.py`.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.dbt.project import CONFIGURED, GENERIC, ROOT, consumer

pytest.importorskip("dbt.adapters.spark")
pytest.importorskip("pyspark.sql.classic", reason="dbt-spark starts a classic session")

pytestmark = [pytest.mark.slow, pytest.mark.integration]


def test_each_test_fails_on_what_is_planted_and_passes_when_repaired(folder: Path) -> None:
    if shutil.which("java") is None:
        pytest.skip("there is no java")
    environment = {
        "SYNTHOHIVE_DBT_SPARK": str(folder.parent / "tables"),
        "PYSPARK_PYTHON": sys.executable,
    }
    project = consumer(folder, "spark", environment, f"local: {ROOT}")
    project.dbt("deps")
    outcome = project.dbt("build", check=False)  # one command: the session's tables end with it
    nodes = outcome.nodes.values()
    wrong = [k for k, v in outcome.nodes.items() if v["status"] in ("error", "skipped")]
    assert not wrong, outcome.output
    for tag, status in (("planted", "fail"), ("repaired", "pass")):
        found = [node for node in nodes if tag in node["tags"] and node["generic"]]
        assert {node["generic"] for node in found} >= {*GENERIC} - {"stored_drift"}
        assert {node["status"] for node in found} == {status}
    assert outcome.statuses("configured") == CONFIGURED
