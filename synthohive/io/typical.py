"""Which rows of a stratified sample would have been drawn anyway: the real shares are theirs.

Rows of rare categories come first, so that there are enough to learn from; of all others, and of
those, the ones that chance alone would have drawn are a sample in which each row counts the same.
Models learn from all rows, and their marginal distributions are corrected to those of typical ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import AnyArray, Bools
from synthohive.io.keys import match_rows
from synthohive.io.sample_levels import STEPS
from synthohive.schema import ForeignKey

__all__ = ["by_hash", "typical_rows"]


def by_hash(order: AnyArray, step: AnyArray) -> Bools:
    """Return which drawn rows are no later by chance than the last that no category let in.

    Parameters
    ----------
    order : ndarray, shape (rows,)
        Their places by chance.
    step : ndarray, shape (rows,)
        How early their categories let them be; more than the last of `STEPS` where they do not.

    Examples
    --------
    >>> by_hash(np.array([3, 70, 9, 12]), np.array([1, 1, 17, 17]))
    array([ True, False,  True,  True])
    """
    last = order[step > STEPS[-1]].max(initial=-1)
    return np.asarray(order <= last)


def typical_rows(
    drivers: Mapping[str, Optional[ForeignKey]],
    drawn: Mapping[str, pa.Table],
    entities: Mapping[str, Bools],
) -> dict[str, Bools]:
    """Return which drawn rows are typical, or belong to a row that is.

    Parameters
    ----------
    drivers : mapping of str to ForeignKey or None
        Each table's driving key, parents first.
    drawn : mapping of str to pyarrow.Table
    entities : mapping of str to ndarray of bool
        Which rows are typical, of the tables at which they are drawn.

    Returns
    -------
    dict of str to ndarray of bool
        Of the tables that have both sorts of rows.

    Examples
    --------
    >>> key = ForeignKey(columns=["shop"], parent="shop", parent_columns=["id"])
    >>> rows = {"shop": pa.table({"id": [1, 2]}), "visit": pa.table({"shop": [2, 1, None]})}
    >>> found = typical_rows({"shop": None, "visit": key}, rows, {"shop": np.array([True, False])})
    >>> found["visit"]
    array([False,  True,  True])
    """
    found = dict(entities)
    for name, key in drivers.items():
        if name not in found and key is not None and key.parent in found:
            parents, above = drawn[key.parent], found[key.parent]
            at = match_rows(drawn[name], key.columns, parents, key.parent_columns)
            found[name] = (at < 0) | np.append(above, True)[at]
    return {name: rows for name, rows in found.items() if rows.any() and not rows.all()}
