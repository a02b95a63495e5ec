"""Look-up tables: the few that are kept as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthohive._arrow import column_from_arrow
from synthohive.schema import ColumnKind, TableConfig

__all__ = ["is_reference"]

_ROWS = 256
_ATTRIBUTES = 4
_PLAIN = frozenset(
    {ColumnKind.TEXT, ColumnKind.CATEGORICAL, ColumnKind.BOOLEAN, ColumnKind.INTEGER}
)


def is_reference(
    table: TableConfig,
    data: pa.Table,
    support: NDArray[np.integer[Any]],
    pii: Mapping[str, Any],
    k: int,
    *,
    parents_are_reference: bool = True,
) -> bool:
    """Tell whether a table describes the world (countries, states), not people.

    ``TableConfig.reference`` decides where it is set. Else every condition must hold: a
    primary key, at most 256 rows, at most four other columns and none of them a date, an
    amount or personal data, every row referred to by at least `k` distinct entities, and
    foreign keys to other such tables only.

    Parameters
    ----------
    data : pyarrow.Table
        The whole table.
    support : array of int
        For each row, the number of distinct entities that refer to it.
    parents_are_reference : bool
        Whether all tables that this one refers to are themselves look-up tables.
    """
    if table.reference is not None:
        return table.reference
    columns = {**{f.name: column_from_arrow(f) for f in data.schema}, **table.columns}
    attributes = [c for name, c in columns.items() if name not in table.key_columns]
    return bool(
        table.pk
        and parents_are_reference
        and 0 < data.num_rows <= _ROWS
        and len(support) == data.num_rows
        and int(np.min(support)) >= k
        and not pii
        and len(attributes) <= _ATTRIBUTES
        and all(column.kind in _PLAIN for column in attributes)
    )
