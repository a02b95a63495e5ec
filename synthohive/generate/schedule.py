"""The steps of a run, in their order, and which tables each may change.

A table is final when no later step changes it. Who wants its rows gets them then, while others are
still made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Optional

import pyarrow as pa

from synthohive.constrain.validity import check_validity
from synthohive.generate.alias_filling import fill_aliases, referring, suit_rows
from synthohive.generate.bound_relaxation import relaxable
from synthohive.generate.foreign_keys import assign_deferred_keys, fill_aggregates
from synthohive.generate.run import Run
from synthohive.learn.fitted import FittedDatabase
from synthohive.schema import Metadata
from synthohive.schema.plan import Role
from synthohive.tables.ancestors import with_column

__all__ = ["Step", "schedule"]


@dataclass(frozen=True)
class Step:
    """Something that is done to a table, when what comes before it is done.

    Attributes
    ----------
    act : callable
    table : str, optional
        None for a look at all of them.
    changes : frozenset of str
        The tables whose rows it may change, that one among them.
    """

    act: Callable[[Run, str], None]
    table: Optional[str]
    changes: frozenset[str] = frozenset()

    def __call__(self, run: Run) -> None:
        """Do it."""
        self.act(run, self.table or "")


def schedule(
    fitted: FittedDatabase, make: Callable[[Run, str], None], tables: Collection[str]
) -> Iterator[tuple[Step, list[str]]]:
    """Yield the steps of a run, each with the tables that are final after it.

    Parameters
    ----------
    fitted : FittedDatabase
    make : callable
        Makes the rows of a table.
    tables : collection of str
        The ones that are made; steps for others, and a look at others, are none.
    """
    steps = list(_steps(fitted, make, tables))
    last = {name: number for number, step in enumerate(steps) for name in step.changes}
    order = [name for name in fitted.plan.order if name in tables]
    for number, step in enumerate(steps):
        yield step, [name for name in order if last[name] == number]


def _steps(
    fitted: FittedDatabase, make: Callable[[Run, str], None], made: Collection[str]
) -> Iterator[Step]:
    """Yield what there is to do; a step that has nothing to do in a table is none."""
    order = [name for name in fitted.plan.order if name in made]
    tables, plan, metadata = fitted.tables, fitted.plan.tables, fitted.metadata
    for name in order:
        moved = _relaxed(fitted, name, "free", "grouped", "self")
        # Rows for which there is no parent take along those that refer to them.
        gone = _below(metadata, name) if plan[name].of("deferred", "self") else {name}
        yield Step(make, name, frozenset({*moved, *gone}))
    for name in order:
        if plan[name].of("deferred"):
            moved = _relaxed(fitted, name, "deferred")
            yield Step(assign_deferred_keys, name, frozenset({*moved, *_below(metadata, name)}))
    for name in order:
        if targets := [target for one in tables[name].given for target in one.targets]:
            yield Step(suit_rows, name, _repeating(metadata, name, targets))
    for name in order:
        targets = [one.target for one in tables[name].namesakes.values()]
        targets += [one.target for one in tables[name].aliases.values()]
        if targets:
            yield Step(fill_aliases, name, _repeating(metadata, name, targets))
    for name in order[::-1]:
        if tables[name].aggregates:
            yield Step(fill_aggregates, name, frozenset({name}))
    yield Step(_check, None)
    for name in order:  # the check takes NULL for no parent
        if metadata.tables[name].no_parents:
            yield Step(_fill_no_parents, name, frozenset({name}))


def _relaxed(fitted: FittedDatabase, name: str, *roles: Role) -> set[str]:
    """Return the parents whose bounds may be moved when they are chosen."""
    keys = fitted.tables[name].keys
    return {
        link.key.parent
        for link in fitted.plan.tables[name].of(*roles)
        if any(relaxable(fitted, link.key, order) for order in keys[link.label].bounds)
    }


def _below(metadata: Metadata, name: str) -> set[str]:
    """Return a table, and all that refer to it over any number of keys."""
    found, waiting = {name}, [name]
    while waiting:
        above = waiting.pop()
        children = {child for child, key in metadata.foreign_keys() if key.parent == above}
        waiting += children - found
        found |= children
    return found


def _repeating(metadata: Metadata, name: str, columns: Sequence[str]) -> frozenset[str]:
    """Return a table, and those whose keys repeat some of its columns."""
    children = {child for c in columns for child, _, _ in referring(metadata, name, c)}
    return frozenset({name, *children})


def _check(run: Run, _: str) -> None:
    check_validity(run.fitted.metadata, run, run.fitted.special_rules(), names=run.own)


def _fill_no_parents(run: Run, name: str) -> None:
    """Write what stands for no parent in the place of NULL."""
    no_parents = run.fitted.metadata.tables[name].no_parents

    def fill(block: pa.Table, start: int) -> pa.Table:
        for column, value in no_parents.items():
            old = block.column(column)
            block = with_column(block, column, old.fill_null(pa.scalar(value).cast(old.type)))
        return block

    run.tables[name].spool.rewrite(fill)
