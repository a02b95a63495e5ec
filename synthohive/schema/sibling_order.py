"""In which order the rows of a group stand, which are the children of one parent."""

from __future__ import annotations

from collections.abc import Sequence

from synthohive.schema.columns import ColumnKind
from synthohive.schema.tables import ForeignKey, TableConfig

__all__ = ["ORDERED", "TIMES", "sibling_order"]

TIMES = frozenset({ColumnKind.DATE, ColumnKind.TIMESTAMP})
ORDERED = TIMES | {ColumnKind.INTEGER}


def sibling_order(config: TableConfig, names: Sequence[str], driver: ForeignKey) -> list[str]:
    """Return the columns that the rows of a group are sorted by; none if they stand as they come.

    What never repeats in a group beside it is the date of a series. A primary key that counts tells
    the order in which rows were added; one of random characters does not: the first column with a
    time does.

    Parameters
    ----------
    config : TableConfig
    names : sequence of str
        The columns of its rows.
    driver : ForeignKey
        The key that makes the groups: its own columns tell nothing of the order inside one.
    """
    group = set(driver.columns)
    for unique in config.unique_sets:
        rest = [column for column in unique if column not in group]
        if group <= set(unique) and len(rest) == 1 and config.columns[rest[0]].kind in TIMES:
            return rest
    rest = [c for c in config.pk if c not in driver.columns]
    if rest and all(config.columns[c].kind in ORDERED for c in rest):
        return rest
    return [name for name in names if config.columns[name].kind in TIMES][:1]
