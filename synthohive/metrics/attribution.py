"""Which columns give synthetic rows away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from synthohive._arrays import Floats
from synthohive.metrics.classifier import labelled_features
from synthohive.metrics.harmonise import Columns, harmonised
from synthohive.metrics.trees import Trees

__all__ = ["FeatureAttribution", "feature_attribution"]


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


def feature_attribution(
    real: Any, synthetic: Any, columns: Columns = None, *, most: int = 5, seed: int = 0
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
    features, labels, names = labelled_features(left, right, said, seed)
    if not features.size:
        return []
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    train, test = order[len(order) // 3 :], order[: len(order) // 3]
    held_out = features[test]

    def area(trees: Trees, x: Floats) -> float:
        return float(roc_auc_score(labels[test], trees.scores(x)))

    # trained once: what a model without the column would lose, another column may make up for
    trees = Trees(features[train], labels[train], seed)
    whole, rest = area(trees, held_out), []
    for i in range(len(names)):
        # among held-out rows: a shuffled column keeps its distribution, and goes with nothing
        shuffled = held_out.copy()
        shuffled[:, i] = rng.permutation(shuffled[:, i])
        rest.append(area(trees, shuffled))
    found = []
    for i in sorted(range(len(names)), key=lambda i: rest[i])[:most]:
        alone = area(Trees(features[train][:, [i]], labels[train], seed), held_out[:, [i]])
        found.append(FeatureAttribution(names[i], whole - rest[i], max(alone, 1.0 - alone)))
    return found
