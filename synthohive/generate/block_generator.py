"""Making the rows of a block: drawn, decoded, restored, repaired, and given keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.derive.elapsed import Elapsed
from synthohive.derive.keys.makers import Places
from synthohive.derive.not_null import none_null
from synthohive.derive.program import Cells
from synthohive.derive.sticky import carried
from synthohive.encoding.encoded import SILENT, EncodedTable, Layout
from synthohive.exceptions import in_column
from synthohive.generate.blocks import Block
from synthohive.generate.conditions import Conditions
from synthohive.generate.following import changed_columns, follow, moved_apart
from synthohive.generate.labels import label_sets, settled_labels
from synthohive.generate.run import Groups, Run, flags_of
from synthohive.learn.fitted import FittedTable
from synthohive.tables import random_streams as seeds
from synthohive.tables.ancestors import ancestor_columns, hstack, with_column, with_rows
from synthohive.tables.block_store import EncodedSpool
from synthohive.tables.context import group_block, keep_columns, time_block
from synthohive.tables.in_turn import Turns, draw_in_turn
from synthohive.tables.joins import group_codes
from synthohive.tables.roles import null_column
from synthohive.tables.siblings import PIECE, Siblings

__all__ = ["BlockGenerator", "MadeBlock"]


TRIES = 3
"""At rows beyond the bounds of a column, until they take values of other rows."""


@dataclass(frozen=True)
class MadeBlock:
    """The rows of a block.

    Attributes
    ----------
    rows : pyarrow.Table
        As they are stored; keys that are chosen later are NULL.
    beside : pyarrow.Table
        What was drawn for these choices: what is modelled of rows, but is no column of theirs.
    context : EncodedTable, optional
        What children are conditioned on; None where there are none.
    """

    rows: pa.Table
    beside: pa.Table
    context: Optional[EncodedTable]


class BlockGenerator:
    """Makes the blocks of one table, which has so many rows in all."""

    def __init__(
        self, run: Run, fitted: FittedTable, groups: Optional[Groups], rows: int = 0
    ) -> None:
        self.fitted, self.groups, self.name = fitted, groups, fitted.config.name
        self.plan = run.fitted.plan.tables[self.name]
        self.run = run.before({self.name, *self.plan.ancestors})
        metadata = run.fitted.metadata
        self.has_driven_children = bool(self.plan.children)
        self.incoming = {
            key.label(child): (child, key)
            for child, key in metadata.foreign_keys()
            if key.parent == self.name and child != self.name
        }
        self.labels = label_sets(fitted, self.plan.driver)
        grouped = fitted.siblings or fitted.program.monotone or fitted.driven_periods
        further = self.plan.of("free", "grouped", "implied", "deferred")
        in_groups = bool(further or grouped or self.labels)
        self.whole_groups = groups is not None and in_groups
        self.checks = fitted.checks(metadata.dialect)
        self.conditions = run.conditions.get(self.name)
        self.wide_groups = self._wide_groups()
        numbered = run.numbered(self.name, rows)
        self.makers = {name: maker.fitting(numbered) for name, maker in fitted.makers.items()}

    def made(self, block: Block) -> MadeBlock:
        """Make a block: a pure function of it, and of what the generator was given."""
        config, keys = self.fitted.config, self.fitted.keys.values()
        encoded, ancestors, attributes = self.attributes(block)
        besides = {flag for key in keys for flag in key.program.besides}
        named = zip(attributes.column_names, attributes.columns)
        structural = {n: c for n, c in named if n in besides or n not in config.columns}
        # a dummy column keeps the number of rows where there is no other
        beside = pa.table({**structural, "": pa.nulls(len(attributes))})
        context = None
        if self.has_driven_children:
            context = EncodedTable.side_by_side([encoded, ancestors])
        return MadeBlock(self.complete(block, attributes), beside, context)

    def context(self, block: Block, given: pa.Table) -> tuple[EncodedTable, EncodedTable]:
        """Return what the model is conditioned on, and the ancestors alone."""
        times = time_block(given.select(self.fitted.times))
        if self.plan.driver is None:
            return times, EncodedTable.empty(len(block.rows))
        # Shape (rows, codes of all ancestors): those of the generated parents, never of real ones.
        ancestors = self._parent_context().take(block.parents)
        group = group_block(block.positions, block.sizes, self.fitted.largest_group)
        kept = keep_columns(ancestors, self._context_columns())
        return EncodedTable.side_by_side([group, kept, times]), ancestors

    def _times(self, block: Block) -> pa.Table:
        """Return the key columns that are points in time; a dummy keeps the number of rows."""
        found = {name: self._key_column(name, block) for name in self.fitted.times}
        return pa.table({"": pa.nulls(len(block.rows)), **found})

    def _context_columns(self) -> Optional[set[str]]:
        wanted = self.fitted.config.parent_context_cols
        return (
            None
            if wanted is None
            else {f"{ancestor}.{column}" for ancestor in self.plan.ancestors for column in wanted}
        )

    def _parent_context(self) -> EncodedSpool:
        driver = self.plan.driver
        spool = None if driver is None else self.run.tables[driver.parent].context
        if spool is None:
            raise RuntimeError(f"the parents of {self.name!r} were generated without context")
        return spool

    def children_layout(self) -> Layout:
        """Return the layout of this table's rows beside their ancestors."""
        encoder = self.fitted.encoder
        own = Layout() if encoder is None else encoder.layout.prefixed(self.name)
        above = [] if self.plan.driver is None else [self._parent_context().layout]
        return Layout.concat([own, *above])

    def attributes(self, block: Block) -> tuple[EncodedTable, EncodedTable, pa.Table]:
        """Draw a block; return it encoded (with its table's name), its ancestors, and decoded."""
        given = self._times(block)
        context, ancestors = self.context(block, given)
        above = hstack(given, self._parent_values(block))
        fixed, rooms = self._fixed(block.rows), self.fitted.program.rooms(above)
        # From here on backwards along what learning did: draw, decode, undo gaps and differences,
        # then what follows; each step has a stream of its own, so that none depends on another's.
        alone = context
        encoded, context = self._modelled(alone, fixed, block, rooms)
        rows = self._decoded(encoded, fixed, "block", block.number)
        labels = self._settled(rows, fixed, block)
        if labels is not None:
            fixed = labels if fixed is None else hstack(labels, fixed)
            encoded, context = self._modelled(alone, fixed, block, rooms)
            rows = self._decoded(encoded, fixed, "block", block.number)
        rng = self.run.rng(self.name, "block", block.number, "rooms")
        known = () if fixed is None else fixed.column_names
        order = block.parents, block.positions
        rows = self.fitted.program.unmove(rows, above, rng, order, known)
        rows = self._derived(rows, above, None, "block", block.number)
        rows = self._within_bounds(rows, context, above, block)
        rng = self.run.rng(self.name, "periods", block.number)
        rows = moved_apart(self.fitted, rows, block.parents, rng, above)
        return encoded.prefixed(self.name), ancestors, self._repaired(rows, context, above, block)

    def _parent_values(self, block: Block) -> pa.Table:
        """Return the ancestors' columns that derivations need."""
        driver = self.plan.driver
        if driver is None:
            return pa.table({})
        names, plan = self.fitted.program.above(self.fitted.attributes), self.run.fitted.plan
        return ancestor_columns(self.run, plan, driver.parent, block.parents, names)

    def _fixed(self, rows: IntArray) -> Optional[pa.Table]:
        """Return the columns of some rows that the caller fixed."""
        if self.conditions is None:
            return None
        seed = seeds.seed_int(self.run.seed, self.name, "conditions")
        return self.conditions.rows(self.run.numbers(self.name, rows), seed)

    def _modelled(
        self,
        context: EncodedTable,
        fixed: Optional[pa.Table],
        block: Block,
        rooms: Mapping[str, Floats],
    ) -> tuple[EncodedTable, EncodedTable]:
        """Draw a block; return it, and all that its rows were given."""
        if not self.fitted.siblings or self.fitted.encoder is None:
            return self._sampled(context, fixed, block.positions, "block", block.number), context

        def draw(number: int, place: IntArray, known: EncodedTable) -> EncodedTable:
            own = None if fixed is None else fixed.take(pa.array(place))
            return self._sampled(known, own, block.positions[place], "block", block.number, number)

        order, encoder = (block.parents, block.positions), self.fitted.encoder
        elapsed = Elapsed(self.fitted.program.by_step, *order, rooms, encoder=encoder)
        siblings = Siblings(encoder.layout, *order, piece=PIECE)
        known = () if fixed is None else fixed.column_names
        held = carried(self.fitted.program.held, encoder, known)
        return draw_in_turn(Turns(context, siblings, elapsed, held), draw)

    def _settled(
        self, rows: pa.Table, fixed: Optional[pa.Table], block: Block
    ) -> Optional[pa.Table]:
        """Return labels that do not repeat in their groups, where drawn ones do."""
        known = set() if fixed is None else set(fixed.column_names)
        sets = [own for own in self.labels if not known & set(own)]
        if not sets:
            return None
        rng = self.run.rng(self.name, "labels", block.number)
        return settled_labels(self.fitted, sets, rows, block.parents, rng)

    def _sampled(
        self, context: EncodedTable, fixed: Optional[pa.Table], positions: IntArray, *path: Any
    ) -> EncodedTable:
        model, encoder, rows = self.fitted.model, self.fitted.encoder, len(context)
        if encoder is None or not encoder.columns:
            return EncodedTable.empty(rows)
        if model is None:
            nothing = EncodedTable.empty(rows)
            return EncodedTable(encoder.layout, nothing.codes, nothing.values)
        given = context if context.layout != EncodedTable.empty(0).layout else None
        rng = self.run.rng(self.name, *path, "model")
        silent = self.fitted.program.masked(positions)
        if fixed is None and not silent:
            return model.sample(rows, given, rng=rng)
        own = encoder.unknown(rows)
        if fixed is not None:
            own = Conditions.encode(fixed, encoder, self.run.rng(self.name, *path, "conditions"))
        # Cells that mean nothing (a first row's gap) are no evidence: neither drawn nor given.
        known = encoder.without(own, silent, SILENT)
        return encoder.without(model.sample(rows, given, rng=rng, given=known), silent, 0, 0.0)

    def _decoded(self, encoded: EncodedTable, fixed: Optional[pa.Table], *path: Any) -> pa.Table:
        encoder = self.fitted.encoder
        if encoder is None or not encoder.columns:  # a dummy column keeps the number of rows
            return pa.table({"": pa.nulls(len(encoded))})
        decoded = encoder.decode(encoded, self.run.rng(self.name, *path, "decode"))
        if fixed is None:
            return decoded
        for name, values in zip(fixed.column_names, fixed.columns):  # codes are less exact
            decoded = with_column(decoded, name, values)
        return decoded

    def _derived(
        self, rows: pa.Table, above: pa.Table, known: Optional[Cells], *path: Any
    ) -> pa.Table:
        """Return rows with all that follows from what was drawn."""
        rng, fitted = self.run.rng(self.name, *path, "relations"), self.fitted
        rows = fitted.program.decode(rows, fitted.attributes, above, rng, known=known)
        return none_null(fitted.attributes, rows, rows, rng)

    def _repaired(
        self, table: pa.Table, context: EncodedTable, above: pa.Table, block: Block
    ) -> pa.Table:
        if self.run.enforce_constraints:
            self.checks.enforce(table, self.name)

        def resample(rows: IntArray, rng: np.random.Generator) -> pa.Table:
            return self._again(rows, table, context, above, block, rng)

        rng = self.run.rng(self.name, "repair", block.number)
        right, repaired = self.checks.repair(table, rng, resample)
        if not repaired:
            return right
        return follow(
            self.fitted,
            self.checks,
            right,
            right,
            rng,
            changed=changed_columns(table, right),
            above=above,
            groups=block.parents,
        )

    def _again(
        self,
        rows: IntArray,
        table: pa.Table,
        context: EncodedTable,
        above: pa.Table,
        block: Block,
        rng: np.random.Generator,
    ) -> pa.Table:
        """Return some rows of a block drawn anew; what their groups gave them stays."""
        path, beside_it = ("again", block.number, int(rng.integers(2**31))), above.take(rows)
        fixed = self._fixed(block.rows[rows])
        drawn = self._sampled(context.take(rows), fixed, block.positions[rows], *path)
        program, before = self.fitted.program, table.take(rows)
        again = program.unmove(self._decoded(drawn, fixed, *path), beside_it)
        # What a group gave them (a value that only rises) cannot be drawn for single rows.
        all_rows = np.ones(len(rows), dtype=np.bool_)
        held = [one.column for one in (*program.by_step, *program.sticky)]
        known = {name: (all_rows, before.column(name)) for name in held}
        return self._derived(again, beside_it, known, *path)

    def _within_bounds(
        self, table: pa.Table, context: EncodedTable, above: pa.Table, block: Block
    ) -> pa.Table:
        """Draw rows anew in which a sum or a product lies beyond the column's own bounds."""
        program = self.fitted.program
        rng = self.run.rng(self.name, "bounds", block.number)
        for _ in range(TRIES):
            wrong = np.flatnonzero(program.beyond(table))
            if not len(wrong):
                return table
            again = self._again(wrong, table, context, above, block, rng)
            table = with_rows(table, wrong, again.select(table.column_names))
        if self.conditions is not None:  # what the caller fixed comes first
            return table
        return program.borrowed(table, above, program.beyond(table), rng)

    def complete(self, block: Block, attributes: pa.Table) -> pa.Table:
        """Add keys of parents and made-up columns, in the order of the table's columns."""
        roles, rows = self.fitted.roles, block.rows
        columns: dict[str, Any] = {c: attributes.column(c) for c in roles.attributes}
        columns.update(self._driving_key(block))
        for name in roles.key:
            with in_column(name):
                array = self._key_column(name, block)
                columns[name] = _with_nulls(array, self._empty(name, block, attributes))
        made_up = self.run.numbers(self.name, rows)
        for name in roles.personal:
            with in_column(name):
                columns[name] = self._made_up(name, made_up, self._empty(name, block, attributes))
        schema = self.fitted.schema
        arrays = [
            columns[f.name] if f.name in columns else pa.nulls(len(rows), f.type) for f in schema
        ]
        return pa.Table.from_arrays(
            [_cast(a, f.type) for a, f in zip(arrays, schema)], schema=schema
        )

    def beside_kept(self, kept: pa.Table) -> pa.Table:
        """Return rows of a look-up table with the columns that are not kept, drawn or made up."""
        rows = np.arange(len(kept), dtype=np.int64)

        def drawn(at: IntArray, *path: Any) -> pa.Table:
            encoded = self._sampled(EncodedTable.empty(len(at)), None, at, "kept", *path)
            return hstack(kept.take(pa.array(at)), self._decoded(encoded, None, "kept", *path))

        def resample(at: IntArray, rng: np.random.Generator) -> pa.Table:
            return drawn(at, "again", int(rng.integers(2**31)))

        table, _ = self.checks.repair(drawn(rows), self.run.rng(self.name, "repair"), resample)
        columns: dict[str, Any] = dict(zip(table.column_names, table.columns))
        stored = self.fitted.config.stored
        nulls = {name: flags_of(table, null_column(name), len(table)) for name in stored}
        columns.update({name: self._made_up(name, rows, nulls[name]) for name in self.fitted.fakes})
        for name in self.fitted.roles.key:
            if name not in columns:
                group, size = np.zeros_like(rows), np.full_like(rows, len(rows))
                seed = seeds.seed_int(self.run.seed, self.name, name)
                array = self.makers[name].make(Places(rows, group, rows, size), seed)
                columns[name] = _with_nulls(array, nulls[name])
        schema = self.fitted.schema
        return pa.Table.from_arrays([_cast(columns[f.name], f.type) for f in schema], schema=schema)

    def _empty(self, name: str, block: Block, attributes: pa.Table) -> Bools:
        """Return the rows in which a made-up column is NULL; a further key decides later."""
        driver = self.plan.driver
        nulls = {} if driver is None else self.fitted.keys[driver.label(self.name)].nulls
        alike = nulls.get(name)
        if alike is not None:
            return np.asarray((block.parents < 0) == alike, dtype=np.bool_)
        return flags_of(attributes, null_column(name), len(attributes))

    def _made_up(self, name: str, rows: IntArray, empty: Bools) -> Any:
        seed = self.run.people_seed(self.name)
        fake = self.fitted.fakes[name]
        return _with_nulls(fake.make(rows, seed), empty, "" if fake.blank else None)

    def _driving_key(self, block: Block) -> dict[str, Any]:
        driver = self.plan.driver
        if driver is None or not len(block.rows):
            return {}
        found = self.run.take(driver.parent, driver.parent_columns, block.parents)
        return dict(zip(driver.columns, found.columns))

    def _key_column(self, name: str, block: Block) -> pa.Array:
        maker = self.makers[name]
        positions, sizes = block.positions, block.sizes
        rows = self.run.numbers(self.name, block.rows)
        if name in self.wide_groups:  # counts on over all parents that share the other columns
            linked = block.parents >= 0
            # Parents that share the other columns are one group: places begin where the one before
            # them ended, or the column would repeat.
            before, total = (v[block.parents] for v in self.wide_groups[name])
            positions = np.where(linked, positions + before, positions)
            sizes = np.where(linked, total, sizes)
        groups = block.parents
        if self.plan.driver is not None:
            groups = self.run.numbers(self.plan.driver.parent, groups)
        places = Places(rows, groups, positions, sizes)
        return maker.make(places, seeds.seed_int(self.run.seed, self.name, name))

    def _wide_groups(self) -> dict[str, tuple[IntArray, IntArray]]:
        """Return what stands before each driving parent's rows, and how many there are in all.

        A column that is unique beside only a part of the driving key counts on from parent to
        parent, where these agree on that part.
        """
        found: dict[str, tuple[IntArray, IntArray]] = {}
        driver, groups = self.plan.driver, self.groups
        if driver is None or groups is None or not len(groups.counts):
            return found
        theirs = dict(zip(driver.columns, driver.parent_columns))
        for name in self.fitted.makers:
            for unique in self.fitted.config.unique_sets:
                part = set(unique) - {name}
                if name in unique and part and part < set(driver.columns):
                    columns = sorted({theirs[c] for c in part})
                    keys = self.run.tables[driver.parent].spool.column_table(columns)
                    code = group_codes([keys], [columns])[0]
                    found[name] = _before(code, groups.counts)
        return found


def _with_nulls(array: Any, empty: Bools, instead: Optional[str] = None) -> Any:
    if not empty.any():
        return array
    return pc.if_else(pa.array(empty), pa.scalar(instead, array.type), array)


def _before(group: IntArray, counts: IntArray) -> tuple[IntArray, IntArray]:
    """Return the sum of the counts before each one in its group, and the group's."""
    # sorted by group, a sum over all that stand before, less that up to where the group begins
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(counts[order])
    first = np.flatnonzero(np.r_[True, group[order][1:] != group[order][:-1]])
    start = np.repeat((ends - counts[order])[first], np.diff(np.append(first, len(order))))
    before, total = np.empty_like(counts), np.empty_like(counts)
    before[order] = ends - counts[order] - start
    sums = np.add.reduceat(counts[order], first)
    total[order] = np.repeat(sums, np.diff(np.append(first, len(order))))
    return before, total


def _cast(array: Any, type_: pa.DataType) -> Any:
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return array if array.type == type_ else pc.cast(array, type_)
