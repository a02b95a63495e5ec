"""Suites in the environments of their stand-ins."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.integration.servers import servers_required

ROOT = Path(__file__).parents[2]
INSTALLED = 90.0
"""Seconds within which what is being installed has to be there."""


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.parametrize(("name", "suite"), [("snowflake", "snowflake"), ("sail", "spark")])
def test_the_suite_passes_in_its_own_environment(
    request: pytest.FixtureRequest, tmp_path: Path, name: str, suite: str
) -> None:
    python, made = (ROOT / f".venv-{name}" / file for file in ("bin/python", ".made"))
    end = time.monotonic() + INSTALLED  # .ci/run installs it beside the first tests
    while servers_required() and not made.exists() and time.monotonic() < end:
        time.sleep(1)
    if not made.exists():
        say = pytest.fail if servers_required() else pytest.skip
        say(f"there is no .venv-{name}; `make stand-ins` makes it")
    counted = bool(request.config.getoption("cov_source", None))
    lines = tmp_path / ".coverage"  # apart: what is at hand is put together at the end
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/{suite}",
         *(["--cov", "--cov-report="] if counted else [])],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=500,
        env={**os.environ, "COVERAGE_FILE": str(lines)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    if counted:
        shutil.copy(lines, f".coverage.{name}.{os.getpid()}")
