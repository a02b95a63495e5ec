"""What every column that follows from its row's children offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from synthohive._readable import Readable
from synthohive.schema import ForeignKey

__all__ = ["Aggregate"]


class Aggregate(Readable, ABC):
    """One column of a parent, made from its children over one key.

    Attributes
    ----------
    kind : str
        Name of the class in checkpoints.
    parent, target : str
    child : str
    key : ForeignKey
    """

    kind: ClassVar[str]
    parent: str
    target: str
    child: str
    key: ForeignKey

    @property
    @abstractmethod
    def columns(self) -> list[str]:
        """The child's columns that are needed, key included."""

    @abstractmethod
    def values(
        self, parents: pa.Table, children: Iterable[pa.Table], type_: pa.DataType
    ) -> pa.Array:
        """Return the value of each parent row, of `type_`; NULL leaves what was modelled."""

    def apply(self, block: pa.Table, made: pa.Array) -> pa.Table:
        """Return a block of parents with the column filled in."""
        place = block.column_names.index(self.target)
        kept = block.column(self.target).combine_chunks()
        return block.set_column(place, block.field(place), pc.coalesce(made, kept))

    @abstractmethod
    def __str__(self) -> str: ...

    @abstractmethod
    def to_state(self) -> dict[str, Any]:
        """Return a JSON-able form."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: dict[str, Any]) -> Aggregate:
        """Rebuild from :meth:`to_state`."""
