"""What follows from what in the rows of one table, and the order in which it does.

This is the one place that knows the order of steps. Real rows are encoded before a model sees
them: exact values first become what is left of them (a distance, a mark, nothing at all), which
then becomes the gap to the row before, or the difference to a column near it. Rows that were drawn
are decoded the other way round, a repair decodes what depends on what was changed, and imputing
decodes where cells are not known.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Optional, Union

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.derive.base import Derivation, Rng, Step, as_column, in_order
from synthohive.derive.falling import Falling
from synthohive.derive.formula import Formula
from synthohive.derive.lookup import Lookup
from synthohive.derive.monotone import Monotone
from synthohive.derive.mostly import Mostly, rule_of
from synthohive.derive.not_null import never_null
from synthohive.derive.order import Order
from synthohive.derive.presence import Presence, donors, with_nulls
from synthohive.derive.residuals import Residual
from synthohive.derive.sawtooth import Sawtooth
from synthohive.derive.sticky import Sticky
from synthohive.schema import Column, ColumnKind
from synthohive.schema.columns import column_from_arrow
from synthohive.tables.ancestors import hstack, with_column
from synthohive.tables.numbers import as_numbers, nulls
from synthohive.tables.roles import rest_column

__all__ = ["Cells", "Groups", "Program"]

Groups = tuple[IntArray, IntArray]
"""Of each row: its driving parent's row (-1: none), and its place among its siblings."""
Cells = Mapping[str, tuple[Bools, Any]]
"""By column: in which rows it is known, and its values there."""
_ROWS = "__rows__"


@dataclass(frozen=True, eq=False)
class Program:
    """The derivations of one table.

    Attributes
    ----------
    derivations : tuple of Derivation
        What is exact: at most one for each target, never in a circle.
    presences : dict of str to Presence
        By column, where it is NULL, if another one says so.
    flags : frozenset of str
        Targets that follow wholly but are also NULL elsewhere; that is modelled.
    monotone : tuple of Monotone
        Of what is left to model: columns that never fall inside a group of siblings.
    residuals : tuple of Residual
        Of the others: those that lie near one of them.
    sticky : tuple of Sticky
        Of the others: those that mostly are as in the row before.
    sawteeth : tuple of Sawtooth
        Of the others: those that go one way inside a group, but for seldom jumps back.
    """

    derivations: tuple[Derivation, ...] = ()
    presences: Mapping[str, Presence] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    monotone: tuple[Monotone, ...] = ()
    residuals: tuple[Residual, ...] = ()
    sticky: tuple[Sticky, ...] = ()
    sawteeth: tuple[Sawtooth, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.derivations or self.presences)

    @cached_property
    def order(self) -> list[str]:
        """The columns that follow from others, each after what it needs."""
        return in_order(self.steps)

    @property
    def steps(self) -> list[Step]:
        """The derivations, and where columns are NULL."""
        return [*self.derivations, *self.presences.values()]

    @cached_property
    def by_target(self) -> dict[str, Derivation]:
        """The derivations by the column that follows."""
        return {derivation.target: derivation for derivation in self.derivations}

    @property
    def targets(self) -> list[str]:
        """The columns that follow from others."""
        return list(self.by_target)

    @property
    def never_falling(self) -> list[Monotone]:
        """What never falls inside a group, though the rows are not sorted by it."""
        falling = {d.target for d in self.derivations if isinstance(d, Falling)}
        return [one for one in self.monotone if not one.sorts and one.column not in falling]

    @property
    def by_step(self) -> list[Union[Monotone, Sawtooth]]:
        """The columns whose value goes on from that of the row before."""
        return [*self.monotone, *self.sawteeth]

    @property
    def held(self) -> list[Union[Sticky, Sawtooth]]:
        """The columns that have what the row before has, unless a flag says that they change."""
        return [*self.sticky, *self.sawteeth]

    @property
    def moved(self) -> list[str]:
        """The columns of which a gap or a difference is modelled."""
        return [*(one.column for one in self.by_step), *(one.target for one in self.residuals)]

    @property
    def besides(self) -> dict[str, Union[Mostly, Presence]]:
        """What is modelled besides the columns of which a rule holds in most rows, by name."""
        found: dict[str, Union[Mostly, Presence]] = {
            rest_column(d.target): d for d in self.derivations if isinstance(d, Mostly)
        }
        found.update({one.flag: one for one in self.presences.values() if one.flag is not None})
        return found

    def without(self, targets: Collection[str]) -> Program:
        """Return the derivations of all other targets."""
        kept = tuple(d for d in self.derivations if d.target not in targets)
        return replace(self, derivations=kept, flags=self.flags - set(targets))

    def and_also(self, other: Program) -> Program:
        """Return these derivations and others, of other targets."""
        return Program(
            (*self.derivations, *other.derivations),
            {**self.presences, **other.presences},
            self.flags | other.flags,
        )

    def above(self, own: Collection[str]) -> list[str]:
        """Return the columns that are needed besides the table's own."""
        needed = {name for step in self.steps for name in step.needs}
        return sorted(needed - set(own))

    def behind(self, column: str) -> set[str]:
        """Return the columns that make up what :meth:`encode` leaves of one."""
        return {column, *(n for step in self.steps if step.target == column for n in step.needs)}

    # Learning: from real rows to what a model sees.

    def encode(
        self,
        rows: pa.Table,
        columns: Mapping[str, Column],
        rng: np.random.Generator,
        origins: Optional[dict[str, IntArray]] = None,
    ) -> tuple[pa.Table, dict[str, Column]]:
        """Return what is left to model of real rows, before :meth:`move`.

        Parameters
        ----------
        rows : pyarrow.Table
            With the parent's columns that derivations need.
        columns : mapping of str to Column
            The columns to model; others in `rows` are left out.
        rng : numpy.random.Generator
            Fills in values where NULL follows from another column.
        origins : dict, optional
            Gets, for each column that was filled in, the row that each value is of.
        """
        arrays: dict[str, Any] = {}
        kept: dict[str, Column] = {}
        for name, column in columns.items():
            derivation, presence = self.by_target.get(name), self.presences.get(name)
            array: Any = rows.column(name)
            if derivation is not None and derivation.whole:
                if name not in self.flags or (presence is not None and presence.exact):
                    continue
                array, presence = pa.array(derivation.extra_nulls(rows)), None
            elif derivation is not None:
                array = derivation.encode(rows)
            meaningless = [] if presence is None else [presence.follows(rows)]
            if isinstance(derivation, Mostly) and not derivation.whole:
                meaningless.append(derivation.exceptions(rows))
            if meaningless:
                index = donors(array, np.any(meaningless, axis=0), rng)
                array = array.take(pa.array(index))
                if origins is not None:
                    origins[name] = index
            kept[name] = column if array.type == column.arrow_type else _described(name, array)
            arrays[name] = array
        return pa.table(arrays), kept

    def move(
        self,
        rows: pa.Table,
        columns: Mapping[str, Column],
        groups: Optional[Groups],
        rng: np.random.Generator,
        origins: Optional[dict[str, IntArray]] = None,
        joints: Optional[Bools] = None,
    ) -> tuple[pa.Table, dict[str, Column]]:
        """Return what :meth:`encode` left with gaps and differences in the columns' places.

        Parameters
        ----------
        groups : (ndarray, ndarray), optional
            None for a root table.
        rng : numpy.random.Generator
            Draws what stands for gaps of first rows, and for first values of others.
        origins : dict, optional
            As in :meth:`encode`.
        joints : ndarray of bool, optional
            The rows that begin a group here, since those before them were not read.
        """
        arrays, described = dict(zip(rows.column_names, rows.columns)), dict(columns)
        arrays.update({near.target: near.encode(rows) for near in self.residuals})
        if groups is not None:
            for one in self.monotone:
                arrays.update(one.encode(rows, groups, rng, origins, joints))
            for tooth in self.sawteeth:
                arrays.update(tooth.encode(rows, groups, rng, origins))
        new = [
            *(one.target for one in self.residuals),
            *(n for n in arrays if n not in rows.column_names),
        ]
        described.update({n: column_from_arrow(pa.field(n, arrays[n].type)) for n in new})
        told = [one.flag for one in self.monotone if one.flag in new]
        described.update({name: _described(name, arrays[name]) for name in told})
        if groups is None or not self.held:
            return pa.table(arrays), described
        flags = {one.column: (one.flag, one.encode(rows, groups)) for one in self.sticky}
        flags |= {one.column: (one.flag, arrays.pop(one.flag)) for one in self.sawteeth}
        # whether a column changes stands before it, and so is drawn before what it changes to
        both = [
            pair
            for n, a in arrays.items()
            for pair in (*([flags[n]] if n in flags else []), (n, a))
        ]
        described.update({name: _described(name, array) for name, array in flags.values()})
        return pa.table(dict(both)), {n: described[n] for n, _ in both if n in described}

    def learned_besides(
        self,
        rows: pa.Table,
        unknown: IntArray,
        rng: np.random.Generator,
        origins: Optional[dict[str, IntArray]] = None,
    ) -> tuple[pa.Table, dict[str, Column]]:
        """Return what is modelled besides, of real rows beside their parents.

        Parameters
        ----------
        unknown : ndarray of int64
            Rows whose parent was not read; they are given what others have.
        origins : dict, optional
            Gets, for each column with values of other rows, the row that each is of.
        """
        place = np.arange(len(rows), dtype=np.int64)
        known = np.setdiff1d(place, unknown)
        if len(unknown) and len(known):
            place[unknown] = rng.choice(known, len(unknown))
        arrays = {n: d.learned(rows).take(pa.array(place)) for n, d in self.besides.items()}
        sources = dict.fromkeys(arrays, place) if len(unknown) else {}
        for name, one in self.besides.items():
            if one.flag is not None and one.flag != name:
                # The other's flag tells where it is an exception; elsewhere it means nothing.
                index = donors(arrays[name], nulls(arrays[one.flag]), rng)
                arrays[name], sources[name] = arrays[name].take(pa.array(index)), place[index]
        if origins is not None:
            origins.update(sources)
        return pa.table(arrays), {name: _described(name, array) for name, array in arrays.items()}

    def masked(self, positions: IntArray) -> dict[str, Bools]:
        """Return in which rows modelled columns tell nothing: first values, and gaps.

        Parameters
        ----------
        positions : ndarray of int64
            Of each row among its siblings.
        """
        found = {}
        for one in (one for one in self.monotone if one.by_gap):
            found[one.column], found[one.gap] = positions > 0, positions == 0
        found.update({one.gap: positions == 0 for one in self.sawteeth})
        return found

    # Sampling: from what was drawn to rows.

    def decode(
        self,
        modelled: pa.Table,
        columns: Mapping[str, Column],
        above: pa.Table,
        rng: np.random.Generator,
        *,
        known: Optional[Cells] = None,
    ) -> pa.Table:
        """Return the columns of the table from what :meth:`unmove` gave; more pass through.

        Parameters
        ----------
        columns : mapping of str to Column
            All attributes of the table.
        above : pyarrow.Table
            The parent's columns that derivations need; none without any.
        known : Cells, optional
            Cells that are what they are; what follows, follows from them.
        """
        if not self and not known:
            return modelled
        # So that no table is of no rows, there is always a column.
        found: dict[str, Any] = {_ROWS: pa.nulls(len(modelled))}
        found.update(zip(above.column_names, above.columns))
        found.update(zip(modelled.column_names, modelled.columns))
        free = [name for name in columns if name not in self.order]
        for name in (*free, *(name for name in self.order if name in columns)):
            drawn = found.pop(name, None)
            array = self._decoded(name, columns[name], pa.table(found), drawn, rng)
            if known and name in known:
                mask, values = known[name]
                array = pc.if_else(pa.array(mask), as_column(values, array.type), array)
            found[name] = array
        made = self._in_known_combinations(pa.table(found), rng)
        return made.select([*columns, *(n for n in modelled.column_names if n not in columns)])

    def _decoded(
        self, name: str, column: Column, rows: pa.Table, drawn: Any, rng: np.random.Generator
    ) -> Any:
        """Return one column beside those that it needs, from what was drawn in its place."""
        derivation, presence = self.by_target.get(name), self.presences.get(name)
        whole, array = derivation is not None and derivation.whole, drawn
        if presence is not None and drawn is not None and not whole:
            array = drawn = presence.filled(rows, drawn, rng)
        if derivation is not None:
            beside = rows if whole else rows.append_column(name, drawn)
            array = as_column(derivation.decode(beside, rng), column.arrow_type)
            if column.length is not None and pa.types.is_string(array.type):
                array = pc.utf8_slice_codeunits(array, 0, column.length)
            if name in self.flags and drawn is not None:
                may = None if presence is None else pa.array(~presence.kept(rows))
                array = with_nulls(array, drawn if may is None else pc.and_(drawn, may))
        if presence is not None:
            array = with_nulls(array, pa.array(presence.empty(rows)))
        return never_null(column, array, None, rng)

    def unmove(
        self,
        rows: pa.Table,
        above: pa.Table,
        rng: Rng = None,
        groups: Optional[Groups] = None,
        known: Collection[str] = (),
    ) -> pa.Table:
        """Return what :meth:`move` was given, from what was drawn.

        Parameters
        ----------
        rng : numpy.random.Generator, optional
            Says where groups that would go on for too long end, and draws other distances for
            those that lead beyond a column's bounds. Both are cut at the bounds without one.
        groups : (ndarray, ndarray), optional
            Of rows of whole groups. The columns that never fall mean nothing in single rows.
        known : collection of str, optional
            Columns that do not go by the row before.
        """
        rooms, ends = self.rooms(above), self.ends(above)
        for kept in self.sticky:
            if groups is not None and kept.column not in known:
                rows = with_column(rows, kept.column, kept.decode(rows, groups))
            rows = rows.drop_columns([kept.flag])
        for tooth in self.sawteeth:
            if groups is not None:
                rows = with_column(rows, tooth.column, tooth.decode(rows, groups))
            rows = rows.drop_columns([tooth.flag, tooth.gap])
        for one in self.monotone:
            if groups is not None:
                if one.column in rooms:
                    order, mask = self._bounded(above)[one.column], None
                    if one.by_gap:
                        mask = groups[1] > 0
                    fitting = order.limited(rows.column(one.column), above, rng, mask)
                    rows = with_column(rows, one.column, fitting)
                room, end = one.room(rooms), ends.get(one.column)
                rows = with_column(rows, one.column, one.decode(rows, groups, room, rng, end))
            rows = rows.drop_columns(one.besides)
        for near in self.residuals:
            place = rows.column_names.index(near.target)
            rows = rows.set_column(place, near.target, near.decode(rows))
        return rows

    def _bounded(self, above: pa.Table) -> dict[str, Order]:
        """Return the orders to columns of parents alone, by what is modelled in their place."""
        names = set(above.column_names)
        return {
            d.target: d
            for d in self.derivations
            if isinstance(d, Order) and d.distance and set(d.needs) <= names
        }

    def rooms(self, above: pa.Table) -> dict[str, Floats]:
        """Return how long distances to columns of parents may be; NaN where any may.

        A longer one would lead beyond the bounds of its column.
        """
        return {name: order.room(above) for name, order in self._bounded(above).items()}

    def ends(self, above: pa.Table) -> dict[str, Floats]:
        """Return at which distances columns of parents say that it ends; NaN where none does."""
        bounded = self._bounded(above).items()
        return {name: order.farthest(above) for name, order in bounded if order.limits}

    def _in_known_combinations(self, rows: pa.Table, rng: np.random.Generator) -> pa.Table:
        """Move combinations that a look-up does not hold to such that it does."""
        changed: set[str] = set()
        rules = map(rule_of, self.derivations)
        for lookup in (rule for rule in rules if isinstance(rule, Lookup)):
            last = lookup.sources[-1]
            array = None if last in self.by_target else lookup.redraw(rows, rng)
            if array is not None:
                rows = with_column(rows, last, array)
                changed.add(last)
        return self.repair(rows, changed=changed)

    @property
    def _bounded_formulas(self) -> list[Formula]:
        rules = map(rule_of, self.derivations)
        return [rule for rule in rules if isinstance(rule, Formula) and rule.ends is not None]

    def beyond(self, rows: pa.Table) -> Bools:
        """Return the rows in which a calculated column lies beyond its own bounds."""
        found = np.zeros(len(rows), dtype=np.bool_)
        for formula in self._bounded_formulas:
            low, high = formula.ends or (-np.inf, np.inf)
            values = as_numbers(rows.column(formula.target))
            # The bounds come from a grid of floats: a calculated value may miss them by an error.
            slack = 1e-9 * max(abs(low), abs(high))
            found |= (values < low - slack) | (values > high + slack)
        return found

    def borrowed(
        self, rows: pa.Table, above: pa.Table, wrong: Bools, rng: np.random.Generator
    ) -> pa.Table:
        """Return rows whose calculated columns, and what these follow from, are other rows'.

        Those that a parent's columns are part of stay as they are.

        Parameters
        ----------
        rows : pyarrow.Table
        above : pyarrow.Table
            The parents' columns that derivations need, row by row.
        wrong : ndarray of bool, shape (rows,)
            The rows that borrow, from any of the others; where all are wrong, nothing changes.
        rng : numpy.random.Generator
        """
        others = np.flatnonzero(~wrong)
        if not len(others) or not wrong.any():
            return rows
        known = set(rows.column_names)
        groups = ({one.target, *one.needs} for one in self._bounded_formulas)
        names = sorted(set().union(*(group for group in groups if group <= known)))
        origin = np.arange(len(rows), dtype=np.int64)
        # One donor gives a row all of these columns: they follow from one another.
        origin[wrong] = rng.choice(others, int(wrong.sum()))
        for name in names:
            rows = with_column(rows, name, rows.column(name).take(pa.array(origin)))
        return self.repair(rows, above, changed=names)

    # After a change.

    def repair(
        self,
        rows: pa.Table,
        above: Optional[pa.Table] = None,
        *,
        changed: Optional[Collection[str]] = None,
    ) -> pa.Table:
        """Return rows in which what depends on changed columns is right again.

        Parameters
        ----------
        rows : pyarrow.Table
            What needs a column that is not there stays as it is.
        above : pyarrow.Table, optional
            The parent's columns.
        changed : collection of str, optional
            The columns that were changed; all by default. Where columns are NULL is looked at
            anyhow.
        """
        names, rows = rows.column_names, rows if above is None else hstack(rows, above)
        present = set(rows.column_names)
        touched = set(present if changed is None else changed)
        for name in self.order:
            presence, derivation = self.presences.get(name), self.by_target.get(name)
            testable = presence is not None and {name, *presence.needs} <= present
            if presence is not None and testable and presence.violations(rows).any():
                rng = np.random.default_rng(len(rows))
                filled = presence.filled(rows, rows.column(name), rng)
                rows = with_column(rows, name, with_nulls(filled, pa.array(presence.empty(rows))))
                touched.add(name)
            named = {name} if derivation is None else {name, *derivation.needs}
            if derivation is not None and named <= present and named & touched:
                rows = with_column(rows, name, self._repaired(derivation, rows))
                touched.add(name)
        return rows.select(names)

    def _repaired(self, derivation: Derivation, rows: pa.Table) -> pa.Array:
        """Return a target made right, NULL where it is now, unless that follows, too."""
        name, before = derivation.target, rows.column(derivation.target)
        array = as_column(derivation.repair(rows), before.type)
        stays = name in self.flags or name in self.presences or not derivation.whole
        return with_nulls(array, pc.is_null(before)) if stays else array


def _described(name: str, array: pa.Array) -> Column:
    """Describe what is modelled in place of a column."""
    column = column_from_arrow(pa.field(name, array.type))
    if column.kind is ColumnKind.BOOLEAN:
        column.nullable = False
    return column
