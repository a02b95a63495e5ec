"""The one engine that gives rows their parents over a foreign key, each parent exactly its quota.

Its stages are functions of arrays alone:

1. :func:`assign` allots numbers of children to groups, moves them to the parents that are asked
   for (:func:`exchange_degrees`), and lets :func:`deal` give each row a parent of its group and, as
   far as there are such, of its code.
2. :func:`repair` lets rows swap parents until the hard rules on pairs hold.
3. :func:`calibrate` lets them swap until calibration targets are met.

A swap exchanges what two rows hold: how often each parent is held never changes by it, so quotas
stay exact without being looked at. Numbers of children move between parents by the same swaps
(:func:`exchange_degrees`): there a "row" is a parent, and what it holds is its number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Optional

import numpy as np

from synthohive._arrays import AnyArray, Bools, Floats, IntArray
from synthohive._random import hashed
from synthohive.link.degree_allocation import apportion, in_parents_order
from synthohive.link.targets import DegreeTarget, Target

__all__ = [
    "NEAR",
    "NEAR_ROWS",
    "REHEARSED",
    "ROUNDS",
    "Distinct",
    "Forbids",
    "Grouping",
    "Rules",
    "Margin",
    "assign",
    "calibrate",
    "deal",
    "exchange_degrees",
    "joined",
    "order_in_classes",
    "repair",
]

Forbids = Callable[[IntArray, IntArray], Bools]
Grouping = tuple[IntArray, IntArray]
"""The group (or the code) of each row, and of each parent."""
Margin = tuple[IntArray, Floats]
"""The bin of each parent, and the rows that want a parent of each bin."""

REPAIR_ROUNDS = 40
NEARNESS = (1, 4, 16, 0)
"""How many neighbouring likes count as one, from the first rounds to the last; 0 is all."""
MOST_TRIES = 400_000
"""Partners that are looked at in one round."""
LONGEST_WALK = 200
"""Rows that move on, one after the other, until the last finds a place."""
MOST_SEARCHED = 500_000_000
"""Comparisons spent on rows that no random swap has helped."""
ROUNDS, LEAST_ROUNDS, REHEARSED = 300, 20, 1
"""Of swaps towards targets. A rehearsal shows that they can be made, and what untrained models have
drawn comes near to nothing: all rounds took half of it."""
MOST_WORK = 200_000_000
"""Rows that are looked at, over all rounds and targets, or put in order: larger tables get fewer
rounds, but always a few."""
MOST_COUPLES = 100_000
"""Swaps that are looked at in one round."""
LEAST_STEP, MOST_IDLE = 0.002, 20
"""Progress in a round that is hardly any; after so many such rounds, no more are tried."""
PIECE = 1_000_000
"""Rows that are looked at together where each is looked at alone."""
LEAST_BITS = 20
"""Of a hash, for its order to be that of chance."""
ATTEMPTS = 3
"""At exchanging degrees: a number larger than its bin's may end where no swap leads on."""
NEAR, NEAR_ROWS, NEAR_DEGREES = 0.01, 0.03, 0.005
"""Share of the rows in wrong cells that may stay there: it is within what chance does. Where each
row asked for one parent (NEAR_ROWS), which says more than its columns, larger gaps stay; numbers
of children are few and go wherever they are asked for."""


@dataclass(frozen=True)
class Distinct:
    """Halves of a unique set, by number: the pair of a row's and its parent's never repeats."""

    own: IntArray
    theirs: IntArray

    @cached_property
    def _size(self) -> int:
        return int(self.theirs.max(initial=0)) + 1

    def pairs(self, rows: IntArray, parents: IntArray) -> IntArray:
        """Return a number for each pair."""
        # One integer for each pair, so that repeats are neighbours in one sort.
        return np.asarray(self.own[rows] * self._size + self.theirs[parents])


@dataclass(frozen=True)
class Rules:
    """Which parents a row may have.

    Attributes
    ----------
    parents : int
        Number of parent rows.
    distinct : tuple of Distinct
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
    distinct: tuple[Distinct, ...] = ()
    forbidden: tuple[Forbids, ...] = ()
    unwanted: tuple[Forbids, ...] = ()
    groups: Optional[IntArray] = None
    theirs: Optional[IntArray] = None
    likes: Optional[IntArray] = None

    def refused(self, rows: IntArray, parents: IntArray) -> Bools:
        """Return which rows must not have these parents, repeats aside."""
        refused = np.zeros(len(rows), dtype=np.bool_)
        for forbids in (*self.forbidden, *self.unwanted):
            refused |= forbids(rows, parents)
        return refused

    def wrong(self, chosen: IntArray, *, all_of_a_pair: bool = False) -> Bools:
        """Mark rows with a parent that they must not have.

        Of repeated pairs all rows but the first are marked, or all of them.
        """
        rows = np.arange(len(chosen), dtype=np.int64)
        marked = self.refused(rows, chosen)
        for distinct in self.distinct:
            pairs = distinct.pairs(rows, chosen)
            # Stable: of equal pairs it is the first row that keeps its parent.
            order = np.argsort(pairs, kind="stable")
            same = pairs[order][1:] == pairs[order][:-1]
            marked[order[1:]] |= same
            if all_of_a_pair:
                marked[order[:-1]] |= same
        return marked


def assign(
    quota: IntArray,
    rows: int,
    seed: int,
    rng: np.random.Generator,
    *,
    groups: Optional[Grouping] = None,
    codes: Optional[Grouping] = None,
    margins: Optional[Sequence[Margin]] = None,
    places: Optional[Grouping] = None,
    units: Optional[IntArray] = None,
    rounds: int = ROUNDS,
) -> IntArray:
    """Return the parent of each row: numbers of children go where they are asked for, then deal.

    Parameters
    ----------
    quota : ndarray of int64
        Children per parent, `rows` in total: what is kept of it is the distribution.
    seed : int
        Of :func:`deal`, as `groups` and `codes` are.
    margins : sequence of Margin, optional
        Beside that of the codes; None where parents keep their numbers.
    places : tuple of ndarray of int64, optional
        The numbers of rows and of parents, where each row has a parent before it.
    units : ndarray of int64, optional
        As :func:`deal` takes them.
    rounds : int
        Of :func:`exchange_degrees`.
    """
    if groups is not None:
        totals = np.bincount(groups[0], minlength=int(groups[1].max(initial=0)) + 1)
        quota = apportion(totals, groups[1], quota, rng)
    if margins is not None:
        if codes is not None:
            size = int(max(part.max(initial=0) for part in codes)) + 1
            asked = np.bincount(codes[0], minlength=size).astype(np.float64)
            margins = [(codes[1], asked), *margins]
        theirs = None if groups is None else groups[1]
        quota = exchange_degrees(quota, margins, theirs, rng, rounds)
    if places is not None:
        own, theirs = groups or tuple(map(np.zeros_like, places))
        quota = in_parents_order((own, places[0]), (theirs, places[1]), quota, rng)
    return deal(quota, rows, seed, groups, codes, units)


def deal(
    quota: IntArray,
    rows: int,
    seed: int,
    groups: Optional[Grouping] = None,
    codes: Optional[Grouping] = None,
    units: Optional[IntArray] = None,
) -> IntArray:
    """Return the parent of each row: at random, of the row's group and of its code.

    Rows and stubs (each parent as often as its quota) of one group and code are paired at random;
    what is left over, on either side, is paired in the order of these, so that a row gets a
    parent of a near code.

    Parameters
    ----------
    quota : ndarray of int64
        Children per parent, `rows` in total; where it is less, some rows get none (-1).
    seed : int
        Of hashes, not of a stream: what one row gets hardly depends on how many there are.
    groups, codes : tuple of ndarray of int64, optional
        Of rows, and of parents. All are of one group, and of one code, by default.
    units : ndarray of int64, optional
        The number of each row's unit: rows of one are to have one parent, as far as quotas go. Each
        parent may lose one unit's end to the next one.
    """
    given = [part for part in (groups, codes) if part is not None]
    nothing = np.zeros(rows, dtype=np.int64), np.zeros(len(quota), dtype=np.int64)
    own, theirs = given[0] if given else nothing
    for part in given[1:]:
        size = int(max(part[0].max(initial=0), part[1].max(initial=0))) + 1
        # Group and code in one number, the group first: near numbers are near codes of a group.
        own, theirs = own * size + part[0], theirs * size + part[1]
    stubs = np.repeat(np.arange(len(quota), dtype=np.int64), quota)
    # At random inside each class, by a hash of the number alone: a shuffle from a stream would
    # deal to all rows anew when there is one more.
    if units is None:
        stubs = stubs[order_in_classes(theirs[stubs], seed)]
        order = order_in_classes(own, seed + 1)
    else:  # parents, and units, one after the other, each whole
        stubs = stubs[np.lexsort((hashed(stubs, seed), theirs[stubs]))]
        order = np.lexsort((hashed(units, seed + 1), own))
    (mine, rows_of), (others, stubs_of) = _runs(own[order]), _runs(theirs[stubs])
    # The i-th row of a class takes the i-th stub of it; where those are fewer, rows are left.
    _, here, there = np.intersect1d(mine, others, assume_unique=True, return_indices=True)
    sizes = np.minimum(rows_of[1][here], stubs_of[1][there])
    row, stub = _spans(rows_of[0][here], sizes), _spans(stubs_of[0][there], sizes)
    chosen = np.full(rows, -1, dtype=np.int64)
    chosen[order[row]] = stubs[stub]
    left, rest = np.ones(rows, dtype=np.bool_), np.ones(len(stubs), dtype=np.bool_)
    left[row], rest[stub] = False, False
    del row, stub
    # Both are still in the order of classes, so that equal shares of either are near each other.
    order, stubs = order[left], stubs[rest]
    some = min(len(stubs), len(order))  # where stubs are fewer, each is still given once
    if some:
        at = np.arange(some)
        chosen[order[at * len(order) // some]] = stubs[at * len(stubs) // some]
    return chosen


def _runs(classes: IntArray) -> tuple[IntArray, tuple[IntArray, IntArray]]:
    """Return the classes of sorted members, and where those of each begin and how many they are."""
    first = np.flatnonzero(np.append(True, classes[1:] != classes[:-1])[: len(classes)])
    return classes[first], (first, np.diff(np.append(first, len(classes))))


def _spans(starts: IntArray, sizes: IntArray) -> AnyArray:
    """Return so many numbers from each start on, in as few bytes as they need."""
    kind = np.int32 if int((starts + sizes).max(initial=0)) < 2**31 else np.int64
    found = np.repeat((starts - (np.cumsum(sizes) - sizes)).astype(kind), sizes)
    found += np.arange(len(found), dtype=kind)
    return found


def order_in_classes(classes: IntArray, seed: int) -> IntArray:
    """Return the order of members by class, and inside each by a hash of their numbers."""
    count, low = len(classes), int(classes.min(initial=0))
    place, top = count.bit_length(), (int(classes.max(initial=0)) - low).bit_length()
    if place + top + LEAST_BITS > 64:
        return np.lexsort((hashed(np.arange(count), seed), classes))
    # Class, hash and number as one integer: to sort these takes a tenth of sorting by two keys. The
    # first bits of the hash are enough, as the number decides between equal ones.
    mixed, last = np.empty(count, dtype=np.uint64), np.uint64((1 << place) - 1)
    for start in range(0, count, PIECE):  # steps between take several times the memory of these
        number = np.arange(start, min(start + PIECE, count), dtype=np.uint64)
        piece = (hashed(number, seed) >> np.uint64(top)) & ~last | number
        if top:
            own = (classes[start : start + PIECE] - low).astype(np.uint64)
            piece |= own << np.uint64(64 - top)
        mixed[start : start + PIECE] = piece
    mixed.sort()
    mixed &= last
    return mixed.view(np.int64)


def joined(pairs: Sequence[Grouping]) -> Grouping:
    """Give each combination of several groupings a number; to be in none is a group, too."""
    size = len(pairs[0][0])
    total = np.zeros(size + len(pairs[0][1]), dtype=np.int64)
    for own, theirs in pairs:
        # + 1, as being in no group (-1) is a group; dense after each step, or products overflow.
        code = np.concatenate([own, theirs]) + 1
        _, total = np.unique(total * (int(code.max(initial=0)) + 1) + code, return_inverse=True)
        total = total.reshape(-1).astype(np.int64)
    return total[:size], total[size:]


def repair(
    chosen: IntArray, rules: Rules, rng: np.random.Generator, *, search: bool = True
) -> tuple[IntArray, Bools]:
    """Make all pairs right, first by swaps at random, then by search.

    Parameters
    ----------
    search : bool, default True
        Rows that no swap at random has helped look at all partners; those that none can help are
        given any parent that they may have, whatever its quota.

    Returns
    -------
    chosen : ndarray of int64
    left : ndarray of bool
        Rows that cannot be made right.
    """
    swaps = _Swaps(chosen, rules, rng)
    widths = NEARNESS if rules.likes is not None else (0,)
    for width in widths:
        # The narrowest classes first: a swap inside one harms least of what the sides share.
        likes = None if rules.likes is None or not width else rules.likes // width
        classes = _Classes.of(rules.groups, likes, len(chosen))
        for _ in range(REPAIR_ROUNDS // len(widths)):
            wrong = np.flatnonzero(rules.wrong(swaps.held))
            if not len(wrong):
                return swaps.held, np.zeros(len(chosen), dtype=np.bool_)
            swaps.help(wrong, classes)
    if search:
        swaps.search()
    return swaps.held, replace(rules, unwanted=()).wrong(swaps.held)


def calibrate(
    held: IntArray,
    targets: Sequence[Target],
    rules: Rules,
    rng: np.random.Generator,
    near: float = 0.0,
    rounds: int = ROUNDS,
) -> IntArray:
    """Return what each row holds, swapped among rows; first among those of equal likes.

    Swaps are proposed at random and accepted where they bring the targets nearer, no more of them
    at once than a line search allows: so rows are moved evenly, and not the extreme ones. The
    targets are never farther than before.

    Parameters
    ----------
    held : ndarray of int64
        The parents of rows, or the numbers of children of parents.
    near : float
        Rows in wrong cells that may stay there, on average over targets.
    rounds : int
        Most of them.
    """
    if len(held) < 2 or not targets:
        return held
    swaps = _Swaps(held, rules, rng)
    for likes in (None,) if rules.likes is None else (rules.likes, None):
        swaps.approach(targets, _Classes.of(rules.groups, likes, len(held)), near, rounds)
    return swaps.held


def exchange_degrees(
    quota: IntArray,
    margins: Sequence[Margin],
    groups: Optional[IntArray],
    rng: np.random.Generator,
    rounds: int = ROUNDS,
) -> IntArray:
    """Return the number of children of each parent: the given ones, among other parents.

    Parents swap their numbers until these suit what rows ask for; those without children stay so.

    Parameters
    ----------
    margins : sequence of Margin
    groups : ndarray of int64, optional
        Parents swap inside their group only.
    rounds : int
        Most of them, at each attempt.
    """
    fertile = np.flatnonzero(quota > 0)
    targets = [DegreeTarget(bins[fertile], wanted) for bins, wanted in margins]
    rules = Rules(0, groups=None if groups is None else groups[fertile])
    near = NEAR_DEGREES * float(quota.sum())
    best, least = quota[fertile], np.inf
    for _ in range(min(ATTEMPTS, rounds)):
        trial = calibrate(quota[fertile], targets, rules, rng, near, rounds)
        off = _distance(targets, [target.surplus(trial) for target in targets])
        if off < least:
            best, least = trial, off
    after: IntArray = quota.copy()
    after[fertile] = best
    return after


@dataclass(frozen=True)
class _Classes:
    """Rows by class, so that a row's partner is found by a random number."""

    order: IntArray
    start: IntArray
    size: IntArray

    @classmethod
    def of(cls, groups: Optional[IntArray], likes: Optional[IntArray], rows: int) -> _Classes:
        """Sort rows into classes of equal groups and likes; all are of one class without any."""
        given = [part for part in (likes, groups) if part is not None]
        order = np.lexsort(given) if given else np.arange(rows)
        # Equal classes are neighbours in `order`; one begins wherever a part changes.
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

    def couples(self, rng: np.random.Generator, most: int) -> tuple[IntArray, IntArray]:
        """Return couples of rows of one class at random, each row in one of them at most."""
        order = rng.permutation(len(self.order))
        # Neighbours inside a class are a couple. The shift by 0 or 1 is for classes that begin at
        # an odd place: of two rows, they would never be one.
        order = order[np.argsort(self.start[order], kind="stable")][int(rng.integers(2)) :]
        a, b = order[: len(order) // 2 * 2].reshape(-1, 2).T
        same = np.flatnonzero(self.start[a] == self.start[b])
        if len(same) > most:
            same = rng.choice(same, most, replace=False, shuffle=False)
        return a[same], b[same]

    def members(self, row: int) -> IntArray:
        """Return all rows of a row's class."""
        return self.order[self.start[row] : self.start[row] + self.size[row]]


def _alone(a: IntArray, b: IntArray) -> Bools:
    """Tell which couples share no row with one before them: these can swap at once."""
    both = np.stack([a, b], axis=1).reshape(-1)
    first = np.zeros(len(both), dtype=np.bool_)
    # `return_index` is where a row stands first; a couple is alone where both of its rows do.
    first[np.unique(both, return_index=True)[1]] = True
    return np.asarray(first.reshape(-1, 2).all(axis=1))


class _Swaps:
    """The rows while they swap what they hold."""

    def __init__(self, held: IntArray, rules: Rules, rng: np.random.Generator) -> None:
        self.held: IntArray = held.copy()
        self.rules, self.rng = rules, rng
        self._standing: list[Optional[IntArray]] = [None] * len(rules.distinct)

    def _pairs(self, number: int) -> IntArray:
        """Return the pairs that stand, in order."""
        pairs = self._standing[number]
        if pairs is None:
            rows = np.arange(len(self.held), dtype=np.int64)
            pairs = np.sort(self.rules.distinct[number].pairs(rows, self.held))
            self._standing[number] = pairs
        return pairs

    def allowed(self, rows: IntArray, parents: IntArray) -> Bools:
        """Tell which rows could have these parents, if no other row moved."""
        fits = ~self.rules.refused(rows, parents)
        for number, distinct in enumerate(self.rules.distinct):
            pairs, wanted = self._pairs(number), distinct.pairs(rows, parents)
            place = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
            fits &= pairs[place] != wanted
        return fits

    def both_right(self, a: IntArray, b: IntArray) -> Bools:
        """Tell which couples could swap, if no other row moved."""
        mine, theirs = self.held[b], self.held[a]
        return np.asarray((mine != theirs) & self.allowed(a, mine) & self.allowed(b, theirs))

    def lasting(self, a: IntArray, b: IntArray) -> Bools:
        """Tell which couples are right when all of them swap at once."""
        if not self.rules.distinct:  # what is forbidden does not depend on other rows
            return np.ones(len(a), dtype=np.bool_)
        trial = self.held.copy()
        trial[a], trial[b] = self.held[b], self.held[a]
        bad = self.rules.wrong(trial, all_of_a_pair=True)
        return np.asarray(~bad[a] & ~bad[b])

    def put(self, rows: IntArray, values: IntArray) -> None:
        """Let rows hold other values."""
        for number, distinct in enumerate(self.rules.distinct):
            pairs = self._standing[number]
            if pairs is None or len(rows) > 2:
                self._standing[number] = None
                continue
            old, new = distinct.pairs(rows, self.held[rows]), distinct.pairs(rows, values)
            for left, entered in zip(old, new):  # sorting all anew would cost a search its speed
                pairs = np.delete(pairs, np.searchsorted(pairs, left))
                pairs = np.insert(pairs, np.searchsorted(pairs, entered), entered)
            self._standing[number] = pairs
        self.held[rows] = values

    def swap(self, a: IntArray, b: IntArray) -> None:
        """Let couples, which share no row, swap."""
        self.put(np.concatenate([a, b]), self.held[np.concatenate([b, a])])

    def help(self, wrong: IntArray, classes: _Classes) -> None:
        """Swap wrong rows with others at random, where both come out right."""
        wrong = self.rng.permutation(wrong)
        # The fewer rows are wrong, the more partners each tries: a round costs the same.
        tries = int(np.clip(MOST_TRIES // len(wrong), 1, 64))
        rows = np.repeat(wrong, tries)
        partners = classes.partners(rows, self.rng)
        fits = self.both_right(rows, partners).reshape(-1, tries)
        hopeful = fits.any(axis=1)
        a = wrong[hopeful]
        b = partners.reshape(-1, tries)[hopeful, fits[hopeful].argmax(axis=1)]
        alone = _alone(a, b)
        a, b = a[alone], b[alone]
        right = self.lasting(a, b)
        self.swap(a[right], b[right])

    def search(self) -> None:
        """Look at all partners of each wrong row; then at all parents, whatever their quotas."""
        classes, work = _Classes.of(self.rules.groups, None, len(self.held)), 0
        for row in np.flatnonzero(self.rules.wrong(self.held)).tolist():
            if work > MOST_SEARCHED:
                break
            if self._is_wrong(row):
                work += self._walk(row, classes)
        self.rules = rules = replace(self.rules, unwanted=())
        everyone = np.arange(rules.parents, dtype=np.int64)
        for row in np.flatnonzero(rules.wrong(self.held)):
            fits = self.allowed(np.full(rules.parents, row), everyone)
            if rules.theirs is not None and rules.groups is not None:
                fits &= rules.theirs == rules.groups[row]
            if fits.any():
                self.put(np.array([row]), self.rng.choice(np.flatnonzero(fits), 1))

    def _is_wrong(self, row: int) -> bool:
        """Whether a row is still wrong: another one that repeated its pair may have moved."""
        at, parent = np.array([row]), self.held[[row]]
        wrong = bool(self.rules.refused(at, parent)[0])
        for number, distinct in enumerate(self.rules.distinct):
            pairs, own = self._pairs(number), distinct.pairs(at, parent)
            wrong |= (
                int(np.searchsorted(pairs, own, "right")[0]) - 1 > np.searchsorted(pairs, own)[0]
            )
        return wrong

    def _walk(self, row: int, classes: _Classes) -> int:
        """Swap with a row that comes out right; else with one that then moves on itself.

        Returns how many partners were looked at. Where the walk ends nowhere, nothing moves.
        """
        kept, work = self.held.copy(), 0
        for _ in range(LONGEST_WALK):
            others = classes.members(row)
            work += len(others)
            here, parent = np.full(len(others), row), np.full(len(others), self.held[row])
            mine = self.allowed(here, self.held[others]) & (self.held[others] != parent)
            both = mine & self.allowed(others, parent)
            options = others[both if both.any() else mine]
            if not len(options):
                break
            other = int(self.rng.choice(options))
            self.swap(np.array([row]), np.array([other]))
            if both.any():
                return work
            row = other
        self.held, self._standing = kept, [None] * len(self._standing)
        return work

    def approach(
        self, targets: Sequence[Target], classes: _Classes, near: float, rounds: int
    ) -> None:
        """Swap rows of one class until that brings the targets no nearer."""
        count = len(self.held)
        cost = 2 * min(count, MOST_COUPLES) * len(targets) + 4 * count * len(self.rules.distinct)
        surplus, idle = [target.surplus(self.held) for target in targets], 0
        best, least = self.held.copy(), _distance(targets, surplus)
        for _ in range(min(max(MOST_WORK // cost, LEAST_ROUNDS), rounds)):
            # Half: a row in a wrong cell is one too many there, and one too few elsewhere.
            wrong = float(np.mean([np.abs(s).sum() for s in surplus])) / 2
            if wrong <= near or idle == MOST_IDLE:
                break
            a, b = self._proposed(targets, surplus, classes)
            # Carried on: counting all rows anew would cost more than the swaps themselves.
            surplus = [s + t.change(self.held, a, b) for t, s in zip(targets, surplus)]
            self.swap(a, b)
            off = _distance(targets, surplus)
            idle = 0 if off < least * (1 - LEAST_STEP) else idle + 1
            if off < least:  # a worse round may lead out of a dead end, but is not where it ends
                best, least = self.held.copy(), off
        self.held, self._standing = best, [None] * len(self._standing)

    def _proposed(
        self, targets: Sequence[Target], surplus: Sequence[Floats], classes: _Classes
    ) -> tuple[IntArray, IntArray]:
        """Return couples whose swaps together bring the targets nearer, on average."""
        a, b = classes.couples(self.rng, MOST_COUPLES)
        gain = np.zeros(len(a))
        for target, s in zip(targets, surplus):
            gain += target.gain(target.push(s), self.held, a, b)
        good = np.flatnonzero(gain > 0)
        good = good[self.both_right(a[good], b[good])]
        a, b, gain = a[good], b[good], gain[good]
        along, length = 0.0, 0.0  # how far all of them go, and how far it is worth going
        for target, s in zip(targets, surplus):
            change = target.change(self.held, a, b)
            along -= float((change * target.push(s)).sum())
            length += float((change * target.push(change)).sum())
        # Exact line search: the distance is a parabola in the share of these swaps that is made,
        # and all of them at once, each judged alone, would go too far.
        step = float(np.clip(along / length, 0.0, 1.0)) if length else 0.0
        some = self.rng.random(len(a)) < step
        if len(a) and not some.any():  # one large swap may be what is missing
            some[gain.argmax()] = True
        a, b = a[some], b[some]
        right = self.lasting(a, b)
        return a[right], b[right]


def _distance(targets: Sequence[Target], surplus: Sequence[Floats]) -> float:
    """Return how far all targets are off, as a quadratic form: what swaps make smaller."""
    return sum(float((s * target.push(s)).sum()) for target, s in zip(targets, surplus))
