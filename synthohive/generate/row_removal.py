"""Rows for which no keys hold, left out together with those that refer to them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from synthohive._arrays import Bools
from synthohive._logging import get_logger
from synthohive.generate.run import Run
from synthohive.tables.base import gather

__all__ = ["remove_rows"]

log = get_logger(__name__)


def remove_rows(run: Run, left: Mapping[str, Bools]) -> None:
    """Leave out rows, and whatever refers to them, over all keys that are filled by now.

    Parameters
    ----------
    left : mapping of str to ndarray of bool
        Per table.
    """
    keep = {name: np.ones(made.spool.rows, dtype=np.bool_) for name, made in run.tables.items()}
    for name, rows in left.items():
        keep[name] &= ~rows
    keys = [(child, k) for child, k in run.fitted.metadata.foreign_keys() if child in run.tables]
    # over all keys again and again: a row that goes may take rows of any table with it, in circles
    # as well; each round but the last removes a row
    changed = True
    while changed:
        changed = False
        for child, key in keys:
            if key.parent not in run.tables or keep[key.parent].all():
                continue
            parents = run.parent_rows(child, key)
            lost = keep[child] & (parents >= 0) & ~keep[key.parent][parents]
            keep[child] &= ~lost
            changed = changed or bool(lost.any())
    # the number that each row has afterwards: as many stay before it
    moved = {name: np.cumsum(rows) - 1 for name, rows in keep.items()}
    for child, key in keys:
        link = run.fitted.plan.tables[child].link(key)
        known = run.tables[child].chosen(link)
        if known is not None and key.parent in moved:
            run.tables[child].choose(link, gather(moved[key.parent], known))
    for name, rows in keep.items():
        if not rows.all():
            log.warning("rows_left_out", table=name, rows=int((~rows).sum()))
            run.tables[name].keep(rows)
