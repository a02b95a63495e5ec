"""Pseudo-random functions of a counter: the same index gives the same draw in any chunk."""

from __future__ import annotations

import hashlib
from typing import Union

import numpy as np
from numpy.typing import NDArray

__all__ = ["U64", "draw", "mix64", "permute", "subkey", "unpermute"]

U64 = NDArray[np.uint64]
_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15  # splitmix64 (Steele, Lea and Flood, 2014)
_ROUNDS = 3


def subkey(seed: int, *path: Union[str, int]) -> int:
    """Return a 64-bit key for one named use of `seed`."""
    text = "\0".join(map(str, (seed, *path)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def mix64(index: U64, key: int) -> U64:
    """Return 64 well-mixed bits for each index: a bijection for every key."""
    x = index + np.uint64((key * 2 + 1) * _GOLDEN & _MASK)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x = (x ^ (x >> np.uint64(31))) + np.uint64(key & _MASK)
    x = (x ^ (x >> np.uint64(29))) * np.uint64(0xD6E8FEB86659FD93)
    return np.asarray(x ^ (x >> np.uint64(32)), np.uint64)


def draw(index: U64, size: int, key: int) -> U64:
    """Return a number below `size` for each index."""
    return np.asarray(mix64(index, key) % np.uint64(size), np.uint64)


def permute(index: U64, capacity: int, key: int) -> U64:
    """Return the index's image under a keyed bijection of ``range(capacity)``.

    A bijection of the next power of two, walked until it falls below `capacity`.
    """
    if capacity <= 1:
        return np.zeros(len(index), np.uint64)
    bits = (capacity - 1).bit_length()
    result = _scramble(index, bits, key)
    outside = np.flatnonzero(result >= np.uint64(capacity))
    while len(outside):
        result[outside] = _scramble(result[outside], bits, key)
        outside = outside[result[outside] >= np.uint64(capacity)]
    return result


def unpermute(image: U64, capacity: int, key: int) -> U64:
    """Return the index whose image under :func:`permute` is given."""
    if capacity <= 1:
        return np.zeros(len(image), np.uint64)
    bits = (capacity - 1).bit_length()
    result = _unscramble(image, bits, key)
    outside = np.flatnonzero(result >= np.uint64(capacity))
    while len(outside):
        result[outside] = _unscramble(result[outside], bits, key)
        outside = outside[result[outside] >= np.uint64(capacity)]
    return result


def _scramble(x: U64, bits: int, key: int) -> U64:
    mask = np.uint64((1 << bits) - 1)
    shift = np.uint64(max(1, bits // 2))
    for step in range(_ROUNDS):
        part = subkey(key, step)
        x = (x + np.uint64(part)) & mask
        x = x ^ (x >> shift)
        x = (x * np.uint64(part | 1)) & mask
    return np.asarray(x ^ (x >> shift), np.uint64)


def _unscramble(x: U64, bits: int, key: int) -> U64:
    mask = np.uint64((1 << bits) - 1)
    shift = max(1, bits // 2)
    x = _unshift(x, bits, shift)
    for step in range(_ROUNDS - 1, -1, -1):
        part = subkey(key, step)
        x = (x * np.uint64(pow(part | 1, -1, 1 << bits))) & mask
        x = _unshift(x, bits, shift)
        x = (x - np.uint64(part)) & mask
    return np.asarray(x, np.uint64)


def _unshift(x: U64, bits: int, shift: int) -> U64:
    """Undo ``x ^ (x >> shift)``."""
    found = x
    for by in range(shift, bits, shift):
        found = found ^ (x >> np.uint64(by))
    return found
