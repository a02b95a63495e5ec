"""Panels: what never repeats below a parent though nothing says so, and what is followed there.

Keys are searched by a test of its own, by shuffling: a measure that shared the search by which a
copy was made (``constrain/unique_search.py``) would not see what that one misses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats, IntArray
from synthohive.metrics.distances import ks_of_numbers
from synthohive.metrics.harmonise import Tables
from synthohive.metrics.joins import (
    attributes,
    numbered,
    parent_rows,
    read_tables,
    rows_of,
    series_of,
)
from synthohive.schema import ForeignKey, Metadata

__all__ = ["NaturalKey", "PanelScore", "natural_key", "panel_scores"]

_MOST_COLUMNS = 3  # beside the key
_MOST_CANDIDATES = 12  # that repeat least: sets of three of them are 298
_LEAST_REPEATS = 30  # that chance would make, and no row makes


@dataclass(frozen=True)
class NaturalKey:
    """Columns that never repeat together below a parent.

    Attributes
    ----------
    columns : tuple of str
        Besides those of the key to the parent.
    order : str, optional
        The one that goes on in time: a date, a time, or a whole number, that which makes the
        longest series.
    within : tuple of str
        All others, of which each combination is a series of its own: a sub-entity.
    expected : float
        Repeats that there would be if one column were shuffled below each parent.

    Examples
    --------
    >>> NaturalKey(("dept", "week"), "week", ("dept",), 120.0).within
    ('dept',)
    """

    columns: tuple[str, ...]
    order: Optional[str]
    within: tuple[str, ...]
    expected: float


@dataclass(frozen=True)
class PanelScore:
    """Whether a copy keeps a natural key, and what is followed below each parent.

    Attributes
    ----------
    table : str
    key : str
        The label of the key to the parent.
    natural_key : NaturalKey
    real_repeats, synthetic_repeats : float
        Share of rows that repeat another.
    real_entities, synthetic_entities : float
        Mean number of sub-entities of a parent, of those that have any.
    entities_ks : float
        Kolmogorov-Smirnov distance of these numbers.
    lengths_ks : float
        The same of the rows of a sub-entity.

    Examples
    --------
    >>> key = NaturalKey(("week",), "week", (), 50.0)
    >>> score = PanelScore("sales", "sales(shop) -> shops(id)", key, 0.0, 0.1, 1.0, 1.0, 0.0, 0.2)
    >>> score.synthetic_repeats
    0.1
    """

    table: str
    key: str
    natural_key: NaturalKey
    real_repeats: float
    synthetic_repeats: float
    real_entities: float
    synthetic_entities: float
    entities_ks: float
    lengths_ks: float


def natural_key(
    tables: Tables, metadata: Metadata, child: str, key: ForeignKey
) -> Optional[NaturalKey]:
    """Find columns that, with a key to a parent, never repeat.

    Of all smallest sets of up to three columns whose values never repeat below a parent, that
    with the most repeats to be expected by chance, of which there have to be 30: how often rows
    would repeat if one of the columns were shuffled among the rows of each parent. Numbers with
    fractions are no part of a key.

    Parameters
    ----------
    tables : dict of str to DataFrame, pyarrow.Table or dict of columns
        Real ones.
    metadata : Metadata
    child : str
    key : ForeignKey
        One of the child's.

    Returns
    -------
    NaturalKey, optional
        None where there is none.

    Examples
    --------
    >>> metadata = Metadata().add_table("shops", "id")
    >>> metadata = metadata.add_table("sales", fk={"shop": "shops.id"})
    >>> shop, rest = [i for i in range(20) for _ in range(12)], range(240)
    >>> sales = {"shop": shop, "dept": [i % 3 for i in rest], "week": [i // 3 % 4 for i in rest]}
    >>> found = natural_key(
    ...     {"shops": {"id": range(20)}, "sales": sales}, metadata, "sales",
    ...     metadata.table("sales").foreign_keys[0])
    >>> found.columns
    ('dept', 'week')
    """
    read = read_tables(tables, metadata)
    rows, at = _with_parents(read, child, key)
    codes = _candidates(rows, at, metadata, child, key)
    for size in range(1, _MOST_COLUMNS + 1):
        found = [
            (_expected(at, [codes[name] for name in chosen]), chosen)
            for chosen in combinations(codes, size)
            if not _repeats(at, *(codes[name] for name in chosen))
        ]
        best = max(found, default=(0.0, ()), key=lambda item: item[0])
        if best[0] >= _LEAST_REPEATS:
            order = _order(rows, at, best[1], codes)
            within = tuple(name for name in best[1] if name != order)
            return NaturalKey(best[1], order, within, best[0])
    return None


def _with_parents(
    tables: Mapping[str, pa.Table], child: str, key: ForeignKey
) -> tuple[pa.Table, IntArray]:
    """Return the rows that have a parent, and that one's row."""
    rows = rows_of(tables, child)
    at = parent_rows(rows, key, rows_of(tables, key.parent))
    return rows.filter(pa.array(at >= 0)), at[at >= 0]


def _candidates(
    rows: pa.Table, at: IntArray, metadata: Metadata, child: str, key: ForeignKey
) -> dict[str, IntArray]:
    """Return numbers for the values of columns that may be part of a key."""
    config = metadata.table(child)
    own = [name for name in config.pk if name not in key.columns] if len(config.pk) > 1 else []
    names = [*own, *attributes({child: rows}, metadata, child)[1]]
    found: dict[str, IntArray] = {}
    for name in dict.fromkeys(names):
        column = rows.column(name)
        if column.null_count or pa.types.is_floating(column.type) or not len(column):
            continue
        numbers = numbered(column)
        # what hardly repeats at all is no part of a key: it is one by itself
        if 1 < numbers.max(initial=0) + 1 <= len(rows) // 2:
            found[name] = numbers
    few = sorted(found, key=lambda name: _repeats(at, found[name]))[:_MOST_CANDIDATES]
    return {name: found[name] for name in found if name in few}


def _repeats(at: IntArray, *codes: IntArray) -> int:
    """Return how many rows repeat another."""
    found = series_of(at, *codes)
    return len(found) - (int(found.max(initial=-1)) + 1)


def _expected(at: IntArray, codes: Sequence[IntArray]) -> float:
    """Return the least number of repeats, over the columns, if one were shuffled in each group."""
    rng = np.random.default_rng(0)
    found = []
    for i, numbers in enumerate(codes):
        # by group, and in it at random: the values of each go to rows of the same group
        order = np.lexsort((rng.random(len(at)), at))
        shuffled = np.empty_like(numbers)
        shuffled[np.argsort(at, kind="stable")] = numbers[order]
        rest = [c for j, c in enumerate(codes) if j != i]
        found.append(_repeats(at, shuffled, *rest))
    if len(codes) == 1:  # nothing to be shuffled against: drawn from all rows
        found = [_repeats(at, codes[0][rng.integers(0, len(at), len(at))])]
    return float(min(found))


def _order(
    rows: pa.Table, at: IntArray, names: Sequence[str], codes: dict[str, IntArray]
) -> Optional[str]:
    """Return the column that goes on in time."""
    times = [name for name in names if pa.types.is_temporal(rows.field(name).type)]
    if times:
        return times[0]
    numbers = [name for name in names if pa.types.is_integer(rows.field(name).type)]
    # of two years at three places, the years are a series of three: time goes on the longest
    series = {n: series_of(at, *(codes[m] for m in names if m != n)).max() for n in numbers}
    return min(numbers, key=lambda name: int(series[name]), default=None)


def panel_scores(
    real: Tables,
    synthetic: Tables,
    metadata: Metadata,
    child: str,
    key: ForeignKey,
    natural: Optional[NaturalKey] = None,
) -> Optional[PanelScore]:
    """Compare how often natural keys repeat, and the sub-entities below each parent.

    Parameters
    ----------
    real, synthetic : dict of str to DataFrame, pyarrow.Table or dict of columns
    metadata : Metadata
    child : str
    key : ForeignKey
        One of the child's.
    natural : NaturalKey, optional
        By default as :func:`natural_key` finds in the real rows.

    Returns
    -------
    PanelScore, optional
        None where there is no natural key.

    Examples
    --------
    >>> metadata = Metadata().add_table("shops", "id")
    >>> metadata = metadata.add_table("sales", fk={"shop": "shops.id"})
    >>> shop, rest = [i for i in range(20) for _ in range(12)], range(240)
    >>> week = [i // 3 % 4 for i in rest]
    >>> real = {"shops": {"id": range(20)},
    ...         "sales": {"shop": shop, "dept": [i % 3 for i in rest], "week": week}}
    >>> fake = {**real, "sales": {"shop": shop, "dept": [i % 2 for i in rest], "week": week}}
    >>> score = panel_scores(real, fake, metadata, "sales", metadata.table("sales").foreign_keys[0])
    >>> score.real_entities, score.synthetic_entities, round(score.synthetic_repeats, 2)
    (3.0, 2.0, 0.33)
    """
    real, synthetic = read_tables(real, metadata), read_tables(synthetic, metadata)
    natural = natural or natural_key(real, metadata, child, key)
    if natural is None:
        return None
    repeats, entities, lengths = [], [], []
    for tables in (real, synthetic):
        rows, at = _with_parents(tables, child, key)
        codes = {name: numbered(rows.column(name)) for name in natural.columns}
        repeats.append(_repeats(at, *codes.values()) / max(1, len(rows)))
        series = series_of(at, *(codes[name] for name in natural.within))
        first = np.unique(series, return_index=True)[1]  # a row of each series
        entities.append(np.unique(at[first], return_counts=True)[1].astype(np.float64))
        lengths.append(np.unique(series, return_counts=True)[1].astype(np.float64))
    return PanelScore(
        child,
        key.label(child),
        natural,
        repeats[0],
        repeats[1],
        _mean(entities[0]),
        _mean(entities[1]),
        ks_of_numbers(*entities),
        ks_of_numbers(*lengths),
    )


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 0.0
