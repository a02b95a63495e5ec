"""What is particular about reading each engine."""

from __future__ import annotations

from sqlalchemy.engine import Engine

from synthohive.connectors.dialects.base import Dialect
from synthohive.exceptions import ConnectorError

__all__ = ["Dialect", "dialect_for"]


def dialect_for(engine: Engine) -> Dialect:
    """Return the reading half of an engine.

    Raises
    ------
    ConnectorError
        The engine is not supported.
    """
    from synthohive.connectors.dialects.duckdb import DuckDB
    from synthohive.connectors.dialects.mysql import MySQL
    from synthohive.connectors.dialects.postgresql import PostgreSQL
    from synthohive.connectors.dialects.sqlite import SQLite

    known: dict[str, type[Dialect]] = {
        "postgresql": PostgreSQL,
        "mysql": MySQL,
        "mariadb": MySQL,
        "sqlite": SQLite,
        "duckdb": DuckDB,
    }
    if engine.dialect.name not in known:
        raise ConnectorError(
            f"{engine.dialect.name!r} databases are not read by this version.",
            hint="Supported are postgresql, mysql, mariadb, sqlite and duckdb.",
        )
    return known[engine.dialect.name](engine)
