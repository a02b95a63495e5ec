"""Columns of parents that sum up their children, block by block of the parents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.derive.aggregates import Aggregate
from synthohive.generate.run import Run
from synthohive.schema import ForeignKey
from synthohive.tables.ancestors import ancestor_columns, hstack
from synthohive.tables.number_spool import stretches

__all__ = ["Summing"]

MOST = 65_536
"""Children that are added at once."""


class Summing:
    """One column that follows from a table's children, which are complete by now.

    The children over a driving key stand in their parents' order, so that those of a block of
    parents are one stretch of rows. Over any other key, all are added before the first block.

    Parameters
    ----------
    run : Run
    aggregate : Aggregate
    """

    def __init__(self, run: Run, aggregate: Aggregate) -> None:
        self.run, self.aggregate = run, aggregate
        self.child = run.tables[aggregate.child]
        plan = run.fitted.plan.tables[aggregate.child]
        self.keys = list({key.label(""): key for _, key in aggregate.above}.values())
        driving, groups = plan.link(aggregate.key).role == "driving", self.child.groups
        in_order = driving and groups is not None and groups.parents is None
        self.groups = groups if in_order else None
        self.known: Any = None
        if self.groups is None:
            spool = run.tables[aggregate.parent].spool
            parents = spool.column_table(list({*aggregate.beside, aggregate.target}))
            children = self._children(0, self.child.spool.rows)
            kept = parents.column(aggregate.target)
            self.known = aggregate.values(parents, children, kept)

    def values(self, block: pa.Table, start: int) -> pa.Array:
        """Return the column of a block of parents."""
        if self.groups is None:
            return self.known.slice(start, len(block))
        first, last = self.groups.offsets[[start, start + len(block)]].tolist()
        children = ((at - start, rows) for at, rows in self._children(first, last))
        return self.aggregate.values(block, children, block.column(self.aggregate.target))

    def _children(self, first: int, last: int) -> Iterator[tuple[IntArray, pa.Table]]:
        """Yield what is summed up of some children, beside the parent row of each.

        These are known since the keys were chosen; to find them by the keys' values costs as much
        as the model.
        """
        run, one = self.run, self.aggregate
        for low, high in stretches(last - first, MOST):
            start, stop = first + low, first + high
            rows = self.child.spool.slice(start, stop, one.columns)
            for key in self.keys:
                names = sorted(name for name, other in one.above if other == key)
                at = self._parents(key, start, stop)
                above = ancestor_columns(run, run.fitted.plan, key.parent, at, names)
                rows = hstack(rows, above)
            yield self._parents(one.key, start, stop), rows

    def _parents(self, key: ForeignKey, start: int, stop: int) -> IntArray:
        """Return the parents of some children."""
        link = self.run.fitted.plan.tables[self.aggregate.child].link(key)
        known = self.child.chosen_of(link, start, stop)
        return self.run.parent_rows(link.table, key)[start:stop] if known is None else known
