"""The engines, a line each: shared code asks here what one can do, and for its parts."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Optional

from synthohive.exceptions import ConnectorError

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect as SqlDialect

    from synthohive.connectors.capabilities import Capabilities
    from synthohive.ddl.spelling import Spelling

__all__ = [
    "ALIASES",
    "ENGINES",
    "UNNAMED",
    "capabilities",
    "choosing",
    "dialect_name",
    "is_file",
    "part",
    "register",
    "spelling",
    "supported",
]

ENGINES = {
    "postgresql": "synthohive.connectors.postgresql",
    "mysql": "synthohive.connectors.mysql",
    "mariadb": "synthohive.connectors.mysql",
    "sqlite": "synthohive.connectors.sqlite",
    "duckdb": "synthohive.connectors.duckdb",
    "bigquery": "synthohive.connectors.bigquery",
    "snowflake": "synthohive.connectors.snowflake",
    "redshift": "synthohive.connectors.redshift",
    "mssql": "synthohive.connectors.mssql",
    "databricks": "synthohive.connectors.databricks",
    "oracle": "synthohive.connectors.oracle",
    "spark": "synthohive.connectors.spark",
}
"""From the name of a dialect, as in a URL, to the folder of its engine."""
ALIASES = {"postgres": "postgresql"}
"""What URLs say that SQLAlchemy does not know."""
UNNAMED = "postgresql"
"""Whose SQL a description is in that names no dialect."""


def register(dialect: str, package: str) -> None:
    """Add an engine of another distribution.

    Parameters
    ----------
    dialect : str
        As SQLAlchemy calls it, and as URLs begin.
    package : str
        Full name of the package with its parts; CONTRIBUTING.md lists them.

    Examples
    --------
    >>> register("duckdb", "synthohive.connectors.duckdb")
    """
    ENGINES[dialect] = package


def supported() -> str:
    """Return the engines' names for a message."""
    *first, last = ENGINES
    return f"{', '.join(first)} and {last}"


def capabilities(dialect: str) -> Optional[Capabilities]:
    """Return what an engine can do; None of one that nobody built."""
    if dialect not in ENGINES:
        return None
    found: Capabilities = import_module(ENGINES[dialect]).CAPABILITIES
    return found


def choosing() -> list[str]:
    """Return the engines of which single rows can be named, so that a subset can be chosen."""
    facts = {name: capabilities(name) for name in ENGINES}
    return [n for n, c in facts.items() if c is not None and c.asking and c.asking.literals]


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
    try:
        return import_module(f"{ENGINES[dialect]}.{name}")
    except ImportError as exc:
        if (exc.name or "").partition(".")[0] in ("synthohive", ENGINES[dialect].partition(".")[0]):
            raise  # the engine's own fault: nothing that could be installed is missing
        facts = import_module(ENGINES[dialect]).CAPABILITIES
        raise ConnectorError.missing_extra(facts.package, facts.extra) from exc


def spelling(dialect: Optional[str]) -> Spelling:
    """Return how an engine writes; the plainest SQL, which is not read, of one nobody built.

    Examples
    --------
    >>> spelling("mysql").quote("a`b"), spelling("db2").quote("a")
    ('`a``b`', '"a"')
    """
    from synthohive.ddl.spelling import Spelling  # SQLAlchemy is slow to import

    found: Spelling = part(dialect, "spelling").SPELLING if dialect in ENGINES else Spelling()
    return found


def dialect_name(dialect: SqlDialect) -> str:
    """Return the name under which descriptions know a dialect: that of a variant, if it is one."""
    facts = capabilities(dialect.name)
    variants = {} if facts is None else dict(facts.variants)
    return next((n for mark, n in variants.items() if getattr(dialect, mark, False)), dialect.name)
