"""Histograms of real against synthetic values."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Floats
from synthohive.metrics.distances import shares
from synthohive.metrics.encode import measured, view_of
from synthohive.metrics.profile import frequent_categories
from synthohive.privacy.entities import Entities, entities_or_rows
from synthohive.schema import Column
from synthohive.schema.arrow_types import PER_SECOND

__all__ = ["Histogram", "histogram", "written"]

_BINS = 24  # bars of numbers
_BARS = 12  # of categories
_NULL = "NULL"
_LONG = " long"
_OTHER = "(other)"


@dataclass(frozen=True)
class Histogram:
    """Shares of the rows per bin or category.

    Attributes
    ----------
    labels : tuple of str
        What each bar is of: a category, or numbers from and to.
    real, synthetic : tuple of float
    categorical : bool
    axis : tuple of str
        Of numbers: where the axis begins, its middle, and where it ends.
    """

    labels: tuple[str, ...]
    real: tuple[float, ...]
    synthetic: tuple[float, ...]
    categorical: bool
    axis: tuple[str, ...] = ()


def histogram(
    column: Column, real: Any, synthetic: Any, k: int, entities: Optional[Entities] = None
) -> Histogram:
    """Return the chart of one column; what fewer than `k` real entities have is not shown.

    Shares of all rows, NULL a bar of its own, or of the numbers (lengths of texts) that are
    there; without bars where too few entities have any.

    Parameters
    ----------
    column : Column
    real, synthetic : pyarrow.Array or ChunkedArray
        In one form (:func:`~synthohive.metrics.harmonise.harmonised`).
    k : int
        A category of fewer entities is one of the others; a bar of numbers of fewer is empty,
        and the axis ends at protected bounds.
    entities : Entities, optional
        Those behind the real rows; each row is one of its own by default.
    """
    view = view_of(column, real)
    rows = np.asarray(pc.is_valid(real).to_numpy(zero_copy_only=False), dtype=np.bool_)
    own = entities_or_rows(entities, len(real)).take(rows)
    if view == "categories":
        return _bars(real, synthetic, k, own)
    type_ = real.type if view == "numbers" else None
    return _bins(measured(view, real), measured(view, synthetic), type_, k, own)


def _bars(real: Any, synthetic: Any, k: int, entities: Entities) -> Histogram:
    real_shares, synthetic_shares = shares(real), shares(synthetic)
    frequent = frequent_categories(real.drop_null(), entities, k)
    common = [name for name in real_shares if name is not None and name in frequent]
    shown = sorted(common, key=lambda name: (-real_shares[name], name))[:_BARS]
    sides = real_shares, synthetic_shares
    bars = [(name, *(side.get(name, 0.0) for side in sides)) for name in shown]
    nulls = [side.get(None, 0.0) for side in sides]
    bars += [(_NULL, *nulls)] if any(nulls) else []
    rest = [max(0.0, bool(side) - sum(bar[i] for bar in bars)) for i, side in enumerate(sides, 1)]
    bars += [(_OTHER, *rest)] if max(rest) > 1e-9 else []  # sums of shares are not quite 1
    labels, left, right = zip(*bars) if bars else ((), (), ())
    return Histogram(labels, left, right, True)


def _bins(
    real: Floats,
    synthetic: Floats,
    type_: Any,
    k: int,
    entities: Entities,
) -> Histogram:
    finite, own = real[np.isfinite(real)], entities.take(np.isfinite(real))
    # of fewer rows, both ends would be the mean of the same ones
    ends = own.ends(finite, k) if len(finite) >= 2 * k else None
    if ends is None:
        return Histogram((), (), (), False)
    edges, whole = _edges(*ends, type_)
    low, high = edges[0], edges[-1]
    clipped = np.clip(finite, low, high)
    counts, _ = np.histogram(clipped, edges)  # the last bin has its upper edge, too
    last = len(counts) - 1
    bins = np.clip(np.searchsorted(edges, clipped, side="right") - 1, 0, last)
    counts = np.where(own.holders(bins.astype(np.int64), len(counts)) < k, 0, counts)
    # what lies beyond the protected bounds counts in the outer bars, on both sides
    drawn = synthetic[np.isfinite(synthetic)]
    made, _ = np.histogram(np.clip(drawn, low, high), edges)
    every = np.concatenate([finite, drawn])
    beyond = bool(every.min() < low), bool(every.max() > high - whole)
    return Histogram(
        _spans(edges, type_, whole, beyond),
        tuple((counts / len(finite)).tolist()),
        tuple((made / max(1, len(synthetic))).tolist()),
        False,
        tuple(
            written(float(at), type_, edges[1] - edges[0])
            for at in (low, (low + high) / 2, high - whole)
        ),
    )


def _edges(low: float, high: float, type_: Any) -> tuple[Floats, bool]:
    """Return the edges of bins, and whether each holds as many whole numbers, up to its end.

    Bins of unequally many whole numbers would show a comb that is not in the data.
    """
    if type_ is None or pa.types.is_integer(type_) or pa.types.is_date32(type_):
        low, high = np.floor(low), np.ceil(high)
        width = np.ceil((high - low + 1) / _BINS)
        count = int(np.ceil((high - low + 1) / width))
        if np.all(np.diff(edges := low + width * np.arange(count + 1)) > 0):  # not beyond 2**53
            return edges, True
    return np.linspace(low, high if high > low else low + 1.0, _BINS + 1), False


def _spans(edges: Floats, type_: Any, whole: bool, beyond: tuple[bool, bool]) -> tuple[str, ...]:
    """Return what each bar is of; an outer one says so if it holds what lies beyond its end."""
    step = float(edges[1] - edges[0])
    labels = [_span(a, b, type_, whole, step) for a, b in zip(edges, edges[1:])]
    if len(labels) > 1:
        if beyond[0]:
            labels[0] = f"up to {written(float(edges[1] - whole), type_, step)}"
        if beyond[1]:
            first = written(float(edges[-2]), type_, step)
            long = f"{first.removesuffix(_LONG)} or longer"
            labels[-1] = long if type_ is None else f"from {first} on"
    return tuple(labels)


def _span(low: float, high: float, type_: Any, whole: bool, step: float) -> str:
    """Return what a bar is of; of whole numbers, the last one is in it."""
    first, last = (written(float(at), type_, step) for at in (low, high - whole))
    return first if first == last else f"{first.removesuffix(_LONG)} to {last}"


def written(number: float, type_: Any, step: float = 0.0) -> str:
    """Return a number the way its column would write it (None: a length).

    A moment is its day where bars, `step` wide, are days.
    """
    if type_ is None:
        return f"{number:.0f}{_LONG}"
    if pa.types.is_date32(type_):
        return str(np.datetime64(round(number), "D"))
    if pa.types.is_timestamp(type_) or pa.types.is_date64(type_):
        unit = "ms" if pa.types.is_date64(type_) else type_.unit
        moment = np.array([round(number)], f"datetime64[{unit}]").astype("datetime64[m]")
        day = PER_SECOND[unit] * 86_400
        return str(moment[0]).replace("T", " ") if step < day else str(moment[0].astype("M8[D]"))
    if pa.types.is_time(type_) or pa.types.is_duration(type_):
        seconds = number / PER_SECOND[type_.unit]
        minutes, second = divmod(round(seconds), 60)
        return f"{minutes // 60}:{minutes % 60:02d}:{second:02d}"
    if number == round(number) and abs(number) < 1e12:
        return f"{number:,.0f}"
    if 1e-4 <= step <= 1e12 and abs(number) < 1e12:  # no more decimals than tell bars apart
        return f"{number:,.{max(0, 1 - floor(log10(step)))}f}"
    return f"{number:.4g}"
