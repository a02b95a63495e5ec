"""From the output of a dbt profile to the URL that SQLAlchemy connects by."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Optional, Union

from sqlalchemy.engine import URL

from synthohive import ConnectorError
from synthohive.exceptions import did_you_mean

__all__ = ["ADAPTERS", "connection_url"]

Output = Mapping[str, Any]
PathLike = Union[str, "os.PathLike[str]"]


def connection_url(output: Output, base_dir: Optional[PathLike] = None) -> URL:
    """Return the SQLAlchemy URL of a profile's output.

    Parameters
    ----------
    output : mapping
        One entry of ``outputs:`` in profiles.yml, rendered. Every part goes into the
        URL as it is: passwords may hold ``@``, ``/``, ``:`` and ``#``.
    base_dir : path, optional
        What the paths of files (DuckDB, SQLite) are relative to; the working directory
        if None, as in dbt.

    Raises
    ------
    ConnectorError
        The adapter's type is unknown, or a part is missing.

    Examples
    --------
    >>> output = {"type": "postgres", "host": "db", "user": "me", "password": "a@b/c:d#e",
    ...           "dbname": "shop", "schema": "analytics"}
    >>> connection_url(output)
    postgresql+psycopg2://me:***@db:5432/shop
    >>> connection_url(output).password
    'a@b/c:d#e'
    """
    adapter = str(output.get("type", ""))
    if adapter not in ADAPTERS:
        raise ConnectorError(
            f"dbt profiles of the type {adapter!r} are not known.",
            hint=did_you_mean(adapter, ADAPTERS) + " Or pass a SQLAlchemy engine yourself.",
        )
    return ADAPTERS[adapter](output, Path(base_dir) if base_dir is not None else Path())


def _first(output: Output, *names: str) -> Any:
    """Return the first that is set; dbt's adapters take several names for one thing."""
    return next((output[n] for n in names if output.get(n) not in (None, "")), None)


def _needed(output: Output, *names: str) -> Any:
    found = _first(output, *names)
    if found is None:
        raise ConnectorError(
            f"The dbt profile of the type {output['type']!r} has no {names[0]!r}.",
            hint="Complete it in profiles.yml.",
        )
    return found


def _text(value: Any) -> Optional[str]:
    return None if value is None else str(value)


def _port(output: Output, default: int) -> int:
    value = _first(output, "port")
    try:
        return default if value is None else int(value)
    except (TypeError, ValueError):
        raise ConnectorError(
            "The port in the dbt profile is not a number.", hint="Write it as port: 5432."
        ) from None


def _query(pairs: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in pairs.items() if value not in (None, "")}


def _server(driver: str, port: int) -> Callable[[Output, Path], URL]:
    """Return the maker for the engines that speak PostgreSQL's protocol."""

    def make(output: Output, base: Path) -> URL:
        del base
        options = []
        if path := _first(output, "search_path"):
            options.append(f"-csearch_path={str(path).replace(' ', '')}")
        if role := _first(output, "role"):
            options.append(f"-crole={role}")
        same = ("sslmode", "sslcert", "sslkey", "sslrootcert", "connect_timeout")
        query = {
            **{name: _first(output, name) for name in same},
            "keepalives_idle": _first(output, "keepalives_idle") or None,  # 0: the system's
            "application_name": _first(output, "application_name"),
            "options": " ".join(options),
        }
        return URL.create(
            driver,
            username=_text(_needed(output, "user", "username")),
            password=_text(_first(output, "password", "pass")),
            host=str(_needed(output, "host", "hostname")),
            port=_port(output, port),
            database=str(_needed(output, "dbname", "database")),
            query=_query(query),
        )

    return make


def _mysql(output: Output, base: Path) -> URL:
    del base
    return URL.create(
        "mysql+pymysql",
        username=_text(_needed(output, "username", "user")),
        password=_text(_first(output, "password", "pass")),
        host=str(_needed(output, "server", "host")),
        port=_port(output, 3306),
        database=_text(_first(output, "schema", "database")),
        query=_query({"local_infile": 1, "ssl_ca": _first(output, "ssl_ca")}),
    )


def _snowflake(output: Output, base: Path) -> URL:
    del base
    database, schema = _first(output, "database"), _first(output, "schema")
    return URL.create(
        "snowflake",
        username=_text(_needed(output, "user", "username")),
        password=_text(_first(output, "password", "pass")),
        host=str(_needed(output, "account")),
        database="/".join(str(part) for part in (database, schema) if part) or None,
        query=_query(
            {
                "warehouse": _first(output, "warehouse"),
                "role": _first(output, "role"),
                "authenticator": _first(output, "authenticator"),
                "private_key_file": _first(output, "private_key_path"),
                "private_key_file_pwd": _first(output, "private_key_passphrase"),
                "token": _first(output, "token"),
            }
        ),
    )


def _bigquery(output: Output, base: Path) -> URL:
    keyfile = _first(output, "keyfile")
    return URL.create(
        "bigquery",
        host=str(_needed(output, "project", "database")),
        database=_text(_first(output, "dataset", "schema")),
        query=_query(
            {
                "location": _first(output, "location"),
                "credentials_path": None if keyfile is None else base / str(keyfile),
            }
        ),
    )


def _databricks(output: Output, base: Path) -> URL:
    del base
    return URL.create(
        "databricks",
        username="token",
        password=_text(_first(output, "token")),
        host=str(_needed(output, "host")),
        query=_query(
            {
                "http_path": _needed(output, "http_path"),
                "catalog": _first(output, "catalog", "database"),
                "schema": _first(output, "schema"),
            }
        ),
    )


def _duckdb(output: Output, base: Path) -> URL:
    path = str(_first(output, "path") or ":memory:")
    inside = path == ":memory:" or path.startswith(("md:", "motherduck:"))
    return URL.create("duckdb", database=path if inside else _file(path, base))


def _sqlite(output: Output, base: Path) -> URL:
    paths = _needed(output, "schemas_and_paths")
    schema = str(_first(output, "schema") or "main")
    if schema not in paths:
        raise ConnectorError(
            f"The dbt profile names no file for its schema {schema!r}.",
            hint=did_you_mean(schema, paths),
        )
    return URL.create("sqlite", database=_file(str(paths[schema]), base))


def _file(path: str, base: Path) -> str:
    return str((base / os.path.expanduser(path)).absolute())


ADAPTERS: dict[str, Callable[[Output, Path], URL]] = {
    "postgres": _server("postgresql+psycopg2", 5432),
    "redshift": _server("redshift+psycopg2", 5439),
    "snowflake": _snowflake,
    "bigquery": _bigquery,
    "mysql": _mysql,
    "mysql5": _mysql,
    "mariadb": _mysql,
    "duckdb": _duckdb,
    "sqlite": _sqlite,
    "databricks": _databricks,
}
