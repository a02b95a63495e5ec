"""Texts of one form behind which something else stands: modelled as that, and written again."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Codes, Floats32
from synthohive.encoding.base import ColumnTransform, Reject, Summary
from synthohive.encoding.draw import categorical as draw
from synthohive.encoding.encoded import Discrete, Layout

__all__ = ["WrittenText"]

_MAX_RARE = 0.05  # of rows without the form that nobody shares


@dataclass(eq=False)
class WrittenText(ColumnTransform):
    """What stands behind a text that has one form, of which a subclass knows both ways.

    Texts without that form that `k` entities share (``""``, ``n/a``) have codes of their own in
    a block beside; of rarer ones nothing is kept.
    """

    others_: list[str] = field(default_factory=list)
    weights_: list[float] = field(default_factory=list)

    @property
    @abstractmethod
    def inner(self) -> ColumnTransform:
        """What models the values behind the texts, after :meth:`find`."""

    @abstractmethod
    def find(self, texts: Sequence[str]) -> bool:
        """Learn the form of most texts; return whether there is one."""

    @abstractmethod
    def parse(self, texts: pa.Array) -> pa.Array:
        """Return the values behind texts; NULL for those without the form."""

    @abstractmethod
    def write(self, values: pa.Array) -> pa.Array:
        """Return the texts of values."""

    def fit(self, summary: Summary, seed: np.random.SeedSequence) -> WrittenText:
        """Find the form; reject other texts."""
        value_counts = summary.value.sample
        holders, texts = value_counts.holders, value_counts.values.to_pylist()
        if not self.find([t for t, n in zip(texts, holders) if n < self.settings.k]):
            raise Reject("the texts have not one form")
        parsed = self.parse(value_counts.values)
        known = parsed.is_valid().to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(known)
        if value_counts.take(rows).all_holders < self.settings.k:
            raise Reject(f"fewer than {self.settings.k} entities have texts of one form")
        other = np.flatnonzero(~known & (holders >= self.settings.k))
        strange = value_counts.counts[~known & (holders < self.settings.k)].sum()
        if strange > _MAX_RARE * value_counts.counts[known].sum():
            raise Reject("the texts have several forms")
        self.others_ = [texts[row] for row in other]
        self.weights_ = [float(value_counts.counts[row]) for row in other]
        known_values = parsed.take(pa.array(rows))
        found = self.inner.derived(value_counts, known_values, rows, summary.nulls)
        self.inner.fit(found, seed)
        return self

    @property
    def layout(self) -> Layout:
        """The blocks of the value, and of which text stands instead of one."""
        inner = self.inner.layout
        if not self.others_:
            return inner
        return Layout.concat([inner, Layout((Discrete(self.column.name, len(self.others_) + 1),))])

    @property
    def null_code(self) -> int:
        """The code for NULL, or -1."""
        return self.inner.null_code

    def encode(self, values: pa.Array, rng: np.random.Generator) -> tuple[Codes, Floats32]:
        """Return the blocks; a text without the form has the value of any other row."""
        plain = self.plain(values)
        parsed = self.parse(plain)
        valid = parsed.is_valid().to_numpy(zero_copy_only=False)
        null = plain.is_null().to_numpy(zero_copy_only=False)
        unknown = np.flatnonzero(~valid & ~null)
        parsed = self.inner.filled(parsed, unknown, rng)
        codes, floats = self.inner.encode(parsed, rng)
        if not self.others_:
            return codes, floats
        which = pc.index_in(plain, value_set=pa.array(self.others_, pa.string()))
        # 0: the form; from 1 on, the texts that stand instead
        other = pc.fill_null(which, -1).to_numpy(zero_copy_only=False).astype(np.int32) + 1
        unknown = unknown[other[unknown] == 0]
        other[unknown] = 1 + draw(self.weights_, len(unknown), rng)
        return np.concatenate([codes, other[:, None]], axis=1), floats

    def decode(self, codes: Codes, values: Floats32, rng: np.random.Generator) -> pa.Array:
        """Write the values in their form; see the base class."""
        inner = len(self.inner.layout.discrete)
        made = self.inner.decode(codes[:, :inner], values, rng)
        texts = self.write(made)
        if self.others_:
            other = codes[:, inner] - 1
            words = pa.array(self.others_, pa.string())
            instead = words.take(pa.array(np.maximum(other, 0)))
            texts = pc.if_else(pa.array(other >= 0), instead, texts)
            texts = pc.if_else(made.is_null(), pa.scalar(None, pa.string()), texts)
        return texts.cast(self.column.arrow_type)
