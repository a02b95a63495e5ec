"""Sequences of tokens: words that follow each other, or else kinds of words that do."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.encoding.draw import Stretches, proportions
from synthohive.encoding.ngrams import MAX_NODES, ROOT, Ngrams, marked
from synthohive.encoding.splicing import Drawn
from synthohive.encoding.value_counts import ValueCounts

__all__ = ["Language"]


_KIND_ORDER = 7  # kinds of token that are looked back at
_MAX_CELLS = 2_000_000  # of the table of kinds: 16 MB
_TRIES = 8  # draws before the shorter state is asked
_LITTLE = 1e-3  # what is never divided by less


@dataclass
class _Place:
    """Where each sequence stands.

    Attributes
    ----------
    last : ndarray of int64
        The last token.
    state, form : ndarray of int64
        The known tokens before, and the kinds before.
    go_on : ndarray of bool
        It must not end here.
    """

    last: IntArray
    state: IntArray
    form: IntArray
    go_on: Bools


@dataclass
class _Links:
    """How often kinds of token follow each token, as far as `k` entities share it.

    Attributes
    ----------
    key : ndarray of int64
        Token and kind, as one number; ascending.
    share : ndarray of float64
        Of the tokens after this one, those of the kind.
    """

    key: IntArray
    share: Floats

    @classmethod
    def learn(
        cls, ids: IntArray, rows: IntArray, kind: IntArray, value_counts: ValueCounts, k: int
    ) -> _Links:
        flat, rows = marked(ids, rows, len(kind))
        kinds = int(kind.max()) + 1
        at = np.flatnonzero(flat[:-1] != len(kind))
        after = np.append(kind, kinds)[np.minimum(flat[at + 1], len(kind))]
        key, codes = np.unique(flat[at] * (kinds + 1) + after, return_inverse=True)
        codes, weights = codes.reshape(-1), value_counts.counts[rows[at]].astype(np.float64)
        count = np.bincount(codes, weights=weights)
        total = np.bincount(flat[at], weights=weights)
        kept = value_counts.holders_of(codes, rows[at]) >= k
        return cls(key[kept], (count / total[key // (kinds + 1)])[kept])


@dataclass
class Language:
    """Draws each token given the longest known run of tokens before it.

    Where not even the last token is known to be followed by what is drawn, the kind of
    token is drawn given the kinds before it, then a token of that kind.

    Attributes
    ----------
    tokens, kinds : Ngrams
    kind : ndarray of int64
        Of each token.
    links : _Links
    """

    tokens: Ngrams
    kinds: Ngrams
    kind: IntArray
    links: _Links
    _usual: Floats = field(init=False, repr=False)
    _linked: Floats = field(init=False, repr=False)
    _by_kind: IntArray = field(init=False, repr=False)
    _edges: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        kinds = self.kinds.size
        single = self.kinds.alone(np.arange(kinds))
        # (tokens + 2, kinds + 1): what follows each token, the end and the start, by its kind alone
        before = np.append(single[self.kind], [ROOT, self.kinds.start])
        self._usual = usual = self.kinds.shares(before)
        cells = np.divmod(self.links.key, kinds + 1)
        shares = np.full(usual.shape, -1.0)
        shares[cells] = self.links.share
        # what is left beside the known kinds goes to the others as usual (Katz, as in the n-grams)
        known = np.bincount(cells[0], self.links.share, len(usual))
        expected = np.bincount(cells[0], usual[cells], len(usual))
        rest = np.maximum(1.0 - known, 0.0) / np.maximum(1.0 - expected, _LITTLE)
        shares = np.where(shares < 0, rest[:, None] * usual, shares)
        # a factor on what the kinds before expect, at most 1: the last token only makes kinds rarer
        sure = shares >= usual
        self._linked = np.where(sure, 1.0, shares / np.where(sure, 1.0, usual))
        self._by_kind = np.argsort(self.kind, kind="stable")
        ordered, uses = self.kind[self._by_kind], self.tokens.uses[self._by_kind]
        # kind + cumulative share of its tokens: one search draws tokens of any kinds at once. Each
        # kind ends at exactly 1, or a draw beyond a rounded sum would be of the next kind
        self._edges = ordered.astype(np.float64)
        for number in range(kinds):
            here = np.flatnonzero(ordered == number)
            self._edges[here] += np.append(np.cumsum(proportions(uses[here]))[:-1], 1.0)

    @classmethod
    def learn(
        cls,
        ids: IntArray,
        rows: IntArray,
        kind: IntArray,
        order: int,
        value_counts: ValueCounts,
        k: int,
    ) -> Language:
        """Learn from tokens, text after text.

        Parameters
        ----------
        ids : ndarray of int64, shape (tokens,)
            Numbers of tokens, from 0.
        rows : ndarray of int64, shape (tokens,)
            Of each: the index in `value_counts` of the text that it comes from; ascending.
        kind : ndarray of int64, shape (different tokens,)
            Kinds of tokens, from 0 without gaps.
        order : int
            Tokens of the longest n-grams.
        value_counts : ValueCounts
            Of the texts.
        k : int
            Entities that must share an n-gram.
        """
        tokens = Ngrams.learn(ids, rows, len(kind), order, value_counts, k)
        count = int(kind.max()) + 1
        most = min(MAX_NODES, _MAX_CELLS // (count + 1))
        kinds = Ngrams.learn(kind[ids], rows, count, _KIND_ORDER, value_counts, k, most)
        return cls(tokens, kinds, kind, _Links.learn(ids, rows, kind, value_counts, k))

    def generate(
        self, lengths: IntArray, low: IntArray, high: IntArray, rng: np.random.Generator
    ) -> tuple[Drawn, Bools]:
        """Draw sequences.

        Parameters
        ----------
        lengths : ndarray of int64
            Characters of each token.
        low, high : ndarray of int64
            Characters that each sequence must, and may, have; it is cut at the end.
        rng : numpy.random.Generator

        Returns
        -------
        Drawn
        ended : ndarray of bool
            Whether each sequence came to its own end.
        """
        count, end = len(low), len(self.kind)
        # the end of a sequence is a token, too, without characters and of a kind of its own
        sizes, kind = np.append(lengths, 0), np.append(self.kind, self.kinds.size)
        starts = [np.full(count, n) for n in (end + 1, self.tokens.start, self.kinds.start)]
        place = _Place(starts[0], starts[1], starts[2], low > 0)
        active, length = np.arange(count), np.zeros(count, dtype=np.int64)
        ended = np.zeros(count, dtype=bool)
        steps: list[tuple[IntArray, IntArray, IntArray]] = []
        while len(active):
            token, state = self._draw(place, rng)
            longer = length + sizes[token]
            ended[active] = token == end
            more = np.flatnonzero((token != end) & ((longer <= high[active]) | (length == 0)))
            active, token, length = active[more], token[more], longer[more]
            form = self.kinds.follow(place.form[more], kind[token])
            place = _Place(token, state[more], form, length < low[active])
            steps.append((token, active, self._deciding(place)))
        return Drawn.of(steps, count), ended

    def _deciding(self, here: _Place) -> IntArray:
        """Return one number for all that decides what follows: see :meth:`_fits`."""
        alone = self.tokens.single[here.state]
        nodes = len(self.kinds.parent) + 1
        return here.state * nodes + np.where(alone, here.form, 0)

    def _draw(self, here: _Place, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        """Return the tokens that are drawn, and the states after them."""
        count = len(here.state)
        token, after = np.full(count, -1, dtype=np.int64), np.empty(count, dtype=np.int64)
        state, longer = here.state.copy(), np.full(count, -1, dtype=np.int64)
        tries = np.zeros(count, dtype=np.int64)
        todo = np.flatnonzero(state != ROOT)
        while len(todo):
            drawn, then, known = self.tokens.draw(state[todo], rng)
            known &= ~((drawn == len(self.kind)) & here.go_on[todo])
            again = known & (tries[todo] < _TRIES)
            again[again] = ~self._fits(here, todo[again], state, drawn[again], rng) | _seen(
                self.tokens, longer[todo[again]], drawn[again]
            )
            tries[todo[again]] += 1
            take = known & ~again
            token[todo[take]], after[todo[take]] = drawn[take], then[take]
            # where nothing known follows, the shorter state is asked; down to the empty one
            back = todo[~known]
            longer[back], state[back] = state[back], self.tokens.shorter(state[back])
            todo = np.append(todo[again], back[state[back] != ROOT])
        left = todo = np.flatnonzero(token < 0)
        for _ in range(_TRIES):
            if len(todo):
                token[todo] = self._by_form(here, todo, rng)
                todo = todo[_seen(self.tokens, longer[todo], token[todo])]
        after[left] = self.tokens.alone(token[left])
        return token, after

    def _fits(
        self,
        here: _Place,
        rows: IntArray,
        state: IntArray,
        token: IntArray,
        rng: np.random.Generator,
    ) -> Bools:
        """Give way to the kinds before, where only one token decides.

        Returns True by chance where many kinds of token before make the kind rarer than
        the last one does.
        """
        fits = np.ones(len(rows), dtype=bool)
        single = np.flatnonzero(self.tokens.single[state[rows]])
        rows, kind = rows[single], np.append(self.kind, self.kinds.size)[token[single]]
        expected = self._usual[here.last[rows], kind]
        share = self.kinds.share(here.form[rows], kind)
        fits[single] = rng.random(len(single)) * expected <= share  # accepted by share / expected
        return fits

    @cached_property
    def _stretches(self) -> Stretches:
        return Stretches(self._edges, self.kinds.size + 1)

    def _by_form(self, here: _Place, rows: IntArray, rng: np.random.Generator) -> IntArray:
        """Draw kinds of token, and tokens of them.

        Kinds give way to the last token, where that is followed by others than its kind is.
        """
        shares = self.kinds.shares(here.form[rows]) * self._linked[here.last[rows]]
        shares[here.go_on[rows], -1] = 0.0
        none = np.flatnonzero(shares.sum(axis=1) <= 0.0)
        if len(none):
            shares[none, :-1] = self.kinds.shares(np.array([ROOT]))[:, :-1]
        edges = np.cumsum(shares, axis=1)
        at = rng.random(len(rows)) * edges[:, -1]
        # below the last edge, or rounding could draw one kind too many
        kind = (edges <= np.minimum(at, np.nextafter(edges[:, -1], 0.0))[:, None]).sum(axis=1)
        place = self._stretches.after(kind, rng.random(len(kind)))
        drawn = self._by_kind[np.minimum(place, len(self.kind) - 1)]
        return np.where(kind == self.kinds.size, len(self.kind), drawn)


def _seen(ngrams: Ngrams, state: IntArray, token: IntArray) -> Bools:
    """Tell whether the longer state that was left would have given the same token."""
    seen = state >= 0
    seen[seen] = ngrams.find(state[seen], token[seen])[1]
    return seen
