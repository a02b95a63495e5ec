"""The DDL of a copy, from what the catalogue says of each table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from synthohive._logging import get_logger
from synthohive.connectors.snowflake.spelling import SPELLING
from synthohive.ddl.statements import SchemaDdl, Statement, comments_on, keys_of
from synthohive.schema import Column, Metadata, TableConfig

__all__ = ["clone", "table_sql"]

log = get_logger(__name__)
_SEQUENCE = re.compile(r"\.\s*NEXTVAL\b|\bNEXTVAL\s*\(", re.IGNORECASE)
_CLUSTERED = re.compile(r"\s*LINEAR\s*(\(.*\))\s*", re.IGNORECASE | re.DOTALL)
_Facts = Mapping[str, Any]


def clone(
    metadata: Metadata, tables: Sequence[_Facts], columns: Sequence[_Facts]
) -> Optional[SchemaDdl]:
    """Return the tables' DDL; None where the description has other columns.

    GET_DDL would name the source's schema in defaults and keys, and begin counters anew.

    Parameters
    ----------
    metadata : Metadata
    tables, columns : sequence of mapping
        Rows of INFORMATION_SCHEMA.TABLES and COLUMNS.
    """
    of_table = {t["table_name"]: t for t in tables}
    made: dict[str, tuple[Statement, ...]] = {}
    after: list[Statement] = []
    keys: list[Statement] = []
    for name, config in metadata.tables.items():
        own = {c["column_name"]: c for c in columns if c["table_name"] == name}
        if set(own) != set(config.columns) or name not in of_table:
            return None
        sql = table_sql(config, own, of_table[name])
        made[name] = (Statement(sql, name, f"table {name!r}"),)
        after += comments_on(config, SPELLING)
        keys += keys_of(config, SPELLING)[1]
    return SchemaDdl(made, after=tuple(after), keys=tuple(keys))


def table_sql(config: TableConfig, columns: Mapping[str, _Facts], facts: _Facts) -> str:
    """Return the CREATE TABLE of one table, with all but its foreign keys and comments.

    Parameters
    ----------
    config : TableConfig
    columns : dict of str to mapping
        Their rows of INFORMATION_SCHEMA.COLUMNS, by name.
    facts : mapping
        The table's row of INFORMATION_SCHEMA.TABLES.
    """
    quote = SPELLING.quote
    parts = [_column(config.name, config.columns[name], columns[name]) for name in columns]
    if config.pk:
        parts.append(f"PRIMARY KEY ({', '.join(map(quote, config.pk))})")
    for unique in config.unique:
        named = f"CONSTRAINT {quote(unique.name)} " if unique.name else ""
        parts.append(f"{named}UNIQUE ({', '.join(map(quote, unique.columns))})")
    body = ",\n  ".join(parts)
    kind = "TRANSIENT TABLE" if facts.get("is_transient") == "YES" else "TABLE"
    clustered = _CLUSTERED.fullmatch(facts.get("clustering_key") or "")
    end = f" CLUSTER BY {clustered[1]}" if clustered else ""
    return f"CREATE {kind} {quote(config.name)} (\n  {body}\n){end}"


def _column(table: str, column: Column, facts: _Facts) -> str:
    parts = [SPELLING.quote(column.name), str(column.sql_type)]
    if facts.get("collation_name"):
        parts.append(f"COLLATE {SPELLING.literal(facts['collation_name'])}")
    if not column.nullable:
        parts.append("NOT NULL")
    if column.identity is not None and facts["is_identity"] == "YES":
        parts.append(SPELLING.counter(table, column, sole_key=False))
    elif column.default is not None and _SEQUENCE.search(column.default):
        log.warning("counter_left_out", table=table, column=column.name, default=column.default)
    elif column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    return " ".join(parts)
