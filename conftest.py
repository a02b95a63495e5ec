"""Doctests of engines whose drivers are not installed are left out."""

from __future__ import annotations

from importlib.util import find_spec


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a package around it
        return False


_DRIVERS = {
    "snowflake/read.py": "snowflake.connector",
    "snowflake/write.py": "snowflake.connector",
    "bigquery/*.py": "google.cloud.bigquery",
}
collect_ignore_glob = [
    f"synthohive/connectors/{modules}"
    for modules, driver in _DRIVERS.items()
    if not _is_there(driver)
]
