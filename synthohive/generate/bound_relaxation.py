"""Parents that no child suits: their bound is moved, instead of many children.

A few parents, of which nothing could be learned, may all lie where no child does. To move
each child to its parent would spoil the children's column; to move the parent spoils none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats, IntArray
from synthohive.derive.hours import day_of
from synthohive.derive.order import Order
from synthohive.derive.points import regular
from synthohive.generate.run import Generated, Run
from synthohive.learn.fitted import FittedDatabase, FittedTable
from synthohive.schema import ForeignKey
from synthohive.schema.plan import Link
from synthohive.tables.ancestors import with_column
from synthohive.tables.numbers import as_numbers, from_numbers

__all__ = ["relaxable", "relax_bounds"]


LEAST_CHILDREN = 5
"""Fewer children on the wrong side are moved themselves."""


def relax_bounds(run: Run, made: Generated, link: Link, bounds: Sequence[Order]) -> None:
    """Move the bounds of parents that many children are beyond.

    Parameters
    ----------
    run, made, link
        The key from the rows of `made`, whose parents are chosen.
    bounds : sequence of Order
        Between a child's columns and those of its parent.
    """
    key, moved = link.key, dict[str, pa.ChunkedArray]()
    if run.shard is not None and key.parent in run.shard.given:  # other shards refer to them, too
        return
    relaxed = [order for order in bounds if relaxable(run.fitted, key, order)]
    spool = run.tables[key.parent].spool
    for order in relaxed:
        column = order.source.partition(".")[2]
        old = moved[column] if column in moved else spool.column_table([column]).column(0)
        own = order.target_values(made.spool.column_table([order.target]))
        found = _moved(order, own, as_numbers(old), made.parents[link].whole())
        array = pa.chunked_array([from_numbers(found, old.type)])
        if not array.equals(old):
            moved[column] = array
    program, parents = run.fitted.tables[key.parent].program, run.tables[key.parent]

    def move(block: pa.Table, start: int) -> pa.Table:
        for name, array in moved.items():
            block = with_column(block, name, array.slice(start, len(block)))
        beside = parents.drawn_columns([*program.besides], start, start + len(block))
        return program.repair(block, beside, changed=list(moved))

    if moved:
        spool.rewrite(move)


def relaxable(fitted: FittedDatabase, key: ForeignKey, order: Order) -> bool:
    """Whether the column of a parent that bounds those of its children may be moved."""
    table, _, column = order.source.partition(".")
    return table == key.parent and column in _movable(fitted.tables[table])


def _movable(fitted: FittedTable) -> set[str]:
    """Return the columns of a table that nothing else determines or bounds."""
    if fitted.reference is not None:
        return set()
    taken = {c for columns in fitted.config.unique_sets for c in columns}
    taken |= {*fitted.program.targets, *fitted.program.moved}
    taken |= fitted.linked_targets
    taken |= {one.column for one in fitted.rising}
    taken |= {order.target for key in fitted.keys.values() for order in key.bounds}
    taken |= {aggregate.target for aggregate in fitted.aggregates}
    return set(fitted.attributes) - taken


def _moved(order: Order, own: Floats, theirs: Floats, chosen: IntArray) -> Floats:
    """Return the parents' values, those that many children are beyond at the farthest child."""
    sign = 1.0 if order.after else -1.0  # so that `over` is what is wrong in either direction
    # (children with a parent,): what follows is per child, `number` and `farthest` per parent
    linked = np.flatnonzero(chosen >= 0)
    parents = chosen[linked]
    theirs_known = regular(theirs, order.unknown.get(order.source, ()))
    if order.source in order.days:
        theirs_known = day_of(theirs_known)
    over = sign * (theirs_known[parents] - own[linked])
    wrong = over > 0
    number = np.bincount(parents[wrong], minlength=len(theirs))
    # bounds of few wrong children stay: it costs less to move those
    farthest = np.zeros(len(theirs))
    # a parent stands there once for each child: an assignment would keep only the last of them
    np.maximum.at(farthest, parents[wrong], over[wrong])
    return np.where(number >= LEAST_CHILDREN, theirs - sign * farthest, theirs)
