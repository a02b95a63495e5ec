"""What synthetic rows give away: copies of real rows and of real values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthohive.metrics.harmonise import array_of, as_text

__all__ = ["copied_rows", "copied_values", "copies_of_rows"]

LEAST = 300
"""Rows that tell whether equal ones are copies; look-up tables, kept on purpose, have fewer."""


def copied_rows(real: pa.Table, synthetic: pa.Table, columns: Sequence[str]) -> float:
    """Return the share of synthetic rows that are equal to a real one in `columns`.

    Rows of NULLs only are not counted as copies. Leave keys out: ``1, 2, 3`` is nobody's.

    Parameters
    ----------
    real, synthetic : pyarrow.Table
        In one form (:func:`~synthohive.metrics.harmonise.harmonised`): values are compared as
        text.
    columns : sequence of str
        That both have; 0 where there are none.

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> real = pa.table({"age": [31, 42], "town": ["Ulm", "Bonn"]})
    >>> copied_rows(real, pa.table({"age": [31, 31], "town": ["Ulm", "Bonn"]}), ["age", "town"])
    0.5
    """
    if not columns or not synthetic.num_rows or not real.num_rows:
        return 0.0
    # by hashes of 64 bits: of two times a million rows, any two that differ meet with a chance of
    # one in twenty million; rows as tuples of texts would take many times the memory
    hashes = _row_hashes(synthetic, columns)
    empty = np.ones(synthetic.num_rows, bool)
    for name in columns:
        empty &= np.asarray(pc.is_null(synthetic.column(name)))
    return float((np.isin(hashes, _row_hashes(real, columns)) & ~empty).mean())


def copied_values(real: Any, synthetic: Any) -> float:
    """Return the share of synthetic values, NULLs left out, that are real ones.

    Examples
    --------
    >>> copied_values(pa.array(["a", "b"]), pa.array(["a", "c", None, "a", "d"]))
    0.5
    """
    left, right = (as_text(array_of(side)).drop_null() for side in (real, synthetic))
    same = pc.is_in(right, value_set=left.combine_chunks())
    return float(pc.mean(same.cast(pa.float64())).as_py() or 0.0)


def copies_of_rows(real: pa.Table, synthetic: pa.Table, learned: Sequence[str]) -> Optional[float]:
    """Return :func:`copied_rows`; None where real rows are often equal themselves.

    Parameters
    ----------
    real, synthetic : pyarrow.Table
        In one form.
    learned : sequence of str
        Columns that are neither keys nor made up; what a side lacks is left out.
    """
    columns = [c for c in learned if c in real.column_names and c in synthetic.column_names]
    if not columns or len(real) < LEAST:
        return None
    if len(real.group_by(columns).aggregate([])) <= 0.9 * len(real):
        return None
    return copied_rows(real, synthetic, columns)


def _row_hashes(table: pa.Table, names: Sequence[str]) -> NDArray[np.uint64]:
    from pandas.util import hash_array

    total = np.zeros(table.num_rows, np.uint64)
    for name in names:
        text = pc.fill_null(as_text(array_of(table.column(name))), "\0null")
        objects = np.asarray(text.to_numpy(), dtype=object)
        hashes = np.asarray(hash_array(objects, categorize=len(objects) > 0), np.uint64)
        # The order of columns counts, so that (1, 2) is no copy of (2, 1).
        total = total * np.uint64(0x9E3779B97F4A7C15) + hashes
        total ^= total >> np.uint64(29)
    return total
