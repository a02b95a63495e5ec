"""Numbers as grid units: int64 wherever that is exact, float64 elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import AnyArray, Bools, IntArray
from synthohive.encoding.canonical import decimal_array, decimal_limbs

__all__ = ["Units", "grid_of"]


_EXACT = 2.0**53  # whole numbers up to here are floats
_MAX = 2**63 - 1
_WORD = 2**64
_NEAR = 61  # bits: numbers and their base are then less than 2^62 apart
_FAR = 2.0**62
_DIGITS = range(9)  # decimal places that are looked for
_UNLIKELY = 1e-3  # chance that values share a grid that is none
_SAFE_EXPONENT = 300  # third powers are floats


@dataclass(frozen=True)
class Units:
    """How plain values of a column become numbers to calculate with, and back.

    Attributes
    ----------
    type : pyarrow.DataType
        The plain type.
    wide : bool
        Some values exceed int64; the numbers are float64.
    digits : int, optional
        For floats: all values have at most this many decimal places, and the numbers
        are int64 multiples of the last one. None: the numbers are the floats.
    single : bool
        The floats were read from float32.
    exponent : int
        For floats: the numbers are multiples of two to this power, where the floats are so large
        or small that their squares would be infinite or zero.
    base : int
        What is subtracted from numbers that exceed int64, but lie near one another; a multiple
        of 2^61, which says little of any.
    """

    type: pa.DataType
    wide: bool = False
    digits: Optional[int] = None
    single: bool = False
    exponent: int = 0
    base: int = 0

    @property
    def whole(self) -> bool:
        """Whether the numbers are int64."""
        return not self.wide and (self.type != pa.float64() or self.digits is not None)

    @classmethod
    def learn(cls, values: pa.Array, single: bool) -> Units:
        """Choose the form for plain `values` without NULLs."""
        if values.type == pa.float64():
            floats = values.to_numpy()
            digits = _decimal_places(floats, single)
            exponent = _exponent(floats) if digits is None else 0
            return cls(values.type, digits=digits, single=single, exponent=exponent)
        if pa.types.is_decimal(values.type):
            limbs = decimal_limbs(values)
            # an int64 is one whose upper limbs only repeat the sign
            wide = bool((limbs[:, 1:] != limbs[:, :1] >> 63).any())
        else:
            wide = values.type == pa.uint64() and bool((values.to_numpy() > _MAX).any())
        base = _base(values) if wide else 0
        return cls(values.type, wide=wide and not base, base=base)

    def of(self, plain: pa.Array) -> AnyArray:
        """Return the numbers of plain values; those of NULL rows mean nothing."""
        if pa.types.is_decimal(self.type):
            return self._of_decimals(plain)
        if self.type == pa.float64():
            floats: AnyArray = plain.fill_null(0.0).to_numpy(zero_copy_only=False)
            if self.digits is None:
                return floats if not self.exponent else np.ldexp(floats, -self.exponent)
            # before they are scaled: infinity, as the largest float, would overflow
            bounded = np.clip(np.nan_to_num(floats), -_EXACT, _EXACT)
            scaled = np.clip(bounded * 10.0**self.digits, -_EXACT, _EXACT)
            whole: AnyArray = np.rint(scaled).astype(np.int64)
            return whole
        numbers: AnyArray = plain.fill_null(0).to_numpy(zero_copy_only=False)
        if self.type == pa.uint64():
            if self.wide:
                return np.asarray(numbers, dtype=np.float64)
            if self.base:
                return self._from_base(numbers, numbers.astype(np.float64))
            return np.asarray(np.minimum(numbers, np.uint64(_MAX)), dtype=np.int64)
        return numbers

    def _of_decimals(self, plain: pa.Array) -> AnyArray:
        limbs = decimal_limbs(plain)
        if not self.wide and not self.base:
            over = (limbs[:, 1:] != limbs[:, :1] >> 63).any(axis=1)
            return np.where(over, np.where(limbs[:, -1] < 0, -_MAX, _MAX), limbs[:, 0])
        total: AnyArray = limbs[:, -1].astype(np.float64)
        for limb in limbs.T[-2::-1]:
            total = total * 2.0**64 + limb.view(np.uint64)
        return total if self.wide else self._from_base(limbs[:, 0].astype(np.uint64), total)

    def _from_base(self, low: npt.NDArray[np.uint64], total: AnyArray) -> IntArray:
        """Return how far numbers are from the base, by their last 64 bits."""
        # modulo 2^64, so exact wherever the distance fits int64; the rough one tells where it does
        distance: IntArray = (low - np.uint64(self.base % _WORD)).view(np.int64)
        rough = total - float(self.base)
        return np.where(np.abs(rough) < _FAR, distance, np.where(rough < 0, -_MAX, _MAX))

    def back(self, numbers: AnyArray, null: Bools) -> pa.Array:
        """Return plain values from numbers; `null` rows become NULL."""
        if pa.types.is_decimal(self.type):
            return decimal_array(self._limbs(numbers), null, self.type)
        if self.digits is not None:
            numbers = numbers / 10.0**self.digits
        if self.exponent:
            numbers = np.ldexp(numbers, self.exponent)
        if self.base:  # only of uint64
            numbers = numbers.astype(np.int64).view(np.uint64) + np.uint64(self.base)
        elif self.type == pa.uint64():
            numbers = np.maximum(numbers, 0)
            if self.wide:
                numbers = np.minimum(numbers, np.nextafter(2.0**64, 0))
            numbers = numbers.astype(np.uint64)
        return pa.array(numbers, type=self.type, mask=null if null.any() else None)

    def _limbs(self, numbers: AnyArray) -> IntArray:
        width = self.type.bit_width // 64
        limbs = np.empty((len(numbers), width), dtype=np.int64)
        if not self.wide:
            limbs[:, 0] = numbers
            limbs[:, 1:] = (numbers >> 63)[:, None]
            return _plus(limbs, self.base) if self.base else limbs
        rest = numbers
        for position in range(width - 1):
            # dividing a float by a power of two is exact, and so is the remainder
            upper = np.floor(rest / 2.0**64)
            limbs[:, position] = (rest - upper * 2.0**64).astype(np.uint64).view(np.int64)
            rest = upper
        limbs[:, -1] = rest.astype(np.int64)
        return limbs


def _base(values: pa.Array) -> int:
    """Return a number near which all of some whole numbers or decimals lie; 0 if there is none."""
    ends = pc.min_max(values).as_py()
    scale = values.type.scale if pa.types.is_decimal(values.type) else 0
    low, high = (_unscaled(ends[end], scale) for end in ("min", "max"))
    return low >> _NEAR << _NEAR if high - low < 1 << _NEAR else 0


def _unscaled(value: Any, scale: int) -> int:
    if isinstance(value, int):
        return value
    sign, digits, exponent = value.as_tuple()
    whole: int = int("".join(map(str, digits))) * 10 ** (exponent + scale)
    return -whole if sign else whole


def _plus(limbs: IntArray, number: int) -> IntArray:
    """Add a number to numbers in 64-bit limbs, least first."""
    words = limbs.view(np.uint64)
    carry = np.zeros(len(words), dtype=np.uint64)
    for position in range(words.shape[1]):
        part = np.uint64((number >> (64 * position)) % _WORD)
        total = words[:, position] + part
        whole = total + carry
        # unsigned sums wrap around: one did where it is less than what was added
        carry = ((total < part) | (whole < carry)).astype(np.uint64)
        words[:, position] = whole
    return limbs


def _exponent(values: AnyArray) -> int:
    """Return the power of two of the largest float; 0 where squares are floats anyway."""
    top = float(np.abs(values).max(initial=0.0))
    exponent = math.frexp(top)[1]
    return exponent if abs(exponent) > _SAFE_EXPONENT else 0


def _decimal_places(values: AnyArray, single: bool) -> Optional[int]:
    kind = np.float32 if single else np.float64
    values = values.astype(kind)
    if not len(values):
        return None
    top = float(np.abs(values).max())
    for digits in _DIGITS:
        if top * 10.0**digits >= _EXACT:
            return None
        # divided, which gives the float that 0.3 is read as: 3 * 0.1 is another one
        scaled = np.rint(values.astype(np.float64) * 10.0**digits) / 10.0**digits
        if (scaled.astype(kind) == values).all():
            return digits
    return None


def grid_of(numbers: IntArray, natural: Sequence[int]) -> tuple[int, int]:
    """Return step and offset of the coarsest grid on which all the numbers lie.

    Parameters
    ----------
    numbers : ndarray of int64
        Distinct values.
    natural : sequence of int
        Only these steps make sense (a minute, an hour); any step if empty.
    """
    few = 10
    if len(numbers) < (1 if natural else few):
        return 1, 0
    first = int(numbers[0])
    near = np.abs(numbers.astype(np.float64) - first) < 2.0**62  # farther ones could wrap around
    differences = numbers[near] - first
    step = int(np.gcd.reduce(np.abs(differences))) if near.all() else 1
    if natural:
        finest, count = min(natural), len(numbers)
        step = max(
            (
                n
                for n in natural
                # Midnight in two rows tells it all; two days that are a week apart tell nothing.
                if math.gcd(step, n) == n
                and count - (first % n > 0) > -math.log(_UNLIKELY) / math.log(max(n / finest, 1.01))
            ),
            default=1,
        )
    step = max(step, 1)
    return step, first % step
