"""Columns that may hold only some values, which the schema itself lists."""

from __future__ import annotations

from typing import Any, Optional

import pyarrow as pa

from synthohive.constrain.sql_expressions import compile_check
from synthohive.schema import Column, ColumnKind, TableConfig

__all__ = ["listed_values"]


def listed_values(
    table: TableConfig, data: pa.Table, dialect: Optional[str]
) -> dict[str, list[Any]]:
    """Return the only values that columns of unique sets may hold, where the schema lists them.

    Parameters
    ----------
    table : TableConfig
    data : pyarrow.Table
        Real rows: the constants of a CHECK are a list only if they hold nothing else.
    dialect : str, optional
        In whose SQL the CHECKs are written; see :func:`compile_check`.

    Returns
    -------
    dict of str to list
        By column: both booleans, the labels of an enumeration, or the constants of a CHECK.
    """
    unique = {c for columns in table.unique_sets for c in columns if c in table.stored}
    found = {c: _labels(table, table.columns[c], data, dialect) for c in sorted(unique)}
    return {c: labels for c, labels in found.items() if labels is not None}


def _labels(
    table: TableConfig, column: Column, data: pa.Table, dialect: Optional[str]
) -> Optional[list[Any]]:
    """Return the only values that a column may hold, where the schema lists them."""
    if column.kind is ColumnKind.BOOLEAN:
        return [False, True]
    if column.enum_values is not None:
        return list(column.enum_values)
    real = set(data.column(column.name).drop_null().unique().to_pylist())
    for stated in table.checks:
        check = compile_check(stated.sqltext, dialect, table.columns)
        if check is None or check.columns != {column.name} or check.comparisons:
            continue
        if real <= set(check.constants):  # as in CHECK (x IN ('a', 'b'))
            return list(check.constants)
    return None
