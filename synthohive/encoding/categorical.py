"""Columns with few distinct values, each shared by many entities."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Codes, IntArray
from synthohive.encoding.base import Reject, Summary
from synthohive.encoding.canonical import restore
from synthohive.encoding.coded import CodedTransform
from synthohive.encoding.draw import categorical as draw
from synthohive.encoding.value_counts import ValueCounts
from synthohive.schema import ColumnKind
from synthohive.schema.arrow_types import from_json
from synthohive.texts.words import agents_like, are_words, vocabulary_of

__all__ = ["Categorical"]

MAX_RARE = 0.2  # of rows, or of who holds them: with more, it is a text
MAX_CATEGORIES = 5_000  # codes of a text
MAX_NUMBERS = 30  # different numbers that are categories
MAX_WORDS, MAX_SHORT = 1_000, 50
MAX_RARE_WORDS = 0.5  # of rows, where the shared ones are words


@dataclass(eq=False)
class Categorical(CodedTransform):
    """One code per category that at least `k` entities share, and one for NULL.

    Rare categories are never kept: their rows are encoded as kept categories, drawn by
    frequency. A column most of whose rows hold rare values is rejected, unless these are of a
    public vocabulary (titles of persons and jobs, countries, months). Then one more code stands
    for all that is rare, and becomes a public member, of which there are as many as rare values.
    """

    name = "categorical"

    categories_: pa.Array = field(init=False)
    counts_: IntArray = field(init=False)
    public_: pa.Array = field(init=False)
    weights_: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    rare_: int = 0
    apart_: bool = False

    @property
    def _domain(self) -> list[Any]:
        """Values that the schema itself makes public."""
        if self.column.kind is ColumnKind.BOOLEAN:
            return [False, True]
        return list(self.column.enum_values or [])

    def fit(self, summary: Summary, seed: np.random.SeedSequence) -> Categorical:
        """Keep the frequent categories; reject numbers with many values, and rare text."""
        value_counts = summary.value
        kept = self._kept(value_counts)
        self.public_ = pa.array([], self.plain_type)
        domain = self._domain
        if not domain:
            public = self._public(value_counts)
            try:
                self._check(value_counts, kept, summary)
            except Reject:
                if public is None and not self._is_short_vocabulary(value_counts, kept):
                    raise
            if public is not None and len(value_counts) > 2 * len(kept):
                self._take_public(value_counts, kept, public, seed)
        elif not len(kept):
            values = from_json(domain, self.plain_type)
            kept = ValueCounts(values, np.ones(len(domain), dtype=np.int64))
        self.categories_, self.counts_ = kept.values, kept.counts
        self.null_ = summary.nulls > 0
        return self

    def _kept(self, value_counts: ValueCounts) -> ValueCounts:
        keep = value_counts.holders >= self.settings.k
        if self.column.enum_values:
            members = from_json(self._domain, self.plain_type)
            keep &= pc.is_in(value_counts.values, value_set=members).to_numpy(zero_copy_only=False)
        value_counts = value_counts.take(np.flatnonzero(keep))
        boolean = pa.types.is_boolean(value_counts.values.type)
        keys = value_counts.values.cast(pa.int8()) if boolean else value_counts.values
        order = pc.sort_indices(keys).to_numpy().astype(np.int64)
        return value_counts.take(order)

    def _check(self, value_counts: ValueCounts, kept: ValueCounts, summary: Summary) -> None:
        if not len(kept):
            raise Reject(f"no value is shared by {self.settings.k} entities")
        if any(summary.special.values()):
            raise Reject("NaN or infinite values")
        names = pa.types.is_string(self.plain_type) or self.column.kind is ColumnKind.CODE
        if not names:
            if len(kept) != len(value_counts) or len(value_counts) > MAX_NUMBERS:
                raise Reject("a number with many or with rare values")
        elif len(kept) > MAX_CATEGORIES or self._rare(value_counts, kept) > MAX_RARE:
            raise Reject("text of mostly rare values")

    @staticmethod
    def _rare(value_counts: ValueCounts, kept: ValueCounts) -> float:
        """Return the share of rare values: of the rows, or of who holds them.

        What one entity has in half of all rows does not make all others' words rare.
        """
        of_rows = int(kept.counts.sum()) / max(int(value_counts.counts.sum()), 1)
        of_holders = int(kept.holders.sum()) / max(int(value_counts.holders.sum()), 1)
        return 1 - max(of_rows, of_holders)

    def _is_short_vocabulary(self, value_counts: ValueCounts, kept: ValueCounts) -> bool:
        """Tell whether half of all is shared words, which the others then become."""
        if not pa.types.is_string(self.plain_type) or not len(kept):
            return False
        texts = [text for text in value_counts.values.to_pylist() if text]
        half = int(kept.counts.sum()) >= (1 - MAX_RARE_WORDS) * int(value_counts.counts.sum())
        return half and len(texts) <= MAX_SHORT and are_words(texts)

    def _public(self, value_counts: ValueCounts) -> Optional[tuple[str, ...]]:
        """Return the public vocabulary that the texts are of."""
        if not pa.types.is_string(self.plain_type):
            return None
        texts = [text for text in value_counts.values.to_pylist() if text]
        return agents_like(texts) or (
            vocabulary_of(texts) if len(value_counts) <= MAX_WORDS else None
        )

    def _take_public(
        self,
        value_counts: ValueCounts,
        kept: ValueCounts,
        public: tuple[str, ...],
        seed: np.random.SeedSequence,
    ) -> None:
        """Choose public members for what is rare, as many, and as often, whichever these are."""
        shared = set(kept.values.to_pylist())
        longest = self.column.length or max(map(len, public))
        others = [word for word in public if word not in shared and len(word) <= longest]
        rare = value_counts.take(np.flatnonzero(value_counts.holders < self.settings.k))
        if not others or not len(rare):
            return
        rng = np.random.Generator(np.random.Philox(seed))
        chosen = rng.permutation(len(others))[: len(rare)]
        self.public_ = pa.array([others[i] for i in chosen], self.plain_type)
        # by how many hold them, in falling order: which rare value had which weight is not told
        self.weights_ = np.sort(rare.holders)[::-1][: len(chosen)].astype(np.int64)
        self.rare_ = int(value_counts.counts.sum() - kept.counts.sum())
        # What so few entities hold goes together with nothing: their rows would be told apart.
        self.apart_ = rare.all_holders < self.settings.k

    @property
    def size(self) -> int:
        """The kept categories, and one code for all that is rare."""
        return len(self.counts_) + bool(self.rare_)

    @property
    def withheld(self) -> float:
        """The share of rare values, where public ones stand for these."""
        return self.rare_ / max(self.rare_ + int(self.counts_.sum()), 1)

    @property
    def frequencies(self) -> IntArray:
        """How often each kept category was seen."""
        return self.counts_

    @property
    def categories(self) -> pa.Array:
        """What has a code of its own: the kept categories, and NULL if there is any."""
        null = pa.nulls(int(self.null_), self.plain_type)
        return restore(pa.concat_arrays([self.categories_, null]), self.column.arrow_type)

    @property
    def shown(self) -> pa.Array:
        """All that is decoded."""
        public = restore(self.public_, self.column.arrow_type)
        return pa.concat_arrays([self.categories, public])

    def assign(self, distinct: pa.Array) -> IntArray:
        """Return the codes of the kept categories."""
        found = pc.fill_null(pc.index_in(distinct, value_set=self.categories_), -1)
        return np.asarray(found, dtype=np.int64)

    def fill(self, codes: Codes, rows: IntArray, rng: np.random.Generator) -> None:
        """Draw a category for what is rare, unless public values stand in; see the base class."""
        if len(self.counts_):
            super().fill(codes, rows, rng)
        if self.rare_:
            present = np.flatnonzero(codes != self.null_code)
            at = rng.permutation(present)[: len(rows)] if self.apart_ else rows
            codes[at] = len(self.counts_)

    def make(self, codes: IntArray, rng: np.random.Generator) -> pa.Array:
        """Return the categories of the codes; for what was rare, public ones."""
        at = codes.copy()
        if self.rare_:
            # the public values follow the kept ones: the code for "rare" is the first of them
            rare = np.flatnonzero(codes == len(self.counts_))
            at[rare] += draw(self.weights_, len(rare), rng)
        return pa.concat_arrays([self.categories_, self.public_]).take(pa.array(at))
