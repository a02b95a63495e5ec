"""Which parents rows can have, so that their other keys find a parent, too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthohive.relational.generation import Run
from synthohive.relational.key_rules import Meeting, follow
from synthohive.relational.rows import match_rows
from synthohive.schema import ForeignKey

__all__ = ["GeneratedKeys", "counts_within", "reachable", "strict_meetings"]

IntArray = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class GeneratedKeys:
    """Each generated row's parent row, over any key whose columns are filled."""

    run: Run

    def parent_rows(self, table: str, key: ForeignKey) -> IntArray:
        """Return the parent row of each row of a table; found once."""
        made, label = self.run.tables[table], key.label(table)
        if label not in made.parents:
            parents = self.run.tables[key.parent].spool.column_table(key.parent_columns)
            rows = made.spool.column_table(key.columns)
            made.parents[label] = match_rows(rows, key.columns, parents, key.parent_columns)
        return made.parents[label]


def strict_meetings(run: Run, name: str, key: ForeignKey) -> list[Meeting]:
    """Return the rules by which keys that are never NULL follow from `key`."""
    fitted = run.fitted.tables[name]
    return [
        rule
        for rule in fitted.key_rules
        if isinstance(rule, Meeting)
        and rule.other[:1] == (key,)
        and fitted.keys[rule.key.label(name)].null_share == 0.0
        and rule.key.parent in run.tables
    ]


def reachable(run: Run, name: str, key: ForeignKey) -> Bools:
    """Return the parents over `key` whose rows find a parent over all keys that follow."""
    source, parents = GeneratedKeys(run), np.arange(run.tables[key.parent].spool.rows)
    able = np.ones(len(parents), dtype=np.bool_)
    for rule in strict_meetings(run, name, key):
        others = np.arange(run.tables[rule.key.parent].spool.rows)
        ends = follow(source, rule.key.parent, rule.route[1:], others)
        able &= np.isin(follow(source, key.parent, rule.other[1:], parents), ends)
    return able


def counts_within(
    able: Bools, preference: Floats, count: Callable[[Floats], IntArray], rng: np.random.Generator
) -> IntArray:
    """Return each parent's number of children; none for those that must have none.

    Parameters
    ----------
    count : callable
        Gives the numbers, by the ranks of the preference.
    """
    if able.all() or not able.any():
        return count(preference)
    counts = count(np.where(able, preference, -1.0))
    spare = int(counts[~able].sum())  # where the distribution has too few zeros
    counts = np.where(able, counts, 0)
    weights = np.maximum(counts, able / len(able)).astype(np.float64)
    np.add.at(counts, rng.choice(len(counts), spare, p=weights / weights.sum()), 1)
    return counts
