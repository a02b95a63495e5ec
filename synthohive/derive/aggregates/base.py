"""What every column that follows from its row's children offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

import pyarrow as pa

from synthohive._readable import Readable
from synthohive.schema import ForeignKey

__all__ = ["Above", "Aggregate"]

Above = tuple[tuple[str, ForeignKey], ...]
"""Columns of children's other parents, as ``table.column``, each with the key to it."""


class Aggregate(Readable, ABC):
    """One column of a parent, made from its children over one key.

    Attributes
    ----------
    parent, target : str
    child : str
    key : ForeignKey
    above : tuple of (str, ForeignKey)
        The columns of the children's other parents that are needed beside them.
    beside : list of str
        The parent's columns that are needed, keys aside.
    """

    parent: str
    target: str
    child: str
    key: ForeignKey
    above: Above = ()

    @property
    def beside(self) -> list[str]:
        """The parent's columns that are needed, keys aside."""
        return []

    @property
    @abstractmethod
    def columns(self) -> list[str]:
        """The child's columns that are needed, key included."""

    @abstractmethod
    def values(
        self, parents: pa.Table, children: Iterable[pa.Table], kept: pa.ChunkedArray
    ) -> pa.Array:
        """Return the value of each parent row; what was modelled, `kept`, where there is none.

        Parameters
        ----------
        parents : pyarrow.Table
            With the columns that the key refers to, and those in :attr:`beside`.
        children : iterable of pyarrow.Table
            All children, block by block, with :attr:`columns` and the columns in `above`.
        kept : pyarrow.ChunkedArray
            What was modelled in the target's place, of each parent; its type is that of the result.
        """

    @abstractmethod
    def __str__(self) -> str: ...
