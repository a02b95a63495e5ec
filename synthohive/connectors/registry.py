"""The engines, a line each: shared code asks here what one can do, and for its parts."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Optional

from synthohive.exceptions import ConnectorError

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from synthohive.connectors.capabilities import Capabilities
    from synthohive.connectors.dialect import Dialect

__all__ = ["ALIASES", "ENGINES", "capabilities", "dialect_for", "is_file", "part", "supported"]

ENGINES = {
    "postgresql": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
    "duckdb": "duckdb",
}
"""From the name of a dialect, as in a URL, to the folder of its engine."""
ALIASES = {"postgres": "postgresql"}
"""What URLs say that SQLAlchemy does not know."""


def supported() -> str:
    """Return the engines' names for a message."""
    *first, last = ENGINES
    return f"{', '.join(first)} and {last}"


def capabilities(dialect: str) -> Optional[Capabilities]:
    """Return what an engine can do; None of one that nobody built."""
    if dialect not in ENGINES:
        return None
    found: Capabilities = import_module(f"{__package__}.{ENGINES[dialect]}").CAPABILITIES
    return found


def is_file(dialect: str) -> bool:
    """Whether a database of an engine is a file, or in memory."""
    facts = capabilities(dialect)
    return facts is not None and facts.is_file


def part(dialect: str, name: str) -> Any:
    """Return a module of an engine's folder, such as ``"read"`` or ``"write"``.

    Raises
    ------
    ConnectorError
        Its driver is not installed.
    """
    engine = f"{__package__}.{ENGINES[dialect]}"
    try:
        return import_module(f"{engine}.{name}")
    except ImportError as exc:
        facts = import_module(engine).CAPABILITIES
        raise ConnectorError.missing_extra(facts.package, facts.extra) from exc


def dialect_for(engine: Engine) -> Dialect:
    """Return the reading half of an engine.

    Raises
    ------
    ConnectorError
        The engine is not supported.
    """
    if engine.dialect.name not in ENGINES:
        raise ConnectorError(
            f"{engine.dialect.name!r} databases are not read by this version.",
            hint=f"Supported are {supported()}.",
        )
    found: Dialect = part(engine.dialect.name, "read").READER(engine)
    return found
