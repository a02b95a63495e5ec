"""The registry of engines, where parts of one are missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthohive import ConnectorError
from synthohive.connectors.registry import ENGINES, part

CAPABILITIES = """
from synthohive.connectors.capabilities import Capabilities
CAPABILITIES = Capabilities("driver-of-it", "it")
"""


def test_a_fault_of_an_engine_is_not_taken_for_a_missing_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "faulty_engine"
    folder.mkdir()
    (folder / "__init__.py").write_text(CAPABILITIES)
    (folder / "read.py").write_text("import driver_of_it")
    (folder / "write.py").write_text("from synthohive.connectors import no_such_thing")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(ENGINES, "faulty", "faulty_engine")
    with pytest.raises(ConnectorError, match="driver-of-it"):
        part("faulty", "read")
    with pytest.raises(ImportError, match="no_such_thing"):
        part("faulty", "write")
    with pytest.raises(ImportError, match=r"faulty_engine\.views"):
        part("faulty", "views")
