"""How many rows each driving parent gets, where other keys must be able to follow."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats, IntArray
from synthohive.generate.feasibility import ParentsOver
from synthohive.generate.run import Generated, Run
from synthohive.link.degree_allocation import apportion
from synthohive.metrics.distances import ks_of_numbers
from synthohive.schema import ForeignKey

__all__ = ["adjust_degrees", "driving_degrees"]

NEAR = 0.01
"""A distance between two distributions that needs no other attempt."""


def adjust_degrees(run: Run, name: str, made: Generated) -> None:
    """Let the numbers of children of a table's rows go together as the real ones do.

    Parameters
    ----------
    run : Run
    name : str
        The table.
    made : Generated
        Its rows. Their `preferences`, floats of shape (rows,) for each key to them, are replaced;
        ranks of these decide who gets many children.
    """
    joint = run.fitted.tables[name].joint_counts
    if not joint.models or not made.spool.rows:
        return
    fan_outs = {
        key.label(child): run.fitted.tables[child].keys[key.label(child)].fan_out
        for child, key in run.fitted.metadata.foreign_keys()
        if key.parent == name
    }
    columns = joint.columns
    nothing = pa.table({"": pa.nulls(made.spool.rows)})
    rows = run.columns(name, columns) if columns else nothing
    rng = run.rng(name, "joint counts")
    made.preferences = joint.adjust(rows, made.preferences, fan_outs, rng)


def driving_degrees(run: Run, name: str, count: Callable[[Floats], IntArray]) -> IntArray:
    """Return the children of each driving parent, as far as other keys can follow.

    A parent whose rows would find no parent over another key gets none; and where another
    key follows wholly from the driving one, its parents get their numbers of children, too.

    Parameters
    ----------
    count : callable
        Gives each parent's number from its preference.
    """
    driver = run.fitted.plan.tables[name].driver
    if driver is None:
        raise RuntimeError(f"{name!r} has no driving key")
    over = ParentsOver(run, name, driver)
    counts, parents = over.children(count), np.flatnonzero(over.reachable())
    for rule in over.meetings():
        if len(rule.route) == 1:
            end = np.full(len(counts), -1, dtype=np.int64)
            end[parents] = run.follow(driver.parent, rule.other[1:], parents)
            counts = _as_many(run, name, rule.key, end, counts)
    return counts


def _as_many(run: Run, name: str, key: ForeignKey, end: IntArray, counts: IntArray) -> IntArray:
    """Share out children so that the parents over a key that follows get their numbers.

    Parameters
    ----------
    end : ndarray of int64
        The parent over that key of each driving parent's rows; -1 for none.
    """
    label, size = key.label(name), run.tables[key.parent].spool.rows
    inside = end >= 0
    # What the parents over the key would have if nothing were done: all children of those that
    # lead to each, shape (parents over the key,).
    sums = np.bincount(end[inside], weights=counts[inside], minlength=size).astype(np.float64)
    # Who is led to by nobody can have no child over this key.
    members = np.bincount(end[inside], minlength=size) > 0
    best, least = counts, np.inf
    for preference in (None, sums):  # what was modelled, and what the driving parents ask for
        count = partial(
            run.fitted.tables[name].keys[label].fan_out.counts,
            size,
            int(sums.sum()),
            rng=run.rng(name, label, "quota"),
        )
        totals = ParentsOver(run, name, key).children(count, members, preference)
        shared = apportion(totals, end, counts, run.rng(name, label, "shares"))
        # The driving parents' own numbers were calibrated: the less they change, the better.
        off = ks_of_numbers(shared[inside], counts[inside])
        if off < least:
            best, least = np.where(inside, shared, counts), off
        if least < NEAR:
            break  # else what was modelled of these parents contradicts the driving ones
    return best
