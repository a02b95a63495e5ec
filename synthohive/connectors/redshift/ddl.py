"""The DDL of a copy, from what the catalogue says of each table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from synthohive.connectors.redshift.spelling import SPELLING
from synthohive.ddl.statements import SchemaDdl, Statement, comments_on, keys_of
from synthohive.schema import Column, Metadata, TableConfig

__all__ = ["clone", "table_sql"]

_Facts = Mapping[str, Any]
_STYLES = {0: "EVEN", 1: "KEY", 8: "ALL"}
"""Of PG_CLASS_INFO; what Redshift chooses itself is left to it."""
_CHOSEN = ("", "none", "raw")


def clone(
    metadata: Metadata, columns: Sequence[_Facts], spread: Mapping[str, int]
) -> Optional[SchemaDdl]:
    """Return the tables' DDL; None where the description has other columns.

    Parameters
    ----------
    metadata : Metadata
    columns : sequence of mapping
        Rows of SVV_REDSHIFT_COLUMNS.
    spread : dict of str to int
        The number of each table's distribution style.
    """
    made: dict[str, tuple[Statement, ...]] = {}
    after: list[Statement] = []
    comments: list[Statement] = []
    keys: list[Statement] = []
    for name, config in metadata.tables.items():
        own = {c["column_name"]: c for c in columns if c["table_name"] == name}
        if set(own) != set(config.columns):
            return None
        sql = table_sql(config, own, spread.get(name))
        made[name] = (Statement(sql, name, f"table {name!r}"),)
        unique, foreign = keys_of(config, SPELLING)
        after += unique
        keys += foreign
        comments += comments_on(config, SPELLING)
    return SchemaDdl(made, after=(*after, *comments), keys=tuple(keys))


def table_sql(config: TableConfig, columns: Mapping[str, _Facts], style: Optional[int]) -> str:
    """Return the CREATE TABLE of one table, with all but its keys and comments.

    Parameters
    ----------
    config : TableConfig
    columns : dict of str to mapping
        Their rows of SVV_REDSHIFT_COLUMNS, by name.
    style : int, optional
        Of PG_CLASS_INFO.
    """
    body = ",\n  ".join(_column(config, config.columns[name], columns[name]) for name in columns)
    quote = SPELLING.quote
    end = f" DISTSTYLE {_STYLES[style]}" if style in _STYLES else ""
    spread = [quote(name) for name, facts in columns.items() if facts["distkey"]]
    if spread and style == 1:
        end += f" DISTKEY({', '.join(spread)})"
    places = {name: int(facts["sortkey"] or 0) for name, facts in columns.items()}
    keys = sorted((abs(place), name) for name, place in places.items() if place)
    if keys:
        mixed = any(place < 0 for place in places.values())  # every other one is negative
        kind = "INTERLEAVED" if mixed else "COMPOUND"
        end += f" {kind} SORTKEY({', '.join(quote(name) for _, name in keys)})"
    return f"CREATE TABLE {quote(config.name)} (\n  {body}\n){end}"


def _column(config: TableConfig, column: Column, facts: _Facts) -> str:
    parts = [SPELLING.quote(column.name), str(column.sql_type)]
    if column.identity is not None:
        parts.append(SPELLING.counter(config.name, column, sole_key=False))
    elif column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    encoding = str(facts["encoding"] or "").lower()
    if encoding not in _CHOSEN:
        parts.append(f"ENCODE {encoding}")
    if not column.nullable:
        parts.append("NOT NULL")
    return " ".join(parts)
