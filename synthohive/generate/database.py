"""Generating a whole database, in the order of one plan."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Optional

import numpy as np

from synthohive._logging import get_logger
from synthohive._workspace import Workspace
from synthohive.exceptions import ConnectorError, ConstraintViolationError
from synthohive.generate.attributes import deal_keys, generate_attributes
from synthohive.generate.block_pool import BlockPool, nothing
from synthohive.generate.blocks import BLOCK_ROWS
from synthohive.generate.conditions import Conditions
from synthohive.generate.degrees import adjust_degrees, driving_degrees
from synthohive.generate.feasibility import ParentsOver
from synthohive.generate.foreign_keys import assign_foreign_keys
from synthohive.generate.key_repair import can_have_rows
from synthohive.generate.look_up_rows import keep_rows
from synthohive.generate.run import Early, Groups, Run
from synthohive.generate.schedule import schedule
from synthohive.learn.damage import using
from synthohive.learn.fitted import FittedDatabase
from synthohive.schema.plan import may_be_null
from synthohive.tables.block_store import TableSpool

__all__ = ["generate_database"]

log = get_logger(__name__)
LEAST_LOST = 100
"""Rows of which a table may lose all: in a small part of a database, nothing may be possible."""
Ready = Callable[[str, TableSpool], None]


def _nobody(name: str, spool: TableSpool) -> None:
    """Wait for no table."""


@contextmanager
def generate_database(
    fitted: FittedDatabase,
    *,
    seed: int,
    scale: float = 1.0,
    num_rows: Optional[Mapping[str, int]] = None,
    enforce_constraints: bool = False,
    conditions: Optional[Mapping[str, Conditions]] = None,
    n_jobs: Optional[int] = None,
    ready: Ready = _nobody,
    early: Optional[Early] = None,
    go_on: Callable[[], None] = nothing,
) -> Iterator[dict[str, TableSpool]]:
    """Generate all tables into a temporary folder; yield them by name, parents first.

    The folder is removed when the block is left. Tables found within others are not shown.

    Parameters
    ----------
    fitted : FittedDatabase
    seed : int
        The same seed gives the same rows.
    scale : float, default 1.0
        Rows of each root table, as a multiple of the real ones; its children follow.
    num_rows : mapping of str to int, optional
        Rows of some tables, which the scale is not for.
    enforce_constraints : bool, default False
        Raise where a drawn row breaks a CHECK, instead of repairing it.
    conditions : mapping of str to Conditions, optional
        What the caller fixes, by table.
    n_jobs : int, optional
        Processes that make rows, with this one: see :class:`BlockPool`.
    ready : callable, optional
        Gets each table's name and rows as soon as these are final, while others are still made.
        All keys are proved only when the block is entered.
    early : callable, optional
        Gets the name of a table, and its rows while their last blocks are made, where nothing is
        expected to change them after that; `ready` follows.
    go_on : callable, optional
        Called between two blocks: what it raises ends the run.

    Raises
    ------
    ConstraintViolationError
        A row has NULL in a NOT NULL column, repeats a key, or refers to nothing; or for none of the
        many rows of a table do keys hold.
    """
    with Workspace() as folder:
        try:
            with BlockPool(n_jobs, folder, go_on) as blocks:
                run = Run(
                    fitted, seed, scale, folder, fitted.with_entity_rows(num_rows or {}),
                    enforce_constraints, dict(conditions or {}), blocks=blocks, early=early,
                )  # fmt: skip
                spools = _generate(run, ready)
        except OSError as exc:  # nothing but the folder's files is written or read here
            reason = os.strerror(exc.errno) if exc.errno else str(exc)
            raise ConnectorError(
                f"The temporary folder {str(folder.parent)!r} cannot take the generated rows: "
                f"{reason}.",
                hint="Make room there, or set TMPDIR to another folder.",
            ) from exc
        yield spools


def _generate(run: Run, ready: Ready) -> dict[str, TableSpool]:
    fitted = run.fitted
    run.blocks.expect(_expected_rows(run) // BLOCK_ROWS)
    for step, final in schedule(fitted, _generate_table):
        run.final = frozenset(final) & set(fitted.shown)
        with using(fitted, step.table):
            step(run)
        for name in final:
            _refuse_loss(run, name)
            run.tables[name].spool.freeze()
            if name in fitted.shown:
                ready(name, run.tables[name].spool)
    return {name: run.tables[name].spool for name in fitted.shown}


def _refuse_loss(run: Run, name: str) -> None:
    """Refuse a table all of whose rows were left out; untrained models may make such rows."""
    made = run.tables[name]
    if made.spool.rows or made.left_out < LEAST_LOST or run.fitted.rehearsed:
        return
    raise ConstraintViolationError(
        f"All {made.left_out:,} rows of table {name!r} were left out, as no keys hold for them; "
        "nothing was handed out.",
        hint="Ask for more rows of the tables that it refers to (scale=…, num_rows={…}); else "
        "report the schema: keys are meant to hold always.",
    )


def _expected_rows(run: Run) -> int:
    """Return about how many rows all tables get: what is not asked for follows its parents."""
    scales: dict[str, float] = {}
    total = 0.0
    for name in run.fitted.plan.order:
        table, driver = run.fitted.tables[name], run.fitted.plan.tables[name].driver
        if driver is None or table.reference is not None:
            scale = run.scale
        else:
            scale = scales[driver.parent]
        rows = run.num_rows.get(name, table.rows * scale)
        scales[name] = rows / table.rows if table.rows else scale
        total += rows
    return round(total)


def _generate_table(run: Run, name: str) -> None:
    fitted, driver = run.fitted.tables[name], run.fitted.plan.tables[name].driver
    if fitted.reference is not None:
        made = keep_rows(run, name)
    elif driver is None:
        made = generate_attributes(run, name, _root_rows(run, name), None)
    else:
        groups = _groups(run, name)
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


def _root_rows(run: Run, name: str) -> int:
    """Return the rows of a root table: none only where the real one has none."""
    rows = run.num_rows.get(name)
    if rows is None:
        rows = _scaled(run, run.fitted.tables[name].rows)
    return rows if can_have_rows(run, name) else 0


def _scaled(run: Run, rows: int) -> int:
    """Return a number of rows at the run's scale; a row alone stays."""
    # at 1 % a table of 30 rows would else be empty, and whatever refers to it
    return max(round(rows * run.scale), min(rows, 1)) if run.scale > 0 else 0


def _groups(run: Run, name: str) -> Groups:
    """Deal out the rows of a child table to its driving parents."""
    driver = run.fitted.plan.tables[name].driver
    if driver is None:
        raise RuntimeError(f"{name!r} has no driving key")
    label = driver.label(name)
    key = run.fitted.tables[name].keys[label]
    parent = run.tables[driver.parent]
    if not can_have_rows(run, name):
        return Groups(np.zeros(parent.spool.rows, dtype=np.int64))
    asked, share, real = run.num_rows.get(name), key.null_share, run.fitted.tables[name].rows
    # rows that have a parent; the share of those without is one of all rows
    total = None if asked is None else round(asked * (1.0 - share))
    count = partial(
        key.fan_out.counts,
        parent.spool.rows,
        total,
        rng=run.rng(name, label, "fan-out"),
        growth=_growth(run, driver.parent) if total is None else 1.0,
        limit=_limit(run, name),
    )
    counts = driving_degrees(run, name, count)
    linked = int(counts.sum())
    if asked is not None and total is not None:
        if linked != total:
            log.warning("rows_not_reached", table=name, asked=asked, key=label)
        return Groups(counts, asked - total)
    # the share is one of all rows: without / (linked + without)
    without = round(linked * share / (1.0 - share)) if share < 1.0 else _scaled(run, real)
    if not linked + without and real and not run.num_rows:  # else all below it were gone, too
        able = np.flatnonzero(ParentsOver(run, name, driver).feasible())
        counts[able[:1]] = 1
        without = int(not len(able) and may_be_null(run.fitted.metadata.tables[name], driver))
    return Groups(counts, without)


def _growth(run: Run, parent: str) -> float:
    """Return how much larger groups get because there are not as many parents as scaled."""
    fitted = run.fitted.tables[parent]
    if fitted.reference is not None:
        return run.scale
    rows, wanted = run.tables[parent].spool.rows, run.scale * fitted.rows
    if run.num_rows or not rows or run.fitted.plan.tables[parent].driver is not None:
        return min(wanted, 1.0) if rows == 1 and not run.num_rows else 1.0
    # a single parent, or fewer than asked for: groups must be larger for as many children
    return wanted / rows if rows == 1 or rows < round(wanted) else 1.0  # none, or no more allowed


def _limit(run: Run, name: str) -> Optional[int]:
    """Return the largest group that keeps pairs of keys distinct (many-to-many tables)."""
    config, plan = run.fitted.metadata.tables[name], run.fitted.plan.tables[name]
    driving = set() if plan.driver is None else set(plan.driver.columns)
    limits = []
    for unique in config.unique_sets:
        rest = set(unique) - driving
        keys = [key for key in plan.keys("free") if rest & set(key.columns)]
        covered = {c for key in keys for c in key.columns}
        empty = any(c not in config.pk and config.columns[c].nullable for c in unique)
        if rest and rest < set(unique) and rest <= covered and not empty:
            # inside one driving parent, each combination of the others' parents once
            limits.append(math.prod(run.tables[key.parent].spool.rows for key in keys))
    return min(limits, default=None)
