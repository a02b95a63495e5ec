"""DuckDB's own DDL: each table's columns and constraints as its catalogue keeps them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Optional

from synthohive.connectors.duckdb.catalogue import indexes, statements
from synthohive.connectors.duckdb.spelling import SPELLING
from synthohive.connectors.duckdb.text import first_name, is_constraint
from synthohive.ddl.spelling import quote
from synthohive.ddl.statements import (
    SchemaDdl,
    Statement,
    comments_on,
    declared_keys,
    items,
    label,
    reference,
)

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from synthohive.schema import Metadata

__all__ = ["clone"]

_FOREIGN_KEY = re.compile(r"\s*FOREIGN\s+KEY\b", re.IGNORECASE)
_INDEX_PLACE = re.compile(r'(\sON\s+)(?:(?:"(?:[^"]|"")+"|\w+)\.)+', re.IGNORECASE)


def clone(
    metadata: Metadata, source: Engine, schema: Optional[str], beside: Sequence[str] = ()
) -> Optional[SchemaDdl]:
    """Return the DDL of the tables; None where the description differs from the catalogue.

    Parameters
    ----------
    metadata : Metadata
        The tables to make, in their order.
    source : sqlalchemy.engine.Engine
        Whose catalogue is read.
    schema : str, optional
        Of the source; the connection's current one if None.
    beside : sequence of str
        Not used.
    """
    with source.connect() as connection:
        place = str(schema or connection.exec_driver_sql("SELECT current_schema()").scalar())
        creates, found_indexes = statements(connection, place), indexes(connection, place)
    tables: dict[str, tuple[Statement, ...]] = {}
    for name, config in metadata.tables.items():
        # The catalogue's text leaves out a key to the table itself; none is taken from it.
        parts = [i for i in items(creates.get(name, "")) if i and not _FOREIGN_KEY.match(i)]
        if {first_name(i) for i in parts if not is_constraint(i)} != set(config.columns):
            return None
        parts += [  # DuckDB has no ON DELETE and no names
            reference(fk, quote, quote(fk.parent)) for fk in config.foreign_keys if fk.declared
        ]
        body = ",\n  ".join(parts)
        sql = f"CREATE TABLE {quote(name)} (\n  {body}\n)"
        tables[name] = (Statement(sql, name, f"table {name!r}"),)
    after = [
        Statement(_INDEX_PLACE.sub(r"\1", sql.rstrip("; "), count=1), table, label("index", name))
        for table, name, _, sql in found_indexes
        if table in metadata.tables
    ]
    return SchemaDdl(
        tables=tables,
        after=(*after, *(s for t in metadata.tables.values() for s in comments_on(t, SPELLING))),
        enforced=declared_keys(metadata),
    )
