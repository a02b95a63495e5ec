"""Seeds by name: every part draws from its own counter-based stream.

A stream depends on the user's seed and on *what* is drawn (table, column, block), never on
how many draws came before, so that order, chunking and processes cannot matter
(Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
"""

from __future__ import annotations

from typing import Union
from zlib import crc32

import numpy as np

__all__ = ["generator", "seed_int", "sequence"]


def sequence(seed: int, *path: Union[str, int]) -> np.random.SeedSequence:
    """Return the seed sequence of one named part."""
    key = tuple(crc32(p.encode()) if isinstance(p, str) else p for p in path)
    return np.random.SeedSequence(seed, spawn_key=key)


def generator(seed: int, *path: Union[str, int]) -> np.random.Generator:
    """Return the random generator of one named part."""
    return np.random.Generator(np.random.Philox(sequence(seed, *path)))


def seed_int(seed: int, *path: Union[str, int]) -> int:
    """Return a 63-bit seed of one named part, for what takes a plain integer."""
    return int(sequence(seed, *path).generate_state(1, np.uint64)[0] >> np.uint64(1))
