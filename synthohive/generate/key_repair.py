"""Keys that hold for every row of a table: what was chosen one by one is looked at together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, IntArray
from synthohive._logging import get_logger
from synthohive.constrain.sql_expressions import Check
from synthohive.generate.feasibility import referable_keys
from synthohive.generate.run import Generated, Run
from synthohive.link.assignment import Forbids
from synthohive.link.row_key_repair import redraw, trade
from synthohive.link.row_keys import RowKeys
from synthohive.schema import ForeignKey, TableConfig
from synthohive.schema.plan import Link
from synthohive.tables.ancestors import with_column
from synthohive.tables.joins import put
from synthohive.tables.key_hashes import key_hashes
from synthohive.tables.nulls import any_null

__all__ = ["Changes", "can_have_rows", "repair_keys", "repair_late_key"]

log = get_logger(__name__)


@dataclass(frozen=True)
class Changes:
    """Values of key columns in some rows, ascending, other than their keys' order gives."""

    columns: Mapping[str, tuple[IntArray, pa.Array]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.columns)

    def and_then(self, later: Changes) -> Changes:
        """Return both, the later ones where rows are in both."""
        found = dict(self.columns)
        for column, (rows, values) in later.columns.items():
            if column not in found:
                found[column] = rows, values
                continue
            old, before = found[column]
            kept = ~np.isin(old, rows)
            joined = np.concatenate([old[kept], rows])
            both = pa.concat_arrays([before.filter(pa.array(kept)), values.cast(before.type)])
            order = np.argsort(joined, kind="stable")
            found[column] = joined[order], both.take(pa.array(order))
        return Changes(found)

    def without(self, left: Bools) -> Changes:
        """Return the changes after some rows were left out."""
        number = np.cumsum(~left) - 1  # of each row that stays, among these
        found = {}
        for column, (rows, values) in self.columns.items():
            kept = ~left[rows]
            found[column] = number[rows[kept]], values.filter(pa.array(kept))
        return Changes(found)

    def apply(self, block: pa.Table, start: int) -> pa.Table:
        """Return a block with the values of its rows."""
        for column, (rows, values) in self.columns.items():
            low, high = np.searchsorted(rows, [start, start + len(block)])
            if low == high:
                continue
            mask = np.zeros(len(block), dtype=np.bool_)
            mask[rows[low:high] - start] = True
            own = block.column(column).combine_chunks()
            block = with_column(block, column, put(own, mask, values.slice(low, high - low)))
        return block


def repair_keys(run: Run, name: str, made: Generated) -> tuple[Changes, Bools]:
    """Look at the driving key and the chosen ones together; give rows others where they fail.

    Who is whose parent is corrected in `made`.

    Parameters
    ----------
    run : Run
    name : str
        The table.
    made : Generated
        Its rows, all of whose parents but those over self references and deferred keys are chosen.

    Returns
    -------
    changes : Changes
    left : ndarray of bool
        The rows for which no keys hold.
    """
    links = run.fitted.plan.tables[name].of("driving", "free", "grouped", "implied")
    config, keys = run.fitted.metadata.tables[name], [link.key for link in links]
    nothing = np.full(made.spool.rows, -1, dtype=np.int64)
    given = [nothing if (known := made.chosen(link)) is None else known for link in links]
    checks, beside = _bounds(run, name, made, keys)
    if not len(nothing) or not (checks or _entangled(config, keys, given)):
        return Changes(), np.zeros(len(nothing), dtype=np.bool_)
    tables = [referable_keys(run, name, key) for key in keys]
    whole = RowKeys(config, keys, tables, given, checks=checks, beside=beside)
    trade(whole, run.rng(name, "parents traded"))
    _, left = redraw(whole, {}, run.rng(name, "keys drawn anew"))
    if whole.touched.any():
        log.info("keys_drawn_anew", table=name, rows=int(whole.touched.sum()))
    for link, found in zip(links, whole.chosen):
        if whole.touched.any() or link.role != "driving":
            made.choose(link, found)
    return Changes(whole.changes()), left


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


def _entangled(
    config: TableConfig, keys: Collection[ForeignKey], chosen: Collection[IntArray]
) -> bool:
    """Whether keys may be wrong though each was chosen rightly."""
    columns = [c for key in keys for c in key.columns]
    if len(set(columns)) < len(columns):
        return True
    if any(set(unique) <= set(columns) for unique in config.unique_sets):
        return True
    return any(
        (parents < 0).any()
        and any(c in config.pk or not config.columns[c].nullable for c in key.columns)
        for key, parents in zip(keys, chosen)
    )


def repair_late_key(
    run: Run, made: Generated, link: Link, refused: Optional[Forbids] = None
) -> tuple[RowKeys, Bools]:
    """Look at one key whose table is finished otherwise; give rows other parents where it fails.

    Parameters
    ----------
    run : Run
    made : Generated
        The rows of the child table; its `parents` over the key are corrected.
    link : Link
        A self reference, or a deferred key.
    refused : callable, optional
        Takes rows and a parent row for each, both ndarray of int64 of shape (n,); returns which of
        these pairs must not be.

    Returns
    -------
    keys : RowKeys
    left : ndarray of bool
        The rows for which there is no parent.
    """
    name, key, known = link.table, link.key, {c for c, _ in link.shared}
    config, fitted = run.fitted.metadata.tables[name], run.fitted.tables[name]
    parents = run.tables[key.parent].spool.column_table(list(dict.fromkeys(key.parent_columns)))
    own = made.spool.column_table(sorted(known)) if known else pa.table({})
    filled = {c: own.column(c) for c in known}
    checks, beside = _bounds(run, name, made, [key])
    chosen = [made.parents[link]]
    keys = RowKeys(config, [key], [parents], chosen, filled, checks=checks, beside=beside)
    free = set(fitted.roles.attributes)  # sets with such are repaired by these
    others = {
        c
        for unique in config.unique_sets
        if set(unique) & (set(key.columns) - set(known)) and not set(unique) & free
        for c in unique
        if c not in key.columns and c in made.spool.schema.names
    }
    hashes = {}
    for column in sorted(others):
        values = made.spool.column_table([column])
        hashes[column] = key_hashes(values, [column], [values.schema.field(0).type])
    changed, left = redraw(keys, hashes, run.rng(name, link.label, "drawn anew"), refused)
    if len(changed):
        log.info("keys_drawn_anew", table=name, rows=len(changed))
    made.parents[link] = keys.chosen[0]
    return keys, left
