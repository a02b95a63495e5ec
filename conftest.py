"""Doctests: modules whose drivers are not installed are not looked at. Tests: what they show."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a package around it
        return False


_DRIVERS = {
    "synthohive/connectors/snowflake/read.py": "snowflake.connector",
    "synthohive/connectors/snowflake/write.py": "snowflake.connector",
    "synthohive/connectors/bigquery/*.py": "google.cloud.bigquery",
    "synthohive/connectors/mssql/write.py": "pymssql",
    "synthohive/connectors/oracle/rows.py": "oracledb",
    "synthohive/connectors/oracle/write.py": "oracledb",
    "tests/snowflake/stand_in.py": "fakesnow",
}
collect_ignore_glob = [modules for modules, driver in _DRIVERS.items() if not _is_there(driver)]
pytest.register_assert_rewrite("tests.contracts")  # whose failures show the values, too
pytest_plugins = ["tests.evidence"]
