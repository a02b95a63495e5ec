"""Sequences of tokens: words that follow each other, or else kinds of words that do."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from synthohive.core.data.draw import proportions
from synthohive.core.data.ngrams import ROOT, Ngrams, marked
from synthohive.core.data.tally import Tally

__all__ = ["Language"]

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_KIND_ORDER = 7
_TRIES = 8
_LITTLE = 1e-3


@dataclass
class _Place:
    """Where each sequence stands.

    Attributes
    ----------
    last : ndarray of int64
        The last token.
    state, form, brief : ndarray of int64
        The known tokens before, the kinds before, and the last kind.
    go_on : ndarray of bool
        It must not end here.
    """

    last: Ints
    state: Ints
    form: Ints
    brief: Ints
    go_on: Flags

    def take(self, rows: Ints) -> _Place:
        """Return some of the sequences."""
        return _Place(*(getattr(self, f.name)[rows] for f in fields(self)))


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

    key: Ints
    share: npt.NDArray[np.float64]

    @classmethod
    def learn(cls, ids: Ints, rows: Ints, kind: Ints, tally: Tally, k: int) -> _Links:
        flat, rows = marked(ids, rows, len(kind))
        kinds = int(kind.max()) + 1
        at = np.flatnonzero(flat[:-1] != len(kind))
        after = np.append(kind, kinds)[np.minimum(flat[at + 1], len(kind))]
        key, codes = np.unique(flat[at] * (kinds + 1) + after, return_inverse=True)
        codes, weights = codes.reshape(-1), tally.counts[rows[at]].astype(np.float64)
        count = np.bincount(codes, weights=weights)
        total = np.bincount(flat[at], weights=weights)
        kept = tally.holders_of(codes, rows[at]) >= k
        return cls(key[kept], (count / total[key // (kinds + 1)])[kept])

    def of(self, last: Ints, kind: Ints, kinds: int) -> npt.NDArray[np.float64]:
        """Return the share of each kind after each token; -1 where it is not known."""
        wanted = last * (kinds + 1) + kind
        at = np.minimum(np.searchsorted(self.key, wanted), len(self.key) - 1)
        return np.where(self.key[at] == wanted, self.share[at], -1.0)


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
    kind: Ints
    links: _Links
    _rest: npt.NDArray[np.float64] = field(init=False, repr=False)
    _single: Ints = field(init=False, repr=False)
    _by_kind: Ints = field(init=False, repr=False)
    _edges: npt.NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._single = self.kinds.follow(np.full(self.kinds.size, ROOT), np.arange(self.kinds.size))
        last, kind = np.divmod(self.links.key, self.kinds.size + 1)
        before = np.append(self._single[self.kind], [ROOT, self.kinds.start])[last]
        usual = self.kinds.share(before, kind)
        known = np.bincount(last, self.links.share, len(self.kind) + 2)
        expected = np.bincount(last, usual, len(self.kind) + 2)
        self._rest = np.maximum(1.0 - known, 0.0) / np.maximum(1.0 - expected, _LITTLE)
        self._by_kind = np.argsort(self.kind, kind="stable")
        kinds, uses = self.kind[self._by_kind], self.tokens.uses[self._by_kind]
        self._edges = kinds.astype(np.float64)
        for number in range(self.kinds.size):
            here = np.flatnonzero(kinds == number)
            self._edges[here] += np.append(np.cumsum(proportions(uses[here]))[:-1], 1.0)

    @classmethod
    def learn(cls, ids: Ints, rows: Ints, kind: Ints, order: int, tally: Tally, k: int) -> Language:
        """Learn from tokens, text after text; `rows` are the texts' indices in `tally`."""
        tokens = Ngrams.learn(ids, rows, len(kind), order, tally, k)
        kinds = Ngrams.learn(kind[ids], rows, int(kind.max()) + 1, _KIND_ORDER, tally, k)
        return cls(tokens, kinds, kind, _Links.learn(ids, rows, kind, tally, k))

    def generate(
        self, lengths: Ints, low: Ints, high: Ints, rng: np.random.Generator
    ) -> tuple[Ints, Ints, Flags]:
        """Draw sequences.

        Parameters
        ----------
        lengths : ndarray of int64
            Characters of each token.
        low, high : ndarray of int64
            Characters that each sequence must, and may, have; it is cut at the end.

        Returns
        -------
        tokens, sequence : ndarray of int64
            The tokens, and which sequence each is of.
        ended : ndarray of bool
            Whether each sequence came to its own end.
        """
        count, end = len(low), len(self.kind)
        sizes, kind = np.append(lengths, 0), np.append(self.kind, self.kinds.size)
        first = np.full(count, self.kinds.start, dtype=np.int64)
        place = _Place(
            np.full(count, end + 1), np.full(count, self.tokens.start), first, first, low > 0
        )
        active, length = np.arange(count), np.zeros(count, dtype=np.int64)
        ended = np.zeros(count, dtype=bool)
        tokens, sequences = [active[:0]], [active[:0]]
        while len(active):
            token, state = self._draw(place, rng)
            longer = length + sizes[token]
            ended[active] = token == end
            more = np.flatnonzero((token != end) & ((longer <= high[active]) | (length == 0)))
            active, token, length = active[more], token[more], longer[more]
            form = self.kinds.follow(place.form[more], kind[token])
            brief, go_on = self._single[kind[token]], length < low[active]
            place = _Place(token, state[more], form, brief, go_on)
            tokens.append(token)
            sequences.append(active)
        return np.concatenate(tokens), np.concatenate(sequences), ended

    def _draw(self, here: _Place, rng: np.random.Generator) -> tuple[Ints, Ints]:
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
            again &= _seen(self.tokens, longer[todo], drawn) | ~self._fits(
                here, todo, state, drawn, rng
            )
            tries[todo[again]] += 1
            take = known & ~again
            token[todo[take]], after[todo[take]] = drawn[take], then[take]
            back = todo[~known]
            longer[back], state[back] = state[back], self.tokens.shorter(state[back])
            todo = np.append(todo[again], back[state[back] != ROOT])
        left = todo = np.flatnonzero(token < 0)
        for _ in range(_TRIES):
            if len(todo):
                token[todo] = self._by_form(here.take(todo), rng)
                todo = todo[_seen(self.tokens, longer[todo], token[todo])]
        after[left] = self.tokens.follow(np.full(len(left), ROOT), token[left])
        return token, after

    def _fits(
        self, here: _Place, rows: Ints, state: Ints, token: Ints, rng: np.random.Generator
    ) -> Flags:
        """Give way to the kinds before, where only one token decides.

        Returns True by chance where many kinds of token before make the kind rarer than
        the last one does.
        """
        fits = np.ones(len(rows), dtype=bool)
        single = np.flatnonzero(self.tokens.single[state[rows]])
        rows, kind = rows[single], np.append(self.kind, self.kinds.size)[token[single]]
        expected = self.kinds.share(here.brief[rows], kind)
        found = self.kinds.share(here.form[rows], kind)
        fits[single] = rng.random(len(single)) * expected <= found
        return fits

    def _by_form(self, here: _Place, rng: np.random.Generator) -> Ints:
        """Draw kinds of token, and tokens of them."""
        kind = np.empty(len(here.form), dtype=np.int64)
        form, todo = here.form.copy(), np.arange(len(here.form))
        tries, longer = np.zeros_like(form), np.full_like(form, -1)
        while len(todo):
            drawn, _, known = self.kinds.draw(form[todo], rng)
            known &= ~((drawn == self.kinds.size) & here.go_on[todo])
            again = known & (tries[todo] < _TRIES)
            seen = _seen(self.kinds, longer[todo], drawn)
            again &= seen | ~self._linked(here.take(todo), drawn, rng)
            tries[todo[again]] += 1
            kind[todo[known & ~again]] = drawn[known & ~again]
            back = todo[~known]
            longer[back], form[back] = form[back], self.kinds.shorter(form[back])
            todo = np.append(todo[again], back)
        at = np.searchsorted(self._edges, kind + rng.random(len(kind)), side="right")
        found = self._by_kind[np.minimum(at, len(self.kind) - 1)]
        return np.where(kind == self.kinds.size, len(self.kind), found)

    def _linked(self, here: _Place, kind: Ints, rng: np.random.Generator) -> Flags:
        """Give way to the last token, where it is followed by other kinds than its kind is.

        Returns True by chance where the token makes the kind rarer.
        """
        usual = self.kinds.share(here.brief, kind)
        known = self.links.of(here.last, kind, self.kinds.size)
        found = np.where(known < 0, self._rest[here.last] * usual, known)
        return rng.random(len(kind)) * usual <= found

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        return {
            "tokens": self.tokens.to_dict(),
            "kinds": self.kinds.to_dict(),
            "kind": self.kind.tolist(),
            "links": [self.links.key.tolist(), self.links.share.round(6).tolist()],
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Language:
        """Rebuild from :meth:`to_dict`."""
        tokens, kinds = Ngrams.from_dict(state["tokens"]), Ngrams.from_dict(state["kinds"])
        links = _Links(*map(np.asarray, state["links"]))
        return cls(tokens, kinds, np.asarray(state["kind"], dtype=np.int64), links)


def _seen(ngrams: Ngrams, state: Ints, token: Ints) -> Flags:
    """Tell whether the longer state that was left would have given the same token."""
    return (state >= 0) & ngrams.find(np.maximum(state, 0), token)[1]
