"""How scales go together: noisy correlations of normal scores, all pairs in one question.

Far less noise than counts of pairs have: a correlation is one number, a table of two columns dozens
(Li, Xiong & Jiang, "Differentially private synthesization of multi-dimensional data using copula
functions", 2014).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import ndtr, ndtri

from synthohive._arrays import Floats, IntArray
from synthohive.learn.private.counting import Asked
from synthohive.learn.private.settings import SETTINGS

__all__ = ["copula", "correlations", "normal_scores"]

_STEPS = 32
"""Points within a code at which a normal copula is taken."""


def normal_scores(shares: Floats) -> Floats:
    """Return the normal scores of a scale's codes, of mean 0 and deviation 1."""
    shares = shares / max(float(shares.sum()), 1e-9)
    score = ndtri(np.clip(np.cumsum(shares) - shares / 2, 1e-6, 1 - 1e-6))
    score = score - (score * shares).sum()
    scaled: Floats = score / max(math.sqrt((score**2 * shares).sum()), 1e-9)
    return scaled


def correlations(
    asked: Asked, codes: Mapping[str, IntArray], scales: Mapping[str, Floats], share: float
) -> Floats:
    """Ask how scales go together; return a matrix that could be one of correlations.

    Parameters
    ----------
    asked : Asked
    codes : mapping of str to ndarray of int64, shape (rows,)
    scales : mapping of str to ndarray
        The shares of each scale's codes, with noise; what lies beyond them is NULL.
    share : float
        Of the budget.
    """
    names, units = tuple(scales), asked.units
    scores = np.zeros((len(units), len(names)))
    for at, name in enumerate(names):
        score, code = normal_scores(scales[name]), codes[name]
        there = (code >= 0) & (code < len(score))
        scores[there, at] = score[code[there]]
    most = SETTINGS.score_norm * len(names)
    norms = np.maximum((scores**2).sum(axis=1), 1e-12)
    scores *= np.sqrt(np.minimum(1.0, most / norms))[:, None]
    left, right = np.triu_indices(len(names), k=1)
    # a row's products have a norm of `most` / √2 at most; a constant beside them counts the rows
    pairs = [scores[:, i] * scores[:, j] for i, j in zip(left, right)]
    columns = [*pairs, np.full(len(units), most / 2)]
    bound = math.sqrt(asked.rows_per_unit) * most * math.sqrt(0.75)
    exact = _bounded_sums(units, columns, bound)
    question = "how scales go together"
    noisy, _ = asked.budget.ask([exact], bound, share, asked.table, names, question)
    found = np.eye(len(names))
    rows = max(float(noisy[0][-1]) / (most / 2), 1.0)
    found[left, right] = found[right, left] = np.clip(noisy[0][:-1] / rows, -1, 1)
    return _possible(found)


def _bounded_sums(units: IntArray, columns: Sequence[Floats], bound: float) -> Floats:
    """Return sums over all rows; what one unit adds to all of them is scaled down to the bound."""
    count = int(units.max(initial=-1)) + 1
    squares = np.zeros(count)
    for values in columns:
        squares += np.bincount(units, weights=values, minlength=count) ** 2
    weights = np.minimum(1.0, bound / np.sqrt(np.maximum(squares, 1e-300)))[units]
    return np.array([float((weights * values).sum()) for values in columns])


def _possible(matrix: Floats) -> Floats:
    """Return the matrix without the negative eigenvalues that noise may bring."""
    values, vectors = np.linalg.eigh(matrix)
    matrix = (vectors * np.maximum(values, 1e-3)) @ vectors.T
    scale = 1 / np.sqrt(np.diag(matrix))
    possible: Floats = matrix * scale[:, None] * scale[None, :]
    return possible


def copula(rows: Floats, columns: Floats, correlation: float) -> Floats:
    """Return the shares of two scales that go together as two normal variables do."""
    ends = ndtri(np.clip(np.cumsum(columns) / max(float(columns.sum()), 1e-9), 0, 1))
    upto = np.cumsum(rows) / max(float(rows.sum()), 1e-9)
    width = rows / max(float(rows.sum()), 1e-9)
    steps = (np.arange(_STEPS) + 0.5) / _STEPS
    places = ndtri(np.clip(upto[:, None] - width[:, None] * (1 - steps), 1e-9, 1 - 1e-9))
    spread = math.sqrt(max(1 - correlation**2, 1e-6))
    below = ndtr((ends - correlation * places[..., None]) / spread).mean(axis=1)
    shares: Floats = np.diff(below, axis=1, prepend=0.0) * rows[:, None]
    return shares * float(columns.sum())
