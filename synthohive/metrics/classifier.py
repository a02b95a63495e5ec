"""Can a classifier tell synthetic rows from real ones, and by which columns? The two-sample test.

Gradient-boosted trees are trained to tell the two apart, three-fold; the area under their ROC
curve is 0.5 where they cannot, and 1.0 where they always can (Lopez-Paz & Oquab, "Revisiting
classifier two-sample tests", 2017).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Floats, IntArray
from synthohive.exceptions import SchemaError
from synthohive.metrics.associations import comparable_columns
from synthohive.metrics.encode import features_of
from synthohive.metrics.harmonise import Columns, Tables, harmonised, harmonised_pair
from synthohive.metrics.joins import (
    attributes,
    child_shares,
    parent_rows,
    read_tables,
    rows_of,
    with_children,
    with_parents,
)
from synthohive.metrics.sequences import order_column, with_previous
from synthohive.metrics.trees import Trees
from synthohive.schema import Column, ForeignKey, Metadata

__all__ = [
    "FeatureAttribution",
    "area_told",
    "c2st",
    "c2st_aggregates",
    "c2st_over_key",
    "c2st_sequences",
    "c2st_with_children",
    "c2st_with_parents",
    "feature_attribution",
]

ROWS = 20_000
"""Rows of each side that are looked at, at most."""
_FOLDS = 3  # of the cross-validation


@dataclass(frozen=True)
class FeatureAttribution:
    """What a classifier of real and synthetic rows loses without a column.

    Attributes
    ----------
    column : str
    drop : float
        How much less of the area under the ROC curve is left when the column's values are
        shuffled among held-out rows.
    alone : float
        The area that a classifier reaches with this column alone; 0.5 where its distribution
        is right, and only what it goes with is wrong.

    Examples
    --------
    >>> FeatureAttribution("total", drop=0.2, alone=0.5).column  # right alone, wrong beside others
    'total'
    """

    column: str
    drop: float
    alone: float


def c2st(
    real: Any,
    synthetic: Any,
    columns: Columns = None,
    *,
    groups: Optional[tuple[Any, Any]] = None,
    seed: int = 0,
    quick: bool = False,
) -> float:
    """Return the area under the ROC curve of a classifier of real and synthetic rows.

    Parameters
    ----------
    real, synthetic : DataFrame, pyarrow.Table or dict of columns
        At most 20,000 rows of each are used, drawn at random; of equal number.
    columns : collection of str, or dict of str to Column, optional
        Those to look at, and what they are; by default all that both sides have, and what
        their values can be read as. Leave out keys, by which rows are known though nothing is
        wrong with them. Texts that hardly repeat are not looked at.
    groups : tuple of two arrays, of shapes (real rows,) and (synthetic rows,), optional
        The group of each row, NULL for none. A group is never in two folds, where both sides
        have three or more. Without it, a classifier knows rows by what they have in common
        with others of their group, such as their parent's values.
    seed : int, default 0
        Of the draw, the folds and the classifier.
    quick : bool, default False
        Fewer and smaller trees, which take a fifth of the time: enough for some thousand rows.

    Returns
    -------
    float
        0.5 (nothing tells them apart, or there are fewer than ten rows) to 1.0; never less.

    References
    ----------
    Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", 2017.

    Examples
    --------
    >>> import numpy as np
    >>> x, noise = np.random.default_rng(1).normal(size=(2, 400))
    >>> c2st({"x": x, "y": x}, {"x": noise, "y": -noise}) > 0.9
    True
    """
    found, (left, right) = harmonised(columns, real, synthetic)
    owners = None if groups is None else _owners(groups, left, right, seed)
    features, labels, _ = _labelled(left, right, found, seed)
    return area_told(features, labels, owners, seed, quick) if features.size else 0.5


def area_told(
    features: Floats,
    labels: IntArray,
    owners: Optional[IntArray] = None,
    seed: int = 0,
    quick: bool = False,
) -> float:
    """Return the area under the ROC curve of trees that tell two kinds of rows apart.

    Parameters
    ----------
    features : ndarray of float, shape (rows, columns)
    labels : ndarray of int64, shape (rows,)
        0 or 1, each of three rows at least.
    owners : ndarray of int64, shape (rows,), optional
        The group of each row.
    seed : int
    quick : bool
        Fewer and smaller trees.
    """
    from sklearn.metrics import roc_auc_score

    scores = np.zeros(len(labels))
    # each row by trees that have not seen it: those that have know it by heart
    for train, test in _folds(labels, owners, seed):
        trees = Trees(features[train], labels[train], seed, quick=quick)
        scores[test] = trees.scores(features[test])
    # below 0.5 the classifier is wrong by rule, which tells the sides apart as well
    area = float(roc_auc_score(labels, scores))
    return max(area, 1.0 - area)


def c2st_with_children(
    real: Tables, synthetic: Tables, metadata: Metadata, table: str, *, seed: int = 0
) -> float:
    """Return :func:`c2st` of a table's rows, each beside aggregates of its children.

    Parameters
    ----------
    real, synthetic : dict of str to DataFrame, pyarrow.Table or dict of columns
    metadata : Metadata
        Keys, and columns where they are described. Key columns are not looked at.
    table : str
    seed : int, default 0

    Returns
    -------
    float
        0.5 to 1.0.

    Examples
    --------
    >>> metadata = Metadata().add_table("shops", "id").add_table("sales", fk={"shop": "shops.id"})
    >>> shops = {"id": range(60), "size": [1, 2] * 30}
    >>> real = {"shops": shops, "sales": {"shop": [*range(60)] * 2}}
    >>> fake = {"shops": shops, "sales": {"shop": [0] * 120}}
    >>> c2st_with_children(real, fake, metadata, "shops") > 0.9
    True
    """
    (left, said), (right, _) = (with_children(t, metadata, table) for t in (real, synthetic))
    return c2st(left, right, said, seed=seed)


def c2st_aggregates(
    real: Tables, synthetic: Tables, metadata: Metadata, table: str, *, seed: int = 0
) -> float:
    """Return :func:`c2st` of a table's rows beside all that their children are together.

    More than :func:`c2st_with_children`: also how far the numbers of one parent's children
    spread, how many different categories they have, and the share of each of the five most
    frequent ones.

    Parameters
    ----------
    real, synthetic : dict of str to DataFrame, pyarrow.Table or dict of columns
    metadata : Metadata
        Keys, and columns where they are described. Key columns are not looked at.
    table : str
    seed : int, default 0

    Returns
    -------
    float
        0.5 to 1.0.

    References
    ----------
    Hudovernik, Jurkovič and Štrumbelj, "Benchmarking the fidelity and utility of synthetic
    relational data" (SyntheRela), 2024 (discriminative detection with aggregation).

    Examples
    --------
    >>> metadata = Metadata().add_table("shops", "id").add_table("sales", fk={"shop": "shops.id"})
    >>> shops = {"id": range(60), "size": [1, 2] * 30}
    >>> real = {"shops": shops, "sales": {"shop": [*range(60)] * 2, "paid": ["bar"] * 120}}
    >>> fake = {**real, "sales": {"shop": [*range(60)] * 2, "paid": ["bar", "card"] * 60}}
    >>> c2st_aggregates(real, fake, metadata, "shops") > 0.7
    True
    """
    real, synthetic = read_tables(real, metadata), read_tables(synthetic, metadata)
    sides = []
    for tables in (real, synthetic):
        rows, said = with_children(tables, metadata, table, spread=True)
        for label, shares in child_shares(tables, real, metadata, table).items():
            rows = rows.append_column(label, pa.array(shares, mask=np.isnan(shares)))
            said[label] = Column(name=label, kind="float", arrow="double")
        sides.append((rows, said))
    return c2st(sides[0][0], sides[1][0], sides[0][1], seed=seed)


def c2st_sequences(
    real: Tables,
    synthetic: Tables,
    metadata: Metadata,
    child: str,
    key: ForeignKey,
    order: Optional[str] = None,
    within: Sequence[str] = (),
    *,
    seed: int = 0,
) -> Optional[float]:
    """Return :func:`c2st` of a child's rows, each beside what differs from the row before.

    A series is in one fold only.

    Parameters
    ----------
    real, synthetic : dict of str to DataFrame, pyarrow.Table or dict of columns
    metadata : Metadata
        Keys, and columns where they are described. Key columns are not looked at.
    child : str
    key : ForeignKey
        One of the child's: whose rows are in order.
    order : str, optional
        A column of numbers or times; :func:`order_column` by default.
    within : sequence of str
        Columns of which each combination below a parent is a series of its own.
    seed : int, default 0

    Returns
    -------
    float, optional
        0.5 to 1.0; None where nothing orders the rows.

    Examples
    --------
    >>> metadata = Metadata().add_table("shops", "id").add_table("sales", fk={"shop": "shops.id"})
    >>> shop, day = [i for i in range(40) for _ in range(6)], [*range(6)] * 40
    >>> real = {"shops": {"id": range(40)}, "sales": {"shop": shop, "day": day, "size": day}}
    >>> fake = {**real, "sales": {"shop": shop, "day": day, "size": [3, 1, 4, 0, 5, 2] * 40}}
    >>> key = metadata.table("sales").foreign_keys[0]
    >>> c2st_sequences(real, fake, metadata, "sales", key, "day") > 0.9
    True
    """
    real, synthetic = read_tables(real, metadata), read_tables(synthetic, metadata)
    order = order or order_column(real, metadata, child, key, within)
    if order is None:
        return None
    sides = [
        with_previous(tables, metadata, child, key, order, within) for tables in (real, synthetic)
    ]
    groups = _families(real, synthetic, child, key)
    return c2st(sides[0][0], sides[1][0], sides[0][1], groups=groups, seed=seed)


def c2st_with_parents(
    real: Tables, synthetic: Tables, metadata: Metadata, table: str, *, seed: int = 0
) -> float:
    """Return :func:`c2st` of a table's rows, each beside those that its keys lead to.

    Rows may be known by what they share with others of their parent, where the tables of parents
    differ; :func:`c2st_over_key` looks at one key without that.

    Parameters
    ----------
    real, synthetic : dict of str to DataFrame, pyarrow.Table or dict of columns
    metadata : Metadata
        Keys, and columns where they are described. Key columns are not looked at.
    table : str
    seed : int, default 0

    Returns
    -------
    float
        0.5 to 1.0.

    Examples
    --------
    >>> metadata = Metadata().add_table("shops", "id").add_table("sales", fk={"shop": "shops.id"})
    >>> shops = {"id": [1, 2], "town": ["Ulm", "Bonn"]}
    >>> real = {"shops": shops, "sales": {"shop": [1, 2] * 60, "price": [5, 9] * 60}}
    >>> fake = {"shops": shops, "sales": {"shop": [1, 2] * 60, "price": [5, 5, 9, 9] * 30}}
    >>> c2st_with_parents(real, fake, metadata, "sales") > 0.6
    True
    """
    (left, said), (right, _) = (with_parents(t, metadata, table) for t in (real, synthetic))
    return c2st(left, right, said, seed=seed)


def c2st_over_key(
    real: Tables,
    synthetic: Tables,
    metadata: Metadata,
    child: str,
    key: ForeignKey,
    *,
    seed: int = 0,
) -> float:
    """Return :func:`c2st` of a child's rows, each beside its parent, which is in one fold only.

    Parameters
    ----------
    real, synthetic : dict of str to DataFrame, pyarrow.Table or dict of columns
    metadata : Metadata
        Keys, and columns where they are described. Key columns are not looked at.
    child : str
    key : ForeignKey
        One of the child's.
    seed : int, default 0

    Returns
    -------
    float
        0.5 to 1.0.

    Examples
    --------
    >>> metadata = Metadata().add_table("shops", "id").add_table("sales", fk={"shop": "shops.id"})
    >>> shops = {"id": range(60), "size": [1, 2] * 30}
    >>> real = {"shops": shops, "sales": {"shop": [*range(60)] * 4, "price": [5, 9] * 120}}
    >>> fake = {"shops": shops, "sales": {"shop": [*range(60)] * 4, "price": [5, 5, 9, 9] * 60}}
    >>> c2st_over_key(real, fake, metadata, "sales", metadata.table("sales").foreign_keys[0]) > 0.6
    True
    """
    real, synthetic = read_tables(real, metadata), read_tables(synthetic, metadata)
    (left, said), (right, _) = (with_parents(t, metadata, child, key) for t in (real, synthetic))
    a, b = _families(real, synthetic, child, key)
    above = [attributes(tables, metadata, key.parent)[0] for tables in (real, synthetic)]
    if not above[0].column_names or not above[0].equals(above[1]):
        b = b + a.max(initial=0) + 1  # else the same parents on both sides
    return c2st(left, right, said, groups=(a, b), seed=seed)


def _families(
    real: Mapping[str, pa.Table], synthetic: Mapping[str, pa.Table], child: str, key: ForeignKey
) -> tuple[IntArray, IntArray]:
    """Return the parent of each row; one without is a family of its own, beyond all parents."""
    found = []
    for tables in (real, synthetic):
        parents = rows_of(tables, key.parent)
        at = parent_rows(rows_of(tables, child), key, parents)
        found.append(np.where(at < 0, len(parents) + np.arange(len(at)), at))
    return found[0], found[1]


def feature_attribution(
    real: Any,
    synthetic: Any,
    columns: Columns = None,
    *,
    most: int = 5,
    seed: int = 0,
    quick: bool = False,
) -> list[FeatureAttribution]:
    """Return the columns that tell synthetic from real rows best, the most telling first.

    A classifier as in :func:`c2st` is trained on two thirds of the rows; on the others each
    column is shuffled in turn. The columns that matter are those whose drop is well above zero.

    Parameters
    ----------
    real, synthetic : DataFrame, pyarrow.Table or dict of columns
    columns : collection of str, or dict of str to Column, optional
        Those to look at, and what they are; as in :func:`c2st`.
    most : int, default 5
        Columns that are returned.
    seed : int, default 0
    quick : bool, default False
        As in :func:`c2st`.

    Returns
    -------
    list of FeatureAttribution

    References
    ----------
    Breiman, "Random forests", 2001 (permutation importance).

    Examples
    --------
    >>> import numpy as np
    >>> a, b, c = np.random.default_rng(1).normal(size=(3, 400))
    >>> first, *_ = feature_attribution({"x": a, "y": b}, {"x": a, "y": c + 2})
    >>> first.column, first.drop > 0.2, first.alone > 0.8
    ('y', True, True)
    """
    from sklearn.metrics import roc_auc_score

    said, (left, right) = harmonised(columns, real, synthetic)
    features, labels, names = _labelled(left, right, said, seed)
    if not features.size:
        return []
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    train, test = order[len(order) // 3 :], order[: len(order) // 3]
    held_out = features[test]

    def area(trees: Trees, x: Floats) -> float:
        return float(roc_auc_score(labels[test], trees.scores(x)))

    # trained once: what a model without the column would lose, another column may make up for
    trees = Trees(features[train], labels[train], seed, quick=quick)
    whole, rest = area(trees, held_out), []
    for i in range(len(names)):
        # among held-out rows: a shuffled column keeps its distribution, and goes with nothing
        shuffled = held_out.copy()
        shuffled[:, i] = rng.permutation(shuffled[:, i])
        rest.append(area(trees, shuffled))
    found = []
    for i in sorted(range(len(names)), key=lambda i: rest[i])[:most]:
        only = Trees(features[train][:, [i]], labels[train], seed, quick=quick)
        alone = area(only, held_out[:, [i]])
        found.append(FeatureAttribution(names[i], whole - rest[i], max(alone, 1.0 - alone)))
    return found


def _owners(groups: tuple[Any, Any], real: pa.Table, synthetic: pa.Table, seed: int) -> IntArray:
    """Return a number for the group of each row that is looked at; without one, its own."""
    # dense ranks over both sides: the same parent has the same number on each
    names = harmonised_pair(None, *groups)[1]
    for array, rows in zip(names, (real, synthetic)):
        if len(array) != len(rows):
            raise SchemaError(f"There are {len(array):,} groups for {len(rows):,} rows.")
    both = pa.chunked_array([c for array in names for c in array.chunks], names[0].type)
    codes = np.asarray(pc.rank(both, tiebreaker="dense"), np.int64)
    alone = ~np.asarray(both.is_valid())
    # a row without a group is one of its own; ranks end at the number of rows
    codes[alone] = len(codes) + np.flatnonzero(alone)
    drawn = _drawn(real, synthetic, seed)
    found: IntArray = codes[np.concatenate([drawn[0], len(real) + drawn[1]])]
    return found


def _labelled(
    real: pa.Table, synthetic: pa.Table, columns: Mapping[str, Column], seed: int
) -> tuple[Floats, IntArray, list[str]]:
    """Return rows of both sides as numbers, (rows, columns), 0 or 1 for each one's side, and names.

    Real rows come first; NULL is NaN. Empty where fewer than ten rows of each, or no column, are.
    """
    drawn = _drawn(real, synthetic, seed)
    # as many of both, as the test has it: of a side that they rarely see, trees learn little
    rows = len(drawn[0])
    sides = [t.take(pa.array(rows)) for t, rows in zip((real, synthetic), drawn)]
    chosen = comparable_columns(sides[0], columns, most=None)  # trees need no pairs of columns
    if rows < 10 or not chosen:
        return np.zeros((0, 0)), np.zeros(0, np.int64), []
    features = np.stack([np.concatenate(features_of(c, sides)) for c in chosen], axis=1)
    return features, np.repeat(np.array([0, 1]), rows), [c.name for c in chosen]


def _drawn(real: Sized, synthetic: Sized, seed: int) -> list[IntArray]:
    """Return which rows of both sides are looked at."""
    rng = np.random.default_rng(seed)
    rows = min(len(real), len(synthetic), ROWS)
    return [np.sort(rng.permutation(len(side))[:rows]) for side in (real, synthetic)]


def _folds(
    labels: IntArray, owners: Optional[IntArray], seed: int
) -> list[tuple[IntArray, IntArray]]:
    from sklearn.model_selection import StratifiedKFold

    if owners is not None:
        _, first, group = np.unique(owners, return_index=True, return_inverse=True)
        side = labels[first]
        if min(len(np.unique(owners[labels == label])) for label in (0, 1)) >= _FOLDS:
            # groups are dealt to the folds in turn, the real ones first: each fold has of both
            shuffled = np.random.default_rng(seed).permutation(len(side))
            fold = np.empty(len(side), np.int64)
            fold[shuffled[np.argsort(side[shuffled], kind="stable")]] = np.arange(len(side))
            of_row = fold[group.reshape(-1)] % _FOLDS
            return [
                (np.flatnonzero(of_row != i), np.flatnonzero(of_row == i)) for i in range(_FOLDS)
            ]
    return list(StratifiedKFold(_FOLDS, shuffle=True, random_state=seed).split(labels, labels))
