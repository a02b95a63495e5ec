"""Children beside the columns of their other parents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from synthohive.derive.aggregates.base import Above
from synthohive.schema import ForeignKey
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.ancestors import ancestor_columns, by_table, hstack
from synthohive.tables.base import Tables
from synthohive.tables.joins import match_rows

__all__ = ["WithParents"]


@dataclass(frozen=True)
class _Parents:
    key: ForeignKey
    keys: pa.Table
    values: pa.Table


class WithParents:
    """Gives rows of a table the columns of some of their parents, as ``table.column``.

    Parameters
    ----------
    above : tuple of (str, ForeignKey)
        The columns, of parents and of their ancestors, each with the key to it.
    source : Tables
        Where these tables are.
    """

    def __init__(self, above: Above, plan: RelationalPlan, source: Tables) -> None:
        self._parents = []
        for key in {key.label(""): key for _, key in above}.values():
            ancestors = (key.parent, *plan.tables[key.parent].ancestors)
            wanted = by_table((name for name, one in above if one == key), ancestors)
            keys = source.columns(key.parent, key.parent_columns)
            # as many as are read: a live database may have more by now than were counted
            everyone = np.arange(len(keys), dtype=np.int64)
            values = ancestor_columns(source, plan, key.parent, everyone, wanted)
            self._parents.append(_Parents(key, keys, values))

    def __call__(self, rows: pa.Table) -> pa.Table:
        """Return rows, which hold the keys, with the columns."""
        for one in self._parents:
            at = match_rows(rows, one.key.columns, one.keys, one.key.parent_columns)
            rows = hstack(rows, one.values.take(pa.array(at, mask=at < 0)))
        return rows
