"""A fit that was killed goes on, and gives the bytes of one that was not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")
def test_a_fit_killed_at_each_table_gives_the_same_bytes(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.interface.resuming", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout.splitlines()[-1])
    steps = [f"model {step} {n}" for step in ("staged", "kept") for n in (1, 2, 3)]
    assert report["kept"] == {step: int(step[-1]) for step in steps}
    assert len(report["whole"]) > 5
    for kill, resumed in report["resumed"].items():
        assert resumed == report["whole"], kill
