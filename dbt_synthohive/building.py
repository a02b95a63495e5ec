"""From a dbt project to a tested synthetic schema in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Optional, Union

from dbt_synthohive.names import check_names
from dbt_synthohive.package import package_path
from dbt_synthohive.profiles import engine_from_profile, load_project
from dbt_synthohive.project import manifest_path, synthesizer_over
from dbt_synthohive.properties import TAG, write_properties
from dbt_synthohive.relations import Manifest, PathLike, load_manifest
from dbt_synthohive.runner import run_dbt
from synthohive import SchemaError, Synthesizer, WriteSummary

if TYPE_CHECKING:
    from sqlalchemy import Engine

__all__ = ["BuildResult", "TestOutcome", "build"]


@dataclass(frozen=True)
class TestOutcome:
    """One dbt test: its name, status (``pass``, ``warn``, ``fail``, ``error``) and failing rows.

    Attributes
    ----------
    value, allowed : float, optional
        What a test that did not pass found (of keys: how many rows), and its limit.
    group : str
        A group that is too far from the reference's, where the test compares groups.
    """

    name: str
    status: str
    failures: int
    message: str
    value: Optional[float] = None
    allowed: Optional[float] = None
    group: str = ""

    __test__ = False  # no test of this package's own

    def __str__(self) -> str:
        found = "" if self.value is None else f": {self.value:.4g}, allowed {self.allowed or 0:.4g}"
        return f"{self.status}  {self.name}{found}{self.group and f', in group {self.group!r}'}"


@dataclass(frozen=True)
class BuildResult:
    """What :func:`build` wrote and found.

    Attributes
    ----------
    synthesizer : Synthesizer
        Fitted.
    summary : WriteSummary
    properties : pathlib.Path
        The file with the tests.
    tests : tuple of TestOutcome
    """

    synthesizer: Synthesizer
    summary: WriteSummary
    properties: Path
    tests: tuple[TestOutcome, ...]

    @property
    def failed(self) -> tuple[TestOutcome, ...]:
        """The tests that failed or could not be run."""
        return tuple(test for test in self.tests if test.status not in ("pass", "warn"))

    @property
    def success(self) -> bool:
        """Whether there were tests and none failed."""
        return bool(self.tests) and not self.failed

    def __str__(self) -> str:
        lines = [str(self.summary), f"{len(self.tests)} dbt tests, {len(self.failed)} failed"]
        lines += [f"  {test}" for test in self.failed]
        return "\n".join(lines)


def build(
    project_dir: PathLike,
    schema: str,
    *,
    select: Union[str, Sequence[str], None] = None,
    target: Optional[str] = None,
    profiles_dir: Optional[PathLike] = None,
    properties: Optional[PathLike] = None,
    seed: Optional[int] = None,
    if_exists: Literal["fail", "replace"] = "replace",
    require_keys: bool = True,
    **fit: Any,
) -> BuildResult:
    """Fit a dbt project's sources, write the synthetic schema, and run its tests in the warehouse.

    Parameters
    ----------
    project_dir : path
    schema : str
        The synthetic schema to write.
    select, target, profiles_dir
        See :func:`~dbt_synthohive.synthesizer_from_project`.
    properties : path, optional
        Where the tests stand; ``_<schema>.yml`` in the project's first folder of models if
        None. See :func:`~dbt_synthohive.write_properties`.
    seed : int, optional
        Of the fit and of the rows.
    if_exists : {"replace", "fail"}
    require_keys : bool, default True
        See :func:`~dbt_synthohive.synthesizer_from_project`.
    **fit
        Passed to :meth:`synthohive.Synthesizer.fit`.

    Returns
    -------
    BuildResult
        Failing tests are a result, not an error.

    Raises
    ------
    SchemaError
        The project does not use the dbt package, or no key is found; nothing was fitted.
    SynthoHiveError
        dbt cannot run the project, or see :func:`~dbt_synthohive.synthesizer_from_project`.
    """
    manifest = manifest_path(project_dir, target, profiles_dir)
    known = load_manifest(manifest)
    if "macro.synthohive.test_no_orphans" not in known.macros:
        raise SchemaError(
            f"The dbt project {str(project_dir)!r} does not use the package 'synthohive'.",
            hint=f"Add `- local: {package_path()}` to packages.yml and run `dbt deps`.",
        )
    if select is None:
        select = _real_sources(known, schema)
    engine = engine_from_profile(project_dir, profiles_dir, target)
    # dbt has just read the project
    synthesizer = synthesizer_over(engine, manifest, select, require_keys=require_keys)
    check_names(synthesizer.metadata, schema)
    synthesizer.fit(seed=seed, **fit)
    summary = synthesizer.to_database(schema=schema, seed=seed, if_exists=if_exists)
    file = Path(properties) if properties is not None else _models(project_dir) / f"_{schema}.yml"
    write_properties(synthesizer, schema, file)
    chosen = ["test", "--select", f"tag:{TAG},source:{schema}"]
    ran = run_dbt(project_dir, chosen, target=target, profiles_dir=profiles_dir)
    tests = tuple(_outcome(node, engine) for node in ran)
    return BuildResult(synthesizer, summary, file, tests)


def _outcome(node: dict[str, Any], engine: Engine) -> TestOutcome:
    """Return a test's outcome; dbt tells only how many rows fail, so they are asked for again."""
    sql = node.pop("sql")
    outcome = TestOutcome(**node)
    if outcome.status not in ("fail", "warn"):
        return outcome
    with engine.connect() as connection:
        plain = connection.execution_options(no_parameters=True)
        found = plain.exec_driver_sql(f"SELECT * FROM ({sql}\n) failing").mappings().first()
    row = {key.lower(): value for key, value in (found or {}).items()}
    value = row.get("statistic_value", row.get("n_failing"))
    allowed, group = row.get("allowed"), row.get("group_value")
    return replace(
        outcome,
        value=None if value is None else float(value),
        allowed=None if allowed is None else float(allowed),
        group="" if group is None else str(group),
    )


def _real_sources(manifest: Manifest, schema: str) -> Optional[list[str]]:
    """Return all sources but the copy that is about to be made, and earlier ones."""
    relations = [r for r in manifest.relations.values() if r.source]
    copies = {r.source for r in relations if r.is_synthetic or r.schema == schema}
    return sorted({r.source for r in relations} - copies) or None


def _models(project_dir: PathLike) -> Path:
    paths = load_project(project_dir).get("model-paths") or ["models"]
    return Path(project_dir) / str(paths[0])
