"""What a child row knows of its parents: the context that models are conditioned on."""

from __future__ import annotations

from collections.abc import Collection
from typing import Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Codes, Floats32, IntArray
from synthohive.encoding.encoded import Continuous, Discrete, EncodedTable, Layout

__all__ = ["group_block", "keep_columns", "positions_in_groups", "time_block"]


_PARTS = {  # how each is found, its least value, and how many there are
    "month": (pc.month, 1, 12),
    "day": (pc.day, 1, 31),
    "weekday": (pc.day_of_week, 0, 7),
    "hour": (pc.hour, 0, 24),
}
_YEAR = 365.25 * 86_400


def positions_in_groups(
    parents: IntArray, ranks: Optional[IntArray] = None
) -> tuple[IntArray, IntArray]:
    """Return each row's position inside its parent's group, and the group's size.

    Rows without a parent (-1) are groups of their own. `ranks` say in which order the rows
    of a group stand; as they come if None.
    """
    ranks = np.arange(len(parents)) if ranks is None else ranks
    order = np.lexsort((ranks, parents))
    ordered = parents[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(order) else order
    sizes = np.diff(np.r_[starts, len(order)])
    position = np.empty(len(parents), dtype=np.int64)
    size = np.empty(len(parents), dtype=np.int64)
    # Sorted by group, a position is the distance to where the group begins.
    position[order] = np.arange(len(order)) - np.repeat(starts, sizes)
    size[order] = np.repeat(sizes, sizes)
    alone = parents < 0
    position[alone], size[alone] = 0, 1
    return position, size


def group_block(
    positions: IntArray, sizes: IntArray, largest: int, thinning: float = 1.0
) -> EncodedTable:
    """Encode the place in the group, relative and counted, and the group's size, in [-1, 1].

    Parameters
    ----------
    positions, sizes : ndarray of int64, shape (rows,)
    largest : int
        Largest group of the full table; without more than one row in any, there is no block.
    thinning : float
        How many times larger the groups of the full table are, where only a sample was read.
    """
    if largest <= 1:
        return EncodedTable.empty(len(positions))
    scale = np.log1p(largest)
    # Logarithms: the second row differs from the first, the 102nd hardly from the 101st.
    shares = [
        (positions + 0.5) / np.maximum(sizes, 1),
        np.log1p(positions * thinning) / scale,
        np.log1p(sizes * thinning) / scale,
    ]
    names = ("__place__", "__position__", "__group_size__")
    return EncodedTable(
        Layout(continuous=tuple(Continuous(name) for name in names)),
        np.empty((len(positions), 0), dtype=np.int32),
        np.clip(np.stack(shares, axis=1) * 2.0 - 1.0, -1.0, 1.0).astype(np.float32),
    )


def time_block(times: pa.Table) -> EncodedTable:
    """Encode points in time that are known beforehand: month, day, weekday, hour, and years.

    Parameters
    ----------
    times : pyarrow.Table
        Without NULL; any number of columns.
    """
    discrete: list[Discrete] = []
    codes: list[Codes] = []
    years: list[Floats32] = []
    for name, column in zip(times.column_names, times.columns):
        moments = column.cast(pa.timestamp("s"), safe=False)
        for part, (find, first, size) in _PARTS.items():
            discrete.append(Discrete(f"__{part} of {name}__", size))
            codes.append(np.asarray(find(moments).to_numpy() - first, dtype=np.int32))
        since = moments.to_numpy().astype(np.float64) / _YEAR - 30.0  # the year 2000
        years.append(np.clip(since / 50.0, -1.0, 1.0).astype(np.float32))
    rows = len(times)
    return EncodedTable(
        Layout(tuple(discrete), tuple(Continuous(f"__{n}__") for n in times.column_names)),
        np.stack(codes, axis=1) if codes else np.empty((rows, 0), dtype=np.int32),
        np.stack(years, axis=1) if years else np.empty((rows, 0), dtype=np.float32),
    )


def keep_columns(encoded: EncodedTable, columns: Optional[Collection[str]]) -> EncodedTable:
    """Return only the blocks of some columns; all of them if `columns` is None."""
    if columns is None:
        return encoded
    layout = encoded.layout
    kept = [i for i, b in enumerate(layout.discrete) if b.column in columns]
    floats = [i for i, b in enumerate(layout.continuous) if b.column in columns]
    moved = {old: new for new, old in enumerate(kept)}
    continuous = (layout.continuous[i] for i in floats)
    return EncodedTable(
        Layout(
            tuple(layout.discrete[i] for i in kept),
            tuple(
                Continuous(b.column, None if b.modes is None else moved.get(b.modes), b.active)
                for b in continuous
            ),
        ),
        encoded.codes[:, kept],
        encoded.values[:, floats],
    )
