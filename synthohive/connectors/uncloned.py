"""What a source holds beside its tables, and a copy does not have."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection

from synthohive.connectors.registry import capabilities

__all__ = ["not_cloned"]


def not_cloned(
    connection: Connection, schema: str, tables: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Return the names of what is not cloned, by kind; of tables, only those that were learned.

    Views, triggers, functions, policies and grants. A kind whose names are those of tables
    (``"grants"``) is a property of these.

    Parameters
    ----------
    connection : sqlalchemy.engine.Connection
    schema : str
    tables : collection of str
        Those that were learned, by their names in the schema.
    """
    known = capabilities(connection.dialect.name)
    query = None if known is None else known.not_cloned
    found: dict[str, list[str]] = {}
    rows: Any = [] if query is None else connection.execute(text(query), {"schema": schema})
    for kind, name, table in rows:
        if table is None or table in tables:
            found.setdefault(str(kind), []).append(str(name))
    return {kind: tuple(dict.fromkeys(names)) for kind, names in found.items()}
