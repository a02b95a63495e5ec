"""Counter-based randomness: numbers that are a function of a seed and an index alone.

The same index gives the same draw in any chunk and any process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, TypeVar, Union

import numpy as np
import numpy.typing as npt

from synthohive._arrays import Floats

__all__ = ["U64", "Permutation", "below", "choices_for", "hashed", "subkey", "uniform", "weighted"]

U64 = npt.NDArray[np.uint64]
Number = TypeVar("Number", bound=np.integer[Any])
_ROUNDS = 6


def subkey(seed: int, *path: Union[str, int]) -> int:
    """Return a 64-bit seed for one named use of `seed`."""
    text = "\0".join(map(str, (seed, *path)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def hashed(index: npt.NDArray[Any], seed: int) -> U64:
    """Mix indices and a seed into 64 uniform bits (the finaliser of SplitMix64)."""
    with np.errstate(over="ignore"):  # all is modulo 2**64
        # Seeds may follow each other. Added as it is, one would only shift the numbers of the one
        # before it by an index; times 2**64 / golden ratio, it starts far from it.
        z = index.astype(np.uint64) + np.uint64(seed & 0xFFFFFFFFFFFFFFFF) * np.uint64(
            0x9E3779B97F4A7C15
        )
        z = z * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x632BE59BD9B4E019)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed: U64 = z ^ (z >> np.uint64(31))
        return mixed


def uniform(index: npt.NDArray[Any], seed: int) -> Floats:
    """Return floats in [0, 1), one for each index."""
    bits = hashed(index, seed) >> np.uint64(11)  # 53 of 64: a float holds no more, and 1.0 is out
    return np.asarray(bits.astype(np.float64) * 2.0**-53)


def below(index: npt.NDArray[Any], size: int, seed: int) -> U64:
    """Return a whole number below `size` for each index.

    Parameters
    ----------
    index : ndarray of integers, any shape
    size : int
        From 1 to 2**64 - 1.
    seed : int
        Of its 64 lowest bits.

    Returns
    -------
    ndarray of uint64, shape of `index`
    """
    # The remainder favours small numbers by size / 2**64: nothing that anyone could measure.
    return np.asarray(hashed(index, seed) % np.uint64(size), np.uint64)


def weighted(index: npt.NDArray[Any], weights: Sequence[float], seed: int) -> npt.NDArray[np.intp]:
    """Return a choice by weight for each index.

    Parameters
    ----------
    index : ndarray of integers, any shape
    weights : sequence of float
        None is negative, their sum is positive; it need not be one.
    seed : int
        Of its 64 lowest bits.

    Returns
    -------
    ndarray of intp, shape of `index`
        Positions among the weights.
    """
    edges = np.cumsum(np.asarray(weights, np.float64))
    chosen = np.searchsorted(edges, uniform(index, seed) * edges[-1], side="right")
    # The product may be rounded up to the last edge, which is beyond all choices.
    return np.asarray(np.minimum(chosen, len(edges) - 1), np.intp)


class Permutation:
    """A pseudo-random permutation of ``0 … size - 1`` with random access, both ways.

    A Feistel network over the next power of four, with cycle walking (Black & Rogaway,
    "Ciphers with arbitrary finite domains", 2002): no memory, any order, any chunk.

    Examples
    --------
    >>> permutation = Permutation(5, seed=1)
    >>> sorted(permutation(np.arange(5)).tolist())
    [0, 1, 2, 3, 4]
    >>> permutation.undo(permutation(np.arange(5)))
    array([0, 1, 2, 3, 4])
    """

    def __init__(self, size: int, seed: int) -> None:
        self.size, self.seed = size, seed
        # Bits of each half, so that 4**half is at least the size, and at most four times it: a
        # walk takes no more than four steps on average.
        self._half = np.uint64(max(1, ((max(size, 2) - 1).bit_length() + 1) // 2))
        self._mask = (np.uint64(1) << self._half) - np.uint64(1)

    def __call__(self, index: npt.NDArray[Number]) -> npt.NDArray[Number]:
        """Return the image of each index, in its type of numbers."""
        return self._walk(index, range(_ROUNDS))

    def undo(self, image: npt.NDArray[Number]) -> npt.NDArray[Number]:
        """Return the index that each image is of."""
        return self._walk(image, range(_ROUNDS - 1, -1, -1))

    def _walk(self, index: npt.NDArray[Number], rounds: range) -> npt.NDArray[Number]:
        out = self._once(index.astype(np.uint64), rounds)
        outside = np.flatnonzero(out >= np.uint64(self.size))
        while len(outside):  # each walk returns, as the network is a bijection
            out[outside] = self._once(out[outside], rounds)
            outside = outside[out[outside] >= np.uint64(self.size)]
        return out.astype(index.dtype)

    def _once(self, x: U64, rounds: range) -> U64:
        left, right = x >> self._half, x & self._mask
        if rounds.step < 0:  # backwards, the halves change places before and after
            left, right = right, left
        for step in rounds:
            left, right = right, left ^ (hashed(right, self.seed + step) & self._mask)
        if rounds.step < 0:
            left, right = right, left
        return np.asarray((left << self._half) | right)


def choices_for(distinct: int, draws: int) -> int:
    """Return among how many things so many draws are expected to find so many different ones.

    Examples
    --------
    >>> choices_for(63, 100), choices_for(100, 10_000)
    (99, 100)
    """
    ratios = np.geomspace(1e-3, 1e6, 4000)  # draws for each thing
    shares = -np.expm1(-ratios) / ratios  # different ones among the draws; falling
    share = distinct / max(draws, 1)
    at = min(int(np.searchsorted(-shares, -share)), len(ratios) - 1)
    return max(distinct, round(draws / float(ratios[at])))
