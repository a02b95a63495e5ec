"""What is known of the rows of one table, and what is to be drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, IntArray
from synthohive.encoding.encoded import EncodedTable
from synthohive.learn.attribute_table import attribute_table, differences, parent_codes
from synthohive.learn.fitted import FittedTable
from synthohive.link.hierarchy import HierarchyModel
from synthohive.schema import ForeignKey
from synthohive.tables import random_streams as seeds
from synthohive.tables.ancestors import ancestor_columns, hstack, with_column
from synthohive.tables.nulls import any_null
from synthohive.tables.roles import code_column, is_children_column
from synthohive.tables.sample import Sample
from synthohive.tables.sampled_groups import sampled_groups

__all__ = ["Evidence"]


class Evidence:
    """The given rows of a table as its model sees them.

    Parameters
    ----------
    sample : Sample
        The given rows; those of ancestors are filled.
    table : FittedTable
    lost : dict of str to ndarray of bool
        The cells to fill, by column.
    seed : int

    Attributes
    ----------
    above : pyarrow.Table
        The columns of ancestors, and of keys, that derivations need.
    plain : pyarrow.Table
        By :meth:`known`, what is modelled before gaps and differences stand in columns' places.
    """

    def __init__(
        self, sample: Sample, table: FittedTable, lost: Mapping[str, Bools], seed: int
    ) -> None:
        self.sample, self.table, self.lost, self.seed = sample, table, lost, seed
        self.name = table.config.name
        self.rows = sample.tables[self.name]
        self.groups = sampled_groups(sample, self.name, {}, table.largest_group)
        names = table.program.above(table.attributes)
        found = self.ancestor_columns(self.name, names, np.arange(len(self.rows)))
        found = hstack(pa.table({"": pa.nulls(len(self.rows))}), found)
        self.above = hstack(found, self.rows.select(table.times))
        self.plain = self.above

    def ancestor_columns(self, table: str, names: Iterable[str], rows: IntArray) -> pa.Table:
        """Return columns, named ``table.column``, of some rows of a table and its ancestors.

        Parameters
        ----------
        table : str
        names : iterable of str
            Those of other tables are passed over; without a column, there are no rows.
        rows : ndarray of int64
            Rows of `table`; -1 gives NULL.
        """
        return ancestor_columns(self.sample, self.sample.plan, table, rows, names)

    def key(self, label: str) -> ForeignKey:
        """Return the foreign key of a label."""
        return next(k for k in self.table.config.foreign_keys if k.label(self.name) == label)

    def known(self) -> pa.Table:
        """Return what is modelled of the rows, as in training; lost cells hold anything."""
        table, plan = self.table, self.sample.plan.tables[self.name]
        depths = {
            key.label(self.name): HierarchyModel.fit(self.sample.parent_rows(self.name, key))[0]
            for key in plan.keys("self")
        }
        own = attribute_table(self.sample, table, depths)
        rng = seeds.generator(self.seed, self.name, "prepare")
        rows, columns = table.program.encode(hstack(own.rows, self.above), own.columns, rng)
        flags = table.program.flags & set(self.lost) & set(rows.column_names)
        for name in flags:  # a lost cell is not to stay empty
            empty = rows.column(name).to_numpy() & ~self.lost[name]
            rows = with_column(rows, name, pa.array(empty))
        for told in (differences, parent_codes):
            rows = hstack(rows, told(self.sample, table, self.seed).rows)
        self.plain = rows
        groups = self.groups
        order = None if groups is None else (groups.parents, groups.positions)
        rows, _ = table.program.move(rows, columns, order, rng)
        for one in table.program.monotone:
            if one.flag in rows.column_names:
                empty = rows.column(one.flag).to_numpy() & ~self.any_lost(self._sources(one.column))
                rows = with_column(rows, one.flag, pa.array(empty))
        return self._as_learned(rows)

    def _as_learned(self, rows: pa.Table) -> pa.Table:
        """Return the columns that were learned; what never is NULL here is said to be so."""
        arrays = {}
        for name, column in (
            () if self.table.encoder is None else self.table.encoder.columns.items()
        ):
            if name in rows.column_names:
                arrays[name] = rows.column(name).cast(column.arrow_type)
            elif name in self.summaries:  # what codes of children stand for is not kept
                arrays[name] = pa.nulls(len(rows), column.arrow_type)
            else:
                # flags are of columns that had NULLs where it was learned
                arrays[name] = pa.array(np.zeros(len(rows), dtype=np.bool_))
        return pa.table(arrays)

    def unknown(self) -> dict[str, Bools]:
        """Return in which rows each modelled column is to be drawn."""
        names = () if self.table.encoder is None else self.table.encoder.columns
        found = {name: self._unknown(name) for name in names}
        for label, learned in self.table.keys.items():
            if learned.codes is None:
                continue
            key = self.key(label)  # its parent may not be among the rows
            there = self.sample.parent_rows(self.name, key) >= 0
            found[code_column(label)] = ~there & ~any_null(self.rows, key.columns)
        return found

    @property
    def summaries(self) -> list[str]:
        """The columns of codes of children, of which nothing is known in any row."""
        names = () if self.table.encoder is None else self.table.encoder.columns
        return [name for name in names if is_children_column(name)]

    def take_codes(self, rows: EncodedTable) -> None:
        """Have the codes of children that were drawn with the rows: by these, others choose."""
        encoder, names = self.table.encoder, self.summaries
        if encoder is not None and names:
            rng = seeds.generator(self.seed, self.name, "codes")
            codes = encoder.only(names).decode(encoder.part(rows, names), rng)
            self.sample.beside[self.name] = codes

    def _unknown(self, name: str) -> Bools:
        if name in self.summaries:
            return np.ones(len(self.rows), dtype=np.bool_)
        program = self.table.program
        if name in {*program.flags, *(one.flag for one in program.monotone)}:
            return np.zeros(len(self.rows), dtype=np.bool_)
        gaps = {one.gap: one.column for one in program.monotone if one.by_gap}
        gaps |= {one.flag: one.column for one in program.held}
        gaps |= {one.gap: one.column for one in program.sawteeth}
        found = self.any_lost(self._sources(gaps.get(name, name)))
        if name in gaps and self.groups is not None:  # nor is the gap of the row after it known
            # sorted by group and place; a group's first row has no gap, so that it does no harm to
            # mark it beside the last row of the group before
            order = np.lexsort((self.groups.positions, self.groups.parents))
            found[order[1:]] |= found[order[:-1]]
        return found

    def _sources(self, column: str) -> set[str]:
        near = {one.target: one.source for one in self.table.program.residuals}
        for program in (self.table.program, *(k.program for k in self.table.keys.values())):
            if column in program.besides:
                one = program.besides[column]
                return {one.target, *one.needs}
        behind = self.table.program.behind
        return behind(column) | behind(near.get(column, column))

    def any_lost(
        self, columns: Iterable[str], cells: Optional[Mapping[str, Bools]] = None
    ) -> Bools:
        """Return in which rows a cell of any of some columns is lost, or still among `cells`."""
        lost, found = (
            self.lost if cells is None else cells,
            np.zeros(len(self.rows), dtype=np.bool_),
        )
        for name in columns:
            if name in lost:
                found |= lost[name]
        return found
