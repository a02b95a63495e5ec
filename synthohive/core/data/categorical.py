"""Columns with few distinct values, each shared by many entities."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._words import are_words, vocabulary_of
from synthohive.core.data.base import EncoderSettings, Reject, Summary
from synthohive.core.data.canonical import from_json, restore, to_json
from synthohive.core.data.draw import categorical as draw
from synthohive.core.data.encoded import Discrete, Layout
from synthohive.core.data.tally import Tally, TallyTransform, tallies_of
from synthohive.schema import Column, ColumnKind

__all__ = ["Categorical"]

MAX_RARE = 0.2
MAX_CATEGORIES = 5_000
MAX_NUMBERS = 30
MAX_WORDS, MAX_SHORT = 1_000, 50
MAX_RARE_WORDS = 0.5


class Categorical(TallyTransform):
    """One code per category that at least `k` entities share, and one for NULL.

    Rare categories are never kept: their rows are encoded as kept categories, drawn by
    frequency. A column most of whose rows hold rare values is rejected, unless these are of a
    public vocabulary (titles, countries, months), whose members then stand in for one another.
    """

    name = "categorical"

    def __init__(self, column: Column, settings: EncoderSettings) -> None:
        super().__init__(column, settings)
        self.categories_: pa.Array = pa.array([], self.plain_type)
        self.counts_: npt.NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.null_ = False
        self.stand_ins_: npt.NDArray[np.bool_] = np.empty(0, dtype=np.bool_)

    @property
    def _domain(self) -> list[Any]:
        """Values that the schema itself makes public."""
        if self.column.kind is ColumnKind.BOOLEAN:
            return [False, True]
        return list(self.column.enum_values or [])

    def fit(self, summary: Summary, seed: np.random.SeedSequence) -> Categorical:
        """Keep the frequent categories; reject numbers with many values, and rare text."""
        tally = tallies_of(summary["value"], self.plain_type)["top"]
        kept = shared = self._kept(tally)
        domain = self._domain
        if not domain:
            present = summary["rows"] - summary["nulls"]
            try:
                self._check(tally, kept, present, summary)
            except Reject:
                short = self._short_vocabulary(tally, kept, present)
                if short is None:
                    raise
                kept = short
        elif not len(kept):
            values = from_json(domain, self.plain_type)
            kept = Tally(values, np.ones(len(domain), dtype=np.int64))
        self.categories_, self.counts_ = kept.values, kept.counts
        known = pc.is_in(kept.values, value_set=shared.values).to_numpy(zero_copy_only=False)
        self.stand_ins_ = ~known if not self._domain else np.zeros(len(kept), dtype=np.bool_)
        self.null_ = summary["nulls"] > 0
        return self

    def _kept(self, tally: Tally) -> Tally:
        keep = tally.holders >= self.settings.k
        if self.column.enum_values:
            members = from_json(self._domain, self.plain_type)
            keep &= pc.is_in(tally.values, value_set=members).to_numpy(zero_copy_only=False)
        tally = tally.take(np.flatnonzero(keep))
        boolean = pa.types.is_boolean(tally.values.type)
        keys = tally.values.cast(pa.int8()) if boolean else tally.values
        order = pc.sort_indices(keys).to_numpy().astype(np.int64)
        return tally.take(order)

    def _check(self, tally: Tally, kept: Tally, present: int, summary: Summary) -> None:
        if not len(kept):
            raise Reject(f"no value is shared by {self.settings.k} entities")
        if any(summary.get("odd", {}).values()):
            raise Reject("NaN or infinite values")
        if not pa.types.is_string(self.plain_type):
            if len(kept) != len(tally) or len(tally) > MAX_NUMBERS:
                raise Reject("a number with many or with rare values")
        elif len(kept) > MAX_CATEGORIES or self._rare(tally, kept, present) > MAX_RARE:
            raise Reject("text of mostly rare values")

    @staticmethod
    def _rare(tally: Tally, kept: Tally, present: int) -> float:
        """Return the share of rare values: of the rows, or of who holds them.

        What one entity has in half of all rows does not make all others' words rare.
        """
        rest = present - int(tally.counts.sum())  # rows of values that were not listed
        held = int(tally.holders.sum()) + rest
        of_rows = 1 - int(kept.counts.sum()) / max(present, 1)
        return min(of_rows, 1 - int(kept.holders.sum()) / max(held, 1))

    def _short_vocabulary(self, tally: Tally, kept: Tally, present: int) -> Optional[Tally]:
        """Return what rare words of a short vocabulary become: other members, never letters.

        Those that enough entities share, if they are half of all; else public ones, too.
        """
        if not pa.types.is_string(self.plain_type) or len(tally) > MAX_WORDS:
            return None
        texts = [text for text in tally.values.to_pylist() if text]
        public = vocabulary_of(texts)
        shared = int(kept.counts.sum())
        if shared >= (1 - MAX_RARE_WORDS) * present:
            short = len(texts) <= MAX_SHORT and are_words(texts)
            return kept if len(kept) and (short or public is not None) else None
        if public is None:
            return None
        words = kept.values.to_pylist()
        more = [word for word in public if word not in set(words)]
        each = max(round((present - shared) / max(len(more), 1)), 1)
        counts = np.append(kept.counts, np.full(len(more), each)).astype(np.int64)
        order = np.argsort(np.array([*words, *more]), kind="stable")
        return Tally(pa.array([*words, *more], self.plain_type), counts).take(order)

    @property
    def layout(self) -> Layout:
        """One discrete block; none if there is only one code."""
        cardinality = len(self.counts_) + self.null_
        if cardinality < 2:
            return Layout()
        many = cardinality > self.settings.embedding_threshold
        embed = many or self.column.name in self.settings.high_cardinality
        return Layout((Discrete(self.column.name, int(cardinality), embed),))

    @property
    def categories(self) -> pa.Array:
        """What is decoded: the kept categories, and NULL if there is any."""
        codes = np.arange(len(self.counts_) + self.null_, dtype=np.int32)[:, None]
        none = np.empty((len(codes), 0), dtype=np.float32)
        return self.decode(codes, none, np.random.default_rng(0))

    @property
    def null_code(self) -> int:
        """The code for NULL, or -1."""
        return len(self.counts_) if self.null_ else -1

    def encode(
        self, values: pa.Array, rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Return the codes; rare and unseen values get a drawn code."""
        plain = self.plain(values)
        none = np.empty((len(plain), 0), dtype=np.float32)
        if not self.layout.discrete:
            return np.empty((len(plain), 0), dtype=np.int32), none
        codes = pc.fill_null(pc.index_in(plain, value_set=self.categories_), -1).to_numpy(
            zero_copy_only=False
        )
        codes = codes.astype(np.int32)
        # What is not shared is never itself: a public word stands for any other rare one.
        codes[(codes >= 0) & np.append(self.stand_ins_, False)[codes]] = -1
        if self.null_:
            codes[plain.is_null().to_numpy(zero_copy_only=False)] = len(self.counts_)
        other = np.flatnonzero(codes < 0)
        weights = (
            np.where(self.stand_ins_, self.counts_, 0) if self.stand_ins_.any() else self.counts_
        )
        codes[other] = draw(weights, len(other), rng)
        return codes[:, None], none

    def decode(
        self,
        codes: npt.NDArray[np.int32],
        values: npt.NDArray[np.float32],
        rng: np.random.Generator,
    ) -> pa.Array:
        """Return the categories of the codes."""
        n = len(codes)
        picked = codes[:, 0] if codes.shape[1] else np.zeros(n, dtype=np.int32)
        words = pa.concat_arrays([self.categories_, pa.nulls(1, self.plain_type)])
        last = len(self.counts_) if self.null_ else len(self.counts_) - 1
        if not len(self.counts_):
            last = 0
        indices = pa.array(np.clip(picked, 0, last))
        return restore(words.take(indices), self.column.arrow_type)

    def to_state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Return the kept categories and their counts."""
        state = {"categories": to_json(self.categories_), "null": self.null_}
        return state, {"counts": self.counts_, "stand_ins": self.stand_ins_}

    @classmethod
    def from_state(
        cls,
        column: Column,
        settings: EncoderSettings,
        state: dict[str, Any],
        arrays: dict[str, npt.NDArray[Any]],
    ) -> Categorical:
        """Rebuild a fitted transform."""
        transform = cls(column, settings)
        transform.categories_ = from_json(state["categories"], transform.plain_type)
        transform.counts_ = np.asarray(arrays["counts"], dtype=np.int64)
        transform.stand_ins_ = np.asarray(arrays["stand_ins"], dtype=np.bool_)
        transform.null_ = bool(state["null"])
        return transform
