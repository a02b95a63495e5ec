"""The rows to be made, and columns of text put together from parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Optional, Union

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthohive._arrays import IntArray
from synthohive._random import U64, Permutation, below, subkey
from synthohive.privacy.pools import Pools, Texts
from synthohive.privacy.styles import AddressStyle, Style, UrlStyle

__all__ = ["Beside", "Look", "Rows", "join", "take", "text_of"]


@dataclass(frozen=True)
class Beside:
    """What other columns say of the rows to be made.

    Attributes
    ----------
    women : array of int8, optional
        Whether the person is a woman; -1 where nothing tells.
    labels : array of str, optional
        What the form goes by: the country, the issuer of a card; None where nothing tells.
    """

    women: Optional[NDArray[np.int8]] = None
    labels: Optional[NDArray[np.object_]] = None

    def take(self, at: IntArray) -> Beside:
        """Return what is said of some rows; of row -1, nothing."""
        women, labels = self.women, self.labels
        if women is not None:
            women = np.where(at < 0, np.int8(-1), women[np.maximum(at, 0)])
        if labels is not None:
            labels = labels[np.maximum(at, 0)]
            labels[at < 0] = None
        return Beside(women, labels)


@dataclass(frozen=True)
class Look:
    """How the values of a column are written: what is learned of the real ones.

    Attributes
    ----------
    styles : tuple of (Style, float)
        How names are written, with weights.
    domains : tuple of (str, float)
        Of addresses, with weights; the empty one stands for made-up ones.
    counts : tuple of (int, float)
        How many addresses, or words, stand in one text, with weights.
    between : str
        What stands between the addresses of a list.
    """

    styles: tuple[tuple[Style, float], ...] = ()
    domains: tuple[tuple[str, float], ...] = ()
    address: AddressStyle = field(default_factory=AddressStyle)
    url: UrlStyle = field(default_factory=UrlStyle)
    counts: tuple[tuple[int, float], ...] = ()
    between: str = ""


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
    women : array of int8, optional
        Of each row: whether the person is a woman; -1 where nothing tells.
    """

    index: U64
    person: int
    key: int
    unique: bool
    look: Look
    pools: Pools
    women: Optional[NDArray[np.int8]] = None

    def at(self, places: NDArray[np.intp]) -> Rows:
        """Return some of the rows."""
        women = None if self.women is None else self.women[places]
        return replace(self, index=self.index[places], women=women)

    @property
    def alike(self) -> int:
        """How many first names there are, a man's and a woman's counted as one where told apart."""
        count = len(self.pools.first)
        return count if self.women is None else count // 2

    def names(self) -> tuple[U64, U64, U64]:
        """Return first name, last name, and how often this pair came before."""
        # both names as one number: its permutation repeats no pair before all are used
        pairs = self.alike * len(self.pools.last)
        lap, place = np.divmod(self.index, np.uint64(pairs))
        pair = Permutation(pairs, self.person)(place)
        last, first = np.divmod(pair, np.uint64(self.alike))
        if self.women is not None:
            # No two rows have the same place among men's or women's names beside one last name:
            # whose it is may follow the row, and names repeat no sooner.
            chance = below(self.index, 2, subkey(self.person, "sex"))
            women = np.where(self.women < 0, chance, self.women).astype(np.uint64)
            first = first + women * np.uint64(self.alike)
        return first, last, lap


def take(pool: Union[Sequence[str], Texts], index: U64) -> Any:
    """Return the members of `pool` at `index`."""
    return pa.array(pool, pa.string()).take(pa.array(index.astype(np.int64)))


def join(*parts: Any, between: str = "") -> Any:
    """Write texts, or columns of texts, one after the other."""
    return pc.binary_join_element_wise(*parts, between)


def text_of(numbers: U64) -> Any:
    """Return numbers as texts."""
    return pa.array(numbers).cast(pa.string())
