"""A synthesizer over the sources or seeds of a dbt project."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Union

from dbt_synthohive.manifest import metadata_from_manifest
from dbt_synthohive.profiles import engine_from_profile, load_project
from dbt_synthohive.relations import PathLike, load_manifest
from dbt_synthohive.runner import dbt_is_installed, run_dbt
from synthohive import Metadata, SchemaError, Synthesizer
from synthohive.exceptions import did_you_mean

if TYPE_CHECKING:
    from sqlalchemy import Engine

__all__ = ["manifest_path", "synthesizer_from_project", "synthesizer_over"]


def synthesizer_from_project(
    project_dir: PathLike,
    select: Union[str, Sequence[str], None] = None,
    target: Optional[str] = None,
    *,
    profiles_dir: Optional[PathLike] = None,
    **kwargs: Any,
) -> Synthesizer:
    """Return a synthesizer over a dbt project's sources or seeds, ready for ``fit()``.

    Parameters
    ----------
    project_dir : path
        Where dbt_project.yml lies. Where dbt is installed the project is parsed first;
        else its ``target/manifest.json`` is read as it is.
    select : str or list of str, optional
        See :func:`~dbt_synthohive.metadata_from_manifest`.
    target : str, optional
        Target of the profile.
    profiles_dir : path, optional
        See :func:`~dbt_synthohive.engine_from_profile`.
    **kwargs
        Passed to :meth:`synthohive.Synthesizer.from_database`, e.g. `model` and
        `privacy_config`.

    Raises
    ------
    ConnectorError
        The profile cannot be used, or the warehouse not be reached.
    SchemaError, SchemaValidationError
        The project, or the project and the warehouse, contradict themselves.
    """
    engine = engine_from_profile(project_dir, profiles_dir, target)
    manifest = manifest_path(project_dir, target, profiles_dir)
    return synthesizer_over(engine, manifest, select, **kwargs)


def synthesizer_over(
    engine: Engine, manifest: Path, select: Union[str, Sequence[str], None], **kwargs: Any
) -> Synthesizer:
    """Return a synthesizer over what a manifest tells of a warehouse."""
    chosen = load_manifest(manifest).selected(select)
    schema = chosen[0].schema
    declared = Metadata.from_database(engine, schema, drop_outside_keys=True)
    names = sorted({relation.identifier for relation in chosen})
    unknown = [name for name in names if name not in declared.tables]
    if unknown:
        raise SchemaError(
            f"The schema {schema!r} has no tables {unknown}, which the dbt project names.",
            hint=did_you_mean(unknown[0], declared.tables) + " Load them first, or leave them out.",
        )
    metadata = metadata_from_manifest(manifest, select=select, declared=declared)
    return Synthesizer.from_database(engine, schema, metadata=metadata, **kwargs)


def manifest_path(
    project_dir: PathLike, target: Optional[str] = None, profiles_dir: Optional[PathLike] = None
) -> Path:
    """Return a project's manifest, made anew where dbt is installed."""
    project = load_project(project_dir)
    folder = os.environ.get("DBT_TARGET_PATH") or project.get("target-path") or "target"
    file = Path(project_dir) / str(folder) / "manifest.json"
    if dbt_is_installed():
        run_dbt(project_dir, ["parse"], target=target, profiles_dir=profiles_dir)
    return file
