"""Can a classifier tell synthetic rows from real ones? The classifier two-sample test.

Gradient-boosted trees are trained to tell the two apart, three-fold; the area under their ROC
curve is 0.5 where they cannot, and 1.0 where they always can (Lopez-Paz & Oquab, "Revisiting
classifier two-sample tests", 2017).
"""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any, Optional

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthohive.schema import Column, ForeignKey, Metadata
from synthohive.validation.association import comparable_columns, floats_of
from synthohive.validation.encode import Floats, as_categories, view_of
from synthohive.validation.joins import parent_rows, with_parent
from synthohive.validation.trees import scores_of

__all__ = ["c2st", "labelled_features", "with_children", "with_parents"]

ROWS = 20_000
"""Rows of each side that are looked at, at most."""
_LEVELS = 200
_FOLDS = 3


def c2st(
    real: pa.Table,
    synthetic: pa.Table,
    columns: Mapping[str, Column],
    *,
    groups: Optional[tuple[NDArray[np.int64], NDArray[np.int64]]] = None,
    seed: int = 0,
) -> float:
    """Return the area under the ROC curve of a classifier of real and synthetic rows.

    Parameters
    ----------
    real, synthetic : pyarrow.Table
        At most 20,000 rows of each are used, drawn at random; of equal number.
    columns : mapping of str to Column
        Which columns to look at. Texts that hardly repeat are left out.
    groups : tuple of ndarray of int64, optional
        The group of each row of both sides, from 0; a group is never in two folds, where
        both sides have three or more. Without it, a
        classifier knows rows by what they have in common with others of their group, such
        as their parent's values, though nothing is wrong with them.
    seed : int, default 0
        Of the draw, the folds and the classifier.

    Returns
    -------
    float
        0.5 (nothing tells them apart) to 1.0; never below 0.5.
    """
    from sklearn.metrics import roc_auc_score

    features, labels, _ = labelled_features(real, synthetic, columns, seed)
    if not features.size:
        return 0.5
    scores = np.zeros(len(labels))
    owners = None
    if groups is not None:
        taken = _drawn(groups[0], groups[1], seed)
        owners = np.concatenate([g[rows] for g, rows in zip(groups, taken)])
    for train, test in _folds(labels, owners, seed):
        scores[test] = scores_of(features[train], labels[train], features[test], seed)
    area = float(roc_auc_score(labels, scores))
    return max(area, 1.0 - area)


def labelled_features(
    real: pa.Table, synthetic: pa.Table, columns: Mapping[str, Column], seed: int
) -> tuple[Floats, NDArray[np.int64], list[str]]:
    """Return rows of both sides as numbers, 0 (real) or 1 for each, and the columns' names.

    Empty where there are fewer than ten rows of each, or no column to look at.
    """
    drawn = _drawn(real, synthetic, seed)
    rows = len(drawn[0])
    sides = [t.take(pa.array(rows)) for t, rows in zip((real, synthetic), drawn)]
    chosen = comparable_columns(sides[0], columns)
    if rows < 10 or not chosen:
        return np.zeros((0, 0)), np.zeros(0, np.int64), []
    features = np.stack([_feature(c, sides) for c in chosen], axis=1)
    return features, np.repeat(np.array([0, 1]), rows), [c.name for c in chosen]


def _drawn(real: Sized, synthetic: Sized, seed: int) -> list[NDArray[np.int64]]:
    """Return which rows of both sides are looked at."""
    rng = np.random.default_rng(seed)
    rows = min(len(real), len(synthetic), ROWS)
    return [np.sort(rng.permutation(len(side))[:rows]) for side in (real, synthetic)]


def _folds(
    labels: NDArray[np.int64], owners: Optional[NDArray[np.int64]], seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    from sklearn.model_selection import StratifiedKFold

    if owners is not None:
        _, first, group = np.unique(owners, return_index=True, return_inverse=True)
        side = labels[first]
        if min(len(np.unique(owners[labels == label])) for label in (0, 1)) >= _FOLDS:
            shuffled = np.random.default_rng(seed).permutation(len(side))
            fold = np.empty(len(side), np.int64)
            fold[shuffled[np.argsort(side[shuffled], kind="stable")]] = np.arange(len(side))
            of_row = fold[group.reshape(-1)] % _FOLDS
            return [
                (np.flatnonzero(of_row != i), np.flatnonzero(of_row == i)) for i in range(_FOLDS)
            ]
    return list(StratifiedKFold(_FOLDS, shuffle=True, random_state=seed).split(labels, labels))


def _feature(column: Column, sides: list[pa.Table]) -> Floats:
    arrays = [side.column(column.name).combine_chunks() for side in sides]
    if view_of(column, arrays[0]) == "numbers":
        return np.concatenate([floats_of(array) for array in arrays])
    codes = pa.concat_arrays([as_categories(a) for a in arrays]).dictionary_encode()
    found = np.asarray(codes.indices.fill_null(-1), np.int64)
    counts = np.bincount(found[found >= 0], minlength=1)
    rank = np.argsort(np.argsort(-counts, kind="stable"), kind="stable")
    return np.where(found < 0, np.nan, np.minimum(rank[found], _LEVELS)).astype(np.float64)


def with_children(
    tables: Mapping[str, pa.Table], metadata: Metadata, table: str
) -> tuple[pa.Table, dict[str, Column]]:
    """Return a table's rows beside aggregates of their children over each key.

    These are the children's number, and the mean, least and greatest of each number column.
    """
    config, rows = metadata.tables[table], tables[table]
    columns = {n: c for n, c in config.stored.items() if n not in config.key_columns}
    arrays: dict[str, Any] = {name: rows.column(name) for name in columns}
    for child, key in metadata.foreign_keys():
        if key.parent != table:
            continue
        for name, values in _aggregates(tables[child], rows, metadata, child, key).items():
            arrays[name] = values
            columns[name] = Column(name=name, kind="float", arrow="double")
    return pa.table(arrays), columns


def _aggregates(
    child: pa.Table, parent: pa.Table, metadata: Metadata, name: str, key: ForeignKey
) -> dict[str, Any]:
    config = metadata.tables[name]
    at = parent_rows(child, key, parent)
    label = f"{name}({', '.join(key.columns)})"
    known = np.flatnonzero(at >= 0)
    number = np.bincount(at[known], minlength=len(parent)).astype(np.float64)
    found: dict[str, Any] = {f"count of {label}": number}
    for column in config.stored.values():
        array = child.column(column.name).combine_chunks()
        if column.name in config.key_columns or view_of(column, array) != "numbers":
            continue
        values = floats_of(array)
        rows = known[~np.isnan(values[known])]
        low, high = np.full(len(parent), np.inf), np.full(len(parent), -np.inf)
        np.minimum.at(low, at[rows], values[rows])
        np.maximum.at(high, at[rows], values[rows])
        total = np.bincount(at[rows], weights=values[rows], minlength=len(parent))
        count = np.bincount(at[rows], minlength=len(parent))
        empty = count == 0
        for what, made in (("mean", total / np.maximum(count, 1)), ("min", low), ("max", high)):
            found[f"{what} {column.name} of {label}"] = np.where(empty, np.nan, made)
    return found


def with_parents(
    tables: Mapping[str, pa.Table], metadata: Metadata, table: str
) -> tuple[pa.Table, dict[str, Column]]:
    """Return a table's rows beside the columns of their parents over each key."""
    config, rows = metadata.tables[table], tables[table]
    columns = {n: c for n, c in config.stored.items() if n not in config.key_columns}
    arrays: dict[str, Any] = {name: rows.column(name) for name in columns}
    for key in config.foreign_keys:
        above, more = with_parent(tables, metadata, table, key)
        arrays.update({name: above.column(name) for name in more})
        columns.update(more)
    return pa.table(arrays), columns
