"""Imported by the process from which dbt's commands are forked: it has parsed a project by then.

A fork then has what dbt builds as it goes (the codecs and JSON schemas of its classes, compiled
templates), which takes a second of each command else.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from dbt.cli.main import dbtRunner

PROJECT = """
name: warm
version: "1.0"
profile: warm
"""
PROFILE = "warm: {outputs: {default: {type: duckdb, path: ':memory:', schema: main}}}\n"
MODEL = "select 1 as id"
PROPERTIES = """
version: 2
sources: [{name: raw, tables: [{name: t, columns: [{name: id, data_tests: [not_null]}]}]}]
models: [{name: m, columns: [{name: id, data_tests: [unique]}]}]
"""


def parse() -> None:
    """Parse a small project twice: whole, and from what the first parse kept."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "models").mkdir()
        (folder / "dbt_project.yml").write_text(PROJECT, "utf-8")
        (folder / "profiles.yml").write_text(PROFILE, "utf-8")
        (folder / "models" / "m.sql").write_text(MODEL, "utf-8")
        (folder / "models" / "_m.yml").write_text(PROPERTIES, "utf-8")
        # The static parser starts threads, which no fork has, and for which it would wait for ever.
        where = ["--no-static-parser", "--project-dir", name, "--profiles-dir", name]
        os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
        for _ in range(2):
            done = dbtRunner().invoke(["--quiet", "parse", *where])
            assert done.success, done.exception


parse()
