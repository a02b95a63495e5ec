"""What every kind of column offers: analyze -> fit -> encode -> decode."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, Codes, Floats32, IntArray
from synthohive.encoding.canonical import canonical, canonical_type
from synthohive.encoding.encoded import Layout
from synthohive.encoding.value_counts import ValueCounts
from synthohive.privacy.entities import Entities, entities_or_rows
from synthohive.schema import Column

__all__ = [
    "ColumnTransform",
    "EncoderSettings",
    "Reject",
    "Summary",
    "apart",
    "below",
    "side_by_side",
]


def below(seed: np.random.SeedSequence, *path: int) -> np.random.SeedSequence:
    """Return the seed of a part: its own, whichever parts there are beside it."""
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *path))


@dataclass(frozen=True)
class Summary:
    """Counts of a column.

    Attributes
    ----------
    rows, nulls : int
    counts : dict of str to ValueCounts
        By feature; ``value`` is the column itself.
    special : dict of str to int
        Rows that are ``nan``, ``inf`` or ``-inf``, which are not counted as values; 0 of what fewer
        than `k` entities have.
    """

    rows: int
    nulls: int
    counts: dict[str, ValueCounts]
    special: dict[str, int] = field(default_factory=dict)

    @property
    def value(self) -> ValueCounts:
        """Counts of the column's values."""
        return self.counts["value"]


def _shared_rows(mask: Any, entities: Optional[Entities], k: int) -> int:
    """Return how many rows are marked, 0 if fewer than `k` entities stand behind them."""
    marked = np.flatnonzero(pc.fill_null(mask, False).to_numpy(zero_copy_only=False))
    owners = entities_or_rows(entities, len(mask)).take(marked)
    enough = owners.holders(np.zeros(len(marked), np.int64), 1)[0] >= k
    return len(marked) if enough else 0


class Reject(Exception):
    """Raised by ``fit`` when a transform does not suit the column; the next one is tried."""


@dataclass(frozen=True)
class EncoderSettings:
    """What all columns of a table share.

    Attributes
    ----------
    k : int
        Categories and single values with fewer distinct entities are never kept.
    embedding_threshold : int
        Categorical blocks with more codes than this are embedded.
    high_cardinality : frozenset of str
        Columns to be embedded in any case.
    max_modes : int
        Mixture components per numeric column.
    fit_rows : int
        Rows on which a mixture is fitted at most; they are evenly spaced quantiles, so
        that few are enough.
    """

    k: int = 5
    embedding_threshold: int = 50
    high_cardinality: frozenset[str] = field(default_factory=frozenset)
    max_modes: int = 10
    fit_rows: int = 4_000


@dataclass(eq=False)
class ColumnTransform(ABC):
    """Turns one column into blocks of codes and floats, and back.

    A subclass is one file. It learns only from a :class:`Summary`. Learned
    state holds no real value that fewer than ``settings.k`` entities share; it is the fields
    of a dataclass, whose names end with an underscore.
    """

    name: ClassVar[str]
    column: Column
    settings: EncoderSettings

    @property
    def plain_type(self) -> pa.DataType:
        """The plain type of the column's values."""
        return canonical_type(self.column.arrow_type)

    def plain(self, values: pa.Array) -> pa.Array:
        """Return `values` in the column's plain type."""
        return canonical(values, self.column.arrow_type)

    def features(self, plain: pa.Array) -> dict[str, pa.Array]:
        """Return what is counted beside NULLs, by name; ``value`` is the column itself."""
        return {"value": plain}

    def analyze(self, values: pa.Array, entities: Optional[Entities]) -> Summary:
        """Count the column's values.

        Parameters
        ----------
        values : pyarrow.Array, of the column's type
        entities : Entities, optional
            Those behind the rows of `values`; each row is one of its own by default.
        """
        plain, k = self.plain(values), self.settings.k
        rows, nulls, special = len(plain), plain.null_count, {}
        if plain.type == pa.float64():
            nan, finite = pc.is_nan(plain), pc.is_finite(plain)
            marks = {"nan": nan, **{n: pc.equal(plain, float(n)) for n in ("inf", "-inf")}}
            special = {name: _shared_rows(mask, entities, k) for name, mask in marks.items()}
            plain = pc.if_else(finite, plain, pa.scalar(None, pa.float64()))
        counts = {
            name: ValueCounts.count(feature, entities, k).ordered()
            for name, feature in self.features(plain).items()
        }
        return Summary(rows, nulls, counts, special)

    def derived(
        self, value_counts: ValueCounts, values: pa.Array, rows: IntArray, nulls: int = 0
    ) -> Summary:
        """Summarise a column whose values are read from those of another, which were counted.

        Parameters
        ----------
        value_counts : ValueCounts
            Of the other column.
        values : pyarrow.Array, of this column's type
            None NULL.
        rows : ndarray of int64, shape (values,)
            For each, the index in `value_counts` of what it was read from.
        nulls : int
            Rows without a value.
        """
        counts = {
            name: value_counts.derive(feature, rows, self.settings.k).ordered()
            for name, feature in self.features(self.plain(values)).items()
        }
        return Summary(int(value_counts.counts[rows].sum()) + nulls, nulls, counts)

    @abstractmethod
    def fit(self, summary: Summary, seed: np.random.SeedSequence) -> ColumnTransform:
        """Learn the encoding; raise :class:`Reject` where it does not suit the column."""

    @property
    @abstractmethod
    def layout(self) -> Layout:
        """The blocks, after :meth:`fit`; none for a column that is always the same."""

    @property
    def null_code(self) -> int:
        """The first block's code for NULL; -1 if there is none."""
        return -1

    def untold(self, values: pa.Array) -> Optional[Bools]:
        """Return the rows whose blocks tell nothing of them, as they were drawn; None for none."""
        return None

    @property
    def withheld(self) -> float:
        """The share of the real values in whose place others are made up."""
        return 0.0

    def filled(self, values: pa.Array, rows: IntArray, rng: np.random.Generator) -> pa.Array:
        """Return values in which some rows have that of another, which tells nothing of them.

        Parameters
        ----------
        values : pyarrow.Array, of the column's type
        rows : ndarray of int64
            Positions of rows without a value; other ones may have none, too.
        rng : numpy.random.Generator
        """
        known, at = np.flatnonzero(values.is_valid()), np.arange(len(values))
        if len(rows) and not len(known):
            blocks = self.layout
            codes = np.zeros((1, len(blocks.discrete)), dtype=np.int32)
            floats = np.zeros((1, len(blocks.continuous)), dtype=np.float32)
            values = pa.concat_arrays([values, self.decode(codes, floats, rng)])
            known = np.array([len(values) - 1])
        at[rows] = known[rng.integers(0, max(len(known), 1), len(rows))]
        return values.take(pa.array(at))

    @abstractmethod
    def encode(self, values: pa.Array, rng: np.random.Generator) -> tuple[Codes, Floats32]:
        """Return the blocks of each row.

        Parameters
        ----------
        values : pyarrow.Array, of the column's type
            NULL has a code like any other value.
        rng : numpy.random.Generator
            Decides between modes that overlap, and draws the codes of values that have none.

        Returns
        -------
        codes : ndarray of int32, shape (rows, discrete blocks)
        floats : ndarray of float32, shape (rows, continuous blocks)
            In [-1, 1]; without a meaning in rows whose code is no mode.
        """

    @abstractmethod
    def decode(self, codes: Codes, values: Floats32, rng: np.random.Generator) -> pa.Array:
        """Return the values that blocks stand for.

        Parameters
        ----------
        codes : ndarray of int32, shape (rows, discrete blocks)
            As :meth:`encode` returns them, or as a model draws them.
        values : ndarray of float32, shape (rows, continuous blocks)
            In [-1, 1].
        rng : numpy.random.Generator
            Draws what the blocks do not say, such as the words of a text.

        Returns
        -------
        pyarrow.Array
            One value of ``column.arrow_type`` for each row.
        """


def side_by_side(parts: Sequence[tuple[Codes, Floats32]], rows: int) -> tuple[Codes, Floats32]:
    """Return the blocks of several parts of the same rows."""
    codes = [np.empty((rows, 0), dtype=np.int32), *(codes for codes, _ in parts)]
    floats = [np.empty((rows, 0), dtype=np.float32), *(floats for _, floats in parts)]
    return (
        np.concatenate(codes, axis=1).astype(np.int32, copy=False),
        np.concatenate(floats, axis=1).astype(np.float32, copy=False),
    )


def apart(
    transforms: Mapping[str, ColumnTransform], codes: Codes, values: Floats32
) -> Iterator[tuple[str, Codes, Floats32]]:
    """Yield the blocks of each transform: the inverse of :func:`side_by_side`.

    Parameters
    ----------
    transforms : mapping of str to ColumnTransform
        In the order of their blocks.
    codes : ndarray of int32, shape (rows, discrete blocks)
    values : ndarray of float32, shape (rows, continuous blocks)
    """
    at = floats = 0
    for name, transform in transforms.items():
        layout = transform.layout
        end, stop = at + len(layout.discrete), floats + len(layout.continuous)
        yield name, codes[:, at:end], values[:, floats:stop]
        at, floats = end, stop
