"""What synthetic rows give away: copies of real rows and values, distance to real records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthohive._arrays import Floats
from synthohive.schema.arrow_types import is_binary

__all__ = ["ClosestRecords", "copied_rows", "copied_values", "distance_to_closest_record"]

_SAMPLE = 5000
_CATEGORIES = 50


def copied_rows(
    real: pa.Table, synthetic: pa.Table, columns: Optional[Sequence[str]] = None
) -> float:
    """Return the share of synthetic rows that are equal to a real one in `columns`.

    Rows of NULLs only are not counted as copies.

    Parameters
    ----------
    columns : sequence of str, optional
        All columns of both tables by default. Leave keys out: ``1, 2, 3`` is nobody's.
    """
    names = list(columns) if columns is not None else _shared(real, synthetic)
    if not names or not synthetic.num_rows or not real.num_rows:
        return 0.0
    known = np.unique(_row_hashes(real, names))
    hashes = _row_hashes(synthetic, names)
    empty = np.ones(synthetic.num_rows, bool)
    for name in names:
        empty &= np.asarray(pc.is_null(synthetic.column(name)))
    return float((np.isin(hashes, known) & ~empty).mean())


def copied_values(real: Any, synthetic: Any) -> float:
    """Return the share of non-null synthetic values that are real ones."""
    made = synthetic.drop_null()
    if not len(made):
        return 0.0
    same = pc.is_in(_texts(made), value_set=_texts(real.drop_null()))
    return float(pc.mean(same.cast(pa.float64())).as_py())


@dataclass(frozen=True)
class ClosestRecords:
    """Distances to the closest training record, of synthetic and of held-out real rows.

    Attributes
    ----------
    synthetic, holdout : array of float
    closer : float
        Share of synthetic rows that are closer to the training rows than the 5 % closest
        held-out ones: about 0.05 where nothing was memorised.
    """

    synthetic: Floats
    holdout: Floats
    closer: float


def distance_to_closest_record(
    real: pa.Table,
    synthetic: pa.Table,
    columns: Optional[Sequence[str]] = None,
    *,
    holdout: Optional[pa.Table] = None,
    seed: int = 0,
    sample: int = _SAMPLE,
) -> ClosestRecords:
    """Compare how close synthetic rows and held-out real rows come to real rows.

    Parameters
    ----------
    holdout : pyarrow.Table, optional
        Real rows that were not trained on; half of `real` is set aside by default.
    sample : int
        Rows of each table to look at.
    """
    from sklearn.neighbors import NearestNeighbors

    rng = np.random.Generator(np.random.Philox(seed))
    names = list(columns) if columns is not None else _shared(real, synthetic)
    if holdout is None:
        order = rng.permutation(real.num_rows)
        middle = real.num_rows // 2
        real, holdout = real.take(order[:middle]), real.take(order[middle:])
    parts = [_sampled(table, sample, rng) for table in (real, synthetic, holdout)]
    if not all(part.num_rows for part in parts):
        return ClosestRecords(np.zeros(0), np.zeros(0), 0.0)
    trained, made, kept = _encode(parts, names)
    near = NearestNeighbors(n_neighbors=1).fit(trained)
    made_distance = near.kneighbors(made)[0][:, 0]
    kept_distance = near.kneighbors(kept)[0][:, 0]
    closer = float((made_distance < np.quantile(kept_distance, 0.05)).mean())
    return ClosestRecords(made_distance, kept_distance, closer)


def _shared(real: pa.Table, synthetic: pa.Table) -> list[str]:
    return [name for name in real.column_names if name in synthetic.column_names]


def _sampled(table: pa.Table, size: int, rng: np.random.Generator) -> pa.Table:
    if table.num_rows <= size:
        return table
    return table.take(np.sort(rng.choice(table.num_rows, size, replace=False)))


def _texts(values: Any) -> Any:
    """Return values as text, bytes as their digits: not all of them are a text."""
    if is_binary(values.type):
        digits = [None if v is None else v.hex() for v in values.to_pylist()]
        return pa.chunked_array([pa.array(digits, pa.string())])
    return values.cast(pa.string(), safe=False)


def _row_hashes(table: pa.Table, names: list[str]) -> NDArray[np.uint64]:
    from pandas.util import hash_array

    total = np.zeros(table.num_rows, np.uint64)
    for name in names:
        text = pc.fill_null(_texts(table.column(name)), "\0null")
        objects = np.asarray(text.to_numpy(), dtype=object)
        hashes = np.asarray(hash_array(objects, categorize=len(objects) > 0), np.uint64)
        total = total * np.uint64(0x9E3779B97F4A7C15) + hashes
        total ^= total >> np.uint64(29)
    return total


def _encode(tables: list[pa.Table], names: Sequence[str]) -> list[Floats]:
    """Return rows as points: ranks of numbers, one position per frequent category."""
    sizes = np.cumsum([table.num_rows for table in tables])[:-1]
    blocks = []
    for name in names:
        type_ = tables[0].column(name).type
        columns = [table.column(name).cast(type_) for table in tables]
        values = pa.chunked_array([c for column in columns for c in column.chunks], type_)
        blocks.append(_ranks(values) if _is_ordered(type_) else _indicators(values))
    return [np.asarray(part) for part in np.split(np.hstack(blocks), sizes)]


def _is_ordered(type_: pa.DataType) -> bool:
    tests: Mapping[str, Any] = vars(pa.types)
    return any(
        tests[f"is_{kind}"](type_) for kind in ("integer", "floating", "decimal", "temporal")
    )


def _ranks(values: pa.ChunkedArray) -> Floats:
    ranks = np.asarray(pc.rank(values, tiebreaker="min"), np.float64)
    return np.asarray(ranks / max(1.0, ranks.max()))[:, None]


def _indicators(values: pa.ChunkedArray) -> Floats:
    text = pc.fill_null(values.cast(pa.string(), safe=False), "\0null")
    encoded = text.combine_chunks().dictionary_encode()
    codes = np.asarray(encoded.indices)
    counts = np.bincount(codes, minlength=1)
    frequent = np.argsort(-counts, kind="stable")[:_CATEGORIES]
    # A differing category is as far as the two ends of a number's range.
    return np.asarray((codes[:, None] == frequent[None, :]) / np.sqrt(2.0), np.float64)
