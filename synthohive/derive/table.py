"""All relations of one table: what is modelled in their place, and back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.derive.base import Relation
from synthohive.derive.lookup import Lookup
from synthohive.derive.mostly import MostlyCopy
from synthohive.derive.not_null import never_null
from synthohive.derive.order import Order
from synthohive.derive.presence import Presence, donors, with_nulls
from synthohive.schema import Column, ColumnKind
from synthohive.schema.columns import column_from_arrow
from synthohive.tables.ancestors import hstack
from synthohive.tables.numbers import as_numbers, nulls
from synthohive.tables.roles import rest_column

__all__ = ["TableRelations"]

ROWS = "__rows__"


@dataclass(frozen=True, eq=False)
class TableRelations:
    """What is exact in the rows of a table.

    Attributes
    ----------
    relations : tuple of Relation
        At most one for each target, never in a circle.
    presences : dict of str to Presence
        By column, where it is NULL, if another one says so.
    flags : frozenset of str
        Targets that follow wholly but are also NULL elsewhere; that is modelled.
    ends : dict of str to (float, float)
        Protected bounds of targets that are calculated: sums and products have their own.
    """

    relations: tuple[Relation, ...] = ()
    presences: Mapping[str, Presence] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    ends: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @cached_property
    def _by_target(self) -> dict[str, Relation]:
        return {relation.target: relation for relation in self.relations}

    def __bool__(self) -> bool:
        return bool(self.relations or self.presences)

    @property
    def besides(self) -> dict[str, MostlyCopy]:
        """What is modelled besides the columns that repeat others in most rows, by name."""
        mostly = [r for r in self.relations if isinstance(r, MostlyCopy)]
        return {r.flag: r for r in mostly if r.flag == rest_column(r.target)}

    def learned_besides(
        self, rows: pa.Table, unknown: IntArray, rng: np.random.Generator
    ) -> tuple[pa.Table, dict[str, Column]]:
        """Return what is modelled besides, of real rows beside their parents.

        Parameters
        ----------
        unknown : ndarray of int64
            Rows whose parent was not read; they are given what others have.
        """
        place = np.arange(len(rows), dtype=np.int64)
        known = np.setdiff1d(place, unknown)
        if len(unknown) and len(known):
            place[unknown] = rng.choice(known, len(unknown))
        arrays = {n: r.learned(rows).take(pa.array(place)) for n, r in self.besides.items()}
        return pa.table(arrays), {name: _modelled(name, array) for name, array in arrays.items()}

    @property
    def targets(self) -> list[str]:
        """The columns that follow from others."""
        return list(self._by_target)

    def without(self, targets: Collection[str]) -> TableRelations:
        """Return the relations of all other targets."""
        kept = tuple(r for r in self.relations if r.target not in targets)
        ends = {name: end for name, end in self.ends.items() if name not in targets}
        return TableRelations(kept, self.presences, self.flags - set(targets), ends)

    def and_also(self, other: TableRelations) -> TableRelations:
        """Return these relations and others, of other targets."""
        return TableRelations(
            (*self.relations, *other.relations),
            {**self.presences, **other.presences},
            self.flags | other.flags,
            {**self.ends, **other.ends},
        )

    def above(self, own: Collection[str]) -> list[str]:
        """Return the columns that are needed besides the table's own."""
        named = {s for r in self.relations for s in r.sources}
        named |= {presence.source for presence in self.presences.values()}
        return sorted(named - set(own))

    def _order(self, names: list[str]) -> list[str]:
        """Sort columns so that each comes after those that it follows from."""
        done: dict[str, None] = {}

        def visit(name: str) -> None:
            if name in done:
                return
            relation = self._by_target.get(name)
            for source in relation.sources if relation is not None else ():
                visit(source)
            if name in self.presences:
                visit(self.presences[name].source)
            done[name] = None

        for name in names:
            visit(name)
        return list(done)

    def prepare(
        self,
        rows: pa.Table,
        columns: Mapping[str, Column],
        rng: np.random.Generator,
        sources: Optional[dict[str, IntArray]] = None,
    ) -> tuple[pa.Table, dict[str, Column]]:
        """Return what is modelled in place of real rows.

        Parameters
        ----------
        rows : pyarrow.Table
            With the parent's columns that relations name.
        columns : mapping of str to Column
            The columns to model; others in `rows` are left out.
        rng : numpy.random.Generator
            Fills in values where NULL follows from another column.
        sources : dict, optional
            Gets, for each column that was filled in, the row that each value is of.
        """
        arrays: dict[str, Any] = {}
        kept: dict[str, Column] = {}
        for name, column in columns.items():
            relation = self._by_target.get(name)
            array: Any = rows.column(name)
            presence = self.presences.get(name)
            if relation is not None and relation.whole:
                if name not in self.flags or (presence is not None and presence.exact):
                    continue
                array, presence = pa.array(self._extra_nulls(rows, relation)), None
            elif relation is not None:
                array = relation.prepare(rows)
            if presence is not None:
                index = donors(array, presence.empty(rows), rng)
                array = array.take(pa.array(index))
                if sources is not None:
                    sources[name] = index
            kept[name] = column if array.type == column.arrow_type else _modelled(name, array)
            arrays[name] = array
        return pa.table(arrays), kept

    def _extra_nulls(self, rows: pa.Table, relation: Relation) -> Bools:
        from_sources = np.any([nulls(rows.column(s)) for s in relation.sources], axis=0)
        return np.asarray(nulls(rows.column(relation.target)) & ~from_sources, dtype=np.bool_)

    def _bounded(self, above: pa.Table) -> dict[str, Order]:
        """Return the orders to columns of parents alone, by what is modelled in their place."""
        names = set(above.column_names)
        return {
            r.target: r
            for r in self.relations
            if isinstance(r, Order) and r.distance and set(r.sources) <= names
        }

    def rooms(self, above: pa.Table) -> dict[str, Floats]:
        """Return how long distances to columns of parents may be; NaN where any may.

        A longer one would lead beyond the bounds of its column.
        """
        return {name: order.room(above) for name, order in self._bounded(above).items()}

    def limited(
        self,
        modelled: pa.Table,
        above: pa.Table,
        rng: np.random.Generator,
        silent: Mapping[str, Bools],
    ) -> pa.Table:
        """Return modelled rows without distances to parents that are too long.

        Parameters
        ----------
        silent : mapping of str to ndarray of bool
            In which rows columns tell nothing.
        """
        for name, order in self._bounded(above).items():
            if name in modelled.column_names:
                array = order.limited(modelled.column(name), above, rng, silent.get(name))
                modelled = _with_column(modelled, name, array)
        return modelled

    def restore(
        self,
        modelled: pa.Table,
        columns: Mapping[str, Column],
        above: Optional[pa.Table],
        rng: np.random.Generator,
    ) -> pa.Table:
        """Return the columns of the table from what was modelled; more columns pass through.

        Parameters
        ----------
        columns : mapping of str to Column
            All attributes of the table.
        above : pyarrow.Table, optional
            The parent's columns that relations name.
        """
        if not self:
            return modelled
        known: dict[str, Any] = {
            name: modelled.column(name) for name in modelled.column_names if name not in columns
        }
        hstack: dict[str, Any] = {ROWS: pa.nulls(len(modelled))}  # so that no table is of no rows
        if above is not None:
            hstack.update({name: above.column(name) for name in above.column_names})
        for name in self._order(list(columns)):
            if name not in columns:
                continue
            given = modelled.column(name) if name in modelled.column_names else None
            relation, presence = self._by_target.get(name), self.presences.get(name)
            rows = pa.table({**known, **hstack}) if relation or presence else None
            whole = relation is not None and relation.whole
            if presence is not None and given is not None and not whole:
                given = presence.filled(rows, given, rng)
            if relation is None:
                array = given
            else:
                array = relation.restore(rows, given, columns[name].arrow_type, rng)
                length = columns[name].length
                if length is not None and pa.types.is_string(array.type):
                    array = pc.utf8_slice_codeunits(array, 0, length)
                if name in self.flags and given is not None:
                    kept = None if presence is None else pa.array(~presence.kept(rows))
                    array = with_nulls(array, given if kept is None else pc.and_(given, kept))
            if presence is not None and array is not None:
                array = with_nulls(array, pa.array(presence.empty(rows)))
            if array is not None:
                array = never_null(columns[name], array, None, rng)
            known[name] = array
        made = self._present(self._in_known_combinations(pa.table({**known, **hstack}), rng))
        others = [n for n in modelled.column_names if n not in columns]
        return made.select([*columns, *others])

    def _in_known_combinations(self, rows: pa.Table, rng: np.random.Generator) -> pa.Table:
        """Move combinations that a look-up does not hold to such that it does."""
        changed = False
        for relation in self.relations:
            if not isinstance(relation, Lookup) or relation.sources[-1] in self._by_target:
                continue
            array = relation.redraw(rows, rng)
            if array is not None:
                rows = _with_column(rows, relation.sources[-1], array)
                changed = True
        return self.mend(rows) if changed else rows

    def beyond(self, rows: pa.Table) -> Bools:
        """Return the rows in which a calculated column lies beyond its own bounds."""
        found = np.zeros(len(rows), dtype=np.bool_)
        for name, (low, high) in self.ends.items():
            values = as_numbers(rows.column(name))
            slack = 1e-9 * max(abs(low), abs(high))
            found |= (values < low - slack) | (values > high + slack)
        return found

    def borrowed(
        self,
        rows: pa.Table,
        above: pa.Table,
        wrong: Bools,
        rng: np.random.Generator,
    ) -> pa.Table:
        """Return rows whose calculated columns, and what these follow from, are other rows'.

        Those that a parent's columns are part of stay as they are.
        """
        others = np.flatnonzero(~wrong)
        if not len(others) or not wrong.any():
            return rows
        names: set[str] = set()
        for name in self.ends:
            relation = self._by_target[name]
            if set(relation.sources) <= set(rows.column_names):
                names |= {name, *relation.sources}
        source = np.arange(len(rows), dtype=np.int64)
        source[wrong] = rng.choice(others, int(wrong.sum()))
        taken = pa.array(source)
        for name in sorted(names):
            rows = _with_column(rows, name, rows.column(name).take(taken))
        return self.mend_beside(rows, above)

    def mend_beside(self, rows: pa.Table, above: pa.Table) -> pa.Table:
        """Return :meth:`mend` of rows beside their parent's columns."""
        return self.mend(hstack(rows, above)).select(rows.column_names)

    def mend(self, rows: pa.Table) -> pa.Table:
        """Make targets right again after their sources were changed."""
        rows = self._present(rows)
        for name in self._order(self.targets):
            relation = self._by_target.get(name)
            if relation is None or not set(relation.sources) <= set(rows.column_names):
                continue
            before = rows.column(name)
            array = relation.mend(rows)
            mostly = isinstance(relation, MostlyCopy)  # whether it is NULL is the parent's to say
            if name in self.flags or name in self.presences or not (relation.whole or mostly):
                array = with_nulls(array, pc.is_null(before))
            rows = _with_column(rows, name, array)
        return rows

    def _present(self, rows: pa.Table) -> pa.Table:
        """Make columns NULL where others say so, and nowhere else, after these were changed."""
        for name in self._order(list(self.presences)):
            presence = self.presences.get(name)
            if presence is None or not {name, presence.source} <= set(rows.column_names):
                continue
            if presence.violations(rows).any():
                rng = np.random.default_rng(len(rows))
                rows = _with_column(rows, name, presence.apply(rows, rows.column(name), rng))
        return rows


def _modelled(name: str, array: pa.Array) -> Column:
    """Describe what is modelled in place of a column."""
    column = column_from_arrow(pa.field(name, array.type))
    if column.kind is ColumnKind.BOOLEAN:
        column.nullable = False
    return column


def _with_column(rows: pa.Table, name: str, array: Any) -> pa.Table:
    place = rows.column_names.index(name)
    return rows.set_column(place, rows.schema.field(place), array.cast(rows.field(place).type))
