"""The rows to be made, and columns of text put together from parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.privacy.counter import U64, permute
from synthohive.privacy.pools import Pools
from synthohive.privacy.styles import Weighted

__all__ = ["Rows", "join", "take", "text_of"]


@dataclass(frozen=True)
class Rows:
    """What a maker needs to know about the rows to be made.

    Attributes
    ----------
    index : array of uint64
    person : int
        Key that all columns about the same person share.
    key : int
        Key of this column alone.
    styles : list of (Style, float)
        How names are written, with weights.
    domains : list of (str, float)
        Of addresses, with weights; the empty one stands for made-up ones.
    counts : list of (int, float)
        How many addresses, or words, stand in one text, with weights.
    between : str
        What stands between the addresses of a list.
    """

    index: U64
    person: int
    key: int
    unique: bool
    with_city: bool
    styles: Weighted
    domains: list[tuple[str, float]]
    pools: Pools
    counts: list[tuple[int, float]] = field(default_factory=list)
    between: str = ""

    def names(self) -> tuple[U64, U64, U64]:
        """Return first name, last name, and how often this pair came before."""
        count = len(self.pools.first)
        pairs = count * len(self.pools.last)
        lap, place = np.divmod(self.index, np.uint64(pairs))
        pair = permute(place, pairs, self.person)
        last, first = np.divmod(pair, np.uint64(count))
        return first, last, lap


def take(pool: Sequence[str], index: U64) -> Any:
    """Return the members of `pool` at `index`."""
    return pa.array(pool, pa.string()).take(pa.array(index.astype(np.int64)))


def join(*parts: Any) -> Any:
    """Write texts, or columns of texts, one after the other."""
    return pc.binary_join_element_wise(*parts, "")


def text_of(numbers: U64) -> Any:
    """Return numbers as texts."""
    return pa.array(numbers).cast(pa.string())
