"""Columns that never repeat together inside a group, though no constraint says so."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.schema import ColumnKind, TableConfig
from synthohive.tables.joins import group_codes, never_repeat

__all__ = ["CONTRADICTIONS", "told_apart"]

CONTRADICTIONS = 30.0
"""Chance alone would have parted two routes, or repeated a combination, this many times."""
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
    have let the set repeat, too, were its columns independent.

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
    >>> sales = TableConfig(name="sales", columns={
    ...     "dept": {"sql_type": "INTEGER"}, "week": {"sql_type": "INTEGER"}})
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
    known = np.all([each >= 0 for each in places], axis=0)
    code = np.zeros(int(known.sum()), dtype=np.int64)
    for each in places:
        code = np.unique(code * (int(each.max(initial=0)) + 1) + each[known], return_inverse=True)[
            1
        ].reshape(-1)
    return len(code) - (int(code.max(initial=-1)) + 1)


def _is_rule(places: Sequence[IntArray]) -> bool:
    """Whether no row repeats, where chance would repeat some, and no place is needless."""
    if not never_repeat(places, CONTRADICTIONS):
        return False
    without = ([*places[:n], *places[n + 1 :]] for n in range(1, len(places)))
    return len(places) == 2 or all(repeated_rows(some) >= CONTRADICTIONS for some in without)


def _may_tell(config: TableConfig, name: str, rows: pa.Table) -> bool:
    return config.columns[name].kind in _NAMES and not rows.column(name).null_count
