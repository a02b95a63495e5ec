"""Many sequences from a few drawn ones: ends exchanged where the same may follow.

To draw tokens one by one costs a search in the tree of n-grams for each. What may follow depends
on the state alone, so an end that was drawn after a state is as good after any other beginning
that leads there: some sequences are drawn, and the others put together from their pieces. No piece
tells more than the tokens did, as nothing else is drawn from than what follows a state.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from synthohive._arrays import Bools, IntArray

__all__ = ["Drawn", "ordered", "spliced"]

_CUTS = 5
"""Places where each sequence may go over to another one; with one, beginnings show up again."""


@dataclass(frozen=True)
class Drawn:
    """Sequences of tokens.

    Attributes
    ----------
    tokens : ndarray of int64, shape (tokens,)
        Sequence after sequence.
    owner : ndarray of int64, shape (tokens,)
        The sequence of each; ascending.
    state : ndarray of int64, shape (tokens,)
        All that decides what may follow each.
    """

    tokens: IntArray
    owner: IntArray
    state: IntArray

    def of_those(self, kept: Bools) -> Drawn:
        """Return the tokens of some sequences, which keep their numbers."""
        at = np.flatnonzero(kept[self.owner])
        return Drawn(self.tokens[at], self.owner[at], self.state[at])

    @staticmethod
    def of(steps: list[tuple[IntArray, IntArray, IntArray]], count: int) -> Drawn:
        """Take `count` sequences by their first tokens, by their second ones, and so on.

        Each step has tokens, their sequences and states; who has no token in one has none later.
        """
        sizes = np.zeros(count, dtype=np.int64)
        for _, owner, _ in steps:
            sizes[owner] += 1
        first = np.cumsum(sizes) - sizes
        found = Drawn(*(np.empty(sizes.sum(), dtype=np.int64) for _ in range(3)))
        for number, (tokens, owner, state) in enumerate(steps):
            place = first[owner] + number  # no sort: a step is a place
            found.tokens[place], found.owner[place], found.state[place] = tokens, owner, state
        return found


def ordered(owner: IntArray) -> IntArray:
    """Return the order of tokens by sequence; those of one stay as they are."""
    small = owner.max(initial=0) < 2**16  # numbers of 16 bits are sorted by their digits
    return np.argsort(owner.astype(np.uint16) if small else owner, kind="stable")


def spliced(
    drawn: Drawn,
    lengths: IntArray,
    begin: IntArray,
    low: IntArray,
    high: IntArray,
    rng: np.random.Generator,
) -> tuple[IntArray, IntArray]:
    """Put sequences together, each from a beginning and ends that were drawn after its states.

    Parameters
    ----------
    drawn : Drawn
    lengths : ndarray of int64, shape (tokens,)
        Characters of each of its tokens.
    begin : ndarray of int64, shape (sequences,)
        The drawn one that each begins as.
    low, high : ndarray of int64, shape (sequences,)
        Characters that each must, and may, have. Where no end does, the drawn one stays.
    rng : numpy.random.Generator

    Returns
    -------
    tokens, sequence : ndarray of int64
        The tokens, sequence after sequence, and which each is of.
    """
    ends = _Ends(drawn, lengths)
    bounds = np.append(0, np.cumsum(np.bincount(drawn.owner, minlength=begin.max(initial=-1) + 1)))
    # the next token of each sequence, the one that its drawn text ends before, and its characters
    at, stop, done = bounds[begin], bounds[begin + 1], np.zeros(len(begin), dtype=np.int64)
    pieces: list[tuple[IntArray, IntArray, IntArray]] = []
    # Where a sequence is cut does not depend on what would follow: cuts that did, would prefer
    # some ends to others (Gibbs sampling: each end is drawn anew, given all before it).
    for cut in np.sort(rng.random((_CUTS, len(begin))), axis=0) * low:
        some = np.flatnonzero((at < stop) & (done < cut))
        last = ends.reach(at[some], stop[some], cut[some] - done[some])
        pieces.append((some, at[some], last + 1))
        done[some] += ends.passed[last] - ends.passed[at[some]] + lengths[at[some]]
        other = ends.draw(last, low[some] - done[some], high[some] - done[some], rng)
        at[some], stop[some] = other + 1, bounds[drawn.owner[other] + 1]
    rest = np.flatnonzero(at < stop)
    pieces.append((rest, at[rest], stop[rest]))
    row, start, end = (np.concatenate(column) for column in zip(*pieces))
    order = ordered(row)
    sizes = (end - start)[order]
    before = np.cumsum(sizes) - sizes
    place = np.arange(sizes.sum()) + np.repeat(start[order] - before, sizes)
    return drawn.tokens[place], np.repeat(row[order], sizes)


class _Ends:
    """What follows each token of drawn sequences, by its state and its characters."""

    def __init__(self, drawn: Drawn, lengths: IntArray) -> None:
        total = np.cumsum(lengths)
        #: Characters of all tokens up to each one, over all sequences.
        self.passed = total
        last = np.flatnonzero(np.append(np.diff(drawn.owner) > 0, True))
        runs = np.diff(np.append(-1, last))
        self._rest = np.repeat(total[last], runs) - total
        self._width = int(self._rest.max(initial=0)) + 1
        state = np.unique(drawn.state, return_inverse=True)[1].reshape(-1)
        self._first = state * self._width  # state and characters as one number

    @cached_property
    def _ordered(self) -> tuple[IntArray, IntArray]:
        """The tokens by state and characters, then as they come, and both as one number."""
        value, bits = self._first + self._rest, len(self._first).bit_length()
        if int(value.max(initial=0)) >= 2 ** (63 - bits):
            order = np.argsort(value, kind="stable")
            return order, value[order]
        # with the place of each in its last bits: numbers alone are sorted in a fifth of the time
        packed = (value << bits) | np.arange(len(value))
        packed.sort()
        return packed & ((1 << bits) - 1), packed >> bits

    @property
    def _order(self) -> IntArray:
        return self._ordered[0]

    @cached_property
    def _rank(self) -> IntArray:
        rank = np.empty_like(self._order)
        rank[self._order] = np.arange(len(rank))
        return rank

    @property
    def _sorted(self) -> IntArray:
        return self._ordered[1]

    def reach(self, start: IntArray, stop: IntArray, characters: IntArray) -> IntArray:
        """Return the token from `start` on with which so many characters are reached."""
        before = np.where(start > 0, self.passed[np.maximum(start, 1) - 1], 0)
        return np.minimum(np.searchsorted(self.passed, before + characters), stop - 1)

    def draw(
        self, last: IntArray, low: IntArray, high: IntArray, rng: np.random.Generator
    ) -> IntArray:
        """Return a token after which the same may follow, and so many characters do."""
        first, most = self._first[last], self._width - 1
        begin = np.searchsorted(self._sorted, first + np.clip(low, 0, most))
        end = np.searchsorted(self._sorted, first + np.clip(high, 0, most), side="right")
        own = self._rank[last]
        inside = (begin <= own) & (own < end)
        chosen = begin + (rng.random(len(last)) * (end - begin - inside)).astype(np.int64)
        chosen += inside & (chosen >= own)  # another end than the own one, which would be a copy
        there = (chosen < end) & (low <= most)
        return np.where(there, self._order[np.minimum(chosen, len(self._order) - 1)], last)
