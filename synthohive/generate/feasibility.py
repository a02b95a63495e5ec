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

__all__ = ["ParentsOver"]


class ParentsOver:
    """The generated parents over one key of a table.

    Parameters
    ----------
    run : Run
        Has the key's parent among its tables.
    name : str
        The child table.
    key : ForeignKey
    """

    def __init__(self, run: Run, name: str, key: ForeignKey) -> None:
        self.run, self.name, self.key, self.label = run, name, key, key.label(name)
        self.fitted, self.parent = run.fitted.tables[name], run.tables[key.parent]

    def meetings(self) -> list[CommutingKeys]:
        """Return the rules by which keys that are never NULL, to known parents, follow from it."""
        return [
            rule
            for rule in self.fitted.key_rules
            if isinstance(rule, CommutingKeys)
            and rule.other[:1] == (self.key,)
            and self.fitted.keys[rule.key.label(self.name)].null_share == 0.0
            and rule.key.parent in self.run.tables
        ]

    def children(
        self,
        count: Callable[[Floats], IntArray],
        members: Optional[Bools] = None,
        preference: Optional[Floats] = None,
    ) -> IntArray:
        """Return the number of children of each parent; none for those that must have none.

        Parameters
        ----------
        count : callable
            Gives the numbers, by the ranks of a preference.
        members : ndarray of bool, optional
            The parents that can have children at all.
        preference : ndarray of float, optional
            What was modelled by default.
        """
        if preference is None:
            nothing = np.zeros(self.parent.spool.rows)
            preference = self.parent.preferences.get(self.label, nothing)
        able = self.reachable()
        if members is not None:
            able &= members
        if not able.any():  # rather rows without a parent over another key than no rows
            able = self.feasible()
        if able.all():
            counts = count(preference)
        elif not able.any():
            return np.zeros(len(able), dtype=np.int64)
        else:
            # -1 is below all preferences: those who must have no children rank last, and most of
            # them get none to be moved
            rng = self.run.rng(self.name, self.label, "moved")
            counts = move_spare(count(np.where(able, preference, -1.0)), able, rng)
        # whoever has rows there needs some here: swapped with those who have fewest, the sum stays
        for had in self._companions(needs=False):
            counts = at_least_one(counts, had & able)
        return counts

    def keys(self) -> pa.Table:
        """Return the parents' keys; NULL, to which nobody refers, where rows' CHECKs forbid them.

        Rows of a subtype refer to parents of that type.
        """
        key = self.key
        keys = self.parent.spool.column_table(list(dict.fromkeys(key.parent_columns)))
        copied = pa.table({c: keys.column(p) for c, p in zip(key.columns, key.parent_columns)})
        checks = self.fitted.checks(self.run.fitted.metadata.dialect)
        broken = checks.violations(copied).values()
        if not broken:
            return keys
        index = np.arange(len(keys), dtype=np.int64)
        forbidden = np.isin(index, np.concatenate(list(broken)))
        return keys.take(pa.array(index, mask=forbidden))

    def feasible(self) -> Bools:
        """Return which parents rows can refer to without breaking another key, or a CHECK of it."""
        able = ~any_null(self.keys(), self.key.parent_columns)  # nobody refers to NULL
        for link in self.run.fitted.plan.tables[self.name].of("grouped"):
            if {c for c, _ in link.shared} <= set(self.key.columns):
                able &= self._agreeing(link)
        return able

    def reachable(self) -> Bools:
        """Return which feasible parents have rows that find a parent over all keys that follow."""
        run, able = self.run, self.feasible()
        parents = np.arange(len(able))
        for rule in self.meetings():
            others = np.arange(run.size(rule.key.parent))
            ends = run.follow(rule.key.parent, rule.route[1:], others)
            # a row ends where its parent does; some parent over the other key must end there, too
            able &= np.isin(run.follow(self.key.parent, rule.other[1:], parents), ends)
        for had in self._companions(needs=True):
            able &= had
        return able

    def _agreeing(self, link: Link) -> Bools:
        """Return the parents with which one over another key agrees on shared columns."""
        tables, other = self.run.tables, link.key
        if self.fitted.keys[link.label].null_share or other.parent not in tables:
            return np.ones(self.parent.spool.rows, dtype=np.bool_)
        column = dict(zip(self.key.columns, self.key.parent_columns))
        mine, theirs = [column[c] for c, _ in link.shared], [p for _, p in link.shared]
        own = self.parent.spool.column_table(mine)
        return match_rows(own, mine, tables[other.parent].spool.column_table(theirs), theirs) >= 0

    def _companions(self, *, needs: bool) -> list[Bools]:
        """Return, for each rule, which parents have rows of the other table."""
        return [
            np.asarray(self.run.child_counts(rule.other_table, rule.other) > 0, dtype=np.bool_)
            for rule in self.fitted.key_rules
            if isinstance(rule, InclusionDependency)
            and rule.key == self.key
            and rule.needs == needs
        ]
