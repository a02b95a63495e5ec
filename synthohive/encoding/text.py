"""Strings of which most are rare: made up again from learned patterns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from synthohive._arrays import Codes, Floats32
from synthohive.encoding.base import Summary
from synthohive.encoding.canonical import restore
from synthohive.encoding.draw import categorical as draw
from synthohive.encoding.encoded import Discrete, Layout
from synthohive.encoding.text_patterns import TextPatterns
from synthohive.encoding.value_counts import TallyTransform, tallies_of

__all__ = ["Text"]


@dataclass(eq=False)
class Text(TallyTransform):
    """The pattern and length of a text as a code; the text is made up when decoding.

    No real string is kept. Of the texts only what `k` entities share is: their shapes,
    the characters at a position, runs of a few words, and lengths. A text that fewer
    entities share is not made up even by chance.
    """

    name = "text"
    patterns_: TextPatterns = field(init=False)
    null_weight_: int = 0

    def fit(self, summary: Summary, seed: np.random.SeedSequence) -> Text:
        """Learn the patterns."""
        k = self.settings.k
        tallies = tallies_of(summary["value"], pa.string())
        sample = len(tallies["sample"])
        scale = summary["value"].get("distinct", sample) / max(sample, 1)
        self.patterns_ = TextPatterns.learn(tallies["sample"], k, seed, scale)
        self.null_weight_ = summary["nulls"]
        return self

    @property
    def layout(self) -> Layout:
        """One discrete block: the pattern, or NULL; none if there is only one code."""
        cardinality = len(self.patterns_) + (self.null_weight_ > 0)
        if cardinality < 2:
            return Layout()
        return Layout((Discrete(self.column.name, cardinality),))

    @property
    def null_code(self) -> int:
        """The code for NULL, or -1."""
        return len(self.patterns_) if self.null_weight_ else -1

    def encode(self, values: pa.Array, rng: np.random.Generator) -> tuple[Codes, Floats32]:
        """Return the patterns."""
        plain = self.plain(values)
        none = np.empty((len(plain), 0), dtype=np.float32)
        if not self.layout.discrete:
            return np.empty((len(plain), 0), dtype=np.int32), none
        encoded = plain.dictionary_encode()
        clusters = self.patterns_.assign(encoded.dictionary)
        null = plain.is_null().to_numpy(zero_copy_only=False)
        index = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)
        if len(clusters):
            codes = clusters[index].astype(np.int32)
        else:
            codes = np.full(len(plain), -1, dtype=np.int32)
        codes[null] = len(self.patterns_) if self.null_weight_ else -1
        other = np.flatnonzero(codes < 0)
        codes[other] = draw(self.patterns_.written, len(other), rng)
        return codes[:, None], none

    def decode(
        self,
        codes: Codes,
        values: Floats32,
        rng: np.random.Generator,
    ) -> pa.Array:
        """Make up a text of each pattern."""
        picked = codes[:, 0] if codes.shape[1] else np.zeros(len(codes), dtype=np.int32)
        null = picked >= len(self.patterns_)
        clusters = np.clip(picked, 0, len(self.patterns_) - 1).astype(np.int64)
        texts = self.patterns_.generate(clusters[~null], rng, self.column.length)
        if null.any():
            rows = np.where(null, 0, np.cumsum(~null) - 1)
            texts = texts.take(pa.array(rows, mask=null))
        return restore(texts, self.column.arrow_type)
