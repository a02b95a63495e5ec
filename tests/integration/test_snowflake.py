"""Snowflake's suite, in the environment of its stand-in."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.servers import servers_required

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-snowflake/bin/python"


@pytest.mark.slow
@pytest.mark.integration
def test_the_suite_passes_in_its_own_environment(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if not PYTHON.exists():
        say = pytest.fail if servers_required() else pytest.skip
        say("there is no .venv-snowflake; `make stand-ins` makes it")
    counted = bool(request.config.getoption("cov_source", None))
    lines = tmp_path / ".coverage"  # apart: what is at hand is put together at the end
    done = subprocess.run(
        [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/snowflake",
         *(["--cov", "--cov-report="] if counted else [])],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=500,
        env={**os.environ, "COVERAGE_FILE": str(lines)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    if counted:
        shutil.copy(lines, f".coverage.snowflake.{os.getpid()}")
