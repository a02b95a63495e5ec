"""A catalogue that answers from recorded rows, for engines that no server here stands in for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from sqlalchemy import Engine

from synthohive.connectors.dialect import dialect_for
from synthohive.connectors.reflection import _Description
from synthohive.schema import Metadata

__all__ = ["Row", "Rows", "recorded"]

Rows = dict[str, tuple[tuple[str, ...], list[tuple[Any, ...]]]]
"""By query: the names of its columns, and its rows."""


class Row(tuple):  # type: ignore[type-arg]
    """A recorded row, which SQLAlchemy's are like."""

    _mapping: dict[str, Any]


def recorded(engine: Engine, known: Rows, schema: str, **more: Any) -> tuple[Any, Metadata]:
    """Return the engine's catalogue over recorded rows, and the description that follows.

    Parameters
    ----------
    engine : sqlalchemy.engine.Engine
        Nothing is connected to.
    known : Rows
    schema : str
    **more
        Further methods of the catalogue that are answered otherwise.
    """
    dialect = dialect_for(engine)

    def rows(self: Any, sql: str, **parameters: Any) -> list[Any]:
        names, found = known[sql]
        answers = []
        for values in found:
            row = Row(values)
            row._mapping = dict(zip(names, values))
            answers.append(row)
        return answers

    kind = type("Recorded", (dialect.CATALOGUE,), {"rows": rows, **more})
    nothing: Any = SimpleNamespace()
    catalogue: Any = kind(nothing, dialect.quote)
    names = catalogue.get_table_names(schema)
    told = _Description(nothing, catalogue, dialect, schema, names)
    metadata = Metadata(schema_name=schema, dialect=engine.dialect.name)
    for name in names:
        metadata.tables[name] = told.table(name)
    catalogue.amend(metadata)
    return catalogue, metadata
