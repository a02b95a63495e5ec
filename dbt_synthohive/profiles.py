"""dbt profiles: which output a project uses, rendered, and an engine on its warehouse."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional, Union

import yaml
from jinja2 import StrictUndefined, TemplateError, UndefinedError
from jinja2.sandbox import SandboxedEnvironment
from sqlalchemy import create_engine
from sqlalchemy.engine import Engine
from sqlalchemy.exc import NoSuchModuleError
from sqlalchemy.pool import NullPool

from dbt_synthohive.connections import connection_url
from synthohive import ConnectorError
from synthohive.exceptions import did_you_mean

__all__ = ["Profile", "engine_from_profile", "load_project", "read_profile"]

log = logging.getLogger(__name__)
PathLike = Union[str, "os.PathLike[str]"]
_DRIVERS = {
    "postgresql": ("psycopg2", "postgres"),
    "mysql": ("pymysql", "mysql"),
    "duckdb": ("duckdb-sqlalchemy", "duckdb"),
    "snowflake": ("snowflake-sqlalchemy", "snowflake"),
    "bigquery": ("sqlalchemy-bigquery", "bigquery"),
}


@dataclass(frozen=True)
class Profile:
    """One output of a dbt profile, rendered.

    Attributes
    ----------
    name, target : str
        As in profiles.yml.
    folder : pathlib.Path
        Where profiles.yml lies.
    output : mapping
        The settings; left out of the representation, for they hold the password.
    """

    name: str
    target: str
    folder: Path
    output: Mapping[str, Any] = field(repr=False)

    @property
    def type(self) -> str:
        """The adapter's type."""
        return str(self.output.get("type", ""))


def engine_from_profile(
    project_dir: PathLike,
    profiles_dir: Optional[PathLike] = None,
    target: Optional[str] = None,
) -> Engine:
    """Return an engine on the warehouse of a dbt project.

    Parameters
    ----------
    project_dir : path
        Where dbt_project.yml lies.
    profiles_dir : path, optional
        Else, as in dbt: ``DBT_PROFILES_DIR``, the project itself, ``~/.dbt``.
    target : str, optional
        The profile's own target if None.

    Raises
    ------
    ConnectorError
        There is no such project, profile or target; an environment variable is not set;
        or the driver is not installed. No message holds a secret.
    """
    profile = read_profile(project_dir, profiles_dir, target)
    url = connection_url(profile.output, project_dir)
    backend = url.get_backend_name()
    # An idle connection would lock a file for dbt, which opens it next.
    options: dict[str, Any] = {"poolclass": NullPool} if backend in ("duckdb", "sqlite") else {}
    try:
        return create_engine(url, **options)
    except (ImportError, NoSuchModuleError) as exc:
        if backend in _DRIVERS:
            raise ConnectorError.missing_extra(*_DRIVERS[backend]) from exc
        raise ConnectorError(
            f"There is no SQLAlchemy driver for {backend!r} here.",
            hint=f"Install the SQLAlchemy dialect of {backend}.",
        ) from exc


def read_profile(
    project_dir: PathLike,
    profiles_dir: Optional[PathLike] = None,
    target: Optional[str] = None,
) -> Profile:
    """Return the output that dbt would use; see :func:`engine_from_profile`.

    dbt itself resolves it where dbt and the adapter are installed. Else the file is
    rendered with ``env_var`` and ``var``, which is all that profiles use.
    """
    project = load_project(project_dir)
    variables = project.get("vars") or {}
    name = str(_rendered(project.get("profile") or "", variables, "dbt_project.yml"))
    if not name:
        raise ConnectorError(
            f"The dbt project in {str(project_dir)!r} names no profile.",
            hint="Add `profile: …` to dbt_project.yml.",
        )
    folder = _profiles_folder(Path(project_dir), profiles_dir)
    profiles = _yaml(folder / "profiles.yml")
    if name not in profiles:
        known = [key for key in profiles if key != "config"]
        raise ConnectorError(
            f"There is no profile {name!r} in {str(folder / 'profiles.yml')!r}.",
            hint=did_you_mean(name, known),
        )
    raw = profiles[name]
    place = f"profile {name!r}"
    chosen = target or str(_rendered(raw.get("target") or "default", variables, place))
    outputs = raw.get("outputs") or {}
    if chosen not in outputs:
        raise ConnectorError(
            f"The {place} has no target {chosen!r}.", hint=did_you_mean(chosen, outputs)
        )
    output = _rendered(outputs[chosen], variables, f"target {chosen!r} of {place}")
    by_dbt = _by_dbt(outputs[chosen], name, variables)
    return Profile(name, chosen, folder, by_dbt if by_dbt is not None else output)


def load_project(project_dir: PathLike) -> dict[str, Any]:
    """Return the contents of a project's dbt_project.yml."""
    file = Path(project_dir) / "dbt_project.yml"
    if not file.is_file():
        raise ConnectorError(
            f"{str(project_dir)!r} is no dbt project: it has no dbt_project.yml.",
            hint="Name the folder in which you run dbt.",
        )
    return _yaml(file)


def _profiles_folder(project_dir: Path, given: Optional[PathLike]) -> Path:
    places = [Path(given)] if given is not None else []
    if given is None:
        if from_environment := os.environ.get("DBT_PROFILES_DIR"):
            places.append(Path(from_environment))
        else:
            places += [project_dir, Path.home() / ".dbt"]
    for place in places:
        if (place / "profiles.yml").is_file():
            return place
    searched = " nor in ".join(repr(str(place)) for place in places)
    raise ConnectorError(
        f"There is no profiles.yml in {searched}.", hint="Name its folder with profiles_dir=…."
    )


def _yaml(file: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as exc:  # its message quotes lines, which may hold a password
        mark = getattr(exc, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark is not None else ""
        raise ConnectorError(f"{str(file)!r} is not valid YAML{line}.") from None
    if not isinstance(found, dict):
        raise ConnectorError(f"{str(file)!r} is empty, or no mapping.")
    return found


def _rendered(value: Any, variables: Mapping[str, Any], place: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _rendered(item, variables, place) for key, item in value.items()}
    if isinstance(value, list):
        return [_rendered(item, variables, place) for item in value]
    if not isinstance(value, str) or "{" not in value:
        return value

    def env_var(name: str, default: Optional[str] = None) -> str:
        found = os.environ.get(name, default)
        if found is None:
            raise ConnectorError(
                f"The environment variable {name!r} is not set, which the {place} needs.",
                hint=f"Set it, or give it a default: env_var('{name}', '…').",
            )
        return found

    def var(name: str, default: Any = None) -> Any:
        found = variables.get(name, default)
        if found is None:
            raise ConnectorError(f"The variable {name!r} is not set, which the {place} needs.")
        return found

    environment = SandboxedEnvironment(undefined=StrictUndefined)
    environment.globals.update(env_var=env_var, var=var)
    for name in ("as_number", "as_bool", "as_native", "as_text"):
        environment.filters[name] = _unchanged
    try:
        return environment.from_string(value).render()
    except UndefinedError as exc:
        raise ConnectorError(f"The {place} uses what is not known: {exc.message}.") from None
    except TemplateError:  # its message may quote the text
        raise ConnectorError(f"The Jinja in the {place} cannot be read.") from None


def _unchanged(value: Any) -> Any:
    return value


def _by_dbt(
    output: Mapping[str, Any], name: str, variables: Mapping[str, Any]
) -> Optional[dict[str, Any]]:
    """Return the credentials as dbt's adapter reads them; None where it is not installed."""
    try:
        from dbt.adapters.factory import load_plugin
        from dbt.config.renderer import ProfileRenderer
        from dbt_common.context import set_invocation_context
        from dbt_common.exceptions import DbtBaseException
    except ImportError:
        return None
    set_invocation_context(os.environ)  # else env_var() would stay as it is written
    try:
        settings = ProfileRenderer(dict(variables)).render_data(dict(output))
        adapter = str(settings.pop("type"))
        credentials = load_plugin(adapter)
        settings = credentials.translate_aliases(settings)
        found = credentials.from_dict(settings).to_dict()
    except (DbtBaseException, ValueError, KeyError) as exc:
        # No adapter of this type; the message may hold the settings.
        log.debug("dbt did not read the profile %r: %s", name, type(exc).__name__)
        return None
    return {**found, "type": adapter}
