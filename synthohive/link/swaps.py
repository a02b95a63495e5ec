"""Rows that swap their parents until every rule on pairs holds: quotas stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Optional

import numpy as np

from synthohive._arrays import Bools, IntArray

__all__ = ["Classes", "Forbids", "PairRules", "both_right", "repair_by_swaps"]

Forbids = Callable[[IntArray, IntArray], Bools]

ROUNDS = 40
NEARNESS = (1, 4, 16, 0)
"""How many neighbouring likes count as one, from the first rounds to the last; 0 is all."""
MOST_TRIES = 400_000
"""Partners that are looked at in one round."""
LONGEST_WALK = 200
"""Rows that move on, one after the other, until the last finds a place."""
MOST_WORK = 500_000_000
"""Comparisons spent on rows that no random swap has helped."""


@dataclass(frozen=True)
class PairRules:
    """Which parents a row may have.

    Attributes
    ----------
    parents : int
        Number of parent rows.
    fixed : tuple of ndarray of int64
        The other halves of unique sets: the pair of each and the parent never repeats.
    forbidden : sequence of callable
        Each tells, of row numbers and as many parents, which must not be paired.
    unwanted : sequence of callable
        The same for pairs that only swaps avoid: no quota is broken for them.
    groups : ndarray of int64, optional
        Only rows of one group may swap.
    theirs : ndarray of int64, optional
        The group of each parent.
    likes : ndarray of int64, optional
        Rows of equal likes, or near ones, swap without harm to what parents and children
        have in common.
    """

    parents: int
    fixed: tuple[IntArray, ...] = ()
    forbidden: tuple[Forbids, ...] = ()
    unwanted: tuple[Forbids, ...] = ()
    groups: Optional[IntArray] = None
    theirs: Optional[IntArray] = None
    likes: Optional[IntArray] = None

    @property
    def free(self) -> bool:
        """Whether a row may have any parent of its group."""
        return not self.fixed and not self.forbidden and not self.unwanted

    def refused(self, rows: IntArray, parents: IntArray) -> Bools:
        """Return which rows must not have these parents, repeats aside."""
        found = np.zeros(len(rows), dtype=np.bool_)
        for forbids in (*self.forbidden, *self.unwanted):
            found |= forbids(rows, parents)
        return found

    def wrong(self, chosen: IntArray, *, all_of_a_pair: bool = False) -> Bools:
        """Mark rows with a parent that they must not have.

        Of repeated pairs all rows but the first are marked, or all of them.
        """
        found = self.refused(np.arange(len(chosen)), chosen)
        for fixed in self.fixed:
            pairs = fixed * max(self.parents, 1) + chosen
            order = np.argsort(pairs, kind="stable")
            same = pairs[order][1:] == pairs[order][:-1]
            found[order[1:]] |= same
            if all_of_a_pair:
                found[order[:-1]] |= same
        return found


def repair_by_swaps(
    chosen: IntArray, rules: PairRules, rng: np.random.Generator
) -> tuple[IntArray, Bools]:
    """Make all pairs right, first by swaps at random, then by search.

    A row that no swap can help is given any parent that it may have.

    Returns
    -------
    chosen : ndarray of int64
    left : ndarray of bool
        Rows that cannot be made right.
    """
    chosen = chosen.copy()
    widths = NEARNESS if rules.likes is not None else (0,)
    for width in widths:
        likes = None if rules.likes is None or not width else rules.likes // width
        classes = Classes.of(rules.groups, likes, len(chosen))
        for _ in range(ROUNDS // len(widths)):
            wrong = np.flatnonzero(rules.wrong(chosen))
            if not len(wrong):
                return chosen, np.zeros(len(chosen), dtype=np.bool_)
            _swap_at_random(chosen, wrong, classes, rules, rng)
    return _Search(chosen, rules, Classes.of(rules.groups, None, len(chosen)), rng).run()


@dataclass(frozen=True)
class Classes:
    """Rows by class, so that a row's partner is found by a random number."""

    order: IntArray
    start: IntArray
    size: IntArray

    @classmethod
    def of(cls, groups: Optional[IntArray], likes: Optional[IntArray], rows: int) -> Classes:
        """Sort rows into classes of equal groups and likes; all are of one class without any."""
        given = [part for part in (likes, groups) if part is not None]
        order = np.lexsort(given) if given else np.arange(rows)
        change = np.zeros(rows, dtype=np.bool_)
        change[:1] = True
        for part in given:
            change[1:] |= part[order][1:] != part[order][:-1]
        first = np.flatnonzero(change)
        sizes = np.diff(np.append(first, rows))
        start, size = np.empty(rows, dtype=np.int64), np.empty(rows, dtype=np.int64)
        start[order], size[order] = np.repeat(first, sizes), np.repeat(sizes, sizes)
        return cls(order, start, size)

    def partners(self, rows: IntArray, rng: np.random.Generator) -> IntArray:
        """Return a row of the same class for each row, at random."""
        place = self.start[rows] + (rng.random(len(rows)) * self.size[rows]).astype(np.int64)
        return self.order[place]

    def members(self, row: int) -> IntArray:
        """Return all rows of a row's class."""
        return self.order[self.start[row] : self.start[row] + self.size[row]]


def _swap_at_random(
    chosen: IntArray, wrong: IntArray, classes: Classes, rules: PairRules, rng: np.random.Generator
) -> None:
    """Swap wrong rows with others, where both come out right."""
    wrong = rng.permutation(wrong)
    tries = int(np.clip(MOST_TRIES // len(wrong), 1, 64))
    rows = np.repeat(wrong, tries)
    partners = classes.partners(rows, rng)
    fits = both_right(chosen, rows, partners, rules).reshape(-1, tries)
    hopeful = fits.any(axis=1)
    a = wrong[hopeful]
    b = partners.reshape(-1, tries)[hopeful, fits[hopeful].argmax(axis=1)]
    both = np.stack([a, b], axis=1).reshape(-1)
    first = np.zeros(len(both), dtype=np.bool_)
    first[np.unique(both, return_index=True)[1]] = True
    alone = first.reshape(-1, 2).all(axis=1)
    a, b = a[alone], b[alone]
    trial = chosen.copy()
    trial[a], trial[b] = chosen[b], chosen[a]
    bad = rules.wrong(trial, all_of_a_pair=True)
    right = ~bad[a] & ~bad[b]
    a, b = a[right], b[right]
    chosen[a], chosen[b] = chosen[b], chosen[a]


def both_right(chosen: IntArray, rows: IntArray, others: IntArray, rules: PairRules) -> Bools:
    """Tell which rows could swap with the others, if no other pair moved."""
    mine, theirs = chosen[others], chosen[rows]
    fits = (mine != theirs) & ~rules.refused(rows, mine) & ~rules.refused(others, theirs)
    for fixed in rules.fixed:
        pairs = np.sort(fixed * rules.parents + chosen)
        for row, parent in ((rows, mine), (others, theirs)):
            wanted = fixed[row] * rules.parents + parent
            place = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
            fits &= pairs[place] != wanted
    return np.asarray(fits, dtype=np.bool_)


@dataclass
class _Search:
    """Looks at all possible partners of a row; for few rows."""

    chosen: IntArray
    rules: PairRules
    classes: Classes
    rng: np.random.Generator
    work: int = field(default=0)

    def run(self) -> tuple[IntArray, Bools]:
        for row in np.flatnonzero(self.rules.wrong(self.chosen)):
            if self.work > MOST_WORK:
                break
            if self._is_wrong(int(row)):
                self._walk(int(row))
        self.rules = replace(self.rules, unwanted=())
        for row in np.flatnonzero(self.rules.wrong(self.chosen)):
            free = np.flatnonzero(self._open(int(row)))
            if len(free):
                self.chosen[row] = self.rng.choice(free)
        return self.chosen, self.rules.wrong(self.chosen)

    def _is_wrong(self, row: int) -> bool:
        parent = self.chosen[row]
        if self.rules.refused(np.array([row]), np.array([parent]))[0]:
            return True
        mine = self.chosen == parent
        return any(((fixed == fixed[row]) & mine).sum() > 1 for fixed in self.rules.fixed)

    def _walk(self, row: int) -> None:
        """Swap with a row that comes out right; else with one that then moves on itself."""
        kept = self.chosen.copy()
        for _ in range(LONGEST_WALK):
            others = self.classes.members(row)
            self.work += len(others)
            mine = self._may_have(row, others)
            theirs = mine & self._may_take(others, int(self.chosen[row]))
            options = others[theirs if theirs.any() else mine]
            if not len(options):
                break
            other = int(self.rng.choice(options))
            self.chosen[[row, other]] = self.chosen[[other, row]]
            if theirs.any():
                return
            row = other
        self.chosen[:] = kept

    def _may_have(self, row: int, others: IntArray) -> Bools:
        """Tell whose parents this row may have."""
        there = self.chosen[others]
        fits = ~self.rules.refused(np.full(len(others), row), there) & (there != self.chosen[row])
        for fixed in self.rules.fixed:
            has = np.zeros(self.rules.parents, dtype=np.bool_)
            has[self.chosen[fixed == fixed[row]]] = True
            fits &= ~has[there]
        return np.asarray(fits, dtype=np.bool_)

    def _may_take(self, others: IntArray, parent: int) -> Bools:
        """Tell which rows may have this parent."""
        fits = ~self.rules.refused(others, np.full(len(others), parent))
        for fixed in self.rules.fixed:
            with_it = np.zeros(int(fixed.max()) + 1, dtype=np.bool_)
            with_it[fixed[self.chosen == parent]] = True
            fits &= ~with_it[fixed[others]]
        return fits

    def _open(self, row: int) -> Bools:
        """Tell which parents a row may have, whatever their quotas."""
        everyone = np.arange(self.rules.parents)
        fits = ~self.rules.refused(np.full(len(everyone), row), everyone)
        if self.rules.theirs is not None and self.rules.groups is not None:
            fits &= self.rules.theirs == self.rules.groups[row]
        for fixed in self.rules.fixed:
            fits[self.chosen[fixed == fixed[row]]] = False
        return fits
