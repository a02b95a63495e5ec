"""How many rows each driving parent gets, where other keys must be able to follow."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt

from synthohive.relational.generation import Run
from synthohive.relational.key_rules import follow
from synthohive.relational.reach import GeneratedKeys, counts_within, reachable, strict_meetings
from synthohive.relational.shares import share_out
from synthohive.schema import ForeignKey

__all__ = ["driving_counts"]

IntArray = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def driving_counts(
    run: Run, name: str, preference: Floats, count: Callable[[Floats], IntArray]
) -> IntArray:
    """Return the children of each driving parent, as far as other keys can follow.

    A parent whose rows would find no parent over another key gets none; and where another
    key follows wholly from the driving one, its parents get their numbers of children, too.

    Parameters
    ----------
    count : callable
        Gives each parent's number from its preference.
    """
    driver, source = run.fitted.plan.tables[name].driver, GeneratedKeys(run)
    if driver is None:
        raise RuntimeError(f"{name!r} has no driving key")
    able = reachable(run, name, driver)
    rng = run.rng(name, driver.label(name), "moved")
    counts = counts_within(able, preference, count, rng)
    parents = np.flatnonzero(able)
    for rule in strict_meetings(run, name, driver):
        if len(rule.route) == 1:
            end = np.full(len(able), -1, dtype=np.int64)
            end[parents] = follow(source, driver.parent, rule.other[1:], parents)
            counts = _as_many(run, name, rule.key, end, counts)
    return counts


def _as_many(run: Run, name: str, key: ForeignKey, end: IntArray, counts: IntArray) -> IntArray:
    """Share out children so that the parents over a key that follows get their numbers.

    Parameters
    ----------
    end : ndarray of int64
        The parent over that key of each driving parent's rows; -1 for none.
    """
    label, parent = key.label(name), run.tables[key.parent]
    inside = end >= 0
    count = partial(
        run.fitted.tables[name].keys[label].fan_out.counts,
        parent.spool.rows,
        int(counts[inside].sum()),
        rng=run.rng(name, label, "quota"),
    )
    members = np.bincount(end[inside], minlength=parent.spool.rows) > 0
    preference = parent.preferences.get(label, np.zeros(parent.spool.rows))
    totals = counts_within(members, preference, count, run.rng(name, label, "moved"))
    shared = share_out(totals, end, counts, run.rng(name, label, "shares"))
    return np.where(inside, shared, counts)
