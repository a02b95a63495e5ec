"""Counter-based randomness: numbers that are a function of (seed, index) alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthohive._arrays import AnyArray, Floats, IntArray

__all__ = ["Permutation", "hashed", "uniform"]

U64 = npt.NDArray[np.uint64]
_ROUNDS = 6


def hashed(index: AnyArray, seed: int) -> U64:
    """Mix indices and a seed into 64 uniform bits (the finaliser of SplitMix64)."""
    with np.errstate(over="ignore"):
        z = index.astype(np.uint64) + np.uint64(seed & 0xFFFFFFFFFFFFFFFF) * np.uint64(
            0x9E3779B97F4A7C15
        )
        z = z * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x632BE59BD9B4E019)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed: U64 = z ^ (z >> np.uint64(31))
        return mixed


def uniform(index: AnyArray, seed: int) -> Floats:
    """Return floats in [0, 1), one for each index."""
    bits = hashed(index, seed) >> np.uint64(11)
    return np.asarray(bits.astype(np.float64) * 2.0**-53)


class Permutation:
    """A pseudo-random permutation of ``0 … size - 1`` with random access.

    A Feistel network over the next power of four, with cycle walking (Black & Rogaway,
    "Ciphers with arbitrary finite domains", 2002): no memory, any order, any chunk.

    Examples
    --------
    >>> sorted(Permutation(5, seed=1)(np.arange(5)).tolist())
    [0, 1, 2, 3, 4]
    """

    def __init__(self, size: int, seed: int) -> None:
        self.size, self.seed = size, seed
        self._half = np.uint64(max(1, ((max(size, 2) - 1).bit_length() + 1) // 2))
        self._mask = (np.uint64(1) << self._half) - np.uint64(1)

    def __call__(self, index: IntArray) -> IntArray:
        """Return the image of each index."""
        out = self._once(index.astype(np.uint64))
        outside = np.flatnonzero(out >= np.uint64(self.size))
        while len(outside):  # each walk returns, as the network is a bijection
            out[outside] = self._once(out[outside])
            outside = outside[out[outside] >= np.uint64(self.size)]
        return out.astype(np.int64)

    def _once(self, x: U64) -> U64:
        left, right = x >> self._half, x & self._mask
        for step in range(_ROUNDS):
            left, right = right, left ^ (hashed(right, self.seed + step) & self._mask)
        return np.asarray((left << self._half) | right)
