"""Strings of which most are rare: made up again from learned patterns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats, IntArray
from synthohive.encoding.base import Summary
from synthohive.encoding.coded import CodedTransform
from synthohive.encoding.text_patterns import TextPatterns

__all__ = ["Text"]


@dataclass(eq=False)
class Text(CodedTransform):
    """The pattern and length of a text as a code; the text is made up when decoding.

    No real string is kept. Of the texts only what `k` entities share is: their shapes,
    the characters at a position, runs of a few words, and lengths. A text that fewer
    entities share is not made up even by chance.
    """

    name = "text"
    patterns_: TextPatterns = field(init=False)

    def fit(self, summary: Summary, seed: np.random.SeedSequence) -> Text:
        """Learn the patterns."""
        k = self.settings.k
        sample = summary.value.sample
        scale = len(summary.value) / max(len(sample), 1)
        self.patterns_ = TextPatterns.learn(sample, k, seed, scale)
        self.null_ = summary.nulls > 0
        return self

    @property
    def size(self) -> int:
        """Number of patterns."""
        return len(self.patterns_)

    @property
    def frequencies(self) -> Floats:
        """How often each pattern was seen, without the empty text."""
        return self.patterns_.written

    def assign(self, distinct: pa.Array) -> IntArray:
        """Return the patterns."""
        return self.patterns_.assign(distinct)

    def make(self, codes: IntArray, rng: np.random.Generator) -> pa.Array:
        """Make up a text of each pattern."""
        return self.patterns_.generate(codes, rng, self.column.length)
