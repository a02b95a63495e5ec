"""How many rows each table gets, and how those of a child table are dealt out to its parents."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Optional

import numpy as np

from synthohive._logging import get_logger
from synthohive.generate.degrees import driving_degrees
from synthohive.generate.feasibility import ParentsOver
from synthohive.generate.key_repair import can_have_rows
from synthohive.generate.run import Groups, Run
from synthohive.learn.fitted import FittedDatabase
from synthohive.schema.plan import may_be_null

__all__ = ["driven_rows", "expected_rows", "largest_group", "root_rows"]

log = get_logger(__name__)


def expected_rows(
    fitted: FittedDatabase, scale: float, num_rows: Mapping[str, int]
) -> dict[str, int]:
    """Return about how many rows each table gets: what is not asked for follows its parents.

    Parameters
    ----------
    fitted : FittedDatabase
    scale : float
    num_rows : mapping of str to int
        Of the tables that the scale is not for.
    """
    scales: dict[str, float] = {}
    found: dict[str, int] = {}
    for name in fitted.plan.order:
        table, driver = fitted.tables[name], fitted.plan.tables[name].driver
        root = driver is None or table.reference is not None
        growth = scale if root or driver is None else scales[driver.parent]
        rows = num_rows.get(name, table.rows * growth)
        scales[name] = rows / table.rows if table.rows else growth
        found[name] = round(rows)
    return found


def root_rows(run: Run, name: str) -> int:
    """Return the rows of a root table: none only where the real one has none."""
    if run.shard is not None:
        rows: Optional[int] = run.shard.rows[name]
    else:
        rows = run.num_rows.get(name)
    if rows is None:
        rows = _scaled(run, run.fitted.tables[name].rows)
    return rows if can_have_rows(run, name) else 0


def _scaled(run: Run, rows: int) -> int:
    """Return a number of rows at the run's scale; a row alone stays."""
    # at 1 % a table of 30 rows would else be empty, and whatever refers to it
    return max(round(rows * run.scale), min(rows, 1)) if run.scale > 0 else 0


def driven_rows(run: Run, name: str) -> Groups:
    """Deal out the rows of a child table to its driving parents."""
    driver = run.fitted.plan.tables[name].driver
    if driver is None:
        raise RuntimeError(f"{name!r} has no driving key")
    if run.shard is not None and name in run.shard.groups:
        return run.shard.groups[name]
    label = driver.label(name)
    key = run.fitted.tables[name].keys[label]
    parents = run.tables[driver.parent].spool.rows
    if not can_have_rows(run, name):
        return Groups(np.zeros(parents, dtype=np.int64))
    share, real = key.null_share, run.fitted.tables[name].rows
    asked = run.num_rows.get(name)
    # rows that have a parent; the share of those without is one of all rows
    total = None if asked is None else round(asked * (1.0 - share))
    count = partial(
        key.fan_out.counts,
        parents,
        total,
        rng=run.rng(name, label, "fan-out"),
        growth=_growth(run, driver.parent) if total is None else 1.0,
        limit=_limit(run, name),
        among=None if run.shard is None else run.shard.among(driver.parent),
    )
    counts = driving_degrees(run, name, count)
    if run.shard is not None:
        return Groups(counts, run.shard.rows[name] - run.shard.linked[name])
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
    if run.shard is not None:  # cut tables have as many rows as scaled
        return 1.0
    rows, wanted = run.tables[parent].spool.rows, run.scale * fitted.rows
    if run.num_rows or not rows or run.fitted.plan.tables[parent].driver is not None:
        return min(wanted, 1.0) if rows == 1 and not run.num_rows else 1.0
    # a single parent, or fewer than asked for: groups must be larger for as many children
    return wanted / rows if rows == 1 or rows < round(wanted) else 1.0  # none, or no more allowed


def _limit(run: Run, name: str) -> Optional[int]:
    if run.shard is not None:
        return run.shard.limits[name]
    return largest_group(
        run, name, {parent: made.spool.rows for parent, made in run.tables.items()}
    )


def largest_group(run: Run, name: str, rows: Mapping[str, int]) -> Optional[int]:
    """Return the largest group that keeps pairs of keys distinct (many-to-many tables).

    Parameters
    ----------
    run : Run
    name : str
    rows : mapping of str to int
        Of the tables that it refers to.
    """
    config, plan = run.fitted.metadata.tables[name], run.fitted.plan.tables[name]
    driving = set(plan.driving_columns)
    limits = []
    for unique in config.unique_sets:
        rest = set(unique) - driving
        keys = [key for key in plan.keys("free") if rest & set(key.columns)]
        covered = {c for key in keys for c in key.columns}
        empty = any(c not in config.pk and config.columns[c].nullable for c in unique)
        if rest and rest < set(unique) and rest <= covered and not empty:
            # inside one driving parent, each combination of the others' parents once
            limits.append(math.prod(rows[key.parent] for key in keys))
    return min(limits, default=None)
