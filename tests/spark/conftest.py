"""One session of Spark for all tests of a process."""

from __future__ import annotations

from typing import Any

import pytest

from tests.spark.session import session


@pytest.fixture(scope="session")
def spark() -> Any:
    pytest.importorskip("pyspark")
    return session()
