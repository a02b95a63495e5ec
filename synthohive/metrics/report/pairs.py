"""The pairs of columns that go together least as they do in the real rows, as small tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Floats, IntArray
from synthohive.metrics.associations import Associated
from synthohive.metrics.distances import tvd_of_codes
from synthohive.metrics.encode import as_categories, floats_of, view_of
from synthohive.metrics.profile import frequent_categories, profile_column
from synthohive.metrics.report.histograms import written
from synthohive.privacy.entities import Entities, entities_or_rows
from synthohive.schema import Column

__all__ = ["JointTable", "joint_tables"]

_ROWS = 20_000  # looked at: a share is then right to 0.004
_CELLS = 6  # of a column, beside those of NULL and of what is rare
_MOST = 6  # pairs shown
_NULL = "NULL"
_OTHER = "(other)"

Shares = tuple[tuple[Optional[float], ...], ...]


@dataclass(frozen=True)
class JointTable:
    """How often values of two columns come together.

    Attributes
    ----------
    a, b : str
    a_labels, b_labels : tuple of str
        Categories, or ranges of numbers and times; NULL and what is rare come last.
    real, synthetic : tuple of tuple of float
        Shares of the rows, ``[a][b]``. None: fewer than `k` real entities, and not none.
    association : Associated
        How strongly they go together on each side.
    tvd : float
        Total variation distance of the two tables.
    """

    a: str
    b: str
    a_labels: tuple[str, ...]
    b_labels: tuple[str, ...]
    real: Shares
    synthetic: Shares
    association: Associated
    tvd: float


@dataclass(frozen=True)
class _Coarse:
    """A column in a few cells, on both sides."""

    labels: tuple[str, ...]
    real: IntArray
    synthetic: IntArray


def joint_tables(
    real: pa.Table,
    synthetic: pa.Table,
    columns: Sequence[Column],
    associations: Sequence[Associated],
    k: int,
    entities: Optional[Entities] = None,
) -> tuple[JointTable, ...]:
    """Return the pairs that differ by more than their columns do by themselves, the worst first.

    Parameters
    ----------
    real, synthetic : pyarrow.Table
        In one form.
    columns : sequence of Column
        Those of which each two are looked at.
    associations : sequence of Associated
        Of each two of them.
    k : int
        Entities behind each cell of real rows, and behind each bound of a range.
    entities : Entities, optional
        Those behind the real rows; each row is one by default.
    """
    if len(real) < k or not len(synthetic):
        return ()
    at, also = (np.arange(0, len(t), max(1, len(t) // _ROWS)) for t in (real, synthetic))
    own = entities_or_rows(entities, len(real)).take(at)
    sides = real.take(pa.array(at)), synthetic.take(pa.array(also))
    coarse = {column.name: _coarse(column, *sides, k, own) for column in columns}
    alone = {name: tvd_of_codes(c.real, c.synthetic) for name, c in coarse.items()}
    strengths = {(p.a, p.b): p for p in associations}
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for a, b in combinations(coarse, 2):
        tvd = tvd_of_codes(*_cells(coarse[a], coarse[b]))
        # what the columns themselves are off by shows in their own charts
        excess = max(tvd - max(alone[a], alone[b]), strengths[a, b].difference)
        found[a, b] = excess, tvd
    worst = sorted((pair for pair in found if found[pair][0] > 0), key=lambda p: -found[p][0])
    return tuple(
        _joint_table(pair, coarse, strengths[pair], found[pair][1], k, own)
        for pair in worst[:_MOST]
    )


def _joint_table(
    pair: tuple[str, str],
    coarse: Mapping[str, _Coarse],
    strength: Associated,
    tvd: float,
    k: int,
    entities: Entities,
) -> JointTable:
    a, b = (coarse[name] for name in pair)
    shape, size = (len(a.labels), len(b.labels)), len(a.labels) * len(b.labels)
    left, right = _cells(a, b)
    holders = entities.holders(left, size)
    counts = np.bincount(left, minlength=size)
    few = ((counts > 0) & (holders < k)).reshape(shape)
    real = (counts / len(left)).reshape(shape)
    made = (np.bincount(right, minlength=size) / len(right)).reshape(shape)
    sides = _rows(np.where(few, None, real)), _rows(made)  # type: ignore[call-overload]
    return JointTable(*pair, a.labels, b.labels, *sides, strength, tvd)


def _rows(values: Any) -> Shares:
    return tuple(tuple(row) for row in values.tolist())


def _cells(a: _Coarse, b: _Coarse) -> tuple[IntArray, IntArray]:
    """Return both columns' cells as one number, on both sides."""
    size = len(b.labels)
    return a.real * size + b.real, a.synthetic * size + b.synthetic


def _coarse(
    column: Column, real: pa.Table, synthetic: pa.Table, k: int, entities: Entities
) -> _Coarse:
    values = real.column(column.name), synthetic.column(column.name)
    if view_of(column, values[0]) == "numbers":
        edges = _edges(column, values[0], k, entities)
        type_ = values[0].type
        step = float(np.diff(edges).min(initial=np.inf))
        labels = _ranges([written(float(edge), type_, step) for edge in edges])
        sides = [_ranged(floats_of(side), edges) for side in values]
    else:
        known = entities.take(np.asarray(values[0].is_valid()))
        shares = frequent_categories(values[0].drop_null(), known, k)
        shares = {name: share for name, share in shares.items() if not name.startswith("\0")}
        labels = sorted(shares, key=lambda name: (-shares[name], name))[:_CELLS]
        sides = [_named(side, labels) for side in values]
        labels = [*labels, _OTHER]
    return _Coarse((*labels, _NULL), *sides)


def _edges(column: Column, values: Any, k: int, entities: Entities) -> Floats:
    """Return bounds that part the values into equal shares, none of them a single entity's."""
    profile = profile_column(column, values, entities, k)
    if not len(profile.points):
        return np.zeros(0)
    at = np.searchsorted(profile.upto, np.linspace(0, 1, _CELLS + 1)[1:-1])
    # one that all values lie above, or below, parts nothing
    return np.unique(profile.points[np.minimum(at, len(profile.points) - 1)])


def _ranges(edges: Sequence[str]) -> list[str]:
    if not edges:
        return ["any"]
    inner = [f"{low} – {high}" for low, high in zip(edges, edges[1:])]
    return [f"≤ {edges[0]}", *inner, f"> {edges[-1]}"]


def _ranged(numbers: Floats, edges: Floats) -> IntArray:
    cells = np.searchsorted(edges, numbers, side="left")
    return np.where(np.isnan(numbers), len(edges) + 1, cells).astype(np.int64)


def _named(values: Any, labels: Sequence[str]) -> IntArray:
    texts = as_categories(values)
    places = pc.index_in(texts, value_set=pa.array(labels, pa.string()))
    cells = np.asarray(places.fill_null(len(labels)), np.int64)  # the others
    missing = np.asarray(pc.is_null(texts))
    return np.where(missing, len(labels) + 1, cells).astype(np.int64)
