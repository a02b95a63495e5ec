"""What follows from the pages of the dbt tests: the navigation, their list, what `dbt docs` shows.

A page in `dbt/tests/` says what its test asserts (the first paragraph) and takes (the table below
"Arguments"). MkDocs takes the navigation from here; the files are written by::

    python docs/dbt_tests.py
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
GIVEN = {
    "model": ("relation", "The table that is tested; dbt gives it."),
    "column_name": ("string", "The column that the test stands under; dbt gives it."),
}
_TEST = re.compile(r"^{% test (\w+)\((.*)\) %}", re.MULTILINE)
_ARGUMENT = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", re.MULTILINE)
_LIST = re.compile(r"(?<=\| Test \| What it asserts \|\n\|---\|---\|\n)(?:\|.*\n)*")


def tests(root: Path) -> Iterator[tuple[str, list[str], str]]:
    """Yield each test's name, its arguments in their order, and the text of its page."""
    for path in sorted((root / "macros" / "generic_tests").glob("*.sql")):
        if match := _TEST.search(path.read_text(encoding="utf-8")):
            arguments = [one.split("=")[0].strip() for one in match[2].split(", ")]
            page = root / "docs" / "dbt" / "tests" / f"{match[1]}.md"
            yield match[1], arguments, page.read_text(encoding="utf-8")


def asserts(page: str) -> str:
    """Return what a test asserts: its page's first paragraph, as one line."""
    return " ".join(page.split("\n\n")[1].split())


def properties(root: Path) -> str:
    """Return the file from which `dbt docs` takes what the tests assert and take."""
    lines = ["# Written by docs/dbt_tests.py, from the tests' pages.", "version: 2", "macros:"]
    for name, arguments, page in tests(root):
        described = {**GIVEN, **{key: (kind, text) for key, kind, text in _ARGUMENT.findall(page)}}
        lines += [f"  - name: test_{name}", f"    description: {_quoted(asserts(page))}"]
        lines += ["    arguments:"]
        for argument in arguments:
            kind, text = described[argument]
            lines += [f"      - name: {argument}", f"        type: {kind}"]
            lines += [f"        description: {_quoted(text)}"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def listed(root: Path) -> str:
    """Return the overview of the dbt package, with all tests in its list."""
    overview = (root / "docs" / "dbt" / "index.md").read_text(encoding="utf-8")
    rows = (f"| [{name}](tests/{name}.md) | {asserts(page)} |\n" for name, _, page in tests(root))
    return _LIST.sub(lambda _: "".join(rows), overview, count=1)


def written(root: Path) -> dict[Path, str]:
    """Return the texts of the files that follow from the pages."""
    return {
        root / "macros" / "generic_tests" / "properties.yml": properties(root),
        root / "docs" / "dbt" / "index.md": listed(root),
    }


def on_config(config: Any) -> Any:
    """Put the pages of the tests into MkDocs' navigation, below `dbt`."""
    (dbt,) = (entry["dbt"] for entry in config.nav if isinstance(entry, dict) and "dbt" in entry)
    dbt.append({"Tests": [{name: f"dbt/tests/{name}.md"} for name, _, _ in tests(ROOT)]})
    return config


if __name__ == "__main__":
    for path, text in written(ROOT).items():
        path.write_text(text, encoding="utf-8")
