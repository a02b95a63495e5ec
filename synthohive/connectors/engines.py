"""Connecting: from what users pass to an engine, with errors that never show a password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Union

from sqlalchemy import create_engine
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from synthohive.exceptions import ConnectorError

__all__ = ["connecting", "dialect_name", "failing", "file_unreachable", "shown", "to_engine"]

_EXTRAS = {
    "postgresql": ("psycopg2", "postgres"),
    "mysql": ("pymysql", "mysql"),
    "mariadb": ("pymysql", "mysql"),
    "duckdb": ("duckdb-sqlalchemy", "duckdb"),
    "snowflake": ("snowflake-sqlalchemy", "snowflake"),
    "bigquery": ("sqlalchemy-bigquery", "bigquery"),
}
# SQLAlchemy's own choice for a URL without a driver changes between its versions.
_DRIVERS = {
    "postgres": "postgresql+psycopg2",
    "postgresql": "postgresql+psycopg2",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}


def to_engine(url_or_engine: Union[str, URL, Engine]) -> Engine:
    """Return the engine of a URL; nothing is connected to yet.

    Raises
    ------
    ConnectorError
        The URL is malformed, or its driver is not installed.
    """
    if isinstance(url_or_engine, Engine):
        return url_or_engine
    try:
        url = make_url(url_or_engine)
    except ArgumentError:  # its message repeats the text, and with it the password
        raise ConnectorError(
            "The database URL cannot be read.",
            hint="Write it as dialect://user:password@host:port/database.",
        ) from None
    if url.drivername in _DRIVERS:
        url = url.set(drivername=_DRIVERS[url.drivername])
    backend = url.get_backend_name()
    options: dict[str, Any] = {}
    if backend in ("mysql", "mariadb") and "local_infile" not in url.query:
        options["connect_args"] = {"local_infile": True}
    if backend == "duckdb" and url.database not in (None, "", ":memory:"):
        options["poolclass"] = NullPool  # an idle connection locks the file for other processes
    try:
        engine = create_engine(url, **options)
    except (ImportError, NoSuchModuleError) as exc:
        if backend in _EXTRAS:
            raise ConnectorError.missing_extra(*_EXTRAS[backend]) from exc
        raise ConnectorError(
            f"There is no driver for {backend!r} databases.",
            hint="Supported are postgresql, mysql, mariadb, sqlite and duckdb.",
        ) from exc
    return engine


def shown(engine: Engine) -> str:
    """Return the engine's URL without its password."""
    return engine.url.render_as_string(hide_password=True)


def dialect_name(engine: Engine) -> str:
    """Return "postgresql", "mysql", "mariadb", "sqlite" or the dialect's own name."""
    if getattr(engine.dialect, "is_mariadb", False):
        return "mariadb"
    return engine.dialect.name


@contextmanager
def connecting(engine: Engine, doing: str) -> Iterator[Connection]:
    """Connect, and turn whatever the driver raises into an error that says what was done.

    Raises
    ------
    ConnectorError
        The server cannot be reached, refuses the login, or fails.
    """
    try:
        connection = engine.connect()
    except SQLAlchemyError as exc:
        if engine.dialect.name == "duckdb":
            raise file_unreachable(engine, exc) from exc
        raise ConnectorError(
            f"The database {shown(engine)} cannot be reached: {_reason(exc, engine)}.",
            hint="Check host, port, database name and credentials.",
        ) from None  # the driver's text may repeat the password
    with connection, failing(engine, doing):
        yield connection


@contextmanager
def failing(engine: Engine, doing: str) -> Iterator[None]:
    """Turn what the driver raises into an error that says what was done.

    Raises
    ------
    ConnectorError
    """
    try:
        yield
    except SQLAlchemyError as exc:
        raise ConnectorError(
            f"The database {shown(engine)} failed while {doing}: {_reason(exc, engine)}."
        ) from exc


def file_unreachable(engine: Engine, exc: BaseException) -> ConnectorError:
    """Return the error for a DuckDB file that cannot be opened."""
    reason = str(getattr(exc, "orig", None) or exc).strip().split("\n")[0].split(". See ")[0]
    place = f"The database {shown(engine)} cannot be reached"
    if "lock" in reason.lower():
        return ConnectorError(
            f"{place}: it is locked, because another process has it open ({reason.rstrip('.')}).",
            hint="Close it there and run again: only one process at a time may write to it.",
        )
    if "different configuration" in reason:
        return ConnectorError(
            f"{place}: this process has it open with other settings.",
            hint="Close that connection, or pass the engine that is in use instead of a URL.",
        )
    return ConnectorError(f"{place}: {reason.rstrip('.')}.", hint="Check the path.")


def _reason(exc: SQLAlchemyError, engine: Engine) -> str:
    text = str(getattr(exc, "orig", None) or exc).strip().split("\n")[0].rstrip(".")
    password = engine.url.password
    return text.replace(str(password), "***") if password else text
