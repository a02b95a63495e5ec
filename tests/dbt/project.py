"""Runs dbt, each command in a process of its own, on projects that tests make."""

from __future__ import annotations

import gc
import importlib
import json
import multiprocessing
import os
import shutil
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Optional

from sqlalchemy.engine import make_url

ROOT = Path(__file__).resolve().parents[2]
GENERIC = sorted(
    path.stem
    for path in (ROOT / "macros" / "generic_tests").glob("*.sql")
    if "{% test " in path.read_text(encoding="utf-8")
)
CONFIGURED = {
    "drift_in_a_band": "warn",
    "empty_allowed": "pass",
    "limited": "pass",
    "nothing_in_a_band": "fail",
    "null_is_distinct": "pass",
    "orphan_share_allowed": "pass",
    "orphans_allowed": "pass",
    "orphans_in_a_band": "warn",
    "orphans_to_condition": "fail",
    "orphans_warned": "warn",
    "orphans_where": "pass",
    "other_reference": "pass",
    "query_and_where": "pass",
    "reference_where": "pass",
}


def _command(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
    with (folder / "said.txt").open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    from dbt.cli.main import cli

    sys.argv[0] = "dbt"
    cli(list(arguments))


def _forked(order: tuple[Sequence[str], Path, Mapping[str, str]]) -> int:
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    code = 1
    try:
        _command(*order)
    except SystemExit as ended:
        code = int(ended.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _serve(orders: Connection) -> None:
    """Fork a process for each command that comes, until nobody is there to send any."""
    importlib.import_module("tests.dbt.warm")
    gc.disable()  # it would go over all that is imported again and again: a fifth of a command
    with suppress(EOFError):
        while True:
            orders.send(_forked(orders.recv()))


@cache
def _server() -> Connection:
    """Begin the process that has imported dbt and parsed a project with it.

    That takes 3 s of each command else. It is no fork server of `multiprocessing`: of these a
    process has one, with the imports of whoever asked for them last. Of a whole run those were
    the crash tests', and every command of dbt began from nothing.
    """
    context = multiprocessing.get_context("spawn")
    orders, theirs = context.Pipe()
    context.Process(target=_serve, args=(theirs,), daemon=True).start()
    theirs.close()
    return orders


def run(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a dbt command in a folder; return its exit code, and what it said."""
    orders = _server()
    orders.send((arguments, folder, environment))
    code: int = orders.recv()
    return code, (folder / "said.txt").read_text("utf-8")


@dataclass
class Outcome:
    """What one dbt command said, and the nodes it ran."""

    code: int
    output: str
    nodes: dict[str, dict[str, Any]]

    def statuses(self, tag: str) -> dict[str, str]:
        """Return status by name of the nodes with a tag."""
        return {k: v["status"] for k, v in self.nodes.items() if tag in v["tags"]}


@dataclass
class Project:
    """A dbt project and how it reaches its warehouse."""

    folder: Path
    target: str
    environment: Mapping[str, str]

    def dbt(self, *arguments: str, check: bool = True) -> Outcome:
        """Run a command; without ``check`` it may fail."""
        target = [] if arguments[0] == "deps" else ["--target", self.target]
        results = self.folder / "target" / "run_results.json"
        results.unlink(missing_ok=True)
        environment = {
            **os.environ,
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_PROFILES_DIR": str(self.folder),
            **self.environment,
        }
        command = ["--no-use-colors", *arguments, *target]
        code, output = run(command, self.folder, environment)
        assert not check or code == 0, output
        return Outcome(code, output, self._nodes(results))

    def _nodes(self, results: Path) -> dict[str, dict[str, Any]]:
        if not results.exists():
            return {}
        manifest = json.loads((self.folder / "target" / "manifest.json").read_text("utf-8"))
        nodes = {}
        for result in json.loads(results.read_text("utf-8"))["results"]:
            if result["unique_id"].startswith("operation."):
                continue  # a hook
            node = manifest["nodes"].get(result["unique_id"], {})
            generic = (node.get("test_metadata") or {}).get("name")
            name = node.get("name", result["unique_id"])
            nodes[name] = {**result, "tags": node.get("tags", []), "generic": generic}
        return nodes


def consumer(folder: Path, target: str, environment: Mapping[str, str], package: str) -> Project:
    """Copy the integration project to where a user's could be, with the package as given."""
    shutil.copytree(
        ROOT / "integration_tests",
        folder,
        ignore=shutil.ignore_patterns("target", "dbt_packages", "logs", "package-lock.yml", ".*"),
    )
    (folder / "packages.yml").write_text(f"packages:\n  - {package}\n", encoding="utf-8")
    return Project(folder, target, environment)


def server_environment(url: str, schema: str) -> dict[str, str]:
    """Return what the integration project's PostgreSQL profile reads."""
    parts = make_url(url)
    found: dict[str, Optional[str]] = {
        "HOST": parts.host,
        "PORT": str(parts.port or 5432),
        "USER": parts.username,
        "PASSWORD": parts.password,
        "DATABASE": parts.database,
        "SCHEMA": schema,
    }
    return {f"SYNTHOHIVE_DBT_{name}": value or "" for name, value in found.items()}
