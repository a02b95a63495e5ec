"""Years: of dates, and numbers that are some."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Floats
from synthohive.tables.numbers import as_numbers, from_numbers

__all__ = ["are_years", "years_of"]

_FIRST, _LAST = 1500, 2200
"""Between which whole numbers may be years."""


def years_of(seconds: Floats) -> Floats:
    """Return the year of each number of seconds since 1970; NaN for NULL."""
    # floor: what is nearer to the next second than to its own still belongs to this year.
    return as_numbers(pc.year(from_numbers(np.floor(seconds), pa.timestamp("s"))))


def are_years(values: pa.ChunkedArray) -> bool:
    """Tell whether all values are whole numbers as years are.

    Examples
    --------
    >>> [are_years(pa.chunked_array([values])) for values in ([1969, None, 2024], [162, 1990])]
    [True, False]
    """
    if not pa.types.is_integer(values.type) or values.null_count == len(values):
        return False
    ends = pc.min_max(values).as_py()
    return bool(ends["min"] >= _FIRST and ends["max"] <= _LAST)
