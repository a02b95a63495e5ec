"""The numbers that models see: :class:`EncodedTable`, described by its :class:`Layout`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np

from synthohive._arrays import Codes, Floats32, IntArray
from synthohive.storage.codec import Packed, pack, unpack

__all__ = ["ABSENT", "SILENT", "Continuous", "Discrete", "EncodedTable", "Layout"]

ABSENT = -1
"""Code of a discrete block in a row that does not exist (a child without a parent)."""
SILENT = -2
"""Code of a block that tells nothing in a row, and is neither known nor drawn there."""


@dataclass(frozen=True)
class Discrete:
    """A block of integer codes, ``0 … cardinality - 1``.

    Attributes
    ----------
    column : str
        The table column that the block (partly) encodes.
    cardinality : int
    embed : bool
        Too many codes for one-hot vectors: models learn an entity embedding
        (Guo & Berkhahn, 2016).
    """

    column: str
    cardinality: int
    embed: bool = False


@dataclass(frozen=True)
class Continuous:
    """A block of one float in [-1, 1] per row.

    Attributes
    ----------
    column : str
    modes : int, optional
        Index of the discrete block that says which mode the float is relative to.
    active : int
        The float means something only where that block's code is below `active`
        (codes above stand for NULL or for single values); elsewhere it is 0.
    """

    column: str
    modes: Optional[int] = None
    active: int = 0


@dataclass(frozen=True)
class Layout:
    """The blocks of an encoded table, in order."""

    discrete: tuple[Discrete, ...] = ()
    continuous: tuple[Continuous, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        return dict(pack(self).state)

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Layout:
        """Rebuild from :meth:`to_dict`.

        Raises
        ------
        ValueError
            It is none.
        """
        return unpack(cls, Packed(state))

    def prefixed(self, prefix: str) -> Layout:
        """Return the layout with every column named ``prefix.column``."""
        return Layout(
            tuple(Discrete(f"{prefix}.{b.column}", b.cardinality, b.embed) for b in self.discrete),
            tuple(Continuous(f"{prefix}.{b.column}", b.modes, b.active) for b in self.continuous),
        )

    @classmethod
    def concat(cls, layouts: Sequence[Layout]) -> Layout:
        """Put layouts side by side."""
        discrete: list[Discrete] = []
        continuous: list[Continuous] = []
        for layout in layouts:
            shift = len(discrete)  # floats name the block of their modes by its index
            discrete += layout.discrete
            continuous += (
                Continuous(b.column, None if b.modes is None else b.modes + shift, b.active)
                for b in layout.continuous
            )
        return cls(tuple(discrete), tuple(continuous))


@dataclass(frozen=True)
class EncodedTable:
    """Rows as integer codes and floats.

    Attributes
    ----------
    layout : Layout
    codes : ndarray of int32, shape (rows, discrete blocks)
    values : ndarray of float32, shape (rows, continuous blocks)

    Examples
    --------
    >>> layout = Layout((Discrete("colour", 3),), (Continuous("size"),))
    >>> codes = np.array([[0], [2]], dtype=np.int32)
    >>> rows = EncodedTable(layout, codes, np.array([[0.5], [-1.0]], dtype=np.float32))
    >>> rows.take(np.array([1, -1])).codes.tolist()  # -1 is no row
    [[2], [-1]]
    """

    layout: Layout
    codes: Codes
    values: Floats32

    def __post_init__(self) -> None:
        if len(self.codes) != len(self.values):
            raise ValueError(f"{len(self.codes)} rows of codes, {len(self.values)} of values")

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: slice) -> EncodedTable:
        """Return a stretch of the rows, without a copy of them."""
        return EncodedTable(self.layout, self.codes[rows], self.values[rows])

    @classmethod
    def empty(cls, rows: int) -> EncodedTable:
        """Return `rows` rows without blocks (the context of a root table)."""
        return cls(
            Layout(), np.empty((rows, 0), dtype=np.int32), np.empty((rows, 0), dtype=np.float32)
        )

    def prefixed(self, prefix: str) -> EncodedTable:
        """Return the rows with every column named ``prefix.column``."""
        return EncodedTable(self.layout.prefixed(prefix), self.codes, self.values)

    def take(self, indices: IntArray) -> EncodedTable:
        """Return the rows at `indices`; -1 gives an absent row (codes -1, values 0)."""
        # -1 would be the last row to NumPy: any other is read, and blanked afterwards
        absent = indices < 0
        safe = np.where(absent, 0, indices)
        if len(self) == 0:
            shape = (len(indices), self.codes.shape[1])
            codes = np.full(shape, ABSENT, dtype=np.int32)
            values = np.zeros((len(indices), self.values.shape[1]), dtype=np.float32)
            return EncodedTable(self.layout, codes, values)
        codes, values = self.codes[safe], self.values[safe]
        codes[absent], values[absent] = ABSENT, 0.0
        return EncodedTable(self.layout, codes, values)

    @classmethod
    def side_by_side(cls, parts: Sequence[EncodedTable]) -> EncodedTable:
        """Join tables of the same rows, column-wise."""
        return cls(
            Layout.concat([p.layout for p in parts]),
            np.concatenate([p.codes for p in parts], axis=1),
            np.concatenate([p.values for p in parts], axis=1),
        )

    @classmethod
    def stack(cls, parts: Sequence[EncodedTable]) -> EncodedTable:
        """Join tables of the same layout, row-wise."""
        return cls(
            parts[0].layout,
            np.concatenate([p.codes for p in parts]),
            np.concatenate([p.values for p in parts]),
        )
