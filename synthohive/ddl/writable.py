"""What of a description another engine can have: all but excluded columns of foreign types."""

from __future__ import annotations

import re

from synthohive._logging import get_logger
from synthohive.ddl.expressions import portable_default
from synthohive.schema import ColumnKind, Metadata, TableConfig

__all__ = ["writable"]

log = get_logger(__name__)


def writable(metadata: Metadata, *, native: bool) -> Metadata:
    """Return a description without what only the source's own DDL can make.

    These are excluded columns of unsupported types, with the indexes, UNIQUEs and CHECKs over
    them. No row has a value for them, so that nothing is lost but the empty column; a log
    event lists them. An excluded column whose default another engine does not know becomes
    nullable.
    """
    result, left = metadata, []
    for name, table in metadata.tables.items():
        out = {c for c in table.exclude_columns if _foreign(table, c)}
        open_ = {c for c in table.exclude_columns if not native and not _has_default(table, c)}
        open_ -= out
        if not out | open_:
            continue
        if result is metadata:
            result = metadata.model_copy(deep=True)
        _leave_out(result.tables[name], out, open_)
        left += [f"{name}.{column}" for column in sorted(out)]
    if left:
        log.warning("columns_not_portable", columns=left)
    return result


def _foreign(table: TableConfig, name: str) -> bool:
    column = table.columns.get(name)
    return column is not None and column.kind is ColumnKind.UNSUPPORTED


def _has_default(table: TableConfig, name: str) -> bool:
    column = table.columns.get(name)
    return column is None or (
        column.default is not None and portable_default(column.default) is not None
    )


def _leave_out(table: TableConfig, out: set[str], open_: set[str]) -> None:
    table.columns = {
        name: column.model_copy(update={"nullable": True}) if name in open_ else column
        for name, column in table.columns.items()
        if name not in out
    }
    table.exclude_columns = [name for name in table.exclude_columns if name not in out]
    table.unique = [u for u in table.unique if out.isdisjoint(u.columns)]
    table.indexes = [
        i
        for i in table.indexes
        if out.isdisjoint(i.columns) and not (i.definition and _names(i.definition, out))
    ]
    table.checks = [c for c in table.checks if not _names(c.sqltext, out)]


def _names(sql: str, columns: set[str]) -> bool:
    """Whether SQL names one of the columns, quoted or not."""
    return any(re.search(rf"(?<!\w){re.escape(c)}(?!\w)", sql, re.IGNORECASE) for c in columns)
