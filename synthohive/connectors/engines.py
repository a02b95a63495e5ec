"""Connecting: from what users pass to an engine, with errors that never show a password."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Optional, Union
from urllib.parse import quote, quote_plus

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from synthohive.connectors.registry import (
    ALIASES,
    ENGINES,
    capabilities,
    is_file,
    part,
    supported,
)
from synthohive.exceptions import HARMLESS_SETTINGS, ConnectorError, hide_secrets, hides_values

__all__ = [
    "connecting",
    "failing",
    "own_connection",
    "safe_cause",
    "shown",
    "to_engine",
    "unreachable",
]


def to_engine(url_or_engine: Union[str, URL, Engine]) -> Engine:
    """Return the engine of a URL; nothing is connected to yet.

    Raises
    ------
    ConnectorError
        The URL is malformed, or its driver is not installed.
    """
    if isinstance(url_or_engine, Engine):
        return url_or_engine
    url = _parsed(url_or_engine)
    url = url.set(drivername=ALIASES.get(url.drivername, url.drivername))
    backend = url.get_backend_name()
    facts = capabilities(backend)
    options: dict[str, Any] = {}
    if facts is not None:
        if facts.driver is not None and url.drivername == backend:
            url = url.set(drivername=f"{backend}+{facts.driver}")
        given = {k: v for k, v in facts.connect_args if k not in url.query}
        options |= {"connect_args": given} if given else {}
        if facts.exclusive and url.database not in (None, "", ":memory:"):
            options["poolclass"] = NullPool
    try:
        engine = create_engine(url, hide_parameters=True, **options)
    except (ImportError, NoSuchModuleError) as exc:
        if facts is not None:
            raise ConnectorError.missing_extra(facts.package, facts.extra) from exc
        raise ConnectorError(
            f"There is no driver for {backend!r} databases.",
            hint=f"Supported are {supported()}.",
        ) from exc
    except _login_errors(backend) as exc:
        reason = _without_secrets(str(exc).split("\n")[0], url)
        raise ConnectorError(
            f"The database URL {shown(url)} cannot be used: {reason}."
        ) from safe_cause(exc, url)
    return engine


def _login_errors(backend: str) -> tuple[type[Exception], ...]:
    """Return what is raised where a URL's settings, or the login that they lead to, cannot work."""
    return (*_driver_errors(backend), TypeError, ValueError, OSError)


def _driver_errors(backend: str) -> tuple[type[Exception], ...]:
    """Return what is raised, at any time, by SQLAlchemy and an engine's driver."""
    facts = capabilities(backend)
    found: list[type[Exception]] = [SQLAlchemyError]
    for name in () if facts is None else facts.driver_errors:
        module, _, error = name.rpartition(".")
        found.append(getattr(import_module(module), error))
    return tuple(found)


def _parsed(given: Any) -> URL:
    """Return a URL from its text, which no message repeats: what is malformed may be the secret."""
    problem = "cannot be read"
    if isinstance(given, (str, URL)):
        try:
            url = make_url(given)
        except (ArgumentError, ValueError):
            pass
        else:
            file = is_file(url.get_backend_name())
            if file or isinstance(given, URL) or not _ambiguous(given):
                return url
            problem = "has more than one @"
    else:
        problem = f"is a {type(given).__name__}"
    raise ConnectorError(
        f"The database URL {problem}.",
        hint="Write it as dialect://user:password@host:port/database, and special characters of "
        "user and password as urllib.parse.quote_plus does ('@' as %40).",
    )


def _ambiguous(text: str) -> bool:
    """Whether an @ stands where a password may have been cut in two."""
    user = text.partition("://")[2].partition(":")[0]  # a user's name may have one: ada@server
    return text.count("@") > 1 + (user.count("@") if "/" not in user else 0)


def shown(place: Union[Engine, URL]) -> str:
    """Return a URL without what may be secret: its password, and unknown settings' values."""
    url = place if isinstance(place, URL) else place.url
    known = {k: v if k.lower() in HARMLESS_SETTINGS else "***" for k, v in url.query.items()}
    text = url.set(query=known).render_as_string(hide_password=True)
    return hide_secrets(text.replace("%2A%2A%2A", "***"))


def _secrets(url: URL) -> set[str]:
    """Return the texts that no message may have, however a driver spells them."""
    values = [url.password or ""]
    for name, value in url.query.items():
        if name.lower() not in HARMLESS_SETTINGS:
            values += [value] if isinstance(value, str) else value
    texts = {str(v) for v in values if v}
    return texts | {quote_plus(t) for t in texts} | {quote(t) for t in texts}


def _without_secrets(text: str, url: URL) -> str:
    for secret in sorted(_secrets(url), key=len, reverse=True):
        text = text.replace(secret, "***")
    return hide_secrets(text)


def safe_cause(exc: BaseException, place: Union[Engine, URL]) -> Optional[BaseException]:
    """Return an error to chain; None if it, or what it came from, repeats a secret, or a path."""
    url = place if isinstance(place, URL) else place.url
    seen: list[BaseException] = []
    pending: list[Optional[BaseException]] = [exc]
    while pending:
        error = pending.pop()
        if error is not None and error not in seen:
            text = f"{error} {error.args!r}"
            if _without_secrets(text, url) != text or getattr(error, "filename", None):
                return None
            seen.append(error)
            pending += [error.__cause__, error.__context__]
    return exc


def unreachable(engine: Engine, exc: SQLAlchemyError) -> ConnectorError:
    """Return the error for a server that cannot be connected to."""
    if is_file(engine.dialect.name):
        return file_unreachable(engine, exc)
    reason = _reason(exc, engine)
    return ConnectorError(
        f"The database {shown(engine)} cannot be reached: {reason}.",
        hint=_missing(engine, reason) or "Check host, port, database name and credentials.",
    )


def _missing(engine: Engine, reason: str) -> Optional[str]:
    """Return the GRANT that is missing where an engine says so, or what else is to be done."""
    facts = capabilities(engine.dialect.name)
    return None if facts is None else facts.remedy(reason, f"`{engine.url.database}`")


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
        raise unreachable(engine, exc) from safe_cause(exc, engine)
    except _login_errors(engine.dialect.name) as exc:  # settings a driver does not know, files
        reason = _reason(exc, engine)
        raise ConnectorError(
            f"The database {shown(engine)} cannot be connected to: {reason}.",
            hint=_missing(engine, reason) or "Check the settings after the '?' of the URL.",
        ) from safe_cause(exc, engine)
    with connection, failing(engine, doing):
        yield connection


@contextmanager
def failing(engine: Engine, doing: str) -> Iterator[None]:
    """Turn what the driver raises into a ConnectorError that says what was done."""
    try:
        yield
    except _driver_errors(engine.dialect.name) as exc:
        reason = _reason(exc, engine)
        rights = "Grant SELECT on it, or leave it out with exclude=[…]."
        raise ConnectorError(
            f"The database {shown(engine)} failed while {doing}: {reason}.",
            hint=_missing(engine, reason) or (rights if "denied" in reason else None),
        ) from (None if hides_values(reason) else safe_cause(exc, engine))


def own_connection(engine: Engine, set_up: Callable[[dict[str, Any]], None]) -> Any:
    """Return a connection of the driver's that no pool has or gets back.

    Parameters
    ----------
    engine : sqlalchemy.engine.Engine
    set_up : callable
        Gets the arguments of the driver's ``connect``, to change them.
    """

    def change(dialect: Any, record: Any, args: Any, params: dict[str, Any]) -> None:
        set_up(params)

    event.listen(engine, "do_connect", change)
    try:
        raw = engine.pool.recreate().connect()
    finally:
        event.remove(engine, "do_connect", change)
    connection = raw.driver_connection
    raw.detach()
    return connection


def file_unreachable(engine: Engine, exc: BaseException) -> ConnectorError:
    """Return the error for a database file that cannot be opened."""
    reason = str(getattr(exc, "orig", None) or exc).strip().split("\n")[0].split(". See ")[0]
    reason = _without_secrets(reason, engine.url)
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


def _reason(exc: BaseException, engine: Engine) -> str:
    """Return what the driver says, as the engine's folder has it: without values or secrets."""
    raised, name = getattr(exc, "orig", None) or exc, engine.dialect.name
    if isinstance(raised, OSError) and raised.filename:  # where a key lies is not said
        return f"a file that its settings name cannot be read ({raised.strerror})"
    text = part(name, "read").READER.reason(raised) if name in ENGINES else str(raised)
    return _without_secrets(text.strip().split("\n")[0].rstrip("."), engine.url)
