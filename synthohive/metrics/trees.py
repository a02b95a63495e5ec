"""The gradient-boosted trees that the classifier test and the utility score train."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from synthohive._arrays import AnyArray, Floats

__all__ = ["Trees"]


class Trees:
    """Trees that were trained on rows; NULL is NaN.

    Parameters
    ----------
    x : ndarray of float64, shape (rows, features)
    y : ndarray, shape (rows,)
        Numbers, or numbers of classes; without NaN.
    seed : int
    numeric : bool
        Whether `y` are numbers.
    quick : bool
        Few and small trees. Of 2,000 rows a side, they tell shifts of 0.3 standard deviations and
        lost correlations as well as the usual ones do, five times as fast.
    """

    def __init__(
        self, x: Floats, y: AnyArray, seed: int, numeric: bool = False, quick: bool = False
    ) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        # of histograms: no column is sorted for each split; and NaN has branches of its own,
        # where a number filled in would be one that other rows have
        kind = HistGradientBoostingRegressor if numeric else HistGradientBoostingClassifier
        size = {"max_iter": 30, "max_leaf_nodes": 8} if quick else {}
        with _one_thread():
            self.model = kind(random_state=seed, **size).fit(x, y)

    def scores(self, x: Floats) -> Floats:
        """Return the probability of the second class, ``(rows,)``."""
        with _one_thread():
            return np.asarray(self.model.predict_proba(x)[:, 1], np.float64)

    def predictions(self, x: Floats) -> Floats:
        """Return the expected number, or the most probable class, ``(rows,)``."""
        with _one_thread():
            return np.asarray(self.model.predict(x), np.float64)


def _one_thread() -> Any:
    """Limit OpenMP: its threads wait for each other in busy loops where cores are shared."""
    return _threads().limit(limits=1, user_api="openmp")


@lru_cache(maxsize=1)
def _threads() -> Any:
    """Return what knows the libraries that are loaded: to look for them takes 7 ms each time."""
    import sklearn.ensemble  # noqa: F401  # loads OpenMP
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
