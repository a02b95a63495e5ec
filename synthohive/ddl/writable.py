"""What of a description another engine can have: all but excluded columns of foreign types."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Optional

from synthohive._logging import get_logger
from synthohive.schema import ColumnKind, Metadata, TableConfig

__all__ = ["writable"]

log = get_logger(__name__)


def writable(metadata: Metadata, default: Optional[Callable[..., Any]]) -> Metadata:
    """Return a description without what only the source's own DDL can make.

    These are excluded columns of unsupported types, with the indexes, UNIQUEs and CHECKs over
    them. No row has a value for them, so that nothing is lost but the empty column; a log
    event lists them. An excluded column whose default another engine does not know becomes
    nullable.

    Parameters
    ----------
    metadata : Metadata
    default : callable, optional
        Returns a column's (of a table) default in another engine; None where it is the same.
    """
    result, left = metadata, []
    for name, table in metadata.tables.items():
        out = {c for c in table.exclude_columns if _foreign(table, c)}
        unset = table.exclude_columns if default is not None else ()
        open_ = {c for c in unset if not _has_default(table, c, default)}
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


def _has_default(table: TableConfig, name: str, default: Any) -> bool:
    column = table.columns.get(name)
    return column is None or (column.default is not None and default(table, column) is not None)


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
