"""Making some tables of a run, step by step in their order."""

from __future__ import annotations

from collections.abc import Callable, Collection

from synthohive.exceptions import ConstraintViolationError
from synthohive.generate.attributes import deal_keys, generate_attributes
from synthohive.generate.degrees import adjust_degrees
from synthohive.generate.foreign_keys import assign_foreign_keys
from synthohive.generate.look_up_rows import keep_rows
from synthohive.generate.row_counts import driven_rows, root_rows
from synthohive.generate.run import Run
from synthohive.generate.schedule import schedule
from synthohive.learn.damage import using
from synthohive.learn.fitted import FittedDatabase

__all__ = ["make_tables", "refuse_loss"]

LEAST_LOST = 100
"""Rows of which a table may lose all: in a small part of a database, nothing may be possible."""


def make_tables(run: Run, names: Collection[str], final: Callable[[str], None]) -> None:
    """Make some tables, and check their keys.

    Parameters
    ----------
    run : Run
        Has whatever else these refer to among its tables; they are added to it.
    names : collection of str
    final : callable
        Called with each table that no later step changes.
    """
    for step, done in schedule(run.fitted, _make_table, names):
        run.final = frozenset(done) & set(run.fitted.shown)
        with using(run.fitted, step.table):
            step(run)
        for name in done:
            final(name)


def refuse_loss(fitted: FittedDatabase, name: str, rows: int, lost: int) -> None:
    """Refuse a table all of whose rows were left out; untrained models may make such rows.

    Parameters
    ----------
    fitted : FittedDatabase
    name : str
    rows, lost : int
        Those that are left, and those that are not.

    Raises
    ------
    ConstraintViolationError
    """
    if rows or lost < LEAST_LOST or fitted.rehearsed:
        return
    raise ConstraintViolationError(
        f"All {lost:,} rows of table {name!r} were left out, as no keys hold for them; "
        "nothing was handed out.",
        hint="Ask for more rows of the tables that it refers to (scale=…, num_rows={…}); else "
        "report the schema: keys are meant to hold always.",
    )


def _make_table(run: Run, name: str) -> None:
    fitted, driver = run.fitted.tables[name], run.fitted.plan.tables[name].driver
    if fitted.reference is not None:
        made = keep_rows(run, name)
    elif driver is None:
        made = generate_attributes(run, name, root_rows(run, name), None)
    else:
        groups = driven_rows(run, name)
        made = generate_attributes(run, name, groups.rows, groups)
    run.tables[name] = made
    if fitted.reference is not None:
        return
    itself = bool(run.fitted.plan.tables[name].of("self"))
    if itself:  # rows refer to these keys soon
        deal_keys(run, name, made)
    assign_foreign_keys(run, name, made)
    adjust_degrees(run, name, made)
    if not itself:  # rows that suit no parent were moved
        deal_keys(run, name, made)
