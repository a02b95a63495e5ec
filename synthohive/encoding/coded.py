"""What all transforms share whose columns are one code: a code for each thing, and one for NULL."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from synthohive._arrays import Codes, Floats32, IntArray
from synthohive.encoding.base import ColumnTransform
from synthohive.encoding.canonical import restore
from synthohive.encoding.draw import categorical as draw
from synthohive.encoding.encoded import Discrete, Layout

__all__ = ["CodedTransform"]


@dataclass(eq=False)
class CodedTransform(ColumnTransform):
    """One block of codes, ``0 … size - 1`` and then NULL; none where there is only one code.

    A subclass says which code a value has, and makes values of codes. What it leaves without a
    code is encoded as anything that real rows hold, by how often they do: a code of its own
    would tell these rows apart. By default there is one code for all values.
    """

    null_: bool = False

    @property
    def size(self) -> int:
        """Number of codes without that of NULL."""
        return 1

    @property
    def frequencies(self) -> npt.ArrayLike:
        """How often each code was seen, of shape (size,)."""
        return [1.0]

    def assign(self, distinct: pa.Array) -> IntArray:
        """Return the code of each of some plain values; -1 for none."""
        return np.zeros(len(distinct), dtype=np.int64)

    @abstractmethod
    def make(self, codes: IntArray, rng: np.random.Generator) -> pa.Array:
        """Return a plain value for each code."""

    @property
    def layout(self) -> Layout:
        """One discrete block, of as many codes as there are."""
        cardinality = self.size + self.null_
        if cardinality < 2:
            return Layout()
        many = cardinality > self.settings.embedding_threshold
        embed = many or self.column.name in self.settings.high_cardinality
        return Layout((Discrete(self.column.name, int(cardinality), embed),))

    @property
    def null_code(self) -> int:
        """The code for NULL, or -1."""
        return self.size if self.null_ and self.layout.discrete else -1

    def encode(self, values: pa.Array, rng: np.random.Generator) -> tuple[Codes, Floats32]:
        """Return the codes; what has none gets a drawn one."""
        plain = self.plain(values)
        none = np.empty((len(plain), 0), dtype=np.float32)
        if not self.layout.discrete:
            return np.empty((len(plain), 0), dtype=np.int32), none
        # each distinct value is looked up once; the last entry is NULL's, which has no index
        encoded = plain.dictionary_encode()
        known = np.append(self.assign(encoded.dictionary), self.null_code).astype(np.int32)
        codes = known[encoded.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False)]
        self.fill(codes, np.flatnonzero(codes < 0), rng)
        return codes[:, None], none

    def fill(self, codes: Codes, rows: IntArray, rng: np.random.Generator) -> None:
        """Give a code to the rows that have none.

        Parameters
        ----------
        codes : ndarray of int32, shape (rows,)
            Of all rows; changed in place.
        rows : ndarray of int64
            Positions of those without a code (-1).
        rng : numpy.random.Generator
        """
        codes[rows] = draw(self.frequencies, len(rows), rng)

    def decode(self, codes: Codes, values: Floats32, rng: np.random.Generator) -> pa.Array:
        """Return a value of each code; see the base class."""
        wanted = codes[:, 0] if codes.shape[1] else np.zeros(len(codes), dtype=np.int32)
        null = (wanted >= self.size) & self.null_
        made = self.make(np.clip(wanted[~null], 0, self.size - 1).astype(np.int64), rng)
        if null.any():  # none is made for NULL: the n-th row that has a value takes the n-th
            made = made.take(pa.array(np.cumsum(~null) - 1, mask=null))
        return restore(made, self.column.arrow_type)
