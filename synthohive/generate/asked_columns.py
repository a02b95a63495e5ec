"""Columns of further keys that are drawn with the rows: parents with such values have to be there.

A row of a career has its year before it has a team of that year. Years that no parent has are moved
to the nearest that one has, then repeats are put right among these, and only then parents are
chosen; a row that has no place by then is left out.
"""

from __future__ import annotations

from typing import Union

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools
from synthohive.encoding.canonical import canonical
from synthohive.generate.feasibility import ParentsOver
from synthohive.generate.finishing import finish
from synthohive.generate.following import follow
from synthohive.generate.key_repair import Changes
from synthohive.generate.row_rules import row_rules
from synthohive.generate.run import Generated, Run
from synthohive.schema.plan import Link
from synthohive.tables.ancestors import with_column
from synthohive.tables.joins import column_codes
from synthohive.tables.nulls import any_null
from synthohive.tables.roles import null_column

__all__ = ["astray", "nearest", "settle_asked"]


def settle_asked(run: Run, name: str, made: Generated, grouped: list[str]) -> Bools:
    """Let rows ask for what parents have, and repair repeats by it; return rows without a place.

    Parameters
    ----------
    run : Run
        Has the parents of the table's grouped keys.
    name : str
    made : Generated
        The rows, before their further parents are chosen. They are changed on the disk.
    grouped : list of str
        As of :func:`~synthohive.generate.row_rules.row_rules`.
    """
    plan, fitted = run.fitted.plan.tables[name], run.fitted.tables[name]
    left = np.zeros(made.spool.rows, dtype=np.bool_)
    if not plan.asked:
        return left
    waiting = plan.filled - set(plan.driving_columns)
    listed = _listed(run, name, made)
    for column in sorted(listed.keys() - fitted.kept):
        _move(run, name, made, column, listed[column], waiting)
    repairs = row_rules(
        fitted,
        run.fitted.metadata.dialect,
        barred=waiting,
        among=plan.asked,
        grouped=grouped,
        listed=listed,
    )
    left |= finish(run, name, made, [], Changes(), repairs, waiting)
    for column, values in listed.items():
        left |= _lost(run, name, made, column, values)
    return left


def astray(run: Run, name: str, made: Generated) -> Bools:
    """Return the rows that no longer have what they had when their parents were chosen by it."""
    plan = run.fitted.plan.tables[name]
    found = np.zeros(made.spool.rows, dtype=np.bool_)
    for link in plan.of("grouped"):
        parents = made.chosen(link)
        for column, parent_column in link.shared:
            if column in plan.asked and parents is not None:
                own = made.spool.column_table([column]).column(0)
                theirs = run.take(link.key.parent, [parent_column], parents).column(0)
                mine, other = column_codes([own, theirs])[0]
                found |= (parents >= 0) & (mine != other)
    return found


def _asking(run: Run, name: str, column: str) -> list[Link]:
    """Return the keys whose parents have to have the values of a column."""
    links = run.fitted.plan.tables[name].of("grouped")
    return [link for link in links if column in dict(link.shared)]


def _listed(run: Run, name: str, made: Generated) -> dict[str, pa.Array]:
    """Return the values, ascending, that parents over all keys have, of each column asked for.

    A column of which none has any is left out: nothing would be near.
    """
    found: dict[str, pa.Array] = {}
    for column in sorted(run.fitted.plan.tables[name].asked):
        type_ = made.spool.schema.field(column).type
        for link in _asking(run, name, column):
            keys = ParentsOver(run, name, link.key).keys()
            whole = pa.array(~any_null(keys, link.key.parent_columns))
            parents = keys.column(dict(link.shared)[column]).filter(whole).combine_chunks()
            values = parents.cast(type_).unique().sort()
            if column in found:
                values = values.filter(pa.array(_has(values, found[column])))
            found[column] = values
    return {column: values for column, values in found.items() if len(values)}


def _has(own: Union[pa.Array, pa.ChunkedArray], values: pa.Array) -> Bools:
    return np.asarray(pc.is_in(own, value_set=values), dtype=np.bool_)


def _lost(run: Run, name: str, made: Generated, column: str, values: pa.Array) -> Bools:
    """Return the rows that are to have a parent with their value, and that none has."""
    linked = np.zeros(made.spool.rows, dtype=np.bool_)
    for link in _asking(run, name, column):
        linked |= ~made.flags(null_column(link.label))
    lost: Bools = linked & ~_has(made.spool.column_table([column]).column(0), values)
    return lost


def _move(
    run: Run, name: str, made: Generated, column: str, values: pa.Array, waiting: set[str]
) -> None:
    """Give rows whose value no parent has the nearest one, the earlier of two as near."""
    fitted = run.fitted.tables[name]
    lost = _lost(run, name, made, column, values)
    if not lost.any():
        return
    checks = fitted.checks(run.fitted.metadata.dialect).without(waiting)

    def fill(block: pa.Table, start: int) -> pa.Table:
        there = lost[start : start + len(block)]
        if not there.any():
            return block
        mine = block.column(column).combine_chunks()
        moved = with_column(block, column, pc.if_else(pa.array(there), nearest(mine, values), mine))
        rng = run.rng(name, column, "asked", start)
        return follow(fitted, checks, block, moved, rng, changed=[column])

    made.spool.rewrite(fill)


def nearest(own: pa.Array, values: pa.Array) -> pa.Array:
    """Return the nearest of some ascending values, the earlier of two; any for NULL."""
    plain = canonical(own, own.type).fill_null(0).to_numpy(zero_copy_only=False)
    there = canonical(values, own.type).to_numpy(zero_copy_only=False)
    after = np.clip(np.searchsorted(there, plain), 1, max(len(there) - 1, 1))
    if len(there) < 2:
        return values.take(pa.array(np.zeros(len(own), dtype=np.int64)))
    before = after - 1
    # as floats: distances of whole numbers at both ends of their range are none themselves
    low = plain.astype(np.float64) - there[before].astype(np.float64)
    high = there[after].astype(np.float64) - plain.astype(np.float64)
    return values.take(pa.array(np.where(low <= high, before, after)))
