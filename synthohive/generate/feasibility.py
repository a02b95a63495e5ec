"""Which parents can have children, so that these find parents over other keys, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.constrain.key_rules import CommutingKeys, InclusionDependency
from synthohive.generate.run import Run
from synthohive.link.degree_allocation import at_least_one, move_spare
from synthohive.schema import ForeignKey
from synthohive.schema.plan import Link
from synthohive.tables.joins import match_rows
from synthohive.tables.nulls import any_null

__all__ = ["children_per_parent", "reachable", "strict_meetings"]


def strict_meetings(run: Run, name: str, key: ForeignKey) -> list[CommutingKeys]:
    """Return the rules by which keys that are never NULL follow from `key`.

    Parameters
    ----------
    run : Run
    name : str
        The child table.
    key : ForeignKey
        One of its keys.

    Returns
    -------
    list of CommutingKeys
        Only those whose parents have been generated.
    """
    fitted = run.fitted.tables[name]
    return [
        rule
        for rule in fitted.key_rules
        if isinstance(rule, CommutingKeys)
        and rule.other[:1] == (key,)
        and fitted.keys[rule.key.label(name)].null_share == 0.0
        and rule.key.parent in run.tables
    ]


def children_per_parent(
    run: Run,
    name: str,
    key: ForeignKey,
    count: Callable[[Floats], IntArray],
    members: Optional[Bools] = None,
    preference: Optional[Floats] = None,
) -> IntArray:
    """Return the children of each parent over a key; none for those that must have none.

    Parameters
    ----------
    count : callable
        Gives the numbers, by the ranks of a preference.
    members : ndarray of bool, optional
        The parents that can have children at all.
    preference : ndarray of float, optional
        What was modelled by default.
    """
    label, parent = key.label(name), run.tables[key.parent]
    if preference is None:
        preference = parent.preferences.get(label, np.zeros(parent.spool.rows))
    able = reachable(run, name, key)
    if members is not None:
        able &= members
    if not able.any():
        able = feasible(run, name, key)
    if able.all():
        counts = count(preference)
    elif not able.any():
        return np.zeros(len(able), dtype=np.int64)
    else:
        # -1 is below all preferences: those who must have no children rank last, and most of them
        # get none to be moved
        counts = move_spare(
            count(np.where(able, preference, -1.0)), able, run.rng(name, label, "moved")
        )
    for rule in _companies(run, name, key, needs=False):
        counts = at_least_one(counts, _has_children(run, rule) & able)
    return counts


def referable_keys(run: Run, name: str, key: ForeignKey) -> pa.Table:
    """Return the parents' keys; NULL, to which nobody refers, where rows' CHECKs forbid them.

    Parameters
    ----------
    run : Run
    name : str
        The child table.
    key : ForeignKey
        One of its keys, whose parent has been generated.

    Returns
    -------
    pyarrow.Table
        A row for each parent row, in their order, with the columns `key.parent_columns`.
    """
    keys = run.tables[key.parent].spool.column_table(list(dict.fromkeys(key.parent_columns)))
    copied = pa.table({c: keys.column(p) for c, p in zip(key.columns, key.parent_columns)})
    checks = run.fitted.tables[name].checks(run.fitted.metadata.dialect)
    broken = checks.violations(copied).values()
    if not broken:
        return keys
    index = np.arange(len(keys), dtype=np.int64)
    forbidden = np.isin(index, np.concatenate(list(broken)))
    return keys.take(pa.array(index, mask=forbidden))


def feasible(run: Run, name: str, key: ForeignKey) -> Bools:
    """Return the parents over `key` that rows can refer to without breaking another key.

    Nor a CHECK over the key's columns alone: rows of a subtype refer to parents of that type.

    Parameters
    ----------
    run : Run
    name : str
        The child table.
    key : ForeignKey
        One of its keys, whose parent has been generated.

    Returns
    -------
    ndarray of bool, shape (parents,)
    """
    keys = referable_keys(run, name, key)
    able = ~any_null(keys, key.parent_columns)  # nobody refers to NULL
    for link in run.fitted.plan.tables[name].of("grouped"):
        if {c for c, _ in link.shared} <= set(key.columns):
            able &= _agreeing(run, key, link)
    return able


def reachable(run: Run, name: str, key: ForeignKey) -> Bools:
    """Return the parents over `key` whose rows find a parent over all keys that follow.

    Parameters
    ----------
    run : Run
    name : str
        The child table.
    key : ForeignKey
        One of its keys, whose parent has been generated.

    Returns
    -------
    ndarray of bool, shape (parents,)
        True only where :func:`feasible` is, too.
    """
    parents = np.arange(run.size(key.parent))
    able = feasible(run, name, key)
    for rule in strict_meetings(run, name, key):
        others = np.arange(run.size(rule.key.parent))
        ends = run.follow(rule.key.parent, rule.route[1:], others)
        able &= np.isin(run.follow(key.parent, rule.other[1:], parents), ends)
    for company in _companies(run, name, key, needs=True):
        able &= _has_children(run, company)
    return able


def _agreeing(run: Run, key: ForeignKey, link: Link) -> Bools:
    """Return the parents over `key` with which one over another key agrees on shared columns."""
    size, other = run.tables[key.parent].spool.rows, link.key
    if run.fitted.tables[link.table].keys[link.label].null_share or other.parent not in run.tables:
        return np.ones(size, dtype=np.bool_)
    column = dict(zip(key.columns, key.parent_columns))
    mine, theirs = [column[c] for c, _ in link.shared], [p for _, p in link.shared]
    own = run.tables[key.parent].spool.column_table(mine)
    others = run.tables[other.parent].spool.column_table(theirs)
    return match_rows(own, mine, others, theirs) >= 0


def _companies(run: Run, name: str, key: ForeignKey, *, needs: bool) -> list[InclusionDependency]:
    rules = run.fitted.tables[name].key_rules
    return [
        r for r in rules if isinstance(r, InclusionDependency) and r.key == key and r.needs == needs
    ]


def _has_children(run: Run, rule: InclusionDependency) -> Bools:
    """Return which parents have rows of the other table."""
    return np.asarray(run.child_counts(rule.other_table, rule.other) > 0, dtype=np.bool_)
