"""The tokens of texts, and what stands in for those that too few entities share."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.encoding.placeholders import Label, Tokens, labels_of
from synthohive.encoding.word_kinds import WordKinds, phrases
from synthohive.privacy.names import fold
from synthohive.texts.patterns import Pattern

__all__ = ["Vocabulary", "is_running_text", "joined", "numbered", "tokens_of"]

# A word or number has the blank before it; Chinese and Japanese are read by character.
_CJK = "\u3040-\u30ff\u3400-\u9fff"
_TOKEN = re.compile(rf" ?(?:[{_CJK}]|(?:(?![{_CJK}])[^\W\d_]){{1,40}}|\d{{1,20}})|[\s\S]")
_MIN_WORDS = 2  # of running text
_MAX_TOKENS = 5_000  # with a number of their own
_LONGEST = 5  # tokens of a name


def tokens_of(text: str) -> list[str]:
    """Cut a text into words, numbers and single marks; joined they are the text again.

    Examples
    --------
    >>> tokens_of("Pack of 12, (new)")
    ['Pack', ' of', ' 12', ',', ' ', '(', 'new', ')']
    """
    return _TOKEN.findall(text)


def joined(tokens: Sequence[str], rare: AbstractSet[str]) -> list[str]:
    """Put together what is one name, some words of which are `rare`: San Diego, 佐藤.

    Examples
    --------
    >>> joined(tokens_of("The San Diego Bears"), {" Diego"})
    ['The', ' San Diego', ' Bears']
    """
    known, starts, found, at = phrases(), _starts(), list[str](), 0
    while at < len(tokens):
        size = 1
        if fold(tokens[at].strip()) in starts:
            sizes = range(min(_LONGEST, len(tokens) - at), 1, -1)
            parts = ((n, tokens[at : at + n]) for n in sizes)
            few = (n for n, part in parts if not rare.isdisjoint(part) and _is_one(part, known))
            size = next(few, 1)
        found.append("".join(tokens[at : at + size]))
        at += size
    return found


def _is_one(tokens: Sequence[str], known: Collection[str]) -> bool:
    return fold("".join(tokens).strip()) in known


@lru_cache(maxsize=1)
def _starts() -> frozenset[str]:
    """Return the first tokens of names of several."""
    return frozenset(tokens_of(name)[0] for name in phrases())


def is_running_text(text: str) -> bool:
    """Tell whether a text has at least two words of letters.

    Examples
    --------
    >>> is_running_text("to be"), is_running_text("A-17 b")
    (True, False)
    """
    found = 0
    for word in text.split(" "):
        found += word.rstrip(".,;:!?").isalpha()
        if found >= _MIN_WORDS:
            return True
    return False


@dataclass
class Vocabulary:
    """Tokens that `k` entities share, then makers of tokens that stand in for the others.

    Attributes
    ----------
    shared : list of str
    makers : list of Pattern
    units : list of int
        Of the tokens, those that stand right behind numbers alone.
    joins : list of str
        What else follows what without a blank: see :meth:`.Tokens.joins`.
    """

    shared: list[str]
    makers: list[Pattern]
    units: list[int] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)

    @cached_property
    def lengths(self) -> IntArray:
        """Characters of each token."""
        widths = [len(token) for token in self.shared] + [maker.width for maker in self.makers]
        return np.array(widths, dtype=np.int64)

    @property
    def examples(self) -> list[str]:
        """One string for each token."""
        return self.shared + [maker.example for maker in self.makers]

    def spell(self, ids: IntArray, rng: np.random.Generator) -> pa.Array:
        """Return tokens as large strings; stand-ins are made up."""
        base = len(self.shared)
        parts, place = [pa.array(self.shared, type=pa.string())], ids.copy()
        stand_ins = np.flatnonzero(ids >= base)
        # all of one maker at once, after the shared tokens; each place then points at its own
        order = stand_ins[np.argsort(ids[stand_ins], kind="stable")]
        sizes = np.bincount(ids[stand_ins] - base, minlength=len(self.makers))
        parts += [maker.generate(int(n), rng) for maker, n in zip(self.makers, sizes) if n]
        place[order] = base + np.arange(len(order))
        return pa.concat_arrays(parts).cast(pa.large_string()).take(pa.array(place))


def numbered(
    tokens: Tokens, k: int, *, named: bool = False
) -> tuple[list[str], list[Label], IntArray]:
    """Return the tokens that `k` entities share, labels of the others, and the numbers of all.

    A number counts the shared ones, then the labels. Where tokens are words, the others may be
    `named`: of a kind of places or persons.
    """
    holders, uses = tokens.holders(), tokens.uses()
    best = sorted(np.flatnonzero(holders >= k), key=lambda i: (-uses[i], tokens.known[i]))
    best = best[:_MAX_TOKENS]
    number = np.full(len(tokens.known), -1, dtype=np.int64)
    number[best] = np.arange(len(best))
    ids = number[tokens.codes]
    rare = np.flatnonzero(ids < 0)
    kinds = WordKinds()
    if named:
        kinds = WordKinds.learn(tokens.known[i].strip() for i in np.unique(tokens.codes[rare]))
    labels, codes = labels_of(tokens, rare, ids, k, kinds.of if named else lambda _: "")
    ids[rare] = len(best) + codes
    return [tokens.known[i] for i in best], labels, ids
