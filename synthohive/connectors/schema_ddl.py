"""What makes a copy: the source's own DDL or a portable mapping of it, and what was asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Optional, get_args

from synthohive._logging import get_logger
from synthohive.connectors.dialect import dialect_for
from synthohive.connectors.registry import UNNAMED, dialect_name, spelling
from synthohive.ddl.portable import portable_ddl
from synthohive.ddl.statements import PROVENANCE_TABLE, SchemaDdl, SchemaObject
from synthohive.exceptions import ConnectorError
from synthohive.io.base import Include

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect, Engine

    from synthohive.schema import Metadata

__all__ = ["build_ddl", "objects_of"]

log = get_logger(__name__)
_KINDS: dict[str, str] = dict(zip(get_args(Include), ("views", "materialised views", "triggers")))
"""What a user may ask for, and what summaries call it."""


def build_ddl(
    metadata: Metadata,
    dialect: Dialect,
    *,
    source: Optional[Engine] = None,
    source_schema: Optional[str] = None,
    beside: Sequence[str] = (),
    target: Optional[Engine] = None,
) -> SchemaDdl:
    """Return the statements that make `metadata`'s tables in an engine.

    Where source and target are the same engine the source's catalogue is asked, so
    that every type, default and constraint is the source's own text. Else, and where
    the description was edited, types are mapped by what the columns hold.

    Parameters
    ----------
    metadata : Metadata
    dialect : sqlalchemy.engine.Dialect
        Of the target.
    source : sqlalchemy.engine.Engine, optional
        Where the description was reflected from.
    source_schema : str, optional
        Its schema; the connection's default schema where None.
    beside : sequence of str
        Schemas that are cloned together with it, whose types its columns may have.
    target : sqlalchemy.engine.Engine, optional
        Asked whether it reads what is translated for it; nothing is written.

    Raises
    ------
    ConnectorError
        A column has a type that the target cannot hold, or a name is reserved.
    """
    if PROVENANCE_TABLE in metadata.tables:
        raise ConnectorError(
            f"The table name {PROVENANCE_TABLE!r} is reserved for SynthoHive's own note.",
            hint="Leave the table out with exclude=[…], or rename it.",
        )
    if source is not None and dialect_name(source.dialect) == dialect_name(dialect):
        with dialect_for(source).asking() as catalogue:
            place = source_schema or catalogue.default_schema_name
            ddl: Optional[SchemaDdl] = catalogue.clone(metadata, place, beside)
        if ddl is not None:
            return ddl
        log.warning("description_differs_from_source", schema=source_schema)
    name = dialect_name(dialect)
    if metadata.dialect == name:
        return portable_ddl(metadata, dialect, spelling(name), all_keys=source is None)
    written = spelling(metadata.dialect or UNNAMED)
    with nullcontext(None) if target is None else dialect_for(target).reading() as asked:
        return portable_ddl(
            metadata, dialect, spelling(name), source=written, all_keys=source is None, asked=asked
        )


def objects_of(
    source: Engine,
    schema: Optional[str],
    include: Collection[str],
    tables: Collection[str],
    beside: Sequence[str],
) -> list[SchemaObject]:
    """Return the views and triggers that were asked for, views first.

    Parameters
    ----------
    source : sqlalchemy.engine.Engine
    schema : str, optional
        The connection's default schema where None.
    include : collection of {"views", "materialized_views", "triggers"}
    tables, beside
        As of :meth:`Catalogue.objects`.
    """
    kinds = [_KINDS[word] for word in include]
    if not kinds:
        return []
    with dialect_for(source).asking() as catalogue:
        found = catalogue.objects(schema or catalogue.default_schema_name, tables, beside)
        return [thing for thing in found if thing.kind in kinds]
