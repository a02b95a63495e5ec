"""The benchmark of Spark: what is done is not done again, and memory is told apart."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.parts.memory import by_program
from benchmarks.spark import SETTINGS, _same_settings, step, ten_keys


def test_a_folder_goes_on_where_it_was(tmp_path: Path) -> None:
    args = argparse.Namespace(**dict.fromkeys(SETTINGS, 1))
    _same_settings(args, tmp_path)
    (tmp_path / "make-5.json").write_text(json.dumps({"write s": 2.5}), encoding="utf-8")
    assert step("make", 5, args, tmp_path) == {"write s": 2.5}
    args.epochs = 2
    with pytest.raises(SystemExit, match="other settings"):
        _same_settings(args, tmp_path)


def test_tpch_has_ten_keys() -> None:
    assert len(list(ten_keys().foreign_keys())) == 10


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="there is no /proc")
def test_memory_is_of_a_process_and_of_what_it_starts() -> None:
    before = by_program(os.getpid())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        own = by_program(child.pid)
        child.terminate()
    assert set(before) == {"driver", "jvm", "workers"}
    assert before["driver"] > own["driver"] > 0
