"""Orders between a row and a parent that is chosen for it: kept by the choice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa

from synthohive.derive.columns import LEAST_ROWS, Columns, spaced
from synthohive.derive.order import Order
from synthohive.derive.pattern_search import orders_between
from synthohive.tables.ancestors import hstack

__all__ = ["find_bounds", "unbroken"]

MOST = 8
FEW = 1_000


def find_bounds(rows: pa.Table, above: pa.Table, targets: Iterable[str]) -> list[Order]:
    """Return the orders between own columns and those of a parent, the narrowest first.

    Parameters
    ----------
    rows, above : pyarrow.Table
        The table's columns; those of the parent, as ``table.column``.
    targets : iterable of str
        The own columns that are looked at.
    """
    if len(rows) < LEAST_ROWS:
        return []
    columns = Columns(hstack(rows, above), rows.column_names)
    own = [name for name in columns.numeric if name in set(targets)]
    theirs = [name for name in columns.numeric if name in above.column_names]
    if not own or not theirs:
        return []
    spread = spaced(len(rows), FEW)
    found = []
    for target in own:
        for source in theirs:
            gaps = columns.numbers(target)[spread] - columns.numbers(source)[spread]
            if not ((gaps > 0).any() and (gaps < 0).any()):
                found += list(orders_between(columns, target, source))
    found.sort(key=lambda pair: (pair[0], pair[1].target, pair[1].source))
    return [order for _, order in found[:MOST]]


def unbroken(orders: Sequence[Order], batches: Iterable[pa.Table]) -> list[Order]:
    """Return the orders that hold in all rows.

    Parameters
    ----------
    batches : iterable of pyarrow.Table
        All rows of the table beside their parents' columns.
    """
    kept = list(orders)
    for rows in batches:
        kept = [order for order in kept if not order.violations(rows).any()]
    return kept
