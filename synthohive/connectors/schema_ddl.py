"""The DDL of the synthetic schema: the source's own, or a portable mapping of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Optional

from synthohive._logging import get_logger
from synthohive.connectors.registry import dialect_name, part, spelling
from synthohive.ddl.portable import portable_ddl
from synthohive.ddl.statements import (
    PROVENANCE_TABLE,
    SchemaDdl,
)
from synthohive.exceptions import ConnectorError

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect, Engine

    from synthohive.schema import Metadata

__all__ = ["build_ddl"]

log = get_logger(__name__)


def build_ddl(
    metadata: Metadata,
    dialect: Dialect,
    *,
    source: Optional[Engine] = None,
    source_schema: Optional[str] = None,
    beside: Sequence[str] = (),
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
        ddl: Optional[SchemaDdl] = part(dialect.name, "ddl").clone(
            metadata, source, source_schema, beside
        )
        if ddl is not None:
            return ddl
        log.warning("description_differs_from_source", schema=source_schema)
    name = dialect_name(dialect)
    native = metadata.dialect == name
    return portable_ddl(metadata, dialect, spelling(name), native=native, all_keys=source is None)
