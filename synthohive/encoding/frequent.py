"""Texts of which many are shared and many are rare: towns, products, words of a search."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.encoding.base import Reject, Summary
from synthohive.encoding.coded import CodedTransform
from synthohive.encoding.places import Places
from synthohive.encoding.text import Text

__all__ = ["Frequent"]

LEAST_SHARED = 0.3
"""Of the rows, that hold a shared text: of fewer, the column is what its rare texts are."""
MOST = 20_000
"""Texts with a code of their own, the most frequent ones: a code has a vector in the model."""


@dataclass(eq=False)
class Frequent(CodedTransform):
    """A code per text that at least `k` entities share; for all others, those of their patterns.

    So the head of a long tail keeps its shares, and the tail its own, whose texts are made up.
    Of 100,000 categories, a few thousand may hold most rows.

    Attributes
    ----------
    categories_ : pyarrow.Array
        The shared texts, ascending.
    counts_ : ndarray of int64
        Rows of each.
    tail_ : Places or Text
        Learned from the other texts.
    """

    name = "frequent"

    categories_: pa.Array = field(init=False)
    counts_: IntArray = field(init=False)
    tail_: CodedTransform = field(init=False)

    def fit(self, summary: Summary, seed: np.random.SeedSequence) -> Frequent:
        """Keep the shared texts; reject columns of few such, or of too few others to tell of."""
        counts, k = summary.value, self.settings.k
        if not pa.types.is_string(self.plain_type):
            raise Reject("no text")
        kept = counts.shared(k, MOST)
        if not len(kept) or kept.counts.sum() < LEAST_SHARED * counts.counts.sum():
            raise Reject(f"too few rows hold texts that {k} entities share")
        shown = pc.is_in(counts.values, value_set=kept.values).to_numpy(zero_copy_only=False)
        others = counts.take(np.flatnonzero(~shown))
        if others.all_holders < k:
            raise Reject(f"fewer than {k} entities hold other texts")
        order = pc.sort_indices(kept.values).to_numpy().astype(np.int64)
        kept = kept.take(order)
        self.categories_, self.counts_ = kept.values, kept.counts
        rows = int(others.counts.sum())
        tail = Summary(rows, 0, {"value": others})
        try:
            self.tail_ = Places(self.column, self.settings).fit(tail, seed)
        except Reject:
            self.tail_ = Text(self.column, self.settings).fit(tail, seed)
        self.null_ = summary.nulls > 0
        return self

    @property
    def withheld(self) -> float:
        """The share of the tail."""
        tail = float(np.sum(self.tail_.frequencies))
        return tail / (tail + float(self.counts_.sum()))

    @property
    def size(self) -> int:
        """The shared texts, and the patterns of the others."""
        return len(self.counts_) + self.tail_.size

    @property
    def frequencies(self) -> Floats:
        """Rows of each code of the tail: what has no code is none of the shared texts."""
        tail = np.asarray(self.tail_.frequencies, dtype=np.float64)
        if not tail.any():
            return np.concatenate([self.counts_.astype(np.float64), tail])
        return np.concatenate([np.zeros(len(self.counts_)), tail])

    def assign(self, distinct: pa.Array) -> IntArray:
        """Return the codes of shared texts, and of the others' patterns."""
        found = np.array(pc.fill_null(pc.index_in(distinct, value_set=self.categories_), -1))
        codes = found.astype(np.int64)
        rare = np.flatnonzero(codes < 0)
        own = self.tail_.assign(distinct.take(pa.array(rare)))
        codes[rare] = np.where(own >= 0, own + len(self.counts_), -1)
        return codes

    def untold(self, values: pa.Array) -> Optional[Bools]:
        """Return the rows whose code is drawn; see the base class."""
        untold = self.tail_.untold(values)
        if untold is not None:
            plain = self.plain(values)
            untold &= ~pc.is_in(plain, value_set=self.categories_).to_numpy(zero_copy_only=False)
        return untold

    def make(self, codes: IntArray, rng: np.random.Generator) -> pa.Array:
        """Return the shared texts, and made-up ones of the patterns."""
        tail = codes >= len(self.counts_)
        made = self.tail_.make(codes[tail] - len(self.counts_), rng)
        at = np.where(tail, len(self.counts_) + np.cumsum(tail) - 1, codes)
        return pa.concat_arrays([self.categories_, made.cast(self.plain_type)]).take(pa.array(at))
