"""The dbt pages say what the macros take, and the tutorial's commands run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

import dbt_synthohive
from tests.dbt.pages import dbt_tests, described
from tests.dbt.project import GENERIC, ROOT, run

DOCS = ROOT / "docs" / "dbt"
PROPERTIES = {
    name: {a["name"]: a for a in macro["arguments"]} for name, macro in described(ROOT).items()
}
FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def _tests_in(node: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return (name, body) of this package's tests anywhere in a properties file."""
    if isinstance(node, list):
        return [found for item in node for found in _tests_in(item)]
    if not isinstance(node, dict):
        return []
    found = [(k[11:], v) for k, v in node.items() if str(k).startswith("synthohive.")]
    return found + [item for value in node.values() for item in _tests_in(value)]


@pytest.mark.parametrize("name", GENERIC)
def test_each_test_has_a_page_that_is_right(name: str) -> None:
    text = (DOCS / "tests" / f"{name}.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", text, re.MULTILINE)
    expected = [a for a in PROPERTIES[f"test_{name}"] if a not in dbt_tests.GIVEN]
    assert [row[0] for row in rows] == expected
    for heading in ("Example", "Arguments", "The idea in SQL", "Cost", "Choosing the limit"):
        assert f"\n## {heading}\n" in text
    examples = [
        _tests_in(yaml.safe_load(body)) for kind, _, body in FENCE.findall(text) if kind == "yaml"
    ]
    assert examples
    assert name in {test for example in examples for test, _ in example}


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda path: path.stem)
def test_examples_use_what_there_is(page: Path) -> None:
    for kind, _, body in FENCE.findall(page.read_text("utf-8")):
        if kind != "yaml":
            continue
        for test, given in _tests_in(yaml.safe_load(body)):
            unknown = set(given["arguments"]) - set(PROPERTIES[f"test_{test}"])
            assert not unknown, (page.name, test)
            assert set(given) <= {"arguments", "config", "name"}


def test_every_page_is_in_the_navigation() -> None:
    _, written = (ROOT / "mkdocs.yml").read_text("utf-8").split("\nnav:\n")
    nav = yaml.safe_load(written.split("\nnot_in_nav:")[0])
    listed = str(dbt_tests.on_config(SimpleNamespace(nav=nav)).nav)
    for page in DOCS.rglob("*.md"):
        assert str(page.relative_to(ROOT / "docs")) in listed


def test_what_a_project_can_override_is_listed() -> None:
    page = (DOCS / "dispatch.md").read_text("utf-8")
    macros = "".join(p.read_text("utf-8") for p in (ROOT / "macros").rglob("*.sql"))
    dispatched = set(re.findall(r'adapter\.dispatch\("(\w+)"', macros))
    listed = set(re.findall(r"^\| `(\w+)\(", page, re.MULTILINE))
    assert listed == {name for name in dispatched if not name.startswith("test_")}


def test_what_is_compared_with_others_is_there() -> None:
    page = (DOCS / "comparison.md").read_text("utf-8")
    rows = re.findall(r"^\| .+? \| (.+?) \| .+ \|$", page, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    macros = {path.stem for path in (ROOT / "macros").rglob("*.sql")}
    arguments = {name for arguments in PROPERTIES.values() for name in arguments}
    assert len(named) > 15
    assert named <= macros | arguments | set(dbt_synthohive.__all__)


def test_links_between_pages_lead_somewhere() -> None:
    for page in DOCS.rglob("*.md"):
        for link in re.findall(r"\]\(([^)#:]+\.md)(?:#[\w-]+)?\)", page.read_text("utf-8")):
            assert (page.parent / link).is_file(), f"{page.name}: {link}"


def _run(command: str, folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run a line in the shell, or dbt in a fork that has imported it; return code and output."""
    if command.startswith("dbt "):
        return run(shlex.split(command)[1:], folder, environment)
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def _follow(page: str, folder: Path, environment: dict[str, str]) -> dict[str, str]:
    """Type what a page says, in its order; return what each command said."""
    said: dict[str, str] = {}
    for kind, title, body in FENCE.findall(page):
        if title:
            (folder / title).write_text(body, "utf-8")
        for command in body.strip().splitlines() if kind == "bash" else ():
            if command.startswith("cd "):
                folder = folder / command[3:]
                continue
            code, said[command] = _run(command, folder, environment)
            # So few rows leave drift; but a test that cannot run is another matter.
            drifted = command.startswith("dbt test") and "Failure in test" in said[command]
            assert code == 0 or drifted, said[command]
    return said


@pytest.fixture
def as_a_reader(tmp_path: Path) -> dict[str, str]:
    """Give an environment in which the repository's address leads to these examples.

    What pip would install is installed.
    """
    remote = tmp_path / "remote"
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", f"--git-dir={remote}/.git"]
    for arguments in (
        ["init", "--quiet", str(remote)],
        [f"--work-tree={ROOT}", "add", "examples"],
        ["commit", "--quiet", "--message=examples"],
    ):
        subprocess.run([*git, *arguments], cwd=ROOT, check=True, capture_output=True)
    return {
        **{name: value for name, value in os.environ.items() if name != "DBT_PROFILES_DIR"},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PIP_NO_INDEX": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{remote}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/synthohive/synthohive.git",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


@pytest.mark.slow
def test_the_tutorial(tmp_path: Path, as_a_reader: dict[str, str]) -> None:
    """Every command and file of the tutorial as they stand, in order."""
    said = _follow((DOCS / "tutorial.md").read_text("utf-8"), tmp_path, as_a_reader)
    assert len(said) == 11
    shop = tmp_path / "synthohive" / "examples" / "dbt_shop"
    example = (ROOT / "examples" / "dbt_shop" / "macros" / "source.sql").read_text("utf-8")
    assert (shop / "macros" / "source.sql").read_text("utf-8") == example
    assert "products_synthetic" in said["python rebuild.py"]
    tests = said["dbt test --select tag:synthetic"]
    assert "Runtime Error" not in tests
    assert not re.findall(
        r"Failure in test \S*(?:no_orphans|unique_key|no_copied_values|row_count)", tests
    )
    real, synthetic = (out for command, out in said.items() if command.startswith("dbt build"))
    counts = [re.search(r"PASS=(\d+) WARN=0 ERROR=0 SKIP=0", out) for out in (real, synthetic)]
    assert counts[0] is not None
    assert counts[1] is not None
    assert counts[0][1] == counts[1][1]
    profile = next(out for command, out in said.items() if "profile_drift" in command)
    assert "customer_orders" in profile
    assert "within their limits" in profile
