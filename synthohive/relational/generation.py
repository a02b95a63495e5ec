"""Generating one table, first pass: its attributes, and the keys that need no choice.

Each block of rows is a pure function of (fitted state, seed, table, block number, parents'
rows). The second pass (:mod:`synthohive.relational.linking`) chooses further parents.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.core.data.encoded import EncodedTable, Layout
from synthohive.relational import seeds
from synthohive.relational.context import group_block, keep_columns
from synthohive.relational.fitted import FittedDatabase, FittedTable
from synthohive.relational.lineage import beside, by_table, lineage, taken
from synthohive.relational.roles import DEPTH, code_column, fan_out_column, null_column
from synthohive.relational.sequences import keep_growing, restore_growing
from synthohive.relational.siblings import Siblings
from synthohive.relational.spool import EncodedSpool, TableSpool
from synthohive.schema import ForeignKey

__all__ = ["BLOCK_ROWS", "Generated", "Groups", "Run", "generate_attributes"]

IntArray = npt.NDArray[np.int64]
BLOCK_ROWS = 16_384
"""Rows per block. A constant, because the bytes of the output depend on it."""


@dataclass(frozen=True)
class Groups:
    """How the rows of a child table are dealt out to its driving parents.

    Rows are numbered parent by parent; rows without a parent come last.
    """

    counts: IntArray
    without_parent: int = 0

    @cached_property
    def offsets(self) -> IntArray:
        """First row of each parent, then the end."""
        return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(self.counts)])

    def parents_of(self, rows: IntArray) -> IntArray:
        """Return the parent of some rows; -1 for none, and for row -1."""
        linked = (rows >= 0) & (rows < self.offsets[-1])
        return np.where(linked, np.searchsorted(self.offsets, rows, side="right") - 1, -1)

    @property
    def rows(self) -> int:
        """Rows of the child table."""
        return int(self.counts.sum()) + self.without_parent


@dataclass
class Generated:
    """One generated table.

    Attributes
    ----------
    spool : TableSpool
        The finished rows.
    context : EncodedSpool or None
        Encoded rows beside their own ancestors, for children driven by this table.
    preferences : dict of str to ndarray
        Per incoming key (by label): the fan-out that the model gave each row.
    nulls : dict of str to ndarray of bool
        Per further key (by label): rows in which it is NULL.
    codes : dict of str to ndarray of int64
        Per further key (by label): the code of parent that the model gave each row.
    parents : dict of str to ndarray of int64
        Per key (by label): each row's parent row, where it is known.
    """

    spool: TableSpool
    groups: Optional[Groups] = None
    context: Optional[EncodedSpool] = None
    preferences: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    nulls: dict[str, npt.NDArray[np.bool_]] = field(default_factory=dict)
    codes: dict[str, IntArray] = field(default_factory=dict)
    parents: dict[str, IntArray] = field(default_factory=dict)
    depths: Optional[IntArray] = None


@dataclass
class Run:
    """One call of `sample` or `to_database`."""

    fitted: FittedDatabase
    seed: int
    scale: float
    folder: Path
    num_rows: dict[str, int] = field(default_factory=dict)
    enforce_constraints: bool = False
    tables: dict[str, Generated] = field(default_factory=dict)

    def take(self, table: str, columns: Sequence[str], rows: IntArray) -> pa.Table:
        """Return columns of some generated rows; NULL for row -1."""
        spool, known = self.tables[table].spool, rows[rows >= 0]
        if not len(known):
            fields = [spool.schema.field(name) for name in columns]
            return pa.table({f.name: pa.nulls(len(rows), f.type) for f in fields})
        low, high = int(known.min()), int(known.max()) + 1
        index = pa.array(rows - low, mask=rows < 0)
        return spool.slice(low, high, columns).take(index)

    def parents_of(self, table: str, key: ForeignKey, rows: IntArray) -> IntArray:
        """Return the driving parent of some generated rows; -1 for none, and for row -1."""
        reference, groups = self.fitted.tables[table].reference, self.tables[table].groups
        if reference is not None:
            kept = reference.parents
            return np.full_like(rows, -1) if kept is None else taken(kept, rows)
        return np.full_like(rows, -1) if groups is None else groups.parents_of(rows)

    def rng(self, *path: Any) -> np.random.Generator:
        """Return the stream of a named part of this run."""
        return seeds.generator(self.seed, *path)


@dataclass(frozen=True)
class _Block:
    """The rows ``start … stop - 1`` of a table, and their place among their siblings."""

    number: int
    start: int
    stop: int
    parents: IntArray
    positions: IntArray
    sizes: IntArray

    @property
    def rows(self) -> IntArray:
        return np.arange(self.start, self.stop, dtype=np.int64)


def _blocks(rows: int, groups: Optional[Groups], whole_groups: bool) -> Iterator[_Block]:
    """Cut a table into blocks; never inside a group if `whole_groups`."""
    if groups is None:
        cuts = np.arange(0, rows, BLOCK_ROWS, dtype=np.int64)
    else:
        offsets = groups.offsets
        cuts = np.arange(0, rows, BLOCK_ROWS, dtype=np.int64)
        if whole_groups:  # move each cut back to the start of its group
            cuts = np.unique(offsets[np.searchsorted(offsets, cuts, side="right") - 1])
            cuts = cuts[cuts < rows]
    for number, (start, stop) in enumerate(zip(cuts, np.append(cuts[1:], rows))):
        numbers = np.arange(start, stop, dtype=np.int64)
        if groups is None:
            parents = np.full(len(numbers), -1, dtype=np.int64)
            positions, sizes = np.zeros_like(parents), np.ones_like(parents)
        else:
            parents = groups.parents_of(numbers)
            linked = parents >= 0
            positions = np.where(linked, numbers - offsets[parents], 0)
            sizes = (
                np.where(linked, groups.counts[parents], 1)
                if len(groups.counts)
                else (np.ones_like(parents))
            )
        yield _Block(number, int(start), int(stop), parents, positions, sizes)


def generate_attributes(run: Run, name: str, rows: int, groups: Optional[Groups]) -> Generated:
    """Generate all blocks of one table into its spool."""
    fitted = run.fitted.tables[name]
    maker = _BlockMaker(run, fitted, groups)
    made = Generated(
        TableSpool(run.folder / f"{seeds.sequence(0, name).spawn_key[0]}.arrow", fitted.schema),
        groups,
    )
    if maker.has_driven_children:
        made.context = EncodedSpool(made.spool.path, maker.children_layout())
    preferences: dict[str, list[Any]] = {key: [] for key in maker.incoming}
    nulls: dict[str, list[Any]] = {key: [] for key in maker.further}
    codes: dict[str, list[Any]] = {key: [] for key in fitted.codes}
    depths: list[Any] = []
    for block in _blocks(rows, groups, maker.whole_groups):
        encoded, context, attributes = maker.attributes(block)
        made.spool.append(maker.complete(block, attributes))
        for label, found in preferences.items():
            found.append(maker.extra(attributes, fan_out_column(*maker.incoming[label])))
        for label, flags in nulls.items():
            flags.append(_flags(attributes, null_column(label)))
        for label, found in codes.items():
            found.append(maker.extra(attributes, code_column(label)))
        if fitted.hierarchy is not None:
            depths.append(maker.extra(attributes, DEPTH))
        if made.context is not None:
            made.context.append(EncodedTable.side_by_side([encoded, context]))
    made.spool.close()
    made.preferences = {k: np.concatenate(v) if v else np.zeros(0) for k, v in preferences.items()}
    made.nulls = {k: np.concatenate(v) if v else np.zeros(0, bool) for k, v in nulls.items()}
    made.codes = {k: np.concatenate(v or [[]]).astype(np.int64) for k, v in codes.items()}
    if fitted.hierarchy is not None:
        made.depths = np.concatenate(depths).astype(np.int64) if depths else np.zeros(0, np.int64)
    return made


def _flags(attributes: pa.Table, name: str) -> npt.NDArray[np.bool_]:
    """Return a boolean column, all False where it was never modelled (no NULL was seen)."""
    if name not in attributes.column_names:
        return np.zeros(len(attributes), dtype=bool)
    flags: npt.NDArray[np.bool_] = pc.fill_null(attributes.column(name), False).to_numpy()
    return flags


class _BlockMaker:
    """Makes the blocks of one table."""

    def __init__(self, run: Run, fitted: FittedTable, groups: Optional[Groups]) -> None:
        self.run, self.fitted, self.groups = run, fitted, groups
        self.name = fitted.config.name
        self.plan = run.fitted.plan.tables[self.name]
        metadata = run.fitted.metadata
        self.has_driven_children = bool(self.plan.children)
        self.incoming = {
            key.label(child): (child, key)
            for child, key in metadata.foreign_keys()
            if key.parent == self.name and child != self.name
        }
        self.further = [f.key.label(self.name) for f in self.plan.further if f.mode != "implied"]
        in_groups = bool(self.plan.further or fitted.siblings or fitted.growing)
        self.whole_groups = groups is not None and in_groups
        self.checks = fitted.checks(metadata.dialect)

    def extra(self, attributes: pa.Table, name: str) -> npt.NDArray[np.float64]:
        """Return a structural column as floats; zeros where it was constant."""
        if name not in attributes.column_names:
            return np.zeros(len(attributes))
        values = attributes.column(name).cast(pa.float64())
        return np.asarray(pc.fill_null(values, 0.0).to_numpy())

    def context(self, block: _Block) -> tuple[EncodedTable, EncodedTable]:
        """Return what the model is conditioned on, and the ancestors alone."""
        driver = self.plan.driver
        if driver is None:
            nothing = EncodedTable.empty(len(block.rows))
            return nothing, nothing
        ancestors = self._parent_context().take(block.parents)
        group = group_block(block.positions, block.sizes, self.fitted.largest_group)
        kept = keep_columns(ancestors, self._context_columns())
        return EncodedTable.side_by_side([group, kept]), ancestors

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

    def attributes(self, block: _Block) -> tuple[EncodedTable, EncodedTable, pa.Table]:
        """Draw a block; return it encoded (with its table's name), its ancestors, and decoded."""
        context, ancestors = self.context(block)
        above = self._parent_values(block)
        encoded, context = self._modelled(context, block)
        decoded = self._decoded(encoded, "block", block.number)
        decoded = restore_growing(self.fitted.growing, decoded, block.parents, block.positions)
        decoded = self._restored(decoded, above, "block", block.number)
        own = EncodedTable(encoded.layout.prefixed(self.name), encoded.codes, encoded.values)
        return own, ancestors, self._repaired(decoded, context, above, block.number)

    def _parent_values(self, block: _Block) -> pa.Table:
        """Return the ancestors' columns that relations name; a dummy keeps the number of rows."""
        found = pa.table({"": pa.nulls(len(block.rows))})
        driver = self.plan.driver
        if driver is None:
            return found
        wanted = by_table(self.fitted.relations.above(self.fitted.attributes), self.plan.ancestors)
        above = lineage(self.run, self.run.fitted.plan, driver.parent, block.parents, wanted)
        return beside(found, above)

    def _modelled(self, context: EncodedTable, block: _Block) -> tuple[EncodedTable, EncodedTable]:
        """Draw a block; return it, and all that its rows were given."""
        if not self.fitted.siblings or self.fitted.encoder is None:
            return self._sampled(context, "block", block.number), context
        siblings = Siblings(self.fitted.encoder.layout, block.parents, block.positions)
        for number, place in enumerate(siblings.places()):
            given = EncodedTable.side_by_side([context.take(place), siblings.history(place)])
            siblings.put(place, self._sampled(given, "block", block.number, number))
        history = siblings.history(np.arange(len(context), dtype=np.int64))
        return siblings.rows, EncodedTable.side_by_side([context, history])

    def _sampled(self, context: EncodedTable, *path: Any) -> EncodedTable:
        model, encoder, rows = self.fitted.model, self.fitted.encoder, len(context)
        if encoder is None or not encoder.columns:
            return EncodedTable.empty(rows)
        if model is None:
            nothing = EncodedTable.empty(rows)
            return EncodedTable(encoder.layout, nothing.codes, nothing.values)
        given = context if context.layout != EncodedTable.empty(0).layout else None
        return model.sample(rows, given, rng=self.run.rng(self.name, *path, "model"))

    def _decoded(self, encoded: EncodedTable, *path: Any) -> pa.Table:
        encoder = self.fitted.encoder
        if encoder is None or not encoder.columns:  # a dummy column keeps the number of rows
            return pa.table({"": pa.nulls(len(encoded))})
        return encoder.decode(encoded, self.run.rng(self.name, *path, "decode"))

    def _restored(self, decoded: pa.Table, above: pa.Table, *path: Any) -> pa.Table:
        rng, fitted = self.run.rng(self.name, *path, "relations"), self.fitted
        return fitted.relations.restore(decoded, fitted.attributes, above, rng)

    def _repaired(
        self, table: pa.Table, context: EncodedTable, above: pa.Table, number: int
    ) -> pa.Table:
        if self.run.enforce_constraints:
            self.checks.enforce(table, self.name)

        def resample(rows: IntArray, rng: np.random.Generator) -> pa.Table:
            path, beside_it = ("again", number, int(rng.integers(2**31))), above.take(rows)
            again = self._decoded(self._sampled(context.take(rows), *path), *path)
            again = self._restored(again, beside_it, *path)
            if not self.fitted.growing:
                return again
            again = keep_growing(self.fitted.growing, again, table.take(rows))
            return self.fitted.relations.mend_beside(again, beside_it)

        rng = self.run.rng(self.name, "repair", number)
        table, repaired = self.checks.repair(table, rng, resample)
        if not repaired:
            return table
        relations = self.fitted.relations
        mended = relations.mend_beside(table, above)
        return self.checks.keep_unbroken(table, mended, relations.targets)

    def complete(self, block: _Block, attributes: pa.Table) -> pa.Table:
        """Add keys of parents and made-up columns, in the order of the table's columns."""
        roles, rows = self.fitted.roles, block.rows
        columns: dict[str, Any] = {c: attributes.column(c) for c in roles.attributes}
        columns.update(self._driving_key(block))
        for name in roles.key:
            array = self._key_column(name, block)
            columns[name] = self._with_nulls(array, attributes, name)
        for name in roles.personal:
            fake = self.fitted.fakes[name]
            array = fake.make(rows, seeds.seed_int(self.run.seed, self.name, "people"))
            columns[name] = self._with_nulls(array, attributes, name)
        schema = self.fitted.schema
        arrays = [
            columns[f.name] if f.name in columns else pa.nulls(len(rows), f.type) for f in schema
        ]
        return pa.Table.from_arrays(
            [_cast(a, f.type) for a, f in zip(arrays, schema)], schema=schema
        )

    def _driving_key(self, block: _Block) -> dict[str, Any]:
        driver = self.plan.driver
        if driver is None or not len(block.rows):
            return {}
        found = self.run.take(driver.parent, driver.parent_columns, block.parents)
        return dict(zip(driver.columns, found.columns))

    def _key_column(self, name: str, block: _Block) -> pa.Array:
        maker = self.fitted.makers[name]
        return maker.make_rows(
            block.rows,
            block.parents,
            block.positions,
            block.sizes,
            seeds.seed_int(self.run.seed, self.name, name),
        )

    @staticmethod
    def _with_nulls(array: Any, attributes: pa.Table, name: str) -> Any:
        flags = _flags(attributes, null_column(name))
        return (
            pc.if_else(pa.array(flags), pa.scalar(None, array.type), array)
            if flags.any()
            else array
        )


def _cast(array: Any, type_: pa.DataType) -> Any:
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return array if array.type == type_ else pc.cast(array, type_)
