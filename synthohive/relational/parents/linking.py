"""Generating one table, second pass: further parents, hierarchies, unique keys.

Blocks are visited in order, because quotas and uniqueness are properties of the whole
table; the attributes beside them were already drawn and do not depend on this order.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from synthohive._logging import get_logger
from synthohive.relational.lineage import beside
from synthohive.relational.making.run import Generated, Run
from synthohive.relational.parents.choosing import above, choose
from synthohive.relational.parents.key_rules import Distinct, Meeting
from synthohive.relational.parents.trees import Tree
from synthohive.relational.parents.widening import widened
from synthohive.relational.plan import FurtherKey
from synthohive.relational.relations.table import TableRelations
from synthohive.relational.unique import UniqueRepair, unique_repairs
from synthohive.schema import ForeignKey

__all__ = ["link", "link_deferred", "sum_up"]

log = get_logger(__name__)


def link(run: Run, name: str, made: Generated) -> None:
    """Choose all further parents of a table that can be chosen now, and repair repeats."""
    plan = run.fitted.plan.tables[name]
    choices = _chosen(run, name, made, ("free", "grouped"))
    repairs = _unique_repairs(run, name)
    if choices or repairs:
        made.spool.rewrite(_Finish(run, name, choices, repairs))
    if plan.hierarchy is not None:
        _link_hierarchy(run, name, made, plan.hierarchy)


def link_deferred(run: Run, name: str) -> None:
    """Choose the parents over keys that close a cycle, when all tables are there."""
    made = run.tables[name]
    choices = _chosen(run, name, made, ("deferred",))
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
    """The chosen parents over one further key, and what follows from them."""

    def __init__(self, run: Run, name: str, made: Generated, further: FurtherKey) -> None:
        self.key, self.label = further.key, further.key.label(name)
        fitted = run.fitted.tables[name]
        self.chosen = made.parents[self.label] = choose(run, name, made, further)
        self.keys = run.tables[self.key.parent].spool.column_table(self.key.parent_columns)
        self.linked = fitted.linked.get(self.label, TableRelations())
        self.bounds = fitted.bounds.get(self.label, [])
        names = [*self.linked.above(fitted.attributes), *(b.source for b in self.bounds)]
        self.above = widened(
            run, made, self.key, self.chosen, self.bounds, above(run, self.key.parent, names)
        )
        shared = {column for column, _ in further.shared}
        pairs = list(zip(self.key.columns, self.key.parent_columns))
        self.columns = [pair for pair in pairs if pair[0] not in shared] or pairs

    def apply(self, block: pa.Table, start: int) -> pa.Table:
        """Fill the key's columns of a block."""
        chosen = self.chosen[start : start + len(block)]
        index = pa.array(chosen, mask=chosen < 0)
        for column, parent_column in self.columns:
            block = _with_column(block, column, self.keys.column(parent_column).take(index))
        if not self.linked and not self.bounds:
            return block
        parents = self.above.take(index)
        block = self.linked.mend_beside(block, parents)
        for order in self.bounds:  # where no parent suits
            block = _with_column(block, order.target, order.mend(beside(block, parents)))
        return block

    @property
    def targets(self) -> list[str]:
        """The columns that follow from the parent, or are moved for it."""
        return [*self.linked.targets, *(order.target for order in self.bounds)]


def _chosen(run: Run, name: str, made: Generated, modes: tuple[str, ...]) -> list[_Choice]:
    """Choose over all keys of some modes; those that others follow from come first."""
    plan, rules = run.fitted.plan.tables[name], run.fitted.tables[name].key_rules
    waiting = [further for further in plan.further if further.mode in modes]
    choices = []
    while waiting:
        open_keys = [further.key for further in waiting]
        ready = next(
            further
            for further in waiting
            if not any(
                isinstance(rule, Meeting)
                and rule.key == further.key
                and rule.other[:1]
                and rule.other[0] in open_keys
                for rule in rules
            )
        )
        waiting.remove(ready)
        choices.append(_Choice(run, name, made, ready))
    return choices


def _unique_repairs(run: Run, name: str) -> list[UniqueRepair]:
    """Build a repair for each unique set with a modelled column in it."""
    fitted = run.fitted.tables[name]
    undeclared = [
        [*rule.key.columns, rule.column] for rule in fitted.key_rules if isinstance(rule, Distinct)
    ]
    return unique_repairs(fitted.config, fitted.free, run.seed, undeclared)


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
            block = choice.apply(block, start)
        touched = any(choice.targets for choice in self.choices)
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
        linked = [column for choice in self.choices for column in choice.targets]
        return self.checks.keep_unbroken(
            before, relations.mend(block), [*relations.targets, *linked]
        )


def _link_hierarchy(run: Run, name: str, made: Generated, key: ForeignKey) -> None:
    """Fill a self reference: rows of each depth attach to rows one level above."""
    fitted = run.fitted.tables[name]
    if fitted.hierarchy is None or made.depths is None:
        return
    tree = Tree(run, name, made, key)
    keys = made.spool.column_table(key.parent_columns)
    checks = fitted.checks(run.fitted.metadata.dialect)

    def fill(block: pa.Table, start: int) -> pa.Table:
        before, chosen = block, tree.parents[start : start + len(block)]
        index = pa.array(chosen, mask=chosen < 0)
        for column, parent_column in zip(key.columns, key.parent_columns):
            block = _with_column(block, column, keys.column(parent_column).take(index))
        changed = tree.changed.column_names
        for column in changed:
            values = tree.changed.column(column).slice(start, len(block))
            block = _with_column(block, column, values)
        if not changed:
            return block
        relations = fitted.relations
        return checks.keep_unbroken(before, relations.mend(block), [*relations.targets, *changed])

    made.spool.rewrite(fill)


def _with_column(block: pa.Table, column: str, values: pa.ChunkedArray) -> pa.Table:
    position = block.schema.get_field_index(column)
    field = block.schema.field(position)
    return block.set_column(position, field, pc.cast(values, field.type))
