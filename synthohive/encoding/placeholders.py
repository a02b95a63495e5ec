"""Made-up tokens in the place of those that too few entities share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.encoding.value_counts import ValueCounts
from synthohive.texts.lists import words
from synthohive.texts.patterns import CLASSES, Pattern, shape
from synthohive.texts.words import cased_like

__all__ = ["Label", "Tokens", "labels_of", "letters_like", "numbers_like"]

DIGIT, LOWER, UPPER = "9", "a", "A"

_CLASS = {symbol: number for number, symbol in enumerate(CLASSES)}
_NUMBER = _CLASS[DIGIT]

_MAX_LABELS = 200  # makers of rare tokens
_PRECEDED = 20  # times k numbers after one token, to be told apart
MARK = "."
_LEAST_UNIT = 0.5  # of the uses of letters, right behind a number; of such letters, known units


@dataclass
class Tokens:
    """The tokens of counted texts, text after text.

    Attributes
    ----------
    known : list of str
        Distinct tokens.
    codes : ndarray of int64
        Of each token: which it is.
    rows : ndarray of int64
        Of each token: the index in `value_counts` of the text that it comes from; ascending.
    """

    value_counts: ValueCounts
    known: list[str]
    codes: IntArray
    rows: IntArray

    @classmethod
    def of(cls, value_counts: ValueCounts, split: Sequence[Sequence[str]]) -> Tokens:
        """Take the texts of `value_counts`, each cut into tokens."""
        flat = [token for tokens in split for token in tokens]
        encoded = pa.array(flat, type=pa.string()).dictionary_encode()
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        rows = np.repeat(np.arange(len(split)), [len(tokens) for tokens in split])
        return cls(value_counts, encoded.dictionary.to_pylist(), codes, rows)

    def uses(self) -> Floats:
        """Count how often each known token is used."""
        weights = self.value_counts.counts[self.rows].astype(np.float64)
        return np.bincount(self.codes, weights, minlength=len(self.known)).astype(np.float64)

    @cached_property
    def _ends(self) -> tuple[IntArray, IntArray]:
        """The classes of the first and the last character of each token, as their numbers."""
        first, last = (
            np.array([_CLASS.get(shape(token[end]), -1) for token in self.known], dtype=np.int64)
            for end in (0, -1)
        )
        return first[self.codes], last[self.codes]

    @cached_property
    def _joined(self) -> Bools:
        """Which tokens stand right behind a letter or digit of their text."""
        first, last = self._ends
        solid = (first[1:] >= 0) & (last[:-1] >= 0) & (self.rows[1:] == self.rows[:-1])
        return np.append(False, solid)

    @cached_property
    def units(self) -> frozenset[str]:
        """Letters that mostly stand right behind a number, and end there: ``8kg``, no ``3fa9``."""
        if max(map(len, self.known), default=1) == 1:
            return frozenset()  # texts were cut into characters
        (first, last), joined = self._ends, self._joined
        behind = np.append(False, (last == _NUMBER)[:-1] & ~joined[:-1]) & joined
        behind &= np.isin(first, (_CLASS[LOWER], _CLASS[UPPER])) & ~np.append(joined[1:], False)
        weights = self.value_counts.counts[self.rows] * behind
        often = np.bincount(self.codes, weights.astype(np.float64), minlength=len(self.known))
        found = np.flatnonzero(often >= _LEAST_UNIT * np.maximum(self.uses(), 1.0))
        public = frozenset(map(str.lower, words("units")))
        known = [code for code in found if self.known[code].lower() in public]
        # Where most are no known units, they are the ends of codes, but for some by chance.
        most = often[known].sum() >= _LEAST_UNIT * often[found].sum()
        return frozenset(self.known[code] for code in (found if most else known))

    def joins(self, k: int) -> list[str]:
        """Return what follows what without a blank in texts of `k` entities, but for units.

        Letters and numbers: ``a9`` where a number stands right behind letters, ``9a``.
        """
        (first, last), found = self._ends, []
        unit = np.array([token in self.units for token in self.known], dtype=bool)[self.codes]
        number = first == _NUMBER, last == _NUMBER
        for name, head, tail in (("a9", number[0], ~number[1]), ("9a", ~number[0], number[1])):
            at = np.flatnonzero(self._joined & ~unit & head & np.append(False, tail[:-1]))
            rows = self.rows[at]
            if len(at) and self.value_counts.holders_of(np.zeros_like(at), rows)[0] >= k:
                found.append(name)
        return found

    def holders(self) -> IntArray:
        """Count the entities that use each known token, exact up to `k`."""
        return self.value_counts.holders_of(self.codes, self.rows)


@dataclass(frozen=True, order=True)
class Label:
    """What rare tokens that one maker replaces have in common.

    Attributes
    ----------
    lead : str
        A blank or nothing.
    form : str
        The class of the first character, and of the last; a mark has none. Of units, that of the
        first, and a digit's.
    length : int
        Without `lead`.
    kind : str
        Of a name: the public list that it is on.
    """

    lead: str
    form: str
    length: int
    kind: str = ""

    @classmethod
    def of(cls, token: str, units: Collection[str] = ()) -> Label:
        """Return the label of a token, which may be one of the units of the texts."""
        if token in units:
            return cls("", shape(token[0]) + DIGIT, len(token))
        lead = " " if token[0] == " " and len(token) > 1 else ""
        body = token[len(lead) :]
        form = shape(body)
        return cls(lead, form[0] + form[-1] if form[0] in CLASSES else MARK, len(body))

    @property
    def unit(self) -> bool:
        """Whether the tokens stand right behind numbers."""
        return self.form in (LOWER + DIGIT, UPPER + DIGIT)

    @property
    def is_name(self) -> bool:
        """Whether the tokens may be names: words that begin with a capital, or have none."""
        return not self.unit and self.form[0] not in (MARK, DIGIT, LOWER)

    def usual(self) -> Label:
        """Return the label of the commonest tokens like these."""
        if self.unit:
            return Label("", self.form, 2)
        if self.form == MARK:
            return Label("", MARK, 1)
        if self.form[0] == DIGIT:
            return Label(self.lead, DIGIT * 2, 3)
        if self.form in (UPPER * 2, UPPER + LOWER):
            return Label(self.lead, self.form, 6, self.kind)
        return Label(self.lead, (UPPER if self.form[0] == UPPER else LOWER) * 2, 6)

    def cased(self, word: str) -> str:
        """Return a lower-case word in this form."""
        return self.lead + cased_like(self.form, word)


def labels_of(
    tokens: Tokens, rare: IntArray, ids: IntArray, k: int, kind_of: Callable[[str], str]
) -> tuple[list[Label], IntArray]:
    """Sort the rare tokens into groups of which one maker each makes up tokens.

    Numbers are told apart by the token before them, where many follow that one.

    Parameters
    ----------
    tokens : Tokens
    rare : ndarray of int64, shape (rare tokens,)
        Their positions in ``tokens.codes``; ascending.
    ids : ndarray of int64, shape (tokens,)
        The number of each token that is shared; -1 for a rare one.
    k : int
        A group of fewer entities becomes part of a commoner one.
    kind_of : callable
        Returns the public list that a name is on; empty for other words.

    Returns
    -------
    labels : list of Label
        Of each group.
    group : ndarray of int64, shape (rare tokens,)
        The index in `labels` of each rare token.
    """
    if not len(rare):
        return [], np.empty(0, dtype=np.int64)
    used, of = np.unique(tokens.codes[rare], return_inverse=True)
    plain = [Label.of(tokens.known[code], tokens.units) for code in used]
    each = [
        replace(one, kind=kind_of(tokens.known[code].strip())) if one.is_name else one
        for one, code in zip(plain, used)
    ]
    names = sorted(set(each))
    index = {label: i for i, label in enumerate(names)}
    codes = np.array([index[label] for label in each])[of.reshape(-1)]
    rows, before = tokens.rows[rare], np.maximum(rare - 1, 0)
    follows = (tokens.rows[before] == rows) & (rare > 0) & (ids[before] >= 0)
    follows &= np.array([label.form[0] == DIGIT for label in names])[codes]
    # label and token before as one number; 0 where there is none before
    wide, narrow = codes, codes * (len(tokens.known) + 1) + np.where(follows, ids[before] + 1, 0)
    keys, narrow = np.unique(narrow, return_inverse=True)
    many = np.bincount(narrow) >= _PRECEDED * k
    many &= tokens.value_counts.holders_of(narrow, rows) >= k
    codes = np.where(many[narrow], len(names) + narrow, wide)
    labels = names + [names[key // (len(tokens.known) + 1)] for key in keys]
    labels, codes = _merged(labels, codes, tokens.value_counts.holders_of(codes, rows) >= k)
    # of which list names of few entities are, is not told: they are words as others
    shared = tokens.value_counts.holders_of(codes, rows, len(labels)) >= k
    told = [one if kept else replace(one, kind="") for one, kept in zip(labels, shared)]
    distinct = list(dict.fromkeys(told))
    return distinct, np.array([distinct.index(label) for label in told])[codes]


def _merged(labels: list[Label], codes: IntArray, shared: Bools) -> tuple[list[Label], IntArray]:
    """Put what is rare even as a group into one group of its kind, and number all anew."""
    counts = np.bincount(codes, minlength=len(labels))
    shared = np.append(shared, np.zeros(len(labels) - len(shared), dtype=bool))
    shared[np.argsort(-counts, kind="stable")[_MAX_LABELS:]] = False  # all but the most used
    usual = sorted({label.usual() for label in labels})
    kinds = [usual.index(label.usual()) for label in labels]
    group = np.where(shared, np.arange(len(labels)), len(labels) + np.array(kinds))[codes]
    kept, codes = np.unique(group, return_inverse=True)
    return [(labels + usual)[i] for i in kept], codes.reshape(-1)


def numbers_like(
    label: Label, texts: Sequence[str], rows: IntArray, value_counts: ValueCounts, k: int
) -> Pattern:
    """Return what makes numbers of as many digits, digit by digit.

    Parameters
    ----------
    label : Label
        Of numbers.
    texts : sequence of str
        Tokens with their leads; those of other labels are left out.
    rows : ndarray of int64, shape (texts,)
        Of each: the index in `value_counts` of the text that it comes from.
    value_counts : ValueCounts
        Of the texts.
    k : int
        A digit of fewer entities at its place is not used; where there is none, all are.
    """
    fits = sorted({(t, row) for t, row in zip(texts, rows.tolist()) if Label.of(t) == label})
    form = label.lead + DIGIT * label.length
    if not fits:
        return Pattern.of_shape(form)
    tokens = pa.array([text for text, _ in fits], type=pa.string())
    return value_counts.derive(tokens, np.array([row for _, row in fits]), k).pattern(form, k)


def letters_like(label: Label, shared: Sequence[tuple[str, float]]) -> Pattern:
    """Return what makes single characters of the same class, shared ones if there are any."""
    like = [(char, weight) for char, weight in shared if Label.of(char).form == label.form]
    if not like:
        return Pattern.of(CLASSES.get(label.form[0], "-"))
    return Pattern((tuple(c for c, _ in like),), (tuple(weight for _, weight in like),))
