"""What models are conditioned on in training: each row's place, ancestors, and siblings before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import numpy as np

from synthohive.derive.elapsed import Elapsed
from synthohive.encoding.encoded import EncodedTable
from synthohive.schema import ForeignKey
from synthohive.tables.context import group_block, keep_columns, time_block
from synthohive.tables.sample import Sample
from synthohive.tables.sampled_groups import SampledGroups
from synthohive.tables.siblings import Siblings

__all__ = ["training_context"]


def training_context(
    sample: Sample,
    table: str,
    groups: Optional[SampledGroups],
    encoded: EncodedTable,
    *,
    times: Sequence[str],
    elapsed: Optional[Elapsed] = None,
) -> EncodedTable:
    """Return the context of each row.

    It is the position in the group of siblings, its size, all ancestors over driving keys
    as they were encoded, the key columns `times` and, if `elapsed` is given, the siblings
    before.

    Parameters
    ----------
    sample : Sample
        Has the ancestors as they were encoded.
    table : str
    groups : SampledGroups, optional
        None for a root table, whose context is `times` alone.
    encoded : EncodedTable
        The table's own rows: the siblings of each other.
    times : sequence of str
        The key columns that are points in time.
    elapsed : Elapsed, optional
        What has passed since the row before; None for a model that is given no siblings.

    Returns
    -------
    EncodedTable
        A row for each of the table's.
    """
    driver = sample.plan.tables[table].driver
    parts = [time_block(sample.tables[table].select(list(times)))]
    if groups is not None and driver is not None:
        place = group_block(*groups.places, groups.largest, groups.thinning)
        parts = [place, _ancestors(sample, table, driver), *parts]
        if elapsed is not None:
            everyone = np.arange(len(groups.positions), dtype=np.int64)  # also of keys alone
            before = Siblings.of(encoded, groups.parents, groups.positions)
            parts += [before.history(everyone), elapsed.history(everyone)]
    return EncodedTable.side_by_side(parts)


def _ancestors(sample: Sample, table: str, driver: ForeignKey) -> EncodedTable:
    """Return each row's encoded ancestors, nearest first."""
    config = sample.metadata.tables[table]
    rows, current = sample.parent_rows(table, driver), driver
    ancestors = []
    while True:
        kept = keep_columns(sample.encoded[current.parent], config.parent_context_cols)
        ancestors.append(kept.take(rows).prefixed(current.parent))
        above = sample.plan.tables[current.parent].driver
        if above is None:
            break
        grand = sample.parent_rows(current.parent, above)
        # One key farther at each step; -1 stays: without a parent there is no grandparent.
        rows = np.where(rows < 0, -1, grand[rows]) if len(grand) else np.full_like(rows, -1)
        current = above
    return EncodedTable.side_by_side(ancestors)
