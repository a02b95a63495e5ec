"""What stands in PostgreSQL's columns that rows do not bring and that must hold something.

The empty value is the column's default while the rows are loaded; and a ``tsvector`` that the
source's trigger fills from text is filled from the made-up text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthohive.connectors.postgresql.spelling import SPELLING, literal
from synthohive.ddl.spelling import quote
from synthohive.ddl.statements import Statement
from synthohive.schema import ColumnKind, Metadata

__all__ = ["SEARCH_TRIGGERS", "defaults_while_loading", "drop_defaults", "fill_searches"]

SEARCH_TRIGGERS = """
SELECT c.relname, t.tgargs FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_proc p ON p.oid = t.tgfoid
WHERE n.nspname = :schema AND p.proname = 'tsvector_update_trigger'
    AND p.pronamespace = 'pg_catalog'::regnamespace AND NOT t.tgisinternal
ORDER BY c.relname, t.tgname"""


def defaults_while_loading(
    metadata: Metadata, columns: Mapping[str, Sequence[Any]]
) -> dict[tuple[str, str], str]:
    """Return the SQL of the empty value of each excluded column that needs one.

    Parameters
    ----------
    columns : dict of str to sequence of row
        From the catalogue: table, name, type, NOT NULL, identity, generated, default …
    """
    found = {}
    for table, config in metadata.tables.items():
        for _, name, type_, not_null, identity, generated, default, *_rest in columns[table]:
            brought = identity or generated or default is not None
            if name in config.exclude_columns and not_null and not brought:
                value = SPELLING.empty_value(type_)
                if value is not None:
                    found[table, name] = value
    return found


def drop_defaults(filled: Mapping[tuple[str, str], str]) -> list[Statement]:
    """Return the statements after which the columns are as in the source."""
    return [
        Statement(
            f"ALTER TABLE {quote(table)} ALTER COLUMN {quote(name)} DROP DEFAULT",
            table,
            f"column {name!r}",
        )
        for table, name in filled
    ]


def fill_searches(metadata: Metadata, triggers: Sequence[Any]) -> list[Statement]:
    """Return the statements that fill excluded search columns as the source's triggers do."""
    found = []
    for table, raw in triggers:
        target, language, *texts = [a.decode() for a in bytes(raw).split(b"\0")[:-1]]
        config = metadata.tables.get(table)
        column = None if config is None else config.columns.get(target)
        if config is None or column is None:
            continue
        if target not in config.exclude_columns and column.kind is not ColumnKind.EMPTY:
            continue
        if not texts or not set(texts) <= set(config.stored):
            continue
        joined = " || ' ' || ".join(f"coalesce({quote(text)}::text, '')" for text in texts)
        sql = (
            f"UPDATE {quote(table)} SET {quote(target)} = "
            f"to_tsvector({literal(language)}::regconfig, {joined})"
        )
        found.append(Statement(sql, table, f"search column {target!r}"))
    return found
