"""What every column that follows from its row's children offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Optional, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import IntArray
from synthohive._readable import Readable
from synthohive.schema import ForeignKey

__all__ = ["Above", "Aggregate", "Running"]


class Running(Protocol):
    """What is known of each parent's children, in whatever blocks they come."""

    def take(self, at: IntArray, rows: pa.Table) -> None:
        """Take children beside the parent row of each; -1 for none."""


Above = tuple[tuple[str, ForeignKey], ...]
"""Columns of children's other parents, as ``table.column``, each with the key to it."""


@dataclass(frozen=True)
class Aggregate(Readable, ABC):
    """One column of a parent, made from its children over one key.

    Attributes
    ----------
    parent, target : str
    child : str
    key : ForeignKey
    """

    parent: str
    target: str
    child: str
    key: ForeignKey

    @property
    def above(self) -> Above:
        """The columns of the children's other parents that are needed beside them."""
        return ()

    @property
    def beside(self) -> list[str]:
        """The parent's columns that are needed, keys aside."""
        return []

    @property
    @abstractmethod
    def columns(self) -> list[str]:
        """The child's columns that are needed, key included."""

    def values(
        self,
        parents: pa.Table,
        children: Iterable[tuple[IntArray, pa.Table]],
        kept: pa.ChunkedArray,
    ) -> pa.Array:
        """Return the value of each parent row; what was modelled, `kept`, where there is none.

        Parameters
        ----------
        parents : pyarrow.Table
            With the columns in :attr:`beside`.
        children : iterable of (ndarray of int64, pyarrow.Table)
            All children, block by block: the parent row of each, -1 for none, and rows with
            :attr:`columns` and the columns in `above`.
        kept : pyarrow.ChunkedArray
            What was modelled in the target's place, of each parent; its type is that of the result.
        """
        kept = kept.combine_chunks() if isinstance(kept, pa.ChunkedArray) else kept
        sums = self.running(len(kept))
        for at, rows in children:
            sums.take(at, rows)
        return pc.coalesce(self.made(parents, sums, kept), kept)

    @abstractmethod
    def running(self, parents: int) -> Running:
        """Return what takes the children of so many parents."""

    @abstractmethod
    def made(self, parents: pa.Table, sums: Any, kept: pa.Array) -> pa.Array:
        """Return the values by what was counted of the children; NULL where there is none."""

    @abstractmethod
    def confirmed(
        self, parents: pa.Table, sums: Any, step: float, k: int = 1
    ) -> Optional[Aggregate]:
        """Return the same with what is so in all real parents; None where it does not hold.

        Parameters
        ----------
        parents : pyarrow.Table
            With the target.
        sums : Running
            The real children.
        step : float
            The distance of neighbouring values of the target; 0 for none.
        k : int
            What fewer parents have is not kept.
        """

    @abstractmethod
    def __str__(self) -> str: ...
