"""CHECK constraints and user-given bounds of one table: found broken, repaired, enforced."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import IntArray
from synthohive._logging import get_logger
from synthohive.constrain.base import Repair, Repairing, Resample
from synthohive.constrain.check_repair import CheckRepair, all_broken
from synthohive.constrain.sql_expressions import Check, Comparison, compile_check, quoted
from synthohive.exceptions import ConstraintViolationError
from synthohive.schema import ColumnKind, Constraint, TableConfig
from synthohive.tables.ancestors import with_column, with_rows

__all__ = ["TableChecks"]

log = get_logger(__name__)


@dataclass(frozen=True)
class TableChecks:
    """What every row of a table has to satisfy.

    Attributes
    ----------
    table : str
    checks : dict of str to Check
        By label: the constraint's name, or its text where it has none.
    free : frozenset of str
        Columns that a repair may change.
    whole : frozenset of str
        Columns whose values a repair rounds (``Constraint(dtype="int")``).
    """

    table: str
    checks: Mapping[str, Check]
    free: frozenset[str]
    whole: frozenset[str]

    @classmethod
    def compile(
        cls, config: TableConfig, dialect: Optional[str], free: AbstractSet[str]
    ) -> TableChecks:
        """Compile what the database and the user demand of a table.

        A CHECK whose SQL is not understood is left out, with the log event
        ``check_not_understood``: the database tests it at the load.

        Parameters
        ----------
        config : TableConfig
        dialect : str, optional
            In whose SQL the CHECKs are written.
        free : set of str
            Columns that a repair may change; a CHECK without one is only reported.
        """
        checks: dict[str, Check] = {}
        for name, constraint in config.constraints.items():
            bounds = _bounds(name, constraint)
            if bounds is not None:
                checks[bounds.sqltext] = bounds
        for stated in config.checks:
            compiled = compile_check(stated.sqltext, dialect, config.columns)
            if compiled is not None:
                checks[_unused(stated.name or stated.sqltext, checks)] = compiled
        whole = (name for name, c in config.constraints.items() if c.dtype == "int")
        return cls(config.name, checks, frozenset(free), frozenset(whole))

    def without(self, waiting: Collection[str]) -> TableChecks:
        """Return those of the constraints that need none of some columns, which come later."""
        kept = {label: c for label, c in self.checks.items() if not c.columns & set(waiting)}
        return replace(self, checks=kept)

    def needing(self, config: TableConfig, table: pa.Table) -> dict[str, list[str]]:
        """Return the CHECKs that rows break where excluded columns are NULL, with these columns.

        Columns with a default are left to it.
        """
        empty = {
            name: config.columns[name]
            for name in config.exclude_columns
            if name in config.columns and config.columns[name].default is None
        }
        for name, column in empty.items():
            if name not in table.column_names and column.computed is None:
                table = table.append_column(name, pa.nulls(len(table), column.arrow_type))
        broken = self.violations(table)
        return {
            label: sorted(self.checks[label].columns & set(empty))
            for label in broken
            if self.checks[label].columns & set(empty)
        }

    def violations(self, table: pa.Table) -> dict[str, IntArray]:
        """Return the rows that break each constraint, by label; none where all hold.

        Constraints on columns that `table` does not have are passed over.
        """
        repairs = self.repairs(table.column_names)
        found = zip(repairs, map(np.flatnonzero, all_broken(repairs, table)))
        return {repair.label: rows for repair, rows in found if len(rows)}

    def listed_values(self, table: TableConfig, data: pa.Table) -> dict[str, list[Any]]:
        """Return the only values that columns of unique sets may hold, where the schema lists them.

        These are both booleans, the labels of an enumeration, or the constants of a CHECK, as in
        ``x IN ('a', 'b')``: if real rows, `data`, hold nothing else.
        """
        found = {}
        unique = {c for columns in table.unique_sets for c in columns if c in table.stored}
        for name in sorted(unique):
            column, real = table.columns[name], set(data.column(name).unique().to_pylist())
            own = (c for c in self.checks.values() if c.columns == {name} and not c.comparisons)
            lists = [list(c.constants) for c in own if real - {None} <= set(c.constants)]
            if column.kind is ColumnKind.BOOLEAN:
                lists = [[False, True]]
            elif column.enum_values is not None:
                lists = [list(column.enum_values)]
            if lists:
                found[name] = lists[0]
        return found

    def keep_unbroken(
        self, before: pa.Table, after: pa.Table, changed: Collection[str]
    ) -> pa.Table:
        """Return `after`, with the changed columns of `before` in rows that break one by a change.

        The log event ``relations_left`` says how many rows those are.

        Parameters
        ----------
        before, after : pyarrow.Table
            The same rows, in the same order.
        changed : collection of str
            Of both tables; they go back together.
        """
        moved = {
            n
            for n in after.column_names
            if n not in before.column_names or not after.column(n).equals(before.column(n))
        }
        kept = {label: check for label, check in self.checks.items() if check.columns & moved}
        broken = replace(self, checks=kept).violations(after).values()
        if not broken:
            return after
        wrong = np.unique(np.concatenate(list(broken)))
        log.warning("relations_left", table=self.table, rows=len(wrong))
        return with_rows(
            after, wrong, before.select(list(dict.fromkeys(changed))).take(pa.array(wrong))
        )

    def repairs(self, names: Sequence[str]) -> list[CheckRepair]:
        """Return the constraints that rows of some columns can be tested for."""
        return [
            CheckRepair(label, c, [n for n in names if n in self.free & c.columns])
            for label, c in self.checks.items()
            if c.columns <= set(names)
        ]

    def repair(
        self,
        table: pa.Table,
        rng: np.random.Generator,
        resample: Optional[Resample] = None,
        others: Sequence[Repair] = (),
    ) -> tuple[pa.Table, int]:
        """Change free columns of rows that break a constraint until they hold.

        Returns the rows, and how many broke one and no longer do. Rows beyond repair are left,
        with the log event ``checks_still_violated``.

        Parameters
        ----------
        table : pyarrow.Table
        rng : numpy.random.Generator
        resample : callable, optional
            From row numbers and a generator to columns of those rows, drawn anew.
        others : sequence of Repair
            What else must hold.
        """
        checks = self.repairs(table.column_names)
        table = self._rounded(table)
        if table.num_rows == 0 or not (checks or others):
            return table, 0

        broken = [*all_broken(checks, table), *(other.broken(table) for other in others)]
        if not any(mask.any() for mask in broken):
            return table, 0
        now = Repairing(table, [*checks, *others], rng, broken)
        table, repaired = now.run(resample, self.free)
        left = {c.label: len(now.wrong(c)) for c in checks if len(now.wrong(c))}
        if left:
            log.warning("checks_still_violated", table=self.table, rows=left)
        return table, repaired

    def enforce(self, table: pa.Table, table_name: str) -> None:
        """Refuse a table with a row that breaks a constraint.

        Raises
        ------
        ConstraintViolationError
            Naming the table, the columns, the constraint, an offending value and the
            number of rows.
        """
        found = self.violations(table)
        for label, rows in found.items():
            check = self.checks[label]
            values = ", ".join(
                f"{name!r} is {table.column(name)[int(rows[0])].as_py()!r}"
                for name in sorted(check.columns)
            )
            others = len(found) - 1
            raise ConstraintViolationError(
                f"Table {table_name!r}: {len(rows)} of {table.num_rows} generated rows break "
                f"{label if label == check.sqltext else f'{label} ({check.sqltext})'}; "
                f"in the first of them {values}."
                + (f" {others} more constraints are broken." if others else ""),
                hint="Sample with enforce_constraints=False to have such rows repaired.",
            )

    def _rounded(self, table: pa.Table) -> pa.Table:
        for name in sorted(self.whole & self.free & set(table.column_names)):
            values = table.column(name)
            if pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
                rounded = pc.round(values, round_mode="half_towards_infinity")
                table = with_column(table, name, rounded)
        return table


def _unused(label: str, taken: Mapping[str, Check]) -> str:
    number, candidate = 1, label
    while candidate in taken:
        number += 1
        candidate = f"{label} #{number}"
    return candidate


def _bounds(name: str, constraint: Constraint) -> Optional[Check]:
    """Return the bounds of a column as a Check."""
    sides = [
        (op, edge)
        for op, edge in ((">=", constraint.min), ("<=", constraint.max))
        if edge is not None and math.isfinite(edge)
    ]
    if not sides:
        return None
    text = " AND ".join(f"{name} {op} {edge:g}" for op, edge in sides)
    demands = tuple(Comparison(name, op, value=Decimal(repr(edge))) for op, edge in sides)
    sql = " AND ".join(f"{quoted(name)} {op} {edge!r}" for op, edge in sides)
    return Check(frozenset([name]), sql, text, demands)
