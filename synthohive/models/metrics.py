"""How far generated rows are from real ones; lower is better, 0 is the same."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthohive._arrays import Codes, Floats32
from synthohive.encoding.encoded import EncodedTable
from synthohive.metrics.classifier import area_told
from synthohive.metrics.distances import ks_of_numbers, tvd_of_codes
from synthohive.models.blocks import active

__all__ = ["classifier_area", "distance", "marginal_distance", "pair_distance"]

BINS = 8
"""Classes of a block, so 64 cells of a pair: more would stay empty where few rows are held out."""
MOST_COLUMNS = 64
"""Columns of each side that are paired; more are thinned out evenly."""

LEAST_TOLD = 30
"""Rows of each kind below which a classifier tells nothing."""


def distance(real: EncodedTable, made: EncodedTable, context: EncodedTable) -> float:
    """Return the mean of :func:`marginal_distance` and :func:`pair_distance`.

    Parameters
    ----------
    real, made : EncodedTable
        Of one layout, as many rows; `made` was generated for the contexts of `real`.
    context : EncodedTable
        A row for each of them.
    """
    return 0.5 * (marginal_distance(real, made) + pair_distance(real, made, context))


def marginal_distance(real: EncodedTable, made: EncodedTable) -> float:
    """Return the mean distance over all blocks: TVD of codes, KS of floats."""
    blocks = range(len(real.layout.discrete))
    scores = [tvd_of_codes(real.codes[:, i], made.codes[:, i]) for i in blocks]
    for i in range(len(real.layout.continuous)):
        sides = [t.values[active(t, i), i] for t in (real, made)]
        if min(map(len, sides)):
            scores.append(ks_of_numbers(*sides))
    return float(np.mean(scores)) if scores else 0.0


def pair_distance(real: EncodedTable, made: EncodedTable, context: EncodedTable) -> float:
    """Return the mean TVD over pairs of blocks, and of blocks with blocks of the context.

    Parameters
    ----------
    real, made : EncodedTable
        Of one layout, as many rows; 0 where there are none, or no blocks.
    context : EncodedTable
        A row for each of them; it may have no blocks.
    """
    known, given = _classes(real, real), _classes(context, context)
    other = _classes(real, made)
    if not known.shape[1] or not len(known):
        return 0.0
    # one product of indicators has the joint shares of all pairs, (blocks * BINS, all * BINS)
    tables = [own.T @ np.concatenate([own, given], axis=1) / len(own) for own in (known, other)]
    # absolute differences, added over the BINS x BINS cells of a pair, are twice its TVD
    tiles = np.abs(tables[0] - tables[1]).reshape(known.shape[1] // BINS, BINS, -1, BINS)
    return float(0.5 * tiles.sum(axis=(1, 3)).mean())


def classifier_area(real: EncodedTable, made: EncodedTable, context: EncodedTable) -> float:
    """Return the area under the ROC curve of a classifier of real and generated rows.

    Parameters
    ----------
    real, made : EncodedTable
        Of one layout, as many rows; fewer than 30 tell nothing.
    context : EncodedTable
        A row for each of them, which is seen beside both; it may have no blocks.
    """
    if len(real) < LEAST_TOLD:
        return 0.5
    rows = [
        np.concatenate([t.codes, t.values, context.codes, context.values], axis=1)
        for t in (real, made)
    ]
    return area_told(np.concatenate(rows), np.repeat([0, 1], [len(real), len(made)]))


def _classes(reference: EncodedTable, table: EncodedTable) -> Floats32:
    """Return the classes as indicators, ``(rows, blocks * BINS)``."""
    columns = [_of_codes(reference.codes[:, i], table.codes[:, i]) for i in _thin(table.codes)]
    columns += [_of_floats(reference.values[:, i], table.values[:, i]) for i in _thin(table.values)]
    if not columns:
        return np.empty((len(table), 0), dtype=np.float32)
    classes = np.stack(columns, axis=1)
    return np.eye(BINS, dtype=np.float32)[classes].reshape(len(table), -1)


def _thin(matrix: npt.NDArray[np.generic]) -> list[int]:
    width = matrix.shape[1]
    return sorted(set(np.linspace(0, width - 1, min(width, MOST_COLUMNS)).astype(int).tolist()))


def _of_codes(reference: Codes, codes: Codes) -> npt.NDArray[np.intp]:
    # + 1: an absent row's -1 is a class like any other
    counts = np.bincount(reference + 1, minlength=int(codes.max(initial=-1)) + 2)
    place = np.full(len(counts), BINS - 1)
    top = np.argsort(-counts, kind="stable")[: BINS - 1]  # the last class is all the others
    place[top] = np.arange(len(top))
    found: npt.NDArray[np.intp] = place[codes + 1]
    return found


def _of_floats(reference: Floats32, values: Floats32) -> npt.NDArray[np.intp]:
    if not len(reference):
        return np.zeros(len(values), dtype=np.intp)
    edges = np.quantile(reference, np.linspace(0, 1, BINS + 1)[1:-1])
    return np.searchsorted(edges, values)
