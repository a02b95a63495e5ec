"""Completing the blocks of a table when its parents are chosen: keys, what follows, no repeats.

Where no row can repeat one of another block, blocks are pure functions of themselves and of what
was chosen for them, and are completed by any process (:mod:`synthohive.generate.block_pool`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, IntArray
from synthohive.constrain.base import Repair
from synthohive.constrain.checks import TableChecks
from synthohive.generate.bound_relaxation import relax_bounds
from synthohive.generate.following import follow
from synthohive.generate.key_repair import Changes
from synthohive.generate.parent_choice import choose
from synthohive.generate.run import Generated, Run
from synthohive.schema.plan import Link
from synthohive.tables.ancestors import ancestor_columns, hstack, with_column, with_rows
from synthohive.tables.joins import group_codes
from synthohive.tables.number_spool import PIECE

__all__ = ["Choice", "Filling", "Handed", "finish"]

Part = tuple[pa.Array, pa.Table, pa.Table]
"""The parents of a block's rows, columns of these, and what stands beside the rows."""


class Filling(ABC):
    """Fills the columns of one key, block by block, from the parents chosen over it.

    Attributes
    ----------
    targets : list of str
        The columns that follow from the parent, or are moved for it.
    """

    def __init__(
        self, run: Run, made: Generated, link: Link, targets: list[str], above: Sequence[str] = ()
    ) -> None:
        self._source: Optional[tuple[Run, Generated]] = run, made
        self.link, self.targets, self.above = link, targets, list(above)
        pairs = zip(link.key.columns, link.key.parent_columns)
        self.columns = [pair for pair in pairs if pair not in link.shared]
        self._gathered: Optional[tuple[int, int, pa.Table]] = None

    def __getstate__(self) -> dict[str, Any]:
        """Return what other processes need: nothing of whole tables."""
        return {**self.__dict__, "_source": None, "_gathered": None}

    @property
    def source(self) -> tuple[Run, Generated]:
        """The run and the table, in the process that made it."""
        if self._source is None:
            raise RuntimeError(f"{self.link.label!r} is filled in by another process")
        return self._source

    def part(self, start: int, rows: int) -> Part:
        """Return what a block is filled with, of whole tables."""
        known = self._gathered
        if known is None or not known[0] <= start <= start + rows <= known[1]:
            # Of many blocks at once: parents stand anywhere in their table, which is read for it
            stop = start + max(rows, PIECE)
            known = self._gathered = start, stop, self._of_parents(start, stop)
        low, _, columns = known
        chosen = self.source[1].parents[self.link].slice(start, start + rows)
        index = pa.array(chosen, mask=chosen < 0)
        return index, columns.slice(start - low, rows), self.beside(start, rows)

    def _of_parents(self, start: int, stop: int) -> pa.Table:
        """Return the keys of the parents of some rows, and what follows goes by, row by row."""
        (run, made), parent = self.source, self.link.key.parent
        chosen = made.parents[self.link].slice(start, stop)
        keys = run.take(parent, list(dict.fromkeys(p for _, p in self.columns)), chosen)
        return hstack(keys, ancestor_columns(run, run.fitted.plan, parent, chosen, self.above))

    def apply(self, block: pa.Table, part: Part) -> pa.Table:
        """Return a block with the key's columns, and what follows from the parents."""
        parents, columns, beside = part
        for column, parent_column in self.columns:
            block = with_column(block, column, columns.column(parent_column))
        above = [name for name in columns.column_names if name in self.above]
        return self.followed(block, hstack(columns.select(above), beside), parents)

    @abstractmethod
    def beside(self, start: int, rows: int) -> pa.Table:
        """Return what stands beside the rows of a block for what follows."""

    @abstractmethod
    def followed(self, block: pa.Table, beside: pa.Table, parents: pa.Array) -> pa.Table:
        """Return a block with what follows from its parents."""


class Choice(Filling):
    """The chosen parents over one further key, and what follows from them."""

    def __init__(self, run: Run, made: Generated, link: Link) -> None:
        fitted = run.fitted.tables[link.table]
        learned = fitted.keys[link.label]
        self.program, self.bounds = learned.program, learned.bounds
        made.put(link, choose(run, made, link))
        relax_bounds(run, made, link, self.bounds)
        moved = [order.target for order in self.bounds]
        names = [*self.program.above(fitted.attributes), *(b.source for b in self.bounds)]
        super().__init__(run, made, link, [*self.program.targets, *moved], names)
        self.flags = [*self.program.besides]
        blank = {column for column, fake in fitted.fakes.items() if fake.blank}
        self.empty = [  # in which rows, with what, and whether where the key is NULL
            (column, "" if column in blank else None, alike)
            for column, alike in learned.nulls.items()
            if column in fitted.schema.names
        ]

    def beside(self, start: int, rows: int) -> pa.Table:
        """Return what was drawn beside the rows, in place of what mostly follows."""
        return self.source[1].drawn_columns(self.flags, start, start + rows)

    def followed(self, block: pa.Table, beside: pa.Table, parents: pa.Array) -> pa.Table:
        """Return a block with what follows from its parents, or is moved where none suits."""
        for column, nothing, alike in self.empty:
            old, where = block.column(column), parents.is_null()
            where = where if alike else pc.invert(where)
            values = pc.if_else(where, pa.scalar(nothing, old.type), old)
            block = with_column(block, column, values)
        if not self.program and not self.bounds:
            return block
        block = self.program.repair(block, beside)
        for order in self.bounds:
            block = order.put_right(block, beside)
        return block


class Handed(Filling):
    """The parents in a hierarchy, and what was handed down from level to level."""

    def __init__(self, run: Run, made: Generated, link: Link, handed: pa.Table) -> None:
        super().__init__(run, made, link, handed.column_names)
        self.handed = handed

    def __getstate__(self) -> dict[str, Any]:
        """See the base class."""
        return {**super().__getstate__(), "handed": None}

    def beside(self, start: int, rows: int) -> pa.Table:
        """Return what was handed down to the rows."""
        return self.handed.slice(start, rows)

    def followed(self, block: pa.Table, beside: pa.Table, parents: pa.Array) -> pa.Table:
        """Return a block with what its rows have from the rows above."""
        for column in self.targets:
            block = with_column(block, column, beside.column(column))
        return block


def finish(
    run: Run,
    name: str,
    made: Generated,
    choices: Sequence[Filling],
    changes: Changes,
    repairs: list[Repair],
    waiting: Collection[str] = (),
    *,
    last: bool = False,
) -> Bools:
    """Complete the blocks of a table, but for columns that wait; return what still repeats.

    Parameters
    ----------
    run, name, made
    choices : sequence of Filling
    changes : Changes
    repairs : list of Repair
    waiting : collection of str
    last : bool, default False
        Nothing is expected to change the rows later in the same step.
    """
    left = np.zeros(made.spool.rows, dtype=np.bool_)
    checks = run.fitted.tables[name].checks(run.fitted.metadata.dialect).without(waiting)
    if not (choices or changes or repairs or checks.checks):
        return left
    step = _Finish(run, name, made, choices, changes, repairs, checks)
    parts = (step.part(number) for number in range(len(made.spool.starts)))
    if all(repair.apart for repair in repairs):
        finished = run.blocks.map(step, parts, len(made.spool.starts))
    else:  # what a row repeats may stand in any block before
        finished = map(step, parts)

    def blocks() -> Iterator[pa.Table]:
        start = 0
        for block, wrong in finished:
            left[start + wrong] = True
            start += len(block)
            yield block

    early = run.early if last and name in run.final else None
    made.spool.replace(blocks(), early and partial(early, name))
    return left


@dataclass(frozen=True)
class _Block:
    """A block of a table, by number, and what of whole tables belongs to it."""

    number: int
    start: int
    parts: tuple[Part, ...]
    changes: Changes
    besides: pa.Table


class _Finish:
    """Completes the blocks of one table, in order where any may repeat one before it."""

    def __init__(
        self,
        run: Run,
        name: str,
        made: Generated,
        choices: Sequence[Filling],
        changes: Changes,
        repairs: list[Repair],
        checks: TableChecks,
    ) -> None:
        self.run, self.name, self.spool, self.checks = run.before(()), name, made.spool, checks
        self._made: Optional[Generated] = made
        self.choices, self.changes, self.repairs = choices, changes, repairs
        self.fitted = run.fitted.tables[name]
        self.driver = run.fitted.plan.tables[name].driver

    def __getstate__(self) -> dict[str, Any]:
        """Return what other processes need, to which changes come block by block."""
        return {**self.__dict__, "changes": Changes(), "_made": None}

    def part(self, number: int) -> _Block:
        """Return what :meth:`__call__` takes for a block."""
        start, stop = self.spool.stretch(number)
        parts = tuple(choice.part(start, stop - start) for choice in self.choices)
        besides = pa.table({})
        if self._made is not None:
            besides = self._made.drawn_columns([*self.fitted.program.besides], start, stop)
        return _Block(number, start, parts, self.changes.of_block(start, stop), besides)

    def __call__(self, given: _Block) -> tuple[pa.Table, IntArray]:
        """Return a block with its further keys and without repeats, and the rows that repeat."""
        before = block = self.spool.block(given.number)
        for choice, part in zip(self.choices, given.parts):
            block = choice.apply(block, part)
        block = given.changes.apply(block)
        done = self._right(before, block, given)
        masks = [repair.remember(done) for repair in self.repairs]
        binding = [mask for mask, repair in zip(masks, self.repairs) if repair.binding]
        wrong = np.any([np.zeros(len(done), dtype=np.bool_), *binding], axis=0)
        return done, np.flatnonzero(wrong)

    def _right(self, before: pa.Table, block: pa.Table, given: _Block) -> pa.Table:
        """Return a block that was filled, with what follows, and without repeats."""
        filled, rng = block, self._rng("keys checked", given.start)
        block, _ = self.checks.repair(block, rng, others=self.repairs)
        if block is not filled or any(choice.targets for choice in self.choices):
            block = self._unrepeated(block, self._followed(before, block, given))
        return block

    def _rng(self, part: str, start: int) -> np.random.Generator:
        return self.run.rng(self.name, part, start)

    def _unrepeated(self, repaired: pa.Table, followed: pa.Table) -> pa.Table:
        """Return rows with what follows, but as they were where they would repeat by it."""
        again = [repair.broken(followed) for repair in self.repairs]
        rows = np.flatnonzero(np.any([np.zeros(len(followed), dtype=np.bool_), *again], axis=0))
        return with_rows(followed, rows, repaired.take(pa.array(rows))) if len(rows) else followed

    def _followed(self, before: pa.Table, block: pa.Table, given: _Block) -> pa.Table:
        """Return a block with what follows from the keys, and from what was changed for them."""
        groups, linked = None, [column for choice in self.choices for column in choice.targets]
        if self.fitted.driven_periods and self.driver is not None:
            # A date that was moved may lie in another period; a block is one of whole groups.
            groups = group_codes([block], [self.driver.columns])[0]
        rng, beside = self._rng("mended", given.start), given.besides
        return follow(
            self.fitted, self.checks, before, block, rng, also=linked, above=beside, groups=groups
        )
