"""Columns of types that are not read: left out, so that they block nothing."""

from __future__ import annotations

from synthohive._logging import get_logger
from synthohive.schema import ColumnKind, Metadata

__all__ = ["exclude_unsupported"]

log = get_logger(__name__)


def exclude_unsupported(metadata: Metadata) -> None:
    """Exclude the columns whose type is not supported; one log event lists them all.

    Those of a primary key stay, for validation to name: without them rows cannot be told apart.
    """
    found = []
    for table in metadata.tables.values():
        for name, column in table.stored.items():
            kept = name in table.key_columns.union(*table.unique_sets)
            if kept and not column.kind.keyed:
                column.kind = ColumnKind.UNSUPPORTED
            if column.kind is ColumnKind.EMPTY:
                found.append(f"{table.name}.{name} ({column.sql_type}; only NULLs are learned)")
            if column.kind is ColumnKind.UNSUPPORTED and name not in table.pk:
                type_ = column.sql_type or column.arrow or "of no declared type"
                note = f"{type_}; the copy holds its empty value" if column.filled else type_
                found.append(f"{table.name}.{name} ({note})")
                table.exclude(name)
    if found:
        log.warning("columns_excluded", columns=found, reason="their types are not supported")
