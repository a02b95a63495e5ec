"""Columns that never repeat together inside a group, though no constraint says so."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.derive.columns import CONTRADICTIONS
from synthohive.schema import ColumnKind, TableConfig
from synthohive.tables.joins import group_codes, joint_codes

__all__ = ["told_apart"]

MOST_COLUMNS = 3
"""That never repeat together only; more are a row, and no name of it."""
MOST_LOOKED_AT = 12
"""Columns of which combinations are looked at: those with most values, which tell most apart."""
HEAD = 5_000
"""Rows, group by group, that are looked at first: nearly all combinations repeat among them."""
_NAMES = frozenset(
    {
        ColumnKind.INTEGER,
        ColumnKind.DATE,
        ColumnKind.TIMESTAMP,
        ColumnKind.TEXT,
        ColumnKind.CATEGORICAL,
        ColumnKind.UUID,
    }
)


def told_apart(
    config: TableConfig, rows: pa.Table, groups: IntArray, out: Collection[str] = ()
) -> list[tuple[str, ...]]:
    """Return the smallest sets of labels and dates that never repeat together inside a group.

    Each column repeats by itself, and is needed: without it, the others do repeat. Chance would
    have let the set repeat, too.

    Parameters
    ----------
    config : TableConfig
    rows : pyarrow.Table
    groups : ndarray of int64, shape (rows,)
        A row with a negative one says nothing.
    out : collection of str
        Columns that are not looked at.

    Returns
    -------
    list of tuple of str
        Of two or three columns; those first that chance would have repeated most often.

    Examples
    --------
    >>> columns = {name: {"name": name, "kind": "integer"} for name in ("dept", "week")}
    >>> sales = TableConfig(name="sales", columns=columns)
    >>> rows = pa.table({"dept": [*range(9)] * 90, "week": [n // 9 % 10 for n in range(810)]})
    >>> told_apart(sales, rows, np.arange(810) // 90)
    [('week', 'dept')]
    """
    codes = {
        name: group_codes([rows], [[name]])[0]
        for name in rows.column_names
        if name not in out and _may_tell(config, name, rows)
    }
    sizes = {name: len(np.unique(code)) for name, code in codes.items()}
    repeating = [name for name, size in sizes.items() if 1 < size <= len(rows) / 2]
    names = sorted(repeating, key=lambda name: -sizes[name])[:MOST_LOOKED_AT]
    head = np.argsort(groups, kind="stable")[:HEAD]
    found: list[tuple[str, ...]] = []
    for count in range(1, MOST_COLUMNS + 1):
        for some in combinations(names, count):
            if any(set(known) <= set(some) for known in found):
                continue
            places = [groups, *(codes[name] for name in some)]
            if repeated_rows([each[head] for each in places]) == 0 and _is_rule(places):
                found.append(some)
    alike = {name: _alike(codes[name]) for name in names}
    return sorted(
        (some for some in found if len(some) > 1),
        key=lambda some: -float(np.prod([alike[name] for name in some])),
    )


def _alike(codes: IntArray) -> float:
    """Return the share of all pairs of rows that have the same."""
    sizes = np.bincount(codes).astype(np.float64)
    return float(sizes @ sizes) / max(len(codes), 1) ** 2


def repeated_rows(places: Sequence[IntArray]) -> int:
    """Return how many rows repeat another one in all places; negative numbers say nothing."""
    code = joint_codes(places)
    return len(code) - (int(code.max(initial=-1)) + 1)


def _is_rule(places: Sequence[IntArray]) -> bool:
    """Whether no row repeats; of several columns, though chance would have let some.

    That is, of rows that are equal in all others, so many as any two rows of a group are equal in
    the last one, whichever of the columns that is.
    """
    if repeated_rows(places):
        return False
    if len(places) == 2:
        return True
    groups, columns = places[0], places[1:]
    inside = max(_pairs([groups]), 1.0)
    chance = (
        _pairs([groups, *columns[:n], *columns[n + 1 :]]) * _pairs([groups, column]) / inside
        for n, column in enumerate(columns)
    )
    return max(chance) >= CONTRADICTIONS


def _pairs(places: Sequence[IntArray]) -> float:
    """Return how many pairs of rows are equal in all places."""
    sizes = np.bincount(joint_codes(places)).astype(np.float64)
    return float((sizes * (sizes - 1)).sum() / 2)


def _may_tell(config: TableConfig, name: str, rows: pa.Table) -> bool:
    return config.columns[name].kind in _NAMES and not rows.column(name).null_count
