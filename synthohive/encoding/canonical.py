"""A few plain Arrow types in which all kinds of values are counted and kept in state.

Dates, times, timestamps and intervals become int64 (their own unit since their own
epoch), floats become float64, text becomes string, bytes their hexadecimal digits; decimals,
booleans and uint64 stay.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import AnyArray, Bools, IntArray

__all__ = [
    "canonical",
    "canonical_type",
    "decimal_array",
    "decimal_limbs",
    "hash64",
    "restore",
    "scramble",
    "validity",
]

_HALF = (pa.date32(), pa.time32("s"), pa.time32("ms"))  # of 32 bits, which no int64 can view


def canonical_type(type_: pa.DataType) -> pa.DataType:
    """Return the plain type in which values of `type_` are counted."""
    if pa.types.is_temporal(type_):
        return pa.int64()
    if pa.types.is_integer(type_):
        return pa.uint64() if type_ == pa.uint64() else pa.int64()
    if pa.types.is_floating(type_):
        return pa.float64()
    if pa.types.is_decimal(type_) or pa.types.is_boolean(type_):
        return type_
    return pa.string()


def canonical(values: pa.Array, type_: pa.DataType) -> pa.Array:
    """Cast `values`, a column of `type_`, to its plain type."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if values.type != type_:
        values = values.cast(type_)
    if pa.types.is_temporal(type_):
        return values.view(pa.int32()).cast(pa.int64()) if type_ in _HALF else values.view("int64")
    if _is_bytes(type_):
        digits = [None if v is None else v.hex() for v in values.to_pylist()]
        return pa.array(digits, pa.string())  # not all bytes are a text
    target = canonical_type(type_)
    if target == pa.float64():
        return pc.add(values.cast(target), 0.0)  # -0.0 is 0.0
    return values.cast(target)


def restore(plain: pa.Array, type_: pa.DataType) -> pa.Array:
    """Undo :func:`canonical`."""
    if pa.types.is_temporal(type_):
        if type_ in _HALF:
            return plain.cast(pa.int32()).view(type_)
        return plain.view(type_)
    if pa.types.is_null(type_):
        return pa.nulls(len(plain))
    if _is_bytes(type_):
        values = [None if v is None else bytes.fromhex(v) for v in plain.to_pylist()]
        return pa.array(values, type_)
    if type_ in (pa.float32(), pa.float16()):
        return plain.cast(type_, safe=False)
    return plain.cast(type_)


def _is_bytes(type_: pa.DataType) -> bool:
    return any(
        kind(type_)
        for kind in (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    )


def decimal_limbs(values: pa.Array) -> IntArray:
    """Return the unscaled integers of a decimal array as 64-bit limbs, least first."""
    width = values.type.bit_width // 64
    data = values.buffers()[1]
    if data is None:
        return np.zeros((len(values), width), dtype=np.int64)
    limbs = np.frombuffer(data, dtype=np.int64, count=width * (values.offset + len(values)))
    return limbs.reshape(-1, width)[values.offset :]


def validity(null: Bools) -> pa.Buffer:
    """Return the Arrow validity bitmap for a NULL mask."""
    return pa.py_buffer(np.packbits(~null, bitorder="little").tobytes())


def decimal_array(limbs: IntArray, null: Bools, type_: pa.DataType) -> pa.Array:
    """Build decimals from unscaled integers.

    Parameters
    ----------
    limbs : ndarray of int64, shape (rows, 2 or 4)
        64 bits each, least first, in two's complement: two for 128 bits, four for 256.
    null : ndarray of bool, shape (rows,)
        Rows that become NULL, whatever their limbs.
    type_ : pyarrow.DataType
        A decimal; its scale says where the point is.
    """
    data = pa.py_buffer(np.ascontiguousarray(limbs))
    return pa.Array.from_buffers(type_, len(limbs), [validity(null), data])


def hash64(plain: pa.Array) -> npt.NDArray[np.uint64]:
    """Return a hash of each (non-NULL) plain value, the same on every machine."""
    if pa.types.is_string(plain.type):
        texts = plain.to_numpy(zero_copy_only=False)
        # not Python's own hash, which is another in each process
        hashes: npt.NDArray[np.uint64] = pd.util.hash_array(texts, categorize=False)
        return hashes
    if pa.types.is_decimal(plain.type):
        limbs = decimal_limbs(plain).view(np.uint64)
        mixed = scramble(limbs[:, 0].copy())
        # scrambled in between, or numbers whose limbs change places would be one
        for column in limbs.T[1:]:
            mixed = scramble(mixed ^ column)
        return mixed
    if pa.types.is_boolean(plain.type):
        plain = plain.cast(pa.int64())
    numbers: AnyArray = plain.to_numpy(zero_copy_only=False)
    bits: npt.NDArray[np.uint64] = numbers.view(np.uint64)
    return scramble(bits)


def scramble(bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Scramble bits (splitmix64, Steele et al. 2014)."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: npt.NDArray[np.uint64] = bits ^ (bits >> np.uint64(31))
    return mixed
