"""The dbt package as its users get it: what hub.getdbt.com asks of it, and what a release holds.

    python scripts/dbt_package.py check              # what the hub asks for, and what is missing
    python scripts/dbt_package.py check --tag 0.1.0  # and for a release under that tag
    python scripts/dbt_package.py commit             # the commit to tag: the dbt package alone
    python scripts/dbt_package.py pack               # dist/synthohive-dbt-0.1.0.tar.gz, the same

The requirements are those of hubcap, the script that fills the hub: its README, its pull request
template and package-best-practices.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, Optional

import yaml

ROOT = Path(__file__).resolve().parents[1]
NAME = "synthohive"
PACKAGE = f"synthohive/{NAME}"  # by which packages.yml names it: GitHub's owner, the project's name
FILES = ("CHANGELOG.md", "LICENSE", "README.md", "dbt_project.yml", "macros", "models")
# https://semver.org, without the pre-releases that the hub leaves out unless they are asked for.
SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
LICENCES = ("MIT License", "Apache License")
ENGINES = ("PostgreSQL", "DuckDB", "Snowflake", "BigQuery", "Redshift", "Databricks", "Spark")
_MACRO = re.compile(r"{%-?\s*(macro|test|materialization)\s+(\w+)")
_COMMENT = re.compile(r"{#.*?#}", re.DOTALL)
_JINJA = re.compile(r"{{.*?}}|{%.*?%}|{#.*?#}", re.DOTALL)
_TABLE = re.compile(r'\b(?:from|join)\s+([\w"`]+)', re.IGNORECASE)

Check = Callable[[Path], Iterator[str]]


def project(root: Path) -> dict[str, Any]:
    """Return dbt_project.yml."""
    content: dict[str, Any] = yaml.safe_load((root / "dbt_project.yml").read_text("utf-8"))
    return content


def version(root: Path) -> str:
    """Return the version, which the Python package shares."""
    return str(project(root)["version"])


def project_file(root: Path) -> Iterator[str]:
    """dbt_project.yml lies at the repository's root and names the package."""
    if not (root / "dbt_project.yml").is_file():
        yield "there is none"
    elif project(root).get("name") != NAME:
        yield f"it does not name the package {NAME!r}"


def licence(root: Path) -> Iterator[str]:
    """GitHub can tell the licence."""
    file = root / "LICENSE"
    if not file.is_file() or not file.read_text("utf-8").startswith(LICENCES):
        yield f"LICENSE does not begin with one of {LICENCES}"


def readme(root: Path) -> Iterator[str]:
    """README.md tells how to install this version, and on which engines it is expected to work."""
    text = (root / "README.md").read_text("utf-8")
    if f"package: {PACKAGE}" not in text:
        yield f"it does not show `package: {PACKAGE}`"
    major, minor, _ = version(root).split(".")
    following = f"{int(major) + 1}.0.0" if int(major) else f"0.{int(minor) + 1}.0"
    wanted = f'version: [">={major}.{minor}.0", "<{following}"]'
    if wanted not in text:
        yield f"it does not show `{wanted}`"
    yield from (f"it does not mention {engine}" for engine in ENGINES if engine not in text)


def dbt_versions(root: Path) -> Iterator[str]:
    """The versions of dbt have a lower bound, and an upper one that is a major version."""
    bounds = project(root).get("require-dbt-version")
    if not isinstance(bounds, list) or len(bounds) != 2:
        yield "require-dbt-version is no list of two bounds"
    elif not re.fullmatch(r">=\d+\.\d+\.\d+", bounds[0]) or not re.fullmatch(
        r"<\d+\.0\.0", bounds[1]
    ):
        yield f"require-dbt-version is {bounds}"


def dependencies(root: Path) -> Iterator[str]:
    """Other packages come from the hub, in ranges."""
    for name in ("packages.yml", "dependencies.yml"):
        file = root / name
        content = yaml.safe_load(file.read_text("utf-8")) if file.is_file() else {}
        for entry in content.get("packages", []):
            if "package" not in entry:
                yield f"{name}: {entry} is not taken from the hub"
            elif isinstance(entry.get("version"), str):
                yield f"{name}: {entry['package']} is pinned to one version"


def interoperability(root: Path) -> Iterator[str]:
    """Nothing changes how the rest of a project runs: no hooks, none of dbt's own macros."""
    yield from (f"dbt_project.yml has {key}" for key in project(root) if key.startswith("on-run"))
    own = macros(root / "macros")
    yield from (f"the macro {name} is dbt's own" for name in sorted(own & macros_of_dbt()))


def macros(folder: Path) -> set[str]:
    """Return the names of the macros in a folder; a test's begins with `test_`."""
    texts = (_COMMENT.sub("", file.read_text("utf-8")) for file in folder.rglob("*.sql"))
    found = (pair for text in texts for pair in _MACRO.findall(text))
    return {f"test_{name}" if kind == "test" else name for kind, name in found}


def macros_of_dbt() -> set[str]:
    """Return the names of what dbt calls by name, and of its macros, where it is installed."""
    known = {"ref", "source", "config", "generate_schema_name", "generate_alias_name"}
    installed = importlib.util.find_spec("dbt") and importlib.util.find_spec("dbt.include")
    places = (installed.submodule_search_locations or ()) if installed else ()
    return known.union(*(macros(Path(place) / "global_project") for place in places))


def names(root: Path) -> Iterator[str]:
    """Models are called so that no project has them already."""
    for file in sorted((root / "models").rglob("*.sql")):
        if not file.stem.startswith(f"{NAME}_"):
            yield f"the model {file.stem} does not begin with {NAME}_"


def references(root: Path) -> Iterator[str]:
    """Models name no table but by ref, source or an argument."""
    for file in sorted((root / "models").rglob("*.sql")):
        for table in _TABLE.findall(_JINJA.sub(" ", file.read_text("utf-8"))):
            yield f"the model {file.stem} reads {table}"


def releases(root: Path) -> Iterator[str]:
    """The version is a semantic one, the Python package's, and the changelog goes on."""
    here = version(root)
    if not SEMVER.fullmatch(here):
        yield f"{here!r} is no semantic version"
    if f'"{here}"' not in (root / "synthohive" / "_version.py").read_text("utf-8"):
        yield f"synthohive/_version.py has another version than dbt_project.yml ({here})"
    if "\n## [Unreleased]\n" not in (root / "CHANGELOG.md").read_text("utf-8"):
        yield "CHANGELOG.md has no section [Unreleased]"


CHECKS: tuple[Check, ...] = (
    project_file, licence, readme, dbt_versions, dependencies, interoperability, names, references,
    releases,
)  # fmt: skip


def check(root: Path, tag: Optional[str] = None) -> dict[str, list[str]]:
    """Return what is missing by requirement, as its function says it; of a release, by its tag."""
    found = {str(one.__doc__).split("\n", maxsplit=1)[0]: list(one(root)) for one in CHECKS}
    if tag is not None:
        wrong = [] if tag == version(root) else [f"the version is {version(root)}"]
        if f"\n## [{tag}] - " not in (root / "CHANGELOG.md").read_text("utf-8"):
            wrong.append(f"CHANGELOG.md has no section [{tag}] with a date")
        found[f"The tag {tag} is this release."] = wrong
    return found


def commit(root: Path, revision: str) -> str:
    """Make a commit on top of a revision that holds the dbt package and nothing else.

    A tag on it is what the hub's archive, ``tarball:`` and ``git:`` bring. No branch moves. A
    revision gives the same commit each time, for the same committer.

    Parameters
    ----------
    root : Path
        A clone of the repository.
    revision : str
        The commit that is released.

    Returns
    -------
    str
        The commit's hash.
    """
    listed = _git(root, "ls-tree", revision, "--", *FILES)
    if len(listed.splitlines()) != len(FILES):
        raise SystemExit(f"{revision} has not all of {FILES}.")
    tree = _git(root, "mktree", given=listed + "\n")
    when = _git(root, "show", "--no-patch", "--format=%cI", revision)
    dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    message = f"The dbt package {version(root)}"
    return _git(root, "commit-tree", tree, "-p", revision, "-m", message, environment=dates)


def pack(root: Path, revision: str, folder: Path) -> Path:
    """Write the archive that ``packages: [{tarball: …}]`` and the hub install.

    Parameters
    ----------
    root : Path
        A clone of the repository.
    revision : str
        The commit that is released.
    folder : Path

    Returns
    -------
    Path
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{NAME}-dbt-{version(root)}"
    file = folder.absolute() / f"{name}.tar.gz"
    only = commit(root, revision)
    _git(root, "archive", "--format=tar.gz", f"--prefix={name}/", f"--output={file}", only)
    return file


def _git(
    root: Path, *arguments: str, given: str = "", environment: Optional[dict[str, str]] = None
) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=root, input=given, check=True, capture_output=True, text=True,
        env={**os.environ, **(environment or {})},
    )  # fmt: skip
    return done.stdout.strip()


def main() -> int:
    """Check, make the commit, or pack; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check").add_argument("--tag", default=None)
    for name in ("commit", "pack"):
        commands.add_parser(name).add_argument("--revision", default="HEAD")
    given = parser.parse_args()
    if given.command == "commit":
        print(commit(ROOT, given.revision))
        return 0
    if given.command == "pack":
        print(pack(ROOT, given.revision, ROOT / "dist"))
        return 0
    found = check(ROOT, given.tag)
    for requirement, missing in found.items():
        print(f"{'MISSING' if missing else 'ok':8}{requirement}")
        for what in missing:
            print(f"        {what}")
    return int(any(found.values()))


if __name__ == "__main__":
    sys.exit(main())
