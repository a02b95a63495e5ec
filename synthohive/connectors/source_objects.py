"""Views, materialised views and triggers of a source: what was asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Optional, get_args

from synthohive.connectors.registry import part
from synthohive.ddl.statements import SchemaObject
from synthohive.io.base import Include

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

__all__ = ["KINDS", "objects_of"]

KINDS: dict[str, str] = dict(zip(get_args(Include), ("views", "materialised views", "triggers")))
"""What a user may ask for, and what summaries call it."""


def objects_of(
    source: Engine,
    schema: Optional[str],
    include: Collection[str],
    tables: Collection[str],
    beside: Sequence[str] = (),
) -> list[SchemaObject]:
    """Return what was asked for, views before triggers.

    Parameters
    ----------
    source : sqlalchemy.engine.Engine
    schema : str, optional
    include : collection of str
        Of :data:`KINDS`.
    tables : collection of str
        Those of the copy; triggers of others are left out.
    beside : sequence of str
        Schemas that are cloned together with it.
    """
    if not include:
        return []
    with source.connect() as connection:
        found = part(source.dialect.name, "views").objects(connection, schema, tables, beside)
        connection.rollback()
    kinds = [KINDS[word] for word in include]
    return [thing for thing in found if thing.kind in kinds]
