"""In which rows nothing stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools

__all__ = ["any_blank", "any_null"]


def any_null(data: pa.Table, columns: Sequence[str]) -> Bools:
    """Return in which rows any of some columns is NULL."""
    missing = np.zeros(len(data), dtype=bool)
    for name in columns:
        missing |= pc.is_null(data.column(name)).to_numpy(zero_copy_only=False)
    return missing


def any_blank(values: Any) -> Bools:
    """Return in which rows a text is empty."""
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return np.zeros(len(values), dtype=np.bool_)
    blank = pc.fill_null(pc.equal(values, pa.scalar("", values.type)), False)
    return np.array(blank.to_numpy(zero_copy_only=False), dtype=np.bool_)
