"""A few plain Arrow types in which all kinds of values are counted and kept in state.

Dates, times, timestamps and intervals become int64 (their own unit since their own
epoch), floats become float64, text becomes string; decimals, booleans and uint64 stay.
"""

from __future__ import annotations

import decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

__all__ = [
    "canonical",
    "canonical_type",
    "decimal_array",
    "decimal_limbs",
    "from_json",
    "hash64",
    "limits",
    "restore",
    "scramble",
    "to_json",
    "validity",
]

_HALF = (pa.date32(), pa.time32("s"), pa.time32("ms"))


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
    if type_ in (pa.float32(), pa.float16()):
        return plain.cast(type_, safe=False)
    return plain.cast(type_)


def limits(type_: pa.DataType) -> tuple[int, int]:
    """Return the least and greatest whole number that a column of `type_` can hold."""
    if pa.types.is_decimal(type_):
        top = 10**type_.precision - 1
        return -top, top
    if pa.types.is_floating(type_):
        top = int(np.finfo(type_.to_pandas_dtype()).max)
        return -top, top
    if pa.types.is_integer(type_):
        info = np.iinfo(type_.to_pandas_dtype())
        return int(info.min), int(info.max)
    if type_ == pa.date32():
        return -719_162, 2_932_896  # years 1 to 9999
    if pa.types.is_time(type_):
        per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[type_.unit]
        return 0, 86_400 * per_second - 1
    if pa.types.is_timestamp(type_) and type_.unit != "ns":
        per_second = {"s": 1, "ms": 10**3, "us": 10**6}[type_.unit]
        return -62_135_596_800 * per_second, 253_402_300_800 * per_second - 1
    return -(2**63) + 1, 2**63 - 1


def to_json(plain: pa.Array) -> list[Any]:
    """Return plain values as a JSON-able list; decimals as text, exactly."""
    items: list[Any] = plain.to_pylist()
    if pa.types.is_decimal(plain.type):
        return [None if v is None else str(v) for v in items]
    return items


def from_json(items: list[Any], type_: pa.DataType) -> pa.Array:
    """Undo :func:`to_json` for plain values of `type_`."""
    if pa.types.is_decimal(type_):
        items = [None if v is None else decimal.Decimal(v) for v in items]
    return pa.array(items, type=type_)


def decimal_limbs(values: pa.Array) -> npt.NDArray[np.int64]:
    """Return the unscaled integers of a decimal array as 64-bit limbs, least first."""
    width = values.type.bit_width // 64
    data = values.buffers()[1]
    if data is None:
        return np.zeros((len(values), width), dtype=np.int64)
    limbs = np.frombuffer(data, dtype=np.int64, count=width * (values.offset + len(values)))
    return limbs.reshape(-1, width)[values.offset :]


def validity(null: npt.NDArray[np.bool_]) -> pa.Buffer:
    """Return the Arrow validity bitmap for a NULL mask."""
    return pa.py_buffer(np.packbits(~null, bitorder="little").tobytes())


def decimal_array(
    limbs: npt.NDArray[np.int64], null: npt.NDArray[np.bool_], type_: pa.DataType
) -> pa.Array:
    """Build decimals from unscaled integers in 64-bit limbs, least first."""
    data = pa.py_buffer(np.ascontiguousarray(limbs))
    return pa.Array.from_buffers(type_, len(limbs), [validity(null), data])


def hash64(plain: pa.Array) -> npt.NDArray[np.uint64]:
    """Return a hash of each (non-NULL) plain value, the same on every machine."""
    if pa.types.is_string(plain.type):
        texts = plain.to_numpy(zero_copy_only=False)
        hashes: npt.NDArray[np.uint64] = pd.util.hash_array(texts, categorize=False)
        return hashes
    if pa.types.is_decimal(plain.type):
        limbs = decimal_limbs(plain).view(np.uint64)
        mixed = scramble(limbs[:, 0].copy())
        for column in limbs.T[1:]:
            mixed = scramble(mixed ^ column)
        return mixed
    if pa.types.is_boolean(plain.type):
        plain = plain.cast(pa.int64())
    numbers: npt.NDArray[Any] = plain.to_numpy(zero_copy_only=False)
    bits: npt.NDArray[np.uint64] = numbers.view(np.uint64)
    return scramble(bits)


def scramble(bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Scramble bits (splitmix64, Steele et al. 2014)."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: npt.NDArray[np.uint64] = bits ^ (bits >> np.uint64(31))
    return mixed
