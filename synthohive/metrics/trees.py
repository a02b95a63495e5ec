"""The gradient-boosted trees that the classifier test and the utility score train."""

from __future__ import annotations

from typing import Any

import numpy as np

from synthohive._arrays import AnyArray, Floats

__all__ = ["predictions_of", "scores_of"]


def scores_of(x: Floats, y: AnyArray, test: Floats, seed: int) -> Floats:
    """Return the probability of the second class.

    Parameters
    ----------
    x : ndarray of float64, shape (rows, features)
        What is learned from; NULL is NaN.
    y : ndarray, shape (rows,)
        Of two classes.
    test : ndarray of float64, shape (test rows, features)
    seed : int

    Returns
    -------
    ndarray of float64, shape (test rows,)
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    with _one_thread():
        model = HistGradientBoostingClassifier(random_state=seed).fit(x, y)
        return np.asarray(model.predict_proba(test)[:, 1], np.float64)


def predictions_of(x: Floats, y: AnyArray, test: Floats, seed: int, *, numeric: bool) -> Floats:
    """Return the expected number, or the most probable class.

    Parameters
    ----------
    x : ndarray of float64, shape (rows, features)
        What is learned from; NULL is NaN.
    y : ndarray of float64, shape (rows,)
        Numbers, or numbers of classes; without NaN.
    test : ndarray of float64, shape (test rows, features)
    seed : int
    numeric : bool
        Whether `y` are numbers.

    Returns
    -------
    ndarray of float64, shape (test rows,)
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingRegressor if numeric else HistGradientBoostingClassifier
    with _one_thread():
        model = kind(random_state=seed).fit(x, y)
        return np.asarray(model.predict(test), np.float64)


def _one_thread() -> Any:
    """Limit OpenMP: its threads wait for each other in busy loops where cores are shared."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, user_api="openmp")
