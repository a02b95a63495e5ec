"""What `dbt docs` shows of the package is what its macros take."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.dbt.pages import dbt_tests, described
from tests.dbt.project import ROOT

MACROS = ROOT / "macros"
PROPERTIES = described(ROOT)
FILES = sorted(MACROS.rglob("*.sql"))
PUBLIC = {
    "find_orphans",
    "generate_tests",
    "print_results",
    "profile_drift",
    "store_profile",
    "store_results",
    "suggest_keys",
    "synthetic_ref",
    "synthetic_source",
}


def _signature(text: str) -> tuple[str, list[str]]:
    match = re.search(r"^{% (test|macro) (\w+)\((.*?)\) %}", text, re.MULTILINE)
    assert match is not None
    name = f"test_{match[2]}" if match[1] == "test" else match[2]
    return name, [argument.split("=")[0].strip() for argument in match[3].split(", ")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_one_concept_a_file(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    names = re.findall(r"^{% (?:test|macro) (\w+)\(", text, re.MULTILINE)
    stem = path.stem
    assert names[0] == stem
    assert all(name == stem or name.endswith((f"__{stem}", f"__test_{stem}")) for name in names)


@pytest.mark.parametrize(
    "path",
    [p for p in FILES if "{% test " in p.read_text("utf-8") or p.stem in PUBLIC],
    ids=lambda path: path.stem,
)
def test_every_argument_is_described(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    name, arguments = _signature(text)
    described = PROPERTIES[name]
    assert [a["name"] for a in described["arguments"]] == arguments
    assert all(a["description"] and a["type"] for a in described["arguments"])
    for argument, default in re.findall(r"(max_\w+|bins|epsilon)=([\d.]+)", text):
        (entry,) = (a for a in described["arguments"] if a["name"] == argument)
        assert f"Default: {default}." in entry["description"]


def test_nothing_is_described_that_is_not_there() -> None:
    public = [p for p in FILES if "{% test " in p.read_text("utf-8") or p.stem in PUBLIC]
    assert set(PROPERTIES) == {_signature(p.read_text("utf-8"))[0] for p in public}


def test_what_follows_from_the_pages_is_written() -> None:
    for path, text in dbt_tests.written(ROOT).items():
        assert path.read_text(encoding="utf-8") == text, "run: python docs/dbt_tests.py"
