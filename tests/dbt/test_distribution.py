"""What hub.getdbt.com asks of the dbt package, and that it installs by version, archive and git."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from tests.dbt.project import ROOT, consumer

_SPEC = spec_from_file_location("dbt_package", ROOT / "scripts" / "dbt_package.py")
assert _SPEC is not None
assert _SPEC.loader is not None
dbt_package = module_from_spec(_SPEC)
_SPEC.loader.exec_module(dbt_package)

PACKAGED = dbt_package.FILES
NO_DBT = find_spec("dbt.cli" if find_spec("dbt") else "dbt") is None
# A stored profile is one that somebody has stored.
OTHERS = ["tag:planted", "tag:configured", "path:models/planted", "test_name:stored_drift"]
REPAIRED = ["--exclude", *OTHERS]


def test_the_hub_gets_what_it_asks_for() -> None:
    found = dbt_package.check(ROOT)
    assert len(found) == len(dbt_package.CHECKS)
    assert not any(found.values()), found


def test_the_versions_of_dbt_are_those_that_were_run() -> None:
    page = (ROOT / "docs" / "dbt" / "index.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+)\.(\d+)\.\d+ \|", page, re.MULTILINE)
    run = sorted((int(major), int(minor)) for major, minor in rows)
    assert dbt_package.project(ROOT)["require-dbt-version"] == [
        f">={run[0][0]}.{run[0][1]}.0",
        f"<{run[-1][0] + 1}.0.0",
    ]
    extra = f"dbt-core>={run[0][0]}.{run[0][1]},<{run[-1][0] + 1};"
    assert extra in (ROOT / "pyproject.toml").read_text("utf-8")
    pinned = re.search(
        r"^dbt-core==(\d+)\.(\d+)", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE
    )
    assert pinned is not None
    assert (int(pinned[1]), int(pinned[2])) in run


DAMAGES = {
    "dbt_project.yml lies": ("dbt_project.yml", "name: synthohive", "name: other"),
    "GitHub can tell": ("LICENSE", "MIT License", "Ours"),
    "README.md tells": ("README.md", "package: synthohive/synthohive", "git: synthohive"),
    "The versions of dbt": ("dbt_project.yml", ', "<2.0.0"', ""),
    "Other packages": ("packages.yml", "", "packages: [{package: a/b, version: 1.0.0}, {git: c}]"),
    "Nothing changes": ("dbt_project.yml", "config-version", "on-run-end: x\nconfig-version"),
    "Nothing changes how": ("macros/ref.sql", "", "{% macro ref() %}{% endmacro %}"),
    "Models are called": ("models/report.sql", "", "select 1"),
    "Models name no": ("models/synthohive_x.sql", "", "select {{ 1 }} from raw.orders"),
    "The version is": ("dbt_project.yml", 'version: "', 'version: "9'),
    "The tag": ("CHANGELOG.md", "", ""),
}


@pytest.mark.parametrize("requirement", DAMAGES)
def test_what_the_hub_would_miss_is_named(tmp_path: Path, requirement: str) -> None:
    for name in (*PACKAGED, "synthohive/_version.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    name, old, new = DAMAGES[requirement]
    file = tmp_path / name
    text = file.read_text("utf-8") if file.exists() else ""
    assert old in text
    file.write_text(text.replace(old, new, 1) if old else text + new, "utf-8")
    found = dbt_package.check(tmp_path, tag="9.9.9" if requirement == "The tag" else None)
    missing = [one for one, what in found.items() if what]
    assert any(one.startswith(requirement) for one in missing), found
    assert all("README" in one or one.startswith(requirement) for one in missing), found


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a git repository that holds the package as it is here, and files beside it."""
    folder = tmp_path_factory.mktemp("clone")
    git = ["git", f"--git-dir={folder}/.git"]
    files = ["tests/dbt", "docs/dbt", "pyproject.toml", *PACKAGED]
    for arguments in (
        ["init", "--quiet", "--initial-branch=main", str(folder)],
        ["config", "user.name", "t"],
        ["config", "user.email", "t@example.org"],
        [f"--work-tree={ROOT}", "add", *files],
        ["commit", "--quiet", "--message=release"],
        [f"--work-tree={folder}", "checkout", "--quiet", "--force", "main"],
    ):
        subprocess.run([*git, *arguments], cwd=ROOT, check=True, capture_output=True)
    return folder


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def hub(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the archive, and what the hub would tell of it."""
    folder = tmp_path_factory.mktemp("hub")
    archive = dbt_package.pack(clone, "main", folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    version = dbt_package.version(ROOT)
    entry = {
        "id": f"{dbt_package.PACKAGE}/{version}",
        "name": dbt_package.NAME,
        "version": version,
        "packages": [],
        "require_dbt_version": dbt_package.project(ROOT)["require-dbt-version"],
        "downloads": {
            "tarball": f"{address}{archive.name}",
            "format": "tgz",
            "sha1": hashlib.sha1(archive.read_bytes(), usedforsecurity=False).hexdigest(),
        },
    }
    api = folder / "api" / "v1"
    (api / dbt_package.PACKAGE).parent.mkdir(parents=True)
    (api / "index.json").write_text(json.dumps([dbt_package.PACKAGE]), "utf-8")
    listed = {"name": dbt_package.NAME, "namespace": "synthohive", "versions": {version: entry}}
    (api / f"{dbt_package.PACKAGE}.json").write_text(json.dumps(listed), "utf-8")
    yield address
    server.shutdown()
    server.server_close()


def _files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def _packaged(clone: Path) -> set[str]:
    return {name for name in _files(clone) if name.split("/")[0] in PACKAGED}


def _by_version(readme: str) -> str:
    """Return what README.md has users write into packages.yml."""
    _, _, rest = readme.partition('```yaml title="packages.yml"\npackages:\n')
    block, _, _ = rest.partition("```")
    return block.strip().removeprefix("- ")


@pytest.mark.slow
@pytest.mark.skipif(NO_DBT, reason="dbt needs Python 3.10")
def test_a_consumer_installs_by_version_and_builds(tmp_path: Path, clone: Path, hub: str) -> None:
    """What it builds is the same on PostgreSQL, where other tests run it."""
    environment = {"SYNTHOHIVE_DBT_DUCKDB": str(tmp_path / "c.duckdb")}
    package = _by_version((ROOT / "README.md").read_text("utf-8"))
    project = consumer(tmp_path / "consumer", "duckdb", environment, package)
    # A process of its own: dbt asks for the hub's address when it is imported.
    deps = subprocess.run(
        [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "deps"],
        cwd=project.folder, capture_output=True, text=True, check=False,
        env={**os.environ, "DBT_PACKAGE_HUB_URL": hub, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
    )  # fmt: skip
    assert deps.returncode == 0, deps.stdout
    installed = project.folder / "dbt_packages" / "synthohive"
    assert _files(installed) == _packaged(clone)
    assert sum(p.stat().st_size for p in installed.rglob("*") if p.is_file()) < 500_000

    built = project.dbt("build", *REPAIRED)
    assert "ERROR=0" in built.output
    assert sum(n["status"] == "pass" for n in built.nodes.values()) >= 20
    # The package brings nothing of its own into the project that installs it.
    assert not [k for k in built.nodes if k.startswith("synthohive_drift_report")]
    manifest = json.loads((project.folder / "target" / "manifest.json").read_text("utf-8"))
    assert "# synthohive" in manifest["docs"]["doc.synthohive.__synthohive__"]["block_contents"]


@pytest.mark.slow
@pytest.mark.skipif(NO_DBT, reason="dbt needs Python 3.10")
def test_archive_and_git_install(tmp_path: Path, clone: Path, hub: str) -> None:
    archive = f"synthohive-dbt-{dbt_package.version(ROOT)}.tar.gz"
    git = f"git: 'file://{clone}', warn-unpinned: false"
    release = dbt_package.commit(clone, "main")
    assert dbt_package.commit(clone, "main") == release
    project = consumer(
        tmp_path / "consumer", "duckdb", {}, f"{{tarball: '{hub}{archive}', name: synthohive}}"
    )
    installed = project.folder / "dbt_packages" / "synthohive"
    subprocess.run(["git", "tag", "0.1.0", release], cwd=clone, check=True)
    for package, alone in (
        (None, True),
        (f"{{{git}, revision: '0.1.0'}}", True),
        (f"{{{git}, revision: main}}", False),  # with all that lies beside it
    ):
        if package is not None:
            file = project.folder / "packages.yml"
            file.write_text(f"packages:\n  - {package}\n", "utf-8")
        project.dbt("deps")
        found = {name for name in _files(installed) if not name.startswith(".git/")}
        assert found >= _packaged(clone)
        assert (found == _packaged(clone)) == alone
    assert not installed.is_symlink()
