"""What follows from the pages of the dbt tests; the module that the documentation is built with."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import yaml

from tests.dbt.project import ROOT

_SPEC = spec_from_file_location("dbt_tests", ROOT / "docs" / "dbt_tests.py")
assert _SPEC is not None
assert _SPEC.loader is not None
dbt_tests = module_from_spec(_SPEC)
_SPEC.loader.exec_module(dbt_tests)


def described(root: Path) -> dict[str, Any]:
    """Return what `dbt docs` shows of each macro."""
    files = sorted((root / "macros").rglob("properties.yml"))
    found = [yaml.safe_load(path.read_text(encoding="utf-8"))["macros"] for path in files]
    return {macro["name"]: macro for macros in found for macro in macros}
