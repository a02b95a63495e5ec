"""Which lines are counted as run: see `tests/conftest.py`."""

from __future__ import annotations

import sys

import pytest


@pytest.mark.slow
def test_a_slow_test_is_not_traced() -> None:
    """Tracing takes as long whether what it sees is kept or not."""
    assert "coverage" not in type(sys.gettrace()).__module__
