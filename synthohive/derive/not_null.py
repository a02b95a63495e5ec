"""NOT NULL is law: the one place through which derived and repaired values go.

A value may follow from a parent that has none (a bound, a copy, a sum over no child). Where the
column forbids NULL, it keeps the value that it had before, or takes that of another row.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.derive.presence import donors
from synthohive.schema import Column
from synthohive.tables.ancestors import with_column
from synthohive.tables.numbers import nulls

__all__ = ["never_null", "none_null"]


def never_null(column: Column, array: Any, before: Optional[Any], rng: np.random.Generator) -> Any:
    """Return the values of a column without a NULL, if it must not hold any.

    Parameters
    ----------
    before : array, optional
        What the column held, which comes first; else values of other rows are drawn.
    """
    if column.nullable or not array.null_count:
        return array
    if before is not None:
        array = pc.coalesce(array, before.cast(array.type))
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if not array.null_count:
        return array
    if array.null_count < len(array):
        return array.take(pa.array(donors(array, nulls(array), rng)))
    values = column.enum_values or []
    if values:
        chosen = rng.integers(0, len(values), len(array))
        return pa.array(values).cast(array.type).take(pa.array(chosen))
    return pa.repeat(_neutral(array.type), len(array))


def _neutral(type_: pa.DataType) -> pa.Scalar:
    """Return a value that any column of a type may hold, where no row shows one."""
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return pa.scalar("", type_)
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        return pa.scalar(b"", type_)
    if pa.types.is_decimal(type_):
        return pa.scalar(Decimal(0), type_)
    if pa.types.is_temporal(type_):
        return pa.array([0], pa.int32() if type_.bit_width == 32 else pa.int64()).cast(type_)[0]
    return pa.array([0]).cast(type_)[0]


def none_null(
    columns: Mapping[str, Column], before: pa.Table, after: pa.Table, rng: np.random.Generator
) -> pa.Table:
    """Return rows after a change, without a NULL in a column that must not hold any.

    Parameters
    ----------
    columns : mapping of str to Column
        Those that are looked at.
    before, after : pyarrow.Table
    rng : numpy.random.Generator
    """
    for name in after.column_names:
        if name in columns and after.column(name).null_count:
            old = before.column(name) if name in before.column_names else None
            array = never_null(columns[name], after.column(name), old, rng)
            after = with_column(after, name, array)
    return after
