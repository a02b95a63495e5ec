"""Columns that never come before others: modelled by the distance to them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Optional

import numpy as np
import pyarrow as pa

from synthohive.relational.relations.base import Bools, Relation
from synthohive.relational.relations.numbers import Floats, as_numbers, from_numbers

__all__ = ["Order"]


@dataclass(frozen=True)
class Order(Relation):
    """``target >= source`` or ``target <= source``; perhaps between two columns.

    Attributes
    ----------
    after : bool
        Whether the target is the greater one.
    step : float
        The grid of the distances; 0 for none.
    distance : bool
        The distance is modelled in place of the target.
    limit : str, optional
        A column on the target's other side.
    """

    kind: ClassVar[str] = "order"
    target: str
    source: str
    after: bool
    step: float
    distance: bool = True
    limit: Optional[str] = None

    @property
    def sources(self) -> tuple[str, ...]:  # type: ignore[override]
        """The other columns."""
        return (self.source,) if self.limit is None else (self.source, self.limit)

    @property
    def whole(self) -> bool:
        """Never: the distance is to be modelled."""
        return False

    @property
    def _sign(self) -> float:
        return 1.0 if self.after else -1.0

    def violations(self, rows: pa.Table) -> Bools:
        """Return the rows in which the target lies on the wrong side."""
        target = as_numbers(rows.column(self.target))
        wrong = self._sign * (target - as_numbers(rows.column(self.source))) < 0
        if self.limit is not None:
            wrong |= self._sign * (as_numbers(rows.column(self.limit)) - target) < 0
        return np.asarray(wrong, dtype=np.bool_)

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
            return self._clipped(start + self._sign * gaps, rows, type_)
        return self._clipped(as_numbers(modelled), rows, type_)

    def _clipped(self, numbers: Floats, rows: pa.Table, type_: pa.DataType) -> pa.Array:
        """Move what lies beyond the limit, then what lies on the wrong side of the source."""
        first, last = (np.fmax, np.fmin) if self.after else (np.fmin, np.fmax)
        right = numbers
        if self.limit is not None:
            right = last(right, as_numbers(rows.column(self.limit)))
        right = first(right, as_numbers(rows.column(self.source)))
        return from_numbers(np.where(np.isnan(numbers), numbers, right), type_)

    def mend(self, rows: pa.Table) -> pa.Array:
        """Move the target to the source where it lies on the wrong side."""
        target = rows.column(self.target)
        if not self.violations(rows).any():
            return target.combine_chunks()
        return self._clipped(as_numbers(target), rows, target.type)

    def invert(
        self,
        rows: pa.Table,
        source: str,
        modelled: Optional[pa.ChunkedArray],
        rng: np.random.Generator,
    ) -> Optional[pa.Array]:
        """Take the distance off the target."""
        if source != self.source or modelled is None or not self.distance:
            return None
        gaps = np.maximum(as_numbers(modelled), 0.0) * (self.step or 1.0)
        start = as_numbers(rows.column(self.target)) - self._sign * gaps
        return from_numbers(start, rows.schema.field(source).type)

    def __str__(self) -> str:
        sign, other = (">=", "<=") if self.after else ("<=", ">=")
        text = f"{self.target} {sign} {self.source}"
        return text if self.limit is None else f"{text}, {other} {self.limit}"

    def to_state(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Order:
        """Rebuild from :meth:`to_state`."""
        return cls(**state)
