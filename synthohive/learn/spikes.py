"""Values that one entity repeats in many rows: blurred before anything is learned.

A model that sees 200 equal values learns a spike, whoever they belong to. Single values
that `k` entities share have a code of their own; of the others, repeats are spread over
the neighbouring values, so that no row shows them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats, IntArray
from synthohive.derive.hours import DAY, day_of
from synthohive.privacy.entities import Entities, on_grid
from synthohive.tables.ancestors import with_rows
from synthohive.tables.numbers import as_numbers, from_numbers, is_number, is_time, multiple_of

__all__ = ["without_spikes"]


def without_spikes(
    rows: pa.Table,
    names: Collection[str],
    entities: Entities,
    k: int,
    rng: np.random.Generator,
    behind: Optional[Mapping[str, Entities]] = None,
) -> pa.Table:
    """Return rows in which no number is repeated by fewer than `k` entities.

    Parameters
    ----------
    names : collection of str
        The columns to look at; those without numbers stay.
    entities : Entities
        Those behind the rows.
    behind : mapping of str to Entities, optional
        Those behind the values of single columns.
    """
    for name in names:
        array, owners = rows.column(name), (behind or {}).get(name, entities)
        if not owners.paths or not is_number(array.type):
            continue  # where every row is an entity, what is repeated is shared
        numbers = as_numbers(array)
        step = multiple_of(array)
        timed = is_time(array.type) and step != DAY
        changed, values = _spread(numbers, owners, k, step, rng, timed=timed)
        rows = with_rows(rows, changed, pa.table({name: from_numbers(values, array.type)}))
    return rows


def _spread(
    numbers: Floats,
    entities: Entities,
    k: int,
    step: float,
    rng: np.random.Generator,
    *,
    timed: bool = False,
) -> tuple[IntArray, Floats]:
    """Return the rows that repeat a value of few entities, and others for them.

    These lie among at least `k` neighbours on either side, and as many as there are repeats,
    so that they at most double what is there; and within the protected bounds. Of moments, days are
    spread, at the times of day of these neighbours: between them may lie a night.
    """
    none = np.zeros(0, dtype=np.int64), np.zeros(0)
    known = np.flatnonzero(~np.isnan(numbers))
    values, codes, counts = np.unique(numbers[known], return_inverse=True, return_counts=True)
    codes = codes.reshape(-1)
    if not len(values) or counts.max() <= k:
        return none
    own = entities.take(known)
    holders = own.holders(codes, len(values))
    # of few entities, in more than k rows, and in more than two for each of them
    spike = (holders < k) & (counts > np.maximum(k, 2 * holders))
    ends = own.ends(numbers[known], k) if spike.any() else None
    if ends is None:
        return none
    rows = np.flatnonzero(spike[codes])
    inside = np.searchsorted(values, ends)
    at = np.clip(codes[rows], inside[0], max(min(inside[1], len(values) - 1), inside[0]))
    # in sorted distinct values: half of the repeats on either side is room for all of them
    reach = np.maximum(k, counts[codes[rows]] // 2)
    first, last = np.maximum(at - reach, 0), np.minimum(at + reach, len(values) - 1)
    low, high = np.clip(values[first], *ends), np.clip(values[last], *ends)
    drawn = low + (high - low) * rng.random(len(rows))
    if timed:
        inner = inside[0], max(inside[1] - 1, inside[0])
        near = values[rng.integers(np.clip(first, *inner), np.clip(last, *inner) + 1)]
        moments = day_of(drawn) + near % DAY
        drawn = np.where((moments >= low) & (moments <= high), moments, near)
    if step:
        drawn = on_grid(drawn, step)
        # on a coarse grid the value itself may be drawn again: one step aside, or one day
        same = np.isclose(drawn, values[codes[rows]], rtol=0, atol=step / 2)
        aside = DAY if timed else step
        other = drawn + np.where(drawn + aside <= (ends[1] if timed else high), aside, -aside)
        drawn = np.where(same, on_grid(other, step), drawn)
    return known[rows], drawn
