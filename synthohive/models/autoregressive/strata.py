"""Stratified random numbers for how groups begin, as a few long groups decide shares.

What 26 clubs of a hundred seasons begin with (their league) stays for most of the rows: independent
draws leave shares of rows to chance, by .084 there, and by .031 where groups of about the same size
take a number from each stratum (stratified sampling; Cochran, "Sampling techniques", 1977).
"""

from __future__ import annotations

import numpy as np

from synthohive._arrays import Floats32, IntArray
from synthohive.encoding.encoded import EncodedTable

__all__ = ["first_rows", "stratified"]

STRATA = 16
"""Groups of neighbouring sizes that share the strata."""


def first_rows(context: EncodedTable) -> IntArray:
    """Return the rows that groups begin with, those of the largest ones first."""
    names = [block.column for block in context.layout.continuous]
    if "__position__" not in names:
        return np.zeros(0, dtype=np.int64)
    position, size = (
        context.values[:, names.index(f"__{n}__")] for n in ("position", "group_size")
    )
    rows = np.flatnonzero(position <= -1)
    order: IntArray = rows[np.argsort(-size[rows], kind="stable")]
    return order


def stratified(uniforms: Floats32, rng: np.random.Generator) -> Floats32:
    """Return numbers in [0, 1) for each variable and row: one in each stratum of so many rows.

    Parameters
    ----------
    uniforms : ndarray of float32, shape (J, B)
        Independent ones, whose order in each stretch of rows is kept.
    rng : numpy.random.Generator
    """
    count = uniforms.shape[1]
    whole = count - count % STRATA
    # sizes in full: of no variable at all (each is constant), none can be told from the others
    cut = uniforms[:, :whole].reshape(len(uniforms), whole // STRATA, STRATA)
    parts = [cut, uniforms[:, None, whole:]]
    found = []
    for part in parts:
        # of independent numbers, the ranks are a random permutation
        ranks = part.argsort(axis=2).argsort(axis=2)
        within = rng.random(part.shape, dtype=np.float32)
        drawn = (ranks + within) / max(part.shape[2], 1)
        found.append(drawn.reshape(len(uniforms), part.shape[1] * part.shape[2]))
    below: Floats32 = np.minimum(np.concatenate(found, axis=1), 1 - 2**-24).astype(np.float32)
    return below
