"""Generating one table, second pass: further parents, hierarchies, unique keys.

Blocks are visited in order, because quotas and uniqueness are properties of the whole
table; the attributes beside them were already drawn and do not depend on this order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional, Union

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._logging import get_logger
from synthohive.relational import seeds
from synthohive.relational.generation import Generated, Run
from synthohive.relational.lineage import by_table, lineage
from synthohive.relational.linkage import (
    CodedQuotaAssigner,
    GroupedQuotaAssigner,
    QuotaAssigner,
    avoid_duplicates,
)
from synthohive.relational.plan import FurtherKey
from synthohive.relational.relations.table import TableRelations
from synthohive.relational.rows import group_codes, match_rows
from synthohive.relational.unique import UniqueRepair

__all__ = ["link", "link_deferred", "sum_up"]

log = get_logger(__name__)
IntArray = npt.NDArray[np.int64]


def link(run: Run, name: str, made: Generated) -> None:
    """Choose all further parents of a table that can be chosen now, and repair repeats."""
    plan = run.fitted.plan.tables[name]
    choices = [
        _Choice(run, name, made, further)
        for further in plan.further
        if further.mode in ("free", "grouped")
    ]
    repairs = _unique_repairs(run, name)
    if choices or repairs:
        made.spool.rewrite(_Finish(run, name, choices, repairs))
    if plan.hierarchy is not None:
        _link_hierarchy(run, name, made)


def link_deferred(run: Run, name: str) -> None:
    """Choose the parents over keys that close a cycle, when all tables are there."""
    made = run.tables[name]
    choices = [
        _Choice(run, name, made, further)
        for further in run.fitted.plan.tables[name].further
        if further.mode == "deferred"
    ]
    if choices:
        made.spool.rewrite(_Finish(run, name, choices, []))


def sum_up(run: Run, name: str) -> None:
    """Fill in the columns that follow from a table's children, which are complete by now."""
    fitted, spool = run.fitted.tables[name], run.tables[name].spool
    if fitted.reference is not None or not fitted.aggregates:
        return
    made = []
    for aggregate in fitted.aggregates:
        parents = spool.column_table(aggregate.key.parent_columns)
        batches = run.tables[aggregate.child].spool.batches(aggregate.columns)
        type_ = fitted.schema.field(aggregate.target).type
        made.append(aggregate.values(parents, map(_as_table, batches), type_))

    def fill(block: pa.Table, start: int) -> pa.Table:
        for aggregate, values in zip(fitted.aggregates, made):
            block = aggregate.apply(block, values.slice(start, len(block)))
        return fitted.relations.mend(block)

    spool.rewrite(fill)


def _as_table(batch: pa.RecordBatch) -> pa.Table:
    return pa.Table.from_batches([batch])


class _Choice:
    """The choice of one further parent for the rows of a table."""

    def __init__(self, run: Run, name: str, made: Generated, further: FurtherKey) -> None:
        self.key, self.label = further.key, further.key.label(name)
        parent, fitted = run.tables[self.key.parent], run.fitted.tables[name]
        self.rows_of_parents = parent.spool.rows
        self.keys = parent.spool.column_table(self.key.parent_columns)
        self.linked = fitted.linked.get(self.label, TableRelations())
        self.above = _above(run, self.key.parent, self.linked.above(fitted.attributes))
        share = fitted.keys[self.label].null_share
        drawn = made.nulls.get(self.label, np.zeros(made.spool.rows, dtype=bool))
        self.nulls = _exact_nulls(drawn, share, run.rng(name, self.label, "nulls"))
        self.ranks = np.cumsum(~self.nulls) - 1
        wanted = int(made.spool.rows - self.nulls.sum())
        self.counts = _quota(run, name, further, wanted)
        self.shared = list(further.shared) if further.mode == "grouped" else []
        seed = seeds.seed_int(run.seed, name, self.label)
        self.free = None if self.shared else self._assigner(run, name, made, seed)
        self.seed = seed
        self.grouped: Optional[GroupedQuotaAssigner] = None
        self.fixed = _fixed_columns(run, name, further)

    def _assigner(
        self, run: Run, name: str, made: Generated, seed: int
    ) -> Union[QuotaAssigner, CodedQuotaAssigner]:
        codes = run.fitted.tables[name].codes.get(self.label)
        if codes is None or self.rows_of_parents == 0:
            return QuotaAssigner(self.counts, seed)
        named = codes.columns
        theirs = codes(_above(run, self.key.parent, named) if named else self.keys)
        return CodedQuotaAssigner(made.codes[self.label][~self.nulls], theirs, self.counts, seed)

    def parents(self, block: pa.Table, start: int) -> IntArray:
        """Return the parent row of each row of a block; -1 for NULL."""
        stop = start + len(block)
        nulls = self.nulls[start:stop]
        chosen = np.full(len(block), -1, dtype=np.int64)
        if self.rows_of_parents == 0:
            return chosen
        if self.free is not None:
            chosen[~nulls] = self.free.assign(self.ranks[start:stop][~nulls])
            return chosen
        columns = [c for c, _ in self.shared]
        parent_columns = [p for _, p in self.shared]
        if self.grouped is None:  # a group is named by its first parent row
            groups = match_rows(self.keys, parent_columns, self.keys, parent_columns)
            self.grouped = GroupedQuotaAssigner(groups, self.counts, self.seed)
        groups = match_rows(block, columns, self.keys, parent_columns)
        chosen[~nulls] = self.grouped.assign(groups[~nulls])
        return chosen

    def apply(self, block: pa.Table, start: int, rng: np.random.Generator) -> pa.Table:
        """Fill the key's columns of a block."""
        chosen = self.parents(block, start)
        if self.fixed and self.rows_of_parents:
            fixed = group_codes([block], [self.fixed])[0]
            linked = chosen >= 0
            chosen[linked], left = avoid_duplicates(
                fixed[linked], chosen[linked], self.rows_of_parents, rng
            )
            if left.any():
                log.warning("repeated_pairs_left", key=self.label, rows=int(left.sum()))
        index = pa.array(chosen, mask=chosen < 0)
        for column, parent_column in zip(self.key.columns, self.key.parent_columns):
            if (column, parent_column) in self.shared and (chosen >= 0).all():
                continue
            values = self.keys.column(parent_column).take(index)
            block = _with_column(block, column, values)
        return self.linked.mend_beside(block, self.above.take(index)) if self.linked else block


def _above(run: Run, table: str, names: Sequence[str]) -> pa.Table:
    """Return columns of all rows of a generated table and of their ancestors."""
    plan, rows = run.fitted.plan, np.arange(run.tables[table].spool.rows, dtype=np.int64)
    wanted = by_table(names, (table, *plan.tables[table].ancestors))
    return lineage(run, plan, table, rows, wanted)


def _exact_nulls(
    drawn: npt.NDArray[np.bool_], share: float, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Turn as few rows as it takes, so that the share of NULLs is the real one."""
    nulls: npt.NDArray[np.bool_] = drawn.copy()
    surplus = int(nulls.sum()) - round(share * len(nulls))
    turned = np.flatnonzero(nulls if surplus > 0 else ~nulls)
    nulls[rng.permutation(turned)[: abs(surplus)]] = surplus < 0
    return nulls


def _quota(run: Run, name: str, further: FurtherKey, wanted: int) -> IntArray:
    """Return the number of children for each parent row, `wanted` in total."""
    key = further.key
    label = key.label(name)
    parent = run.tables[key.parent]
    model = run.fitted.tables[name].keys[label].fan_out
    rng = run.rng(name, label, "quota")
    preference = parent.preferences.get(label)
    unique = set(key.columns) in [set(u) for u in run.fitted.metadata.tables[name].unique_sets]
    limit = 1 if unique else None
    return model.counts(parent.spool.rows, wanted, preference, rng, limit=limit)


def _fixed_columns(run: Run, name: str, further: FurtherKey) -> list[str]:
    """Return the columns which, with this key, must not repeat (many-to-many tables)."""
    config = run.fitted.metadata.tables[name]
    foreign = {c for fk in config.foreign_keys for c in fk.columns}
    own = set(further.key.columns)
    for unique in config.unique_sets:
        rest = [c for c in unique if c not in own]
        if rest and own & set(unique) and set(unique) <= foreign:
            return rest
    return []


def _unique_repairs(run: Run, name: str) -> list[UniqueRepair]:
    """Build a repair for each unique set with a modelled column in it."""
    fitted = run.fitted.tables[name]
    free = set(fitted.roles.attributes)
    return [
        UniqueRepair(
            fitted.config, unique, free & set(unique), seeds.seed_int(run.seed, name, *unique)
        )
        for unique in fitted.config.unique_sets
        if free & set(unique)
    ]


class _Finish:
    """Completes the blocks of one table, in order."""

    def __init__(
        self, run: Run, name: str, choices: list[_Choice], repairs: list[UniqueRepair]
    ) -> None:
        self.run, self.name = run, name
        self.choices, self.repairs = choices, repairs
        self.fitted = run.fitted.tables[name]
        self.checks = self.fitted.checks(run.fitted.metadata.dialect)

    def __call__(self, block: pa.Table, start: int) -> pa.Table:
        """Return a block with its further keys, and without repeats."""
        before = block
        for choice in self.choices:
            rng = self.run.rng(self.name, choice.label, "pairs", start)
            block = choice.apply(block, start, rng)
        touched = any(choice.linked for choice in self.choices)
        for repair in self.repairs:
            block, changed = repair.apply(block)
            touched = touched or bool(changed)
            if changed:
                columns = list(repair.columns)
                log.debug("unique_repaired", table=self.name, columns=columns, rows=changed)
        return self._mended(before, block) if touched else block

    def _mended(self, before: pa.Table, block: pa.Table) -> pa.Table:
        """Make relations right again, but in rows that would break a constraint by it."""
        relations = self.fitted.relations
        linked = [column for choice in self.choices for column in choice.linked.targets]
        return self.checks.keep_unbroken(
            before, relations.mend(block), [*relations.targets, *linked]
        )


def _link_hierarchy(run: Run, name: str, made: Generated) -> None:
    """Fill a self reference: rows of each depth attach to rows one level above."""
    fitted = run.fitted.tables[name]
    key = run.fitted.plan.tables[name].hierarchy
    if key is None or fitted.hierarchy is None or made.depths is None:
        return
    parents = fitted.hierarchy.link(made.depths, run.rng(name, "hierarchy"))
    keys = made.spool.column_table(key.parent_columns)

    def fill(block: pa.Table, start: int) -> pa.Table:
        chosen = parents[start : start + len(block)]
        index = pa.array(chosen, mask=chosen < 0)
        for column, parent_column in zip(key.columns, key.parent_columns):
            block = _with_column(block, column, keys.column(parent_column).take(index))
        return block

    made.spool.rewrite(fill)


def _with_column(block: pa.Table, column: str, values: pa.ChunkedArray) -> pa.Table:
    position = block.schema.get_field_index(column)
    field = block.schema.field(position)
    return block.set_column(position, field, pc.cast(values, field.type))
