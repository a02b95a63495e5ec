"""What every kind of column offers: analyze -> merge -> fit -> encode -> decode."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Codes, Floats32
from synthohive.encoding.encoded import Layout
from synthohive.privacy.entities import Entities
from synthohive.schema import Column

__all__ = ["ColumnTransform", "EncoderSettings", "Reject", "Summary", "below"]

Summary = dict[str, Any]
"""JSON-able statistics of one part of a column."""


def below(seed: np.random.SeedSequence, *path: int) -> np.random.SeedSequence:
    """Return the seed of a part: its own, whichever parts there are beside it."""
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *path))


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

    A subclass is one file. It learns only from a :data:`Summary`, so that a column
    can be analyzed in parts (files, Spark partitions) whose summaries merge. Learned
    state holds no real value that fewer than ``settings.k`` entities share; it is the fields
    of a dataclass, whose names end with an underscore.
    """

    name: ClassVar[str]
    column: Column
    settings: EncoderSettings

    @abstractmethod
    def analyze(self, values: pa.Array, entities: Optional[Entities]) -> Summary:
        """Summarise a part of the column.

        Parameters
        ----------
        values : pyarrow.Array, of the column's type
        entities : Entities, optional
            Those behind the rows of `values`; each row is one of its own by default.
        """

    @abstractmethod
    def merge(self, summaries: Sequence[Summary]) -> Summary:
        """Combine the summaries of parts."""

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
