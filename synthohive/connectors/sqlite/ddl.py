"""SQLite's own DDL, as its catalogue keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Optional

from synthohive.ddl.statements import SchemaDdl, Statement, declared_keys, label

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from synthohive.schema import Metadata

__all__ = ["clone"]


def clone(
    metadata: Metadata, source: Engine, schema: Optional[str], beside: Sequence[str] = ()
) -> Optional[SchemaDdl]:
    """Return the DDL of the tables; None where the description differs from the file.

    Parameters
    ----------
    metadata : Metadata
        The tables to make, in their order.
    source : sqlalchemy.engine.Engine
        Whose file is read.
    schema : str, optional
        The name of an attached file; the main one if None.
    beside : sequence of str
        Not used: a copy is one file.
    """
    quote = source.dialect.identifier_preparer.quote_identifier
    catalogue = f"{quote(schema or 'main')}.sqlite_master"
    with source.connect() as connection:
        rows: Sequence[Any] = connection.exec_driver_sql(
            f"SELECT type, name, tbl_name, sql FROM {catalogue} "
            "WHERE sql IS NOT NULL ORDER BY rowid"
        ).all()
        columns = {
            name: {
                row[1]
                for row in connection.exec_driver_sql(
                    f"PRAGMA {quote(schema or 'main')}.table_xinfo({quote(name)})"
                )
            }
            for kind, name, _, _ in rows
            if kind == "table" and name in metadata.tables
        }
    creates = {name: sql for kind, name, _, sql in rows if kind == "table"}
    for name, table in metadata.tables.items():
        if name not in creates or set(table.columns) != columns[name]:
            return None
    return SchemaDdl(
        tables={
            name: (Statement(creates[name], name, f"table {name!r}"),) for name in metadata.tables
        },
        after=tuple(
            Statement(sql, table, label("index", name))
            for kind, name, table, sql in rows
            if kind == "index" and table in metadata.tables
        ),
        enforced=declared_keys(metadata),
    )
