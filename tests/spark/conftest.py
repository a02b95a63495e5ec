"""One session of Spark for all tests of a process."""

from __future__ import annotations

from typing import Any

import pytest

from tests.spark.session import is_sail, session


@pytest.fixture(scope="session")
def spark() -> Any:
    pytest.importorskip("pyspark")
    return session()


@pytest.fixture(scope="session")
def how() -> str:
    """Give a format of tables; Sail has Delta built in, Spark takes JARs for it."""
    return "delta" if is_sail() else "parquet"
