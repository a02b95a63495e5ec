"""Texts of one form behind which something else stands: modelled as that, and written again."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, Codes, Floats32
from synthohive.encoding.base import Reject, Summary
from synthohive.encoding.canonical import canonical
from synthohive.encoding.draw import categorical as draw
from synthohive.encoding.encoded import Discrete, Layout
from synthohive.encoding.value_counts import CountedTransform, counts_of, summary_of_counts

__all__ = ["WrittenText"]

_MAX_RARE = 0.05  # of rows without the form that nobody shares


@dataclass(eq=False)
class WrittenText(CountedTransform):
    """What stands behind a text that has one form, of which a subclass knows both ways.

    Texts without that form that `k` entities share (``""``, ``n/a``) have codes of their own in
    a block beside; of rarer ones nothing is kept.
    """

    others_: list[str] = field(default_factory=list)
    weights_: list[float] = field(default_factory=list)

    @property
    @abstractmethod
    def inner(self) -> CountedTransform:
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
        value_counts = counts_of(summary["value"], pa.string())["sample"]
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
        whole = canonical(parsed.take(pa.array(rows)), self.inner.column.arrow_type)
        found: Summary = {"rows": int(value_counts.counts[known].sum()) + summary["nulls"]}
        found["nulls"] = summary["nulls"]
        for name, feature in self.inner.features(whole).items():
            found[name] = summary_of_counts(
                value_counts.derive(feature, rows, self.settings.k), self.settings.k
            )
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
        known, unknown = np.flatnonzero(valid), np.flatnonzero(~valid & ~null)
        if not len(known) and len(unknown):
            parsed = _zeros(parsed, null)
        else:
            at = np.arange(len(plain))
            at[unknown] = known[rng.integers(0, max(len(known), 1), len(unknown))]
            parsed = parsed.take(pa.array(at))
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


def _zeros(like: pa.Array, null: Bools) -> pa.Array:
    """Return what stands behind texts of which none has the form."""
    if pa.types.is_decimal(like.type):
        return pa.array(np.zeros(len(like)), mask=null).cast(like.type)
    narrow = pa.int32() if pa.types.is_date32(like.type) else pa.int64()
    return pa.array(np.zeros(len(like), dtype=np.int64), narrow, mask=null).cast(like.type)
