"""Rows that break a CHECK about their keys trade a parent with others, so that both hold.

Each parent keeps its number of children by that, which drawing another one would change.
"""

from __future__ import annotations

import numpy as np

from synthohive._arrays import Bools, IntArray
from synthohive.link.row_keys import RowKeys

__all__ = ["trade"]


ROUNDS = 100
MOST_OFFERS = 32
"""Rows that one is offered in a round, where few have to trade."""
IDLE = 10
"""Rounds without a trade, after which no more are tried."""


def trade(keys: RowKeys, rng: np.random.Generator) -> IntArray:
    """Let rows trade parents, in place; return those that have others now."""
    touched = np.zeros(keys.rows, dtype=np.bool_)
    columns = [c for key in keys.keys for c in key.columns]
    if not keys.checks or keys.known or len(set(columns)) < len(columns):
        return np.flatnonzero(touched)
    idle = 0
    for _ in range(ROUNDS):
        bad = np.flatnonzero(keys.breaking(keys.codes, np.arange(keys.rows, dtype=np.int64)))
        if not len(bad) or idle == IDLE:
            break
        number = int(rng.integers(len(keys.keys)))
        others = np.ones(keys.rows, dtype=np.bool_)
        others[bad] = False
        partners = rng.permutation(np.flatnonzero(others))
        one = np.tile(rng.permutation(bad), MOST_OFFERS)[: len(partners)]
        two = partners[: len(one)]
        linked = (keys.chosen[number][one] >= 0) & (keys.chosen[number][two] >= 0)
        one, two = one[linked], two[linked]
        held = np.flatnonzero(_held(keys, number, one, two))
        held = held[np.unique(one[held], return_index=True)[1]]  # each trades once
        _swap(keys, number, one[held], two[held])
        touched[one[held]] = touched[two[held]] = True
        idle = 0 if len(held) else idle + 1
    rows = np.flatnonzero(touched)
    for number, key in enumerate(keys.keys):
        parent = keys.chosen[number][rows]
        source = np.stack([np.where(parent >= 0, number, -1), parent])
        for column in key.columns:
            keys.put_source(column, rows, source)
    return rows


def _held(keys: RowKeys, number: int, one: IntArray, two: IntArray) -> Bools:
    """Tell which pairs would hold after the trade, and repeat nothing."""
    here, there = np.concatenate([one, two]), np.concatenate([two, one])
    own = keys.keys[number].columns
    codes = {c: values[there if c in own else here] for c, values in keys.codes.items()}
    held = ~keys.breaking(codes, here)
    for unique in keys.unique_sets({}):
        known = keys.hashes(unique, keys.codes, {})
        fresh = keys.hashes(unique, codes, {})
        first = np.zeros(len(fresh), dtype=np.bool_)
        kept = np.flatnonzero(held)
        first[kept[np.unique(fresh[kept], return_index=True)[1]]] = True
        held &= (fresh == 0) | (first & ~np.isin(fresh, known))
    return np.asarray(held[: len(one)] & held[len(one) :])


def _swap(keys: RowKeys, number: int, one: IntArray, two: IntArray) -> None:
    for values in [keys.chosen[number], *(keys.codes[c] for c in keys.keys[number].columns)]:
        values[one], values[two] = values[two], values[one]
