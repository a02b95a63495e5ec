"""Binary values: random bytes of the learned lengths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Codes, Floats32
from synthohive.encoding.numeric import Numeric
from synthohive.schema.arrow_types import limits

__all__ = ["Binary"]


@dataclass(eq=False)
class Binary(Numeric):
    """The length is modelled like any number; the bytes are random."""

    name = "binary"

    @property
    def withheld(self) -> float:
        """All: the bytes are random."""
        return 1.0

    @property
    def plain_type(self) -> pa.DataType:
        """Lengths are what is counted."""
        return pa.int64()

    def plain(self, values: pa.Array) -> pa.Array:
        """Return the number of bytes of each value."""
        if isinstance(values, pa.ChunkedArray):
            values = values.combine_chunks()
        return pc.binary_length(values.cast(pa.large_binary())).cast(pa.int64())

    def _limits(self) -> tuple[int, int]:
        return 0, self.column.length or limits(pa.int32())[1]

    def decode(self, codes: Codes, values: Floats32, rng: np.random.Generator) -> pa.Array:
        """Return random bytes, as many as the codes say; see the base class."""
        lengths = self.modes_.decode(codes[:, 0], values, rng)
        null = lengths.is_null().to_numpy(zero_copy_only=False)
        sizes = np.maximum(lengths.fill_null(0).to_numpy(zero_copy_only=False), 0)
        # one run of random bytes, cut by Arrow's offsets: no Python object for each value
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        buffers = [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(rng.bytes(int(offsets[-1])))]
        filled = pa.Array.from_buffers(pa.large_binary(), len(codes), buffers)
        if null.any():
            filled = filled.take(pa.array(np.arange(len(codes)), mask=null))
        return filled.cast(self.column.arrow_type)
