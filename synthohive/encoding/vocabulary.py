"""The tokens of texts, and what stands in for those that too few entities share."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.encoding.placeholders import Label, Tokens, labels_of
from synthohive.texts.patterns import Pattern

__all__ = ["Vocabulary", "is_running_text", "numbered", "tokens_of"]

# A word or number has the blank before it; Chinese and Japanese are read by character.
_CJK = "\u3040-\u30ff\u3400-\u9fff"
_TOKEN = re.compile(rf" ?(?:[{_CJK}]|(?:(?![{_CJK}])[^\W\d_]){{1,40}}|\d{{1,20}})|[\s\S]")
_MIN_WORDS = 2  # of running text
_MAX_TOKENS = 5_000  # with a number of their own


def tokens_of(text: str) -> list[str]:
    """Cut a text into words, numbers and single marks; joined they are the text again.

    Examples
    --------
    >>> tokens_of("Pack of 12, (new)")
    ['Pack', ' of', ' 12', ',', ' ', '(', 'new', ')']
    """
    return _TOKEN.findall(text)


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


def numbered(tokens: Tokens, k: int) -> tuple[list[str], list[Label], IntArray]:
    """Return the tokens that `k` entities share, labels of the others, and the numbers of all.

    A number counts the shared ones, then the labels.
    """
    holders, uses = tokens.holders(), tokens.uses()
    best = sorted(np.flatnonzero(holders >= k), key=lambda i: (-uses[i], tokens.known[i]))
    best = best[:_MAX_TOKENS]
    number = np.full(len(tokens.known), -1, dtype=np.int64)
    number[best] = np.arange(len(best))
    ids = number[tokens.codes]
    rare = np.flatnonzero(ids < 0)
    labels, codes = labels_of(tokens, rare, ids, k)
    ids[rare] = len(best) + codes
    return [tokens.known[i] for i in best], labels, ids
