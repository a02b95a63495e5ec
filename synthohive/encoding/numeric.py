"""Integers, decimals and floats."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from synthohive._arrays import Codes, Floats32
from synthohive.encoding.base import ColumnTransform, Summary
from synthohive.encoding.canonical import restore
from synthohive.encoding.encoded import Layout
from synthohive.encoding.modes import Modes
from synthohive.schema.arrow_types import limits

__all__ = ["Numeric"]


@dataclass(eq=False)
class Numeric(ColumnTransform):
    """A number as a mode of the distribution and a position in that mode.

    Values that are much more frequent than others get a code of their own, like NULL
    and NaN. Decoded numbers lie on the grid of the real ones (whole numbers, two
    decimals, multiples of 5) and inside bounds that `k` entities exceed.
    """

    name = "numeric"
    modes_: Modes = field(init=False)

    def fit(self, summary: Summary, seed: np.random.SeedSequence) -> Numeric:
        """Learn modes, single values, bounds and grid."""
        type_ = self.column.arrow_type
        self.modes_ = Modes.fit(
            summary.value,
            {"null": summary.nulls, **summary.special},
            self.settings,
            seed,
            limits=self._limits(),
            natural=self._natural(),
            single=type_ in (pa.float32(), pa.float16()),
        )
        return self

    def _limits(self) -> tuple[int, int]:
        """Return what the column's type can hold."""
        return limits(self.column.arrow_type)

    def _natural(self) -> tuple[int, ...]:
        """Grids that make sense; any."""
        return ()

    @property
    def layout(self) -> Layout:
        """One discrete block, and one continuous block if there is any mode."""
        return self.modes_.layout(self.column.name)

    @property
    def null_code(self) -> int:
        """The code for NULL, or -1."""
        return self.modes_.null_code

    def encode(self, values: pa.Array, rng: np.random.Generator) -> tuple[Codes, Floats32]:
        """Return mode and position."""
        codes, positions = self.modes_.encode(self.plain(values), rng)
        return codes[:, None], positions

    def decode(self, codes: Codes, values: Floats32, rng: np.random.Generator) -> pa.Array:
        """Return numbers of the column's type; see the base class."""
        return restore(self.modes_.decode(codes[:, 0], values, rng), self.column.arrow_type)
