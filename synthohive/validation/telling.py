"""Which columns give synthetic rows away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from synthohive.schema import Column
from synthohive.validation.detection import labelled_features
from synthohive.validation.trees import scores_of

__all__ = ["Telling", "telling_columns"]


@dataclass(frozen=True)
class Telling:
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
    """

    column: str
    drop: float
    alone: float


def telling_columns(
    real: pa.Table,
    synthetic: pa.Table,
    columns: Mapping[str, Column],
    *,
    most: int = 5,
    seed: int = 0,
) -> list[Telling]:
    """Return the columns that tell synthetic from real rows best, the most telling first.

    A classifier as in :func:`~synthohive.validation.detection.c2st` is trained on two thirds of
    the rows; on the others each column is shuffled in turn. The columns that matter
    are those whose drop is well above zero.
    """
    from sklearn.metrics import roc_auc_score

    features, labels, names = labelled_features(real, synthetic, columns, seed)
    if not features.size:
        return []
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    train, test = order[len(order) // 3 :], order[: len(order) // 3]
    held_out = features[test]
    shuffled = [held_out]
    for i in range(len(names)):
        other = held_out.copy()
        other[:, i] = rng.permutation(other[:, i])
        shuffled.append(other)
    scores = scores_of(features[train], labels[train], np.concatenate(shuffled), seed)
    whole, *rest = (
        float(roc_auc_score(labels[test], part)) for part in np.split(scores, len(shuffled))
    )
    found = []
    for i in sorted(range(len(names)), key=lambda i: rest[i])[:most]:
        one = [i]
        scores = scores_of(features[train][:, one], labels[train], held_out[:, one], seed)
        alone = float(roc_auc_score(labels[test], scores))
        found.append(Telling(names[i], whole - rest[i], max(alone, 1.0 - alone)))
    return found
