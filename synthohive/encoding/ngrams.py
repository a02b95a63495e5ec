"""Sequences of tokens from the n-grams that enough entities share."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from synthohive._arrays import AnyArray, Bools, Floats, IntArray
from synthohive.encoding.draw import Stretches
from synthohive.encoding.value_counts import ValueCounts

__all__ = ["MAX_NODES", "ROOT", "Ngrams", "marked"]


MAX_NODES = 60_000  # n-grams: some megabytes a column
MOST_TOKENS = 16  # of an n-gram
ROOT = 0
_LITTLE = 1e-3  # what is never divided by less


@dataclass
class Ngrams:
    """What follows runs of tokens.

    The known n-grams form a tree; only those are kept that `k` entities share. A state is
    a known run of tokens. What follows is drawn from what is known to follow it; with the
    share of what is not, from what follows the run without its first token (Katz, 1987).

    Attributes
    ----------
    size : int
        Number of different tokens. Two more mark the end and the start of a sequence.
    order : int
        Tokens of the longest n-grams.
    parent, token, count : ndarray of int64
        Of each n-gram but the empty one: the n-gram without its last token (0 is the
        empty one), the last token, and how often it was seen. Shorter ones come first.
    single : ndarray of bool
        Whether each state is one token.
    start : int
        The state at the start of a sequence.
    """

    size: int
    order: int
    parent: IntArray
    token: IntArray
    count: IntArray
    _after: IntArray = field(init=False, repr=False)
    _backoff: IntArray = field(init=False, repr=False)
    _edges: Floats = field(init=False, repr=False)
    _ends: IntArray = field(init=False, repr=False)
    _share: Floats = field(init=False, repr=False)
    _rest: Floats = field(init=False, repr=False)
    _keys: IntArray = field(init=False, repr=False)
    _levels: list[tuple[int, int]] = field(init=False, repr=False)

    @classmethod
    def learn(
        cls,
        tokens: IntArray,
        rows: IntArray,
        size: int,
        order: int,
        value_counts: ValueCounts,
        k: int,
        most: int = MAX_NODES,
    ) -> Ngrams:
        """Learn from sequences, the tokens of row after row.

        Parameters
        ----------
        tokens : ndarray of int64
        rows : ndarray of int64
            Of each token: the index in `value_counts` of the text that it comes from; ascending.
        size : int
            Number of different tokens.
        order : int
            Tokens of the longest n-grams, at most 16.
        value_counts : ValueCounts
            Of the texts.
        k : int
            Entities that must share an n-gram; single tokens are all kept.
        most : int
            N-grams that are kept.
        """
        flat, rows = marked(tokens, rows, size)
        first = flat == size + 1
        weights = value_counts.counts[rows].astype(np.float64)
        node = np.zeros(len(flat), dtype=np.int64)  # that ends here, of the current order
        levels: list[tuple[IntArray, IntArray, IntArray]] = []
        nodes, width = 1, size + 2
        for level in range(order):
            # the n-gram that ends just before each place, -1 where it was not kept; no start of a
            # row is looked at, as nothing goes on from row to row
            before = np.zeros_like(node) if level == 0 else np.append(-1, node[:-1])
            at = np.flatnonzero((before >= 0) & ~(first & (level > 0)))
            keys, codes = np.unique(before[at] * width + flat[at], return_inverse=True)
            codes = codes.reshape(-1)
            counts = np.bincount(codes, weights=weights[at], minlength=len(keys)).astype(np.int64)
            # every single token stays: rare ones have been replaced before
            kept = (
                value_counts.holders_of(codes, rows[at]) >= k if level else np.ones(len(keys), bool)
            )
            if nodes + kept.sum() > most and level:
                least = np.sort(counts[kept])[::-1][max(most - nodes, 1) - 1]
                kept &= counts > least
            number = np.where(kept, nodes - 1 + np.cumsum(kept), -1)
            node = np.full(len(flat), -1, dtype=np.int64)
            node[at] = number[codes]
            levels.append((keys[kept] // width, keys[kept] % width, counts[kept]))
            nodes += int(kept.sum())
        parent, token, count = (np.concatenate(part) for part in zip(*levels))
        return cls(size, order, parent, token, count)

    def __post_init__(self) -> None:
        if self.order > MOST_TOKENS:
            raise ValueError(f"n-grams of {self.order} tokens are not learned")
        size, nodes = self.size + 2, len(self.parent) + 1
        parent = np.append(-1, self.parent)
        token = np.append(-1, self.token)
        count = np.append(0, self.count).astype(np.float64)
        count[ROOT] = count[1:][(parent[1:] == ROOT) & (token[1:] != self.size + 1)].sum()
        self._keys = keys = self.parent * size + self.token  # ascending
        self._backoff = np.zeros(nodes, dtype=np.int64)
        longest = np.zeros(nodes, dtype=bool)
        self._levels = [(ROOT, 1)]  # the nodes of each, but the longest
        low, high = 1, 1 + int(np.searchsorted(self.parent, 1))
        for level in range(1, self.order + 1):
            if level < self.order:
                self._levels.append((low, high))
            longest[low:high] = level == self.order
            if level > 1:
                wanted = self._backoff[parent[low:high]] * size + token[low:high]
                at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
                # nodes are numbered in the order of the keys, from 1: 0 is the empty one
                self._backoff[low:high] = np.where(keys[at] == wanted, at + 1, ROOT)
            low, high = high, 1 + int(np.searchsorted(self.parent, high))
        # outgoing edges, node by node: [node, node + share of what is known to follow)
        begins = np.searchsorted(self.parent, np.arange(nodes))
        self._ends = np.searchsorted(self.parent, np.arange(nodes), side="right")
        usable = np.where(token[1:] == self.size + 1, 0.0, self.count)
        self._share = usable / np.maximum(count[self.parent], 1.0)
        known = np.bincount(self.parent, weights=self._share, minlength=nodes)
        # of what is not known to follow, relative to its share after one token less
        inner = np.flatnonzero(self._backoff[1:] > ROOT)
        less = self._share[self._backoff[inner + 1] - 1]
        expected = np.bincount(self.parent[inner], weights=less, minlength=nodes)
        self._rest = np.maximum(1.0 - known, 0.0) / np.maximum(1.0 - expected, _LITTLE)
        total = np.append(0.0, np.cumsum(self._share))
        within = total[1:] - total[begins[self.parent]]
        # never beyond 1, which is where the next node's edges begin
        self._edges = self.parent + np.minimum(within, 1.0)
        root = self._ends[ROOT]
        self._edges[_last_positive(usable[:root]) : root] = 1.0
        self._after = np.where(longest, self._backoff, np.arange(nodes))[1:]

    @cached_property
    def single(self) -> Bools:
        """Which nodes are n-grams of one token."""
        return np.asarray(np.append(-1, self.parent) == ROOT)

    @cached_property
    def start(self) -> int:
        """The node of the mark before the first token."""
        return int(np.searchsorted(self._keys, self.size + 1)) + 1

    @property
    def uses(self) -> IntArray:
        """How often each token was seen."""
        found = np.zeros(self.size, dtype=np.int64)
        single = (self.parent == ROOT) & (self.token < self.size)
        found[self.token[single]] = self.count[single]
        return found

    def draw(self, state: IntArray, rng: np.random.Generator) -> tuple[IntArray, IntArray, Bools]:
        """Draw what follows in each state.

        Returns
        -------
        token, after : ndarray of int64
            What follows, and the states that it leads to.
        known : ndarray of bool
            False: something else follows, to be drawn in the shorter state.
        """
        # one search for all states: beyond a node's last edge, something unknown follows
        edge = self._stretches.after(state, rng.random(len(state)))
        known = edge < self._ends[state]
        edge = np.minimum(edge, len(self.token) - 1)
        # What is not known means nothing, but it is a token: the next edge may be the start's.
        return np.where(known, self.token[edge], self.size), self._after[edge], known

    @cached_property
    def _stretches(self) -> Stretches:
        return Stretches(self._edges, len(self.parent) + 1)

    @cached_property
    def _alone(self) -> IntArray:
        """The state in which each token, or the end, alone is known."""
        token = np.arange(self.size + 2)
        return self._after[self.find(np.full(len(token), ROOT), token)[0]]

    def shorter(self, state: IntArray) -> IntArray:
        """Return the states without their first token."""
        return self._backoff[state]

    def find(self, state: IntArray, token: IntArray) -> tuple[IntArray, Bools]:
        """Return the index of each state's n-gram with one more token, and if it is known."""
        wanted = state * (self.size + 2) + token
        at = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        return at, self._keys[at] == wanted

    def alone(self, token: IntArray) -> IntArray:
        """Return the states in which only one token is known."""
        return self._alone[token]

    def follow(self, state: IntArray, token: IntArray) -> IntArray:
        """Return the states that tokens lead to."""
        return self._tables[1][state, token]

    def share(self, state: IntArray, token: IntArray) -> Floats:
        """Return how often each token, or the end, follows in each state."""
        return self._tables[0][state, token]

    def shares(self, state: IntArray) -> Floats:
        """Return how often all tokens, then the end, follow in each state, (n, size + 1)."""
        return self._tables[0][state]

    @cached_property
    def _tables(self) -> tuple[Floats, IntArray]:
        """What follows, and where it leads to: of all states, what is not known by the shorter."""
        shape = (self._levels[-1][1], self.size + 1)
        shares, after = np.zeros(shape), np.zeros(shape, dtype=np.int64)
        for low, high in self._levels:  # shorter ones first: the longer ones begin as these
            less = self._backoff[low:high]
            shares[low:high] = self._rest[low:high, None] * shares[less]
            after[low:high] = after[less]
            edges = np.arange(*np.searchsorted(self.parent, (low, high)))
            edges = edges[self.token[edges] <= self.size]
            at = self.parent[edges], self.token[edges]
            shares[at], after[at] = self._share[edges], self._after[edges]
        return shares, after


def marked(tokens: IntArray, rows: IntArray, size: int) -> tuple[IntArray, IntArray]:
    """Put the marks of start and end around the tokens of each row.

    Parameters
    ----------
    tokens : ndarray of int64, shape (tokens,)
        From 0 to ``size - 1``, row after row.
    rows : ndarray of int64, shape (tokens,)
        The row of each; ascending.
    size : int
        Number of different tokens: `size` is the mark of the end, ``size + 1`` that of the start.

    Returns
    -------
    tokens, rows : ndarray of int64, shape (tokens + 2 * different rows,)
        With the marks. A row without a token gets none.
    """
    texts, begins = np.unique(rows, return_index=True)
    ends = np.append(begins[1:], len(rows))
    at = np.concatenate([begins, ends])
    marks = np.repeat([size + 1, size], len(texts))
    # at one place, the end of a row comes before the start of the next
    order = np.lexsort((marks, at))
    return (
        np.insert(tokens, at[order], marks[order]),
        np.insert(rows, at[order], np.tile(texts, 2)[order]),
    )


def _last_positive(values: AnyArray) -> int:
    found = np.flatnonzero(values > 0)
    return int(found[-1]) if len(found) else 0
