"""What every exact relation between the columns of a row offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools
from synthohive._readable import Readable

__all__ = ["Bools", "Relation"]


class Relation(Readable, ABC):
    """One column of a table that follows from others, wholly or in part.

    Column names of a parent (over the driving key) are written ``parent.column``.

    Attributes
    ----------
    target : str
        The column that is kept in the relation.
    sources : tuple of str
        The columns that it depends on.
    splits : bool
        Each source follows from the target alone.
    """

    splits: ClassVar[bool] = False
    target: str
    sources: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether the target follows wholly from its sources."""
        return True

    @property
    def strict(self) -> bool:
        """Whether the target is NULL wherever a source is."""
        return True

    def violations(self, rows: pa.Table) -> Bools:
        """Return the rows that break the relation; never one with a NULL in it."""
        target = rows.column(self.target)
        unequal = pc.not_equal(target, self.restore(rows, None, target.type))
        return np.asarray(pc.fill_null(unequal, False).to_numpy(), dtype=np.bool_)

    def alone(self, roots: pa.Table) -> Optional[Relation]:
        """Return what the target is in rows without a parent, if that is known."""
        return None

    def prepare(self, rows: pa.Table) -> Optional[pa.Array]:
        """Return what is modelled in place of the target, or None: it follows wholly."""
        return None

    @abstractmethod
    def restore(
        self,
        rows: pa.Table,
        modelled: Optional[pa.Array],
        type_: pa.DataType,
        rng: Optional[np.random.Generator] = None,
    ) -> pa.Array:
        """Return the target, of `type_`, from the sources and what was modelled."""

    def mend(self, rows: pa.Table) -> pa.Array:
        """Return the target made right, after its sources were changed."""
        target = rows.column(self.target)
        return self.restore(rows, None, target.type) if self.whole else target.combine_chunks()

    def invert(
        self,
        rows: pa.Table,
        source: str,
        modelled: Optional[pa.ChunkedArray],
        rng: np.random.Generator,
    ) -> Optional[pa.Array]:
        """Return a source that fits the target, and what was modelled in its place.

        NULL where there is none; None where the relation cannot tell.
        """
        return None

    @abstractmethod
    def __str__(self) -> str: ...
