"""From modelled cells that were drawn to the missing cells of rows, and what they must keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, IntArray
from synthohive.constrain.base import Repair
from synthohive.derive.base import Derivation, as_column
from synthohive.derive.mostly import Mostly, rule_of
from synthohive.derive.presence import with_nulls
from synthohive.generate.imputing.known_cells import Evidence
from synthohive.tables.ancestors import hstack, with_column, with_rows
from synthohive.tables.numbers import as_numbers, from_numbers, is_number, nulls

__all__ = ["Filling", "emptied", "put_cells"]


class Filling:
    """Fills the lost cells of one table, and tells where that cannot be right.

    Parameters
    ----------
    evidence : Evidence
    rules : sequence of Repair
        What must hold beside derivations.
    """

    def __init__(self, evidence: Evidence, rules: Sequence[Repair]) -> None:
        self.evidence, self.rules = evidence, rules
        self.table, self.lost, self.above = evidence.table, evidence.lost, evidence.above

    def filled(self, modelled: pa.Table, rng: np.random.Generator) -> pa.Table:
        """Return the given rows with what was modelled in the lost cells.

        They are decoded as sampled rows are, but from cells that are known where these are.
        """
        plain, program, given = self._plain(modelled), self.table.program, self.evidence.rows
        known = {name: (~mask, given.column(name)) for name, mask in self._masks().items()}
        made = program.decode(plain, self.table.attributes, self.above, rng, known=known)
        rows = self._told(put_cells(given, made, self.lost), plain, rng)
        for one in program.monotone:
            if one.column not in program.targets:
                rows = self._in_order(rows, one.column)
        return self._linked(rows, modelled)

    def _masks(self) -> dict[str, Bools]:
        """Return in which rows each attribute is lost."""
        none = np.zeros(len(self.evidence.rows), dtype=np.bool_)
        return {name: self.lost.get(name, none) for name in self.table.attributes}

    def _plain(self, modelled: pa.Table) -> pa.Table:
        """Return the columns in whose place others are modelled; known ones as they are."""
        program, groups = self.table.program, self.evidence.groups
        # (parents, positions): in a root table, all rows are first ones of one parent
        order = np.zeros((2, len(modelled)), dtype=np.int64)
        if groups is not None:
            order = np.stack([groups.parents, groups.positions])
        plain = program.unmove(modelled, self.above, groups=(order[0], order[1]))
        # what was modelled in a known cell's place (a gap, a ratio) goes by lost ones, perhaps, and
        # may say otherwise: the cell itself is right
        for name in program.moved:
            known = ~self.evidence.any_lost(program.behind(name))
            plain = _where(plain, name, known, self.evidence.plain.column(name))
        for one in program.monotone:
            plain = self._in_order(plain, one.column)
        return plain

    def _in_order(self, rows: pa.Table, column: str) -> pa.Table:
        """Keep what grows inside a group between the known cells before and after it."""
        groups = self.evidence.groups
        lost = self.evidence.any_lost(self.table.program.behind(column))
        if groups is None or not lost.any():
            return rows
        # sorted by group and place, what stands before and after a row are its neighbours
        order = np.lexsort((groups.positions, groups.parents))
        by, values = groups.parents[order], as_numbers(rows.column(column))[order]
        known = pd.Series(np.where(lost[order], np.nan, values))
        least = known.groupby(by).ffill().to_numpy()
        most = known.groupby(by).bfill().to_numpy()
        between = np.empty(len(rows))
        # fmin and fmax pass over NaN: without a known cell on a side, there is no bound
        clipped = pd.Series(np.fmax(np.fmin(values, most), least))
        # two cells between the same known ones were drawn apart: the later one may have been less
        between[order] = clipped.groupby(by).cummax()
        inside = lost & (groups.parents >= 0)
        made = from_numbers(between, rows.schema.field(column).type)
        return _where(rows, column, inside, made)

    def _told(self, rows: pa.Table, plain: pa.Table, rng: np.random.Generator) -> pa.Table:
        """Carry what is known back through the derivations, while anything follows from it.

        A lost cell is known as soon as all that it follows from is, or as soon as it is what its
        target demands. Until then, it follows from what was drawn.
        """
        # still lost after each round: each can only clear cells, so as many rounds as there are
        # derivations carry a cell over the longest chain
        cells = {name: mask.copy() for name, mask in self.lost.items()}
        derivations = self.table.program.derivations
        for _ in derivations:
            before = sum(int(mask.sum()) for mask in cells.values())
            for one in derivations:
                if one.whole and one.target in cells:
                    cells[one.target] &= self.evidence.any_lost(one.needs, cells)
                rows = self._back(rows, one, cells, plain, rng)
            if sum(int(mask.sum()) for mask in cells.values()) == before:
                break
        for one in derivations:
            if one.whole:
                rows = self._back(rows, one, cells, plain, rng, last=True)
        return rows

    def _back(
        self,
        rows: pa.Table,
        one: Derivation,
        cells: dict[str, Bools],
        plain: pa.Table,
        rng: np.random.Generator,
        *,
        last: bool = False,
    ) -> pa.Table:
        """Make lost sources from known targets, where those that were drawn do not fit.

        Parameters
        ----------
        last : bool
            One of several lost sources, beside others that stay as they were drawn, if that gives
            it a value like those of other rows.
        """
        for source in (n for n in one.needs[:: -1 if last else 1] if n in cells):
            others = [n for n in one.needs if n != source and not (last or one.splits)]
            unclear = self.evidence.any_lost([one.target, *others], cells)
            where = np.asarray(cells[source] & ~unclear, dtype=np.bool_)
            all_rows = hstack(rows, self.above)
            wrong = np.flatnonzero(where & _broken(one, all_rows, plain))
            index, there = pa.array(wrong), one.target in plain.column_names
            modelled = plain.column(one.target).take(index) if there else None
            rule, some = rule_of(one), all_rows.take(index)
            made = rule.invert(some, source, modelled, rng) if len(wrong) else None
            if one.whole and not last:
                cells[source] &= ~where
            if made is not None:
                also = {name: mask for name, mask in cells.items() if name != source}
                column = as_column(made, rows.schema.field(source).type)
                rows = self._changed(rows, wrong, source, column, also, usual=last)
        return rows

    def _changed(
        self,
        rows: pa.Table,
        wrong: IntArray,
        source: str,
        made: pa.Array,
        also: Mapping[str, Bools],
        *,
        usual: bool,
    ) -> pa.Table:
        """Return rows with some cells as they must be, and what follows of others."""
        fits = pc.is_valid(made).to_numpy(zero_copy_only=False)
        if usual:
            fits = fits & self._usual(source, made)
        if not fits.any():
            return rows
        rows = with_rows(rows, wrong[fits], pa.table({source: made.filter(pa.array(fits))}))
        return put_cells(rows, self.table.program.repair(rows, self.above, changed=[source]), also)

    def _usual(self, column: str, made: pa.Array) -> Bools:
        """Return which values lie among those of the given rows; any that is no number does."""
        if not is_number(made.type):
            return np.ones(len(made), dtype=np.bool_)
        usual = as_numbers(self.evidence.rows.column(column))
        values = as_numbers(pa.chunked_array([made]))
        # of the given rows, lost cells (NaN) left out: what several lost cells could each be is
        # open, and one far outside would show that this is not the one
        low, high = np.fmin.reduce(usual), np.fmax.reduce(usual)
        return np.asarray((values >= low) & (values <= high), dtype=np.bool_)

    def _linked(self, rows: pa.Table, modelled: pa.Table) -> pa.Table:
        """Return rows with what follows from further parents."""
        for label, linked in ((n, key.program) for n, key in self.table.keys.items()):
            if not set(linked.targets) & set(self.lost):
                continue
            key = self.evidence.key(label)
            parents = self.evidence.sample.parent_rows(self.evidence.name, key)
            names = linked.above(self.table.attributes)
            above = self.evidence.ancestor_columns(key.parent, names, parents)
            above = hstack(above, modelled.select([*linked.besides]))
            follows = {name: self.lost[name] for name in linked.targets if name in self.lost}
            rows = put_cells(rows, linked.repair(rows, above), follows)
        return rows

    def broken(self, rows: pa.Table) -> dict[str, Bools]:
        """Return the filled cells, by column, that take part in a broken relation or constraint.

        Of rows that repeat a unique key, those with a filled cell in it count as the later ones.
        """
        found: dict[str, Bools] = {}
        all_rows = hstack(rows, self.above)
        for one in self.table.program.derivations:
            columns = {one.target, *one.needs} & set(self.lost)
            if columns:
                self._mark(found, columns, one.violations(all_rows))
        for rule in self.rules:
            columns = set(rule.columns) & set(self.lost)
            if columns:
                later = self.evidence.any_lost(rule.columns)
                self._mark(found, columns, rule.broken(rows, later))
        return {name: cells for name, cells in found.items() if cells.any()}

    def _mark(self, found: dict[str, Bools], columns: Iterable[str], wrong: Bools) -> None:
        for name in columns:
            found[name] = found.get(name, np.zeros_like(wrong)) | (wrong & self.lost[name])


def _broken(one: Derivation, rows: pa.Table, plain: pa.Table) -> Bools:
    """Return the rows that break a rule, but for those that are drawn, or known, as exceptions."""
    if not isinstance(one, Mostly) or not set(one.told) <= set(plain.column_names):
        return one.violations(rows)
    told = [nulls(plain.column(name)) for name in one.told]
    return np.asarray(one.rule.violations(rows) & np.any(told, axis=0), dtype=np.bool_)


def put_cells(rows: pa.Table, made: pa.Table, cells: Mapping[str, Bools]) -> pa.Table:
    """Return rows with some cells, by column, as they were made, where that is not NULL.

    Parameters
    ----------
    rows, made : pyarrow.Table
        A column that only `rows` has stays.
    cells : mapping of str to ndarray of bool, shape (rows,)
        By column, where to take what was made.
    """
    for name, mask in cells.items():
        if name in made.column_names:
            rows = _where(rows, name, mask, made.column(name))
    return rows


def emptied(rows: pa.Table, cells: Mapping[str, Bools]) -> pa.Table:
    """Return rows in which some cells, by column, are NULL."""
    for name, mask in cells.items():
        rows = with_column(rows, name, with_nulls(rows.column(name), pa.array(mask)))
    return rows


def _where(rows: pa.Table, name: str, mask: Bools, made: pa.Array) -> pa.Table:
    """Return rows with some cells of a column as they were made, where that is not NULL."""
    kept = rows.column(name)
    fresh = pc.coalesce(made.cast(kept.type), kept)
    return with_column(rows, name, pc.if_else(pa.array(mask), fresh, kept))
