"""Snowflake's suite, in the environment of its stand-in."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.integration.servers import servers_required

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-snowflake/bin/python"


@pytest.mark.slow
@pytest.mark.integration
def test_the_suite_passes_in_its_own_environment() -> None:
    if not PYTHON.exists():
        say = pytest.fail if servers_required() else pytest.skip
        say("there is no .venv-snowflake; `make stand-ins` makes it")
    done = subprocess.run(
        [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/snowflake"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
