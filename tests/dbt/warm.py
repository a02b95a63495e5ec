"""Imported by the process from which dbt's commands are forked: it has parsed a project by then.

A fork then has what dbt builds as it goes (the codecs and JSON schemas of its classes, compiled
templates), and the syntax trees of all macros, ours and the adapters': dbt keeps these by their
text, for its own tests. Both take most of the time of a command that parses a project else.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from dbt.cli.main import dbtRunner
from dbt_common.tests import enable_test_caching

from tests.dbt.project import ROOT

PROJECT = """
name: warm
version: "1.0"
profile: warm
"""
PROFILE = """
warm:
  target: duckdb
  outputs:
    duckdb: {type: duckdb, path: ":memory:", schema: main}
    postgres: {type: postgres, host: "", port: 5432, user: "", pass: "", dbname: "", schema: main}
"""
TARGETS = ("postgres", "duckdb", "duckdb")
MODEL = "select 1 as id"
PROPERTIES = """
version: 2
sources: [{name: raw, tables: [{name: t, columns: [{name: id, data_tests: [not_null]}]}]}]
models: [{name: m, columns: [{name: id, data_tests: [unique]}]}]
"""


def parse() -> None:
    """Parse a small project with each adapter, and once from what the parse before kept."""
    enable_test_caching()
    os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "models").mkdir()
        (folder / "dbt_project.yml").write_text(PROJECT, "utf-8")
        (folder / "profiles.yml").write_text(PROFILE, "utf-8")
        (folder / "packages.yml").write_text(f"packages: [{{local: '{ROOT}'}}]\n", "utf-8")
        (folder / "models" / "m.sql").write_text(MODEL, "utf-8")
        (folder / "models" / "_m.yml").write_text(PROPERTIES, "utf-8")
        where = ["--project-dir", name, "--profiles-dir", name]
        # The static parser starts threads, which no fork has, and for which it would wait for ever.
        for command in (
            ["deps"],
            *(["parse", "--no-static-parser", "--target", to] for to in TARGETS),
        ):
            done = dbtRunner().invoke(["--quiet", *command, *where])
            assert done.success, done.exception


parse()
