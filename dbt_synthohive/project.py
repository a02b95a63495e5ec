"""A synthesizer over the sources or seeds of a dbt project."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Union

from dbt_synthohive.manifest import metadata_from_manifest
from dbt_synthohive.profiles import engine_from_profile, load_project
from dbt_synthohive.relations import PathLike, load_manifest
from dbt_synthohive.runner import dbt_is_installed, run_dbt
from synthohive import SchemaError, Synthesizer, SynthoHiveError
from synthohive.exceptions import did_you_mean

if TYPE_CHECKING:
    from sqlalchemy import Engine

__all__ = ["manifest_path", "synthesizer_from_project", "synthesizer_over"]

_COMPILE = ["compile", "--select", "resource_type:model", "resource_type:snapshot"]


def synthesizer_from_project(
    project_dir: PathLike,
    select: Union[str, Sequence[str], None] = None,
    target: Optional[str] = None,
    *,
    profiles_dir: Optional[PathLike] = None,
    require_keys: bool = True,
    **kwargs: Any,
) -> Synthesizer:
    """Return a synthesizer over a dbt project's sources or seeds, ready for ``fit()``.

    Parameters
    ----------
    project_dir : path
        Where dbt_project.yml lies. Where dbt is installed the models are compiled first;
        else its ``target/manifest.json`` is read as it is.
    select : str or list of str, optional
        See :func:`~dbt_synthohive.metadata_from_manifest`.
    target : str, optional
        Target of the profile.
    profiles_dir : path, optional
        See :func:`~dbt_synthohive.engine_from_profile`.
    require_keys : bool, default True
        Refuse a project that tests relationships when none of them becomes a key: the
        synthetic tables would not fit together.
    **kwargs
        Passed to :meth:`synthohive.Synthesizer.from_database`, e.g. `model` and
        `privacy_config`.

    Raises
    ------
    ConnectorError
        The profile cannot be used, or the warehouse not be reached.
    SchemaError, SchemaValidationError
        The project, or the project and the warehouse, contradict themselves, or no key is found.
    """
    engine = engine_from_profile(project_dir, profiles_dir, target)
    manifest = manifest_path(project_dir, target, profiles_dir)
    return synthesizer_over(engine, manifest, select, require_keys=require_keys, **kwargs)


def synthesizer_over(
    engine: Engine,
    manifest: Path,
    select: Union[str, Sequence[str], None],
    *,
    require_keys: bool = True,
    **kwargs: Any,
) -> Synthesizer:
    """Return a synthesizer over what a manifest tells of a warehouse.

    Parameters
    ----------
    engine : sqlalchemy.Engine
    manifest : path
    select : str or list of str, optional
    require_keys : bool, default True
    **kwargs
        See :func:`synthesizer_from_project`.
    """
    chosen = load_manifest(manifest).selected(select)
    schema = chosen[0].schema
    source = Synthesizer.from_database(engine, schema, outside_keys="drop").source
    assert source is not None
    declared = source.metadata.model_copy(deep=True)
    names = sorted({relation.identifier for relation in chosen})
    unknown = [name for name in names if name not in declared.tables]
    if unknown:
        raise SchemaError(
            f"The schema {schema!r} has no tables {unknown}, which the dbt project names.",
            hint=did_you_mean(unknown[0], declared.tables) + " Load them first, or leave them out.",
        )
    metadata = metadata_from_manifest(
        manifest, select=select, declared=declared, source=source, require_keys=require_keys
    )
    return Synthesizer.from_database(engine, schema, metadata=metadata, **kwargs)


def manifest_path(
    project_dir: PathLike, target: Optional[str] = None, profiles_dir: Optional[PathLike] = None
) -> Path:
    """Return a project's manifest, made anew where dbt is installed.

    Compiled, if the models can be: their SQL tells what raw SQL leaves to macros.
    """
    project = load_project(project_dir)
    folder = os.environ.get("DBT_TARGET_PATH") or project.get("target-path") or "target"
    file = Path(project_dir) / str(folder) / "manifest.json"
    if dbt_is_installed():
        run = partial(run_dbt, project_dir, target=target, profiles_dir=profiles_dir)
        try:
            run(_COMPILE)
        except SynthoHiveError:  # that of parsing says more, if the project is the reason
            run(["parse"])
    return file
