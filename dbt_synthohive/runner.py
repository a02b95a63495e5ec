"""dbt's programmatic runner, in the folder of the project."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
    may_fail: bool = False,
) -> Any:
    """Run a dbt command in this process; return its ``dbtRunnerResult``.

    Parameters
    ----------
    arguments : list of str
        The command and its options, such as ``["test", "--select", "tag:synthetic"]``.
    may_fail : bool, default False
        Whether failing tests are a result; a project that cannot be run never is.

    Raises
    ------
    ConnectorError
        dbt is not installed.
    SynthoHiveError
        dbt could not run the command.
    """
    if not dbt_is_installed():
        raise ConnectorError.missing_extra("dbt-core", "dbt")
    from dbt.cli.main import dbtRunner

    options = ["--target", target] if target is not None else []
    if profiles_dir is not None:
        options += ["--profiles-dir", str(Path(profiles_dir).absolute())]
    with _inside(project_dir):
        result = dbtRunner().invoke(["--quiet", *arguments, *options])
    if result.exception is not None or (not result.success and not may_fail):
        reason = str(result.exception or "it failed").strip().split("\n\n")[0]
        raise SynthoHiveError(
            f"dbt {arguments[0]} could not be run in {str(project_dir)!r}: {reason}",
            hint="Run it there by hand to see more.",
        )
    return result


@contextmanager
def _inside(folder: PathLike) -> Iterator[None]:
    """Change to the folder: the paths in profiles are relative to where dbt runs."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
