"""Columns that never come before others: modelled by the distance to them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Optional

import numpy as np
import pyarrow as pa

from synthohive.relational.relations.base import Bools, Relation
from synthohive.relational.relations.numbers import as_numbers, from_numbers

__all__ = ["Order"]


@dataclass(frozen=True)
class Order(Relation):
    """``target >= source`` or ``target <= source``.

    Attributes
    ----------
    after : bool
        Whether the target is the greater one.
    step : float
        The grid of the distances; 0 for none.
    distance : bool
        The distance is modelled in place of the target.
    """

    kind: ClassVar[str] = "order"
    target: str
    source: str
    after: bool
    step: float
    distance: bool = True

    @property
    def sources(self) -> tuple[str, ...]:  # type: ignore[override]
        """The other column."""
        return (self.source,)

    @property
    def whole(self) -> bool:
        """Never: the distance is to be modelled."""
        return False

    @property
    def _sign(self) -> float:
        return 1.0 if self.after else -1.0

    def violations(self, rows: pa.Table) -> Bools:
        """Return the rows in which the target lies on the wrong side."""
        beyond = as_numbers(rows.column(self.target)) - as_numbers(rows.column(self.source))
        return np.asarray(self._sign * beyond < 0, dtype=np.bool_)

    def prepare(self, rows: pa.Table) -> Optional[pa.Array]:
        """Return the distance, in steps where there are any."""
        target = rows.column(self.target)
        if not self.distance:
            return target.combine_chunks()
        gaps = self._sign * (as_numbers(target) - as_numbers(rows.column(self.source)))
        if self.step:
            return from_numbers(gaps / self.step, pa.int64())
        return from_numbers(gaps, pa.float64())

    def restore(
        self,
        rows: pa.Table,
        modelled: Optional[pa.Array],
        type_: pa.DataType,
        rng: Optional[np.random.Generator] = None,
    ) -> pa.Array:
        """Add the distance; a negative one counts as none."""
        if modelled is None:
            raise ValueError(f"{self.target!r} needs the distance that was modelled")
        start = as_numbers(rows.column(self.source))
        if self.distance:
            gaps = np.maximum(as_numbers(modelled), 0.0) * (self.step or 1.0)
            return from_numbers(start + self._sign * gaps, type_)
        return self._clipped(as_numbers(modelled), start, type_)

    def _clipped(self, numbers: Any, start: Any, type_: pa.DataType) -> pa.Array:
        limit = np.maximum if self.after else np.minimum
        right = np.where(np.isnan(start) | np.isnan(numbers), numbers, limit(numbers, start))
        return from_numbers(right, type_)

    def mend(self, rows: pa.Table) -> pa.Array:
        """Move the target to the source where it lies on the wrong side."""
        target = rows.column(self.target)
        if not self.violations(rows).any():
            return target.combine_chunks()
        start = as_numbers(rows.column(self.source))
        return self._clipped(as_numbers(target), start, target.type)

    def __str__(self) -> str:
        return f"{self.target} {'>=' if self.after else '<='} {self.source}"

    def to_state(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Order:
        """Rebuild from :meth:`to_state`."""
        return cls(**state)
