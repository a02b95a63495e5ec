"""Keys that hold for every row of a table: what was chosen one by one is looked at together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, IntArray
from synthohive._logging import get_logger
from synthohive.constrain.sql_expressions import Check
from synthohive.generate.feasibility import ParentsOver
from synthohive.generate.run import Generated, Run
from synthohive.link.assignment import Forbids
from synthohive.link.row_key_repair import redraw, trade
from synthohive.link.row_keys import RowKeys
from synthohive.schema import ForeignKey, TableConfig
from synthohive.schema.plan import Link, implied_route
from synthohive.tables.ancestors import with_rows
from synthohive.tables.key_hashes import key_hashes
from synthohive.tables.nulls import any_null

__all__ = ["Changes", "can_have_rows", "repair_keys", "repair_late_key"]

log = get_logger(__name__)


@dataclass(frozen=True)
class Changes:
    """Values of columns in some rows, ascending; of several for a cell, the last counts."""

    parts: tuple[tuple[IntArray, pa.Table], ...] = ()

    @classmethod
    def of(cls, columns: Mapping[str, tuple[IntArray, pa.Array]]) -> Changes:
        """Take rows and their values, by column."""
        return cls(tuple((rows, pa.table({c: v})) for c, (rows, v) in columns.items()))

    def __bool__(self) -> bool:
        return bool(self.parts)

    def and_then(self, later: Changes) -> Changes:
        """Return both, the later ones where rows are in both."""
        return Changes((*self.parts, *later.parts))

    def without(self, left: Bools) -> Changes:
        """Return the changes after some rows were left out."""
        number = np.cumsum(~left) - 1  # of each row that stays: how many stay before it
        kept = ((rows, values, ~left[rows]) for rows, values in self.parts)
        return Changes(tuple((number[r[k]], v.filter(pa.array(k))) for r, v, k in kept))

    def of_block(self, start: int, stop: int) -> Changes:
        """Return the changes of some rows in a row, numbered from the first of these."""
        # rows ascend, so those of a block are one span of them
        spans = ((*np.searchsorted(r, [start, stop]).tolist(), r, v) for r, v in self.parts)
        return Changes(
            tuple((r[low:high] - start, v.slice(low, high - low)) for low, high, r, v in spans)
        )

    def apply(self, block: pa.Table, start: int = 0) -> pa.Table:
        """Return a block with the values of its rows; `start` is the number of its first one."""
        for rows, values in self.of_block(start, start + len(block)).parts:
            if len(rows):
                block = with_rows(block, rows, values)
        return block


def repair_keys(run: Run, name: str, made: Generated) -> tuple[Changes, Bools]:
    """Look at the driving key and the chosen ones together; give rows others where they fail.

    Returns these, and the rows for which none hold. Who is whose parent is corrected in `made`.

    Parameters
    ----------
    run : Run
    name : str
    made : Generated
        All of its parents but those over self references and deferred keys are chosen.
    """
    links = run.fitted.plan.tables[name].of("driving", "free", "grouped", "implied")
    config, keys = run.fitted.metadata.tables[name], [link.key for link in links]
    checks, beside = _bounds(run, name, made, keys)
    if not made.spool.rows or not (checks or _entangled(config, links, made)):
        return Changes(), np.zeros(made.spool.rows, dtype=np.bool_)
    given = _given(run, made, links)
    tables = [ParentsOver(run, name, key).keys() for key in keys]
    known = {c: made.spool.column_table([c]).column(0) for c in _told(run, name)}
    whole = RowKeys(config, keys, tables, given, known, checks=checks, beside=beside)
    # trades first: each parent keeps its number of children by them
    trade(whole, run.rng(name, "parents traded"))
    _, left = redraw(whole, {}, run.rng(name, "keys drawn anew"))
    for link, found in zip(links, whole.chosen):
        if whole.touched.any() or link.role != "driving":
            made.choose(link, found)
    return _changes(name, whole), left


def _told(run: Run, name: str) -> list[str]:
    """Return the columns that stay: those that parents are asked for, and whose career it is."""
    plan = run.fitted.plan.tables[name]
    whose = set(plan.driving_columns)
    return sorted(plan.asked | whose) if plan.asked else []


def _given(run: Run, made: Generated, links: Collection[Link]) -> list[IntArray]:
    """Return each row's parent over each key, where it is known, -1 elsewhere.

    Where a key is implied, the parent over a wider one refers to it: to follow that is cheaper than
    to look for values. Keys that share columns may disagree; :meth:`RowKeys.wrong` sees to that.
    """
    known = {link: rows for link in links if (rows := made.chosen(link)) is not None}

    def found(link: Link) -> IntArray:
        if link in known:
            return known[link]
        for wide, rows in known.items():
            route = implied_route(run.fitted.metadata, wide.key, link.key)
            if route is not None:
                return run.follow(wide.key.parent, route, rows)
        return np.full(made.spool.rows, -1, dtype=np.int64)

    return [found(link) for link in links]


def _changes(name: str, keys: RowKeys) -> Changes:
    if keys.touched.any():
        log.info("keys_drawn_anew", table=name, rows=int(keys.touched.sum()))
    return Changes.of(keys.changes())


def _bounds(
    run: Run, name: str, made: Generated, keys: Collection[ForeignKey]
) -> tuple[list[Check], pa.Table]:
    """Return the CHECKs that only other parents can make hold, and what else they are about.

    What has a column that may be changed is repaired by that. A column that is unique beside a
    key's is counted inside its parents, and would be another one beside another parent.
    """
    fitted = run.fitted.tables[name]
    own = {c for key in keys for c in key.columns}
    counted = {c for unique in fitted.config.unique_sets if own & set(unique) for c in unique}
    waiting = {c for key in fitted.config.foreign_keys for c in key.columns} - own
    # who has any of these is made right elsewhere: by values, by counts, or when it is there
    out = (set(fitted.free) | counted | waiting) - own
    bounds = [
        check
        for check in fitted.checks(run.fitted.metadata.dialect).checks.values()
        if check.columns & own
        and not check.columns & out
        and check.columns <= own | set(made.spool.schema.names)
    ]
    further = sorted({c for check in bounds for c in check.columns} - own)
    return bounds, made.spool.column_table(further) if further else pa.table({})


def can_have_rows(run: Run, name: str) -> bool:
    """Whether each key that must not be NULL has a parent to refer to."""
    config = run.fitted.metadata.tables[name]
    for key in config.foreign_keys:
        strict = all(
            c in config.pk or (c in config.columns and not config.columns[c].nullable)
            for c in key.columns
        )
        if strict and key.parent in run.tables:
            spool = run.tables[key.parent].spool
            names = list(dict.fromkeys(key.parent_columns))
            if any_null(spool.column_table(names), names).all():
                return False
    return True


def _entangled(config: TableConfig, links: Collection[Link], made: Generated) -> bool:
    """Whether keys may be wrong though each was chosen rightly."""
    columns = [c for link in links for c in link.key.columns]
    if len(set(columns)) < len(columns):  # two keys set one column, and may not agree
        return True
    if any(set(unique) <= set(columns) for unique in config.unique_sets):
        return True
    return any(
        any(c in config.pk or not config.columns[c].nullable for c in link.key.columns)
        and made.some_alone(link)
        for link in links
    )


def repair_late_key(
    run: Run, made: Generated, link: Link, refused: Optional[Forbids] = None
) -> tuple[Changes, Bools]:
    """Look at one key whose table is finished otherwise, as :func:`repair_keys` at the others.

    Parameters
    ----------
    run : Run
    made : Generated
        Of the child table.
    link : Link
        A self reference, or a deferred key.
    refused : callable, optional
        Takes rows and a parent row for each; returns which of these pairs must not be.
    """
    name, key, known = link.table, link.key, {c for c, _ in link.shared}
    config, fitted = run.fitted.metadata.tables[name], run.fitted.tables[name]
    parents = run.tables[key.parent].spool.column_table(list(dict.fromkeys(key.parent_columns)))
    filled = {c: made.spool.column_table([c]).column(0) for c in sorted(known)}
    checks, beside = _bounds(run, name, made, [key])
    chosen = [made.parents[link].whole()]
    keys = RowKeys(config, [key], [parents], chosen, filled, checks=checks, beside=beside)
    free = set(fitted.roles.attributes)  # sets with such are repaired by these
    others = {
        c
        for unique in config.unique_sets
        if set(unique) & (set(key.columns) - known) and not set(unique) & free
        for c in unique
        if c not in key.columns and c in made.spool.schema.names
    }
    hashes = {}
    for column in sorted(others):
        values = made.spool.column_table([column])
        # 8 bytes for each row, whatever the type: repeats are looked for, not the values
        hashes[column] = key_hashes(values, [column], [values.schema.field(0).type])
    _, left = redraw(keys, hashes, run.rng(name, link.label, "drawn anew"), refused)
    made.choose(link, keys.chosen[0])
    return _changes(name, keys), left
