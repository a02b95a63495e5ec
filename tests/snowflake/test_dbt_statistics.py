"""The dbt package's statistics in Snowflake's SQL, run by the stand-in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dbt.engines import Warehouse, in_fakesnow
from tests.dbt.test_statistics import *  # noqa: F403
from tests.dbt.test_statistics import _tables


@pytest.fixture(scope="module")
def warehouse() -> Iterator[Warehouse]:
    """Give the stand-in with the tables that all engines have."""
    pytest.importorskip("fakesnow")
    with in_fakesnow(_tables(True)) as found:
        yield found
