"""dbt's programmatic runner, in a process of its own.

dbt keeps flags, adapters and, on DuckDB, the open file for as long as its process lives.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Optional

from dbt_synthohive.relations import PathLike
from synthohive import ConnectorError, SynthoHiveError

__all__ = ["dbt_is_installed", "run_dbt"]


def dbt_is_installed() -> bool:
    """Whether dbt-core can be called from Python."""
    return find_spec("dbt") is not None and find_spec("dbt.cli") is not None


def run_dbt(
    project_dir: PathLike,
    arguments: Sequence[str],
    *,
    target: Optional[str] = None,
    profiles_dir: Optional[PathLike] = None,
) -> list[dict[str, Any]]:
    """Run a dbt command in the folder of a project.

    Parameters
    ----------
    arguments : list of str
        The command and its options, such as ``["test", "--select", "tag:synthetic"]``.

    Returns
    -------
    list of dict
        Name, status, failures, message and compiled SQL of each node that ran. Failing tests are
        results.

    Raises
    ------
    ConnectorError
        dbt is not installed.
    SynthoHiveError
        dbt could not run the command.
    """
    if not dbt_is_installed():
        raise ConnectorError.missing_extra("dbt-core", "dbt")
    options = ["--target", target] if target is not None else []
    if profiles_dir is not None:
        options += ["--profiles-dir", str(Path(profiles_dir).absolute())]
    paths = [str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    with tempfile.TemporaryDirectory(prefix="synthohive_") as folder:
        answer = Path(folder) / "answer.json"
        command = [sys.executable, "-m", __name__, str(answer), *arguments, *options]
        done = subprocess.run(
            command, cwd=project_dir, env=environment, capture_output=True, text=True, check=False
        )
        if not answer.exists():
            reason = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
            found: dict[str, Any] = {"error": reason, "nodes": []}
        else:
            found = json.loads(answer.read_text(encoding="utf-8"))
    if found["error"]:
        raise SynthoHiveError(
            f"dbt {arguments[0]} could not be run in {str(project_dir)!r}: {found['error']}.",
            hint="Run it there by hand to see more.",
        )
    nodes: list[dict[str, Any]] = found["nodes"]
    return nodes


def _child(answer: str, *arguments: str) -> None:
    """Invoke dbt and leave what it returned as JSON."""
    from dbt.cli.main import dbtRunner

    returned = dbtRunner().invoke(["--quiet", *arguments])
    ran = getattr(returned.result, "results", None)
    nodes = [
        {
            "name": str(result.node.name),
            "status": str(getattr(result.status, "value", result.status)),
            "failures": int(getattr(result, "failures", None) or 0),
            "message": str(result.message or ""),
            "sql": str(getattr(result.node, "compiled_code", None) or ""),
        }
        for result in ran or []
        if (result.node.resource_type, result.status) != ("operation", "success")  # a hook
    ]
    error = ""
    if returned.exception is not None:
        error = " ".join(str(returned.exception).split()).rstrip(".")
    elif not returned.success and not nodes:
        error = "it failed"
    Path(answer).write_text(json.dumps({"error": error, "nodes": nodes}), encoding="utf-8")


if __name__ == "__main__":
    _child(*sys.argv[1:])
