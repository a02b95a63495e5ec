"""Labels that never repeat in a group, settled before all else of their rows is drawn.

A model draws each label for itself, so that some repeat. What else a row holds goes with its
label, and so do its children: a label that was changed afterwards would leave both behind.
"""

from __future__ import annotations

from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.constrain.base import Repairing
from synthohive.constrain.unique import UniqueRepair, UniqueRule
from synthohive.learn.fitted import FittedTable
from synthohive.schema import ForeignKey

__all__ = ["label_sets", "settled_labels"]

GROUP = "__group__"
_CODED = ("categorical", "frequent")


def label_sets(table: FittedTable, driver: Optional[ForeignKey]) -> list[tuple[str, ...]]:
    """Return the categories that never repeat together in a group, though each row draws its own.

    Parameters
    ----------
    table : FittedTable
    driver : ForeignKey, optional
        The key that makes the groups.
    """
    encoder, model, program = table.encoder, table.model, table.program
    if driver is None or encoder is None or model is None or not model.abilities.conditional:
        return []
    moved = {*program.by_target, *program.presences, *(one.column for one in program.sticky)}
    drawn = {n for n, kind in encoder.kinds.items() if kind in _CODED and n not in moved}
    found = []
    for unique in table.config.unique_sets:
        own = tuple(name for name in unique if name not in driver.columns)
        if own and set(own) <= drawn & set(table.free) and set(driver.columns) < set(unique):
            found.append(own)
    return found


def settled_labels(
    table: FittedTable,
    sets: list[tuple[str, ...]],
    rows: pa.Table,
    groups: IntArray,
    rng: np.random.Generator,
) -> Optional[pa.Table]:
    """Return labels of whole groups of which none repeats in one; None where none does.

    Parameters
    ----------
    sets : list of tuple of str
        As :func:`label_sets` has them.
    rows : pyarrow.Table
        As they were drawn.
    groups : ndarray of int64, shape (rows,)
        -1 for none.
    """
    names = list(dict.fromkeys(name for own in sets for name in own))
    labels = rows.select(names)
    marked = labels.append_column(GROUP, pa.array(groups, mask=groups < 0))
    repairs = [
        UniqueRepair(table.config, UniqueRule((*own, GROUP)), set(own), apart=True) for own in sets
    ]
    settled, repaired = Repairing(marked, repairs, rng).run()
    return settled.select(names) if repaired else None
